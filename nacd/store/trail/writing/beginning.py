"""Where a trail goes on when its file is opened, and what its first records have to say about that.

Knows: what the file, its older siblings and ``head.json`` say, and which of them counts. Refuses to know: how any of it
is written down (``log``).

Theory: three witnesses tell how far the trail had come. The live file, when it holds records: a daemon that was killed
leaves it ahead of the head. The full files beside it, when the live one is new or gone. The head, which is written
after the disk has what it speaks of: who is behind it misses records, and then the trail goes on behind the head, so
that no number is ever used twice, and says how many are missing. Who is ahead of it has records that nobody had noted:
the last ones of a daemon that was killed, or somebody else's who knew how to link them. Those are named, so that no
later signature is taken for a word about them; the head tells which of both can be, by whether it was the end.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nacd.audit.chain import events, links
from nacd.audit.chain.events import Place
from nacd.store.trail import reading
from nacd.store.trail.reading import Unreadable
from nacd.store.trail.writing import ending, head
from nacd.store.trail.writing.ending import Ending
from nacd.store.trail.writing.head import Head, Unusable
from nacd.store.trail.writing.opening import Opened
from nacd.values import AuditEvent

_MOST_BREAKS: Final = 10
_MOST_IN_VAIN: Final = 256 << 20
"""Octets of old logs that are read at the start though they hold no trail: a second's work."""


@dataclass(slots=True, kw_only=True)
class Beginning:
    """Where it goes on. seq, link: of the record before. size: octets of the file that count; what is behind them is
    to be cut off with the first write. began, first_seq: of the file's first record; 0 when there is none yet.
    key: id of the key that signed last, None if that is not known. says: records that come first. records: whether any
    lie in the file. head: as it was found."""

    writer: str
    seq: int = 0
    link: bytes = links.FIRST
    size: int = 0
    began: float = 0.0
    first_seq: int = 0
    key: str | None = None
    records: bool = False
    head: Head | None = None
    says: list[AuditEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A record by its place, and whose trail it belongs to (``""``: not told). notes: what else is in its file."""

    writer: str
    place: Place
    notes: tuple[AuditEvent, ...] = ()


def beginning(opened: Opened, path: Path, folder: Path | None, version: str, now: float) -> Beginning:
    """Look at all there is. folder: of ``head.json``, None for none. now: seconds since the epoch. Raises OSError."""
    if not opened.regular:
        return _in_new_file(Beginning(writer=new_writer()), Place(), version, now)
    kept = head.read(folder) if folder is not None else None
    there = ending.ending(opened.fd)
    notes = _torn(opened.fd, path, there, now)
    known = _in(opened.fd, path, there) or _beside(path, kept, now)
    notes = [*(known.notes if known is not None else ()), *notes]
    if isinstance(kept, Unusable) or (kept is None and folder is not None and known is not None):
        notes.append(_head_note(kept, now))
    found, gaps = _compared(opened.fd, path, there, known, kept, now)
    notes += gaps
    if isinstance(kept, Head):
        found.head = kept
        notes += _unvouched(opened.fd, path, there, known, kept, now)
    found.size = there.whole
    found.records = there.last is not None
    if there.last is None:
        _in_new_file(found, found_place(known, kept), version, now, _before(opened.fd, there))
    else:
        notes = [*_foreign(opened.fd, path, there.after, there.whole, now), *notes]
        begun = ending.first(opened.fd, there.whole)
        found.began, found.first_seq = begun.began or now, begun.seq
        if found.key is None:
            found.key = ending.told(opened.fd, there.whole)[1]
    found.says += notes
    return found


def new_writer() -> str:
    """A name for a trail."""
    return secrets.token_hex(8)


def found_place(known: _Known | None, kept: Head | Unusable | None) -> Place:
    """The record before the file's first one."""
    if isinstance(kept, Head) and (known is None or (known.writer in ("", kept.writer) and known.place.seq < kept.seq)):
        return _place(kept)
    return known.place if known is not None else Place()


def _in_new_file(
    found: Beginning, previous: Place, version: str, now: float, before: tuple[int, str] = (0, "")
) -> Beginning:
    found.says.insert(
        0,
        events.file_begun(
            writer=found.writer, previous=previous, version=version, at=now, octets=before[0], sha256=before[1]
        ),
    )
    found.began, found.first_seq = now, found.seq + 1
    return found


# -- witnesses ----------------------------------------------------------------------------------


def _in(fd: int, path: Path, there: Ending) -> _Known | None:
    """By the file itself."""
    if there.last is None:
        return None
    writer = ending.first(fd, there.whole).writer or ending.told(fd, there.whole)[0]
    return _Known(writer=writer, place=Place(path.name, there.last.seq, there.last.link.decode()))


def _beside(path: Path, kept: Head | Unusable | None, now: float) -> _Known | None:
    """By the newest file beside it, or beside where the trail was before; of the trail that the head speaks of."""
    wanted = kept.writer if isinstance(kept, Head) else ""
    logs = [path] if not isinstance(kept, Head) or Path(kept.file) == path else [path, Path(kept.file)]
    found: list[_Known] = []
    for log in logs:
        try:
            files = [each for each in reading.files(log) if each.path != path]
        except OSError:
            continue
        files = [each for each in files if not wanted or each.writer in ("", wanted)]
        numbered = sorted((each for each in files if each.first_seq), key=lambda each: each.first_seq)
        found += (known for each in numbered[-1:] if (known := _last_of(each, now)) is not None)
        found += _within([each for each in files if not each.first_seq and not each.compressed], now)
    return max(found, key=lambda each: each.place.seq, default=None)


def _within(files: Sequence[reading.TrailFile], now: float) -> list[_Known]:
    """A log from before there was a trail may have become one in the middle of a file; of the newest such one. What was
    moved away while it was empty, or held nothing but other people's lines, is passed over."""
    looked_at = 0
    for each in reversed(files):
        if looked_at > _MOST_IN_VAIN:
            break
        if (known := _last_of(each, now)) is not None:
            return [known]
        looked_at += each.size
    return []


def _last_of(file: reading.TrailFile, now: float) -> _Known | None:
    """The last record of a file that is not written any more, and what stands behind it."""
    text = b""
    try:
        if not file.compressed:
            with file.path.open("rb") as opened:
                return _at_the_end_of(file, opened.fileno(), now)
        for block in reading.blocks(file):
            text = block.text
    except (OSError, Unreadable):
        pass  # what could be read before counts
    for line in reversed(text.splitlines(keepends=True)):
        if (linked := links.split(line)) is not None:
            place = Place(file.path.name.removesuffix(".gz"), linked.seq, linked.link.decode())
            return _Known(writer=file.writer, place=place)
    return None


def _at_the_end_of(file: reading.TrailFile, fd: int, now: float) -> _Known | None:
    there = ending.ending(fd)
    if there.last is None:
        return None
    writer = file.writer or ending.told(fd, there.whole)[0]
    place = Place(file.path.name, there.last.seq, there.last.link.decode())
    return _Known(writer=writer, place=place, notes=_foreign(fd, file.path, there.after, there.size, now))


def _compared(
    fd: int, path: Path, there: Ending, known: _Known | None, kept: Head | Unusable | None, now: float
) -> tuple[Beginning, list[AuditEvent]]:
    """Whose word counts, and the gaps that this shows."""
    if not isinstance(kept, Head):
        if known is None:
            return Beginning(writer=new_writer()), []
        return _behind(known.writer or new_writer(), known.place), []
    if known is None:
        gap = events.gap(reason="gone", file=path.name, missing=kept.seq, after=0, following=kept.seq + 1, at=now)
        return _behind(kept.writer, _place(kept), kept.key), [gap]
    if known.writer not in ("", kept.writer):
        note = events.repaired(
            kind="head", file=head.NAME, octets=0, sha256="", text=f"it speaks of trail {kept.writer}", at=now
        )
        return _behind(known.writer, known.place), [note]
    place = known.place
    if place.seq < kept.seq:
        missing, following = kept.seq - place.seq, kept.seq + 1
        gap = events.gap(reason="short", file=place.file, missing=missing, after=place.seq, following=following, at=now)
        return _behind(kept.writer, _place(kept), kept.key), [gap]
    gaps = []
    if place.seq == kept.seq and place.link != kept.link:
        gaps.append(_broken(place.file, place.seq, place.seq, now))
    elif there.last is not None and kept.file == str(path) and ending.stands(fd, kept.octets, kept.link.encode()):
        found = ending.breaks(fd, kept.octets, there.whole, kept.seq, kept.link.encode())
        gaps = [_broken(path.name, each.after, each.following, now) for each in found[:_MOST_BREAKS]]
    key = None if place.seq > kept.seq else kept.key
    if key is None and there.last is not None:
        key = ending.told(fd, there.whole, start=kept.octets)[1]
    return _behind(kept.writer, place, kept.key if key is None else key), gaps


def _unvouched(fd: int, path: Path, there: Ending, known: _Known | None, kept: Head, now: float) -> list[AuditEvent]:
    """Records behind the head's place: our own last ones after a crash, and somebody else's where we had ended."""
    if known is None or known.writer not in ("", kept.writer) or known.place.seq <= kept.seq:
        return []
    start, sha256 = kept.octets, ""
    if kept.file == str(path) and ending.stands(fd, start, kept.link.encode()):
        sha256 = ending.pinned(fd, start, there.whole)[0]
    note = events.repaired(
        kind="added" if kept.ended else "unvouched", file=known.place.file,
        octets=there.whole - start if sha256 else 0, sha256=sha256,
        first_seq=kept.seq + 1, last_seq=known.place.seq, at=now,
    )  # fmt: skip
    return [note]


def _behind(writer: str, place: Place, key: str | None = None) -> Beginning:
    return Beginning(writer=writer, seq=place.seq, link=place.link.encode(), key=key)


def _place(kept: Head) -> Place:
    return Place(Path(kept.file).name, kept.seq, kept.link)


# -- what there is to say -----------------------------------------------------------------------


def _torn(fd: int, path: Path, there: Ending, now: float) -> list[AuditEvent]:
    """Half a line behind the last newline."""
    if there.size == there.whole:
        return []
    sha256, text = ending.pinned(fd, there.whole, there.size)
    octets = there.size - there.whole
    return [events.repaired(kind="half_line", file=path.name, octets=octets, sha256=sha256, text=text, at=now)]


def _foreign(fd: int, path: Path, start: int, end: int, now: float) -> tuple[AuditEvent, ...]:
    """Octets that are no records of the trail, and that stay."""
    if start == end:
        return ()
    sha256, text = ending.pinned(fd, start, end)
    octets = end - start
    return (events.repaired(kind="foreign", file=path.name, octets=octets, sha256=sha256, text=text, at=now),)


def _before(fd: int, there: Ending) -> tuple[int, str]:
    """What lay in the file when no record of a trail did."""
    return (there.whole, ending.pinned(fd, 0, there.whole)[0]) if there.whole else (0, "")


def _head_note(kept: Unusable | Head | None, now: float) -> AuditEvent:
    octets = kept.octets if isinstance(kept, Unusable) else b""
    text = octets.decode("utf-8", "backslashreplace")
    return events.repaired(kind="head", file=head.NAME, octets=len(octets), sha256="", text=text, at=now)


def _broken(file: str, after: int, following: int, now: float) -> AuditEvent:
    missing = following - after - 1 if following > after + 1 else -1
    return events.gap(reason="break", file=file, missing=missing, after=after, following=following, at=now)
