"""Names of full files, and what logrotate leaves."""

from pathlib import Path

import pytest

from nacd.store.trail.names import full_name, is_rotated, told_by_name

LIVE = Path("/var/log/nacd/audit.jsonl")
NAME = "audit-20261122T192100Z-000000000001.jsonl"
BEGUN = 1_795_375_260.0


def test_a_name_tells_when_the_file_was_begun_and_by_which_record() -> None:
    assert full_name(LIVE, BEGUN, 1) == NAME
    assert told_by_name(LIVE, NAME) == (BEGUN, 1)
    assert told_by_name(LIVE, f"{NAME}.gz") == (BEGUN, 1)
    assert told_by_name(LIVE, full_name(LIVE, BEGUN, 10**13)) == (BEGUN, 10**13)


@pytest.mark.parametrize(
    "name", ["audit.jsonl", "audit-20261322T192100Z-000000000001.jsonl", f"{NAME}.tmp", f"x{NAME}", f"{NAME}.idx"]
)
def test_other_names_tell_nothing(name: str) -> None:
    assert told_by_name(LIVE, name) is None


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        (NAME, True),
        (f"{NAME}.gz", True),
        ("audit.jsonl.1", True),
        ("audit.jsonl.2.gz", True),
        ("audit-20261122.jsonl", True),
        ("audit.jsonl-20261122", True),
        ("audit.jsonl.old", True),
        ("audit.jsonl", False),
        (f"{NAME}.gz.tmp", False),
        (f"{NAME}.idx", False),
        ("audit-actions.jsonl", False),
        ("audit-actions-20261122T192100Z-000000000001.jsonl", False),
    ],
)
def test_what_belongs_to_a_log_is_told_by_its_name(name: str, is_one: bool) -> None:
    assert is_rotated(LIVE, LIVE.parent / name) is is_one
