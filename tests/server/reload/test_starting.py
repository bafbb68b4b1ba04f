"""What is done once, at start."""

from __future__ import annotations

import gc
import socket

import pytest

from nacd.config.fields import ListenAddress
from nacd.server.reload import starting


def test_sockets_are_bound_or_none_of_them_is() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on `127.0.0.1:{port}`: address already in use"):
            starting.bound((ListenAddress("127.0.0.1", 0), ListenAddress("127.0.0.1", port)))
    (one,) = starting.bound((ListenAddress("127.0.0.1", 0),))
    with one:
        assert starting.place(one)[0] == "127.0.0.1"


def test_places_are_shown_as_they_are_written() -> None:
    assert starting.shown([("127.0.0.1", 1812), ("::1", 1812)]) == "127.0.0.1:1812, [::1]:1812"


def test_the_collector_leaves_alone_what_there_is() -> None:
    before = gc.get_threshold()
    try:
        starting.settle()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() == (2_000, 20, 100)
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
