"""`nacd mab` at the socket: on the disk, in memory, told to whoever decides about live sessions, and on record."""

from __future__ import annotations

import asyncio
import pwd
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from nacd.server import control
from nacd.server.control import Control
from nacd.server.lookups.threads import Threads
from nacd.server.people import inventorying
from nacd.server.people.inventorying import Keeping
from nacd.server.people.roles import Roles
from nacd.server.sessions.orders import recorded
from nacd.session.macs.inventory import Inventory
from nacd.store.live.inventory import NAME, InventoryFile
from tests.server.people.stage import Stage

GAMES = pwd.getpwnam("games").pw_uid
PRINTER = "00-11-85-AA-BB-CC"
ADD: dict[str, Any] = {"mac": PRINTER, "owner": "radiology", "reason": "ticket 4711", "tags": ["Printers"]}


class Desk(Stage):
    """The stage with an inventory."""

    def __init__(self, folder: Path, roles: Roles | None = None) -> None:
        super().__init__(folder)
        self.inventory = Inventory()
        self.said: list[str] = []
        self.shelf = InventoryFile(folder / NAME, report=self.said.append, held=self.inventory.entries)
        self.changed: list[str] = []
        self.managed = ""
        keeping = Keeping(
            inventory=self.inventory,
            shelf=self.shelf,
            managed=lambda mac, now: self.managed,
            changed=self.changed.extend,
            record=self.events.extend,
            clock=self.clock,
            in_thread=Threads(1, "tests").run,
        )
        commands = inventorying.commands(keeping)
        self.control = Control(folder, commands, roles=roles or Roles(), audit=recorded(self.events.append, self.clock))

    async def send(self, rows: Iterable[list[Any]], at_once: int = 7, **fields: Any) -> list[Any]:
        """An import; all lines of the answer."""
        every = list(rows)
        reader, writer = await asyncio.open_unix_connection(str(self.path), limit=1 << 24)
        try:
            writer.write(orjson.dumps({"order": "mab.import", "rows": len(every), **fields}) + b"\n")
            for first in range(0, len(every), at_once):
                writer.write(orjson.dumps(every[first : first + at_once]) + b"\n")
                await writer.drain()
            octets = await asyncio.wait_for(reader.read(), 60)
        finally:
            writer.close()
        return [orjson.loads(line) for line in octets.splitlines()]


def within(folder: Path, story: Callable[[Desk], Awaitable[None]], roles: Roles | None = None) -> None:
    async def told() -> None:
        desk = Desk(folder, roles)
        await desk.control.open()
        try:
            await story(desk)
        finally:
            await desk.control.close()
            desk.book.close()
            desk.store.close()
            desk.shelf.close()

    asyncio.run(told())


def mac(number: int) -> str:
    return f"00-11-86-{number >> 16 & 255:02X}-{number >> 8 & 255:02X}-{number & 255:02X}"


def row(number: int, **more: Any) -> list[Any]:
    said = {"owner": "ward 3", "reason": "list of may", "until": "", "tags": ["beds"], **more}
    return [mac(number), said["owner"], said["reason"], said["until"], said["tags"]]


def test_an_entry_is_on_the_disk_in_memory_on_record_and_told_to_the_loop(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        answer = await desk.answer("mab.add", **ADD, until="4h")
        entry = answer["entry"]
        assert entry.items() >= {"mac": PRINTER, "owner": "radiology", "tags": ["printers"], "in_force": True}.items()
        assert entry["until"] == entry["at"] + 4 * 3600
        assert (answer["before"], answer["managed"]) == (None, "")
        assert desk.inventory.words(PRINTER, desk.now.wall) == ("any", "printers")
        assert [each.mac for each in desk.shelf.entries()] == desk.changed == [PRINTER]
        assert desk.codes() == ["mab.entered"]
        record = desk.events[0].fields
        assert (record["by"], record["mab"]["owner"], record["mab"]["reason"]) == (  # type: ignore[index,call-overload]
            *("root (uid 0)", "radiology", "ticket 4711"),
        )

    within(tmp_path, story)


@pytest.mark.parametrize(
    "spelling", ["001185aabbcc", "00:11:85:aa:bb:cc", "0011.85aa.bbcc", "00-11-85-AA-BB-CC", "001185-AABBCC"]
)
def test_every_usual_spelling_is_the_one_mac(tmp_path: Path, spelling: str) -> None:
    async def story(desk: Desk) -> None:
        assert (await desk.answer("mab.add", **{**ADD, "mac": spelling}))["entry"]["mac"] == PRINTER
        assert (await desk.answer("mab.remove", mac=spelling))["removed"] == 1

    within(tmp_path, story)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mac": "00-00-00-00-00-00"}, "a placeholder, not the address of anything"),
        ({"mac": "01-00-5e-00-00-01"}, "is a group address: no machine sends from it"),
        ({"mac": "da-a1-19-00-00-01"}, "is locally administered: phones and laptops make such addresses up"),
        ({"mac": "printer"}, "`printer` is no MAC"),
        ({"mac": ""}, "say which MAC"),
        ({"owner": ""}, "an entry needs an owner"),
        ({"reason": ""}, "an entry needs a reason"),
        ({"reason": "a\x1b[31m"}, "`reason` is one line of text"),
        ({"tags": ["any"]}, "`any` is no tag"),
        ({"tags": "printers"}, "`tags` is a list of words"),
        ({"until": "soon"}, "`soon` is neither a duration"),
        ({"until": "2020-01-01T00:00:00Z"}, "is over already"),
    ],
)
def test_an_entry_that_is_not_whole_is_refused_and_nothing_is_kept(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    async def story(desk: Desk) -> None:
        kind, said = await desk.refusal("mab.add", **{**ADD, **change})
        assert (kind, words in said) == ("usage", True), said
        assert (len(desk.inventory), desk.shelf.entries(), desk.changed) == (0, (), [])

    within(tmp_path, story)


def test_a_randomised_mac_can_be_insisted_upon(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        wanted = {**ADD, "mac": "da-a1-19-00-00-01", "allow_randomised": True}
        assert (await desk.answer("mab.add", **wanted))["entry"]["in_force"]

    within(tmp_path, story)


def test_a_second_entry_changes_the_first_and_tells_what_stood_there(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.answer("mab.add", **ADD)
        answer = await desk.answer("mab.add", **{**ADD, "reason": "moved", "tags": []})
        assert (answer["before"]["reason"], answer["entry"]["tags"]) == ("ticket 4711", [])
        assert [event.fields["mab"]["is_new"] for event in desk.events] == [True, False]  # type: ignore[index,call-overload]

    within(tmp_path, story)


def test_a_removed_entry_is_gone_everywhere_and_on_record(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.answer("mab.add", **ADD)
        assert (await desk.answer("mab.remove", mac=PRINTER))["entries"][0]["owner"] == "radiology"
        assert (len(desk.inventory), desk.shelf.entries()) == (0, ())
        assert desk.changed == [PRINTER, PRINTER]
        assert desk.codes() == ["mab.entered", "mab.removed"]
        kind, words = await desk.refusal("mab.remove", mac=PRINTER)
        assert (kind, words) == ("not_done", f"`{PRINTER}` is not in the inventory: `nacd mab list` shows what is")

    within(tmp_path, story)


def test_all_whose_time_is_over_can_be_removed_at_once(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.answer("mab.add", **ADD, until="1h")
        await desk.answer("mab.add", **{**ADD, "mac": mac(1)}, until="3h")
        desk.now = type(desk.now)(wall=desk.now.wall + 2 * 3600, monotonic=desk.now.monotonic)
        assert [each["mac"] for each in (await desk.answer("mab.list", expired=True))["entries"]] == [PRINTER]
        assert (await desk.answer("mab.remove", expired=True))["removed"] == 1
        assert [each.mac for each in desk.shelf.entries()] == [mac(1)]

    within(tmp_path, story)


def test_a_list_is_told_in_pages_and_by_tag_and_owner(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        for number in range(5):
            owner = "ward 3" if number % 2 else "Röntgen"
            await desk.answer("mab.add", **{**ADD, "mac": mac(4 - number), "owner": owner, "tags": [f"t{number}"]})
        first = await desk.answer("mab.list", limit=2)
        assert [each["mac"] for each in first["entries"]] == [mac(0), mac(1)]
        rest = await desk.answer("mab.list", limit=100, after=first["next"])
        assert ([each["mac"] for each in rest["entries"]], rest["next"]) == ([mac(2), mac(3), mac(4)], "")
        by_owner = await desk.answer("mab.list", owner="röNT")
        assert [each["mac"] for each in by_owner["entries"]] == [mac(0), mac(2), mac(4)]
        assert [each["mac"] for each in (await desk.answer("mab.list", tag="T1"))["entries"]] == [mac(3)]

    within(tmp_path, story)


def test_the_helpdesk_may_do_this_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_peer", lambda _writer: GAMES)

    async def story(desk: Desk) -> None:
        assert (await desk.answer("mab.add", **ADD))["entry"]["by"] == f"games (uid {GAMES})"
        assert (await desk.answer("mab.list"))["total"] == 1
        kind, words = await desk.refusal("mab.add", **ADD, even_if_managed=True)
        assert (kind, "`control.config`" in words) == ("role", True), words
        assert (await desk.answer("mab.remove", mac=PRINTER))["removed"] == 1
        others = Control(tmp_path, desk.commands, roles=Roles(helpdesk=("games",)))
        await desk.control.close()
        await others.open()
        try:
            for name in desk.commands:
                kind, words = await desk.refusal(name)
                assert kind == "role", (name, words)
        finally:
            await others.close()

    within(tmp_path, story, Roles(helpdesk=("games",)))


@pytest.mark.parametrize("role", ["read", "coa"])
def test_whoever_may_look_sees_the_inventory_and_may_not_change_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    monkeypatch.setattr(control, "_peer", lambda _writer: GAMES)

    async def story(desk: Desk) -> None:
        assert (await desk.answer("mab.list"))["total"] == 0
        kind, words = await desk.refusal("mab.add", **ADD)
        assert (kind, "this needs the role `helpdesk`" in words) == ("role", True), words
        assert desk.codes() == ["order.given"]

    within(tmp_path, story, Roles(**{role: ("games",)}))


def test_an_entry_for_a_managed_mac_says_that_it_changes_nothing(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.managed = "it is known"
        assert (await desk.answer("mab.add", **ADD))["managed"] == "it is known"
        answer = await desk.answer("mab.add", **ADD, even_if_managed=True)
        assert (answer["managed"], answer["entry"]["even_if_managed"]) == ("", True)
        assert "even if it is managed" in str(desk.events[-1].fields["why"])

    within(tmp_path, story)


# -- lists ------------------------------------------------------------------------------------


def test_a_list_says_what_it_adds_changes_and_leaves_and_what_it_does_not_name_stays(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.send([row(number) for number in range(10)])
        again = [*(row(number) for number in range(8)), row(8, reason="another"), row(20, tags=[])]
        dry = (await desk.send(again, dry_run=True))[-1]["answer"]
        assert dry == {"wrong": [], "dry_run": True, "added": 1, "changed": 1, "left": 8, "others": 1}
        assert len(desk.inventory) == len(desk.shelf.entries()) == 10
        before = len(desk.events)
        done = (await desk.send(again))[-1]["answer"]
        assert done == dry | {"dry_run": False}
        assert len(desk.inventory) == len(desk.shelf.entries()) == 11
        assert [str(event.fields["event"]) for event in desk.events[before:]] == [
            *("mab.entered", "mab.entered", "mab.imported"),
        ]
        assert desk.changed[-2:] == [mac(20), mac(8)]

    within(tmp_path, story)


def test_a_list_with_something_wrong_in_it_is_told_by_row_and_nothing_of_it_is_taken(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        rows = [row(1), ["01-00-5e-00-00-01", "o", "r", "", []], row(2, until="soon"), row(1), row(3, tags=[7])]
        answer = (await desk.send(rows))[-1]["answer"]
        assert [each["row"] for each in answer["wrong"]] == [1, 2, 3, 4]
        assert "is in the list twice" in answer["wrong"][2]["words"]
        assert (len(desk.inventory), desk.shelf.entries(), desk.changed) == (0, (), [])

    within(tmp_path, story)


def test_a_list_cannot_say_that_it_counts_for_managed_devices(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        await desk.send([row(1)], even_if_managed=True)
        entry = desk.inventory.find(mac(1))
        assert entry is not None
        assert not entry.even_if_managed

    within(tmp_path, story)


def test_a_list_that_does_not_come_whole_is_not_taken(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        reader, writer = await asyncio.open_unix_connection(str(desk.path))
        writer.write(orjson.dumps({"order": "mab.import", "rows": 3}) + b"\n" + orjson.dumps([row(1)]) + b"\n")
        writer.write_eof()
        told = orjson.loads((await asyncio.wait_for(reader.read(), 10)).splitlines()[-1])
        writer.close()
        assert told == {"error": "what was to follow the order did not come whole", "kind": "usage"}
        assert len(desk.inventory) == 0

    within(tmp_path, story)


@pytest.mark.parametrize("line", [b"7\n", b"[]\n", b'["x"]\n', b"{\n", b"[[1,2]]\n"])
def test_what_is_no_list_of_entries_is_refused(tmp_path: Path, line: bytes) -> None:
    async def story(desk: Desk) -> None:
        reader, writer = await asyncio.open_unix_connection(str(desk.path))
        writer.write(orjson.dumps({"order": "mab.import", "rows": 3}) + b"\n" + line)
        told = orjson.loads((await asyncio.wait_for(reader.read(), 10)).splitlines()[-1])
        writer.close()
        assert told["error"] == "a line after this order is a list of entries: mac, owner, reason, until, tags"

    within(tmp_path, story)


def test_the_inventory_has_an_end_which_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventorying, "MOST", 3)

    async def story(desk: Desk) -> None:
        await desk.send([row(number) for number in range(3)])
        kind, words = await desk.refusal("mab.add", **ADD)
        assert (kind, "holds 3 entries at most, and 3 are there" in words) == ("not_done", True), words
        assert (await desk.answer("mab.add", **{**ADD, "mac": mac(1)}))["before"]["owner"] == "ward 3"
        told = (await desk.send([row(2), row(7)]))[-1]
        assert "`nacd mab remove --expired`" in told["error"]
        assert len(desk.inventory) == len(desk.shelf.entries()) == 3

    within(tmp_path, story)


def test_what_the_disk_does_not_take_is_not_in_force(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.shelf.close()
        kind, words = await desk.refusal("mab.add", **ADD)
        assert kind == "not_done", words
        told = (await desk.send([row(1)]))[-1]
        assert told["kind"] == "not_done", told
        assert (len(desk.inventory), desk.changed, desk.codes()) == (0, [], ["order.given", "order.given"])

    within(tmp_path, story)


@pytest.mark.parametrize("order", ["mab.list", "mab.remove"])
def test_an_inventory_that_could_not_be_read_is_not_said_to_be_empty(tmp_path: Path, order: str) -> None:
    async def story(desk: Desk) -> None:
        desk.inventory.unread = True
        kind, words = await desk.refusal(order, mac=PRINTER)
        assert (kind, "is being read" in words) == ("not_done", True)

    within(tmp_path, story)


@pytest.mark.slow
def test_a_hundred_thousand_entries_come_in_with_progress_while_others_are_served(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        importing = asyncio.ensure_future(desk.send((row(number) for number in range(100_000)), at_once=40))
        served, looked = 0, []
        while not importing.done():
            looked.append((await desk.answer("mab.list", limit=1))["total"])
            served += 1
        told = await importing
        assert told[-1]["answer"] == {"wrong": [], "dry_run": False, "added": 100_000, "changed": 0, "left": 0,
                                      "others": 0}  # fmt: skip
        progress = [each["progress"] for each in told[:-1]]
        assert [each["read"] for each in progress if "read" in each] == list(range(5_000, 100_001, 5_000))
        assert len([each for each in progress if "in_force" in each]) == 10
        assert served > 20
        assert len(desk.events) == 100_001
        again = await desk.send((row(number) for number in range(100_000)), at_once=40)
        assert again[-1]["answer"]["left"] == 100_000

    within(tmp_path, story)


def test_a_list_neither_takes_back_nor_prolongs_what_was_entered_even_if_managed(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        one = {"mac": mac(1), "owner": "staging", "reason": "imaging", "tags": ["imaging"]}
        await desk.answer("mab.add", **one, until="4h", even_if_managed=True)
        before = desk.inventory.find(mac(1))
        assert (await desk.send([row(1), row(2)]))[-1]["answer"].items() >= {
            "added": 1,
            "changed": 0,
            "left": 1,
        }.items()
        assert desk.inventory.find(mac(1)) is before
        desk.now = replace(desk.now, wall=desk.now.wall + 5 * 3600)
        assert (await desk.send([row(1)]))[-1]["answer"]["changed"] == 1
        entry = desk.inventory.find(mac(1))
        assert entry is not None
        assert (entry.even_if_managed, entry.tags) == (False, ("beds",))

    within(tmp_path, story)
