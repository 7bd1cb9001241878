"""`python -m benchmarks`: the table of numbers (see `measure`); `python -m benchmarks gpu`: one graphics card (see `gpu`).

The card's machine needs torch, numpy and psutil alone, so nothing else is imported for it.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; the exit status."""
    if arguments[:1] == ["gpu"]:
        from benchmarks.gpu import main as on_gpu

        return on_gpu(arguments[1:])
    from benchmarks.measure import main as measure

    return measure(arguments)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a server and a browser are ended too
    raise SystemExit(main(sys.argv[1:]))
