"""One line an event, JSON for machines."""

import fcntl
import json
import logging
import os
import sys
import threading

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


def test_a_reader_that_has_stopped_reading_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 8_192)
    with os.fdopen(writer, "w") as stream, os.fdopen(reader, "rb") as read:
        monkeypatch.setattr(sys, "stderr", stream)
        log.start(as_json=True)

        def say() -> None:
            for number in range(20):
                log.logger("listener").error("word " * 200, number=number)
                logging.getLogger("urllib3").warning("of a library " * 50)

        saying = threading.Thread(target=say, daemon=True)
        saying.start()
        saying.join(10)
        assert not saying.is_alive()
        held = os.read(reader, 1 << 16)
        log.logger("listener").error("heard again")
        log.logger("listener").error("and again")
        stream.close()
        said = (held + read.read()).decode().splitlines()
    monkeypatch.undo()
    log.start(as_json=True)
    assert json.loads(said[0])["number"] == 0
    assert "pieces of this log could not be written before this line" in said[-3]
    assert [json.loads(line)["event"] for line in said[-2:]] == ["heard again", "and again"]


def test_a_sentence_that_repeats_is_counted_and_the_count_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr("nacd.server.log.time.monotonic", lambda: now[0])
    log.start(as_json=True)
    for number in range(100):
        log.logger("errands").error(f"no answer about `{number}`", status=number)
    log.tick()
    now[0] += 61
    log.tick()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == 31
    assert lines[-1]["event"] == "70 more times within a minute: no answer about `30`"
    assert (lines[-1]["level"], lines[-1]["area"]) == ("error", "errands")


def test_one_area_may_say_more_than_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    log.start(as_json=True, level="warning,lookup=debug")
    log.logger("lookup").debug("asked")
    log.logger("audit").info("opened")
    assert [json.loads(line)["area"] for line in capsys.readouterr().err.splitlines()] == ["lookup"]
    log.start(as_json=True)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_never_tells_local_variables(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    log.start(as_json=as_json)

    def failing(password: str) -> None:
        held = f"{password}-held"
        raise ValueError(len(held))

    try:
        failing("correct-horse")
    except ValueError as error:
        log.logger("listener").error("its traceback", exc_info=error)
    said = capsys.readouterr().err
    assert "failing" in said
    assert "correct-horse-held" not in said
    assert "password=" not in said
