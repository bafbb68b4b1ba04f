"""The daemon is killed in the middle of a write, again and again: what was said to be stored is there."""

from __future__ import annotations

import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Phase, Session
from nacd.store.sessions import SessionStore
from tests.store.live import stage

pytestmark = pytest.mark.slow

CHILD = """
import os, sys
from pathlib import Path
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import AccountingKind
from nacd.store.sessions import SessionStore
from tests.store.live import stage

store = SessionStore(
    Path(sys.argv[1]), apply=apply, tie=tie, report=lambda sentence: os.write(1, f"said {sentence}\\n".encode())
)
number = int(sys.argv[2])

def told(word, number, future):
    done = future.result()
    if done.stored:
        os.write(1, f"{word} {number} {done.session.id}\\n".encode())

while True:
    number += 1
    begin = stage.NOW + number
    steps = [("authorized", stage.authorized(number, at=begin))]
    steps.append(("live", stage.accounted(number, AccountingKind.START, at=begin + 1)))
    if number % 2:
        steps.append(("ended", stage.accounted(number, AccountingKind.STOP, at=begin + 60)))
    for word, change in steps:
        future = store.submit(change)
        future.add_done_callback(lambda future, word=word, number=number: told(word, number, future))
    if number % 40 == 0:
        future.result()
"""

ORDER = {"authorized": 0, "live": 1, "ended": 2}


def test_whatever_was_said_to_be_stored_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    chance = random.Random(20)
    file = tmp_path / "sessions.sqlite"
    stored: dict[int, tuple[int, str]] = {}
    number = 0
    for _ in range(8):
        words = [sys.executable, "-c", CHILD, str(file), str(number)]
        child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(chance.randrange(1, 2_000))]
        child.kill()
        lines += child.stdout.readlines()
        child.stdout.close()
        child.wait(stage.PATIENCE_S)
        for line in lines:
            if not line.endswith("\n"):
                continue  # killed in the middle of the word
            word, of, id_ = line.split()
            assert word in ORDER, line
            number = max(number, int(of))
            stored[int(of)] = (int(id_), word)
        number += 10_000  # more than it can have submitted without saying
        with closing(SessionStore(file, apply=apply, tie=tie, report=pytest.fail)) as store:
            lost = [each for each, (id_, word) in stored.items() if not is_at_least(store, each, id_, word)]
            assert lost == []
            counts = store.counts()
            assert sum(counts[phase] for phase in Phase) >= len(stored)
    assert len(stored) > 500


def is_at_least(store: SessionStore, number: int, id_: int, word: str) -> bool:
    found = store.session(id_)
    if not isinstance(found, Session) or found.names.token != stage.token(number):
        return False
    return ORDER[found.phase] >= ORDER[word]


def test_a_record_whose_answer_was_lost_in_the_crash_is_stored_once(tmp_path: Path) -> None:
    """What the NAS sends again after the restart is the same session, in the same phase."""
    file = tmp_path / "sessions.sqlite"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(file), "0"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(300):
        child.stdout.readline()
    child.kill()
    child.stdout.close()
    child.wait(stage.PATIENCE_S)
    with closing(SessionStore(file, apply=apply, tie=tie, report=pytest.fail)) as store:
        before = store.counts()
        open_ = [each for each in range(1, 100) if store.by_acct_session_id("sw-1", f"A{each}")]
        futures = [
            store.submit(stage.accounted(each, stage.AccountingKind.START, at=stage.NOW + each + 1)) for each in open_
        ]
        done = [future.result(stage.PATIENCE_S) for future in futures]
        assert len(done) > 20
        assert all(each.stored and not each.changed for each in done)
        assert store.counts() == before
