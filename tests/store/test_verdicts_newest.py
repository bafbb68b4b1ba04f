"""What was put last is what is found, or nothing is: whatever the clock does, and whatever the disk does not take."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from nacd.store import verdicts as module
from nacd.store.state_file import RETRY_S
from nacd.store.verdicts import NOTHING, VerdictStore, tenant_key
from nacd.values import Compliance, ComplianceSource, ComplianceState

PATIENCE_S = 20.0
NOW = 1_700_000_000.0


def verdict(as_of: float, state: ComplianceState = ComplianceState.COMPLIANT) -> Compliance:
    return Compliance(state=state, as_of=as_of, source=ComplianceSource.LIVE, provider="nac")


def bad(as_of: float) -> Compliance:
    return verdict(as_of, ComplianceState.NONCOMPLIANT)


class Disk:
    """A store with both its clocks in reach, and somebody who can keep it from writing."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.wall, self.monotonic = NOW, 0.0
        self.store = VerdictStore(file, report=lambda _: None, wall=lambda: self.wall, monotonic=lambda: self.monotonic)

    def put(self, key: str, compliance: Compliance, *, newest: bool = True) -> bool:
        return self.store.put("campus", key, compliance, newest=newest).result(PATIENCE_S)

    def find(self, key: str) -> object:
        return self.store.find("campus", key)

    def break_off(self) -> None:
        """From now on nothing can be written, and what is there can be read."""
        self._change("CREATE TRIGGER broken BEFORE INSERT ON verdicts BEGIN SELECT RAISE(ABORT, 'broken'); END")

    def mend(self) -> None:
        self._change("DROP TRIGGER broken")
        self.monotonic += RETRY_S

    def _change(self, sql: str) -> None:
        with closing(sqlite3.connect(self.file)) as intruder, intruder:
            intruder.execute(sql)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "verdicts.sqlite")
    yield made
    made.store.close()


# -- dates and order -----------------------------------------------------------------------------


@pytest.mark.parametrize("back_s", [1.0, 3.0, 3600.0])
def test_the_newest_replaces_one_that_a_clock_set_back_makes_look_newer(disk: Disk, back_s: float) -> None:
    assert disk.put("guid:1", verdict(NOW))
    assert disk.put("guid:1", bad(NOW - back_s))
    assert disk.find("guid:1") == bad(NOW - back_s)


def test_of_many_newest_at_once_the_one_put_last_stays(disk: Disk) -> None:
    waiting = [disk.store.put("campus", "guid:1", verdict(NOW - number), newest=True) for number in range(500)]
    assert all(each.result(PATIENCE_S) for each in waiting)
    assert disk.find("guid:1") == verdict(NOW - 499)


def test_what_is_not_known_to_be_newest_goes_by_its_date(disk: Disk) -> None:
    disk.wall = NOW + 10
    assert disk.put("guid:1", verdict(NOW), newest=False)
    assert disk.put("guid:1", bad(NOW - 1), newest=False)
    assert disk.find("guid:1") == verdict(NOW)


def test_a_name_that_is_given_to_another_tenant_has_another_key() -> None:
    keys = {
        tenant_key("intune", "global", "contoso.example"),
        tenant_key("intune", "global", "fabrikam.example"),
        tenant_key("intune", "usgov_high", "contoso.example"),
        tenant_key("other", "global", "contoso.example"),
    }
    assert len(keys) == 4
    assert tenant_key("intune", "global", "Contoso.Example") in keys


# -- a disk that takes nothing ---------------------------------------------------------------------


def test_an_older_verdict_is_not_found_while_the_disk_has_not_taken_the_last_one(disk: Disk) -> None:
    assert disk.put("guid:1", verdict(NOW))
    assert disk.put("guid:2", verdict(NOW))
    disk.break_off()
    assert not disk.put("guid:1", bad(NOW + 1))
    disk.mend()
    assert disk.put("guid:3", verdict(NOW + 2))
    assert disk.find("guid:1") is NOTHING
    assert disk.find("guid:2") == verdict(NOW)
    assert disk.put("guid:1", verdict(NOW + 3))
    assert disk.find("guid:1") == verdict(NOW + 3)


def test_an_older_verdict_is_not_found_while_the_last_one_waits_for_the_disk(disk: Disk) -> None:
    assert disk.put("guid:1", verdict(NOW))
    with closing(sqlite3.connect(disk.file, isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        waiting = disk.store.put("campus", "guid:1", bad(NOW + 1), newest=True)
        assert disk.find("guid:1") is NOTHING
        intruder.execute("ROLLBACK")
    assert waiting.result(PATIENCE_S)
    assert disk.find("guid:1") == bad(NOW + 1)


def test_a_verdict_written_late_does_not_stand_for_the_one_turned_away_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 1)
    disk = Disk(tmp_path / "verdicts.sqlite")
    with closing(disk.store), closing(sqlite3.connect(disk.file, isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        puts = [disk.store.put("campus", "guid:1", verdict(NOW), newest=True) for _ in range(3)]
        assert puts[-1].done()
        intruder.execute("ROLLBACK")
        assert [each.result(PATIENCE_S) for each in puts][::2] == [True, False]
        assert disk.find("guid:1") is NOTHING


def test_when_too_many_were_lost_to_remember_nothing_older_is_found(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_UNSURE", 10)
    for number in range(30):
        assert disk.put(f"guid:{number}", verdict(NOW))
    disk.wall = NOW + 10
    disk.break_off()
    for number in range(20):
        assert not disk.put(f"guid:{number}", bad(NOW + 10))
    disk.mend()
    disk.wall = NOW + 20
    assert disk.put("guid:0", bad(NOW + 20))
    assert disk.find("guid:0") == bad(NOW + 20)
    assert [number for number in range(1, 30) if disk.find(f"guid:{number}") is not NOTHING] == []


# -- a clock far ahead, and the end -----------------------------------------------------------------


def test_when_all_verdicts_look_too_old_it_is_the_clock_and_none_is_forgotten(disk: Disk) -> None:
    for number in range(10):
        assert disk.put(f"guid:{number}", verdict(NOW + number))
    assert disk.store.forget_older_than(NOW + 12 * 86_400) == 0
    assert disk.store.count() == 10
    assert disk.store.forget_older_than(NOW + 9) == 9


def test_a_disk_that_hangs_does_not_keep_the_store_from_being_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CLOSE_PATIENCE_S", 0.05)
    hanging, let_go = Event(), Event()
    said: list[str] = []
    store = VerdictStore(tmp_path / "verdicts.sqlite", report=said.append, wall=_waits(hanging, let_go))
    waiting = store.put("campus", "guid:1", verdict(NOW))
    assert hanging.wait(PATIENCE_S)
    closing_it = Thread(target=store.close)
    closing_it.start()
    closing_it.join(PATIENCE_S)
    ended_meanwhile = not closing_it.is_alive()
    let_go.set()
    waiting.result(PATIENCE_S)
    assert ended_meanwhile
    assert len(said) == 1
    assert "not all verdicts were written" in said[0]


def _waits(reached: Event, until: Event) -> Callable[[], float]:
    def wall() -> float:
        reached.set()
        until.wait(PATIENCE_S)
        return NOW

    return wall
