"""``nacd log level`` at a running daemon, and the id that ties its log to its records."""

import json
import os
import re

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.server import log
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, Site, soon
from tests.server.reload.street import Daemon, live


def level(site: Site, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["log", "level", *words, "--state", str(site.folder / "state")])
    return done.exit_code, done.output


def test_levels_are_shown_and_changed_for_a_while_and_that_is_on_record(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(daemon: Daemon) -> None:
        code, shown = level(site)
        assert code == 0
        assert re.search(r"^all +info", shown, re.MULTILINE)
        assert re.search(r"^listener +info", shown, re.MULTILINE)
        code, shown = level(site, "listener", "debug", "--for", "10m")
        assert code == 0
        assert re.search(r"^listener +debug +(10 min 0|9 min 5\d) s +info", shown, re.MULTILINE)
        assert level(site, "listener", "loud")[0] == 2
        assert level(site, "nobody", "debug")[0] == 2
        assert level(site, "listener", "debug", "--for", "soon")[0] == 2
        code, shown = level(site, "debug", "--json")
        assert json.loads(shown)["areas"][0]["level"] == "debug"
        orders = daemon.recorded("order.given")
        assert [each["order"]["name"] for each in orders][:1] == ["log.level"]
        assert orders[0]["order"]["outcome"] == "the log of listener says debug for 600 s"
        assert orders[0]["by"].endswith(f"(uid {os.geteuid()})")

    log.start(as_json=True)
    live(site, monkeypatch, story)
    log.start(as_json=True)


def test_each_request_has_an_id_in_its_record_and_search_finds_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        with daemon.nas() as nas:
            assert nas.mab(PRINTER_MAC).code == 2
            nas.mab(LAPTOP_MAC)
            ready = json.loads((site.folder / "ready.json").read_text(encoding="utf-8"))
            nas.accounting_port = ready["accounting"][0][1]
            assert nas.accounting("Start", user=LAPTOP_MAC, mac=LAPTOP_MAC, session_id="s1").code == 5
        assert soon(lambda: len(daemon.recorded("access.accept") + daemon.recorded("access.reject")) >= 2)
        told = [daemon.recorded(f"{name}") for name in ("access.accept", "access.reject", "accounting.start")]
        ids = [each["request_id"] for records in told for each in records]
        assert len(ids) == 3
        assert len(set(ids)) == len(ids)
        found = CliRunner().invoke(
            app, ["audit", "search", "--audit", str(site.audit), "--request", ids[0], "--format", "json"]
        )
        assert [json.loads(line)["request_id"] for line in found.stdout.splitlines()] == [ids[0]]

    live(site, monkeypatch, story)
