"""The check of an upgrade sees what the service would: its environment, and what stands in /etc/default/nacd now."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

POSTINST = Path(__file__).resolve().parents[2] / "packaging" / "debian" / "postinst"


def checked(folder: Path, default: str, **running: str) -> tuple[int, dict[str, str]]:
    """Run the function of the script, with this folder's files and our account in place of the package's.

    running: the environment of the daemon. Returns the exit code and the environment of `nacd check`.
    """
    program = folder / "nacd"
    program.write_text('#!/bin/sh\n[ "$1" = check ] && env -0 && [ -n "$NAS_SECRET" ]\n')
    program.chmod(0o755)
    (folder / "default").write_text(default)
    found = re.search(r"^checked\(\) \{.*?^\}$", POSTINST.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    script = found[0]
    for ours, theirs in (
        ("/usr/bin/nacd", str(program)),
        ("cd /etc/nacd", f"cd {folder}"),
        ("--reuid=$2 --regid=$2 --init-groups", f"--reuid={os.geteuid()}"),
    ):
        assert ours in script
        script = script.replace(ours, theirs)
    daemon = subprocess.Popen(["sleep", "60"], env={"PATH": "/usr/bin:/bin", **running})
    try:
        done = subprocess.run(
            ["sh", "-ec", f"{script}\nchecked {daemon.pid} nacd {folder / 'default'} check"],
            stdout=subprocess.PIPE,
            timeout=20,
            check=False,
            env={"PATH": "/usr/bin:/bin", "OF_DPKG": "1"},
        )
    finally:
        daemon.kill()
        daemon.wait()
    words = done.stdout.decode().split("\0")
    return done.returncode, dict(word.split("=", 1) for word in words if "=" in word)


def test_what_the_daemon_was_started_with_is_there(tmp_path: Path) -> None:
    given = {"NAS_SECRET": "two words\nand a line", "CREDENTIALS_DIRECTORY": "/run/credentials/nacd.service"}
    code, seen = checked(tmp_path, "", **given, NOTIFY_SOCKET="/run/systemd/notify")
    assert code == 0
    assert given.items() <= seen.items()
    assert not {"NOTIFY_SOCKET", "OF_DPKG"} & set(seen)


def test_what_stands_in_the_file_now_counts(tmp_path: Path) -> None:
    default = "# NAS_SECRET=none\nNAS_SECRET=\"new 'one' $HOME\"\nEMPTY=\"\"\nPLAIN=a=b\nSINGLE='x y'\nno line\n"
    code, seen = checked(tmp_path, default, NAS_SECRET="old")
    assert code == 0
    assert (seen["NAS_SECRET"], seen["EMPTY"], seen["PLAIN"]) == ("new 'one' $HOME", "", "a=b")
    assert seen["SINGLE"] == "x y"


def test_a_refusal_is_one(tmp_path: Path) -> None:
    assert checked(tmp_path, "")[0] != 0


def upgraded(folder: Path, *, sound: bool) -> tuple[list[str], str]:
    """The end of the script, where both services run. Returns what systemd is told, and what people are."""
    found = re.search(r"^again\(\) \{.*", POSTINST.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    told = folder / "told"
    stubs = f"""systemctl() {{ echo "$*" >> {told}; }}
checked() {{ echo "what is wrong with it"; return {0 if sound else 1}; }}
"""
    script = stubs + found[0].replace("/run/systemd/system", str(folder))
    done = subprocess.run(["sh", "-ec", script, "sh", "configure", "0.1.0"], capture_output=True, text=True, check=True)
    return told.read_text(encoding="utf-8").splitlines(), done.stderr


def test_both_services_are_restarted_when_the_new_version_takes_their_files(tmp_path: Path) -> None:
    told, _ = upgraded(tmp_path, sound=True)
    assert [line for line in told if "restart" in line] == ["restart nacd.service", "restart nacd-actions.service"]


def test_neither_is_restarted_when_it_refuses_them_and_both_are_named(tmp_path: Path) -> None:
    told, said = upgraded(tmp_path, sound=False)
    assert not [line for line in told if "restart" in line]
    assert said.count("what is wrong with it") == 2
    assert "until `nacd check` is content, then: systemctl restart nacd\n" in said
    assert "until `nacd actions --check` is content, then: systemctl restart nacd-actions\n" in said
