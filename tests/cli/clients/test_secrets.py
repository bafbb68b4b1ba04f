"""`nacd clients secrets` against a running daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nacd.server.control import OrderRefused

OLD = {"source": "10.0.0.4", "comes_with": "secret", "answers_with": "", "old_at": 1_795_000_000.0, "next_at": 0.0}
NEW = {
    "source": "10.0.0.5",
    "comes_with": "next_secret",
    "answers_with": "next_secret",
    "old_at": 1_795_000_000.0,
    "next_at": 1_795_000_060.0,
}
CLIENT = {
    "name": "campus",
    "networks": ["10.0.0.0/24"],
    "requests": True,
    "dynauth": True,
    "since": 1_794_999_000.0,
    "seen": 2,
    "old": 1,
    "old_at": 1_795_000_000.0,
    "addresses": [OLD, NEW],
}
DONE = CLIENT | {"name": "plant", "seen": 9, "old": 0, "addresses": [NEW]}
SILENT = CLIENT | {"name": "far", "seen": 0, "old": 0, "old_at": 0.0, "addresses": []}
ANSWERS = {"": [CLIENT, DONE, SILENT], "plant": [DONE], "none": []}


async def _secrets(wanted: Any) -> Any:
    if wanted["nas"] not in ANSWERS:
        raise OrderRefused("there is no NAS `nobody`")
    return {"clients": ANSWERS[wanted["nas"]], "forgotten": 3 if not wanted["nas"] else 0}


@pytest.fixture
def state(door: Any) -> Any:
    return door({"clients.secrets": _secrets})


def test_each_nas_has_a_sentence_and_its_addresses(nacd: Any, state: Path) -> None:
    done = nacd("clients", "secrets", "--state", state)
    assert done.exit_code == 1
    for words in (
        "campus: 1 of 2 addresses seen since 2026-11-18T",
        "still use `secret`",
        "plant: none of 9 addresses seen since",
        "uses `secret`, and `secret` was used last 2026-11-18T",
        "it can be taken away",
        "8 more are not shown",
        "far: nothing was heard of it since",
        "3 addresses had to make room",
    ):
        assert words in done.output
    rows = [line.split() for line in done.output.splitlines() if line.startswith("10.0.0.")]
    assert [(row[0], row[1]) for row in rows[:2]] == [("10.0.0.4", "secret"), ("10.0.0.5", "next_secret")]
    assert rows[0][3:] == ["never", "-"]


def test_the_exit_code_says_whether_somebody_still_uses_the_old_one(nacd: Any, state: Path) -> None:
    assert nacd("clients", "secrets", "--nas", "plant", "--state", state).exit_code == 0
    done = nacd("clients", "secrets", "--nas", "none", "--state", state)
    assert (done.exit_code, "no NAS has two secrets" in done.output) == (0, True)
    assert nacd("clients", "secrets", "--nas", "nobody", "--state", state).exit_code == 2


def test_json_is_for_machines(nacd: Any, state: Path) -> None:
    done = nacd("clients", "secrets", "--nas", "plant", "--json", "--state", state)
    assert json.loads(done.output[done.output.index("{") :]) == {"clients": [DONE], "forgotten": 0}


def test_without_a_daemon_it_exits_with_three(nacd: Any, tmp_path: Path) -> None:
    assert nacd("clients", "secrets", "--state", tmp_path).exit_code == 3
