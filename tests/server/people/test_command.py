"""What an order declares, and what it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from nacd.server.people.command import Asked, HungUp, NeedsRole, NotDone, OrderRefused, declared
from nacd.server.people.roles import Person, Role

JANE = Person(uid=1001, user="jane", role=Role.COA)


class Ear:
    """Takes lines until it is full."""

    def __init__(self, room: int = 100) -> None:
        self.lines: list[Mapping[str, Any]] = []
        self.room = room

    async def __call__(self, said: Mapping[str, Any]) -> None:
        if len(self.lines) >= self.room:
            raise HungUp
        self.lines.append(said)


def asked(ear: Ear) -> Asked:
    return Asked(fields={"subject": "17"}, by=JANE, write=ear)


def test_progress_and_lines_are_told_apart() -> None:
    ear = Ear()

    async def story() -> None:
        order = asked(ear)
        await order.progress(1)
        await order.say(2)

    asyncio.run(story())
    assert ear.lines == [{"progress": 1}, {"line": 2}]


def test_progress_to_nobody_is_no_trouble_and_a_stream_to_nobody_ends() -> None:
    ear = Ear(room=1)

    async def story() -> None:
        order = asked(ear)
        for number in range(5):
            await order.progress(number)
        assert not order.is_heard
        with pytest.raises(HungUp):
            await order.say("more")

    asyncio.run(story())
    assert ear.lines == [{"progress": 0}]


def test_a_role_that_is_missing_is_named_with_where_it_is_given() -> None:
    order = asked(Ear())
    order.needs(Role.READ)
    order.needs(Role.COA)
    with pytest.raises(NeedsRole, match=r"needs the role `config`, and jane \(uid 1001\) has `coa`.*`control.config`"):
        order.needs(Role.CONFIG)


def test_each_refusal_says_whose_fault_it_is() -> None:
    assert [kind.kind for kind in (OrderRefused, NotDone, NeedsRole)] == ["usage", "not_done", "role"]


def test_orders_that_know_their_fields_only_get_a_role_each() -> None:
    async def show(wanted: Mapping[str, Any]) -> Any:
        return wanted["subject"]

    commands = declared({"cache.show": show}, {"cache.show": Role.READ, "other": Role.COA})
    assert commands["cache.show"].role is Role.READ
    assert asyncio.run(_answer(commands["cache.show"].work(asked(Ear())))) == "17"
    with pytest.raises(KeyError):
        declared({"cache.show": show}, {})


async def _answer(work: Any) -> Any:
    return await work
