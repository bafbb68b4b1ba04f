"""What was known before a restart is known after it, and never anything older."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.compliance.bulk_plan import BulkWindow
from nacd.store import verdicts as module
from nacd.store.sqlite_file import Schema, open_for_writing
from nacd.store.verdicts import NOTHING, VerdictStore
from nacd.values import NOT_ASKED, Compliance, ComplianceSource, ComplianceState, DeviceFacts

PATIENCE_S = 20.0
NOW = 1_700_000_000.0


def verdict(
    as_of: float = NOW,
    state: ComplianceState = ComplianceState.COMPLIANT,
    source: ComplianceSource = ComplianceSource.LIVE,
    **more: str,
) -> Compliance:
    return Compliance(state=state, as_of=as_of, source=source, provider="nac", **more)


class Shelf:
    """Stores on one file, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "verdicts.sqlite"
        self.said: list[str] = []
        self.now = NOW + 1000
        self._open: list[VerdictStore] = []

    def store(self, max_rows: int = 2_000_000) -> VerdictStore:
        self.close()
        made = VerdictStore(self.file, report=self.said.append, max_rows=max_rows, wall=lambda: self.now)
        self._open.append(made)
        return made

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.close()
    assert made.said == []


def put(store: VerdictStore, key: str, compliance: Compliance, tenant: str = "campus") -> bool:
    return store.put(tenant, key, compliance).result(PATIENCE_S)


def test_a_verdict_is_found_as_it_was_stored_also_after_a_restart(shelf: Shelf) -> None:
    store = shelf.store()
    whole = Compliance(
        state=ComplianceState.IN_GRACE,
        as_of=NOW,
        source=ComplianceSource.BULK,
        detail="a while yet",
        provider="graph",
        grace_until=NOW + 50,
        device=DeviceFacts(name="PC-1", user="a@b.example", last_sync=NOW - 9),
    )
    assert put(store, "guid:1", whole)
    assert store.find("campus", "guid:1") == whole
    assert shelf.store().find("campus", "guid:1") == whole


def test_each_tenant_has_its_own(shelf: Shelf) -> None:
    store = shelf.store()
    assert put(store, "guid:1", verdict(), "one")
    assert put(store, "guid:1", verdict(NOW + 1), "two")
    assert store.find("one", "guid:1") == verdict()
    assert store.find("two", "guid:1") == verdict(NOW + 1)
    assert store.find("three", "guid:1") is NOTHING
    assert list(store.iterate("two")) == [("guid:1", verdict(NOW + 1))]


@pytest.mark.parametrize("nothing", [NOT_ASKED, verdict(state=ComplianceState.UNAVAILABLE), verdict(float("nan"))])
def test_what_is_no_verdict_is_not_kept_and_replaces_none(shelf: Shelf, nothing: Compliance) -> None:
    store = shelf.store()
    assert put(store, "guid:1", verdict())
    assert not put(store, "guid:1", nothing)
    assert store.find("campus", "guid:1") == verdict()


def test_keys_that_no_file_can_hold_are_turned_away_alone(shelf: Shelf) -> None:
    store = shelf.store()
    futures = [store.put("campus", key, verdict()) for key in ("a", "\ud800", "b")]
    assert [future.result(PATIENCE_S) for future in futures] == [True, False, True]
    assert store.find("campus", "\ud800") is NOTHING
    assert store.count() == 2


keys = st.sampled_from(["guid:1", "guid:2", "mac:3"])
events = st.lists(
    st.tuples(keys, st.integers(0, 5), st.sampled_from([ComplianceState.COMPLIANT, ComplianceState.NONCOMPLIANT])),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(events, st.booleans())
def test_whatever_the_order_the_newest_verdict_stays_and_of_two_of_one_date_the_later(
    tmp_path_factory: pytest.TempPathFactory, puts: list[tuple[str, int, ComplianceState]], one_by_one: bool
) -> None:
    expected: dict[str, Compliance] = {}
    file = tmp_path_factory.mktemp("order") / "verdicts.sqlite"
    with closing(VerdictStore(file, report=pytest.fail, wall=lambda: NOW + 1000)) as store:
        futures = []
        for number, (key, date, state) in enumerate(puts):
            compliance = verdict(NOW + date, state, detail=str(number))
            if key not in expected or compliance.as_of >= expected[key].as_of:
                expected[key] = compliance
            futures.append(store.put("campus", key, compliance))
            if one_by_one:
                assert futures[-1].result(PATIENCE_S)
        assert all(future.result(PATIENCE_S) for future in futures)
        assert dict(store.iterate("campus")) == expected
    with closing(VerdictStore(file, report=pytest.fail)) as store:
        assert {key: store.find("campus", key) for key in expected} == expected


def test_threads_that_put_and_find_at_once_see_dates_grow_only(shelf: Shelf) -> None:
    store = shelf.store()

    def work(number: int) -> bool:
        seen = 0.0
        for step in range(100):
            store.put("campus", "guid:1", verdict(NOW + (step * 7 + number) % 100))
            found = store.find("campus", "guid:1")
            if isinstance(found, Compliance):
                if found.as_of < seen:
                    return False
                seen = found.as_of
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(16)))
    assert put(store, "guid:1", verdict(NOW + 99))
    assert store.find("campus", "guid:1") == verdict(NOW + 99)


def test_over_the_bound_of_the_line_verdicts_are_turned_away_and_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 5)
    said: list[str] = []
    file = tmp_path / "verdicts.sqlite"
    with closing(VerdictStore(file, report=said.append)) as store:
        # Somebody else writes: the writer waits for him (5 s), and the line grows.
        intruder = sqlite3.connect(file, isolation_level=None)
        intruder.execute("BEGIN IMMEDIATE")
        futures = [store.put("campus", f"guid:{number}", verdict()) for number in range(200)]
        refused = [future for future in futures if future.done() and not future.result()]
        intruder.execute("ROLLBACK")
        intruder.close()
        assert len(refused) >= 200 - 2 * 5 - 1
        kept = [future.result(PATIENCE_S) for future in futures].count(True)
        assert kept == len(futures) - len(refused) == store.count()
    assert len(said) == 1
    assert "further ones are not kept" in said[0]


# -- lists ---------------------------------------------------------------------------------------


def test_the_good_among_many_keys_are_those_dated_before(shelf: Shelf) -> None:
    store = shelf.store()
    states = list(ComplianceState)
    for number in range(1_800):
        date = NOW - 1 if number % 5 else NOW
        store.put("campus", f"guid:{number}", verdict(date, states[number % 5]))
    assert put(store, "guid:x", verdict(NOW - 1), "other")
    asked = {f"guid:{number}" for number in range(0, 5_000, 3)} | {"guid:x"}
    expected = {
        f"guid:{number}"
        for number in range(0, 1_800, 3)
        if number % 5 and states[number % 5] in (ComplianceState.COMPLIANT, ComplianceState.IN_GRACE)
    }
    good = store.good_among("campus", asked, NOW)
    assert len(expected) > 100
    assert len(good) == len(expected)
    assert set(good) == expected
    assert store.good_among("campus", [], NOW) == ()


def test_all_verdicts_of_a_tenant_are_listed_by_key(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    store = shelf.store()
    for number in range(50):
        store.put("campus", f"guid:{number:02}", verdict(NOW + number))
    assert put(store, "guid:00", verdict(), "other")
    assert list(store.iterate("campus")) == [(f"guid:{number:02}", verdict(NOW + number)) for number in range(50)]


def test_rows_that_nacd_did_not_write_are_neither_found_nor_listed_nor_good(shelf: Shelf) -> None:
    store = shelf.store()
    for number in range(3):
        assert put(store, f"guid:{number}", verdict())
    store.close()
    with closing(sqlite3.connect(shelf.file)) as connection, connection:
        connection.execute("UPDATE verdicts SET state = 'COMPLIANT' WHERE key = 'guid:0'")
        connection.execute("UPDATE verdicts SET source = 'gossip' WHERE key = 'guid:1'")
    store = shelf.store()
    assert store.find("campus", "guid:0") is NOTHING
    assert store.find("campus", "guid:1") is NOTHING
    assert list(store.iterate("campus")) == [("guid:2", verdict())]
    assert "guid:0" not in store.good_among("campus", ["guid:0"], NOW + 1)


# -- housekeeping --------------------------------------------------------------------------------


def test_what_is_older_than_a_date_is_forgotten(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    store = shelf.store()
    for number in range(100):
        store.put(f"tenant {number % 3}", f"guid:{number:02}", verdict(NOW + number % 10))
    assert put(store, "guid:x", verdict(NOW + 5))
    assert store.forget_older_than(NOW + 5) == 50
    assert store.count() == 51
    assert store.forget_older_than(NOW + 5) == 0
    assert min(each.as_of for number in range(3) for _, each in store.iterate(f"tenant {number}")) == NOW + 5


@pytest.mark.parametrize(("max_rows", "left"), [(100, 100), (35, 35), (1, 1), (0, 0)])
def test_above_the_greatest_number_the_oldest_go_first(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, max_rows: int, left: int
) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 7)
    store = shelf.store(max_rows)
    for number in range(100):
        store.put("campus", f"guid:{number:02}", verdict(NOW + (number * 37 % 100) // 4))
    assert put(store, "guid:00", verdict(NOW))
    assert store.forget_older_than(0.0) == 100 - left
    dates = sorted((each.as_of for _, each in store.iterate("campus")), reverse=True)
    assert dates == sorted((NOW + number // 4 for number in range(100)), reverse=True)[:left]


# -- endpoint and bulk window --------------------------------------------------------------------


def test_the_endpoint_is_kept_by_tenant(shelf: Shelf) -> None:
    store = shelf.store()
    assert store.endpoint("campus") == ""
    store.keep_endpoint("campus", "https://fef.msuc01.manage.example/one")
    store.keep_endpoint("campus", "https://fef.msuc02.manage.example/two")
    store.keep_endpoint("branch", "https://other.example")
    assert store.endpoint("campus") == "https://fef.msuc02.manage.example/two"
    again = shelf.store()
    assert again.endpoint("campus") == "https://fef.msuc02.manage.example/two"
    assert again.endpoint("branch") == "https://other.example"
    again.keep_endpoint("branch", "")
    assert shelf.store().endpoint("branch") == ""


def test_the_bulk_window_is_kept_by_tenant(shelf: Shelf) -> None:
    store = shelf.store()
    assert store.bulk_window("campus") == BulkWindow()
    window = BulkWindow(opened_at=NOW, last_try_at=NOW + 1, last_success_at=NOW - 5, last_quota_at=0.0)
    assert store.keep_bulk_window("campus", window)
    assert store.bulk_window("campus") == window
    again = shelf.store()
    assert again.bulk_window("campus") == window
    assert again.bulk_window("branch") == BulkWindow()
    assert not again.keep_bulk_window("campus", BulkWindow(opened_at=float("nan")))
    assert again.bulk_window("campus") == window


def test_the_bulk_window_alone_waits_for_the_disk_itself(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def overheard(path: Path, schema: Schema) -> sqlite3.Connection:
        connection = open_for_writing(path, schema)
        connection.set_trace_callback(heard.append)
        return connection

    monkeypatch.setattr("nacd.store.state_file.open_for_writing", overheard)
    store = shelf.store()
    assert put(store, "guid:1", verdict())
    store.keep_endpoint("campus", "https://one.example")
    assert "COMMIT" in heard
    assert not [sql for sql in heard if "synchronous" in sql]
    heard.clear()
    assert store.keep_bulk_window("campus", BulkWindow(opened_at=NOW))
    assert [sql for sql in heard if "synchronous" in sql or sql == "COMMIT"] == [
        "PRAGMA synchronous = FULL",
        "COMMIT",
        "PRAGMA synchronous = NORMAL",
    ]


def test_endpoint_and_window_outlive_a_file_that_goes_bad_and_are_known_without_any(tmp_path: Path) -> None:
    said: list[str] = []
    clock = [0.0]
    file = tmp_path / "verdicts.sqlite"
    window = BulkWindow(opened_at=NOW, last_try_at=NOW)
    with closing(VerdictStore(file, report=said.append, monotonic=lambda: clock[0])) as store:
        store.keep_endpoint("campus", "https://one.example")
        assert store.keep_bulk_window("campus", window)
        file.unlink()
        file.mkdir()
        clock[0] += 10
        assert put(store, "guid:1", verdict())
        assert store.endpoint("campus") == "https://one.example"
    with closing(VerdictStore(file, report=said.append, monotonic=lambda: clock[0])) as store:
        assert store.endpoint("campus") == "https://one.example"
        assert store.bulk_window("campus") == window
        blocked = VerdictStore(file, report=said.append, monotonic=lambda: clock[0])
        with closing(blocked):
            assert not blocked.keep_bulk_window("branch", window)
            assert blocked.bulk_window("branch") == window
            blocked.keep_endpoint("branch", "https://two.example")
            assert blocked.endpoint("branch") == "https://two.example"
        assert store.bulk_window("branch") == BulkWindow()


# -- the end -----------------------------------------------------------------------------------


def test_closing_writes_what_waits_and_leaves_one_file_and_its_lock(shelf: Shelf) -> None:
    store = shelf.store()
    futures = [store.put("campus", f"guid:{number}", verdict()) for number in range(10_000)]
    store.close()
    assert all(future.done() and future.result() for future in futures)
    assert sorted(os.listdir(shelf.file.parent)) == ["verdicts.sqlite", "verdicts.sqlite.lock"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in shelf.file.parent.iterdir()} == {0o600}
    assert store.find("campus", "guid:1") is NOTHING
    assert not put(store, "guid:1", verdict(NOW + 1))
    assert not store.keep_bulk_window("campus", BulkWindow(opened_at=1.0))
    assert shelf.store().count() == 10_000
