"""What TLS can do beyond one full handshake, offered and tried: tickets, early data, renegotiation, new keys."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest
from OpenSSL import SSL
from OpenSSL._util import lib as _lib  # early data has no public name

from tests.hostile.certificates import Paper
from tests.hostile.conftest import Lab
from tests.hostile.records import APPLICATION, HANDSHAKE, Forger, alert, message, record, records
from tests.hostile.test_tls_bent import BOTH, SECONDS, end
from tests.hostile.wire import CHALLENGE


class Library:
    """A client of pyOpenSSL, which can do what the standard library cannot."""

    def __init__(self, context: SSL.Context) -> None:
        self.conn = SSL.Connection(context, None)
        self.conn.set_connect_state()

    def turn(self, octets: bytes) -> bytes:
        if octets:
            self.conn.bio_write(octets)
        try:
            self.conn.do_handshake()
            self.conn.recv(64)
        except (SSL.WantReadError, SSL.ZeroReturnError):
            pass
        return self.said()

    def said(self) -> bytes:
        try:
            return self.conn.bio_read(65_536)
        except SSL.WantReadError:
            return b""


def pyopenssl(paper: Paper, version: int) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(version)
    context.set_max_proto_version(version)
    context.use_certificate(paper.cert)
    context.use_privatekey(paper.key)
    return context


def elsewhere(lab: Lab, version: str) -> ssl.SSLContext:
    """A server of somebody else's that gives tickets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = lab.folder / f"elsewhere-{version}.pem"
    file.write_bytes(lab.laptop.key_pem + lab.laptop.pem)
    context.load_cert_chain(file)
    return context


# -- tickets ------------------------------------------------------------------------------------


@BOTH
def test_a_ticket_of_another_server_gets_a_full_handshake(lab: Lab, version: str) -> None:
    context = lab.context(lab.laptop, version)
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = elsewhere(lab, version).wrap_bio(inward, outward, server_side=True)
    first = lab.client(None, context=context)
    to_server = first.turn(b"")
    for _ in range(4):
        inward.write(to_server)
        try:
            server.do_handshake()
            server.write(b"x")
        except ssl.SSLWantReadError:
            pass
        to_server = first.turn(outward.read())
    session = first.tls.session
    assert session is not None
    assert session.has_ticket
    again = lab.client(None, context=context, session=session)
    talk = lab.talk()
    assert lab.verdict(talk, talk.login(again)) == "accept"
    assert not again.tls.session_reused


@BOTH
def test_a_session_of_a_login_here_gets_a_full_handshake(lab: Lab, version: str) -> None:
    context = lab.context(lab.laptop, version)
    first = lab.client(None, context=context)
    talk = lab.talk()
    assert lab.verdict(talk, talk.login(first)) == "accept"
    again = lab.client(None, context=context, session=first.tls.session)
    talk = lab.talk()
    assert lab.verdict(talk, talk.login(again)) == "accept"
    assert not again.tls.session_reused


def test_a_session_without_its_certificate_is_worth_nothing(lab: Lab) -> None:
    """Whoever steals a ticket, or lost the certificate since, has to show one all the same."""
    context = lab.context(None)
    first = lab.client(None, context=context)
    talk = lab.talk()
    talk.login(first)
    talk = lab.talk()
    answer = talk.login(lab.client(None, context=context, session=first.tls.session))
    assert lab.verdict(talk, answer) == "no_client_certificate"


# -- early data ---------------------------------------------------------------------------------


def early(lab: Lab) -> tuple[Library, bytes]:
    """A client with a session that allows early data, and its first flight with some."""
    context = pyopenssl(lab.laptop, SSL.TLS1_3_VERSION)
    other = SSL.Context(SSL.TLS_SERVER_METHOD)
    other.use_certificate(lab.laptop.cert)
    other.use_privatekey(lab.laptop.key)
    other.set_session_id(b"elsewhere")
    _lib.SSL_CTX_set_max_early_data(other._context, 4_096)
    server = SSL.Connection(other, None)
    server.set_accept_state()
    first = Library(context)
    to_server = first.turn(b"")
    for _ in range(4):
        if to_server:
            server.bio_write(to_server)
        try:
            server.do_handshake()
            server.send(b"x")
        except SSL.WantReadError:
            pass
        to_server = first.turn(server.bio_read(65_536))
    client = Library(context)
    session = first.conn.get_session()
    assert session is not None
    assert _lib.SSL_SESSION_get_max_early_data(session._session) == 4_096
    client.conn.set_session(session)
    written = SSL._ffi.new("size_t *")
    assert _lib.SSL_write_early_data(client.conn._ssl, b"let me in", 9, written) == 1
    return client, client.said()


def test_early_data_in_the_first_flight_is_refused(lab: Lab) -> None:
    """RFC 9190 section 2.1.2 forbids it: nobody is verified yet."""
    _, flight = early(lab)
    assert [kind for kind, _ in records(flight)] in ([HANDSHAKE, 20, APPLICATION], [HANDSHAKE, APPLICATION])
    talk = lab.talk()
    talk.begin()
    talk.flight(flight)
    assert lab.verdict(talk, talk.answer) == "bad_tls"


def test_early_data_that_is_offered_only_gets_a_full_handshake(lab: Lab) -> None:
    client, flight = early(lab)
    talk = lab.talk()
    talk.begin()
    flight = client.turn(talk.flight(record(HANDSHAKE, records(flight)[0][1], 0x0301)))
    while talk.answer.code == CHALLENGE:
        flight = client.turn(talk.flight(flight))
    assert lab.verdict(talk, talk.answer) == "accept"
    assert not _lib.SSL_session_reused(client.conn._ssl)


# -- renegotiation ------------------------------------------------------------------------------


def test_renegotiation_is_refused(lab: Lab) -> None:
    talk, client = lab.talk(), Library(pyopenssl(lab.laptop, SSL.TLS1_2_VERSION))
    talk.begin()
    client.turn(talk.flight(client.turn(talk.flight(client.turn(b"")))))
    assert client.conn.renegotiate()
    said = client.turn(b"")
    assert [kind for kind, _ in records(said)] == [HANDSHAKE]
    talk.flight(said)
    assert end(lab, talk) in {"bad_tls", "protocol_fault"}


# -- new keys, TLS 1.3 --------------------------------------------------------------------------


def forger(lab: Lab, talk, client) -> Forger:
    client.turn(talk.until_established(client))
    return Forger(client.keys()["CLIENT_TRAFFIC_SECRET_0"])


@pytest.mark.parametrize("ask", [False, True])
@pytest.mark.parametrize("count", [1, 130])
def test_new_keys_after_the_end_are_refused(lab: Lab, ask: bool, count: int) -> None:
    """130 are what fits into one packet; a fragment is not taken any more."""
    talk, client = lab.talk(), lab.honest()
    pen = forger(lab, talk, client)
    flood = b"".join(pen.key_update(ask=ask) for _ in range(count))
    assert lab.cpu(lambda: talk.flight(flood, 3_600)) < SECONDS
    assert end(lab, talk) in {"bad_tls", "protocol_fault"}


def test_a_fragment_after_the_end_is_refused(lab: Lab) -> None:
    talk, client = lab.talk(), lab.honest()
    pen = forger(lab, talk, client)
    talk.flight(pen.key_update(ask=True), 10)
    assert lab.verdict(talk, talk.answer) == "protocol_fault"


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        (HANDSHAKE, message(24, b"\x02")),
        (HANDSHAKE, message(1, bytes(40))),
        (HANDSHAKE, message(11, bytes(4))),
        (HANDSHAKE, message(4, bytes(40))),
        (HANDSHAKE, b"\x18\xff\xff\xff"),
        (HANDSHAKE, b""),
        (APPLICATION, b""),
        (APPLICATION, b"\x00"),
        (20, b"\x01"),
        (24, b"\x01\x40\x00"),
        (21, b"\x02\x28"),
        (21, b"\x01\x00"),
        (21, b"\x01\x5a"),
    ],
)
def test_whatever_is_said_under_the_new_keys_no_one_gets_in_by_it(lab: Lab, kind: int, octets: bytes) -> None:
    talk, client = lab.talk(), lab.honest()
    pen = forger(lab, talk, client)
    talk.flight(pen.record(kind, octets))
    assert end(lab, talk) in {"bad_tls", "protocol_fault", "supplicant_alert", "supplicant_cancelled"}


FLOODS: dict[str, Callable[[Forger], bytes]] = {
    "new keys": lambda pen: pen.key_update(ask=False),
    "new keys, answers wanted": lambda pen: pen.key_update(ask=True),
    "empty application data": lambda pen: pen.record(APPLICATION, b""),
    "CCS": lambda _: record(20, b"\x01"),
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("octets", [60, 60_000])
def test_a_flood_behind_the_finished_costs_little(lab: Lab, flood: str, octets: int) -> None:
    """The flight that ends the handshake has room for 64 KiB: some thousand records under the session's keys."""
    talk, client = lab.talk(), lab.honest()
    flight = talk.until_server_flight(client)
    pen = Forger(client.keys()["CLIENT_TRAFFIC_SECRET_0"])
    while len(flight) < octets + 700:
        flight += FLOODS[flood](pen)
    assert lab.cpu(lambda: talk.flight(flight[:65_000], 3_500)) < SECONDS
    assert end(lab, talk) in {"accept", "bad_tls"} - ({"accept"} if flood == "CCS" else set())


@pytest.mark.parametrize("level", [1, 2])
@pytest.mark.parametrize("number", [0, 90])
@pytest.mark.parametrize("behind", ["the finished", "the end"])
def test_who_cancels_is_not_let_in(lab: Lab, behind: str, number: int, level: int) -> None:
    """It proved who it is, and then said no."""
    talk, client = lab.talk(), lab.honest()
    flight = talk.until_server_flight(client)
    pen = Forger(client.keys()["CLIENT_TRAFFIC_SECRET_0"])
    said = pen.record(21, bytes((level, number)))
    if behind == "the end":
        talk.flight(flight)
        flight = b""
    talk.flight(flight + said)
    assert end(lab, talk) == "supplicant_cancelled"


@BOTH
def test_a_user_who_cancels_is_called_so_also_with_a_warning(lab: Lab, version: str) -> None:
    talk, client = lab.talk(), lab.honest(version)
    talk.until_server_flight(client)
    talk.flight(alert(90, 1))
    assert end(lab, talk) == "supplicant_cancelled"
