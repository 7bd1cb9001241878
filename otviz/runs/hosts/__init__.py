"""Host processes for trainings: their pool, the messages, and the module that each process runs."""

MODULE = "otviz.runs.hosts.training_server"
"""The module that each process runs."""
