"""From a verdict to a row and back; and nothing that nacd did not write becomes a verdict."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.store import verdict_rows as rows
from nacd.store.verdict_rows import NOTHING, SCHEMA
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceFacts

NOW = 1_700_000_000.0
VERDICTS = sorted(set(ComplianceState) - {ComplianceState.UNAVAILABLE, ComplianceState.NOT_ASKED})

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
dates = st.floats(min_value=0, max_value=NOW, allow_nan=False)
devices = st.builds(
    DeviceFacts,
    name=texts,
    operating_system=texts,
    os_version=texts,
    owner=texts,
    user=texts,
    last_sync=dates,
    in_groups=st.lists(texts, max_size=3).map(tuple),
    outside_groups=st.lists(texts, max_size=3).map(tuple),
    groups_doubt=texts,
)
compliances = st.builds(
    Compliance,
    state=st.sampled_from(VERDICTS),
    as_of=dates,
    source=st.sampled_from(list(ComplianceSource)),
    detail=texts,
    provider=st.sampled_from(["nac", "graph", ""]),
    grace_until=dates,
    device=devices,
)
WHOLE = Compliance(
    state=ComplianceState.IN_GRACE,
    as_of=NOW - 5,
    source=ComplianceSource.LIVE,
    detail="encryption: not yet",
    provider="graph",
    grace_until=NOW + 3600,
    device=DeviceFacts(name="Zoë's PC", operating_system="Windows", owner="company", last_sync=NOW - 60),
)


def table() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for step in SCHEMA.steps:
        connection.executescript(step)
    return connection


def put(connection: sqlite3.Connection, compliance: Compliance, now: float = NOW) -> None:
    connection.execute(rows.PUT, rows.row("campus", "guid:1", compliance, now))


def found(connection: sqlite3.Connection) -> Any:
    return rows.verdict(connection.execute(rows.FIND, ("campus", "guid:1")).fetchone())


@given(compliances)
def test_every_verdict_comes_back_as_it_was(compliance: Compliance) -> None:
    connection = table()
    assert rows.is_storable("campus", "guid:1", compliance)
    put(connection, compliance)
    assert found(connection) == compliance
    connection.close()


def test_a_device_of_which_nothing_is_told_takes_no_room() -> None:
    connection = table()
    put(connection, replace(WHOLE, device=DeviceFacts()))
    assert connection.execute("SELECT device FROM verdicts").fetchall() == [(None,)]
    connection.close()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": ComplianceState.UNAVAILABLE}, "an outage is no verdict"),
        ({"state": ComplianceState.NOT_ASKED}, "nobody said anything"),
        ({"as_of": math.nan}, "no date"),
        ({"as_of": math.inf}, "no date"),
        ({"grace_until": math.nan}, "no date"),
        ({"device": DeviceFacts(last_sync=-math.inf)}, "no date"),
    ],
)
def test_what_is_no_verdict_with_a_date_is_not_stored(change: dict[str, Any], why: str) -> None:
    assert not rows.is_storable("campus", "guid:1", replace(WHOLE, **change)), why


def test_a_key_that_utf8_does_not_have_is_not_stored() -> None:
    assert not rows.is_storable("campus", "guid:\ud800", WHOLE)
    assert not rows.is_storable("\udfff", "guid:1", WHOLE)


def test_half_a_surrogate_pair_in_words_of_others_does_not_lose_the_verdict() -> None:
    connection = table()
    put(connection, replace(WHOLE, detail="a\ud800b", device=DeviceFacts(name="\udc00", owner="company")))
    assert found(connection) == replace(WHOLE, detail="a?b", device=DeviceFacts(name="?", owner="company"))
    connection.close()


@pytest.mark.parametrize(("later", "wins"), [(-1.0, False), (0.0, True), (1.0, True)])
def test_an_older_verdict_never_replaces_a_newer_one(later: float, wins: bool) -> None:
    connection = table()
    other = replace(WHOLE, state=ComplianceState.NONCOMPLIANT, as_of=WHOLE.as_of + later)
    put(connection, WHOLE)
    put(connection, other)
    assert found(connection) == (other if wins else WHOLE)
    connection.close()


@pytest.mark.parametrize(("ahead_s", "replaced"), [(0.0, False), (0.5, True), (30.0, True), (86_400.0 * 365, True)])
def test_a_date_of_a_clock_that_was_wrong_does_not_outlive_the_right_time(ahead_s: float, replaced: bool) -> None:
    connection = table()
    wrong = replace(WHOLE, state=ComplianceState.COMPLIANT, as_of=NOW + ahead_s)
    put(connection, wrong, NOW + ahead_s)
    right = replace(WHOLE, state=ComplianceState.NONCOMPLIANT, as_of=NOW - 1)
    put(connection, right)
    assert found(connection) == (right if replaced else wrong)
    connection.close()


GOOD_ROW = (NOW, "compliant", "live", "", "nac", 0.0, None)


def test_the_row_that_the_next_test_spoils_is_believed() -> None:
    assert rows.verdict(GOOD_ROW) == Compliance(
        state=ComplianceState.COMPLIANT, as_of=NOW, source=ComplianceSource.LIVE, provider="nac"
    )


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *((0, value) for value in (None, "1700000000", b"", math.nan, math.inf, 1)),
        *((1, value) for value in (None, "", "Compliant", "compliant ", "unavailable", "not_asked", b"compliant", 1)),
        *((2, value) for value in (None, "", "LIVE", "disk", 0)),
        *((3, value) for value in (None, b"x", 1)),
        *((4, value) for value in (None, b"x", 1)),
        *((5, value) for value in (None, "0", math.nan, math.inf)),
        *((6, value) for value in ("", "{", "[]", "null", "1", b"{}", 5, '{"name":1}', '{"last_sync":"x"}')),
        *((6, value) for value in ('{"last_sync":true}', '{"name":null}', '{"last_sync":1e999}', '{"owner":[]}')),
    ],
)
def test_a_row_that_nacd_did_not_write_is_not_believed(place: int, value: object) -> None:
    spoiled = list(GOOD_ROW)
    spoiled[place] = value
    assert rows.verdict(tuple(spoiled)) is NOTHING


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.binary(max_size=12))


@given(st.tuples(*[scalars] * 7))
def test_no_row_raises_and_none_is_compliant_that_does_not_say_so(columns: tuple[Any, ...]) -> None:
    verdict = rows.verdict(columns)
    assert verdict is NOTHING or (isinstance(verdict, Compliance) and columns[1] == str(verdict.state))


def test_what_a_later_nacd_tells_more_of_a_device_is_left_out() -> None:
    verdict = rows.verdict((*GOOD_ROW[:6], '{"name":"PC","colour":"red","last_sync":5}'))
    assert isinstance(verdict, Compliance)
    assert verdict.device == DeviceFacts(name="PC", last_sync=5.0)


def test_every_table_is_strict_and_refuses_a_date_in_words() -> None:
    connection = table()
    with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT"):
        connection.execute("INSERT INTO verdicts VALUES ('t', 'k', 'today', 'compliant', 'live', '', '', 0.0, NULL)")
    strict = connection.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict").fetchall()
    assert sorted(name for (name,) in strict) == ["bulk_windows", "endpoints", "verdicts"]
    connection.close()
