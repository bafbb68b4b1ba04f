"""Everybody who minds MAB, from a configuration; and a reload that changes its terms."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from nacd.audit.repeats import Repeats
from nacd.server.clock import instant
from nacd.server.drops import Drops
from nacd.server.mab.building import build, guard
from nacd.server.recorder import Recorder
from nacd.server.sessions.book import Book
from nacd.session.macs.inventory import Entry
from nacd.session.overrides import Orders
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.store import state_file
from nacd.store.live.inventory import NAME, InventoryFile
from nacd.store.sessions import SessionStore
from nacd.store.trail.log import AuditLog
from tests.server.house import Pki, Site

ENTRY = Entry(mac="00-11-85-AA-BB-CC", owner="o", reason="r", by="ada", at=1.0)


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki.make()


async def nothing(*told: Any, **more: Any) -> None:
    del told, more


def test_the_inventory_is_there_from_the_start_and_a_reload_changes_the_terms(tmp_path: Path, pki: Pki) -> None:
    (tmp_path / "state").mkdir()
    site = Site(tmp_path, pki)
    before = InventoryFile(tmp_path / "state" / NAME, report=print)
    assert before.put([ENTRY]) == ""
    before.close()
    recorder = Recorder(
        log=AuditLog(site.audit), repeats=Repeats(), drops=Drops(), continue_when_full=False, warn_at_percent=99
    )
    orders = Orders()

    async def story() -> None:
        store = SessionStore(tmp_path / "state" / "s.sqlite", apply=apply, tie=tie, report=print)
        book = Book(store, instant)
        mab = build(site.assemble(), book, orders, nothing, recorder, instant)
        assert orders.inventory.entries() == (ENTRY,)
        assert (mab.managed.refuse, mab.managed.for_s, mab.ports.alarm) == (True, 30 * 86_400.0, True)
        site.change("policy: policy.yaml", "policy: policy.yaml\nmab: {managed_devices: allow, two_ports: ignore}")
        mab.renew(site.assemble())
        assert (mab.managed.refuse, mab.ports.alarm) == (False, False)
        mab.tick(instant())
        await mab.close()
        book.close()
        store.close()

    asyncio.run(story())
    assert not orders.inventory.unread
    assert guard(site.assemble(), orders).counts is orders.refused_above


def test_an_inventory_that_could_not_be_read_at_the_start_is_there_as_soon_as_it_can(
    tmp_path: Path, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "RETRY_S", 0.0)
    (tmp_path / "state").mkdir()
    site = Site(tmp_path, pki)
    other = InventoryFile(tmp_path / "state" / NAME, report=print)
    assert other.put([ENTRY]) == ""
    recorder = Recorder(
        log=AuditLog(site.audit), repeats=Repeats(), drops=Drops(), continue_when_full=False, warn_at_percent=99
    )
    orders = Orders()

    async def story() -> None:
        store = SessionStore(tmp_path / "state" / "s.sqlite", apply=apply, tie=tie, report=print)
        book = Book(store, instant)
        mab = build(site.assemble(), book, orders, nothing, recorder, instant)
        assert orders.inventory.unread
        assert "another nacd has it" in mab.shelf.problem
        other.close()
        mab.tick(instant())
        assert mab.reading is not None
        await mab.reading
        assert orders.inventory.entries() == (ENTRY,)
        assert not orders.inventory.unread
        assert mab.watch.waiting == 1, "whoever was refused for it is decided again"
        await mab.close()
        book.close()
        store.close()

    asyncio.run(story())
