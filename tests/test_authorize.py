"""The spine: which request is answered at once, which asks, and what the answer says. No socket, no RADIUS octet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nacd.authorize import Authorizer
from nacd.compliance.question import Question
from nacd.server.clock import instant
from nacd.sim.pki import COMPLIANT_GUID, DAY_S, Issued, intune_uri
from nacd.sim.supplicant import Supplicant
from nacd.steps import Answer, Continue, NeedCompliance, NoQuestion, Silent, Step
from nacd.values import (
    AccessRequest,
    Authentication,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Instant,
    Nas,
    NoCredential,
    PapPassword,
    ReplyCode,
    Secret,
)
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, Pki, Site
from tests.server.house import spine as authorizer

NAS = Nas(name="switch", vendor="cisco-ios", groups=frozenset({"wired"}))
DOT1X = AccessRequest(
    nas=NAS,
    source="127.0.0.1",
    source_port=40_000,
    user_name="host/laptop",
    service_type="Framed",
    calling_station_id=LAPTOP_MAC,
    has_eap=True,
)


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.make()


@pytest.fixture
def spine(tmp_path: Path, pki: Pki) -> Authorizer:
    return authorizer(Site(tmp_path, pki).assemble())


def mab(mac: str, **changes: object) -> AccessRequest:
    plain = AccessRequest(
        nas=NAS,
        source="127.0.0.1",
        source_port=40_000,
        user_name=mac,
        service_type="Call-Check",
        calling_station_id=mac,
        credential=NoCredential(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def converse(spine: Authorizer, supplicant: Supplicant, request: AccessRequest = DOT1X) -> list[Step]:
    """Every step of one EAP conversation up to the first that is no challenge."""
    steps: list[Step] = []
    eap, state = supplicant.start(), b""
    while eap:
        step = spine.identify(replace(request, eap=eap, state=state), instant())
        steps.append(step)
        if not isinstance(step, Continue):
            break
        eap, state = supplicant.receive(step.reply.eap), step.reply.state
    return steps


def needs(spine: Authorizer, pki: Pki, issued: Issued | None = None) -> NeedCompliance:
    last = converse(spine, pki.supplicant(issued))[-1]
    assert isinstance(last, NeedCompliance)
    return last


def verdict(state: ComplianceState) -> Compliance:
    return Compliance(state=state, as_of=instant().wall, source=ComplianceSource.LIVE)


def answered(step: Step) -> Answer:
    assert isinstance(step, Answer)
    return step


def sent(answer: Answer) -> dict[str, object]:
    return {attribute.name: attribute.value for attribute in answer.reply.attributes}


# -- asking -------------------------------------------------------------------------------------


def test_a_rule_that_needs_no_compliance_is_answered_without_a_question(spine: Authorizer) -> None:
    answer = answered(spine.identify(mab(PRINTER_MAC), instant()))
    assert answer.reply.code is ReplyCode.ACCEPT
    assert answer.event.code == "A1001I"


def test_a_rule_that_needs_compliance_asks_before_it_answers(spine: Authorizer) -> None:
    step = spine.identify(mab(LAPTOP_MAC), instant())
    assert isinstance(step, NeedCompliance)
    assert step.question.key == f"mac:{LAPTOP_MAC.replace('-', '')}"


def test_a_made_up_mac_is_decided_without_asking(spine: Authorizer) -> None:
    answer = answered(spine.identify(mab("02-00-00-00-00-01"), instant()))
    assert answer.reply.code is ReplyCode.REJECT
    assert answer.event.fields["compliance"]["state"] == "not_asked"  # type: ignore[index, call-overload]


def test_in_tls_1_3_the_question_is_there_one_round_before_the_answer(spine: Authorizer, pki: Pki) -> None:
    steps = converse(spine, pki.supplicant(tls="1.3"))
    early = [step.early for step in steps if isinstance(step, Continue)]
    assert all(isinstance(question, NoQuestion) for question in early[:-1])
    assert isinstance(early[-1], Question)
    last = steps[-1]
    assert isinstance(last, NeedCompliance)
    assert last.question == early[-1]
    assert str(last.question.subject) == COMPLIANT_GUID


# -- answering ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(ComplianceState))
def test_whatever_intune_says_or_does_not_say_there_is_an_answer(
    spine: Authorizer, pki: Pki, state: ComplianceState
) -> None:
    need = needs(spine, pki)
    answer = spine.decide(need, verdict(state), instant())
    quarantined = {"noncompliant", "unknown", "not_managed", "unavailable"}
    profile = "corporate" if state == "compliant" else "quarantine" if state in quarantined else ""
    assert answer.event.fields["decision"]["profile"] == profile  # type: ignore[index, call-overload]
    assert (answer.reply.code is ReplyCode.ACCEPT) is bool(profile)
    code = answer.reply.eap[0]
    assert code == (3 if profile else 4)
    assert bool(answer.reply.msk.reveal()) is bool(profile)


def test_what_goes_out_when_the_record_cannot_be_kept_is_a_reject_with_eap_failure(spine: Authorizer, pki: Pki) -> None:
    answer = spine.decide(needs(spine, pki), verdict(ComplianceState.COMPLIANT), instant())
    assert answer.refusal.code is ReplyCode.REJECT
    assert answer.refusal.eap[0] == 4
    assert answer.refusal.eap[1] == answer.reply.eap[1]
    assert answer.refusal.msk.reveal() == b""
    assert (answer.refusal.fixed, answer.refusal.attributes) == (b"", ())
    assert answer.too_long(instant()).code == "A1005E"


def test_the_latency_is_counted_from_the_packet_to_the_decision(spine: Authorizer, pki: Pki) -> None:
    need = needs(spine, pki)
    later = Instant(wall=need.received.wall + 1.5, monotonic=need.received.monotonic + 1.5)
    assert spine.decide(need, verdict(ComplianceState.COMPLIANT), later).event.fields["latency_ms"] == 1500.0


def test_the_key_name_is_sent_only_to_a_nas_that_asks_for_it(spine: Authorizer, pki: Pki) -> None:
    need = needs(spine, pki)
    asking = replace(need, request=replace(need.request, key_name_requested=True))
    compliant = verdict(ComplianceState.COMPLIANT)
    assert spine.decide(need, compliant, instant()).reply.key_name == b""
    assert spine.decide(asking, compliant, instant()).reply.key_name != b""


# -- how long -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_s", "state", "expected"),
    [
        (2 * 3600, ComplianceState.COMPLIANT, 2 * 3600),
        (30 * DAY_S, ComplianceState.COMPLIANT, 8 * 3600),
        (2 * 3600, ComplianceState.NONCOMPLIANT, 600),
        (60, ComplianceState.NONCOMPLIANT, 60),
    ],
)
def test_session_timeout_never_outlives_the_certificate(
    spine: Authorizer, pki: Pki, left_s: float, state: ComplianceState, expected: int
) -> None:
    issued = pki.root.issue_client("l", uris=[intune_uri(COMPLIANT_GUID)], starts_s=-DAY_S, lasts_s=DAY_S + left_s)
    answer = spine.decide(needs(spine, pki, issued), verdict(state), instant())
    timeout_s = sent(answer)["Session-Timeout"]
    assert isinstance(timeout_s, int)
    assert expected - 3 <= timeout_s <= expected
    assert sent(answer)["Termination-Action"] == "RADIUS-Request"


def test_a_profile_without_a_timeout_sends_none_where_no_certificate_ends(spine: Authorizer) -> None:
    assert set(sent(answered(spine.identify(mab(PRINTER_MAC), instant())))) == {"Class"}


# -- refusing -----------------------------------------------------------------------------------


def test_a_request_for_administration_is_refused_before_an_eap_octet_is_read(spine: Authorizer) -> None:
    request = replace(DOT1X, service_type="Administrative", eap=b"\x02\x2a\x00\x05\x01")
    answer = answered(spine.identify(request, instant()))
    assert (answer.reply.code, answer.event.code) == (ReplyCode.REJECT, "A1004W")
    assert answer.reply.eap == b"\x04\x2a\x00\x04"
    assert answer.refusal == answer.reply


def test_eap_without_an_eap_section_is_refused_in_words(tmp_path: Path, pki: Pki) -> None:
    parts = Site(tmp_path, pki).assemble()
    spine = authorizer(replace(parts, eap=None))
    answer = answered(spine.identify(replace(DOT1X, eap=b"\x02\x01\x00\x06\x01a"), instant()))
    assert answer.reply.code is ReplyCode.REJECT
    assert "without an `eap` section" in str(answer.event.fields["why"])
    assert spine.expire(instant()) == ()


def test_a_password_is_not_checked_and_so_not_believed(spine: Authorizer) -> None:
    request = replace(
        DOT1X, has_eap=False, user_name="alice", credential=PapPassword(password=Secret(b"correct-horse"))
    )
    answer = answered(spine.identify(request, instant()))
    assert answer.reply.code is ReplyCode.REJECT
    assert "correct-horse" not in str(answer.event)


def test_an_expired_certificate_ends_with_eap_failure_and_its_name_in_the_record(spine: Authorizer, pki: Pki) -> None:
    old = pki.root.issue_client("old", uris=[intune_uri(COMPLIANT_GUID)], starts_s=-9 * DAY_S, lasts_s=DAY_S)
    answer = answered(converse(spine, pki.supplicant(old))[-1])
    assert (answer.reply.code, answer.event.code) == (ReplyCode.REJECT, "A1003W")
    assert answer.reply.eap[0] == 4
    assert "CN=old" in str(answer.event.fields["certificate"])


def test_what_eap_tells_to_discard_is_silence_with_a_reason(spine: Authorizer, pki: Pki) -> None:
    supplicant, state = pki.supplicant(), b""
    eap = supplicant.start()
    while isinstance(step := spine.identify(replace(DOT1X, eap=eap, state=state), instant()), Continue):
        eap, state = supplicant.receive(step.reply.eap), step.reply.state
    assert isinstance(step, NeedCompliance)
    again = spine.identify(replace(DOT1X, eap=eap, state=state), instant())
    assert isinstance(again, Silent)
    assert again.reason


def test_a_macs_password_by_eap_md5_is_no_login(tmp_path: Path, pki: Pki) -> None:
    """User-Name says somebody, the EAP identity says a MAC: that proves no more than a MAC."""
    site = Site(tmp_path, pki).change("groups: [wired],", "groups: [wired], eap_md5_mab: true, mab_password: any,")
    spine = authorizer(site.assemble())
    nas = replace(NAS, eap_md5_mab=True, mab_password="any")
    mac = LAPTOP_MAC.replace("-", "").lower().encode()
    request = replace(DOT1X, nas=nas, user_name="alice")
    first = spine.identify(replace(request, eap=b"\x02\x01\x00" + bytes([5 + len(mac), 1]) + mac), instant())
    assert isinstance(first, Continue)
    response = b"\x02" + first.reply.eap[1:2] + b"\x00\x16\x04\x10" + bytes(16)
    answer = answered(spine.identify(replace(request, eap=response, state=first.reply.state), instant()))
    assert (answer.reply.code, answer.event.code) == (ReplyCode.REJECT, "A1004W")


# -- going away ---------------------------------------------------------------------------------


def test_a_peer_that_goes_away_is_spoken_of_once(spine: Authorizer, pki: Pki) -> None:
    now = instant()
    spine.identify(replace(DOT1X, eap=pki.supplicant().start()), now)
    assert spine.expire(now) == ()
    later = Instant(wall=now.wall + 31, monotonic=now.monotonic + 31)
    (event,) = spine.expire(later)
    assert event.code == "A1003W"
    assert "host/laptop" in str(event.fields)
    assert spine.expire(later) == ()


def test_a_vpn_request_is_authorized_without_eap(tmp_path: Path, pki: Pki) -> None:
    spine = authorizer(Site(tmp_path, pki).assemble())
    nas = Nas(name="concentrator", vendor="cisco-asa", authentication=Authentication.DONE_BY_NAS)
    request = replace(DOT1X, nas=nas, has_eap=False, service_type="Authorize-Only", calling_station_id="198.51.100.7")
    answer = answered(spine.identify(request, instant()))
    assert answer.event.fields["access"] == "vpn"
    assert answer.reply.code is ReplyCode.REJECT
