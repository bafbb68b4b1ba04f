"""An index is believed only if it is the index of this very file, and sound."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from nacd.audit.asking import terms
from nacd.audit.asking.filters import Query, clause
from nacd.store.trail.reading import TrailFile, files
from nacd.store.trail_index import layout
from nacd.store.trail_index.building import build
from nacd.store.trail_index.index import NoIndex, opened
from nacd.store.trail_index.mark import index_path
from tests.store.trail_index.laid import lay, who

USERS = ["alice", "bob", "carol", "dave", "erin", "frank", "grace"]


@pytest.fixture
def file(tmp_path: Path) -> TrailFile:
    live = lay(tmp_path, [[{**who(name), "nas": {"name": f"nas-{name[0]}"}} for name in USERS], []])
    found = files(live)[0]
    build(found)
    return found


def candidates(file: TrailFile, kind: str, *values: str) -> list[int]:
    index = opened(file)
    try:
        rows = index.blocks()
        return [rows.index(row) for row in index.candidates(Query(clauses=(clause(kind, values),)))]
    finally:
        index.close()


def test_only_the_blocks_that_may_hold_it_are_named(file: TrailFile) -> None:
    assert candidates(file, "user", "erin") == [1]
    assert candidates(file, "user", "alice", "GRACE") == [0, 2]
    assert candidates(file, "user", "nobody") == []
    assert candidates(file, "nas", "nas-*") == [0, 1, 2]
    assert candidates(file, "nas", "*-d") == [1]
    # Of kinds with many values no list is kept: everything may fit.
    assert candidates(file, "user", "eri*") == [0, 1, 2]


def test_a_file_without_index_has_none_and_nothing_is_said(tmp_path: Path, file: TrailFile) -> None:
    index_path(file.path).unlink()
    with pytest.raises(NoIndex, match=r"\A\Z"):
        opened(file)


def of_another(file: TrailFile) -> None:
    octets = file.path.read_bytes()
    file.path.write_bytes(octets + octets[-20:])


def no_database(file: TrailFile) -> None:
    index_path(file.path).write_bytes(b"what is this" * 1_000)


def cut_short(file: TrailFile) -> None:
    path = index_path(file.path)
    path.write_bytes(path.read_bytes()[:9_000])


def a_link(file: TrailFile) -> None:
    path = index_path(file.path)
    shutil.copy(path, path.with_suffix(".real"))
    path.unlink()
    path.symlink_to(path.with_suffix(".real"))


def sql(statement: str) -> Callable[[TrailFile], None]:
    def change(file: TrailFile) -> None:
        with sqlite3.connect(index_path(file.path)) as index:
            index.execute(statement)
        index.close()

    return change


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (of_another, "of another file"),
        (no_database, "is damaged"),
        (cut_short, "is damaged"),
        (a_link, "no plain file"),
        (sql("PRAGMA user_version=99"), "another version"),
        (sql("PRAGMA application_id=7"), "no index of nacd's"),
        (sql("CREATE TABLE more (x)"), "is damaged"),
        (sql("CREATE VIEW part2 AS SELECT 1"), "is damaged"),
        (sql("UPDATE part SET octets = replace(octets, 'a', 'b')"), "is damaged"),
        (sql("DELETE FROM part WHERE place = 0"), "is damaged"),
    ],
)
def test_what_is_foreign_stale_or_broken_is_not_believed(
    file: TrailFile, spoil: Callable[[TrailFile], None], words: str
) -> None:
    spoil(file)
    with pytest.raises(NoIndex, match=words):
        opened(file)


@pytest.mark.parametrize(
    "where", [f"place BETWEEN {layout.place(part, 0)} AND {layout.place(part + 1, 0) - 1}" for part in (1, 2, 16)]
)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE part SET octets = CAST(substr(octets, 1, length(octets) - 1) || x'07' AS BLOB) WHERE",
        "UPDATE part SET sum = 1 WHERE",
    ],
)
def test_a_bit_that_flips_inside_is_noticed_when_it_counts(file: TrailFile, where: str, change: str) -> None:
    sql(f"{change} {where}")(file)
    with pytest.raises(NoIndex, match="is damaged"):
        candidates(file, "nas", "nas-*")


def test_blocks_that_are_missing_are_noticed(file: TrailFile) -> None:
    sql(f"DELETE FROM part WHERE place = {layout.place(layout.BLOCKS, 0)}")(file)
    with pytest.raises(NoIndex, match="is damaged"):
        candidates(file, "user", "alice")


def test_an_index_of_other_terms_is_of_another_version(file: TrailFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "VERSION", terms.VERSION + 1)
    with pytest.raises(NoIndex, match="another version"):
        opened(file)
