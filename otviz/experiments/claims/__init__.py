"""The claims of the papers: one file per claim or family of claims."""
