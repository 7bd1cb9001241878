"""Recorded runs: trainings that pages play before anything is trained. Reading them needs no torch.

`table` declares which there are, `recorder` trains them (`python -m otviz record`), `store` reads them. One recording is one
file in `checkpoints/recordings`: gzip of `otviz.player.browser.message`, whose options are `About` and whose body is `otviz.player.wire`.
"""

from otviz.checkpoints.recordings.store import FOLDER, About, Panel, about, names, packed, read

__all__ = ["FOLDER", "About", "Panel", "about", "names", "packed", "read"]
