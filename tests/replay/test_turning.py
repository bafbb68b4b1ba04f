"""When the same facts are decided otherwise because time goes by: every turn lies at one of the moments."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.policy.answered import LastSync, VerdictAge
from nacd.policy.certified import ExpiresIn
from nacd.policy.conditions import Condition, Not
from nacd.policy.during import During, Hours
from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy, Rule
from nacd.policy.requested import MacIn
from nacd.replay.turning import MOST, moments
from nacd.values import (
    AccessKind,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    DeviceFacts,
    Facts,
    Nas,
    Unidentified,
)

BERLIN = ZoneInfo("Europe/Berlin")
MAC = "00-11-22-33-44-55"
WEEK_S = 7 * 86_400.0
AT = datetime(2026, 10, 21, 12, 0, 30, tzinfo=BERLIN).timestamp()  # the clock is set back on the 25th


def facts(at: float = AT, *, as_of: float = 0.0, synced: float = 0.0, until: float = 0.0) -> Facts:
    known = Facts(
        access=AccessKind.MAB,
        nas=Nas(name="sw", vendor="generic"),
        identity=Unidentified(reason="none"),
        mac=MAC,
        at=at,
        compliance=Compliance(
            state=ComplianceState.COMPLIANT,
            as_of=as_of or at,
            source=ComplianceSource.CACHE,
            device=DeviceFacts(last_sync=synced),
        ),
    )
    if not until:
        return known
    shown = CertificateFacts(
        subject="CN=a", issuer="CN=b", serial="1", fingerprint="00", not_before=at - 60.0, not_after=until
    )
    return replace(known, certificate=shown)


def policy(*conditions: Condition) -> Policy:
    return Policy(rules=(Rule(name="one", line=1, conditions=conditions, then="corporate"),), digest="00")


def turns(rules: Policy, known: Facts) -> list[float]:
    """Those of the moments at which something else is decided than before."""
    found, before = [], evaluate(rules, known).rule
    for moment in moments(rules, known, known.at + WEEK_S):
        now = evaluate(rules, replace(known, at=moment)).rule
        if now != before:
            found.append(moment)
        before = now
    return found


@pytest.mark.parametrize(
    ("condition", "known", "after_s"),
    [
        (VerdictAge(limit_s=3600.0, over=False), facts(), 3600.0),
        (VerdictAge(limit_s=3600.0, over=True), facts(), 3600.0),
        (LastSync(limit_s=7200.0, over=False), facts(synced=AT - 3600.0), 3600.0),
        (ExpiresIn(limit_s=86_400.0, below=False), facts(until=AT + 2 * 86_400.0), 86_400.0),
        (ExpiresIn(limit_s=86_400.0, below=True), facts(until=AT + 2 * 86_400.0), 86_400.0),
        (MacIn(files=("a",), macs=frozenset({MAC}), ends=frozenset({(MAC, AT + 60.0)})), facts(), 60.0),
    ],
)
def test_what_has_an_end_turns_there(condition: Condition, known: Facts, after_s: float) -> None:
    (turn,) = turns(policy(condition), known)
    assert turn == pytest.approx(known.at + after_s, abs=0.01)
    assert turns(policy(Not(inner=condition)), known) == [turn]


def test_the_end_of_somebody_else_on_the_list_is_none_of_ours() -> None:
    listed = MacIn(files=("a",), macs=frozenset({MAC, "x"}), ends=frozenset({("x", AT + 60.0)}))
    assert moments(policy(listed), facts(), AT + WEEK_S) == ()


def test_the_end_of_the_certificate_is_a_moment_though_no_rule_asks_for_it() -> None:
    assert moments(policy(), facts(until=AT + 5.0), AT + WEEK_S) == (AT + 5.0,)


def test_nothing_before_and_nothing_behind_the_horizon_counts() -> None:
    rules = policy(VerdictAge(limit_s=3600.0, over=False))
    assert moments(rules, facts(as_of=AT - 7200.0), AT + WEEK_S) == ()
    assert moments(rules, facts(), AT + 3600.0) == ()


def test_there_are_never_more_than_can_be_looked_at() -> None:
    hours = [Hours(days=frozenset(range(7)), begins=at, ends=at + 1) for at in range(0, 1440, 2)]
    rules = policy(During(hours=tuple(hours), zone=BERLIN, zone_name="Europe/Berlin"))
    assert len(moments(rules, facts(), AT + WEEK_S)) == MOST


def hours() -> st.SearchStrategy[Hours]:
    return st.builds(
        Hours,
        days=st.frozensets(st.integers(0, 6), min_size=1),
        begins=st.integers(0, 1439),
        ends=st.integers(0, 1440),
    )


@settings(deadline=None, max_examples=40)
@given(windows=st.lists(hours(), min_size=1, max_size=2), start=st.integers(0, 10_000))
def test_no_turn_of_the_clock_is_missed_also_where_it_is_set_back(windows: list[Hours], start: int) -> None:
    rules = policy(During(hours=tuple(windows), zone=BERLIN, zone_name="Europe/Berlin"))
    known = facts(AT + start * 60.0)
    found = {round(turn) for turn in turns(rules, known)}
    first = known.at - known.at % 60.0
    before, expected = evaluate(rules, known).rule, set()
    for minute in range(1, 6 * 1440):
        moment = first + minute * 60.0
        now = evaluate(rules, replace(known, at=moment)).rule
        if now != before:
            expected.add(round(moment))
        before = now
    within = first + 6 * 86_400.0 - 60.0
    assert {turn for turn in found if turn < within} == {turn for turn in expected if turn < within}


def test_the_week_in_which_the_clock_is_set_back_is_such_a_week() -> None:
    assert datetime.fromtimestamp(AT, BERLIN).utcoffset() == timedelta(hours=2)
    assert datetime.fromtimestamp(AT + WEEK_S, BERLIN).utcoffset() == timedelta(hours=1)
