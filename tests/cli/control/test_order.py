"""Orders to the running daemon: one line each way, and words when nobody listens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from nacd.cli.control.order import NobodyListens, OrderFailed, give
from nacd.server.control import SOCKET_NAME, Control, OrderRefused


async def _echo(wanted: Any) -> Any:
    if "say" not in wanted:
        raise OrderRefused("say what")
    return wanted["say"]


@pytest.fixture
def state(door: Any) -> Any:
    """A state folder whose daemon knows one order."""
    return door({"echo": _echo})


def test_an_order_is_answered(state: Path) -> None:
    assert give(state, "echo", say=["a", 1]) == ["a", 1]


def test_a_state_folder_whose_path_no_address_has_room_for_has_its_door_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 100)
    folder.mkdir()

    async def story() -> Any:
        door = Control(folder, {"echo": _echo})
        await door.open()
        try:
            assert (folder / SOCKET_NAME).is_socket()
            return await asyncio.to_thread(give, folder, "echo", say="hello")
        finally:
            await door.close()

    assert asyncio.run(story()) == "hello"
    assert not (folder / SOCKET_NAME).exists()


def test_the_daemons_refusal_comes_in_its_own_words(state: Path) -> None:
    with pytest.raises(OrderFailed, match="say what"):
        give(state, "echo")


def test_without_a_daemon_the_place_that_was_looked_at_is_named(tmp_path: Path) -> None:
    with pytest.raises(NobodyListens, match=f"no daemon runs on `{tmp_path}`"):
        give(tmp_path, "echo")
