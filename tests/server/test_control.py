"""The door for people on this machine: the kernel says who knocks, and no order is longer than it may be."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.server import control
from nacd.server.control import SOCKET_NAME, Control, OrderRefused


async def _echo(wanted: Any) -> Any:
    if wanted.get("bug"):
        raise ZeroDivisionError
    if wanted.get("bad"):
        raise OrderRefused("`bad` is bad")
    return {"said": wanted.get("say")}


def within(tmp_path: Path, story: Callable[[Path], Awaitable[None]]) -> None:
    async def told() -> None:
        door = Control(tmp_path, {"echo": _echo})
        await door.open()
        try:
            await story(tmp_path / SOCKET_NAME)
        finally:
            await door.close()

    asyncio.run(told())


async def order(path: Path, octets: bytes) -> Any:
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(octets)
    writer.write_eof()
    try:
        answer = await asyncio.wait_for(reader.read(), 5)
    except ConnectionResetError:
        answer = b""
    writer.close()
    return json.loads(answer) if answer else None


def test_an_order_is_a_line_and_so_is_its_answer(tmp_path: Path) -> None:
    async def story(path: Path) -> None:
        assert await order(path, b'{"order": "echo", "say": "hello"}\n') == {"answer": {"said": "hello"}}

    within(tmp_path, story)


def test_only_the_daemons_user_may_knock(tmp_path: Path) -> None:
    async def story(path: Path) -> None:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600

    within(tmp_path, story)


def test_whoever_is_neither_root_nor_the_daemon_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_peer", lambda _writer: os.getuid() + 4711)

    async def story(path: Path) -> None:
        assert await order(path, b'{"order": "echo"}\n') is None

    within(tmp_path, story)


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"{", "one line of JSON"),
        (b"[]\n", "there is no such order; there are echo"),
        (b'{"order": "rm"}\n', "there is no such order"),
        (b'{"order": "echo", "say": "' + b"x" * 5000 + b'"}\n', "one line of JSON, at most 4096 octets"),
        (b'{"order": "echo", "bad": 1}\n', "`bad` is bad"),
        (b'{"order": "echo", "bug": 1}\n', "an error in nacd itself, see its log"),
    ],
)
def test_what_is_no_order_is_answered_in_words(tmp_path: Path, octets: bytes, words: str) -> None:
    async def story(path: Path) -> None:
        assert words in (await order(path, octets))["error"]

    within(tmp_path, story)


def test_a_socket_left_behind_by_a_crash_is_no_obstacle_and_a_missing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / SOCKET_NAME).touch()

    async def story(path: Path) -> None:
        assert (await order(path, b'{"order": "echo"}\n'))["answer"] == {"said": None}

    within(tmp_path, story)
    with pytest.raises(OSError, match="cannot listen on"):
        asyncio.run(Control(tmp_path / "none", {}).open())
