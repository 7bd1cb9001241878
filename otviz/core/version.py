"""The version of otviz."""

__version__ = "0.1.0"
