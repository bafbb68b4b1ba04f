"""What goes over the two pipes, and what becomes of a daemon that is gone."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from nacd.keeper.hosting import Queue
from nacd.keeper.pipe import Closed, Pipe, Retire, Status

WISH = Retire(file="audit-1.jsonl", first_seq=1, last_seq=9, last_link="ab" * 32, why="audit.keep.for: 1d")


class Daemon:
    """The other ends."""

    def __init__(self) -> None:
        hears, self.tells = os.pipe()
        self.listens, speaks = os.pipe()
        self.pipe = Pipe(hears, speaks)
        self.ours = [hears, speaks]
        self.theirs = [self.tells, self.listens]

    def heard(self) -> list[Any]:
        return [json.loads(line) for line in os.read(self.listens, 65_536).splitlines()]

    def tell(self, octets: bytes) -> None:
        os.write(self.tells, octets)

    def go(self) -> None:
        for each in self.theirs:
            os.close(each)
        self.theirs = []


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    one = Daemon()
    yield one
    one.go()
    for each in one.ours:
        os.close(each)


def test_each_word_is_one_line(daemon: Daemon) -> None:
    daemon.pipe.status(Status(waiting=3, queues=(Queue(destination="siem", waiting=7),)))
    daemon.pipe.say("audit.sealed", {"file": "f", "records": 3})
    daemon.pipe.warn("mind\nthis")
    status, said, warned = daemon.heard()
    assert status["status"]["waiting"] == 3
    assert status["status"]["queues"][0]["destination"] == "siem"
    assert said == {"say": "audit.sealed", "file": "f", "records": 3}
    assert warned == {"warn": "mind\nthis"}


def test_a_field_cannot_change_what_is_said(daemon: Daemon) -> None:
    daemon.pipe.say("audit.seal_failed", {"file": "f", "problem": "x", "say": "audit.sealed"})
    assert daemon.heard()[0]["say"] == "audit.seal_failed"


def test_texts_are_cut_to_what_the_daemon_takes(daemon: Daemon) -> None:
    daemon.pipe.warn("x" * 100_000)
    daemon.pipe.say("audit.seal_failed", {"problem": "y" * 100_000})
    assert all(len(json.dumps(line)) < 1_100 for line in daemon.heard())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(b'{"retired":"audit-1.jsonl"}\n', ""), (b'{"refused":"audit-1.jsonl","why":"no room"}\n', "no room")],
)
def test_a_wish_waits_for_its_answer(daemon: Daemon, answer: bytes, expected: str) -> None:
    given: list[str] = []
    asking = threading.Thread(target=lambda: given.append(daemon.pipe.retire(WISH, 10.0)))
    asking.start()
    assert daemon.heard() == [
        {"retire": {"file": "audit-1.jsonl", "first_seq": 1, "last_seq": 9, "last_link": "ab" * 32, "why": WISH.why}}
    ]
    for part in (b'{"retired":"another"}\nrubbish\n[]\n', answer[:9], answer[9:]):
        daemon.tell(part)
        daemon.pipe.hear(1.0)
    asking.join(10)
    assert given == [expected]


def test_a_wish_without_an_answer_ends_in_time(daemon: Daemon) -> None:
    assert daemon.pipe.retire(WISH, 0.05) == "the daemon does not answer"


def test_a_wish_ends_when_the_daemon_goes(daemon: Daemon) -> None:
    ended = threading.Event()

    def ask() -> None:
        try:
            daemon.pipe.retire(WISH, 60.0)
        except Closed:
            ended.set()

    asking = threading.Thread(target=ask)
    asking.start()
    daemon.heard()
    daemon.go()
    with pytest.raises(Closed):
        daemon.pipe.hear(1.0)
    assert ended.wait(10)
    asking.join(10)


def test_a_reload_is_heard_also_between_other_words(daemon: Daemon) -> None:
    assert daemon.pipe.hear(0.01) is False
    daemon.tell(b'{"retired":"x"}\n{"reload":true}\n{"refused":"y","why":"z"}\n')
    assert daemon.pipe.hear(1.0) is True


def test_nobody_is_there_to_be_told(daemon: Daemon) -> None:
    daemon.go()
    with pytest.raises(Closed):
        daemon.pipe.warn("hello")
    assert daemon.pipe.closed.is_set()


def test_a_line_without_an_end_takes_no_memory(daemon: Daemon) -> None:
    for _ in range(8):
        daemon.tell(b"x" * 60_000)
        daemon.pipe.hear(1.0)
    daemon.tell(b'\n{"reload":true}\n')
    assert daemon.pipe.hear(1.0) is True
