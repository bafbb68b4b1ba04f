"""Trails that were made anew: by whom, and what finds it: a signature, an anchor, or nothing at all."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.audit.proof.findings import Kind
from tests.audit.proof.proving import first, on_disk, prove
from tests.store.trail.written import Written, trail

KEY = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()


def rewritten(key: Ed25519PrivateKey | None, *, keep_signatures: bool = False) -> Written:
    """What somebody makes who can write the file: record 18 says something else, and all links are made anew."""
    made = Written(key=key)
    made.begin()
    true = trail(key=KEY)
    signatures = [json.loads(line)["checkpoint"] for line in true.anchors]
    for number, count in enumerate((10, 20)):
        made.some(count if number == 0 else 4)
        if number:
            made.record(event="access.reject", why="a rule said so", nas={"name": "switch"})
            made.some(count - 5)
        told = signatures[number] if keep_signatures else {}
        made.checkpoint(**{name: told[name] for name in ("key", "signature") if name in told})
        made.turn_over()
    made.some(5)
    made.checkpoint()
    return made


def test_whoever_has_the_file_and_not_the_key_is_found_by_its_signatures() -> None:
    fault = first(on_disk(rewritten(None, keep_signatures=True)), keys=[KEY])
    assert fault.kind is Kind.FORGED
    assert "signature" in fault.what
    assert fault.at.seq == 34
    assert fault.good is not None
    assert fault.good.seq == 12


@pytest.mark.parametrize("key", [None, OTHER])
def test_whoever_signs_nothing_or_with_a_key_of_his_own_is_found(key: Ed25519PrivateKey | None) -> None:
    fault = first(on_disk(rewritten(key)), keys=[KEY])
    assert fault.kind is Kind.FORGED
    assert "no checkpoint is signed with a key that was given" in fault.what


def test_whoever_leaves_the_first_checkpoints_and_signs_no_more_is_found() -> None:
    made = trail(lambda made: setattr(made, "key", None), key=KEY)
    fault = first(on_disk(made), keys=[KEY])
    assert (fault.kind, fault.at.seq) == (Kind.FORGED, made.seq)
    assert "not signed" in fault.what
    assert fault.good is not None
    assert fault.good.seq == 34


def test_whoever_has_the_key_too_is_found_by_anchors_alone() -> None:
    """And by nothing else: so says the proof without them."""
    true, forged = trail(key=KEY), rewritten(KEY)
    assert true.anchors[0] == forged.anchors[0]
    proof = prove(on_disk(forged), keys=[KEY])
    assert proof.whole
    assert proof.anchored is None
    proof = prove(on_disk(forged), keys=[KEY], anchors=true.anchors)
    fault = proof.faults[0]
    assert (fault.kind, fault.at.seq) == (Kind.FORGED, 34)
    assert "an anchor of" in fault.what
    assert fault.good is not None
    assert fault.good.seq == 12
    assert proof.anchored is not None
    assert proof.anchored.seq == 12


def test_a_wrong_key_vouches_for_nothing() -> None:
    fault = first(on_disk(trail(key=KEY)), keys=[OTHER])
    assert fault.kind is Kind.FORGED
    proof = prove(on_disk(trail(key=KEY)), keys=[OTHER], strict=False)
    assert proof.whole
    assert proof.signed is None
    assert "not known here" in proof.notes[0].what


def test_a_checkpoint_that_vouches_for_another_record_is_found() -> None:
    def lie(made: Written) -> None:
        made.checkpoint(seq=3)

    assert first(on_disk(trail(lie))).kind is Kind.FORGED
    assert first(on_disk(trail(lambda made: made.checkpoint(link="e" * 64) and None))).kind is Kind.FORGED
    assert first(on_disk(trail(lambda made: made.checkpoint(writer="e" * 16) and None))).kind is Kind.FORGED


# -- keys that change ---------------------------------------------------------------------------


def test_a_key_that_hands_over_vouches_for_the_next_one() -> None:
    made = trail(lambda made: made.change_key(OTHER) and None, key=KEY)
    proof = prove(on_disk(made), keys=[KEY])
    assert proof.whole
    assert proof.signed is not None
    assert proof.signed.seq == made.seq - 1
    assert "hands over" in proof.notes[0].what


def test_a_key_that_nobody_vouches_for_is_a_fault_unless_it_was_given() -> None:
    made = trail(lambda made: made.change_key(OTHER, vouched=False) and None, key=KEY)
    fault = first(on_disk(made), keys=[KEY])
    assert (fault.kind, fault.at.seq) == (Kind.FORGED, made.seq)
    assert prove(on_disk(made), keys=[KEY, OTHER]).whole
    assert prove(on_disk(made), keys=[OTHER]).whole  # from before that key was: nobody's word, and no fault


def test_a_handover_with_a_forged_signature_hands_nothing_over() -> None:
    def forge(made: Written) -> None:
        made.key = Ed25519PrivateKey.generate()
        made.change_key(OTHER)

    assert first(on_disk(trail(forge, key=KEY)), keys=[KEY]).kind is Kind.FORGED


def test_an_end_of_signing_that_the_key_vouches_for_is_none_of_a_forger() -> None:
    made = trail(lambda made: made.change_key(None) and None, key=KEY)
    assert prove(on_disk(made), keys=[KEY]).whole
