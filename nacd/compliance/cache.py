"""Verdicts and their ages: one verdict for each question, the newest.

Knows: lifetimes, which of two verdicts is newer, what failed a moment ago. Refuses to know: whom
to ask, clocks (``now`` is passed), disks. Not locked: one thread (the event loop) uses it; use from
several threads would corrupt the store for good.

Which verdict is newer. Every question gets an epoch when it is asked, counted in one sequence, and
a verdict carries the epoch of its question. An answer is taken only if its question was asked after
the question behind the verdict that is there, so a slow answer cannot bring back an older
``compliant``. A verdict from elsewhere (disk, another worker) has no epoch here: it is compared by
its date, and once taken it counts as asked just then, so that every answer still on its way is older.
What was evicted for want of room is remembered as one number: the highest epoch evicted.

Lifetimes count on the monotonic clock. A verdict is fresh for the lifetime of its state, then stale
for ``stale_for_s``, then gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from cachetools import TLRUCache

from nacd.values import NOT_ASKED, Compliance, ComplianceSource, ComplianceState, Instant

_NO_VERDICT = frozenset({ComplianceState.UNAVAILABLE, ComplianceState.NOT_ASKED})


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
class _Entry:
    compliance: Compliance
    fresh: Fresh
    epoch: int
    fresh_until: float
    stale_until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    compliance: Compliance
    until: float


class _Verdicts(TLRUCache[str, _Entry]):
    """cachetools' store, on our clock, telling the highest epoch it ever evicted."""

    def __init__(self, capacity: int) -> None:
        self.clock = 0.0
        self.evicted_epoch = 0
        super().__init__(capacity, ttu=lambda _key, entry, _now: entry.stale_until, timer=lambda: self.clock)

    def popitem(self) -> tuple[str, _Entry]:
        key, entry = super().popitem()
        self.evicted_epoch = max(self.evicted_epoch, entry.epoch)
        return key, entry


class VerdictCache:
    """The newest verdict of each question, up to ``capacity`` of them."""

    def __init__(self, lifetimes: Lifetimes, capacity: int = 100_000) -> None:
        self._lifetimes = lifetimes
        self._verdicts = _Verdicts(capacity)
        self._failures: TLRUCache[str, _Failure] = TLRUCache(
            capacity, ttu=lambda _key, failure, _now: failure.until, timer=lambda: self._verdicts.clock
        )
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._verdicts)

    def find(self, key: str, now: Instant) -> Found:
        """What is known under this key. The verdict's ``source`` says ``cache`` or ``stale``."""
        self._verdicts.clock = now.monotonic
        entry = self._verdicts.get(key)
        if entry is not None and now.monotonic < entry.fresh_until:
            return entry.fresh
        failure = self._failures.get(key)
        failed = failure.compliance if failure is not None else NOT_ASKED
        if entry is None:
            return Missing(failed=failed)
        return Stale(compliance=replace(entry.compliance, source=ComplianceSource.STALE), failed=failed)

    def ask(self, key: str, now: Instant) -> int:
        """A question is about to be sent: the epoch to hand back to ``replace`` with its answer."""
        del key, now  # one sequence for all keys is enough, and it cannot be forgotten with a key
        self._epoch += 1
        return self._epoch

    def replace(self, key: str, compliance: Compliance, epoch: int, now: Instant) -> bool:
        """Take the answer to the question of this epoch; False if a newer verdict is there already.

        ``unavailable`` never replaces a verdict: it is remembered beside it for a few seconds.
        """
        self._verdicts.clock = now.monotonic
        if compliance.state is ComplianceState.NOT_ASKED:
            return False
        if compliance.state is ComplianceState.UNAVAILABLE:
            until = now.monotonic + self._lifetimes.failure_memory_s
            self._failures[key] = _Failure(compliance=compliance, until=until)
            return False
        known = self._verdicts.get(key)
        if epoch <= (known.epoch if known is not None else self._verdicts.evicted_epoch):
            return False
        self._keep(key, compliance, epoch, now, age_s=0.0)
        return True

    def adopt(self, key: str, compliance: Compliance, now: Instant) -> bool:
        """Take a verdict from elsewhere (disk, another worker) if it is dated later than ours.

        Its age counts from its date. Dated in the future it is stale at once: its true age is unknown.
        """
        self._verdicts.clock = now.monotonic
        if compliance.state in _NO_VERDICT:
            return False
        known = self._verdicts.get(key)
        if known is not None and compliance.as_of <= min(known.compliance.as_of, now.wall):
            return False
        age_s = now.wall - compliance.as_of
        if age_s < 0:
            age_s = self._lifetimes.fresh_s(compliance.state)
        self._keep(key, compliance, self.ask(key, now), now, age_s=age_s)
        return key in self._verdicts

    def _keep(self, key: str, compliance: Compliance, epoch: int, now: Instant, *, age_s: float) -> None:
        fresh_until = now.monotonic - age_s + self._lifetimes.fresh_s(compliance.state)
        stale_until = fresh_until + self._lifetimes.stale_for_s
        entry = _Entry(
            compliance=compliance,
            fresh=Fresh(compliance=replace(compliance, source=ComplianceSource.CACHE)),
            epoch=epoch,
            fresh_until=fresh_until,
            stale_until=stale_until,
        )
        self._verdicts[key] = entry
        self._failures.pop(key, None)
