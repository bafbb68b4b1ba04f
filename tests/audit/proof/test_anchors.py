"""Checkpoints are found in whatever text they have come to stand in."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.audit.proof.anchors import Anchor, Anchors, checkpoint_in
from tests.audit.proof.proving import on_disk, prove, verified
from tests.store.trail.written import Written, key_id, raw_public, trail

KEY = Ed25519PrivateKey.generate()
MADE = trail(key=KEY)
LINE = MADE.anchors[0]
FIELDS = json.loads(LINE)
OWN = Anchor(FIELDS["seq"], FIELDS["link"], FIELDS["time"])
RFC5424 = b"<110>1 2026-11-22T19:21:12.000Z radius1 nacd 4711 A9102I - \xef\xbb\xbf"
BSD = b"Nov 22 19:21:12 radius1 nacd[4711]: "


def found(line: bytes) -> Anchor:
    there = checkpoint_in(line)
    assert there is not None
    return there[0]


@pytest.mark.parametrize("before", [b"", BSD, RFC5424, b"2026-11-22T19:21:12+00:00 radius1 nacd "])
@pytest.mark.parametrize("after", [b"", b"\n", b"\r\n", b" and more\n"])
def test_a_checkpoint_stands_for_itself_whatever_is_around_it(before: bytes, after: bytes) -> None:
    assert found(before + LINE.rstrip(b"\n") + after) == OWN


def test_a_checkpoint_within_a_text_of_another_object_is_found() -> None:
    assert found(json.dumps({"host": "radius1", "message": LINE.decode().strip()}).encode()) == OWN


def test_one_that_did_not_come_through_whole_vouches_for_the_record_before_it() -> None:
    told = FIELDS["checkpoint"]
    before = Anchor(told["seq"], told["link"], FIELDS["time"])
    assert found(json.dumps(FIELDS).replace('{"code": "', '{"code":"').encode()) == before
    assert found(LINE.replace(b'"why":""', b'"why":"?"')) == before


@pytest.mark.parametrize(
    "line",
    [b"", b"hello", LINE[:-40], LINE.replace(b'"seq":11,', b'"seq":-1,', 1), b'{"code":"A9102I"' + b"[" * 60_000,
     b'{"code":"A9102I","checkpoint":7}', LINE.replace(FIELDS["checkpoint"]["link"].encode(), b"short"),
     LINE.replace(b"A9102I", b"A9101I"), b'\xff{"code":"A9102I"\xff'],
)  # fmt: skip
def test_what_is_no_checkpoint_is_passed_over(line: bytes) -> None:
    assert checkpoint_in(line) is None


def test_anchors_may_come_twice_and_in_any_order() -> None:
    lines = [*reversed(MADE.anchors), *MADE.anchors, b"something else"]
    proof = prove(on_disk(MADE), anchors=lines)
    assert proof.whole
    assert proof.anchored is not None
    assert proof.anchored.seq == MADE.seq
    assert proof.anchors == 3


def test_anchors_of_another_trail_count_for_nothing_and_are_named() -> None:
    other = Written(writer="f" * 16)
    other.begin()
    other.checkpoint()
    proof = prove(on_disk(MADE), anchors=[*MADE.anchors, *other.anchors])
    assert proof.whole
    assert proof.anchored == prove(on_disk(MADE), anchors=MADE.anchors).anchored
    assert [note.what for note in proof.notes if "another" in note.what] == [
        f"anchors of another trail ({'f' * 16}), which count for nothing here: 1"
    ]


def test_two_anchors_that_differ_are_a_fault() -> None:
    forged = Written(key=KEY)
    forged.begin()
    forged.some(10, user="mallory")
    forged.checkpoint()
    for anchors in ([LINE, *forged.anchors], [*forged.anchors, LINE]):
        proof = prove(on_disk(MADE), anchors=anchors)
        assert not proof.whole
        assert any("two anchors" in fault.what for fault in proof.faults)


def test_an_anchor_that_lies_while_later_ones_agree_points_to_itself() -> None:
    forged = Written(key=KEY)
    forged.begin()
    forged.some(10, user="mallory")
    forged.checkpoint()
    proof = prove(on_disk(MADE), anchors=[*forged.anchors, *MADE.anchors[1:]])
    assert "look where this one comes from" in proof.faults[0].what


def test_an_anchor_with_a_wrong_signature_counts_for_nothing() -> None:
    anchors = Anchors()
    keys = {key_id(KEY): raw_public(KEY)}
    wrong = LINE.replace(FIELDS["checkpoint"]["signature"].encode(), b"A" * 86 + b"==")
    anchors.take([wrong, MADE.anchors[1], b'{"code":"A9102I"'], keys, verified)
    assert (anchors.wrong, anchors.broken, anchors.lines) == (1, 1, 3)
    assert list(anchors.wanted()) == [json.loads(MADE.anchors[1])["seq"]]
