"""What is written from now on comes once each, whatever becomes of the file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from nacd.store.trail.names import full_name
from nacd.store.trail_index.following import Following
from tests.store.trail_index.laid import BEGAN, lay, who


def line(seq: int) -> bytes:
    return (
        json.dumps({"code": "A1001I", "n": seq, "seq": seq, "link": "0" * 64}, separators=(",", ":")).encode() + b"\n"
    )


def write(live: Path, *seqs: int) -> None:
    with live.open("ab") as file:
        file.write(b"".join(map(line, seqs)))


def heard(following: Following) -> list[int]:
    return [json.loads(each)["n"] for text in following.more() for each in text.splitlines()]


def turn_over(live: Path, first: int, *, compressed: bool = False) -> None:
    full = live.rename(live.with_name(full_name(live, BEGAN + first, first)))
    if compressed:
        full.with_name(full.name + ".gz").write_bytes(gzip.compress(full.read_bytes()))
        full.unlink()


def test_it_begins_where_the_file_ends(tmp_path: Path) -> None:
    live = lay(tmp_path, [[who("alice")]])
    following = Following(live)
    assert heard(following) == []
    write(live, 2, 3)
    assert heard(following) == [2, 3]
    assert heard(following) == []
    following.close()


def test_half_a_line_waits_for_its_other_half(tmp_path: Path) -> None:
    live = tmp_path / "audit.jsonl"
    live.write_bytes(line(1)[:20])
    following = Following(live)
    assert heard(following) == []
    with live.open("ab") as file:
        file.write(line(1)[20:])
    assert heard(following) == [1]
    following.close()


def test_a_file_that_is_turned_over_is_read_to_its_end_and_then_the_next(tmp_path: Path) -> None:
    live = tmp_path / "audit.jsonl"
    write(live, 1)
    following = Following(live)
    write(live, 2)
    turn_over(live, 1)
    assert heard(following) == [2]
    write(live, 3)
    assert heard(following) == [3]
    write(live, 4)
    turn_over(live, 3, compressed=True)
    write(live, 5)
    assert heard(following) == [4, 5]
    following.close()


def test_files_that_were_filled_between_two_looks_are_not_left_out(tmp_path: Path) -> None:
    live = tmp_path / "audit.jsonl"
    write(live, 1)
    following = Following(live)
    write(live, 2)
    turn_over(live, 1, compressed=True)
    write(live, 3, 4)
    turn_over(live, 3, compressed=True)
    write(live, 5)
    turn_over(live, 5)
    write(live, 6)
    assert heard(following) == [2, 3, 4, 5, 6]
    following.close()


def test_a_file_that_is_emptied_where_it_lies_is_read_from_its_beginning(tmp_path: Path) -> None:
    live = tmp_path / "audit.jsonl"
    write(live, 1, 2, 3)
    following = Following(live)
    live.write_bytes(b"")
    assert heard(following) == []
    write(live, 4)
    assert heard(following) == [4]
    following.close()


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    live = tmp_path / "audit.jsonl"
    following = Following(live)
    assert heard(following) == []
    write(live, 1)
    assert heard(following) == [1]
    following.close()
