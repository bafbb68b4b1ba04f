"""Octets become blocks of whole lines in bounded memory; what is broken is told, and reading goes on behind it."""

import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nacd.store.trail import unpacking
from nacd.store.trail.unpacking import Block, Gap, members, plain

LINES = [b'{"number":%d,"text":"%b"}\n' % (number, os.urandom(20).hex().encode()) for number in range(200)]


def pieces(path: Path, octets: bytes, *, packed: bool) -> list[Block | Gap]:
    path.write_bytes(octets)
    with io.FileIO(str(path)) as opened:
        return list(members(opened, 0) if packed else plain(opened, 0))


def text(found: list[Block | Gap]) -> bytes:
    return b"".join(each.text for each in found if isinstance(each, Block))


def gaps(found: list[Block | Gap]) -> list[str]:
    return [each.why for each in found if isinstance(each, Gap)]


def packed(*groups: list[bytes]) -> bytes:
    return b"".join(gzip.compress(b"".join(group)) for group in groups)


@pytest.mark.parametrize("size", [40, 64, 100, 5000])
def test_lines_that_lie_across_two_reads_stay_whole(tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "BLOCK_OCTETS", size)
    found = pieces(tmp_path / "f", b"".join(LINES), packed=False)
    assert text(found) == b"".join(LINES)
    assert all(each.text.endswith(b"\n") for each in found if isinstance(each, Block))


@pytest.mark.parametrize("size", [30, 300, 1 << 18])
def test_members_become_blocks_wherever_the_reads_cut_them(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "_CHUNK_OCTETS", size)
    found = pieces(tmp_path / "f", packed(LINES[:50], LINES[50:120], LINES[120:]), packed=True)
    assert [each.text for each in found if isinstance(each, Block)] == [
        b"".join(LINES[:50]), b"".join(LINES[50:120]), b"".join(LINES[120:]),
    ]  # fmt: skip
    assert gaps(found) == []


def test_a_member_too_large_for_one_block_comes_as_several_that_are_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "BLOCK_OCTETS", 1000)
    monkeypatch.setattr(unpacking, "_MEMBER_OCTETS", 3000)
    found = pieces(tmp_path / "f", packed(LINES), packed=True)
    assert len(found) > 2
    assert not any(each.whole for each in found if isinstance(each, Block))
    assert text(found) == b"".join(LINES)


def test_a_line_that_lies_across_two_members_stays_whole(tmp_path: Path) -> None:
    whole = b"".join(LINES)
    found = pieces(tmp_path / "f", gzip.compress(whole[:1000]) + gzip.compress(whole[1000:]), packed=True)
    assert text(found) == whole
    assert [each.whole for each in found if isinstance(each, Block)] == [False, False]


@pytest.mark.parametrize("cut", [1, 5, 9, 60, 400])
def test_a_compressed_file_cut_short_gives_what_it_has_and_says_so(tmp_path: Path, cut: int) -> None:
    octets = packed(LINES[:100], LINES[100:])
    found = pieces(tmp_path / "f", octets[:-cut], packed=True)
    assert text(found).startswith(b"".join(LINES[:100]))
    assert b"".join(LINES).startswith(text(found))
    assert gaps(found) == [unpacking.CUT_SHORT]


def test_a_member_broken_in_its_middle_gives_what_stands_before_and_the_next_goes_on(tmp_path: Path) -> None:
    first, second, third = packed(LINES[:80]), packed(LINES[80:160]), packed(LINES[160:])
    bad = bytearray(second)
    bad[len(bad) // 2] ^= 0xFF
    found = pieces(tmp_path / "f", first + bytes(bad) + third, packed=True)
    assert text(found).startswith(b"".join(LINES[:80]))
    assert text(found).endswith(b"".join(LINES[160:]))
    assert gaps(found) == [unpacking.BROKEN]


def test_a_wrong_checksum_alone_is_told_after_the_lines(tmp_path: Path) -> None:
    bad = bytearray(packed(LINES))
    bad[-5] ^= 0xFF
    found = pieces(tmp_path / "f", bytes(bad), packed=True)
    assert text(found) == b"".join(LINES)
    assert gaps(found) == [unpacking.BROKEN]


def test_noughts_behind_the_last_member_are_nothing_and_anything_else_is_told(tmp_path: Path) -> None:
    octets = packed(LINES)
    assert gaps(pieces(tmp_path / "f", octets + bytes(5000), packed=True)) == []
    found = pieces(tmp_path / "f", octets + b"garbage", packed=True)
    assert (text(found), gaps(found)) == (b"".join(LINES), [unpacking.BROKEN])


def test_garbage_with_many_beginnings_of_gzip_ends(tmp_path: Path) -> None:
    found = pieces(tmp_path / "f", b"\x1f\x8b\x08" * 50_000 + packed(LINES), packed=True)
    assert (text(found), gaps(found)) == (b"".join(LINES), [unpacking.BROKEN])


def test_text_without_newline_at_the_end_of_a_compressed_file_is_told(tmp_path: Path) -> None:
    found = pieces(tmp_path / "f", gzip.compress(b"".join(LINES)[:-1]), packed=True)
    assert (text(found), gaps(found)) == (b"".join(LINES[:-1]), [unpacking.NO_NEWLINE])


def test_an_empty_file_has_no_blocks(tmp_path: Path) -> None:
    assert pieces(tmp_path / "f", b"", packed=False) == []
    assert pieces(tmp_path / "f", b"", packed=True) == []


@pytest.mark.parametrize("zipped", [False, True])
def test_a_line_of_64_mebibytes_is_a_gap_and_the_lines_around_it_are_read(tmp_path: Path, zipped: bool) -> None:
    """In a process of its own that may not have the memory for it."""
    octets = b"".join(LINES[:100]) + b"x" * (64 << 20) + b"\n" + b"".join(LINES[100:])
    (tmp_path / "f").write_bytes(gzip.compress(octets, 1) if zipped else octets)
    code = (
        "import io, resource, sys\n"
        "from nacd.store.trail.unpacking import Block, members, plain\n"
        f"resource.setrlimit(resource.RLIMIT_DATA, ({40 << 20}, {40 << 20}))\n"
        f"for each in ({'members' if zipped else 'plain'})(io.FileIO(sys.argv[1]), 0):\n"
        "    print(each.text.count(b'\\n') if isinstance(each, Block) else each.why)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "f")], capture_output=True, text=True, check=True, timeout=60
    )
    counts = [int(line) for line in done.stdout.splitlines() if line.isdigit()]
    assert sum(counts) == 200
    assert done.stdout.count(unpacking.TOO_LONG) == 1
