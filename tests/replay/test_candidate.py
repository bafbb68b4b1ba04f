"""What another policy says of a decision that was just made: what it would have said itself, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.audit import blocks, events
from nacd.compliance.question import Question
from nacd.policy.answered import ComplianceIs, UserGroupIs
from nacd.policy.conditions import AccessIs, Condition, Not
from nacd.policy.evaluate import evaluate
from nacd.policy.model import DEFAULT_DENY, Policy, Rule
from nacd.replay.candidate import Candidate, Compared, Comparing, Differs, NotCompared, Same, Why
from nacd.replay.record import Outcome
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.session.overrides import decision as ordered
from nacd.values import (
    AccessKind,
    Attribute,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Decision,
    DeviceFacts,
    Effect,
    Facts,
    Instant,
    MacAddress,
    Rendered,
    Unidentified,
)
from tests.policy.test_evaluate_properties import policies
from tests.replay.conftest import GUID, NOW, Login, decided, logins

COMPLIANT = ComplianceIs(states=(ComplianceState.COMPLIANT,))


def policy(name: str, *rules: tuple[str, tuple[Condition, ...], str]) -> Policy:
    made = [Rule(name=rule, line=at, conditions=tests, then=then) for at, (rule, tests, then) in enumerate(rules, 1)]
    return Policy(rules=tuple(made), digest=name)


LIVE = policy("live", ("good", (COMPLIANT,), "corp"), ("rest", (), "quarantine"))
OPEN = policy("open", ("all", (), "corp"))
CLOSED = policy("closed")


def profile(name: str, *values: str, vendor: str = "generic") -> Rendered:
    sent = tuple(Attribute(name="Filter-Id", value=value) for value in values)
    return Rendered(profile=name, vendor=vendor, attributes=sent, octets=b"")


def words(*made: Rendered) -> dict[tuple[str, str], Rendered]:
    return {(each.profile, each.vendor): each for each in made}


USUAL = words(profile("corp", "in"), profile("quarantine", "out"))


def fields(login: Login, facts: Facts, decision: Decision, rendered: Any = None) -> dict[str, Any]:
    """The record of this decision as the spine makes it, before anybody has written it as a line."""
    known = USUAL if rendered is None else rendered
    given = known.get((decision.profile, login.request.nas.vendor))
    event = events.decision(
        request=login.request,
        named=login.named,
        compliance=facts.compliance,
        decision=decision,
        rendered=given,
        shown=blocks.attributes(given.attributes) if given is not None else [],
        latency_ms=1.0,
        now=Instant(wall=login.at, monotonic=2.0),
        link=facts.link,
        inventory=facts.inventory,
    )
    return event.fields


def nobody(_: Question) -> None:
    """Nothing is known without asking."""


def compare(
    live: Policy, shadow: Policy, login: Login, *, rendered: Any = None, learn: Any = nobody, live_digest: str = ""
) -> Compared:
    known = USUAL if rendered is None else rendered
    candidate = Candidate(shadow, known, live_digest=live_digest or live.digest)
    return ended(candidate.compare(fields(login, *decided(live, login)), learn))


def ended(comparing: Comparing) -> Compared:
    """What comes of it, however often it stops on the way."""
    while True:
        try:
            next(comparing)
        except StopIteration as end:
            found: Compared = end.value
            return found


# -- the same, and not the same --------------------------------------------------------------------


def test_the_same_policy_under_another_digest_gives_the_same_answers(login: Callable[..., Login]) -> None:
    again = Policy(rules=LIVE.rules, digest="again")
    for answer in ("compliant", "noncompliant", "unavailable"):
        assert compare(LIVE, again, login(answer=answer)) == Same(renamed=False)


def test_a_rule_of_another_name_is_the_same_answer(login: Callable[..., Login]) -> None:
    assert compare(LIVE, OPEN, login()) == Same(renamed=True)


def test_both_decisions_are_told_with_their_reasons(login: Callable[..., Login]) -> None:
    found = compare(LIVE, OPEN, login(answer="noncompliant"))
    assert isinstance(found, Differs)
    assert found.kind == ("rest", "all", "`quarantine`", "`corp`")
    assert found.live == Outcome(Effect.ALLOW, "rest", "quarantine")
    assert found.shadow == Outcome(Effect.ALLOW, "all", "corp")
    assert (found.live_reasons, found.shadow_reasons) == (
        ("the rule matches everything",),
        ("the rule matches everything",),
    )
    assert (found.whose, found.facts.mac) == (GUID, login().named.mac)


def test_default_deny_counts_as_a_rule_on_either_side(login: Callable[..., Login]) -> None:
    taken = compare(OPEN, CLOSED, login())
    given = compare(CLOSED, OPEN, login())
    assert isinstance(taken, Differs)
    assert isinstance(given, Differs)
    assert taken.kind == ("all", DEFAULT_DENY, "`corp`", "refused")
    assert given.kind == (DEFAULT_DENY, "all", "refused", "`corp`")
    assert compare(CLOSED, policy("also closed"), login()) == Same(renamed=False)


def test_a_profile_of_the_same_name_with_other_attributes_is_another_answer(login: Callable[..., Login]) -> None:
    facts, decision = decided(OPEN, login())
    candidate = Candidate(replace(OPEN, digest="new"), words(profile("corp", "elsewhere")), live_digest="open")
    found = ended(candidate.compare(fields(login(), facts, decision), nobody))
    assert isinstance(found, Differs)
    assert found.difference.after == "`corp` with other attributes"
    assert found.difference.detail == "Filter-Id = in is sent no more; Filter-Id = elsewhere is sent"


@pytest.mark.parametrize(("live", "before"), [(OPEN, "`corp`"), (CLOSED, "refused")])
def test_what_this_nas_cannot_be_told_is_a_difference_even_under_the_same_name(
    login: Callable[..., Login], live: Policy, before: str
) -> None:
    facts, decision = decided(live, login())
    candidate = Candidate(OPEN, {}, live_digest=live.digest)
    found = ended(candidate.compare(fields(login(), facts, decision), nobody))
    assert isinstance(found, Differs)
    assert found.difference.before == before
    assert found.difference.after == "`corp`, which `generic` has no words for"


# -- what is not compared --------------------------------------------------------------------------


def test_what_a_person_ordered_is_left_out(login: Callable[..., Login]) -> None:
    order = Override(
        id=7,
        subject_kind=SubjectKind.MAC,
        subject="00-11-22-33-44-55",
        tenant="",
        effect=OverrideEffect.BLOCK,
        profile="",
        reason="stolen",
        by="anna",
        at=NOW,
    )
    one = login()
    candidate = Candidate(OPEN, USUAL, live_digest="live")
    found = ended(candidate.compare(fields(one, one.facts, ordered(order, "live")), nobody))
    assert found == NotCompared(why=Why.ABOVE_POLICY)


def test_what_another_policy_decided_is_left_out(login: Callable[..., Login]) -> None:
    assert compare(LIVE, OPEN, login(), live_digest="newer") == NotCompared(why=Why.ANOTHER_POLICY)


def test_a_record_that_lacks_a_fact_is_left_out(login: Callable[..., Login]) -> None:
    one = login()
    made = fields(one, *decided(LIVE, one))
    del made["endpoint"]["ssid"]
    found = ended(Candidate(OPEN, USUAL, live_digest="live").compare(made, nobody))
    assert found == NotCompared(why=Why.UNREADABLE, detail="endpoint.ssid")


# -- compliance -----------------------------------------------------------------------------------


def test_where_the_live_policy_asked_the_shadow_has_the_same_verdict(login: Callable[..., Login]) -> None:
    strict = policy("strict", ("good", (COMPLIANT,), "corp"))

    def never(_: Question) -> Compliance:
        raise AssertionError("somebody was asked")

    found = compare(LIVE, strict, login(answer="in_grace"), learn=never)
    assert isinstance(found, Differs)
    assert found.kind == ("rest", DEFAULT_DENY, "`quarantine`", "refused")


def test_where_nobody_asked_and_the_shadow_would_it_is_undecidable(login: Callable[..., Login]) -> None:
    assert compare(OPEN, LIVE, login()) == NotCompared(why=Why.UNDECIDABLE, detail="good")


@pytest.mark.parametrize(
    ("state", "kind"),
    [("compliant", None), ("noncompliant", ("all", "rest", "`corp`", "`quarantine`"))],
)
def test_what_is_known_already_decides_then(login: Callable[..., Login], state: str, kind: Any) -> None:
    asked: list[Question] = []

    def known(question: Question) -> Compliance:
        asked.append(question)
        return Compliance(state=ComplianceState(state), as_of=NOW - 9, source=ComplianceSource.CACHE)

    found = compare(OPEN, LIVE, login(), learn=known)
    assert (found.kind if isinstance(found, Differs) else None) == kind
    assert [(each.tenant, each.key) for each in asked] == [("contoso", f"guid:{GUID}")]


def test_of_whom_nobody_can_be_asked_the_shadow_decides_by_that(login: Callable[..., Login]) -> None:
    stranger = login(identity=Unidentified(reason="nothing names it"), mac="", user="")
    found = compare(OPEN, LIVE, stranger)
    assert isinstance(found, Differs)
    assert found.kind == ("all", "rest", "`corp`", "`quarantine`")
    assert found.whose == ""


def test_an_endpoint_is_called_by_its_mac(login: Callable[..., Login]) -> None:
    mab = policy("mab", ("no mab", (AccessIs(kinds=(AccessKind.MAB,)),), "quarantine"), ("all", (), "corp"))
    printer = login(access=AccessKind.MAB, identity=_endpoint(), mac="00-11-22-33-44-55")
    found = compare(OPEN, mab, printer)
    assert isinstance(found, Differs)
    assert found.whose == "00-11-22-33-44-55"


def _endpoint() -> Any:
    from nacd.values import Endpoint

    return Endpoint(mac=MacAddress("00-11-22-33-44-55"), ask=True, ask_detail="")


GROUP = "11111111-2222-4333-8444-555555555555"
IN_GROUP = UserGroupIs(ids=frozenset({GROUP}))


def told_by(provider: str, login: Login, **device: Any) -> Login:
    known = DeviceFacts(**({"user": "alice@contoso.com"} | device))
    return replace(login, answer=replace(login.answer, provider=provider, device=known))


def test_groups_that_nobody_was_asked_about_are_not_made_up(login: Callable[..., Login]) -> None:
    staff = policy("staff", ("staff", (IN_GROUP,), "quarantine"), ("good", (COMPLIANT,), "corp"))
    assert compare(LIVE, staff, told_by("graph", login())) == NotCompared(why=Why.UNDECIDABLE, detail="staff")
    strangers = policy("strangers", ("strangers", (Not(inner=IN_GROUP),), "quarantine"), ("good", (COMPLIANT,), "corp"))
    assert compare(LIVE, strangers, told_by("graph", login())) == NotCompared(why=Why.UNDECIDABLE, detail="strangers")


def test_groups_that_make_no_difference_or_that_nobody_would_tell_are_no_question(login: Callable[..., Login]) -> None:
    late = policy("late", ("good", (COMPLIANT,), "corp"), ("staff", (IN_GROUP,), "quarantine"))
    staff = policy("staff", ("staff", (IN_GROUP,), "quarantine"), ("good", (COMPLIANT,), "corp"))
    assert compare(LIVE, late, told_by("graph", login())) == Same(renamed=False)
    for one in (
        told_by("nac", login()),
        told_by("graph", login(), user=""),
        told_by("graph", login(), groups_doubt="graph did not answer"),
        told_by("graph", login(), outside_groups=(GROUP,)),
    ):
        assert compare(LIVE, staff, one) == Same(renamed=False)
    found = compare(LIVE, staff, told_by("graph", login(), in_groups=(GROUP,)))
    assert isinstance(found, Differs)
    assert found.shadow.rule == "staff"


@pytest.mark.parametrize("would", ["A1003W", "A1008W"])
def test_what_a_monitor_covered_up_is_compared_as_it_was_decided(login: Callable[..., Login], would: str) -> None:
    """The answer of the monitor is none of either policy."""
    made = fields(login(), *decided(LIVE, login(answer="noncompliant")))
    given = {"code": "Access-Reject", "event": "A1002I", "attributes": [], "omitted": [], "actions": []}
    monitored = made | {"code": "A1007W", "monitor": {"profile": "guest", "would": given}}
    candidate = Candidate(CLOSED, USUAL, live_digest="live")
    found = ended(candidate.compare(monitored, nobody))
    assert isinstance(found, Differs)
    assert found.kind == ("rest", DEFAULT_DENY, "`quarantine`", "refused")
    refused = made | {"code": "A1007W", "monitor": {"profile": "guest", "would": given | {"event": would}}}
    assert ended(candidate.compare(refused, nobody)) == NotCompared(why=Why.ABOVE_POLICY)


def test_many_rules_are_tried_some_at_a_time(login: Callable[..., Login]) -> None:
    rules = [(f"rule {number}", (AccessIs(kinds=(AccessKind.MAB,)),), "corp") for number in range(1_000)]
    big = policy("big", *rules, ("last", (), "quarantine"))
    made = fields(login(), *decided(OPEN, login()))
    comparing = Candidate(big, USUAL, live_digest="open", at_once=100).compare(made, nobody)
    assert [next(comparing) for _ in range(10)] == [None] * 10
    found = ended(comparing)
    assert isinstance(found, Differs)
    assert found.shadow.rule == "last"


# -- any policies ---------------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=150)
@given(live=policies(), shadow=policies(), one=logins(), at_once=st.integers(1, 4))
def test_what_it_says_is_what_it_would_decide_itself(live: Policy, shadow: Policy, one: Login, at_once: int) -> None:
    """As a login under the shadow would go, but that nobody is asked; however many rules are tried without a stop."""
    facts, decision = decided(live, one)
    names = {rule.then for made in (live, shadow) for rule in made.rules}
    known = words(*(profile(name, vendor=vendor) for name in names for vendor in ("generic", "cisco-asa")))
    candidate = Candidate(shadow, known, live_digest=live.digest, at_once=at_once)
    found = ended(candidate.compare(fields(one, facts, decision, known), nobody))
    alone = decided(shadow, one)[1]
    was_asked = facts.compliance.state is not ComplianceState.NOT_ASKED
    match found:
        case Same(renamed=renamed):
            assert (alone.effect, alone.profile) == (decision.effect, decision.profile)
            assert renamed == (alone.rule != decision.rule)
        case Differs(shadow=outcome, shadow_reasons=reasons):
            expected = evaluate(shadow, facts) if was_asked else alone
            assert outcome == Outcome(expected.effect, expected.rule, expected.profile)
            assert reasons == expected.reasons
            assert (outcome.effect, outcome.profile) != (decision.effect, decision.profile)
        case NotCompared(why=why):
            assert why is Why.UNREADABLE or (why is Why.UNDECIDABLE and not was_asked)
            assert why is Why.UNDECIDABLE or "***" in repr(fields(one, facts, decision))
