"""The orders of operators on disk, beside the sessions.

Knows: how an override becomes a row, and which are not lifted. Refuses to know: what they do, and when one has run out.

Those in force are in memory too: they outlive a file that went bad. What an order is about stands beside the rest of it
a second time: one whose row has rotted still keeps out whom it was against, and only what lets somebody in is lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final, TypeAlias

from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.store.live import rows
from nacd.store.live.codec import Codec, Unreadable
from nacd.store.state_file import StateFile, Statement

_OVERRIDE: Final = Codec(Override, leave_out=("id",))

_A_FILE: Final = 0
"""Stands where the number of an order would be."""
_PUT = "INSERT INTO overrides (lifted_at, gist, value) VALUES (?, ?, ?)"
_PUT_AGAIN = "INSERT OR IGNORE INTO overrides (id, lifted_at, gist, value) VALUES (?, ?, ?, ?)"
_LIFT = "UPDATE overrides SET lifted_at = ?, value = ? WHERE id = ?"
_FIND = "SELECT id, value, CAST(gist AS BLOB), lifted_at FROM overrides WHERE id = ?"
_IN_FORCE = "SELECT id, value, CAST(gist AS BLOB), lifted_at FROM overrides WHERE lifted_at = 0.0 ORDER BY id"
_PAGE = "SELECT id, value, CAST(gist AS BLOB), lifted_at FROM overrides WHERE id > ? ORDER BY id LIMIT ?"
_FORGET = "DELETE FROM overrides WHERE lifted_at > 0.0 AND lifted_at < ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotKept:
    """The order could not be carried out, and nothing has changed. why: in words."""

    why: str


Kept: TypeAlias = Override | NotKept


class Overrides:
    """For any thread; what writes waits for the disk. Nothing raises for a bad disk."""

    def __init__(self, report: Callable[[str, str], None]) -> None:
        self._report = report
        self._small = Lock()
        self._held: dict[int, Override] = {}
        self._damaged: dict[int, str] = {}

    @property
    def damaged(self) -> tuple[str, ...]:
        """Of each order that was read in pieces, what has become of it, in words."""
        with self._small:
            return tuple(words for _, words in sorted(self._damaged.items()))

    def read(self, connection: sqlite3.Connection) -> None:
        """Hold what the file has. Raises sqlite3.Error."""
        found = self._all(connection.execute(_IN_FORCE).fetchall())
        with self._small:
            self._held.update({each.id: each for each in found})

    def lost(self, words: str) -> None:
        """All that stood in a file that was never read are gone with it."""
        with self._small:
            self._damaged[_A_FILE] = words
        self._report("overrides", words)

    def held(self) -> list[Statement]:
        """What a new file is to know."""
        return [(_PUT_AGAIN, [(each.id, each.lifted_at, _gist(each), _value(each)) for each in self.in_force()])]

    def in_force(self) -> tuple[Override, ...]:
        """All that were not lifted, oldest first, also those whose end has come. Does not wait for the disk."""
        with self._small:
            return tuple(sorted(self._held.values(), key=lambda each: each.id))

    def put(self, file: StateFile, override: Override) -> Kept:
        """Keep it under a new id; on the disk itself when this returns it."""
        try:
            value = _value(replace(override, id=0))
        except ValueError as error:
            return NotKept(why=str(error))
        number = 0

        def work(connection: sqlite3.Connection) -> None:
            nonlocal number
            number = connection.execute(_PUT, (override.lifted_at, _gist(override), value)).lastrowid or 0

        if not file.transact(work, durable=True):
            return NotKept(why=file.problem or "it could not be written")
        kept = replace(override, id=number)
        with self._small:
            if not kept.lifted_at:
                self._held[kept.id] = kept
        return kept

    def lift(self, file: StateFile, number: int, at: float, by: str) -> Kept:
        """End it; on the disk itself when this returns it. One that was lifted before stays as it was."""
        found = self._all(file.ask(_FIND, (number,))) if rows.is_id(number) else ()
        if not found:
            return NotKept(why=f"there is no override {number}")
        if found[0].lifted_at:
            return found[0]
        lifted = replace(found[0], lifted_at=at, lifted_by=by)
        try:
            value = _value(lifted)
        except ValueError as error:
            return NotKept(why=str(error))
        if not file.write([(_LIFT, [(at, value, number)])], durable=True):
            return NotKept(why=file.problem or "it could not be written")
        with self._small:
            self._held.pop(number, None)
            self._damaged.pop(number, None)
        return lifted

    def page(self, file: StateFile, limit: int, after: int) -> tuple[Override, ...]:
        """Those with a higher id, lifted ones too, oldest first."""
        return self._all(file.ask(_PAGE, (after, limit)))

    @staticmethod
    def forget(file: StateFile, lifted_before: float) -> bool:
        """Forget those that were lifted before this, seconds since the epoch."""
        return file.write([(_FORGET, [(lifted_before,)])])

    def _all(self, found: Sequence[Any]) -> tuple[Override, ...]:
        made = []
        for number, value, gist, lifted_at in found:
            try:
                made.append(_OVERRIDE.unpack(rows.unsealed(value), id=number))
            except Unreadable as error:
                left = _what_is_left(number, gist, lifted_at)
                if isinstance(left, Override):
                    made.append(left)
                    what = f"counts as a block of {left.subject_kind} `{left.subject}` until it is lifted"
                else:
                    what = "is not in force"
                words = f"override {number} cannot be read and {what}: {error}"
                with self._small:
                    self._damaged[number] = words
                self._report(f"override {number}", words)
        return tuple(made)


def _gist(override: Override) -> str:
    """Whom it is against: what must be known of it whatever becomes of the rest."""
    return f"{override.effect} {override.subject_kind} {override.subject} {override.at!r} {override.tenant}"


def _what_is_left(number: int, gist: Any, lifted_at: Any) -> Override | None:
    """The profile of a quarantine is lost with the rest, so it becomes a block. What let somebody in is over."""
    try:
        effect, kind, subject, at, tenant = gist.decode().split(" ", 4)
        if OverrideEffect(effect) is OverrideEffect.ALLOW:
            return None
        return Override(
            id=number,
            subject_kind=SubjectKind(kind),
            subject=subject,
            tenant=tenant,
            effect=OverrideEffect.BLOCK,
            profile="",
            reason="what was written of this order is damaged: lift it and put it again",
            by="nacd",
            at=float(at),
            lifted_at=lifted_at,
            lifted_by="nobody knows" if lifted_at else "",
        )
    except (AttributeError, ValueError):  # the gist has rotted too
        return None


def _value(override: Override) -> bytes:
    return rows.sealed(_OVERRIDE.pack(override))
