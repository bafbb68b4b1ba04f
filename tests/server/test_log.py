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


class Full:
    """A stream on a disk without space."""

    def __init__(self) -> None:
        self.full = True
        self.text = ""

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "no space left on device")
        self.text += text
        return len(text)

    def flush(self) -> None:
        if self.full:
            raise OSError(28, "no space left on device")


def test_a_log_that_cannot_be_written_harms_nobody_and_is_counted() -> None:
    stream = Full()
    patient = log.Patient(stream)  # type: ignore[arg-type]
    for line in ("one\n", "two\n"):
        assert patient.write(line) == 0
    stream.full = False
    patient.write("three\n")
    patient.write("four\n")
    assert stream.text == "2 pieces of this log could not be written before this line\nthree\nfour\n"
