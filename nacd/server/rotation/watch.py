"""Whoever notices that something is being changed, or is about to end: secrets of NASes, certificates, app credentials.

Knows: when each is looked at, and that it is on record and in the log. Refuses to know: how any of them is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from nacd.audit.rotation import events
from nacd.audit.rotation.events import OurCertificate
from nacd.intune.credentials import CredentialStatus
from nacd.radius.overlap.seen import Changed, SecretsSeen
from nacd.server.assembly import Assembled
from nacd.server.log import logger
from nacd.server.rotation import certificates, credentials
from nacd.server.rotation.credentials import CredentialsSeen
from nacd.server.rotation.due import Reminders
from nacd.server.rotation.twos import twos
from nacd.values import AuditEvent, Instant

_STATUS_S: Final = 5.0
_ENDS_S: Final = 300.0
_AT_ONCE: Final = 100
"""Records of NASes in one second; the others follow."""


class _Status(Protocol):
    @property
    def credentials(self) -> tuple[CredentialStatus, ...]: ...


class Asked(Protocol):
    """Whoever is asked about devices."""

    def status(self) -> _Status:
        """How things stand."""


class Rotation:
    """For one event loop."""

    def __init__(
        self,
        seen: SecretsSeen,
        in_force: Callable[[], Assembled],
        sources: Mapping[str, Asked],
        take: Callable[[Sequence[AuditEvent], Instant], object],
    ) -> None:
        """in_force: the configuration that counts now. sources: who is asked, by tenant. take: records events."""
        self._seen = seen
        self._in_force = in_force
        self._sources = sources
        self._take = take
        self._assembled: Assembled | None = None
        self._held: tuple[OurCertificate, ...] = ()
        self._credentials = CredentialsSeen()
        self._reminders = Reminders()
        self._status_at = self._ends_at = float("-inf")
        self._log = logger("rotation")

    def tick(self, now: Instant) -> None:
        """Once a second or so."""
        told = [*self._secrets(now), *self._certificates(now)]
        if now.monotonic >= self._status_at:
            self._status_at = now.monotonic + _STATUS_S
            told += self._apps(now)
        if now.monotonic >= self._ends_at:
            self._ends_at = now.monotonic + _ENDS_S
            told += self._ends(now)
        if told:
            self._take(told, now)

    def _secrets(self, now: Instant) -> Iterator[AuditEvent]:
        for _, each in zip(range(_AT_ONCE), self._seen.changes(), strict=False):
            yield self._said(_secret_changed(each, now))

    def _certificates(self, now: Instant) -> Iterator[AuditEvent]:
        assembled = self._in_force()
        if assembled is self._assembled:
            return
        first, before = self._assembled is None, self._held
        for one in twos(assembled):
            self._seen.watch(one.client.nas.name, one.all, now.wall)
        self._assembled, self._held = assembled, certificates.held(assembled)
        self._status_at = self._ends_at = now.monotonic
        if not first:
            yield from map(self._said, certificates.changed(before, self._held, now))

    def _apps(self, now: Instant) -> Iterator[AuditEvent]:
        tenants = self._in_force().tenants
        for name, source in self._sources.items():
            if name in tenants:
                stands = source.status().credentials
                yield from map(self._said, self._credentials.look(name, tenants[name].credentials, stands, now))

    def _ends(self, now: Instant) -> Iterator[AuditEvent]:
        there: set[object] = set()
        for one in self._held:
            there.add(one)
            if self._reminders.due(one, one.not_after, now.wall):
                yield self._said(events.certificate_expires(one, now=now))
        for name, source in self._sources.items():
            for place, status in enumerate(source.status().credentials):
                app = credentials.app(name, place, status)
                there.add(app)
                if self._reminders.due(app, app.not_after, now.wall):
                    # For people `upkeep` says it.
                    yield events.credential_expires(app, now=now)
        self._reminders.keep(there)

    def _said(self, event: AuditEvent) -> AuditEvent:
        """It is in the log, too."""
        say = self._log.warning if event.code.endswith("W") else self._log.info
        say(str(event.fields["why"]), event_code=event.code)
        return event


def _secret_changed(each: Changed, now: Instant) -> AuditEvent:
    to = "next_secret" if each.to_next else "secret"
    return events.secret_changed(nas=each.nas, source=each.source, to=to, before_at=each.before_at, now=now)
