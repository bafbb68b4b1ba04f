"""``nacd mab``: people keep the inventory of MACs.

Knows: what an entry must say, in which order it takes effect (disk, memory, live sessions), and that a list comes in
whole or not at all. Refuses to know: what an entry is good for.

A list is longer than an order may be. It follows its order in lines, some entries in each, and nothing of it is done
before all of it has come and been found good.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any, Final, Protocol

import orjson

from nacd.audit.mab import events
from nacd.identity.mac import NotMac, parse
from nacd.server.mab.rationing import Ration
from nacd.server.people import shown
from nacd.server.people.command import Asked, Command, NotDone, OrderRefused
from nacd.server.people.overriding import end_of
from nacd.server.people.roles import Role
from nacd.server.people.subject import number, text
from nacd.session.macs.inventory import MOST, Entry, Inventory, misgiving, tag, tags
from nacd.values import AuditEvent, Instant, MacAddress

_LONG_S: Final = 900.0
_MOST_SHOWN: Final = 1_000
_MOST_WRONG: Final = 20
_SLICE: Final = 500


class Shelf(Protocol):
    """The inventory on disk. Both return why nothing of it was done, ``""`` when all was. problem: what keeps it from
    working, ``""`` for nothing."""

    @property
    def problem(self) -> str: ...

    def put(self, entries: Sequence[Entry]) -> str: ...

    def remove(self, macs: Sequence[str]) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What these orders need of the rest of the daemon.

    managed: by which device's certificate a MAC is known that is refused for it, in words, ``""`` for none. changed:
    told whose live sessions are to be decided again. record: takes audit events.
    """

    inventory: Inventory
    shelf: Shelf
    managed: Callable[[str, float], str]
    changed: Callable[[Iterable[str]], None]
    record: Callable[[Sequence[AuditEvent]], object]
    clock: Callable[[], Instant]
    in_thread: Callable[[Callable[[], Any]], asyncio.Future[Any]]
    ration: Ration = field(default_factory=Ration)
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)


def commands(keeping: Keeping) -> Mapping[str, Command]:
    """By name, for the control socket."""

    async def add(asked: Asked) -> Any:
        entry = _wanted(asked, asked.fields, keeping.clock())
        if entry.even_if_managed:
            asked.needs(Role.CONFIG)
        keeping.ration.take(asked, 1, keeping.clock())
        before = await _whole(_add(keeping, entry))
        asked.outcome = ""  # it has a record of its own
        now = keeping.clock().wall
        return {
            "entry": _shown(entry, now),
            "before": _shown(before, now) if before is not None else None,
            "managed": "" if entry.even_if_managed else keeping.managed(entry.mac, now),
        }

    async def remove(asked: Asked) -> Any:
        now = _read_at(keeping)
        if asked.fields.get("expired") is True:
            gone = [each for each in keeping.inventory.entries() if not each.is_in_force(now)]
        else:
            mac = _mac(text(asked.fields, "mac"))
            found = keeping.inventory.find(mac.text)
            if found is None:
                raise NotDone(f"`{mac}` is not in the inventory: `nacd mab list` shows what is")
            gone = [found]
        keeping.ration.take(asked, len(gone), keeping.clock())
        await _whole(_remove(keeping, gone, str(asked.by)))
        asked.outcome = ""
        return {"removed": len(gone), "entries": [_shown(each, now) for each in gone[:_MOST_SHOWN]]}

    async def listed(asked: Asked) -> Any:
        said, now = asked.fields, _read_at(keeping)
        limit = number(said, "limit", 1, _MOST_SHOWN, 500)
        after, owner, wanted = text(said, "after"), text(said, "owner").casefold(), text(said, "tag")
        word = _tag(wanted) if wanted else ""

        def look() -> list[Entry]:
            fitting = (
                each
                for each in keeping.inventory.entries()
                if each.mac > after
                and (not word or word in each.tags)
                and (not owner or owner in each.owner.casefold())
                and (said.get("expired") is not True or not each.is_in_force(now))
            )
            return nsmallest(limit, fitting, key=lambda each: each.mac)

        found = await keeping.in_thread(look)
        next_after = found[-1].mac if len(found) == limit else ""
        entries = [_shown(each, now) for each in found]
        return {"entries": entries, "next": next_after, "total": len(keeping.inventory), "most": MOST}

    return {
        "mab.add": Command(role=Role.HELPDESK, work=add),
        "mab.remove": Command(role=Role.HELPDESK, work=remove),
        "mab.list": Command(role=Role.READ, also=Role.HELPDESK, work=listed),
        "mab.import": Command(role=Role.HELPDESK, work=_import(keeping), within_s=_LONG_S),
    }


def _import(keeping: Keeping) -> Callable[[Asked], Any]:
    async def work(asked: Asked) -> Any:
        count = number(asked.fields, "rows", 1, MOST, 0)
        entries, wrong = await _received(asked, count, keeping.clock())
        if wrong:
            asked.outcome = f"{len(wrong)} of {count} entries were wrong, none was taken"
            return {"wrong": wrong}
        dry = asked.fields.get("dry_run") is True
        told = await _whole(_take_in(keeping, entries, asked, dry=dry))
        asked.outcome = "tried out, nothing was done" if dry else ""
        return {"wrong": [], "dry_run": dry, **told}

    return work


def _read_at(keeping: Keeping) -> float:
    """Now, seconds since the epoch. Raises NotDone if nobody knows what stands there."""
    if keeping.inventory.unread:
        raise NotDone(keeping.shelf.problem or "the inventory is being read: ask again in a moment")
    return keeping.clock().wall


# -- one step after the other -----------------------------------------------------------------


async def _add(keeping: Keeping, entry: Entry) -> Entry | None:
    """What stood there before."""
    async with keeping.one_at_a_time:
        before = keeping.inventory.find(entry.mac)
        if before is None:
            _has_room(keeping, 1)
        _must(await keeping.in_thread(lambda: keeping.shelf.put([entry])))
        keeping.inventory.put(entry)
        keeping.record([events.entered(entry=entry, is_new=before is None, now=keeping.clock())])
        keeping.changed([entry.mac])
        return before


async def _remove(keeping: Keeping, gone: Sequence[Entry], by: str) -> None:
    async with keeping.one_at_a_time:
        _must(await keeping.in_thread(lambda: keeping.shelf.remove([each.mac for each in gone])))
        for first in range(0, len(gone), _SLICE):
            some = gone[first : first + _SLICE]
            for each in some:
                keeping.inventory.forget(each.mac)
            now = keeping.clock()
            keeping.record([events.removed(entry=each, by=by, now=now) for each in some])
            await asyncio.sleep(0)
        keeping.changed(each.mac for each in gone)


async def _take_in(keeping: Keeping, entries: Sequence[Entry], asked: Asked, *, dry: bool) -> dict[str, Any]:
    async with keeping.one_at_a_time:
        added: list[Entry] = []
        changed: list[Entry] = []
        now_s = keeping.clock().wall
        for number_, each in enumerate(entries):
            before = keeping.inventory.find(each.mac)
            if before is None:
                added.append(each)
            elif before.even_if_managed and before.is_in_force(now_s):
                pass  # no list can say that, so none takes it back, or makes it last longer
            elif not before.says_the_same(each):
                changed.append(each)
            if not number_ % _SLICE:
                await asyncio.sleep(0)  # others have work too
        counts = {"added": len(added), "changed": len(changed), "left": len(entries) - len(added) - len(changed)}
        _has_room(keeping, len(added))
        if not dry:
            keeping.ration.take(asked, len(added) + len(changed), keeping.clock())
            await asked.progress({"writing": len(added) + len(changed)})
            if added or changed:
                _must(await keeping.in_thread(lambda: keeping.shelf.put([*added, *changed])))
            await _know(keeping, added, asked, is_new=True)
            await _know(keeping, changed, asked, is_new=False)
            keeping.record([events.imported(**counts, by=str(asked.by), now=keeping.clock())])
        others = len(keeping.inventory) - (0 if dry else len(added)) - len(changed) - counts["left"]
        return {**counts, "others": others}


async def _know(keeping: Keeping, entries: Sequence[Entry], asked: Asked, *, is_new: bool) -> None:
    for first in range(0, len(entries), _SLICE):
        some = entries[first : first + _SLICE]
        for each in some:
            keeping.inventory.put(each)
        now = keeping.clock()
        keeping.record([events.entered(entry=each, is_new=is_new, now=now) for each in some])
        keeping.changed(each.mac for each in some)
        if not first % (20 * _SLICE):
            await asked.progress({"in_force": first + len(some), "of": len(entries)})
        await asyncio.sleep(0)


async def _whole(steps: Any) -> Any:
    """To the end, whoever hangs up and however long it takes: what is on the disk must be in force."""
    return await asyncio.shield(asyncio.ensure_future(steps))


def _has_room(keeping: Keeping, new: int) -> None:
    if len(keeping.inventory) + new > MOST:
        raise NotDone(
            f"the inventory holds {MOST:,} entries at most, and {len(keeping.inventory):,} are there: take some out,"
            " `nacd mab remove --expired` those whose time is over"
        )


def _must(problem: str) -> None:
    if problem:
        raise NotDone(problem)


# -- what was ordered -------------------------------------------------------------------------


async def _received(asked: Asked, count: int, now: Instant) -> tuple[list[Entry], list[dict[str, Any]]]:
    """All entries of a list, or what is wrong with some. The number of each counts from 0. Raises OrderRefused."""
    found: list[Entry] = []
    wrong: list[dict[str, Any]] = []
    got, seen = 0, set[str]()
    # No more than that of what is said for all: --even-if-managed is not for lists.
    usual = {"allow_randomised": asked.fields.get("allow_randomised")}
    while got < count:
        for row in _rows(await asked.read()):
            words = ""
            try:
                entry = _wanted(asked, {**usual, **row}, now)
            except OrderRefused as refused:
                words = str(refused)
            else:
                words = f"`{entry.mac}` is in the list twice" if entry.mac in seen else ""
                seen.add(entry.mac)
                found.append(entry)
            if words and len(wrong) < _MOST_WRONG:
                wrong.append({"row": got, "words": words})
            got += 1
            if not got % 5_000:
                await asked.progress({"read": got, "of": count})
    if got > count:
        raise OrderRefused(f"{count} entries were announced, and {got} came")
    return found, wrong


_ROW: Final = ("mac", "owner", "reason", "until", "tags")


def _rows(line: bytes) -> list[dict[str, Any]]:
    try:
        rows = orjson.loads(line)
    except orjson.JSONDecodeError:
        rows = None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) and len(row) == 5 for row in rows):
        raise OrderRefused(f"a line after this order is a list of entries: {', '.join(_ROW)}")
    return [dict(zip(_ROW, row, strict=True)) for row in rows]


def _wanted(asked: Asked, said: Mapping[str, Any], now: Instant) -> Entry:
    """Raises OrderRefused, in words for whoever asks."""
    mac = _mac(text(said, "mac"))
    why_not = misgiving(mac, allow_randomised=said.get("allow_randomised") is True)
    if why_not:
        raise OrderRefused(why_not)
    words = said.get("tags", [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise OrderRefused("`tags` is a list of words")
    try:
        return Entry(
            mac=mac.text,
            owner=text(said, "owner"),
            reason=text(said, "reason"),
            by=str(asked.by),
            at=now.wall,
            until=end_of(text(said, "until"), now),
            tags=tags(words),
            even_if_managed=said.get("even_if_managed") is True,
        )
    except ValueError as error:
        raise OrderRefused(str(error)) from None


def _mac(written: str) -> MacAddress:
    if not written:
        raise OrderRefused("say which MAC")
    found = parse(written)
    if isinstance(found, NotMac):
        raise OrderRefused(f"`{written[:60]}` is no MAC: {found.reason}")
    return found


def _tag(written: str) -> str:
    try:
        return tag(written)
    except ValueError as error:
        raise OrderRefused(str(error)) from None


def _shown(entry: Entry, now: float) -> dict[str, Any]:
    return {**shown.plain(entry), "in_force": entry.is_in_force(now)}
