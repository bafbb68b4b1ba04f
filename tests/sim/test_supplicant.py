"""The simulated supplicant against an EAP-TLS server on another TLS engine, and a login through a NAS."""

from __future__ import annotations

import os
import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket
from typing import Any

import pytest
from pyrad.packet import AccessAccept, AccessChallenge, AccessReject, AuthPacket

from nacd.sim.nas import Nas
from nacd.sim.nas_reply import dictionary
from nacd.sim.pki import Authority
from nacd.sim.supplicant import Behaviour, login

SECRET = b"a secret of some length"


def talk(server: Any, supplicant: Any) -> list[bytes]:
    """Every packet of the server, until the supplicant has no more to say."""
    sent = []
    eap = supplicant.start()
    while eap and len(sent) < 200:
        sent.append(server.receive(eap))
        eap = supplicant.receive(sent[-1])
    return sent


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("sizes", [(1000, 1000), (100, 1400), (1400, 64), (60_000, 60_000)])
def test_it_gets_in_with_fragments_of_any_size(lan: Any, tls: str, sizes: tuple[int, int]) -> None:
    server, supplicant = lan.eap_server(fragment=sizes[0]), lan.supplicant(tls=tls, fragment_size=sizes[1])
    talk(server, supplicant)
    assert (supplicant.outcome, supplicant.problem, supplicant.notes) == ("success", "", [])
    assert supplicant.tls_version == f"TLSv{tls}" == server.version
    assert server.identity == b"host/laptop"
    assert server.connection.get_peer_certificate(as_cryptography=True) == lan.laptop.certificate


@pytest.mark.parametrize(("flag", "expected"), [("first", "first"), ("every", "all"), ("never", "none")])
def test_the_length_flag_is_set_as_told(lan: Any, flag: str, expected: str) -> None:
    server = lan.eap_server()
    supplicant = lan.supplicant(fragment_size=100, tls="1.2", behaviour=Behaviour(length_flag=flag))
    talk(server, supplicant)
    fragments = [eap for eap in server.received if eap[4] == 13 and len(eap) > 10]
    with_length = [bool(eap[5] & 0x80) for eap in fragments]
    assert supplicant.outcome == "success"
    assert {"first": 2, "all": len(fragments), "none": 0}[expected] == sum(with_length)


def test_a_server_that_always_sends_a_length_is_understood_and_noted(lan: Any) -> None:
    supplicant = lan.supplicant()
    talk(lan.eap_server(length_always=True), supplicant)
    assert supplicant.outcome == "success"
    assert any("9190" in note for note in supplicant.notes)


def test_a_server_of_another_authority_is_not_trusted(lan: Any) -> None:
    server, supplicant = lan.eap_server(), lan.supplicant(ca_pem=Authority.root().root_pem)
    sent = talk(server, supplicant)
    assert supplicant.outcome == "failure"
    assert supplicant.problem.startswith("the server's certificate is not trusted")
    assert (server.state, sent[-1][0]) == ("failed", 4)


def test_a_server_of_another_name_is_not_trusted(lan: Any) -> None:
    supplicant = lan.supplicant(server_name="other.example.test")
    talk(lan.eap_server(), supplicant)
    assert (supplicant.outcome, "not trusted" in supplicant.problem) == ("failure", True)


def test_without_a_name_any_server_of_the_authority_will_do(lan: Any) -> None:
    supplicant = lan.supplicant(server_name="")
    talk(lan.eap_server(issued=lan.server_root.issue_server("whoever.example.test")), supplicant)
    assert supplicant.outcome == "success"


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_refused_client_certificate_is_told_as_the_servers_alert(lan: Any, tls: str) -> None:
    stranger = Authority.root().issue_client()
    supplicant = lan.supplicant(tls=tls, certificate_pem=stranger.chain_pem, key_pem=stranger.key_pem)
    sent = talk(lan.eap_server(), supplicant)
    assert (supplicant.outcome, sent[-1][0]) == ("failure", 4)
    assert "unknown ca" in supplicant.problem


def test_a_supplicant_may_have_no_certificate(lan: Any) -> None:
    supplicant = lan.supplicant(certificate_pem=b"", key_pem=b"")
    talk(lan.eap_server(), supplicant)
    assert supplicant.outcome == "failure"


def test_success_in_tls_1_3_needs_the_commitment_octet(lan: Any) -> None:
    supplicant = lan.supplicant(tls="1.3")
    talk(lan.eap_server(commit=False), supplicant)
    assert supplicant.outcome == "unbelieved"
    assert "commitment" in supplicant.problem


def test_success_before_the_handshake_is_not_believed(lan: Any) -> None:
    supplicant = lan.supplicant()
    supplicant.start()
    assert supplicant.receive(b"\x03\x01\x00\x04") == b""
    assert supplicant.outcome == "unbelieved"


def test_it_asks_for_peap_when_told_to(lan: Any) -> None:
    server, supplicant = lan.eap_server(), lan.supplicant(behaviour=Behaviour(nak_to=25))
    talk(server, supplicant)
    assert server.received[-1][4:] == b"\x03\x19"
    assert supplicant.outcome == "failure"


def test_it_asks_for_eap_tls_when_offered_another_method(lan: Any) -> None:
    supplicant = lan.supplicant()
    assert supplicant.receive(b"\x01\x09\x00\x06\x19\x20") == b"\x02\x09\x00\x06\x03\x0d"


def test_it_tells_its_identity_when_asked_again(lan: Any) -> None:
    assert lan.supplicant().receive(b"\x01\x05\x00\x05\x01") == b"\x02\x05\x00\x10\x01host/laptop"


def test_a_wrong_identifier_goes_out_when_told_to(lan: Any) -> None:
    server, supplicant = lan.eap_server(), lan.supplicant(behaviour=Behaviour(wrong_identifier_in=2))
    talk(server, supplicant)
    assert server.received[1][1] != server.identifier
    assert supplicant.outcome == "failure"


def test_it_falls_silent_when_told_to(lan: Any) -> None:
    server, supplicant = lan.eap_server(), lan.supplicant(behaviour=Behaviour(stop_in=3))
    talk(server, supplicant)
    assert (supplicant.outcome, len(server.received)) == ("stopped", 2)


def test_garbage_instead_of_tls_fails(lan: Any) -> None:
    server, supplicant = lan.eap_server(), lan.supplicant(behaviour=Behaviour(garbage_in=2))
    talk(server, supplicant)
    assert (supplicant.outcome, server.state) == ("failure", "failed")


NOT_EAP = [
    b"",
    b"\x01\x02",
    b"\x01\x02\x00\x50\x0d",
    b"\x02\x02\x00\x05\x01",
    b"\x01\x02\x00\x05\x0d",
    b"\x01\x02\x00\x08\x0d\x80\0\0",
]


@pytest.mark.parametrize("eap", NOT_EAP)
def test_what_is_no_eap_is_noted_and_not_answered(lan: Any, eap: bytes) -> None:
    supplicant = lan.supplicant()
    assert supplicant.receive(eap) == b""
    assert (len(supplicant.notes), supplicant.outcome) == (1, "pending")
    supplicant.close()


def test_a_weak_certificate_is_presented_only_when_allowed(lan: Any) -> None:
    weak = lan.devices.issue_client(key="rsa1024")
    with pytest.raises(ssl.SSLError):
        lan.supplicant(certificate_pem=weak.chain_pem, key_pem=weak.key_pem)
    lan.supplicant(certificate_pem=weak.chain_pem, key_pem=weak.key_pem, allow_weak=True).close()


def test_keys_are_not_shown_and_the_key_log_has_no_name_anybody_could_open(
    lan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    supplicant = lan.supplicant()
    assert not list(tmp_path.iterdir())
    talk(lan.eap_server(), supplicant)
    assert supplicant.outcome == "success"
    assert supplicant.keys.msk.hex() not in repr(supplicant)


# -- through a NAS


@contextmanager
def radius_around(eap_server: Any, *, accept: bool = True, wrong_key: bool = False) -> Iterator[Nas]:
    """A RADIUS server of a few lines around the EAP server, on pyrad."""
    listening = socket(AF_INET, SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))

    def answer(octets: bytes) -> bytes:
        request = AuthPacket(packet=octets, secret=SECRET, dict=dictionary())
        assert request.verify_message_authenticator()
        eap = eap_server.receive(b"".join(request[79]))
        reply = request.CreateReply()
        reply.code = {1: AccessChallenge, 3: AccessAccept if accept else AccessReject, 4: AccessReject}[eap[0]]
        reply[79] = [eap[at : at + 253] for at in range(0, len(eap), 253)]
        if reply.code == AccessChallenge:
            reply[24] = [struct.pack("!B", eap_server.identifier)]
            assert 24 not in request or request[24] == [struct.pack("!B", (eap_server.identifier - 1) % 256)]
        elif reply.code == AccessAccept:
            msk = os.urandom(64) if wrong_key else eap_server.keys()[0]
            reply[(311, 17)], reply[(311, 16)] = [reply.SaltCrypt(msk[:32])], [reply.SaltCrypt(msk[32:64])]
            reply["Tunnel-Private-Group-Id:1"] = "120"
        return reply.ReplyPacket()

    def serve() -> None:
        while True:
            octets, source = listening.recvfrom(65_535)
            if not octets:
                return
            listening.sendto(answer(octets), source)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with Nas(server="127.0.0.1", secret=SECRET, port=listening.getsockname()[1], timeout_s=2.0, tries=1) as nas:
        yield nas
    with socket(AF_INET, SOCK_DGRAM) as waker:
        waker.sendto(b"", listening.getsockname())
    thread.join(2)
    listening.close()


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_a_login_ends_with_an_accept_keys_that_match_and_a_vlan(lan: Any, tls: str) -> None:
    with radius_around(lan.eap_server()) as nas:
        result = login(nas, lan.supplicant(tls=tls))
    assert result.succeeded
    assert (result.code_name, result.eap_outcome, result.keys) == ("Access-Accept", "success", "match")
    assert (result.tls_version, result.first("Tunnel-Private-Group-Id")) == (f"TLSv{tls}", "120")
    assert result.rounds >= 4
    assert result.reply_octets[0] == 2


def test_wrong_keys_are_noticed(lan: Any) -> None:
    with radius_around(lan.eap_server(), wrong_key=True) as nas:
        result = login(nas, lan.supplicant())
    assert (result.code, result.keys, result.succeeded) == (2, "mismatch", False)


def test_a_reject_with_eap_success_is_no_login(lan: Any) -> None:
    with radius_around(lan.eap_server(), accept=False) as nas:
        result = login(nas, lan.supplicant())
    assert (result.code, result.keys, result.succeeded) == (3, "absent", False)


def test_silence_ends_a_login(lan: Any) -> None:
    with socket(AF_INET, SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        with Nas(server="127.0.0.1", secret=SECRET, port=deaf.getsockname()[1], timeout_s=0.05, tries=1) as nas:
            result = login(nas, lan.supplicant())
    assert (result.code, result.code_name, result.rounds, result.eap_outcome) == (0, "no answer", 1, "pending")


def test_a_supplicant_that_stops_midway_leaves_the_last_challenge(lan: Any) -> None:
    with radius_around(lan.eap_server()) as nas:
        result = login(nas, lan.supplicant(behaviour=Behaviour(stop_in=2)))
    assert (result.code_name, result.eap_outcome, result.succeeded) == ("Access-Challenge", "stopped", False)


def test_a_login_has_an_end_even_with_tiny_fragments(lan: Any) -> None:
    with radius_around(lan.eap_server(fragment=20)) as nas:
        result = login(nas, lan.supplicant(), max_rounds=10)
    assert (result.rounds, result.eap_outcome) == (10, "pending")
