"""A download in a thread, which several pages watch and any of them may cancel."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from otviz.data.datasets.download import Pace
from otviz.data.datasets.image_set import ImageSet


class DownloadJob:
    """Downloads a data set in a thread; what has come is kept when it ends early.

    Attributes:
        pace: how far it is.
        error: why it failed, in a sentence; empty if it did not.

    Args:
        images: the set.
    """

    def __init__(self, images: ImageSet) -> None:
        self.pace = Pace(images.downloaded(), images.to_download())
        self.error = ""
        self._images, self._cancelled = images, threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"download of {images.name}", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether it has ended: done, failed or cancelled."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait for its end, at most that long."""
        self._thread.join(seconds)

    def cancel(self) -> None:
        """End it at its next block of data."""
        self._cancelled.set()

    def _run(self) -> None:
        coming = self._images.download()
        try:
            for self.pace.done in coming:
                if self._cancelled.is_set():
                    return coming.close()
        except ValueError as error:
            self.error = str(error)


class DownloadDesk:
    """The downloads of a process, one for each data set."""

    def __init__(self) -> None:
        self._jobs: dict[str, DownloadJob] = {}
        self._lock = threading.Lock()

    @property
    def jobs(self) -> Mapping[str, DownloadJob]:
        """The last download of each data set, by name."""
        return self._jobs

    def start(self, images: ImageSet) -> None:
        """Begin or continue the download of a data set, unless it is in progress."""
        with self._lock:
            job = self._jobs.get(images.name)
            if job is None or job.over:
                self._jobs[images.name] = DownloadJob(images)
