"""A real disk that is full: accounting is said to be not stored and goes unanswered, until there is room again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import AccountingKind, Session
from nacd.store.sessions import SessionStore
from nacd.store.state_file import RETRY_S
from tests.disks import fill
from tests.store.live import stage
from tests.store.live.stage import NOW, PATIENCE_S


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def store_on(clock: Clock, said: list[str]) -> Iterator[Callable[[Path], SessionStore]]:
    made: list[SessionStore] = []

    def open_on(folder: Path) -> SessionStore:
        file = folder / "sessions.sqlite"
        made.append(SessionStore(file, apply=apply, tie=tie, report=said.append, monotonic=clock))
        return made[-1]

    yield open_on
    for each in made:
        each.close()


def start(store: SessionStore, number: int) -> bool:
    change = stage.accounted(number, AccountingKind.START, at=NOW + number)
    return store.submit(change).result(PATIENCE_S).stored


def test_what_a_full_disk_does_not_take_is_not_stored_and_is_taken_when_it_comes_again(
    small_disk: Path, store_on: Callable[[Path], SessionStore], clock: Clock, said: list[str]
) -> None:
    store = store_on(small_disk)
    assert start(store, 0)
    filler = fill(small_disk)
    lost = []
    for number in range(1, 2_000):
        if not start(store, number):
            lost.append(number)
        if len(lost) >= 15:
            break
    assert len(lost) >= 15
    assert "full" in store.problem
    assert "accounting goes unanswered" in store.problem
    assert len([sentence for sentence in said if "full" in sentence]) == 1
    assert len(store.by_acct_session_id("sw-1", "A0")) == 1, "what is there is still found"
    order_taken = store.submit(stage.authorized(7_000)).result(PATIENCE_S)
    assert not order_taken.stored
    assert order_taken.why

    filler.unlink()
    left = lost
    for _ in range(3 * len(lost)):  # the disk is so small that the log has to be carried over time and again
        clock.now += RETRY_S
        left = [number for number in left if not start(store, number)]
    assert left == [], "the NAS sends it again"
    assert store.problem == ""
    assert [len(store.by_acct_session_id("sw-1", f"A{number}")) for number in lost] == [1] * len(lost)


def test_a_disk_that_fills_by_it_has_every_session_that_was_said_to_be_stored(
    small_disk: Path, tmp_path: Path, store_on: Callable[[Path], SessionStore], clock: Clock
) -> None:
    store = store_on(small_disk)
    kept = set()
    for number in range(200):
        if start(store, number):
            kept.add(number)
        if number % 50 == 0:
            clock.now += RETRY_S
    assert 10 < len(kept) < 200
    store.close()
    roomy = tmp_path / "roomy"
    shutil.copytree(small_disk, roomy)
    after = store_on(roomy)
    assert after.problem == ""
    found = {number: after.by_acct_session_id("sw-1", f"A{number}") for number in range(200)}
    assert {number for number, sessions in found.items() if sessions} == kept
    assert all(isinstance(sessions[0], Session) for sessions in found.values() if sessions)
    assert all(start(after, number) for number in range(200)), "with room all is stored"


def test_a_start_on_a_full_disk_is_reported_and_the_store_comes_when_there_is_space(
    small_disk: Path, store_on: Callable[[Path], SessionStore], clock: Clock, said: list[str]
) -> None:
    filler = fill(small_disk)
    store = store_on(small_disk)
    assert "cannot keep sessions" in store.problem
    assert said[0] == store.problem
    assert "orders that stand in it (`nacd quarantine`, `block`, `allow`) do not hold" in said[1]
    assert not start(store, 1)
    assert store.counts()["live"] == 0
    assert store.prune(NOW) == 0
    assert list(store.live_keys()) == []
    filler.unlink()
    clock.now += RETRY_S
    assert start(store, 1)
    assert store.problem == ""
    assert store.counts()["live"] == 1
