"""The one writer of the audit log.

Knows: that a record is in the file before its answer leaves, what to do when the disk is full,
which refusals are summed up, and what was dropped in silence. Refuses to know: why anything was decided.
"""

from __future__ import annotations

from collections.abc import Sequence

from nacd.audit import events as audit
from nacd.audit.repeats import Repeats
from nacd.errors import AuditRefused
from nacd.server.drops import UNKNOWN_NAS, Drops
from nacd.server.log import logger
from nacd.store.audit_log import AuditLog
from nacd.values import AuditEvent, Instant

_REPORT_EVERY_S = 60.0
_WARN_AGAIN_S = 600.0
_REFUSED = "audit refused"
# What a NAS's health probe looks like when it lacks what the configuration requires.
_PROBE_LIKE = frozenset({"no_message_authenticator", "no_message_authenticator_probe"})


class Recorder:
    """Takes events in order. continue_when_full: Accepts go out although their record could not be written."""

    def __init__(
        self, *, log: AuditLog, repeats: Repeats, drops: Drops, continue_when_full: bool, warn_at_percent: int
    ) -> None:
        self._file = log
        self._repeats = repeats
        self._drops = drops
        self._continue_when_full = continue_when_full
        self._warn_at_percent = warn_at_percent
        self._log = logger("audit")
        self._last_report_s = 0.0
        self._warned: dict[str, float] = {}
        self._failing = False
        self._lost = 0
        self._lost_since = 0.0
        self._why = ""

    @property
    def refusing(self) -> bool:
        """True while the file takes nothing and the configuration says to stop Accepts for it."""
        return self._failing and not self._continue_when_full

    def take(self, events: Sequence[AuditEvent], now: Instant) -> bool:
        """Write events with one write, or add them to summaries. False if records are lost: ``refusing`` says what
        follows."""
        return self._append([record for event in events for record in self._repeats.admit(event, now)], now)

    def offer(self, events: Sequence[AuditEvent], now: Instant) -> bool:
        """Write events that no answer depends on. False if they were not: that is no trouble, and nothing is counted
        or stopped for it."""
        if self._failing:
            return False
        try:
            self._file.append(*events)
        except AuditRefused as refused:
            self.warn_seldom("audit offer", f"records of the shadow policy are left out: {refused}", now)
            return False
        return True

    def must_take(self, event: AuditEvent) -> None:
        """Write an event that is never summed up. Raises AuditRefused."""
        self._file.append(event)

    def dropped(self, *, nas: str, reason: str, source: str, detail: str, now: Instant) -> None:
        """Count one packet that got no answer. A detail is worth one loud, rate-limited warning."""
        self._drops.add(nas, reason, source, now)
        if detail:
            said = self.warn_seldom(f"{reason} {nas}", detail, now, nas=nas, source=source)
            if said and reason in _PROBE_LIKE:
                event = audit.probe_warning(nas=nas, source=source, user_name="", reason=reason, detail=detail, now=now)
                self.take((event,), now)

    def warn_seldom(self, key: str, text: str, now: Instant, **context: object) -> bool:
        """Say this at most once in ten minutes; True if it was said.

        key comes from configuration and code, so the table is bounded.
        """
        last = self._warned.get(key)
        if last is not None and now.monotonic - last < _WARN_AGAIN_S:
            return False
        self._warned[key] = now.monotonic
        self._log.warning(text, **context)
        return True

    def tick(self, now: Instant) -> None:
        """Once a second or so: close summaries, look after the file, report drops each minute."""
        self._look_after_the_file(now)
        if self._failing:
            # A NAS that hears nothing may stop asking, so the next request must not be waited for.
            self._resume(now)
        self._append(self._repeats.due(now), now)
        if now.monotonic - self._last_report_s < _REPORT_EVERY_S:
            return
        self._last_report_s = now.monotonic
        self.report_drops(now)

    def report_drops(self, now: Instant) -> None:
        """One audit record and one log line for what was dropped since the last report; none for nothing."""
        rows = self._drops.report()
        if not rows:
            return
        for row in rows:
            nas = "" if row.nas == UNKNOWN_NAS else row.nas
            event = audit.drops(
                nas=nas,
                source=row.example,
                reason=row.reason,
                detail="",
                count=row.count,
                first=row.first,
                last=row.last,
                now=now,
            )
            self._append((event,), now)
            self._log.warning("packets dropped", nas=row.nas, reason=row.reason, count=row.count, last_from=row.example)

    def close(self, now: Instant) -> None:
        """Write what has only been counted so far, and let go of the file."""
        self._append(self._repeats.flush(now), now)
        self.report_drops(now)
        self._file.close()

    def _look_after_the_file(self, now: Instant) -> None:
        try:
            if self._file.follow_rotation():
                self._log.info("audit file reopened", file=str(self._file.path))
            full = self._file.percent_full()
        except (AuditRefused, OSError) as error:
            self.warn_seldom("audit file", f"audit file: {error}", now)
            return
        if full >= self._warn_at_percent:
            then = "accepts go on unrecorded" if self._continue_when_full else "accepts stop"
            self.warn_seldom(
                "audit disk", f"the disk of `{self._file.path}` is {full} % full; when it is full, {then}", now
            )

    def _append(self, records: Sequence[AuditEvent], now: Instant) -> bool:
        if not records:
            return True
        try:
            self._file.append(*records)
        except AuditRefused as refused:
            self._lost += len(records)
            if not self._failing:
                self._failing, self._lost_since, self._why = True, now.wall, str(refused)
            then = "accepts go on" if self._continue_when_full else "no accepts"
            self.warn_seldom(_REFUSED, str(refused), now, then=then)
            return False
        if self._failing:
            self._resume(now)
        return True

    def _resume(self, now: Instant) -> None:
        """Say how many records were lost; that this can be said is what ends the trouble."""
        event = audit.audit_resumed(lost=self._lost, since=self._lost_since, why=self._why, now=now)
        try:
            self._file.append(event)
        except AuditRefused:
            return
        self._log.warning("audit file takes records again", lost=self._lost)
        self._failing, self._lost = False, 0
        self._warned.pop(_REFUSED, None)
