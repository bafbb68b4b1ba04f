"""What a record stands for, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.audit.asking.report.outcomes import Outcome, outcomes, why_not


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"code": "A1001I", "decision": {"profile": "corporate"}}, [(Outcome.ACCEPTED, 1)]),
        ({"code": "A1001I", "decision": {"profile": "Quarantine-5"}}, [(Outcome.QUARANTINED, 1)]),
        ({"code": "A1001I", "decision": {"profile": "x", "rule": "override-quarantine"}}, [(Outcome.QUARANTINED, 1)]),
        ({"code": "A1007W", "decision": {"effect": "deny"}}, [(Outcome.MONITORED, 1)]),
        ({"code": "A1008W"}, [(Outcome.REJECTED, 1)]),
        ({"code": "A1010W", "repeated": {"code": "A1003W"}, "count": 17}, [(Outcome.FAILED, 17)]),
        (
            {"code": "A1011W", "repeated": {"by_code": {"A1002I": 3, "A1004W": 4, "odd": 5, "A1003W": "x"}}},
            [(Outcome.REJECTED, 3), (Outcome.REFUSED, 4)],
        ),
        ({"code": "A1006I"}, []),
        ({"code": ["odd"], "count": 3}, []),
        ({"code": "A1010W", "repeated": 3, "count": -2}, []),
    ],
)
def test_a_record_stands_for_what_was_answered(record: dict[str, Any], expected: list[tuple[Outcome, int]]) -> None:
    assert list(outcomes(record, ())) == expected


def test_profiles_that_are_named_are_the_quarantines() -> None:
    record = {"code": "A1001I", "decision": {"profile": "remediation"}}
    assert list(outcomes(record, {"remediation"})) == [(Outcome.QUARANTINED, 1)]


def test_the_reason_is_the_shortest_that_tells() -> None:
    assert why_not({"eap": {"failure": "unknown_ca"}, "why": "long"}) == "unknown_ca"
    assert why_not({"refusal": "no_eap"}) == "no_eap"
    assert why_not({"decision": {"reasons": ["access is dot1x", "compliance is unknown"]}}) == "compliance is unknown"
    assert why_not({"decision": {"reasons": [3]}}) == why_not({}) == "not told"
