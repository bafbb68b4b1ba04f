"""What waits to be decided again: devices of which something is known, sessions, orders.

Knows: each thing once, with the newest word of it, and how many may wait. Refuses to know: what is decided.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Final

from nacd.server.sessions.loop.deciding import Device
from nacd.session.overrides import Override
from nacd.values import Compliance

_MOST_DEVICES: Final = 50_000
_MOST_SESSIONS: Final = 50_000
_MOST_OVERRIDES: Final = 10_000


class Queue:
    """For one thread."""

    def __init__(self) -> None:
        self._devices: OrderedDict[Device, Compliance] = OrderedDict()
        self._sessions: OrderedDict[int, None] = OrderedDict()
        self._overrides: deque[Override] = deque()
        self._overflowed = False

    def __len__(self) -> int:
        return len(self._devices) + len(self._sessions) + len(self._overrides)

    def put_device(self, device: Device, compliance: Compliance) -> None:
        """The newest word about a device."""
        if device in self._devices or self._has_room(len(self._devices), _MOST_DEVICES):
            self._devices[device] = compliance

    def put_session(self, id: int) -> None:
        """A session that is to be looked at."""
        if id in self._sessions or self._has_room(len(self._sessions), _MOST_SESSIONS):
            self._sessions[id] = None

    def put_override(self, override: Override) -> None:
        """An order that has changed."""
        if self._has_room(len(self._overrides), _MOST_OVERRIDES):
            self._overrides.append(override)

    def take_override(self) -> Override | None:
        """The first of them; None: there is none."""
        return self._overrides.popleft() if self._overrides else None

    def take_devices(self) -> Mapping[Device, Compliance]:
        """All of them."""
        taken, self._devices = self._devices, OrderedDict()
        return taken

    def take_sessions(self) -> tuple[int, ...]:
        """All of them."""
        taken, self._sessions = self._sessions, OrderedDict()
        return tuple(taken)

    def overflowed(self) -> bool:
        """Whether something found no room since this was asked last."""
        overflowed, self._overflowed = self._overflowed, False
        return overflowed

    def _has_room(self, waiting: int, most: int) -> bool:
        self._overflowed = self._overflowed or waiting >= most
        return waiting < most
