"""How the same thing is written: letters of either case, MACs with any separator, values at a dotted path.

Knows: when two spellings mean one thing, and which octets of a line must be there if a value is. Refuses to know: what
a field means.

Theory of ``needle``: a line is searched as octets before it is read as JSON, which is a hundred times as quick. That is
right only if no record that fits can lack those octets. So ``folded`` makes an ASCII letter out of an ASCII letter
alone (the Kelvin sign stays what it is), and a needle holds none of the characters that JSON lets a writer escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

_SEPARATED: Final = re.compile(
    r"[0-9a-fA-F]{12}"
    r"|[0-9a-fA-F]{2}([-:. ])[0-9a-fA-F]{2}(?:\1[0-9a-fA-F]{2}){4}"
    r"|[0-9a-fA-F]{4}([-:.])[0-9a-fA-F]{4}\2[0-9a-fA-F]{4}"
    r"|[0-9a-fA-F]{6}[-:.][0-9a-fA-F]{6}"
)
GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_PLAIN_RUN: Final = re.compile(r"[a-z0-9_.,:;=+*@()\[\] -]+")
_SHORTEST: Final = 2
"""Letters that a needle must have to be worth looking for."""
_DEEPEST: Final = 16


def folded(text: str) -> str:
    """The text without the difference of capitals."""
    if text.isascii():
        return text.lower()
    return "".join(map(_folded, text))


def _folded(char: str) -> str:
    low = char.lower()
    return low if char.isascii() or not low[0].isascii() else char


def needle(text: str) -> bytes:
    """Octets that stand in a line, made lower, wherever this folded text is (part of) a value; empty if none must."""
    runs = _PLAIN_RUN.findall(text)
    longest = max(runs, key=len, default="")
    return longest.encode() if len(longest) >= _SHORTEST else b""


@lru_cache(maxsize=8_192)
def mac_of(text: str) -> str:
    """The canonical MAC (``00-50-B6-AA-BB-CC``) of any usual spelling, or ``""``."""
    bare = text.strip(" \t\0")
    if len(bare) > 17 or not _SEPARATED.fullmatch(bare):
        return ""
    digits = "".join(char for char in bare if char not in "-:. ").upper()
    return "-".join(digits[at : at + 2] for at in range(0, 12, 2))


def mac_spellings(mac: str) -> tuple[bytes, ...]:
    """Every spelling of a canonical MAC, in lower case; of a pseudonym itself, without what separates first."""
    if mac.startswith("h:"):
        return (mac.replace(":", "").encode(), mac.encode())
    digits = mac.replace("-", "").lower()
    pairs = [digits[at : at + 2] for at in range(0, 12, 2)]
    quads = [digits[at : at + 4] for at in range(0, 12, 4)]
    halves = [digits[:6], digits[6:]]
    found = [digits, *(each.join(pairs) for each in "-:. "), *(each.join(quads) for each in ".-:")]
    found += [each.join(halves) for each in "-:."]
    return tuple(each.encode() for each in found)


def at_path(record: object, path: str) -> Iterator[object]:
    """Every plain value at a dotted path; lists on the way and at the end are unfolded, ``[]`` may be written."""
    yield from _at(record, path.replace("[]", "").split("."))


def _at(value: object, parts: list[str]) -> Iterator[object]:
    if isinstance(value, list):
        for each in value:
            yield from _at(each, parts)
    elif not parts:
        if not isinstance(value, dict):
            yield value
    elif isinstance(value, dict) and parts[0] in value:
        yield from _at(value[parts[0]], parts[1:])


def leaves(value: object, depth: int = 0) -> Iterator[object]:
    """Every plain value in a record."""
    if isinstance(value, dict | list):
        if depth < _DEEPEST:
            for each in value.values() if isinstance(value, dict) else value:
                yield from leaves(each, depth + 1)
    else:
        yield value


def text_at(record: Mapping[str, Any], path: str) -> str:
    """The first text at a path that is not empty, or ``""``."""
    value: Any = record
    for part in _parts(path):
        if type(value) is not dict:
            break
        value = value.get(part)
    else:
        if type(value) is str:
            return value
    if type(value) is not list:
        return ""
    return next((each for each in at_path(record, path) if isinstance(each, str) and each), "")


@lru_cache(maxsize=1_024)
def _parts(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def written(value: object) -> str:
    """A plain value as JSON writes it, text without its quotes."""
    if isinstance(value, str):
        return value
    return "true" if value is True else "false" if value is False else "" if value is None else str(value)
