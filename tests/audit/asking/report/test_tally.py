"""Sums over records."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.audit.asking.report.outcomes import Outcome
from nacd.audit.asking.report.tally import GROUPINGS, NOT_COUNTED, Tally
from nacd.audit.catalogue import EVENTS

MAC = "00-50-B6-AA-BB-CC"


def login(code: str = "A1001I", **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "time": "2026-11-22T12:34:56.000Z",
        "access": "dot1x",
        "nas": {"name": "sw-1", "location": "berlin/7", "groups": ["campus", "wired"]},
        "endpoint": {"mac": MAC},
        "decision": {"rule": "compliant device", "profile": "corporate", "reasons": ["compliance is compliant"]},
        "compliance": {"state": "compliant", "source": "cache", "age_s": 90.0},
        "certificate": {"issuer": "CN=Devices"},
        **changes,
    }


def tally(*records: dict[str, Any], by: tuple[str, ...] = GROUPINGS) -> Tally:
    found = Tally(by, now_ms=0)
    for record in records:
        found.take(record)
    return found


@pytest.mark.parametrize(
    ("by", "values"),
    [
        ("site", ["berlin/7"]),
        ("group", ["campus", "wired"]),
        ("nas", ["sw-1"]),
        ("rule", ["compliant device"]),
        ("profile", ["corporate"]),
        ("access", ["dot1x"]),
        ("compliance", ["compliant"]),
        ("issuer", ["CN=Devices"]),
        ("hour", ["2026-11-22 12"]),
        ("reason", []),
    ],
)
def test_a_login_is_counted_where_it_belongs(by: str, values: list[str]) -> None:
    found = tally(login())
    assert [(name, count) for name, count in found.by[by][Outcome.ACCEPTED].most(0)] == [(name, 1) for name in values]
    assert found.total == {Outcome.ACCEPTED: 1}


def test_repeats_count_as_often_as_they_were() -> None:
    first = login("A1003W", eap={"failure": "unknown_ca"}, decision={}, compliance={})
    again = {**first, "code": "A1010W", "repeated": {"code": "A1003W"}, "count": 41}
    found = tally(first, again)
    assert found.total == {Outcome.FAILED: 42}
    assert found.refused.most(1) == [(MAC, 42)]
    assert found.failures.most(1) == found.by["reason"][Outcome.FAILED].most(1) == [("unknown_ca", 42)]
    assert found.why_refused[MAC] == "unknown_ca"


def test_what_was_only_counted_is_told_apart() -> None:
    port = {"code": "A1011W", "endpoint": {"mac": MAC}, "repeated": {"by_code": {"A1002I": 5}}, "count": 5}
    lost = {"code": "A1012W", "repeated": {"by_code": {"A1003W": 7}, "by_nas": {"sw-1": 7}}, "count": 7}
    found = tally(port, lost)
    assert found.only_counted == 12
    assert found.total == {Outcome.REJECTED: 5, Outcome.FAILED: 7}
    # A port with many MACs is not the MAC that its record happens to name.
    assert found.refused.total == 0


def test_strangers_verdicts_and_their_ages_are_counted() -> None:
    unknown = login("A1002I", compliance={"state": "not_managed", "source": "live", "age_s": 0.5})
    not_asked = login(compliance={"state": "not_asked", "source": "none", "age_s": -1})
    old = login(compliance={"state": "compliant", "source": "stale", "age_s": 100_000})
    found = tally(login(), unknown, not_asked, old)
    assert found.strangers.most(0) == [(MAC, 1)]
    assert found.states == {"compliant": 2, "not_managed": 1, "not_asked": 1}
    assert found.sources == {"cache": 1, "live": 1, "stale": 1}
    assert found.ages == {"1-5 min": 1, "under 1 min": 1, "over 24 h": 1}


def test_drops_and_changes_are_counted() -> None:
    found = tally(
        {"code": "A3001W", "nas": {"name": "sw-1"}, "packets": {"reason": "bad_signature"}, "count": 9},
        {"code": "A3001W", "nas": {}, "packets": {"reason": "unknown_nas"}, "count": 2},
        {"code": "A4003I", "event": "session.asked", "asked": {"verb": "reauthenticate"}},
        {"code": "A4004I", "event": "session.answered", "asked": {"verb": "push"}, "answer": {"meaning": "gone"}},
    )
    assert found.drops.most(0) == [("sw-1", 9), ("(none)", 2)]
    assert found.drop_reasons.most(0) == [("bad_signature", 9), ("unknown_nas", 2)]
    assert found.asked == {"reauthenticate": 1}
    assert found.answered == {("push", "gone"): 1}
    assert found.changes == {"session.asked": 1, "session.answered": 1}


def test_nothing_is_made_of_the_records_that_are_not_read() -> None:
    empty = Tally(GROUPINGS, now_ms=0)
    for code in EVENTS:
        if f'{{"code":"{code}'.encode().startswith(NOT_COUNTED):
            empty.take({"code": code, "count": 3, "nas": {"name": "x"}})
    assert not any((empty.total, empty.changes, empty.drops.total, empty.states))


_ANY = st.none() | st.integers() | st.text(max_size=3) | st.just([{}]) | st.just({"state": 3, "mac": [], "code": {}})


@given(st.sampled_from(sorted(EVENTS)), st.dictionaries(st.sampled_from(sorted(login())), _ANY))
def test_any_record_can_be_counted(code: str, changes: dict[str, Any]) -> None:
    tally({**login(code), **changes, "code": code})
