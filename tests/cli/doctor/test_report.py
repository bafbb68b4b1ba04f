"""How a report looks."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nacd.cli.doctor.report import JsonReport, PaperReport
from nacd.cli.doctor.site import configuration
from nacd.intune.doctor.step import Begun, Status, Step

GOOD = Step(name="clock", status=Status.OK, detail="right to the second", took_ms=3)
BAD = Step(name="tls", status=Status.FAILED, detail="not trusted\n  1  CN=proxy", fix="exempt it")
ODD = Step(name="credential", status=Status.WARNING, detail="expires soon", fix="renew it")
NONE = Step(name="device", status=Status.SKIPPED, detail="not asked")


def test_paper_has_aligned_marks_and_the_fix_on_the_next_line(capsys: Any, place: Any) -> None:
    report = PaperReport(Path("/etc/nacd/nacd.yaml"))
    report.take("", GOOD)
    report.take("", BAD)
    report.take("", ODD)
    report.take("", NONE)
    assert report.end() is False
    assert capsys.readouterr().out.splitlines() == [
        "nacd doctor, /etc/nacd/nacd.yaml",
        "  ✓ clock             right to the second",
        "  ✗ tls               not trusted",
        "                        1  CN=proxy",
        "                      → exempt it",
        "  ! credential        expires soon",
        "                      → renew it",
        "  - device            not asked",
        "",
        "something is wrong: 1 failed (tls), 1 to look at, 1 not tried or not needed",
    ]


def test_paper_without_a_failure_is_well(capsys: Any) -> None:
    report = PaperReport(Path("nacd.yaml"))
    report.take("", GOOD)
    assert report.end() is True
    assert capsys.readouterr().out.splitlines()[-1] == "all is well"


def test_paper_that_knows_ascii_alone_has_plain_marks(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(Console, "encoding", property(lambda _: "ascii"))
    report = PaperReport(Path("nacd.yaml"))
    report.take("", GOOD)
    report.take("", BAD)
    text = capsys.readouterr().out
    assert text.isascii()
    assert "  + clock" in text
    assert "  x tls" in text
    assert "-> exempt it" in text


def test_markup_in_a_name_of_a_stranger_is_shown_as_it_is(capsys: Any) -> None:
    report = PaperReport(Path("nacd.yaml"))
    report.take("", Step(name="tls", status=Status.OK, detail="issued by [red]nobody[/] :smile:"))
    assert "issued by [red]nobody[/] :smile:" in capsys.readouterr().out


def test_what_goes_into_a_pipe_is_not_wrapped(capsys: Any) -> None:
    report = PaperReport(Path("nacd.yaml"))
    report.take("", Begun(name="tls", doing="shaking hands"))
    report.take("", Step(name="tls", status=Status.OK, detail="word " * 60))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "shaking" not in "".join(lines)


def test_json_is_printed_at_the_end_alone(capsys: Any, place: Any) -> None:
    section = configuration(place.config)[1].sections["intune"]
    report = JsonReport()
    report.take("", GOOD)
    report.begin("contoso", section)
    report.take("contoso", Begun(name="tls", doing="shaking hands"))
    report.take("contoso", BAD)
    assert capsys.readouterr().out == ""
    assert report.end() is False
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "steps": [{"name": "clock", "status": "ok", "detail": "right to the second", "fix": "", "took_ms": 3}],
        "tenants": {
            "contoso": {
                "steps": [
                    {
                        "name": "tls",
                        "status": "failed",
                        "detail": "not trusted\n  1  CN=proxy",
                        "fix": "exempt it",
                        "took_ms": 0,
                    }
                ]
            }
        },
    }


def test_a_name_in_other_letters_does_not_stop_a_plain_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(Console, "encoding", property(lambda _: "ascii"))
    PaperReport(Path("nacd.yaml")).take("", Step(name="tls", status=Status.OK, detail="issued by Zürich"))
    assert "issued by Z?rich" in capsys.readouterr().out


def test_a_terminal_gets_short_lines_and_addresses_in_one_piece(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    address = f"https://fef.test/{'long/' * 20}"
    report = PaperReport(Path("nacd.yaml"))
    report.take("", Step(name="roles", status=Status.FAILED, detail="word " * 40, fix="one\n  two"))
    report.take("", Step(name="discovery", status=Status.OK, detail=f"intune  {address}"))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    words = [line for line in lines if "word" in line]
    assert len(words) > 3
    assert all(len(line) <= 80 and line[22:26] == "word" for line in words)
    assert [line[22:] for line in lines if "one" in line or "two" in line] == ["→ one", "    two"]
    assert any(address in line for line in lines)
