"""Who else believes our signatures: radclient and pyrad judge the Message-Authenticator of every kind of answer.

tshark checks the Response Authenticator only. A relay between radclient and nacd writes down what passes; where
a test says so, it spoils one signature of the answer and makes the other anew, so that each is judged alone.
"""

from __future__ import annotations

import hashlib
import select
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from pyrad.packet import Packet

from tests.peers.wire import PRINTER, SECRET

pytestmark = [pytest.mark.peer, pytest.mark.slow]

SIGNED = ("Message-Authenticator", "0x00")
MESSAGE_AUTHENTICATOR = 80


def mab(mac: str) -> list[tuple[str, str]]:
    name = mac.replace("-", "").lower()
    named = [("User-Name", f'"{name}"'), ("User-Password", f'"{name}"'), ("Calling-Station-Id", f'"{mac}"')]
    return [*named, ("Service-Type", "Call-Check"), ("NAS-Port-Type", "Ethernet"), ("NAS-Port", "7"), SIGNED]


# EAP-Response/Identity of a supplicant called "me": code 2, identifier 1, length 7, type 1.
EAP_BEGIN = [("User-Name", '"me"'), ("EAP-Message", "0x02010007016d65"), ("NAS-Port", "7"), SIGNED]
START = [("Acct-Status-Type", "Start"), ("Acct-Session-Id", '"signed"'), ("NAS-Port", "7"), SIGNED]

# what radclient sends: kind, attributes; and what comes back
ANSWERS = {
    "accept": ("auth", mab(PRINTER), "Access-Accept"),
    "reject": ("auth", mab("00-1B-A9-00-00-02"), "Access-Reject"),
    "challenge": ("auth", EAP_BEGIN, "Access-Challenge"),
    "status of the auth port": ("status", [SIGNED], "Access-Accept"),
    "status of the accounting port": ("status", [SIGNED], "Accounting-Response"),
}


class Relay:
    """A UDP relay on loopback. pairs: (request, reply) as nacd took and gave them. alter: what to make of a reply."""

    def __init__(self, nacd: tuple[str, int], alter: Callable[[bytes, bytes], bytes]) -> None:
        self.pairs: list[tuple[bytes, bytes]] = []
        self._alter = alter
        self._outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outside.bind(("127.0.0.1", 0))
        self._inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inside.connect(nacd)
        self._end, self._ended = socket.socketpair()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._outside.getsockname()
        return host, port

    def _run(self) -> None:
        request, asker = b"", ("", 0)
        while True:
            ready, _, _ = select.select([self._outside, self._inside, self._ended], [], [])
            if self._ended in ready:
                return
            if self._outside in ready:
                request, asker = self._outside.recvfrom(4096)
                self._inside.send(request)
            if self._inside in ready:
                reply = self._inside.recv(4096)
                self.pairs.append((request, reply))
                self._outside.sendto(self._alter(request, reply), asker)

    def close(self) -> None:
        self._end.send(b"x")
        self._thread.join(5)
        for each in (self._outside, self._inside, self._end, self._ended):
            each.close()


@pytest.fixture
def relay() -> Iterator[Callable[..., Relay]]:
    """``relay(address)``, ``relay(address, spoil)``: one between radclient and that address of nacd."""
    opened: list[Relay] = []

    def give(nacd: tuple[str, int], alter: Callable[[bytes, bytes], bytes] = lambda _, reply: reply) -> Relay:
        opened.append(Relay(nacd, alter))
        return opened[-1]

    yield give
    for each in opened:
        each.close()


def signature_offset(packet: bytes) -> int:
    """Where the 16 octets of the Message-Authenticator are; 0 when there is none."""
    at = 20
    while at < len(packet):
        if packet[at] == MESSAGE_AUTHENTICATOR:
            return at + 2
        at += packet[at + 1]
    return 0


def flipped(packet: bytes, at: int) -> bytes:
    return packet[:at] + bytes([packet[at] ^ 1]) + packet[at + 1 :]


def spoil_message_authenticator(request: bytes, reply: bytes) -> bytes:
    """One bit of it is wrong, and the Response Authenticator is right for that (RFC 2865 section 3)."""
    wrong = flipped(reply, signature_offset(reply))
    seal = hashlib.md5(wrong[:4] + request[4:20] + wrong[20:] + SECRET.encode()).digest()
    return wrong[:4] + seal + wrong[20:]


def spoil_response_authenticator(_request: bytes, reply: bytes) -> bytes:
    return flipped(reply, 4)


def address_for(nacd: Any, expected: str) -> tuple[str, int]:
    host, port = nacd.address(accounting=expected == "Accounting-Response")
    return host, port


def believes(request: bytes, reply: bytes) -> bool:
    """pyrad's opinion of the Message-Authenticator of this answer."""
    judged = Packet(secret=SECRET.encode(), packet=reply)
    return bool(judged.verify_message_authenticator(original_authenticator=request[4:20], original_code=request[0]))


@pytest.mark.parametrize(("kind", "attributes", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_radclient_and_pyrad_believe_the_message_authenticator_of_every_answer_that_has_one(
    nacd: Any, relay: Any, radclient: Any, kind: str, attributes: Sequence[tuple[str, str]], expected: str
) -> None:
    between = relay(address_for(nacd, expected))
    answer = radclient.ask(between.address, kind, attributes)
    assert answer.code == expected, answer.output
    assert answer.attributes[0][0] == "Message-Authenticator"
    ((request, reply),) = between.pairs
    assert believes(request, reply)
    assert not believes(request, flipped(reply, signature_offset(reply)))
    assert not believes(flipped(request, 4), reply)  # it covers the Request Authenticator


@pytest.mark.parametrize(("kind", "attributes", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_radclient_refuses_the_same_answer_when_only_its_message_authenticator_is_spoilt(
    nacd: Any, relay: Any, radclient: Any, kind: str, attributes: Sequence[tuple[str, str]], expected: str
) -> None:
    between = relay(address_for(nacd, expected), spoil_message_authenticator)
    answer = radclient.ask(between.address, kind, attributes, wait_s=1.0)
    assert len(between.pairs) == 1, "nacd gave an answer to spoil"
    assert answer.code == "", answer.output
    assert "invalid Message-Authenticator" in answer.output


def test_an_accounting_response_has_no_message_authenticator_and_radclient_believes_its_seal_alone(
    nacd: Any, relay: Any, radclient: Any
) -> None:
    """RFC 2866 section 5.13 has none, and older clients take one there for wrong."""
    where = nacd.address(accounting=True)
    honest, spoilt = relay(where), relay(where, spoil_response_authenticator)
    assert radclient.ask(honest.address, "acct", START).code == "Accounting-Response"
    ((_, reply),) = honest.pairs
    assert signature_offset(reply) == 0
    answer = radclient.ask(spoilt.address, "acct", START, wait_s=1.0)
    assert len(spoilt.pairs) == 1
    assert answer.code == "", answer.output
