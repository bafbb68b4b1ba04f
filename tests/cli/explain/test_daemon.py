"""Asking the daemon, which may not be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacd.cli.control.order import NobodyListens
from nacd.cli.control.place import NoPlace
from nacd.cli.explain.daemon import Socket, Unheard, heard


@pytest.fixture(autouse=True)
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NACD_SOCKET", raising=False)


def test_whoever_needs_it_hears_that_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(NobodyListens, match=str(tmp_path)):
        Socket(config=tmp_path / "nacd.yaml", named=tmp_path / "control.sock").give("explain.session", id=1)


def test_whoever_can_do_without_hears_why_it_says_nothing(tmp_path: Path) -> None:
    silence = heard(Socket(config=tmp_path / "nacd.yaml", state=tmp_path), "explain.mac", mac="x")
    assert isinstance(silence, Unheard)
    assert str(tmp_path) in silence.why


def test_a_configuration_that_names_no_place_is_a_reason_too(tmp_path: Path) -> None:
    config = tmp_path / "nacd.yaml"
    config.write_text("server: {}\n")
    with pytest.raises(NoPlace, match="names no `state`"):
        Socket(config=config).give("explain.mac")
    silence = heard(Socket(config=config), "explain.mac")
    assert isinstance(silence, Unheard)
    assert "names no `state`" in silence.why
