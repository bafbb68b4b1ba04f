"""Frozen values that are made in half the time are what they were."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, replace

import pytest

from nacd.quick import quick


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    first: int
    second: str = "two"
    third: list[int] = field(default_factory=list)


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    first: int
    second: str = "two"
    third: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.first < 0:
            raise ValueError("first is below zero")


def test_it_says_and_compares_and_is_replaced_as_before() -> None:
    one = Quick(first=1)
    assert repr(one) == repr(Plain(first=1)).replace("Plain", "Quick")
    assert one == Quick(first=1, second="two", third=[])
    assert one != Quick(first=2)
    assert type(one) is Quick
    assert replace(one, second="other") == Quick(first=1, second="other")
    assert hash(replace(one, third=())) == hash(Quick(first=1, third=()))  # type: ignore[arg-type]


def test_each_gets_a_default_of_its_own() -> None:
    assert Quick(first=1).third is not Quick(first=1).third


def test_it_is_frozen_all_the_same() -> None:
    one = Quick(first=1)
    with pytest.raises(FrozenInstanceError):
        one.first = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del one.first  # type: ignore[misc]


@pytest.mark.parametrize("given", [{}, {"first": 1, "fourth": 4}])
def test_what_is_missing_or_unknown_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="__init__"):
        Quick(**given)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Quick(1)  # type: ignore[misc]


def test_its_own_checks_are_made() -> None:
    with pytest.raises(ValueError, match="below zero"):
        Quick(first=-1)
    with pytest.raises(ValueError, match="below zero"):
        replace(Quick(first=1), first=-1)


def test_only_plain_frozen_values_can_be_quick() -> None:
    @dataclass(frozen=True, kw_only=True)
    class NoSlots:
        first: int

    @dataclass(frozen=True, slots=True)
    class Placed:
        first: int

    for kind in (NoSlots, Placed):
        with pytest.raises(TypeError, match="no plain frozen value"):
            quick(kind)
