"""How `nacd explain` finds a MAC in the inventory: in the file, and only where a rule asks."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.session.macs.inventory import Entry
from nacd.store.live.inventory import NAME, InventoryFile
from tests.server.house import PRINTER_MAC, Pki, Site

RULE = "  - {name: tagged, when: {access: mab, inventory: printers}, then: printers}\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "state").mkdir()
    site = Site(tmp_path, Pki.make())
    return site.change("rules:\n", f"rules:\n{RULE}", file="policy.yaml")


def explained(site: Site) -> str:
    words = ["explain", "--config", str(site.config), "--mac", PRINTER_MAC, "--nas", "switch"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done.stdout


def put(site: Site, until: float = 0.0) -> None:
    file = InventoryFile(site.folder / "state" / NAME, report=print)
    entry = Entry(mac=PRINTER_MAC, owner="radiology", reason="4711", by="ada", at=1.0, until=until, tags=("printers",))
    assert file.put([entry]) == ""
    file.close()


def test_an_entry_is_told_and_counts(site: Site) -> None:
    assert "it is not there (`nacd mab add`)" in explained(site)
    put(site)
    told = explained(site)
    assert "inventory   of radiology, tagged printers: 4711" in told
    assert "rule `tagged`" in told


def test_one_whose_time_is_over_is_told_and_does_not_count(site: Site) -> None:
    put(site, until=time.time() - 5.0)
    told = explained(site)
    assert "and its time is over: 4711" in told
    assert "rule `known printers`" in told


def test_what_cannot_be_read_is_said(site: Site) -> None:
    (site.folder / "state" / NAME).write_bytes(b"no database at all" * 100)
    assert "inventory   cannot be read, so nothing stands in it here:" in explained(site)


def test_a_policy_that_does_not_ask_needs_no_file(site: Site) -> None:
    site.change(RULE, "", file="policy.yaml")
    (site.folder / "state" / NAME).write_bytes(b"no database at all" * 100)
    assert "inventory" not in explained(site)
