"""What becomes of requests, in numbers: who gets in, why not, how long it takes, what waits.

Knows: where each number stands. Refuses to know: endpoints, users, addresses. The labels are words of code, and the
groups of NASes that the configuration names; a NAS's own name is one only where `server.metrics_per_nas` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from nacd.eap.conversation import Ongoing
from nacd.server.metrics.metric import Metric, Sample
from nacd.server.metrics.requests.counting import Cell, Counting
from nacd.server.metrics.requests.words import (
    ACCEPT,
    CHALLENGE,
    DROPS,
    EAP_CODES,
    HELD_BACK,
    LIST,
    MANAGED,
    MONITORED,
    NONE,
    OUTCOMES,
    PROBE,
    REJECT,
    UNKNOWN,
)
from nacd.values import AccessKind

REQUESTS: Final = Metric(
    name="nacd_requests_total",
    kind="counter",
    meaning="Access-Requests by what they got. `challenge`: a step of an EAP conversation; `managed`: refused by MAB"
    " because a certificate has shown that MAC; `monitored`: answered by a monitor in the policy's place; `list`: an"
    " access list; `held_back`: refused from memory by a limit of `overload`; `probe`: a NAS's health probe; `none`: no"
    " answer. `group`: the first one that `clients` names for the NAS. `access` is `unknown` where it was not told.",
    labels=("group", "access", "outcome"),
)
EAP_FAILURES: Final = Metric(
    name="nacd_eap_failures_total",
    kind="counter",
    meaning="EAP conversations that failed, by `eap.failure` of their record, also those whose peer fell silent. A"
    " group begins to have series with its first EAP request.",
    labels=("group", "code"),
)
NAS: Final = Metric(
    name="nacd_nas_requests_total",
    kind="counter",
    meaning="Access-Requests of each NAS, only with `server.metrics_per_nas`: `accept` (monitored ones too), `reject`"
    " (of whatever kind), `challenge`, `none`. The NASes after the first 1,000 are `(others)`.",
    labels=("nas", "outcome"),
)
ACCOUNTING: Final = Metric(
    name="nacd_accounting_requests_total",
    kind="counter",
    meaning="Accounting-Requests that were worked on.",
    labels=("group",),
)
STATUS: Final = Metric(
    name="nacd_status_server_answered_total",
    kind="counter",
    meaning="Status-Server that was answered (RFC 5997).",
)
DROPPED: Final = Metric(
    name="nacd_packets_dropped_total",
    kind="counter",
    meaning="Packets that got no answer, by `packets.reason` of the record `packets.dropped`, which names the NAS.",
    labels=("reason",),
)
REPEATED: Final = Metric(
    name="nacd_retransmissions_total",
    kind="counter",
    meaning="Requests that came again: `answered` out of memory, or while the first was still `under_way`.",
    labels=("how",),
)
BUGS: Final = Metric(
    name="nacd_bugs_total",
    kind="counter",
    meaning="Requests that ended in silence by an error in nacd itself: `service.bug` in the audit log, the traceback"
    " in the operational log.",
)
HELD: Final = Metric(
    name="nacd_overload_held_back_total",
    kind="counter",
    meaning="Beginnings that were refused from memory, by the setting that says so.",
    labels=("limit",),
)
QUEUE: Final = Metric(
    name="nacd_queue_requests",
    kind="gauge",
    meaning="Requests that wait to be worked on: `continuation` goes first, then `short` (accounting, Status-Server),"
    " then `new`.",
    labels=("lane",),
)
QUEUE_OCTETS: Final = Metric(name="nacd_queue_octets", kind="gauge", meaning="Octets of all of these.")
CONVERSATIONS: Final = Metric(
    name="nacd_eap_conversations",
    kind="gauge",
    meaning="EAP conversations in progress: `waiting` for the peer without a TLS connection, or `handshaking`.",
    labels=("phase",),
)
CONVERSATIONS_OCTETS: Final = Metric(
    name="nacd_eap_conversations_octets", kind="gauge", meaning="Memory that they are accounted with."
)
CONVERSATIONS_REFUSED: Final = Metric(
    name="nacd_eap_conversations_refused_total",
    kind="counter",
    meaning="Conversations that could not begin or go on, by the limit under `eap.conversations`.",
    labels=("limit",),
)
LEAVING: Final = Metric(
    name="nacd_outbox_answers",
    kind="gauge",
    meaning="Answers that have not left: `ready` at the end of this slice of work, `late` held back on purpose,"
    " `unstored`: accounting that waits for the disk; `kept`: Accepts that were sent, and of which a full disk knows"
    " nothing yet.",
    labels=("state",),
)
UNRECORDED: Final = Metric(
    name="nacd_answers_unrecorded_total",
    kind="counter",
    meaning="Answers whose record was lost, so that Accepts became Rejects (`audit.when_full`) or left without one.",
)
STAGES: Final = Metric(
    name="nacd_stage_seconds",
    kind="histogram",
    meaning="How long each stage took: `queue` until a request was taken, `eap` (TLS, and the decision in the last"
    " round), `policy` (the decision and the reply where there is no EAP), `lookup` (waiting for Microsoft, for those"
    " who had to), `leave` (recording and sending one slice of work).",
    labels=("stage",),
)
WHOLE: Final = Metric(
    name="nacd_answer_seconds",
    kind="histogram",
    meaning="From a request's arrival to its final answer; challenges are not among them.",
)

TABLE: Final = (
    *(REQUESTS, EAP_FAILURES, NAS, ACCOUNTING, STATUS, DROPPED, REPEATED, BUGS, HELD, QUEUE, QUEUE_OCTETS),
    *(CONVERSATIONS, CONVERSATIONS_OCTETS, CONVERSATIONS_REFUSED, LEAVING, UNRECORDED, STAGES, WHOLE),
)

# What can happen begins at 0: a series that begins with its first event hides it from `rate`.
_USUAL: Final = {
    AccessKind.DOT1X.value: (ACCEPT, REJECT, MONITORED),
    AccessKind.MAB.value: (ACCEPT, REJECT, MANAGED, MONITORED),
    AccessKind.VPN.value: (ACCEPT, REJECT, MONITORED),
    UNKNOWN: (REJECT, CHALLENGE, LIST, HELD_BACK, PROBE, NONE),
}
_OF_NAS: Final = {
    "accept": (ACCEPT, MONITORED, LIST),
    "reject": (REJECT, MANAGED, HELD_BACK, PROBE),
    "challenge": (CHALLENGE,),
    "none": (NONE,),
}
_HELD: Final = ("overload.failing", "overload.port_rate")
_CONVERSATIONS: Final = ("max_handshakes", "max_per_nas", "max_per_port", "max_per_station", "max_waiting", "memory")


class Worker(Protocol):
    """Whoever answers."""

    counts: Counting

    @property
    def held_back(self) -> Mapping[str, int]: ...
    @property
    def late(self) -> int: ...


def read(worker: Worker, drops: Mapping[str, int], ongoing: Ongoing) -> Iterator[Sample]:
    """Every metric of ``TABLE``. drops: packets without an answer since the start, by reason.

    Whoever reads may let others have their turn between two samples.
    """
    counts, drops = worker.counts, dict(drops)
    cells = tuple(counts.cells)
    yield from _groups(cells)
    yield from _nases(cells)
    yield STATUS.sample(counts.status)
    for reason, count in (dict.fromkeys(DROPS, 0) | drops).items():
        yield DROPPED.sample(count, reason)
    yield REPEATED.sample(counts.resent, "answered")
    yield REPEATED.sample(drops.get("duplicate_in_progress", 0), "under_way")
    yield BUGS.sample(counts.bugs)
    for limit, count in (dict.fromkeys(_HELD, 0) | dict(worker.held_back)).items():
        yield HELD.sample(count, limit)
    for lane, waiting in counts.waits.depths.items():
        yield QUEUE.sample(waiting, lane)
    yield QUEUE_OCTETS.sample(counts.waits.octets)
    books = ongoing.books
    yield CONVERSATIONS.sample(books.live - books.handshaking, "waiting")
    yield CONVERSATIONS.sample(books.handshaking, "handshaking")
    yield CONVERSATIONS_OCTETS.sample(books.held_octets)
    for limit, count in (dict.fromkeys(_CONVERSATIONS, 0) | dict(books.limited)).items():
        yield CONVERSATIONS_REFUSED.sample(count, limit)
    yield from _leaving(worker)


def _leaving(worker: Worker) -> Iterator[Sample]:
    counts, outbox = worker.counts, worker.counts.leaves
    yield LEAVING.sample(len(outbox), "ready")
    yield LEAVING.sample(worker.late, "late")
    yield LEAVING.sample(outbox.unstored, "unstored")
    yield LEAVING.sample(outbox.kept, "kept")
    yield UNRECORDED.sample(outbox.counts.unrecorded)
    stages = {"queue": counts.queue, "eap": counts.eap, "policy": counts.policy, "lookup": counts.lookup}
    for stage, histogram in (stages | {"leave": outbox.counts.leaving}).items():
        yield STAGES.distribution(histogram, stage)
    yield WHOLE.distribution(outbox.counts.whole)


def _groups(cells: Iterable[Cell]) -> Iterator[Sample]:
    """A group's cells together: there are several if each NAS has one."""
    whole: dict[str, Cell] = {}
    for cell in cells:
        into = whole.get(cell.group)
        if into is None:
            into = whole[cell.group] = Cell(cell.group)
        into.add(cell)
    for group, cell in whole.items():
        for access, answers in cell.answers.items():
            usual = _USUAL[access]
            for number, count in enumerate(answers):
                if count or number in usual:
                    yield REQUESTS.sample(count, group, access, OUTCOMES[number])
        if cell.failures or cell.unknown[CHALLENGE]:
            for code, count in (dict.fromkeys(EAP_CODES, 0) | cell.failures).items():
                yield EAP_FAILURES.sample(count, group, code)
        yield ACCOUNTING.sample(cell.accounted, group)


def _nases(cells: Iterable[Cell]) -> Iterator[Sample]:
    """Of each NAS that has a cell of its own; a reload may have moved it from one group to another."""
    of: dict[str, list[int]] = {}
    for cell in cells:
        if cell.nas:
            sums = of.setdefault(cell.nas, [0] * len(OUTCOMES))
            for answers in cell.answers.values():
                for number, count in enumerate(answers):
                    sums[number] += count
    for nas, sums in of.items():
        for outcome, numbers in _OF_NAS.items():
            yield NAS.sample(sum(sums[number] for number in numbers), nas, outcome)
