"""What is measured of sessions is measured, told and judged by its limits. No speed is asserted."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Phase
from nacd.store.live.filters import Filter
from nacd.store.sessions import SessionStore
from tools.bench import radius, site
from tools.bench.sessions import figures, records, rows
from tools.bench.sessions.figures import Flip, Million, Sessions, Start, Syncs
from tools.bench.sessions.records import Station
from tools.bench.sessions.switches import Seen

FLIP = Flip(
    direction="down",
    sessions=3,
    nases=20,
    converged_s=[0.5, 2.0, 4.5],
    database_s=4.6,
    asked=4,
    again=0,
    command_s=0.4,
    early=1,
)
MILLION = Million(
    rows=1_000_000,
    octets=1_500_000_000,
    filled_s=120.0,
    resident=150_000_000,
    starts=[
        Start(what="warm", ready_s=0.8, answered_s=0.9),
        Start(what="cold", ready_s=1.5, answered_s=1.6),
    ],
    cold_by="the kernel forgot",
)
ALL = Sessions(syncs=[Syncs(side="nacd", window=64, records=800, syncs=13)], million=MILLION, flips=[FLIP])


def verdicts(found: Sessions) -> list[str]:
    """The last column of every row that has one."""
    return [row[-1] for _, _, table in figures.tables(found) for row in table if row[-1]]


def missed(found: Sessions) -> list[str]:
    """The first column of every row whose limit was missed."""
    return [row[0] for _, _, table in figures.tables(found) for row in table if row[-1] == "MISSED"]


def test_what_meets_every_limit_is_told_to_be_ok() -> None:
    assert set(verdicts(ALL)) == {"ok"}
    assert len(verdicts(ALL)) == 8


@pytest.mark.parametrize(
    ("worse", "what"),
    [
        ({"syncs": [replace(ALL.syncs[0], syncs=0)]}, "fsync and fdatasync, nacd"),
        ({"million": replace(MILLION, resident=1_000_000_001)}, "resident memory of a daemon with them"),
        (
            {"million": replace(MILLION, starts=[*MILLION.starts, Start(what="cold", ready_s=1.0, answered_s=5.1)])},
            "exec until the first accounting answer, cold",
        ),
        (
            {"flips": [replace(FLIP, converged_s=[0.5, 2.0, 10.1])]},
            "down: release until logged in again with the new profile: first, median, last",
        ),
        (
            {"flips": [replace(FLIP, database_s=10.1)]},
            "down: release until nothing is wanted any more, by the session database",
        ),
    ],
)
def test_a_limit_that_is_missed_is_said_in_its_row(worse: dict[str, Any], what: str) -> None:
    assert missed(replace(ALL, **worse)) == [what]


def test_an_endpoint_that_was_never_seen_again_misses_the_limit() -> None:
    assert len(missed(replace(ALL, flips=[replace(FLIP, converged_s=[0.5, 2.0])]))) == 2


def test_what_was_not_measured_has_neither_table_nor_note() -> None:
    assert list(figures.tables(Sessions())) == []
    assert list(figures.notes(Sessions())) == []
    assert list(figures.notes(None)) == []


def test_the_settings_of_a_flip_and_how_it_was_cooled_are_told() -> None:
    told = "\n".join(figures.notes(ALL))
    assert "the kernel forgot" in told
    assert "the command itself took 0.40 s" in told
    assert "1 sessions had changed before" in told


def test_every_session_is_accounted_for_in_order_and_about_as_many_are_under_way_as_wanted() -> None:
    stations = [Station(number=number, mac=records.mac(number)) for number in range(60)]
    open_now: set[int] = set()
    most = 0
    kinds: dict[int, list[int]] = {}
    for station, kind, _ in records.in_turn(stations, live=30):
        kinds.setdefault(station.number, []).append(kind)
        (open_now.discard if kind == records.STOP else open_now.add)(station.number)
        most = max(most, len(open_now))
    assert kinds == {number: list(records.KINDS) for number in range(60)}
    assert 30 <= most <= 32


def test_a_record_is_signed_twice_and_repeats_the_class_of_its_accept() -> None:
    station = Station(number=7, mac=records.mac(7), classes=(b"one", b"two"))
    request = records.accounting(9, station, records.STOP, 3, site.SECRET)
    assert request[4:20] == hashlib.md5(request[:4] + bytes(16) + request[20:] + site.SECRET).digest()
    found = list(radius.attributes(request))
    assert found[0][0] == radius.MESSAGE_AUTHENTICATOR
    unsigned = request[:4] + bytes(16) + b"\x50\x12" + bytes(16) + request[38:]
    assert found[0][1] == hmac.digest(site.SECRET, unsigned, "md5")
    assert [value for code, value in found if code == records.CLASS] == [b"one", b"two"]
    assert int.from_bytes(request[2:4]) == len(request)


def test_a_filled_database_holds_live_sessions_that_the_rules_tie_to_their_accept(tmp_path: Path) -> None:
    file = tmp_path / "sessions.sqlite"
    rows.fill(file, 410)
    store = SessionStore(file, apply=apply, tie=tie, report=print)
    found = store.find(Filter(), 500)
    store.close()
    assert len(found) == 410
    assert {each.phase for each in found} == {Phase.LIVE}
    assert all(each.authorized_at and each.started_at for each in found)
    assert len({each.names.token for each in found}) == len({each.place.calling_station_id for each in found}) == 410


def test_a_stop_leaves_the_octets_of_its_session_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "sessions.sqlite"
    rows.fill(file, 10)
    before = blobs(file)
    store = SessionStore(file, apply=apply, tie=tie, report=print)
    stop = rows.accounted(rows.AccountingKind.STOP, 3, store.find(Filter(), 1)[0].seen_at + 60.0)
    done = store.submit(replace(stop, cause="User-Request")).result()
    (ended,) = store.by_acct_session_id(site.NAS_NAME, rows.names(3).acct_session_id)
    store.close()
    assert done.changed
    assert (ended.phase, ended.cause) == (Phase.ENDED, "User-Request")
    assert blobs(file) == before


def blobs(file: Path) -> Counter[bytes]:
    reading = sqlite3.connect(file)
    try:
        return Counter(blob for (blob,) in reading.execute("SELECT rest FROM sessions"))
    finally:
        reading.close()


def test_what_switches_have_seen_is_waited_for_and_the_last_login_counts() -> None:
    seen = Seen()
    seen.put(1, "120")
    later = threading.Thread(target=lambda: (seen.put(2, "999"), seen.put(1, "999")))
    later.start()
    came = seen.wait("999", 2, 10.0)
    later.join()
    assert sorted(came) == [1, 2]
    assert seen.wait("120", 1, 0.0) == {}
