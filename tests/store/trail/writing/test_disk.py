"""One thread that waits for the disk, so that nobody else has to."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from nacd.store.trail.writing.disk import Disk, sync, sync_folder
from tests.store.trail.writing.trails import Trail, event


def soon(holds: Callable[[], bool], within_s: float = 10.0) -> bool:
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.002)
    return True


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    opened = os.open(tmp_path / "f", os.O_RDWR | os.O_CREAT)
    yield opened
    os.close(opened)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    found: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr("os.fdatasync", lambda fd: (real(fd), found.append(fd)))
    return found


def test_what_was_written_is_on_the_disk_after_the_window_with_all_that_came_meanwhile(
    fd: int, synced: list[int]
) -> None:
    disk = Disk(fd, every_s=0.01, thread=True)
    for _ in range(3):
        if not disk.dirty:
            disk.wrote()
    assert soon(lambda: not disk.dirty and disk.behind_since == 0.0)
    assert disk.close()
    assert len(synced) == 1


def test_whoever_needs_it_soon_does_not_wait_for_the_window(fd: int, synced: list[int]) -> None:
    disk = Disk(fd, every_s=60.0, thread=True)
    disk.wrote()
    told: list[str] = []
    disk.then(told.append)
    assert soon(lambda: told == [""])
    assert synced
    assert disk.close()


def test_without_a_thread_it_is_done_at_once(fd: int, synced: list[int]) -> None:
    disk = Disk(fd, every_s=1.0, thread=False)
    told: list[str] = []
    disk.then(told.append)
    assert (told, synced) == ([""], [fd])
    assert disk.dirty, "nobody is to tell it what was written"
    assert disk.close()


def test_a_disk_that_fails_is_tried_again_until_it_takes_it(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    disk = Disk(fd, every_s=0.01, thread=True)
    with monkeypatch.context() as bad:
        bad.setattr("os.fdatasync", broken)
        disk.wrote()
        assert soon(lambda: disk.trouble == "input/output error")
        told: list[str] = []
        disk.then(told.append)
        assert soon(lambda: told == ["input/output error"])
    assert soon(lambda: disk.trouble == "")
    assert disk.close()


def test_the_file_before_is_synced_and_closed_and_the_next_one_is_synced(
    fd: int, tmp_path: Path, synced: list[int]
) -> None:
    old = os.open(tmp_path / "old", os.O_RDWR | os.O_CREAT)
    disk = Disk(old, every_s=60.0, thread=True)
    disk.wrote()
    disk.turn(fd, tmp_path / "f")
    assert disk.close()
    assert synced[-2:] == [old, fd]
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(old)


def test_what_waits_is_done_before_the_end_whatever_the_window(fd: int, synced: list[int]) -> None:
    disk = Disk(fd, every_s=60.0, thread=True)
    disk.wrote()
    begun = time.monotonic()
    assert disk.close()
    assert time.monotonic() - begun < 30
    assert synced == [fd]


def test_a_thread_that_has_ended_is_noticed(fd: int) -> None:
    disk = Disk(fd, every_s=60.0, thread=True)
    disk.look()
    assert disk.trouble == ""
    assert disk.close()
    disk.look()
    assert "has ended" in disk.trouble


def test_a_device_and_a_folder_are_no_trouble(tmp_path: Path) -> None:
    null = os.open("/dev/null", os.O_WRONLY)
    sync(null)
    os.close(null)
    sync_folder(tmp_path / "anything")
    assert threading.active_count() >= 1


def test_what_a_disk_failed_to_take_is_written_once_more_and_named_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux counts what it could not write as written: the next `fdatasync` says nothing of it."""
    trail = Trail(tmp_path)
    log = trail.open(checkpoint_records=100)
    log.append(event(1))
    log._disk._sync()
    again: list[tuple[int, bytes]] = []
    real, write = os.fdatasync, os.pwrite
    monkeypatch.setattr("os.pwrite", lambda fd, octets, at: (again.append((at, octets)), write(fd, octets, at))[1])
    before = trail.live.stat().st_size
    log.append(event(2), event(3))
    lines = trail.live.read_bytes()[before:]
    failures = [OSError(5, "Input/output error")]

    def once(fd: int) -> None:
        if failures:
            raise failures.pop()
        real(fd)

    monkeypatch.setattr("os.fdatasync", once)
    told: list[str] = []
    log.when_kept(told.append)
    log.when_kept(told.append)
    assert told == ["input/output error", ""]
    assert again == [(before, lines)]
    log.tick()
    log.append(event(4))
    log.close()
    found = trail.whole()
    (doubt,) = found.of("A9103W")
    assert doubt["repaired"]["kind"] == "doubtful"
    assert (doubt["repaired"]["first_seq"], doubt["repaired"]["last_seq"]) == (3, 4)
    assert doubt["repaired"]["octets"] == len(lines)
    assert doubt["repaired"]["sha256"] == sha256(lines).hexdigest()


def test_a_file_that_failed_and_is_left_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = Trail(tmp_path)
    log = trail.open()
    log.append(event(1))
    log.append(event(2))

    def broken(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as bad:
        bad.setattr("os.fdatasync", broken)
        trail.live.rename(tmp_path / "audit.jsonl.1")
        log.follow_rotation()
    assert [(doubt.first_seq, doubt.last_seq) for doubt in log._disk.doubts] == [(3, 3)]
    log.close()
