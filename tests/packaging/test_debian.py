"""The package on a fresh Debian without a network: installed, used, upgraded with its state, removed, purged."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.conftest import NEW, OLD
from tests.packaging.lab import Machine, soon
from tools.compiled.modules import MODULES

pytestmark = [pytest.mark.slow, pytest.mark.netns]

AS_NACD = ("setpriv", "--reuid=nacd", "--regid=nacd", "--init-groups")
SECRET = "/etc/nacd/secrets/nas-1"
LAPTOP = (
    *("nacd", "sim", "supplicant", "host/laptop", "--secret-file", SECRET, "--ca", "/etc/nacd/pki/server-ca.pem"),
    *("--certificate", "/etc/nacd/pki/compliant.pem", "--key", "/etc/nacd/pki/compliant.key"),
)


def files(machine: Machine) -> dict[str, int]:
    """Every path with its mode, but for what dpkg and adduser keep of everything they do."""
    kept = ("var/lib/dpkg/", "var/log/", "var/cache/", "tmp/", "run/", "root/", "dev/", "proc/", "sys/")
    own = ("etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-")
    found = {}
    for path in machine.merged.rglob("*"):
        name = str(path.relative_to(machine.merged))
        if (not name.startswith(kept) or "nacd" in name) and name not in own and not name.startswith("root/"):
            found[name] = path.lstat().st_mode
    return {name: mode for name, mode in found.items() if not name.startswith(("var/lib/dpkg/", "var/cache/man/"))}


def accounts(machine: Machine) -> str:
    return "".join(machine.text(f"/etc/{name}") for name in ("passwd", "group"))


def records(machine: Machine) -> list[dict[str, Any]]:
    return [json.loads(line) for line in machine.text("/var/log/nacd/audit.jsonl").splitlines()]


def chain_is_whole(machine: Machine) -> int:
    """Every link made again, by nobody's code but this; how many records there are."""
    link, count = "0" * 64, 0
    for line in (machine.merged / "var/log/nacd/audit.jsonl").read_bytes().splitlines():
        count += 1
        body, _, end = line.rpartition(b',"link":"')
        link = sha256(link.encode() + body).hexdigest()
        assert json.loads(line)["seq"] == count
        assert end == link.encode() + b'"}'
    return count


def serve(machine: Machine, log: str) -> Any:
    """The daemon as its unit would run it, until it is ready."""
    ready = machine.merged / "tmp/ready.json"
    ready.unlink(missing_ok=True)
    running = machine.start(*AS_NACD, "nacd", "serve", "--demo", log=log, NACD_READY_FILE="/tmp/ready.json")
    assert soon(lambda: ready.exists() or running.poll() is not None, 20)
    assert running.poll() is None, machine.text(f"/tmp/{log}")
    return running


def test_it_is_installed_used_upgraded_removed_and_purged(machine: Machine, copy: Path | None) -> None:
    before, people = files(machine), accounts(machine)
    said = machine.run("dpkg", "-i", f"/root/{OLD}.deb").stdout
    assert "nacd init /etc/nacd" in said
    _what_is_there(machine, copy)
    _configure(machine)

    daemon = serve(machine, "old.log")
    answered = machine.run(*LAPTOP).stdout
    assert "Access-Accept" in answered  # into quarantine: nobody answers for Intune here
    sessions = json.loads(machine.run("nacd", "sessions", "list", "--json").stdout)["sessions"]
    assert len(sessions) == 1
    daemon.terminate()
    assert daemon.wait(20) == 0
    first = chain_is_whole(machine)

    machine.run("dpkg", "-i", f"/root/{NEW}.deb")
    assert json.loads(machine.run("nacd", "version", "--json").stdout)["nacd"] == NEW
    daemon = serve(machine, "new.log")
    again = json.loads(machine.run("nacd", "sessions", "list", "--json").stdout)["sessions"]
    assert [each["id"] for each in again] == [each["id"] for each in sessions]
    daemon.terminate()
    assert daemon.wait(20) == 0
    assert chain_is_whole(machine) > first
    assert machine.run("nacd", "audit", "verify").returncode == 0

    _rid_of_machine_code(machine)
    machine.run("dpkg", "-r", "nacd")
    assert not (machine.merged / "usr/lib/nacd").exists()
    assert (machine.merged / "var/lib/nacd/sessions.sqlite").exists()
    assert (machine.merged / "etc/nacd/nacd.yaml").exists()
    assert "\nnacd:" in accounts(machine)

    machine.run("dpkg", "-P", "nacd")
    assert files(machine) == before
    assert accounts(machine) == people


def _what_is_there(machine: Machine, copy: Path | None) -> None:
    told = json.loads(machine.run("nacd", "version", "--json").stdout)
    assert told["nacd"] == OLD
    assert told["compiled"] == (0 if copy is None else len(MODULES))
    assert told["python"].startswith("3.11.")
    assert told["from"].startswith("/usr/lib/nacd/")
    assert "" not in told["libraries"].values()
    owners = machine.run(
        "stat",
        "-c",
        "%n %U:%G %a",
        *["/etc/nacd", "/etc/nacd/secrets", "/var/lib/nacd", "/var/log/nacd", "/var/lib/nacd-actions"],
    ).stdout.splitlines()
    assert owners == [
        "/etc/nacd root:nacd 755",
        "/etc/nacd/secrets nacd:nacd 700",
        "/var/lib/nacd nacd:nacd 700",
        "/var/log/nacd nacd:nacd 750",
        "/var/lib/nacd-actions nacd-actions:nacd-actions 700",
    ]
    assert machine.run("dpkg", "--verify", "nacd").stdout == ""
    assert machine.run("systemd-analyze", "verify", "nacd.service", "nacd-actions.service").stderr == ""
    for unit in ("nacd.service", "nacd-actions.service"):
        # The overall exposure in tenths: 0 is nothing, 100 is everything. More than the threshold is exit code 1.
        words = ("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", unit)
        assert "Overall exposure level" in machine.run(*words).stdout
    for page in ("nacd", "nacd.yaml", "policy.yaml"):
        assert f"{page.upper()}(" in machine.run("man", page).stdout
    assert "_nacd_completion" in machine.text("/usr/share/bash-completion/completions/nacd")
    compiled = list((machine.merged / "usr/lib/nacd/lib").rglob("cli/__pycache__/main.*.pyc"))
    assert compiled
    missing = machine.run("nacd", "check", check=False)
    assert missing.returncode == 1
    assert "`nacd init /etc/nacd` writes a first one" in missing.stdout


def _rid_of_machine_code(machine: Machine) -> None:
    """By the command that the page gives: nothing else may go with it."""
    page = machine.text("/usr/share/doc/nacd/docs/install.md")
    (command,) = (line.strip() for line in page.splitlines() if line.strip().startswith("find /usr/lib/nacd "))
    machine.run("sh", "-c", command)
    assert json.loads(machine.run("nacd", "version", "--json").stdout)["compiled"] == 0
    daemon = serve(machine, "plain.log")
    daemon.terminate()
    assert daemon.wait(20) == 0


def _configure(machine: Machine) -> None:
    machine.run("nacd", "init", "--lab", "--yes", "/etc/nacd")
    assert machine.run("stat", "-c", "%U %a", SECRET).stdout == "nacd 600\n"
    assert "configuration is sound" in machine.run(*AS_NACD, "nacd", "check").stdout
