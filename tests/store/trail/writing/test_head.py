"""`head.json`: replaced whole, in a folder that may be somebody else's."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from nacd.store.trail.writing import head
from nacd.store.trail.writing.head import NAME, Head, Unusable

HEAD = Head(writer="0" * 16, seq=7, link="a" * 64, file="/var/log/nacd/audit.jsonl", octets=9, key="b" * 16)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "audit"
    assert head.read(folder) is None
    head.write(folder, HEAD)
    assert head.read(folder) == HEAD
    assert (folder / NAME).stat().st_mode & 0o777 == 0o640
    assert [each.name for each in folder.iterdir()] == [NAME]


def test_a_head_of_a_version_that_noted_no_end_has_none(tmp_path: Path) -> None:
    head.write(tmp_path, replace(HEAD, ended=True))
    assert head.read(tmp_path) == replace(HEAD, ended=True)
    octets = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(octets.replace(b',"ended":true', b""))
    assert head.read(tmp_path) == HEAD
    (tmp_path / NAME).write_bytes(octets.replace(b"true", b"1"))
    assert isinstance(head.read(tmp_path), Unusable)


def test_a_draft_that_was_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".head.json.part").write_text("half")
    head.write(tmp_path, HEAD)
    assert head.read(tmp_path) == HEAD


def test_no_link_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    folder.mkdir()
    (tmp_path / "target").write_text("before")
    (folder / NAME).symlink_to(tmp_path / "target")
    assert isinstance(head.read(folder), Unusable)
    (folder / ".head.json.part").symlink_to(tmp_path / "target")
    head.write(folder, HEAD)
    assert head.read(folder) == HEAD
    assert (tmp_path / "target").read_text() == "before"
    (tmp_path / "other").symlink_to(folder)
    with pytest.raises(OSError, match=r"directory|symbolic"):
        head.write(tmp_path / "other", HEAD)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    assert isinstance(head.read(tmp_path), Unusable)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder to somebody else needs root")
def test_what_root_makes_in_the_folder_of_another_account_is_that_accounts(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 12_345, 12_345)
    head.write(state / "audit", HEAD, hand_over=True)
    assert {each.stat().st_uid for each in (state / "audit", state / "audit" / NAME)} == {12_345}


@pytest.mark.parametrize("spoil", ["no head", "another name of it", "a link to it"])
def test_only_a_head_of_its_own_is_written_over(tmp_path: Path, spoil: str) -> None:
    folder, other = tmp_path / "audit", tmp_path / "other"
    head.write(folder, HEAD)
    if spoil == "no head":
        (folder / NAME).write_text("root:x:0:0")
    else:
        (folder / NAME).rename(other)
        (folder / NAME).hardlink_to(other) if spoil == "another name of it" else (folder / NAME).symlink_to(other)
    before = (folder / NAME).read_bytes()
    with pytest.raises(OSError, match=r"no head|symbolic"):
        head.overwrite(folder, replace(HEAD, seq=8))
    assert (folder / NAME).read_bytes() == before
