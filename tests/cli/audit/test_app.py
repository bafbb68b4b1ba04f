"""The commands of ``nacd audit`` have help texts, and nothing heavy is loaded to show them."""

import subprocess
import sys
from typing import Any

import pytest


@pytest.mark.parametrize("command", ["keygen", "verify", "search"])
def test_every_command_has_help(nacd: Any, command: str) -> None:
    done = nacd("audit", command, "--help")
    assert done.exit_code == 0
    assert "Usage" in done.stdout


def test_help_does_not_wait_for_cryptography() -> None:
    code = "import sys; import nacd.cli.audit.app; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False\n"
