"""Runs on disk: their files and the schemas of these, and runs, lists and exports read from them."""
