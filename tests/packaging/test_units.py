"""What the units promise that systemd-analyze does not look at; their exposure is measured on the Debian."""

from __future__ import annotations

import re
from pathlib import Path

from tests.packaging.conftest import TARGET
from tools.packaging.deb import SCRIPTS

HOME = Path(__file__).resolve().parents[2]


def unit(name: str) -> dict[str, str]:
    lines = (HOME / "systemd" / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z]\w+=", line))


def test_the_daemon_tells_how_it_is_and_is_killed_when_it_does_not() -> None:
    told = unit("nacd.service")
    assert (told["Type"], told["NotifyAccess"]) == ("notify", "main")
    assert told["WatchdogSec"] == "30s"
    assert told["WatchdogSignal"] == "SIGKILL"
    assert int(told["TimeoutStopSec"].removesuffix("s")) >= 20  # listener, sessions, database: their patience in sum


def test_a_configuration_that_is_refused_is_not_tried_again_and_again() -> None:
    for name in ("nacd.service", "nacd-actions.service"):
        told = unit(name)
        assert (told["Restart"], told["RestartPreventExitStatus"]) == ("on-failure", "1 2")


def test_the_units_call_what_the_package_brings() -> None:
    for name in ("nacd.service", "nacd-actions.service"):
        for word, line in unit(name).items():
            if word.startswith("Exec"):
                assert line.startswith("/usr/bin/nacd "), line


def test_the_scripts_stop_at_the_first_error_and_never_ask() -> None:
    for name in SCRIPTS:
        text = (HOME / "packaging/debian" / name).read_text(encoding="utf-8")
        assert text.startswith("#!/bin/sh\n")
        assert "\nset -e\n" in text
        assert "read " not in text


def test_only_a_purge_takes_state_and_accounts() -> None:
    text = (HOME / "packaging/debian/postrm").read_text(encoding="utf-8")
    before, _, after = text.partition('if [ "$1" = purge ]; then')
    assert "rm -rf" not in before
    assert "deluser" not in before
    for path in ("/etc/nacd", "/var/lib/nacd", "/var/log/nacd"):
        assert path in after


def test_the_package_is_for_the_python_of_debian_12() -> None:
    assert TARGET.python == "3.11"
