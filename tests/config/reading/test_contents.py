"""What is read of a path: a plain file, so many octets of it at most, and never any waiting."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nacd.config.reading.contents import contents


def test_a_file_is_read_with_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    path.chmod(0o640)
    assert contents(path, 3).octets == b"abc"
    assert contents(path, 3).mode == 0o640


@pytest.mark.parametrize(
    ("most", "said"), [(2, "is larger than 0 KiB"), (2048, "is larger than 2 KiB"), (2 << 20, "is larger than 2 MiB")]
)
def test_a_larger_file_is_refused(tmp_path: Path, most: int, said: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * (most + 1))
    assert contents(path, most).problem == said
    path.write_bytes(b"x" * most)
    assert len(contents(path, most).octets) == most


def test_what_is_no_plain_file_is_named_for_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "sock"))
        assert contents(tmp_path / "sock", 10).problem == "is a socket, not a file"
    assert contents(tmp_path / "pipe", 10).problem == "is a pipe, not a file"
    assert contents(tmp_path, 10).problem == "is a folder, not a file"
    for endless in ("/dev/zero", "/dev/full", "/dev/urandom"):
        assert contents(Path(endless), 10).problem == "is a device, not a file"


def test_what_is_not_there_is_told_in_the_words_of_the_system(tmp_path: Path) -> None:
    assert contents(tmp_path / "a", 10).problem == "cannot be read: no such file or directory"
    (tmp_path / "round").symlink_to(tmp_path / "round")
    assert contents(tmp_path / "round", 10).problem == "cannot be read: too many levels of symbolic links"
    assert contents(tmp_path / ("a" * 300), 10).problem == "cannot be read: file name too long"
    assert "holds a character with the number 0" in contents(Path("a\0b"), 10).problem


def test_a_link_to_a_file_is_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert contents(tmp_path / "b", 10).octets == b"abc"
