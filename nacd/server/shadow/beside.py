"""A candidate evaluated beside the live policy, on what was really decided.

Knows: when there is time for it, what is written of differences, and that whatever happens here ends here. Refuses to
know: answers, and how two decisions are compared (``nacd.replay.candidate``).

Theory. Nothing waits for it. A decision that was made is put into a line, which costs as much as a list takes; the line
is worked on in a callback of its own, so after the slice of work in which the decision was made, and its answer has
left. It works for a millisecond, if need be in the middle of a comparison, then rests for nine times as long as it
worked: what it costs the daemon is a tenth of one core at most, however slow the candidate is. What the line has no
room for is counted, and the answer is none the later for it. It asks nobody, and reads memory in a way that leaves no
trace there.

Records of differences are written as far as a budget goes, through a gate of their own; a file that takes nothing takes
nothing of these either, and that is not held against it: only what answers depend on decides whether access stops.
"""

from __future__ import annotations

import traceback
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Final, Protocol

from nacd.audit import shadow_events
from nacd.audit.repeats import Repeats
from nacd.audit.shadow_events import Said
from nacd.compliance.question import Question
from nacd.replay.candidate import Compared, Comparing, Differs, NotCompared, Same, Why
from nacd.replay.differences import Differences
from nacd.replay.record import DECISIONS, Fields
from nacd.server.log import logger
from nacd.server.shadow.loading import NO_SHADOW, Faulty, Found, NoShadow, Ready
from nacd.values import AuditEvent, Compliance, Instant

SAME, RENAMED, DIFFERENT = "same", "same_by_another_rule", "different"
OVERFLOW, ERROR = "overflow", "error"
OUTCOMES: Final = (SAME, RENAMED, DIFFERENT, *Why, OVERFLOW, ERROR)
"""What becomes of a decision here, as it is counted."""
_WINDOW_S: Final = 600.0
_KINDS_TOLD_APART: Final = 1_000
_KINDS_WRITTEN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """waiting: decisions in the line. budget_s: how long it works at once. rest: how often as long it rests.

    errors: in a row, after which it is switched off.
    """

    waiting: int = 2_000
    budget_s: float = 0.001
    rest: float = 9.0
    errors: int = 10


class Record(Protocol):
    """``Recorder.offer``."""

    def __call__(self, events: Sequence[AuditEvent], now: Instant, /) -> object:
        """Write these if that can be done; an answer never depends on it."""


class Shadow:
    """One for the whole life of a daemon; which candidate it has changes with ``adopt``. For the event loop.

    peek: what is known of a device in memory, as a login would have it, without a trace. later: calls back on the event
    loop after so many seconds.
    """

    def __init__(
        self,
        *,
        record: Record,
        peek: Callable[[Question, Instant], Compliance | None],
        clock: Callable[[], Instant],
        later: Callable[[float, Callable[[], None]], object],
        limits: Limits = Limits(),
    ) -> None:
        self._record = record
        self._peek = peek
        self._clock = clock
        self._later = later
        self._limits = limits
        self._log = logger("shadow")
        self.found: Found = NO_SHADOW
        self.why_off = ""
        self.counts = Differences(0.0)
        self.totals: Counter[str] = Counter()
        """By ``OUTCOMES``, since the start of the daemon."""
        self.since_reset: Counter[str] = Counter()
        self._waiting: deque[Fields] = deque()
        self._under_way: tuple[Fields, Comparing] | None = None
        self._awake = False
        self._errors = 0
        self._repeats = _gate()

    @property
    def is_on(self) -> bool:
        """Whether decisions are compared."""
        return isinstance(self.found, Ready) and not self.why_off

    @property
    def waiting(self) -> int:
        """Decisions that wait to be compared, with the one that is."""
        return len(self._waiting) + (self._under_way is not None)

    def adopt(self, found: Found) -> None:
        """Have this one from now on. Counts begin anew when it, or the live policy, is another one."""
        now = self._clock()
        before = (_pair(self.found), self.why_off)
        self.found, self.why_off, self._errors = found, "", 0
        if before == (_pair(found), ""):
            return
        self._write(self._repeats.flush(now), now)
        self.reset()
        match found:
            case Ready():
                self._log.info("a shadow policy is evaluated", file=found.file, digest=found.digest[:12])
                self._write((shadow_events.loaded(file=found.file, digest=found.digest, now=now),), now)
            case Faulty():
                told = [str(problem) for problem in found.problems]
                for line in told:
                    self._log.warning(f"there is no shadow: {line}")
                self._write((shadow_events.faulty(file=found.file, problems=told, now=now),), now)

    def reset(self) -> None:
        """Begin to count anew; what still waits is forgotten."""
        self.counts = Differences(self._clock().wall)
        self.since_reset = Counter()
        self._forget()
        self._repeats = _gate()

    def take(self, event: AuditEvent) -> None:
        """An answer is made: remember what was decided, if there is a shadow, and look at it when there is time."""
        if not self.is_on or event.code not in DECISIONS:
            return
        if len(self._waiting) >= self._limits.waiting:
            self._count(OVERFLOW)
            return
        self._waiting.append(event.fields)
        if not self._awake:
            self._awake = True
            self._later(0.0, self._work)

    def tick(self, now: Instant) -> None:
        """Once a second or so: write what was only counted."""
        self._write(self._repeats.due(now), now)

    def close(self, now: Instant) -> None:
        """Write what was only counted so far."""
        self._write(self._repeats.flush(now), now)

    # -- when there is time ----------------------------------------------------------------------

    def _work(self) -> None:
        """A bit of the line, then a rest, be there more or not: what comes meanwhile waits for its end."""
        if not self.waiting:
            self._awake = False
            return
        began = now = self._clock()
        while self.waiting and isinstance(self.found, Ready):
            self._look(self.found, now)
            now = self._clock()
            if now.monotonic - began.monotonic >= self._limits.budget_s:
                break
        self._later((now.monotonic - began.monotonic) * self._limits.rest, self._work)

    def _look(self, found: Ready, now: Instant) -> None:
        """Go on with one decision, as far as it goes without a stop."""
        try:
            if self._under_way is None:
                fields = self._waiting.popleft()
                self._under_way = fields, found.candidate.compare(fields, lambda asked: self._peek(asked, now))
            fields, comparing = self._under_way
            try:
                next(comparing)
            except StopIteration as end:
                self._under_way = None
                self._compared(found, fields, end.value, now)
        except Exception as bug:  # noqa: BLE001  the one place where what goes wrong with a shadow ends
            self._under_way = None
            self._failed(found, bug, now)

    def _compared(self, found: Ready, fields: Fields, compared: Compared, now: Instant) -> None:
        self.counts.add(compared)
        if isinstance(compared, Differs):
            event = shadow_events.differs(of=fields, said=_said(found.digest, compared), now=now)
            self._write(self._repeats.admit(event, now), now)
        self._count(_outcome(compared))
        self._errors = 0

    def _forget(self) -> None:
        self._waiting.clear()
        self._under_way = None

    def _failed(self, found: Ready, bug: Exception, now: Instant) -> None:
        self._count(ERROR)
        self._errors += 1
        if self._errors < self._limits.errors:
            return
        frames = traceback.extract_tb(bug.__traceback__)
        where = f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}"
        self.why_off = f"{self._errors} errors in a row, the last {type(bug).__name__} at {where}"
        self._forget()
        self._log.error(f"the shadow policy is switched off: {self.why_off}", exc_info=bug)
        event = shadow_events.switched_off(file=found.file, digest=found.digest, why=self.why_off, now=now)
        self._write((event,), now)

    def _count(self, outcome: str) -> None:
        self.totals[outcome] += 1
        self.since_reset[outcome] += 1

    def _write(self, events: Sequence[AuditEvent], now: Instant) -> None:
        """They have passed a gate, and are not to be summed up again at the next."""
        if events:
            self._record([replace(each, repeat_key="", port_key="") for each in events], now)


def _gate() -> Repeats:
    return Repeats(
        window_s=_WINDOW_S, capacity=_KINDS_TOLD_APART, per_port_per_window=_KINDS_WRITTEN, told=shadow_events
    )


def _pair(found: Found) -> object:
    """What makes counts belong together: which candidate beside which live policy."""
    match found:
        case Ready(digest=digest, live_digest=live):
            return (digest, live)
        case Faulty(problems=problems):
            return problems
        case NoShadow():
            return None


def _outcome(compared: Compared) -> str:
    match compared:
        case Same(renamed=renamed):
            return RENAMED if renamed else SAME
        case Differs():
            return DIFFERENT
        case NotCompared(why=why):
            return why


def _said(digest: str, differs: Differs) -> Said:
    now, difference = differs.shadow, differs.difference
    return Said(
        digest=digest,
        effect=now.effect,
        rule=now.rule,
        profile=now.profile,
        reasons=differs.shadow_reasons,
        before=difference.before,
        after=difference.after,
        attributes=difference.detail,
    )
