"""The options of the daemon's trail, and what a start and a reload make of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nacd.server.trail.building import options
from tests.server.house import PRINTER_MAC, Site
from tests.server.reload.street import Daemon, live
from tests.store.trail.writing.checker import files_of, judge


def test_every_setting_is_an_option(site: Site) -> None:
    site.change(
        "audit: {file: audit.jsonl}",
        "audit: {file: audit.jsonl, sync: each, sync_every: 2s, rotate: {size: 2MiB, every: 2h},"
        " checkpoint: {records: 7, every: 3s}, anchors: anchors}",
    )
    made = options(site.assemble().loaded.settings.audit, Path("/state"), "1.0")
    assert (made.sync, made.sync_every_s) == ("each", 2.0)
    assert (made.rotate_octets, made.rotate_s) == (2 << 20, 7200.0)
    assert (made.checkpoint_records, made.checkpoint_s) == (7, 3.0)
    assert (made.head, made.anchors, made.version) == (Path("/state/audit"), site.folder / "anchors", "1.0")


def test_never_is_never(site: Site) -> None:
    site.change("audit: {file: audit.jsonl}", "audit: {file: audit.jsonl, rotate: {size: never, every: never}}")
    made = options(site.assemble().loaded.settings.audit)
    assert (made.rotate_octets, made.rotate_s, made.head) == (0, 0.0, None)
    assert not made.key.reveal()


def test_the_daemons_trail_is_whole_from_start_to_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        with daemon.nas() as nas:
            assert nas.mab(PRINTER_MAC).code == 2

    for _ in range(2):
        live(site, monkeypatch, story)
        (site.folder / "ready.json").unlink(missing_ok=True)
    found = judge(files_of(site.audit))
    assert found.faults == found.noted == []
    assert found.codes[0] == "A9101I"
    assert found.codes.count("A9101I") == 1
    assert found.codes[-2:] == ["A9002I", "A9102I"]
    head = json.loads((site.folder / "state" / "audit" / "head.json").read_bytes())
    assert head["seq"] == found.records[-1]["seq"]


def test_a_reload_changes_all_but_the_file(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        site.change("audit: {file: audit.jsonl}", "audit: {file: audit.jsonl, checkpoint: {records: 1}}")
        assert daemon.give("reload")["loaded"]
        before = len(daemon.recorded("audit.checkpoint"))
        with daemon.nas() as nas:
            assert nas.mab(PRINTER_MAC).code == 2
        assert len(daemon.recorded("audit.checkpoint")) > before
        site.change("file: audit.jsonl", "file: other.jsonl")
        told = daemon.give("reload")
        assert not told["loaded"]
        assert "`audit.file` is read at start only" in told["problems"][0]

    live(site, monkeypatch, story)
    assert not (site.folder / "other.jsonl").exists()
