"""The daemon is killed in the middle of a write, again and again: what was said to be kept is there."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from nacd.store import verdict_rows
from nacd.store.verdicts import NOTHING, VerdictStore
from nacd.values import Compliance, ComplianceSource, ComplianceState

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0
START = 1_700_000_000.0

CHILD = """
import os, sys
from pathlib import Path
from nacd.compliance.bulk_plan import BulkWindow
from nacd.store.verdicts import VerdictStore
from nacd.values import Compliance, ComplianceSource, ComplianceState

store = VerdictStore(Path(sys.argv[1]), report=lambda sentence: os.write(1, f"said {sentence}\\n".encode()))
step = int(sys.argv[2])
def told(key, step, future):
    if future.result():
        os.write(1, f"kept {key} {step}\\n".encode())
while True:
    step += 1
    key = f"guid:{step * 7919 % 5000}"
    made = Compliance(
        state=ComplianceState.COMPLIANT, as_of=1_700_000_000.0 + step, source=ComplianceSource.LIVE, detail="x" * 80
    )
    future = store.put("campus", key, made)
    future.add_done_callback(lambda future, key=key, step=step: told(key, step, future))
    if step % 100 == 0:
        future.result()
        if store.keep_bulk_window("campus", BulkWindow(opened_at=float(step))):
            os.write(1, f"window - {step}\\n".encode())
"""


def test_whatever_was_said_to_be_kept_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    chance = random.Random(20)
    file = tmp_path / "verdicts.sqlite"
    kept: dict[str, int] = {}
    window = step = 0
    for _ in range(8):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(file), str(step)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(chance.randrange(1, 3_000))]
        child.kill()
        lines += child.stdout.readlines()
        child.stdout.close()
        child.wait(PATIENCE_S)
        for line in lines:
            if not line.endswith("\n"):
                continue  # killed in the middle of the word
            word, key, number = line.split()
            assert word in {"kept", "window"}, line
            step = max(step, int(number))
            if word == "kept":
                kept[key] = max(kept.get(key, 0), int(number))
            else:
                window = int(number)
        step += 10_000  # more than it can have put without saying
        with closing(VerdictStore(file, report=pytest.fail)) as store:
            found = {key: store.find("campus", key) for key in kept}
            assert store.bulk_window("campus").opened_at >= window
            assert [key for key, number in kept.items() if not is_at_least(found[key], number)] == []
    assert len(kept) > 1_000
    assert window > 0


def is_at_least(found: object, step: int) -> bool:
    return isinstance(found, Compliance) and found.as_of >= START + step


def test_two_hundred_thousand_verdicts_open_without_being_read(tmp_path: Path) -> None:
    """What opening costs does not grow with the rows: it reads some pages of the file, not all."""
    file = tmp_path / "verdicts.sqlite"
    count = 200_000
    keys = [f"guid:{uuid.UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)}" for number in range(count)]
    made = Compliance(state=ComplianceState.COMPLIANT, as_of=START, source=ComplianceSource.LIVE, provider="nac")
    VerdictStore(file, report=pytest.fail).close()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(verdict_rows.PUT, (verdict_rows.row("campus", key, made, START) for key in keys))
    read_before = octets_read()
    started = monotonic()
    with closing(VerdictStore(file, report=pytest.fail)) as store:
        assert store.find("campus", keys[count // 2]) == made
        read = octets_read() - read_before
        print(f"opened and answered in {(monotonic() - started) * 1e3:.1f} ms, {read} octets read")
        assert read < file.stat().st_size / 20
        assert store.count() == count
        assert store.find("campus", "guid:none") is NOTHING


def octets_read() -> int:
    """What this process has read by system calls since it began."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar:"))
