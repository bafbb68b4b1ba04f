"""What asking Intune can_come to."""

from __future__ import annotations

from nacd.cli.explain.judgement import POSSIBLE_STATES
from nacd.values import ComplianceState


def test_asking_can_come_to_every_state_but_not_having_asked() -> None:
    assert set(POSSIBLE_STATES) == set(ComplianceState) - {ComplianceState.NOT_ASKED}
