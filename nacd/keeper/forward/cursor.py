"""How far one destination is: a place in the trail, kept in a small file.

Knows: the place, and how it outlives a crash (written aside, fsync, rename). Refuses to know: whether that place is
still there (``following``), and what is sent.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

VERSION: Final = 1
_MOST_OCTETS: Final = 65_536


class Place(NamedTuple):
    """Behind a record of the trail.

    writer: of the trail; "" where its first record does not tell. file: name when it was read. first_seq: of that file.
    offset: where the block that holds the next record begins in the file as it lies. lines: how many lines of that
    block are behind this place. seq: of the last numbered record before it, 0 for none. One is made for each record.
    """

    writer: str = ""
    file: str = ""
    first_seq: int = 0
    compressed: bool = False
    offset: int = 0
    lines: int = 0
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a destination. place: None before it was sent anything. at: when it was kept, seconds since the
    epoch. sent, lost, set_aside: records since it was configured. problem: "" while all is well; since: since when."""

    place: Place | None = None
    at: float = 0.0
    sent: int = 0
    lost: int = 0
    set_aside: int = 0
    problem: str = ""
    since: float = 0.0
    note: str = field(default="", compare=False)
    """Why what lay there could not be used; not kept."""


class Cursor:
    """The file of one destination."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.json"

    def read(self) -> Kept:
        """What was kept; with a ``note``, and without a place, where that cannot be used. Never raises."""
        try:
            with self.path.open("rb") as opened:
                octets = opened.read(_MOST_OCTETS)
        except FileNotFoundError:
            return Kept()
        except OSError as trouble:
            return Kept(note=f"`{self.path}` cannot be read: {(trouble.strerror or 'error').lower()}")
        try:
            return _kept(orjson.loads(octets))
        except (ValueError, TypeError, KeyError):
            return Kept(note=f"`{self.path}` is no cursor, or damaged")

    def keep(self, kept: Kept) -> None:
        """Replace what was kept. Raises OSError; the old one stands then."""
        told = asdict(kept)
        del told["note"]
        told["place"] = kept.place._asdict() if kept.place is not None else None
        aside = self.path.with_suffix(".new")
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(aside, flags, 0o640), "wb") as opened:
            opened.write(orjson.dumps({"version": VERSION, **told}) + b"\n")
            opened.flush()
            os.fsync(opened.fileno())
        aside.replace(self.path)
        with contextlib.suppress(OSError):  # a folder that cannot be synced (some network disks) still has the file
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _kept(told: Any) -> Kept:
    """Raises ValueError, TypeError, KeyError for anything that is not of this shape."""
    if told["version"] != VERSION:
        raise ValueError("another version")
    place = told["place"]
    return Kept(
        place=None if place is None else Place(**{name: _checked(kind, place[name]) for name, kind in _PLACE.items()}),
        **{name: _checked(kind, told[name]) for name, kind in _KEPT.items()},
    )


def _checked(kind: type, value: Any) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind or (isinstance(value, int | float) and value < 0):
        raise ValueError("not of this type")
    return value


_PLACE: Final[Mapping[str, type]] = {
    **{"writer": str, "file": str, "first_seq": int, "compressed": bool},
    **{"offset": int, "lines": int, "seq": int},
}
_KEPT: Final[Mapping[str, type]] = {
    **{"at": float, "sent": int, "lost": int, "set_aside": int, "problem": str, "since": float},
}
