"""`nacd sim ...`: options become what the simulators want, and their exit codes come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("hidden-secret-of-the-lab\n")
    return file


def test_help_names_the_four(nacd: Any) -> None:
    said = nacd("sim", "--help").output
    for command in ("pki", "intune", "nas", "supplicant"):
        assert f" {command} " in said


def test_pki_writes_and_never_overwrites(nacd: Any, tmp_path: Path) -> None:
    assert nacd("sim", "pki", tmp_path / "new").exit_code == 0
    assert (tmp_path / "new" / "server.pem").exists()
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "mine.key").write_text("precious")
    assert nacd("sim", "pki", tmp_path / "real").exit_code == 2


def test_a_nas_gets_the_secret_out_of_its_file_and_gives_its_exit_code_back(
    nacd: Any, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nacd.sim import commands

    given: list[commands.Target] = []
    monkeypatch.setattr(commands, "run_nas", lambda target, *_words, **_more: given.append(target) or 1)
    done = nacd("sim", "nas", "status", "--secret-file", secret, "--source", "127.0.0.9")
    assert done.exit_code == 1
    assert (given[0].secret, given[0].source) == (b"hidden-secret-of-the-lab", "127.0.0.9")
    assert "hidden" not in done.output


def test_an_unknown_question_exits_with_two(nacd: Any, secret: Path) -> None:
    done = nacd("sim", "nas", "coffee", "--secret-file", secret)
    assert done.exit_code == 2
    assert "there are: mab, vpn, accounting, status" in done.output


def test_an_unknown_tls_version_exits_with_two(nacd: Any, secret: Path) -> None:
    done = nacd("sim", "supplicant", "host/x", "--secret-file", secret, "--ca", secret, "--tls", "1.1")
    assert done.exit_code == 2
    assert "1.2, 1.3" in done.output


def test_intune_keeps_to_loopback(nacd: Any, tmp_path: Path) -> None:
    done = nacd("sim", "intune", "--host", "0.0.0.0", "--folder", tmp_path / "pki", "--port", "0")
    assert done.exit_code == 2
    assert "not started" in done.output
