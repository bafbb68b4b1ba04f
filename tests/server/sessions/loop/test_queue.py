"""What waits to be decided again."""

from __future__ import annotations

import pytest

from nacd.server.sessions.loop import queue
from nacd.server.sessions.loop.queue import Queue
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from tests.server.sessions.wired import compliance


def order(id: int) -> Override:
    return Override(
        id=id,
        subject_kind=SubjectKind.MAC,
        subject="02-00-00-00-00-01",
        tenant="",
        effect=OverrideEffect.BLOCK,
        profile="",
        reason="a test",
        by="anna",
        at=1.0,
    )


def test_of_a_device_the_newest_word_waits_once() -> None:
    waits = Queue()
    waits.put_device(("main", "guid:1"), compliance("compliant", 1.0))
    waits.put_device(("main", "guid:2"), compliance("compliant", 1.0))
    waits.put_device(("main", "guid:1"), compliance("noncompliant", 2.0))
    assert len(waits) == 2
    assert waits.take_devices() == {
        ("main", "guid:1"): compliance("noncompliant", 2.0),
        ("main", "guid:2"): compliance("compliant", 1.0),
    }
    assert waits.take_devices() == {}


def test_one_device_of_two_tenants_is_two() -> None:
    waits = Queue()
    for tenant in ("main", "other"):
        waits.put_device((tenant, "guid:1"), compliance("compliant", 1.0))
    assert len(waits.take_devices()) == 2


def test_a_session_waits_once_and_in_the_order_it_came() -> None:
    waits = Queue()
    for id in (3, 1, 3, 2):
        waits.put_session(id)
    assert waits.take_sessions() == (3, 1, 2)
    assert len(waits) == 0


def test_every_order_counts_the_first_one_first() -> None:
    waits = Queue()
    for id in (1, 2, 1):
        waits.put_override(order(id))
    taken = [waits.take_override() for _ in range(4)]
    assert [each.id if each else 0 for each in taken] == [1, 2, 1, 0]


def put(waits: Queue, what: str, id: int) -> None:
    if what == "DEVICES":
        waits.put_device(("main", f"guid:{id}"), compliance("compliant", float(id)))
    elif what == "SESSIONS":
        waits.put_session(id)
    else:
        waits.put_override(order(id))


@pytest.mark.parametrize("what", ["DEVICES", "SESSIONS", "OVERRIDES"])
def test_what_finds_no_room_is_known_once(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, f"_MOST_{what}", 2)
    waits = Queue()
    for id in (1, 2):
        put(waits, what, id)
    assert not waits.overflowed()
    put(waits, what, 3)
    assert len(waits) == 2
    assert waits.overflowed()
    assert not waits.overflowed()


@pytest.mark.parametrize("what", ["DEVICES", "SESSIONS"])
def test_what_waits_already_needs_no_room(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, f"_MOST_{what}", 2)
    waits = Queue()
    for id in (1, 2, 1):
        put(waits, what, id)
    assert not waits.overflowed()
