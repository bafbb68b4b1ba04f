"""Sessions and the change of them, in numbers: how many, what is wanted of NASes, what they were asked and answered.

Knows: where each number stands. Refuses to know: devices, users and NASes: their names are no labels, for a series of
each would be as many as there are, and whoever may read numbers is not meant to read who is in the building.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from nacd.server.dac.lanes import LaneStatus
from nacd.server.metrics.metric import Metric, Sample
from nacd.server.metrics.tally import Tally
from nacd.session.guard import Count
from nacd.session.ladder import State
from nacd.sessions import Meaning, Phase, Verb

_DIRECTION = ("direction",)

SESSIONS = Metric(
    name="nacd_sessions",
    kind="gauge",
    meaning="Sessions by phase: `authorized` (accepted, not accounted for yet), `live`, `ended`, `aged` (nothing heard"
    " for long). Counted every 15 s.",
    labels=("phase",),
)
PENDING = Metric(
    name="nacd_sessions_pending",
    kind="gauge",
    meaning="Sessions that ought to be under another decision and have not been seen under it. Counted every 15 s.",
)
STORE_OK = Metric(
    name="nacd_sessions_store_ok",
    kind="gauge",
    meaning="1 when sessions are written to disk; 0 when they are not, and accounting goes unanswered.",
)
UNANSWERED = Metric(
    name="nacd_accounting_unanswered_total",
    kind="counter",
    meaning="Accounting-Requests that got no answer, so that the NAS keeps them: `session` was not on disk, or `record`"
    " not in the audit file.",
    labels=("missing",),
)
WRITES_WAITING = Metric(
    name="nacd_sessions_writes_waiting", kind="gauge", meaning="Changes of sessions that wait for the disk."
)
QUEUED = Metric(
    name="nacd_sessions_queued",
    kind="gauge",
    meaning="Sessions that wait to be decided again.",
)
CLIMBS = Metric(
    name="nacd_session_changes_under_way",
    kind="gauge",
    meaning="Wanted changes by state: `ready` (nothing asked yet, or held), `asked`, `acknowledged` (not seen again"
    " yet), `resting` (to be asked again later).",
    labels=("state",),
)
CONVERGED = Metric(
    name="nacd_session_changes_converged_total",
    kind="counter",
    meaning="Changes that are proved to have come about, by a login, an end, or an acknowledged push.",
)
CONVERGED_S = Metric(
    name="nacd_session_changes_converged_seconds",
    kind="histogram",
    meaning="From the decision to that proof.",
)
GUARD_HELD = Metric(
    name="nacd_guard_held",
    kind="gauge",
    meaning="Whether the guard holds changes of this direction, 1 or 0: `down` takes access away, `up` gives it.",
    labels=_DIRECTION,
)
GUARD_WAITING = Metric(name="nacd_guard_waiting", kind="gauge", meaning="Sessions that it holds.", labels=_DIRECTION)
GUARD_PASSED = Metric(
    name="nacd_guard_passed",
    kind="gauge",
    meaning="Changes that it let go within `sessions.guard.down.window`, or `up`.",
    labels=_DIRECTION,
)
GUARD_LIMIT = Metric(
    name="nacd_guard_limit",
    kind="gauge",
    meaning="As many may be, as of the last change: the smaller of `max_flips` and `max_flip_percent`.",
    labels=_DIRECTION,
)
ASKED = Metric(
    name="nacd_coa_requests_total",
    kind="counter",
    meaning="CoA-Requests and Disconnect-Requests by verb, without their repetitions.",
    labels=("verb",),
)
ANSWERED = Metric(
    name="nacd_coa_outcomes_total",
    kind="counter",
    meaning="What came of them: `acknowledged`, `unanswered`, or what the refusal asks of nacd (see sessions.md).",
    labels=("verb", "meaning"),
)
COA_WAITING = Metric(name="nacd_coa_waiting", kind="gauge", meaning="Requests that wait for their turn at their NAS.")
COA_UNDER_WAY = Metric(
    name="nacd_coa_under_way", kind="gauge", meaning="Requests that were sent and have no answer yet."
)
COA_SILENT = Metric(
    name="nacd_coa_silent_addresses",
    kind="gauge",
    meaning="Addresses of NASes that left the last request unanswered: `nacd coa status` names them.",
)

TABLE: Final = (
    *(SESSIONS, PENDING, STORE_OK, UNANSWERED, WRITES_WAITING, QUEUED),
    *(CLIMBS, CONVERGED, CONVERGED_S, GUARD_HELD, GUARD_WAITING, GUARD_PASSED, GUARD_LIMIT),
    *(ASKED, ANSWERED, COA_WAITING, COA_UNDER_WAY, COA_SILENT),
)

_MISSING: Final = {"session": "accounting_not_stored", "record": "accounting_not_recorded"}
# A series that begins with its first event hides that event from `rate`: what can happen begins at 0.
_OUTCOMES: Final = {(str(verb), str(meaning)): 0 for verb in Verb for meaning in Meaning}


class Status(Protocol):
    """How the closed loop stands. climbs: by ``ladder.State``. guards: by direction. queued: sessions that wait to be
    decided again."""

    @property
    def climbs(self) -> Mapping[str, int]: ...
    @property
    def guards(self) -> Mapping[str, Count]: ...
    @property
    def lanes(self) -> Sequence[LaneStatus]: ...
    @property
    def queued(self) -> int: ...


class Book(Protocol):
    """The database as the event loop sees it."""

    @property
    def problem(self) -> str: ...
    @property
    def waiting(self) -> int: ...


def read(
    status: Status, tally: Tally, counted: Mapping[str, int], book: Book, dropped: Callable[[str], int]
) -> Iterator[Sample]:
    """Every metric of ``TABLE``; those that are counted now and then are left out until they were.

    counted: the last census. dropped: packets without an answer since the start, by their stable word. On the event
    loop only.
    """
    yield from _counted(counted)
    yield STORE_OK.sample(not book.problem)
    for missing, reason in _MISSING.items():
        yield UNANSWERED.sample(dropped(reason), missing)
    yield WRITES_WAITING.sample(book.waiting)
    yield QUEUED.sample(status.queued)
    for state in State:
        yield CLIMBS.sample(status.climbs.get(state, 0), state)
    yield CONVERGED.sample(tally.changes)
    yield CONVERGED_S.distribution(tally.took)
    for direction, count in status.guards.items():
        yield GUARD_HELD.sample(bool(count.holding_until), direction)
        yield GUARD_WAITING.sample(count.held, direction)
        yield GUARD_PASSED.sample(count.passed, direction)
        yield GUARD_LIMIT.sample(count.limit, direction)
    yield from _asked(status, tally)


def _counted(counted: Mapping[str, int]) -> Iterator[Sample]:
    if not counted:
        return
    for phase in Phase:
        yield SESSIONS.sample(counted.get(phase, 0), phase)
    yield PENDING.sample(counted.get("pending", 0))


def _asked(status: Status, tally: Tally) -> Iterator[Sample]:
    for verb in Verb:
        yield ASKED.sample(tally.requests[verb], verb)
    for outcome, count in (_OUTCOMES | tally.outcomes).items():
        yield ANSWERED.sample(count, *outcome)
    yield COA_WAITING.sample(sum(lane.waiting for lane in status.lanes))
    yield COA_UNDER_WAY.sample(sum(lane.in_flight for lane in status.lanes))
    yield COA_SILENT.sample(sum(bool(lane.unanswered) for lane in status.lanes))
