"""NASes that are being changed over: whatever they have of two secrets, they are asked with it in the end."""

from __future__ import annotations

import pytest

from nacd.server.dac.lanes import Overlap
from nacd.sessions import Meaning, Outcome
from nacd.values import Secret
from tests.server.dac.box import BODY, DISCONNECT, QUICK, SECRET, Box, Client, Heard, boxes, reply, with_client

MINE, OTHER, THIRD = Secret(SECRET), Secret(b"the-other-one-of-two"), Secret(b"neither-of-these-two")


def if_valid(_box: Box, heard: Heard) -> list[bytes]:
    """RFC 5176 section 3.5: what is signed with another secret is silently discarded."""
    return [reply(heard)] if heard.valid else []


def always(_box: Box, heard: Heard) -> list[bytes]:
    """Some NASes answer what they could not verify, signed with the secret that they have."""
    return [reply(heard)]


async def ask(client: Client, box: Box, first: Secret, other: Secret, told: list[Secret]) -> Outcome:
    left: list[int] = []
    overlap = Overlap(other=other, answered=told.append)
    outcome = await client.sender.ask(
        box.target(), DISCONNECT, BODY, first, f"session {len(told)}", lambda: left.append(1), overlap
    )
    assert left == [1]
    assert client.sender.waiting == 0
    return outcome


def test_a_nas_with_the_first_secret_is_asked_once() -> None:
    told: list[Secret] = []

    async def story(client: Client) -> None:
        outcome = await ask(client, box, MINE, OTHER, told)
        assert (outcome.meaning, outcome.tries) == (Meaning.ACKNOWLEDGED, 1)

    with boxes(if_valid) as (box,):
        with_client(story, timing=QUICK)
        assert [heard.valid for heard in box.heard] == [True]
    assert told == [MINE]


def test_a_nas_that_is_silent_to_the_first_secret_is_asked_with_the_other() -> None:
    told: list[Secret] = []

    async def story(client: Client) -> None:
        outcome = await ask(client, box, OTHER, MINE, told)
        assert (outcome.meaning, outcome.tries) == (Meaning.ACKNOWLEDGED, 4)

    with boxes(if_valid) as (box,):
        with_client(story, timing=QUICK)
        assert [heard.valid for heard in box.heard] == [False, False, False, True]
        # Another request, not the same octets once more: it has an Identifier of its own (RFC 5176 section 2.3).
        assert len({heard.identifier for heard in box.heard if not heard.valid}) == 1
        assert box.heard[-1].octets[4:20] != box.heard[0].octets[4:20]
    assert told == [MINE]


def test_an_answer_that_is_signed_with_the_other_secret_is_reason_enough_and_is_no_answer() -> None:
    told: list[Secret] = []

    async def story(client: Client) -> None:
        outcome = await ask(client, box, OTHER, MINE, told)
        assert (outcome.meaning, outcome.tries) == (Meaning.ACKNOWLEDGED, 2)

    with boxes(always) as (box,):
        with_client(story)
        assert [heard.valid for heard in box.heard] == [False, True]
    assert told == [MINE]


@pytest.mark.parametrize("does", [if_valid, always])
def test_a_nas_that_has_neither_is_unanswered_and_nothing_is_learnt(does: object) -> None:
    told: list[Secret] = []

    async def story(client: Client) -> None:
        outcome = await ask(client, box, OTHER, THIRD, told)
        assert outcome.meaning is Meaning.UNANSWERED
        assert outcome.tries == len(box.heard) > 4
        assert f"no answer to {outcome.tries} transmissions" in outcome.detail
        assert "with either of its two secrets" in outcome.detail

    with boxes(does) as (box,):  # type: ignore[arg-type]
        with_client(story, timing=QUICK)
    assert told == []


def test_what_waits_for_the_same_address_comes_after_both_tries() -> None:
    told: list[Secret] = []
    order: list[Outcome] = []

    async def story(client: Client) -> None:
        overlap = Overlap(other=MINE, answered=told.append)
        target = box.target(concurrent=1, rate_per_s=1000.0)
        first = client.sender.ask(target, DISCONNECT, BODY, OTHER, "one", lambda: None, overlap)
        second = client.sender.ask(target, DISCONNECT, BODY, MINE, "two")
        for each in (first, second):
            each.add_done_callback(lambda done: order.append(done.result()))
        await first
        await second

    with boxes(if_valid) as (box,):
        with_client(story, timing=QUICK)
    assert [each.tries for each in order] == [4, 1]
