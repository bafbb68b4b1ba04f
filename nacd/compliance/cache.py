"""Verdicts and their ages: one verdict for each question, the newest.

Knows: lifetimes, which of two verdicts is newer, what failed a moment ago. Refuses to know: whom
to ask, clocks (``now`` is passed), disks. Not locked: one thread (the event loop) uses it; use from
several threads would corrupt the store for good.

Which verdict is newer. Every question gets an epoch when it is asked, counted in one sequence, and
a verdict carries the epoch of its question. An answer is taken only if its question was asked after
the question behind the verdict that is there, so a slow answer cannot bring back an older
``compliant``. A verdict from disk is taken only where nothing is known, and counts as older than
every question that was ever asked here: what is on its way to us is news, what lay on disk is not.
What was evicted for want of room is remembered as one number: the highest epoch evicted.

Lifetimes count on the monotonic clock. A verdict is fresh for the lifetime of its state, then stale
for ``stale_for_s``, then gone. ``in_grace`` is not fresh beyond the end of its grace. What the list of all noncompliant
devices says is hours old and may only take a good verdict away: it is stale at once, so that the device itself is
asked about, and it stays ``bulk`` in every answer.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final, TypeAlias

from nacd.compliance.shelf import Shelf
from nacd.values import NOT_ASKED, Compliance, ComplianceSource, ComplianceState, Instant

_BEFORE_ALL = 0
_CLOCKS_DIFFER_S = 300.0
_NO_VERDICT = frozenset({ComplianceState.UNAVAILABLE, ComplianceState.NOT_ASKED})
_GOOD = frozenset({ComplianceState.COMPLIANT, ComplianceState.IN_GRACE})
_FAILURES_KEPT: Final = 10_000
_NEWEST_KEPT: Final = 1_000
_ANSWERS_KEPT: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Seconds for which each state stays fresh, and then stale.

    ``in_grace`` lives as long as ``noncompliant``: it may end any minute.
    failure_memory_s: for how long a question that failed is not asked again.
    """

    compliant_s: float = 3600.0
    noncompliant_s: float = 300.0
    not_managed_s: float = 300.0
    unknown_s: float = 120.0
    stale_for_s: float = 86_400.0
    failure_memory_s: float = 3.0

    def fresh_s(self, state: ComplianceState) -> float:
        """Seconds for which a verdict of this state is fresh; ValueError for a state that is no verdict."""
        match state:
            case ComplianceState.COMPLIANT:
                return self.compliant_s
            case ComplianceState.NONCOMPLIANT | ComplianceState.IN_GRACE:
                return self.noncompliant_s
            case ComplianceState.NOT_MANAGED:
                return self.not_managed_s
            case ComplianceState.UNKNOWN:
                return self.unknown_s
            case ComplianceState.UNAVAILABLE | ComplianceState.NOT_ASKED:
                raise ValueError(f"`{state}` is no verdict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A verdict young enough to be used without asking."""

    compliance: Compliance


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """A verdict for want of a better one. failed: ``unavailable`` if asking failed a moment ago, else ``not_asked``."""

    compliance: Compliance
    failed: Compliance = NOT_ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Nothing is known. failed: as in ``Stale``."""

    failed: Compliance = NOT_ASKED


Found: TypeAlias = Fresh | Stale | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One verdict as it lies here, for people to look at. compliance: with the source that it came with.

    age_s: since its date, 0.0 if that lies ahead. fresh_for_s: seconds for which it is fresh, 0.0 when it is stale.
    gone_in_s: seconds until nothing is known of it.
    """

    key: str
    compliance: Compliance
    age_s: float
    fresh_for_s: float
    gone_in_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    compliance: Compliance
    until: float


class VerdictCache:
    """The newest verdict of each question, up to ``capacity`` of them."""

    def __init__(self, lifetimes: Lifetimes, capacity: int = 100_000) -> None:
        self._lifetimes = lifetimes
        self._shelf = Shelf(capacity)
        self._answers: dict[int, Fresh] = {}  # by row: what was just handed out is likely to be wanted again
        self._failures: OrderedDict[str, _Failure] = OrderedDict()
        self._newest: deque[str] = deque(maxlen=_NEWEST_KEPT)
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._shelf)

    def find(self, key: str, now: Instant) -> Found:
        """What is known under this key. The verdict's ``source`` says ``cache`` or ``stale``, or ``bulk`` when nothing
        but the list of all noncompliant devices stands behind it."""
        row = self._shelf.places.get(key)
        if row is not None and now.monotonic < self._shelf.fresh_until[row]:
            self._shelf.touched[row] = 1
            answer = self._answers.get(row)
            return answer if answer is not None else self._answer(row)
        failed = self.failed(key, now)
        if row is None or self._is_gone(row, now):
            return Missing(failed=failed)
        self._shelf.touched[row] = 1
        bulk = self._shelf.source(row) is ComplianceSource.BULK
        source = ComplianceSource.BULK if bulk else ComplianceSource.STALE
        known = self._shelf.compliance(row, source)
        if known.state is ComplianceState.IN_GRACE and 0 < known.grace_until <= now.wall:
            return Missing(failed=failed)  # the grace is over, and what came after it only an answer can tell
        return Stale(compliance=known, failed=failed)

    def peek(self, key: str, now: Instant) -> Compliance | None:
        """The verdict if it is fresh, and no trace of having been looked at: nothing stays longer for it."""
        row = self._shelf.places.get(key)
        if row is None or now.monotonic >= self._shelf.fresh_until[row]:
            return None
        return self._shelf.compliance(row, ComplianceSource.CACHE)

    def ask(self) -> int:
        """A question is about to be sent: the epoch to hand back to ``replace`` with its answer.

        One sequence for all keys is enough, and it cannot be forgotten with a key.
        """
        self._epoch += 1
        return self._epoch

    def is_newest(self, key: str, epoch: int) -> bool:
        """Whether no verdict lies here whose question was asked after this epoch."""
        row = self._shelf.places.get(key)
        return row is None or self._shelf.epochs[row] <= epoch

    def failed(self, key: str, now: Instant) -> Compliance:
        """``unavailable`` if asking failed a moment ago, else ``not_asked``."""
        failure = self._failures.get(key)
        return failure.compliance if failure is not None and now.monotonic < failure.until else NOT_ASKED

    def replace(self, key: str, compliance: Compliance, epoch: int, now: Instant, *, age_s: float = 0.0) -> bool:
        """Take the answer to the question of this epoch; False if a newer verdict is there already.

        age_s: seconds since it may have ceased to be true, which is since the question was put. ``unavailable`` never
        replaces a verdict: it is remembered beside it for a few seconds.
        """
        if compliance.state is ComplianceState.NOT_ASKED:
            return False
        if compliance.state is ComplianceState.UNAVAILABLE:
            self._remember_failure(key, compliance, now)
            return False
        row = self._row(key, now)
        if epoch <= (self._shelf.evicted_epoch if row is None else self._shelf.epochs[row]):
            return False
        self._keep(key, compliance, epoch, now, age_s=age_s)
        return True

    def adopt(self, key: str, compliance: Compliance, now: Instant) -> bool:
        """Take a verdict from disk where nothing is known here. Whatever has been asked of Intune is newer than it.

        Its age counts from its date. Dated in the future it is stale at once: its true age is unknown; a good one
        that is dated far ahead is not taken at all.
        """
        if compliance.state in _NO_VERDICT or self._row(key, now) is not None:
            return False
        age_s = now.wall - compliance.as_of
        if age_s < -_CLOCKS_DIFFER_S and compliance.state in _GOOD:
            return False  # it may be of any age, and nobody is let in for that
        if age_s < 0:
            age_s = self._fresh_s(compliance)
        if age_s >= self._fresh_s(compliance) + self._lifetimes.stale_for_s:
            return False
        self._keep(key, compliance, _BEFORE_ALL, now, age_s=age_s)
        return True

    def downgrade(self, key: str, compliance: Compliance, now: Instant) -> bool:
        """Take what the list says of a device in place of a ``compliant`` or ``in_grace`` that is older than the list.

        compliance: ``noncompliant``, from ``bulk``, dated as the list. ValueError for any other: a list may only take
        a good verdict away. A verdict whose date lies ahead may be of any age and counts as older. Answers that are
        under way are older from here on, so ask again after it.
        """
        if compliance.state is not ComplianceState.NONCOMPLIANT or compliance.source is not ComplianceSource.BULK:
            raise ValueError("only the list's `noncompliant` downgrades")
        row = self._row(key, now)
        if row is None or self._shelf.state(row) not in _GOOD:
            return False
        if compliance.as_of <= self._shelf.as_of(row) <= now.wall:
            return False
        self._keep(key, compliance, self.ask(), now, age_s=max(0.0, now.wall - compliance.as_of))
        return True

    def entry(self, key: str, now: Instant) -> Entry | Missing:
        """The verdict under this key, to look at."""
        row = self._shelf.places.get(key)
        return Missing() if row is None or self._is_gone(row, now) else self._entry(row, now)

    def newest(self, count: int, now: Instant) -> tuple[Entry, ...]:
        """The verdicts that came last, the last first; at most ``count``, and at most 1,000."""
        entries = (self.entry(key, now) for key in dict.fromkeys(reversed(self._newest)))
        return tuple(entry for entry in entries if isinstance(entry, Entry))[:count]

    def _answer(self, row: int) -> Fresh:
        if len(self._answers) >= _ANSWERS_KEPT:
            self._answers.clear()
        answer = Fresh(compliance=self._shelf.compliance(row, ComplianceSource.CACHE))
        self._answers[row] = answer
        return answer

    def _entry(self, row: int, now: Instant) -> Entry:
        fresh_for_s = self._shelf.fresh_until[row] - now.monotonic
        return Entry(
            key=self._shelf.key(row),
            compliance=self._shelf.compliance(row, self._shelf.source(row)),
            age_s=max(0.0, now.wall - self._shelf.as_of(row)),
            fresh_for_s=max(0.0, fresh_for_s),
            gone_in_s=fresh_for_s + self._lifetimes.stale_for_s,
        )

    def _row(self, key: str, now: Instant) -> int | None:
        """The row of a verdict that is not past its time; one that is goes here."""
        row = self._shelf.places.get(key)
        if row is not None and self._is_gone(row, now):
            self._shelf.drop(key)
            return None
        return row

    def _is_gone(self, row: int, now: Instant) -> bool:
        return self._shelf.fresh_until[row] <= self._gone_before(now)

    def _gone_before(self, now: Instant) -> float:
        return now.monotonic - self._lifetimes.stale_for_s

    def _remember_failure(self, key: str, compliance: Compliance, now: Instant) -> None:
        self._failures.pop(key, None)
        self._failures[key] = _Failure(compliance=compliance, until=now.monotonic + self._lifetimes.failure_memory_s)
        # All are remembered equally long, so the first is the first to go.
        while len(self._failures) > _FAILURES_KEPT or next(iter(self._failures.values())).until <= now.monotonic:
            self._failures.popitem(last=False)
            if not self._failures:
                return

    def _fresh_s(self, compliance: Compliance) -> float:
        if compliance.source is ComplianceSource.BULK:
            return 0.0
        fresh_s = self._lifetimes.fresh_s(compliance.state)
        # Rules that ask for what failed do not hold: asked again soon, and not when the verdict itself is old.
        return min(fresh_s, self._lifetimes.unknown_s) if compliance.device.groups_doubt else fresh_s

    def _keep(self, key: str, compliance: Compliance, epoch: int, now: Instant, *, age_s: float) -> None:
        fresh_s = self._fresh_s(compliance) - age_s
        if compliance.state is ComplianceState.IN_GRACE and compliance.grace_until > 0:
            fresh_s = min(fresh_s, max(0.0, compliance.grace_until - now.wall))
        row = self._shelf.put(
            key,
            compliance,
            epoch=epoch,
            fresh_until=now.monotonic + fresh_s,
            gone_before=self._gone_before(now),
        )
        self._answers.pop(row, None)
        self._failures.pop(key, None)
        self._newest.append(key)
