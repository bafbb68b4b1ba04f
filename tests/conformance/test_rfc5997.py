"""RFC 5997, Use of Status-Server Packets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.octets import ACCEPT, ACCOUNTING_RESPONSE, REJECT, STATUS, mab, request
from tests.conformance.wire import Wire
from tests.server.house import House


@pytest.mark.clause("RFC 5997 section 3", "a Status-Server without Message-Authenticator is silently discarded")
def test_an_unsigned_question_is_dropped_on_both_ports(wire: Wire, acct: Wire) -> None:
    for port in (wire, acct):
        assert port.is_silent(request((32, b"switch"), code=STATUS, sign=False))


@pytest.mark.clause("RFC 5997 section 3", "a Status-Server with a wrong Message-Authenticator is silently discarded")
def test_a_question_signed_with_another_secret_is_dropped(wire: Wire, acct: Wire) -> None:
    for port in (wire, acct):
        assert port.is_silent(request(code=STATUS, secret=b"another secret"))


@pytest.mark.clause("RFC 5997 section 3", "to the authentication port: Access-Accept")
def test_the_authentication_port_accepts(wire: Wire) -> None:
    assert wire.ask(request((32, b"switch"), code=STATUS)).code == ACCEPT


@pytest.mark.clause("RFC 5997 section 3", "to the accounting port: Accounting-Response")
def test_the_accounting_port_responds(acct: Wire) -> None:
    assert acct.ask(request((32, b"switch"), code=STATUS)).code == ACCOUNTING_RESPONSE


@pytest.mark.clause("RFC 5997 section 4.2", "a client that is not known gets no answer")
def test_a_stranger_learns_nothing(house: House, wire: Wire, plug: Callable[..., Wire]) -> None:
    stranger = plug(house, source="127.0.0.9")
    stranger.sock.send(request(code=STATUS))
    assert wire.is_silent(b"")
    stranger.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        stranger.sock.recv(4096)


@pytest.mark.clause("RFC 5997 section 3", "the answer carries no attribute of an authorization")
def test_the_answer_is_its_signature_alone(wire: Wire) -> None:
    assert {number for number, _ in wire.ask(request((1, b"alice"), code=STATUS)).attributes} == {80}


@pytest.mark.clause("RFC 5997 section 4.2", "no side effects: nothing is decided, asked of Intune or recorded")
def test_a_hundred_questions_leave_no_trace(house: House, wire: Wire, acct: Wire) -> None:
    records, calls = len(house.records()), len(house.register.calls)
    for _ in range(50):
        wire.ask(request((1, b"alice"), code=STATUS))
        acct.ask(request((40, (1).to_bytes(4)), code=STATUS))
    assert (len(house.records()), len(house.register.calls)) == (records, calls)


@pytest.mark.clause("RFC 5997 section 4.6", "Status-Server is counted apart from other requests")
def test_questions_have_a_counter_of_their_own(build: Callable[..., House], plug: Callable[..., Wire]) -> None:
    house = build()
    wire = plug(house)
    for octets in (request(code=STATUS), mab(), request(code=STATUS)):
        assert wire.ask(octets).code == ACCEPT
    assert house.do(lambda: house.worker.counts.status) == 2


@pytest.mark.clause("RFC 5997 section 4.2", "the answer says how things are now: it is never one from memory")
def test_the_same_question_is_not_answered_from_the_cache(
    build: Callable[..., House], plug: Callable[..., Wire]
) -> None:
    house = build()
    wire, question = plug(house), request(code=STATUS)
    assert wire.ask(question).code == ACCEPT
    house.site.audit.unlink()
    house.site.audit.symlink_to("/dev/full")
    house.tick()
    assert wire.ask(mab()).code == REJECT  # could not be recorded
    wire.sock.send(question)
    wire.sock.send(request((1, b"host/laptop"), (79, b""), identifier=201))
    assert wire.sock.recv(4096)[1] == 201  # a server that cannot record lets probes go elsewhere
