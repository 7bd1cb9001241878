"""Runs: training watched from outside. A thread, a probe, snapshots; a registry; a store on disk."""
