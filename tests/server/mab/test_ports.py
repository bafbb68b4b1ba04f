"""One MAC on two ports at once by MAB: an alarm when it is so, and none for whoever moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from nacd.audit.repeats import Repeats
from nacd.server.drops import Drops
from nacd.server.mab import ports as module
from nacd.server.mab.ports import AGAIN_S, MOST_PLACES, WAIT_S, Ports
from nacd.server.recorder import Recorder
from nacd.server.sessions.book import Book
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    Change,
    Gone,
    Grounds,
    Names,
    Phase,
    Place,
    Session,
    Standing,
)
from nacd.store.sessions import SessionStore
from nacd.store.trail.log import AuditLog
from nacd.values import NOT_ASKED, AccessKind, Effect, Endpoint, Instant, MacAddress, Nas

PRINTER = "00-11-85-AA-BB-CC"
T = 1_800_000_000.0


def place(port: str = "Gi1/0/1", nas: str = "north", **more: Any) -> Place:
    return Place(
        **{"nas": nas, "source": f"of {nas}", "port_id": port, "port_type": "Ethernet", "calling_station_id": PRINTER}
        | more
    )


class Street:
    """Two switches, the real database, the real audit file; time goes on when it is told to."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.now = Instant(wall=T, monotonic=1_000.0)
        self.audit = folder / "audit.jsonl"
        self.recorder = Recorder(
            log=AuditLog(self.audit), repeats=Repeats(), drops=Drops(), continue_when_full=False, warn_at_percent=99
        )
        self.store = SessionStore(folder / "s.sqlite", apply=apply, tie=tie, report=print, wall=lambda: self.now.wall)
        self.book = Book(self.store, lambda: self.now)
        self.ports = Ports(read=self.book.read, recorder=self.recorder, shared=frozenset(), **options)
        self.book.listen(self.ports.applied)
        self.number = 0

    async def pass_s(self, seconds: float) -> None:
        self.now = Instant(wall=self.now.wall + seconds, monotonic=self.now.monotonic + seconds)
        for _ in range(2):
            self.ports.tick(self.now)
            if self.ports._work is not None:
                await self.ports._work

    async def login(self, where: Place, access: AccessKind = AccessKind.MAB, session: str = "") -> str:
        """It is let in there, and its NAS says so; the name of the session."""
        self.number += 1
        name = session or f"s{self.number}"
        nas = Nas(name=where.nas, vendor="cisco-ios")
        grounds = Grounds(access=access, nas=nas, identity=Endpoint(mac=MacAddress(PRINTER)), mac=PRINTER)
        standing = Standing(
            effect=Effect.ALLOW, rule="r", profile="p", policy_digest="d", compliance=NOT_ASKED, at=self.now.wall
        )
        names = Names(acct_session_id=name, user_name=PRINTER)
        await self.write(Authorized(place=where, names=names, standing=standing, grounds=grounds, at=self.now.wall))
        await self.account(where, name, AccountingKind.START)
        return name

    async def account(self, where: Place, name: str, kind: AccountingKind, late_s: float = 0.0) -> None:
        self.number += 1
        await self.write(
            Accounted(
                kind=kind,
                place=where,
                names=Names(acct_session_id=name, user_name=PRINTER),
                at=self.now.wall,
                happened_at=self.now.wall - late_s,
                record=f"{self.number:032d}",
            )
        )

    async def write(self, change: Change) -> None:
        (applied,) = await self.book.write([change])
        assert applied.stored, applied

    def alarms(self) -> list[dict[str, Any]]:
        lines = self.audit.read_text().splitlines() if self.audit.exists() else []
        return [record for record in map(json.loads, lines) if record["code"] == "A6010W"]


def within(folder: Path, story: Callable[[Street], Awaitable[None]], **options: Any) -> None:
    async def told() -> None:
        street = Street(folder, **options)
        try:
            await story(street)
        finally:
            await street.ports.close()
            street.book.close()
            street.store.close()
            street.recorder.close(street.now)

    asyncio.run(told())


NORTH, SOUTH = place(), place(nas="south", port="Gi2/0/7")


async def both_alive(street: Street, old: Place, new: Place) -> None:
    """One is on, another comes, and a while later the first is heard of again."""
    first = await street.login(old)
    await street.pass_s(100.0)
    await street.login(new)
    await street.pass_s(WAIT_S + 1.0)
    await street.account(old, first, AccountingKind.INTERIM)
    await street.pass_s(1.0)
    await street.pass_s(WAIT_S)


def test_two_nases_that_both_account_for_it_make_an_alarm_that_names_them(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        await both_alive(street, NORTH, SOUTH)
        (alarm,) = street.alarms()
        assert alarm["endpoint"]["mac"] == PRINTER
        assert [(each["nas"], each["port"]) for each in alarm["mab"]["ports"]] == [
            *(("north", "Gi1/0/1"), ("south", "Gi2/0/7")),
        ]
        assert street.ports.alarms == 1

    within(tmp_path, story)


def test_two_ports_of_one_switch_do_too(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        await both_alive(street, NORTH, place("Gi1/0/2"))
        assert len(street.alarms()) == 1

    within(tmp_path, story)


def test_it_is_told_once_an_hour(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        first = await street.login(NORTH)
        await street.pass_s(100.0)
        await street.login(SOUTH)
        for _ in range(10):
            await street.pass_s(AGAIN_S / 12)
            await street.account(NORTH, first, AccountingKind.INTERIM)
            await street.pass_s(1.0)
        assert len(street.alarms()) == 1
        for _ in range(6):
            await street.pass_s(AGAIN_S / 12)
            await street.account(NORTH, first, AccountingKind.INTERIM)
            await street.pass_s(1.0)
        assert len(street.alarms()) == 2

    within(tmp_path, story)


def test_an_end_that_comes_late_is_no_alarm(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        first = await street.login(NORTH)
        await street.pass_s(100.0)
        await street.login(SOUTH)
        await street.pass_s(WAIT_S + 1.0)
        await street.account(NORTH, first, AccountingKind.INTERIM)  # its clock, or its queue
        await street.pass_s(30.0)
        await street.account(NORTH, first, AccountingKind.STOP)
        await street.pass_s(500.0)
        assert street.alarms() == []

    within(tmp_path, story)


def test_an_end_that_never_comes_is_no_alarm_while_nothing_is_heard_of_the_old_place(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        await street.login(NORTH)
        await street.pass_s(100.0)
        second = await street.login(SOUTH)
        for _ in range(20):
            await street.pass_s(300.0)
            await street.account(SOUTH, second, AccountingKind.INTERIM)
        assert street.alarms() == []

    within(tmp_path, story)


def test_what_was_said_before_it_moved_and_comes_after_is_no_alarm(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        first = await street.login(NORTH)
        await street.pass_s(100.0)
        await street.login(SOUTH)
        await street.pass_s(200.0)
        await street.account(NORTH, first, AccountingKind.INTERIM, late_s=210.0)
        await street.pass_s(1.0)
        await street.pass_s(WAIT_S)
        assert street.alarms() == []

    within(tmp_path, story)


def test_roaming_among_the_radios_of_one_controller_is_no_alarm(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        radio = {"nas": "wlc", "port_type": "Wireless-802.11", "port_id": ""}
        await both_alive(street, place(**radio, called_station_id="A"), place(**radio, called_station_id="B"))
        assert street.alarms() == []

    within(tmp_path, story)


def test_of_a_mac_that_wanders_by_nature_nothing_is_told(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        street.ports.shared = frozenset({PRINTER})
        await both_alive(street, NORTH, SOUTH)
        assert street.alarms() == []

    within(tmp_path, story)


def test_the_setting_switches_it_off(tmp_path: Path) -> None:
    within(tmp_path, _nothing, alarm=False)


async def _nothing(street: Street) -> None:
    await both_alive(street, NORTH, SOUTH)
    assert (street.alarms(), street.ports._places) == ([], {})


def test_sessions_that_came_otherwise_are_not_looked_at(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        first = await street.login(NORTH, AccessKind.DOT1X)
        await street.pass_s(100.0)
        await street.login(SOUTH)
        await street.pass_s(WAIT_S + 1.0)
        await street.account(NORTH, first, AccountingKind.INTERIM)
        await street.pass_s(1.0)
        await street.pass_s(WAIT_S)
        assert street.alarms() == []

    within(tmp_path, story)


def test_a_session_that_has_aged_is_not_there(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        first = await street.login(NORTH)
        await street.pass_s(100.0)
        await street.login(SOUTH)
        await street.pass_s(WAIT_S + 1.0)
        await street.account(NORTH, first, AccountingKind.INTERIM)
        (old, new) = (each for each in street.ports._places[PRINTER].values())
        assert old.session != new.session
        await street.write(Gone(id=new.session, phase=Phase.AGED, at=street.now.wall, cause="silent"))
        await street.pass_s(1.0)
        await street.pass_s(WAIT_S)
        assert street.alarms() == []
        found = street.store.session(old.session)
        assert isinstance(found, Session)

    within(tmp_path, story)


def test_alarms_beyond_so_many_an_hour_are_counted(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        street.ports._written.extend([street.now.monotonic] * module.MOST_AN_HOUR)
        await both_alive(street, NORTH, replace(SOUTH, port_id="Gi2/0/8"))
        assert (street.ports.alarms, street.alarms()) == (1, [])

    within(tmp_path, story)


def test_a_mac_that_is_shown_at_every_port_takes_no_more_room_and_is_told_of_all_the_same(tmp_path: Path) -> None:
    async def story(street: Street) -> None:
        everywhere = [place(f"Gi1/0/{number}") for number in range(40)]
        first = await street.login(everywhere[0])
        for each in everywhere[1:]:
            await street.pass_s(1.0)
            await street.login(each)
        assert len(street.ports._places[PRINTER]) == MOST_PLACES
        await street.pass_s(WAIT_S + 1.0)
        await street.account(everywhere[0], first, AccountingKind.INTERIM)
        await street.pass_s(1.0)
        await street.pass_s(WAIT_S)
        assert len(street.alarms()) == 1

    within(tmp_path, story)
