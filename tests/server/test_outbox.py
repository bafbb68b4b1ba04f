"""Recorded together, sent after; and what happens when one of them cannot be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any, Protocol

import pytest
from structlog.testing import capture_logs

from nacd.admit import NOTHING, CameBack, Left
from nacd.audit import events
from nacd.audit.repeats import Repeats
from nacd.radius.admission import Admission
from nacd.radius.clients import ClientTable
from nacd.radius.dedup import DedupTable, Replay, RequestKey
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server import outbox
from nacd.server.drops import Drops
from nacd.server.outbox import Outbox, Outgoing, Sessions, Unstored
from nacd.server.recorder import Recorder
from nacd.sessions import Accounted, Authorized, Change
from nacd.store.live.outcome import Applied
from nacd.store.trail.log import AuditLog
from nacd.values import AccessRequest, Instant, Nas
from tests.records import told
from tests.session.making import T, after, authorized, start

NOW = Instant(wall=1_700_000_000.0, monotonic=10.0)


@dataclass(slots=True)
class Way:
    """The way back, and how long the audit file was when each answer left."""

    audit: Path
    source: str = "192.0.2.1"
    port: int = 1645
    sent: list[bytes] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    broken: Exception | None = None

    def send(self, octets: bytes) -> None:
        if self.broken is not None:
            raise self.broken
        self.sent.append(octets)
        self.lines.append(len(told(self.audit.read_text())))


class Disk:
    """Where sessions are written down; how long that takes is up to the test."""

    def __init__(self) -> None:
        self.asked: list[tuple[Change, ...]] = []
        self.writing: list[asyncio.Future[tuple[Applied, ...]]] = []
        self.familiar: list[CameBack] = []

    def write(self, changes: Sequence[Change]) -> asyncio.Future[tuple[Applied, ...]]:
        self.asked.append(tuple(changes))
        self.writing.append(asyncio.get_running_loop().create_future())
        return self.writing[-1]

    def came_again(self, back: CameBack) -> bool:
        return back in self.familiar

    async def done(self, *, stored: bool = True) -> None:
        self.writing[-1].set_result(tuple(Applied(stored=stored) for _ in self.asked[-1]))
        await asyncio.sleep(0)

    async def asked_times(self, count: int) -> None:
        """Wait until it was asked that often."""
        deadline = time.monotonic() + 10
        while len(self.asked) < count:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.001)
        assert len(self.asked) == count


class Desk:
    def __init__(self, audit: Path) -> None:
        self.recorder = Recorder(
            log=AuditLog(audit), repeats=Repeats(), drops=Drops(), continue_when_full=False, warn_at_percent=99
        )
        self.dedup = DedupTable()
        self.disk = Disk()
        admission = Admission(ClientTable(()), MessageAuthenticatorLedger(), self.dedup)
        self.outbox = Outbox(self.recorder, admission, self.disk, lambda: NOW, retry_s=0.01)
        self.admission = admission
        self.way = Way(audit)

    def open(self, sessions: Sessions) -> None:
        """Write sessions down there."""
        self.outbox = Outbox(self.recorder, self.admission, sessions, lambda: NOW, retry_s=0.01)

    def put(
        self,
        octets: bytes,
        *,
        recorded: bool = True,
        otherwise: bytes = b"refused",
        way: Way | None = None,
        left: Left = NOTHING,
    ) -> None:
        key = RequestKey(place=("auth", "192.0.2.1", 1645, octets[0], True), authenticator=octets)  # type: ignore[arg-type]
        self.dedup.admit(key, NOW)
        event = events.started(version="1", detail="", now=NOW) if recorded else None
        self.outbox.put(Outgoing(key, way or self.way, octets, NOW, event, lambda: otherwise, left))

    def account(self, octets: bytes) -> None:
        """What is accounted for, to be answered with these octets."""
        key = RequestKey(place=("acct", "192.0.2.1", 1646, octets[0], True), authenticator=octets)  # type: ignore[arg-type]
        self.dedup.admit(key, NOW)
        event = events.started(version="1", detail="", now=NOW)
        answer = Outgoing(key, self.way, octets, NOW, event, lambda: b"")
        self.outbox.store(Unstored(record(octets.decode()), lambda applied: answer if applied.stored else None))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "audit.jsonl")


def test_every_record_is_in_the_file_before_the_first_answer_leaves(desk: Desk) -> None:
    for octets in (b"a", b"b", b"c"):
        desk.put(octets)
    assert desk.way.sent == []
    desk.outbox.flush(NOW)
    assert desk.way.sent == [b"a", b"b", b"c"]
    assert desk.way.lines == [3, 3, 3]
    assert len(desk.outbox) == 0


def test_what_was_sent_is_remembered_for_retransmissions(desk: Desk) -> None:
    desk.put(b"a")
    desk.outbox.flush(NOW)
    key = RequestKey(place=("auth", "192.0.2.1", 1645, b"a"[0], True), authenticator=b"a")  # type: ignore[arg-type]
    assert desk.dedup.admit(key, NOW) == Replay(octets=b"a")


def test_lost_records_change_the_answers_that_depend_on_them_and_no_others(tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    audit.symlink_to("/dev/full")
    desk = Desk(audit)
    desk.way.audit = tmp_path / "other"
    desk.way.audit.touch()
    desk.put(b"accept")
    desk.put(b"challenge", recorded=False)
    desk.put(b"accounting", otherwise=b"")
    desk.outbox.flush(NOW)
    assert desk.way.sent == [b"refused", b"challenge"]


def test_what_leaves_is_settled_before_anything_does(tmp_path: Path) -> None:
    """The file may take records again while answers are sent: an Accept whose record is lost stays a refusal."""
    audit = tmp_path / "audit.jsonl"
    audit.symlink_to("/dev/full")
    desk = Desk(audit)
    desk.way.audit = tmp_path / "other"
    desk.way.audit.touch()
    refusing = [b"refused while the disk is full"]
    broken = Way(desk.way.audit, broken=ZeroDivisionError())
    desk.put(b"first", recorded=False, way=broken)
    key = RequestKey(place=("auth", "192.0.2.1", 1645, 7, True), authenticator=b"x")  # type: ignore[arg-type]
    desk.dedup.admit(key, NOW)
    record = events.started(version="1", detail="", now=NOW)
    desk.outbox.put(Outgoing(key, desk.way, b"accept", NOW, record, lambda: refusing[0]))
    with pytest.raises(ZeroDivisionError):
        desk.outbox.flush(NOW)
    refusing[0] = b"accept"
    desk.outbox.flush(NOW)
    assert desk.way.sent == [b"refused while the disk is full"]


def test_a_way_that_is_gone_is_warned_of_and_keeps_no_other_answer(desk: Desk) -> None:
    gone = Way(desk.way.audit, broken=OSError(101, "network is unreachable"))
    desk.put(b"a", way=gone)
    desk.put(b"b")
    desk.outbox.flush(NOW)
    assert desk.way.sent == [b"b"]


def test_a_bug_in_one_answer_leaves_the_others_for_the_next_flush(desk: Desk) -> None:
    broken = Way(desk.way.audit, broken=ZeroDivisionError())
    desk.put(b"a", way=broken)
    desk.put(b"b")
    with pytest.raises(ZeroDivisionError):
        desk.outbox.flush(NOW)
    desk.outbox.flush(NOW)
    assert desk.way.sent == [b"b"]


def test_a_bug_in_recording_ends_in_silence_and_is_not_tried_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = desk.recorder.take

    def broken(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.recorder, "take", broken)
    desk.put(b"accept")
    desk.put(b"challenge", recorded=False)
    with pytest.raises(ZeroDivisionError):
        desk.outbox.flush(NOW)
    monkeypatch.setattr(desk.recorder, "take", take)
    desk.put(b"next")
    desk.outbox.flush(NOW)
    assert desk.way.sent == [b"challenge", b"next"]


# -- sessions -------------------------------------------------------------------------------------


class _Test(Protocol):
    def __call__(self, desk: Desk) -> Coroutine[Any, Any, None]: ...


def on_a_loop(test: _Test) -> Any:
    @wraps(test)
    def run(desk: Desk) -> None:
        asyncio.run(test(desk))

    return run


@on_a_loop
async def test_what_is_accounted_for_is_answered_when_it_is_on_disk_and_not_before(desk: Desk) -> None:
    desk.account(b"a")
    desk.outbox.flush(NOW)
    await asyncio.sleep(0)
    assert desk.way.sent == []
    await desk.disk.done()
    assert desk.way.sent == [b"a"]
    assert desk.way.lines == [1], "and recorded"


@on_a_loop
async def test_what_could_not_be_stored_is_not_answered(desk: Desk) -> None:
    desk.account(b"a")
    desk.outbox.flush(NOW)
    await desk.disk.done(stored=False)
    assert desk.way.sent == []


@on_a_loop
async def test_a_slice_of_work_is_one_change_of_the_disk_and_accepts_come_first(desk: Desk) -> None:
    desk.account(b"a")
    desk.put(b"accept", left=begun())
    desk.account(b"b")
    desk.outbox.flush(NOW)
    assert desk.disk.asked == [(begun(), record("a"), record("b"))]
    assert desk.way.sent == [b"accept"], "an Accept waits for no disk"
    await desk.disk.done()
    assert desk.way.sent == [b"accept", b"a", b"b"]


@on_a_loop
async def test_an_accept_that_became_a_refusal_begins_no_session(desk: Desk) -> None:
    desk.recorder.close(NOW)
    desk.put(b"accept", left=begun())
    desk.outbox.flush(NOW)
    assert desk.way.sent == [b"refused"]
    assert desk.disk.asked == []


@on_a_loop
async def test_settling_waits_for_the_disk_and_sends_what_was_written(desk: Desk) -> None:
    desk.account(b"a")
    settling = asyncio.ensure_future(desk.outbox.settle(5.0))
    await asyncio.sleep(0)
    await desk.disk.done()
    await settling
    assert desk.way.sent == [b"a"]


# -- a disk that takes nothing --------------------------------------------------------------------


@on_a_loop
async def test_what_no_disk_took_of_an_accept_is_written_before_anything_is_accounted_for(desk: Desk) -> None:
    desk.put(b"accept", left=begun())
    desk.outbox.flush(NOW)
    await desk.disk.done(stored=False)
    assert desk.outbox.kept == 1
    desk.account(b"a")
    desk.put(b"other", left=begun(port="8"))
    desk.outbox.flush(NOW)
    assert desk.way.sent == [b"accept", b"other"]
    await desk.disk.asked_times(2)
    assert desk.disk.asked[1][:-1] == (begun(), begun(port="8"))
    await desk.disk.done(stored=False)
    await desk.disk.asked_times(3)
    desk.account(b"b")
    desk.outbox.flush(NOW)
    await desk.disk.done()
    assert desk.outbox.kept == 0
    assert desk.disk.asked[3:] == [(record("b"),)], "what came before the disk was full again has had its silence"
    await desk.disk.done()
    assert desk.way.sent == [b"accept", b"other", b"b"]


@on_a_loop
async def test_of_one_place_the_newest_accept_is_kept_also_when_it_comes_while_another_is_written(desk: Desk) -> None:
    for at in (T, T + 1):
        desk.put(b"accept", left=begun(at=at))
        desk.outbox.flush(NOW)
        if at == T:
            await desk.disk.done(stored=False)
    assert desk.outbox.kept == 1
    await desk.disk.asked_times(2)
    assert desk.disk.asked[1][0] == begun(at=T + 1)
    desk.put(b"accept", left=begun(at=T + 2))
    desk.outbox.flush(NOW)
    await desk.disk.done()
    assert desk.disk.asked[2][0] == begun(at=T + 2)
    await desk.disk.done()
    assert desk.outbox.kept == 0


@on_a_loop
async def test_not_more_is_kept_than_there_is_room_for_and_a_person_is_told(desk: Desk) -> None:
    with pytest.MonkeyPatch.context() as patch, capture_logs() as said:
        patch.setattr(outbox, "MOST_KEPT", 3)
        for port in "12345":
            desk.put(b"accept", left=begun(port=port))
        desk.outbox.flush(NOW)
        await desk.disk.done(stored=False)
    assert desk.outbox.kept == 3
    assert ["3 Accepts wait in memory, and 2 are lost" in each["event"] for each in said] == [True]
    await desk.disk.asked_times(2)
    assert [each.place.port for each in desk.disk.asked[1][:-1]] == ["3", "4", "5"]  # type: ignore[union-attr]
    await desk.disk.done()


@on_a_loop
async def test_what_no_disk_will_ever_take_stops_nobody(desk: Desk) -> None:
    """The disk has taken what went with it: a bug, which is reported where it is."""
    desk.put(b"accept", left=begun())
    desk.outbox.flush(NOW)
    await desk.disk.done(stored=False)
    await desk.disk.asked_times(2)
    desk.disk.writing[-1].set_result((Applied(stored=False), Applied()))
    await asyncio.sleep(0)
    assert desk.outbox.kept == 0


@on_a_loop
async def test_settling_tries_once_more_for_what_is_kept(desk: Desk) -> None:
    desk.put(b"accept", left=begun())
    desk.outbox.flush(NOW)
    await desk.disk.done(stored=False)
    settling = asyncio.ensure_future(desk.outbox.settle(5.0))
    await desk.disk.asked_times(2)
    await desk.disk.done()
    await settling
    assert desk.outbox.kept == 0


def record(number: str) -> Accounted:
    return start(T, record=number)


def begun(port: str = "7", at: float = T, **more: str) -> Authorized:
    made = authorized(at=at)
    calling = more.get("calling_station_id", made.place.calling_station_id)
    there = replace(made.place, port=port, calling_station_id=calling)
    return replace(made, place=there, names=replace(made.names, token=more.get("token", made.names.token)))


def test_a_login_that_says_nothing_new_is_sent_and_not_written_here(desk: Desk) -> None:
    known = after(authorized(T))
    request = AccessRequest(nas=Nas(name="switch", vendor="generic"), source="192.0.2.1", source_port=1)
    back = CameBack(session=known, request=request, compliance=authorized(T).standing.compliance, at=T + 9, ends_at=0.0)
    desk.disk.familiar = [back]

    async def story() -> None:
        desk.put(b"a", left=back)
        desk.outbox.flush(NOW)
        assert desk.way.sent == [b"a"]
        assert desk.disk.asked == []
        desk.disk.familiar = []
        desk.put(b"b", left=back)
        desk.outbox.flush(NOW)
        assert desk.way.sent == [b"a", b"b"]
        assert desk.disk.asked == [(back.login(),)], "something has become of it meanwhile: it is written in full"

    asyncio.run(story())
