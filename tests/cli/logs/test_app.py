from pathlib import Path

import pytest
from typer.testing import CliRunner

from nacd.cli.main import app


def test_without_a_daemon_that_is_said(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["log", "level", "--state", str(tmp_path)])
    assert done.exit_code == 3


@pytest.mark.parametrize("span", ["soon", "0m", "10", "-1m", "8d"])
def test_a_span_that_is_none_is_refused(span: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["log", "level", "debug", f"--for={span}", "--state", str(tmp_path)])
    assert done.exit_code == 2
    assert "--for" in done.stderr
