"""A bench for each test."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.replay.conftest import Login, login
from tests.server.conftest import said
from tests.server.shadow.bench import Bench

__all__ = ["login", "said"]


@pytest.fixture
def bench(login: Callable[..., Login]) -> Bench:
    return Bench(login)
