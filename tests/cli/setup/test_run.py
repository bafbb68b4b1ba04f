from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app
from nacd.config.load import vendors
from nacd.sim.pki import DemoPki, write_demo_pki

ACCESS = ("dot1x", "mab", "dot1x+mab", "vpn")
TENANTS = {"none": (), "contoso.onmicrosoft.com": ("--credential", "managed-identity")}
CLIENT_ID = ("--client-id", "11111111-1111-4111-8111-111111111111")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return write_demo_pki(tmp_path_factory.mktemp("pki"))


def certified(pki: DemoPki) -> tuple[str, ...]:
    given = {"--certificate": pki.server, "--private-key": pki.server_key, "--client-ca": pki.devices_ca}
    return tuple(str(word) for pair in given.items() for word in pair)


@pytest.mark.slow
@pytest.mark.parametrize("vendor", sorted(vendors()))
def test_what_is_written_passes_the_check_and_its_own_cases(
    init: Any, tmp_path: Path, pki: DemoPki, vendor: str
) -> None:
    for access in ACCESS:
        for tenant, more in TENANTS.items():
            files = certified(pki) if "dot1x" in access else ()
            asked = (*more, *CLIENT_ID) if more else ()
            words = ("--yes", "--force", "--vendor", vendor, "--access", access, "--tenant", tenant, *asked, *files)
            done = init(*words)
            assert done.exit_code == 0, done.output
            assert "configuration is sound: 1 NASes" in done.output
            tried = CliRunner().invoke(app, ["test", "--config", str(tmp_path / "new" / "nacd.yaml")])
            assert tried.exit_code == 0, tried.output


@pytest.mark.slow
@pytest.mark.parametrize("tenant", ["none", "contoso.onmicrosoft.com"])
@pytest.mark.parametrize("access", ACCESS)
def test_a_lab_lacks_nothing(init: Any, tmp_path: Path, access: str, tenant: str) -> None:
    done = init("--yes", "--lab", "--access", access, "--tenant", tenant)
    assert done.exit_code == 0, done.output
    assert "configuration is sound" in done.output
    assert "not there yet" not in done.output
    tried = CliRunner().invoke(app, ["test", "--config", str(tmp_path / "new" / "nacd.yaml")])
    assert tried.exit_code == 0, tried.output


@pytest.mark.parametrize("credential", ["certificate", "secret"])
def test_what_only_the_admin_has_is_named_by_the_check_and_told_how_to_make(
    init: Any, tmp_path: Path, credential: str
) -> None:
    done = init("--yes", "--tenant", "contoso.com", *CLIENT_ID, "--credential", credential)
    folder = tmp_path / "new"
    assert done.exit_code == 0
    assert f"{folder}/nacd.yaml:28:16: the file `certs/server.pem` does not exist" in done.output
    app_files = {"certificate": ("certs/app.pem", "certs/app.key"), "secret": ("secrets/app",)}[credential]
    for file in ("certs/server.pem", "certs/server.key", "certs/devices-ca.pem", *app_files):
        assert f"\n  {folder / file}\n" in done.output
    assert "openssl req -new" in done.output
    assert "nacd serve would refuse this configuration" in done.output


def test_anything_else_that_is_wrong_is_the_exit_code(init: Any, tmp_path: Path) -> None:
    bad = tmp_path / "server.pem"
    bad.write_text("this is no certificate\n")
    done = init("--yes", "--certificate", str(bad), "--private-key", str(bad), "--client-ca", str(bad))
    assert done.exit_code == 1, done.output
    assert (tmp_path / "new" / "nacd.yaml").is_file()


def test_the_secret_is_never_shown_and_nobody_else_can_read_it(init: Any, tmp_path: Path) -> None:
    done = init("--yes")
    secret = tmp_path / "new" / "secrets" / "nas-1"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text().strip() not in done.output
    assert str(secret) in done.output


def test_what_is_there_is_never_written_over(init: Any, tmp_path: Path) -> None:
    assert init("--yes").exit_code == 0
    mine = tmp_path / "new" / "policy.yaml"
    mine.write_text("# mine\n")
    done = init("--yes", "--nas", "other")
    assert done.exit_code == 2
    assert f"`{mine}` is there already" in done.output
    assert "nothing was written: name another folder, or --force renames what is there" in done.output
    assert not (tmp_path / "new" / "secrets" / "other").exists()
    forced = init("--yes", "--force")
    assert forced.exit_code == 0
    assert "nas-1.old  (the NAS has this one: give it the new one, or put this back)" in forced.output
    assert mine.with_name("policy.yaml.old").read_text() == "# mine\n"


def test_wrong_options_write_nothing(init: Any, tmp_path: Path) -> None:
    done = init("--yes", "--vendor", "arbua", "--network", "10.0.0.1/8")
    assert done.exit_code == 2
    assert "--vendor: there is no vendor `arbua`, did you mean `aruba`?" in done.output
    assert "--network: `10.0.0.1/8` is an address inside a network" in done.output
    assert list(tmp_path.iterdir()) == []


def test_whoever_has_nobody_to_ask_is_told_what_to_give(init: Any, tmp_path: Path) -> None:
    done = init(typed="")
    assert done.exit_code == 2
    assert "nobody answers: give --yes, and the answers as options; nothing was written" in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(init: Any, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("a file")
    done = CliRunner().invoke(app, ["init", "--yes", str(tmp_path / "new" / "below")])
    assert done.exit_code == 2
    assert f"`{tmp_path / 'new'}" in done.output
    assert "nothing was written: name a folder of your own" in done.output


def test_enter_alone_answers_every_question(init: Any, tmp_path: Path) -> None:
    done = init(typed="\n" * 20)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "new" / "nacd.yaml").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_at_a_question_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    asking = subprocess.Popen(
        [sys.executable, "-m", "nacd", "init", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert asking.stdout is not None
    seen = b""
    while b"first NAS" not in seen:
        more = asking.stdout.read1(4096)
        assert more, seen
        seen += more
    asking.send_signal(signal.SIGINT)
    rest, _ = asking.communicate(timeout=30)
    assert asking.returncode == 130, rest
    assert b"stopped, nothing was written" in rest
    assert list(tmp_path.iterdir()) == []


# -- every command that is told does what it says ----------------------------------------------------


def started(words: list[str], ready: str) -> Iterator[subprocess.Popen[str]]:
    at_once = {**os.environ, "PYTHONUNBUFFERED": "1"}  # what goes into a pipe is kept back else
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=at_once)
    assert running.stdout is not None
    try:
        for line in running.stdout:
            if ready in line:
                break
        else:
            pytest.fail(f"`{' '.join(words)}` ended")
        yield running
    finally:
        running.terminate()
        running.communicate(timeout=30)


@pytest.mark.slow
@pytest.mark.netns
def test_the_next_steps_of_a_lab_end_with_a_laptop_in_its_vlan(init: Any, tmp_path: Path, netns: Any) -> None:
    done = init("--yes", "--lab", "--access", "dot1x+mab", "--vendor", "cisco-ios", "--corporate", "321")
    space = netns.namespace()
    told = re.findall(r"^  (nacd .*?)(?:   .*)?$", done.output.partition("\nnext:\n")[2], re.MULTILINE)
    prefix = [*space.words, sys.executable, "-m"]
    commands = [[*prefix, *line.split()] for line in told]
    kinds = [line.split()[1:3] for line in told]
    assert kinds == [["sim", "intune"], ["serve", "--demo"], ["sim", "supplicant"], ["sim", "nas"]]
    for _intune in started(commands[0], "devices "):
        for _daemon in started(commands[1], "ready"):
            login = subprocess.run(commands[2], capture_output=True, text=True, timeout=60, check=False)
            assert login.returncode == 0, login.stdout + login.stderr
            assert "Access-Accept" in login.stdout
            assert "321" in login.stdout
            mab = subprocess.run(commands[3], capture_output=True, text=True, timeout=60, check=False)
            assert "Access-Reject" in mab.stdout
            assert mab.returncode == 1


@pytest.mark.slow
def test_the_commands_that_make_certificates_make_what_the_check_takes(init: Any, tmp_path: Path) -> None:
    """But for the CA of the devices and the signature of the server's, which are somebody else's."""
    done = init("--yes", "--access", "vpn", "--tenant", "contoso.com", *CLIENT_ID)
    made = [line.strip() for line in done.output.splitlines() if line.startswith(("  mkdir ", "  openssl "))]
    assert len(made) == 2
    for line in made:
        subprocess.run(line.split(), check=True, capture_output=True, timeout=60)
    checked = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "new" / "nacd.yaml")])
    assert checked.exit_code == 0, checked.output
