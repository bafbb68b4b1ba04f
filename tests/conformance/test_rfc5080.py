"""RFC 5080, Common RADIUS Implementation Issues and Suggested Fixes."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise

import pytest

from nacd.radius.dedup import LIFETIME_S, DedupTable, InProgress, New, Replay, RequestKey
from nacd.radius.dynauth.schedule import DEFAULT, Attempt, first, following
from nacd.values import ComplianceState, Instant
from tests.conformance.octets import ACCEPT, PRINTER, REJECT, STRANGER, mab, request
from tests.conformance.wire import Wire
from tests.server.house import House, Register, soon


def at(seconds: float) -> Instant:
    return Instant(wall=1_700_000_000.0 + seconds, monotonic=seconds)


def key(source: str = "10.0.0.1", port: int = 1645, identifier: int = 1, vector: bytes = bytes(16)) -> RequestKey:
    return RequestKey(place=("auth", source, port, identifier, True), authenticator=vector)


@pytest.mark.clause(
    "RFC 5080 section 2.2.2", "a duplicate of an answered request gets the same answer, octet for octet"
)
def test_fifty_retransmissions_are_one_decision_and_fifty_equal_answers(
    build: Callable[..., House], plug: Callable[..., Wire]
) -> None:
    house = build()
    wire, octets = plug(house), mab(STRANGER)
    assert len({wire.raw(octets) for _ in range(50)}) == 1
    assert len(house.register.calls) == 1
    assert len(house.records("access.accept")) == 1


@pytest.mark.clause("RFC 5080 section 2.2.2", "a duplicate of a request that is still worked on is discarded")
def test_retransmissions_while_intune_is_asked_are_one_question_and_one_answer(
    build: Callable[..., House], plug: Callable[..., Wire]
) -> None:
    register = Register()
    register.open.clear()
    house = build(register, deadline_s=4.0)
    wire, octets = plug(house), mab(STRANGER)
    for _ in range(20):
        wire.sock.send(octets)
    assert soon(lambda: bool(register.calls))
    assert wire.is_silent(octets)
    register.open.set()
    assert wire.sock.recv(4096)[0] == ACCEPT
    assert wire.is_silent(b"")
    assert len(register.calls) == 1


@pytest.mark.clause(
    "RFC 5080 section 2.2.2", "a duplicate has the same source address, port, Identifier and authenticator"
)
@pytest.mark.parametrize(
    "other",
    [key(source="10.0.0.2"), key(port=1646), key(identifier=2), key(vector=b"\1" * 16)],
    ids=["address", "port", "identifier", "authenticator"],
)
def test_a_request_that_differs_in_one_of_the_four_is_new(other: RequestKey) -> None:
    table = DedupTable()
    assert isinstance(table.admit(key(), at(0)), New)
    assert isinstance(table.admit(other, at(1)), New)


@pytest.mark.clause("RFC 5080 section 2.2.2", "a new authenticator with the same Identifier purges the old request")
def test_the_next_request_with_an_identifier_takes_its_place(house: House, wire: Wire) -> None:
    first, second = mab(identifier=9), mab(identifier=9)
    before = wire.raw(first)
    assert wire.raw(second) != before
    number = len(house.records("access.accept"))
    assert wire.raw(first) != before  # worked out anew, with a token of its own, since nothing of it was kept
    assert len(house.records("access.accept")) == number + 1


@pytest.mark.clause("RFC 5080 section 2.2.2", "answers are kept for 5 to 30 seconds")
def test_an_answer_is_kept_for_thirty_seconds_and_no_longer() -> None:
    assert 5 <= LIFETIME_S <= 30
    table = DedupTable()
    table.admit(key(), at(0))
    assert isinstance(table.admit(key(), at(1)), InProgress)
    table.remember(key(), b"answer", at(2))
    assert isinstance(table.admit(key(), at(2 + LIFETIME_S - 0.1)), Replay)
    assert isinstance(table.admit(key(), at(2 + LIFETIME_S)), New)


@pytest.mark.clause("RFC 5080 section 2.2.2", "a packet whose Message-Authenticator is wrong does not touch the cache")
def test_a_forged_packet_pushes_no_answer_out(house: House, wire: Wire) -> None:
    genuine = mab(identifier=10)
    answer = wire.raw(genuine)
    forged = bytearray(mab(identifier=10))
    forged[-1] ^= 1
    assert wire.is_silent(bytes(forged))
    number = len(house.records("access.accept"))
    assert wire.raw(genuine) == answer
    assert len(house.records("access.accept")) == number


@pytest.mark.clause("RFC 5080 section 2.2.2", "requests are answered in the order in which they can be, none is lost")
def test_a_hundred_requests_from_one_port_get_a_hundred_answers(wire: Wire) -> None:
    asked = [mab(identifier=identifier) for identifier in range(100)]
    for octets in asked:
        wire.sock.send(octets)
    assert {wire.sock.recv(4096)[1] for _ in asked} == set(range(100))


@pytest.mark.clause("RFC 5080 section 2.6.1", "an Access-Reject carries nothing of an authorization")
def test_a_reject_carries_no_attribute_of_a_profile(build: Callable[..., House], plug: Callable[..., Wire]) -> None:
    got = plug(build(Register(state=ComplianceState.NOT_MANAGED))).ask(mab(STRANGER))
    assert got.code == REJECT
    assert {number for number, _ in got.attributes} == {80}


@pytest.mark.clause(
    "RFC 5080 section 2.6.2", "a service that is not granted is an Access-Reject, never an Accept of less"
)
def test_a_prompt_on_the_nas_is_rejected_though_the_mac_is_known(wire: Wire) -> None:
    name = (1, PRINTER.replace("-", "").lower().encode())
    assert wire.ask(request(name, (31, PRINTER.encode()), (6, (7).to_bytes(4)))).code == REJECT


@pytest.mark.clause("RFC 5080 section 2.2.1", "a client retransmits after 2 seconds, doubled up to 16, with jitter")
@pytest.mark.parametrize("jitter", [-0.1, 0.0, 0.1])
def test_requests_of_our_own_are_repeated_after_two_four_eight_seconds_and_given_up_at_thirty(jitter: float) -> None:
    attempt: Attempt | None = first(DEFAULT, 0.0, jitter)
    sent: list[float] = []
    now = 0.0
    while attempt is not None:
        sent.append(now)
        now = attempt.next_at
        attempt = following(DEFAULT, attempt, now, jitter)
    assert now == 30.0
    waits = [later - earlier for earlier, later in pairwise(sent)]
    assert waits[0] == pytest.approx(2 * (1 + jitter))
    assert all(after == pytest.approx(before * (2 + jitter)) for before, after in pairwise(waits))


@pytest.mark.clause(
    "RFC 5080 section 2.1.1", "State is made anew for each Challenge of a conversation or stays its own"
)
def test_two_conversations_never_share_a_state(wire: Wire) -> None:
    states = {wire.ask(request((1, os.urandom(4).hex().encode()), (79, b""))).first(24) for _ in range(20)}
    assert len(states) == 20
    assert all(len(state) >= 16 for state in states)
