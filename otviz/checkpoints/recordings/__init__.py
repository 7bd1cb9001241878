"""Recordings: runs that were trained in advance and that pages play. Reading them needs no torch.

`table` declares them, `recorder` trains them (`python -m otviz record`), `store` reads and writes them. A recording is a file
in `checkpoints/recordings`: gzip of `otviz.player.browser.message` with `About` as options and `otviz.player.wire` as body.
"""

from otviz.checkpoints.recordings.store import FOLDER, About, Panel, about, names, packed, read

__all__ = ["FOLDER", "About", "Panel", "about", "names", "packed", "read"]
