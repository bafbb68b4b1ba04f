from __future__ import annotations

from datetime import timedelta

from nacd.config.sections.compliance import ComplianceSettings


def test_compliance_defaults_and_bounds(section) -> None:
    kept = section(ComplianceSettings, "threads: 8\n")
    assert kept.lifetimes.compliant == timedelta(hours=1)
    assert kept.poll.bulk == timedelta(hours=4, minutes=15)
    assert (kept.lookup_deadline, kept.stale_for) == (timedelta(seconds=2), timedelta(days=1))
    assert section(ComplianceSettings, "threads: 65\nlookup_deadline: 31s\n") == [
        "1:10: `65` is too large: at most 64",
        "2:18: this duration is outside `100ms` to `30s`",
    ]
