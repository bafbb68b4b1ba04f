"""``nacd sessions``: lists, one session in full, and changes as they happen.

Knows: how sessions are asked for, and how far behind somebody who watches may be. Refuses to know: what changes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from nacd.identity.mac import NotMac, parse
from nacd.server.people import shown
from nacd.server.people.command import Asked, Command, NotDone, OrderRefused
from nacd.server.people.roles import Role
from nacd.server.people.subject import key_of, machine, number, tenant, text
from nacd.server.people.surroundings import Site, Surroundings
from nacd.session.overrides import Override
from nacd.session.table import NoSession
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    Change,
    Gone,
    Grounds,
    NasRestarted,
    Pending,
    Phase,
    Session,
    Wished,
)
from nacd.store.live.filters import Filter
from nacd.store.live.outcome import Applied
from nacd.values import MacAddress

_MOST_SHOWN: Final = 1_000
_MOST_BEHIND: Final = 1_000
_MOST_ID: Final = 2**63 - 1


def commands(around: Surroundings) -> Mapping[str, Command]:
    """By name, for the control socket."""
    watching = Watching()
    around.book.listen(watching.applied)

    async def listed(asked: Asked) -> Any:
        wanted = filter_of(asked.fields, around.site)
        if not wanted.phase and not wanted.pending and asked.fields.get("all") is not True:
            wanted = replace(wanted, open=True)
        limit = number(asked.fields, "limit", 1, _MOST_SHOWN, 100)
        after = number(asked.fields, "after", 0, _MOST_ID, 0)
        found = await around.book.read(lambda store: store.find(wanted, limit, after))
        return {
            "sessions": [shown.row(each) for each in found],
            "next": found[-1].id if len(found) == limit else 0,
        }

    async def show(asked: Asked) -> Any:
        id = number(asked.fields, "id", 1, _MOST_ID, 0)
        found = await around.book.read(lambda store: store.session(id))
        if isinstance(found, NoSession):
            raise NotDone(f"there is no session {id}: `nacd sessions list --all` shows those that there were")
        now = around.clock().wall
        order = None
        if isinstance(grounds := found.grounds, Grounds):
            ordered = around.index.in_force(grounds.identity, shown.mac(found), grounds.tenant, now)
            order = shown.override(ordered, now) if isinstance(ordered, Override) else None
        return {**shown.row(found), "full": shown.plain(found), "override": order}

    async def watch(asked: Asked) -> Any:
        await watching.watch(asked, filter_of(asked.fields, around.site), asked.fields.get("interims") is True)

    return {
        "sessions.list": Command(role=Role.READ, work=listed),
        "sessions.show": Command(role=Role.READ, work=show),
        "sessions.watch": Command(role=Role.READ, work=watch, streams=True),
    }


def filter_of(fields: Mapping[str, Any], site: Site) -> Filter:
    """What is asked for. Raises OrderRefused."""
    device, mac, phase = text(fields, "device"), text(fields, "mac"), text(fields, "phase")
    if phase and phase not in list(Phase):
        raise OrderRefused(f"there is no phase `{phase}`; there are {', '.join(Phase)}")
    key = ""
    if device:
        named = machine(device)
        if isinstance(named, MacAddress):
            mac = mac or named.text
        else:
            key = key_of(named)
    if mac:
        spelled = parse(mac)
        if isinstance(spelled, NotMac):
            raise OrderRefused(f"`{mac[:60]}` is no mac")
        mac = spelled.text
    return Filter(
        device=key,
        tenant=tenant(fields, site),
        mac=mac,
        user=text(fields, "user"),
        nas=text(fields, "nas"),
        phase=Phase(phase) if phase else "",
        profile=text(fields, "profile"),
        pending=fields.get("pending") is True,
    )


class _Watcher:
    def __init__(self, wanted: Filter, *, interims: bool) -> None:
        self.wanted = wanted
        self.interims = interims
        self.lines: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.lost = False


class Watching:
    """Everybody who watches. One who is too far behind is told so, and hears no more: nobody waits for him."""

    def __init__(self) -> None:
        self._watchers: set[_Watcher] = set()

    def applied(self, change: Change, applied: Applied) -> None:
        """A change is on the disk."""
        if not self._watchers or not applied.changed:
            return
        line: dict[str, Any] = {}
        for watcher in tuple(self._watchers):
            if not _is_for(watcher, change, applied):
                continue
            line = line or _line(change, applied)
            if watcher.lines.qsize() < _MOST_BEHIND:
                watcher.lines.put_nowait(line)
            else:
                watcher.lost = True
                self._watchers.discard(watcher)

    async def watch(self, asked: Asked, wanted: Filter, interims: bool) -> None:
        """Say what happens, until whoever asked leaves. Raises NotDone when he reads too slowly."""
        watcher = _Watcher(wanted, interims=interims)
        self._watchers.add(watcher)
        try:
            while not watcher.lost or watcher.lines.qsize():
                await asked.say(await watcher.lines.get())
        finally:
            self._watchers.discard(watcher)
        raise NotDone(f"more than {_MOST_BEHIND} changes were not read in time: what came after them is missing")


def _is_for(watcher: _Watcher, change: Change, applied: Applied) -> bool:
    if isinstance(change, NasRestarted):
        wanted = watcher.wanted
        return wanted in (Filter(), Filter(nas=change.nas))
    if isinstance(change, Accounted) and change.kind is AccountingKind.INTERIM and not watcher.interims:
        return False
    return isinstance(applied.session, Session) and shown.fits(applied.session, watcher.wanted)


def _line(change: Change, applied: Applied) -> dict[str, Any]:
    what, words = _told(change, applied)
    session = shown.row(applied.session) if isinstance(applied.session, Session) else None
    return {"at": change.at, "what": what, "words": words, "session": session}


def _told(change: Change, applied: Applied) -> tuple[str, str]:
    """What happened: one word for machines, some for people."""
    match change:
        case Authorized(standing=standing):
            return "authorized", f"profile {standing.profile}, rule {standing.rule}"
        case Accounted(kind=kind, cause=cause):
            return kind.value, cause if kind is AccountingKind.STOP else ""
        case NasRestarted(nas=nas, cause=cause):
            return "nas_restarted", f"{nas}: {len(applied.ended)} sessions are over: {cause}"
        case Gone(phase=phase, cause=cause):
            return phase.value, cause
        case Wished(wish=Pending() as wish):
            return _wanted(wish)
        case Wished():
            return "settled", "nothing is wanted of its NAS any more"


def _wanted(wish: Pending) -> tuple[str, str]:
    aim = f"profile {wish.wanted.profile}" if wish.wanted.profile else "no access"
    if wish.held:
        return "held", f"{aim}: {wish.held}"
    if not wish.verb:
        return "wanted", aim
    said = f": {wish.detail}" if wish.detail else ""
    return "asked", f"{aim}: {wish.verb}, try {wish.tries}{said}"
