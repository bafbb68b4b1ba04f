"""`nacd serve` up to the point where it would serve: everything it refuses to start with."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import structlog


@pytest.fixture(autouse=True)
def _quiet_again() -> Any:
    yield
    structlog.reset_defaults()


def test_the_demos_ca_is_refused_without_demo(nacd: Any, site: Any) -> None:
    done = nacd("serve", "--config", site.config)
    assert done.exit_code == 1
    assert "this is the CA of the demo: use your own" in done.output
    assert "a demo configuration needs --demo" in done.output


def test_a_bad_configuration_is_refused_without_that_hint(nacd: Any, tmp_path: Path) -> None:
    (tmp_path / "nacd.yaml").write_text("clients: 3\n")
    done = nacd("serve", "--config", tmp_path / "nacd.yaml")
    assert done.exit_code == 1
    assert "--demo" not in done.output


@pytest.mark.parametrize("words", [["--log-format", "xml"], ["--log-level", "loud"]])
def test_log_options_are_checked_first(nacd: Any, site: Any, words: list[str]) -> None:
    assert nacd("serve", "--config", site.config, *words).exit_code == 2


def test_a_port_that_is_taken_exits_with_three(nacd: Any, site: Any) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        config = site.folder / "taken.yaml"
        config.write_text(site.config.read_text().replace('auth: "127.0.0.1:0"', f'auth: "{address}"'))
        done = nacd("serve", "--demo", "--config", config)
    assert done.exit_code == 3
    assert f"cannot listen on `{address}`" in done.output
