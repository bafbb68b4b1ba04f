"""The demo judges itself: these tests hold it to judging honestly."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nacd.sim import demo
from nacd.sim.demo import ACTS, Expected
from nacd.sim.nas_reply import Reply

DAEMON = (sys.executable, "-m", "nacd", "serve", "--demo", "--config")
EXPECTED = Expected(
    code="Access-Accept",
    rule="compliant device",
    identity="certificate",
    compliance="compliant",
    attributes=(("Tunnel-Private-Group-Id", "120"),),
)
CAME = Reply(code=2, attributes=(("Tunnel-Private-Group-Id", b"120"),))
RECORD: dict[str, dict[str, object]] = {
    "identity": {"source": "certificate"},
    "compliance": {"state": "compliant"},
    "decision": {"rule": "compliant device"},
}


def test_an_act_that_came_out_has_nothing_wrong() -> None:
    assert demo._wrong(EXPECTED, CAME, RECORD) == []


@pytest.mark.parametrize(
    ("came", "record", "said"),
    [
        (replace(CAME, code=3), RECORD, "answer is `Access-Reject`, expected `Access-Accept`"),
        (replace(CAME, attributes=()), RECORD, "Tunnel-Private-Group-Id is"),
        (CAME, RECORD | {"decision": {"rule": "other"}}, "rule is `other`, expected `compliant device`"),
        (CAME, RECORD | {"identity": {"source": "mac"}}, "identity source is `mac`"),
        (CAME, RECORD | {"compliance": {"state": "unavailable"}}, "compliance is `unavailable`"),
        (CAME, {}, "rule is `None`"),
    ],
)
def test_whatever_differs_is_told(came: Reply, record: dict[str, dict[str, object]], said: str) -> None:
    assert said in "; ".join(demo._wrong(EXPECTED, came, record))


def test_keys_and_state_are_not_shown() -> None:
    came = Reply(code=2, attributes=(("MS-MPPE-Send-Key", b"secret"), ("State", b"x"), ("Session-Timeout", 60)))
    assert demo._shown(came) == "Session-Timeout=60"


def test_the_story_tells_of_every_access_kind_answer_and_of_an_outage() -> None:
    assert {act.expected.code for act in ACTS} == {"Access-Accept", "Access-Reject"}
    assert {act.expected.identity for act in ACTS} == {"certificate", "vpn", "mac"}
    assert {"compliant", "noncompliant", "not_asked", "unavailable"} == {act.expected.compliance for act in ACTS}


@pytest.mark.parametrize("tell", [demo.play, demo.stay])
def test_a_daemon_that_does_not_start_is_told_with_its_last_words(
    tell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon = (sys.executable, "-c", "import sys; sys.exit('no luck today')")
    assert tell(tmp_path, daemon) == 1
    assert "no luck today" in capsys.readouterr().err


@pytest.mark.slow
def test_one_broken_expectation_fails_the_whole_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = replace(ACTS[0], expected=replace(ACTS[0].expected, rule="fix your device"))
    monkeypatch.setattr(demo, "ACTS", (first, ACTS[3]))
    assert demo.play(tmp_path, DAEMON) == 1
    said = capsys.readouterr().out
    assert "WRONG: rule is `compliant device`, expected `fix your device`" in said
    assert "1 of 2 steps did NOT come out" in said
