"""Who signs outlives a restart, and a file of no use is said and moved aside."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.radius.ledger import Signs, Unsigned
from nacd.store.signing_file import FILE_NAME, Kept, load, save

SIGNING = (Signs(nas="switch", source="10.0.0.1", first=1.0, last=2.0, signed=3, eap=4),)
BARE = (Unsigned(nas="switch", source="fe80::1", first=1.5, last=2.5, taken=5, refused=6),)


def test_what_is_kept_is_what_was_known(tmp_path: Path) -> None:
    save(tmp_path, SIGNING, BARE, 1.0, ["plant"])
    assert load(tmp_path) == Kept(signing=SIGNING, bare=BARE, since=1.0, everywhere=("plant",))
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


def test_at_the_first_start_nothing_is_known_and_nothing_is_wrong(tmp_path: Path) -> None:
    assert load(tmp_path) == Kept()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"version":0,"since":1,"signing":[],"unsigned":[]}',
        b'{"version":1,"since":1,"signing":[["a","b",1,1,-1,1]],"unsigned":[]}',
        b'{"version":1,"since":1,"signing":[[1,"b",1,1,1,1]],"unsigned":[]}',
        b'{"version":1,"since":"x","signing":[],"unsigned":[]}',
    ],
)
def test_a_file_of_no_use_is_moved_aside_and_said(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(octets)
    kept = load(tmp_path)
    assert kept.signing == kept.bare == ()
    assert "was of no use" in kept.problem
    assert (tmp_path / "signing.json.broken").read_bytes() == octets
    assert load(tmp_path) == Kept()


def test_a_file_of_a_newer_nacd_is_kept_for_when_that_one_comes_back(tmp_path: Path) -> None:
    octets = b'{"version":2,"since":1,"more":[]}'
    (tmp_path / FILE_NAME).write_bytes(octets)
    assert "has version 2, of a newer nacd, and this one knows 1" in load(tmp_path).problem
    save(tmp_path, SIGNING, BARE, 1.0)
    assert (tmp_path / "signing.json.newer").read_bytes() == octets
    assert load(tmp_path).problem == ""


@given(st.binary(max_size=200))
def test_no_octets_make_it_raise(tmp_path_factory: pytest.TempPathFactory, octets: bytes) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / FILE_NAME).write_bytes(octets)
    assert load(folder).problem


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    save(tmp_path, SIGNING, BARE, 1.0)
    with pytest.raises(OSError, match="No such file"):
        save(tmp_path / "elsewhere", SIGNING, BARE, 2.0)
    assert load(tmp_path).since == 1.0


def test_a_file_that_cannot_be_read_is_kept_and_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, SIGNING, BARE, 1.0)
    before = (tmp_path / FILE_NAME).read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", unreadable)
        kept = load(tmp_path)
    assert "input/output error; nothing is known of who signs" in kept.problem
    save(tmp_path, (), (), 2.0)
    assert load(tmp_path).since == 2.0
    assert (tmp_path / "signing.json.unread").read_bytes() == before


def test_where_it_cannot_be_moved_aside_either_nothing_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, SIGNING, BARE, 1.0)
    before = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / "signing.json.unread").mkdir()
    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", unreadable)
        assert load(tmp_path).problem
    for _ in range(2):
        with pytest.raises(IsADirectoryError):
            save(tmp_path, (), (), 2.0)
    assert (tmp_path / FILE_NAME).read_bytes() == before
    (tmp_path / "signing.json.unread").rmdir()
    save(tmp_path, (), (), 2.0)
    assert (tmp_path / "signing.json.unread").read_bytes() == before


def unreadable(*_: object) -> None:
    """A disk with a bad block."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))
