"""Moments and requests in few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.values import AccessRequest, Instant, Nas

LAPTOP = "00-1B-44-11-3A-B7"


@pytest.fixture(scope="session")
def at() -> Callable[[float], Instant]:
    return lambda seconds: Instant(wall=1_700_000_000.0 + seconds, monotonic=seconds)


@pytest.fixture(scope="session")
def request_of() -> Callable[..., AccessRequest]:
    """A wired laptop on port 1 of one switch, unless told otherwise."""

    def build(**changes: Any) -> AccessRequest:
        usual: dict[str, Any] = {
            "nas": Nas(name="switch", vendor="generic"),
            "source": "10.0.0.1",
            "source_port": 1812,
            "nas_port_type": "Ethernet",
            "nas_port_id": "Gi1/0/1",
            "calling_station_id": LAPTOP,
        }
        return AccessRequest(**{**usual, **changes})

    return build
