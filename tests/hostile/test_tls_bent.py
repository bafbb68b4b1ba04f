"""TLS that no sound client speaks, in every phase of a handshake."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence

import pytest

from tests.hostile.conftest import Lab
from tests.hostile.records import (
    ALERT,
    APPLICATION,
    CCS,
    CERTIFICATE,
    CLIENT_HELLO,
    EMS,
    FINISHED,
    GROUPS,
    HANDSHAKE,
    HEARTBEAT,
    POINTS,
    SENTINEL,
    SIGNATURES,
    alert,
    alerts,
    extension,
    hello,
    listed,
    message,
    messages,
    offers,
    record,
    records,
    with_extensions,
)
from tests.hostile.wire import CHALLENGE, Talk

BOTH = pytest.mark.parametrize("version", ["1.2", "1.3"])
SECONDS = 0.5
"""CPU of the server for one hostile flight; each takes milliseconds, so this fails only for another order of cost."""


def end(lab: Lab, talk: Talk) -> str:
    """Acknowledge the server's alert, if there is one: the outcome."""
    for _ in range(3):
        if talk.answer.code == CHALLENGE:
            talk.say(b"\x00")
    return lab.verdict(talk, talk.answer)


def first(lab: Lab, flight: bytes) -> tuple[str, list[int]]:
    """Send this as a first flight: the outcome, and the alerts the server sent."""
    talk = lab.talk()
    talk.begin()
    said = talk.flight(flight)
    return end(lab, talk), alerts(said)


def second(lab: Lab, version: str, bend: Callable[[bytes], bytes], who: str = "laptop") -> str:
    """Send a client's second flight, bent: the outcome."""
    talk = lab.talk()
    client = lab.honest(version) if who == "laptop" else lab.client(None, version)
    flight = bend(talk.until_server_flight(client))
    spent = lab.cpu(lambda: talk.flight(flight, 3_000))
    assert spent < SECONDS
    return end(lab, talk)


# -- the first flight ---------------------------------------------------------------------------

NO_SHARES = extension(51, listed(b""))

NO_HELLO: dict[str, bytes] = {
    "garbage": bytes(range(1, 201)),
    "http": b"GET / HTTP/1.1\r\nHost: radius\r\n\r\n",
    "an SSL 2.0 hello": bytes.fromhex("802b0100020012000000100100800300800700c00000060040020080040080") + bytes(16),
    "an alert": alert(40),
    "a close_notify": alert(0, 1),
    "application data": record(APPLICATION, b"hello"),
    "a heartbeat": record(HEARTBEAT, b"\x01\x40\x00"),
    "a CCS": record(CCS, b"\x01"),
    "a CCS behind a hello": record(HANDSHAKE, hello()) + record(CCS, b"\x01"),
    "application data behind a hello": record(HANDSHAKE, hello()) + record(APPLICATION, bytes(64)),
    "an empty record": record(HANDSHAKE, b"") + record(HANDSHAKE, hello()),
    "a record cut short": record(HANDSHAKE, hello())[:-1],
    "a record that claims 65,535 octets": record(HANDSHAKE, hello())[:3] + b"\xff\xff" + hello(),
    "half a hello": record(HANDSHAKE, hello()[:60]),
    "a hello that claims 16 MiB": record(HANDSHAKE, b"\x01\xff\xff\xff" + hello()[4:]),
    "a hello without a body": record(HANDSHAKE, message(CLIENT_HELLO, b"")),
    "a hello of zeros": record(HANDSHAKE, message(CLIENT_HELLO, bytes(200))),
    "a finished": record(HANDSHAKE, message(FINISHED, bytes(12))),
    "a certificate": record(HANDSHAKE, message(CERTIFICATE, bytes(3))),
    "a hello with half an extension": record(HANDSHAKE, hello(extensions=(SIGNATURES, b"\x00\x0a\x00\xff"))),
    "a hello with one extension twice": record(HANDSHAKE, hello(extensions=(SIGNATURES, GROUPS, GROUPS))),
    "two hellos": record(HANDSHAKE, hello() + hello()),
    "two hellos in two records": record(HANDSHAKE, hello()) + record(HANDSHAKE, hello()),
    "a hello for TLS 1.3 with compression": record(
        HANDSHAKE,
        hello(suites=(0x1301,), compression=b"\x01\x00", extensions=(SIGNATURES, GROUPS, offers(772), NO_SHARES)),
    ),
    "a hello without null compression": record(HANDSHAKE, hello(compression=b"\x01")),
    "a hello with a broken early data": record(
        HANDSHAKE,
        hello(suites=(0x1301,), extensions=(SIGNATURES, GROUPS, offers(772), NO_SHARES, extension(42, b"abc"))),
    ),
}


@pytest.mark.parametrize("name", NO_HELLO)
def test_what_is_no_sound_hello_is_refused(lab: Lab, name: str) -> None:
    assert first(lab, NO_HELLO[name])[0] == "bad_tls"


@pytest.mark.parametrize("legacy", [0x0300, 0x0301, 0x0302])
def test_a_client_of_old_versions_only_is_told_so(lab: Lab, legacy: int) -> None:
    code, said = first(lab, record(HANDSHAKE, hello(legacy=legacy), 0x0301))
    assert (code, said) == ("version_mismatch", [70])


@pytest.mark.parametrize("versions", [(0x0302, 0x0301), (0x0300,), (0x0305, 0x7F1C), (0x7A7A,), ()])
def test_versions_that_do_not_meet_are_told_so(lab: Lab, versions: Sequence[int]) -> None:
    code, said = first(lab, record(HANDSHAKE, hello(extensions=(SIGNATURES, GROUPS, POINTS, offers(*versions)))))
    assert code in ({"version_mismatch"} if versions else {"bad_tls", "version_mismatch"})
    assert said


def test_a_client_that_fell_back_though_it_need_not_is_stopped(lab: Lab) -> None:
    """TLS_FALLBACK_SCSV, RFC 7507: somebody made it believe that TLS 1.3 does not work here."""
    talk = lab.talk()
    talk.begin()
    assert alerts(talk.flight(record(HANDSHAKE, hello(suites=(0xC02B, 0x5600))))) == [86]
    assert end(lab, talk) == "version_mismatch"
    assert "fell back to TLS 1.2" in lab.record(talk)["why"]


@pytest.mark.parametrize("suites", [(0x002F,), (0xC007,), (0x0000,), (0xC006,), (0x0018,), (0x0004, 0x000A), (0x009E,)])
def test_a_client_of_weak_suites_only_is_told_so(lab: Lab, suites: Sequence[int]) -> None:
    assert first(lab, record(HANDSHAKE, hello(suites=suites))) == ("no_shared_cipher", [40])


def server_hello(lab: Lab, flight: bytes) -> bytes:
    talk = lab.talk()
    talk.begin()
    kind, body = messages(records(talk.flight(flight))[0][1])[0]
    assert kind == 2
    return body


def test_tls_1_2_carries_the_mark_of_a_server_that_knows_1_3(lab: Lab) -> None:
    """RFC 8446 section 4.1.3: a client that could do better sees that somebody talked it down."""
    assert server_hello(lab, record(HANDSHAKE, hello()))[2:34].endswith(SENTINEL)


def test_a_client_of_1_3_talked_down_to_1_2_notices(lab: Lab) -> None:
    """Its hello is stripped of TLS 1.3 on the way, its own state is not."""
    talk, client = lab.talk(), lab.client(lab.laptop, "1.2-1.3")
    talk.begin()
    own = messages(records(client.turn(b""))[0][1])[0][1]
    sent = own[34 + 1 + own[34] :]
    suites = sent[2 : 2 + int.from_bytes(sent[:2], "big")]
    known = [int.from_bytes(suites[at : at + 2], "big") for at in range(0, len(suites), 2)]
    alarm = client.turn(talk.flight(record(HANDSHAKE, hello(suites=[one for one in known if one not in (0x00FF,)]))))
    assert "INAPPROPRIATE_FALLBACK" in client.error
    assert alerts(alarm) == [47]
    talk.flight(alarm)
    assert end(lab, talk) == "supplicant_alert"


def test_compression_is_never_taken(lab: Lab) -> None:
    body = server_hello(lab, record(HANDSHAKE, hello(compression=b"\x01\x40\x00")))
    at = 35 + body[34]
    assert body[at + 2] == 0


@BOTH
@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_hello_in_many_records_gets_in(lab: Lab, version: str, size: int) -> None:
    talk, client = lab.talk(), lab.honest(version)
    talk.begin()
    whole = records(client.turn(b""))[0][1]
    pieces = [record(HANDSHAKE, whole[at : at + size]) for at in range(0, len(whole), size)]
    flight = client.turn(talk.flight(b"".join(pieces)))
    while talk.answer.code == CHALLENGE:
        flight = client.turn(talk.flight(flight))
    assert lab.verdict(talk, talk.answer) == "accept"


@pytest.mark.parametrize("kind", [21, 35, 0x0A0A, 0x4469, 65_037])
def test_a_hello_of_16_kib_costs_little(lab: Lab, kind: int) -> None:
    filler = extension(kind, b"\x00" * 15_900)
    talk = lab.talk()
    talk.begin()
    flight = record(HANDSHAKE, hello(extensions=(SIGNATURES, GROUPS, POINTS, filler)))
    assert lab.cpu(lambda: talk.flight(flight, 3_000)) < SECONDS
    lab.let_expire()


def test_many_groups_and_key_shares_cost_little(lab: Lab) -> None:
    groups = extension(10, listed(b"".join(n.to_bytes(2, "big") for n in range(1, 2_000))))
    shares = extension(51, listed(b"".join(n.to_bytes(2, "big") + listed(bytes(1)) for n in range(1, 2_000))))
    flight = record(HANDSHAKE, hello(suites=(0x1301,), extensions=(SIGNATURES, groups, shares, offers(772))))
    talk = lab.talk()
    talk.begin()
    assert lab.cpu(lambda: talk.flight(flight, 3_000)) < SECONDS
    assert end(lab, talk) == "protocol_fault", "it is asked for a usable key share, and has none"


@pytest.mark.parametrize("group", [0x0104, 0x0103, 0x0102])
def test_slow_groups_are_not_taken(lab: Lab, group: int) -> None:
    """ffdhe8192, 6144 and 4096: a key exchange with them costs more than all of the rest."""
    extensions = (SIGNATURES, extension(10, listed(group.to_bytes(2, "big"))), offers(772))
    shares = extension(51, listed(group.to_bytes(2, "big") + listed(os.urandom(512))))
    assert first(lab, record(HANDSHAKE, hello(suites=(0x1301,), extensions=(*extensions, shares)))) == (
        "no_shared_cipher",
        [40],
    )


@pytest.mark.parametrize(("group", "size"), [(0x0100, 256), (0x0101, 384), (23, 65), (24, 97), (25, 133), (30, 56)])
def test_the_slowest_groups_that_are_taken_cost_milliseconds(lab: Lab, group: int, size: int) -> None:
    share = b"\x04" + os.urandom(size - 1) if group < 26 else b"\x00" + os.urandom(size - 1)
    extensions = (SIGNATURES, extension(10, listed(group.to_bytes(2, "big"))), offers(772))
    shares = extension(51, listed(group.to_bytes(2, "big") + listed(share)))
    talk = lab.talk()
    talk.begin()
    flight = record(HANDSHAKE, hello(suites=(0x1301,), extensions=(*extensions, shares)))
    assert lab.cpu(lambda: talk.flight(flight)) < SECONDS
    assert end(lab, talk) in {"bad_tls", "protocol_fault"}


# -- the second flight --------------------------------------------------------------------------

BEFORE: dict[str, bytes] = {
    "garbage": bytes(range(1, 201)),
    "a record of 16,641 octets": record(HANDSHAKE, bytes(16_641)),
    "a record of 65,535 octets": record(HANDSHAKE, bytes(60_000))[:3] + b"\xff\xff" + bytes(60_000),
    "a hello": record(HANDSHAKE, hello()),
    "a finished": record(HANDSHAKE, message(FINISHED, bytes(32))),
    "application data": record(APPLICATION, os.urandom(64)),
    "a heartbeat": record(HEARTBEAT, b"\x01\x40\x00"),
    "a heartbeat flood": record(HEARTBEAT, b"\x01\x00\x00") * 6_000,
    "a certificate that claims 16 MiB": record(HANDSHAKE, b"\x0b\xff\xff\xff" + bytes(60)),
    "an unknown record": record(99, b"abc"),
    "an unknown message": record(HANDSHAKE, message(99, b"abc")),
    "a flood of empty records": record(HANDSHAKE, b"") * 10_000,
    "a flood of CCS": record(CCS, b"\x01") * 9_000,
    "a wrong CCS": record(CCS, b"\x02"),
    "a hello request": record(HANDSHAKE, message(0, b"")),
    "an alert of one octet": record(ALERT, b"\x02"),
    "alerts of an unknown level": record(ALERT, b"\x07\x28"),
    "a flood of warnings": alert(90, 1) * 7_000,
}


@BOTH
@pytest.mark.parametrize("name", BEFORE)
def test_what_no_client_sends_before_its_certificate_is_refused(lab: Lab, version: str, name: str) -> None:
    assert second(lab, version, lambda flight: BEFORE[name] + flight[: 60_000 - len(BEFORE[name])]) in {
        "bad_tls",
        "supplicant_alert",
        "supplicant_cancelled",
    }


@BOTH
@pytest.mark.parametrize("cut", [5, 40, 200])
def test_a_flight_cut_short_is_refused(lab: Lab, version: str, cut: int) -> None:
    assert second(lab, version, lambda flight: flight[:-cut]) == "bad_tls"


@BOTH
def test_a_flight_sent_twice_at_once_is_refused(lab: Lab, version: str) -> None:
    assert second(lab, version, lambda flight: flight + flight) == "bad_tls"


@BOTH
@pytest.mark.parametrize("where", [0, 1, 2, -1])
def test_a_flipped_bit_is_refused(lab: Lab, version: str, where: int) -> None:
    def flip(flight: bytes) -> bytes:
        parts = records(flight)
        kind, octets = parts[where]
        parts[where] = (kind, octets[:-1] + bytes((octets[-1] ^ 1,)))
        return b"".join(record(*part) for part in parts)

    assert second(lab, version, flip) in {"bad_tls", "proof_failed", "bad_signature"}


def test_no_more_than_a_few_ccs_pass_in_tls_1_3(lab: Lab) -> None:
    """RFC 8446 appendix D.4: they mean nothing there, and each costs a look."""
    assert second(lab, "1.3", lambda flight: record(CCS, b"\x01") * 5 + flight) == "accept"
    assert second(lab, "1.3", lambda flight: record(CCS, b"\x01") * 100 + flight) == "bad_tls"


ALERTS = {
    0: "supplicant_cancelled",
    10: "supplicant_alert",
    40: "supplicant_alert",
    42: "server_distrusted",
    45: "server_certificate_expired",
    48: "server_distrusted",
    51: "supplicant_alert",
    70: "version_mismatch",
    80: "supplicant_alert",
    90: "supplicant_cancelled",
    255: "supplicant_alert",
}


@BOTH
@pytest.mark.parametrize("number", ALERTS)
def test_an_alert_after_the_servers_flight_is_put_into_words(lab: Lab, version: str, number: int) -> None:
    assert second(lab, version, lambda _: alert(number, 1 if number == 0 else 2)) == ALERTS[number]


@BOTH
def test_a_client_without_certificate_may_not_pretend(lab: Lab, version: str) -> None:
    assert second(lab, version, lambda flight: flight, who="nobody") == "no_client_certificate"


# -- after the end ------------------------------------------------------------------------------


@BOTH
def test_application_data_after_the_end_is_refused(lab: Lab, version: str) -> None:
    talk, client = lab.talk(), lab.honest(version)
    client.turn(talk.until_established(client))
    client.tls.write(b"GET / HTTP/1.1\r\n\r\n")
    talk.flight(client.outward.read())
    assert end(lab, talk) == "bad_tls"


@BOTH
def test_a_close_notify_after_the_end_is_a_cancelled_login(lab: Lab, version: str) -> None:
    talk, client = lab.talk(), lab.honest(version)
    client.turn(talk.until_established(client))
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    talk.flight(client.outward.read())
    assert end(lab, talk) == "supplicant_cancelled"


@BOTH
@pytest.mark.parametrize("rest", [b"\x00", alert(40), record(HANDSHAKE, hello()), record(APPLICATION, bytes(40))])
def test_octets_in_the_clear_after_the_end_are_refused(lab: Lab, version: str, rest: bytes) -> None:
    talk, client = lab.talk(), lab.honest(version)
    client.turn(talk.until_established(client))
    talk.flight(rest)
    assert end(lab, talk) in {"bad_tls", "supplicant_alert", "protocol_fault"}


def test_offered_post_handshake_authentication_is_not_used(lab: Lab) -> None:
    context = lab.context(lab.laptop)
    context.post_handshake_auth = True
    talk, client = lab.talk(), lab.client(None, context=context)
    assert lab.verdict(talk, talk.login(client)) == "accept"
    assert client.application == b"\x00", "nothing but the commitment octet came"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("added", [(extension(15, b"\x01"),), (extension(5, b"\x01\x00\x00\x00\x00"), EMS)])
def test_a_hello_changed_on_the_way_is_noticed(lab: Lab, version: str, added: tuple[bytes, ...]) -> None:
    """A heartbeat offered, a stapled answer asked for: whoever adds to a hello breaks the handshake."""
    talk, client = lab.talk(), lab.honest(version)
    talk.begin()
    flight = client.turn(talk.flight(with_extensions(client.turn(b""), *added)))
    while talk.answer.code == CHALLENGE and flight:
        flight = client.turn(talk.flight(flight))
    assert end(lab, talk) in {"bad_tls", "supplicant_alert", "proof_failed"}
