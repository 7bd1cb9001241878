"""Processes that train: their pool, what they are sent, and the module that each of them runs."""
