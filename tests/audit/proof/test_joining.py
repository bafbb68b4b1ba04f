"""Whatever is done to a trail is found, at its place, and what cannot be found is not said to be proved."""

import json
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nacd.audit.proof.anchors import Anchor
from nacd.audit.proof.findings import Kind
from tests.audit.proof.proving import edited, first, on_disk, prove
from tests.store.trail.written import Written, trail

KEY = Ed25519PrivateKey.generate()


# -- whole --------------------------------------------------------------------------------------


@pytest.mark.parametrize("part_lines", [0, 1, 2, 7])
@pytest.mark.parametrize("key", [None, KEY])
def test_a_trail_as_it_was_written_is_whole(part_lines: int, key: Ed25519PrivateKey | None) -> None:
    made = trail(key=key)
    proof = prove(on_disk(made), anchors=made.anchors, keys=[key] if key else [], part_lines=part_lines)
    assert (proof.faults, proof.more, proof.notes) == ((), 0, ())
    assert proof.records == made.seq == 41
    assert proof.began is not None
    assert (proof.began.seq, proof.began.line, proof.began.offset) == (1, 1, 0)
    assert proof.ended is not None
    assert (proof.ended.seq, proof.ended.file, proof.ended.line) == (41, "audit.jsonl", 7)
    assert proof.anchored is not None
    assert proof.anchored.seq == 41
    assert (proof.signed.seq if proof.signed else 0) == (40 if key else 0)


def test_without_anchors_and_keys_nobody_vouches_for_anything() -> None:
    proof = prove(on_disk(trail()))
    assert (proof.whole, proof.anchored, proof.signed) == (True, None, None)


# -- one thing done to it -----------------------------------------------------------------------


@pytest.mark.parametrize("part_lines", [0, 1, 3])
def test_a_changed_record_is_named_with_its_place_and_the_last_good_one(part_lines: int) -> None:
    files = on_disk(trail())
    bad = edited(files, 1, lambda lines: lines.__setitem__(5, lines[5].replace(b"a rule said so", b"a rule said no")))
    fault = first(bad, part_lines=part_lines)
    before = b"".join(files[1][1].splitlines(keepends=True)[:5])
    assert (fault.kind, fault.at.file, fault.at.line, fault.at.seq) == (Kind.CHANGED, files[1][0], 6, 18)
    assert fault.at.offset == len(before)
    assert fault.at.time == "2026-11-22T19:21:18.000Z"
    assert fault.good is not None
    assert (fault.good.seq, fault.good.line) == (17, 5)
    assert len(prove(bad).faults) == 1  # what follows is as it was written


def test_a_changed_link_is_told_from_changed_content() -> None:
    bad = edited(on_disk(trail()), 0, lambda lines: lines.__setitem__(3, lines[3][:-4] + b'0"}\n'))
    fault = first(bad)
    assert (fault.kind, fault.at.line) == (Kind.CHANGED, 4)
    assert "its link was changed" in fault.what
    assert len(prove(bad).faults) == 1


def test_removed_records_are_counted() -> None:
    bad = edited(on_disk(trail()), 0, lambda lines: lines.__delitem__(slice(4, 7)))
    fault = first(bad)
    assert (fault.kind, fault.at.line, fault.after, fault.following) == (Kind.REMOVED, 5, 4, 8)
    assert "records 5 to 7 are missing" in fault.what
    assert len(prove(bad).faults) == 1


def test_a_record_put_in_is_told_from_a_changed_one() -> None:
    def put_in(lines: list[bytes]) -> None:
        lines.insert(4, lines[4].replace(b"a rule said so", b"another record"))

    bad = edited(on_disk(trail()), 0, put_in)
    fault = first(bad)
    assert (fault.kind, fault.at.line) == (Kind.INSERTED, 5)
    assert len(prove(bad).faults) == 1


def test_a_record_that_stands_twice_was_put_in() -> None:
    fault = first(edited(on_disk(trail()), 0, lambda lines: lines.insert(6, lines[3])))
    assert (fault.kind, fault.at.line, fault.at.seq) == (Kind.INSERTED, 7, 4)


def test_two_records_that_changed_places_are_named_by_the_first() -> None:
    def swap(lines: list[bytes]) -> None:
        lines[4], lines[5] = lines[5], lines[4]

    fault = first(edited(on_disk(trail()), 0, swap))
    assert (fault.kind, fault.at.line, fault.at.seq) == (Kind.REORDERED, 5, 6)
    assert "record 6 stands where record 5 belongs" in fault.what


@pytest.mark.parametrize(
    "junk", [b"hello\n", b"\n", b"\0" * 40 + b"\n", b'{"code":"A1001I"}\n', b'{"a":1,"seq":5,"link":""}\n']
)
def test_a_line_that_is_no_record_is_named(junk: bytes) -> None:
    fault = first(edited(on_disk(trail()), 0, lambda lines: lines.insert(4, junk)))
    assert (fault.kind, fault.at.line) == (Kind.NO_RECORD, 5)
    assert fault.good is not None
    assert fault.good.seq == 4


def test_noughts_within_a_record_are_a_change() -> None:
    def nought(lines: list[bytes]) -> None:
        lines[4] = lines[4][:30] + b"\0\0\0" + lines[4][33:]

    assert first(edited(on_disk(trail()), 0, nought)).at.line == 5


def test_a_file_that_is_missing_is_named_by_the_records_it_had() -> None:
    files = on_disk(trail())
    fault = first([files[0], files[2]])
    assert (fault.kind, fault.after, fault.following) == (Kind.REMOVED, 12, 35)


def test_a_file_that_stands_twice_is_found() -> None:
    files = on_disk(trail())
    fault = first([files[0], ("copy", files[0][1]), *files[1:]])
    assert (fault.kind, fault.at.file, fault.at.line) == (Kind.INSERTED, "copy", 1)


def test_a_missing_beginning_is_a_fault() -> None:
    fault = first(on_disk(trail())[1:])
    assert (fault.kind, fault.after, fault.following) == (Kind.REMOVED, 0, 13)
    assert fault.good is None


def test_a_file_whose_first_records_were_cut_off_is_found_even_alone() -> None:
    fault = first(edited(on_disk(trail())[1:], 0, lambda lines: lines.__delitem__(slice(0, 3))))
    assert (fault.kind, fault.at.line) == (Kind.CUT, 1)


def test_many_faults_are_counted_and_the_first_ones_kept() -> None:
    made = Written()
    made.begin()
    made.some(500)

    def every_second(lines: list[bytes]) -> None:
        for number in range(1, len(lines), 2):
            lines[number] = lines[number].replace(b"a rule said so", b"a rule said no")

    proof = prove(edited(on_disk(made), 0, every_second))
    assert (len(proof.faults), proof.more) == (100, 150)
    assert proof.faults[0].at.line == 2


def test_a_full_file_that_ends_in_the_middle_of_a_line_was_cut() -> None:
    files = on_disk(trail())
    fault = first([(files[0][0], files[0][1][:-20]), *files[1:]])
    assert (fault.kind, fault.at.file, fault.at.line) == (Kind.CUT, files[0][0], 12)


def test_half_a_line_at_the_end_of_the_live_file_is_being_written() -> None:
    files = on_disk(trail())
    proof = prove([*files[:2], (files[2][0], files[2][1] + b'{"code":"A10')])
    assert proof.whole
    assert "is being written" in proof.notes[0].what


# -- the end ------------------------------------------------------------------------------------


def test_an_end_that_is_cut_off_before_the_last_anchor_is_found() -> None:
    made = trail(key=KEY)
    files = on_disk(made)
    for lines in range(1, 7):
        bad = edited(files, 2, lambda all_lines, keep=lines: all_lines.__delitem__(slice(keep, None)))  # type: ignore[misc]
        fault = first(bad, anchors=made.anchors)
        assert (fault.kind, fault.at.line) == (Kind.CUT, lines)
        assert "an anchor of" in fault.what


def test_an_end_that_is_cut_off_behind_the_last_anchor_is_not_claimed_to_be_proved() -> None:
    made = trail(key=KEY)
    at = made.seq
    made.some(5)
    proof = prove(edited(on_disk(made), 2, lambda lines: lines.__delitem__(slice(-3, None))), anchors=made.anchors)
    assert proof.whole
    assert proof.anchored is not None
    assert proof.anchored.seq == at
    assert proof.ended is not None
    assert proof.ended.seq == at + 2


def test_the_end_is_what_the_head_says() -> None:
    made = trail()
    files = on_disk(made)
    head = (made.writer, Anchor(made.seq, made.link, ""))
    assert prove(files, head=head).whole
    fault = first(edited(files, 2, lambda lines: lines.__delitem__(-1)), head=head)
    assert (fault.kind, fault.at.seq) == (Kind.CUT, made.seq - 1)
    assert "head.json" in fault.what
    fault = first(files, head=(made.writer, Anchor(made.seq, "f" * 64, "")))
    assert (fault.kind, fault.at.seq) == (Kind.FORGED, made.seq)


# -- what is missing rightfully -----------------------------------------------------------------


def test_a_beginning_that_was_retired_is_no_fault() -> None:
    made = trail()
    made.retire()
    proof = prove(on_disk(made))
    assert proof.whole
    assert "deleted rightfully" in proof.notes[0].what
    made.retire()
    assert prove(on_disk(made)).whole


def test_a_file_in_the_middle_may_be_retired_too() -> None:
    made = trail()
    made.retire(1)
    assert prove(on_disk(made)).whole


def test_what_was_retired_excuses_nothing_else() -> None:
    made = trail()
    made.retire(0)
    del made.files[0]
    fault = first(on_disk(made))
    assert (fault.kind, fault.following) == (Kind.REMOVED, 35)
    made = trail(lambda made: made.record("A9106I", retired={
        "file": "x", "first_seq": 1, "last_seq": 12, "last_link": "0" * 64, "why": "a lie"}) and None)  # fmt: skip
    assert first(on_disk(made)[1:]).kind is Kind.REMOVED


def test_anchors_of_what_was_retired_are_counted_apart() -> None:
    made = trail()
    made.retire()
    made.checkpoint()
    proof = prove(on_disk(made), anchors=made.anchors)
    assert proof.whole
    assert any("anchors older than what is looked at: 1" in note.what for note in proof.notes)


# -- what nacd noted itself ---------------------------------------------------------------------


def test_a_gap_that_nacd_noted_is_a_fault_and_said_to_be_noted() -> None:
    made = trail()
    missing = 4
    del made.lines[3:]
    after = json.loads(made.lines[-1])["seq"]
    made.seq, made.link = after + missing, "d" * 64
    made.record(
        "A9104E", gap={"reason": "short", "file": "audit.jsonl", "missing": 4, "after": after, "next": after + 5}
    )
    fault = first(on_disk(made))
    assert (fault.kind, fault.after, fault.following) == (Kind.REMOVED, after, after + 5)
    assert fault.noted
    assert "nacd itself noted this gap" in fault.what


def test_lines_of_somebody_else_that_nacd_noted_are_no_fault() -> None:
    made = trail()
    junk = b"hello\nworld\n"
    made.lines.append(junk)
    told = {
        "kind": "foreign",
        "file": "audit.jsonl",
        "octets": len(junk),
        "sha256": sha256(junk).hexdigest(),
        "text": "",
    }
    made.record("A9103W", repaired=told)
    proof = prove(on_disk(made))
    assert proof.whole
    assert "noted what they were" in proof.notes[0].what
    made.lines[made.lines.index(junk)] = b"hello\nworle\n"
    assert first(on_disk(made)).kind is Kind.NO_RECORD


def test_a_line_that_a_crash_cut_is_told() -> None:
    told = {"kind": "half_line", "file": "audit.jsonl", "octets": 77, "sha256": "", "text": "{"}
    proof = prove(on_disk(trail(lambda made: made.record("A9103W", repaired=told) and None)))
    assert proof.whole
    assert "cut off its 77 octets" in proof.notes[0].what


# -- before the trail ---------------------------------------------------------------------------

OLD = b'{"code":"A1001I","time":"2026-01-01T00:00:00.000Z"}\n' * 3


@pytest.mark.parametrize("part_lines", [0, 1, 2])
def test_a_log_from_before_the_trail_is_pinned_by_its_first_record(part_lines: int) -> None:
    made = Written(before=(len(OLD), sha256(OLD).hexdigest()))
    made.begin()
    made.some(3)
    live = b"".join(made.lines)
    proof = prove([("audit.jsonl.1", OLD), ("audit.jsonl", OLD + live)], part_lines=part_lines)
    assert proof.whole
    assert sorted(note.what.partition(" ")[0] for note in proof.notes) == ["3", "3"]
    for bad in (OLD.replace(b"2026-01-01", b"2026-01-02", 1), OLD[:-1] + b" \n", OLD[: len(OLD) // 3], b""):
        assert first([("audit.jsonl", bad + live)]).kind is Kind.CHANGED


def test_a_new_trail_behind_an_old_one_is_a_fault() -> None:
    made, new = trail(), Written(writer="f" * 16)
    new.begin()
    new.some(3)
    fault = first([*on_disk(made)[:2], ("audit.jsonl", b"".join(new.lines))])
    assert (fault.kind, fault.at.seq) == (Kind.CUT, 1)
    assert "nothing ties it" in fault.what


def test_a_part_of_a_trail_is_whole_where_only_a_part_was_asked_for() -> None:
    files = on_disk(trail())
    proof = prove(files[1:2], partly=True)
    assert proof.whole
    assert proof.began is not None
    assert proof.began.seq == 13
    proof = prove(edited(files[1:2], 0, lambda lines: lines.__delitem__(0)), partly=True)
    assert proof.whole  # there is nothing that could tell


def test_nothing_is_no_trail() -> None:
    proof = prove([("audit.jsonl", b"")])
    assert (proof.whole, proof.records, proof.ended) == (True, 0, None)
