"""The simulated switches of the load generator: what they repeat, believe and count, against a scripted server."""

from __future__ import annotations

import hashlib
import hmac
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tools.scenarios import wire
from tools.scenarios.endpoints import Endpoint, Login, Outcomes
from tools.scenarios.loop import Loop
from tools.scenarios.nas import Retries, Switch, Traffic

SECRET = b"secret of this test"
VLAN_140 = bytes((64, 6, 0, 0, 0, 13, 65, 6, 0, 0, 0, 6, 81, 5)) + b"140"


def reply(request: bytes, code: int = wire.ACCEPT, attributes: bytes = b"", *, signed: bool = True) -> bytes:
    """An answer built step by step as RFC 2865 section 3 and RFC 3579 section 3.2 say."""
    body = (b"\x50\x12" + bytes(16) if signed else b"") + attributes
    head = bytes((code, request[1])) + (20 + len(body)).to_bytes(2, "big")
    if signed:
        signature = hmac.new(SECRET, head + request[4:20] + body, hashlib.md5).digest()
        body = body[:2] + signature + body[18:]
    return head + hashlib.md5(head + request[4:20] + body + SECRET).digest() + body


class Server:
    """Keeps what it hears; says what the script gives for the request and its number."""

    def __init__(self, loop: Loop) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.heard: list[bytes] = []
        self.ports: list[int] = []
        self.script: Callable[[bytes, int], list[bytes]] = lambda request, number: []
        loop.read(self.sock, self._hear)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.sock.getsockname()[1])

    def _hear(self) -> None:
        octets, where = self.sock.recvfrom(4096)
        self.heard.append(octets)
        self.ports.append(where[1])
        for answer in self.script(octets, len(self.heard)):
            self.sock.sendto(answer, where)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def server(loop: Loop) -> Iterator[Server]:
    one = Server(loop)
    yield one
    one.sock.close()


@pytest.fixture
def switch(loop: Loop, server: Server) -> Iterator[Switch]:
    one = Switch(
        loop,
        Retries(loop, 0.05),
        source="127.0.0.1",
        server=server.address,
        secret=SECRET,
        traffic=Traffic(),
        tries=3,
    )
    yield one
    one.close()


def ask(loop: Loop, switch: Switch, within_s: float = 5.0) -> bytes | None:
    """One request to its end."""
    ends: list[bytes | None] = []

    def then(answer: bytes | None) -> None:
        ends.append(answer)
        loop.end()

    switch.ask(wire.ACCESS_REQUEST, wire.text(wire.USER_NAME, "somebody"), then)
    loop.run(time.monotonic() + within_s)
    assert len(ends) == 1
    return ends[0]


def mab(loop: Loop, switch: Switch) -> Outcomes:
    """One MAB login of an endpoint that must be put in VLAN 140."""
    outcomes = Outcomes()
    endpoint = Endpoint(mac="00-1B-A9-00-00-01", switch=switch, accounting=None, port=1, vlan="140")
    Login(endpoint, time.monotonic(), outcomes, lambda login: loop.end())
    loop.run(time.monotonic() + 5.0)
    return outcomes


def test_silence_brings_the_same_octets_again_and_then_the_end(loop: Loop, server: Server, switch: Switch) -> None:
    assert ask(loop, switch) is None
    assert len(server.heard) == 3
    assert len(set(server.heard)) == 1
    assert (switch.traffic.requests, switch.traffic.retransmissions, switch.traffic.given_up) == (1, 2, 1)


def test_an_answer_to_the_second_transmission_is_taken(loop: Loop, server: Server, switch: Switch) -> None:
    server.script = lambda request, number: [reply(request)] if number == 2 else []
    answer = ask(loop, switch)
    assert answer is not None
    assert answer[0] == wire.ACCEPT
    assert switch.traffic.retransmissions == 1


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda request: reply(request, signed=False), "it has no Message-Authenticator"),
        (lambda request: reply(request)[:4] + bytes(16) + reply(request)[20:], "its Response Authenticator is wrong"),
        (lambda request: reply(request) + b"\0", "its length is wrong"),
        (lambda request: reply(request, code=5), "code 5 answers an Access-Request"),
    ],
)
def test_what_is_not_signed_well_is_counted_and_not_taken(
    spoil: Callable[[bytes], bytes], why: str, loop: Loop, server: Server, switch: Switch
) -> None:
    server.script = lambda request, number: [spoil(request)]
    assert ask(loop, switch) is None
    assert switch.traffic.unverified[why] >= 1


def test_a_message_authenticator_over_other_octets_is_wrong(loop: Loop, server: Server, switch: Switch) -> None:
    def script(request: bytes, number: int) -> list[bytes]:
        good = reply(request, attributes=VLAN_140)
        changed = good[:4] + good[20:-1] + b"1"
        sealed = hashlib.md5(good[:4] + request[4:20] + changed[4:] + SECRET).digest()
        return [good[:4] + sealed + changed[4:]]

    server.script = script
    assert ask(loop, switch) is None
    assert switch.traffic.unverified["its Message-Authenticator is wrong"] >= 1


def test_an_answer_that_comes_twice_counts_as_late_and_not_as_wrong(loop: Loop, server: Server, switch: Switch) -> None:
    server.script = lambda request, number: [reply(request), reply(request)]
    assert ask(loop, switch) is not None
    loop.run(time.monotonic() + 0.1)
    assert switch.traffic.late == 1
    assert not switch.traffic.unverified


def test_more_than_256_requests_under_way_take_a_second_source_port(loop: Loop, server: Server) -> None:
    switch = Switch(
        loop,
        Retries(loop, 60.0),
        source="127.0.0.1",
        server=server.address,
        secret=SECRET,
        traffic=Traffic(),
    )
    for number in range(300):
        switch.ask(wire.ACCESS_REQUEST, b"", lambda answer: None)
        deadline = time.monotonic() + 5.0
        while len(server.heard) <= number and time.monotonic() < deadline:
            loop.run(time.monotonic() + 0.001)
    assert len(set(server.ports)) == 2
    assert len({(octets[1], port) for octets, port in zip(server.heard, server.ports, strict=True)}) == 300
    assert switch.traffic.crowded_out == 0
    switch.close()


def test_an_accept_into_the_right_vlan_is_service(loop: Loop, server: Server, switch: Switch) -> None:
    server.script = lambda request, number: [reply(request, attributes=VLAN_140)]
    outcomes = mab(loop, switch)
    assert (outcomes.served, outcomes.lost, outcomes.wrong_count) == (1, 0, 0)
    assert len(outcomes.access_s) == 1


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (lambda request: reply(request, wire.REJECT), "rejected"),
        (reply, "put in VLAN `` instead of `140`"),
        (lambda request: reply(request, attributes=b"\x51\x05999"), "put in VLAN `999` instead of `140`"),
        (lambda request: reply(request, wire.CHALLENGE), "code 11"),
    ],
)
def test_a_verified_answer_that_this_endpoint_must_not_get_is_wrong(
    answer: Callable[[bytes], bytes], wrong: str, loop: Loop, server: Server, switch: Switch
) -> None:
    server.script = lambda request, number: [answer(request)]
    outcomes = mab(loop, switch)
    assert (outcomes.served, outcomes.lost) == (0, 0)
    assert dict(outcomes.wrong) == {wrong: 1}


def test_a_login_that_nobody_answers_is_lost(loop: Loop, server: Server, switch: Switch) -> None:
    outcomes = mab(loop, switch)
    assert (outcomes.served, outcomes.lost, outcomes.wrong_count) == (0, 1, 0)
