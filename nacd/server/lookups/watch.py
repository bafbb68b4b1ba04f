"""The devices that are on the network now, asked about one by one and evenly spread.

Knows: which sessions are open, whose they are, and how often those devices are to be asked about. Refuses to know: what
follows from an answer.

A device is watched from the first of its sessions that is on disk until the last has ended or aged out. One that Intune
does not know is not watched, until it is known: nothing that it says of it can be taken back, and whoever makes up MACs
would have them all asked about. One that was known once and is not any more stays, for it may be enrolled again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from math import ceil, inf

from nacd.compliance.polling import Ages, Nothing, Watch
from nacd.compliance.present import NOBODY, Present
from nacd.compliance.question import Question, of_key
from nacd.server.clock import instant
from nacd.server.log import logger
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.threads import Threads
from nacd.sessions import Authorized, Change, Grounds, Phase, Session, Standing
from nacd.store.live.outcome import Applied
from nacd.store.sessions import LiveKey
from nacd.values import NO_PORT, AccessRequest, Compliance, ComplianceState, Instant

# What waits for its turn elsewhere would count as asked about.
_MOST_WAITING = 200
_MOST_SESSIONS = 1_000_000
_PAGE = 5_000
_SLICE = 500
_MOST_STATIONS = 100_000
_MOST_STATIONS_OF_PORT = 64
_MOST_STATIONS_OF_NAS = 20_000
_EVEN = 0.6180339887498949
_OPEN = frozenset({Phase.AUTHORIZED, Phase.LIVE})
_NO_VERDICT = frozenset({ComplianceState.UNAVAILABLE, ComplianceState.NOT_ASKED})
# Less than this is a rounding error.
_SOME = 1 + 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class HowOften:
    """Seconds. each: from one question about a device to the next. by_nas: the same for sessions at some NASes, by
    their names. again: how old a verdict may be for a device with an open session that authenticates again."""

    each: float
    by_nas: Mapping[str, float] = field(default_factory=dict)
    again: float = inf

    def at(self, nas: str) -> float:
        """For a session at this NAS."""
        return self.by_nas.get(nas, self.each)


@dataclass(frozen=True, slots=True, kw_only=True)
class TooSlow:
    """A tenant whose devices are not asked about as often as configured. wanted_s, possible_s: intervals.

    late_s: for how long one has waited though the budget would do, 0.0 when it is the budget that does not.
    throttled: the budget is smaller than configured, for Intune answered 429. groups: some NASes have an interval of
    their own.
    """

    tenant: str
    devices: int
    wanted_s: float
    possible_s: float
    late_s: float = 0.0
    throttled: bool = False
    groups: bool = False

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
        # What is possible is possible with every interval longer by as much.
        groups = " and `poll.groups` longer by as much" if self.groups else ""
        return (
            f"tenant `{self.tenant}`: {self.devices} devices cannot be asked about every {self.wanted_s:g} s within the"
            f" budget for polling: set `poll.interval` to {ceil(self.possible_s / _SOME)}s or more{groups}, {more}"
        )


class _Tenant:
    """The devices of one tenant: who has sessions, who of them is watched, and what is known of them.

    known: those that Intune has known. strangers: those that it does not know, the first that came first.
    """

    def __init__(self) -> None:
        self.present = Present()
        self.watch = Watch(spread=lambda number: (number + 1) * _EVEN % 1)  # 0 would be: at once, after its login
        self.verdicts = Ages()
        self.known = bytearray()
        self.strangers: OrderedDict[int, None] = OrderedDict()

    def begins(self, session: int, key: str, interval_s: float, now: Instant) -> int:
        """Gives the number of its device, which is watched unless it is a stranger."""
        number = self.present.begins(session, key, interval_s)
        if number >= len(self.known):
            self.known.extend(bytes(number + 1 - len(self.known)))
        if number not in self.strangers:
            self.watches(number, now)
        return number

    def watches(self, number: int, now: Instant) -> None:
        self.strangers.pop(number, None)
        if number not in self.watch:
            self.verdicts.set(number, max(0.0, now.wall))
        self.watch.watch(number, self.present.interval_s(number), now)

    def ignores(self, number: int) -> None:
        self.known[number] = False
        self.strangers[number] = None
        self.watch.forget(number)
        self.verdicts.drop(number)

    def heard(self, number: int, as_of: float) -> None:
        """There is a verdict of this date; 0.0 is none."""
        if as_of > 0 and number in self.watch:
            self.verdicts.set(number, as_of)

    def leaves(self, session: int, now: Instant) -> bool:
        number = self.present.leaves(session)
        if number == NOBODY:
            return False
        if self.present.is_here(number):
            if number in self.watch:
                self.watch.watch(number, self.present.interval_s(number), now)
        else:
            self.strangers.pop(number, None)
            self.known[number] = False
            self.watch.forget(number)
            self.verdicts.drop(number)
        return True


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
    """For the event loop. At most a million sessions: 300 MB if each has a device of its own, 350 MB if each has two.

    Those that come when there is no room are not watched.
    """

    def __init__(self, often: HowOften, clock: Callable[[], Instant] = instant) -> None:
        self.left_out = 0
        """Sessions for which there was no room, since the start."""
        self._often = often
        self._clock = clock
        self._tenants: dict[str, _Tenant] = {}
        self._stations = _Stations()
        self._over: set[int] | None = None
        """Sessions that have ended since ``resume`` began to read, while it reads."""
        self._log = logger("lookup")

    # -- sessions ------------------------------------------------------------------------------------

    def applied(self, change: Change, applied: Applied) -> None:
        """What a change that is on disk made of a session (a listener of the book of sessions)."""
        now = self._clock()
        for each in applied.ended:
            self._leaves(each, now)
        session = applied.session
        if not applied.stored or not isinstance(session, Session):
            return
        grounds = session.grounds
        if session.phase not in _OPEN or not isinstance(grounds, Grounds) or not grounds.key:
            self._leaves(session.id, now)
            return
        tenant = self._tenants.get(grounds.tenant)
        number = tenant.present.number(grounds.key) if tenant is not None else NOBODY
        if tenant is None or number == NOBODY or tenant.present.of_session(session.id) != number:
            self._leaves(session.id, now)  # it may have been another device's
            tenant = self._begins(session.id, grounds.tenant, grounds.key, session.place.nas, now)
        elif not isinstance(change, Authorized):
            return  # what most records end with
        news = number == NOBODY or isinstance(change, Authorized)
        if news and tenant is not None and isinstance(session.standing, Standing):
            self._learns(tenant, tenant.present.number(grounds.key), session.standing.compliance, now)

    async def resume(self, rows: Iterator[LiveKey]) -> None:
        """Watch the devices of the sessions that were open before a restart. rows: read in a thread, page by page; what
        ``applied`` tells meanwhile counts more."""
        reader, self._over = Threads(1, "resume"), set()
        try:
            while page := await reader.run(partial(_page, rows)):
                for first in range(0, len(page), _SLICE):
                    self._take(page[first : first + _SLICE])
                    await asyncio.sleep(0)  # others have work too
        finally:
            self._over = None
            reader.close()

    def verdict(self, question: Question, compliance: Compliance) -> None:
        """A verdict begins to count: one that Intune did not know is watched when it does, and the other way round."""
        tenant = self._tenants.get(question.tenant)
        number = tenant.present.number(question.key) if tenant is not None else NOBODY
        if tenant is None or number == NOBODY:
            return
        if compliance.state is ComplianceState.NOT_MANAGED and tenant.known[number]:
            tenant.heard(number, compliance.as_of)
        else:
            self._learns(tenant, number, compliance, self._clock())

    def recalled(self, tenant: str, key: str, kept: Compliance) -> None:
        """A verdict came back from disk: it is no news, and it has a date."""
        found = self._tenants.get(tenant)
        number = found.present.number(key) if found is not None else NOBODY
        if found is not None and number != NOBODY:
            found.heard(number, kept.as_of)

    def at_most_s(self, question: Question, now: Instant) -> float:
        """How old a verdict may be for this device, which authenticates: no limit unless it has a session."""
        del now
        tenant = self._tenants.get(question.tenant)
        here = tenant is not None and tenant.present.number(question.key) != NOBODY
        return self._often.again if here else inf

    def _take(self, rows: list[LiveKey]) -> None:
        now = self._clock()
        for session, tenant, key, _, nas in rows:
            known = self._tenants.get(tenant)
            if (known is None or known.present.of_session(session) == NOBODY) and session not in (self._over or ()):
                self._begins(session, tenant, key, nas, now)

    def _begins(self, session: int, tenant: str, key: str, nas: str, now: Instant) -> _Tenant | None:
        """The tenant; None if there is no room, or nobody can be asked."""
        if not isinstance(of_key(tenant, key), Question) or not self._has_room(now):
            return None
        found = self._tenants.get(tenant)
        if found is None:
            found = self._tenants[tenant] = _Tenant()
        found.begins(session, key, self._often.at(nas), now)
        return found

    def _has_room(self, now: Instant) -> bool:
        if sum(tenant.present.sessions for tenant in self._tenants.values()) < _MOST_SESSIONS:
            return True
        for tenant in self._tenants.values():
            if tenant.strangers:
                for session in tenant.present.sessions_of(next(iter(tenant.strangers))):
                    tenant.leaves(session, now)
                return True
        if not self.left_out:
            self._log.warning(f"{_MOST_SESSIONS} live sessions are watched, those that come now are not")
        self.left_out += 1
        return False

    def _leaves(self, session: int, now: Instant) -> None:
        if self._over is not None:
            self._over.add(session)
        for tenant in self._tenants.values():
            if tenant.leaves(session, now):
                return

    @staticmethod
    def _learns(tenant: _Tenant, number: int, compliance: Compliance, now: Instant) -> None:
        if compliance.state is ComplianceState.NOT_MANAGED:
            tenant.ignores(number)
            return
        tenant.watches(number, now)
        if compliance.state not in _NO_VERDICT:
            tenant.known[number] = True
            tenant.heard(number, compliance.as_of)

    # -- stations --------------------------------------------------------------------------------------

    def seen(self, question: Question, request: AccessRequest) -> None:
        """This device was let in with this request."""
        if request.station and request.has_eap:  # nobody else's answer takes long enough to be guessed for
            self._stations.seen(question, request)

    def guess(self, station: str) -> Question | None:
        """What was asked when this Calling-Station-Id was let in last; it proves nothing."""
        return self._stations.question(station)

    # -- questions -------------------------------------------------------------------------------------

    def tick(self, lookups: Lookups, now: Instant) -> None:
        """Hand over what is due."""
        for name, lookup in lookups.by_tenant.items():
            tenant = self._tenants.get(name)
            if tenant is None:
                continue
            for _ in range(max(0, _MOST_WAITING - lookup.errands.polls_waiting)):
                number = tenant.watch.due(now)
                if isinstance(number, Nothing):
                    break
                question = of_key(name, tenant.present.key(number))
                if isinstance(question, Question) and not lookup.poll(question):
                    break
                tenant.watch.asked(number, now)

    def counts(self, tenant: str, now: Instant) -> tuple[int, float]:
        """Devices watched, and seconds since the one that waits longest was asked about."""
        found = self._tenants.get(tenant)
        return (len(found.watch), found.watch.oldest_s(now)) if found is not None else (0, 0.0)

    def oldest_verdict_s(self, tenant: str, now: Instant) -> float:
        """Seconds since the date of the oldest verdict of a device that is watched, 0.0 without any. One of which none
        is known, after a restart or since it was let in without, counts from then."""
        found = self._tenants.get(tenant)
        return found.verdicts.oldest_s(now.wall) if found is not None else 0.0

    def feasible_s(self, tenant: str, per_s: float) -> float:
        """What `poll.interval` would have to be for this many questions a second to do, the intervals of groups
        growing with it."""
        found = self._tenants.get(tenant)
        return self._often.each * found.watch.per_s / per_s if found is not None else 0.0

    def too_slow(self, lookups: Lookups, now: Instant) -> tuple[TooSlow, ...]:
        """Tenants whose budget, or whose Intune, cannot meet the interval for as many devices as there are now."""
        found = []
        for name, lookup in lookups.by_tenant.items():
            tenant = self._tenants.get(name)
            if tenant is None:
                continue
            budget = lookup.errands.polling
            possible_s = self.feasible_s(name, budget.rate)
            over = possible_s > self._often.each * _SOME
            if over or tenant.watch.late_s(now) > self._often.each:
                found.append(
                    TooSlow(
                        tenant=name,
                        devices=len(tenant.watch),
                        wanted_s=self._often.each,
                        possible_s=possible_s,
                        late_s=0.0 if over else tenant.watch.oldest_s(now),
                        throttled=budget.rate < budget.full_rate,
                        groups=bool(self._often.by_nas),
                    )
                )
        return tuple(found)


def _page(rows: Iterator[LiveKey]) -> list[LiveKey]:
    return list(islice(rows, _PAGE))
