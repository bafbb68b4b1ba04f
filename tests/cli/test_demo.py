"""`nacd demo` as a command: where it puts things, what it starts. The story itself: tests/sim/test_demo.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nacd.cli import demo

HOME = Path(__file__).resolve().parents[2]


def listing(*folders: str) -> set[Path]:
    return {path for folder in folders for path in (HOME / folder).rglob("*") if path.is_file()}


@pytest.mark.slow
def test_the_whole_story_comes_out_and_leaves_nothing_but_its_state(tmp_path: Path) -> None:
    state = tmp_path / "state"
    before = listing("certs", "config")
    done = subprocess.run(
        [sys.executable, "-m", "nacd", "demo", "--state", str(state)],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        cwd=HOME,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "elsewhere")},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every step came out as expected" in done.stdout
    assert 30 <= len(done.stdout.splitlines()) <= 45
    assert done.stdout.count("has come about") == 2
    assert "WRONG" not in done.stdout
    secrets = [file.read_text() for file in (state / "secrets").iterdir()]
    assert len(secrets) == 3
    kept = [path for path in state.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    for secret in secrets:
        assert secret not in done.stdout + done.stderr
        assert not [path for path in kept if secret.encode() in path.read_bytes()]
    assert listing("certs", "config") == before
    assert not (tmp_path / "elsewhere").exists()
    for name in ("secrets/switch", "secrets/vpn", "pki/server.key"):
        assert (state / name).stat().st_mode & 0o077 == 0


def test_state_goes_where_the_desktop_keeps_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(demo, "play", lambda *words: asked.append(words) or 7)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert demo.run(None, keep_running=False) == 7
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    demo.run(None, keep_running=False)
    assert [folder for folder, _ in asked] == [
        tmp_path / "nacd" / "demo",
        tmp_path / "home" / ".local" / "state" / "nacd" / "demo",
    ]
    assert asked[0][1][:4] == (sys.executable, "-m", "nacd", "serve")
    assert "--demo" in asked[0][1]


def test_keep_running_sets_the_stage_and_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo, "stay", lambda folder, _daemon: 5 if folder == tmp_path else 0)
    assert demo.run(tmp_path, keep_running=True) == 5
