"""`nacd reload` at a daemon that runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from tests.server.conftest import pki, said, site
from tests.server.house import PRINTER_MAC, Site
from tests.server.reload.street import Daemon, live

__all__ = ["pki", "said", "site"]


def nacd(daemon: Daemon, *words: str) -> Any:
    return CliRunner().invoke(app, ["reload", *words, "--config", str(daemon.site.config)])


@pytest.fixture
def on(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Daemon], None]], None]:
    return lambda story: live(site, monkeypatch, story)


Told = Callable[[Callable[[Daemon], None]], None]


def test_what_changed_and_the_notes_are_printed_and_what_is_in_force(on: Told) -> None:
    def story(daemon: Daemon) -> None:
        daemon.site.change("vlan: 140", "vlan: 141", file="policy.yaml")
        done = nacd(daemon)
        lines = done.stdout.splitlines()
        assert done.exit_code == 0
        assert lines[0].startswith("policy ")
        assert lines[1] == "profile `printers` changed"
        assert all(line.endswith("(note)") for line in lines[2:-1])
        assert lines[-1].startswith("configuration 2 (policy ")
        assert lines[-1].endswith(") is in force")
        assert nacd(daemon).stdout.splitlines()[0] == "nothing that decides has changed"

    on(story)


def test_faults_are_printed_one_a_line_with_exit_code_one(on: Told) -> None:
    def story(daemon: Daemon) -> None:
        daemon.site.change("then: printers", "then: printerz", file="policy.yaml")
        done = nacd(daemon)
        assert done.exit_code == 1
        fault, count = done.stdout.splitlines()
        assert fault.startswith(f"{daemon.site.folder / 'policy.yaml'}:")
        assert "`printerz`" in fault
        assert count == "1 problem; the configuration before stays in force"
        as_json = nacd(daemon, "--json")
        assert as_json.exit_code == 1
        assert json.loads(as_json.stdout)["problems"] == [fault]

    on(story)


def test_a_canary_is_shown_promoted_and_discarded(on: Told) -> None:
    def story(daemon: Daemon) -> None:
        with daemon.nas() as nas:
            for _ in range(3):
                nas.mab(PRINTER_MAC)
        daemon.site.change("vlan: 140", "vlan: 141", file="policy.yaml")
        begun = nacd(daemon, "--canary", "wired", "--for", "10m")
        assert begun.exit_code == 0
        assert "answers the NASes of group `wired` until" in begun.stdout
        assert "it is compared with 3 answers before" in begun.stdout
        status = nacd(daemon, "--status").stdout
        assert "configuration 1 is in force" in status
        assert "configuration 2 is tried out with group `wired`" in status
        assert "3 (100%)" in status
        assert nacd(daemon).exit_code == 1
        assert nacd(daemon, "--discard").stdout == "configuration 2 is taken back from group `wired`\n"
        assert nacd(daemon, "--discard").exit_code == 1
        nacd(daemon, "--canary", "wired", "--for", "10m")
        assert nacd(daemon, "--promote").stdout.splitlines()[-1].endswith("is in force")
        assert json.loads(nacd(daemon, "--status", "--json").stdout)["canary"] is None

    on(story)


@pytest.mark.parametrize(
    "words",
    [["--status", "--promote"], ["--canary", "wired"], ["--for", "10m"], ["--discard", "--canary", "x", "--for", "1m"]],
)
def test_orders_that_contradict_each_other_are_wrong_usage(words: list[str]) -> None:
    done = CliRunner().invoke(app, ["reload", *words])
    assert done.exit_code == 2
    assert "one of --status, --promote, --discard, or --canary with --for" in done.stderr


def test_without_a_daemon_it_says_so_with_exit_code_three(site: Site) -> None:
    (site.folder / "state").mkdir()
    done = CliRunner().invoke(app, ["reload", "--config", str(site.config)])
    assert done.exit_code == 3
    assert "no daemon runs" in done.stderr
    assert os.listdir(site.folder / "state") == []
