"""What one step of an examination comes to: a word, a sentence, and what to click.

Knows: the four outcomes, that nothing a stranger sent may steer a terminal or tell a secret, and that an answer which
comes too late for a login is none. Refuses to know: how any of it is found out, and how it is printed.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, quote_plus

LONGEST_TEXT = 4_000
SHORTEST_SECRET = 4
"""Blotting out a shorter one would make a report unreadable, and hide nothing."""
_BLOT = "***"
_HEX = re.compile(r"%[0-9A-F]{2}")
_HEAD = 12
"""So many characters of a longer one give it away: whoever sent it back may have cut it."""
_TOKEN = re.compile(r"(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}|eyJ[A-Za-z0-9_-]{8,}[A-Za-z0-9_.=-]*")
"""A token, whoever got it: behind its scheme, or as a JWT shows itself (RFC 7519)."""


class Status(StrEnum):
    """How a step ended. Only ``failed`` makes the whole a failure."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found. detail: lines for people, the first says it all. fix: what to do, ``""`` for nothing."""

    status: Status
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A step has begun. doing: what it does, in words; ``""`` for nothing that takes time."""

    name: str
    doing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step that is over. took_ms: whole milliseconds."""

    name: str
    status: Status
    detail: str
    fix: str = ""
    took_ms: int = 0


def good(detail: str) -> Finding:
    """All is well."""
    return Finding(status=Status.OK, detail=detail)


def warning(detail: str, fix: str) -> Finding:
    """It works, and will not for ever, or not for everybody."""
    return Finding(status=Status.WARNING, detail=detail, fix=fix)


def failed(detail: str, fix: str) -> Finding:
    """It does not work."""
    return Finding(status=Status.FAILED, detail=detail, fix=fix)


def not_tried(needs: str) -> Finding:
    """It could not even be tried."""
    return Finding(status=Status.SKIPPED, detail=f"not tried: needs {needs}")


def no_time() -> Finding:
    """It was not tried, because the time for all steps is over: nobody may take that for well."""
    fix = "see which step was slow above; when that is mended, run it again"
    return failed("not tried: the steps before took all the time", fix)


def not_needed(why: str) -> Finding:
    """Nobody needs it here."""
    return Finding(status=Status.SKIPPED, detail=f"not needed: {why}")


def timely(found: Finding, took_s: float, login_s: float) -> Finding:
    """The finding about an answer that took this long, where a login waits ``login_s`` seconds for one."""
    fix = "raise `compliance.lookup_deadline`, or find out what is slow between here and Microsoft (a proxy?)"
    if found.status is Status.FAILED or took_s <= login_s / 2:
        return found
    if took_s > login_s:
        words = f"logins wait {login_s:g} s only: every one would be `unavailable`"
        return failed(f"{found.detail}\n{words}", fix)
    words = f"that is more than half of what logins wait ({login_s:g} s)"
    return warning(f"{found.detail}\n{words}", "\n".join(part for part in (found.fix, fix) if part))


def timed(name: str, work: Callable[[], Finding], secrets: Callable[[], Iterable[str]] = tuple) -> Step:
    """Do the work and say how it went. What is not printable, or too long for anybody to read, is left out.

    secrets: told after the work, each is blotted out: a server, or a proxy, may send back what it was sent.
    """
    started = time.monotonic()
    found = work()
    hidden = tuple(secrets())
    return Step(
        name=name,
        status=found.status,
        # Before anything is cut: half a secret is one too, and would not be recognised.
        detail=shown(blotted(found.detail, hidden)),
        fix=shown(blotted(found.fix, hidden)),
        took_ms=round((time.monotonic() - started) * 1000),
    )


def blotted(text: str, secrets: Iterable[str]) -> str:
    """The text without tokens, and without each secret in any form in which it may have been sent or sent back."""
    forms = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, _BLOT)
    for form in sorted(forms, key=len, reverse=True):
        parts = text.split(form[:_HEAD]) if len(form) > _HEAD else [text]
        text = _BLOT.join([parts[0], *(part[_common(part, form[_HEAD:]) :] for part in parts[1:])])
    return _TOKEN.sub(_BLOT, text)


def _common(text: str, beginning: str) -> int:
    """How many characters of ``beginning`` the text begins with."""
    pairs = enumerate(zip(text, beginning, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(text), len(beginning)))


def _forms(secret: str) -> Iterator[str]:
    """Plain, percent-encoded (a form writes a blank as `+`, and hex may be in lower case), and as JSON escapes it."""
    for encoded in (quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")):
        yield encoded
        yield _HEX.sub(lambda found: found.group().lower(), encoded)
        yield encoded.replace("~", "%7E")
        yield _HEX.sub(lambda found: found.group().lower(), encoded.replace("~", "%7E"))
    for escaped in (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")


def shown(text: str) -> str:
    """Printable text and line ends alone, cut to 4,000 characters."""
    kept = "".join(char if char.isprintable() or char == "\n" else "?" for char in text)
    return kept if len(kept) <= LONGEST_TEXT else f"{kept[:LONGEST_TEXT]} ..."
