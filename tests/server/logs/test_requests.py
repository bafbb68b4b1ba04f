"""The id of a request: in its record and in the log, after a wait too, and nowhere else."""

import asyncio
import re
from collections.abc import Iterator

import pytest

from nacd.server.logs import requests
from nacd.values import AuditEvent


@pytest.fixture(autouse=True)
def nobody() -> Iterator[None]:
    requests.end()
    yield
    requests.end()


def marked(number: int = 0) -> object:
    return requests.marked(AuditEvent(code="A1001I", fields={}), number).fields.get("request_id")


def test_a_record_made_while_a_request_is_worked_on_carries_its_id() -> None:
    requests.begin()
    first = marked()
    assert re.fullmatch(r"[a-z2-7]{7}-[0-9a-f]+", str(first))
    assert marked() == first
    requests.begin()
    assert marked() != first
    requests.end()
    assert marked() is None


def test_a_line_of_the_log_carries_the_same_id() -> None:
    assert requests.say(None, "info", {}) == {}
    requests.begin()
    assert requests.say(None, "info", {})["request_id"] == marked()


def test_what_goes_on_after_a_wait_belongs_to_the_same_request() -> None:
    async def later(seen: list[object]) -> None:
        await asyncio.sleep(0)
        seen.append(marked())

    async def story() -> tuple[object, list[object]]:
        seen: list[object] = []
        requests.begin()
        own = marked()
        task = asyncio.create_task(later(seen))
        requests.end()
        requests.begin()
        await task
        return own, seen

    own, seen = asyncio.run(story())
    assert seen == [own]


def test_a_number_that_was_kept_names_its_request_later() -> None:
    requests.begin()
    number, own = requests.current(), marked()
    requests.end()
    assert marked(number) == own
