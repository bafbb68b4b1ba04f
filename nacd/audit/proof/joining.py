"""The parts of a trail, one after the other, and what holds them together.

Knows: borders of files, whose word each checkpoint is, anchors. Refuses to know: what explains a hole (``explaining``),
files on a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from nacd.audit.chain import events
from nacd.audit.chain.links import FIRST, Linked, link_after
from nacd.audit.proof.anchors import Anchor, Anchors
from nacd.audit.proof.checkpoints import Run, Verified, Word
from nacd.audit.proof.explaining import Hole, Told, explained
from nacd.audit.proof.findings import Fault, Kind, Note, Place, Proof, Reach
from nacd.audit.proof.signers import Signers
from nacd.audit.proof.stepping import MOST_FAULTS, Steps
from nacd.audit.proof.walking import Odd, Walked

Digest = Callable[[str, int, int], str]
"""SHA-256, hex, of a part of a file's text: its name, from, to (octets)."""
_NOBODY: Final = ""
_UNKNOWN: Final = "?"
_FAR: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class _Part:
    """Whose word went how far before a part began, and within it up to its first fault."""

    number: int
    offset: int
    anchored: Reach | None
    signed: Reach | None
    clean_anchored: Reach | None
    clean_signed: Reach | None


@dataclass(slots=True, kw_only=True)
class Join:
    """Takes the parts in their order. keys: raw public keys by id; strict: somebody gave them, so that each checkpoint
    must be signed with one of them. head: the place that ``head.json`` knows, with its writer. partly: what lies before
    the first file is not asked about."""

    keys: dict[str, bytes]
    verified: Verified
    anchors: Anchors
    strict: bool = False
    head: tuple[str, Anchor] | None = None
    partly: bool = False

    signers: Signers = field(init=False)
    steps: Steps | None = None
    told: Told = field(default_factory=Told)
    _notes: list[Note] = field(default_factory=list)
    _files: dict[str, int] = field(default_factory=dict)
    _lines: int = 0
    _records: int = 0
    _began: Place | None = None
    _writer: str = _NOBODY
    _ends: dict[str, Place] = field(default_factory=dict)
    _starts: dict[str, int] = field(default_factory=dict)
    _pinned: Place | None = None
    _anchored: Reach | None = None
    _unlike: list[tuple[str, Place, Place | None]] = field(default_factory=list)
    _checkpoints: int = 0
    _reaches: list[_Part] = field(default_factory=list)
    _complained: set[str] = field(default_factory=set)
    _faults: list[Fault] = field(default_factory=list)
    _more: int = 0

    def __post_init__(self) -> None:
        self.signers = Signers(
            keys=self.keys, verified=self.verified, named=frozenset(self.keys if self.strict else ())
        )

    def part(self, name: str, found: Walked) -> None:
        """The next part of the file of this name, or its first one."""
        if name not in self._files:
            if (last := self._last()) is not None:
                self.signers.border(last)
            self._files[name], self._lines = len(self._files), 0
        self._records += found.records
        self._take_odd(name, found.odd)
        if found.first is not None:
            self._border(name, *found.first)
            self._merge(name, found)
            before = (self._anchored, self.signers.signed)
            self._own_records(name, found)
            behind = found.behind and self._at(name, found.behind)
            self.signers.passed(self._at(name, found.first[1]), behind, checkpoints=bool(found.runs))
            self._anchors(name, found)
            self._reaches.append(_Part(self._files[name], found.first[1].offset, *before, *self._clean(found)))
        else:
            self._keep([replace(fault, at=self._at(name, fault.at)) for fault in found.steps.faults], found.steps.more)
        self._lines += found.lines

    def half_line(self, name: str, octets: int, *, live: bool) -> None:
        """What stands behind the last newline of the file that was joined last."""
        at = Place(file=name, line=self._lines + 1)
        if live:
            self._notes.append(
                Note(what=f"the last line is not finished ({octets:,} octets): it is being written", at=at)
            )
        else:
            self._keep([Fault(kind=Kind.CUT, what="the file ends in the middle of a line", at=at, good=self._last())])

    def note(self, what: str) -> None:
        """Something to know."""
        self._notes.append(Note(what=what))

    def proof(self, digest: Digest) -> Proof:
        """All that is known in the end."""
        self.signers.ended(self._last())
        self._take_signers()
        self._ends_of_trails()
        faults, notes = explained(
            self._faults, self.told, digest, self.signers.signed.seq if self.signers.signed else 0
        )
        faults.sort(key=self._order)
        anchored, signed = self._reach(faults)
        return Proof(
            records=self._records,
            began=self._began,
            ended=self._last(),
            faults=tuple(faults[:MOST_FAULTS]),
            more=self._more + len(faults[MOST_FAULTS:]),
            notes=(*self._notes, *notes),
            anchored=anchored,
            signed=signed,
            keys=bool(self.keys),
            unvouched=tuple(self.told.unvouched),
            anchors=sum(len(self.anchors.by_writer.get(writer, ())) for writer in self._ends),
        )

    def _reach(self, faults: list[Fault]) -> tuple[Reach | None, Reach | None]:
        """How far anchors and signatures vouch: up to the last one before the first fault."""
        fault = next((fault for fault in faults if fault.at.file), None)
        if fault is None:
            return self._anchored, self.signers.signed
        parts = [part for part in self._reaches if (part.number, part.offset) < self._order(fault)]
        if not parts:
            return None, None
        last, signed = parts[-1], parts[-1].clean_signed
        if (
            signed is not None and fault.kind is Kind.FORGED and 0 <= fault.at.seq <= signed.seq + 1
        ):  # that checkpoint stands behind it, or is it
            signed = self.signers.before.get((fault.at.file, fault.at.seq))
        anchored = last.clean_anchored
        if fault.kind is Kind.INSERTED and fault.noted:  # what stands behind those says nothing of them
            anchored = anchored if anchored is not None and anchored.seq < fault.following else None
            signed = signed if signed is not None and signed.seq < fault.following else None
        return anchored or last.anchored, signed or last.signed

    def _clean(self, found: Walked) -> tuple[Reach | None, Reach | None]:
        anchor = self._anchor(found, found.clean_matched_seq)
        signed = found.clean_signed
        return (
            Reach(seq=anchor.seq, time=anchor.time) if anchor else None,
            Reach(seq=signed.seq, time=signed.time, by=signed.key) if signed else None,
        )

    def _order(self, fault: Fault) -> tuple[int, int]:
        cut_off = fault.kind is Kind.CUT and fault.after >= 0  # that is behind the record it names
        return self._files.get(fault.at.file, -1), _FAR if cut_off else fault.at.offset

    # -- places -----------------------------------------------------------------------------

    def _last(self) -> Place | None:
        return self.steps.last if self.steps is not None else None

    def _at(self, name: str, at: Place) -> Place:
        return replace(at, file=name, line=at.line + self._lines)

    def _keep(self, faults: list[Fault], more: int = 0) -> None:
        room = max(0, 10 * MOST_FAULTS - len(self._faults))
        self._faults += faults[:room]
        self._more += len(faults[room:]) + more

    # -- borders ----------------------------------------------------------------------------

    def _border(self, name: str, linked: Linked, at: Place, fields: Mapping[str, Any]) -> None:
        """The first record of a part: does it follow what stands before?"""
        at = self._at(name, at)
        begun = fields if fields.get("code") == events.FILE_BEGUN else {}
        previous = _block(begun, "previous")
        claimed = (_number(previous, "seq"), str(previous.get("link") or FIRST.decode()))
        if self._began is None:
            self._began, self.told.first_file, self.told.began = at, name, at.time
        writer = str(begun.get("writer", _NOBODY))
        fits = link_after(claimed[1].encode(), linked.body) == linked.link and claimed[0] == linked.seq - 1
        anew = bool(begun) and claimed[0] == 0 and writer != self._writer
        if self.steps is None or anew:
            if self.steps is not None:
                what = f"a new trail begins here, and nothing ties it to the one that ends at record {self.steps.seq:,}"
                self._keep([Fault(kind=Kind.CUT, what=what, at=at, good=self.steps.last)])
            self._begin(linked, at, claimed if fits and begun else None)
        else:
            if not self.steps.step(linked, at) and begun:
                self.told.previous[linked.seq] = claimed[1] if fits else _UNKNOWN
            self._keep_steps()

    def _begin(self, linked: Linked, at: Place, claimed: tuple[int, str] | None) -> None:
        """The first record of a trail. claimed: the place before it, where it says so and its own link fits."""
        self.steps = Steps()
        if linked.seq == 1:
            self.steps.step(linked, at)
            self._keep_steps()
            return
        self.steps.trust(linked, at)
        if self.partly:
            self.note(f"what is looked at begins with record {linked.seq:,}; what lies before was not asked about")
        elif claimed is None:
            what = "nothing tells what stood before this record: the beginning of the file was cut off or changed"
            self._keep([Fault(kind=Kind.CUT, what=what, at=at)])
        else:
            self.told.previous[linked.seq] = claimed[1]
            what = f"records 1 to {claimed[0]:,} are missing before it"
            self._keep([Fault(kind=Kind.REMOVED, what=what, at=at, after=0, following=linked.seq)])

    def _keep_steps(self) -> None:
        if self.steps is not None and not self.steps.suspects:
            self._keep(self.steps.faults, self.steps.more)
            self.steps.faults, self.steps.more = [], 0

    def _merge(self, name: str, found: Walked) -> None:
        """Its faults, with their places in the file, and where it ended."""
        faults = [
            replace(fault, at=self._at(name, fault.at), good=fault.good and self._at(name, fault.good))
            for fault in found.steps.faults
        ]
        if self.steps is not None:
            self._keep(self.steps.faults, self.steps.more)
        for number, fault in enumerate(faults):
            if fault.kind is Kind.FORGED and fault.good is None:
                proven = self._proven_before(name, found.runs, fault.at.seq)
                faults[number] = replace(fault, good=proven)
        steps = found.steps
        if found.records == 1 and self.steps is not None:
            self.steps.faults, self.steps.more, self.steps.suspects = [], 0, []
            self._keep(faults, steps.more)
        else:
            self._keep(faults, steps.more)
            steps.faults, steps.more, steps.suspects = [], 0, []
            steps.last = steps.last and self._at(name, steps.last)
            self.steps = steps

    # -- whose word -------------------------------------------------------------------------

    def _proven_before(self, name: str, runs: list[Run], seq: int) -> Place | None:
        here = [run.last for run in runs if run.word is Word.SIGNED and run.last.seq < seq]
        return self._at(name, here[-1]) if here else self.signers.proven

    def _own_records(self, name: str, found: Walked) -> None:
        runs = list(found.runs)
        for at, fields in found.told:
            while runs and runs[0].first.seq < at.seq:
                self._run(name, runs.pop(0))
            self._one_told(self._at(name, at), fields)
        for run in runs:
            self._run(name, run)
        if self._writer and (last := self._last()) is not None:
            self._ends[self._writer] = last

    def _one_told(self, at: Place, fields: dict[str, Any]) -> None:
        code = fields.get("code")
        if code == events.FILE_BEGUN:
            writer = str(fields.get("writer", _NOBODY)) or self._writer
            if self._writer not in (_NOBODY, writer) and at.seq != 1:
                what = f"the trail has another name from here on ({writer} instead of {self._writer})"
                self._keep([Fault(kind=Kind.FORGED, what=what, at=at, good=self.signers.proven)])
            else:
                self._writer = writer
            self._starts.setdefault(self._writer, at.seq)
        elif code == events.SIGNER_CHANGED:
            if known := self.signers.changed(at, fields):
                self.anchors.settle(known, self.signers.keys[known], self.verified)
            self._take_signers()
        self.told.take(at, fields, self.signers.proven.seq if self.signers.proven else 0)

    def _run(self, name: str, run: Run) -> None:
        """Checkpoints in a row with the same word."""
        self._checkpoints += run.count
        first, last = self._at(name, run.first), self._at(name, run.last)
        self._writer = self._writer or run.sample.writer
        if run.sample.writer != self._writer and run.sample.writer not in self._complained:
            self._complained.add(run.sample.writer)
            what = f"this checkpoint is one of another trail, {run.sample.writer}"
            self._keep([Fault(kind=Kind.FORGED, what=what, at=first, good=self.signers.proven)])
        self.signers.run(run, first, last)
        self._take_signers()

    def _take_signers(self) -> None:
        self._keep(self.signers.faults)
        self._notes += self.signers.notes
        self.signers.faults, self.signers.notes = [], []

    # -- anchors ----------------------------------------------------------------------------

    def _anchors(self, name: str, found: Walked) -> None:
        known, before = self.anchors.by_writer.get(self._writer, {}), self._pinned
        anchor = self._anchor(found, found.matched_seq)
        if anchor is not None:
            self._anchored = Reach(seq=anchor.seq, time=anchor.time)
            self._pinned = _pinned(anchor)
        for at, matched_seq in found.unlike:
            if at.seq not in known and (self.head is None or self.head[1].seq != at.seq):
                continue  # of another trail
            last = known.get(matched_seq)
            self._unlike.append((self._writer, self._at(name, at), _pinned(last) if last else before))

    def _anchor(self, found: Walked, matched_seq: int) -> Anchor | None:
        first = found.first[0].seq if found.first is not None else 0
        return self.anchors.newest(self._writer, first, matched_seq, {at.seq: at.link for at, _ in found.unlike})

    def _differing(self, writer: str, at: Place, good: Place | None) -> None:
        """A record of which somebody knows another one. good: the last proven place, when it was met."""
        if (anchor := self.anchors.by_writer.get(writer, {}).get(at.seq)) is not None and anchor.link != at.link:
            what = f"an anchor of {anchor.time} knows another record {at.seq:,}"
        elif self.head is not None and self.head[0] == writer and self.head[1].seq == at.seq:
            what = f"`head.json` knows another record {at.seq:,}"
        else:
            return  # it was one of another trail that was asked for
        if self._anchored is not None and self._anchored.seq > at.seq:
            what, good = f"{what}; later anchors agree with the trail, so look where this one comes from", None
        else:
            what = f"{what}: {_ANEW}"
        self._keep([Fault(kind=Kind.FORGED, what=what, at=at, good=good)])

    def _ends_of_trails(self) -> None:
        for unlike in self._unlike:
            self._differing(*unlike)
        for writer, known in self.anchors.by_writer.items():
            end = self._ends.get(writer)
            if end is None:
                self.note(f"anchors of another trail ({writer}), which count for nothing here: {len(known):,}")
                continue
            newest = known[max(known)]
            older = sum(1 for seq in known if seq < self._starts.get(writer, 0))
            if older:
                self.note(f"anchors older than what is looked at: {older:,}")
            if newest.seq > end.seq:
                self._cut(end, newest, f"an anchor of {newest.time}")
        if self._ends and self.anchors.by_writer and not self.anchors.by_writer.keys() & self._ends.keys():
            what = f"not one of the anchors is of this trail ({', '.join(self._ends)})"
            self._keep([Fault(kind=Kind.FORGED, what=what, at=self._last() or Place())])
        if self.head is not None:
            writer, place = self.head
            end = self._ends.get(writer)
            if end is None:
                self.note(f"`head.json` is of another trail ({writer})")
            elif place.seq > end.seq:
                self._cut(end, place, "`head.json`")
        for writer, one, other in self.anchors.apart:
            if writer in self._ends:
                what = f"two anchors (of {one.time} and {other.time}) differ in what record {one.seq:,} is"
                self._keep([Fault(kind=Kind.FORGED, what=what, at=Place(seq=one.seq, time=one.time))])
        forged = any(fault.kind is Kind.FORGED for fault in self._faults)
        if self.strict and (self._checkpoints or not self.partly) and self.signers.signed is None and not forged:
            what = "no checkpoint is signed with a key that was given"
            self._keep([Fault(kind=Kind.FORGED, what=what, at=self._began or Place())])

    def _cut(self, end: Place, known: Anchor, who: str) -> None:
        many = f"{known.seq - end.seq:,} records are cut off"
        what = f"the trail ends here, and {who} knows record {known.seq:,}: {many}"
        self._keep([Fault(kind=Kind.CUT, what=what, at=end, good=end, after=end.seq)])

    def _take_odd(self, name: str, odd: list[Odd]) -> None:
        for each in odd:
            hole = Hole(
                at=self._at(name, each.at),
                lines=each.lines,
                octets=each.octets,
                old=self.steps is None and each.good is None,
                good=self._at(name, each.good) if each.good else self._last(),
                newest=each.newest,
            )
            self.told.add_hole(hole)


_ANEW: Final = "what lies between the last good place and here was changed, and all links behind it were made anew"


def _pinned(anchor: Anchor) -> Place:
    return Place(seq=anchor.seq, time=anchor.time, link=anchor.link)


def _block(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = fields.get(name)
    return found if isinstance(found, dict) else {}


def _number(fields: Mapping[str, Any], name: str) -> int:
    found = fields.get(name)
    return found if type(found) is int else -1
