"""Accepts that leave while a real disk has no room for their sessions."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from nacd.server.sessions.book import Book
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Standing
from nacd.store.live.filters import EVERYTHING
from nacd.store.sessions import SessionStore
from tests.disks import fill
from tests.server.test_outbox import NOW, Desk, begun


def test_sessions_that_began_on_a_full_disk_are_known_when_it_has_room(tmp_path: Path, small_disk: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path / "audit.jsonl")
        store = SessionStore(small_disk / "sessions.sqlite", apply=apply, tie=tie, report=print)
        book = Book(store, lambda: NOW)
        desk.open(book)
        filler = fill(small_disk)
        count = 0
        while not desk.outbox.kept:  # the log has some room left
            count += 1
            assert count < 5_000
            desk.put(b"accept", left=begun(port=str(count), token=f"{count:032x}", calling_station_id=f"{count:012x}"))
            desk.outbox.flush(NOW)
            await desk.outbox.settle(5.0)
        desk.account(b"s")
        desk.outbox.flush(NOW)
        assert b"s" not in desk.way.sent
        filler.unlink()
        deadline = time.monotonic() + 10
        while desk.outbox.kept:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        desk.account(b"s")
        desk.outbox.flush(NOW)
        await desk.outbox.settle(5.0)
        assert desk.way.sent[-1] == b"s"
        found = [session for first in range(0, count, 500) for session in store.find(EVERYTHING, 500, first)]
        assert len([each for each in found if isinstance(each.standing, Standing)]) == count
        book.close()
        store.close()

    asyncio.run(story())
