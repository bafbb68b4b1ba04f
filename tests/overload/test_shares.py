from __future__ import annotations

import pytest

from nacd.overload.shares import Shares
from nacd.values import NO_PORT


def test_a_port_and_a_nas_hold_no_more_than_their_share() -> None:
    shares = Shares(per_nas=3, per_port=2)
    port, other = ("n", "1"), ("n", "2")
    assert [shares.take("n", port) for _ in range(3)] == ["", "", "port"]
    assert [shares.take("n", other) for _ in range(2)] == ["", "nas"]
    assert shares.take("m", ("m", "1")) == ""


def test_what_is_given_back_can_be_taken_again_and_leaves_nothing_behind() -> None:
    shares = Shares(per_nas=1, per_port=1)
    for port in (("n", "1"), NO_PORT):
        assert shares.take("n", port) == ""
        shares.give_back("n", port)
    assert len(shares) == 0


def test_what_names_no_port_counts_for_its_nas_alone() -> None:
    shares = Shares(per_nas=2, per_port=1)
    assert [shares.take("n", NO_PORT) for _ in range(3)] == ["", "", "nas"]


@pytest.mark.parametrize("wrong", [{"per_nas": 0, "per_port": 1}, {"per_nas": 1, "per_port": 0}])
def test_a_share_of_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Shares(**wrong)
