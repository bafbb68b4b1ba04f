"""The front door: it opens quickly, and every command stands on its sign."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

HEAVY = ("OpenSSL", "msal", "requests", "cryptography", "pydantic", "pyrad", "nacd.sim.commands", "nacd.server")


def python(code: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=60,
    )


def test_help_waits_for_no_heavy_library() -> None:
    code = f"""
import sys
sys.argv = ["nacd", "--help"]
from nacd.cli.main import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print("HEAVY", [name for name in {HEAVY!r} if name in sys.modules])
"""
    done = python(code)
    assert done.returncode == 0, done.stderr
    assert "HEAVY []" in done.stdout


def test_help_names_every_command(nacd: Any) -> None:
    said = nacd("--help").output
    for command in ("serve", "check", "explain", "whatif", "test", "schema", "demo", "sim", "device", "actions"):
        assert f" {command} " in said


@pytest.mark.parametrize(
    "command", ["serve", "check", "explain", "whatif", "test", "schema", "demo", "device", "actions"]
)
def test_every_command_explains_itself(nacd: Any, command: str) -> None:
    done = nacd(command, "--help")
    assert done.exit_code == 0
    assert "Usage" in done.output


def test_no_command_at_all_shows_the_help(nacd: Any) -> None:
    assert "Usage" in nacd().output


def test_an_unknown_command_exits_with_two(nacd: Any) -> None:
    assert nacd("sreve").exit_code == 2


def test_the_shell_can_complete_it() -> None:
    code = "import sys; sys.argv = ['nacd', '--show-completion', 'bash']; from nacd.cli.main import main; main()"
    done = python(code, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0, done.stderr
    assert "complete" in done.stdout
    assert "_NACD_COMPLETE" in done.stdout


def test_completion_offers_the_commands() -> None:
    code = "import sys; sys.argv = ['nacd']; from nacd.cli.main import app; app(prog_name='nacd')"
    done = python(code, _NACD_COMPLETE="complete_bash", COMP_WORDS="nacd ex", COMP_CWORD="1")
    assert done.stdout.split() == ["explain"]


def test_the_configuration_can_come_from_the_environment(site: Any) -> None:
    code = "import sys; sys.argv = ['nacd', 'check']; from nacd.cli.main import main; main()"
    done = python(code, NACD_CONFIG=str(site.config))
    assert done.returncode == 0, done.stderr
    assert "configuration is sound" in done.stdout


@pytest.mark.parametrize("words", [("version",), ("schema", "nacd"), ("doctor", "--config", "nowhere.yaml")])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_full_disk_under_the_output_is_a_sentence_and_no_traceback(words: tuple[str, ...], buffered: str) -> None:
    surroundings = {**os.environ, "PYTHONUNBUFFERED": buffered}
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "nacd", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=surroundings, check=False)
    assert (done.returncode, done.stderr) == (1, "not all of it could be written: the disk is full\n")
