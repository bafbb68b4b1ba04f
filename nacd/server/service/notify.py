"""One datagram to whoever started us: sd_notify(3), without a library.

Knows: the socket that ``NOTIFY_SOCKET`` names, the words of the protocol, and how often ``WATCHDOG_USEC`` wants to hear
of us. Refuses to know: what the daemon does. Nothing here raises or waits: a supervisor that does not listen costs the
daemon nothing, and without one all of it does nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Final

ADDRESS: Final = "NOTIFY_SOCKET"
WATCHDOG: Final = "WATCHDOG_USEC"
WATCHDOG_PID: Final = "WATCHDOG_PID"
_US: Final = 1_000_000


class Notify:
    """For any thread."""

    def __init__(self, address: str = "", watchdog_s: float = 0.0) -> None:
        """address: a path, or ``@name`` in Linux's abstract name space; ``""`` for nobody. watchdog_s: whoever listens
        ends us when it has heard nothing for so long; 0.0 if it does not."""
        self.watchdog_s = watchdog_s
        self._to = f"\0{address[1:]}" if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if address.startswith(("/", "@")) and len(address) > 1:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)

    @property
    def is_heard(self) -> bool:
        """Whether there is anybody to tell."""
        return self._socket is not None

    def say(self, **words: str | int) -> bool:
        """Tell these, as in ``say(READY=1)``; whether it went out. A line break within a value would begin a word of
        its own, and becomes a space."""
        if self._socket is None:
            return False
        text = "\n".join(f"{name}={' '.join(str(value).split())}" for name, value in words.items())
        try:
            self._socket.sendto(text.encode("utf-8", "replace"), socket.MSG_NOSIGNAL, self._to)
        except OSError:  # gone, or busy: it will be told the next thing
            return False
        return True

    def longer(self, seconds: float) -> bool:
        """Ask for so much more time to start, to reload or to stop."""
        return self.say(EXTEND_TIMEOUT_USEC=int(seconds * _US))

    def close(self) -> None:
        """Tell nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def from_environment(environment: MutableMapping[str, str], pid: int | None = None) -> Notify:
    """Whom the environment names. The words are taken out of it: they are meant for us, and not for our children.

    pid: whose process this is; default: this one.
    """
    address = environment.pop(ADDRESS, "")
    wanted = _watchdog_s(environment, os.getpid() if pid is None else pid)
    for name in (WATCHDOG, WATCHDOG_PID):
        environment.pop(name, None)
    return Notify(address, wanted if address else 0.0)


def _watchdog_s(environment: Mapping[str, str], pid: int) -> float:
    text, of = environment.get(WATCHDOG, ""), environment.get(WATCHDOG_PID, "")
    if not (text.isascii() and text.isdigit()) or (of and of != str(pid)):
        return 0.0
    return int(text) / _US
