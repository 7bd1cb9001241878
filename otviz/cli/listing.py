"""`otviz list`: methods, distributions, image sets, checkpoints and experiments with their settings.

Reading the plug-ins imports torch, which takes seconds. So what they declare is kept beside the user's files, for as long as no
source file changes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from otviz.checkpoints import cards
from otviz.core.files import ROOT, home, write_whole
from otviz.core.params import Knobs, params_of

PACKAGES = ("otviz.methods", "otviz.data.distributions", "otviz.data.datasets", "otviz.experiments.claims")
KEPT = "declared.json"


@dataclasses.dataclass(frozen=True)
class ListArgs:
    """List methods, distributions, data sets, checkpoints and experiments, with their settings.

    Args:
        json: print one JSON object.
    """

    json: bool = False


def listed(args: ListArgs) -> str:
    """All plug-ins and checkpoints, as text or JSON."""
    declared = _declared()
    found = {**{kind: declared[kind] for kind in ("methods", "distributions", "datasets")}, "checkpoints": cards()}
    found["experiments"] = declared["experiments"]
    if args.json:
        return json.dumps(found, indent=1)
    lines = []
    for kind, items in found.items():
        wide = max(map(len, items), default=0)
        lines += [f"{kind}:", *(f"  {name:{wide}} {item['title']}" for name, item in items.items())]
    return "\n".join(lines)


def _declared() -> dict[str, Any]:
    path, stamp = home() / KEPT, _stamp()
    with contextlib.suppress(OSError, ValueError):
        checksum, _, text = path.read_text(encoding="utf-8").partition("\n")
        if checksum == _checksum(stamp, text):
            return dict(json.loads(text))
    found = _read_plugins()
    text = json.dumps(found)
    with contextlib.suppress(OSError):  # without a folder for files, or on a full disk, they are read again next time
        write_whole(path, f"{_checksum(stamp, text)}\n{text}".encode())
    return found


def _stamp() -> str:
    """Names, sizes and times of all source files."""
    folders = {str(ROOT / "otviz"), *(path for name in PACKAGES if name in sys.modules for path in _path(name))}
    files = sorted({file for folder in folders for file in Path(folder).rglob("*.py")})
    return json.dumps([(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files])


def _path(package: str) -> list[str]:
    return list(sys.modules[package].__path__)


def _checksum(stamp: str, text: str) -> str:
    return hashlib.sha256(f"{stamp}\n{text}".encode()).hexdigest()


def _read_plugins() -> dict[str, Any]:
    from otviz.cli.run_experiments import listed as experiments
    from otviz.data.datasets import datasets
    from otviz.data.distributions import distributions
    from otviz.methods import methods

    return {
        "methods": {name: _described(cls) for name, cls in methods().items()},
        "distributions": {name: _described(cls) for name, cls in distributions().items()},
        "datasets": {name: _described(cls) for name, cls in datasets().items()},
        "experiments": experiments(),
    }


def _described(cls: type[Knobs]) -> dict[str, Any]:
    knobs = {
        knob.name: {
            "kind": knob.kind.__name__, "default": knob.default, "low": knob.low, "high": knob.high,
            "choices": list(knob.choices), "unit": knob.unit, "doc": knob.doc, "live": knob.live,
        }
        for knob in params_of(cls)
    }  # fmt: skip
    return {"title": cls.title, "knobs": knobs}
