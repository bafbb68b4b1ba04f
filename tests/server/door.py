"""A street with one door: orders to give at a real socket, by whom the kernel names."""

from __future__ import annotations

import asyncio
import json
import pwd
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.server.control import SOCKET_NAME, Control, OrderRefused
from nacd.server.people.command import Asked, Command, Given, NotDone
from nacd.server.people.roles import Role

GAMES = pwd.getpwnam("games").pw_uid


async def _echo(wanted: Any) -> Any:
    if wanted.get("bug"):
        raise ZeroDivisionError
    if wanted.get("bad"):
        raise OrderRefused("`bad` is bad")
    return {"said": wanted.get("say")}


async def _change(asked: Asked) -> Any:
    if asked.fields.get("deep"):
        asked.needs(Role.CONFIG)
    if asked.fields.get("vain"):
        raise NotDone("nobody is there")
    for number in range(asked.fields.get("steps", 0)):
        await asked.progress({"step": number})
    asked.outcome = "2 of 2 done"
    return str(asked.by)


class Street:
    """Who knocks: the octets of an order, by which uid."""

    def __init__(self, path: Path, given: list[Given]) -> None:
        self.path = path
        self.given = given


def within(folder: Path, story: Callable[[Street], Awaitable[None]], **more: Any) -> None:
    given: list[Given] = []
    commands = {
        "echo": _echo,
        "look": Command(role=Role.READ, work=lambda asked: _echo(asked.fields)),
        "change": Command(role=Role.COA, work=_change),
        **more.pop("orders", {}),
    }

    async def told() -> None:
        door = Control(folder, commands, audit=given.append, **more)
        await door.open()
        try:
            await story(Street(folder / SOCKET_NAME, given))
        finally:
            await door.close()

    asyncio.run(told())


async def until(check: Callable[[], bool]) -> None:
    """Wait for it, five seconds at most."""
    for _ in range(1000):
        if check():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not happen")


async def lines(path: Path, octets: bytes, *, hang_up: bool = True) -> list[Any]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(octets)
        if hang_up:
            writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()
    return [json.loads(line) for line in answer.splitlines()]


async def order(path: Path, octets: bytes) -> Any:
    (answer,) = await lines(path, octets)
    return answer


class Hanging:
    """An order that ends when it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()

    async def __call__(self, asked: Asked) -> Any:
        self.begun += 1
        await self.go.wait()
        return "gone"

    async def until(self, begun: int) -> None:
        await until(lambda: self.begun == begun)


class Stream:
    """Says a line whenever it is fed one."""

    def __init__(self) -> None:
        self.readers = 0
        self.feed: asyncio.Queue[Any] = asyncio.Queue()

    async def __call__(self, asked: Asked) -> Any:
        self.readers += 1
        try:
            while (line := await self.feed.get()) is not None:
                await asked.say(line)
            raise NotDone("that was all")
        finally:
            self.readers -= 1

    async def until(self, readers: int) -> None:
        await until(lambda: self.readers == readers)
