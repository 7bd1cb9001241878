"""The claims of the papers: one file, one claim or a close family."""
