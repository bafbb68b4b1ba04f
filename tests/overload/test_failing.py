from __future__ import annotations

import pytest

from nacd.overload.endpoints import NO_ENDPOINT
from nacd.overload.failing import FailingEndpoints

LAPTOP = ("10.0.0.1", "Gi1/0/1", "00-1B-44-11-3A-B7")


def failing(**changes: float) -> FailingEndpoints:
    return FailingEndpoints(**{"refusals": 3, "within_s": 60.0, "hold_s": 30.0, **changes})  # type: ignore[arg-type]


def test_so_many_refusals_in_a_row_hold_an_endpoint_for_a_while(at) -> None:
    memory = failing()
    for moment in range(3):
        assert memory.held_s(LAPTOP, at(moment)) == 0
        memory.refused(LAPTOP, at(moment))
    assert memory.held_s(LAPTOP, at(2)) == 30
    assert memory.held_s(LAPTOP, at(31)) == 1
    assert memory.held_s(LAPTOP, at(32)) == 0


def test_one_more_refusal_after_the_hold_holds_it_again(at) -> None:
    memory = failing()
    for moment in range(3):
        memory.refused(LAPTOP, at(moment))
    memory.refused(LAPTOP, at(40))
    assert memory.held_s(LAPTOP, at(40)) == 30


def test_refusals_far_apart_hold_nobody(at) -> None:
    memory = failing()
    for moment in (0, 61, 122, 183, 244):
        memory.refused(LAPTOP, at(moment))
    assert memory.held_s(LAPTOP, at(244)) == 0


def test_one_success_ends_the_count(at) -> None:
    memory = failing()
    memory.refused(LAPTOP, at(0))
    memory.refused(LAPTOP, at(1))
    memory.succeeded(LAPTOP)
    memory.refused(LAPTOP, at(2))
    assert memory.held_s(LAPTOP, at(2)) == 0


def test_another_endpoint_is_not_held_for_it(at) -> None:
    memory = failing()
    for _ in range(5):
        memory.refused(LAPTOP, at(0))
    assert memory.held_s(("10.0.0.1", "Gi1/0/2", LAPTOP[2]), at(0)) == 0


def test_who_has_no_name_is_not_remembered(at) -> None:
    memory = failing()
    for _ in range(5):
        memory.refused(NO_ENDPOINT, at(0))
    assert len(memory) == 0
    assert memory.held_s(NO_ENDPOINT, at(0)) == 0


def test_memory_is_bounded_and_forgets_the_longest_ago(at) -> None:
    memory = failing(capacity=2)
    for name in "abc":
        memory.refused((name,), at(0))
    assert len(memory) == 2


@pytest.mark.parametrize("wrong", [{"refusals": 0}, {"within_s": 0}, {"hold_s": 0}, {"capacity": 0}])
def test_limits_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        failing(**wrong)
