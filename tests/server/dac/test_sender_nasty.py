"""NASes that lie, flood, mumble, keep silent; and a thousand requests at once."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyrad.packet import CoAPacket

from nacd.radius.dynauth.schedule import Timing
from nacd.radius.packet import attribute
from nacd.server.dac.paths import IDENTIFIERS, Limits
from nacd.sessions import Meaning, Outcome
from nacd.values import Secret
from tests.server.dac.box import (
    COA,
    DISCONNECT,
    ERROR_CAUSE,
    PATIENT,
    QUICK,
    SECRET,
    Behaviour,
    Box,
    Client,
    Heard,
    acknowledges,
    boxes,
    is_silent,
    reply,
    until,
    with_client,
)


def bent(octets: bytes, place: int) -> bytes:
    place %= len(octets)
    return octets[:place] + bytes((octets[place] ^ 0xFF,)) + octets[place + 1 :]


LIES: dict[str, tuple[Behaviour, str]] = {
    "another secret": (lambda _, heard: [reply(heard, secret=b"not ours")], "coa_response_authenticator"),
    "a bent authenticator": (lambda _, heard: [bent(reply(heard), 7)], "coa_response_authenticator"),
    "a bent attribute": (lambda _, heard: [bent(reply(heard), -1)], "coa_response_authenticator"),
    "another code": (lambda _, heard: [b"\x02" + reply(heard)[1:]], "coa_code"),
    "the ack of the other verb": (lambda _, heard: [b"\x2c" + reply(heard)[1:]], "coa_code"),
    "the request itself": (lambda _, heard: [heard.octets], "coa_code"),
    "half an answer": (lambda _, heard: [reply(heard)[:25]], "coa_malformed"),
    "nineteen octets": (lambda _, heard: [reply(heard)[:19]], "coa_malformed"),
    "a length of 4,097": (
        lambda _, heard: [reply(heard)[:2] + b"\x10\x01" + reply(heard)[4:] + bytes(4096)],
        "coa_malformed",
    ),
    "nothing at all": (lambda _, heard: [b""], "coa_unasked"),
    "one octet": (lambda _, heard: [b"\x29"], "coa_unasked"),
    "another identifier": (lambda _, heard: [bent(reply(heard), 1)], "coa_unasked"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_counted_and_the_right_answer_after_it_is_believed(lie: str) -> None:
    lies, reason = LIES[lie]

    async def story(client: Client) -> None:
        outcome = await client.ask(box.target())
        assert (outcome.meaning, outcome.tries) == (Meaning.ACKNOWLEDGED, 1)

    with boxes(lambda box, heard: [*lies(box, heard), reply(heard)]) as (box,):
        counted = with_client(story)
    assert [found for _, found in counted.rows] == [reason]


def test_who_only_lies_is_unanswered_and_the_outcome_says_what_was_wrong() -> None:
    async def story(client: Client) -> None:
        outcome = await client.ask(box.target())
        assert outcome.meaning is Meaning.UNANSWERED
        assert f"{outcome.tries} answers ignored, the last for its response authenticator" in outcome.detail

    with boxes(LIES["another secret"][0]) as (box,):
        with_client(story, timing=QUICK)


def test_an_answer_from_another_port_or_host_is_none_though_it_is_signed_right() -> None:
    async def story(client: Client) -> None:
        outcome = await client.ask(box.target())
        assert outcome.meaning is Meaning.UNANSWERED

    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host,
    ):
        port.bind(("127.0.0.1", 0))
        host.bind(("127.0.0.99", 0))

        def from_elsewhere(_box: Box, heard: Heard) -> list[bytes]:
            for sock in (port, host):
                sock.sendto(reply(heard), ("127.0.0.1", heard.port))
            return []

        with boxes(from_elsewhere) as (box,):
            counted = with_client(story, timing=QUICK)
            assert len(box.heard) >= 2
    wanted = {("nas-0", "coa_other_address"), ("", "coa_other_address")}
    assert set(counted.rows) == wanted
    assert Counter(counted.rows)["nas-0", "coa_other_address"] == len(box.heard)


def test_answers_that_come_twice_or_too_late_are_counted_and_change_nothing() -> None:
    async def story(client: Client) -> None:
        assert (await client.ask(twice.target())).meaning is Meaning.ACKNOWLEDGED
        outcome = await client.ask(late.target())
        assert outcome.meaning is Meaning.UNANSWERED
        first = late.heard[0]
        late.sock.sendto(reply(first), ("127.0.0.1", first.port))
        await until(lambda: client.counted.count("coa_late") == 1)
        assert client.counted.count("coa_duplicate") == 2
        assert client.sender.waiting == 0

    with boxes(lambda _, heard: [reply(heard)] * 3, is_silent) as (twice, late):
        with_client(story, timing=PATIENT)


def test_a_nak_after_the_ack_does_not_take_it_back() -> None:
    async def story(client: Client) -> None:
        assert {one.meaning for one in await client.all(box.target(), 20)} == {Meaning.ACKNOWLEDGED}

    with boxes(lambda _, heard: [reply(heard), reply(heard, nak=True, cause=503)]) as (box,):
        with_client(story)


def test_a_nas_that_answers_another_request_with_a_right_signature_ends_only_that_one() -> None:
    """The first request is answered when the second arrives, and the second never."""

    async def story(client: Client) -> None:
        outcomes = await asyncio.gather(client.ask(box.target(), COA), client.ask(box.target()))
        assert [one.meaning for one in outcomes] == [Meaning.ACKNOWLEDGED, Meaning.UNANSWERED]

    def answers_the_first(box: Box, heard: Heard) -> list[bytes]:
        return [reply(box.heard[0])] if heard.octets != box.heard[0].octets else []

    with boxes(answers_the_first) as (box,):
        with_client(story, timing=PATIENT)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=120), min_size=1, max_size=5), st.booleans())
def test_any_octets_as_answer_are_ignored_and_the_request_goes_on(datagrams: list[bytes], fits: bool) -> None:
    """fits: with the Identifier that was asked with, so that they get as far as they can."""

    def mumbles(_box: Box, heard: Heard) -> list[bytes]:
        if fits:
            datagrams[:] = [each[:1] + bytes((heard.identifier,)) + each[2:] for each in datagrams]
        return [*datagrams, reply(heard)]

    async def story(client: Client) -> None:
        assert (await client.ask(box.target())).meaning is Meaning.ACKNOWLEDGED

    with boxes(mumbles) as (box,):
        counted = with_client(story)
    assert len(counted.rows) == len(datagrams)


@pytest.mark.slow
def test_a_flood_from_one_nas_neither_delays_another_nor_grows() -> None:
    """It knows the port it was asked from, and sends thousands of datagrams there while others are asked."""
    over = threading.Event()

    def flood(to: int, octets: bytes) -> None:
        while not over.is_set():
            for _ in range(50):
                flooder.sock.sendto(octets, ("127.0.0.1", to))
            time.sleep(0.001)

    async def story(client: Client) -> None:
        stuck = client.ask(flooder.target())
        await until(lambda: len(flooder.heard) > 0)
        heard = flooder.heard[0]
        thread = threading.Thread(target=flood, args=(heard.port, bent(reply(heard), 9)), daemon=True)
        thread.start()
        try:
            await until(lambda: client.counted.count("coa_response_authenticator") > 1_000)
            outcomes = await client.all(good.target(rate_per_s=1000), 100)
            assert {one.meaning for one in outcomes} == {Meaning.ACKNOWLEDGED}
            assert (await stuck).meaning is Meaning.UNANSWERED
            # From now on it has a socket of its own.
            await client.all(flooder.target(), 1)
            assert flooder.heard[-1].port not in {heard.port for heard in good.heard}
        finally:
            over.set()
            thread.join(5)

    with boxes(is_silent, acknowledges) as (flooder, good):
        with_client(story, timing=PATIENT)


@pytest.mark.slow
def test_a_thousand_requests_to_twenty_nases_and_the_one_that_never_answers_delays_only_itself() -> None:
    async def story(client: Client) -> None:
        begun = time.monotonic()
        asked = [
            (box, client.ask(box.target(rate_per_s=50.0, concurrent=8))) for _ in range(50) for box in (silent, *others)
        ]
        good = [future for box, future in asked if box is not silent]
        bad = [future for box, future in asked if box is silent]
        outcomes = await asyncio.gather(*good)
        assert {(one.meaning, one.tries) for one in outcomes} <= {
            (Meaning.ACKNOWLEDGED, tries) for tries in range(1, 4)
        }
        # All others are done before the first request to the silent one is given up.
        assert not any(future.done() for future in bad)
        took_s = time.monotonic() - begun
        print(f"950 answered in {took_s:.2f} s at 50/s and 8 at once for each NAS")
        rows = {row.nas: (row.in_flight, row.waiting) for row in client.sender.status()}
        assert rows["nas-0"] == (8, 42)
        client.sender.close()
        assert {future.result().meaning for future in bad} == {Meaning.UNANSWERED}

    with boxes(is_silent, *[acknowledges] * 19) as (silent, *others):
        with_client(story)
        used = Counter(
            (heard.port, heard.identifier)
            for box in (silent, *others)
            for heard in {h.octets: h for h in box.heard}.values()
        )
        assert max(used.values()) == 1
        assert max(Counter(port for port, _ in used).values()) <= IDENTIFIERS
        assert all(heard.valid for box in (silent, *others) for heard in box.heard)


def test_when_ports_are_used_up_requests_wait_for_one_and_no_identifier_comes_again_within_the_window() -> None:
    window_s = 1.5

    async def story(client: Client) -> None:
        outcomes = await client.all(box.target(rate_per_s=10_000, concurrent=50), 700)
        assert {one.meaning for one in outcomes} == {Meaning.ACKNOWLEDGED}

    with boxes(acknowledges) as (box,):
        counted = with_client(story, limits=Limits(window_s=window_s, ports=1))
        last: dict[tuple[int, int], Heard] = {}
        for heard in box.heard:
            before = last.get((heard.port, heard.identifier))
            if before is not None and before.octets != heard.octets:
                assert heard.at - before.at >= window_s / 2  # it is heard later than it is sent
            last[heard.port, heard.identifier] = heard
    assert len({heard.octets for heard in box.heard}) == 700
    assert counted.count("coa_ports_used_up") >= 2


def test_sockets_close_when_nobody_has_asked_for_the_window() -> None:
    async def story(client: Client) -> None:
        await client.all(box.target(), 5)
        assert len(client.sender._paths) == 1
        await until(lambda: len(client.sender._paths) == 0)

    with boxes(acknowledges) as (box,):
        with_client(story, limits=Limits(window_s=0.2))


def test_more_than_may_wait_for_one_nas_is_told_at_once() -> None:
    async def story(client: Client) -> None:
        target = box.target(concurrent=1, rate_per_s=1)
        futures = [client.ask(target) for _ in range(10_002)]
        assert [future.done() for future in futures[:3]] == [False] * 3
        outcome = futures[-1].result()
        assert (outcome.meaning, outcome.tries) == (Meaning.UNANSWERED, 0)
        assert "too many" in outcome.detail
        assert client.ask(other.target()).done() is False

    with boxes(is_silent, acknowledges) as (box, other):
        with_client(story)


def test_an_answer_from_outside_the_window_of_time_is_ignored() -> None:
    def stale(_box: Box, heard: Heard) -> list[bytes]:
        packet = CoAPacket(packet=heard.octets, secret=SECRET).CreateReply()
        packet[55] = [(int(time.time()) - 3600).to_bytes(4)]
        packet[ERROR_CAUSE] = [(201).to_bytes(4)]
        return [bytes(packet.ReplyPacket()), reply(heard)]

    async def story(client: Client) -> None:
        assert (await client.ask(box.target())).error_cause == 0

    with boxes(stale) as (box,):
        assert with_client(story).rows == [("nas-0", "coa_event_timestamp")]


@settings(max_examples=6, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(20, 120))
def test_whatever_nases_do_every_request_gets_one_outcome_and_nothing_is_left_over(chance: Random, count: int) -> None:
    def anything(_box: Box, heard: Heard) -> list[bytes]:
        right, wrong = reply(heard), bent(reply(heard), 5)
        no = reply(heard, nak=True, cause=506)
        return chance.choice([[], [right], [no], [right, right], [wrong], [wrong, right], [right[:19], no, right]])

    async def story(client: Client) -> None:
        futures = []
        for number in range(count):
            target = chance.choice(three).target(concurrent=chance.randint(1, 5), rate_per_s=1000)
            key, body = f"session-{chance.randint(0, count // 2)}", attribute(1, b"%d" % number)
            futures.append(client.sender.ask(target, chance.choice([DISCONNECT, COA]), body, Secret(SECRET), key))
        for future in chance.sample(futures, count // 10):
            future.cancel()
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
        assert all(isinstance(one, Outcome | asyncio.CancelledError) for one in outcomes)
        await until(lambda: client.sender.waiting == 0)
        assert client.sender._in_flight == {}
        assert client.sender._by_key == {}
        assert {(row.waiting, row.in_flight) for row in client.sender.status()} == {(0, 0)}

    with boxes(*[anything] * 3) as three:
        with_client(story, timing=Timing(irt_s=0.02, mrt_s=0.05, mrc=4, mrd_s=0.2))
        sent = {heard.octets: (heard.port, heard.identifier) for box in three for heard in box.heard}
        assert len(set(sent.values())) == len(sent)
