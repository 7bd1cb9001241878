"""Values as text, for the command line."""

from __future__ import annotations

import json
import math
from typing import Any


def as_json_text(value: Any) -> str:
    """Standard JSON, with null for NaN and infinity."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def short(value: Any) -> str:
    """A value in few characters: numbers with four digits, lists without brackets."""
    if isinstance(value, list):
        return " ".join(short(item) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
