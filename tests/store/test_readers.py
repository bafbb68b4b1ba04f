"""Connections are lent for one question, and all of them are closed before the file may be moved."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread

import pytest

from nacd.store import readers as module
from nacd.store.readers import Readers

PATIENCE_S = 20.0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE numbers (number INTEGER)")
    connection.executemany("INSERT INTO numbers VALUES (?)", [(number,) for number in range(100)])
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def readers(file: Path) -> Iterator[Readers]:
    made = Readers(file)
    made.open()
    yield made
    assert made.shut(PATIENCE_S)


def held_open(file: Path) -> int:
    """Descriptors of this process on the file."""
    links = [Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd")]
    return sum(os.path.lexists(link) and os.readlink(link) == str(file) for link in links)


def test_before_it_is_opened_and_after_it_is_shut_there_is_no_answer(file: Path) -> None:
    readers = Readers(file)
    assert readers.ask("SELECT 1", ()) == []
    readers.open()
    assert readers.ask("SELECT 1", ()) == [(1,)]
    assert readers.shut(PATIENCE_S)
    assert readers.ask("SELECT 1", ()) == []


def test_one_connection_serves_one_thread_after_the_other(readers: Readers, file: Path) -> None:
    for number in range(50):
        assert readers.ask("SELECT number FROM numbers WHERE number = ?", (number,)) == [(number,)]
    assert held_open(file) == 1


def test_sixteen_threads_at_once_are_answered(readers: Readers) -> None:
    def ask(number: int) -> bool:
        return readers.ask("SELECT number FROM numbers WHERE number = ?", (number % 100,)) == [(number % 100,)]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(3_000)))


def test_an_error_is_the_askers_and_costs_one_connection(readers: Readers, file: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        readers.ask("SELECT * FROM nowhere", ())
    assert held_open(file) == 0
    assert readers.ask("SELECT count(*) FROM numbers", ()) == [(100,)]


def test_shutting_waits_for_what_is_lent_and_leaves_no_descriptor(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking, go_on = Event(), Event()

    def slow(path: Path) -> sqlite3.Connection:
        asking.set()
        assert go_on.wait(PATIENCE_S)
        return sqlite3.connect(path, check_same_thread=False)

    monkeypatch.setattr(module, "reader", slow)
    readers = Readers(file)
    readers.open()
    answers: list[list[tuple[int]]] = []
    asker = Thread(target=lambda: answers.append(readers.ask("SELECT count(*) FROM numbers", ())))
    asker.start()
    assert asking.wait(PATIENCE_S)
    assert not readers.shut(0.01), "one is lent"
    go_on.set()
    assert readers.shut(PATIENCE_S)
    asker.join(PATIENCE_S)
    assert answers == [[(100,)]]
    assert held_open(file) == 0
