"""The simulated NAS, asked by pyrad's own reading of its packets, and answered by pyrad."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyrad.packet import AccessChallenge, AccessReject, AccountingResponse, AcctPacket, AuthPacket, Packet, StatusServer

from nacd.sim.nas import Nas, spell_mac
from nacd.sim.nas_reply import dictionary

SECRET = b"a secret of some length"
MAC = "00-26-B4-24-FE-B4"
Answer = Callable[[Packet], bytes | list[bytes]]


class Server:
    """A RADIUS server of a few lines: pyrad reads the request, the test says the answer."""

    def __init__(self, answer: Answer, address: str = "127.0.0.1") -> None:
        self.answer = answer
        self.requests: list[Packet] = []
        self.octets: list[bytes] = []
        self.sources: list[tuple[str, int]] = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.port = self.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                octets, source = self.socket.recvfrom(65_535)
            except OSError:
                return
            if not octets:
                return
            kind = AcctPacket if octets[0] == 4 else AuthPacket
            request = kind(packet=octets, secret=SECRET, dict=dictionary())
            self.requests.append(request)
            self.octets.append(octets)
            self.sources.append(source[:2])
            answers = self.answer(request)
            for one in [answers] if isinstance(answers, bytes) else answers:
                self.socket.sendto(one, source)

    def stop(self) -> None:
        with socket.socket(self.socket.family, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self.socket.getsockname())
        self._thread.join(10)  # it has read all that came before
        self.socket.close()


@contextmanager
def serving(answer: Answer, **values: object) -> Iterator[tuple[Nas, Server]]:
    server = Server(answer, str(values.get("server", "127.0.0.1")))
    settings: dict[str, object] = {"server": "127.0.0.1", "secret": SECRET, "timeout_s": 10.0, "tries": 1}
    with Nas(port=server.port, accounting_port=server.port, **(settings | values)) as nas:  # type: ignore[arg-type]
        yield nas, server
    server.stop()


def accept(request: Packet, **attributes: object) -> bytes:
    reply = request.CreateReply(**attributes)
    return reply.ReplyPacket()


def nothing(_: Packet) -> list[bytes]:
    return []


def test_a_mab_request_reads_as_cisco_sends_it() -> None:
    with serving(accept, address="192.0.2.9") as (nas, server):
        reply = nas.mab(MAC)
    (request,) = server.requests
    assert isinstance(request, AuthPacket)
    assert (reply.code_name, reply.message_authenticator) == ("Access-Accept", "first")
    assert request["User-Name"] == ["0026b424feb4"]
    assert request["Service-Type"] == ["Call-Check"]
    assert request["Calling-Station-Id"] == [MAC]
    assert request["NAS-IP-Address"] == ["192.0.2.9"]
    assert request["NAS-Port-Type"] == ["Ethernet"]
    assert request.PwDecrypt(request[2][0]) == "0026b424feb4"
    assert request.verify_message_authenticator()
    assert server.octets[0][20] == 80


def test_a_mab_request_may_carry_chap_or_no_password() -> None:
    with serving(accept) as (nas, server):
        nas.mab(MAC, method="chap", password="fixed", spelling="AABB.CCDD.EEFF")
        nas.mab(MAC, method="none", call_check=False)
    chap, bare = server.requests
    assert isinstance(chap, AuthPacket)
    assert chap["User-Name"] == ["0026.B424.FEB4"]
    assert chap.VerifyChapPasswd("fixed")
    assert not chap.VerifyChapPasswd("other")
    assert 2 not in bare
    assert 3 not in bare
    assert bare["Service-Type"] == ["Framed"]


def test_a_vpn_request_looks_like_an_asas_authorize_only() -> None:
    uid = "ID:Intune:DeviceID:2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
    with serving(accept) as (nas, server):
        nas.vpn("employee", device_uid=uid, device_mac=MAC, pairs=["mdm-tlv=device-type=Tablet"])
        nas.vpn("employee", service_type="")
    request, second = server.requests
    pairs = request["Cisco-AVPair"]
    assert f"mdm-tlv=device-uid={uid}" in pairs
    assert f"mdm-tlv=device-uid-global={uid}" in pairs
    assert "mdm-tlv=device-public-mac=00-26-b4-24-fe-b4" in pairs
    assert "mdm-tlv=device-type=Tablet" in pairs
    assert request["Calling-Station-Id"] == ["198.51.100.37"]
    assert request["ASA-TunnelGroupName"] == ["DefaultWEBVPNGroup"]
    assert request["Service-Type"] == ["Authorize-Only"]
    assert 2 not in request
    assert "Service-Type" not in second


def test_eap_goes_out_in_chunks_with_the_state() -> None:
    eap = b"\x02\x07\x03\x84\x0d" + bytes(range(256)) * 3 + bytes(127)
    with serving(accept, framed_mtu=1400, ssid="corp") as (nas, server):
        nas.eap(eap, user="host/laptop", mac=MAC, state=b"0xab")
        nas.eap(b"", user="host/laptop", mac=MAC)
    request, start = server.requests
    assert b"".join(request[79]) == eap
    assert [len(chunk) for chunk in request[79]] == [253, 253, 253, 141]
    assert request[24] == [b"0xab"]
    assert request["Framed-MTU"] == [1400]
    assert request["NAS-Port-Type"] == ["Wireless-802.11"]
    assert str(request["Called-Station-Id"][0]).endswith(":corp")
    assert start[79] == [b""]


@pytest.mark.parametrize("manner", ["first", "last", "absent", "wrong"])
def test_the_message_authenticator_is_placed_or_spoilt_as_told(manner: str) -> None:
    with serving(nothing, message_authenticator=manner, timeout_s=0.05) as (nas, server):
        nas.mab(MAC)
    (request,) = server.requests
    if manner == "absent":
        assert 80 not in request
        return
    assert request.verify_message_authenticator() is (manner != "wrong")
    numbers = [number for number in request if isinstance(number, int)]
    assert numbers.index(80) == (len(numbers) - 1 if manner == "last" else 0)


def test_proxy_states_come_back_in_order_or_the_reply_is_not_believed() -> None:
    states = (b"\0one", b"two\0", b"0x33")
    with serving(accept, proxy_states=states) as (nas, server):
        assert nas.mab(MAC).all("Proxy-State") == list(states)
        server.answer = lambda request: AuthPacket(
            code=2, id=request.id, secret=SECRET, authenticator=request.authenticator, dict=dictionary()
        ).ReplyPacket()
        nas.timeout_s = 1.0  # nothing else comes
        assert nas.mab(MAC).discarded == ("Proxy-State is not what was sent",)


def test_no_answer_is_a_value_after_all_tries() -> None:
    with serving(nothing, tries=3, timeout_s=0.03) as (nas, server):
        reply = nas.mab(MAC)
    assert (reply.code, reply.code_name, reply.tries) == (0, "no answer", 3)
    assert len(server.octets) == 3
    assert len(set(server.octets)) == 1


def test_a_retransmission_is_the_same_octets_from_the_same_port() -> None:
    with serving(accept) as (nas, server):
        nas.mab(MAC)
        nas.send_again()
        nas.mab(MAC)
    first, again, fresh = server.octets
    assert first == again != fresh
    assert len(set(server.sources)) == 1
    with Nas(server="127.0.0.1", secret=b"x") as unused, pytest.raises(ValueError, match="nothing was sent"):
        unused.send_again()


def test_identifiers_move_on() -> None:
    with serving(accept) as (nas, server):
        for _ in range(3):
            nas.mab(MAC)
    first, second, third = (octets[1] for octets in server.octets)
    assert ((second - first) % 256, (third - second) % 256) == (1, 1)


def test_a_port_where_nothing_listens_is_said() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    with Nas(server="127.0.0.1", secret=SECRET, port=port, timeout_s=0.05, tries=2) as nas:
        assert "port unreachable" in nas.mab(MAC).discarded


def test_accounting_is_signed_and_answered() -> None:
    def answer(request: Packet) -> bytes:
        assert isinstance(request, AcctPacket)
        assert request.VerifyAcctRequest()
        return request.CreateReply().ReplyPacket()

    with serving(answer) as (nas, server):
        reply = nas.accounting("Start", session_id="0001", user="host/laptop", mac=MAC, extra=[(25, b"0x41")])
        nas.accounting("Accounting-On")
    start, on = server.requests
    assert reply.code == AccountingResponse
    assert (start["Acct-Status-Type"], start["Acct-Session-Id"], start[25]) == (["Start"], ["0001"], [b"0x41"])
    assert "Calling-Station-Id" not in on


@pytest.mark.parametrize(("accounting", "code"), [(False, 2), (True, 5)])
def test_status_server_is_asked_on_both_ports(accounting: bool, code: int) -> None:
    def answer(request: Packet) -> bytes:
        reply = request.CreateReply()
        reply.code = code
        return reply.ReplyPacket()

    with serving(answer) as (nas, server):
        reply = nas.status(accounting=accounting)
    assert server.requests[0].code == StatusServer
    assert server.requests[0].verify_message_authenticator()
    assert (reply.code, reply.message_authenticator) == (code, "first")


def test_everything_works_over_ipv6() -> None:
    with serving(accept, server="::1", address="2001:db8::9") as (nas, server):
        assert nas.mab(MAC).code == 2
    assert server.requests[0]["NAS-IPv6-Address"] == ["2001:db8::9"]


def test_the_source_address_can_be_chosen() -> None:
    with serving(accept, source="127.0.0.7") as (nas, server):
        nas.mab(MAC)
    assert server.sources[0][0] == "127.0.0.7"


def test_any_octets_can_be_sent() -> None:
    with serving(accept) as (nas, _):
        nas.mab(MAC)
        echoed = nas.send_octets(nas.last_octets)
        assert echoed[0] == 2
        octets = nas.last_octets
    with serving(nothing, timeout_s=0.05) as (nas, server):
        assert nas.send_octets(octets) == b""
    assert server.octets == [octets]


def test_further_attributes_go_out_by_name_number_and_vendor() -> None:
    extra = [
        ("Connect-Info", "vpn-ssl"),
        (77, b"raw"),
        ((9, 1), b"0xab"),
        ("Class", b"0x41"),
        ("Tunnel-Type:1", "VLAN"),
    ]
    with serving(accept) as (nas, server):
        nas.exchange(extra)
        with pytest.raises(KeyError):
            nas.exchange([("No-Such-Attribute", 1)])
        with pytest.raises(TypeError):
            nas.exchange([(77, "text")])
    (request,) = server.requests
    assert request["Connect-Info"] == ["vpn-ssl", "raw"]
    assert request[(9, 1)] == [b"0xab"]
    assert request[25] == [b"0x41"]
    assert request["Tunnel-Type:1"] == ["VLAN"]


def test_a_reject_and_a_challenge_are_read() -> None:
    def reject(request: Packet) -> bytes:
        reply = request.CreateReply()
        reply.code = AccessReject
        return reply.ReplyPacket()

    def challenge(request: Packet) -> bytes:
        reply = request.CreateReply()
        reply.code = AccessChallenge
        reply[24], reply[79] = [b"state"], [b"\x01\x01\x00\x06\x0d\x20"]
        return reply.ReplyPacket()

    with serving(reject) as (nas, server):
        assert nas.mab(MAC).code_name == "Access-Reject"
        server.answer = challenge
        reply = nas.mab(MAC)
    assert (reply.code_name, reply.state, reply.eap) == ("Access-Challenge", b"state", b"\x01\x01\x00\x06\x0d\x20")


@pytest.mark.parametrize(
    ("pattern", "spelt"),
    [
        ("aabb.ccdd.eeff", "0026.b424.feb4"),
        ("AA-BB-CC-DD-EE-FF", "00-26-B4-24-FE-B4"),
        ("AABBCCDDEEFF", "0026B424FEB4"),
        ("aa:bb:cc:dd:ee:ff", "00:26:b4:24:fe:b4"),
    ],
)
def test_a_mac_is_spelt_after_a_pattern(pattern: str, spelt: str) -> None:
    assert spell_mac("0026b424feB4", pattern) == spelt
    with pytest.raises(ValueError, match="`nonsense`"):
        spell_mac("nonsense", pattern)


def test_only_a_reply_that_is_right_in_every_octet_is_believed() -> None:
    def answers(request: Packet) -> list[bytes]:
        good = accept(request)
        other_secret = AuthPacket(code=2, id=request.id, secret=b"other", authenticator=request.authenticator)
        return [b"short", good[:4] + hashlib.md5(good).digest() + good[20:], other_secret.ReplyPacket(), good + b"pad"]

    with serving(answers) as (nas, _):
        reply = nas.mab(MAC)
    assert reply.code == 2
    assert reply.discarded == ("bad length", "bad Response Authenticator", "bad Response Authenticator")
