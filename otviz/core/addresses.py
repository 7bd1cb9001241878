"""Addresses: the settings of a page as a link carries them, packed into one value when they are long.

A link of version 1 is `key=text&key=text`, or `v=1&packed=...`, where `packed` is base64url of the zlib of such a query. A
link without `v` is of version 1. Whoever changes the meaning of a link raises `VERSION` and keeps reading older ones.
"""

from __future__ import annotations

import base64
import binascii
import re
import urllib.parse
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

VERSION = 1
VERSION_KEY, PACKED_KEY = "v", "packed"
LONG = 1500  # characters of a query from which it is packed: mail programs and chats break longer ones
MAX_KEYS = 250  # nine methods side by side, every knob of each moved, have some 170
MAX_CHARS = 4000  # of one value: a drawing of 1000 vertices has 2700
MAX_PACKED = 60_000  # characters of the packed value
MAX_QUERY = 100_000  # bytes it may grow to when it is unpacked


@dataclass(frozen=True)
class Unpacked:
    """What a link says.

    Attributes:
        settings: texts by key, at most `MAX_KEYS` of at most `MAX_CHARS` characters.
        problems: sentences on what could not be used.
        newer: the link was made by an otviz of a later version of links.
    """

    settings: dict[str, str]
    problems: tuple[str, ...] = ()
    newer: bool = False


def pack(settings: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a link with these settings: packed when the query would be longer than `LONG`, if that is shorter."""
    query = urllib.parse.urlencode(settings)
    if len(query) <= LONG:
        return dict(settings)
    packed = base64.urlsafe_b64encode(zlib.compress(query.encode(), 9)).decode().rstrip("=")
    found = {VERSION_KEY: str(VERSION), PACKED_KEY: packed}
    return found if len(urllib.parse.urlencode(found)) < len(query) else dict(settings)


def unpack(parameters: Mapping[str, str]) -> Unpacked:
    """The settings in a link's parameters; those beside a packed value override it."""
    if len(parameters) > MAX_KEYS:
        return Unpacked({}, (_too_many(len(parameters)),))
    plain = dict(parameters)
    version, packed = plain.pop(VERSION_KEY, None), plain.pop(PACKED_KEY, None)
    newer, problems = _read_version(version)
    settings: dict[str, str] = {}
    if packed is not None:
        try:
            settings = _unpacked(packed)
        except ValueError as error:
            problems.append(f"The packed part of the link {error}; it is not used.")
    settings |= plain
    if len(settings) > MAX_KEYS:
        return Unpacked({}, (*problems, _too_many(len(settings))), newer)
    long = [key for key, text in settings.items() if len(key) > MAX_CHARS or len(text) > MAX_CHARS]
    if long:
        problems.append(f"{named(long)} {_is(long)} longer than {MAX_CHARS} characters; {_it(long)} not used.")
    kept = {key: text for key, text in settings.items() if key not in long}
    return Unpacked(kept, tuple(problems), newer)


def read_query(query: str) -> Unpacked:
    """The settings in the part of a link after the question mark, copied from the browser's address."""
    try:
        return unpack(_parsed(query))
    except ValueError as error:
        return Unpacked({}, (f"The settings {error}; they are not used.",))


def named(keys: list[str], most: int = 5) -> str:
    """The first few of some keys in quotes, and how many more there are."""
    shown = ", ".join(repr(key if len(key) <= 40 else key[:39] + "…") for key in keys[:most])
    return shown if len(keys) <= most else f"{shown} and {len(keys) - most} more"


def _read_version(text: str | None) -> tuple[bool, list[str]]:
    if text is None:
        return False, []
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        return False, [
            f"{VERSION_KEY} must be a whole number from 1; got {named([text])}; version {VERSION} is assumed."
        ]
    if int(text) <= VERSION:
        return False, []
    return True, [
        f"The link is from a newer otviz (links of version {text}, here {VERSION}); settings this version knows are used."
    ]


def _unpacked(text: str) -> dict[str, str]:
    """Raises ValueError with the end of a sentence; never makes more than `MAX_QUERY` bytes."""
    if len(text) > MAX_PACKED:
        raise ValueError(f"has {len(text)} characters, more than {MAX_PACKED}")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError(
            "holds characters other than letters, digits, - and _: part of the link is missing or was changed"
        )
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        stream = zlib.decompressobj()
        query = stream.decompress(raw, MAX_QUERY + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError("is damaged: part of the link is missing or was changed") from error
    if len(query) > MAX_QUERY:
        raise ValueError(f"unpacks to more than {MAX_QUERY} characters")
    if not stream.eof or stream.unused_data:
        raise ValueError("is damaged: part of the link is missing or was changed")
    try:
        return _parsed(query.decode("ascii"))
    except UnicodeDecodeError as error:
        raise ValueError("does not hold settings") from error


def _parsed(query: str) -> dict[str, str]:
    """Texts by key; the last one counts, as in a browser's address."""
    try:
        return dict(urllib.parse.parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_KEYS))
    except UnicodeDecodeError as error:
        raise ValueError("hold bytes that are not text") from error
    except ValueError as error:
        raise ValueError(f"hold more than {MAX_KEYS} settings") from error


def _too_many(count: int) -> str:
    return f"The link has {count} settings, more than {MAX_KEYS}; none is used."


def _is(keys: list[str]) -> str:
    return "is" if len(keys) == 1 else "are"


def _it(keys: list[str]) -> str:
    return "it is" if len(keys) == 1 else "they are"
