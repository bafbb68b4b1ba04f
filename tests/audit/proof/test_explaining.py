"""What explains a hole, and what does not."""

from nacd.audit.proof.explaining import Hole, Told, explained
from nacd.audit.proof.findings import Fault, Kind, Place


def digest(name: str, start: int, end: int) -> str:
    return f"{name} {start} {end}"


def missing(after: int, following: int) -> Fault:
    return Fault(kind=Kind.REMOVED, what="missing", at=Place(seq=following), after=after, following=following)


def retired(first: int, last: int, link: str) -> dict[str, object]:
    told = {"file": f"from-{first}", "first_seq": first, "last_seq": last, "last_link": link, "why": "old"}
    return {"code": "A9106I", "retired": told}


def test_files_that_were_retired_one_after_the_other_explain_one_hole() -> None:
    told = Told()
    for fields in (retired(11, 20, "a"), retired(21, 30, "b")):
        told.take(Place(), fields)
    told.previous[31] = "b"
    assert explained([missing(10, 31)], told, digest)[0] == []
    assert explained([missing(9, 31)], told, digest)[0] == [missing(9, 31)]
    assert explained([missing(0, 31)], told, digest)[0] == []  # what said that the oldest may go is gone with them
    told.previous[31] = "c"
    assert explained([missing(10, 31)], told, digest)[0] == [missing(10, 31)]


def test_a_gap_explains_nothing_but_was_noted() -> None:
    told = Told()
    told.take(Place(time="then"), {"code": "A9104E", "gap": {"reason": "break", "after": 5, "next": 8}})
    faults, _ = explained([missing(5, 8), missing(9, 12)], told, digest)
    assert [fault.noted for fault in faults] == ["then", ""]


def test_lines_that_follow_each_other_are_one_hole() -> None:
    told = Told()
    for offset, octets in ((10, 5), (15, 5), (30, 5)):
        told.add_hole(Hole(at=Place(file="f", offset=offset), lines=1, octets=octets, old=False, good=None))
    told.add_hole(Hole(at=Place(file="g", offset=35), lines=1, octets=1, old=False, good=None))
    assert [(hole.lines, hole.octets) for hole in told.holes] == [(2, 10), (1, 5), (1, 1)]
    told.take(Place(), {"code": "A9103W", "repaired": {"kind": "foreign", "octets": 10, "sha256": "f 10 20"}})
    faults, notes = explained([], told, digest)
    assert (len(faults), len(notes)) == (2, 1)


def test_records_with_fields_that_are_none_of_theirs_explain_nothing() -> None:
    told = Told()
    for code, name in (("A9106I", "retired"), ("A9104E", "gap"), ("A9103W", "repaired"), ("A9101I", "before")):
        told.take(Place(), {"code": code})
        told.take(Place(), {"code": code, name: 7})
        told.take(Place(), {"code": code, name: {"first_seq": "1", "last_seq": None, "octets": [], "before": 3}})
    assert explained([missing(1, 9)], told, digest)[0] == [missing(1, 9)]


def test_anchors_that_failed_are_counted() -> None:
    told = Told()
    told.take(Place(), {"code": "A9107W"})
    assert "how often: 1" in explained([], told, digest)[1][0].what
