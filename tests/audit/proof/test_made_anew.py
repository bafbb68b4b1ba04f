"""Trails that somebody has made anew who has not the key, or who would not be measured by the anchors."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.audit.proof.anchors import Anchor
from nacd.audit.proof.findings import Kind
from nacd.cli.audit.verdict import Told, text
from tests.audit.proof.proving import first, on_disk, prove
from tests.store.trail.written import WRITER, Written

KEY = Ed25519PrivateKey.generate()


def test_a_genuine_checkpoint_laid_at_the_beginning_of_a_file_vouches_for_nothing() -> None:
    genuine = Written(key=KEY)
    genuine.begin()
    genuine.some(10)
    replayed = json.loads(genuine.checkpoint())
    forged = Written()
    forged.begin()
    forged.some(replayed["checkpoint"]["seq"] - 1, forged=True)
    forged.files.append(("audit-20261122T192101Z-000000000001.jsonl", forged.lines))
    forged.lines, forged.second = [], forged.second
    forged.record("A9102I", checkpoint=replayed["checkpoint"])
    assert json.loads(forged.lines[0])["time"] == replayed["time"]  # so the signature is good
    fault = first(on_disk(forged), keys=[KEY])
    assert (fault.kind, fault.at.seq) == (Kind.FORGED, 12)
    assert prove(on_disk(forged), keys=[KEY]).signed is None


def test_a_genuine_checkpoint_at_the_beginning_of_a_part_is_none() -> None:
    genuine = Written(key=KEY)
    genuine.begin()
    genuine.some(3)
    genuine.checkpoint()
    for lines in range(1, 6):
        assert prove(on_disk(genuine), keys=[KEY], part_lines=lines).whole


def test_a_trail_without_any_checkpoint_is_not_whole_for_who_has_given_a_key() -> None:
    made = Written()
    made.begin()
    made.some(5)
    assert first(on_disk(made), keys=[KEY]).what == "no checkpoint is signed with a key that was given"
    assert prove(on_disk(made), keys=[KEY], partly=True).whole


def test_a_trail_that_is_given_another_name_does_not_escape_its_anchors() -> None:
    genuine, forged = Written(key=KEY), Written(key=KEY, writer="f" * 16)
    for each in (genuine, forged):
        each.begin()
        each.checkpoint()
    fault = first(on_disk(forged), keys=[KEY], anchors=genuine.anchors)
    assert fault.what == f"not one of the anchors is of this trail ({'f' * 16})"


def test_a_trail_has_one_name_from_end_to_end() -> None:
    made = Written(key=KEY)
    made.begin()
    made.some(3)
    made.writer = "f" * 16
    made.begin("audit.jsonl")
    made.checkpoint()
    assert first(on_disk(made), keys=[KEY]).what.startswith("the trail has another name from here on (ffff")


def test_thousands_of_anchors_of_another_trail_do_not_crowd_out_the_one_of_this() -> None:
    other, genuine, forged = Written(writer="e" * 16), Written(), Written()
    other.begin()
    for _ in range(1100):
        other.checkpoint()
    genuine.begin()
    genuine.some(1200)
    genuine.checkpoint()
    forged.begin()
    forged.some(1300, forged=True)
    fault = first(on_disk(forged), anchors=[*other.anchors, *genuine.anchors])
    assert (fault.kind, fault.at.seq) == (Kind.FORGED, 1202)


def test_a_head_that_is_newer_than_the_anchors_takes_nothing_from_their_word() -> None:
    made = Written(key=KEY)
    made.begin()
    made.some(4)
    made.checkpoint()
    made.some(3)
    proof = prove(on_disk(made), anchors=made.anchors, head=(WRITER, Anchor(made.seq, made.link, "")))
    assert proof.whole
    assert proof.anchored is not None
    assert proof.anchored.seq == 6


def test_a_record_writes_no_lines_of_the_verdict() -> None:
    made = Written()
    made.begin()
    made.record("A9103W", repaired={"kind": "half_line", "octets": "1\n\nWHOLE\x1b[8m"})
    told = Told(files=1, octets=1, took_s=0.1, anchor_files=(), named_keys=(), own_key="", partly=False)
    said = text(told, prove(on_disk(made)))
    assert said.count("\nWHOLE") == 1
    assert "\x1b" not in said


def test_who_cannot_sign_cannot_write_himself_a_permission_to_delete() -> None:
    made = Written(key=KEY)
    made.begin()
    made.some(3)
    made.checkpoint()
    made.turn_over()
    made.some(3)
    made.checkpoint()
    made.retire()
    fault = first(on_disk(made), keys=[KEY])
    assert (fault.kind, fault.following) == (Kind.REMOVED, 6)
    assert fault.what.endswith("record 11 says that they may be, and nobody has signed that one")
    made.checkpoint()
    assert prove(on_disk(made), keys=[KEY]).whole


def test_records_without_a_link_that_claim_to_be_of_the_trails_time_are_a_fault() -> None:
    made = Written()
    made.begin()
    made.some(3)
    older, newer = (
        b'{"code":"A1001I","time":"2026-11-22T%b.000Z","why":"?"}\n' % at for at in (b"19:20:00", b"19:21:02")
    )
    assert prove([("audit.jsonl.1", older), *on_disk(made)]).whole
    fault = first([("audit.jsonl.1", older + newer), *on_disk(made)])
    assert (fault.kind, fault.at.file, fault.at.line) == (Kind.NO_RECORD, "audit.jsonl.1", 1)


def unvouched(kind: str, key: Ed25519PrivateKey | None = KEY) -> Written:
    made = Written(key=key)
    made.begin()
    made.some(3)
    made.checkpoint()
    made.some(2)
    named = {"first_seq": 6, "last_seq": 7} if kind != "head" else {"first_seq": 0, "last_seq": 0}
    made.record("A9103W", repaired={"kind": kind, "octets": 9, "sha256": "", **named})
    made.checkpoint()
    return made


@pytest.mark.parametrize("kind", ["unvouched", "added", "head"])
def test_a_later_signature_is_no_word_about_records_that_were_found_at_a_start(kind: str) -> None:
    made = unvouched(kind)
    proof = prove(on_disk(made), keys=[KEY], anchors=made.anchors)
    assert proof.unvouched == ((6, 7),)
    told = Told(files=1, octets=1, took_s=0.1, anchor_files=(), named_keys=(), own_key="", partly=False)
    assert proof.whole is (kind != "added")
    said = [*(note.what for note in proof.notes), *(fault.what for fault in proof.faults)]
    assert any("behind the last place nacd itself had noted" in what for what in said) is (kind != "head")
    if kind == "added":
        assert (proof.faults[0].kind, proof.faults[0].at.seq) == (Kind.INSERTED, 8)
        assert proof.signed is proof.anchored is None
        assert "Something was done to the trail behind record 5." in text(told, proof)
    else:
        assert "does not tell who wrote the records 6 to 7" in text(told, proof)


def test_records_that_a_crash_left_are_told_once_and_are_no_fault() -> None:
    proof = prove(on_disk(unvouched("unvouched")), keys=[KEY])
    assert proof.whole
    (note,) = proof.notes
    assert note.what.startswith("records 6 to 7 were found at a start behind the last place nacd itself had noted")
