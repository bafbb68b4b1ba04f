"""Sessions counted now and then, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from nacd.server.metrics.census import Census, Countable
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Gone, Pending, Phase, Wished
from nacd.store.sessions import SessionStore
from tests.store.live import stage


class Reader:
    """Asks in a thread, as the daemon does, and knows in which."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self.threads: set[int] = set()

    async def __call__(self, ask: Callable[[Countable], Mapping[str, int]]) -> Mapping[str, int]:
        def there() -> Mapping[str, int]:
            self.threads.add(threading.get_ident())
            return ask(self._store)

        return await asyncio.to_thread(there)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SessionStore]:
    opened = SessionStore(tmp_path / "sessions.sqlite", apply=apply, tie=tie, report=print)
    yield opened
    opened.close()


def begin(store: SessionStore, *numbers: int) -> tuple[int, ...]:
    """Sessions that have begun; their numbers."""
    made = store.submit_all([stage.authorized(number) for number in numbers]).result(stage.PATIENCE_S)
    assert all(each.stored for each in made)
    return tuple(each.session.id for each in made)  # type: ignore[union-attr]


async def until(census: Census, authorized: int) -> Mapping[str, int]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + stage.PATIENCE_S
    while census.counted.get("authorized") != authorized:
        assert loop.time() < ends, "it has not counted"
        await asyncio.sleep(0.001)
    return census.counted


def test_sessions_are_counted_by_phase_and_so_is_what_is_wanted_again_and_again(store: SessionStore) -> None:
    reader = Reader(store)

    async def story() -> Mapping[str, int]:
        census = Census(reader, every_s=0.001)
        assert census.counted == {}
        counting = asyncio.create_task(census.run())
        await until(census, 0)
        first, second, _ = begin(store, 1, 2, 3)
        await until(census, 3)
        wish = Pending(wanted=stage.standing("quarantine"), since=stage.NOW + 10.0)
        store.submit(Wished(id=second, wish=wish, at=stage.NOW + 10.0)).result(stage.PATIENCE_S)
        store.submit(Gone(id=first, phase=Phase.AGED, at=stage.NOW + 10.0, cause="quiet")).result(stage.PATIENCE_S)
        counted = await until(census, 2)
        counting.cancel()
        return counted

    counted = asyncio.run(story())
    assert counted == {"authorized": 2, "live": 0, "ended": 0, "aged": 1, "pending": 1}
    assert threading.get_ident() not in reader.threads
