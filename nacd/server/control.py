"""The door for people on this machine: a Unix socket in the state folder, one order and one answer a connection.

Knows: who may knock (root and the daemon's own user, by the kernel's word), how long an order may be and may take.
Refuses to know: what an order does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from nacd.server.log import logger

SOCKET_NAME = "control.sock"
Order = Callable[[Mapping[str, Any]], Awaitable[Any]]
_LONGEST_ORDER = 4096
_LONGEST_ADDRESS = 107  # sun_path has 108 octets, one of them the end (unix(7))
_ORDER_S = 60.0
_READ_S = 10.0
_MOST_AT_ONCE = 16
_CREDENTIALS = struct.Struct("3i")


class OrderRefused(Exception):
    """The order cannot be carried out; the message is for whoever gave it."""


class Control:
    """orders: by name; each takes the order's fields and returns what JSON can say, or raises OrderRefused."""

    def __init__(self, folder: Path, orders: Mapping[str, Order]) -> None:
        self._path = folder / SOCKET_NAME
        self._orders = orders
        self._server: asyncio.AbstractServer | None = None
        self._busy = 0
        self._log = logger("control")

    async def open(self) -> None:
        """Listen. Raises OSError, with the path, when that cannot be done."""
        try:
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()
            before = os.umask(0o177)
            try:
                with address(self._path) as short:
                    self._server = await asyncio.start_unix_server(self._serve, short, limit=_LONGEST_ORDER)
            finally:
                os.umask(before)
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            raise OSError(error.errno, f"cannot listen on `{self._path}`: {words}") from error

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._server = None
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            uid = _peer(writer)
            if uid not in (0, os.getuid()):
                self._log.warning("control refused", uid=uid)
                return
            if self._busy >= _MOST_AT_ONCE:
                await _answer(writer, {"error": "too many orders at once"})
                return
            self._busy += 1
            try:
                said = await asyncio.wait_for(self._obey(reader, uid), _ORDER_S)
            except TimeoutError:
                said = {"error": f"not done within {_ORDER_S:g} s"}
            try:
                # Whoever gives an order and does not read holds a place for this long, and no longer.
                await asyncio.wait_for(_answer(writer, said), _READ_S)
            except TimeoutError:
                writer.transport.abort()
            finally:
                self._busy -= 1

    async def _obey(self, reader: asyncio.StreamReader, uid: int) -> dict[str, Any]:
        try:
            line = await reader.readuntil(b"\n")
            wanted = orjson.loads(line)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, orjson.JSONDecodeError):
            return {"error": f"an order is one line of JSON, at most {_LONGEST_ORDER} octets"}
        name = wanted.get("order") if isinstance(wanted, dict) else None
        order = self._orders.get(name) if isinstance(name, str) else None
        if order is None:
            return {"error": f"there is no such order; there are {', '.join(sorted(self._orders))}"}
        self._log.info("order", order=name, uid=uid)
        try:
            return {"answer": await order(wanted)}
        except OrderRefused as refused:
            return {"error": str(refused)}
        except Exception:
            self._log.exception("an order failed", order=name)
            return {"error": "an error in nacd itself, see its log"}


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """What to call this socket in the block: a longer path than an address has room for goes by its open folder."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _peer(writer: asyncio.StreamWriter) -> int:
    """The uid at the other end (SO_PEERCRED, unix(7))."""
    sock = writer.get_extra_info("socket")
    _pid, uid, _gid = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(uid)


async def _answer(writer: asyncio.StreamWriter, said: dict[str, Any]) -> None:
    writer.write(orjson.dumps(said) + b"\n")
    with contextlib.suppress(ConnectionError):
        await writer.drain()
