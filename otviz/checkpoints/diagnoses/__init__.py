"""Diagnoses of files, models and runs: opened by name, computed in a thread, and stored as examples.

`sides` reads what a link names, `job` judges it, `stored` writes and reads what was found, `examples` declares those that pages
show at once.
"""

from otviz.checkpoints.diagnoses.stored import FOLDER, Found, names, read

__all__ = ["FOLDER", "Found", "names", "read"]
