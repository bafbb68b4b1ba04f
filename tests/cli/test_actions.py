"""`nacd actions` as systemd runs it: it starts, listens, ends at SIGTERM, and says why it does not start."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nacd.store.handover import Handover
from tests.actions.fixtures import simulated_microsoft, stage
from tests.actions.stage import LAPTOP, Stage, eventually

__all__ = ["simulated_microsoft", "stage"]

HOME = Path(__file__).parents[2]


@contextmanager
def started(stage: Stage) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "nacd", "actions", "--config", str(stage.config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=HOME) as running:
        try:
            assert running.stderr is not None
            said = [running.stderr.readline()]
            while "(warning)" in said[-1]:  # the test's own account is the sender, and owns the secret
                said.append(running.stderr.readline())
            assert said[-1] == f"listening on `{stage.socket}`\n"
            yield running
        finally:
            running.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(stage: Stage, number: signal.Signals) -> None:
    with started(stage) as running:
        assert Handover(stage.socket).ask("sync", LAPTOP, "intune") == ""
        eventually(lambda: len(stage.records()) == 2)
        running.send_signal(number)
        assert running.wait(30) == 0
        assert running.stderr is not None
        assert running.stderr.read() == "stopped: done 1\n"
    assert stage.done() == [("syncDevice", LAPTOP)]
    assert not stage.socket.exists()


def test_a_kill_leaves_a_memory_and_a_socket_that_the_next_one_takes_over(stage: Stage) -> None:
    with started(stage) as running:
        Handover(stage.socket).ask("sync", LAPTOP, "intune")
        eventually(lambda: len(stage.records()) == 2)
        running.kill()
        running.wait(30)
    with started(stage):
        Handover(stage.socket).ask("sync", LAPTOP, "intune")
        assert eventually(lambda: [r for r in stage.records() if r["code"] == "D0007I"])
    assert stage.done() == [("syncDevice", LAPTOP)]


def test_the_command_line_acts_while_the_service_runs(stage: Stage, nacd: Any) -> None:
    with started(stage):
        Handover(stage.socket).ask("sync", LAPTOP, "intune")
        assert nacd("device", "sync", LAPTOP, "--config", stage.config).exit_code == 0
        eventually(lambda: len(stage.records()) == 4)
    assert {record["by"] for record in stage.records()} == {"service", "command"}


def test_a_log_that_takes_nothing_does_not_end_the_service(stage: Stage) -> None:
    command = [sys.executable, "-m", "nacd", "actions", "--config", str(stage.write())]
    with Path("/dev/full").open("w") as full, subprocess.Popen(command, stderr=full, cwd=HOME) as running:
        try:
            # The socket has its name a moment before anybody listens there.
            eventually(lambda: running.poll() is not None or not Handover(stage.socket).ask("sync", LAPTOP, "intune"))
            assert running.poll() is None
            eventually(stage.done)  # it listens to signals before it listens to requests
            running.send_signal(signal.SIGTERM)
            assert running.wait(20) == 0
        finally:
            running.kill()


def test_a_check_starts_nothing(stage: Stage, nacd: Any) -> None:
    done = nacd("actions", "--check", "--config", stage.config)
    assert done.exit_code == 0
    assert "configuration is sound: 1 tenant(s)" in done.output
    assert not stage.socket.exists()
    assert not stage.audit.exists()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"service": None}, 1, "there is no `service` section"),
        ({"service__rate": "fast"}, 1, "a whole number is wanted here"),
        ({"intune__tenant": None}, 1, "`tenant` is missing"),
        ({"audit__file": "/proc/nowhere/audit.jsonl"}, 3, "cannot open `/proc/nowhere/audit.jsonl`"),
        ({"service__socket": "/proc/nowhere/s"}, 3, "cannot listen on `/proc/nowhere/s`"),
        ({"service__state": "/proc/nowhere"}, 3, "/proc/nowhere"),
        ({"service__group": "no-such-group"}, 3, "there is no group `no-such-group`"),
    ],
)
def test_what_keeps_it_from_starting_is_said(
    stage: Stage, nacd: Any, changes: dict[str, Any], code: int, words: str
) -> None:
    stage.write(**changes)
    done = nacd("actions", "--config", stage.config)
    assert done.exit_code == code
    assert words in done.output
    assert "not started" in done.output


def test_a_warning_does_not_keep_it_from_starting(stage: Stage, nacd: Any) -> None:
    stage.write(service__senders=[0])
    done = nacd("actions", "--check", "--config", stage.config)
    assert done.exit_code == 0
    assert "(warning)" in done.output
