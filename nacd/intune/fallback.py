"""Two sources of compliance as one: the second is asked when the first does not answer.

Knows: the order of the two, and how long the first is passed over when it keeps failing. Refuses to know: who
they are, and what an answer means. A fallback never raises trust: whatever the first said stands; the second is
asked only where nothing was said.

The first gets half of the time, so that there is some left for the second. When it has failed three times in a
row the second is asked first, so that logins do not wait for it each time; one call at a time finds out whether
the first is back (``nacd.compliance.breaker``, under a lock here).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from nacd.compliance.breaker import Breaker, BreakerOptions, BreakerState
from nacd.compliance.listed import BulkAnswer
from nacd.intune.graph.answers import NOT_LISTED
from nacd.intune.nac.answers import about_device, concerns_only_the_device
from nacd.intune.nac.status import SourceStatus
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, Instant, MacAddress

_FIRST_SHARE = 0.5
_DETAIL_LIMIT = 300
_PASSED_OVER = BreakerOptions(failures_to_open=3, open_s=10.0, max_open_s=120.0, probe_limit_s=30.0)


class Answering(Protocol):
    """Whoever can say what state a device is in."""

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        """Ask once; blocking, thread-safe; trouble comes back as ``unavailable``."""
        ...

    @property
    def throttled(self) -> int:
        """429 answers since the start."""
        ...


class Leading(Answering, Protocol):
    """The first of the two: it lists devices, and how things stand is how they stand with it."""

    def noncompliant(self, deadline_s: float, now: Callable[[], float]) -> BulkAnswer:
        """All devices that are not compliant, or why not."""
        ...

    def warm(self) -> None:
        """Prepare in the background."""
        ...

    def status(self) -> SourceStatus:
        """How things stand."""
        ...


class Fallback:
    """Asks ``first``, and ``second`` where nothing was said. Thread-safe if both are."""

    def __init__(
        self,
        first: Leading,
        second: Answering,
        *,
        names: tuple[str, str] = ("nac", "graph"),
        passed_over: BreakerOptions = _PASSED_OVER,
    ) -> None:
        """names: of the two, for words. passed_over: after how many failures, and for how long, the second leads."""
        self._first = first
        self._second = second
        self._names = names
        self._lock = threading.Lock()
        self._breaker = Breaker(passed_over)

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        """What the first that answers says; blocks for ``deadline_s`` seconds at most.

        now: gives seconds since the epoch. ``unavailable`` names what failed with each. The detail of an answer says
        so when it is the second's.
        """
        until = time.monotonic() + deadline_s
        with self._lock:
            generation = self._breaker.admit(_instant())
        if generation:
            said = self._reported(subject, deadline_s * _FIRST_SHARE, now, generation)
            if not _nothing_said(said):
                return said
            instead = self._asked_instead(subject, _left_s(until), now)
            return self._joined(said, instead)
        instead = self._asked_instead(subject, deadline_s * _FIRST_SHARE, now)
        if not _nothing_said(instead):
            return replace(instead, detail=_words(self._by_fallback(f"{self._names[0]} keeps failing"), instead.detail))
        said = self._first.lookup(subject, _left_s(until), now)
        return self._joined(said, instead)

    @property
    def throttled(self) -> int:
        """429 answers of both since the start."""
        return self._first.throttled + self._second.throttled

    @property
    def first_leads(self) -> bool:
        """Whether the first is asked first, as it should be."""
        with self._lock:
            return self._breaker.state is BreakerState.CLOSED

    def noncompliant(self, deadline_s: float, now: Callable[[], float]) -> BulkAnswer:
        """The first's list; see ``IntuneSource.noncompliant``."""
        return self._first.noncompliant(deadline_s, now)

    def warm(self) -> None:
        """Prepare the first; the second costs nothing until it is needed."""
        self._first.warm()

    def status(self) -> SourceStatus:
        """How things stand with the first."""
        return self._first.status()

    def _asked_instead(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        """What the second says. It lists Wi-Fi addresses alone: one that it does not list may be a managed device's
        wired one, which the first knows. An outage must not replace what the first said of it."""
        said = self._second.lookup(subject, deadline_s, now)
        if isinstance(subject, MacAddress) and said.detail == NOT_LISTED:
            detail = about_device(f"{self._names[1]} knows wi-fi addresses alone, and not this one").detail
            state = ComplianceState.UNAVAILABLE
            return Compliance(state=state, as_of=said.as_of, source=ComplianceSource.NONE, detail=detail)
        return said

    def _reported(
        self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float], generation: int
    ) -> Compliance:
        """Ask the first, and let the breaker know how that went, also when a bug ends it."""
        done = self._breaker.abandoned
        try:
            said = self._first.lookup(subject, deadline_s, now)
            if said.state is ComplianceState.UNAVAILABLE and not concerns_only_the_device(said.detail):
                done = self._breaker.failed
            elif said.source is not ComplianceSource.NONE or concerns_only_the_device(said.detail):
                done = self._breaker.succeeded
        finally:
            with self._lock:
                done(_instant(), generation)
        return said

    def _joined(self, said: Compliance, instead: Compliance) -> Compliance:
        """One answer out of what the first said (nothing, or it was asked last) and what the second did."""
        if not _nothing_said(said):
            return said
        if not _nothing_said(instead):
            return replace(
                instead, detail=_words(self._by_fallback(f"{self._names[0]}: {said.detail}"), instead.detail)
            )
        both = f"{self._names[0]}: {said.detail}; {self._names[1]}: {instead.detail}"
        # A breaker above must count this unless each failure is about this one device.
        if concerns_only_the_device(said.detail) and concerns_only_the_device(instead.detail):
            both = about_device(both).detail
        state = ComplianceState.UNAVAILABLE
        return Compliance(state=state, as_of=instead.as_of, source=ComplianceSource.NONE, detail=both)

    def _by_fallback(self, why: str) -> str:
        return f"said by the fallback {self._names[1]}, because {why}"[:_DETAIL_LIMIT]


def _nothing_said(answer: Compliance) -> bool:
    """No source stands behind it: an outage, or a question that this one cannot be asked (an Entra device id)."""
    return answer.state is ComplianceState.UNAVAILABLE or answer.source is ComplianceSource.NONE


def _words(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _left_s(until: float) -> float:
    return max(0.0, until - time.monotonic())


def _instant() -> Instant:
    return Instant(wall=0.0, monotonic=time.monotonic())
