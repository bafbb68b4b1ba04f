"""A place outlives a crash, and what is no place is said to be none."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from nacd.keeper.forward.cursor import Cursor, Kept, Place

PLACE = Place(writer="00112233aabbccdd", file="audit.jsonl", first_seq=1, offset=1_000, lines=3, seq=18)
KEPT = Kept(place=PLACE, at=12.5, sent=17, lost=1, set_aside=2, problem="refused", since=11.0)


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path / "audit" / "forward", "siem")
    assert cursor.read() == Kept()
    cursor.keep(KEPT)
    assert cursor.read() == KEPT
    cursor.keep(Kept())
    assert cursor.read() == Kept()
    assert [path.name for path in cursor.path.parent.iterdir()] == ["siem.json"]


def test_a_crash_while_it_is_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = Cursor(tmp_path, "siem")
    cursor.keep(KEPT)

    def crash(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="Input/output"):
        cursor.keep(Kept())
    assert Cursor(tmp_path, "siem").read() == KEPT


def test_a_link_laid_in_the_way_is_not_followed(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path, "siem")
    target = tmp_path / "somebody"
    target.write_text("theirs")
    cursor.path.with_suffix(".new").symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        cursor.keep(KEPT)
    assert target.read_text() == "theirs"


def _changed(**keys: object) -> bytes:
    place = {**PLACE._asdict(), **{name: value for name, value in keys.items() if name in PLACE._fields}}
    others = {name: value for name, value in keys.items() if name not in PLACE._fields}
    whole = {"version": 1, "at": 1.0, "sent": 0, "lost": 0, "set_aside": 0, "problem": "", "since": 0.0}
    return orjson.dumps({**whole, "place": place, **others})


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"{", b"[]", b"null", b"\xff", b"{}", _changed(version=2), _changed(offset=-1), _changed(offset="1"),
        _changed(seq=True), _changed(seq=1.5), _changed(writer=1), _changed(place=[]), _changed(sent=-1),
        _changed(compressed=1), b"x" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_cursor_is_said_to_be_none(octets: bytes, tmp_path: Path) -> None:
    cursor = Cursor(tmp_path, "siem")
    cursor.path.write_bytes(octets)
    kept = cursor.read()
    assert kept.place is None
    assert "no cursor, or damaged" in kept.note


def test_a_folder_in_its_place_is_said_too(tmp_path: Path) -> None:
    cursor = Cursor(tmp_path, "siem")
    cursor.path.mkdir()
    assert "cannot be read" in cursor.read().note
