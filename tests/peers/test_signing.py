"""A NAS that begins to sign: radclient with and without Message-Authenticator, over a restart (CVE-2024-3596)."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.peers.conftest import Daemon, Launcher
from tests.peers.wire import PRINTER, Radclient

pytestmark = [pytest.mark.peer, pytest.mark.slow]


def under_auto(config: dict[str, Any], _policy: dict[str, Any]) -> None:
    config["clients"] = [each | {"message_authenticator": "auto"} for each in config["clients"]]


def printer(daemon: Daemon, radclient: Radclient, *, signed: bool) -> str:
    user = PRINTER.replace("-", "").lower()
    words = [("User-Name", user), ("User-Password", user), ("Calling-Station-Id", PRINTER)]
    words += [("Service-Type", "Call-Check"), ("NAS-Port-Type", "Ethernet")]
    words += [("Message-Authenticator", "0x00")] if signed else []
    return radclient.ask(daemon.address(), "auth", words, wait_s=2).code


def report(daemon: Daemon) -> Any:
    words = [sys.executable, "-m", "nacd", "clients", "report", "--json", "--config", str(daemon.folder / "nacd.yaml")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stdout + done.stderr  # 1: some do not require it yet
    found = json.loads(done.stdout)
    return {row["source"]: row for client in found["clients"] for row in client["addresses"]}


def test_once_it_signs_it_must_sign_also_after_a_restart_and_the_report_counts_both(
    launch: Launcher, radclient: Radclient
) -> None:
    daemon = launch(change=under_auto)
    assert printer(daemon, radclient, signed=False) == "Access-Accept"
    assert printer(daemon, radclient, signed=True) == "Access-Accept"
    daemon.recorded({"code": "A9180I", "nas.source": "127.0.0.1"})
    assert not printer(daemon, radclient, signed=False).startswith("Access")
    counted = report(daemon)["127.0.0.1"]
    assert (counted["signed"], counted["unsigned_taken"]) == (1, 1)
    assert counted["unsigned_refused"] >= 1
    daemon.stop()
    daemon = launch.again(daemon)
    assert not printer(daemon, radclient, signed=False).startswith("Access")
    assert printer(daemon, radclient, signed=True) == "Access-Accept"
    assert report(daemon)["127.0.0.1"]["signed"] == 2
    assert len(daemon.audit("A9180I")) == 1
