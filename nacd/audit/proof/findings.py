"""What is found in a trail, as values.

Knows: places, faults, notes. Refuses to know: how they are found, and how they are told at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong at a place."""

    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    CUT = "cut"
    NO_RECORD = "no record"
    UNREADABLE = "unreadable"
    FORGED = "forged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One record. line: counted from 1. offset: of its first octet in the file's text. seq: -1 where it tells none."""

    file: str = ""
    line: int = 0
    offset: int = 0
    seq: int = -1
    time: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """at: the first record that is not as it was written, or where one is missing. good: the last one before it that
    is; None at the beginning. after, following: seq at both sides where records are missing, else -1. noted: nacd said
    so itself, at this time."""

    kind: Kind
    what: str
    at: Place
    good: Place | None = None
    after: int = -1
    following: int = -1
    noted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to know that is no fault."""

    what: str
    at: Place = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far somebody's word goes. by: the id of a key, or how many anchors say so."""

    seq: int
    time: str
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is known of a trail in the end. faults: the first ones, in their order. more: faults that are not in it.

    began, ended: its first and last record, None without records. anchored, signed: how far; None if nobody says so.
    unvouched: first and last of records that were found at a start behind the last place nacd had noted: what signs or
    anchors later ones says nothing of who wrote these.
    keys: whether there was a key to check signatures with. anchors: how many were given that are about this trail.
    """

    records: int
    began: Place | None
    ended: Place | None
    faults: tuple[Fault, ...]
    more: int
    notes: tuple[Note, ...]
    anchored: Reach | None
    signed: Reach | None
    keys: bool
    anchors: int
    unvouched: tuple[tuple[int, int], ...] = ()

    @property
    def whole(self) -> bool:
        """Nothing is wrong."""
        return not self.faults
