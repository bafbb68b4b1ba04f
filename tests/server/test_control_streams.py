"""Orders that stream: as long as somebody reads, and no longer."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from nacd.server import control
from nacd.server.control import SOCKET_NAME, Control
from nacd.server.people.command import Command, Given
from nacd.server.people.roles import Role
from tests.server.door import Hanging, Stream, Street, lines, order, within

# -- streams --------------------------------------------------------------------------------------


@pytest.fixture
def stream() -> Stream:
    return Stream()


def streaming(stream: Stream) -> dict[str, Any]:
    return {"stream": Command(role=Role.READ, work=stream, streams=True)}


def test_a_stream_says_lines_as_they_come_and_ends_with_its_reader(tmp_path: Path, stream: Stream) -> None:
    async def story(street: Street) -> None:
        reader, writer = await asyncio.open_unix_connection(str(street.path))
        writer.write(b'{"order": "stream"}\n')
        for number in range(3):
            stream.feed.put_nowait(number)
            assert json.loads(await asyncio.wait_for(reader.readline(), 5)) == {"line": number}
        writer.close()
        await stream.until(0)

    within(tmp_path, story, orders=streaming(stream))


def test_a_stream_that_ends_by_itself_says_why(tmp_path: Path, stream: Stream) -> None:
    async def story(street: Street) -> None:
        stream.feed.put_nowait("one")
        stream.feed.put_nowait(None)
        said = await lines(street.path, b'{"order": "stream"}\n', hang_up=False)
        assert said == [{"line": "one"}, {"error": "that was all", "kind": "not_done"}]

    within(tmp_path, story, orders=streaming(stream))


def test_readers_of_streams_are_counted_apart_from_orders(
    tmp_path: Path, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_MOST_OF_OURS", 1)

    async def story(street: Street) -> None:
        _, writer = await asyncio.open_unix_connection(str(street.path))
        writer.write(b'{"order": "stream"}\n')
        await stream.until(1)
        assert "answer" in await order(street.path, b'{"order": "look"}\n')
        assert (await order(street.path, b'{"order": "stream"}\n'))["error"] == "too many read along already"
        writer.close()

    within(tmp_path, story, orders=streaming(stream))


def test_a_reader_that_does_not_read_is_dropped(
    tmp_path: Path, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_READ_S", 0.2)

    async def story(street: Street) -> None:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, str(street.path))
            await asyncio.get_running_loop().sock_sendall(deaf, b'{"order": "stream"}\n')
            await stream.until(1)
            for _ in range(20):
                stream.feed.put_nowait("x" * 1_000_000)
            await stream.until(0)

    within(tmp_path, story, orders=streaming(stream))


def test_the_end_of_the_daemon_ends_streams_and_breaks_off_orders(tmp_path: Path, stream: Stream) -> None:
    hanging = Hanging()
    orders = {**streaming(stream), "hang": Command(role=Role.COA, work=hanging)}
    given: list[Given] = []

    async def story() -> None:
        door = Control(tmp_path, orders, audit=given.append)
        await door.open()
        asked = [
            asyncio.create_task(lines(tmp_path / SOCKET_NAME, octets, hang_up=False))
            for octets in (b'{"order": "stream"}\n', b'{"order": "hang"}\n')
        ]
        await stream.until(1)
        await hanging.until(1)
        await door.close()
        assert await asyncio.gather(*asked) == [[], []]
        assert [each.outcome for each in given] == ["broken off"]

    asyncio.run(story())
