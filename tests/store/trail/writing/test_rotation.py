"""Two renames in one folder, or none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nacd.store.trail.writing import rotation


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    path = tmp_path / "audit.jsonl"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    os.write(fd, b"full\n")
    yield path, fd
    os.close(fd)


def test_the_full_file_gets_its_name_and_a_new_one_its_place(live: tuple[Path, int]) -> None:
    path, fd = live
    (path.parent / ".audit.jsonl.next").write_text("left by a crash")
    made = rotation.turn_over(path, fd, "full.jsonl")
    os.write(made, b"new\n")
    os.close(made)
    assert {each.name: each.read_text() for each in path.parent.iterdir()} == {
        "audit.jsonl": "new\n",
        "full.jsonl": "full\n",
    }


def test_when_the_second_rename_fails_everything_is_as_it_was(
    live: tuple[Path, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fd = live
    real = os.rename

    def refuse(source: str, target: str, **where: int) -> None:
        if source.endswith(".next"):
            raise OSError(28, "No space left on device")
        real(source, target, **where)

    monkeypatch.setattr("os.rename", refuse)
    with pytest.raises(OSError, match="No space"):
        rotation.turn_over(path, fd, "full.jsonl")
    assert {each.name: each.read_text() for each in path.parent.iterdir()} == {"audit.jsonl": "full\n"}


def test_a_file_that_is_not_in_its_place_any_more_is_left_alone(live: tuple[Path, int]) -> None:
    path, fd = live
    path.rename(path.with_name("moved"))
    path.write_text("another")
    with pytest.raises(OSError, match="moved it away"):
        rotation.turn_over(path, fd, "full.jsonl")
    assert path.read_text() == "another"


def test_a_file_that_was_moved_is_found_by_what_it_is(live: tuple[Path, int]) -> None:
    path, fd = live
    path.rename(path.with_name("audit.jsonl.1"))
    there = os.fstat(fd)
    assert rotation.name_of(path, (there.st_dev, there.st_ino)) == "audit.jsonl.1"
    assert rotation.name_of(path, (0, 0)) == "audit.jsonl"
