"""What a batch looks like on the wire."""

from __future__ import annotations

import json

import pytest

from nacd.audit.mapping.record import read
from nacd.keeper.forward.cursor import Place
from nacd.keeper.forward.doors.bodies import BODIES, bulk_verdict
from nacd.keeper.forward.doors.door import Event


def event(seq: int, link: str = "", time: str = "2026-11-22T19:21:00.050Z") -> Event:
    record = read(json.dumps({"code": "A1001I", "time": time, "seq": seq, "link": link}).encode())
    assert record is not None
    return Event(record.line, record, Place(seq=seq))


def test_lines_and_lists_hold_the_events_as_they_are() -> None:
    many = [event(1), event(2)]
    lines = BODIES["ndjson"].join(many)
    assert lines == many[0].octets + b"\n" + many[1].octets + b"\n"
    assert [each["seq"] for each in json.loads(BODIES["array"].join(many))] == [1, 2]


def test_splunk_gets_each_event_with_its_time_in_seconds() -> None:
    told = [json.loads(line) for line in BODIES["hec"].join([event(1), event(2, time="")]).splitlines()]
    assert told[0]["time"] == 1_795_375_260.05
    assert "time" not in told[1]
    assert [each["event"]["seq"] for each in told] == [1, 2]


def test_elasticsearch_gets_the_link_as_id() -> None:
    lines = [json.loads(line) for line in BODIES["bulk"].join([event(1, "9f" * 32), event(2)]).splitlines()]
    assert (lines[0], lines[2]) == ({"create": {"_id": "9f" * 32}}, {"create": {}})
    assert [lines[1]["seq"], lines[3]["seq"]] == [1, 2]


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"items":1}', b'{"items":[1]}', b'{"items":[{}]}', b'{"items":[{"create":{}}]}']
)
def test_a_bulk_answer_that_cannot_be_read_is_trouble(answer: bytes) -> None:
    assert bulk_verdict(answer, 1).trouble


def test_a_bulk_answer_is_read_event_by_event() -> None:
    items = [{"create": {"status": status}} for status in (201, 409, 400, 503)]
    verdict = bulk_verdict(json.dumps({"items": items}).encode(), 4)
    assert dict(verdict.refused) == {2: "status 400"}
    assert "503" in verdict.trouble
