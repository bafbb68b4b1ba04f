"""A real disk that is full, and one that cannot be written: the store says so, runs on, and comes back by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nacd.compliance.bulk_plan import BulkWindow
from nacd.store.state_file import RETRY_S
from nacd.store.verdicts import NOTHING, VerdictStore
from nacd.values import Compliance, ComplianceSource, ComplianceState
from tests.disks import fill

PATIENCE_S = 20.0
NOW = 1_700_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def store_on(clock: Clock, said: list[str]) -> Iterator[Callable[[Path], VerdictStore]]:
    made: list[VerdictStore] = []

    def open_on(folder: Path) -> VerdictStore:
        made.append(VerdictStore(folder / "verdicts.sqlite", report=said.append, monotonic=clock))
        return made[-1]

    yield open_on
    for each in made:
        each.close()


def put(store: VerdictStore, number: int, as_of: float = NOW) -> bool:
    made = Compliance(
        state=ComplianceState.COMPLIANT, as_of=as_of, source=ComplianceSource.LIVE, detail=f"{number}" * 40
    )
    return store.put("campus", f"guid:{number}", made).result(PATIENCE_S)


def test_on_a_disk_that_fills_up_verdicts_are_still_found_and_kept_again_with_space(
    small_disk: Path, store_on: Callable[[Path], VerdictStore], clock: Clock, said: list[str]
) -> None:
    store = store_on(small_disk)
    assert put(store, 0)
    filler = fill(small_disk)
    lost = 0
    for number in range(1, 2_000):
        lost += not put(store, number)
        if lost >= 50:
            break
    assert lost >= 50
    assert "full" in store.problem
    assert len([sentence for sentence in said if "full" in sentence]) == 1
    assert isinstance(store.find("campus", "guid:0"), Compliance)
    window = BulkWindow(opened_at=NOW)
    assert not store.keep_bulk_window("campus", window)

    filler.unlink()
    clock.now += RETRY_S
    assert put(store, 1, NOW + 1)
    assert store.problem == ""
    assert store.keep_bulk_window("campus", window)
    found = store.find("campus", "guid:1")
    assert isinstance(found, Compliance)
    assert found.as_of == NOW + 1


def test_a_store_that_fills_the_disk_itself_has_every_verdict_that_it_said_it_kept(
    small_disk: Path, tmp_path: Path, store_on: Callable[[Path], VerdictStore], clock: Clock
) -> None:
    store = store_on(small_disk)
    kept = set()
    for number in range(1_500):
        if put(store, number):
            kept.add(number)
        if number % 100 == 0:
            clock.now += RETRY_S
    assert 10 < len(kept) < 1_500
    assert [number for number in kept if store.find("campus", f"guid:{number}") is NOTHING] == []
    store.close()
    roomy = tmp_path / "roomy"
    shutil.copytree(small_disk, roomy)
    after = store_on(roomy)
    assert after.problem == ""
    assert [number for number in kept if after.find("campus", f"guid:{number}") is NOTHING] == []


def test_when_its_own_log_has_filled_the_disk_the_store_makes_room_by_carrying_it_over(
    small_disk: Path, store_on: Callable[[Path], VerdictStore], clock: Clock
) -> None:
    store = store_on(small_disk)
    kept = []
    for turn in range(300):  # one row: the file needs no more room, the log does, each time
        kept.append(put(store, 1, NOW + turn))
        clock.now += RETRY_S
    assert 1 <= kept.count(False) < 30
    found = store.find("campus", "guid:1")
    assert isinstance(found, Compliance)
    assert found.as_of == NOW + max(turn for turn in range(300) if kept[turn])


def test_a_start_on_a_full_disk_is_reported_and_the_store_comes_when_there_is_space(
    small_disk: Path, store_on: Callable[[Path], VerdictStore], clock: Clock, said: list[str]
) -> None:
    filler = fill(small_disk)
    store = store_on(small_disk)
    assert "cannot keep verdicts" in store.problem
    assert said == [store.problem]
    assert not put(store, 1)
    assert store.find("campus", "guid:1") is NOTHING
    assert not store.keep_bulk_window("campus", BulkWindow(opened_at=NOW))
    filler.unlink()
    clock.now += RETRY_S
    assert put(store, 1)
    assert store.problem == ""
    assert store.bulk_window("campus") == BulkWindow(opened_at=NOW)
    store.close()
    assert store_on(small_disk).bulk_window("campus") == BulkWindow(opened_at=NOW)


@pytest.fixture
def locked_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """A folder with a store in it, and what makes it read-only: for root that is the disk, for others its mode."""
    if os.geteuid() == 0:
        disk: Path = request.getfixturevalue("small_disk")

        def remount(how: str) -> None:
            subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True, capture_output=True)

        yield disk, lambda: remount("ro")
        remount("rw")
    else:
        yield tmp_path, lambda: tmp_path.chmod(0o555)
        tmp_path.chmod(0o755)


def test_a_folder_that_cannot_be_written_is_reported_and_the_daemon_runs_on(
    locked_folder: tuple[Path, Callable[[], None]], store_on: Callable[[Path], VerdictStore], said: list[str]
) -> None:
    folder, lock_it = locked_folder
    lock_it()
    store = store_on(folder)
    assert "cannot keep verdicts" in store.problem
    assert said == [store.problem]
    assert not put(store, 1)
    assert store.find("campus", "guid:1") is NOTHING
    assert store.count() == 0
    assert store.forget_older_than(NOW) == 0
    assert list(store.iterate("campus")) == []
