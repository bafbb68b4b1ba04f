"""The keeper as the daemon runs it, with a destination: records arrive, and the daemon understands what is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nacd.server.keeper import words
from nacd.values import Instant
from tests.keeper.forward.lab import HOME, Pki, Sink, Trail, until


def _config(tmp_path: Path, trail: Trail, sink: Sink, pki: Pki) -> Path:
    config = tmp_path / "nacd.yaml"
    config.write_text(
        f"state: {tmp_path / 'state'}\naudit:\n  file: {trail.live}\n  forward:\n"
        f"    - {{name: siem, url: '{sink.url}', ca_file: '{pki.ca}', timeout: 2s, down_after: 1s}}\n"
        "policy: policy.yaml\nserver: {}\nclients: []\n"
    )
    (tmp_path / "state").mkdir(exist_ok=True)
    return config


@pytest.mark.slow
def test_the_keeper_forwards_outlives_a_kill_and_is_understood(
    tmp_path: Path, trail: Trail, sink: Sink, pki: Pki
) -> None:
    command = [sys.executable, "-m", "nacd", "keeper", "-c", str(_config(tmp_path, trail, sink, pki))]
    trail.grow(200)
    sink.answers += [500] * 3
    said = (tmp_path / "said").open("wb")
    for _ in range(2):
        running = subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE, stdout=said)
        until(lambda: set(sink.seqs) == set(range(1, trail.seq + 1)), 30)
        until(lambda: b"forward.resumed" in (tmp_path / "said").read_bytes())
        running.kill()
        running.wait()
        assert running.stdin is not None
        running.stdin.close()
        trail.grow(100)
    said.close()
    heard = [words.heard(line) for line in (tmp_path / "said").read_bytes().splitlines()]
    told = [each.event(Instant(wall=1.0, monotonic=1.0)).code for each in heard if isinstance(each, words.Said)]
    assert told == ["A9140W", "A9141I"]
    assert any(isinstance(each, words.Status) and each.queues[0].destination == "siem" for each in heard)
