"""At most once per device and verb, over restarts, full tables, full disks and wrong clocks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nacd.actions.asked import FILE_NAME, Asked, Key

NOW = 1_800_000_000.0
HOUR = 3600.0


def key(number: int = 1, verb: str = "sync") -> Key:
    return Key(verb=verb, device=f"00000000-0000-4000-8000-{number:012x}", tenant="contoso")


def asked(folder: Path, now: float = NOW, max_entries: int = 100) -> Asked:
    return Asked(folder, max_entries=max_entries, longest_s=HOUR, now=now)


def test_the_second_time_within_the_hour_is_refused(tmp_path: Path) -> None:
    table = asked(tmp_path)
    assert table.refusal(key(), NOW) == ""
    table.note(key(), NOW + HOUR)
    assert "again in 1800 s" in table.refusal(key(), NOW + HOUR / 2)
    assert table.refusal(key(), NOW + HOUR) == ""


def test_another_verb_and_another_device_are_others(tmp_path: Path) -> None:
    table = asked(tmp_path)
    table.note(key(), NOW + HOUR)
    assert table.refusal(key(verb="notify"), NOW) == ""
    assert table.refusal(key(2), NOW) == ""


def test_a_restart_remembers(tmp_path: Path) -> None:
    first = asked(tmp_path)
    first.note(key(1), NOW + HOUR)
    first.note(key(2), NOW + HOUR)
    first.note(key(2), NOW + 1)  # the later line holds
    first.close()
    again = asked(tmp_path, NOW + 60)
    assert again.refusal(key(1), NOW + 60)
    assert again.refusal(key(2), NOW + 60) == ""


def test_a_start_drops_what_is_over(tmp_path: Path) -> None:
    first = asked(tmp_path)
    first.note(key(), NOW + HOUR)
    first.close()
    assert len(asked(tmp_path, NOW + 2 * HOUR)) == 0
    assert (tmp_path / FILE_NAME).read_text() == ""


def test_a_full_table_refuses_rather_than_forget(tmp_path: Path) -> None:
    table = asked(tmp_path, max_entries=10)
    for number in range(10):
        table.note(key(number), NOW + HOUR)
    assert "the most there may be" in table.refusal(key(99), NOW)
    assert table.refusal(key(99), NOW + HOUR + 1) == ""
    table.note(key(99), NOW + 2 * HOUR)
    assert len(table) == 1


def test_a_known_device_needs_no_room(tmp_path: Path) -> None:
    table = asked(tmp_path, max_entries=10)
    for number in range(10):
        table.note(key(number), NOW + (1 if number == 3 else HOUR))
    assert table.refusal(key(3), NOW + 2) == ""


def test_the_file_stays_small_however_often_one_device_is_noted(tmp_path: Path) -> None:
    table = asked(tmp_path, max_entries=10)
    for turn in range(500):
        table.note(key(), NOW + turn)
    assert len((tmp_path / FILE_NAME).read_text().splitlines()) <= 42
    table.close()
    assert asked(tmp_path, NOW).refusal(key(), NOW)


@pytest.mark.parametrize(
    "junk",
    [
        b"\x00\xff\xfe" * 50,
        b"1800003600 sync 00000000-0000-4000-8000-0000000000",
        b"x" * 100_000 + b"\n",
        b"99999999999999999999 sync 00000000-0000-4000-8000-000000000001 contoso\n",
        b"\n\n\n",
    ],
)
def test_lines_that_are_none_are_left_out(tmp_path: Path, junk: bytes) -> None:
    first = asked(tmp_path)
    first.note(key(), NOW + HOUR)
    first.close()
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(junk)
    again = asked(tmp_path)
    assert len(again) == 1
    assert again.refusal(key(), NOW)


def test_a_time_far_in_the_future_locks_no_device_for_years(tmp_path: Path) -> None:
    first = asked(tmp_path)
    first.note(key(), NOW + 1e9)
    first.close()
    again = asked(tmp_path)
    assert "again in 3600 s" in again.refusal(key(), NOW)
    assert again.refusal(key(), NOW + HOUR) == ""


def test_a_clock_that_is_put_back_locks_no_device_for_longer_than_an_hour(tmp_path: Path) -> None:
    table = asked(tmp_path)
    table.note(key(), NOW + HOUR)
    assert "again in 3600 s" in table.refusal(key(), NOW - 50 * HOUR)


_FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from nacd.actions.asked import Asked, Key
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
key = lambda n: Key(verb="sync", device=f"00000000-0000-4000-8000-{n:012x}", tenant="contoso")
table = Asked(Path(sys.argv[1]), max_entries=100, longest_s=3600, now=0)
table.note(key(1), 3600)
size = (Path(sys.argv[1]) / "asked").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5, size + 5))
try:
    table.note(key(2), 3600)
except OSError as refused:
    print("refused:", refused.strerror, len(table))
"""


def test_what_cannot_be_kept_on_disk_is_not_noted_and_leaves_no_half_line(tmp_path: Path) -> None:
    """In a process of its own: the limit holds for everything it writes."""
    home = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path), home], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout == "refused: No space left on device 1\n"
    assert len((tmp_path / FILE_NAME).read_text().splitlines()) == 1


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        asked(tmp_path / "file" / "state")


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    asked(tmp_path)
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_rewrite_that_fails_keeps_the_old_lines_and_touches_no_other_file(tmp_path: Path) -> None:
    """The folder is away for a moment, at just the wrong one; so is a disk that is full, or read-only."""
    folder, away = tmp_path / "state", tmp_path / "away"
    table = asked(folder, max_entries=1)
    for turn in range(5):
        table.note(key(), NOW + turn)
    folder.rename(away)
    for _ in range(3):
        with pytest.raises(OSError):
            table.note(key(), NOW + HOUR)
    away.rename(folder)
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    table.note(key(), NOW + 600)
    os.write(other, b"mine\n")
    os.close(other)
    assert (tmp_path / "other").read_bytes() == b"mine\n"
    assert table.refusal(key(), NOW)
    table.close()
    assert "again in 600 s" in asked(folder).refusal(key(), NOW)


def test_a_draft_that_cannot_be_written_leaves_the_old_file_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = asked(tmp_path, max_entries=1)
    for turn in range(5):
        table.note(key(), NOW + turn)
    before = (tmp_path / FILE_NAME).read_bytes()

    def broken(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("os.fsync", broken)
        with pytest.raises(OSError, match="No space"):
            table.note(key(), NOW + HOUR)
    assert (tmp_path / FILE_NAME).read_bytes() == before
    table.note(key(2), NOW + HOUR)
    assert asked(tmp_path).refusal(key(2), NOW)


def test_what_is_noted_outlives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = asked(tmp_path)
    synced: list[int] = []
    monkeypatch.setattr("os.fdatasync", lambda fd: synced.append(os.fstat(fd).st_size))
    table.note(key(), NOW + HOUR)
    assert synced == [(tmp_path / FILE_NAME).stat().st_size]
