"""What the guards know, in a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import BinaryIO

import pytest

from nacd.session.guard import Memory
from nacd.store.live.guard_file import GuardFile

SOME = {
    "down": Memory(held_until=5.5, discarded_until=6.5, unknown_until=7.5, discarded=(1, 2), released=(3,)),
    "up": Memory(passed=((7, 1.25), (8, 2.0))),
}


def fill(disk: Path) -> Path:
    """Leave no octet; the file that takes the place."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            with pytest.raises(OSError, match="No space left"):
                pour(file, b"x" * size)
    return filler


def pour(file: BinaryIO, octets: bytes) -> None:
    while True:
        file.write(octets)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    said: list[str] = []
    file = GuardFile(tmp_path / "guard.json", said.append)
    assert file.read() is None
    assert file.write({"down": Memory(), "up": Memory()})
    assert file.write(SOME)
    assert GuardFile(tmp_path / "guard.json", said.append).read() == SOME
    assert [each.name for each in tmp_path.iterdir()] == ["guard.json"]
    assert (tmp_path / "guard.json").stat().st_mode & 0o777 == 0o600
    assert said == []


@pytest.mark.parametrize("octets", [b"", b"{", b"[]", b'{"down": {}}', b'{"down": {"passed": 1}}', b"\xff", b"null"])
def test_what_has_no_sense_is_as_good_as_none_and_said(tmp_path: Path, octets: bytes) -> None:
    said: list[str] = []
    (tmp_path / "guard.json").write_bytes(octets)
    assert GuardFile(tmp_path / "guard.json", said.append).read() is None
    assert "has no sense; after a restart" in said[0]


def test_a_file_that_cannot_be_read_is_as_good_as_none_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "guard.json").mkdir()
    assert GuardFile(tmp_path / "guard.json", said.append).read() is None
    assert "is a directory" in said[0]


def test_on_a_full_disk_an_older_word_is_taken_away_and_a_person_is_told_once(small_disk: Path) -> None:
    said: list[str] = []
    file = GuardFile(small_disk / "guard.json", said.append)
    assert file.write(SOME)
    filler = fill(small_disk)
    assert file.write({"down": Memory(), "up": Memory()}), "the old one makes room"
    larger = {"down": Memory(discarded=tuple(range(50_000))), "up": Memory()}
    assert not file.write(larger)
    assert not file.write(larger)
    assert len(said) == 1
    assert "no space left" in said[0]
    assert [each.name for each in small_disk.iterdir()] == ["filler"]
    filler.unlink()
    assert file.read() is None
    assert file.write(SOME)
    assert file.read() == SOME


def test_writing_does_not_wait_for_the_disk_and_all_of_it_gets_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[bytes] = []
    path = tmp_path / "guard.json"
    monkeypatch.setattr("nacd.store.live.guard_file._to_the_disk", lambda _: carried.append(path.read_bytes()))
    file = GuardFile(path, print)
    for number in range(20):
        assert file.write({"down": Memory(discarded=(number,)), "up": Memory()})
    deadline = time.monotonic() + 10
    while not carried or carried[-1] != path.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.005)
