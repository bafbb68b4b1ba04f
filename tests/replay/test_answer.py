"""Two decisions, and whether the NAS would have noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.policy.evaluate import evaluate
from nacd.policy.model import Policy
from nacd.replay.answer import Answers, Difference
from nacd.replay.record import Outcome
from nacd.values import Attribute, CertificateFacts, Decision, Effect, Rendered
from tests.replay.conftest import NOW, Login, record

VLAN = Attribute(name="Tunnel-Private-Group-Id", value="120", tag=1)
TOKEN = Attribute(name="Class", value=b"nacd:" + bytes(16))
CORP = Outcome(Effect.ALLOW, "good", "corp")
ACCEPT = Decision(effect=Effect.ALLOW, rule="good", profile="corp", reasons=("so",), policy_digest="d")


def answers(*attributes: Attribute, timeout_s: int = 0, reauthenticate: bool = True) -> Answers:
    rendered = Rendered(
        profile="corp",
        vendor="generic",
        attributes=attributes,
        octets=b"",
        session_timeout_s=timeout_s,
        reauthenticate=reauthenticate,
    )
    return Answers({("corp", "generic"): rendered})


def sent(one: Login, *attributes: Attribute) -> dict[str, Any]:
    return record(one, one.facts, ACCEPT, attributes)


def timeout(seconds: int, ending: str = "RADIUS-Request") -> tuple[Attribute, ...]:
    return (Attribute(name="Session-Timeout", value=seconds), Attribute(name="Termination-Action", value=ending))


def test_another_profile_is_another_answer_and_another_rule_alone_is_not(login: Callable[..., Login]) -> None:
    fields = sent(login(), VLAN)
    assert answers(VLAN).difference(fields, CORP, CORP._replace(rule="better")) is None
    assert answers(VLAN).difference(fields, CORP, CORP._replace(profile="guest")) == Difference(
        before="`corp`", after="`guest`"
    )
    refused = Outcome(Effect.DENY, "bad", "")
    assert answers(VLAN).difference(fields, CORP, refused) == Difference(before="`corp`", after="refused")
    assert answers(VLAN).difference(fields, refused, refused) is None


def test_a_profile_that_sends_something_else_is_another_answer(login: Callable[..., Login]) -> None:
    other = Attribute(name="Tunnel-Private-Group-Id", value="121", tag=1)
    found = answers(other).difference(sent(login(), VLAN), CORP, CORP)
    assert found == Difference(
        before="`corp`",
        after="`corp` with other attributes",
        detail="Tunnel-Private-Group-Id:1 = 120 is sent no more; Tunnel-Private-Group-Id:1 = 121 is sent",
    )


def test_what_names_one_session_comes_from_no_profile(login: Callable[..., Login]) -> None:
    own = (TOKEN, Attribute(name="Chargeable-User-Identity", value="abc"))
    assert answers(VLAN).difference(sent(login(), VLAN, *own), CORP, CORP) is None
    classed = Attribute(name="Class", value=b"students")
    found = answers(VLAN).difference(sent(login(), VLAN, classed), CORP, CORP)
    assert found is not None
    assert "Class = 0x73747564656e7473 is sent no more" in found.detail


@pytest.mark.parametrize(
    ("was", "now", "detail"),
    [
        (28_800, 28_800, ""),
        (28_800, 600, "Session-Timeout 28800 becomes 600"),
        (0, 600, "Session-Timeout none becomes 600"),
        (600, 0, "Session-Timeout 600 becomes none"),
    ],
)
def test_another_session_timeout_is_another_answer(
    login: Callable[..., Login], was: int, now: int, detail: str
) -> None:
    found = answers(VLAN, timeout_s=now).difference(sent(login(), VLAN, *(timeout(was) if was else ())), CORP, CORP)
    assert (found.detail if found else "") == detail


def test_another_end_of_the_session_is_another_answer(login: Callable[..., Login]) -> None:
    fields = sent(login(), VLAN, *timeout(600, "Default"))
    assert answers(VLAN, timeout_s=600, reauthenticate=False).difference(fields, CORP, CORP) is None
    found = answers(VLAN, timeout_s=600).difference(fields, CORP, CORP)
    assert found is not None
    assert found.detail == "Termination-Action `Default` changes"


@pytest.mark.parametrize("nominal_s", [0, 28_800])
def test_a_certificate_that_ends_before_explains_a_shorter_session(login: Callable[..., Login], nominal_s: int) -> None:
    shown = CertificateFacts(
        subject="CN=a", issuer="CN=b", serial="1", fingerprint="f", not_before=0.0, not_after=NOW + 500.7
    )
    short = sent(login(certificate=shown), VLAN, *timeout(500))
    assert answers(VLAN, timeout_s=nominal_s).difference(short, CORP, CORP) is None
    other = sent(login(certificate=shown), VLAN, *timeout(300))
    assert answers(VLAN, timeout_s=nominal_s).difference(other, CORP, CORP) is not None


def test_of_a_vendor_that_is_not_there_any_more_profiles_alone_are_compared(login: Callable[..., Login]) -> None:
    fields = sent(login(), VLAN)
    fields["nas"]["vendor"] = "gone"
    assert answers().difference(fields, CORP, CORP) is None


@pytest.mark.parametrize(
    "reply", [None, {}, {"attributes": None}, {"attributes": [7]}, {"attributes": [{"name": "a"}]}]
)
def test_a_reply_of_another_shape_is_an_error_for_the_caller(login: Callable[..., Login], reply: object) -> None:
    fields = sent(login(), VLAN) | {"reply": reply}
    with pytest.raises((KeyError, TypeError, ValueError)):
        answers(VLAN).difference(fields, CORP, CORP)


def test_a_decision_of_the_same_policy_is_the_same_answer(login: Callable[..., Login]) -> None:
    one = login()
    decision = evaluate(Policy(rules=(), digest="d"), one.facts)
    outcome = Outcome(decision.effect, decision.rule, decision.profile)
    assert answers().difference(record(one, one.facts, decision), outcome, outcome) is None
