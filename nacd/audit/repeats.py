"""Refusals that repeat: the first is written, the rest are counted, and the count is written too.

Knows: windows, counts and budgets. Refuses to know: what a refusal says, beyond its two keys.

Theory: three bounds keep a misbehaving endpoint from filling the disk. Equal refusals (``repeat_key``)
within one window are written once and then counted. Different refusals of one NAS port (``port_key``),
as an endpoint makes that cycles its MAC, are written up to a budget per window and then counted per port.
When the tables themselves are full, refusals are counted in one overflow record by code and NAS. Whatever
was counted is written as a summary when its window closes, so nothing is lost silently. Windows are kept
in the order they opened, so closing costs no more than opening did; ``admit`` closes a few on the way and
``due`` closes all. An event without a repeat key (every accept) passes untouched.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from nacd.audit import events
from nacd.values import AuditEvent, Instant

_CLOSED_BY_ADMIT = 8
_MOST_NAS = 100


@dataclass(slots=True, kw_only=True)
class _Window:
    """A run of refusals that were counted. of: the event it stands for; opened: monotonic seconds."""

    of: AuditEvent
    opened: float
    first: float
    last: float
    count: int = 0
    written: int = 0
    by_code: dict[str, int] = field(default_factory=dict)
    by_nas: dict[str, int] = field(default_factory=dict)

    def add(self, event: AuditEvent, now: Instant) -> None:
        self.count += 1
        self.last = now.wall
        self.by_code[event.code] = self.by_code.get(event.code, 0) + 1


class Summaries(Protocol):
    """Who says in a record what was only counted. The functions of these names in ``events``, or in another module."""

    def repeated(self, *, of: AuditEvent, count: int, first: float, last: float, now: Instant) -> AuditEvent: ...

    def over_budget(
        self, *, of: AuditEvent, count: int, by_code: Mapping[str, int], first: float, last: float, now: Instant
    ) -> AuditEvent: ...

    def overflow(
        self,
        *,
        count: int,
        by_code: Mapping[str, int],
        by_nas: Mapping[str, int],
        first: float,
        last: float,
        now: Instant,
    ) -> AuditEvent: ...


class Repeats:
    """The gate in front of the audit log. Not thread-safe: it belongs to the one writer.

    window_s: how long equal refusals are counted before the count is written. capacity: refusals, and
    ports, told apart at a time. per_port_per_window: different refusals written for one port and window.
    told: makes the summaries, for what is no refusal.
    """

    def __init__(
        self,
        window_s: float = 60.0,
        capacity: int = 10_000,
        per_port_per_window: int = 60,
        told: Summaries = events,
    ) -> None:
        if window_s <= 0 or capacity < 1 or per_port_per_window < 1:
            raise ValueError("window, capacity and budget are positive")
        self._window_s = window_s
        self._capacity = capacity
        self._budget = per_port_per_window
        self._told = told
        self._runs: OrderedDict[str, _Window] = OrderedDict()
        self._ports: OrderedDict[str, _Window] = OrderedDict()
        self._overflow: _Window | None = None

    def __len__(self) -> int:
        """Refusals told apart at the moment."""
        return len(self._runs)

    def admit(self, event: AuditEvent, now: Instant) -> tuple[AuditEvent, ...]:
        """What to write now: summaries whose window has closed, then ``event`` itself unless it is only counted."""
        return tuple(self.admit_all((event,), now))

    def admit_all(self, events: Sequence[AuditEvent], now: Instant) -> list[AuditEvent]:
        """The same for several at once, in their order."""
        open_ones = self._runs or self._ports or self._overflow is not None
        out = self._close(now, _CLOSED_BY_ADMIT * len(events)) if open_ones else []
        for event in events:
            if event.repeat_key:
                self._admit_refusal(event, now, out)
            else:
                out.append(event)
        return out

    def _admit_refusal(self, event: AuditEvent, now: Instant, out: list[AuditEvent]) -> None:
        run = self._runs.get(event.repeat_key)
        if run is not None and self._over(run, now):
            del self._runs[event.repeat_key]
            out += self._run_summary(run, now)
            run = None
        if run is not None:
            run.add(event, now)
            return
        # Room first: a refusal that cannot be remembered must not use up its port's budget.
        if len(self._runs) >= self._capacity:
            self._overflown(event, now)
            return
        if event.port_key and not self._port_pays(event, now, out):
            return
        self._runs[event.repeat_key] = self._open(event, now)
        out.append(event)

    def due(self, now: Instant) -> tuple[AuditEvent, ...]:
        """Every summary whose window has closed by ``now``; to be called about once a window."""
        return tuple(self._close(now, 2 * self._capacity))

    def flush(self, now: Instant) -> tuple[AuditEvent, ...]:
        """Every summary there is, window closed or not: what is written before the daemon stops."""
        out: list[AuditEvent] = []
        for run in self._runs.values():
            out += self._run_summary(run, now)
        for port in self._ports.values():
            out += self._port_summary(port, now)
        out += self._overflow_summary(now)
        self._runs.clear()
        self._ports.clear()
        return tuple(out)

    # -- windows ------------------------------------------------------------------------

    def _open(self, event: AuditEvent, now: Instant) -> _Window:
        return _Window(of=event, opened=now.monotonic, first=now.wall, last=now.wall)

    def _over(self, window: _Window, now: Instant) -> bool:
        return now.monotonic - window.opened >= self._window_s

    def _close(self, now: Instant, most: int) -> list[AuditEvent]:
        """Close at most ``most`` windows of each table, oldest first."""
        out: list[AuditEvent] = []
        for table, summary in ((self._runs, self._run_summary), (self._ports, self._port_summary)):
            for _ in range(min(most, len(table))):
                if not self._over(next(iter(table.values())), now):
                    break
                out += summary(table.popitem(last=False)[1], now)
        if self._overflow is not None and self._over(self._overflow, now):
            out += self._overflow_summary(now)
        return out

    def _port_pays(self, event: AuditEvent, now: Instant, out: list[AuditEvent]) -> bool:
        """True when this port may have one more refusal written; else it has been counted."""
        port = self._ports.get(event.port_key)
        if port is not None and self._over(port, now):
            del self._ports[event.port_key]
            out += self._port_summary(port, now)
            port = None
        if port is None:
            if len(self._ports) >= self._capacity:
                self._overflown(event, now)
                return False
            port = self._ports[event.port_key] = self._open(event, now)
        if port.written < self._budget:
            port.written += 1
            return True
        if not port.count:
            port.of, port.first = event, now.wall
        port.add(event, now)
        return False

    def _overflown(self, event: AuditEvent, now: Instant) -> None:
        if self._overflow is None:
            self._overflow = self._open(event, now)
        self._overflow.add(event, now)
        shown = event.fields.get("nas")
        nas = str(shown.get("name", "")) if isinstance(shown, dict) else ""
        by_nas = self._overflow.by_nas
        if nas not in by_nas and len(by_nas) >= _MOST_NAS:
            nas = "other"
        by_nas[nas] = by_nas.get(nas, 0) + 1

    # -- summaries ----------------------------------------------------------------------

    def _run_summary(self, run: _Window, now: Instant) -> list[AuditEvent]:
        if not run.count:
            return []
        return [self._told.repeated(of=run.of, count=run.count, first=run.first, last=run.last, now=now)]

    def _port_summary(self, port: _Window, now: Instant) -> list[AuditEvent]:
        if not port.count:
            return []
        return [
            self._told.over_budget(
                of=port.of, count=port.count, by_code=port.by_code, first=port.first, last=port.last, now=now
            )
        ]

    def _overflow_summary(self, now: Instant) -> list[AuditEvent]:
        lost, self._overflow = self._overflow, None
        if lost is None:
            return []
        return [
            self._told.overflow(
                count=lost.count, by_code=lost.by_code, by_nas=lost.by_nas, first=lost.first, last=lost.last, now=now
            )
        ]
