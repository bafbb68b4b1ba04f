"""A door for whoever collects metrics: HTTP/1.1 (RFC 9112), ``GET`` and ``HEAD`` of a few pages, one question a
connection.

Knows: how long a question may be and may take, how many may ask at once. Refuses to know: what is on a page.

It lives on the daemon's own loop, beside the requests: so everything is bounded, and whoever does not keep to the
bounds is cut off. Where all places are taken, whoever has been silent for longest makes room.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from nacd.config.fields import ListenAddress
from nacd.server.log import logger
from nacd.server.metrics.serving.page import Asked, Page

_LONGEST_HEAD = 8192
_HEAD_S = 5.0
_ANSWER_S = 5.0
_MOST_AT_ONCE = 8
_END_OF_HEAD = b"\r\n\r\n"
_BACKLOG = 16
_METHODS = frozenset({b"GET", b"HEAD"})
_REQUEST_LINE = re.compile(rb"([!-~]+) ([!-~]+) HTTP/1\.[0-9]\r\n")
_ORIGIN = re.compile(r"(?:https?://[^/?]*)?([^?#]*)(?:\?([^#]*))?", re.IGNORECASE)
"""The path and the query in a target: the absolute form is for proxies, and a server must take it too (RFC 9112
section 3.2.2)."""
_ACCEPT = re.compile(rb"\r\naccept:[ \t]*([ -~]*)", re.IGNORECASE)


def bound(address: ListenAddress) -> socket.socket:
    """A listening socket. Raises OSError that names the address if it cannot be had."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        words = os.strerror(error.errno or 0).lower()
        raise OSError(error.errno, f"cannot listen on `{address}` for metrics: {words}") from error


async def opened(socks: Iterable[socket.socket], pages: Mapping[str, Page]) -> Endpoint:
    """The door at all of these."""
    door = Endpoint(pages)
    for sock in socks:
        await door.open(sock)
    return door


class Endpoint:
    """pages: by path, each made anew for each question."""

    def __init__(self, pages: Mapping[str, Page]) -> None:
        self._pages = pages
        self._server: asyncio.AbstractServer | None = None
        self._asking: set[asyncio.Task[None]] = set()
        self._silent: dict[asyncio.Task[None], None] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._log = logger("metrics")

    async def open(self, sock: socket.socket) -> None:
        """Answer whoever comes to this listening socket, which is closed with the door."""
        self._server = await asyncio.start_server(self._come, sock=sock, limit=_LONGEST_HEAD)

    async def close(self) -> None:
        """Let nobody in any more, and see those out who are there."""
        if self._server is not None:
            self._server.close()
            self._server = None
        leaving = list(self._asking)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

    def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection. Not a coroutine: it is counted at once, before any of its octets are read."""
        if len(self._asking) - len(self._leaving) >= _MOST_AT_ONCE and not self._made_room():
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._asking.add(task)
        self._silent[task] = None
        task.add_done_callback(self._gone)

    def _made_room(self) -> bool:
        """Cut off whoever has come first of those who have not asked yet, if there is one."""
        task = next(iter(self._silent), None)
        if task is None:
            return False
        del self._silent[task]
        self._leaving.add(task)
        task.cancel()
        return True

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._silent.pop(task, None)
        self._leaving.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            self._log.error("no metrics by an error in nacd itself", exc_info=bug)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one head, answer it, hang up. Whoever is too slow, on either way, is cut off without a word."""
        task = asyncio.current_task()

        def heard() -> None:
            if task is not None:
                self._silent.pop(task, None)

        try:
            with contextlib.suppress(TimeoutError, ConnectionError):
                answer = await asyncio.wait_for(self._answer(reader, heard), _HEAD_S)
                writer.transport.set_write_buffer_limits(high=0)  # `drain` is to wait until all of it is gone
                writer.write(answer)
                await asyncio.wait_for(writer.drain(), _ANSWER_S)
                writer.close()
        finally:
            if not writer.is_closing():
                writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, heard: Callable[[], None]) -> bytes:
        """The octets of the answer, none for whoever went away first. heard: told when there is a whole question."""
        try:
            head = await reader.readuntil(_END_OF_HEAD)
        except asyncio.IncompleteReadError:
            return b""
        except asyncio.LimitOverrunError:
            return _refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        heard()
        asked = _REQUEST_LINE.match(head)
        if asked is None:
            return _refusal(HTTPStatus.BAD_REQUEST)
        accept = _ACCEPT.search(head)
        said = accept[1].decode("ascii").lower() if accept is not None else ""
        answer = await self._page(asked[1], asked[2].decode("ascii"), said)
        # RFC 9110 section 9.3.2: no content after HEAD, whatever the answer.
        return answer[: answer.index(_END_OF_HEAD) + len(_END_OF_HEAD)] if asked[1] == b"HEAD" else answer

    async def _page(self, method: bytes, target: str, accept: str) -> bytes:
        place = _ORIGIN.match(target)
        page = self._pages.get(place[1]) if place is not None else None
        if page is None or place is None:
            return _refusal(HTTPStatus.NOT_FOUND)
        if method not in _METHODS:
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Allow: GET, HEAD\r\n")
        shown = await page(Asked(query=place[2] or "", accept=accept))
        return _whole(shown.status, shown.content_type, shown.body)


def _refusal(status: HTTPStatus, more: str = "") -> bytes:
    return _whole(status, "text/plain; charset=utf-8", f"{status.phrase.lower()}\n".encode(), more)


def _whole(status: HTTPStatus, content_type: str, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n{more}Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
