"""How far it has come: on a terminal soon and over itself, elsewhere now and then."""

from __future__ import annotations

import io

import pytest

from nacd.cli.audit.finding import progress
from nacd.cli.audit.finding.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_what_is_done_at_once_needs_no_word(clock: list[float]) -> None:
    to = Terminal()
    shown = Progress("searching", to)
    clock[0] += 0.4
    shown(0.9)
    shown.clear()
    assert to.getvalue() == ""


def test_a_terminal_has_one_line_that_goes_away(clock: list[float]) -> None:
    to = Terminal()
    shown = Progress("searching", to)
    for _ in range(3):
        clock[0] += 0.6
        shown(0.5)
        shown(0.6)
    shown.clear()
    assert to.getvalue().count("\r") == 4
    assert to.getvalue().endswith("\r\x1b[K")
    assert "searching:  50 %, 1 s" in to.getvalue()


def test_a_file_has_a_line_now_and_then(clock: list[float]) -> None:
    to = io.StringIO()
    shown = Progress("searching", to)
    for _ in range(25):
        clock[0] += 1
        shown(2.0)
    shown.clear()
    assert to.getvalue() == "searching: 100 %, 10 s\nsearching: 100 %, 20 s\n"
