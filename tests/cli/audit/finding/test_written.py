"""Records on a terminal, in a spreadsheet, and as they lie."""

from __future__ import annotations

import json
import sys

import pytest

from nacd.audit.asking.scanning import Hit
from nacd.cli.audit.finding.written import FORMATS, Flow, short_time, writer_of

RECORD = {
    "code": "A1002I",
    "event": "access.reject",
    "time": "2026-11-22T12:34:56.789Z",
    "nas": {"name": "sw\u202e1"},
    "endpoint": {"mac": "00-50-B6-AA-BB-CC", "user_name": "a\x1b[2J"},
}


def hit() -> Hit:
    return Hit(json.dumps(RECORD, ensure_ascii=False).encode() + b"\n", RECORD)


def test_a_terminal_is_not_steered_by_a_raw_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    writer = writer_of("json")
    writer.take(hit())
    out = capsys.readouterr().out
    assert out[:-1].isprintable()
    assert json.loads(out) == RECORD


@pytest.mark.parametrize("wanted", FORMATS)
def test_every_format_ends_each_record_with_a_line(capfdbinary: pytest.CaptureFixture[bytes], wanted: str) -> None:
    writer = writer_of(wanted)
    writer.take(hit())
    writer.take(hit())
    writer.flush()
    lines = capfdbinary.readouterr().out.splitlines()
    assert len(lines) == (2 if wanted == "json" else 3)


def test_what_is_followed_is_shown_row_by_row(capsys: pytest.CaptureFixture[str]) -> None:
    writer = writer_of("table", flowing=True)
    assert isinstance(writer, Flow)
    writer.take(hit())
    out = capsys.readouterr().out
    assert out.startswith("2026-11-22 12:34:56Z   sw\\u202e1")
    assert out[:-1].isprintable()


def test_a_time_is_shortened_only_if_it_is_one() -> None:
    assert short_time("2026-11-22T12:34:56.789Z") == "2026-11-22 12:34:56Z"
    assert short_time("\x1b") == "\\u001b"
    assert short_time("") == ""
