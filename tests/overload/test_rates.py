from __future__ import annotations

import pytest

from nacd.overload.rates import PortRates
from nacd.values import NO_PORT


def test_a_burst_is_let_through_and_then_so_many_a_second(at) -> None:
    rates = PortRates(per_s=2, burst=5)
    port = ("10.0.0.1", "Gi1/0/1")
    assert [rates.admit(port, at(0)) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [rates.admit(port, at(1)) for _ in range(3)] == [True, True, False]
    assert [rates.admit(port, at(100)) for _ in range(6)] == [True] * 5 + [False]


def test_each_port_has_its_own_bucket(at) -> None:
    rates = PortRates(per_s=1, burst=1)
    assert rates.admit(("10.0.0.1", "Gi1/0/1"), at(0))
    assert not rates.admit(("10.0.0.1", "Gi1/0/1"), at(0))
    assert rates.admit(("10.0.0.1", "Gi1/0/2"), at(0))
    assert rates.admit(("10.0.0.2", "Gi1/0/1"), at(0))


def test_what_names_no_port_is_never_held_back_here(at) -> None:
    rates = PortRates(per_s=1, burst=1)
    assert all(rates.admit(NO_PORT, at(0)) for _ in range(10))
    assert len(rates) == 0


def test_ports_are_forgotten_from_the_quietest_on(at) -> None:
    rates = PortRates(per_s=0.001, burst=1, capacity=2)
    for moment, port in enumerate(("a", "b", "a", "c")):
        rates.admit((port,), at(moment))
    assert len(rates) == 2
    assert not rates.admit(("a",), at(4))
    assert rates.admit(("b",), at(4))


@pytest.mark.parametrize("wrong", [{"per_s": 0, "burst": 1}, {"per_s": 1, "burst": 0}])
def test_a_rate_that_lets_nobody_in_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        PortRates(**wrong)
