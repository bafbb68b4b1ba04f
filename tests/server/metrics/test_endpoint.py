"""The door for whoever collects metrics: what is asked well is answered, and nothing else does harm."""

from __future__ import annotations

import asyncio
import io
import os
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest

from nacd.config.fields import ListenAddress
from nacd.server.metrics import endpoint
from nacd.server.metrics.endpoint import Endpoint, bound
from nacd.server.metrics.serving.page import Asked, Page, Shown
from tests.conftest import unavailable

HUGE = 32 * 2**20
Story = Callable[[int], Awaitable[None]]


def page(content_type: str, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> Page:
    async def shown(_asked: Asked) -> Shown:
        return Shown(content_type=content_type, body=body, status=status)

    return shown


async def broken(_asked: Asked) -> Shown:
    raise RuntimeError("the page has a bug")


async def echo(asked: Asked) -> Shown:
    return Shown(body=f"{asked.query} {asked.accept} {asked.wants_json}".encode())


async def slow(_asked: Asked) -> Shown:
    WAITING.append(1)
    if len(WAITING) == 8:
        BUSY.set()
    await GO_ON.wait()
    return Shown(body=b"at last")


WAITING: list[int] = []
BUSY = asyncio.Event()
GO_ON = asyncio.Event()
PAGES = {
    "/slow": slow,
    "/metrics": page("text/plain; version=0.0.4; charset=utf-8", b"nacd_up 1\n"),
    "/huge": page("text/plain", b"x" * HUGE),
    "/unready": page("text/plain", b"not ready\n", HTTPStatus.SERVICE_UNAVAILABLE),
    "/echo": echo,
    "/broken": broken,
}


def within(story: Story) -> None:
    """Tell the story with the port of an open door; at its end nobody is left inside."""

    async def told() -> None:
        door = Endpoint(PAGES)
        sock = bound(ListenAddress("127.0.0.1", 0))
        await door.open(sock)
        try:
            await story(sock.getsockname()[1])
        finally:
            await door.close()
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    asyncio.run(told())


async def heard(reader: asyncio.StreamReader) -> bytes:
    """Everything until the other side hangs up, however it does."""
    said = bytearray()
    try:
        while octets := await asyncio.wait_for(reader.read(65536), 10):
            said += octets
    except ConnectionResetError:
        said += b""
    return bytes(said)


async def ask(port: int, octets: bytes, *, eof: bool = False) -> tuple[str, bytes]:
    """The head and the body of the answer, both empty for none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    if eof:
        writer.write_eof()
    head, _, body = (await heard(reader)).partition(b"\r\n\r\n")
    writer.close()
    return head.decode(), body


async def fine(port: int) -> None:
    """The door is open as ever."""
    head, body = await ask(port, b"GET /metrics HTTP/1.1\r\nHost: nacd\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert body == b"nacd_up 1\n"


def test_a_page_comes_with_its_type_and_length_and_the_connection_ends() -> None:
    async def story(port: int) -> None:
        head, body = await ask(port, b"GET /metrics HTTP/1.1\r\nHost: nacd\r\n\r\n")
        assert head.split("\r\n") == [
            "HTTP/1.1 200 OK",
            "Content-Type: text/plain; version=0.0.4; charset=utf-8",
            "Content-Length: 10",
            "Connection: close",
        ]
        assert body == b"nacd_up 1\n"

    within(story)


@pytest.mark.parametrize(
    "target", [b"/metrics?format=text", b"http://127.0.0.1:9812/metrics", b"HTTP://nacd/metrics?x", b"/metrics#top"]
)
def test_query_and_absolute_form_lead_to_the_same_page(target: bytes) -> None:
    async def story(port: int) -> None:
        assert (await ask(port, b"GET " + target + b" HTTP/1.0\r\n\r\n"))[1] == b"nacd_up 1\n"

    within(story)


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET /metrics/../metrics HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET /Metrics HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET * HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET ?/metrics HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /nowhere HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", "405 Method Not Allowed"),
        (b"get /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400 Bad Request"),
        (b"\x00" * 64 + b"\r\n\r\n", "400 Bad Request"),
        (b"GET /metrics\r\n\r\n", "400 Bad Request"),
        (b"GET  /metrics HTTP/1.1\r\n\r\n", "400 Bad Request"),
        (b"GET /metrics HTTP/2.0\r\n\r\n", "400 Bad Request"),
        ("GET /metriçs HTTP/1.1\r\n\r\n".encode(), "400 Bad Request"),
        (b"\r\n\r\n", "400 Bad Request"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9000, "431 Request Header Fields Too Large"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", "431 Request Header Fields Too Large"),
    ],
)
def test_what_is_not_asked_well_is_refused_by_its_number(octets: bytes, status: str) -> None:
    async def story(port: int) -> None:
        head, body = await ask(port, octets)
        assert head.startswith(f"HTTP/1.1 {status}\r\n")
        assert body.decode() == status.partition(" ")[2].lower() + "\n"
        assert ("Allow: GET" in head) == status.startswith("405")
        await fine(port)

    within(story)


def test_head_is_answered_as_get_without_the_body() -> None:
    async def story(port: int) -> None:
        for path in (b"/metrics", b"/unready", b"/nowhere"):
            whole = await ask(port, b"GET " + path + b" HTTP/1.1\r\n\r\n")
            assert await ask(port, b"HEAD " + path + b" HTTP/1.1\r\n\r\n") == (whole[0], b"")
            assert f"Content-Length: {len(whole[1])}" in whole[0]

    within(story)


def test_a_page_has_a_status_of_its_own_and_hears_what_was_asked() -> None:
    async def story(port: int) -> None:
        head, body = await ask(port, b"GET /unready HTTP/1.1\r\n\r\n")
        assert (head.partition("\r\n")[0], body) == ("HTTP/1.1 503 Service Unavailable", b"not ready\n")
        asked = {
            b"/echo?verbose&x=1 HTTP/1.1\r\nAccept: text/HTML, */*\r\n": b"verbose&x=1 text/html, */* True",
            b"/echo HTTP/1.1\r\naccept:application/json\r\n": b" application/json True",
            b"/echo#verbose HTTP/1.1\r\nX-Accept: application/json\r\n": b"  False",
        }
        for octets, said in asked.items():
            assert (await ask(port, b"GET " + octets + b"\r\n"))[1] == said

    within(story)


@pytest.mark.parametrize(
    "octets", [b"", b"GET /metrics HTTP/1.1\r\nHost: na", os.urandom(512).replace(b"\r\n\r\n", b"")]
)
def test_whoever_goes_away_within_the_head_is_told_nothing(octets: bytes) -> None:
    async def story(port: int) -> None:
        assert await ask(port, octets, eof=True) == ("", b"")
        await fine(port)

    within(story)


def test_whoever_is_too_slow_with_the_head_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_HEAD_S", 0.05)

    async def story(port: int) -> None:
        assert await ask(port, b"GET /metrics HTTP/1.1\r\n") == ("", b"")
        assert await ask(port, b"") == ("", b"")

    within(story)


def test_whoever_does_not_take_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_ANSWER_S", 0.05)

    async def story(port: int) -> None:
        # The reader takes a little into its buffer, and no more until somebody reads.
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /huge HTTP/1.1\r\n\r\n")
        loop = asyncio.get_running_loop()
        until = loop.time() + 5
        while len(asyncio.all_tasks()) > 1:
            assert loop.time() < until, "whoever does not take the answer is still served"
            await asyncio.sleep(0.01)
        assert len(await heard(reader)) < HUGE
        writer.close()
        await fine(port)

    within(story)


def test_a_large_page_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_ANSWER_S", 60.0)

    async def story(port: int) -> None:
        assert len((await ask(port, b"GET /huge HTTP/1.1\r\n\r\n"))[1]) == HUGE

    within(story)


def test_whoever_has_been_silent_for_longest_makes_room_for_the_ninth() -> None:
    async def story(port: int) -> None:
        inside = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
        await fine(port)
        assert await heard(inside[0][0]) == b""
        for reader, writer in inside[1:2]:
            writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
            assert (await heard(reader)).endswith(b"nacd_up 1\n")
        for _ in range(12):
            inside.append(await asyncio.open_connection("127.0.0.1", port))
            await fine(port)
        for _, writer in inside:
            writer.close()

    within(story)


def test_the_ninth_is_cut_off_while_eight_are_being_answered() -> None:
    async def story(port: int) -> None:
        inside = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
        for _, writer in inside:
            writer.write(b"GET /slow HTTP/1.1\r\n\r\n")
        await asyncio.wait_for(BUSY.wait(), 10)
        assert await ask(port, b"GET /metrics HTTP/1.1\r\n\r\n") == ("", b"")
        GO_ON.set()
        for reader, writer in inside:
            assert (await heard(reader)).endswith(b"at last")
            writer.close()
        await fine(port)

    within(story)


def test_closing_sees_out_whoever_is_inside() -> None:
    """``within`` asserts that nobody is left."""
    inside: list[asyncio.StreamReader] = []

    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /met")
        inside.append(reader)
        await fine(port)

    within(story)
    assert inside


def test_a_bug_in_a_page_is_in_the_log_and_ends_nothing_else(said: io.StringIO) -> None:
    async def story(port: int) -> None:
        assert await ask(port, b"GET /broken HTTP/1.1\r\n\r\n") == ("", b"")
        await fine(port)

    within(story)
    assert "no metrics by an error in nacd itself" in said.getvalue()
    assert "the page has a bug" in said.getvalue()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken_is_named_in_words(host: str, has_ipv6: bool) -> None:
    if ":" in host and not has_ipv6:
        unavailable("no IPv6 on this machine")
    with bound(ListenAddress(host, 0)) as taken:
        address = ListenAddress(host, taken.getsockname()[1])
        with pytest.raises(OSError, match="already in use") as refused:
            bound(address)
    assert refused.value.strerror == f"cannot listen on `{address}` for metrics: address already in use"


def test_an_address_of_another_machine_is_named_in_words() -> None:
    with pytest.raises(OSError, match=r"cannot listen on `192\.0\.2\.1:9812` for metrics: cannot assign"):
        bound(ListenAddress("192.0.2.1", 9812))


def test_a_port_can_be_taken_again_right_after_it_was_closed() -> None:
    places: list[int] = []

    async def story(port: int) -> None:
        await fine(port)
        places.append(port)

    within(story)
    with bound(ListenAddress("127.0.0.1", places[0])) as again:
        assert again.family is socket.AF_INET
