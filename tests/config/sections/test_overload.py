from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from nacd.config.sections.overload import Overload


def test_the_defaults_hold_without_a_word() -> None:
    usual = Overload()
    assert usual.max_requests > usual.max_per_nas
    assert usual.reject_delay < timedelta(seconds=2), "a NAS must not give up meanwhile"


@pytest.mark.parametrize("wrong", [{"reject_delay": "1m"}, {"port_rate": 0}, {"failing": {"refusals": 1}}, {"x": 1}])
def test_a_limit_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Overload.model_validate(wrong)
