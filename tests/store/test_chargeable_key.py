"""The site's key survives restarts, is nobody else's to read, and never stops the daemon."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from nacd.store.chargeable_key import FILE_NAME, KEY_LENGTH, chargeable_key


def never(length: int) -> bytes:
    return bytes([0xEE]) * length


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    made = chargeable_key(tmp_path / "state", os.urandom)
    path = tmp_path / "state" / FILE_NAME
    assert made.problem == ""
    assert path.read_bytes() == made.key.reveal()
    assert len(made.key.reveal()) == KEY_LENGTH
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [FILE_NAME]


def test_later_starts_use_the_same_key(tmp_path: Path) -> None:
    first = chargeable_key(tmp_path, os.urandom)
    assert chargeable_key(tmp_path, os.urandom) == first


@pytest.mark.parametrize("octets", [b"", b"short", bytes(KEY_LENGTH + 1), bytes(5000)])
def test_a_file_of_another_size_is_told_left_alone_and_not_used(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(octets)
    used = chargeable_key(tmp_path, never)
    assert used.key.reveal() == never(KEY_LENGTH)
    assert f"instead of {KEY_LENGTH}" in used.problem
    assert "change with every start" in used.problem
    assert (tmp_path / FILE_NAME).read_bytes() == octets


def test_a_key_that_cannot_be_read_is_told_and_not_used(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    used = chargeable_key(tmp_path, never)
    assert used.key.reveal() == never(KEY_LENGTH)
    assert "is a directory" in used.problem


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    used = chargeable_key(tmp_path / "file" / "state", never)
    assert used.key.reveal() == never(KEY_LENGTH)
    assert "not a directory" in used.problem


def test_a_key_that_others_may_read_is_used_and_told(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(bytes(range(KEY_LENGTH)))
    path.chmod(0o640)
    used = chargeable_key(tmp_path, never)
    assert used.key.reveal() == bytes(range(KEY_LENGTH))
    assert "chmod 600" in used.problem


def test_of_two_first_starts_at_once_the_first_key_counts(tmp_path: Path) -> None:
    def slower(length: int) -> bytes:
        (tmp_path / FILE_NAME).write_bytes(bytes(range(KEY_LENGTH)))
        (tmp_path / FILE_NAME).chmod(0o600)
        return never(length)

    used = chargeable_key(tmp_path, slower)
    assert used.key.reveal() == bytes(range(KEY_LENGTH))
    assert used.problem == ""
