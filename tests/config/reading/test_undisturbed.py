"""The collector rests while much is made that stays, and not a moment longer."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from nacd.config.reading.undisturbed import undisturbed


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_it_rests_meanwhile_and_works_again_afterwards() -> None:
    with undisturbed():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_an_error_wakes_it_too() -> None:
    with pytest.raises(ZeroDivisionError), undisturbed():
        _ = 1 / 0
    assert gc.isenabled()


def test_who_had_it_rest_before_keeps_it_so() -> None:
    gc.disable()
    with undisturbed():
        assert not gc.isenabled()
    assert not gc.isenabled()
