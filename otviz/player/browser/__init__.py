"""What runs in a browser wherever it is shown, on a page or in a report: the player, and what all canvases share.

A component called `player` is made of `shared.js`, `player.js` and every `player_*.js`, joined to one ES module whose
default export is `mount({ data, parentElement, setTriggerValue })`, and of `shared.css`, `player.css` and every `player_*.css`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def module(name: str, folder: Path = FOLDER) -> str:
    """The JavaScript of a component, one ES module; its own files lie in `folder`."""
    own = [folder / f"{name}.js", *sorted(folder.glob(f"{name}_*.js"))]
    return _joined(FOLDER / "shared.js", *own)


def style(name: str, folder: Path = FOLDER) -> str:
    """The CSS of a component."""
    return _joined(FOLDER / "shared.css", folder / f"{name}.css", *sorted(folder.glob(f"{name}_*.css")))


def message(options: Mapping[str, Any], body: bytes) -> bytes:
    """The `data` of a component: u32 (little endian) length of the options, the options as JSON, the body."""
    head = json.dumps(options).encode()
    return struct.pack("<I", len(head)) + head + body


def _joined(*files: Path) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
