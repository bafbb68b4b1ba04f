"""Whose word the checkpoints of a trail are: keys that sign, hand over, and fall silent.

Knows: which key signs up to where, who may follow whom, and how long nobody may sign. Refuses to know: links, anchors,
parts (places are given as they are in their files).

Theory: a key that has handed over signs no more; whoever has stolen it later could. And nacd signs at least once a day,
once in a million records and at the end of each full file: where it has signed and then does not for longer, somebody
may have taken the checkpoints away and made the rest anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from nacd.audit.proof import checkpoints
from nacd.audit.proof.checkpoints import Run, Verified, Word
from nacd.audit.proof.findings import Fault, Kind, Note, Place, Reach

_NONE: Final = ""
_FULL: Final = re.compile(r"-\d{8}T\d{6}Z-\d{12}\.")
"""In the name that nacd gives a full file."""
_MOST_RECORDS: Final = 1_010_000
_LONGEST: Final = timedelta(days=1, hours=1)
"""The limits of ``audit.checkpoint``, and a little for a file that did not take one at once."""


@dataclass(slots=True, kw_only=True)
class Signers:
    """keys: raw public keys by id, those that are handed over with them; ``""`` where a key has said that none follows.
    named: ids of those that somebody gave. signed, proven: how far signatures vouch, and the place of the last one.
    faults, notes: what is found, for whoever joins the parts to take. before: how far signatures vouched when a fault
    was found, by its file and seq."""

    keys: dict[str, bytes]
    verified: Verified
    named: frozenset[str] = frozenset()
    signed: Reach | None = None
    proven: Place | None = None
    faults: list[Fault] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    before: dict[tuple[str, int], Reach | None] = field(default_factory=dict)
    _retired: dict[str, Place] = field(default_factory=dict)
    _silent: set[str] = field(default_factory=set)
    _complained: set[str] = field(default_factory=set)
    _tail: Place | None = None
    _border: Place | None = None

    def __post_init__(self) -> None:
        self._silent |= self.named

    def changed(self, at: Place, fields: Mapping[str, Any]) -> str:
        """Another key signs from here on, says this record. The id of a key that is known by this, ``""`` for none."""
        followed = checkpoints.handed_over(fields, self.keys, self.verified)
        told = fields.get("signer")
        signer: Mapping[str, Any] = told if isinstance(told, dict) else {}
        old, new = signer.get("old"), signer.get("new")
        if old in self.keys and old != new and (followed is not None or new in self.keys):
            self._retired[str(old)] = at
        if followed is not None:
            self.keys[followed[0]] = followed[1]
            self._retired.pop(followed[0], None)
            self.notes.append(Note(what=f"key {old} hands over to {followed[0] or 'none'}", at=at))
            return followed[0]
        if new not in self.keys:
            what = f"key {new or 'none'} begins, and no key known here vouches for it"
            self.notes.append(Note(what=what, at=at))
        return _NONE

    def run(self, run: Run, first: Place, last: Place) -> None:
        """Checkpoints in a row with the same word. first, last: in their files."""
        word = run.word
        if word is Word.STRANGE and run.key in self.keys:  # handed over in this trail
            good = run.sample.signed_by(self.keys[run.key], self.verified)
            word = Word.SIGNED if good else Word.WRONG
            if not good:
                self._forged(f"the signature of this checkpoint is not one of key {run.key}", last)
        if word is Word.SIGNED and run.key in self._retired:
            if run.key not in self._complained:
                self._complained.add(run.key)
                gone = self._retired[run.key]
                self._forged(f"key {run.key} signs here, and it was followed by another at record {gone.seq:,}", first)
        elif word is Word.SIGNED:
            self.signed = Reach(seq=run.sample.seq, time=run.sample.time, by=run.key)
            self.proven, self._border = last, None
            self._silent.discard(run.key)
        elif word in (Word.STRANGE, Word.UNSIGNED) and run.key not in self._complained:
            self._unproven(run, first)

    def passed(self, first: Place, behind: Place | None, *, checkpoints: bool) -> None:
        """A part ends. first: its first record. behind: the first one behind its last checkpoint, where there are
        some."""
        if checkpoints:
            self._tail = behind
        elif self._tail is None:
            self._tail = first

    def border(self, last: Place) -> None:
        """Another file begins; last: the last record of the one before."""
        if self._tail is not None and self._border is None and _FULL.search(Path(last.file).name):
            self._border = last

    def ended(self, last: Place | None) -> None:
        """Nothing comes any more; last: the last record."""
        for key in sorted(self._silent):
            what = f"key {key} was given and has signed nothing that was looked at"
            self.notes.append(Note(what=f"{what}: if it ever signed here, what it signed has been taken away"))
        tail = self._tail
        if self.signed is None or tail is None or last is None or _NONE in self.keys or self._complained:
            return
        what = ""
        if self._border is not None:
            what = f"`{Path(self._border.file).name}` ends without one"
        elif last.seq - tail.seq >= _MOST_RECORDS:
            what = f"{last.seq - tail.seq + 1:,} records come without one"
        elif (passed := _between(tail, last)) > _LONGEST:
            what = f"{passed.days} days or more pass without one" if passed.days > 1 else "a day passes without one"
        if what:
            up_to = f"nothing is signed behind record {self.signed.seq:,}, and before it was"
            more = "nacd signs each day and at the end of each full file, so all behind it may be forged"
            self._forged(f"{up_to}: {what}; {more}", tail)

    def _unproven(self, run: Run, first: Place) -> None:
        stopped = not run.key and _NONE in self.keys
        what = f"from here on checkpoints are signed with key {run.key}, which is not known here"
        if not run.key:
            what = "from here on checkpoints are not signed"
        if self.signed is not None and not stopped:
            self._complained.add(run.key)
            what = f"{what}, and the key before did not hand over: all behind record {self.signed.seq:,} may be forged"
            self._forged(what, first)
        elif run.key or self.keys:
            self._complained.add(run.key)
            self.notes.append(Note(what=what, at=first))

    def _forged(self, what: str, at: Place) -> None:
        self.before.setdefault((at.file, at.seq), self.signed)
        self.faults.append(Fault(kind=Kind.FORGED, what=what, at=at, good=self.proven))


def _between(one: Place, other: Place) -> timedelta:
    """From one record to another; nothing where they do not tell."""
    try:
        return datetime.fromisoformat(other.time) - datetime.fromisoformat(one.time)
    except (ValueError, TypeError):
        return timedelta(0)
