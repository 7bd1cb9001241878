"""Host processes for trainings: their pool, the messages, and the module that each process runs."""

from otviz.core.machine import cores, total_memory

MODULE = "otviz.runs.hosts.training_server"
"""The module that each process runs."""

MOST = 4
"""Maximum number of hosts."""

SERVER, HOST = 0.65e9, 0.5e9
"""Bytes of memory that the server of the pages takes, and a host."""


def fitting() -> int:
    """Number of hosts for which this machine, or container, has cores and memory, at most `MOST`; 0 if not even for one."""
    return min(MOST, cores(), int(max(total_memory() - SERVER, 0.0) // HOST))
