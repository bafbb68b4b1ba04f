"""Any change of any octet, and any record removed, put in, moved or cut off, is found where it is."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.audit.proof.findings import Fault, Kind
from nacd.audit.proof.walking import Walk
from tests.audit.proof.proving import on_disk, prove, verified
from tests.store.trail.written import NOUGHT, trail

KEY = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
TRAIL = trail(key=KEY)
FILES = on_disk(TRAIL)
LINES = [text.splitlines(keepends=True) for _, text in FILES]
NAMES = [name for name, _ in FILES]
PLACES = [(number, line) for number, lines in enumerate(LINES) for line in range(len(lines))]
MANY = settings(max_examples=300, deadline=None)


def first(lines: list[list[bytes]], **more: Any) -> Fault:
    files = [(name, b"".join(each)) for name, each in zip(NAMES, lines, strict=True)]
    proof = prove(files, anchors=TRAIL.anchors, **more)
    assert not proof.whole
    return proof.faults[0]


def copied() -> list[list[bytes]]:
    return [list(lines) for lines in LINES]


@MANY
@given(st.sampled_from(PLACES), st.data(), st.sampled_from([0, 1, 4]))
def test_any_octet_that_is_changed_is_found_in_its_line(
    place: tuple[int, int], data: st.DataObject, parts: int
) -> None:
    number, line = place
    bad = copied()
    octets = bytearray(bad[number][line])
    at = data.draw(st.integers(0, len(octets) - 1))
    octets[at] = data.draw(st.integers(0, 255).filter(lambda new: new != octets[at]))
    bad[number][line] = bytes(octets)
    fault = first(bad, part_lines=parts)
    if number == len(LINES) - 1 and line == len(LINES[-1]) - 1 and not octets.endswith(b"\n"):
        assert (fault.kind, fault.at.line) == (Kind.CUT, line)  # the last line is not finished, and an anchor knows it
    else:
        assert (fault.at.file, fault.at.line) == (NAMES[number], line + 1)


@MANY
@given(st.integers(0, len(PLACES) - 1), st.integers(1, 40))
def test_any_records_that_are_removed_are_found_where_they_were(begin: int, many: int) -> None:
    gone = set(PLACES[begin : begin + many])
    bad = [[line for at, line in enumerate(lines) if (number, at) not in gone] for number, lines in enumerate(LINES)]
    if not any(bad):
        return
    fault = first(bad)
    rest = PLACES[begin + many :]
    if rest:
        number = rest[0][0]
        line = sum(1 for at in range(rest[0][1]) if (number, at) not in gone)
        assert (fault.at.file, fault.at.line) == (NAMES[number], line + 1)
    else:
        assert (fault.kind, fault.at.seq) == (Kind.CUT, begin)
        assert fault.what.endswith("cut off")


@MANY
@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_any_record_that_is_put_in_is_found(copy: tuple[int, int], place: tuple[int, int]) -> None:
    bad = copied()
    line = LINES[copy[0]][copy[1]]
    bad[place[0]].insert(place[1], line)
    fault = first(bad)
    twice = line == LINES[place[0]][place[1]]  # nobody can tell the one from the other
    assert (fault.at.file, fault.at.line) == (NAMES[place[0]], place[1] + 1 + twice)


@MANY
@given(st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_any_two_records_that_change_places_are_found(one: tuple[int, int], other: tuple[int, int]) -> None:
    if one == other:
        return
    bad = copied()
    bad[one[0]][one[1]], bad[other[0]][other[1]] = bad[other[0]][other[1]], bad[one[0]][one[1]]
    number, line = min(one, other)
    fault = first(bad)
    assert (fault.at.file, fault.at.line) == (NAMES[number], line + 1)


@MANY
@given(st.sampled_from(range(len(FILES))), st.data())
def test_any_file_that_is_cut_at_any_octet_is_found(number: int, data: st.DataObject) -> None:
    name, text = FILES[number]
    keep = data.draw(st.integers(0, len(text) - 1))
    files = [(each, text[:keep] if each == name else whole) for each, whole in FILES]
    proof = prove(files, anchors=TRAIL.anchors)
    assert not proof.whole
    whole_lines = text[:keep].count(b"\n")
    good = proof.faults[0].good
    assert good is not None or number == whole_lines == 0
    assert good is None or good.seq == sum(map(len, LINES[:number])) + whole_lines


def chained_anew(number: int, line: int) -> list[list[bytes]]:
    """What somebody without the key makes who changes one record and all links behind it."""
    made, link = copied(), NOUGHT
    for each in made:
        for at, octets in enumerate(each):
            fields = json.loads(octets)
            fields.pop("link")
            if (each is made[number]) and at == line:
                fields["why"] = "another reason"
            if "checkpoint" in fields:
                fields["checkpoint"]["link"] = link
            if "previous" in fields and fields["previous"]["seq"]:
                fields["previous"]["link"] = link
            body = json.dumps(fields, separators=(",", ":"))[:-1]
            link = sha256(f"{link}{body}".encode()).hexdigest()
            each[at] = f'{body},"link":"{link}"}}\n'.encode()
    return made


@MANY
@given(st.sampled_from(PLACES[:-1]), st.sampled_from([0, 1, 4]))
def test_any_record_behind_which_all_is_made_anew_is_found_by_the_next_anchor_and_the_next_signature(
    place: tuple[int, int], parts: int
) -> None:
    bad = chained_anew(*place)
    seq = sum(map(len, LINES[: place[0]])) + place[1] + 1
    anchored = [json.loads(line)["seq"] for line in TRAIL.anchors]
    fault = first(bad, part_lines=parts)
    assert fault.kind is Kind.FORGED
    assert fault.at.seq == min(each for each in anchored if each >= seq)
    assert (fault.good.seq if fault.good else 0) == max((each for each in anchored if each < seq), default=0)
    files = [(name, b"".join(each)) for name, each in zip(NAMES, bad, strict=True)]
    proof = prove(files, keys=[KEY], part_lines=parts)
    if seq not in anchored:  # a checkpoint's own signature is not over its reason
        assert proof.faults[0].at.seq == min(each for each in anchored if each >= seq)


@MANY
@given(st.sampled_from(PLACES[:-1]), st.sampled_from(PLACES[:-1]), st.sampled_from([0, 1, 4]))
def test_no_anchor_and_no_signature_vouches_across_a_fault(
    one: tuple[int, int], other: tuple[int, int], parts: int
) -> None:
    """A record is changed and links are made anew up to another one, so that the fault is seen there only."""
    begin, end = sorted((one, other))
    anew = chained_anew(*begin)
    bad = [
        [anew[number][at] if (number, at) <= end else line for at, line in enumerate(lines)]
        for number, lines in enumerate(LINES)
    ]
    seq = sum(map(len, LINES[: begin[0]])) + begin[1] + 1
    files = [(name, b"".join(each)) for name, each in zip(NAMES, bad, strict=True)]
    proof = prove(files, anchors=TRAIL.anchors, keys=[KEY], part_lines=parts)
    assert not proof.whole
    anchored = [json.loads(line)["seq"] for line in TRAIL.anchors]
    good = max((each for each in anchored if each < seq), default=0)
    assert (proof.anchored.seq if proof.anchored else 0) == good
    assert (proof.signed.seq if proof.signed else 0) in (max(0, good - 1), seq - 1)


# -- one part by itself -------------------------------------------------------------------------


def test_a_part_believes_its_first_record_and_says_where_it_ended() -> None:
    walk = Walk({}, verified)
    walk.take(b"".join(LINES[1][3:9]), 0)
    found = walk.found
    assert (found.records, found.lines, found.octets) == (6, 6, sum(map(len, LINES[1][3:9])))
    assert found.first is not None
    assert (found.first[0].seq, found.first[1].line) == (16, 1)
    assert found.steps.last is not None
    assert (found.steps.last.seq, found.steps.last.line) == (21, 6)
    assert found.steps.faults == []


@pytest.mark.parametrize("size", [1, 2, 5])
def test_text_may_come_in_any_pieces_of_whole_lines(size: int) -> None:
    walk = Walk({}, verified)
    at = 0
    for begin in range(0, len(LINES[1]), size):
        text = b"".join(LINES[1][begin : begin + size])
        walk.take(text, at)
        at += len(text)
    assert walk.found.records == len(LINES[1])
    assert walk.found.steps.last is not None
    assert walk.found.steps.last.offset == at - len(LINES[1][-1])
    assert [fields["code"] for _, fields in walk.found.told] == ["A9101I"]


def test_a_place_that_cannot_be_read_is_a_fault_and_the_walk_goes_on() -> None:
    walk = Walk({}, verified)
    walk.take(b"".join(LINES[0][:4]), 0)
    walk.gap("a line is longer than any record can be", 900)
    walk.take(b"".join(LINES[0][4:]), 5000)
    assert [fault.kind for fault in walk.found.steps.faults] == [Kind.UNREADABLE]
    assert walk.found.steps.faults[0].at.line == 5
    assert walk.found.lines == len(LINES[0]) + 1


def test_links_that_are_wanted_are_compared() -> None:
    link = json.loads(LINES[0][4])["link"].encode()
    walk = Walk({}, verified, {5: (b"x" * 64, link), 7: (b"x" * 64,)})
    walk.take(FILES[0][1], 0)
    assert (walk.found.matched, walk.found.matched_seq) == (1, 5)
    assert [(at.seq, before) for at, before in walk.found.unlike] == [(5, 0), (7, 5)]
    assert walk.found.records == len(LINES[0])
