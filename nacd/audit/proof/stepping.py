"""From one record to the next: whether it follows, and if not, what has most likely been done.

Knows: links and numbers. Refuses to know: files, and what a record says.

Theory: a record's link is made of the link before it and its own octets. Where it does not fit, either its octets are
not the ones that were written, or the record before it is another one. The line that comes next tells which: it was
linked to what really stood here. So a fault is named when it is met, and named better one line later:

    the next one follows the link that stands here         the content was changed (or records before it are missing)
    the next one follows the link that this content makes  the link itself was changed
    the next one follows the last good record              this one was put in

Reading goes on with the link that stands in the line, so that one change is one fault.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from nacd.audit.chain.links import FIRST, Linked, link_after
from nacd.audit.proof.findings import Fault, Kind, Place

MOST_FAULTS: Final = 100
"""Those that are told one by one; further ones are counted."""


@dataclass(slots=True)
class Steps:
    """Where the walk stands. seq, link: of the last record. last: its place. suspects: faults since the last good one,
    by their place in ``faults``."""

    seq: int = 0
    link: bytes = FIRST
    last: Place | None = None
    faults: list[Fault] = field(default_factory=list)
    more: int = 0
    good: Place | None = None
    good_seq: int = 0
    good_link: bytes = FIRST
    made: bytes = b""
    suspects: list[int] = field(default_factory=list)

    def trust(self, linked: Linked, at: Place) -> None:
        """Begin here: this record is taken as it is."""
        self.seq, self.link, self.last = linked.seq, linked.link, at
        self.suspects.clear()

    def step(self, linked: Linked, at: Place) -> bool:
        """One record on. Whether it is good."""
        made = link_after(self.link, linked.body)
        if made == linked.link and linked.seq == self.seq + 1:
            self.trust(linked, at)
            return True
        if made == linked.link:
            self.fault(
                Kind.REORDERED, f"its number is {linked.seq:,}, and {self.seq + 1:,} belongs here", at, self._before()
            )
            self.trust(linked, at)
            return False
        if self.suspects and self._explained(linked):
            self.trust(linked, at)
            return True
        self._suspect(linked, at, made)
        return False

    def fault(
        self, kind: Kind, what: str, at: Place, good: Place | None, *, after: int = -1, following: int = -1
    ) -> None:
        """Keep a fault, or count it."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(kind=kind, what=what, at=at, good=good, after=after, following=following))
        else:
            self.more += 1

    def _before(self) -> Place | None:
        return self.good if self.suspects else self.last

    def _suspect(self, linked: Linked, at: Place, made: bytes) -> None:
        if not self.suspects:
            self.good, self.good_seq, self.good_link = self.last, self.seq, self.link
        kind, what, after, following = _likely(linked.seq, self.seq)
        if len(self.faults) < MOST_FAULTS:
            self.suspects.append(len(self.faults))
        self.fault(kind, what, at, self.good, after=after, following=following)
        self.made = made
        self.seq, self.link, self.last = linked.seq, linked.link, at

    def _explained(self, linked: Linked) -> bool:
        """Whether this record follows what stood before the suspects, or what the last of them should have said."""
        if linked.seq == self.good_seq + 1 and link_after(self.good_link, linked.body) == linked.link:
            for number in self.suspects:
                fault = self.faults[number]
                kind, what = Kind.INSERTED, "this record was put in: the next one follows the record before it"
                if fault.at.seq > self.good_seq + 1:
                    kind = Kind.REORDERED
                    what = f"record {fault.at.seq:,} stands where record {self.good_seq + 1:,} belongs"
                self.faults[number] = replace(fault, kind=kind, what=what, after=-1, following=-1)
            return True
        if linked.seq == self.seq + 1 and link_after(self.made, linked.body) == linked.link:
            fault = self.faults[self.suspects[-1]]
            what = "its link was changed: the content is the one that the next record follows"
            self.faults[self.suspects[-1]] = replace(fault, kind=Kind.CHANGED, what=what, after=-1, following=-1)
            return True
        return False


def _likely(seq: int, before: int) -> tuple[Kind, str, int, int]:
    if seq == before + 1:
        return Kind.CHANGED, "it is not what was written: its link does not fit its content", -1, -1
    if seq > before + 1:
        missing = f"record {before + 1:,} is" if seq == before + 2 else f"records {before + 1:,} to {seq - 1:,} are"
        return Kind.REMOVED, f"{missing} missing before it", before, seq
    return Kind.INSERTED, f"record {seq:,} does not belong behind record {before:,}", -1, -1
