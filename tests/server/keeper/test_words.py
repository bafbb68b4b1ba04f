"""What the keeper may say, to the letter; nothing else is believed."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.audit.catalogue import EVENTS
from nacd.keeper import pipe
from nacd.keeper.hosting import Queue
from nacd.server.keeper import words
from nacd.server.keeper.words import BadWord, Retire, Said, Status, Warned, heard
from nacd.values import Instant

NOW = Instant(wall=1_800_000_000.0, monotonic=0.0)
SEALED = {"say": "audit.sealed", "file": "f", "records": 3, "octets": 9, "packed_octets": 4, "sha256": "ab"}
STATUS: dict[str, Any] = {
    "waiting": 1,
    "oldest_waiting_s": 2.5,
    "files": 3,
    "octets": 4,
    "sealed": 5,
    "retired": 6,
    "problem": "",
    "queues": [],
}


def said(told: object) -> Any:
    return heard(json.dumps(told).encode())


def test_everything_that_the_keeper_says_is_understood() -> None:
    hears, speaks = os.pipe()
    one = pipe.Pipe(hears, speaks)
    queue = Queue(destination="siem", waiting=2, oldest_s=1.5, sent=3, lost=4, problem="slow")
    one.status(pipe.Status(waiting=1, oldest_waiting_s=2.0, problem="p", queues=(queue,)))
    one.warn("a warning")
    one.retire(pipe.Retire(file="f", first_seq=1, last_seq=2, last_link="ab", why="old"), 0.01)
    status, warned, retire = (heard(line) for line in os.read(hears, 65_536).splitlines())
    for each in (hears, speaks):
        os.close(each)
    assert isinstance(status, Status)
    assert (status.waiting, status.problem, status.queues[0].oldest_s) == (1, "p", 1.5)
    assert warned == Warned(text="a warning")
    assert retire == Retire(file="f", first_seq=1, last_seq=2, last_link="ab", why="old")


@pytest.mark.parametrize("name", list(words.SAYINGS))
def test_each_saying_is_a_record_of_the_table(name: str) -> None:
    usual: dict[type, Any] = {str: "x", int: 3, float: 1.5, list: ["x"]}
    told = {field: usual[kind] for field, kind in words.SAYINGS[name].fields.items()}
    one = said({"say": name, **told})
    assert isinstance(one, Said)
    event = one.event(NOW)
    assert EVENTS[event.code].name == name


@pytest.mark.parametrize(
    "told",
    [
        [],
        3,
        "status",
        {},
        {"shout": "x"},
        {"warn": 3},
        {"warn": "x" * 2_001},
        {"warn": "x", "status": STATUS},
        {"say": "access.accept", "why": "because"},
        {"say": 3},
        {"say": ["audit.sealed"]},
        {k: v for k, v in SEALED.items() if k != "file"},
        {**SEALED, "more": 1},
        {**SEALED, "records": -1},
        {**SEALED, "records": True},
        {**SEALED, "records": 1.5},
        {**SEALED, "records": "3"},
        {**SEALED, "records": 1 << 62},
        {**SEALED, "file": None},
        {"say": "audit.strange_files", "names": ["x"] * 65, "count": 65},
        {"say": "audit.strange_files", "names": [3], "count": 1},
        {"status": {}},
        {"status": {**STATUS, "queues": {}}},
        {"status": {**STATUS, "waiting": None}},
        {"status": {**STATUS, "oldest_waiting_s": "long"}},
        {"status": {**STATUS, "queues": [{}] * 65}},
        {"status": {**STATUS, "queues": [{"destination": "x"}]}},
        {"retire": {"file": "f"}},
        {"retire": {"file": "f", "first_seq": 1, "last_seq": "2", "last_link": "", "why": ""}},
    ],
)
def test_what_is_of_another_shape_is_refused(told: object) -> None:
    with pytest.raises(BadWord):
        said(told)


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"{", b"\xff\xfe", b"{" * 60_000, b'"' + b"x" * 70_000 + b'"', b'{"warn":NaN}']
)
def test_what_is_no_json_is_refused(line: bytes) -> None:
    with pytest.raises(BadWord):
        heard(line)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["status", "say", "warn", "retire", "queues", "file"]), inner)
        ),
        max_leaves=8,
    )
)
def test_nothing_else_is_raised_whatever_it_says(told: object) -> None:
    try:
        line = json.dumps(told).encode()
        heard(line)
    except BadWord:
        return


def test_a_terminal_obeys_nothing_that_it_says() -> None:
    assert said({"warn": "\x1b]0;x\x07\nred"}) == Warned(text="?]0;x??red")


def test_what_the_daemon_answers_is_understood_by_the_keeper() -> None:
    assert json.loads(words.reload()) == {"reload": True}
    assert json.loads(words.retired("f")) == {"retired": "f"}
    assert json.loads(words.refused("f", "no room")) == {"refused": "f", "why": "no room"}
