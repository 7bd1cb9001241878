"""Runs on disk: their files, what those may hold, and runs, lists and exports read from them."""
