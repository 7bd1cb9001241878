"""The command line, `python -m otviz`."""
