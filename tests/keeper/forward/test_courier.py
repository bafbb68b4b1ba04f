"""One destination over time: what it asked for, what is said when it is away, and that a crash loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.keeper.forward.cursor import Cursor
from tests.keeper.forward.lab import HOME, Pki, Sink, Trail, free_port, pack, serving, until


def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit" / "forward"


def test_a_destination_gets_what_it_asked_for_and_every_checkpoint(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], tmp_path: Path
) -> None:
    trail.grow(5)
    trail.grow(5, event="access.reject", code="A1002I")
    trail.grow(5, event="access.eap_failed", code="A1003W")
    trail.grow(5, event="session.ended", code="A4007I")
    trail.checkpoint()
    with serving(courier(to(sink.url, events=("access.*",), min_severity="warning"))):
        until(lambda: trail.seq in sink.seqs)
        until(lambda: (Cursor(folder(tmp_path), "siem").read().place or (0,))[-1] == trail.seq)
    assert sink.seqs == [12, 13, 14, 15, 16, trail.seq]


def test_it_goes_on_where_it_was_after_a_restart(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    for _ in range(3):
        trail.grow(40)
        with serving(courier(to(sink.url))):
            until(lambda: set(sink.seqs) == set(range(1, trail.seq + 1)))
        trail.turn_over()
    assert max(Counter(sink.seqs).values()) == 1


def test_a_destination_that_is_away_is_said_once_and_that_it_is_back_with_how_many_waited(
    trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any, pki: Pki
) -> None:
    away = Sink(pki.server)
    away.answers += [500] * 12
    trail.grow(30)
    try:
        with serving(courier(to(away.url, down_after="1s"))):
            until(lambda: said.of("forward.resumed"))
            until(lambda: trail.seq in away.seqs)
    finally:
        away.close()
    assert [name for name, _ in said] == ["forward.down", "forward.resumed"]
    down, resumed = said.of("forward.down")[0], said.of("forward.resumed")[0]
    assert down["waiting"] == trail.seq
    assert "status 500" in down["problem"]
    assert resumed["waiting"] == trail.seq
    assert resumed["down_s"] >= 1


def test_a_restart_while_a_destination_is_away_does_not_say_it_again_but_that_it_is_back(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any
) -> None:
    sink.judge = lambda _post: 500
    with serving(courier(to(sink.url, down_after="1s"))):
        until(lambda: said.of("forward.down"))
    with serving(courier(to(sink.url, down_after="1s"))):
        until(lambda: len(sink.posts) > 12)
        sink.judge = lambda _post: 200
        until(lambda: said.of("forward.resumed"))
    assert [name for name, _ in said] == ["forward.down", "forward.resumed"]


def test_records_that_were_retired_unsent_are_counted_exactly_and_once(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any
) -> None:
    trail.grow(9)
    one = courier(to(sink.url))
    with serving(one):
        until(lambda: len(sink.seqs) == 10)
        until(lambda: one.standing().kept.place and one.standing().kept.place.seq == 10)
    trail.grow(10)
    gone = trail.turn_over()
    trail.grow(4)
    gone.unlink()
    sink.answers += [500, 500, 500]
    again = courier(to(sink.url))
    with serving(again):
        until(lambda: trail.seq in sink.seqs)
    assert said.of("forward.lost") == [
        {
            "destination": "siem",
            "problem": "they were deleted before they were sent, or never were in the trail",
            "lost": 10,
            "first_seq": 11,
            "last_seq": 20,
        }
    ]
    assert again.standing().kept.lost == 10


@pytest.mark.parametrize("how", ["damaged", "ahead", "foreign"])
def test_a_cursor_that_does_not_fit_is_said_and_everything_is_sent(
    how: str, sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any, tmp_path: Path
) -> None:
    trail.grow(20)
    with serving(courier(to(sink.url))):
        until(lambda: len(sink.seqs) == 21)
    cursor = Cursor(folder(tmp_path), "siem")
    kept = cursor.read()
    text = cursor.path.read_text()
    assert kept.place is not None
    changed = {
        "damaged": text[:50],
        "ahead": text.replace('"seq":21', '"seq":2100'),
        "foreign": text.replace(trail.made.writer, "f" * 16),
    }[how]
    assert changed != text
    cursor.path.write_text(changed)
    sink.answers += [500, 500]
    with serving(courier(to(sink.url, start="now"))):
        until(lambda: len(sink.seqs) == 42)
    (anew,) = said.of("forward.begun_anew")
    assert anew["seq"] == (0 if how == "damaged" else 1)
    assert not said.of("forward.lost")


def test_lines_that_are_no_records_are_said_once_however_often_they_are_come_by(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any
) -> None:
    trail.raw(b"no record at all\n")
    trail.grow(3)
    sink.answers += [500, 500, 500]
    with serving(courier(to(sink.url))):
        until(lambda: trail.seq in sink.seqs)
    assert said == [("forward.set_aside", {"destination": "siem", "problem": "a line is no record", "seq": 0})]


def test_files_turned_over_and_compressed_under_way_lose_nothing(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any
) -> None:
    with serving(courier(to(sink.url, batch={"records": 20}))):
        for _ in range(6):
            trail.grow(150)
            pack(trail.turn_over())
        until(lambda: set(sink.seqs) == set(range(1, trail.seq + 1)))
    assert said == []


def test_no_more_than_the_pace_goes_within_a_second(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    trail.grow(2_000)
    now = [50.0]
    one = courier(to(sink.url, pace=100), monotonic=lambda: now[0])
    waits = [one.round() for _ in range(5)]
    assert len(sink.seqs) == 100
    assert waits[-1] > 0
    now[0] += 0.5
    one.round()
    assert len(sink.seqs) == 150


_KEEPER = """
import sys, json
from pathlib import Path
from nacd.config.fields import Surroundings
from nacd.config.sections.audit.forwarding import Destination
from nacd.keeper.forward.building import door
from nacd.keeper.forward.courier import Courier
keys, live, folder = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
to = Destination.model_validate(keys, context=Surroundings(folder=folder, environment={}))
Courier(to, live=live, folder=folder, door=door(to), say=lambda *_: None, version="1").run()
"""


@pytest.mark.slow
def test_a_keeper_that_is_killed_in_the_middle_of_batches_loses_nothing(
    sink: Sink, trail: Trail, tmp_path: Path, pki: Pki
) -> None:
    import json

    trail.grow(3_000)
    keys = {"name": "siem", "url": sink.url, "ca_file": str(pki.ca), "batch": {"records": 50}, "pace": 2_000}
    words = [sys.executable, "-c", _KEEPER, json.dumps(keys), str(trail.live), str(tmp_path / "cursors")]
    (tmp_path / "cursors").mkdir()
    for target in (600, 1_300, 2_000):
        running = subprocess.Popen(words, cwd=HOME)
        until(lambda: len(set(sink.seqs)) > target, 60)  # noqa: B023
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    running = subprocess.Popen(words, cwd=HOME)
    try:
        until(lambda: set(sink.seqs) == set(range(1, trail.seq + 1)), 60)
    finally:
        running.kill()
        running.wait()


def test_a_state_folder_that_cannot_be_written_is_a_problem_and_sending_goes_on(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "audit").write_text("a file in the way")
    one = courier(to(sink.url))
    trail.grow(5)
    with serving(one):
        until(lambda: trail.seq in sink.seqs)
        until(lambda: "cannot be written" in one.standing().kept.problem)


def test_nobody_there_is_told_in_words(trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]) -> None:
    one = courier(to(f"syslog+tcp://127.0.0.1:{free_port()}"))
    assert one.round() > 0
    assert "refuses the connection" in one.standing().kept.problem


def test_a_bug_with_one_destination_is_its_problem_and_does_not_end_its_thread(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    trail.grow(3)
    sound = to(sink.url)
    broken = sound.http.model_copy(update={"headers": {"X-Site": "north \u2013 south"}})  # the config refuses it
    one = courier(sound.model_copy(update={"http": broken}))
    with serving(one):
        until(lambda: "UnicodeEncodeError" in one.standing().kept.problem)


def test_what_says_that_a_record_was_passed_over_is_never_said_to_be_passed_over_itself(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], said: Any
) -> None:
    sink.judge = lambda post: 400 if b"set_aside" in post.body or b"session.ended" in post.body else 200
    trail.grow(1, event="session.ended", code="A4007I")
    with serving(courier(to(sink.url, http={"body": "ndjson"}))):
        for _ in range(4):
            trail.grow(1)
            until(lambda: trail.seq in sink.seqs)
            trail.grow(1, event="forward.set_aside", code="A9143W")
        trail.grow(1)
        until(lambda: trail.seq in sink.seqs)
    assert [name for name, _ in said] == ["forward.set_aside"]


def test_a_destination_that_always_lags_a_little_is_not_behind_since_it_began_to(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any]
) -> None:
    now = [0.0]
    one = courier(to(sink.url, batch={"records": 1}), wall=lambda: now[0], monotonic=lambda: now[0])
    trail.grow(4)
    ages = []
    for _ in range(50):
        trail.grow(1)  # as one goes, so there are always as many that wait
        now[0] += 11.0
        one.round()
        ages.append(now[0] - one.standing().oldest_waiting_at)
    assert max(sink.seqs) < trail.seq
    assert 22 <= ages[-1] <= max(ages) <= 66


def test_a_checkpoint_that_the_disk_does_not_get_is_a_problem_until_it_has_it(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], tmp_path: Path
) -> None:
    state, ahead = tmp_path / "state" / "audit", [0.0]
    told = {"writer": trail.made.writer, "link": "ab" * 32, "file": str(trail.live), "octets": 1, "key": ""}
    state.mkdir(parents=True)
    (state / "head.json").write_text(json.dumps({**told, "seq": 1}))
    trail.checkpoint()
    trail.grow(3)
    one = courier(to(sink.url), head=state, monotonic=lambda: time.monotonic() + ahead[0])
    for _ in range(3):
        one.round()
    assert (sink.seqs, one.standing().kept.problem) == ([1], "")
    ahead[0] = 100.0
    one.round()
    assert one.standing().kept.problem == "checkpoint 2 waits: `head.json` does not tell that the disk has it"
    (state / "head.json").write_text(json.dumps({**told, "seq": 2}))
    one.round()
    one.round()
    assert (sink.seqs, one.standing().kept.problem) == ([1, 2, 3, 4, 5], "")


def test_what_was_taken_before_a_record_that_is_waited_for_is_not_sent_again_at_every_try(
    sink: Sink, trail: Trail, to: Callable[..., Any], courier: Callable[..., Any], tmp_path: Path
) -> None:
    trail.grow(20)
    trail.grow(1, event="session.ended", code="A4007I")
    trail.grow(5)
    sink.judge = lambda post: 400 if b"session.ended" in post.body else 200
    one = courier(to(sink.url, when_refused="wait"))
    for _ in range(5):
        one.round()
    assert sink.seqs == list(range(1, 22))
    assert one.standing().kept.place.seq == 21
    sink.judge = lambda _post: 200
    one.round()
    assert sink.seqs == list(range(1, trail.seq + 1))
