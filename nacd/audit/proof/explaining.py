"""What explains a hole in the trail: files that were deleted rightfully, gaps and repairs that nacd noted itself.

Knows: `audit.retired`, `audit.gap`, `audit.repaired`, and what lay in a file before the trail began. Refuses to know:
how holes are found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nacd.audit.chain import events
from nacd.audit.proof.findings import Fault, Kind, Note, Place

_MOST: Final = 100_000
_UNVOUCHED: Final = ("unvouched", "added", "head")


@dataclass(slots=True, kw_only=True)
class Hole:
    """Lines in a row that are no records. old: no record of any trail stands before them. good: the record before."""

    at: Place
    lines: int
    octets: int
    old: bool
    good: Place | None
    newest: str = ""

    @property
    def end(self) -> int:
        """Behind its last octet."""
        return self.at.offset + self.octets


@dataclass(slots=True)
class Told:
    """What the trail says of itself. previous: by seq, the link that a file's first record says is before it.
    first_file: where the first record is."""

    previous: dict[int, str] = field(default_factory=dict)
    retired: dict[int, tuple[int, str, str, int]] = field(default_factory=dict)
    gaps: list[tuple[Place, Mapping[str, Any]]] = field(default_factory=list)
    repaired: list[tuple[Place, Mapping[str, Any]]] = field(default_factory=list)
    before: list[tuple[Place, int, str]] = field(default_factory=list)
    unvouched: list[tuple[int, int]] = field(default_factory=list)
    unanchored: int = 0
    holes: list[Hole] = field(default_factory=list)
    first_file: str = ""
    began: str = ""

    def take(self, at: Place, fields: Mapping[str, Any], proven: int = 0) -> None:
        """One of the trail's own records. proven: the last one before it that is signed."""
        code = fields.get("code")
        if code == events.RETIRED and len(self.retired) < _MOST:
            told = _block(fields, "retired")
            last = told.get("last_seq")
            first = told.get("first_seq")
            if type(last) is int and type(first) is int:
                why = f"`{told.get('file')}` ({told.get('why')}), noted at {at.time}"
                self.retired[last] = (first, str(told.get("last_link")), why, at.seq)
        elif code == events.GAP and len(self.gaps) < _MOST:
            self.gaps.append((at, _block(fields, "gap")))
        elif code == events.REPAIRED and len(self.repaired) < _MOST:
            told = _block(fields, "repaired")
            self.repaired.append((at, told))
            first, last = told.get("first_seq"), told.get("last_seq")
            if told.get("kind") == "head":  # who takes the head away has nothing noted of what he lays behind it
                first, last = proven + 1, at.seq - 1
            if type(first) is int and type(last) is int and first <= last and told.get("kind") in _UNVOUCHED:
                self.unvouched.append((first, last))
        elif code == events.ANCHOR_FAILED:
            self.unanchored += 1
        elif code == events.FILE_BEGUN:
            before = _block(fields, "before")
            octets = before.get("octets")
            if type(octets) is int and octets > 0:
                self.before.append((at, octets, str(before.get("sha256"))))

    def add_hole(self, hole: Hole) -> None:
        """Lines that are no records; what follows another one directly belongs to it."""
        last = self.holes[-1] if self.holes else None
        if last is not None and last.at.file == hole.at.file and last.end == hole.at.offset:
            last.lines, last.octets = last.lines + hole.lines, last.octets + hole.octets
            last.newest = max(last.newest, hole.newest)
        elif len(self.holes) < _MOST:
            self.holes.append(hole)


def explained(
    faults: list[Fault], told: Told, digest: Callable[[str, int, int], str], signed: int = 0
) -> tuple[list[Fault], list[Note]]:
    """The faults that remain, and what there is to know. digest: of a part of a file's text. signed: up to which record
    somebody signs, 0 for nobody; whoever cannot sign could otherwise write himself a permission to delete."""
    notes: list[Note] = []
    kept: list[Fault] = []
    for fault in faults:
        why, noted_in = _rightful(fault, told)
        if why and signed and noted_in > signed:
            what = f"{fault.what}; record {noted_in:,} says that they may be, and nobody has signed that one"
            kept.append(replace(fault, what=what))
        elif why:
            notes.append(Note(what=why, at=fault.at))
        else:
            kept.append(_noted(fault, told))
    kept += _old(told, notes, digest)
    kept += _foreign(told, notes, digest)
    for at, repaired in told.repaired:
        kind, octets = repaired.get("kind"), repaired.get("octets")
        if kind == "half_line":
            notes.append(Note(what=f"nacd was stopped in the middle of a line; it cut off its {octets} octets", at=at))
        elif kind == "head":
            notes.append(Note(what="nacd could not tell here whether records were missing at the end", at=at))
        elif kind in ("unvouched", "added", "doubtful"):
            _named(kind, at, repaired, kept, notes)
    if told.unanchored:
        notes.append(Note(what=f"nacd noted that checkpoints could not be anchored, how often: {told.unanchored:,}"))
    return kept, notes


def _named(kind: str, at: Place, repaired: Mapping[str, Any], kept: list[Fault], notes: list[Note]) -> None:
    """Records that nacd itself named as not surely its own, or not surely on the disk."""
    first, last = repaired.get("first_seq"), repaired.get("last_seq")
    if type(first) is not int or type(last) is not int:
        return
    if kind == "doubtful":
        what = f"the disk failed to take records {first:,} to {last:,}; nacd handed them to it once more"
        notes.append(Note(what=what, at=at))
        return
    what = f"records {first:,} to {last:,} were found at a start behind the last place nacd itself had noted"
    if kind == "unvouched":
        what = f"{what}: it was killed before, so they may be its last ones, and nobody's word but the file's is for it"
        notes.append(Note(what=what, at=at))
    else:
        what = f"{what}, and it had ended there in good order: somebody else wrote them"
        kept.append(
            Fault(kind=Kind.INSERTED, what=what, at=at, good=Place(seq=first - 1), following=first, noted=at.time)
        )


def _rightful(fault: Fault, told: Told) -> tuple[str, int]:
    """Why the records that are missing here may be, and the newest record that says so; ``""`` if nothing does."""
    if fault.kind is not Kind.REMOVED or fault.following < 0:
        return "", 0
    link = told.previous.get(fault.following)
    need, why, noted_in = fault.following - 1, "", 0
    while need > fault.after:
        found = told.retired.get(need)
        if found is None or found[0] > need or (link is not None and found[1] != link):
            break
        need, link, why, noted_in = found[0] - 1, None, why or found[2], max(noted_in, found[3])
    # What said that the oldest files may go went with the files behind them.
    enough = need <= fault.after or (fault.after == 0 and bool(why))
    first = "1" if fault.after == 0 else f"{fault.after + 1:,}"
    said = (
        f"records {first} to {fault.following - 1:,} were deleted rightfully; the last of them in {why}"
        if enough
        else ""
    )
    return said, noted_in


def _noted(fault: Fault, told: Told) -> Fault:
    for at, gap in told.gaps:
        if gap.get("next") in (fault.following, fault.at.seq) and fault.following in (-1, gap.get("next")):
            what = f"{fault.what}; nacd itself noted this gap (`{gap.get('reason')}`)"
            return replace(fault, what=what, noted=at.time)
    return fault


def _old(told: Told, notes: list[Note], digest: Callable[[str, int, int], str]) -> list[Fault]:
    """What lay in a file before the trail began there."""
    faults = []
    for at, octets, wanted in told.before:
        holes = [hole for hole in told.holes if hole.at.file == at.file and hole.end <= at.offset]
        if at.offset == octets and digest(at.file, 0, octets) == wanted:
            told.holes = [hole for hole in told.holes if hole not in holes]
            lines = sum(hole.lines for hole in holes)
            what = f"{lines:,} lines from before the trail, as they were when it began; nothing vouches for them before"
            notes.append(Note(what=what, at=replace(at, line=1, offset=0, seq=-1)))
        else:
            told.holes = [hole for hole in told.holes if hole not in holes]
            what = f"the {octets:,} octets from before the trail are not what they were when it began"
            faults.append(Fault(kind=Kind.CHANGED, what=what, at=Place(file=at.file, line=1)))
    return faults


def _foreign(told: Told, notes: list[Note], digest: Callable[[str, int, int], str]) -> list[Fault]:
    """Lines that are no records."""
    faults = []
    noted = [(each.get("octets"), each.get("sha256")) for _, each in told.repaired if each.get("kind") == "foreign"]
    sizes = {octets for octets, _ in noted}
    for hole in told.holes:
        many = f"{hole.lines:,} lines are no records" if hole.lines > 1 else "this line is no record"
        if hole.old and hole.at.file != told.first_file and hole.newest <= told.began:
            notes.append(
                Note(what=f"{hole.lines:,} lines are older than the trail: nothing vouches for them", at=hole.at)
            )
        elif hole.octets in sizes and (hole.octets, digest(hole.at.file, hole.at.offset, hole.end)) in noted:
            notes.append(Note(what=f"{many} of the trail; nacd found them and noted what they were", at=hole.at))
        else:
            here = f"; record {hole.good.seq + 1:,} belongs here" if hole.good else ""
            what = f"{many} of the trail{here}"
            faults.append(Fault(kind=Kind.NO_RECORD, what=what, at=hole.at, good=hole.good))
    return faults


def _block(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}
