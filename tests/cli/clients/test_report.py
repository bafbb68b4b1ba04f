"""`nacd clients report` against a control socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROW = {
    "source": "10.0.0.4",
    "signed": 0,
    "eap": 0,
    "signed_at": 0.0,
    "unsigned_taken": 1_204,
    "unsigned_refused": 3,
    "unsigned_at": 1_795_000_000.0,
}
CLIENT = {
    "name": "campus",
    "rule": "auto",
    "verdict": "unsigned",
    "seen": 2,
    "signed": 0,
    "eap": 12_345,
    "unsigned": 1_207,
    "unsigned_at": 1_795_000_000.0,
    "addresses": [ROW],
}
SAFE = CLIENT | {"name": "plant", "verdict": "safe", "unsigned": 0, "unsigned_at": 0.0, "addresses": []}
SET = SAFE | {"name": "core", "rule": "require", "verdict": "required"}
ANSWERS = {"": [CLIENT, SAFE, SET], "campus": [CLIENT], "core": [SET]}


async def _report(wanted: Any) -> Any:
    assert wanted["days"] == 7
    everywhere = [] if wanted["nas"] else ["far"]
    return {"since": 1_794_000_000.0, "days": 7, "everywhere": everywhere, "clients": ANSWERS[wanted["nas"]]}


@pytest.fixture
def state(door: Any) -> Any:
    return door({"clients.report": _report})


def test_each_nas_has_a_row_that_says_what_to_do(nacd: Any, state: Path) -> None:
    done = nacd("clients", "report", "--state", state)
    assert done.exit_code == 1
    rows = {line.split()[0]: line for line in done.output.splitlines() if line.strip()}
    assert "turn Message-Authenticator on in the NAS" in rows["campus"]
    assert "1,207" in rows["campus"]
    assert "set `message_authenticator: require`" in rows["plant"]
    assert "never" in rows["plant"]
    assert "`require` is set" in rows["core"]
    assert "nothing unsigned for 7 days" in done.output
    assert "every address of far must sign" in done.output


def test_one_nas_is_shown_address_by_address(nacd: Any, state: Path) -> None:
    done = nacd("clients", "report", "--nas", "campus", "--state", state)
    assert "10.0.0.4" in done.output
    assert "1,204" in done.output
    assert "1 more are not shown" in done.output


def test_when_all_require_it_the_exit_code_is_0(nacd: Any, state: Path) -> None:
    done = nacd("clients", "report", "--nas", "core", "--json", "--state", state)
    assert done.exit_code == 0
    assert json.loads(done.output[done.output.index("{") :])["clients"] == [SET]
