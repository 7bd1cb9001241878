"""Processes that tests kill, interrupt or talk to, forked from one that has imported torch: a fresh one needs 5 s for that.

`Forked(SOURCE, "a", "b")` is `python -c SOURCE a b` in all that such tests look at: a process id, signals, standard input, output
and error, an exit code. It ends without what `atexit` knows. Where processes cannot be forked, it is a fresh one.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

from tests.waiting import PATIENCE

OTVIZ = "import sys; from otviz.cli.main import main; sys.exit(main())"
"""What `python -m otviz` runs."""

IMPORTED = [
    "torch._dynamo",
    "ot",
    "otviz.checkpoints.train_checkpoint",
    "otviz.cli.train_report",
    "otviz.runs.registry",
]
FORKS = "forkserver" in multiprocessing.get_all_start_methods()
CONTEXT: Any = multiprocessing.get_context("forkserver" if FORKS else "spawn")
CONTEXT.set_forkserver_preload(IMPORTED)


class Forked:
    """A process that runs Python, started at once, and killed at the end of a `with`.

    Args:
        source: what it runs.
        words: its arguments.
        env: what it has in its environment beside what this process has.
        cwd: the folder it runs in; by default that of this process.
        session: whether it leads a group of processes, as a command in a terminal does.
        screen: where its standard error goes, such as a terminal; by default to a file, for `errors`.
    """

    def __init__(
        self, source: str, *words: str, env: dict[str, str] | None = None, cwd: Path = Path(), session: bool = False,
        screen: str = "",
    ) -> None:  # fmt: skip
        self._errors = tempfile.NamedTemporaryFile(suffix=".txt")  # noqa: SIM115 -- there as long as this is
        ours, theirs = CONTEXT.Pipe()
        told = (theirs, screen or self._errors.name, source, words, {**os.environ, **(env or {})}, cwd, session)
        self._process = CONTEXT.Process(target=_run, args=told)
        self._process.start()
        theirs.close()
        self.stdin: IO[str] = os.fdopen(os.dup(ours.fileno()), "w", buffering=1, encoding="utf-8")
        self.stdout: IO[str] = os.fdopen(os.dup(ours.fileno()), encoding="utf-8")
        ours.close()

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.stdin.close()
        self.stdout.close()
        self._errors.close()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    @property
    def errors(self) -> str:
        """What it wrote to standard error."""
        return Path(self._errors.name).read_text(encoding="utf-8")

    def poll(self) -> int | None:
        """Its exit code, -n if signal n ended it; None while it runs."""
        code: int | None = self._process.exitcode
        return code

    def wait(self, seconds: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        self._process.join(seconds)
        code = self.poll()
        assert code is not None, "it should have ended"
        return code

    def communicate(self, seconds: float = PATIENCE) -> tuple[str, str]:
        """What it wrote to standard output and error, once it has ended."""
        said = self.stdout.read()
        self.wait(seconds)
        return said, self.errors

    def kill(self) -> None:
        """End it at once, and wait until it has."""
        self._process.kill()
        self._process.join()


def output(source: str, *words: str, **options: Any) -> str:
    """What a process prints that runs Python and ends well; options are those of `Forked`."""
    with Forked(source, *words, **options) as process:
        printed, errors = process.communicate()
        assert process.poll() == 0, errors[-3000:]
    return printed


def _run(
    pipe: Connection, errors: str, source: str, words: tuple[str, ...], env: dict[str, str], cwd: Path, session: bool
) -> None:
    if session:
        os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    os.environ.clear()
    os.environ.update(env)
    os.dup2(pipe.fileno(), 0)
    os.dup2(pipe.fileno(), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", buffering=1), open(2, "w", buffering=1)  # noqa: PLW1514, SIM115
    os.chdir(cwd)
    sys.argv = ["-c", *words]
    exec(compile(source, "program", "exec"), {"__name__": "__main__"})
