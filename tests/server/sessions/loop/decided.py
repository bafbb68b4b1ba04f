"""A house whose loop takes no turns, for what decides sessions again."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from nacd.server.sessions.loop.deciding import Deciding
from nacd.sessions import Pending, Session, Standing
from tests.server.sessions.wired import Wired, play, wired

LOOSE = "sessions: {guard: {down: {max_flips: 1000, max_flip_percent: 100}}}\n"
TIGHT = "sessions: {guard: {down: {max_flips: 2, max_flip_percent: 100}}}\n"


def decided(folder: Path, story: Callable[[Wired, Deciding], Coroutine[Any, Any, None]], **how: Any) -> None:
    """A story of a loop that takes no turns: nobody ticks."""

    async def all_of_it() -> None:
        async with wired(folder, "sw", **{"more": LOOSE, **how}) as house:
            house.gate.live_sessions = 1_000
            await story(house, house.loop._deciding)

    play(all_of_it)


async def let_in(house: Wired, count: int, state: str = "compliant") -> list[Session]:
    sessions = []
    for device in range(1, count + 1):
        house.knows(device, state)
        session = (await house.login(device, f"A{device}")).session
        assert isinstance(session, Session)
        sessions.append(session)
    return sessions


def wanted(house: Wired, session: Session) -> Standing:
    wish = house.session(session.id).wish
    assert isinstance(wish, Pending)
    return wish.wanted
