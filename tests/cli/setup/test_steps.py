from __future__ import annotations

from pathlib import Path
from typing import Any

from nacd.cli.setup import steps


def test_only_what_is_not_there_is_missing(answers: Any, tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs/server.pem").write_text("x")
    assert steps.missing(answers(), tmp_path) == ("certs/server.key", "certs/devices-ca.pem")
    assert steps.missing(answers(lab=True), tmp_path) == ()


def test_what_is_there_is_not_told_how_to_make(answers: Any, tmp_path: Path) -> None:
    told = "\n".join(steps.to_supply(answers(), tmp_path, ("certs/devices-ca.pem",)))
    assert "openssl" not in told
    assert f"into {tmp_path}/certs/devices-ca.pem" in told


def test_an_example_network_is_called_one(answers: Any, tmp_path: Path) -> None:
    def told(**options: str) -> str:
        return "\n".join(steps.following(answers(**options), tmp_path))

    assert "is an example that is nobody's" in told()
    assert "is an example that is nobody's" not in told(network="10.0.0.0/24")


def test_commands_hold_with_spaces_in_a_path(answers: Any, tmp_path: Path) -> None:
    told = "\n".join(steps.following(answers(), tmp_path / "with space"))
    assert f"nacd check --config '{tmp_path}/with space/nacd.yaml'" in told


def test_whoever_asks_nobody_is_shown_the_way_to_intune(answers: Any, tmp_path: Path) -> None:
    assert "docs/microsoft.md" in "\n".join(steps.following(answers(), tmp_path))
    asked = "\n".join(steps.following(answers(tenant="contoso.com"), tmp_path))
    assert "nacd doctor --config" in asked
