"""The devices that are on the network now, asked about one by one and evenly spread.

Knows: who was let in and has not left, and how often they are to be asked about. Refuses to know: what follows from an
answer.

A device is watched from its Accept until a Stop of the same NAS names its Calling-Station-Id, or for a day if none
comes. Such a Stop names a place and not always a session: of several devices at one place it ends the one that came
first, and of two NASes that a device was at, only one's. A device that Intune does not know is not watched: nothing
that it says of it can be taken back, and whoever makes up MACs would have them all asked about.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeAlias

from nacd.compliance.polling import Nothing, Watch, feasible_interval_s
from nacd.compliance.question import Question
from nacd.server.lookups.tenants import Lookups
from nacd.values import NO_PORT, AccessRequest, AccountingRequest, Compliance, ComplianceState, Instant

_FORGET_S = 24 * 3600.0
# What waits for its turn elsewhere would count as asked about.
_MOST_WAITING = 200
_MOST_LIVE = 200_000
_MOST_PLACES = 16
_MOST_STATIONS = 100_000
_MOST_STATIONS_OF_PORT = 64
_MOST_STATIONS_OF_NAS = 20_000

_Place: TypeAlias = tuple[str, str]
"""A NAS's address and a Calling-Station-Id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TooSlow:
    """A tenant whose devices are not asked about as often as configured. wanted_s, possible_s: intervals.

    late_s: for how long one has waited though the budget would do, 0.0 when it is the budget that does not.
    throttled: the budget is smaller than configured, for Intune answered 429.
    """

    tenant: str
    devices: int
    wanted_s: float
    possible_s: float
    late_s: float = 0.0
    throttled: bool = False

    def __str__(self) -> str:
        if self.late_s:
            return (
                f"tenant `{self.tenant}`: a live device was not asked about for {self.late_s:.0f} s, `poll.interval` is"
                f" {self.wanted_s:g} s: intune answers more slowly than {self.devices} devices are to be asked about"
            )
        # More questions would only be throttled more.
        more = (
            "intune throttles, and the budget is lowered for a while" if self.throttled else "or raise `budget.polling`"
        )
        return (
            f"tenant `{self.tenant}`: {self.devices} devices cannot be asked about every {self.wanted_s:g} s within the"
            f" budget for polling: set `poll.interval` to {self.possible_s:.0f}s or more, {more}"
        )


@dataclass(slots=True)
class _Live:
    """One device: until when it is watched (monotonic seconds), and the places it came by, the last one last."""

    question: Question
    until: float
    places: OrderedDict[_Place, None] = field(default_factory=OrderedDict)


@dataclass(slots=True)
class _Tenant:
    watch: Watch
    live: OrderedDict[str, _Live] = field(default_factory=OrderedDict)
    """The one that came last is last."""


class _Stations:
    """What was asked when a station was let in last. Nobody who makes up stations at one port, or at one NAS that
    names no ports, pushes out those of others."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[tuple[str, ...], Question]] = OrderedDict()
        self._of: dict[tuple[str, ...], OrderedDict[str, None]] = {}

    def seen(self, question: Question, request: AccessRequest) -> None:
        station, origin = request.station, request.port or (request.source,)
        self._drop(station)
        self._last[station] = (origin, question)
        here = self._of.setdefault(origin, OrderedDict())
        here[station] = None
        if len(here) > (_MOST_STATIONS_OF_NAS if request.port == NO_PORT else _MOST_STATIONS_OF_PORT):
            self._drop(next(iter(here)))
        elif len(self._last) > _MOST_STATIONS:
            self._drop(next(iter(self._last)))

    def question(self, station: str) -> Question | None:
        found = self._last.get(station)
        return found[1] if found is not None else None

    def _drop(self, station: str) -> None:
        if station in self._last:
            origin, _ = self._last.pop(station)
            del self._of[origin][station]
            if not self._of[origin]:
                del self._of[origin]


class LiveDevices:
    """interval_s: how often each is asked about."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._tenants: dict[str, _Tenant] = {}
        self._stations = _Stations()
        self._at: dict[_Place, dict[Question, str]] = {}
        """Who is where, with the Acct-Session-Id if the NAS told it; the one that came last is last."""

    def came(self, question: Question, request: AccessRequest, learnt: Compliance, now: Instant) -> None:
        """This device was let in with this request, and this was known of it. Of too many the oldest are forgotten."""
        tenant = self._tenants.get(question.tenant)
        if tenant is None:
            tenant = self._tenants[question.tenant] = _Tenant(Watch(self._interval_s, spread=_spread))
        if learnt.state is ComplianceState.NOT_MANAGED:
            if question.key in tenant.live:
                self._forget(question)
            return
        device = tenant.live.setdefault(question.key, _Live(question, 0.0))
        device.until = now.monotonic + _FORGET_S
        tenant.live.move_to_end(question.key)
        tenant.watch.watch(question.key, now)
        if request.station:
            self._stations.seen(question, request)
            self._stands(device, (request.source, request.station), request.acct_session_id)
        if len(tenant.live) > _MOST_LIVE:
            self._forget(next(iter(tenant.live.values())).question)

    def guess(self, station: str) -> Question | None:
        """What was asked when this Calling-Station-Id was let in last; it proves nothing."""
        return self._stations.question(station)

    def left(self, request: AccountingRequest) -> None:
        """The NAS ended a session."""
        place, ended = (request.source, request.station), request.acct_session_id
        for question, session in self._at.get(place, {}).items():
            if session in ("", ended) or not ended:
                device = self._tenants[question.tenant].live[question.key]
                self._go(device, place)
                if not device.places:
                    self._forget(question)
                return

    def tick(self, lookups: Lookups, now: Instant) -> None:
        """Hand over what is due."""
        for name, tenant in self._tenants.items():
            lookup = lookups.by_tenant[name]
            for _ in range(max(0, _MOST_WAITING - lookup.errands.polls_waiting)):
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

    def too_slow(self, lookups: Lookups, now: Instant) -> tuple[TooSlow, ...]:
        """Tenants whose budget, or whose Intune, cannot meet the interval for as many devices as there are now."""
        found = []
        for name, tenant in self._tenants.items():
            devices = len(tenant.watch)
            budget = lookups.by_tenant[name].errands.polling
            possible_s = feasible_interval_s(devices, budget.rate)
            late_s = tenant.watch.oldest_s(now)
            over = possible_s > self._interval_s
            if over or late_s > 2 * self._interval_s:
                found.append(
                    TooSlow(
                        tenant=name,
                        devices=devices,
                        wanted_s=self._interval_s,
                        possible_s=possible_s,
                        late_s=0.0 if over else late_s,
                        throttled=budget.rate < budget.full_rate,
                    )
                )
        return tuple(found)

    def _stands(self, device: _Live, place: _Place, session: str) -> None:
        here = self._at.setdefault(place, {})
        here.pop(device.question, None)
        here[device.question] = session
        device.places[place] = None
        device.places.move_to_end(place)
        if len(device.places) > _MOST_PLACES:
            self._go(device, next(iter(device.places)))

    def _go(self, device: _Live, place: _Place) -> None:
        del device.places[place]
        here = self._at[place]
        del here[device.question]
        if not here:
            del self._at[place]

    def _forget(self, question: Question) -> None:
        tenant = self._tenants[question.tenant]
        tenant.watch.forget(question.key)
        device = tenant.live.pop(question.key)
        for place in tuple(device.places):
            self._go(device, place)


def _spread(key: str) -> float:
    """A device's place in the interval: even over all devices, and the same each time."""
    return zlib.crc32(key.encode()) / 2**32
