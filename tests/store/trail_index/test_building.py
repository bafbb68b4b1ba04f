"""An index appears whole or not at all, and belongs to whoever the file belongs to."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from nacd.audit.asking.filters import Query, clause
from nacd.store.trail.reading import Unreadable, alone, files
from nacd.store.trail_index.building import CannotBuild, build
from nacd.store.trail_index.index import opened
from tests.store.trail_index.laid import lay, who


def test_an_index_lies_beside_its_file_and_nothing_else_does(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice"), who("bob")], [who("carol")]])
    file = files(live)[0]
    os.chmod(file.path, 0o640)
    heard: list[int] = []
    made = build(file, told=heard.append)
    assert heard == [file.size]
    assert stat.S_IMODE(made.stat().st_mode) == 0o640
    assert {path.name for path in tmp_path.iterdir()} == {file.path.name, made.name, "audit.jsonl"}


def test_the_live_file_gets_none(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice")]])
    with pytest.raises(CannotBuild, match="still being written"):
        build(files(live)[0])


def test_a_file_that_is_cut_short_gets_none_and_leaves_nothing_behind(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who(f"user-{n}") for n in range(30)], []])
    [path] = tmp_path.glob("*.gz")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(Unreadable):
        build(files(live)[0])
    assert [each.name for each in tmp_path.iterdir() if "idx" in each.name] == []


def test_what_a_killed_build_has_left_goes_after_a_day(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice")], []])
    file = files(live)[0]
    name = f".{build(file).name}"
    old, young = tmp_path / f"{name}.aaa.idx.part", tmp_path / f"{name}.bbb.idx.part"
    for left in (old, young):
        left.write_bytes(b"")
    os.utime(old, (time.time() - 100_000, time.time() - 100_000))
    build(file)
    assert not old.exists()
    assert young.exists()


def test_pairs_that_are_too_many_for_memory_go_to_disk_in_runs(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who(f"user-{n % 7}") for n in range(60)], []])
    file = files(live)[0]
    build(file, most_pairs=10)
    index = opened(file)
    rows = index.blocks()
    for number in range(7):
        found = index.candidates(Query(clauses=(clause("user", [f"user-{number}"]),)))
        assert found == [row for at, row in enumerate(rows) if number in {n % 7 for n in range(at * 3, at * 3 + 3)}]
    index.close()


def test_a_block_tells_its_numbers_and_times_and_what_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "x-20261122T192100Z-000000000001.jsonl"
    path.write_bytes(
        b'{"seq":5,"time":"1970-01-01T00:00:02Z"}\nodd\n{"seq":3,"time":"1970-01-01T00:00:01Z"}\n\n{"time":9}\n'
    )
    build(alone(path))
    index = opened(alone(path))
    [row] = index.blocks()
    index.close()
    assert (row.first_seq, row.last_seq, row.first_ms, row.last_ms) == (3, 5, 1_000, 2_000)
    assert (row.records, index.records, index.strange) == (3, 3, 1)
