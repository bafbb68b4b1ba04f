"""tshark judges everything nacd puts on the wire: nothing malformed, every signature right, every name decoded."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.peers.wire import PRINTER, SECRET

pytestmark = [pytest.mark.peer, pytest.mark.slow]

ACCEPT, REJECT, ACCOUNTING_RESPONSE, CHALLENGE = "2", "3", "5", "11"
SIGNED = ("Message-Authenticator", "0x00")


@pytest.fixture
def scenes(nacd: Any, tap: Any, supplicant: Any, radclient: Any, certificates: Any) -> Any:
    """One capture of every kind of exchange."""
    wire, running = tap.start(nacd.ports)
    for tls in ("TLSv1.2", "TLSv1.3"):
        good = supplicant.login(nacd.address(), supplicant.network(certificates.client("compliant-p256"), tls))
        assert good.accepted, good.output[-3000:]
        supplicant.login(nacd.address(), supplicant.network(certificates.client("expired"), tls))
    mac = PRINTER.replace("-", "").lower()
    call_check = [("Service-Type", "Call-Check"), ("NAS-Port-Type", "Ethernet"), ("NAS-Port", "7"), SIGNED]
    names = [("User-Name", f'"{mac}"'), ("User-Password", f'"{mac}"'), ("Calling-Station-Id", f'"{PRINTER}"')]
    proxies = [("Proxy-State", "0x0102"), ("Proxy-State", "0x03")]
    assert radclient.ask(nacd.address(), "auth", [*names, *call_check, *proxies]).code == "Access-Accept"
    stranger = [("User-Name", '"001ba9000001"'), ("Calling-Station-Id", '"00-1B-A9-00-00-01"'), *call_check]
    assert radclient.ask(nacd.address(), "auth", stranger).code == "Access-Reject"
    assert radclient.ask(nacd.address(), "status", [SIGNED]).code == "Access-Accept"
    begin = [("Acct-Status-Type", "Start"), ("Acct-Session-Id", '"t1"'), ("Calling-Station-Id", f'"{PRINTER}"')]
    assert radclient.ask(nacd.address(accounting=True), "acct", [*begin, *proxies]).code == "Accounting-Response"
    assert radclient.ask(nacd.address(accounting=True), "status", [SIGNED]).code == "Accounting-Response"
    tap.stop(running)
    return wire


def test_nothing_on_the_wire_is_malformed_or_wrongly_signed(scenes: Any) -> None:
    shown = ("radius.code", "radius.reqframe", "radius.authenticator.valid", "udp.payload")
    replies = scenes.fields("radius.code in {2, 3, 5, 11}", *shown)
    assert {code for code, *_ in replies} == {ACCEPT, REJECT, ACCOUNTING_RESPONSE, CHALLENGE}
    paired = [valid for _, request, valid, _ in replies if request]
    assert set(paired) == {"1"}, "a reply's authenticator was not found valid"
    assert scenes.faults() == []
    # The judge can say no: the same capture under another secret is wrongly signed throughout.
    assert len(scenes.faults(secret=SECRET + "!")) >= len(paired)

    # tshark pairs no reply with a Status-Server, so those two are verified by hand.
    lone = [bytes.fromhex(payload) for _, request, _, payload in replies if not request]
    probes = [bytes.fromhex(payload) for (payload,) in scenes.fields("radius.code == 12", "udp.payload")]
    assert [reply[1] for reply in lone] == [probe[1] for probe in probes]
    assert len(lone) == 2
    for probe, reply in zip(probes, lone, strict=True):
        unsigned = reply[:4] + probe[4:20] + reply[20:]
        assert hashlib.md5(unsigned + SECRET.encode()).digest() == reply[4:20]

    # RFC 2868 tunnel attributes, as a switch reads them.
    shown = ("radius.Tunnel_Type", "radius.Tunnel_Medium_Type", "radius.Tunnel_Private_Group_Id")
    vlans = scenes.fields("radius.code == 2 && radius.Tunnel_Private_Group_Id", *shown)
    assert sorted({tuple(row) for row in vlans}) == [("13", "6", "120"), ("13", "6", "140")]

    # draft-ietf-radext-deprecating-radius section 5.2.1: it comes first in every answer to an Access-Request.
    first = scenes.fields("radius.code in {2, 3, 11}", "radius.avp.type")
    assert {row[0].split(",")[0] for row in first} == {"80"}

    # Keys travel with the Accepts of EAP, and only with them.
    keys = scenes.fields("radius.code == 2 && eap", "radius.MS_MPPE_Recv_Key", "radius.MS_MPPE_Send_Key", "eap.code")
    assert len(keys) == 2
    assert all(receive and send and code == "3" for receive, send, code in keys)

    # RFC 3579 section 2.6.5: no Reply-Message beside EAP-Message; and no EAP-Message longer than one attribute.
    assert scenes.fields("eap && radius.Reply_Message && radius.code in {2, 3, 11}", "frame.number") == []

    # Our fragments keep the datagram below the path MTU.
    lengths = [int(row[0]) for row in scenes.fields("radius.code == 11", "udp.length")]
    assert max(lengths) <= 1400
