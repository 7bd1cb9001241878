"""Shared foundations: declared settings, plug-ins, files, links, processes, the machine."""

__version__ = "0.1.0"
