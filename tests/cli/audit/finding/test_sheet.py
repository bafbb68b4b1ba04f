"""The report on one screen, and as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nacd.audit.asking.report.tally import GROUPINGS, Tally
from nacd.cli.audit.finding import sheet
from nacd.cli.audit.report import Reported
from nacd.store.trail_index.searching import Walked


def reported(*records: dict[str, Any], top: int = 5) -> Reported:
    tally = Tally(GROUPINGS, now_ms=1_795_348_800_000)
    for record in records:
        tally.take(record)
    return Reported(tally=tally, walked=Walked(files=1), since_ms=0, until_ms=1_795_348_800_000, top=top)


def login(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "code": "A1001I",
        "nas": {"name": f"sw-{number}"},
        "endpoint": {"mac": f"m{number}"},
        "decision": {"rule": "r", "profile": "p"},
        "compliance": {"state": "unknown", "source": "cache", "age_s": 90},
        "eap": {"tls_version": "TLSv1.3", "cipher": "AES"},
        "certificate": {"subject": f"CN={number}", "not_after": "2026-11-29T00:00:00.000Z"},
        **changes,
    }


def test_nothing_is_told_in_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    sheet.tell(reported())
    sheet.tell_tls(reported())
    out = capsys.readouterr().out
    assert "logins     0\n" in out
    assert "of TLS and EAP: none" in out
    assert len(out.splitlines()) == 4


def test_lists_are_cut_and_say_how_many_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    sheet.tell(reported(*map(login, range(30)), top=3))
    out = capsys.readouterr().out
    assert "by nas, 3 of 30" in out
    assert "unknown to Intune: 30 endpoints" in out
    assert "source   cache 100 %" in out
    assert "age      1-5 min 100 %" in out


def test_certificates_that_end_soon_and_what_is_in_use_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    sheet.tell_tls(reported(*map(login, range(7)), top=2))
    out = capsys.readouterr().out
    assert "client certificates that end within 30 days: 7" in out
    assert out.count("2026-11-29 00:00:00Z") == 2
    assert "TLS versions in use: TLSv1.3 100 %" in out


def test_what_nases_answered_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    answered = {"code": "A4004I", "event": "session.answered", "asked": {"verb": "push"}, "answer": {"meaning": "gone"}}
    sheet.tell(reported(answered, answered))
    out = capsys.readouterr().out
    assert "changes of live sessions: session.answered 2" in out
    assert "2  push: gone" in out


def test_the_document_is_json_and_holds_every_list() -> None:
    found = json.loads(json.dumps(sheet.as_json(reported(login(1), {"code": "A1003W", "eap": {"failure": "odd"}}))))
    assert found["logins"]["accepted"] == found["logins"]["failed"] == 1
    assert found["tls"]["failures"][0]["reason"] == "odd"
    assert set(found["by"]) == set(GROUPINGS)
