"""From a configuration to everybody who watches sessions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from nacd.audit.repeats import Repeats
from nacd.server.assembly import Assembled
from nacd.server.clock import instant, random_octets
from nacd.server.drops import Drops
from nacd.server.lookups import building as lookups
from nacd.server.lookups.building import Asking
from nacd.server.recorder import Recorder
from nacd.server.sessions import building
from nacd.server.sessions.building import DATABASE, Watching, build, local_minutes, sayable
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Accounted, AccountingKind, Names, Phase, Place, Session
from nacd.store import state_file
from nacd.store.live.overrides import Kept
from nacd.store.sessions import SessionStore
from nacd.store.trail.log import AuditLog
from nacd.values import Nas
from tests.server.sessions.wired import configured, guid

KEY = f"guid:{guid(1)}"


@dataclass(frozen=True)
class Built:
    assembled: Assembled
    asking: Asking
    watching: Watching


def play(folder: Path, story: Callable[[Built], Coroutine[Any, Any, None]]) -> None:
    async def all_of_it() -> None:
        assembled = configured(folder, {"sw": 3799})
        recorder = Recorder(
            log=AuditLog(folder / "audit.jsonl"),
            repeats=Repeats(),
            drops=Drops(),
            continue_when_full=True,
            warn_at_percent=100,
        )
        asking = lookups.build(assembled, instant, report=pytest.fail)
        watching = build(assembled, asking, recorder, instant, random_octets)
        try:
            async with asyncio.timeout(20):
                await story(Built(assembled, asking, watching))
        finally:
            await watching.close()
            asking.store.close()
            recorder.close(instant())

    asyncio.run(all_of_it())


def test_sessions_lie_in_one_file_of_the_state_folder(tmp_path: Path) -> None:
    async def story(built: Built) -> None:
        assert (Path(built.assembled.loaded.settings.state) / DATABASE).exists()
        assert built.watching.book.problem == ""

    play(tmp_path, story)


def test_the_loop_hears_of_what_is_written_and_looks_at_everybody_at_the_start(tmp_path: Path) -> None:
    async def story(built: Built) -> None:
        watching = built.watching
        await watching.loop.start()
        now = instant().wall
        change = Accounted(
            kind=AccountingKind.START,
            place=Place(nas="sw", source="10.0.0.1"),
            names=Names(acct_session_id="A1"),
            at=now,
            happened_at=now,
            record="r",
        )
        (outcome,) = await watching.book.write([change])
        assert isinstance(outcome.session, Session)
        assert outcome.session.phase is Phase.LIVE
        deadline = time.monotonic() + 10
        while not watching.upkeep.live_sessions:
            assert time.monotonic() < deadline
            watching.loop.tick(instant())
            await asyncio.sleep(0.01)
        status = watching.loop.status(instant())
        assert (status.live_sessions, status.rounds, status.problem) == (1, 1, "")

    play(tmp_path, story)


def opened(folder: Path) -> SessionStore:
    (folder / "state").mkdir(exist_ok=True)
    return SessionStore(folder / "state" / DATABASE, apply=apply, tie=tie, report=pytest.fail)


def ordered(store: SessionStore) -> Kept:
    wanted = Override(
        id=0,
        subject_kind=SubjectKind.DEVICE,
        subject=guid(1),
        tenant="",
        effect=OverrideEffect.BLOCK,
        profile="",
        reason="a test",
        by="anna",
        at=instant().wall,
    )
    return store.put_override(wanted)


def test_orders_that_were_put_before_a_restart_are_in_memory_after_it(tmp_path: Path) -> None:
    configured(tmp_path, {"sw": 3799})
    with closing(opened(tmp_path)) as store:
        kept = ordered(store)

    async def story(built: Built) -> None:
        assert list(built.watching.orders) == [kept]

    play(tmp_path, story)


def test_orders_in_a_file_that_could_not_be_read_at_the_start_are_in_force_as_soon_as_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "RETRY_S", 0.0)
    monkeypatch.setattr(building, "_LOOK_EVERY_S", 0.001)
    configured(tmp_path, {"sw": 3799})
    store = opened(tmp_path)
    kept = ordered(store)

    async def story(built: Built) -> None:
        watching = built.watching
        assert "another nacd has it" in watching.store.problem
        assert list(watching.orders) == []
        (words,) = watching.store.damaged_overrides
        assert "orders that stand in it (`nacd quarantine`, `block`, `allow`) do not hold" in words
        store.close()
        await watching.start()
        assert list(watching.orders) == [kept]
        assert watching.store.damaged_overrides == ()

    play(tmp_path, story)


def test_minutes_of_the_week_begin_on_monday_by_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monday = 1_700_438_400.0  # 2023-11-20 00:00 UTC
    try:
        for zone, ahead in (("UTC", 0), ("Europe/Berlin", 60), ("America/New_York", 6 * 1440 + 19 * 60)):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            assert local_minutes(monday) == ahead
            assert local_minutes(monday + 61) == ahead + 1
            assert local_minutes(monday + 7 * 86_400) == ahead
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_nas_can_be_given_what_its_vendor_of_now_can_express(tmp_path: Path) -> None:
    assembled = configured(tmp_path, {"sw": 3799})
    can = sayable(assembled)
    assert can(Nas(name="sw", vendor="cisco-ios"), "guests")
    assert can(Nas(name="sw", vendor="what-it-was-before"), "guests")
    assert can(Nas(name="gone", vendor="cisco-ios"), "guests")
    assert not can(Nas(name="gone", vendor="aruba"), "guests")
    assert not can(Nas(name="sw", vendor="cisco-ios"), "no-such-profile")
    narrower = replace(assembled, rendered={})
    assert not sayable(narrower)(Nas(name="sw", vendor="cisco-ios"), "guests")
