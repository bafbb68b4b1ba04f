"""Anchors: checkpoints that stand somewhere else too, in any text file.

Knows: how a checkpoint is found in a line, whatever a syslog server put around it. Refuses to know: files, the trail.

A line that came through whole proves itself: its own link is made of the link it vouches for and of its octets. That
does not tell who made it: whoever is recorded anywhere (a user by his name) can have a line like it written down. So
where keys are named only what they signed counts; where none is, a line that stands within a record of something else,
or did not come through whole, may confirm what the trail says and never contradict it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from nacd.audit.chain.links import link_after, split
from nacd.audit.proof.checkpoints import Checkpoint, Verified, Word, read, word_of

_BEGIN: Final = b'{"code":"A9102I"'
_QUOTED: Final = b'{\\"code\\":\\"A9102I\\"'
_WITHIN: Final = re.compile(rb'CEF:|LEEF:|\{\\*"code\\*": ?\\*"A\d{4}[A-Z]')
"""Before a checkpoint on its line: what is written down there is a record of something else."""
_WHOLE_TEXT: Final = re.compile(rb'"(?:message|msg|raw|_raw|event|original|log|line|text|record|body)" ?: ?"$', re.I)
_HEX64: Final = re.compile(r"[0-9a-f]{64}")
_MOST_OCTETS: Final = 65_536


@dataclass(frozen=True, slots=True)
class Anchor:
    """Record ``seq`` has this link. time: of the checkpoint that says so. firm: its line proves itself and stands for
    itself."""

    seq: int
    link: str
    time: str
    firm: bool = field(default=True, compare=False)


@dataclass(slots=True)
class Anchors:
    """Every anchor that was found. strict: keys are named, and only what they signed counts. by_writer: writer -> seq
    -> anchor. weak: the same of those that may only confirm. apart: two of one writer that say different things of one
    record. wrong: with a signature that the key has not made. unsigned: not counted for that. strange: by id of a key
    that is not known, until one hands over to it. lines: read."""

    strict: bool = False
    by_writer: dict[str, dict[int, Anchor]] = field(default_factory=dict)
    weak: dict[str, dict[int, Anchor]] = field(default_factory=dict)
    apart: list[tuple[str, Anchor, Anchor]] = field(default_factory=list)
    strange: dict[str, list[tuple[Anchor, Checkpoint]]] = field(default_factory=dict)
    wrong: int = 0
    unsigned: int = 0
    broken: int = 0
    lines: int = 0

    def take(self, lines: Iterable[bytes], keys: Mapping[str, bytes], verified: Verified) -> None:
        """Lines of any text."""
        for line in lines:
            self.lines += 1
            found = checkpoint_in(line)
            if found is None:
                self.broken += b"A9102I" in line
                continue
            anchor, checkpoint = found
            word = word_of(checkpoint, keys, verified)
            if word is Word.WRONG:
                self.wrong += 1
            elif word is Word.SIGNED or (anchor.firm and not self.strict):
                self._add(anchor, checkpoint.writer)
            elif not self.strict:
                self.weak.setdefault(checkpoint.writer, {}).setdefault(anchor.seq, anchor)
            elif word is Word.UNSIGNED:
                self.unsigned += 1
            else:
                self.strange.setdefault(checkpoint.key, []).append((anchor, checkpoint))

    def settle(self, key: str, public: bytes, verified: Verified) -> None:
        """A key has become known: what it signed counts from now on."""
        for anchor, checkpoint in self.strange.pop(key, ()):
            if checkpoint.signed_by(public, verified):
                self._add(anchor, checkpoint.writer)
            else:
                self.wrong += 1

    def words(self) -> Iterator[str]:
        """What there is to know of those that do not count, or not for all."""
        for what, many in (
            ("anchors with a wrong signature, which count for nothing", self.wrong),
            ("anchors without a signature, which count for nothing where a key is named", self.unsigned),
            (
                "anchors signed with a key that is not known, which count for nothing",
                sum(map(len, self.strange.values())),
            ),
            ("lines of the anchors' files with a checkpoint that cannot be read", self.broken),
            (
                "anchors within other text or not whole, which may confirm and not contradict",
                sum(map(len, self.weak.values())),
            ),
        ):
            if many:
                yield f"{what}: {many:,}"

    def _add(self, anchor: Anchor, writer: str) -> None:
        other = self.by_writer.setdefault(writer, {}).setdefault(anchor.seq, anchor)
        if other.link != anchor.link and len(self.apart) < 100:
            self.apart.append((writer, other, anchor))

    def newest(self, writer: str, first: int, last: int, there: Mapping[int, str]) -> Anchor | None:
        """The last one of those from ``first`` to ``last``, a record that somebody's anchor (or ``head.json``) fits.
        there: links of records that some anchor does not fit."""
        known = self.by_writer.get(writer, {})
        if not last:
            return None
        for anchor in (known.get(last), self.weak.get(writer, {}).get(last)):
            if anchor is not None and there.get(last, anchor.link) == anchor.link:
                return anchor
        fits = (seq for seq in known if first <= seq <= last and there.get(seq, known[seq].link) == known[seq].link)
        return known.get(max(fits, default=-1))

    def wanted(self) -> dict[int, tuple[bytes, ...]]:
        """By seq, the links that anchors know of."""
        links: dict[int, tuple[bytes, ...]] = {}
        every = [(anchor.seq, anchor.link) for each in self.strange.values() for anchor, _ in each]
        every += [(seq, known[seq].link) for known in (*self.by_writer.values(), *self.weak.values()) for seq in known]
        for seq, link in every:
            if (octets := link.encode()) not in links.get(seq, ()):
                links[seq] = (*links.get(seq, ()), octets)
        return links


def checkpoint_in(line: bytes) -> tuple[Anchor, Checkpoint] | None:
    """The checkpoint in a line, and what it is an anchor for: the checkpoint's own record where its octets came through
    whole, else the record before it."""
    at, alone = line.find(_BEGIN), True
    if at < 0:
        at = line.find(_QUOTED)
        if at < 0:
            return None
        alone = _WHOLE_TEXT.search(line[:at]) is not None
    alone = alone and _WITHIN.search(line[:at]) is None
    if line[at + 1 : at + 2] == b"\\":
        line, at = line[at : at + _MOST_OCTETS].replace(b'\\"', b'"').replace(b"\\\\", b"\\"), 0
    text = line[at : at + _MOST_OCTETS].decode("utf-8", "replace")
    try:
        fields, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    checkpoint = read(fields)
    if checkpoint is None or checkpoint.seq < 0 or not _HEX64.fullmatch(checkpoint.link):
        return None
    return _anchor(text[:end].encode() + b"\n", checkpoint, alone=alone), checkpoint


def _anchor(line: bytes, checkpoint: Checkpoint, *, alone: bool) -> Anchor:
    own = split(line)
    follows = own is not None and own.seq == checkpoint.seq + 1
    if own is not None and follows and link_after(checkpoint.link.encode(), own.body) == own.link:
        return Anchor(own.seq, own.link.decode(), checkpoint.time, alone)
    return Anchor(checkpoint.seq, checkpoint.link, checkpoint.time, firm=False)
