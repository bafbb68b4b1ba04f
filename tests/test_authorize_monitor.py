"""The spine under monitor mode: what is decided and recorded stays, what is answered is the monitor's profile; and what
no monitor changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nacd.admit import TurnedAway
from nacd.authorize import Authorizer
from nacd.eap.conversation import Ongoing
from nacd.policy.model import Policy
from nacd.policy.monitor.scopes import Monitor, Monitors, Scope
from nacd.server.assembly import Assembled
from nacd.server.clock import instant, random_octets
from nacd.server.reload.generation import Shared, build
from nacd.session.overrides import Orders, Override, OverrideEffect, SubjectKind
from nacd.sessions import Authorized
from nacd.sim.pki import COMPLIANT_GUID, DAY_S, intune_uri
from nacd.steps import Answer, NeedCompliance
from nacd.values import (
    AccessRequest,
    AuditValue,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Effect,
    Instant,
    PapPassword,
    ReplyCode,
    Secret,
)
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, Pki, Site
from tests.test_authorize import DOT1X, NAS, answered, converse, mab, needs, sent, verdict

STRANGER = "00-11-85-00-00-99"
MADE_UP = "02-00-00-00-00-01"


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.make()


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Assembled:
    site = Site(tmp_path_factory.mktemp("site"), pki)
    site.change("profiles:\n", "profiles:\n  open: {session_timeout: 1h}\n", file="policy.yaml")
    return site.assemble()


def everywhere(until: float = 0.0, *keep: str) -> Monitor:
    end = until or instant().wall + 3_600
    return Monitor(scope=Scope.EVERYWHERE, until=end, profile="open", keep=frozenset(keep))


def watched(assembled: Assembled, *all: Monitor, orders: tuple[Override, ...] = ()) -> Authorizer:
    policy: Policy = replace(assembled.loaded.policy, monitors=Monitors(all=all))
    changed = replace(assembled, loaded=replace(assembled.loaded, policy=policy))
    return build(changed, Shared(ongoing=Ongoing(), random=random_octets, orders=Orders(orders))).authorizer


def part(answer: Answer, *path: str) -> AuditValue:
    found: AuditValue = answer.event.fields
    for step in path:
        assert isinstance(found, dict)
        found = found[step]
    return found


def asked(spine: Authorizer, request: AccessRequest) -> NeedCompliance:
    step = spine.identify(request, instant())
    assert isinstance(step, NeedCompliance)
    return step


# -- what a monitor changes ---------------------------------------------------------------------


def test_a_refusal_becomes_an_accept_with_the_monitors_profile(assembled: Assembled) -> None:
    plain = answered(watched(assembled).identify(mab(MADE_UP), instant()))
    answer = answered(watched(assembled, everywhere()).identify(mab(MADE_UP), instant()))
    assert plain.reply.code is ReplyCode.REJECT
    assert answer.reply.code is ReplyCode.ACCEPT
    assert sent(answer)["Session-Timeout"] == 3_600
    assert part(answer, "decision") == part(plain, "decision")
    assert part(answer, "reply", "code") == "Access-Accept"
    assert part(answer, "monitor", "would", "code") == "Access-Reject"
    assert (answer.event.code, part(answer, "monitored")) == ("A1007W", True)


def test_a_quarantine_becomes_the_monitors_profile_and_says_what_it_would_have_carried(
    assembled: Assembled, pki: Pki
) -> None:
    spine = watched(assembled, everywhere())
    answer = spine.decide(needs(spine, pki), verdict(ComplianceState.NONCOMPLIANT), instant())
    assert answer.reply.code is ReplyCode.ACCEPT
    assert answer.reply.msk
    assert part(answer, "decision", "profile") == "quarantine"
    would = part(answer, "monitor", "would", "attributes")
    shown = part(answer, "reply", "attributes")
    assert {"name": "Session-Timeout", "value": 600} in would  # type: ignore[operator]
    assert {"name": "Tunnel-Private-Group-Id", "value": "999", "tag": 1} in would  # type: ignore[operator]
    assert {"name": "Session-Timeout", "value": 3_600} in shown  # type: ignore[operator]
    assert "Tunnel-Private-Group-Id" not in [each["name"] for each in shown]  # type: ignore[attr-defined,index]


def test_an_accept_gets_the_monitors_profile_too_unless_its_own_is_kept(assembled: Assembled) -> None:
    answer = answered(watched(assembled, everywhere()).identify(mab(PRINTER_MAC), instant()))
    assert (answer.event.code, part(answer, "monitor", "profile")) == ("A1007W", "open")
    kept = answered(watched(assembled, everywhere(0.0, "printers")).identify(mab(PRINTER_MAC), instant()))
    assert (kept.event.code, part(kept, "monitored")) == ("A1001I", False)
    assert part(kept, "decision", "profile") == "printers"


def test_the_session_stands_under_what_was_answered(assembled: Assembled) -> None:
    answer = answered(watched(assembled, everywhere()).identify(mab(MADE_UP), instant()))
    assert isinstance(answer.left, Authorized)
    standing = answer.left.standing
    assert (standing.effect, standing.profile, standing.rule) == (Effect.ALLOW, "open", "default-deny")
    assert not answer.blames_endpoint
    plain = answered(watched(assembled).identify(mab(MADE_UP), instant()))
    assert isinstance(plain.left, TurnedAway)
    assert plain.blames_endpoint


def test_who_is_asked_about_is_asked_about_as_ever(assembled: Assembled, pki: Pki) -> None:
    assert needs(watched(assembled, everywhere()), pki).question == needs(watched(assembled), pki).question


def test_a_rules_monitor_answers_for_its_decisions_alone(assembled: Assembled, pki: Pki) -> None:
    own = Monitor(scope=Scope.RULE, name="fix your device", until=instant().wall + 60, profile="open")
    spine = watched(assembled, own)
    monitored = spine.decide(needs(spine, pki), verdict(ComplianceState.NONCOMPLIANT), instant())
    enforced = spine.decide(needs(spine, pki), verdict(ComplianceState.COMPLIANT), instant())
    assert [each.event.code for each in (monitored, enforced)] == ["A1007W", "A1001I"]
    assert "monitored" not in enforced.event.fields


@pytest.mark.parametrize("mac", [MADE_UP, PRINTER_MAC])
def test_after_the_end_the_very_next_request_is_answered_as_without_a_monitor(assembled: Assembled, mac: str) -> None:
    now = instant()
    spine = watched(assembled, everywhere(now.wall + 10))
    before = answered(spine.identify(mab(mac), Instant(wall=now.wall + 9.999, monotonic=now.monotonic)))
    after = answered(spine.identify(mab(mac), Instant(wall=now.wall + 10, monotonic=now.monotonic)))
    plain = answered(watched(assembled).identify(mab(mac), Instant(wall=now.wall + 10, monotonic=now.monotonic)))
    assert before.event.code == "A1007W"
    assert after.event.code == plain.event.code
    assert after.event.fields.keys() == plain.event.fields.keys()
    assert part(after, "decision") == part(plain, "decision")
    assert _without_class(part(after, "reply", "attributes")) == _without_class(part(plain, "reply", "attributes"))
    assert after.reply.code is plain.reply.code


# -- what no monitor changes --------------------------------------------------------------------


def test_without_a_verified_certificate_there_is_no_eap_success(assembled: Assembled, pki: Pki) -> None:
    expired = pki.root.issue_client("old", uris=[intune_uri(COMPLIANT_GUID)], starts_s=-9 * DAY_S, lasts_s=DAY_S)
    answer = answered(converse(watched(assembled, everywhere()), pki.supplicant(expired))[-1])
    assert answer.reply.code is ReplyCode.REJECT
    assert answer.reply.eap[0] == 4  # EAP-Failure, RFC 3748 section 4
    assert (answer.event.code, part(answer, "monitored")) == ("A1003W", False)
    assert "monitor mode does not change that: without proof of who it is" in str(part(answer, "why"))


def test_an_administrative_login_is_refused(assembled: Assembled) -> None:
    admin = replace(DOT1X, has_eap=False, service_type="Administrative")
    answer = answered(watched(assembled, everywhere()).identify(admin, instant()))
    assert answer.reply.code is ReplyCode.REJECT
    assert (answer.event.code, part(answer, "monitored")) == ("A1004W", False)
    assert "before any rule was tried" in str(part(answer, "why"))


def test_a_mab_with_a_wrong_password_is_refused(assembled: Assembled) -> None:
    guess = mab(LAPTOP_MAC, credential=PapPassword(password=Secret(b"guess")))
    answer = answered(watched(assembled, everywhere()).identify(guess, instant()))
    assert (answer.reply.code, answer.event.code) == (ReplyCode.REJECT, "A1004W")


@pytest.mark.parametrize(("effect", "code"), [("block", "A1002I"), ("quarantine", "A1001I"), ("allow", "A1001I")])
def test_what_a_person_has_ordered_stands(assembled: Assembled, effect: str, code: str) -> None:
    ordered = Override(
        id=1,
        subject_kind=SubjectKind.MAC,
        subject=STRANGER,
        tenant="",
        effect=OverrideEffect(effect),
        profile="" if effect == "block" else "quarantine",
        reason="a test",
        by="alice",
        at=1.0,
        until=instant().wall + 60,
    )
    answer = answered(watched(assembled, everywhere(), orders=(ordered,)).identify(mab(STRANGER), instant()))
    assert (answer.event.code, part(answer, "decision", "rule")) == (code, f"override-{effect}")
    assert part(answer, "monitored") is False
    assert "a person has ordered it" in str(part(answer, "why"))


def test_a_monitor_of_other_nases_leaves_no_trace(assembled: Assembled) -> None:
    elsewhere = Monitor(scope=Scope.GROUP, name="elsewhere", until=instant().wall + 60, profile="open")
    answer = answered(watched(assembled, elsewhere).identify(mab(MADE_UP), instant()))
    assert answer.event == answered(watched(assembled).identify(mab(MADE_UP), instant())).event or (
        "monitored" not in answer.event.fields and answer.event.code == "A1002I"
    )


@pytest.mark.parametrize("state", list(ComplianceState))
def test_whatever_intune_says_the_recorded_decision_is_that_of_the_same_policy(
    assembled: Assembled, state: ComplianceState
) -> None:
    told = Compliance(state=state, as_of=instant().wall, source=ComplianceSource.LIVE)
    plain, monitored = watched(assembled), watched(assembled, everywhere())
    request = mab(LAPTOP_MAC, nas=NAS)
    one = plain.decide(asked(plain, request), told, instant())
    other = monitored.decide(asked(monitored, request), told, instant())
    assert part(other, "decision") == part(one, "decision")
    assert part(other, "monitor", "would", "code") == part(one, "reply", "code")
    assert _without_class(part(other, "monitor", "would", "attributes")) == _without_class(
        part(one, "reply", "attributes")
    )
    assert other.reply.code is ReplyCode.ACCEPT


def _without_class(attributes: AuditValue) -> list[AuditValue]:
    """Class names one session, and none begins by what was not answered."""
    assert isinstance(attributes, list)
    return [each for each in attributes if not (isinstance(each, dict) and each["name"] == "Class")]


def test_the_house_has_no_monitor(tmp_path: Path, pki: Pki) -> None:
    assert not Site(tmp_path, pki).assemble().loaded.policy.monitors
