"""The devices that are on the network now, asked about one by one and evenly spread.

Knows: who was let in and has not left, and how often they are to be asked about. Refuses to know: what follows from an
answer.

A device is watched from its Accept until a Stop names its Calling-Station-Id, or for a day if none comes.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass, field

from nacd.compliance.polling import Nothing, Watch, feasible_interval_s
from nacd.compliance.question import Question
from nacd.server.lookups.tenants import Lookups
from nacd.values import Instant

_FORGET_S = 24 * 3600.0
_MOST_AT_ONCE = 1000
_MOST_STATIONS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TooSlow:
    """A tenant whose devices cannot be asked about as often as configured. wanted_s, possible_s: intervals."""

    tenant: str
    devices: int
    wanted_s: float
    possible_s: float

    def __str__(self) -> str:
        return (
            f"tenant `{self.tenant}`: {self.devices} devices cannot be asked about every {self.wanted_s:g} s within the"
            f" budget for polling: set `poll.interval` to {self.possible_s:.0f}s or more, or raise `budget.polling`"
        )


@dataclass(slots=True)
class _Live:
    """One device: until when it is watched (monotonic seconds), and the stations it came by."""

    question: Question
    until: float
    stations: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Tenant:
    watch: Watch
    live: dict[str, _Live] = field(default_factory=dict)


class LiveDevices:
    """interval_s: how often each is asked about."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._tenants: dict[str, _Tenant] = {}
        self._last: OrderedDict[str, Question] = OrderedDict()

    def came(self, question: Question, station: str, now: Instant) -> None:
        """This device was let in. station: its Calling-Station-Id, ``""`` if there is none."""
        tenant = self._tenants.get(question.tenant)
        if tenant is None:
            tenant = self._tenants[question.tenant] = _Tenant(Watch(self._interval_s, spread=_spread))
        device = tenant.live.setdefault(question.key, _Live(question, 0.0))
        device.until = now.monotonic + _FORGET_S
        tenant.watch.watch(question.key, now)
        if station:
            device.stations.add(station)
            self._last[station] = question
            self._last.move_to_end(station)
            if len(self._last) > _MOST_STATIONS:
                self._last.popitem(last=False)

    def guess(self, station: str) -> Question | None:
        """What was asked when this Calling-Station-Id was let in last; it proves nothing."""
        return self._last.get(station)

    def left(self, station: str) -> None:
        """The NAS ended the session of whoever has this Calling-Station-Id."""
        question = self._last.get(station)
        device = self._tenants[question.tenant].live.get(question.key) if question is not None else None
        if device is not None:
            device.stations.discard(station)
            if not device.stations:
                self._forget(device.question)

    def tick(self, lookups: Lookups, now: Instant) -> None:
        """Hand over what is due."""
        for name, tenant in self._tenants.items():
            lookup = lookups.by_tenant[name]
            for _ in range(_MOST_AT_ONCE):
                key = tenant.watch.due(now)
                if isinstance(key, Nothing):
                    break
                device = tenant.live[key]
                if now.monotonic > device.until:
                    self._forget(device.question)
                elif not lookup.poll(device.question):
                    break
                else:
                    tenant.watch.asked(key, now)

    def counts(self, tenant: str, now: Instant) -> tuple[int, float]:
        """Devices watched, and seconds since the one that waits longest was asked about."""
        found = self._tenants.get(tenant)
        return (len(found.watch), found.watch.oldest_s(now)) if found is not None else (0, 0.0)

    def too_slow(self, lookups: Lookups) -> tuple[TooSlow, ...]:
        """Tenants whose budget cannot meet the interval for as many devices as there are now."""
        found = []
        for name, tenant in self._tenants.items():
            possible_s = feasible_interval_s(len(tenant.watch), lookups.by_tenant[name].errands.polling.rate)
            if possible_s > self._interval_s:
                found.append(
                    TooSlow(tenant=name, devices=len(tenant.watch), wanted_s=self._interval_s, possible_s=possible_s)
                )
        return tuple(found)

    def _forget(self, question: Question) -> None:
        tenant = self._tenants[question.tenant]
        tenant.watch.forget(question.key)
        del tenant.live[question.key]


def _spread(key: str) -> float:
    """A device's place in the interval: even over all devices, and the same each time."""
    return zlib.crc32(key.encode()) / 2**32
