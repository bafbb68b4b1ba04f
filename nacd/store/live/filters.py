"""What people and loops ask of the sessions: a filter as SQL.

Knows: which columns can be asked for. Refuses to know: rows and files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from nacd.sessions import Phase
from nacd.store.live import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """All that is named must fit; ``""`` and False ask for nothing.

    device: as in ``Question.key``, whether or not anybody was asked about it. mac: ``AA-BB-CC-DD-EE-FF``. nas: name of
    the client in the configuration. pending: only those of which something is wanted. open: only those that count as
    present. quiet_since: only those of which nothing was heard since then, seconds since the epoch; 0.0 asks for
    nothing.
    """

    device: str = ""
    tenant: str = ""
    mac: str = ""
    user: str = ""
    nas: str = ""
    phase: Phase | str = ""
    profile: str = ""
    pending: bool = False
    open: bool = False
    quiet_since: float = 0.0


EVERYTHING: Final = Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """SQL and its parameters."""

    sql: str
    parameters: tuple[object, ...]


def page(wanted: Filter, limit: int, after: int) -> Asked:
    """At most this many sessions with a higher number than ``after``, lowest first."""
    # An index on some of the rows serves whoever asks in its very words. `+` keeps one out that would find half of
    # all rows and sort them for each page; the phase of one NAS comes in the order of its index.
    phase = "phase" if wanted.nas else "+phase"
    parts = [
        ("device = ? AND device <> ''", wanted.device),
        ("tenant = ?", wanted.tenant),
        ("mac = ? AND mac <> ''", wanted.mac),
        ("user = ? AND user <> ''", wanted.user),
        ("nas = ?", wanted.nas),
        (f"{phase} = ?", str(wanted.phase)),
        ("profile = ?", wanted.profile),
        ("max(authorized_at, started_at, seen_at) < ?", wanted.quiet_since),
    ]
    named = [(words, value) for words, value in parts if value]
    words = [part for part, _ in named]
    if wanted.pending:
        words.append("pending_since IS NOT NULL")
    if wanted.open:
        words.append(f"+{rows.OPEN}")
    values = [rows.plain(value) if isinstance(value, str) else value for _, value in named]
    where = " AND ".join([*words, "id > ?"])
    return Asked(sql=rows.select(f"{where} ORDER BY id LIMIT ?"), parameters=(*values, after, limit))
