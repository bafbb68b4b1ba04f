"""`nacd keeper --once`: for a host on which the daemon does not run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nacd.store.full_files.folder import Folder
from tests.keeper.trails import Trail, check


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    (tmp_path / "nacd.yaml").write_text("audit: {file: audit.jsonl, keep: {for: 1h}}\nstate: state\n")
    return Trail(tmp_path)


def test_what_is_due_is_compressed_and_indexed_and_nothing_is_deleted(nacd: Any, trail: Trail) -> None:
    full = [trail.full() for _ in range(3)]
    trail.living()
    done = nacd("keeper", "--once", "--config", trail.folder / "nacd.yaml")
    assert done.exit_code == 3
    assert "only a running nacd can record that it is deleted" in done.output
    assert "3 compressed, 0 still waiting, 4 files" in done.output
    for name in full:
        assert not (trail.folder / name).exists()
        assert (trail.folder / name.replace(".jsonl", ".idx")).exists()
    assert check(trail.live) == 155


def test_nothing_to_do_is_well(nacd: Any, trail: Trail) -> None:
    trail.living()
    done = nacd("keeper", "--once", "--config", trail.folder / "nacd.yaml")
    assert (done.exit_code, done.output) == (0, "0 compressed, 0 still waiting, 1 files\n")


def test_beside_that_of_the_daemon_it_does_nothing(nacd: Any, trail: Trail) -> None:
    name = trail.full()
    folder = Folder(trail.live)
    done = nacd("keeper", "--once", "--config", trail.folder / "nacd.yaml")
    folder.close()
    assert done.exit_code == 3
    assert "another keeper is at work there" in done.output
    assert (trail.folder / name).exists()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("audit: {file: nowhere/audit.jsonl}\nstate: s\n", 3, "no such file"),
        ("audit: {fil: a}\nstate: s\n", 1, "nacd.yaml:1"),
    ],
)
def test_what_it_cannot_do_is_said(nacd: Any, trail: Trail, text: str, code: int, words: str) -> None:
    (trail.folder / "nacd.yaml").write_text(text)
    done = nacd("keeper", "--once", "--config", trail.folder / "nacd.yaml")
    assert done.exit_code == code
    assert words in done.output


def test_it_is_no_command_that_people_are_shown(nacd: Any) -> None:
    assert "keeper" not in nacd("--help").output
