"""The job of a browser session: a sweep, or the seeds of a claim."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import streamlit as st

from otviz.core.files import home, refused
from otviz.core.owners import shared
from pages._ui.shell.links import plain

if TYPE_CHECKING:
    from otviz.experiments.jobs.job import Job

J = TypeVar("J", bound="Job[Any, Any]")
_STAGES: weakref.WeakSet[JobStage[Any]] = weakref.WeakSet()


class JobStage(Generic[J]):
    """A new job or closing the tab stops the old one; results stay on disk.

    A job takes all cores, so on a shared server one session at a time has one.
    """

    def __init__(self) -> None:
        self.job: J | None = None
        _STAGES.add(self)

    @property
    def working(self) -> bool:
        """Whether the job is running."""
        return self.job is not None and not self.job.over

    def begin(self, make: Callable[[], J], failure: str) -> None:
        """Start a new job and rerun the page; if that fails, show an error that begins with `failure`."""
        self.end()
        try:
            if shared() and any(stage.working for stage in _STAGES if stage is not self):
                raise ValueError(
                    "a sweep or a measurement of another browser takes all cores; start yours once it is done"
                )
            self.job = make()
        except OSError as error:
            st.error(plain(f"{failure}: {refused(Path(error.filename or home()), error)}."))
        except ValueError as error:
            st.error(plain(f"{failure}: {error}."))
        else:
            st.rerun()

    def end(self) -> None:
        """Stop the runs. Streamlit calls this when the tab is closed or reloaded."""
        if self.job is not None:
            self.job.stop()
