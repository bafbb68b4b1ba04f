"""Records under monitor mode, replayed: what was decided is what counts, and what was answered is said beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from nacd.audit import events
from nacd.audit.line import line
from nacd.audit.monitor_events import monitored, untouched
from nacd.policy.model import Policy, Rule
from nacd.policy.monitor.scopes import Monitor, Monitors, Scope
from nacd.replay.answer import Answers, decided_reply
from nacd.replay.cases import Case, Expected, Miss, run
from nacd.replay.record import Aside, Cause, Recorded, read
from nacd.replay.tally import Replay, key_of
from nacd.values import Attribute, AuditEvent, Instant, Rendered
from tests.replay.conftest import NOW, Login, decided, record
from tests.replay.test_tally import CLOSED, NOTHING, OPEN

UNTIL = NOW + 10_000.0
VLAN = Attribute(name="Tunnel-Private-Group-Id", value="120", tag=1)
CORP = Rendered(profile="corp", vendor="generic", attributes=(VLAN,), octets=b"")


def event_of(policy: Policy, one: Login) -> AuditEvent:
    facts, decision = decided(policy, one)
    return events.decision(
        request=one.request,
        named=one.named,
        compliance=facts.compliance,
        decision=decision,
        rendered=None,
        shown=[],
        latency_ms=1.0,
        now=Instant(wall=one.at, monotonic=2.0),
        link=facts.link,
    )


def watched(
    policy: Policy, one: Login, *would: Attribute, change: Callable[[AuditEvent], AuditEvent] = lambda e: e
) -> Any:
    """The record of this login under a monitor of everywhere, as it lies in the file."""
    told = monitored(
        change(event_of(policy, one)),
        scope="everywhere",
        name="",
        until=UNTIL,
        profile="open",
        attributes=events.blocks.attributes(would),
        omitted=(),
        actions=(),
    )
    return orjson.loads(line(told))


@pytest.mark.parametrize("policy", [OPEN, CLOSED])
def test_the_decision_is_read_as_without_a_monitor(policy: Policy, login: Callable[..., Login]) -> None:
    plain, other = read(record(login(), *decided(policy, login()))), read(watched(policy, login()))
    assert isinstance(plain, Recorded)
    assert other == plain


def test_an_answer_is_held_against_the_one_that_was_not_given(login: Callable[..., Login]) -> None:
    fields = watched(OPEN, login(), VLAN)
    assert decided_reply(fields)["attributes"] == [{"name": "Tunnel-Private-Group-Id", "value": "120", "tag": 1}]
    fields["nas"]["vendor"] = "generic"
    recorded = read(fields)
    assert isinstance(recorded, Recorded)
    answers = Answers({("corp", "generic"): CORP})
    assert answers.difference(fields, recorded.outcome, recorded.outcome) is None
    changed = Answers({("corp", "generic"): replace(CORP, attributes=())})
    found = changed.difference(fields, recorded.outcome, recorded.outcome)
    assert found is not None
    assert found.after == "`corp` with other attributes"


def test_the_policy_in_force_makes_monitored_decisions_again(login: Callable[..., Login]) -> None:
    replay = Replay(CLOSED, CLOSED, NOTHING)
    replay.take(watched(CLOSED, login()))
    assert (replay.tally.verified, replay.tally.contradicted, replay.tally.changed.logins) == (1, 0, 0)


def test_what_enforcing_would_answer_is_counted_by_profile_and_by_group(login: Callable[..., Login]) -> None:
    replay = Replay(CLOSED, OPEN, NOTHING)
    replay.take(watched(OPEN, login(groups=frozenset({"wifi"}))))
    replay.take(watched(OPEN, login(groups=frozenset({"lab"}))))
    replay.take(record(login(), *decided(OPEN, login())))
    tally = replay.tally
    assert tally.monitored.logins == 2
    assert {way: group.logins for way, group in tally.enforced.items()} == {("`open`", "refused"): 2}
    assert {way: group.logins for way, group in tally.enforced_by_group.items()} == {
        ("`wifi`", "refused"): 1,
        ("`lab`", "refused"): 1,
    }
    assert tally.changed.logins == 3


def test_a_record_that_says_no_monitor_changed_it_is_replayed_like_any(login: Callable[..., Login]) -> None:
    fields = orjson.loads(line(untouched(event_of(OPEN, login()))))
    assert fields["monitored"] is False
    replay = Replay(OPEN, OPEN, NOTHING)
    replay.take(fields)
    assert (replay.tally.verified, replay.tally.monitored.logins) == (1, 0)


def test_monitored_and_plain_records_are_not_taken_for_alike(login: Callable[..., Login]) -> None:
    assert key_of(watched(OPEN, login())) != key_of(record(login(), *decided(OPEN, login())))
    assert key_of(watched(OPEN, login())) == key_of(watched(OPEN, login()))


def test_what_was_decided_above_the_policy_is_put_aside_under_a_monitor_too(login: Callable[..., Login]) -> None:
    fields = watched(CLOSED, login(), change=lambda event: replace(event, code="A1008W"))
    assert read(fields) == Aside(cause=Cause.MANAGED)


def test_a_record_without_what_would_have_been_is_put_aside(login: Callable[..., Login]) -> None:
    fields = watched(OPEN, login())
    del fields["monitor"]
    found = read(fields)
    assert isinstance(found, Aside)
    assert (found.cause, found.detail) == (Cause.INCOMPLETE, "monitor.would.event")


# -- cases --------------------------------------------------------------------------------------

RULES = (Rule(name="all", line=1, conditions=(), then="deny"),)
WATCHED = Policy(
    rules=RULES, digest="d", monitors=Monitors(all=(Monitor(scope=Scope.EVERYWHERE, until=UNTIL, profile="open"),))
)


def case(login: Callable[..., Login], *, at: float = NOW, **expected: Any) -> Case:
    wanted = Expected(attributes={}, **expected)
    return Case(name="c", number=0, line=3, facts=replace(login().facts, at=at), tells_compliance=True, expected=wanted)


def misses(one: Case, policy: Policy = WATCHED) -> tuple[Miss, ...]:
    return run(one, policy, {}, frozenset()).misses


def test_a_case_expects_the_decision_whether_or_not_a_monitor_answers(login: Callable[..., Login]) -> None:
    assert misses(case(login, rule="all", effect="deny")) == ()
    assert misses(case(login, rule="all", effect="deny", monitored=True)) == ()
    verdict = run(case(login, rule="all"), WATCHED, {}, frozenset())
    assert verdict.monitor is WATCHED.monitors.all[0]


def test_a_case_can_expect_that_a_monitor_answers_or_that_none_does(login: Callable[..., Login]) -> None:
    (missed,) = misses(case(login, monitored=False))
    assert missed == Miss(
        key="monitored", message="no monitor is expected to answer, and one does (everywhere): with profile `open`"
    )
    (missed,) = misses(case(login, monitored=True, at=UNTIL))
    assert missed.message == "a monitor is expected to answer, and none does: what is decided is answered"
    assert misses(case(login, monitored=False, at=UNTIL)) == ()
