"""The benchmark works from end to end: both servers, every case, a page, nothing left behind. No speed is asserted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.session_page import judge_sessions
from tests.bench.verdict_page import judge_quick_page

HOME = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.peer, pytest.mark.slow]


@pytest.fixture
def bench(tmp_path: Path, peer: Callable[[str], Any]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``bench("--quick", ...)``: one that keeps its temporary files here and is ended with the test."""
    peer("freeradius")
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        running = subprocess.Popen(
            [sys.executable, "-m", "tools.bench", *words],
            cwd=HOME,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(running)
        return running

    yield start
    for each in started:
        if each.poll() is None:
            each.terminate()
            each.wait(20)
        if each.stdout is not None:
            each.stdout.close()


def mentioning(folder: Path) -> list[str]:
    """Command lines of the processes that were started for this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(folder) in line and ("serve" in line or "freeradius" in line):
                found.append(line)
    return found


def test_a_quick_run_measures_every_case_writes_the_page_and_leaves_nothing_behind(
    bench: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    running = bench("--quick", "--record", str(page))
    said, _ = running.communicate(timeout=420)
    assert running.returncode == 0, said
    text = page.read_text(encoding="utf-8")
    costs = re.findall(r"^\| ([^|]*) \| ([^|]+) \| [\d.]+ \| [\d.]+ \| [\d.]+ \| ([\d.]*) \|$", text, re.MULTILINE)
    cases = [case for case, _, _ in costs if case]
    assert cases[:3] == [
        "MAB, cached verdict, rule 190 of 200",
        "MAB, never seen before, by rule 186",
        "accounting, a line before the answer",
    ]
    recorded = "accounting, in the session database first, "
    assert cases[7:] == [f"{recorded}64 under way", f"{recorded}8 under way"]
    assert [case.rpartition("TLS ")[2] for case in cases[3:7]] == [
        "1.2, P-256",
        "1.3, P-256",
        "1.2, RSA-2048",
        "1.3, RSA-2048",
    ]
    for case, side, ratio in costs:
        # nacd opens each case and is compared with all that follow
        assert (side == "nacd") == bool(case) == (not ratio), (case, side, ratio)
    latencies = re.findall(r"^\| (?:MAB|EAP-TLS 1.3, P-256) \| \S.*\| (?:25|50|75)% \|", text, re.MULTILINE)
    assert len(latencies) == 12
    assert len(re.findall(r"^\| a conversation .*(?:MiB|KiB) \|$", text, re.MULTILINE)) == 4
    assert len(re.findall(r"target [\d.]+: (?:reached|missed)", text)) == 19
    judge_quick_page(text)
    judge_sessions(text)
    assert mentioning(tmp_path) == []
    assert [each.name for each in tmp_path.iterdir()] == ["page.md"]


def test_a_run_that_is_told_to_stop_takes_its_servers_with_it(
    bench: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    running = bench("--only", "accounting", "--rounds", "1000")
    deadline = time.monotonic() + 60.0
    while len(mentioning(tmp_path)) < 2:
        assert running.poll() is None, running.communicate()[0]
        assert time.monotonic() < deadline, mentioning(tmp_path)
        time.sleep(0.05)
    running.send_signal(signal.SIGTERM)
    running.wait(40)
    assert mentioning(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
