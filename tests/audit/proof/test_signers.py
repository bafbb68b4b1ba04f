"""Keys that sign, hand over, and fall silent."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.audit.proof import signers
from nacd.audit.proof.findings import Kind
from tests.audit.proof.proving import first, on_disk, prove
from tests.store.trail.written import Written, key_id

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def begun(count: int = 3) -> Written:
    made = Written(key=KEY)
    made.begin()
    made.some(count)
    made.checkpoint()
    return made


def test_a_full_file_that_ends_without_a_signature_where_one_was_before_is_a_fault() -> None:
    made = begun()
    made.turn_over()
    made.some(4)
    assert prove(on_disk(made), keys=[KEY]).whole
    made.turn_over()
    made.some(1)
    fault = first(on_disk(made), keys=[KEY])
    assert (fault.kind, fault.at.seq) == (Kind.FORGED, 6)
    assert "ends without one" in fault.what
    assert fault.good is not None
    assert fault.good.seq == 5
    proof = prove(on_disk(made), keys=[KEY])
    assert proof.signed is not None
    assert proof.signed.seq == 4
    assert not prove(on_disk(made), keys=[KEY], strict=False).whole
    assert prove(on_disk(made)).whole, "nobody signs as far as is known"
    made.checkpoint()
    assert prove(on_disk(made), keys=[KEY]).whole, "who signs later signs that too"


def test_a_file_that_logrotate_moved_away_need_not_end_with_a_signature() -> None:
    made = begun()
    made.some(4)
    made.turn_over("audit.jsonl.1")
    made.some(1)
    assert prove(on_disk(made), keys=[KEY]).whole


@pytest.mark.parametrize("part_lines", [0, 1, 2])
def test_more_than_a_day_without_a_signature_is_a_fault(part_lines: int) -> None:
    made = begun()
    made.second += 300 * 3600  # it stood still, and ended with a signature
    made.some(2)
    assert prove(on_disk(made), keys=[KEY], part_lines=part_lines).whole
    made.second += 25 * 3600
    made.some(1)
    fault = prove(on_disk(made), keys=[KEY], part_lines=part_lines).faults[0]
    assert (fault.kind, fault.at.seq, fault.at.line) == (Kind.FORGED, 6, 6)
    assert "a day passes without one" in fault.what


def test_more_records_than_there_may_be_without_a_signature_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signers, "_MOST_RECORDS", 50)
    made = begun()
    made.some(50)
    assert prove(on_disk(made), keys=[KEY]).whole
    made.some(1)
    assert "51 records come without one" in first(on_disk(made), keys=[KEY]).what


def test_who_has_said_that_nobody_signs_any_more_needs_not_to() -> None:
    made = begun()
    made.change_key(None)
    made.second += 100 * 3600
    made.some(3)
    made.turn_over()
    made.second += 100 * 3600
    made.some(1)
    assert prove(on_disk(made), keys=[KEY]).whole


@pytest.mark.parametrize("part_lines", [0, 1, 3])
@pytest.mark.parametrize("between", [True, False])
def test_a_key_that_was_followed_by_another_signs_no_more(between: bool, part_lines: int) -> None:
    made = begun()
    made.change_key(OTHER)
    made.some(2)
    if between:
        made.checkpoint()
    assert prove(on_disk(made), keys=[KEY, OTHER], part_lines=part_lines).whole
    made.key = KEY
    made.checkpoint()
    proof = prove(on_disk(made), keys=[KEY, OTHER], part_lines=part_lines)
    fault = proof.faults[0]
    assert (fault.kind, fault.at.seq) == (Kind.FORGED, made.seq)
    assert f"key {key_id(KEY)} signs here" in fault.what
    assert proof.signed is not None
    assert proof.signed.seq == (8 if between else 4)


def test_a_key_that_is_handed_back_to_may_sign_again() -> None:
    made = begun()
    made.change_key(OTHER)
    made.checkpoint()
    made.change_key(KEY)
    made.checkpoint()
    assert prove(on_disk(made), keys=[KEY]).whole


def test_a_key_that_was_given_and_signs_nothing_is_named() -> None:
    proof = prove(on_disk(begun()), keys=[KEY, OTHER])
    assert proof.whole
    assert [note.what.partition(":")[0] for note in proof.notes] == [
        f"key {key_id(OTHER)} was given and has signed nothing that was looked at"
    ]
