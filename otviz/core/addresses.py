"""Links: the settings of a page as a query, compressed when they are long.

A link of version 1 is `key=text&key=text`, or `v=1&packed=...`, where `packed` is such a query, zlib-compressed, in base64url.
A link without `v` is of version 1. If the meaning of a link changes, raise `VERSION` and keep reading older links.
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
LONG = 1500  # characters; longer queries are packed, since mail programs and chats break them
MAX_KEYS = 300  # nine methods with every knob changed have about 210
MAX_CHARS = 4000  # characters of a value; a drawing of 1000 vertices has 2700
MAX_PACKED = 60_000  # characters of a packed value
MAX_QUERY = 100_000  # bytes of an unpacked query


@dataclass(frozen=True)
class Unpacked:
    """The content of a link.

    Attributes:
        settings: texts by key, at most `MAX_KEYS`, each of at most `MAX_CHARS` characters.
        problems: messages on parts that were ignored.
        newer: whether the link has a later version.
    """

    settings: dict[str, str]
    problems: tuple[str, ...] = ()
    newer: bool = False


def pack(settings: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a link: packed if the query is longer than `LONG` and packing makes it shorter."""
    query = urllib.parse.urlencode(settings)
    if len(query) <= LONG:
        return dict(settings)
    packed = base64.urlsafe_b64encode(zlib.compress(query.encode(), 9)).decode().rstrip("=")
    found = {VERSION_KEY: str(VERSION), PACKED_KEY: packed}
    return found if len(urllib.parse.urlencode(found)) < len(query) else dict(settings)


def unpack(parameters: Mapping[str, str]) -> Unpacked:
    """The settings in a link's parameters; plain ones override packed ones."""
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
    """The settings in the part of a link after the question mark."""
    try:
        return unpack(_parsed(query))
    except ValueError as error:
        return Unpacked({}, (f"The settings {error}; they are not used.",))


def named(keys: list[str], most: int = 5) -> str:
    """The first keys in quotes, and the number of further ones."""
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
    """Unpack at most `MAX_QUERY` bytes. Raises ValueError with the end of a sentence."""
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
    """Texts by key; of equal keys the last one counts, as in a browser's address."""
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
