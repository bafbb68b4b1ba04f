"""A configuration loaded anew while nacd runs: all of it, or nothing.

Knows: the order of a reload, and that there is one at a time. Refuses to know: what makes up a generation
(``generation``), what can be wrong with the files (``preparing``), and what a canary's answers are worth (``canary``).

    read, check, build, archive     in a thread; a fault in any of it is recorded, and nothing has changed
    record that it comes            before anything is decided by it; a full disk keeps it from coming
    put it in force                 one assignment on the event loop, and whoever watches sessions goes by it, too

While one is tried out, sessions that are up are still watched by the one in force.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from nacd.audit.reload import events
from nacd.config.sections.audit.trail import Audit
from nacd.errors import AuditRefused, ConfigError
from nacd.server.assembly import Assembled
from nacd.server.log import logger
from nacd.server.lookups.building import Asking
from nacd.server.lookups.threads import Threads
from nacd.server.reload.canary.trial import Bad, Good, Trial, Wish
from nacd.server.reload.in_force import InForce
from nacd.server.reload.measuring import Measuring, unfinished
from nacd.server.reload.preparing import Files, Prepared
from nacd.server.shadow.loading import Found
from nacd.values import AuditEvent, Instant


class Watching(Protocol):
    """Whoever watches sessions by the configuration in force."""

    def renew(self, assembled: Assembled) -> None:
        """Go by this one from now on."""

    async def renewed(self) -> None:
        """Learn what it has to know of the sessions that are there."""

    def count_policy(self, assembled: Assembled, *, tried_out: bool = False) -> None:
        """Whether another policy is a reason to decide live sessions again."""

    def look_at_all(self) -> None:
        """Decide about every session again."""


class Shadow(Protocol):
    """Whoever evaluates another policy beside the one in force."""

    def adopt(self, found: Found) -> None:
        """Have this one from now on."""


class Recorder(Protocol):
    """The audit file."""

    def must_take(self, event: AuditEvent) -> None:
        """Raises AuditRefused."""

    def renew(self, audit: Audit) -> None:
        """Go by these settings from now on."""


class Refused(Exception):
    """It was not done; the message says why, for whoever ordered it."""


class Faulty(Refused):
    """The files are at fault. lines: as ``nacd check`` words them."""

    def __init__(self, lines: tuple[str, ...], count: str) -> None:
        super().__init__(f"{count}; the configuration before stays in force")
        self.lines = lines


@dataclass(slots=True, kw_only=True)
class Last:
    """How the last one went. at: seconds since the epoch, 0.0 for none. ok, refused: since the start."""

    at: float = 0.0
    outcome: str = ""
    well: bool = True
    ok: int = 0
    refused: int = 0
    taken_back: int = 0


class Reloader:
    """For one event loop."""

    def __init__(
        self,
        files: Files,
        in_force: InForce,
        asking: Asking,
        watching: Watching,
        shadow: Shadow,
        recorder: Recorder,
        clock: Callable[[], Instant],
    ) -> None:
        self.in_force = in_force
        self.trial: Trial | None = None
        self.last = Last()
        self.measuring = Measuring()
        self.told: Callable[[bool], None] = lambda busy: None
        """Whoever is told that files are being loaded, and that this is over."""
        self.changed: Callable[[Instant], None] = lambda now: None
        """Whoever is told that another configuration is in force, before the next one can be."""
        self._files = files
        self._asking = asking
        self._watching = watching
        self._shadow = shadow
        self._recorder = recorder
        self._clock = clock
        self._number = in_force.current.number
        self._one_at_a_time = asyncio.Lock()
        self._thread = Threads(1, "reload")
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = logger("reload")

    @property
    def busy(self) -> bool:
        """Whether one is under way."""
        return self._one_at_a_time.locked()

    def close(self) -> None:
        """Begin nothing more, and put nothing in force any more."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        self._thread.close()

    # -- orders ------------------------------------------------------------------------------------

    async def reload(self, by: str, wish: Wish | None = None) -> Prepared:
        """Load the files and put them in force, for all or for whom they are tried out with. One after the other.

        by: who wants it. Raises Faulty for the files, Refused for everything else; nothing has changed then.
        """
        async with self._one_at_a_time:
            if self.trial is not None:
                raise Refused(
                    f"a configuration is being tried out with group `{self.trial.wish.group}`:"
                    " `nacd reload --promote` or `nacd reload --discard` first"
                )
            self._go_on_unless_closed()
            self.told(True)
            try:
                prepared = await self._prepare(by)
                self._go_on_unless_closed()
                if wish is None:
                    self._put(prepared, by)
                else:
                    self._try_out(prepared, by, wish)
            finally:
                self.told(False)
            return prepared

    async def promote(self, by: str) -> Trial:
        """What is tried out answers everybody from now on. Raises Refused when there is nothing."""
        async with self._one_at_a_time:
            trial = self._running()
            self._go_on(trial, by)
            return trial

    async def discard(self, by: str) -> Trial:
        """What is tried out is taken back. Raises Refused when there is nothing."""
        async with self._one_at_a_time:
            trial = self._running()
            block, group = trial.prepared.block, trial.wish.group
            self._end_trial()
            self._record(events.canary_discarded(configuration=block, group=group, by=by, now=self._clock()))
            self._log.info("canary discarded", group=group, by=by)
            return trial

    def hang_up(self) -> None:
        """SIGHUP came. Several that come while one waits are one."""
        if self._closed or any(task.get_name() == "SIGHUP, waiting" for task in self._tasks):
            return

        async def reload() -> None:
            async with self._one_at_a_time:
                pass
            task.set_name("SIGHUP")
            try:
                await self.reload("SIGHUP")
            except Faulty as faulty:
                for line in faulty.lines:
                    self._log.error(line)
            except Refused as refused:
                self._log.error(str(refused))

        task = asyncio.get_running_loop().create_task(reload(), name="SIGHUP, waiting")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def expire(self, now: Instant) -> tuple[AuditEvent, ...]:
        """Drop EAP conversations whose peer went away, of every generation; what there is to say of each."""
        return tuple(event for each in self.in_force.all() for event in each.authorizer.expire(now))

    @property
    def limited(self) -> Mapping[str, int]:
        """How often each limit of ``eap.conversations`` refused somebody."""
        return self.in_force.limited

    # -- each second -------------------------------------------------------------------------------

    def tick(self, gone: tuple[AuditEvent, ...], now: Instant) -> None:
        """Count what was answered, judge what is tried out, let go what is over. gone: peers that went silent."""
        unfinished(gone, self.in_force)
        self._collect(now)
        self.in_force.tidy()
        trial = self.trial
        if trial is None or self.busy:
            return
        finding = trial.find(now)
        if isinstance(finding, Bad):
            self._take_back(trial, finding.reason, now)
        elif isinstance(finding, Good):
            try:
                self._go_on(trial, trial.by)
            except Refused as refused:
                self._take_back(trial, str(refused), now)

    # -- parts -------------------------------------------------------------------------------------

    async def _prepare(self, by: str) -> Prepared:
        before, number = self.in_force.current.assembled, self._number + 1
        try:
            prepared = await self._thread.run(lambda: self._files.prepare(before, number))
        except ConfigError as faulty:
            lines = tuple(str(problem) for problem in faulty.problems)
            self._outcome(f"refused: {faulty.count}", ok=False)
            now = self._clock()
            self._record(events.refused(file=str(self._files.config), problems=lines, by=by, now=now))
            self._log.error("configuration refused", by=by, problems=len(lines), first=lines[0] if lines else "")
            raise Faulty(lines, faulty.count) from None
        self._number = number
        return prepared

    def _put(self, prepared: Prepared, by: str, *, after: str = "") -> None:
        """In force, for everybody. Raises Refused when that cannot be recorded."""
        now = self._clock()
        before = self.in_force.current.assembled
        loaded = prepared.generation.assembled.loaded
        event = events.loaded(
            file=loaded.config_document.file,
            digest=loaded.config_digest,
            policy_digest=loaded.digest,
            notes=prepared.notes,
            generation=prepared.generation.number,
            changes=prepared.changes,
            by=by,
            after=after,
            now=now,
        )
        self._must_record(event)
        self._collect(now)
        self.in_force.put(prepared.generation)
        self.trial = None
        assembled = prepared.generation.assembled
        self._asking.renew(assembled, prepared.sources)
        self._watching.renew(assembled)
        self._recorder.renew(assembled.loaded.settings.audit)
        self.changed(now)
        self._outcome("loaded", ok=True)
        self._afterwards(before, assembled)
        self._shadow.adopt(prepared.shadow)  # last: a bug in it leaves nothing by halves
        self._log.info("configuration loaded", by=by, generation=prepared.generation.number, changes=prepared.changes)
        for note in assembled.notes:
            self._log.warning(str(note))

    def _afterwards(self, before: Assembled, after: Assembled) -> None:
        async def learn() -> None:
            await self._watching.renewed()

        task = asyncio.get_running_loop().create_task(learn(), name="sessions of a new configuration")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        reassess = after.loaded.settings.sessions.policy_changes == "reassess"
        if reassess and before.loaded.digest != after.loaded.digest:
            self._watching.look_at_all()

    def _try_out(self, prepared: Prepared, by: str, wish: Wish) -> None:
        """For one group. Raises Refused when nobody is in it, or when it cannot be recorded."""
        clients = prepared.generation.assembled.clients
        if not any(wish.group in client.nas.groups for client in clients):
            raise Refused(f"no NAS of the new configuration is in the group `{wish.group}`")
        now = self._clock()
        self._collect(now)
        before = self.measuring.windows.last(wish.group, wish.for_s, now.monotonic)
        trial = Trial(prepared=prepared, wish=wish, before=before, began=now, by=by)
        event = events.canary_began(
            configuration=prepared.block,
            group=wish.group,
            until=trial.until,
            max_change=round(wish.limits.max_change * 100, 3),
            min_sample=wish.limits.min_sample,
            by=by,
            now=now,
        )
        self._must_record(event)
        self.in_force.try_out(prepared.generation, wish.group)
        self.trial = trial
        self._watching.count_policy(self.in_force.current.assembled, tried_out=True)
        self._outcome("canary", ok=True)
        self._log.info("canary began", by=by, group=wish.group, generation=prepared.generation.number)

    def _go_on(self, trial: Trial, by: str) -> None:
        self._put(trial.prepared, by, after=trial.wish.group)

    def _take_back(self, trial: Trial, reason: str, now: Instant) -> None:
        """An alarm: somebody has to look."""
        self._end_trial()
        self.last.taken_back += 1
        self.last.at, self.last.outcome, self.last.well = now.wall, f"canary taken back: {reason}", False
        block, group = trial.prepared.block, trial.wish.group
        self._record(events.canary_failed(configuration=block, group=group, reason=reason, now=now))
        self._log.error("canary taken back", group=group, reason=reason, generation=trial.prepared.generation.number)

    def _collect(self, now: Instant) -> None:
        """Whatever has been answered by now, before somebody is gone who has counted it."""
        tried = self.measuring.collect(self.in_force, now)
        if self.trial is not None:
            self.trial.during.update(tried)

    def _end_trial(self) -> None:
        self.trial = None
        self.in_force.take_back()
        self._watching.count_policy(self.in_force.current.assembled)

    def _go_on_unless_closed(self) -> None:
        if self._closed:
            raise Refused("nacd is stopping: nothing is loaded any more")

    def _running(self) -> Trial:
        if self.trial is None:
            raise Refused("no configuration is being tried out")
        return self.trial

    def _must_record(self, event: AuditEvent) -> None:
        try:
            self._recorder.must_take(event)
        except AuditRefused as refused:
            self._outcome(f"refused: {refused}", ok=False)
            raise Refused(f"{refused}: what cannot be recorded does not come into force") from None

    def _record(self, event: AuditEvent) -> None:
        """As well as it goes: a full disk must not keep a bad configuration in force."""
        try:
            self._recorder.must_take(event)
        except AuditRefused as refused:
            self._log.error(f"not recorded: {refused}", event_code=event.code)

    def _outcome(self, outcome: str, *, ok: bool) -> None:
        self.last.at, self.last.outcome, self.last.well = self._clock().wall, outcome, ok
        self.last.ok += ok
        self.last.refused += not ok

    def status(self) -> dict[str, Any]:
        """For people."""
        now, current = self._clock(), self.in_force.current
        return {
            "generation": current.number,
            "policy_digest": current.policy_digest,
            "config_digest": current.assembled.loaded.config_digest,
            "old": [each.number for each in self.in_force.old()],
            "busy": self.busy,
            "last": {"at": self.last.at, "outcome": self.last.outcome},
            "canary": dict(self.trial.told(now)) if self.trial is not None else None,
        }
