"""What the guards know, in a file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from nacd.session.guard import Memory
from nacd.store.live import guard_file
from nacd.store.live.guard_file import GuardFile
from tests.disks import fill

SOME = {
    "down": Memory(held_until=5.5, discarded_until=6.5, unknown_until=7.5, discarded=(1, 2), released=(3,)),
    "up": Memory(passed=((7, 1.25), (8, 2.0))),
}


def carried() -> None:
    """Wait until nothing is on its way to the disk any more."""
    for each in threading.enumerate():
        if each.name == "nacd-guard":
            each.join(10)
            assert not each.is_alive()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    said: list[str] = []
    file = GuardFile(tmp_path / "guard.json", said.append)
    assert file.read() is None
    assert file.write({"down": Memory(), "up": Memory()})
    assert file.write(SOME)
    assert GuardFile(tmp_path / "guard.json", said.append).read() == SOME
    assert [each.name for each in tmp_path.iterdir()] == ["guard.json"]
    assert (tmp_path / "guard.json").stat().st_mode & 0o777 == 0o600
    assert said == []


@pytest.mark.parametrize("octets", [b"", b"{", b"[]", b'{"down": {}}', b'{"down": {"passed": 1}}', b"\xff", b"null"])
def test_what_has_no_sense_is_as_good_as_none_and_said(tmp_path: Path, octets: bytes) -> None:
    said: list[str] = []
    (tmp_path / "guard.json").write_bytes(octets)
    assert GuardFile(tmp_path / "guard.json", said.append).read() is None
    assert "has no sense; after a restart" in said[0]


def test_a_file_that_cannot_be_read_is_as_good_as_none_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "guard.json").mkdir()
    assert GuardFile(tmp_path / "guard.json", said.append).read() is None
    assert "is a directory" in said[0]


def test_on_a_full_disk_an_older_word_is_taken_away_and_a_person_is_told_once(small_disk: Path) -> None:
    said: list[str] = []
    file = GuardFile(small_disk / "guard.json", said.append)
    assert file.write(SOME)
    filler = fill(small_disk)
    assert file.write({"down": Memory(), "up": Memory()}), "the old one makes room"
    larger = {"down": Memory(discarded=tuple(range(50_000))), "up": Memory()}
    assert not file.write(larger)
    assert not file.write(larger)
    assert len(said) == 1
    assert "no space left" in said[0]
    assert [each.name for each in small_disk.iterdir()] == ["filler"]
    filler.unlink()
    assert file.read() is None
    assert file.write(SOME)
    assert file.read() == SOME


def test_room_is_made_on_a_full_disk_even_while_the_older_word_is_still_on_its_way_to_it(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, let_go = Event(), Event()

    def slow_disk(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)  # the file, and then its folder
        opened.set()
        let_go.wait(10)
        os.close(descriptor)

    monkeypatch.setattr("nacd.store.live.guard_file._to_the_disk", slow_disk)
    said: list[str] = []
    file = GuardFile(small_disk / "guard.json", said.append)
    assert file.write({"down": Memory(), "up": Memory()})
    assert opened.wait(10)
    fill(small_disk)
    written = file.write(SOME)
    let_go.set()
    assert written
    assert file.read() == SOME
    carried()
    assert said == []


def test_writing_does_not_wait_for_the_disk_and_all_of_it_gets_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[bytes] = []
    path = tmp_path / "guard.json"
    monkeypatch.setattr("nacd.store.live.guard_file._to_the_disk", lambda _: carried.append(path.read_bytes()))
    file = GuardFile(path, print)
    for number in range(20):
        assert file.write({"down": Memory(discarded=(number,)), "up": Memory()})
    deadline = time.monotonic() + 10
    while not carried or carried[-1] != path.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Leaving:
    """A lock; before it is free for the first time somebody writes once more."""

    def __init__(self, writes: Callable[[], object]) -> None:
        self._lock = threading.Lock()
        self._writes: Callable[[], object] | None = writes
        self.acquire, self.locked = self._lock.acquire, self._lock.locked

    def release(self) -> None:
        writes, self._writes = self._writes, None
        if writes is not None:
            writes()
        self._lock.release()


def test_what_is_written_while_the_thread_is_about_to_end_gets_to_the_disk_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    path = tmp_path / "guard.json"
    monkeypatch.setattr("nacd.store.live.guard_file._to_the_disk", lambda _: seen.append(path.read_bytes()))
    file = GuardFile(path, print)
    file._carrying = Leaving(lambda: file.write(SOME))  # type: ignore[assignment]
    assert file.write({"down": Memory(), "up": Memory()})
    carried()
    assert file.read() == SOME
    assert seen[-1] == path.read_bytes()


def test_a_word_that_is_taken_away_before_it_is_on_the_disk_is_no_trouble_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is what happens where there is no room: who takes it away says so himself if nothing comes in its place."""

    def taken_away(path: Path) -> None:
        (tmp_path / "guard.json").unlink(missing_ok=True)
        to_the_disk(path)

    to_the_disk = guard_file._to_the_disk
    monkeypatch.setattr(guard_file, "_to_the_disk", taken_away)
    said: list[str] = []
    assert GuardFile(tmp_path / "guard.json", said.append).write(SOME)
    carried()
    assert said == []
