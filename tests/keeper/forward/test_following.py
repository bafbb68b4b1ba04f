"""The trail as one stream: over rotation, compression, deletion, and whatever else becomes of its files."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nacd.keeper.forward.cursor import Place
from nacd.keeper.forward.following import Follower, newest
from tests.keeper.forward.lab import Trail, pack
from tests.store.trail.written import Written


def seqs(follower: Follower, most: int = 1_000_000) -> list[int]:
    found = []
    while taken := follower.take(min(most - len(found), 7), 1 << 20):
        found += [each.record.seq for each in taken if each.record is not None]
        if len(found) >= most:
            break
    return found


def everything(trail: Trail, after: int = 0) -> list[int]:
    return list(range(after + 1, trail.seq + 1))


def test_a_new_reader_begins_at_the_oldest_record_and_follows_the_live_file(trail: Trail) -> None:
    trail.grow(20)
    follower = Follower(trail.live, None)
    assert seqs(follower) == everything(trail)
    assert seqs(follower) == []
    trail.grow(5)
    assert seqs(follower) == everything(trail)[-5:]


def test_from_now_on_means_from_now_on_also_after_a_trouble(trail: Trail) -> None:
    trail.grow(20)
    follower = Follower(trail.live, None, start="now")
    assert seqs(follower) == []
    trail.grow(3)
    follower.rewind(None)
    assert seqs(follower) == everything(trail)[-3:]


def test_a_half_line_waits_until_it_is_whole(trail: Trail) -> None:
    follower = Follower(trail.live, None)
    line = trail.made.record(event="access.accept")
    trail.raw(line[:40])
    assert seqs(follower) == [1]
    trail.raw(line[40:])
    assert seqs(follower) == [2]


def test_files_that_are_full_lead_to_the_next_with_nothing_left_out(trail: Trail) -> None:
    follower = Follower(trail.live, None)
    found = []
    for _ in range(4):
        trail.grow(11)
        found += seqs(follower, 5)
        trail.turn_over()
    assert found + seqs(follower) == everything(trail)
    assert follower.missing == []


def test_a_place_is_found_again_after_its_file_was_renamed_and_compressed(trail: Trail) -> None:
    trail.grow(300)
    for change in (lambda: None, trail.turn_over, lambda: [pack(path) for path in trail.folder.glob("audit-*.jsonl")]):
        follower = Follower(trail.live, None)
        assert seqs(follower, 150) == everything(trail)[:150]
        place = follower.place
        change()
        again = Follower(trail.live, place)
        assert seqs(again) == everything(trail)[150:]
        assert (again.missing, again.anew) == ([], [])


def test_a_place_within_a_compressed_file_is_found_again(trail: Trail) -> None:
    trail.grow(500)
    pack(trail.turn_over(), 5_000)
    for count in (1, 77, 250, 501):
        follower = Follower(trail.live, None)
        assert seqs(follower, count) == everything(trail)[:count]
        again = Follower(trail.live, follower.place)
        assert seqs(again) == everything(trail)[count:]


def test_a_file_that_is_compressed_while_it_is_read_changes_nothing(trail: Trail) -> None:
    trail.grow(100)
    follower = Follower(trail.live, None)
    found = seqs(follower, 50)
    pack(trail.turn_over())
    assert found + seqs(follower) == everything(trail)
    assert follower.missing == []


def test_what_was_deleted_before_it_was_read_is_counted_to_the_record(trail: Trail) -> None:
    trail.grow(10)
    first = trail.turn_over()
    follower = Follower(trail.live, None)
    assert seqs(follower, 4) == [1, 2, 3, 4]
    place = follower.place
    trail.grow(10)
    second = trail.turn_over()
    trail.grow(2)
    first.unlink()
    second.unlink()
    again = Follower(trail.live, place)
    assert seqs(again) == [23, 24, 25]
    assert [(each.first_seq, each.last_seq) for each in again.missing] == [(5, 22)]


def test_a_reader_that_has_read_nothing_yet_counts_what_it_missed_too(trail: Trail) -> None:
    trail.grow(10)
    follower = Follower(trail.live, None)
    follower.take(1, 1)
    base = follower.base
    first = trail.turn_over()
    trail.grow(2)
    first.unlink()
    again = Follower(trail.live, base)
    assert seqs(again) == [12, 13, 14]
    assert [(each.first_seq, each.last_seq) for each in again.missing] == [(1, 11)]


def test_a_number_that_is_missing_inside_a_file_is_counted(trail: Trail) -> None:
    trail.grow(3)
    trail.made.record(event="access.accept")
    trail.made.lines.pop()
    trail.grow(1)
    follower = Follower(trail.live, None)
    assert seqs(follower) == [1, 2, 3, 4, 6]
    assert [(each.first_seq, each.last_seq) for each in follower.missing] == [(5, 5)]


def test_a_place_ahead_of_the_trail_begins_anew_and_says_so(trail: Trail) -> None:
    trail.grow(5)
    place = Place(writer=trail.made.writer, file="audit.jsonl", first_seq=1, offset=10**6, seq=900)
    follower = Follower(trail.live, place)
    assert seqs(follower) == everything(trail)
    assert "it is at record 900" in follower.anew[0]
    assert follower.missing == []


def test_a_place_of_another_writer_begins_anew_and_says_so(trail: Trail) -> None:
    trail.grow(5)
    follower = Follower(trail.live, Place(writer="ffffffffffffffff", file="audit.jsonl", first_seq=1, seq=3))
    assert seqs(follower) == everything(trail)
    assert "another trail" in follower.anew[0]


def test_a_wrong_offset_is_found_out_by_the_number_behind_it(trail: Trail) -> None:
    trail.grow(50)
    follower = Follower(trail.live, None)
    seqs(follower, 20)
    place = follower.place
    assert place is not None
    for wrong in (place._replace(offset=1), place._replace(lines=3), place._replace(offset=2_000, lines=0)):
        assert seqs(Follower(trail.live, wrong)) == everything(trail, 20)


def test_a_new_writer_in_the_next_file_is_no_loss(trail: Trail) -> None:
    trail.grow(5)
    follower = Follower(trail.live, None)
    assert seqs(follower) == everything(trail)
    trail.live.rename(trail.folder / "audit-20261122T192100Z-000000000001.jsonl")
    other = Trail(trail.folder, Written(writer="fedcba9876543210", second=100))
    other.grow(2)
    assert seqs(follower) == [1, 2, 3]
    assert follower.missing == []


def test_records_from_before_there_were_numbers_are_read_too_once(tmp_path: Path) -> None:
    live = tmp_path / "audit.jsonl"
    old = [
        json.dumps({"code": "A1001I", "time": "2026-01-01T00:00:00.000Z", "n": n}).encode() + b"\n" for n in range(9)
    ]
    live.write_bytes(b"".join(old))
    follower = Follower(live, None)
    first = [each.record.fields["n"] for each in follower.take(4, 1 << 20) if each.record]
    again = Follower(live, follower.place)
    assert first + [each.record.fields["n"] for each in again.take(99, 1 << 20) if each.record] == list(range(9))


def test_lines_that_are_no_records_are_given_as_none_and_read_over(trail: Trail) -> None:
    for line in (b"no json\n", b"[1]\n", b"\xff\xfe\n", b"\n", b'{"half":\n'):
        trail.raw(line)
    trail.grow(1)
    taken = Follower(trail.live, None).take(100, 1 << 20)
    assert [each.record.seq if each.record else None for each in taken] == [1, None, None, None, None, 2]


def test_a_file_cut_to_nothing_by_somebody_is_followed_from_its_new_beginning(trail: Trail) -> None:
    trail.grow(20)
    follower = Follower(trail.live, None)
    seqs(follower)
    trail.live.write_bytes(b"")
    assert seqs(follower) == []
    trail.grow(3)
    assert seqs(follower)[-3:] == everything(trail)[-3:]


def test_the_newest_number_is_told_without_reading_the_whole_trail(trail: Trail) -> None:
    assert newest(trail.folder / "nothing.jsonl") == 0
    trail.grow(3_000)
    assert newest(trail.live) == trail.seq
    trail.turn_over()
    trail.live.unlink()
    assert newest(trail.live) == trail.seq - 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["grow", "turn", "pack", "restart", "read", "rewind"]), min_size=3, max_size=25))
def test_whatever_happens_every_number_comes_once_and_in_order(tmp_path_factory, steps: list[str]) -> None:  # type: ignore[no-untyped-def]
    trail = Trail(tmp_path_factory.mktemp("any"))
    follower = Follower(trail.live, None)
    found: list[int] = []
    for step in steps:
        if step == "grow":
            trail.grow(30)
        elif step == "turn":
            trail.turn_over()
        elif step == "pack":
            for path in trail.folder.glob("audit-*.jsonl"):
                pack(path, 2_000)
        elif step == "restart":
            follower = Follower(trail.live, follower.place)
        elif step == "rewind":
            follower.rewind(follower.place)
        else:
            found += seqs(follower, 17)
    assert found + seqs(follower) == everything(trail)
    assert (follower.missing, follower.anew, follower.unreadable) == ([], [], [])


def test_a_new_file_that_has_the_inode_of_a_deleted_one_is_not_taken_for_it(trail: Trail) -> None:
    """File systems give the inode of a deleted file to the next one."""
    trail.grow(20)
    follower = Follower(trail.live, None)
    assert seqs(follower, 10) == everything(trail)[:10]
    assert seqs(follower) == everything(trail)[10:]
    trail.grow(5)
    pack(trail.turn_over())
    trail.grow(100)
    assert follower._file is not None
    follower._file = dataclasses.replace(follower._file, inode=trail.live.stat().st_ino)
    assert seqs(follower) == everything(trail, 21)
    assert (follower.missing, follower.anew, follower.unreadable) == ([], [], [])


def head(folder: Path, trail: Trail, seq: int, writer: str = "") -> None:
    """As the daemon keeps it."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"writer": writer or trail.made.writer, "seq": seq, "link": "ab" * 32, "file": str(trail.live)}
    (folder / "head.json").write_text(json.dumps({**told, "octets": 1, "key": ""}))


def test_a_checkpoint_and_what_stands_behind_it_waits_until_the_disk_has_it(trail: Trail, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    trail.grow(3)
    head(folder, trail, trail.seq)
    trail.grow(2)
    trail.checkpoint()
    trail.grow(2)
    follower = Follower(trail.live, None, head=folder)
    assert seqs(follower) == [1, 2, 3, 4, 5, 6]
    assert (follower.holds, follower.missing) == (7, [])
    assert follower.place is not None
    assert follower.place.seq == 6
    assert seqs(Follower(trail.live, follower.place, head=folder)) == []
    head(folder, trail, 7)
    assert seqs(follower) == [7, 8, 9]
    assert (follower.holds, follower.missing) == (0, [])


def test_a_checkpoint_in_a_full_file_waits_too(trail: Trail, tmp_path: Path) -> None:
    head(tmp_path / "state", trail, 1)
    trail.checkpoint()
    trail.turn_over()
    assert seqs(Follower(trail.live, None, head=tmp_path / "state")) == [1]


def test_without_a_head_no_checkpoint_waits_and_a_damaged_one_holds_it(trail: Trail, tmp_path: Path) -> None:
    trail.checkpoint()
    assert seqs(Follower(trail.live, None, head=tmp_path / "nowhere")) == [1, 2]
    (tmp_path / "head.json").write_text("{")
    assert seqs(Follower(trail.live, None, head=tmp_path)) == [1]


def test_the_head_of_another_trail_holds_only_the_live_file(trail: Trail, tmp_path: Path) -> None:
    head(tmp_path / "state", trail, 1_000, writer="f" * 16)
    trail.checkpoint()
    trail.turn_over()
    trail.checkpoint()
    assert seqs(Follower(trail.live, None, head=tmp_path / "state")) == [1, 2, 3]
