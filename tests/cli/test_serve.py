"""`nacd serve` up to the point where it would serve: everything it refuses to start with."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import structlog

from nacd.cli import serve


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


@pytest.mark.parametrize("command", ["serve", "check"])
def test_where_there_is_no_configuration_yet_the_way_to_one_is_said(nacd: Any, tmp_path: Path, command: str) -> None:
    done = nacd(command, "--config", tmp_path / "nacd.yaml")
    assert done.exit_code == 1
    assert f"there is no configuration yet: `nacd init {tmp_path}` writes a first one" in done.output


def test_a_bug_is_no_refused_configuration_so_that_systemd_starts_it_anew(
    nacd: Any, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("nothing of this is in the configuration")

    monkeypatch.setattr(serve, "run_daemon", broken)
    done = nacd("serve", "--demo", "--config", site.config)
    assert done.exit_code == serve.BROKEN
    unit = Path(__file__).resolve().parents[2] / "systemd" / "nacd.service"
    assert "RestartPreventExitStatus=1 2\n" in unit.read_text()
