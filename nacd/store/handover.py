"""The daemon's hand to the service for device actions: one small datagram into a local socket, or a word why not.

Knows: the socket's path and what a request looks like. Refuses to know: whether, when and how the service acts; nothing
ever comes back. The daemon must not wait for it, so every call is one or two system calls that cannot block.
"""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Final

MAX_OCTETS: Final = 512
"""The longest request the service reads."""
_PAUSE_S: Final = 1.0


def request(verb: str, device_guid: str, tenant: str) -> bytes:
    """A request as it goes over the socket: one JSON object. verb: ``sync`` or ``notify``."""
    return json.dumps({"verb": verb, "device": device_guid, "tenant": tenant}).encode("ascii")


class Handover:
    """Hands requests to ``nacd actions``. For one thread; raises nothing, blocks never."""

    def __init__(self, path: Path) -> None:
        """path: the service's socket; it need not be there yet."""
        self._path = os.fspath(path)
        self._socket: socket.socket | None = None
        self._trouble = ""
        self._not_before = 0.0

    def ask(self, verb: str, device_guid: str, tenant: str) -> str:
        """Hand over one request: ``""`` when the service has it in its queue, else why not, in words."""
        octets = request(verb, device_guid, tenant)
        if len(octets) > MAX_OCTETS:
            return f"the request is longer than {MAX_OCTETS} octets"
        if self._socket is None and (why := self._connect()):
            return why
        try:
            return self._send(octets)
        except OSError as trouble:
            self.close()
            if isinstance(trouble, ConnectionRefusedError | ConnectionResetError | BrokenPipeError):
                return self._send_again(octets)  # the service was started anew: its socket is another one now
            return self._words(trouble)

    def close(self) -> None:
        """Let go of the socket; the next ``ask`` makes a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send_again(self, octets: bytes) -> str:
        if why := self._connect():
            return why
        try:
            return self._send(octets)
        except OSError as trouble:
            self.close()
            return self._words(trouble)

    def _send(self, octets: bytes) -> str:
        if self._socket is None:
            return self._trouble
        try:
            self._socket.send(octets, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return "the service for device actions has its hands full"
        return ""

    def _connect(self) -> str:
        """A connected socket, at most one try a second; ``""``, or why there is none."""
        now = time.monotonic()
        if now < self._not_before:
            return self._trouble
        self._not_before = now + _PAUSE_S
        try:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as trouble:
            self._trouble = self._words(trouble)
            return self._trouble
        try:
            made.connect(self._path)
        except (OSError, ValueError) as trouble:
            made.close()
            self._trouble = self._words(trouble)
            return self._trouble
        self._socket, self._trouble, self._not_before = made, "", 0.0
        return ""

    def _words(self, trouble: OSError | ValueError) -> str:
        why = (getattr(trouble, "strerror", None) or str(trouble)).lower()
        return f"the service for device actions cannot be reached at `{self._path}`: {why}"
