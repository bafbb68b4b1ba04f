"""One file over the life of a daemon: whatever happens to it is reported, and nothing is raised."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from nacd.store import state_file as module
from nacd.store.sqlite_file import Schema, reader
from nacd.store.state_file import REPORT_EVERY_S, RETRY_S, WATCH_S, StateFile, Statement

SCHEMA = Schema(application_id=0x1234, steps=("CREATE TABLE notes (word TEXT NOT NULL) STRICT;",))
NOTE = "INSERT INTO notes VALUES (?)"
WORDS = "SELECT word FROM notes ORDER BY word"


class Desk:
    """State files on one path, with a clock and a list of what was reported."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 1000.0
        self.said: list[str] = []
        self.held: list[Statement] = []
        self._made: list[StateFile] = []

    def open(self) -> StateFile:
        made = StateFile(
            self.path, SCHEMA, report=self.said.append, when_new=lambda: self.held, monotonic=lambda: self.now
        )
        self._made.append(made)
        return made

    def close(self) -> None:
        for each in self._made:
            each.close()

    def aside(self) -> list[Path]:
        return sorted(self.path.parent.glob("*.bad-*"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "state" / "notes.sqlite")
    yield made
    made.close()


def write(file: StateFile, *words: str, durable: bool = False) -> bool:
    return file.write([(NOTE, [(word,) for word in words])], durable=durable)


def words(file: StateFile) -> list[str]:
    return [word for (word,) in file.ask(WORDS)]


def filled_and_spoiled(desk: Desk) -> StateFile:
    """A file that looks well when it is opened, and has rubbish in every page after the second."""
    file = desk.open()
    assert write(file, *(f"{number:06}" * 20 for number in range(5_000)))
    file.close()
    with desk.path.open("r+b") as octets:
        octets.seek(8192)
        octets.write(b"\xa5" * (desk.path.stat().st_size - 8192))
    file = desk.open()
    assert file.problem == ""
    assert desk.said == []
    return file


def test_what_is_written_is_read_and_outlives_the_file_being_closed(desk: Desk) -> None:
    file = desk.open()
    assert write(file, "one")
    assert write(file, "two", durable=True)
    assert words(file) == ["one", "two"]
    file.close()
    assert sorted(each.name for each in desk.path.parent.iterdir()) == ["notes.sqlite", "notes.sqlite.lock"]
    assert words(desk.open()) == ["one", "two"]
    assert desk.said == []


def test_all_statements_are_written_or_none(desk: Desk) -> None:
    file = desk.open()
    assert not file.write([(NOTE, [("one",)]), ("INSERT INTO nowhere VALUES (?)", [(1,)])])
    assert "no such table" in file.problem
    desk.now += RETRY_S
    assert write(file, "two")
    assert file.problem == ""
    assert words(file) == ["two"]


def test_a_disk_that_hangs_does_not_keep_the_file_from_being_closed(desk: Desk) -> None:
    file = desk.open()
    hanging, let_go = Event(), Event()

    def hang(_: sqlite3.Connection) -> None:
        hanging.set()
        let_go.wait(20)

    writing = Thread(target=file.transact, args=(hang,))
    writing.start()
    assert hanging.wait(20)
    closing = Thread(target=file.close, args=(0.01,))
    closing.start()
    closing.join(10)
    ended_meanwhile = not closing.is_alive()
    let_go.set()
    writing.join()
    assert ended_meanwhile
    assert file.close()
    assert desk.open().problem == ""


def test_after_the_end_nothing_is_found_or_written(desk: Desk) -> None:
    file = desk.open()
    assert write(file, "one")
    file.close()
    file.close()
    desk.now += 10 * RETRY_S
    assert not file.worth_trying
    assert not write(file, "two")
    assert words(file) == []


def test_what_is_asked_in_text_that_no_file_can_hold_is_not_there(desk: Desk) -> None:
    file = desk.open()
    assert file.ask("SELECT word FROM notes WHERE word = ?", ("\ud800",)) == []
    assert file.problem == ""


def test_a_question_that_fails_is_answered_with_nothing_and_does_not_stop_the_writing(desk: Desk) -> None:
    file = desk.open()
    assert file.ask("SELECT * FROM nowhere") == []
    assert "no such table" in file.problem
    assert desk.said == [file.problem]
    assert write(file, "one")
    assert file.problem == ""
    assert words(file) == ["one"]


# -- two daemons, another process ----------------------------------------------------------------


def test_the_second_daemon_reports_keeps_nothing_and_takes_over_later(desk: Desk) -> None:
    first = desk.open()
    second = desk.open()
    assert "another nacd has it" in second.problem
    assert [sentence for sentence in desk.said if "another nacd has it" in sentence] == desk.said
    assert len(desk.said) == 1
    assert write(first, "one")
    assert words(second) == []
    assert not second.worth_trying
    assert not write(second, "two")
    first.close()
    assert not write(second, "too early")
    desk.now += RETRY_S
    assert second.worth_trying
    assert write(second, "three")
    assert words(second) == ["one", "three"]
    assert second.problem == ""
    assert "again" in desk.said[-1]


def test_a_child_of_this_process_touches_nothing(desk: Desk) -> None:
    file = desk.open()
    assert write(file, "one")
    child = os.fork()
    if child == 0:
        untouched = not file.is_ours and not write(file, "two") and words(file) == []
        file.close()
        os._exit(0 if untouched else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert write(file, "three")
    assert words(file) == ["one", "three"]


# -- bad files -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "octets", [b"\x00" * 5000, b"xy", Random(1).randbytes(9000), b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_file_that_is_none_is_reported_moved_aside_and_made_anew(desk: Desk, octets: bytes) -> None:
    desk.path.parent.mkdir()
    desk.path.write_bytes(octets)
    file = desk.open()
    assert file.problem == ""
    assert write(file, "one")
    assert words(file) == ["one"]
    (aside,) = desk.aside()
    assert aside.read_bytes() == octets
    assert len(desk.said) == 1
    assert f"moved aside to `{aside.name}`" in desk.said[0]


def test_a_file_found_bad_while_it_is_written_is_replaced_and_the_write_succeeds(desk: Desk) -> None:
    file = filled_and_spoiled(desk)
    desk.held = [(NOTE, [("held",)])]
    assert file.write([("DELETE FROM notes WHERE word = ?", [("none",)]), (NOTE, [("new",)])])
    assert len(desk.aside()) == 1
    assert len(desk.said) == 1
    assert "moved aside" in desk.said[0]
    assert file.problem == ""
    assert words(file) == ["held", "new"]


def test_a_file_found_bad_while_it_is_read_is_replaced_once_for_all_readers(desk: Desk) -> None:
    file = filled_and_spoiled(desk)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: words(file), range(32)))
    assert answers == [[]] * 32
    assert len(desk.aside()) == 1
    assert len(desk.said) == 1
    assert "malformed" in desk.said[0]
    assert "moved aside" in desk.said[0]
    assert file.problem == ""
    assert write(file, "new")
    assert words(file) == ["new"]


def test_readers_that_met_the_bad_file_do_not_give_up_the_new_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    file = filled_and_spoiled(desk)
    together = Barrier(8)

    def meet(path: Path) -> sqlite3.Connection:
        connection = reader(path)
        together.wait(20)
        return connection

    monkeypatch.setattr("nacd.store.readers.reader", meet)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: words(file), range(8))) == [[]] * 8
    monkeypatch.undo()
    assert file.problem == ""
    assert write(file, "new")
    assert words(file) == ["new"]
    assert len(desk.said) == 1


def test_a_disk_that_spoils_every_file_is_not_filled_with_them(desk: Desk) -> None:
    for turn in range(6):
        desk.path.parent.mkdir(exist_ok=True)
        desk.path.write_bytes(b"bad")
        file = desk.open()
        assert write(file, str(turn))
        file.close()
    assert len([each for each in desk.aside() if not each.name.endswith("-wal")]) == 3


def test_a_second_bad_file_within_seconds_is_left_alone_for_a_while(desk: Desk) -> None:
    desk.path.parent.mkdir()
    desk.path.write_bytes(b"bad")
    file = desk.open()
    assert len(desk.aside()) == 1
    desk.path.unlink()
    desk.path.write_bytes(b"bad again")
    desk.now += WATCH_S
    assert not write(file, "one")
    assert "and so was the one before" in file.problem
    assert len(desk.aside()) == 1
    desk.now += RETRY_S
    assert write(file, "two")
    assert len(desk.aside()) == 2
    assert file.problem == ""


# -- disks and folders ---------------------------------------------------------------------------


def folder_is_a_file(desk: Desk) -> None:
    desk.path.parent.write_text("in the way")


def lock_is_a_folder(desk: Desk) -> None:
    desk.path.with_name(f"{desk.path.name}.lock").mkdir(parents=True)


@pytest.mark.parametrize("spoiled", [folder_is_a_file, lock_is_a_folder])
def test_where_there_can_be_no_file_the_store_runs_on_and_tries_again(
    desk: Desk, spoiled: Callable[[Desk], None]
) -> None:
    spoiled(desk)
    file = desk.open()
    assert "cannot keep verdicts" in file.problem
    assert desk.said == [file.problem]
    assert not write(file, "one")
    assert words(file) == []
    desk.now += RETRY_S
    assert not write(file, "two")
    assert len(desk.said) == 1, "the same thing is not said twice in ten minutes"
    desk.now += REPORT_EVERY_S
    assert not write(file, "three")
    assert len(desk.said) == 2
    (desk.path.parent.unlink if desk.path.parent.is_file() else desk.path.with_name("notes.sqlite.lock").rmdir)()
    desk.now += RETRY_S
    assert write(file, "four")
    assert words(file) == ["four"]


def test_a_folder_in_the_place_of_the_file_is_moved_aside(desk: Desk) -> None:
    desk.path.mkdir(parents=True)
    (desk.path / "kept").touch()
    file = desk.open()
    assert write(file, "one")
    (aside,) = desk.aside()
    assert (aside / "kept").exists()
    assert "is a folder" in desk.said[0]


def test_a_link_in_the_place_of_the_file_is_moved_and_not_followed(desk: Desk, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    desk.path.parent.mkdir()
    desk.path.symlink_to(victim)
    file = desk.open()
    assert write(file, "one")
    assert not victim.exists()
    assert desk.aside()[0].is_symlink()


def test_the_log_of_a_file_taken_away_is_not_played_into_the_one_that_came_instead(desk: Desk) -> None:
    file = desk.open()
    assert write(file, "from another day")
    file.close()
    backup = desk.path.read_bytes()
    file = desk.open()
    assert write(file, *(f"{number:06}" * 20 for number in range(500)))
    desk.path.rename(desk.path.with_name("elsewhere"))
    desk.path.write_bytes(backup)
    desk.now += WATCH_S
    assert write(file, "of today")
    assert words(file) == ["from another day", "of today"]
    assert file.ask("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("leave", [Path.unlink, lambda path: path.rename(path.with_name("elsewhere"))])
def test_a_file_taken_away_while_it_is_in_use_is_made_anew(desk: Desk, leave: Callable[[Path], Any]) -> None:
    file = desk.open()
    assert write(file, "one")
    desk.held = [(NOTE, [("held",)])]
    leave(desk.path)
    desk.now += WATCH_S
    assert write(file, "two")
    assert words(file) == ["held", "two"]
    assert "was taken away" in desk.said[0]
    file.close()
    desk.held = []
    assert words(desk.open()) == ["held", "two"]


def test_another_program_that_locks_the_file_costs_this_write_only(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nacd.store.sqlite_file.BUSY_TIMEOUT_S", 0.01)
    file = desk.open()
    intruder = sqlite3.connect(desk.path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    assert not write(file, "one")
    assert "locked" in file.problem
    assert words(file) == []
    intruder.execute("ROLLBACK")
    intruder.close()
    assert write(file, "two")
    assert file.problem == ""
    assert words(file) == ["two"]
    assert len(desk.said) == 1


def test_the_log_is_carried_over_when_readers_let_it_grow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_MOST_OCTETS", 200_000)
    file = desk.open()
    reader = sqlite3.connect(desk.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute(WORDS).fetchall()
    log = desk.path.with_name(f"{desk.path.name}-wal")
    while log.stat().st_size <= 8_000_000:  # twice what is carried over by itself
        assert write(file, *("word" * 100 for _ in range(1_000)))
    reader.execute("COMMIT")
    reader.close()
    desk.now += WATCH_S
    assert write(file, "last")
    assert log.stat().st_size < 200_000
    assert file.problem == ""


def test_words_of_its_own_say_what_is_not_kept_and_what_follows(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said: list[str] = []
    path = tmp_path / "file" / "notes.sqlite"
    StateFile(path, SCHEMA, report=said.append, keeps="sessions", consequence="nobody answers").close()
    assert said[0].startswith(f"cannot keep sessions in `{path}`: ")
    assert said[0].endswith("; until that is mended, nobody answers")
