"""The inventory on disk: a restart keeps it, a list comes whole, and what is bad is moved aside and told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.session.macs.inventory import Entry
from nacd.store.live.inventory import NAME, InventoryFile, entry_of

PRINTER = "00-11-85-AA-BB-CC"


def entry(mac: str = PRINTER, **more: Any) -> Entry:
    return Entry(**{"mac": mac, "owner": "Röntgen", "reason": "4711", "by": "ada", "at": 100.0, **more})


MANY = [entry(f"00-11-85-00-00-{number:02X}", tags=("printers",), until=200.0 + number) for number in range(50)]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def file(tmp_path: Path, said: list[str]) -> Iterator[InventoryFile]:
    opened = InventoryFile(tmp_path / NAME, report=said.append)
    yield opened
    opened.close()


def test_what_was_put_is_there_after_a_restart(tmp_path: Path, file: InventoryFile, said: list[str]) -> None:
    assert file.put([*MANY, entry(even_if_managed=True)]) == ""
    file.close()
    again = InventoryFile(tmp_path / NAME, report=said.append)
    assert set(again.entries()) == {*MANY, entry(even_if_managed=True)}
    again.close()
    assert said == []


def test_a_newer_entry_stands_instead_of_the_older_one_and_a_removed_one_is_gone(file: InventoryFile) -> None:
    assert file.put([entry(), MANY[0]]) == ""
    assert file.put([entry(reason="4712")]) == ""
    assert file.remove([MANY[0].mac, "00-00-5E-00-53-01"]) == ""
    assert file.entries() == (entry(reason="4712"),)


def test_a_list_that_cannot_be_written_whole_is_not_written_at_all(
    tmp_path: Path, file: InventoryFile, said: list[str]
) -> None:
    assert file.put([entry()]) == ""
    with sqlite3.connect(tmp_path / NAME) as other:  # as a disk that takes some rows and not the rest
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON inventory WHEN NEW.mac LIKE '%-20'"
            " BEGIN SELECT RAISE(ABORT, 'no room'); END"
        )
    other.close()
    assert "no room" in file.put(MANY)
    with sqlite3.connect(tmp_path / NAME) as other:
        assert other.execute("SELECT mac FROM inventory").fetchall() == [(PRINTER,)]
    other.close()
    assert any("entries are neither added nor removed" in each for each in said)


def test_a_row_that_has_rotted_is_told_and_counts_no_more(tmp_path: Path, file: InventoryFile, said: list[str]) -> None:
    assert file.put([entry(), MANY[0]]) == ""
    file.close()
    with sqlite3.connect(tmp_path / NAME) as rotten:
        rotten.execute("UPDATE inventory SET rest = x'00112233445566' WHERE mac = ?", (PRINTER,))
    rotten.close()
    again = InventoryFile(tmp_path / NAME, report=said.append)
    assert again.entries() == (MANY[0],)
    assert [each for each in said if PRINTER in each and "counts no more, enter it again" in each]
    assert again.put([entry()]) == ""
    assert set(again.entries()) == {entry(), MANY[0]}
    again.close()


def test_a_damaged_file_is_told_and_moved_aside(tmp_path: Path, said: list[str]) -> None:
    (tmp_path / NAME).write_bytes(b"no database at all" * 100)
    opened = InventoryFile(tmp_path / NAME, report=said.append)
    assert opened.entries() == ()
    assert any("moved aside to" in each for each in said)
    assert [each.read_bytes()[:11] for each in tmp_path.glob(f"{NAME}.*") if "lock" not in each.name][:1] == [
        b"no database"
    ]
    assert opened.put([entry()]) == ""
    opened.close()


def test_what_is_in_memory_goes_into_the_file_that_takes_the_place_of_a_bad_one(
    tmp_path: Path, said: list[str]
) -> None:
    opened = InventoryFile(tmp_path / NAME, report=said.append, held=lambda: (entry(),))
    assert opened.put([entry()]) == ""
    with (tmp_path / NAME).open("r+b") as there:
        there.write(b"\0" * 4096)
    (tmp_path / f"{NAME}-wal").write_bytes(b"")
    assert opened.entries() == ()
    assert any("moved aside to" in each for each in said)
    assert opened.entries() == (entry(),)
    opened.close()


def test_somebody_else_may_read_it_while_it_is_in_use(tmp_path: Path, file: InventoryFile) -> None:
    assert entry_of(tmp_path / "nothing.sqlite", PRINTER) is None
    assert file.put([entry()]) == ""
    assert entry_of(tmp_path / NAME, PRINTER) == entry()
    assert entry_of(tmp_path / NAME, MANY[0].mac) is None
    (tmp_path / "bad").write_bytes(b"no database at all" * 100)
    with pytest.raises(ValueError, match="bad"):
        entry_of(tmp_path / "bad", PRINTER)
