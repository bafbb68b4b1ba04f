"""Where a trail goes on when its file is opened, and what its first records say about that."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from nacd.store.trail.log import AuditLog
from nacd.store.trail.writing.head import NAME
from tests.store.trail.writing.checker import judge
from tests.store.trail.writing.trails import Trail, die, event


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path)


def written(trail: Trail, count: int = 3, first: int = 1) -> None:
    with trail.opened() as log:
        for number in range(first, first + count):
            log.append(event(number))


def numbers(trail: Trail) -> list[int]:
    return [record["number"] for record in trail.judged().plain]


def test_the_first_file_of_a_trail_begins_from_nothing(trail: Trail) -> None:
    written(trail)
    (begun,) = trail.whole().of("A9101I")
    assert begun["seq"] == 1
    assert begun["previous"] == {"file": "", "seq": 0, "link": ""}
    assert begun["before"] == {"octets": 0, "sha256": ""}
    assert begun["version"] == "1.0"
    assert len(begun["writer"]) == 16


def test_a_restart_goes_on_where_it_ended(trail: Trail) -> None:
    written(trail)
    written(trail, first=4)
    assert trail.whole().codes == ["A9101I", *["A0000I"] * 6]
    assert numbers(trail) == [1, 2, 3, 4, 5, 6]


def test_a_killed_daemon_leaves_the_file_ahead_of_the_head_and_that_is_no_fault(trail: Trail) -> None:
    written(trail)
    log = trail.open()
    log.append(event(4))
    die(log)
    written(trail, first=5)
    found = trail.whole()
    assert found.codes == ["A9101I", *["A0000I"] * 4, "A9103W", *["A0000I"] * 3]
    (told,) = found.of("A9103W")
    added = trail.live.read_bytes().splitlines(keepends=True)[4]
    assert told["repaired"] == {
        "kind": "unvouched",
        "file": "audit.jsonl",
        "octets": len(added),
        "sha256": hashlib.sha256(added).hexdigest(),
        "text": "",
        "first_seq": 5,
        "last_seq": 5,
    }
    written(trail, first=8)
    assert len(trail.whole().of("A9103W")) == 1


def test_records_that_somebody_laid_behind_an_end_in_good_order_are_told_as_not_ours(trail: Trail) -> None:
    written(trail)
    last = trail.judged().records[-1]
    link = last["link"].encode()
    for seq in (5, 6):
        body = b'{"code":"A1001I","time":"2027-01-15T08:00:00.000Z","seq":%d' % seq
        link = hashlib.sha256(link + body).hexdigest().encode()
        trail.live.write_bytes(trail.live.read_bytes() + body + b',"link":"' + link + b'"}\n')
    written(trail, first=7)
    (told,) = trail.whole().of("A9103W")
    assert (told["repaired"]["kind"], told["repaired"]["first_seq"], told["repaired"]["last_seq"]) == ("added", 5, 6)
    written(trail, first=10)
    assert len(trail.whole().of("A9103W")) == 1


def test_a_daemon_that_looked_and_wrote_nothing_leaves_the_end_as_it_was(trail: Trail) -> None:
    written(trail)
    before = head(trail).read_bytes()
    trail.open().close()
    assert head(trail).read_bytes() == before
    assert json.loads(before)["ended"] is True


def test_cut_at_every_octet_it_goes_on_and_every_whole_record_stands(trail: Trail) -> None:
    """The file of a daemon that was killed, cut at each octet: the chain is right, what was cut off is told."""
    log = trail.open()
    log.append(event(1))
    log.append(event(2, "ä" * 20))
    log.append(event(3), event(4))
    die(log)
    text = trail.live.read_bytes()
    ends = [at + 1 for at, octet in enumerate(text) if octet == 10]
    for size in range(len(text) + 1):
        trail.live.write_bytes(text[:size])
        whole = max((end for end in ends if end <= size), default=0)
        log = AuditLog(trail.live, clock=trail.clock)
        log.append(event(9))
        log.append(event(10))
        log.close()
        after = trail.live.read_bytes()
        assert after.startswith(text[:whole])
        found = judge([after])
        assert found.faults == found.noted == [], size
        assert [record["number"] for record in found.plain[-2:]] == [9, 10]
        told = [record["repaired"] for record in found.of("A9103W")]
        if size == whole:
            assert told == []
        else:
            (one,) = told
            assert (one["kind"], one["octets"]) == ("half_line", size - whole)
            assert one["sha256"] == hashlib.sha256(text[whole:size]).hexdigest()
            assert one["text"] == text[whole:size].decode("utf-8", "backslashreplace")


def test_looking_changes_nothing_until_something_is_written(trail: Trail) -> None:
    written(trail)
    torn = trail.live.read_bytes() + b'{"code":"A00'
    trail.live.write_bytes(torn)
    for _ in range(2):
        log = AuditLog(trail.live)
        die(log)
        assert trail.live.read_bytes() == torn


@pytest.mark.parametrize("half", [b"", b'{"code":"A1001I","ti'])
def test_octets_of_zero_that_a_power_cut_left_are_cut_off(trail: Trail, half: bytes) -> None:
    written(trail)
    trail.live.write_bytes(trail.live.read_bytes() + half + b"\0" * 10_000)
    written(trail, first=4)
    found = trail.whole()
    (told,) = found.of("A9103W")
    assert told["repaired"]["octets"] == 10_000 + len(half)
    assert told["repaired"]["text"] == half.decode()
    assert numbers(trail) == [1, 2, 3, 4, 5, 6]


def test_a_long_half_line_is_told_with_its_first_4096_characters(trail: Trail) -> None:
    written(trail)
    trail.live.write_bytes(trail.live.read_bytes() + b"z" * 5_000_000)
    written(trail, first=4)
    (told,) = trail.whole().of("A9103W")
    assert told["repaired"]["text"] == "z" * 4096
    assert told["repaired"]["octets"] == 5_000_000


def test_lines_of_somebody_else_stay_and_are_pinned(trail: Trail) -> None:
    written(trail)
    strange = b"somebody was here\n{}\n"
    trail.live.write_bytes(trail.live.read_bytes() + strange)
    written(trail, first=4)
    assert strange in trail.live.read_bytes()
    found = trail.judged()
    assert found.faults == []
    assert len(found.noted) == 1
    (told,) = found.of("A9103W")
    assert told["repaired"]["kind"] == "foreign"
    assert told["repaired"]["text"] == strange.decode()
    assert numbers(trail) == [1, 2, 3, 4, 5, 6]


def test_a_log_from_before_there_was_a_trail_is_pinned_and_stays(trail: Trail) -> None:
    old = b'{"code":"A1001I"}\n' * 3
    trail.live.write_bytes(old + b'{"half')
    written(trail)
    found = trail.whole()
    (begun,) = found.of("A9101I")
    assert begun["before"] == {"octets": len(old), "sha256": hashlib.sha256(old).hexdigest()}
    assert begun["seq"] == 1
    (told,) = found.of("A9103W")
    assert told["repaired"]["text"] == '{"half'
    written(trail, first=4)
    assert trail.whole().codes[-1] == "A0000I"
    assert numbers(trail) == [1, 2, 3, 4, 5, 6]


# -- the head -----------------------------------------------------------------------------------


def head(trail: Trail) -> Path:
    return trail.folder / "state" / "audit" / NAME


def test_the_head_is_where_the_trail_ended(trail: Trail) -> None:
    written(trail)
    last = trail.whole().records[-1]
    kept = json.loads(head(trail).read_bytes())
    assert (kept["seq"], kept["link"], kept["file"]) == (last["seq"], last["link"], str(trail.live))
    assert kept["octets"] == trail.live.stat().st_size


@pytest.mark.parametrize("records", [1, 2, 3])
def test_a_file_that_is_shorter_than_the_head_says_how_many_records_are_missing(trail: Trail, records: int) -> None:
    written(trail)
    lines = trail.live.read_bytes().splitlines(keepends=True)
    trail.live.write_bytes(b"".join(lines[:records]))
    written(trail, first=4)
    found = trail.judged()
    assert found.faults == []
    (gap,) = found.of("A9104E")
    assert gap["gap"] == {
        "reason": "short",
        "file": "audit.jsonl",
        "missing": 4 - records,
        "after": records,
        "next": 5,
    }
    assert gap["seq"] == 5
    written(trail, first=7)
    assert len(trail.judged().of("A9104E")) == 1


def test_a_trail_that_is_gone_is_missed(trail: Trail) -> None:
    written(trail)
    trail.live.unlink()
    written(trail, first=4)
    found = trail.judged()
    assert found.faults == []
    assert found.codes[:2] == ["A9101I", "A9104E"]
    (gap,) = found.of("A9104E")
    assert (gap["gap"]["reason"], gap["gap"]["missing"]) == ("gone", 4)
    assert found.records[0]["previous"]["seq"] == 4


def test_records_that_were_put_in_the_place_of_others_while_it_was_down_are_noticed(trail: Trail) -> None:
    """Somebody wrote the last record anew with a right link; the head knows the one that was there."""
    written(trail)
    *lines, last = trail.live.read_bytes().splitlines(keepends=True)
    body = last[:-76].replace(b'"number":3', b'"number":7')
    link = hashlib.sha256(lines[-1][-67:-3] + body).hexdigest().encode()
    trail.live.write_bytes(b"".join([*lines, body + b',"link":"' + link + b'"}\n']))
    assert trail.judged().faults == []
    written(trail, first=4)
    (gap,) = trail.judged().of("A9104E")
    assert gap["gap"]["reason"] == "break"


def test_records_that_vanished_from_the_middle_of_what_the_head_does_not_know_are_noted(trail: Trail) -> None:
    written(trail)
    log = trail.open()
    for number in range(4, 8):
        log.append(event(number))
    die(log)
    lines = trail.live.read_bytes().splitlines(keepends=True)
    del lines[5]
    trail.live.write_bytes(b"".join(lines))
    written(trail, first=8)
    found = trail.judged()
    assert found.faults == []
    assert found.noted == ["5 is followed by 7"]
    (gap,) = found.of("A9104E")
    assert (gap["gap"]["reason"], gap["gap"]["missing"]) == ("break", 1)


def test_a_head_that_is_missing_is_told_once(trail: Trail) -> None:
    written(trail)
    head(trail).unlink()
    written(trail, first=4)
    written(trail, first=7)
    found = trail.whole()
    (told,) = found.of("A9103W")
    assert told["repaired"]["kind"] == "head"
    assert len({record["writer"] for record in found.of("A9101I")}) == 1


@pytest.mark.parametrize(
    "octets", [b"", b"{", b"[]", b'"x"', b'{"writer":"x","seq":1,"link":"y","file":"z"}', b"\xff" * 9]
)
def test_a_head_that_cannot_be_read_is_told_with_what_was_there(trail: Trail, octets: bytes) -> None:
    written(trail)
    head(trail).write_bytes(octets)
    written(trail, first=4)
    (told,) = trail.whole().of("A9103W")
    assert told["repaired"]["kind"] == "head"
    assert told["repaired"]["text"] == octets.decode("utf-8", "backslashreplace")


def test_a_head_of_another_trail_does_not_count(trail: Trail, tmp_path: Path) -> None:
    written(trail)
    there = json.loads(head(trail).read_bytes())
    head(trail).write_text(json.dumps({**there, "writer": "0" * 16, "seq": 99}))
    written(trail, first=4)
    found = trail.whole()
    assert found.of("A9104E") == []
    assert found.of("A9103W")[0]["repaired"]["kind"] == "head"


# -- files beside it ----------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kept", [True, False])
def test_a_live_file_that_is_missing_goes_on_behind_the_newest_full_one(trail: Trail, packed: bool, kept: bool) -> None:
    """As after being killed between the two renames of a rotation."""
    written(trail)
    log = trail.open()
    log.append(event(4))
    die(log)
    full = trail.folder / "audit-20270115T080000Z-000000000001.jsonl"
    trail.live.rename(full)
    if packed:
        full.with_suffix(".jsonl.gz").write_bytes(gzip.compress(full.read_bytes()))
    if not kept:
        head(trail).unlink()
    text = full.read_bytes()
    if packed:
        full.unlink()
    written(trail, first=5)
    found = judge([text, trail.live])
    assert found.faults == found.noted == []
    begun = found.of("A9101I")[1]
    assert begun["previous"]["file"] == full.name
    assert begun["previous"]["seq"] == 5
    assert begun["writer"] == found.records[0]["writer"]
    assert [bool(found.of("A9103W")), bool(found.of("A9104E"))] == [True, False]
    (told,) = found.of("A9103W")
    assert told["repaired"]["kind"] == ("unvouched" if kept else "head")


def test_a_file_that_logrotate_moved_away_while_nobody_wrote_is_found(trail: Trail) -> None:
    written(trail)
    trail.live.rename(trail.folder / "audit.jsonl.1")
    written(trail, first=4)
    found = judge([trail.folder / "audit.jsonl.1", trail.live])
    assert found.faults == found.noted == []
    assert found.of("A9101I")[1]["previous"]["file"] == "audit.jsonl.1"
    assert found.of("A9104E") == []


def test_files_without_a_record_that_were_moved_away_do_not_hide_the_one_with_the_trail_in_it(trail: Trail) -> None:
    trail.live.write_bytes(b"of somebody else\n")
    written(trail)
    for number, text in enumerate((b"", b"of somebody else, too\n", None), start=1):
        trail.live.rename(trail.folder / f"audit.jsonl.{number}")
        if text is not None:
            trail.live.write_bytes(text)
    written(trail, first=4)
    found = judge([trail.folder / "audit.jsonl.1", trail.live])
    assert found.faults == []
    assert [record["number"] for record in found.plain] == [1, 2, 3, 4, 5, 6]
    assert found.of("A9104E") == []


def test_a_trail_that_moves_to_another_path_goes_on_there(trail: Trail) -> None:
    written(trail)
    before = trail.live
    (trail.folder / "new").mkdir()
    trail.live = trail.folder / "new" / "audit.jsonl"
    written(trail, first=4)
    found = judge([before, trail.live])
    assert found.faults == found.noted == []
    assert found.of("A9104E") == []
