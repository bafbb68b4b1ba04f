"""``<state>/signing.json``: who signs its requests and who does not, as it was known last.

Knows: a small file that is replaced whole. Refuses to know: what follows from what is in it. Without it a restart would
believe again, from every NAS, what cannot be proved (CVE-2024-3596).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from nacd.radius.ledger import Signs, Unsigned

FILE_NAME: Final = "signing.json"
VERSION: Final = 1
"""Of the file's layout."""
_MOST_OCTETS: Final = 64 * 1024 * 1024
_UNREAD: Final[set[Path]] = set()
"""What could neither be read nor moved aside: nothing takes its place until it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the file says. since: when counting began, seconds since the epoch. everywhere: as in the ledger. problem:
    what is wrong with it in words, ``""`` when all is well or there is none."""

    signing: tuple[Signs, ...] = ()
    bare: tuple[Unsigned, ...] = ()
    since: float = 0.0
    everywhere: tuple[str, ...] = ()
    problem: str = ""


def load(state: Path) -> Kept:
    """Read it. What cannot be used is moved aside and said. Raises nothing."""
    path = state / FILE_NAME
    try:
        with path.open("rb") as file:
            octets = file.read(_MOST_OCTETS + 1)
    except FileNotFoundError:
        return Kept()
    except OSError as error:
        _UNREAD.add(path)
        with suppress(OSError):
            _move_unread(path)
        words = (error.strerror or "error").lower()
        return Kept(
            problem=f"cannot read `{path}`: {words}; nothing is known of who signs, and the file is kept as"
            f" `{_unread(path).name}`"
        )
    try:
        return _kept(octets)
    except _Newer as newer:
        aside = path.with_name(f"{path.name}.newer")
        with suppress(OSError):
            path.replace(aside)
        return Kept(
            problem=f"`{path}` has version {newer}, of a newer nacd, and this one knows {VERSION}: it is kept as"
            f" `{aside.name}`, and nothing is known of who signs"
        )
    except (ValueError, TypeError, KeyError, IndexError):
        aside = path.with_suffix(".json.broken")
        with suppress(OSError):
            path.replace(aside)
        return Kept(problem=f"`{path}` was of no use and is `{aside.name}` now; nothing is known of who signs")


def save(
    state: Path, signing: Sequence[Signs], bare: Sequence[Unsigned], since: float, everywhere: Sequence[str] = ()
) -> None:
    """Replace it, on the disk when this returns. One that could not be read is moved aside before. Raises OSError."""
    _move_unread(state / FILE_NAME)
    whole = {
        "version": VERSION,
        "since": since,
        "everywhere": list(everywhere),
        "signing": [[each.nas, each.source, each.first, each.last, each.signed, each.eap] for each in signing],
        "unsigned": [[each.nas, each.source, each.first, each.last, each.taken, each.refused] for each in bare],
    }
    descriptor, draft = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=state)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(whole))
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(state / FILE_NAME)
    except OSError:
        Path(draft).unlink(missing_ok=True)
        raise


def _unread(path: Path) -> Path:
    return path.with_suffix(".json.unread")


def _move_unread(path: Path) -> None:
    if path in _UNREAD:
        with suppress(FileNotFoundError):
            path.replace(_unread(path))
        _UNREAD.discard(path)


class _Newer(Exception):
    """Not bad: it is kept for when the newer nacd comes back. The text is its version."""


def _kept(octets: bytes) -> Kept:
    """Raises _Newer, and ValueError, TypeError, KeyError or IndexError for anything that ``save`` did not write."""
    found: Any = orjson.loads(octets)
    if isinstance(found["version"], int) and found["version"] > VERSION:
        raise _Newer(str(found["version"]))
    if found["version"] != VERSION:
        raise ValueError("written by another version")
    signing = tuple(
        Signs(nas=_text(row[0]), source=_text(row[1]), first=float(row[2]), last=float(row[3]), signed=_count(row[4]),
              eap=_count(row[5]))
        for row in found["signing"]
    )  # fmt: skip
    bare = tuple(
        Unsigned(nas=_text(row[0]), source=_text(row[1]), first=float(row[2]), last=float(row[3]), taken=_count(row[4]),
                 refused=_count(row[5]))
        for row in found["unsigned"]
    )  # fmt: skip
    everywhere = tuple(map(_text, found.get("everywhere", ())))
    return Kept(signing=signing, bare=bare, since=float(found["since"]), everywhere=everywhere)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or value < 0:
        raise TypeError("no count")
    return value
