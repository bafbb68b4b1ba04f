"""Names are hidden in what a whole daemon writes, from the reload on that says so."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.sim.supplicant import login
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, Pki, Site, soon
from tests.server.reload.street import Daemon, live

KEY = "0123456789abcdef0123456789abcdef"
MACS = re.compile(
    r"00[-:.]?1b[-:.]?44[-:.]?11[-:.]?3a[-:.]?b7|00[-:.]?11[-:.]?85[-:.]?aa[-:.]?bb[-:.]?cc", re.IGNORECASE
)
HIDDEN = "{users: hash, macs: hash, devices: hash, addresses: hash, key: file:secrets/pseudonyms}"


def _is_told(site: Site, *words: str) -> str:
    done = CliRunner().invoke(app, ["audit", *words, "--config", str(site.config)])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def hiding(site: Site) -> Site:
    site.write("secrets/pseudonyms", KEY, 0o600)
    return site


def test_after_a_reload_no_name_is_written_any_more_and_search_finds_who_it_was(
    hiding: Site, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    before: list[int] = []

    def logins(daemon: Daemon) -> None:
        with daemon.nas() as nas:
            assert nas.mab(PRINTER_MAC).code == 2
            nas.mab("00-1B-44-11-3A-B8")
            login(nas, pki.supplicant(), mac=LAPTOP_MAC)
            ready = json.loads((hiding.folder / "ready.json").read_text(encoding="utf-8"))
            nas.accounting_port = ready["accounting"][0][1]
            nas.accounting("Start", user="host/laptop", mac=LAPTOP_MAC, session_id="s1")

    def story(daemon: Daemon) -> None:
        logins(daemon)
        assert soon(lambda: bool(daemon.recorded("accounting.start")))
        hiding.change("audit: {file: audit.jsonl", f"audit: {{file: audit.jsonl, privacy: {HIDDEN}")
        changes = daemon.give("reload")["changes"]
        assert "setting `audit.privacy.users` changed" in changes
        assert "setting `audit.privacy.key` changed" in changes
        before.append(len(hiding.audit.read_text(encoding="utf-8").splitlines()))
        logins(daemon)
        assert soon(lambda: len(daemon.recorded("accounting.start")) == 2)

    live(hiding, monkeypatch, story)
    lines = hiding.audit.read_text(encoding="utf-8").splitlines()
    assert MACS.search("\n".join(lines[: before[0]]))
    hidden = "\n".join(lines[before[0] :])
    assert not MACS.search(hidden)
    assert "host/laptop" not in hidden
    assert KEY not in "\n".join(lines)
    shown = _is_told(hiding, "pseudonym", "--mac", PRINTER_MAC.replace("-", ":").lower()).strip()
    assert shown in hidden
    by_mac = _is_told(hiding, "search", "--mac", PRINTER_MAC, "--format", "json").splitlines()
    assert {PRINTER_MAC in line for line in by_mac} == {True, False}
    by_pseudonym = _is_told(hiding, "search", "--mac", shown, "--format", "json").splitlines()
    assert by_pseudonym
    assert set(by_pseudonym) < set(by_mac)
    assert "checked" in _is_told(hiding, "verify")


def test_a_replay_says_which_records_hold_pseudonyms(hiding: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    hiding.change("audit: {file: audit.jsonl", f"audit: {{file: audit.jsonl, privacy: {HIDDEN}")

    def story(daemon: Daemon) -> None:
        with daemon.nas() as nas:
            assert nas.mab(PRINTER_MAC).code == 2

    live(hiding, monkeypatch, story)
    words: list[Any] = ["whatif", "--config", hiding.config, "--audit", hiding.audit]
    words += ["--policy", hiding.folder / "policy.yaml"]
    done = CliRunner().invoke(app, list(map(str, words)))
    assert "shortened, hidden, or a pseudonym (`audit.privacy`)" in done.output
