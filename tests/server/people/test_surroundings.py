"""What orders need of the rest of the daemon is there, under these names."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from nacd.server.lookups.lookup import Lookup
from nacd.server.people import surroundings
from nacd.server.sessions.book import Book
from nacd.server.sessions.closed_loop import ClosedLoop
from nacd.session.overrides import Orders


@pytest.mark.parametrize(
    ("wanted", "real"),
    [
        (surroundings.Book, Book),
        (surroundings.Loop, ClosedLoop),
        (surroundings.Index, Orders),
        (surroundings.Asks, Lookup),
    ],
)
def test_the_real_ones_take_what_people_ask(wanted: Any, real: Any) -> None:
    names = [name for name, method in vars(wanted).items() if inspect.isfunction(method) and not name.startswith("_")]
    assert names
    for name in names:
        here, there = (inspect.signature(getattr(each, name)).parameters for each in (wanted, real))
        assert list(here) == list(there)[: len(here)], name
        assert inspect.iscoroutinefunction(getattr(wanted, name)) == inspect.iscoroutinefunction(getattr(real, name))
