"""The anchors file: opened for appending alone, never made, never found by a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nacd.store.trail.writing.anchors import Anchors


def test_a_line_is_added_behind_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\n")
    anchors = Anchors(tmp_path / "a")
    anchors.add(b"two\n")
    anchors.add(b"three\n")
    assert (tmp_path / "a").read_text() == "one\ntwo\nthree\n"


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Anchors(tmp_path / "a").add(b"x\n")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "a").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"):
        Anchors(tmp_path / "a").add(b"x\n")
    assert (tmp_path / "target").read_bytes() == b""


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    reader = os.open(tmp_path / "a", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="no plain file"):
            Anchors(tmp_path / "a").add(b"x\n")
    finally:
        os.close(reader)


def test_one_that_was_moved_away_is_followed_by_the_new_one(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    anchors = Anchors(tmp_path / "a")
    anchors.add(b"one\n")
    (tmp_path / "a").rename(tmp_path / "a.1")
    (tmp_path / "a").touch()
    anchors.add(b"two\n")
    assert ((tmp_path / "a.1").read_bytes(), (tmp_path / "a").read_bytes()) == (b"one\n", b"two\n")


def test_half_a_line_gets_an_end_of_its_own(small_disk: Path) -> None:
    path = small_disk / "a"
    path.touch()
    anchors = Anchors(path)
    with (small_disk / "filler").open("wb", buffering=0) as filler:
        filler.write(b"x" * (230 << 10))
    line = b"y" * 30_000 + b"\n"

    def fill() -> None:
        while True:
            anchors.add(line)

    with pytest.raises(OSError, match="no space"):
        fill()
    (small_disk / "filler").unlink()
    anchors.add(line)
    assert path.read_bytes().endswith(b"\n" + line)


@pytest.mark.parametrize("readable", [True, False])
def test_half_a_line_of_a_nacd_that_was_killed_gets_an_end_too(
    tmp_path: Path, readable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not readable:  # root may read everything
        really = os.open

        def refusing(path: Path, flags: int) -> int:
            if flags & os.O_RDWR:
                raise PermissionError(13, "Permission denied")
            return really(path, flags)

        monkeypatch.setattr(os, "open", refusing)
    path = tmp_path / "a"
    path.write_bytes(b"one\nhal")
    anchors = Anchors(path)
    anchors.add(b"two\n")
    anchors.add(b"three\n")
    octets = b"".join(line for line in path.open("rb") if line != b"\n")
    assert octets == b"one\nhal\ntwo\nthree\n"
