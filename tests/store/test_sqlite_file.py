"""What is ours is opened, what is not is told from it, and nothing is played into a file it does not belong to."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from nacd.store import sqlite_file
from nacd.store.sqlite_file import Schema, lock, move_aside, open_for_reading, open_for_writing

FIRST = "CREATE TABLE notes (word TEXT NOT NULL) STRICT;"
SECOND = "ALTER TABLE notes ADD COLUMN colour TEXT; UPDATE notes SET colour = 'grey';"
SCHEMA = Schema(application_id=0x1234, steps=(FIRST,))
LATER = Schema(application_id=0x1234, steps=(FIRST, SECOND))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "odd name?#%41.sqlite"


def words_in(file: Path, schema: Schema = SCHEMA) -> list[tuple[str, ...]]:
    connection = open_for_reading(file, schema)
    try:
        return connection.execute("SELECT * FROM notes").fetchall()
    finally:
        connection.close()


def note(file: Path, word: str, schema: Schema = SCHEMA) -> None:
    connection = open_for_writing(file, schema)
    connection.execute("INSERT INTO notes (word) VALUES (?)", (word,))
    connection.close()


def test_a_new_file_is_for_its_owner_only_and_so_is_its_log(file: Path) -> None:
    old = os.umask(0)
    try:
        connection = open_for_writing(file, SCHEMA)
        connection.execute("INSERT INTO notes VALUES ('x')")
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()}
        connection.close()
    finally:
        os.umask(old)
    assert modes == {file.name: 0o600, f"{file.name}-wal": 0o600, f"{file.name}-shm": 0o600}


def test_a_file_from_elsewhere_is_closed_to_others(file: Path) -> None:
    note(file, "one")
    file.chmod(0o644)
    note(file, "two")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_is_in_write_ahead_mode_and_does_not_believe_its_schema(file: Path) -> None:
    connection = open_for_writing(file, SCHEMA)
    said = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    said += [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("trusted_schema", "cell_size_check")]
    connection.close()
    assert said == ["wal", 1, 0, 1]


def test_what_was_written_is_there_the_next_time(file: Path) -> None:
    note(file, "one")
    note(file, "two")
    assert words_in(file) == [("one",), ("two",)]


def test_a_file_of_an_older_nacd_goes_through_the_missing_steps(file: Path) -> None:
    note(file, "one")
    note(file, "two", LATER)
    assert words_in(file, LATER) == [("one", "grey"), ("two", None)]
    with pytest.raises(OSError, match="version 2, of a newer nacd, and this one knows 1"):
        open_for_writing(file, SCHEMA)


def test_a_step_that_fails_leaves_the_file_as_it_was(file: Path) -> None:
    note(file, "one")
    broken = Schema(application_id=0x1234, steps=(FIRST, "DELETE FROM notes; INSERT INTO nowhere VALUES (1);"))
    with pytest.raises(OSError, match="no such table: nowhere"):
        open_for_writing(file, broken)
    assert words_in(file) == [("one",)]


def test_a_file_of_an_older_nacd_with_other_tables_is_bad_before_any_step(file: Path) -> None:
    note(file, "one")
    connection = sqlite3.connect(file)
    connection.execute("ALTER TABLE notes RENAME TO other")
    connection.close()
    with pytest.raises(ValueError, match="has tables that nacd did not make"):
        open_for_writing(file, LATER)


def test_an_empty_file_is_a_new_one(file: Path) -> None:
    file.touch()
    note(file, "one")
    assert words_in(file) == [("one",)]


def foreign(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def other_id(file: Path) -> None:
    note(file, "one")
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA application_id = 77")
    connection.close()


def planted(file: Path) -> None:
    note(file, "one")
    connection = sqlite3.connect(file)
    connection.execute("CREATE TRIGGER t AFTER INSERT ON notes BEGIN DELETE FROM notes; END")
    connection.close()


def no_version(file: Path) -> None:
    note(file, "one")
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 0")
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (foreign, "is a database of another program"),
        (other_id, "is a database of another program"),
        (planted, "has tables that nacd did not make"),
        (no_version, "has version 0, this nacd knows 1"),
        (lambda file: file.write_bytes(b"no database at all" * 100), "file is not a database"),
        (lambda file: file.write_bytes(b"short"), "file is not a database"),
        (lambda file: file.mkdir(), "is a folder"),
        (lambda file: file.symlink_to("/etc/passwd"), "is a symbolic link"),
        (lambda file: file.symlink_to("nowhere"), "is a symbolic link"),
        (os.mkfifo, "is no regular file"),
    ],
)
def test_what_is_not_ours_is_a_bad_file(file: Path, spoil: Callable[[Path], None], why: str) -> None:
    spoil(file)
    with pytest.raises(ValueError, match=why):
        open_for_writing(file, SCHEMA)
    with pytest.raises(ValueError, match=why):
        open_for_reading(file, SCHEMA)


@pytest.mark.parametrize("ending", ["-wal", "-shm"])
def test_a_log_that_leads_elsewhere_is_not_followed(file: Path, tmp_path: Path, ending: str) -> None:
    note(file, "one")
    victim = tmp_path / "victim"
    victim.write_bytes(b"x" * 100)
    file.with_name(file.name + ending).symlink_to(victim)
    with pytest.raises(ValueError, match="is a symbolic link"):
        open_for_writing(file, SCHEMA)
    assert victim.read_bytes() == b"x" * 100


def test_a_log_without_its_database_is_not_played_into_the_new_one(file: Path) -> None:
    connection = open_for_writing(file, SCHEMA)
    connection.execute("INSERT INTO notes VALUES ('old')")
    log = file.with_name(f"{file.name}-wal")
    kept = log.read_bytes()
    connection.close()
    file.unlink()
    log.write_bytes(kept)
    note(file, "new")
    assert words_in(file) == [("new",)]


def test_every_length_a_file_can_be_cut_to_is_bad_or_empty_or_whole(file: Path) -> None:
    connection = open_for_writing(file, SCHEMA)
    connection.executemany("INSERT INTO notes VALUES (?)", [("word" * 50,)] * 100)
    connection.close()
    whole = file.read_bytes()
    outcomes = set()
    for length in [*range(0, 120, 7), *range(120, len(whole), 1021), len(whole)]:
        file.write_bytes(whole[:length])
        try:
            open_for_writing(file, SCHEMA).close()
            outcomes.add("opened" if length in (0, len(whole)) else f"opened at {length}")
        except ValueError:
            outcomes.add("bad")
    assert outcomes == {"opened", "bad"}


def test_reading_makes_nothing(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_for_reading(file, SCHEMA)
    assert list(file.parent.iterdir()) == []


def test_reading_cannot_write(file: Path) -> None:
    note(file, "one")
    connection = open_for_reading(file, SCHEMA)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM notes")
    connection.close()


def test_an_sqlite_without_strict_tables_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file.sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(OSError, match=r"is too old, it takes 3\.37\.0"):
        open_for_writing(file, SCHEMA)
    assert not file.exists()


# -- the lock ------------------------------------------------------------------------------------


def test_one_holds_the_lock_at_a_time(file: Path) -> None:
    held = lock(file)
    with pytest.raises(OSError, match="another nacd has it"):
        lock(file)
    os.close(held)
    os.close(lock(file))


def test_a_lock_that_leads_elsewhere_is_not_followed(file: Path, tmp_path: Path) -> None:
    file.with_name(f"{file.name}.lock").symlink_to(tmp_path / "made")
    with pytest.raises(OSError):
        lock(file)
    assert not (tmp_path / "made").exists()


# -- moving aside --------------------------------------------------------------------------------


def test_a_file_moved_aside_takes_its_log_with_it_and_can_still_be_read(file: Path) -> None:
    connection = open_for_writing(file, SCHEMA)
    connection.execute("INSERT INTO notes VALUES ('in the log')")
    log = file.with_name(f"{file.name}-wal")
    octets, logged = file.read_bytes(), log.read_bytes()
    connection.close()
    file.write_bytes(octets)
    log.write_bytes(logged)
    aside = move_aside(file, "20260101T000000Z")
    assert sorted(each.name for each in file.parent.iterdir()) == [aside.name, f"{aside.name}-wal"]
    assert aside.name == f"{file.name}.bad-20260101T000000Z"
    assert words_in(aside) == [("in the log",)]


def test_the_last_three_are_kept_and_no_file_of_others_is_touched(file: Path) -> None:
    others = [file.with_name("other.bad-20200101T000000Z"), file.with_name("note.txt")]
    for other in others:
        other.touch()
    for turn in range(1, 8):
        file.write_text(str(turn))
        file.with_name(f"{file.name}-wal").write_text(str(turn))
        move_aside(file, f"2026010{turn}T000000Z" if turn < 7 else "20260106T000000Z")
    left = sorted(each.name for each in file.parent.iterdir() if each not in others)
    names = [f"{file.name}.bad-{end}" for end in ("20260105T000000Z", "20260106T000000Z", "20260106T000000Z-1")]
    assert left == sorted([*names, *(f"{name}-wal" for name in names)])
    assert [file.with_name(name).read_text() for name in names] == ["5", "6", "7"]
    assert all(other.exists() for other in others)


def test_a_folder_in_the_place_of_the_file_is_moved_but_never_emptied(file: Path) -> None:
    for turn in range(5):
        file.mkdir()
        (file / "kept").write_text(str(turn))
        move_aside(file, f"2026010{turn + 1}T000000Z")
    assert sorted(each.read_text() for each in file.parent.rglob("kept")) == ["0", "1", "2", "3", "4"]
