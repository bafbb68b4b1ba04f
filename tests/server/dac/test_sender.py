"""The sender against NASes that behave: who is asked what, when again, and what becomes of it."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from nacd.errors import BadValue
from nacd.radius.packet import Code, attribute, decode
from nacd.server.dac import sender
from nacd.server.dac.sender import STOPPING, Target
from nacd.sessions import Meaning, Outcome
from nacd.values import Secret
from tests.conftest import unavailable
from tests.server.dac.box import (
    BODY,
    COA,
    DISCONNECT,
    OFTEN,
    PATIENT,
    QUICK,
    SECRET,
    Box,
    Client,
    Heard,
    acknowledges,
    boxes,
    is_silent,
    refuses,
    reply,
    until,
    with_client,
)


@pytest.mark.parametrize("code", [DISCONNECT, COA])
def test_a_request_is_signed_right_and_its_acknowledgement_ends_it(code: int) -> None:
    async def story(client: Client) -> None:
        outcome = await client.ask(box.target(), code)
        assert (outcome.meaning, outcome.tries, outcome.error_cause) == (Meaning.ACKNOWLEDGED, 1, 0)
        assert 0 < outcome.took_s < 60
        assert client.sender.waiting == 0

    with boxes(acknowledges) as (box,):
        counted = with_client(story)
        (heard,) = box.heard
    assert heard.valid
    assert decode(heard.octets).types == bytes((80, 55, 1))
    assert abs(int.from_bytes(decode(heard.octets).first(55)) - time.time()) < 60
    assert counted.rows == []


def test_an_old_nas_gets_neither_event_timestamp_nor_message_authenticator() -> None:
    async def story(client: Client) -> None:
        assert (await client.ask(box.target(omit_event_timestamp=True, omit_message_authenticator=True))).tries == 1

    with boxes(lambda _, heard: [reply(heard, signed=False)]) as (box,):
        with_client(story)
        assert box.heard[0].valid
        assert decode(box.heard[0].octets).types == b"\x01"


@pytest.mark.parametrize(
    ("cause", "meaning"),
    [
        (0, Meaning.NEXT_VERB),
        (201, Meaning.GONE),
        (202, Meaning.ALARM),
        (401, Meaning.CONFIGURATION),
        (402, Meaning.NEXT_VERB),
        (403, Meaning.CONFIGURATION),
        (404, Meaning.CONFIGURATION),
        (405, Meaning.NEXT_VERB),
        (406, Meaning.NEXT_VERB),
        (407, Meaning.CONFIGURATION),
        (501, Meaning.ALARM),
        (502, Meaning.ALARM),
        (503, Meaning.GONE),
        (504, Meaning.NEXT_VERB),
        (505, Meaning.ALARM),
        (506, Meaning.LATER),
        (507, Meaning.LATER),
        (508, Meaning.NARROW),
        (4_000_000_000, Meaning.ALARM),
    ],
)
def test_each_refusal_of_a_nas_has_its_meaning(cause: int, meaning: Meaning) -> None:
    async def story(client: Client) -> None:
        for code in (DISCONNECT, COA):
            outcome = await client.ask(box.target(), code)
            assert (outcome.meaning, outcome.error_cause) == (meaning, cause)
            assert outcome.detail

    with boxes(refuses(cause)) as (box,):
        with_client(story)
        assert [heard.octets[0] for heard in box.heard] == [Code.DISCONNECT_REQUEST, Code.COA_REQUEST]


def test_retransmissions_are_the_same_octets_from_the_same_port_and_end_after_the_schedule() -> None:
    async def story(client: Client) -> None:
        outcome = await client.ask(box.target())
        assert outcome.meaning is Meaning.UNANSWERED
        assert outcome.tries == len(box.heard)
        assert "no answer to" in outcome.detail

    with boxes(is_silent) as (box,):
        with_client(story, timing=QUICK)
        assert 2 <= len(box.heard) <= 5
        assert len({(heard.octets, heard.port) for heard in box.heard}) == 1


def test_event_timestamp_is_not_refreshed_though_the_second_has_changed() -> None:
    async def story(client: Client) -> None:
        assert (await client.ask(box.target())).meaning is Meaning.ACKNOWLEDGED

    def answers_after_a_second(box: Box, heard: Heard) -> list[bytes]:
        return [reply(heard)] if int(heard.at - box.heard[0].at) >= 1 else []

    with boxes(answers_after_a_second) as (box,):
        with_client(story, timing=OFTEN)
        assert len(box.heard) >= 3
        assert len({heard.octets for heard in box.heard}) == 1


def test_an_answer_to_a_later_transmission_says_how_many_it_took() -> None:
    async def story(client: Client) -> None:
        outcome = await client.ask(box.target())
        assert outcome.meaning is Meaning.ACKNOWLEDGED
        assert outcome.tries >= 3

    with boxes(lambda box, heard: [reply(heard)] if len(box.heard) == 3 else []) as (box,):
        with_client(story, timing=OFTEN)


def test_where_nothing_listens_the_schedule_is_kept_and_the_outcome_says_so() -> None:
    async def story(client: Client) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        nobody = client.ask(Target(nas="gone", host="127.0.0.1", port=port))
        # An ICMP error about the one must not hit the other, which shares its socket.
        others = await client.all(box.target(), 30)
        assert {(one.meaning, one.tries) for one in others} == {(Meaning.ACKNOWLEDGED, 1)}
        outcome = await nobody
        assert outcome.meaning is Meaning.UNANSWERED
        assert outcome.tries >= 2
        assert "nothing listens there" in outcome.detail

    with boxes(acknowledges) as (box,):
        counted = with_client(story, timing=PATIENT)
    assert ("gone", "coa_refused") in counted.rows


def test_a_source_address_that_is_not_ours_fails_at_once_and_says_why() -> None:
    async def story(client: Client) -> None:
        outcome = await client.ask(box.target(source="192.0.2.77"))
        assert (outcome.meaning, outcome.tries) == (Meaning.UNANSWERED, 0)
        assert "`192.0.2.77`" in outcome.detail
        assert (await client.ask(box.target(source="127.0.0.3"))).meaning is Meaning.ACKNOWLEDGED

    with boxes(acknowledges) as (box,):
        assert ("nas-0", "coa_no_socket") in with_client(story).rows


def test_over_ipv6_as_well(has_ipv6: bool) -> None:
    if not has_ipv6:
        unavailable("this machine has no ::1")

    async def story(client: Client) -> None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as nas:
            nas.bind(("::1", 0))
            nas.setblocking(False)
            asked = client.ask(Target(nas="six", host="0:0:0:0:0:0:0:1", port=nas.getsockname()[1]))
            octets, back = await asyncio.get_running_loop().sock_recvfrom(nas, 4096)
            nas.sendto(reply(Heard(octets=octets, port=back[1], at=0.0, valid=True)), back)
            assert (await asked).meaning is Meaning.ACKNOWLEDGED

    with_client(story)


def test_what_cannot_be_sent_is_refused_to_the_caller() -> None:
    async def story(client: Client) -> None:
        with pytest.raises(BadValue):
            client.ask(Target(nas="x", host="127.0.0.1"), 1)
        with pytest.raises(BadValue):
            client.ask(Target(nas="x", host="127.0.0.1"), DISCONNECT, attribute(80, bytes(16)))
        with pytest.raises(ValueError, match="no IP address"):
            client.ask(Target(nas="x", host="switch.example.test"))
        assert client.sender.waiting == 0

    with_client(story)


def test_a_nas_is_asked_no_faster_than_its_rate() -> None:
    async def story(client: Client) -> None:
        assert {one.tries for one in await client.all(box.target(rate_per_s=20, concurrent=2), 12)} == {1}

    with boxes(acknowledges) as (box,):
        with_client(story)
        # Two leave at once, ten at twenty a second; the first may have been heard late.
        assert box.heard[-1].at - box.heard[0].at >= 10 / 20 / 2


# -- one thing at a time ------------------------------------------------------------------------


def test_the_same_request_about_the_same_session_is_asked_once() -> None:
    async def story(client: Client) -> None:
        def ask(attributes: bytes) -> asyncio.Future[Outcome]:
            return client.sender.ask(box.target(), DISCONNECT, attributes, Secret(SECRET), "one session")

        assert ask(BODY) is ask(BODY)
        other = ask(attribute(1, b"other words"))
        assert (await ask(BODY)).meaning is Meaning.ACKNOWLEDGED
        assert (await other).meaning is Meaning.ACKNOWLEDGED
        assert (await ask(BODY)).meaning is Meaning.ACKNOWLEDGED
        assert client.sender.waiting == 0

    with boxes(acknowledges) as (box,):
        with_client(story)
        assert [decode(heard.octets).first(1) for heard in box.heard] == [b"nemo", b"other words", b"nemo"]


def test_the_next_verb_of_a_session_waits_for_the_first_ones_outcome() -> None:
    async def story(client: Client) -> None:
        futures = [
            client.sender.ask(box.target(), DISCONNECT, attribute(1, name), Secret(SECRET), "one session")
            for name in (b"first", b"second")
        ]
        assert [one.meaning for one in await asyncio.gather(*futures)] == [Meaning.ACKNOWLEDGED] * 2

    with boxes(lambda box, heard: [reply(heard)] if len(box.heard) > 2 else []) as (box,):
        with_client(story, timing=OFTEN)
        names = [decode(heard.octets).first(1) for heard in box.heard]
    assert names[:3] == [b"first"] * 3
    assert set(names[3:]) == {b"second"}


def test_whoever_asks_is_told_right_before_it_leaves_and_only_if_it_does() -> None:
    left: list[tuple[int, int]] = []

    async def story(client: Client) -> None:
        futures = [
            client.sender.ask(
                box.target(concurrent=1),
                DISCONNECT,
                attribute(1, b"%d" % n),
                Secret(SECRET),
                f"{n}",
                lambda n=n: left.append((n, len(box.heard))),
            )
            for n in range(3)
        ]
        assert left == [(0, 0)]
        futures[1].cancel()
        await futures[0]
        await futures[2]

    with boxes(lambda box, heard: [reply(heard)] if len(box.heard) > 2 else []) as (box,):
        with_client(story, timing=OFTEN)
    assert [n for n, _ in left] == [0, 2], "once each, however often it is sent"
    assert left[1][1] >= 3


def test_what_is_taken_back_before_it_left_is_never_sent() -> None:
    async def story(client: Client) -> None:
        slow = [client.ask(box.target(concurrent=1), DISCONNECT, attribute(1, b"%d" % n)) for n in range(3)]
        slow[1].cancel()
        assert (await slow[0]).meaning is Meaning.ACKNOWLEDGED
        assert (await slow[2]).meaning is Meaning.ACKNOWLEDGED
        assert slow[1].cancelled()
        assert client.sender.waiting == 0

    with boxes(acknowledges) as (box,):
        with_client(story)
        assert [decode(heard.octets).first(1) for heard in box.heard] == [b"0", b"2"]


def test_what_is_taken_back_under_way_is_not_sent_again_and_frees_its_place() -> None:
    def codes() -> list[int]:
        return [heard.octets[0] for heard in box.heard]

    async def story(client: Client) -> None:
        target = box.target(concurrent=1)
        given_up, waits = client.ask(target), client.ask(target, COA)
        await until(lambda: bool(box.heard))
        given_up.cancel()
        await until(lambda: codes().count(COA) == 2)  # repeated: the other would have been too
        assert set(codes()[codes().index(COA) :]) == {COA}
        waits.cancel()
        await until(lambda: client.sender.waiting == 0)

    with boxes(is_silent) as (box,):
        with_client(story, timing=QUICK)


# -- the end ------------------------------------------------------------------------------------


def test_a_stop_gives_everything_an_outcome_at_once_and_sends_nothing_more() -> None:
    async def story(client: Client) -> None:
        target = box.target(concurrent=2)
        futures = [client.ask(target) for _ in range(50)]
        futures.append(client.sender.ask(target, COA, BODY, Secret(SECRET), "session-1"))
        await until(lambda: len(box.heard) >= 2)
        client.sender.close()
        assert all(future.done() for future in futures)
        outcomes = [future.result() for future in futures]
        assert {(one.meaning, one.detail) for one in outcomes} == {(Meaning.UNANSWERED, STOPPING)}
        assert [one.tries > 0 for one in outcomes[:3]] == [True, True, False]
        assert client.ask(target).result().detail == STOPPING
        seen = len(box.heard)
        await asyncio.sleep(0.5)  # longer than the first repetition takes
        assert len(box.heard) <= seen + 2  # those that had left already
        assert client.counted.rows == []  # nor was anything tried
        assert (client.sender.waiting, client.sender.status()) == (0, ())

    with boxes(is_silent) as (box,):
        with_client(story, timing=QUICK)


def test_the_status_names_each_address_and_what_waits_there() -> None:
    async def story(client: Client) -> None:
        futures = [client.ask(silent.target(concurrent=2)) for _ in range(3)]
        await client.all(good.target(), 3)
        rows = {row.nas: row for row in client.sender.status()}
        assert (rows["nas-0"].in_flight, rows["nas-0"].waiting, rows["nas-0"].port) == (2, 1, silent.port)
        assert (rows["nas-1"].in_flight, rows["nas-1"].waiting, rows["nas-1"].unanswered) == (0, 0, 0)
        assert {one.meaning for one in await asyncio.gather(*futures)} == {Meaning.UNANSWERED}
        assert {row.nas: row.unanswered for row in client.sender.status()} == {"nas-0": 3, "nas-1": 0}

    with boxes(is_silent, acknowledges) as (silent, good):
        with_client(story, timing=PATIENT)


def test_an_address_that_nobody_asks_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(client: Client) -> None:
        await client.all(box.target(), 20)
        assert len(client.sender.status()) == 1
        monkeypatch.setattr(sender, "_LANE_KEPT_S", 0.05)
        await client.all(box.target(), 1)
        await until(lambda: client.sender.status() == ())
        assert (await client.ask(box.target())).meaning is Meaning.ACKNOWLEDGED

    with boxes(acknowledges) as (box,):
        with_client(story)


def test_what_waits_for_its_turn_finds_its_address_though_that_was_forgotten_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first request about the session goes to an address that is silent, the second to one that is not asked
    until then."""
    monkeypatch.setattr(sender, "_LANE_KEPT_S", 0.05)

    async def story(client: Client) -> None:
        def ask(target: Target) -> asyncio.Future[Outcome]:
            return client.sender.ask(target, DISCONNECT, BODY, Secret(SECRET), "one session")

        await client.all(good.target(), 1)
        first, second = ask(silent.target()), ask(good.target())
        await until(lambda: [row.nas for row in client.sender.status()] == ["nas-0"])
        assert not first.done()
        await client.all(good.target(), 1)
        outcomes = [one.meaning for one in await asyncio.gather(first, second)]
        assert outcomes == [Meaning.UNANSWERED, Meaning.ACKNOWLEDGED]
        await until(lambda: client.sender.status() == ())

    with boxes(is_silent, acknowledges) as (silent, good):
        with_client(story, timing=PATIENT)
