"""RFC 9190, EAP-TLS 1.3: Using the Extensible Authentication Protocol with TLS 1.3."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID, Authority, intune_uri
from nacd.sim.supplicant import Behaviour, Supplicant
from nacd.values import ComplianceState
from tests.conformance.octets import ACCEPT, CHALLENGE, REJECT
from tests.conformance.wire import Talk
from tests.server.house import House, Pki

LENGTH, MORE, START = 0x80, 0x40, 0x20
SUCCESS, FAILURE = 3, 4
TalkTo = Callable[..., Talk]


def tls_requests(said: Talk) -> list[bytes]:
    """Type-data (flags first) of each EAP-TLS request."""
    return [eap[5:] for eap in said.requests if eap[0] == 1 and eap[4] == 13]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """Every TLS handshake message that OpenSSL of the supplicant receives: name and octets, in order."""
    messages: list[tuple[str, bytes]] = []
    wrap = ssl.SSLContext.wrap_bio

    def watched(context: ssl.SSLContext, *arguments: Any, **named: Any) -> ssl.SSLObject:
        def note(_conn: Any, direction: str, _version: Any, content: Any, message: Any, octets: bytes) -> None:
            if direction == "read" and content == 22:
                messages.append((message.name, octets))

        context._msg_callback = note  # type: ignore[attr-defined]
        return wrap(context, *arguments, **named)

    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", watched)
    return messages


@dataclass(frozen=True, slots=True)
class Ticket:
    """A NewSessionTicket (RFC 8446 section 4.6.1)."""

    lifetime_s: int
    extensions: bytes

    @classmethod
    def read(cls, octets: bytes) -> Ticket:
        at = 4 + 4 + 4
        at += 1 + octets[at]
        at += 2 + int.from_bytes(octets[at : at + 2])
        return cls(int.from_bytes(octets[4:8]), octets[at + 2 :])


@pytest.mark.clause("RFC 9190 section 2.1.1", "TLS 1.3 is agreed on when both can, and the peer is authenticated")
def test_a_login_by_tls_13_succeeds(house: House, pki: Pki) -> None:
    result = house.login(pki.supplicant())
    assert (result.succeeded, result.tls_version, result.notes) == (True, "TLSv1.3", ())


@pytest.mark.clause("RFC 9190 section 2.1.1", "EAP-TLS of older peers (TLS 1.2) keeps working")
def test_a_login_by_tls_12_succeeds(house: House, pki: Pki) -> None:
    result = house.login(pki.supplicant(tls="1.2"))
    assert (result.succeeded, result.tls_version, result.notes) == (True, "TLSv1.2", ())


@pytest.mark.clause("RFC 9190 section 2.1.9", "the L bit is not set on a message that is not fragmented")
def test_an_unfragmented_message_carries_no_length(house: House, pki: Pki, talk: TalkTo) -> None:
    bodies = [body for body in tls_requests(talk(house, pki.supplicant())) if len(body) > 1]
    alone = [
        body for before, body in zip([b"\0", *bodies], bodies, strict=False) if not body[0] & MORE | before[0] & MORE
    ]
    assert alone
    assert not any(body[0] & LENGTH for body in alone)


@pytest.mark.clause("RFC 9190 section 2.1.9", "a peer's length on an unfragmented message is accepted, and its absence")
@pytest.mark.parametrize("when", ["always", "never"])
def test_both_manners_of_a_peer_are_accepted(house: House, pki: Pki, when: str) -> None:
    supplicant = pki.supplicant()
    supplicant.fragment_size = 3000
    supplicant.behaviour = Behaviour(length_flag=when)  # type: ignore[arg-type]
    assert house.login(supplicant).succeeded


@pytest.mark.clause("RFC 9190 section 2.1.9", "the Start carries no length")
def test_the_start_is_flags_alone(house: House, pki: Pki, talk: TalkTo) -> None:
    assert tls_requests(talk(house, pki.supplicant()))[0] == bytes((START,))


@pytest.mark.clause(
    "RFC 9190 section 2.5", "success is promised by one octet 0x00 of application data, then EAP-Success"
)
def test_the_peer_sees_the_commitment_before_the_success(house: House, pki: Pki) -> None:
    """The supplicant believes no EAP-Success without it."""
    supplicant = pki.supplicant()
    result = house.login(supplicant)
    assert (result.eap_outcome, supplicant._committed, result.notes) == ("success", True, ())


@pytest.mark.clause("RFC 9190 section 2.5", "a failed authentication sends no 0x00")
def test_a_refused_peer_sees_no_commitment(house: House, pki: Pki) -> None:
    supplicant = pki.supplicant(Authority.root("somebody else").issue_client("laptop"))
    result = house.login(supplicant)
    assert (result.code, supplicant._committed, result.eap_outcome) == (REJECT, False, "failure")


@pytest.mark.clause("RFC 9190 section 2.5", "in TLS 1.2 there is no application data at all")
def test_tls_12_ends_without_application_data(house: House, pki: Pki) -> None:
    supplicant = pki.supplicant(tls="1.2")
    assert house.login(supplicant).notes == ()
    assert not supplicant._committed


@pytest.mark.clause("RFC 9190 section 2.1.4", "failure after the server's flight: TLS alert, then EAP-Failure")
def test_a_refused_peer_hears_the_alert_first(house: House, pki: Pki, talk: TalkTo) -> None:
    supplicant = pki.supplicant(Authority.root("somebody else").issue_client("laptop"))
    said = talk(house, supplicant)
    assert "unknown ca" in supplicant.problem
    assert [(reply.code, reply.eap[0]) for reply in said.replies[-2:]] == [(CHALLENGE, 1), (REJECT, FAILURE)]


@pytest.mark.clause("RFC 9190 section 2.1.4", "a peer that refuses the server: its alert is answered by EAP-Failure")
def test_an_alert_of_the_peer_ends_with_a_failure(house: House, pki: Pki, talk: TalkTo) -> None:
    distrustful = replace(pki.supplicant(), ca_pem=Authority.root("another world").root_pem)
    said = talk(house, distrustful)
    assert "not trusted" in distrustful.problem
    assert (said.last.code, said.last.eap[0]) == (REJECT, FAILURE)


@pytest.mark.clause(
    "RFC 9190 section 2.1.4",
    "every fatal error of the server is told by a TLS alert",
    differs="a certificate that OpenSSL accepts and nacd's own rules refuse gets EAP-Failure at once, and no 0x00",
)
def test_a_certificate_refused_by_our_own_rules_hears_a_failure_alone(house: House, pki: Pki) -> None:
    supplicant = pki.supplicant(pki.root.issue_client("laptop", uris=[intune_uri(COMPLIANT_GUID)], eku=()))
    result = house.login(supplicant)
    assert (result.code, result.eap_outcome, supplicant._committed) == (REJECT, "failure", False)


@pytest.mark.clause("RFC 9190 section 2.3", "keys by the exporter EXPORTER_EAP_TLS_Key_Material with context 0x0D")
def test_the_keys_of_tls_13_are_those_the_peer_works_out(house: House, pki: Pki) -> None:
    """Out of OpenSSL's key log, with a key schedule of its own."""
    assert house.login(pki.supplicant()).keys == "match"


@pytest.mark.clause(
    "RFC 9190 section 2.1.3",
    "a valid ticket is accepted (RECOMMENDED); a server may require a full handshake instead",
    differs="nacd resumes nothing: each login is verified in full, so nothing outlives its certificate",
)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_peer_that_tries_to_resume_is_verified_in_full(house: House, pki: Pki, tmp_path: Path, version: str) -> None:
    first = pki.supplicant(tls=version)
    assert house.login(first).succeeded
    second = pki.supplicant(tls=version)
    context, log = first._object.context, tmp_path / "keys"
    context.keylog_filename = str(log)
    second._log = log.open("rb")
    second._object = context.wrap_bio(
        second._incoming, second._outgoing, server_hostname=second.server_name, session=first._object.session
    )
    assert house.login(second).succeeded
    assert second._object.session_reused is False


@pytest.mark.clause("RFC 9190 section 2.1.2", "a ticket lives for 604,800 seconds at most")
def test_no_ticket_promises_more_than_a_week(house: House, pki: Pki, heard: list[tuple[str, bytes]]) -> None:
    """OpenSSL sends tickets in TLS 1.3 although nothing stands behind them (see the test before)."""
    assert house.login(pki.supplicant()).succeeded
    assert all(Ticket.read(octets).lifetime_s <= 604_800 for name, octets in heard if name == "NEWSESSION_TICKET")
    assert "FINISHED" in dict(heard)


@pytest.mark.clause("RFC 9190 section 2.1.2", "no ticket carries the early_data extension")
def test_no_early_data_is_offered(house: House, pki: Pki, heard: list[tuple[str, bytes]]) -> None:
    assert house.login(pki.supplicant()).succeeded
    early_data = b"\x00\x2a"
    tickets = [Ticket.read(octets) for name, octets in heard if name == "NEWSESSION_TICKET"]
    assert not any(ticket.extensions.startswith(early_data) for ticket in tickets)
    assert "SERVER_HELLO" in dict(heard)


@pytest.mark.clause("RFC 9190 section 2.1.1", "no post-handshake authentication: one CertificateRequest, inside it")
def test_the_certificate_is_asked_for_once(house: House, pki: Pki, heard: list[tuple[str, bytes]]) -> None:
    assert house.login(pki.supplicant()).succeeded
    names = [name for name, _ in heard]
    assert names.count("CERTIFICATE_REQUEST") == 1
    assert names.index("CERTIFICATE_REQUEST") < names.index("FINISHED")


@pytest.mark.clause("RFC 9190 section 2.1.8", "an anonymous NAI (@realm) is accepted as EAP identity")
@pytest.mark.parametrize("identity", ["@example.com", "anonymous@example.com", "@"])
def test_a_peer_may_stay_anonymous_outside_tls(house: House, pki: Pki, identity: str) -> None:
    assert house.login(replace(pki.supplicant(), identity=identity)).succeeded


@pytest.mark.clause("RFC 9190 section 2.2", "who the peer is says its certificate, not its EAP identity")
def test_a_borrowed_name_changes_nothing(house: House, pki: Pki) -> None:
    lying = replace(pki.supplicant(), identity=f"host/{NONCOMPLIANT_GUID}")
    assert house.login(lying).succeeded
    record = house.records("access.accept")[-1]
    assert record["identity"]["id"] == COMPLIANT_GUID
    assert record["eap"]["peer_identity"] == f"host/{NONCOMPLIANT_GUID}"


@pytest.mark.clause(
    "RFC 9190 section 2.2", "the identity may stand in subjectAltName: every URI of it counts by itself"
)
def test_the_device_id_is_found_among_other_uris(house: House, pki: Pki) -> None:
    sid = "tag:microsoft.com,2022-09-14:sid:S-1-5-21-1-2-3-1001"
    issued = pki.root.issue_client("laptop", uris=[sid, intune_uri(COMPLIANT_GUID)])
    assert house.login(pki.supplicant(issued)).code == ACCEPT


@pytest.mark.clause("RFC 9190 section 5.7", "every login is authorized anew, a second one of the same device too")
def test_a_device_that_is_no_longer_compliant_is_not_let_in_again(build: Callable[..., House], pki: Pki) -> None:
    house = build()
    assert house.login(pki.supplicant()).first("Tunnel-Private-Group-Id") == "120"
    house.register.state = ComplianceState.NONCOMPLIANT
    house.clock.ahead_s += 7 * 86_400
    assert house.login(pki.supplicant()).first("Tunnel-Private-Group-Id") == "999"


@pytest.mark.clause("RFC 9190 section 2.1.1", "after the commitment the peer answers with an empty EAP-TLS response")
def test_success_waits_for_the_peers_acknowledgement(house: House, pki: Pki, talk: TalkTo) -> None:
    supplicant: Supplicant = pki.supplicant()
    said = talk(house, supplicant)
    assert said.responses[-1][4:] == b"\x0d\0"
    assert (said.last.code, said.last.eap[0]) == (ACCEPT, SUCCESS)
