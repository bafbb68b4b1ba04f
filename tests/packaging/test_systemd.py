"""The unit under a real systemd: ready, reload, watchdog, an upgrade that must not end a daemon, stop."""

from __future__ import annotations

import pytest

from tests.packaging.conftest import NEW, OLD
from tests.packaging.lab import Booted, soon

pytestmark = [pytest.mark.slow, pytest.mark.netns]


def process(booted: Booted) -> int:
    return int(booted.show("nacd", "MainPID"))


def test_the_unit_lives_under_systemd(booted: Booted) -> None:
    booted.run("ip", "link", "set", "lo", "up", check=False)
    booted.run("dpkg", "-i", f"/root/{OLD}.deb")
    assert booted.show("nacd", "UnitFileState") == "disabled"
    assert booted.run("systemctl", "start", "nacd", check=False).returncode == 1
    assert "`nacd init /etc/nacd` writes a first one" in booted.journal("nacd")
    assert booted.show("nacd", "NRestarts") == "0"

    booted.run("nacd", "init", "--lab", "--yes", "/etc/nacd")
    booted.run("sh", "-c", "echo NACD_OPTIONS=--demo > /etc/default/nacd")
    booted.run("sh", "-c", "mkdir -p /etc/systemd/system/nacd.service.d")
    booted.run("sh", "-c", "printf '[Service]\\nWatchdogSec=4s\\n' > /etc/systemd/system/nacd.service.d/t.conf")
    booted.run("systemctl", "daemon-reload")
    booted.run("systemctl", "start", "nacd")
    assert booted.show("nacd", "StatusText").startswith("serving: configuration 1, 1 NAS")
    assert "keeper" in booted.run("systemctl", "status", "--no-pager", "--lines=0", "nacd").stdout

    _reload(booted)
    _watchdog(booted)
    _upgrade(booted)

    booted.run("systemctl", "stop", "nacd")
    assert booted.show("nacd", "Result") == "success"
    assert booted.show("nacd", "ActiveState") == "inactive"
    booted.run("dpkg", "-P", "nacd")
    assert booted.run("systemctl", "cat", "nacd", check=False).returncode != 0


def _reload(booted: Booted) -> None:
    booted.run("systemctl", "reload", "nacd")
    assert "configuration 2" in booted.show("nacd", "StatusText")
    booted.run("sed", "-i", "s/^policy:/polcy:/", "/etc/nacd/nacd.yaml")
    assert booted.run("systemctl", "reload", "nacd", check=False).returncode != 0
    assert booted.show("nacd", "SubState") == "running"
    assert "configuration 2" in booted.show("nacd", "StatusText")
    booted.run("sed", "-i", "s/^polcy:/policy:/", "/etc/nacd/nacd.yaml")
    booted.run("systemctl", "kill", "--kill-whom=main", "--signal=HUP", "nacd")
    assert soon(lambda: "configuration 3" in booted.show("nacd", "StatusText"), 10)


def _watchdog(booted: Booted) -> None:
    """A process that is stopped turns no loop; systemd kills it, and starts another one."""
    wedged = process(booted)
    booted.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "nacd")
    again = soon(lambda: process(booted) not in (0, wedged) and booted.show("nacd", "SubState") == "running", 40)
    assert again, booted.journal("nacd")[-3000:]
    assert "Watchdog timeout" in booted.journal("nacd")


def _upgrade(booted: Booted) -> None:
    """What the new version refuses goes on under the old one; what it takes is restarted."""
    serving = process(booted)
    booted.run("sed", "-i", "s/^policy:/polcy:/", "/etc/nacd/nacd.yaml")
    said = booted.run("dpkg", "-i", f"/root/{NEW}.deb").stderr
    assert "NOT restarted" in said
    assert "`polcy` is no key here" in said
    assert process(booted) == serving
    booted.run("sed", "-i", "s/^polcy:/policy:/", "/etc/nacd/nacd.yaml")
    assert "NOT restarted" not in booted.run("dpkg", "-i", f"/root/{NEW}.deb").stderr
    assert soon(lambda: process(booted) not in (0, serving), 10)
    assert booted.show("nacd", "ActiveState") == "active"
