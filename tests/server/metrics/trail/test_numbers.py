"""The audit trail in numbers."""

from __future__ import annotations

from pathlib import Path

from nacd.server.keeper.minding import Minded
from nacd.server.keeper.words import Queue, Status
from nacd.server.metrics.requests.histogram import Observed
from nacd.server.metrics.trail import numbers
from nacd.server.metrics.trail.numbers import Recorder
from tests.server.house import PRINTER_MAC, House

QUEUE = Queue(destination="siem", waiting=7, oldest_s=9.5, sent=100, lost=1, problem="it does not answer")


class Broken:
    """A disk that cannot be asked."""

    def __init__(self, before: Recorder) -> None:
        self.tally = before.file.tally
        self.behind_s = 3.0
        self.file = self
        self.refusing = True
        self.failing = "no space left"

    def percent_full(self) -> int:
        raise OSError("gone")


def read(recorder: Recorder, kept: Minded) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for sample in numbers.read(recorder, kept, 80, 3_600.0):
        assert not isinstance(sample.value, Observed)
        found[sample.metric.name, *sample.labels] = float(sample.value)
    return found


def test_records_and_octets_are_those_of_the_file(house: House, tmp_path: Path) -> None:
    house.nas().mab(PRINTER_MAC)
    found = house.do(lambda: read(house.recorder, Minded()))
    assert found[("nacd_audit_records_total",)] >= 1  # what the trail says of itself is among them
    assert 0 < found[("nacd_audit_octets_total",)] <= house.site.audit.stat().st_size
    assert found[("nacd_audit_refusing",)] == found[("nacd_audit_failing",)] == 0
    assert 0 <= found[("nacd_audit_disk_percent",)] <= 100
    assert found[("nacd_audit_disk_warn_percent",)] == 80
    assert found[("nacd_audit_checkpoint_interval_seconds",)] == 3_600
    assert ("nacd_keeper_up",) not in found


def test_every_metric_is_read(house: House) -> None:
    kept = Minded(wanted=True, up=True, restarts=2, status=Status(files=3, octets=4096, queues=(QUEUE,)))
    found = house.do(lambda: read(house.recorder, kept))
    assert {name for name, *_ in found} == {metric.name for metric in numbers.TABLE}
    assert found[("nacd_keeper_up",)] == 1
    assert found["nacd_forward_waiting_records", "siem"] == 7
    assert (found["nacd_forward_lost_total", "siem"], found["nacd_forward_ok", "siem"]) == (1, 0)


def test_a_file_that_takes_nothing_and_a_disk_that_says_nothing(house: House) -> None:
    found = read(Broken(house.recorder), Minded(wanted=True))
    assert found[("nacd_audit_refusing",)] == found[("nacd_audit_failing",)] == 1
    assert found[("nacd_audit_behind_seconds",)] == 3
    assert ("nacd_audit_disk_percent",) not in found
    assert found[("nacd_keeper_up",)] == 0
