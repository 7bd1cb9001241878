"""Browser code for pages and reports: the player, and code shared by all canvases.

A component `player` consists of `shared.js`, `player.js` and all `player_*.js`, joined to one ES module with the default export
`mount({ data, parentElement, setTriggerValue })`, and of `shared.css`, `player.css` and all `player_*.css`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def module(name: str, folder: Path = FOLDER, parts: Sequence[Path] = ()) -> str:
    """The JavaScript of a component as one ES module.

    Args:
        name: of the component.
        folder: of its own files.
        parts: files that it shares with some others.
    """
    own = [folder / f"{name}.js", *sorted(folder.glob(f"{name}_*.js"))]
    return _joined(FOLDER / "shared.js", *parts, *own)


def style(name: str, folder: Path = FOLDER) -> str:
    """The CSS of a component; `folder` contains its own files."""
    return _joined(FOLDER / "shared.css", folder / f"{name}.css", *sorted(folder.glob(f"{name}_*.css")))


def message(options: Mapping[str, Any], body: bytes) -> bytes:
    """The `data` of a component: length of the options (u32, little endian), the options as JSON, and the body."""
    head = json.dumps(options).encode()
    return struct.pack("<I", len(head)) + head + body


def _joined(*files: Path) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
