"""What the spine says about sessions: which one an Accept begins, and what people have ordered above the policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nacd.admit import Marks, TurnedAway, token_in
from nacd.authorize import Authorizer
from nacd.server.assembly import Assembled
from nacd.server.clock import instant
from nacd.session.overrides import Orders, Override, OverrideEffect, SubjectKind
from nacd.sessions import Authorized
from nacd.steps import Answer, NeedCompliance, Step
from nacd.values import Compliance, ComplianceSource, ComplianceState, Effect, ReplyCode
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, Pki, Site
from tests.test_authorize import mab

STRANGER = "00-11-85-00-00-99"


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Assembled:
    return Site(tmp_path_factory.mktemp("site"), Pki.make()).assemble()


def spine(assembled: Assembled, *orders: Override, tokens: str = "cisco-ios", voice: str = "") -> Authorizer:
    return Authorizer(
        conversations=None,
        identity_rules=assembled.identity_rules,
        policy=assembled.loaded.policy,
        rendered=assembled.rendered,
        orders=Orders(orders),
        marks=Marks(tokens=frozenset({tokens}), voice=frozenset({(voice, "cisco-ios")})),
        token=lambda octets: b"t" * octets,
    )


def order(effect: str, mac: str, profile: str = "quarantine", **more: float) -> Override:
    now = instant().wall
    return Override(
        id=7,
        subject_kind=SubjectKind.MAC,
        subject=mac,
        tenant="",
        effect=OverrideEffect(effect),
        profile="" if effect == "block" else profile,
        reason="a test",
        by="ada",
        at=now - 10,
        until=now + (more.get("lasts_s", 60.0)),
    )


def answered(step: Step) -> Answer:
    assert isinstance(step, Answer)
    return step


def begun(answer: Answer) -> Authorized:
    assert isinstance(answer.left, Authorized)
    return answer.left


def compliant() -> Compliance:
    return Compliance(state=ComplianceState.COMPLIANT, as_of=instant().wall, source=ComplianceSource.LIVE)


def test_an_accept_begins_a_session_under_its_decision(assembled: Assembled) -> None:
    answer = answered(spine(assembled).identify(mab(PRINTER_MAC), instant()))
    left = begun(answer)
    assert (left.standing.effect, left.standing.rule, left.standing.profile) == (
        Effect.ALLOW,
        "known printers",
        "printers",
    )
    assert left.grounds.key == "", "nobody is asked about a printer"
    assert left.grounds.mac == PRINTER_MAC
    assert left.place.nas == "switch"


def test_the_session_knows_which_question_its_decision_rests_on(assembled: Assembled) -> None:
    authorizer = spine(assembled)
    need = authorizer.identify(mab(LAPTOP_MAC), instant())
    assert isinstance(need, NeedCompliance)
    left = begun(authorizer.decide(need, compliant(), instant()))
    assert left.grounds.key == need.question.key
    assert left.standing.compliance.state is ComplianceState.COMPLIANT


def test_class_carries_our_token_where_it_is_free_and_nowhere_else(assembled: Assembled) -> None:
    answer = answered(spine(assembled).identify(mab(PRINTER_MAC), instant()))
    (value,) = [each.value for each in answer.reply.attributes if each.name == "Class"]
    assert isinstance(value, bytes)
    assert token_in([value]) == begun(answer).names.token == (b"t" * 16).hex()
    elsewhere = answered(spine(assembled, tokens="cisco-wlc").identify(mab(PRINTER_MAC), instant()))
    assert all(each.name != "Class" for each in elsewhere.reply.attributes)
    assert begun(elsewhere).names.token == ""


def test_a_profile_that_lets_a_phone_in_marks_its_session(assembled: Assembled) -> None:
    assert begun(answered(spine(assembled, voice="printers").identify(mab(PRINTER_MAC), instant()))).voice
    assert not begun(answered(spine(assembled, voice="corporate").identify(mab(PRINTER_MAC), instant()))).voice


def test_a_refusal_leaves_the_memory_that_there_may_be_no_session(assembled: Assembled) -> None:
    authorizer = spine(assembled)
    need = authorizer.identify(mab(STRANGER), instant())
    assert isinstance(need, NeedCompliance)
    answer = authorizer.decide(need, replace(compliant(), state=ComplianceState.NOT_MANAGED), instant())
    assert answer.reply.code is ReplyCode.REJECT
    assert isinstance(answer.left, TurnedAway)
    assert (answer.left.mac, answer.left.standing.effect) == (STRANGER, Effect.DENY)


# -- orders ---------------------------------------------------------------------------------------


def test_a_blocked_mac_is_refused_whatever_the_policy_says_and_nobody_is_asked(assembled: Assembled) -> None:
    for mac in (PRINTER_MAC, LAPTOP_MAC):
        answer = answered(spine(assembled, order("block", mac)).identify(mab(mac), instant()))
        assert answer.reply.code is ReplyCode.REJECT
        assert answer.event.fields["decision"]["rule"] == "override-block"  # type: ignore[index, call-overload]


def test_an_order_that_comes_while_intune_is_asked_counts(assembled: Assembled) -> None:
    authorizer = spine(assembled)
    need = authorizer.identify(mab(LAPTOP_MAC), instant())
    assert isinstance(need, NeedCompliance)
    blocked = spine(assembled, order("block", LAPTOP_MAC))
    assert blocked.decide(need, compliant(), instant()).reply.code is ReplyCode.REJECT


def test_a_quarantined_device_gets_the_profile_of_the_order_and_stays_watched(assembled: Assembled) -> None:
    answer = answered(spine(assembled, order("quarantine", LAPTOP_MAC)).identify(mab(LAPTOP_MAC), instant()))
    left = begun(answer)
    assert left.standing.profile == "quarantine"
    assert left.grounds.key.startswith("mac:"), "when the order ends, this is what the policy will ask about"


def test_an_allowed_stranger_gets_in_until_the_order_ends(assembled: Assembled) -> None:
    order_ = order("allow", STRANGER, "corporate")
    assert answered(spine(assembled, order_).identify(mab(STRANGER), instant())).reply.code is ReplyCode.ACCEPT
    over = replace(order_, until=instant().wall - 1)
    assert isinstance(spine(assembled, over).identify(mab(STRANGER), instant()), NeedCompliance)


def test_an_order_for_a_profile_that_is_gone_refuses(assembled: Assembled) -> None:
    answer = answered(spine(assembled, order("allow", PRINTER_MAC, "gone")).identify(mab(PRINTER_MAC), instant()))
    assert answer.reply.code is ReplyCode.REJECT
    assert "does not exist any more" in str(answer.event.fields["why"])
