"""Files of a trail are found in their order and read whole, whatever rotation does meanwhile."""

import bz2
import gzip
import itertools
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nacd.store.trail import reading
from nacd.store.trail.reading import TrailFile, Unreadable, alone, blocks, files, half_line, pieces, read_block, strange
from nacd.store.trail.unpacking import OTHERWISE, Gap
from tests.store.trail.written import NOUGHT, Written, members, trail


def text(file: TrailFile) -> bytes:
    return b"".join(block.text for block in blocks(file))


def everything(live: Path) -> bytes:
    return b"".join(text(file) for file in files(live))


def all_lines(made: Written) -> bytes:
    return b"".join(b"".join(lines) for lines in (*[lines for _, lines in made.files], made.lines))


@pytest.mark.parametrize("packed", [(), (0,), (1,), (0, 1)])
def test_all_lines_come_in_their_order_plain_and_compressed(tmp_path: Path, packed: tuple[int, ...]) -> None:
    made = trail()
    live = made.lay(tmp_path, packed=[made.files[number][0] for number in packed])
    found = files(live)
    assert [(each.first_seq, each.live) for each in found] == [(1, False), (13, False), (35, True)]
    assert [each.compressed for each in found] == [0 in packed, 1 in packed, False]
    assert {each.writer for each in found} == {made.writer}
    assert found[0].begun == 1_795_375_261.0
    assert everything(live) == all_lines(made)


def test_where_both_forms_stand_the_plain_one_counts(tmp_path: Path) -> None:
    made = trail()
    live = made.lay(tmp_path)
    name, lines = made.files[0]
    (tmp_path / f"{name}.gz").write_bytes(members(lines[:3]))
    assert next(each.path.name for each in files(live)) == name
    assert everything(live) == all_lines(made)


def test_a_block_can_be_read_again_by_its_offset(tmp_path: Path) -> None:
    made = trail()
    live = made.lay(tmp_path, packed=[made.files[1][0]])
    for file in files(live):
        found = list(blocks(file))
        assert all(block.whole for block in found)
        assert len(found) > 1 or not file.compressed
        for block in found:
            assert read_block(file, block.offset) == block.text
            assert block.text.endswith(b"\n")
        for one, other in itertools.pairwise(found):
            assert one.next_offset == other.offset
            assert one.text_offset + len(one.text) == other.text_offset
        assert b"".join(block.text for block in blocks(file, found[-1].offset)) == found[-1].text


def test_half_a_line_at_the_end_is_no_part_of_a_block(tmp_path: Path) -> None:
    made = trail()
    live = made.lay(tmp_path)
    with live.open("ab") as file:
        file.write(b'{"code":"A10')
    assert everything(live) == all_lines(made)
    assert half_line(files(live)[-1]) == b'{"code":"A10'
    assert half_line(files(live)[0]) == b""


def test_a_file_that_is_rotated_away_while_it_is_read_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nacd.store.trail.unpacking.BLOCK_OCTETS", 1000)
    made = trail()
    live = made.lay(tmp_path)
    walk = blocks(files(live)[-1])
    octets = next(walk).text
    live.rename(tmp_path / "audit-20261122T200000Z-000000000035.jsonl")
    live.write_bytes(b'{"other":1}\n')
    assert octets + b"".join(block.text for block in walk) == b"".join(made.lines)


def test_a_live_file_that_is_rotated_before_it_is_opened_is_found_under_its_new_name(tmp_path: Path) -> None:
    made = trail()
    live = made.lay(tmp_path)
    seen = files(live)[-1]
    live.rename(tmp_path / "audit-20261122T200000Z-000000000035.jsonl")
    live.write_bytes(b'{"other":1}\n')
    assert text(seen) == b"".join(made.lines)
    assert half_line(seen) == b""


def test_a_file_that_is_compressed_before_it_is_opened_is_read_in_its_new_form(tmp_path: Path) -> None:
    made = trail()
    live = made.lay(tmp_path)
    seen = files(live)[0]
    name, lines = made.files[0]
    (tmp_path / f"{name}.gz").write_bytes(members(lines))
    (tmp_path / name).unlink()
    assert text(seen) == b"".join(lines)
    with pytest.raises(FileNotFoundError):  # an offset in the plain form means nothing there
        read_block(seen, 1)


def test_a_file_that_is_deleted_before_it_is_opened_is_not_taken_for_another(tmp_path: Path) -> None:
    made = trail()
    live = made.lay(tmp_path)
    seen = files(live)[0]
    seen.path.unlink()
    with pytest.raises(FileNotFoundError):
        text(seen)


def test_links_and_pipes_are_neither_followed_nor_waited_for(tmp_path: Path) -> None:
    made = trail()
    live = made.lay(tmp_path)
    os.mkfifo(tmp_path / "audit-20261122T000000Z-000000000001.jsonl.gz")
    (tmp_path / "audit.jsonl.7").symlink_to(live)
    (tmp_path / "audit.jsonl.8").mkdir()
    assert everything(live) == all_lines(made)
    assert [path.name for path in strange(live)] == [
        "audit-20261122T000000Z-000000000001.jsonl.gz", "audit.jsonl.7", "audit.jsonl.8",
    ]  # fmt: skip
    with pytest.raises(Unreadable, match="no plain file"):
        alone(tmp_path / "audit.jsonl.7")


def test_a_file_that_became_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    live = trail().lay(tmp_path)
    seen = files(live)[0]
    seen.path.unlink()
    os.mkfifo(seen.path)
    with pytest.raises(Unreadable, match="no plain file"):
        text(seen)


def test_what_logrotate_leaves_belongs_to_the_trail(tmp_path: Path) -> None:
    made = trail()
    (first, second), live = [lines for _, lines in made.files], tmp_path / "audit.jsonl"
    live.write_bytes(b"".join(made.lines))
    (tmp_path / "audit.jsonl.1").write_bytes(b"".join(second))
    (tmp_path / "audit.jsonl.2.gz").write_bytes(gzip.compress(b"".join(first)))
    (tmp_path / "audit.jsonl.3").write_bytes(b'{"code":"A1001I","time":"2026-11-01T00:00:00.000Z"}\n')
    assert [each.path.name for each in files(live)] == [
        "audit.jsonl.3", "audit.jsonl.2.gz", "audit.jsonl.1", "audit.jsonl",
    ]  # fmt: skip
    assert files(live)[0].first_seq == 0


def test_the_order_of_files_is_that_of_their_numbers_although_the_clock_jumped(tmp_path: Path) -> None:
    made = Written(second=5000)
    made.begin()
    made.turn_over()
    made.second = 10
    made.turn_over()
    assert [each.first_seq for each in files(made.lay(tmp_path))] == [1, 2, 3]


def test_a_trail_that_was_begun_anew_follows_the_older_one(tmp_path: Path) -> None:
    old = Written(seq=500, link="a" * 64)
    old.begin("gone")
    old.turn_over()
    old.lay(tmp_path)
    (tmp_path / "audit.jsonl").rename(tmp_path / "audit.jsonl.1")
    new = Written(writer="f" * 16, second=9000)
    new.begin()
    new.turn_over()
    assert [each.first_seq for each in files(new.lay(tmp_path))] == [501, 502, 1, 2]


def test_no_file_is_no_trail(tmp_path: Path) -> None:
    assert files(tmp_path / "audit.jsonl") == ()
    with pytest.raises(FileNotFoundError):
        alone(tmp_path / "audit.jsonl")


def test_a_file_of_any_name_can_be_read_alone(tmp_path: Path) -> None:
    made = trail()
    (tmp_path / "copy").write_bytes(b"".join(made.lines))
    (tmp_path / "copy.gz").write_bytes(members(made.lines))
    for name in ("copy", "copy.gz"):
        file = alone(tmp_path / name)
        assert (text(file), file.first_seq, file.live) == (b"".join(made.lines), 35, False)


def test_a_file_that_appears_while_the_folder_is_listed_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rotation in the middle of the walk: the live file seen is the new one, and the old one has no name yet."""
    made = trail()
    live = made.lay(tmp_path)
    listed = reading._listed
    done = []

    def rotating(log: Path, path: Path, **more: bool) -> TrailFile | None:
        if path == live and not done:
            done.append(1)
            live.rename(tmp_path / made.turn_over())
            live.write_bytes(b"".join(made.lines))
        return listed(log, path, **more)

    monkeypatch.setattr(reading, "_listed", rotating)
    assert everything(live) == all_lines(made)
    assert NOUGHT not in made.link


@pytest.mark.parametrize(("pack", "ending"), [(lzma.compress, "xz"), (bz2.compress, "bz2")])
def test_what_logrotate_compressed_otherwise_is_told_and_not_taken_for_text(
    tmp_path: Path, pack: Callable[[bytes], bytes], ending: str
) -> None:
    made = trail()
    (tmp_path / f"audit.jsonl.1.{ending}").write_bytes(pack(b"".join(made.lines) * 50))
    (file,) = files(tmp_path / "audit.jsonl")
    assert list(pieces(file)) == [Gap(why=OTHERWISE, offset=0, text_offset=0)]
    assert list(pieces(file, 100)) == []
    assert half_line(file) == b""
