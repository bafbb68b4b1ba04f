"""The one writer of the audit log.

Knows: that a record is in the file before its answer leaves, what to do when the disk is full,
which refusals are summed up, and what was dropped in silence. Refuses to know: why anything was decided.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from nacd.audit import events as audit
from nacd.audit.repeats import Repeats
from nacd.config.sections.audit.trail import Audit
from nacd.errors import AuditRefused
from nacd.server.drops import UNKNOWN_NAS, Drops
from nacd.server.log import logger
from nacd.server.trail.building import options
from nacd.store.trail.log import AuditLog
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
        self._lost: Counter[str] = Counter()
        self._lost_since = 0.0
        self._why = ""

    @property
    def file(self) -> AuditLog:
        """Where the records go, for whoever measures it."""
        return self._file

    @property
    def failing(self) -> str:
        """Why the file takes nothing; ``""`` while it does."""
        return self._why if self._failing else ""

    @property
    def refusing(self) -> bool:
        """True while the file takes nothing and the configuration says to stop Accepts for it."""
        return self._failing and not self._continue_when_full

    def take(self, events: Sequence[AuditEvent], now: Instant) -> bool:
        """Write events with one write, or add them to summaries. False if records are lost: ``refusing`` says what
        follows."""
        return self._append(self._repeats.admit_all(events, now), now)

    def offer(self, events: Sequence[AuditEvent], now: Instant) -> bool:
        """Write events that no answer depends on. False if they were not: that is no trouble, and nothing is counted
        or stopped for it."""
        if self._failing:
            return False
        try:
            self._file.append(*events, sync=False)
        except AuditRefused as refused:
            self.warn_seldom("audit offer", f"records of the shadow policy are left out: {refused}", now)
            return False
        return True

    def must_take(self, event: AuditEvent) -> None:
        """Write an event that is never summed up. Raises AuditRefused."""
        self._file.append(event)

    def begin(self, events: Sequence[AuditEvent], now: Instant) -> None:
        """Write the first events. Raises AuditRefused where no Accept leaves without a record; else a full disk keeps
        nobody from starting, and they count as lost."""
        if not self._append(events, now) and self.refusing:
            raise AuditRefused(self._why)

    def retire(self, *, file: str, first_seq: int, last_seq: int, last_link: str, why: str) -> asyncio.Future[bool]:
        """Record that a full file is going to be deleted. True when the record is on the disk, and only then may it be;
        nobody waits for the disk here. last_link: 64 hex digits. Of the running event loop."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()

        def settle(trouble: str) -> None:
            if not done.done():
                done.set_result(not trouble)

        def kept(trouble: str) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, trouble)

        try:
            self._file.retire(file=file, first_seq=first_seq, last_seq=last_seq, last_link=last_link, why=why)
        except AuditRefused as refused:
            settle(str(refused))
        else:
            self._file.when_kept(kept)
        return done

    def renew(self, audit: Audit) -> None:
        """Go by these settings from now on; the file stays."""
        self._continue_when_full = audit.when_full == "continue"
        self._warn_at_percent = audit.warn_at_percent
        self._file.renew(options(audit))

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
            for said in self._file.tick():
                self.warn_seldom(f"audit trail {said}", said, now)
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
            self._lost.update(record.code for record in records)
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
        event = audit.audit_resumed(by_code=self._lost, since=self._lost_since, why=self._why, now=now)
        try:
            self._file.append(event)
        except AuditRefused:
            return
        self._log.warning("audit file takes records again", lost=self._lost.total())
        self._failing = False
        self._lost.clear()
        self._warned.pop(_REFUSED, None)
