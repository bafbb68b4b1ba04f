"""Entries that come, go or end: their live sessions are decided again, in small pieces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from nacd.server.mab.watch import TRIGGER, Watch
from nacd.server.sessions.book import Book
from nacd.session.macs.inventory import Entry, Inventory
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Session
from nacd.store.sessions import SessionStore
from nacd.values import AuditEvent, Instant
from tests.store.live.stage import NOW, authorized, mac


class Room:
    def __init__(self, folder: Path) -> None:
        self.now = Instant(wall=NOW, monotonic=100.0)
        self.store = SessionStore(folder / "s.sqlite", apply=apply, tie=tie, report=print, wall=lambda: NOW)
        self.book = Book(self.store, lambda: self.now)
        self.inventory = Inventory()
        self.events: list[AuditEvent] = []
        self.decided: list[tuple[list[int], str, bool]] = []
        self.watch = Watch(
            inventory=self.inventory,
            read=self.book.read,
            decide=self.decide,
            record=self.events.extend,
            clock=lambda: self.now,
        )

    async def decide(self, sessions: Sequence[Session], trigger: str, *, ordered: bool) -> None:
        self.decided.append(([each.id for each in sessions], trigger, ordered))

    async def tick(self) -> None:
        self.watch.tick(self.now)
        if self.watch._work is not None:
            await self.watch._work


def entry(number: int, **more: Any) -> Entry:
    return Entry(**{"mac": mac(number), "owner": "o", "reason": "r", "by": "ada", "at": NOW - 10.0, **more})


def within(folder: Path, story: Callable[[Room], Coroutine[Any, Any, None]]) -> None:
    async def told() -> None:
        room = Room(folder)
        try:
            await story(room)
        finally:
            await room.watch.close()
            room.book.close()
            room.store.close()

    asyncio.run(told())


def test_the_sessions_of_a_mac_whose_entry_changed_are_decided_again_and_no_others(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        ids = [each.session.id for each in await room.book.write([authorized(1), authorized(2)])]  # type: ignore[union-attr]
        room.watch.changed([mac(1), mac(7)])
        await room.tick()
        assert room.decided == [([ids[0]], TRIGGER, True)]
        await room.tick()
        assert len(room.decided) == 1

    within(tmp_path, story)


def test_an_end_is_told_at_its_moment_with_a_record_and_its_session_decided_again(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        (applied,) = await room.book.write([authorized(1)])
        room.inventory.put(entry(1, until=NOW + 60.0))
        room.now = Instant(wall=NOW + 59.9, monotonic=159.9)
        await room.tick()
        assert (room.decided, room.events) == ([], [])
        room.now = Instant(wall=NOW + 60.0, monotonic=160.0)
        await room.tick()
        assert room.decided == [([applied.session.id], TRIGGER, True)]  # type: ignore[union-attr]
        assert [event.code for event in room.events] == ["A6003I"]

    within(tmp_path, story)


def test_an_entry_that_was_put_anew_at_its_end_has_not_ended(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        room.inventory.put(entry(1, until=NOW + 60.0))
        room.now = Instant(wall=NOW + 61.0, monotonic=161.0)
        room.watch.tick(room.now)
        room.inventory.put(entry(1))
        await room.tick()
        assert room.events == []

    within(tmp_path, story)


def test_a_few_a_minute_go_past_the_guard_and_more_do_not(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        await room.book.write([authorized(number) for number in range(30)])
        for number in range(21):
            room.watch.changed([mac(number)])
            await room.tick()
        assert [ordered for _, _, ordered in room.decided] == [True] * 20 + [False]
        room.now = Instant(wall=NOW + 60.0, monotonic=160.0)
        room.watch.changed([mac(22)])
        await room.tick()
        assert room.decided[-1][2] is True

    within(tmp_path, story)


def test_many_at_once_are_taken_in_pieces_and_through_the_guard(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        await room.book.write([authorized(number) for number in range(450)])
        room.watch.changed(mac(number) for number in range(450))
        await room.tick()
        assert [(len(ids), ordered) for ids, _, ordered in room.decided] == [(200, False), (200, False), (50, False)]
        assert room.watch.waiting == 0

    within(tmp_path, story)
