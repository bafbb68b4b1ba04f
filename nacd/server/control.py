"""The door for people on this machine: a Unix socket, one order a connection, answered in lines of JSON.

    -> {"order": "coa.disconnect", "subject": "17"}
    <- {"progress": ...}       as often as there is something to tell
    <- {"line": ...}           of an order that streams, until whoever gave it hangs up
    <- {"answer": ...}         or {"error": "in words", "kind": "usage | role | not_done | bug"}, the last line

Knows: who knocks, by the kernel's word (``people.roles``), which role an order needs, how many may be here, how long an
order may be and may take, and who is told of what was ordered. Refuses to know: what an order does.

Whoever hangs up before the answer leaves his order behind: it is carried out. A stream ends with its reader, or when he
reads too slowly.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import stat
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson

from nacd.server.log import logger
from nacd.server.lookups.threads import Threads
from nacd.server.people.command import (
    Asked,
    Command,
    Given,
    HungUp,
    NeedsRole,
    NotDone,
    Order,
    OrderRefused,
    declared,
)
from nacd.server.people.denials import Denials
from nacd.server.people.roles import NO_ROLES, NOBODY_UID, Person, Role, Roles

__all__ = ["SOCKET_NAME", "Command", "Control", "NotDone", "Order", "OrderRefused", "Roles", "address", "declared"]

SOCKET_NAME: Final = "control.sock"
_LONGEST_ORDER = 4096
_LONGEST_ADDRESS = 107  # sun_path has 108 octets, one of them the end (unix(7))
_READ_S = 10.0
_READ_OF_STRANGERS_S = 1.0
_NAMES_S = 5.0
_MOST_OF_OURS = 16
_MOST_OF_OTHERS = 16
_MOST_OF_ONE = 4
_CREDENTIALS = struct.Struct("3i")


class _Places:
    """So many at once: of root and the daemon's own user, of all others, and of each of those."""

    def __init__(self) -> None:
        self._ours = 0
        self._others: Counter[int] = Counter()

    def enter(self, uid: int) -> bool:
        if _is_ours(uid):
            if self._ours >= _MOST_OF_OURS:
                return False
            self._ours += 1
            return True
        if self._others.total() >= _MOST_OF_OTHERS or self._others[uid] >= _MOST_OF_ONE:
            return False
        self._others[uid] += 1
        return True

    def leave(self, uid: int) -> None:
        if _is_ours(uid):
            self._ours -= 1
            return
        self._others[uid] -= 1
        self._others += Counter()  # who has left altogether is not remembered


class Control:
    """The socket and whoever is at it."""

    def __init__(
        self,
        folder: Path,
        orders: Mapping[str, Command | Order],
        *,
        socket: Path | None = None,
        roles: Roles = NO_ROLES,
        audit: Callable[[Given], None] = lambda given: None,
    ) -> None:
        """folder: where the socket is without ``socket``. orders: by name; one that declares nothing is for `config`.

        roles: who beside root and the daemon's own user may come. audit: told of every order above `read`, and
        of every one that was refused for want of a role (of those of one user, a number of them a minute).
        """
        plain = {name: order for name, order in orders.items() if not isinstance(order, Command)}
        self._orders: dict[str, Command] = {
            **{name: order for name, order in orders.items() if isinstance(order, Command)},
            **declared(plain, dict.fromkeys(plain, Role.CONFIG)),
        }
        self._path = socket if socket is not None else folder / SOCKET_NAME
        self._roles = roles
        self._audit = audit
        self._denials = Denials()
        self._server: asyncio.AbstractServer | None = None
        self._givers, self._readers = _Places(), _Places()
        self._visits: set[asyncio.Task[None]] = set()
        self._names = Threads(2, "names")
        self._log = logger("control")

    async def open(self) -> None:
        """Listen. Raises OSError, with the path, when that cannot be done."""
        try:
            _clear(self._path)
            before = os.umask(0o177)
            try:
                with address(self._path) as short:
                    self._server = await asyncio.start_unix_server(self._serve, short, limit=_LONGEST_ORDER)
            finally:
                os.umask(before)
            if self._roles.names_somebody:
                # Anybody may knock: the kernel says who it is, and that decides.
                self._path.chmod(0o666)
        except OSError as error:
            words = (error.strerror or str(error)).lower()
            raise OSError(error.errno, f"cannot listen on `{self._path}`: {words}") from error
        if self._roles.names_somebody:
            self._look_around()

    async def close(self) -> None:
        """Listen no more; orders under way are broken off."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        for visit in self._visits:
            visit.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)
        self._names.close()

    def _look_around(self) -> None:
        """Say what keeps people from their roles; names are asked for while others are served already."""
        if not stat.S_IMODE(self._path.parent.stat().st_mode) & 0o011:
            self._log.warning(
                f"`control` names people, but only root and the owner can enter `{self._path.parent}`:"
                " set `control.socket` to a path in a folder that they can enter"
            )

        def said(asked: asyncio.Future[tuple[str, ...]]) -> None:
            for name in () if asked.cancelled() else asked.result():
                self._log.warning(f"this machine does not know {name}")

        self._names.run(self._roles.strangers).add_done_callback(said)

    # -- one visit -------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._visit(reader, writer))
        self._visits.add(task)
        try:
            await task
        except HungUp:
            writer.transport.abort()
        finally:
            self._visits.discard(task)
            await _hang_up(writer)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        uid = _peer(writer)
        if not self._givers.enter(uid):
            await _tell(writer, _error(NotDone("too many orders at once")))
            return
        try:
            person = await self._person(uid)
            if person.role is Role.NONE:
                raise await self._stranger(person, reader)
            name, fields = await _read(reader, _READ_S)
            command = self._command(name)
            asked = Asked(fields=fields, by=person, write=lambda said: _tell(writer, said), read=lambda: _next(reader))
            if not command.streams:
                await _tell(writer, await self._obey(name, command, asked))
                return
        except OrderRefused as refused:
            await _tell(writer, _error(refused))
            return
        finally:
            self._givers.leave(uid)
        if not self._readers.enter(uid):
            await _tell(writer, _error(NotDone("too many read along already")))
            return
        try:
            await self._stream(name, command, asked, reader, writer)
        finally:
            self._readers.leave(uid)

    async def _stream(
        self, name: str, command: Command, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        work = asyncio.ensure_future(self._obey(name, command, asked))
        left = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((work, left), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await _tell(writer, work.result())
        finally:
            for each in (work, left):
                each.cancel()
            await asyncio.gather(work, left, return_exceptions=True)

    async def _stranger(self, person: Person, reader: asyncio.StreamReader) -> NeedsRole:
        """What to tell him; what he wanted is written down."""
        refused = _no_role(person)
        try:
            name, fields = await _read(reader, _READ_OF_STRANGERS_S)
        except OrderRefused:
            name, fields = "", {}
        known = name if name in self._orders else "(no order)"
        self._denied(Given(order=known, by=person, fields=fields, outcome=str(refused)))
        return refused

    def _denied(self, given: Given) -> None:
        """Write down who was refused what, but not without end."""
        before = self._denials.admit(given.by.uid, time.monotonic())
        if before < 0:
            return
        self._log.warning("order refused", order=given.order, uid=given.by.uid, user=given.by.user)
        more = f" ({before} more of his before this are not recorded)" if before else ""
        self._audit(replace(given, outcome=given.outcome + more))

    def _command(self, name: str) -> Command:
        command = self._orders.get(name)
        if command is None:
            raise OrderRefused(f"there is no such order; there are {', '.join(sorted(self._orders))}")
        return command

    async def _person(self, uid: int) -> Person:
        if not uid:
            return Person(uid=0, user="root", role=Role.CONFIG)  # whatever a directory service is doing
        try:
            return await asyncio.wait_for(self._names.run(lambda: self._roles.person(uid)), _NAMES_S)
        except TimeoutError:
            self._log.warning("the names of users are not told in time: nobody has a role meanwhile", uid=uid)
            return Person(uid=uid, user="", role=Role.CONFIG if _is_ours(uid) else Role.NONE)

    async def _obey(self, name: str, command: Command, asked: Asked) -> dict[str, Any]:
        if command.is_for(asked.by):
            self._log.info(f"order {name}", order=name, uid=asked.by.uid, user=asked.by.user)
        said: dict[str, Any] = {}
        try:
            said = await self._carry_out(name, command, asked)
            return said
        except asyncio.CancelledError:
            asked.outcome = "broken off"
            raise
        finally:
            given = Given(order=name, by=asked.by, fields=asked.fields, outcome=asked.outcome)
            if said.get("kind") == NeedsRole.kind:
                self._denied(given)
            elif command.role > Role.READ:
                self._audit(given)

    async def _carry_out(self, name: str, command: Command, asked: Asked) -> dict[str, Any]:
        within_s = None if command.streams else command.within_s
        try:
            if not command.is_for(asked.by):
                asked.needs(command.role)
            return {"answer": await asyncio.wait_for(command.work(asked), within_s)}
        except OrderRefused as refused:
            said = _error(refused)
        except TimeoutError:
            said = _error(NotDone(f"not done within {command.within_s:g} s"))
        except HungUp:
            raise
        except Exception:
            self._log.exception("an order failed", order=name)
            said = {"error": "an error in nacd itself, see its log", "kind": "bug"}
        asked.outcome = said["error"]
        return said


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


def _clear(path: Path) -> None:
    """Take away what a crash left; what is no socket is somebody's. Raises OSError."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(errno.EEXIST, "it is there, and no socket")
        path.unlink()
    except FileNotFoundError:
        return


def _peer(writer: asyncio.StreamWriter) -> int:
    """The uid at the other end (SO_PEERCRED, unix(7))."""
    sock = writer.get_extra_info("socket")
    _pid, uid, _gid = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(uid)


def _is_ours(uid: int) -> bool:
    return uid in (0, os.getuid())


async def _read(reader: asyncio.StreamReader, within_s: float) -> tuple[str, Mapping[str, Any]]:
    """The order's name and fields. Raises OrderRefused."""
    try:
        wanted = orjson.loads(await asyncio.wait_for(reader.readuntil(b"\n"), within_s))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, orjson.JSONDecodeError):
        raise OrderRefused(f"an order is one line of JSON, at most {_LONGEST_ORDER} octets") from None
    except TimeoutError:
        raise OrderRefused(f"no order came within {within_s:g} s") from None
    except ConnectionError:
        raise HungUp from None
    name = wanted.get("order") if isinstance(wanted, dict) else None
    fields = {key: value for key, value in wanted.items() if key != "order"} if isinstance(wanted, dict) else {}
    return name if isinstance(name, str) else "", fields


async def _next(reader: asyncio.StreamReader) -> bytes:
    """A line that belongs to an order. Raises OrderRefused."""
    try:
        return await asyncio.wait_for(reader.readuntil(b"\n"), _READ_S)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise OrderRefused("what was to follow the order did not come whole") from None
    except asyncio.LimitOverrunError:
        raise OrderRefused(f"a line after an order has at most {_LONGEST_ORDER} octets") from None
    except TimeoutError:
        raise OrderRefused(f"what was to follow the order did not come within {_READ_S:g} s") from None


def _no_role(person: Person) -> NeedsRole:
    if person.uid == NOBODY_UID:
        return NeedsRole(
            f"the kernel does not tell nacd who you are (uid {NOBODY_UID}): with roles, its unit needs PrivateUsers=no"
        )
    return NeedsRole(
        f"{person} has no role here: root, nacd's own user and whoever is named under `control.read`, `control.coa`,"
        " `control.config` and `control.helpdesk` in nacd's configuration have one"
    )


def _error(refused: OrderRefused) -> dict[str, Any]:
    return {"error": str(refused), "kind": refused.kind}


async def _tell(writer: asyncio.StreamWriter, said: Mapping[str, Any]) -> None:
    """One line. Raises HungUp when nobody takes it in time."""
    try:
        line = orjson.dumps(said)
    except TypeError:  # half a surrogate pair, which a NAS may have written
        line = json.dumps(said, ensure_ascii=False, default=str).encode(errors="replace")
    writer.write(line + b"\n")
    try:
        await asyncio.wait_for(writer.drain(), _READ_S)
    except (ConnectionError, TimeoutError):
        raise HungUp from None


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close; whoever does not read the rest in time does not get it."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), _READ_S)
    except TimeoutError:
        writer.transport.abort()
    except ConnectionError:
        return
