"""One part of a trail, line by line: a file, or a stretch of one.

Knows: lines, their links, the trail's own records. Refuses to know: files, other parts (``joining``), decisions.

A line that is as it should be costs one SHA-256 and one comparison; nothing of it is decoded. Only the trail's own
records (by their code) are. The first record is taken as it is: whether it follows is for whoever joins the parts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

import orjson

from nacd.audit.chain import events
from nacd.audit.chain.links import TAIL, Linked, link_after, split
from nacd.audit.proof import checkpoints
from nacd.audit.proof.checkpoints import Checkpoint, Run, Verified, Word, add, word_of
from nacd.audit.proof.findings import Kind, Place
from nacd.audit.proof.stepping import Steps

_OWN: Final = b'{"code":"A91'
_TIME: Final = re.compile(rb'^.{0,40}"time":"([^"]{1,40})"')
_TAIL: Final = TAIL - 1
_MOST_ODD: Final = 1000
_MOST_UNLIKE: Final = 1 << 20
"""Anchors of other trails are among them, and must not crowd out one of this."""
_MOST_TOLD: Final = 10_000
_NOTHING: Final[Mapping[int, Collection[bytes]]] = MappingProxyType({})
_TOLD: Final = (
    events.FILE_BEGUN,
    events.REPAIRED,
    events.GAP,
    events.SIGNER_CHANGED,
    events.RETIRED,
    events.ANCHOR_FAILED,
)


@dataclass(slots=True)
class Odd:
    """Lines in a row that are no records. lines: how many. octets: with their newlines. newest: latest time."""

    at: Place
    lines: int
    octets: int
    good: Place | None = None
    newest: str = ""


@dataclass(slots=True)
class Walked:
    """What was found in one part. Places count from its own beginning. first: its first record, with its place and
    its fields where it is one of the trail's own. steps: where it ended, with its faults. told: the trail's own
    records that matter elsewhere. matched: how many have a link that was wanted, the last of them ``matched_seq``.
    unlike: records for which another one was wanted, by some anchor at least, each with ``matched_seq`` as it was then.
    behind: the first record behind the last checkpoint, None where none is.
    clean_matched_seq, clean_signed: the last of those and the last checkpoint with a good signature before the first
    fault: what stands behind a fault vouches for nothing before it."""

    steps: Steps = field(default_factory=Steps)
    lines: int = 0
    records: int = 0
    octets: int = 0
    first: tuple[Linked, Place, dict[str, Any]] | None = None
    odd: list[Odd] = field(default_factory=list)
    told: list[tuple[Place, dict[str, Any]]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    behind: Place | None = None
    matched: int = 0
    matched_seq: int = 0
    unlike: list[tuple[Place, int]] = field(default_factory=list)
    clean_matched_seq: int = 0
    clean_signed: Checkpoint | None = None


class Walk:
    """keys: raw public keys by id. wanted: by seq, the links that anchors know."""

    def __init__(
        self, keys: Mapping[str, bytes], verified: Verified, wanted: Mapping[int, Collection[bytes]] = _NOTHING
    ) -> None:
        self.found = Walked()
        self._keys = keys
        self._verified = verified
        self._wanted = wanted
        self._fresh = self._unlike = False

    def take(self, text: bytes, offset: int) -> None:
        """Whole lines. offset: of the text in its part, octets."""
        lines = text.split(b"\n")
        lines.pop()
        at, many, line_before = 0, len(lines), self.found.lines
        while at < many:
            seq = self.found.steps.seq
            stop = self._quickly(lines, at)
            if stop > at:
                if self.found.behind is None and self.found.runs:
                    here = Place(line=line_before + at + 1, offset=offset)
                    self.found.behind = place_of(lines[at], here, seq + 1)
                offset += sum(map(len, lines[at:stop])) + stop - at
                last = lines[stop - 1]
                self.found.steps.last = place_of(
                    last, Place(line=line_before + stop, offset=offset - len(last) - 1), self.found.steps.seq
                )
            if stop < many:
                self._slowly(lines[stop], Place(line=line_before + stop + 1, offset=offset))
                offset += len(lines[stop]) + 1
            at = stop + 1
        self.found.lines += many
        self.found.octets += len(text)

    def gap(self, why: str, offset: int) -> None:
        """A place in the file that cannot be read. offset: as in ``take``."""
        steps = self.found.steps
        steps.fault(Kind.UNREADABLE, why, Place(line=self.found.lines + 1, offset=offset), steps.last)
        self.found.lines += 1

    def _quickly(self, lines: list[bytes], at: int) -> int:
        """From this line on as long as each is as it should be and is none of the trail's own; where that ends."""
        steps, wanted = self.found.steps, self._wanted
        if self.found.first is None:
            return at
        seq, link, begin = steps.seq, steps.link, at
        for line in lines if not at else lines[at:]:
            made = sha256(link + line[:-_TAIL]).hexdigest().encode()
            if not line.endswith(b',"seq":%d,"link":"%b"}' % (seq + 1, made)) or line[:12] == _OWN:
                break
            if seq + 1 in wanted:
                if made not in wanted[seq + 1] or len(wanted[seq + 1]) > 1:
                    break
                self.found.matched, self.found.matched_seq = self.found.matched + 1, seq + 1
            seq, link, at = seq + 1, made, at + 1
        if at > begin:
            steps.seq, steps.link = seq, link
            steps.suspects.clear()
            self.found.records += at - begin
            self._mark()
        return at

    def _mark(self) -> None:
        """Keep what vouches for all so far, until something is wrong."""
        found = self.found
        if not found.steps.faults and not found.odd and not self._unlike:
            found.clean_matched_seq = found.matched_seq

    def _slowly(self, line: bytes, at: Place) -> None:
        linked = split(line + b"\n")
        if linked is None:
            self._odd(len(line) + 1, at, place_of(line, at, -1).time)
            return
        at = place_of(line, at, linked.seq)
        fields = _fields(line) if line.startswith(_OWN) else {}
        before = (self.found.steps.seq, self.found.steps.link.decode())
        self.found.records += 1
        if linked.seq in self._wanted:
            wanted = self._wanted[linked.seq]
            fits = linked.link in wanted
            if (not fits or len(wanted) > 1) and len(self.found.unlike) < _MOST_UNLIKE:
                self.found.unlike.append((at, self.found.matched_seq))
            if fits:
                self.found.matched, self.found.matched_seq = self.found.matched + 1, linked.seq
            self._unlike |= not fits
        if self.found.first is None:
            self.found.first = (linked, at, fields)
            self.found.steps.trust(linked, at)
            self._own(fields, at, _claimed(linked, fields))
        else:
            self.found.steps.step(linked, at)
            self._own(fields, at, before)
        self._mark()

    def _own(self, fields: dict[str, Any], at: Place, before: tuple[int, str] | None) -> None:
        """One of the trail's own records. before: (seq, link) of the record before it, if that is known here."""
        code = fields.get("code")
        if code in _TOLD and len(self.found.told) < _MOST_TOLD:
            self.found.told.append((at, fields))
        self._fresh |= code in (events.SIGNER_CHANGED, events.REPAIRED)
        if code != events.CHECKPOINT:
            if self.found.behind is None and self.found.runs:
                self.found.behind = at
            return
        self.found.behind = None
        steps = self.found.steps
        read = checkpoints.read(fields)
        if read is None:
            steps.fault(Kind.FORGED, "this checkpoint has not the fields of one", at, steps.good)
            return
        if before is not None and before != (read.seq, read.link):
            steps.fault(
                Kind.FORGED, f"this checkpoint vouches for record {read.seq:,}, and that is not what stands before it",
                at, None,
            )  # fmt: skip
        word = word_of(read, self._keys, self._verified)
        if word is Word.WRONG:
            what = f"the signature of this checkpoint is not one of key {read.key}"
            steps.fault(Kind.FORGED, what, at, None)
        elif word is Word.SIGNED and not steps.faults and not self.found.odd:
            self.found.clean_signed = read
        add(self.found.runs, word, read, at, fresh=self._fresh)
        self._fresh = False

    def _odd(self, octets: int, at: Place, time: str) -> None:
        odd = self.found.odd
        if odd and odd[-1].at.offset + odd[-1].octets == at.offset:
            odd[-1].lines, odd[-1].octets = odd[-1].lines + 1, odd[-1].octets + octets
            odd[-1].newest = max(odd[-1].newest, time)
        elif len(odd) < _MOST_ODD:
            odd.append(Odd(at=at, lines=1, octets=octets, good=self.found.steps.last, newest=time))
        else:
            self.found.steps.more += 1


def _claimed(linked: Linked, fields: Mapping[str, Any]) -> tuple[int, str] | None:
    """What stands before a part's first record by the word of a checkpoint, if its own link is made of that."""
    read = checkpoints.read(fields)
    if read is None:
        return None
    return linked.seq - 1, read.link if link_after(read.link.encode(), linked.body) == linked.link else ""


def place_of(line: bytes, at: Place, seq: int) -> Place:
    """The place of a record, with what its line tells."""
    time = _TIME.search(line)
    told = time[1].decode("ascii", "replace") if time else ""
    return replace(at, seq=seq, time=told, link=line[-66:-2].decode("ascii", "replace"))


def _fields(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
