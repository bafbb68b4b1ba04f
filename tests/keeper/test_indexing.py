"""The index of a full file, made where it is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacd.keeper.indexing import CannotIndex, build
from nacd.store.trail_index.mark import index_path
from tests.keeper.trails import Trail


def test_it_lies_beside_the_file_and_lets_itself_be_heard_meanwhile(trail: Trail) -> None:
    name = trail.full(3_000, filler=640)
    steps: list[int] = []
    build(trail.live, name, lambda: steps.append(1))
    assert index_path(trail.folder / name).is_file()
    assert steps


def test_it_can_be_ended_in_the_middle_and_leaves_no_index(trail: Trail) -> None:
    name = trail.full(3_000, filler=640)

    def end() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(trail.live, name, end)
    assert [path.name for path in trail.folder.iterdir()] == [name]


def test_what_is_no_file_has_no_index(trail: Trail, tmp_path: Path) -> None:
    name = trail.full()
    (trail.folder / name).unlink()
    (trail.folder / name).mkdir()
    with pytest.raises((CannotIndex, OSError)):
        build(trail.live, name, lambda: None)
