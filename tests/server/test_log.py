"""One line an event, JSON for machines."""

import json

import pytest

from nacd.server import log


def test_json_lines_carry_area_level_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    log.start(as_json=True)
    log.logger("lookup").warning("intune did not answer", detail="timeout")
    entry = json.loads(capsys.readouterr().err)
    assert entry["area"] == "lookup"
    assert entry["level"] == "warning"
    assert entry["event"] == "intune did not answer"
    assert entry["timestamp"].endswith("Z")


def test_debug_is_silent_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    log.start(as_json=True, level="info")
    log.logger("listener").debug("socket")
    assert capsys.readouterr().err == ""
