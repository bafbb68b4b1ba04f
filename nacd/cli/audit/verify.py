"""``nacd audit verify``: is the trail as it was written, and who says so?

Knows: which files are looked at, keys and anchors by their files, how far it has come, exit codes. Refuses to know:
what a fault is (``nacd.audit.proof``), how it is told (``verdict``).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Final, TextIO

from nacd.audit.asking.moments import NoMoment
from nacd.audit.proof.anchors import Anchor, Anchors
from nacd.audit.proof.checkpoints import key_id
from nacd.audit.proof.findings import Proof
from nacd.audit.proof.joining import Join
from nacd.cli.audit import parts
from nacd.cli.audit.finding.where import NoTrail, chosen, here_ms
from nacd.cli.audit.keys import NoKey, public_key, verified
from nacd.cli.audit.verdict import Told, document, text
from nacd.config.yaml import parse
from nacd.errors import ConfigError
from nacd.store.trail.names import told_by_name
from nacd.store.trail.reading import TrailFile, Unreadable, alone, files, half_line, pieces, strange
from nacd.store.trail.unpacking import Block
from nacd.store.trail.writing import head

_TRIES: Final = 3
_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked. trail: None for the configured one."""

    trail: Path | None
    config: Path
    anchors: tuple[Path, ...] = ()
    keys: tuple[Path, ...] = ()
    since: str = ""
    as_json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    """What the configuration says, as far as it can be read. key: the public key beside the private one."""

    live: Path | None = None
    state: Path | None = None
    key: Path | None = None


def run(question: Question, processes: int | None = None) -> int:
    """Exit code 0: whole, 1: not, 2: it cannot be looked at."""
    try:
        told, proof = _looked(question, processes or os.cpu_count() or 1)
    except (NoTrail, NoKey, NoMoment, Unreadable) as cannot:
        print(str(cannot), file=sys.stderr)
        return 2
    except (BrokenExecutor, MemoryError):
        print("not looked at to the end: a process of it was ended, as where memory runs out", file=sys.stderr)
        return 2
    except OSError as trouble:
        print(f"`{trouble.filename}`: {(trouble.strerror or 'error').lower()}", file=sys.stderr)
        return 2
    try:
        print(json.dumps(document(told, proof)) if question.as_json else text(told, proof), flush=True)
    except BrokenPipeError:  # whoever read has seen enough (`| grep -q`): that must not look like a fault
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())
    return 0 if proof.whole else 1


def _looked(question: Question, processes: int) -> tuple[Told, Proof]:
    """Raises OSError, NoTrail, NoKey, NoMoment, Unreadable."""
    site = _site(question)
    since_ms = here_ms("--since", question.since)
    for attempt in range(_TRIES):
        try:
            return _once(question, site, since_ms, processes)
        except FileNotFoundError:  # a file was compressed or deleted while it was looked at
            if attempt + 1 == _TRIES or not _files(question, site)[0]:
                raise
    raise NoTrail("the files of the trail come and go")


def _once(question: Question, site: _Site, since_ms: int | None, processes: int) -> tuple[Told, Proof]:
    began = time.monotonic()
    named = {key_id(public): public for public in map(public_key, question.keys)}
    keys = named or ({key_id(public): public for public in [public_key(site.key)]} if site.key else {})
    # First what vouches, then the trail: what is written in between is not missed.
    anchors = Anchors(strict=bool(named))
    for path in question.anchors:
        anchors.take(_lines(path), keys, verified)
    known = _head(site)
    wanted: dict[int, tuple[bytes, ...]] = anchors.wanted()
    if known is not None:
        wanted[known[1].seq] = tuple({*wanted.get(known[1].seq, ()), known[1].link.encode()})
    found, partly = _files(question, site)
    asked = _later(found, since_ms)
    join = Join(
        keys=dict(keys), verified=verified, anchors=anchors, strict=bool(named), head=known,
        partly=partly or len(asked) < len(found),
    )  # fmt: skip
    cut = parts.cut(asked)
    progress = _Progress(sum(part.weight for part in cut), sys.stderr)
    for part, walked in parts.walked(cut, keys, wanted, processes):
        join.part(str(part.file.path), walked)
        progress.on(part.weight, walked.records)
        if part.last and (half := half_line(part.file)):
            join.half_line(str(part.file.path), len(half), live=part.file.live)
    progress.clear()
    by_name = {str(file.path): file for file in asked}
    _beside(join, anchors, asked)
    proof = join.proof(lambda name, start, end: parts.digest(by_name[name], start, end))
    told = Told(
        files=len(asked), octets=sum(file.size for file in asked), took_s=time.monotonic() - began,
        anchor_files=tuple(map(str, question.anchors)), named_keys=tuple(map(str, question.keys)),
        own_key=str(site.key) if site.key and not named else "", partly=join.partly,
    )  # fmt: skip
    return told, proof


def _beside(join: Join, anchors: Anchors, asked: tuple[TrailFile, ...]) -> None:
    """What is to be known besides."""
    for what in anchors.words():
        join.note(what)
    if asked[-1].live:
        for path in strange(asked[-1].log):
            join.note(
                f"`{path}` has the name of a file of this trail and is none (a link, a pipe or a folder): left out"
            )


# -- what is looked at --------------------------------------------------------------------------


def _files(question: Question, site: _Site) -> tuple[tuple[TrailFile, ...], bool]:
    """The files, oldest first, and whether it is plain that they are only a part of a trail."""
    trail = question.trail or site.live
    if trail is None:
        raise NoTrail(f"`{question.config}` cannot be read or names no `audit.file`: name the trail")
    if trail.is_dir():
        return chosen(question.config, [trail]), False
    if _is_full(trail):
        return (alone(trail),), True
    found = files(trail)
    if not found:
        raise NoTrail(f"there is no `{trail}`, nor any full file of it")
    return found, False


def _is_full(path: Path) -> bool:
    """Whether a file has the name of a full one, of whatever log."""
    stem = path.name.partition("-2")[0]
    suffix = path.name.removesuffix(".gz").rpartition(".")[2]
    return told_by_name(path.with_name(f"{stem}.{suffix}"), path.name) is not None


def _later(found: tuple[TrailFile, ...], since_ms: int | None) -> tuple[TrailFile, ...]:
    """Without the files that were full by then."""
    if since_ms is None:
        return found
    # Only what comes before: where a clock was set back, a later file may look as if it was full by then.
    gone = takewhile(lambda borders: borders[1].begun * 1000 <= since_ms, pairwise(found))
    return found[sum(1 for _ in gone) :]


def _site(question: Question) -> _Site:
    """Only what is asked for is read; a mistake elsewhere in the configuration must not keep anybody from proving."""
    try:
        document, _ = parse(question.config.read_bytes(), str(question.config))
    except (OSError, ConfigError):
        return _Site()
    folder, value = question.config.parent, document.value
    audit = value.get("audit")
    audit = audit if isinstance(audit, dict) else {}
    live, state, key = audit.get("file"), value.get("state"), audit.get("key")
    if not isinstance(live, str) or not live:
        return _Site()
    if question.trail is not None and question.trail.resolve() != (folder / live).resolve():
        return _Site()
    public = folder / f"{key.removeprefix('file:')}.pub" if isinstance(key, str) and key.startswith("file:") else None
    return _Site(
        live=folder / live,
        state=folder / state if isinstance(state, str) and state else None,
        key=public if public is not None and public.is_file() else None,
    )


def _head(site: _Site) -> tuple[str, Anchor] | None:
    """What ``head.json`` knows, if it is for us to read."""
    found = head.read(site.state / "audit") if site.state else None
    if not isinstance(found, head.Head):
        return None
    return found.writer, Anchor(found.seq, found.link, "")


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of any text file, compressed or not. Raises OSError, Unreadable."""
    file = alone(path)
    for piece in pieces(file):  # what cannot be read holds no anchor
        if isinstance(piece, Block):
            yield from piece.text.splitlines()
    if rest := half_line(file):
        yield rest


# -- how far ------------------------------------------------------------------------------------


class _Progress:
    """One line on a terminal, written over: how much, how fast, how long still."""

    def __init__(self, weight: int, to: TextIO) -> None:
        self._weight, self._to = max(1, weight), to
        self._terminal = to.isatty()
        self._began = self._said = time.monotonic()
        self._done = self._records = 0

    def on(self, weight: int, records: int) -> None:
        self._done += min(weight, self._weight)
        self._records += records
        now = time.monotonic()
        if not self._terminal or now - self._said < _EVERY_S:
            return
        self._said = now
        took_s, share = now - self._began, min(1.0, self._done / self._weight)
        left = f"{took_s / share - took_s:,.0f} s left" if share else ""
        rate = f"{self._records / took_s:,.0f} records/s"
        print(
            f"\r{100 * share:3.0f} %  {self._records:,} records  {rate}  {left}\x1b[K",
            end="",
            file=self._to,
            flush=True,
        )

    def clear(self) -> None:
        if self._terminal:
            print("\r\x1b[K", end="", file=self._to, flush=True)
