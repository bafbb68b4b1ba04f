"""`nacd clients forget` against a control socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ASKED: list[tuple[str, str]] = []


async def _forget(wanted: Any) -> Any:
    ASKED.append((wanted["nas"], wanted["source"]))
    return {"forgotten": 1 if wanted["source"] else 3}


@pytest.fixture
def state(door: Any) -> Any:
    return door({"clients.forget": _forget})


def test_a_nas_is_forgotten_whole_or_by_one_address(nacd: Any, state: Path) -> None:
    ASKED.clear()
    whole = nacd("clients", "forget", "campus", "--state", state)
    one = nacd("clients", "forget", "campus", "--address", "10.0.0.4", "--state", state)
    assert (whole.exit_code, one.exit_code) == (0, 0)
    assert "campus: 3 addresses forgotten" in whole.output
    assert "campus: 1 address forgotten" in one.output
    assert ASKED == [("campus", ""), ("campus", "10.0.0.4")]
