"""Answers that cannot be given to their end."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nacd.cli.audit.finding.ending import CANNOT, told
from nacd.store.trail.reading import Unreadable
from tests.store.trail_index.laid import lay, who


def _raises(trouble: Exception) -> Callable[[], int]:
    def answer() -> int:
        raise trouble

    return answer


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "a\x1b.jsonl"),
            "`a\\u001b.jsonl`: permission denied",
        ),
        (Unreadable("it is no plain file", path=Path("audit.jsonl"), offset=0), "`audit.jsonl`: it is no plain file"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "the answer cannot be written: no space left on device"),
    ],
)
def test_what_ends_an_answer_is_said_in_words(
    trouble: Exception, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    silenced: list[int] = []
    monkeypatch.setattr(os, "dup2", lambda _, number: silenced.append(number))
    assert told(_raises(trouble)) == CANNOT
    assert words in capsys.readouterr().err


def test_an_answer_that_is_given_keeps_its_code() -> None:
    assert told(lambda: 1) == 1


@pytest.mark.parametrize(
    "words",
    [
        "search",
        "search --format json",
        "search --format csv",
        "report --since 2026-01-01",
        "report --format json",
        "show 1",
    ],
)
def test_a_full_disk_is_said_and_is_not_taken_for_nothing_found(tmp_path: Path, words: str) -> None:
    lay(tmp_path, [[who("alice")]])
    command = [sys.executable, "-m", "nacd", "audit", *words.split(), "--audit", str(tmp_path)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == CANNOT
    assert b"the answer cannot be written: no space left on device" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_a_report_that_nobody_reads_to_its_end_complains_of_nothing(tmp_path: Path) -> None:
    lay(tmp_path, [[who("alice")]])
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "nacd", "audit", "report", "--since", "2026-01-01", "--audit", str(tmp_path)]
    try:
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, check=False, timeout=60)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
