"""The database of sessions as the event loop sees it."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.admit import CameBack
from nacd.server.clock import instant
from nacd.server.sessions.book import Book
from nacd.session.table import NO_SESSION, apply
from nacd.session.tie import tie
from nacd.sessions import Authorized, Change, Names, Phase, Session, Settled, Standing, Wished
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.values import AccessRequest, Nas
from tests.session.making import authorized, place, stop

T = 1_700_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    made = SessionStore(tmp_path / "sessions.sqlite", apply=apply, tie=tie, report=lambda _: None)
    yield made
    made.close()


def play(store: SessionStore, story: Callable[[Book], Coroutine[Any, Any, None]], alone_s: float = 60.0) -> None:
    async def all_of_it() -> None:
        book = Book(store, instant, alone_s=alone_s)
        try:
            async with asyncio.timeout(20):
                await story(book)
        finally:
            book.close()

    asyncio.run(all_of_it())


def login(number: int) -> Authorized:
    return authorized(
        place=place(port=str(number), calling_station_id=f"02-00-00-00-00-{number:02X}"),
        names=Names(acct_session_id=str(number), token=f"{number:032x}"),
    )


def of(change: Change) -> str:
    return change.names.acct_session_id if isinstance(change, Authorized) else type(change).__name__


def test_everybody_hears_of_every_change_in_order_before_the_writer_goes_on(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        heard: list[str] = []
        book.listen(lambda change, _: heard.append(f"one {of(change)}"))
        book.listen(lambda change, _: heard.append(f"two {of(change)}"))
        first = book.write([login(1), login(2)])
        first.add_done_callback(lambda _: heard.append("first is done"))
        second = book.write([login(3)])
        assert book.waiting == 3
        await asyncio.gather(first, second)
        assert [each for each in heard if each != "first is done"] == [
            f"{who} {number}" for number in (1, 2, 3) for who in ("one", "two")
        ]
        assert heard.index("first is done") > heard.index("two 2")
        assert book.waiting == 0

    play(store, story)


def test_what_a_listener_is_told_is_on_the_disk_and_it_is_told_on_the_loop(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        told: list[tuple[Applied, object]] = []

        def listener(_: Change, applied: Applied) -> None:
            assert isinstance(applied.session, Session)
            assert threading.current_thread() is threading.main_thread()
            told.append((applied, store.session(applied.session.id)))

        book.listen(listener)
        outcomes = await book.write([login(1)])
        assert [applied for applied, _ in told] == list(outcomes)
        assert told[0][1] == told[0][0].session

    play(store, story)


def test_a_listener_that_fails_keeps_no_other_from_hearing_and_no_writer_waiting(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        bugs: list[object] = []
        heard: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context["exception"]))

        def broken(change: Change, _: Applied) -> None:
            heard.append(f"broken {of(change)}")
            raise LookupError(of(change))

        book.listen(broken)
        book.listen(lambda change, _: heard.append(f"sound {of(change)}"))
        outcomes = await asyncio.gather(book.write([login(1), login(2)]), book.write([login(3)]))
        assert [each.changed for told in outcomes for each in told] == [True] * 3
        assert heard == [f"{who} {number}" for number in (1, 2, 3) for who in ("broken", "sound")]
        assert [str(bug) for bug in bugs] == ["1", "2", "3"]
        assert book.waiting == 0

    play(store, story)


def test_what_the_disk_did_not_take_is_said_to_its_writer_and_to_nobody_else(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        heard: list[str] = []
        book.listen(lambda change, _: heard.append(of(change)))
        await book.write([login(1)])
        store.close()
        lost = await book.write([login(2), login(3)])
        assert [(each.stored, each.changed) for each in lost] == [(False, False)] * 2
        assert all(each.why for each in lost)
        assert heard == ["1"]
        assert book.waiting == 0

    play(store, story)


def test_what_means_nothing_is_heard_too_and_changes_nothing(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        heard: list[Applied] = []
        book.listen(lambda _, applied: heard.append(applied))
        (outcome,) = await book.write([Wished(id=99, wish=Settled(), at=T)])
        assert heard == [outcome]
        assert (outcome.stored, outcome.changed, outcome.why) == (True, False, "there is no such session")
        assert await book.write([]) == ()

    play(store, story)


def test_a_writer_that_does_not_wait_any_longer_hinders_nobody(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        heard: list[str] = []
        book.listen(lambda change, _: heard.append(of(change)))
        book.write([login(1)]).cancel()
        (outcome,) = await book.write([login(2)])
        assert outcome.changed
        assert heard == ["1", "2"]
        assert book.waiting == 0

    play(store, story)


def test_after_five_hundred_changes_the_loop_gets_to_something_else(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        heard: list[str] = []
        between: list[int] = []

        def listener(change: Change, _: Applied) -> None:
            if not heard:
                asyncio.get_running_loop().call_soon(lambda: between.append(len(heard)))
            heard.append(of(change))

        book.listen(listener)
        writing = [book.write([Wished(id=id, wish=Settled(), at=T) for id in range(1, 401)]) for _ in range(5)]
        store.submit(login(1)).result(10)  # the loop is busy until all of them are on the disk
        await asyncio.gather(*writing)
        assert len(heard) == 2_000
        assert between == [800]

    play(store, story)


def test_reading_raises_what_the_question_raises_and_does_not_hold_up_the_loop(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        gate = threading.Event()

        def slow(_: SessionStore) -> bool:
            return gate.wait(10)

        waiting = asyncio.ensure_future(book.read(slow))
        (outcome,) = await book.write([login(1)])
        assert isinstance(outcome.session, Session)
        found = await book.read(lambda store: store.session(1))
        assert found == outcome.session
        gate.set()
        assert await waiting
        with pytest.raises(LookupError, match="no such thing"):
            await book.read(wrong)

    def wrong(_: SessionStore) -> None:
        raise LookupError("no such thing")

    play(store, story)


def test_a_session_that_comes_and_goes_is_told_as_it_is_after_each_change(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        phases: list[Phase] = []

        def listener(_: Change, applied: Applied) -> None:
            assert isinstance(applied.session, Session)
            phases.append(applied.session.phase)

        book.listen(listener)
        change = login(1)
        over = stop(T + 5, place=change.place, names=replace(change.names, token=""))
        await book.write([change, over])
        assert phases == [Phase.AUTHORIZED, Phase.ENDED]

    play(store, story)


def test_nothing_is_kept_of_what_is_done(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        heard: list[int] = []
        book.listen(lambda *_: heard.append(1))
        writing = book.write([login(1)])
        kept = weakref.ref(writing)
        await writing
        del writing
        await book.write([login(2)])  # the writer's thread has let go of the first by now
        gc.collect()
        assert heard == [1, 1]
        assert kept() is None
        assert book.problem == ""

    play(store, story)


# -- logins that say nothing new ---------------------------------------------------------------------


def again(book: Book, number: int, after_s: float = 60.0) -> CameBack:
    """It logs in again, and what is known of it is that of a moment ago."""
    known = book.familiar.find(number)
    assert isinstance(known, Session)
    at = known.authorized_at + after_s
    assert isinstance(known.standing, Standing)
    request = AccessRequest(
        nas=Nas(name="switch", vendor="generic"), source="192.0.2.1", source_port=1, acct_session_id=str(number)
    )
    return CameBack(session=known, request=request, compliance=known.standing.compliance, at=at, ends_at=0.0)


def seen_at(store: SessionStore) -> float:
    found = store.session(1)
    assert isinstance(found, Session)
    return found.seen_at


def test_a_login_that_says_nothing_new_goes_to_the_disk_before_whatever_is_written_next(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        heard: list[tuple[Change, Applied]] = []
        await book.write([login(1)])
        book.listen(lambda change, applied: heard.append((change, applied)))
        assert book.came_again(again(book, 1, 30))
        last = again(book, 1, 60)
        assert book.came_again(last)
        assert book.waiting == 0
        (outcome,) = await book.write([login(2)])
        assert isinstance(outcome.session, Session)
        assert outcome.session.names == login(2).names, "nobody asked for more than that"
        assert [change for change, _ in heard] == [last.login(), login(2)]
        told = heard[0][1].session
        assert told == store.session(1)
        assert isinstance(told, Session)
        assert (told.seen_at, told.again_at) == (T + 60, T + 60)

    play(store, story)


def test_alone_it_is_written_after_a_while_and_at_the_end(store: SessionStore, tmp_path: Path) -> None:
    async def story(book: Book) -> None:
        await book.write([login(1)])
        assert book.came_again(again(book, 1, 30))
        while seen_at(store) < T + 30:  # noqa: ASYNC110  it is on the disk that it shows
            await asyncio.sleep(0.005)
        book.came_again(again(book, 1, 60))

    play(store, story, alone_s=0.01)
    store.close()
    opened = SessionStore(tmp_path / "sessions.sqlite", apply=apply, tie=tie, report=lambda _: None)
    assert seen_at(opened) == T + 60
    opened.close()


def test_what_becomes_of_the_session_meanwhile_is_not_lost(store: SessionStore) -> None:
    async def story(book: Book) -> None:
        await book.write([login(1)])
        old = again(book, 1)
        assert book.came_again(old)
        await book.write([stop(T + 90, names=login(1).names, place=login(1).place)])
        over = store.session(1)
        assert isinstance(over, Session)
        assert (over.phase, over.again_at) == (Phase.ENDED, T + 60), "first the login, then its end"
        assert book.familiar.find(1) == NO_SESSION
        assert not book.came_again(old), "it was looked at before its end"

        await book.write([login(2)])
        ending = book.write([stop(T + 91, names=login(2).names, place=login(2).place)])
        assert book.came_again(again(book, 2, 120)), "nothing is known of the end yet"
        await ending
        (found, *_) = await asyncio.gather(book.write([login(3)]))
        assert found[0].stored
        (new,) = [each for each in store.by_nas("switch") if each.names == login(2).names]
        assert (new.phase, new.authorized_at) == (Phase.AUTHORIZED, T + 120), "a session of its own"

    play(store, story)


class Full:
    """A disk that is full now and then. asked: how many changes were brought at once."""

    def __init__(self, there: SessionStore) -> None:
        self.full = False
        self.asked: list[int] = []
        self._there = there

    def submit_all(self, changes: Sequence[Any]) -> Future[tuple[Applied, ...]]:
        self.asked.append(len(changes))
        if not self.full:
            return self._there.submit_all(changes)
        future: Future[tuple[Applied, ...]] = Future()
        future.set_result(tuple(Applied(stored=False) for _ in changes))
        return future


def test_what_the_disk_does_not_take_is_written_when_it_does(tmp_path: Path) -> None:
    there = SessionStore(tmp_path / "sessions.sqlite", apply=apply, tie=tie, report=lambda _: None)

    async def story() -> None:
        disk = Full(there)
        book = Book(disk, instant, alone_s=0.01)  # type: ignore[arg-type]
        await book.write([login(1)])
        disk.full = True
        assert book.came_again(again(book, 1))
        assert [each.stored for each in await book.write([login(2)])] == [False]
        disk.full = False
        while seen_at(there) < T + 60:  # noqa: ASYNC110  it is on the disk that it shows
            await asyncio.sleep(0.005)
        book.close()

    asyncio.run(asyncio.wait_for(story(), 20))
    there.close()


def test_what_was_not_taken_is_not_tried_after_something_has_become_of_its_session(store: SessionStore) -> None:
    async def story(_: Book) -> None:
        disk = Full(store)
        book = Book(disk, instant, alone_s=60.0)  # type: ignore[arg-type]
        await book.write([login(1)])
        assert book.came_again(again(book, 1))
        disk.full = True
        lost = book.write([login(2)])
        disk.full = False
        ended = book.write([stop(T + 90, names=login(1).names, place=login(1).place)])
        await asyncio.gather(lost, ended)
        await book.write([login(3)])
        assert [(each.id, each.names) for each in store.by_nas("switch")] == [(2, login(3).names)], "nobody comes back"
        book.close()

    play(store, story)


def test_a_disk_that_takes_nothing_is_brought_so_many_again_and_the_others_come_in_full(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nacd.server.sessions.book._MOST_AGAIN", 3)

    async def story(_: Book) -> None:
        disk = Full(store)
        book = Book(disk, instant, alone_s=60.0)  # type: ignore[arg-type]
        await book.write([login(number) for number in range(1, 9)])
        disk.full = True
        for number in range(1, 9):
            assert book.came_again(again(book, number))
        await book.write([])
        assert await book.write([login(9)])
        assert disk.asked[-1] == 4, "three of them, and what was asked for"
        assert [number for number in range(1, 9) if isinstance(book.familiar.find(number), Session)] == [1, 2, 3]
        book.close()

    play(store, story)
