"""What leaves, in which order, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from nacd.radius.admission import Role
from nacd.server.worker import Waiting
from nacd.sim.nas import Nas
from nacd.sim.pki import COMPLIANT_GUID, DAY_S, NONCOMPLIANT_GUID, intune_uri
from nacd.sim.supplicant import Behaviour
from nacd.values import ComplianceState
from tests.server.house import (
    LAPTOP_MAC,
    PRINTER_MAC,
    PROBE,
    SECRET,
    House,
    Pki,
    Register,
    Site,
    mab_datagram,
    soon,
)

ACCEPT, REJECT, ACCOUNTING_RESPONSE = 2, 3, 5
HOUR_S = 3600


@dataclass(slots=True)
class Witness:
    """The way back, watched: what was in the audit file when each answer left."""

    site: Site
    source: str = "127.0.0.1"
    port: int = 40_000
    sent: list[bytes] = field(default_factory=list)
    recorded: list[list[str]] = field(default_factory=list)
    broken: OSError | None = None

    def send(self, octets: bytes) -> None:
        self.recorded.append([record["event"] for record in self.site.records()])
        self.sent.append(octets)
        if self.broken is not None:
            raise self.broken


def receive(house: House, datagram: bytes, witness: Witness, role: Role = Role.AUTH) -> None:
    assert begin(house, datagram, witness, role) is None


def begin(house: House, datagram: bytes, witness: Witness, role: Role = Role.AUTH) -> Waiting | None:
    """Take one datagram in and answer it, as far as that goes without waiting."""

    def done() -> Waiting | None:
        house.worker.receive(datagram, witness, role)
        rest = house.worker.answer(house.worker.next()) if house.worker.waiting else None
        house.worker.flush()
        return rest

    return house.do(done)


# -- audit first --------------------------------------------------------------------------------


def test_the_record_is_in_the_file_before_the_answer_leaves(house: House) -> None:
    witness = Witness(house.site)
    receive(house, mab_datagram(), witness)
    assert witness.sent[0][0] == ACCEPT
    assert witness.recorded == [["access.accept"]]


def test_accounting_is_recorded_and_then_answered(house: House) -> None:
    reply = house.nas().accounting("Start", session_id="0001", user="printer", mac=PRINTER_MAC)
    assert reply.code == ACCOUNTING_RESPONSE
    assert [record["event"] for record in house.records()] == ["accounting.start"]


def test_an_answer_that_cannot_be_sent_is_kept_for_the_retransmission(house: House) -> None:
    witness = Witness(house.site, broken=OSError(101, "network is unreachable"))
    datagram = mab_datagram()
    receive(house, datagram, witness)
    receive(house, datagram, witness)
    witness.broken = None
    receive(house, datagram, witness)
    assert len(witness.sent) == 3
    assert len(set(witness.sent)) == 1
    assert len(house.records("access.accept")) == 1
    assert house.records("service.bug") == []


# -- a full disk --------------------------------------------------------------------------------


def test_a_full_disk_turns_an_accept_into_a_reject_with_eap_failure(
    full_disk: Callable[[], None], build: Callable[..., House], pki: Pki
) -> None:
    result = build().login(pki.supplicant())
    assert (result.code, result.eap_outcome, result.keys) == (REJECT, "failure", "absent")
    assert result.first("Tunnel-Private-Group-Id") == ""


def test_a_full_disk_does_not_stop_accepts_when_the_admin_wants_to_continue(
    full_disk: Callable[[], None], build: Callable[..., House], pki: Pki
) -> None:
    house = build(continue_when_full=True)
    assert house.login(pki.supplicant()).succeeded
    assert house.nas().status().code == ACCEPT


def test_while_accepts_are_refused_nobody_who_probes_hears_an_answer(
    full_disk: Callable[[], None], build: Callable[..., House]
) -> None:
    house = build()
    nas = house.nas(timeout_s=0.15)
    assert nas.status().code == ACCEPT
    assert nas.mab(PRINTER_MAC).code == REJECT
    assert nas.status().code == 0
    assert probe(nas) == 0


@pytest.mark.parametrize("continue_when_full", [False, True])
def test_accounting_is_not_answered_while_it_cannot_be_recorded(
    full_disk: Callable[[], None], build: Callable[..., House], continue_when_full: bool
) -> None:
    house = build(continue_when_full=continue_when_full)
    nas = house.nas(timeout_s=0.15)
    assert nas.accounting("Start", session_id="0001", mac=PRINTER_MAC).code == 0
    assert house.do(lambda: house.drops.total("accounting_not_recorded")) == 1


def test_when_there_is_room_again_a_retransmitted_accounting_record_is_taken(
    full_disk: Callable[[], None], build: Callable[..., House]
) -> None:
    house = build()
    nas = house.nas(timeout_s=0.15)
    nas.accounting("Stop", session_id="0001", mac=PRINTER_MAC)
    full_disk()
    house.tick()
    assert nas.send_again().code == ACCOUNTING_RESPONSE
    assert [record["event"] for record in house.records()] == ["audit.resumed", "packets.dropped", "accounting.stop"]


def test_nobody_has_to_ask_for_the_daemon_to_notice_that_there_is_room_again(
    full_disk: Callable[[], None], build: Callable[..., House]
) -> None:
    house = build()
    nas = house.nas(timeout_s=0.15)
    nas.mab(PRINTER_MAC)
    assert nas.status().code == 0
    full_disk()
    house.tick()
    assert nas.status().code == ACCEPT
    (resumed,) = house.records()
    assert resumed["event"] == "audit.resumed"
    assert resumed["audit"]["lost"] == 1


# -- the same request twice ---------------------------------------------------------------------


def test_a_retransmission_gets_the_same_octets_and_makes_one_decision(house: House) -> None:
    nas = house.nas()
    first = nas.mab(PRINTER_MAC)
    again = nas.send_again()
    assert first.code == ACCEPT
    assert again.octets == first.octets
    assert len(house.records()) == 1


def test_a_duplicate_of_a_request_that_waits_for_intune_is_silent(house: House, register: Register) -> None:
    register.open.clear()
    witness = Witness(house.site)
    datagram = mab_datagram(LAPTOP_MAC)
    waiting = begin(house, datagram, witness)
    assert waiting is not None
    waiting.close()
    receive(house, datagram, witness)
    assert witness.sent == []
    assert house.do(lambda: house.drops.total("duplicate_in_progress")) == 1


# -- probes -------------------------------------------------------------------------------------


def probe(nas: Nas) -> int:
    return nas.exchange([("User-Name", PROBE), (2, bytes(16)), ("Service-Type", "Framed")]).code


def test_a_probe_is_answered_with_a_reject_and_leaves_no_record(house: House) -> None:
    assert probe(house.nas()) == REJECT
    assert house.records() == []


def test_a_probe_name_inside_eap_is_no_probe(house: House, pki: Pki) -> None:
    supplicant = pki.supplicant()
    supplicant.identity = PROBE
    assert house.login(supplicant).succeeded
    assert len(house.records("access.accept")) == 1


# -- Intune -------------------------------------------------------------------------------------


def test_a_request_whose_rule_needs_no_compliance_never_asks(house: House, register: Register) -> None:
    assert house.nas().mab(PRINTER_MAC).code == ACCEPT
    assert register.calls == []


def test_the_lookup_starts_one_round_before_the_answer(house: House, register: Register, pki: Pki) -> None:
    """TLS 1.3: the certificate is verified, the commitment octet is on its way, the peer has yet to acknowledge it."""
    supplicant = pki.supplicant()
    supplicant.behaviour = Behaviour(stop_in=last_response(house, pki))
    result = house.login(supplicant)
    assert (result.code, supplicant.outcome) == (11, "stopped")
    assert soon(lambda: register.calls == [COMPLIANT_GUID])
    assert house.records("access.accept") == []


def last_response(house: House, pki: Pki) -> int:
    """Which response ends a login, counted at a device that is known already."""
    other = pki.root.issue_client("other", uris=[intune_uri(NONCOMPLIANT_GUID)])
    supplicant = pki.supplicant(other)
    house.login(supplicant)
    house.register.calls.clear()
    for line in house.records():
        assert line["event"] == "access.accept"
    house.site.audit.write_text("")
    return supplicant.responses


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_device_gets_in_by_one_call_and_both_sides_have_the_same_keys(
    house: House, register: Register, pki: Pki, tls: str
) -> None:
    result = house.login(pki.supplicant(tls=tls))
    assert result.succeeded
    assert (result.keys, result.notes) == ("match", ())
    assert register.calls == [COMPLIANT_GUID]
    assert result.first("Tunnel-Private-Group-Id") == "120"


def test_a_cloud_that_is_too_slow_is_unavailable_and_the_next_login_knows_the_answer(
    build: Callable[..., House], register: Register, pki: Pki
) -> None:
    house = build()
    register.open.clear()
    assert house.login(pki.supplicant()).first("Tunnel-Private-Group-Id") == "999"
    register.open.set()
    assert soon(lambda: not house.lookup.by_tenant["intune"].errands.under_way)
    assert house.login(pki.supplicant()).first("Tunnel-Private-Group-Id") == "120"
    assert len(register.calls) == 1
    slow, known = house.records("access.accept")
    assert (slow["compliance"]["state"], slow["decision"]["rule"]) == ("unavailable", "intune unreachable")
    assert (known["compliance"]["state"], known["compliance"]["source"]) == ("compliant", "cache")


def test_a_stale_verdict_is_named_in_the_record(house: House, register: Register, pki: Pki) -> None:
    house.login(pki.supplicant())
    house.clock.ahead_s = 2 * HOUR_S
    register.state, register.detail = ComplianceState.UNAVAILABLE, "status 503"
    assert house.login(pki.supplicant()).succeeded
    last = house.records("access.accept")[-1]["compliance"]
    assert (last["state"], last["source"], last["detail"]) == ("compliant", "stale", "status 503")
    assert last["age_s"] >= 2 * HOUR_S


# -- answers that cannot be as wanted -----------------------------------------------------------


def test_no_session_outlives_the_certificate(house: House, pki: Pki) -> None:
    brief = pki.root.issue_client("brief", uris=[intune_uri(COMPLIANT_GUID)], starts_s=-DAY_S, lasts_s=DAY_S + 600)
    result = house.login(pki.supplicant(brief))
    assert result.succeeded
    timeout_s = result.first("Session-Timeout")
    assert isinstance(timeout_s, int)
    assert 590 <= timeout_s <= 600
    assert result.first("Termination-Action") in (1, "RADIUS-Request")


def test_a_reply_that_is_too_long_becomes_a_reject_and_an_event(site: Site, build: Callable[..., House]) -> None:
    long = ", ".join(f'"{number}{"x" * 240}"' for number in range(12))
    wanted = f"printers: {{vlan: 140, attributes: {{Reply-Message: [{long}]}}}}"
    site.change("printers:   {vlan: 140}", wanted, file="policy.yaml")
    house = build()
    nas = house.nas(proxy_states=(b"p" * 250,) * 6)
    assert nas.mab(PRINTER_MAC).code == REJECT
    (event,) = house.records()
    assert event["event"] == "access.reply_too_long"
    assert event["decision"]["profile"] == "printers"


def test_a_challenge_that_is_too_long_is_silence_and_says_which_setting_helps(
    site: Site, build: Callable[..., House], pki: Pki
) -> None:
    site.change("eap:\n", "eap:\n  fragment_size: 3800\n  path_mtu: 9000\n")
    site.serve_with(pki.root.intermediates(12).issue_server("radius.example.test"))
    house = build()
    result = house.login(pki.supplicant(), proxy_states=(b"p" * 200,) * 2, timeout_s=0.3)
    assert result.code == 0
    assert house.do(lambda: house.drops.total("challenge_too_long")) == 1
    assert house.records("service.bug") == []


def test_the_same_eap_response_in_a_new_request_is_silent_while_intune_is_asked(
    house: House, register: Register, pki: Pki
) -> None:
    """Some NASes send it under a new Identifier: that must not overtake the answer with a Reject."""
    register.open.clear()
    supplicant, nas, state = pki.supplicant(), house.nas(timeout_s=0.15), b""
    eap = supplicant.start()
    while (reply := nas.eap(eap, user="host/laptop", mac=LAPTOP_MAC, state=state)).code:
        eap, state = supplicant.receive(reply.eap), reply.state
    assert soon(lambda: register.calls == [COMPLIANT_GUID])
    assert nas.eap(eap, user="host/laptop", mac=LAPTOP_MAC, state=state).code == 0
    assert house.do(lambda: house.drops.total("eap_discarded")) == 1
    register.open.set()
    assert soon(lambda: len(house.records("access.accept")) == 1)
    assert house.records("access.eap_failed") == []


def test_what_is_not_signed_with_our_secret_is_silence(house: House) -> None:
    nas = house.nas(timeout_s=0.15, message_authenticator="wrong")
    assert nas.mab(PRINTER_MAC).code == 0
    assert SECRET not in house.site.audit.read_bytes()
    assert house.do(lambda: house.drops.total("bad_message_authenticator")) == 1


# -- who is on the network ---------------------------------------------------------------------------


def watched(house: House) -> int:
    house.written()
    return house.do(lambda: house.live.counts("intune", house.clock())[0])


def test_a_managed_device_is_watched_from_its_accept_until_its_stop(house: House, pki: Pki) -> None:
    assert house.login(pki.supplicant()).succeeded
    assert watched(house) == 1
    house.nas().accounting("Stop", session_id="0001", mac=LAPTOP_MAC)
    assert watched(house) == 0


def test_a_guest_is_let_in_and_not_watched(site: Site, register: Register, build: Callable[..., House]) -> None:
    let_in = "access: mab, compliance: [compliant, not_managed]"
    site.change("access: mab, compliance: compliant", let_in, file="policy.yaml")
    register.state = ComplianceState.NOT_MANAGED
    house = build()
    assert house.nas().mab(LAPTOP_MAC).code == ACCEPT
    assert watched(house) == 0
