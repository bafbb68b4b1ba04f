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


def test_how_often_live_devices_are_asked_about_may_differ_by_group(section) -> None:
    kept = section(ComplianceSettings, "poll: {groups: {vpn: 2m, campus: 10m}}\n")
    assert kept.poll.interval == timedelta(minutes=5)
    assert kept.poll.groups == {"vpn": timedelta(minutes=2), "campus": timedelta(minutes=10)}
    assert kept.reauth_query_interval == timedelta(hours=1)
    assert section(ComplianceSettings, "poll: {groups: {vpn: 2d}}\nreauth_query_interval: 0s\n") == [
        "1:22: this duration is outside `1s` to `1d`",
        "2:24: this duration is outside `1s` to `7d`",
    ]
