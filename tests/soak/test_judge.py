"""The judge of the soak fails on each planted lie, by hand-made records, and finds an honest daemon without fault."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tools.soak.judge import Evidence, Finding, Judge
from tools.soak.load import Asked
from tools.soak.records import AuditFile, record
from tools.soak.scene import PROFILES, TERMS, devices, profile_for
from tools.soak.trouble import Played
from tools.soak.truth import Answers, Clock, Past, Windows

T0 = 1_800_000_000.0
GUID = "50a40001-0000-4000-8000-000000000001"
GHOST = "50a40666-0000-4000-8000-000000000666"


def stamp(at: float) -> str:
    """As the audit file has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(at))) + f".{int(at * 1000) % 1000:03d}Z"


@dataclass(slots=True)
class Case:
    """What the judge is shown. Intune: compliant from T0, noncompliant from T0 + 20; asked at T0 + 10 and T0 + 22."""

    lines: list[dict[str, Any]]
    asked: dict[str, Asked]
    steps: tuple[tuple[float, float], ...] = ()
    troubles: tuple[Played, ...] = ()
    restarts: tuple[tuple[float, float], ...] = ()
    asks: tuple[float, ...] = (10.0, 22.0)
    fault: str = ""
    bugs: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()

    def judge(self) -> Finding:
        decisions = [record(place, line, json.dumps(line)) for place, line in enumerate(self.lines, start=1)]
        seen = [
            {"at": T0 + at, "answered_at": T0 + at + 0.02, "status": 200, "kind": "guid", "value": GUID}
            | {"fault": self.fault}
            for at in self.asks
        ]
        return Judge(
            Evidence(
                audit=AuditFile(decisions=decisions, others={}, bugs=list(self.bugs), broken=[]),
                asked=self.asked,
                past=Past({GUID: [(T0, "compliant"), (T0 + 20, "noncompliant")]}),
                answers=Answers(seen),
                clock=Clock(steps=self.steps),
                windows=Windows(self.troubles, self.restarts),
                terms=TERMS,
                begin=T0,
                restarts=self.restarts,
                complaints=self.complaints,
            )
        ).finding()

    def broken(self) -> set[str]:
        return {one.rule for one in self.judge().violations}


def case(*decisions: tuple[float, float, str, str], key: str = GUID, offset: float = 0.0, **more: Any) -> Case:
    """One decision for each (at, dated, state, source), seconds after T0; the wire saw what the record says."""
    made = Case(lines=[], asked={}, **more)
    for number, (at, dated, state, source) in enumerate(decisions):
        session, profile = f"s{number}", profile_for(state, source)
        made.asked[session] = Asked(
            session=session,
            device=devices()[0],
            access="vpn",
            key=key,
            sent=T0 + at - 0.01,
            answered=T0 + at + 0.01,
            code=2,
            vlan=PROFILES[profile],
        )
        shown = T0 + at + offset
        made.lines.append(
            {
                "code": "A1001I",
                "time": stamp(shown),
                "session": {"acct_session_id": session},
                "access": "vpn",
                "identity": {"id": key, "mac": ""},
                "compliance": {
                    "state": state,
                    "source": source,
                    "as_of": stamp(T0 + dated),
                    "age_s": max(0.0, at + offset - dated),
                    "detail": "",
                },
                "decision": {"rule": f"{profile} by vpn", "profile": profile},
                "reply": {
                    "code": "Access-Accept",
                    "attributes": [{"name": "Tunnel-Private-Group-Id", "value": PROFILES[profile]}],
                },
            }
        )
    return made


# -- an honest daemon --------------------------------------------------------------------------------


def test_an_honest_daemon_is_found_without_fault() -> None:
    told = case(
        (10.05, 10.0, "compliant", "live"),
        (14.0, 10.0, "compliant", "cache"),
        (21.0, 10.0, "compliant", "stale"),
        (22.05, 22.0, "noncompliant", "live"),
        (23.5, 22.0, "noncompliant", "cache"),
    )
    finding = told.judge()
    assert not finding.violations
    assert finding.decisions["compliant", "cache"] == 1
    assert finding.oldest_stale_s == pytest.approx(11.0)
    assert all(finding.checks[rule] for rule in "abcefgh")


def test_an_outage_excuses_unavailable_and_its_breaker_does_for_as_long_as_it_may_be_open() -> None:
    outage = Played(name="outage", begin=T0 + 10, end=T0 + 13)
    for at in (11.0, 20.0):
        assert not case((at, at, "unavailable", "none"), troubles=(outage,)).judge().violations


def test_a_body_that_says_not_managed_is_believed_by_whoever_reads_it_right() -> None:
    told = case((10.05, 10.0, "not_managed", "live"), fault="body empty_list")
    assert not told.judge().violations
    assert replace(told, fault="body html").broken() == {"a"}


# -- lies --------------------------------------------------------------------------------------------


def lie_cached_too_long() -> Case:
    return case((10.05, 10.0, "compliant", "live"), (28.0, 10.0, "compliant", "cache"))


def lie_fresh_date_on_an_old_answer() -> Case:
    return case((27.5, 27.4, "compliant", "live"), asks=(10.0, 22.0, 27.4))


def lie_never_said() -> Case:
    return case((15.0, 15.0, "compliant", "live"))


def lie_noncompliant_though_it_was_not() -> Case:
    return case((10.05, 10.0, "noncompliant", "live"))


def lie_in_grace() -> Case:
    return case((10.05, 10.0, "in_grace", "live"))


def lie_bulk_without_a_list() -> Case:
    return case((22.5, 22.0, "noncompliant", "bulk"))


def lie_older_after_newer() -> Case:
    return case((22.05, 22.0, "noncompliant", "live"), (23.0, 10.0, "compliant", "stale"))


def lie_dated_in_the_future() -> Case:
    return case((10.05, 200.0, "compliant", "live"), asks=(10.0, 200.0))


def lie_stale_called_cache() -> Case:
    return case((17.0, 10.0, "compliant", "cache"))


def lie_stale_for_too_long() -> Case:
    return case((35.0, 10.0, "compliant", "stale"))


def lie_about_its_age() -> Case:
    told = case((14.0, 10.0, "compliant", "cache"))
    told.lines[0]["compliance"]["age_s"] = 1.0
    return told


def lie_unavailable_for_no_reason() -> Case:
    return case((10.0, 10.0, "unavailable", "none"))


def lie_unavailable_long_after_the_outage() -> Case:
    return case((21.0, 21.0, "unavailable", "none"), troubles=(Played(name="outage", begin=T0, end=T0 + 4),))


def lie_unavailable_while_nothing_that_excuses_is_on() -> Case:
    harmless = Played(name="graph down", begin=T0, end=T0 + 30, excuses=False)
    return case((10.0, 10.0, "unavailable", "none"), troubles=(harmless,))


def lie_other_vlan_on_the_wire() -> Case:
    told = case((10.05, 10.0, "compliant", "live"))
    told.asked["s0"].vlan = PROFILES["unavailable"]
    return told


def lie_accept_without_a_record() -> Case:
    told = case((10.05, 10.0, "compliant", "live"))
    told.lines.clear()
    return told


def lie_record_that_nobody_asked_for() -> Case:
    told = case((10.05, 10.0, "compliant", "live"))
    told.asked.clear()
    return told


def lie_record_before_the_question() -> Case:
    told = case((10.5, 10.0, "compliant", "live"))
    told.asked["s0"].sent += 0.2
    told.asked["s0"].answered += 0.2
    return told


def lie_two_records_of_one_answer() -> Case:
    told = case((10.05, 10.0, "compliant", "live"))
    told.lines.append(told.lines[0])
    return told


def lie_profile_that_the_policy_does_not_give() -> Case:
    told = case((21.0, 10.0, "compliant", "stale"))
    told.lines[0]["decision"]["profile"] = "good"
    told.asked["s0"].vlan = PROFILES["good"]
    return told


def lie_silence() -> Case:
    told = case((10.05, 10.0, "compliant", "live"))
    told.asked["s0"].answered, told.asked["s0"].code = 0.0, 0
    return told


def lie_reject() -> Case:
    told = case((10.05, 10.0, "compliant", "live"))
    told.asked["s0"].code = 3
    return told


def lie_unbelievable_success() -> Case:
    told = case((10.05, 10.0, "compliant", "live"))
    told.asked["s0"].problem = "an Accept that no supplicant may believe"
    return told


def lie_bug() -> Case:
    return case((10.05, 10.0, "compliant", "live"), bugs=('{"code":"A9009E"}',))


def lie_traceback() -> Case:
    return case((10.05, 10.0, "compliant", "live"), complaints=("Traceback (most recent call last):",))


LIES: tuple[tuple[Callable[[], Case], str], ...] = (
    (lie_cached_too_long, "a"),
    (lie_fresh_date_on_an_old_answer, "a"),
    (lie_never_said, "a"),
    (lie_noncompliant_though_it_was_not, "a"),
    (lie_in_grace, "a"),
    (lie_bulk_without_a_list, "a"),
    (lie_older_after_newer, "b"),
    (lie_dated_in_the_future, "b"),
    (lie_stale_called_cache, "c"),
    (lie_stale_for_too_long, "c"),
    (lie_about_its_age, "c"),
    (lie_unavailable_for_no_reason, "d"),
    (lie_unavailable_long_after_the_outage, "d"),
    (lie_unavailable_while_nothing_that_excuses_is_on, "d"),
    (lie_other_vlan_on_the_wire, "e"),
    (lie_accept_without_a_record, "e"),
    (lie_record_that_nobody_asked_for, "e"),
    (lie_record_before_the_question, "e"),
    (lie_two_records_of_one_answer, "e"),
    (lie_profile_that_the_policy_does_not_give, "e"),
    (lie_silence, "g"),
    (lie_reject, "g"),
    (lie_unbelievable_success, "g"),
    (lie_bug, "h"),
    (lie_traceback, "h"),
)


@pytest.mark.parametrize(("lie", "rule"), LIES, ids=lambda one: getattr(one, "__name__", one))
def test_the_judge_sees_through(lie: Callable[[], Case], rule: str) -> None:
    assert rule in lie().broken()


def test_compliant_for_a_device_that_intune_never_knew_is_a_lie() -> None:
    told = case((10.05, 10.0, "compliant", "live"), key=GHOST)
    assert "f" in told.broken()
    assert not case((10.05, 10.0, "unavailable", "none"), key=GHOST, restarts=((T0, T0 + 9),)).broken()


def test_a_restart_excuses_silence_and_nothing_else_does() -> None:
    told = lie_silence()
    told.lines.clear()
    assert told.broken() == {"g"}
    assert not replace(told, restarts=((T0 + 9, T0 + 12),)).broken()
    assert replace(told, restarts=((T0 + 90, T0 + 92),)).broken() == {"g"}


# -- clocks ------------------------------------------------------------------------------------------


def test_a_date_may_go_back_across_a_step_of_the_clock_and_only_there() -> None:
    told = case((22.05, -278.0, "noncompliant", "live"), offset=-300.0)
    early = case((14.0, 10.0, "compliant", "cache"))
    told.lines[0]["session"]["acct_session_id"] = "later"
    told.asked = {"later": replace(told.asked["s0"], session="later"), **early.asked}
    told.lines = [*early.lines, *told.lines]
    assert not replace(told, steps=((T0 + 18, -300.0),)).broken()
    assert replace(told, steps=()).broken()


def test_an_old_verdict_does_not_become_young_by_a_step_back() -> None:
    told = case((18.0, 10.0, "compliant", "cache"), offset=-40.0, steps=((T0 + 12, -40.0),))
    assert told.broken() == {"c"}


def test_what_lay_on_disk_over_a_step_and_a_start_is_counted_as_unknowable() -> None:
    told = case((18.0, 10.0, "compliant", "cache"), offset=-40.0, steps=((T0 + 12, -40.0),))
    finding = replace(told, restarts=((T0 + 13, T0 + 15),)).judge()
    assert finding.unknowable == 1
    assert not finding.violations


def test_what_looks_young_because_the_clock_shows_a_time_twice_is_unknowable_after_a_start_and_else_a_lie() -> None:
    told = case((27.0, 10.0, "compliant", "cache"), offset=-15.0, steps=((T0 + 24, -15.0),))
    finding = replace(told, restarts=((T0 + 25, T0 + 26),)).judge()
    assert finding.unknowable == 1
    assert not finding.violations
    assert told.broken() == {"a"}


# -- excuses ----------------------------------------------------------------------------------------


def test_windows_follow_the_breakers_arithmetic() -> None:
    windows = Windows([Played(name="one", begin=100, end=103), Played(name="two", begin=110, end=111, after_s=3)])
    assert [windows.excuse(at) for at in (99.9, 100, 112.9, 131.9, 132.1)] == [False, True, True, True, False]
    assert windows.without_s(90, 142) == pytest.approx(20.0)


def test_an_answer_of_intune_ends_what_its_trouble_excused() -> None:
    trouble = Played(name="one", begin=100, end=103)
    assert Windows([trouble], well=[99.0, 104.0]).excuse(107.9)
    assert not Windows([trouble], well=[99.0, 104.0]).excuse(108.1)
    assert Windows([trouble], well=[99.0, 102.0]).excuse(108.1)
    assert not Windows([replace(trouble, after_s=3)], well=[104.0]).excuse(110.1)
