"""The one writer: what is in the file, what is said when it takes nothing, what is counted."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.audit import events, shadow_events
from nacd.audit.repeats import Repeats
from nacd.errors import AuditRefused
from nacd.server.drops import Drops
from nacd.server.recorder import Recorder
from nacd.store.trail.log import AuditLog
from nacd.values import AccessRequest, AuditEvent, Instant, Nas
from tests.records import told


class Desk:
    """A recorder on a file that can be put on a full disk."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "audit.jsonl"
        self.opened: list[Recorder] = []

    def open(self, *, full: bool = False, continue_when_full: bool = False, warn_at_percent: int = 99) -> Recorder:
        if full:
            self.path.symlink_to("/dev/full")
        self.opened.append(
            Recorder(
                log=AuditLog(self.path),
                repeats=Repeats(),
                drops=Drops(),
                continue_when_full=continue_when_full,
                warn_at_percent=warn_at_percent,
            )
        )
        return self.opened[-1]

    def make_room(self) -> None:
        self.path.unlink()
        self.path.touch()

    def records(self) -> list[dict[str, Any]]:
        return told(self.path.read_text(encoding="utf-8"))

    def events(self) -> list[str]:
        return [record["event"] for record in self.records()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    for recorder in made.opened:
        recorder.close(at(9_000.0))


def at(seconds: float) -> Instant:
    return Instant(wall=1_800_000_000.0 + seconds, monotonic=1_000.0 + seconds)


def started(now: Instant) -> AuditEvent:
    return events.started(version="1", detail="", now=now)


def refusal(now: Instant, calling: str = "02-00-00-00-00-01") -> AuditEvent:
    request = AccessRequest(
        nas=Nas(name="sw", vendor="generic"), source="10.0.0.1", source_port=1, calling_station_id=calling
    )
    return events.refused(request=request, refusal="service_type", reason="no", latency_ms=0.0, now=now)


def test_a_record_that_was_taken_is_in_the_file(desk: Desk) -> None:
    assert desk.open().take((started(at(0)),), at(0))
    assert desk.events() == ["service.started"]


def test_equal_refusals_are_counted_and_the_count_is_written(desk: Desk) -> None:
    recorder = desk.open()
    for second in range(5):
        assert recorder.take((refusal(at(second)),), at(second))
    assert desk.events() == ["access.refused"]
    recorder.tick(at(61))
    assert [(record["event"], record.get("count")) for record in desk.records()] == [
        ("access.refused", None),
        ("access.repeated", 4),
    ]


def test_a_full_disk_is_told_to_the_caller_and_to_people_once(desk: Desk, said: io.StringIO) -> None:
    recorder = desk.open(full=True)
    assert not recorder.refusing
    for second in range(3):
        assert not recorder.take((started(at(second)),), at(second))
    assert recorder.refusing
    assert said.getvalue().count("no space left on device") == 1
    assert "no accepts" in said.getvalue()


def test_who_wants_to_continue_is_not_refusing_though_records_are_lost(desk: Desk) -> None:
    recorder = desk.open(full=True, continue_when_full=True)
    assert not recorder.take((started(at(0)),), at(0))
    assert not recorder.refusing


def test_recovery_is_written_with_the_number_of_lost_records_and_since_when(desk: Desk) -> None:
    recorder = desk.open(full=True)
    for second in range(3):
        recorder.take((started(at(second)),), at(second))
    recorder.tick(at(3))
    assert recorder.refusing
    desk.make_room()
    recorder.tick(at(4))
    assert not recorder.refusing
    (resumed,) = desk.records()
    assert resumed["event"] == "audit.resumed"
    assert resumed["audit"] == {"lost": 3, "by_code": {"A9001I": 3}, "since": events.timestamp(at(0).wall)}
    assert "no space left on device" in resumed["why"]


def test_a_second_outage_is_told_again(desk: Desk, said: io.StringIO) -> None:
    recorder = desk.open(full=True)
    recorder.take((started(at(0)),), at(0))
    desk.make_room()
    recorder.tick(at(1))
    desk.path.unlink()
    desk.path.symlink_to("/dev/full")
    recorder.tick(at(2))
    assert not recorder.take((started(at(3)),), at(3))
    assert said.getvalue().count("no space left on device") == 2


def test_a_refusal_that_is_only_counted_does_not_count_as_recovery(desk: Desk) -> None:
    recorder = desk.open(full=True)
    for second in range(4):
        recorder.take((refusal(at(second)),), at(second))
    assert recorder.refusing


def test_a_summary_that_is_lost_counts_as_lost(desk: Desk) -> None:
    recorder = desk.open()
    recorder.take((refusal(at(0)),), at(0))
    recorder.take((refusal(at(1)),), at(1))
    desk.path.unlink()
    desk.path.symlink_to("/dev/full")
    recorder.tick(at(61))
    assert recorder.refusing
    desk.make_room()
    recorder.tick(at(62))
    assert desk.records()[0]["audit"]["lost"] == 1


def test_drops_are_reported_once_a_minute_by_nas_and_reason(desk: Desk) -> None:
    recorder = desk.open()
    recorder.tick(at(0))
    for second in range(5):
        recorder.dropped(nas="sw", reason="bad_length", source="10.0.0.1", detail="", now=at(second))
    recorder.dropped(nas="", reason="unknown_nas", source="192.0.2.1", detail="", now=at(6))
    recorder.tick(at(59))
    assert desk.records() == []
    recorder.tick(at(60))
    rows = [(record["nas"]["name"], record["packets"]["reason"], record["count"]) for record in desk.records()]
    assert rows == [("sw", "bad_length", 5), ("", "unknown_nas", 1)]
    recorder.tick(at(120))
    assert len(desk.records()) == 2


def test_a_drop_with_something_to_say_is_said_at_most_once_in_ten_minutes(desk: Desk, said: io.StringIO) -> None:
    recorder = desk.open()
    for second in (0, 1, 599, 600):
        recorder.dropped(nas="sw", reason="x", source="10.0.0.1", detail="secrets differ", now=at(second))
    assert said.getvalue().count("secrets differ") == 2


def test_closing_writes_what_was_only_counted(desk: Desk) -> None:
    recorder = desk.open()
    recorder.take((refusal(at(0)),), at(0))
    recorder.take((refusal(at(1)),), at(1))
    recorder.dropped(nas="sw", reason="bad_length", source="10.0.0.1", detail="", now=at(1))
    desk.opened.remove(recorder)
    recorder.close(at(2))
    assert desk.events() == ["access.refused", "access.repeated", "packets.dropped"]


def test_a_rotated_file_is_followed_within_a_tick(desk: Desk) -> None:
    recorder = desk.open()
    recorder.take((started(at(0)),), at(0))
    desk.path.rename(desk.path.with_suffix(".1"))
    recorder.tick(at(1))
    recorder.take((started(at(2)),), at(2))
    assert desk.events() == ["service.started"]
    assert [record["event"] for record in told(desk.path.with_suffix(".1").read_text(encoding="utf-8"))] == [
        "service.started"
    ]


def test_a_disk_that_fills_up_is_told_while_there_is_room(desk: Desk, said: io.StringIO) -> None:
    desk.open(warn_at_percent=0).tick(at(0))
    assert "% full" in said.getvalue()
    assert "accepts stop" in said.getvalue()


def test_what_must_be_taken_says_so_when_it_is_not(desk: Desk) -> None:
    with pytest.raises(AuditRefused, match="no space left"):
        desk.open(full=True).must_take(started(at(0)))


def test_a_start_on_a_full_disk_is_refused_where_no_accept_leaves_without_a_record(desk: Desk) -> None:
    with pytest.raises(AuditRefused, match="no space left"):
        desk.open(full=True).begin((started(at(0)), started(at(0))), at(0))


def test_a_start_on_a_full_disk_goes_on_where_the_configuration_says_so_and_is_counted(desk: Desk) -> None:
    recorder = desk.open(full=True, continue_when_full=True)
    recorder.begin((started(at(0)), started(at(0))), at(0))
    assert (recorder.refusing, bool(recorder.failing)) == (False, True)
    desk.make_room()
    recorder.tick(at(1))
    (resumed,) = desk.records()
    assert resumed["audit"]["by_code"] == {"A9001I": 2}


# -- what no answer depends on ------------------------------------------------------------------


def loaded(second: float) -> AuditEvent:
    return shadow_events.loaded(file="next.yaml", digest="abc", now=at(second))


def test_what_is_offered_is_written_as_it_is(desk: Desk) -> None:
    assert desk.open().offer([loaded(0), loaded(1)], at(1))
    assert desk.events() == ["shadow.loaded", "shadow.loaded"]


def test_an_offer_that_a_full_disk_does_not_take_stops_nothing_and_is_not_lost(desk: Desk) -> None:
    recorder = desk.open(full=True)
    assert not recorder.offer([loaded(0)], at(0))
    assert not recorder.refusing
    desk.make_room()
    recorder.tick(at(1))
    assert recorder.take([], at(2))
    assert desk.events() == []


def test_nothing_is_offered_to_a_file_that_takes_nothing(desk: Desk) -> None:
    recorder = desk.open(full=True)
    assert not recorder.take([loaded(0)], at(0))
    assert recorder.refusing
    desk.make_room()
    assert not recorder.offer([loaded(1)], at(1))
    assert desk.events() == []
