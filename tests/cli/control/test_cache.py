"""`nacd cache` against a running daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nacd.server.control import OrderRefused

ENTRY = {
    "tenant": "intune",
    "key": "guid:2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954",
    "known": True,
    "state": "compliant",
    "source": "live",
    "provider": "nac",
    "detail": "",
    "as_of": 1_795_000_000.0,
    "age_s": 600.0,
    "grace_until": 0.0,
    "device": {"name": "LAPTOP\x1b[31m", "operating_system": "", "last_sync": 0.0},
    "fresh_for_s": 3000.0,
    "gone_in_s": 89_400.0,
}
STATUS = {
    "counts": {
        "hit": 7,
        "miss": 2,
        "stale": 1,
        "coalesced": 3,
        "late": 0,
        "unavailable": 0,
        "from_disk": 1,
        "asked": 2,
        "polled": 0,
        "limited": {"max_per_port": 4},
    },
    "verdicts": 2,
    "breaker": {"state": "open", "left_s": 12.0},
    "budget": {"logins_per_s": 25.0, "polling_per_s": 50.0},
    "line": {"waiting": 1, "under_way": 2, "polls_waiting": 0},
    "live": {"devices": 22, "oldest_s": 40.0},
    "too_slow": ["tenant `intune`: 22 devices cannot be asked about every 10 s"],
    "bulk": {"last": "3 devices noncompliant"},
    "disk": {"problem": ""},
}


async def _show(wanted: Any) -> Any:
    if wanted["device"] == "unknown":
        return [{"tenant": "intune", "key": "guid:x", "known": False}]
    if wanted["device"] == "odd":
        raise OrderRefused("`odd` is neither")
    if wanted["device"].startswith("bad"):
        raise OrderRefused(f"`{wanted['device']}` is no device")
    return [ENTRY]


async def _refresh(wanted: Any) -> Any:
    state = "unavailable" if wanted["device"] == "down" else "noncompliant"
    answer = {name: value for name, value in ENTRY.items() if name not in ("tenant", "key", "known")}
    return [{"tenant": "intune", "key": ENTRY["key"], "answer": {**answer, "state": state}}]


async def _status(wanted: Any) -> Any:
    return {"intune": STATUS}


@pytest.fixture
def state(door: Any) -> Any:
    return door({"cache.show": _show, "cache.refresh": _refresh, "cache.status": _status})


def test_a_verdict_is_shown_with_age_source_and_how_long_it_counts(nacd: Any, state: Path) -> None:
    done = nacd("cache", "show", "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954", "--state", state)
    assert done.exit_code == 0
    assert "guid:2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954  tenant intune  compliant" in done.output
    assert "(10 min old), source live, by nac" in done.output
    assert "fresh for 50 min, forgotten in 25 h" in done.output
    assert "name LAPTOP?[31m" in done.output  # what an owner calls a device must not steer the terminal


def test_what_is_not_known_exits_with_one(nacd: Any, state: Path) -> None:
    done = nacd("cache", "show", "unknown", "--state", state)
    assert (done.exit_code, "nothing known" in done.output) == (1, True)


def test_a_device_that_is_none_exits_with_two(nacd: Any, state: Path) -> None:
    done = nacd("cache", "show", "odd", "--state", state)
    assert (done.exit_code, "`odd` is neither" in done.output) == (2, True)


def test_refresh_tells_what_intune_says_now_and_fails_when_it_says_nothing(nacd: Any, state: Path) -> None:
    done = nacd("cache", "refresh", "any", "--state", state)
    assert (done.exit_code, "noncompliant" in done.output) == (0, True)
    assert nacd("cache", "refresh", "down", "--state", state).exit_code == 1


def test_status_says_how_asking_goes(nacd: Any, state: Path) -> None:
    done = nacd("cache", "status", "--state", state)
    assert done.exit_code == 0
    for words in (
        "hit 7  miss 2  stale 1  coalesced 3  late 0",
        "open, probe in 12 s",
        "logins 25/s, polling 50/s",
        "1 wait, 2 under way",
        "22 devices, the longest unasked for 40 s",
        "max_per_port 4",
        "cannot be asked about every 10 s",
    ):
        assert words in done.output


def test_json_is_for_machines(nacd: Any, state: Path) -> None:
    done = nacd("cache", "status", "--json", "--state", state)
    assert json.loads(done.output[done.output.index("{") :]) == {"intune": STATUS}  # log lines may go before it


def test_without_a_daemon_it_exits_with_three(nacd: Any, tmp_path: Path) -> None:
    done = nacd("cache", "show", "--state", tmp_path)
    assert (done.exit_code, "no daemon runs on" in done.output) == (3, True)


def test_json_and_refusals_hold_nothing_that_a_terminal_obeys(state: Path, nacd: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(ENTRY["device"], "name", "LAPTOP\x9b31m\u202e")
    done = nacd("cache", "show", "--json", "--state", state)
    written = done.output[done.output.index("[\n") :]  # the daemon of this test writes its log before it
    assert json.loads(written)[0]["device"]["name"] == "LAPTOP\x9b31m\u202e"
    assert written.replace("\n", "").isprintable()
    refused = nacd("cache", "show", "bad\x9bname", "--state", state)
    assert (refused.exit_code, "`bad?name` is no device" in refused.output) == (2, True)
