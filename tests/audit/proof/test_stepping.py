"""From one record to the next: what has most likely been done, told by the line that follows."""

from hashlib import sha256

from nacd.audit.chain.links import Linked
from nacd.audit.proof.findings import Kind, Place
from nacd.audit.proof.stepping import MOST_FAULTS, Steps


def linked(seq: int, before: bytes, text: bytes = b"x") -> Linked:
    body = b'{"a":"%b","seq":%d' % (text, seq)
    return Linked(seq, sha256(before + body).hexdigest().encode(), body)


def chain(count: int) -> list[Linked]:
    made, link = [], b"0" * 64
    for seq in range(1, count + 1):
        made.append(linked(seq, link))
        link = made[-1].link
    return made


def walk(records: list[Linked]) -> Steps:
    steps = Steps()
    for number, record in enumerate(records):
        steps.step(record, Place(line=number + 1, seq=record.seq))
    return steps


def told(records: list[Linked]) -> list[tuple[Kind, int]]:
    return [(fault.kind, fault.at.line) for fault in walk(records).faults]


def test_what_follows_is_good() -> None:
    steps = walk(chain(5))
    assert (steps.faults, steps.seq, steps.last) == ([], 5, Place(line=5, seq=5))


def test_each_deed_is_told_from_the_others() -> None:
    made = chain(6)
    changed = Linked(3, made[2].link, made[2].body + b" ")
    other_link = Linked(3, b"f" * 64, made[2].body)
    forged = linked(3, made[1].link, b"forged")
    assert told([*made[:2], changed, *made[3:]]) == [(Kind.CHANGED, 3)]
    assert told([*made[:2], other_link, *made[3:]]) == [(Kind.CHANGED, 3)]
    assert told([*made[:2], *made[4:]]) == [(Kind.REMOVED, 3)]
    assert told([*made[:2], changed, *made[2:]]) == [(Kind.INSERTED, 3)]
    assert told([*made[:2], changed, changed, *made[2:]]) == [(Kind.INSERTED, 3), (Kind.INSERTED, 4)]
    assert told([*made[:3], made[0], *made[3:]]) == [(Kind.INSERTED, 4)]
    assert told([*made[:2], made[3], made[2], *made[4:]])[0] == (Kind.REORDERED, 3)
    # A forger's record that follows well is found by the next one, which does not follow it.
    assert told([*made[:2], forged, *made[2:]]) == [(Kind.INSERTED, 4)]
    assert told([*made[:2], forged, *made[3:]]) == [(Kind.CHANGED, 4)]


def test_a_number_that_does_not_go_with_its_link_is_told() -> None:
    made = chain(2)
    assert told([*made, linked(9, made[1].link)]) == [(Kind.REORDERED, 3)]


def test_the_last_good_record_before_several_bad_ones_stays_the_same() -> None:
    made = chain(6)
    bad = [Linked(each.seq, each.link, each.body + b" ") for each in made[2:4]]
    faults = walk([*made[:2], *bad, *made[4:]]).faults
    assert [(fault.good.seq if fault.good else 0) for fault in faults] == [2, 2]


def test_faults_past_the_hundredth_are_counted() -> None:
    steps = walk([Linked(each.seq, each.link, each.body + b" ") for each in chain(MOST_FAULTS + 7)])
    assert (len(steps.faults), steps.more) == (MOST_FAULTS, 7)
