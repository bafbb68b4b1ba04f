"""The list of devices that are not compliant: whole, or a refusal from which nothing follows."""

from __future__ import annotations

from nacd.compliance.listed import ListRefused, NoncompliantList


def test_a_list_and_a_refusal_are_never_taken_for_each_other() -> None:
    empty = NoncompliantList(guids=frozenset(), as_of=1.0)
    assert empty != ListRefused(detail="")
    assert not ListRefused(detail="503").quota, "a refusal is an outage unless somebody says that it was the quota"
