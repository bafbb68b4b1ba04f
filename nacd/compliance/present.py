"""The devices of one tenant that have an open session, and which sessions those are.

Knows: numbers of sessions, keys of devices, and how often each session wants its device asked about. Refuses to know:
who says that a session is open, verdicts, clocks.

A million devices are a million rows, so a device is a small number here: a place in arrays. Nearly every device has one
session; only those that have more cost a dictionary.
"""

from __future__ import annotations

from array import array
from typing import Final

NOBODY: Final = -1
"""No number of a device."""


class Present:
    """Devices by number and by key, with their sessions."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._keys: list[str] = []
        self._free = array("I")
        self._sessions: dict[int, int] = {}  # a session -> the number of its device
        self._only = array("q")  # the session of a device, where it has one
        self._interval = array("f")  # what that one wants
        self._several: dict[int, dict[int, float]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def sessions(self) -> int:
        """How many there are."""
        return len(self._sessions)

    def number(self, key: str) -> int:
        """The device that has this key, or ``NOBODY``."""
        return self._numbers.get(key, NOBODY)

    def of_session(self, session: int) -> int:
        """The device whose session this is, or ``NOBODY``."""
        return self._sessions.get(session, NOBODY)

    def key(self, number: int) -> str:
        """The key of a device."""
        return self._keys[number]

    def interval_s(self, number: int) -> float:
        """How often a device is to be asked about: as often as the most watchful of its sessions wants."""
        several = self._several.get(number)
        return min(several.values()) if several is not None else self._interval[number]

    def sessions_of(self, number: int) -> tuple[int, ...]:
        """The sessions of a device."""
        several = self._several.get(number)
        return tuple(several) if several is not None else (self._only[number],)

    def begins(self, session: int, key: str, interval_s: float) -> int:
        """A session is open, and this is its device. One that had another device had better leave first: ValueError.
        Gives the number of the device."""
        number = self._numbers.get(key)
        if self._sessions.setdefault(session, NOBODY if number is None else number) not in (NOBODY, number):
            raise ValueError(f"session {session} is another device's")
        if number is None:
            number = self._new(key)
            self._only[number], self._interval[number] = session, interval_s
        elif number in self._several:
            self._several[number][session] = interval_s
        elif self._only[number] == session:
            self._interval[number] = interval_s
        else:
            self._several[number] = {self._only[number]: self._interval[number], session: interval_s}
        self._sessions[session] = number
        return number

    def leaves(self, session: int) -> int:
        """A session is over. Gives the number of its device, which from now on may be another's if this was the last
        (see ``is_here``); or ``NOBODY`` if there was no such session."""
        number = self._sessions.pop(session, NOBODY)
        if number == NOBODY:
            return NOBODY
        several = self._several.get(number)
        if several is None:
            del self._numbers[self._keys[number]]
            self._keys[number] = ""
            self._free.append(number)
            return number
        del several[session]
        if len(several) == 1:
            ((self._only[number], self._interval[number]),) = several.items()
            del self._several[number]
        return number

    def is_here(self, number: int) -> bool:
        """Whether the device with this number has a session."""
        return bool(self._keys[number])

    def _new(self, key: str) -> int:
        if self._free:
            number = self._free.pop()
            self._keys[number] = key
        else:
            number = len(self._keys)
            self._keys.append(key)
            self._only.append(0)
            self._interval.append(0.0)
        self._numbers[key] = number
        return number
