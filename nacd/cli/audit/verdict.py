"""What ``nacd audit verify`` says in the end: the first fault with its place, how far it is proved, and by whom.

Knows: words for people, one JSON object for programs. Refuses to know: how anything was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from nacd.audit.proof.findings import Fault, Note, Place, Proof

_SHOWN: Final = 20
_NOTES: Final = 50
_RANGES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was looked at. own_key: the public key that lies beside the private one, where no other was named."""

    files: int
    octets: int
    took_s: float
    anchor_files: tuple[str, ...]
    named_keys: tuple[str, ...]
    own_key: str
    partly: bool


def document(told: Told, proof: Proof) -> dict[str, Any]:
    """For programs."""
    return {
        "whole": proof.whole,
        "records": proof.records,
        "files": told.files,
        "octets": told.octets,
        "seconds": round(told.took_s, 3),
        "began": proof.began and asdict(proof.began),
        "ended": proof.ended and asdict(proof.ended),
        "faults": [{**asdict(fault), "kind": fault.kind.value} for fault in proof.faults],
        "more_faults": proof.more,
        "notes": [asdict(note) for note in proof.notes],
        "anchored": proof.anchored and {"seq": proof.anchored.seq, "time": proof.anchored.time},
        "unvouched": [{"first_seq": first, "last_seq": last} for first, last in proof.unvouched],
        "signed": proof.signed and {"seq": proof.signed.seq, "time": proof.signed.time, "key": proof.signed.by},
        "verdict": " ".join(_sentences(told, proof)),
    }


def text(told: Told, proof: Proof) -> str:
    """For people."""
    files = "1 file" if told.files == 1 else f"{told.files:,} files"
    lines = [f"checked  {proof.records:,} records in {files}, {_size(told.octets)}, {told.took_s:.1f} s"]
    if proof.began is not None and proof.ended is not None:
        lines.append(f"         record {_short(proof.began)} to record {_short(proof.ended)}")
    lines += _faults(proof)
    if proof.notes:
        lines += ["", "to know"]
        lines += [f"  {_note(note)}" for note in proof.notes[:_NOTES]]
        if len(proof.notes) > _NOTES:
            lines.append(f"  and {len(proof.notes) - _NOTES:,} more (--json)")
    lines += ["", "WHOLE" if proof.whole else "NOT WHOLE"]
    lines += [f"  {sentence}" for sentence in _sentences(told, proof)]
    return "\n".join(map(_plain, lines))


def _plain(line: str) -> str:
    """What stands in a trail that somebody made must not write lines of this verdict, or colour them."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)


def _faults(proof: Proof) -> Iterator[str]:
    if not proof.faults:
        return
    first = proof.faults[0]
    yield ""
    yield f"FAULT    {first.kind}: {first.what}"
    yield f"         {first.at.file}" if first.at.file else "         (not in a file)"
    yield f"         line {first.at.line:,}, octet {first.at.offset:,}, record {_short(first.at)}"
    if first.noted:
        yield f"         nacd noted it at {first.noted}"
    if first.good is None:
        yield "         no good record before it"
    else:
        yield f"         the last good record before it: {_short(first.good)}, {_where(first.good, first)}"
    more = len(proof.faults) - 1 + proof.more
    if not more:
        return
    yield f"         {more:,} more:" if more > 1 else "         1 more:"
    for fault in proof.faults[1:_SHOWN]:
        place = f"{fault.at.file}:{fault.at.line}" if fault.at.file else "anchors"
        yield f"           {place} record {_short(fault.at)}: {fault.kind}: {fault.what}"
    if more > _SHOWN - 1:
        yield "           ..."


def _sentences(told: Told, proof: Proof) -> Iterator[str]:
    """How far it is proved, by whom, and what is not."""
    if proof.ended is None:
        yield "No record of a trail is here."
        return
    first = next((fault for fault in proof.faults if fault.at.file), None)
    if first is not None:
        good = first.good.seq if first.good is not None else 0
        where = f"behind record {good:,}" if good > 0 else "at its very beginning"
        yield f"Something was done to the trail {where}. Only what vouches for records before that counts:"
    elif proof.faults:
        yield "The trail fits together; what does not fit is said above."
    reached = 0
    if proof.anchored is not None:
        reached = proof.anchored.seq
        yield (
            f"Up to record {reached:,} ({proof.anchored.time} at the latest) anchors prove it: nobody can have changed,"
            " removed, added or reordered anything there, as long as the anchors were out of his reach."
        )
    signed = proof.signed.seq if proof.signed is not None else 0
    if proof.signed is not None and signed > reached:
        before = f"From there up to record {signed:,}" if reached else f"Up to record {signed:,}"
        yield (
            f"{before} ({proof.signed.time} at the latest) signatures of key {proof.signed.by} say so: whoever cannot"
            " read that key on its host cannot have changed it."
        )
        reached = signed
    if but := [each for each in proof.unvouched if each[0] <= reached]:
        yield _but_for(but)
    if reached < proof.ended.seq and first is None:
        yield _left(reached, proof.ended.seq)
    if proof.anchored is None:
        yield _without_anchors(told, proof)
    if told.own_key and proof.signed is not None:
        yield f"The key was taken from `{told.own_key}` on this host; a copy kept elsewhere (--key) is worth more."
    if told.partly:
        yield "Only a part of the trail was looked at."


def _but_for(found: list[tuple[int, int]]) -> str:
    """What was there before somebody vouched for what comes behind it."""
    named = [f"{first:,} to {last:,}" if last > first else f"{first:,}" for first, last in found[:_RANGES]]
    more = f" and {len(found) - _RANGES:,} more such places (--json)" if len(found) > _RANGES else ""
    return (
        f"That does not tell who wrote the records {', '.join(named)}{more}: they were found at a start behind the last"
        " place nacd itself had noted. After a crash they are its last ones, unless somebody wrote to the file before"
        " that start; nobody can have changed them since."
    )


def _left(reached: int, end: int) -> str:
    """What nobody else vouches for."""
    left = f"Records {reached + 1:,} to {end:,} rest" if end > reached + 1 else f"Record {end:,} rests"
    left = left if reached else "All of it rests"
    return (
        f"{left} on the word of this host alone: whoever can write the file can have changed that, and cut off what"
        " came behind it."
    )


def _without_anchors(told: Told, proof: Proof) -> str:
    given = "no anchor that was given is about these records" if told.anchor_files else "no anchors were given"
    who = "the key and the file (root on this host)" if proof.signed is not None else "write access to the file"
    return (
        f"This is no proof against everybody, because {given}: whoever had {who} could have written all of it anew, and"
        " it would look like this."
    )


def _short(place: Place) -> str:
    number = f"{place.seq:,}" if place.seq >= 0 else "?"
    return f"{number} of {place.time}" if place.time else number


def _where(good: Place, fault: Fault) -> str:
    if not good.line:
        return "where nacd had ended" if fault.noted else "known by an anchor"
    same = "" if good.file == fault.at.file else f"{good.file} "
    return f"{same}line {good.line:,}, octet {good.offset:,}"


def _note(note: Note) -> str:
    place = f"{note.at.file}:{note.at.line}: " if note.at.file and note.at.line else ""
    return f"{place}{note.what}"


def _size(octets: int) -> str:
    return f"{octets / (1 << 20):,.1f} MiB" if octets < 10 << 30 else f"{octets / (1 << 30):,.1f} GiB"
