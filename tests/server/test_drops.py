"""Silence is counted, by NAS and reason."""

from nacd.server.drops import UNKNOWN_NAS, Drops
from nacd.values import Instant

NOW = Instant(wall=1_800_000_000.0, monotonic=5.0)


def test_drops_are_counted_by_nas_and_reason_and_reported_once() -> None:
    drops = Drops()
    for _ in range(3):
        drops.add("campus", "bad_message_authenticator", "10.0.0.1", NOW)
    drops.add("", "unknown_nas", "192.0.2.7", NOW)
    rows = drops.report()
    assert [(row.nas, row.reason, row.count, row.example) for row in rows] == [
        ("campus", "bad_message_authenticator", 3, "10.0.0.1"),
        (UNKNOWN_NAS, "unknown_nas", 1, "192.0.2.7"),
    ]
    assert drops.report() == ()
    assert drops.total("unknown_nas") == 1


def test_a_million_strangers_cost_one_row() -> None:
    drops = Drops()
    for number in range(1000):
        drops.add("", "unknown_nas", f"192.0.2.{number}", NOW)
    (row,) = drops.report()
    assert row.count == 1000
    assert len(drops._since) == 0
