"""Every page of one daemon: which table is read from which part, and what is not as it should be.

Knows: where the parts of a daemon are. Refuses to know: HTTP, and the text format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Protocol

from nacd.compliance.breaker import BreakerState
from nacd.config.settings import Settings
from nacd.server.clock import instant
from nacd.server.drops import Drops
from nacd.server.keeper.minding import Minding
from nacd.server.listener import Listener
from nacd.server.lookups.building import Asking
from nacd.server.metrics import compliance, mab, monitor, program, reload, sessions, shadow
from nacd.server.metrics.census import Census
from nacd.server.metrics.compliance import Intervals
from nacd.server.metrics.health import expiry, pulse
from nacd.server.metrics.health.expiry import Expiry
from nacd.server.metrics.health.pulse import Pulse
from nacd.server.metrics.health.readiness import Finding, Health
from nacd.server.metrics.metric import Readings
from nacd.server.metrics.pages import pages
from nacd.server.metrics.requests import numbers as requests
from nacd.server.metrics.serving.health_pages import health_pages
from nacd.server.metrics.serving.page import Page
from nacd.server.metrics.trail import numbers as trail
from nacd.server.recorder import Recorder
from nacd.server.reload.reloader import Reloader
from nacd.server.sessions.building import Watching
from nacd.server.shadow.beside import Shadow
from nacd.server.worker import Worker


class Parts(Protocol):
    """A daemon."""

    @property
    def reloader(self) -> Reloader: ...
    @property
    def asking(self) -> Asking: ...
    @property
    def watching(self) -> Watching: ...
    @property
    def drops(self) -> Drops: ...
    @property
    def recorder(self) -> Recorder: ...
    @property
    def listener(self) -> Listener: ...
    @property
    def worker(self) -> Worker: ...
    @property
    def keeper(self) -> Minding: ...
    @property
    def shadow(self) -> Shadow: ...
    @property
    def health(self) -> Health: ...
    @property
    def pulse(self) -> Pulse: ...


def shown(parts: Parts, census: Census, settings: Settings, version: str) -> Mapping[str, Page]:
    """By path. settings: those that nacd was started with."""
    ends = Expiry()
    parts.health.tick_age_s = lambda: parts.pulse.tick_age_s
    parts.health.looks = (partial(_down, parts), partial(_degraded, parts, ends))
    return {**pages(*readings(parts, census, settings, version, ends)), **health_pages(parts.health)}


def readings(parts: Parts, census: Census, settings: Settings, version: str, ends: Expiry) -> tuple[Readings, ...]:
    """Every table, and who reads it."""
    asking, watching, worker, reloader = parts.asking, parts.watching, parts.worker, parts.reloader
    force, warn = parts.reloader.in_force, settings.audit.warn_at_percent

    def in_force() -> Settings:
        return force.current.assembled.loaded.settings

    def checkpoint_s() -> float:
        return in_force().audit.checkpoint.every.total_seconds()

    return (
        Readings(program.TABLE, partial(program.read, version)),
        Readings(requests.TABLE, lambda: requests.read(worker, parts.drops.totals, force.ongoing), stepwise=True),
        Readings(compliance.TABLE, lambda: compliance.read(asking, _intervals(in_force()), instant())),
        Readings(
            sessions.TABLE,
            lambda: sessions.read(
                watching.loop.status(instant()), watching.tally, census.counted, watching.book, parts.drops.total
            ),
        ),
        Readings(mab.TABLE, lambda: mab.read(watching.mab)),
        Readings(monitor.TABLE, lambda: monitor.read(worker.monitors, worker.monitored, instant())),
        Readings(shadow.TABLE, lambda: shadow.read(parts.shadow)),
        Readings(reload.TABLE, lambda: reload.read(reloader)),
        Readings(trail.TABLE, lambda: trail.read(parts.recorder, parts.keeper.now, warn, checkpoint_s())),
        Readings(expiry.TABLE, lambda: ends.read(force.current.assembled.eap)),
        Readings(pulse.TABLE, parts.pulse.read),
    )


def _intervals(settings: Settings) -> Intervals:
    poll = settings.compliance.poll
    return Intervals(
        poll_s=poll.interval.total_seconds(),
        longest_s=max(each.total_seconds() for each in (poll.interval, *poll.groups.values())),
        bulk_s=poll.bulk.total_seconds(),
    )


# -- what is not as it should be ----------------------------------------------------------------


def _down(parts: Parts) -> Iterator[Finding]:
    """What keeps requests from being answered."""
    if parts.recorder.refusing:
        says = f"no Accept leaves: {parts.recorder.failing}"
        yield Finding(check="audit", says=says, serves=False)
    if parts.worker.leaving:
        yield Finding(check="stopping", says="nacd is stopping: no conversation begins any more", serves=False)
    elif not parts.listener.serving:
        yield Finding(check="sockets", says="no socket is read", serves=False)


def _degraded(parts: Parts, ends: Expiry) -> Iterator[Finding]:
    """What is served in spite of."""
    if parts.recorder.failing and not parts.recorder.refusing:
        yield Finding(check="audit", says=f"records are lost: {parts.recorder.failing}")
    kept = parts.keeper.now
    if kept.wanted and not kept.up:
        yield Finding(check="keeper", says=f"nobody looks after full audit files: {kept.last_error or 'it starts'}")
    for queue in kept.status.queues if kept.up else ():
        if queue.problem:
            yield Finding(check="forward", says=f"`{queue.destination}` gets no records: {queue.problem}")
    for over in ends.over(parts.reloader.in_force.current.assembled.eap, instant()):
        yield Finding(check="certificate", says=f"{over} has ended")
    yield from _microsoft(parts.asking)
    yield from _stores(parts)
    yield from _ordered(parts)


def _microsoft(asking: Asking) -> Iterator[Finding]:
    for tenant, lookup in asking.lookups.by_tenant.items():
        if lookup.errands.breaker.state is not BreakerState.CLOSED:
            yield Finding(check="breaker", says=f"Microsoft is not asked for `{tenant}`: it keeps failing")
    for tenant, source in asking.sources.items():
        stands = source.status()
        for number, credential in enumerate(stands.credentials, start=1):
            if credential.refused or credential.problem:
                yield Finding(check="credential", says=f"credential {number} of `{tenant}` is refused or broken")


def _stores(parts: Parts) -> Iterator[Finding]:
    problems = {
        "verdicts": parts.asking.store.problem,
        "sessions": parts.watching.book.problem,
        "inventory": parts.watching.mab.shelf.problem,
    }
    for store, problem in problems.items():
        if problem:
            yield Finding(check="store", says=f"{store} are not kept on disk: {problem}")


def _ordered(parts: Parts) -> Iterator[Finding]:
    """What people or guards decided, and what should not be forgotten."""
    now = instant()
    for direction, count in parts.watching.loop.status(now).guards.items():
        if count.holding_until:
            yield Finding(check="guard", says=f"the guard for `{direction}` holds {count.held} changes of sessions")
    for each in parts.worker.monitors.all:
        if each.is_in_force(now.wall):
            yield Finding(
                check="monitor", says=f"decisions are not enforced: monitor {each.scope.value} {each.name}".rstrip()
            )
    if not parts.reloader.last.well:
        yield Finding(check="reload", says=f"the last reload failed: {parts.reloader.last.outcome}")
    if parts.reloader.trial is not None:
        yield Finding(check="canary", says=f"a configuration is tried out with `{parts.reloader.trial.wish.group}`")
