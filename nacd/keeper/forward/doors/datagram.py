"""Syslog over UDP (RFC 5426): one datagram a message, and nobody knows whether it arrives.

Knows: sending. Refuses to know: loss. The one thing that is noticed is a machine that says that nobody listens there.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import Final

from nacd.audit.mapping import syslog
from nacd.audit.mapping.syslog import Shape
from nacd.config.sections.audit.forwarding import Destination
from nacd.keeper.forward.cursor import Place
from nacd.keeper.forward.doors.door import Event, Trouble
from nacd.keeper.forward.doors.stream import words_of

_AGAIN_S: Final = 300.0
"""How long an address is used before its name is asked for again."""


class Datagrams:
    """A connected socket, so that refusals come back."""

    def __init__(self, destination: Destination, shape: Shape) -> None:
        self._to = destination
        self._shape = shape
        self._socket: socket.socket | None = None
        self._opened = 0.0
        self._passed: Place | None = None
        self._sound = False

    def send(self, events: Sequence[Event]) -> None:
        """Each in a datagram. Raises Trouble."""
        try:
            connected = self._open()
            for event in events:
                connected.send(syslog.message(self._shape, event.record, event.octets))
        except OSError as trouble:
            raise Trouble(words_of(trouble, self._to.host)) from trouble
        self._sound = True

    def passed(self, place: Place) -> None:
        self._passed = place

    def settled(self) -> Place | None:
        found, self._passed = self._passed, None
        return found

    def sound(self) -> bool:
        return self._sound

    def tend(self) -> None:
        if self._socket is not None and time.monotonic() > self._opened + _AGAIN_S:
            self._socket.close()
            self._socket = None

    def forget(self) -> None:
        self._passed, self._sound = None, False
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def close(self) -> None:
        self.forget()

    def _open(self) -> socket.socket:
        if self._socket is not None:
            return self._socket
        found = socket.getaddrinfo(self._to.host, self._to.port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _name, address = found[0]
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(self._to.timeout.total_seconds())
            opened.connect(address)
        except OSError:
            opened.close()
            raise
        self._socket, self._opened = opened, time.monotonic()
        return opened
