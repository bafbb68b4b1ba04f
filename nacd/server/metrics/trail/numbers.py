"""The audit trail in numbers: what was taken and refused, how far the disk is behind, and what its keeper does.

Knows: where each number stands. Refuses to know: any record. Destinations are named as in the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from nacd.server.keeper.minding import Minded
from nacd.server.metrics.metric import Metric, Sample
from nacd.store.trail.writing.tally import Tally

RECORDS: Final = Metric(name="nacd_audit_records_total", kind="counter", meaning="Records that are in the audit file.")
OCTETS: Final = Metric(name="nacd_audit_octets_total", kind="counter", meaning="Octets of these.")
LOST: Final = Metric(
    name="nacd_audit_refused_total",
    kind="counter",
    meaning="Records that the file did not take; `audit.resumed` says when it did again.",
)
REFUSING: Final = Metric(
    name="nacd_audit_refusing",
    kind="gauge",
    meaning="1 while the audit file takes nothing and no Accept leaves for it (`audit.when_full: refuse`), else 0.",
)
FAILING: Final = Metric(
    name="nacd_audit_failing", kind="gauge", meaning="1 while the audit file takes nothing, whatever follows from it."
)
BEHIND: Final = Metric(
    name="nacd_audit_behind_seconds",
    kind="gauge",
    meaning="For how long the disk lacks something that was written (`audit.sync`): a power cut now would lose it.",
)
CHECKPOINT: Final = Metric(
    name="nacd_audit_last_checkpoint_timestamp_seconds",
    kind="gauge",
    meaning="When the last checkpoint was written; 0 for none since the start.",
)
CHECKPOINT_EVERY: Final = Metric(
    name="nacd_audit_checkpoint_interval_seconds",
    kind="gauge",
    meaning="So long after the last one comes the next when anything was recorded: the setting"
    " `audit.checkpoint.every`.",
)
CHECKPOINTS: Final = Metric(name="nacd_audit_checkpoints_total", kind="counter", meaning="Checkpoints written.")
ROTATED: Final = Metric(name="nacd_audit_files_total", kind="counter", meaning="Audit files that became full.")
DISK: Final = Metric(
    name="nacd_audit_disk_percent",
    kind="gauge",
    meaning="How full the disk under the audit file is; left out when it cannot be asked.",
)
DISK_WARN: Final = Metric(
    name="nacd_audit_disk_warn_percent", kind="gauge", meaning="The setting `audit.warn_at_percent`."
)
KEEPER: Final = Metric(
    name="nacd_keeper_up",
    kind="gauge",
    meaning="1 while the keeper of full audit files is at work, 0 while it is not; missing: there is to be none.",
)
RESTARTS: Final = Metric(name="nacd_keeper_restarts_total", kind="counter", meaning="Keepers that were started anew.")
WAITING: Final = Metric(
    name="nacd_keeper_files_waiting", kind="gauge", meaning="Full files that are to be compressed or indexed yet."
)
OLDEST: Final = Metric(
    name="nacd_keeper_oldest_file_waiting_seconds", kind="gauge", meaning="Since when the first of them is full."
)
FILES: Final = Metric(name="nacd_trail_files", kind="gauge", meaning="Files of the audit trail on the disk.")
TRAIL_OCTETS: Final = Metric(name="nacd_trail_octets", kind="gauge", meaning="Octets of all of these.")
QUEUE: Final = Metric(
    name="nacd_forward_waiting_records",
    kind="gauge",
    meaning="Records that a destination of `audit.forward` has not got yet.",
    labels=("destination",),
)
QUEUE_AGE: Final = Metric(
    name="nacd_forward_oldest_seconds", kind="gauge", meaning="Age of the oldest of them.", labels=("destination",)
)
QUEUE_SENT: Final = Metric(
    name="nacd_forward_sent_total",
    kind="counter",
    meaning="Records sent, since the keeper was started last.",
    labels=("destination",),
)
QUEUE_LOST: Final = Metric(
    name="nacd_forward_lost_total",
    kind="counter",
    meaning="Records that a destination will never get, since the keeper was started last.",
    labels=("destination",),
)
QUEUE_OK: Final = Metric(
    name="nacd_forward_ok",
    kind="gauge",
    meaning="0 while a destination cannot be reached or refuses records, else 1.",
    labels=("destination",),
)

TABLE: Final = (
    *(RECORDS, OCTETS, LOST, REFUSING, FAILING, BEHIND, CHECKPOINT, CHECKPOINT_EVERY, CHECKPOINTS, ROTATED),
    *(DISK, DISK_WARN),
    *(KEEPER, RESTARTS, WAITING, OLDEST, FILES, TRAIL_OCTETS),
    *(QUEUE, QUEUE_AGE, QUEUE_SENT, QUEUE_LOST, QUEUE_OK),
)


class File(Protocol):
    """The audit file."""

    tally: Tally

    @property
    def behind_s(self) -> float: ...
    def percent_full(self) -> int: ...


class Recorder(Protocol):
    """The one writer."""

    @property
    def file(self) -> File: ...
    @property
    def refusing(self) -> bool: ...
    @property
    def failing(self) -> str: ...


def read(recorder: Recorder, kept: Minded, warn_at_percent: int, checkpoint_s: float) -> Iterator[Sample]:
    """Every metric of ``TABLE``. On the event loop only. checkpoint_s: from one checkpoint to the next."""
    tally = recorder.file.tally
    yield RECORDS.sample(tally.records)
    yield OCTETS.sample(tally.octets)
    yield LOST.sample(tally.refused)
    yield REFUSING.sample(recorder.refusing)
    yield FAILING.sample(bool(recorder.failing))
    yield BEHIND.sample(recorder.file.behind_s)
    yield CHECKPOINT.sample(tally.checkpoint_at)
    yield CHECKPOINT_EVERY.sample(checkpoint_s)
    yield CHECKPOINTS.sample(tally.checkpoints)
    yield ROTATED.sample(tally.rotated)
    full = percent(recorder)
    if full is not None:
        yield DISK.sample(full)
    yield DISK_WARN.sample(warn_at_percent)
    yield from _keeper(kept)


def percent(recorder: Recorder) -> int | None:
    """How full the disk is, None when it cannot be told."""
    try:
        return recorder.file.percent_full()
    except OSError:
        return None


def _keeper(kept: Minded) -> Iterator[Sample]:
    if kept.wanted:
        yield KEEPER.sample(kept.up)
    status = kept.status
    yield RESTARTS.sample(kept.restarts)
    yield WAITING.sample(status.waiting)
    yield OLDEST.sample(status.oldest_waiting_s)
    yield FILES.sample(status.files)
    yield TRAIL_OCTETS.sample(status.octets)
    for queue in status.queues:
        yield QUEUE.sample(queue.waiting, queue.destination)
        yield QUEUE_AGE.sample(queue.oldest_s, queue.destination)
        yield QUEUE_SENT.sample(queue.sent, queue.destination)
        yield QUEUE_LOST.sample(queue.lost, queue.destination)
        yield QUEUE_OK.sample(not queue.problem, queue.destination)
