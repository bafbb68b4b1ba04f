"""The unit of the service is shut as tightly as the daemon's, but for what is written here with its reason."""

from __future__ import annotations

from pathlib import Path

UNITS = Path(__file__).parents[2] / "systemd"

NOT_FOR_ACTIONS = {
    "SystemCallFilter=setpriority",  # for the keeper, which it has none of
    "PrivateUsers=yes",  # every sender would look like `nobody`
    "NotifyAccess=main",  # it says nothing
    "EnvironmentFile=-/etc/default/nacd",  # nor is it told anything there
    "WatchdogSec=30s",
    "WatchdogSignal=SIGKILL",
}
OF_ITS_OWN = (
    "Exec",
    "User=",
    "Group=",
    "Type=",
    "Timeout",
    "Limit",
    "MemoryMax",
    "TasksMax",
    "UMask",
    "Runtime",
    "State",
    "Logs",
)
MORE = ("Restart", "KillMode", "WorkingDirectory")


def service(name: str) -> set[str]:
    section = (UNITS / name).read_text().split("[Service]")[-1].split("[Install]")[0]
    return {line for line in section.splitlines() if line and not line.startswith("#")}


def test_it_is_hardened_as_the_daemon_is() -> None:
    daemon, actions = service("nacd.service"), service("nacd-actions.service")
    missing = {line for line in daemon - actions if not line.startswith((*OF_ITS_OWN, *MORE))}
    assert missing == NOT_FOR_ACTIONS


def test_its_account_and_folders_are_its_own() -> None:
    actions = service("nacd-actions.service")
    assert {"User=nacd-actions", "Group=nacd-actions", "UMask=0077"} <= actions
    assert {"RuntimeDirectory=nacd-actions", "StateDirectory=nacd-actions", "LogsDirectory=nacd-actions"} <= actions
    assert {"StateDirectoryMode=0700", "LogsDirectoryMode=0700", "RuntimeDirectoryMode=0750"} <= actions
    assert {"User=nacd", "Group=nacd"} <= service("nacd.service")
