"""The socket of the service: who is let in, and what came with whose name on it.

Knows: a Unix datagram socket, its owner and mode, and the credentials that the kernel puts on each datagram (unix(7),
SO_PASSCRED). Refuses to know: what a datagram says.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacd.store.handover import MAX_OCTETS

NOBODY: Final = -1
"""In place of a uid that the kernel did not tell."""
_MODE: Final = 0o660
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred of Linux
_LOOK_AGAIN_S: Final = 5.0
_GOOD_FOR_S: Final = 60.0


class DoorError(OSError):
    """The socket cannot be made, in words."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.strerror = words


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One datagram. uid: who sent it, by the kernel's word; NOBODY when it gave none. whole: it was not cut."""

    octets: bytes
    uid: int
    whole: bool


class Senders:
    """The accounts that may ask. Names are looked up again now and then: the number of a service's own dynamic user is
    known only while that service runs."""

    def __init__(self, accounts: Sequence[str | int]) -> None:
        self._accounts = tuple(accounts)
        self._known: frozenset[int] = frozenset()
        self._looked_at = float("-inf")

    def allow(self, uid: int, now: float) -> bool:
        """Whether this account may ask. now: monotonic seconds."""
        age_s = now - self._looked_at
        if age_s > _GOOD_FOR_S or (uid not in self._known and age_s > _LOOK_AGAIN_S):
            self._known = frozenset(_uids(self._accounts))
            self._looked_at = now
        return uid != NOBODY and uid in self._known


class Door:
    """The listening socket; ``close`` takes it away again."""

    def __init__(self, path: Path, group: str | int | None) -> None:
        """Listen at ``path``, mode 0660. Raises DoorError: another service listens there, or it cannot be made."""
        self._path = path
        _make_way(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            # Before the first datagram can come: each must carry its sender's credentials.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            before = os.umask(0o777 & ~_MODE)
            try:
                self._socket.bind(os.fspath(path))
            finally:
                os.umask(before)
            if group is not None:
                os.chown(path, -1, _gid(group))
            path.chmod(_MODE)
            there = path.stat()
        except OSError as trouble:
            self._socket.close()
            raise DoorError(f"cannot listen on `{path}`: {(trouble.strerror or str(trouble)).lower()}") from trouble
        self._made = (there.st_dev, there.st_ino)

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def receive(self) -> Arrival | None:
        """The next datagram, None when there is none. Raises OSError for a socket that is broken."""
        try:
            octets, beside, flags, _address = self._socket.recvmsg(MAX_OCTETS, socket.CMSG_SPACE(_CREDENTIALS.size))
        except BlockingIOError:
            return None
        uid = NOBODY
        for level, kind, words in beside:
            if (level, kind, len(words)) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS, _CREDENTIALS.size):
                uid = _CREDENTIALS.unpack(words)[1]
        return Arrival(octets=octets, uid=uid, whole=not flags & socket.MSG_TRUNC)

    def close(self) -> None:
        """No more datagrams; the path is free again, unless somebody else has taken it."""
        self._socket.close()
        try:
            there = self._path.stat()
            if (there.st_dev, there.st_ino) == self._made:
                self._path.unlink()
        except OSError:
            return  # gone already, with its folder or by hand


def _make_way(path: Path) -> None:
    """Take away the socket of a service that is no more."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as trouble:
        raise DoorError(f"cannot listen on `{path}`: {(trouble.strerror or 'error').lower()}") from trouble
    if not stat.S_ISSOCK(mode):
        raise DoorError(f"cannot listen on `{path}`: something else than a socket is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as knock:
        try:
            knock.connect(os.fspath(path))
        except OSError as trouble:
            if trouble.errno != errno.ECONNREFUSED:
                why = (trouble.strerror or "error").lower()
                raise DoorError(f"cannot listen on `{path}`: {why}") from trouble
            path.unlink(missing_ok=True)
            return
    raise DoorError(f"cannot listen on `{path}`: another service listens there")


def _uids(accounts: Sequence[str | int]) -> list[int]:
    found = []
    for account in accounts:
        try:
            found.append(account if isinstance(account, int) else pwd.getpwnam(account).pw_uid)
        except KeyError:
            continue  # not running, or not made yet: asked again later
    return found


def _gid(group: str | int) -> int:
    if isinstance(group, int):
        return group
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise DoorError(f"there is no group `{group}`") from None
