"""The section about endpoints that come by their MAC alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from nacd.config.sections.control import Control
from nacd.config.sections.mab import Mab


def test_managed_devices_are_refused_and_two_ports_alarm_unless_somebody_says_otherwise() -> None:
    usual = Mab()
    assert (usual.managed_devices, usual.managed_for, usual.two_ports) == ("refuse", timedelta(days=30), "alarm")


@pytest.mark.parametrize(
    "written",
    [{"managed_devices": "deny"}, {"managed_for": "1m"}, {"managed_for": "400d"}, {"two_ports": "refuse"}, {"x": 1}],
)
def test_what_it_does_not_know_is_refused(written: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Mab.model_validate(written)


def test_the_helpdesk_is_named_beside_the_other_roles() -> None:
    assert Control.model_validate({"helpdesk": "@helpdesk"}).helpdesk == ("@helpdesk",)
