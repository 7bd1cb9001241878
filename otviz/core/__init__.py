"""Shared foundations: declared settings, plug-ins, files, links, processes, the machine."""
