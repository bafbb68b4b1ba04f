"""Which files a question about the trail is put to, and moments in this machine's zone.

Knows: the configuration's `audit.file`, and what may be named in its place. Refuses to know: what is asked.

Only that one setting is read: whoever looks for something at night must not be stopped by a rule that cannot be loaded.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from nacd.audit.asking.moments import NoMoment, moment, shown
from nacd.config.yaml import parse
from nacd.errors import ConfigError
from nacd.store.trail.names import told_by_name
from nacd.store.trail.reading import TrailFile, Unreadable, alone, files

_USUAL: Final = "audit.jsonl"
_OURS: Final = (".jsonl", ".jsonl.gz")
_FULL: Final = re.compile(r"-[0-9]{8}T[0-9]{6}Z-[0-9]{12,18}\.[a-z]+$")


class NoTrail(Exception):
    """It is not known what to read, or it cannot be read; the text says why."""


def live_of(config: Path) -> Path:
    """The live file that a configuration names. Raises NoTrail."""
    try:
        document, _ = parse(config.read_bytes(), str(config))
    except OSError as trouble:
        words = (trouble.strerror or "error").lower()
        raise NoTrail(f"`{config}`: {words}; name the trail's file or folder with --audit") from None
    except ConfigError as refused:
        raise NoTrail(f"{refused}\nname the trail's file or folder with --audit") from None
    section = document.value.get("audit")
    named = section.get("file") if isinstance(section, dict) else None
    if not isinstance(named, str) or not named:
        raise NoTrail(f"`{config}` names no `audit.file`: name the trail's file or folder with --audit")
    return config.parent / named


def chosen(config: Path, named: Sequence[Path]) -> tuple[TrailFile, ...]:
    """The files to read, oldest first. named: live files (with their full ones), full files, each by itself, and
    folders (the trail in it). Raises NoTrail."""
    try:
        found = [each for path in named for each in _named(path)]
        if not named:
            found = list(_of_log(live_of(config)))
    except OSError as trouble:
        raise NoTrail(f"`{trouble.filename}`: {(trouble.strerror or 'error').lower()}") from None
    except Unreadable as trouble:
        raise NoTrail(str(trouble)) from None
    return tuple(found)


def _named(path: Path) -> tuple[TrailFile, ...]:
    if path.is_dir():
        return _in_folder(path)
    is_full = path.suffix == ".gz" or _FULL.search(path.name) is not None
    return (alone(path),) if is_full else files(path) or (alone(path),)


def _of_log(live: Path) -> tuple[TrailFile, ...]:
    found = files(live)
    if not found:
        raise NoTrail(f"there is no `{live}`, nor any full file of it")
    return found


def _in_folder(folder: Path) -> tuple[TrailFile, ...]:
    """The trail whose live file lies there; full files alone, as of an archive; else every file of records."""
    names = sorted(path.name for path in folder.iterdir() if path.name.endswith(_OURS))
    lives = [name for name in names if any(told_by_name(folder / name, other) for other in names)]
    if _USUAL in names and _USUAL not in lives:
        lives.append(_USUAL)
    if not lives and any(told_by_name(folder / _USUAL, name) for name in names):
        lives = [_USUAL]
    found = [file for name in lives for file in files(folder / name)]
    if not found:
        found = sorted((alone(folder / name) for name in names), key=lambda file: file.begun)
    if not found:
        raise NoTrail(f"`{folder}` holds no audit file (`*.jsonl`, `*.jsonl.gz`)")
    return tuple(found)


def here_ms(option: str, written: str) -> int | None:
    """A moment, milliseconds since the epoch; None where nothing is written. Raises NoMoment."""
    if not written:
        return None
    try:
        return round(moment(written, datetime.now(), lambda naive: naive.timestamp()) * 1000)
    except NoMoment as wrong:
        raise NoMoment(f"{option} {wrong}") from None


def both_ways(at_ms: int) -> str:
    """A moment in UTC, and in this machine's zone if that is another."""
    utc = shown(at_ms / 1000)
    here = datetime.fromtimestamp(at_ms / 1000).astimezone()
    return f"{utc} ({here.isoformat(sep=' ', timespec='minutes')} here)" if here.utcoffset() else utc


def empty_span(since_ms: int | None, until_ms: int | None, now_ms: int) -> str:
    """Why no record can lie between these two moments, in words for people; ``""`` when some can. Milliseconds since
    the epoch, None for open."""
    if since_ms is not None and until_ms is not None and until_ms <= since_ms:
        return "`--until` is not after `--since`: nothing lies between them"
    if since_ms is not None and since_ms > now_ms:
        return "`--since` is in the future: nothing is recorded yet"
    return ""
