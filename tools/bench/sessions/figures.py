"""What was measured of sessions, the limits set for it, and how both are told.

Knows: figures, limits, words. Refuses to know: how anything was measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

SQLITE_WAL: Final = "FreeRADIUS SQLite, WAL"
SQLITE_ROLLBACK: Final = "FreeRADIUS SQLite, rollback journal"
"""Sides of the cases of accounting: FreeRADIUS with its session database, by how SQLite keeps what it commits."""
MOST_RESIDENT: Final = 1_000_000_000
"""Octets of memory, with a million sessions; for fewer the same, as most of it is nacd itself."""
MOST_START_S: Final = 5.0
MOST_FLIP_S: Final = 10.0

Table: TypeAlias = tuple[str, list[str], list[list[str]]]
"""Heading, columns, rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Syncs:
    """How often a side called fsync or fdatasync for so many records, with so many under way."""

    side: str
    window: int
    records: int
    syncs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start, seconds from exec: until the daemon said that it serves, and until accounting was answered.

    what: ``warm`` or ``cold``.
    """

    what: str
    ready_s: float
    answered_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Million:
    """So many live sessions. octets: on disk; filled_s: how long it took to bring them there, two changes each.

    resident: the most memory of a daemon that was started on them, once it had stopped growing.
    """

    rows: int
    octets: int
    filled_s: float
    resident: int
    starts: list[Start]
    cold_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """So many sessions on so many NASes that change at once.

    converged_s: from the release of the guard until each endpoint was let in with the new profile. database_s: until
    nothing was wanted of any session any more. command_s: how long the command took that released them. early: changed
    before, confirmed one by one. asked: requests that NASes got, again: of them retransmissions.
    """

    direction: str
    sessions: int
    nases: int
    converged_s: list[float]
    database_s: float
    asked: int
    again: int
    command_s: float
    early: int


@dataclass(slots=True, kw_only=True)
class Sessions:
    """All of it, as far as it was measured."""

    syncs: list[Syncs] = field(default_factory=list)
    million: Million | None = None
    flips: list[Flip] = field(default_factory=list)


def tables(found: Sessions) -> Iterator[Table]:
    """One for each kind."""
    columns = ["what", "of how many", "figure", "limit", ""]
    if found.syncs:
        yield "Sessions: waiting for the disk", columns, [_sync(each) for each in found.syncs]
    if found.million is not None:
        yield "Sessions: on disk, and a restart with them", columns, list(_million(found.million))
    if found.flips:
        rows = [row for each in found.flips for row in _flip(each)]
        yield "Sessions: all of them change at once", columns, rows


def _verdict(is_met: bool) -> str:
    return "ok" if is_met else "MISSED"


def _sync(row: Syncs) -> list[str]:
    what = f"fsync and fdatasync, {row.side}"
    figure = f"{row.syncs:,}, one for {row.records / row.syncs:.1f} records" if row.syncs else "none"
    return [what, f"{row.records:,} records, {row.window} under way", figure, "", _verdict(row.syncs > 0)]


def _million(found: Million) -> Iterator[list[str]]:
    many = f"{found.rows:,} sessions"
    yield ["size on disk", many, f"{found.octets / 1e6:,.0f} MB, {found.octets / found.rows:,.0f} octets each", "", ""]
    each_us = found.filled_s / found.rows / 2 * 1e6
    yield [
        "writing them, an Accept and a Start each",
        many,
        f"{found.filled_s:.0f} s, {each_us:.0f} us a change",
        "",
        "",
    ]
    is_met = found.resident <= MOST_RESIDENT
    yield [
        "resident memory of a daemon with them",
        many,
        f"{found.resident / 1e6:,.0f} MB",
        f"{MOST_RESIDENT / 1e6:,.0f} MB",
        _verdict(is_met),
    ]
    for what in ("warm", "cold"):
        starts = [each for each in found.starts if each.what == what]
        for until, seconds in (
            ("it says that it serves", [each.ready_s for each in starts]),
            ("the first accounting answer", [each.answered_s for each in starts]),
        ):
            figure = f"{statistics.median(seconds):.2f} s (at most {max(seconds):.2f})"
            yield [
                f"exec until {until}, {what}",
                f"{many}, {len(seconds)} starts",
                figure,
                f"{MOST_START_S:g} s",
                _verdict(max(seconds) <= MOST_START_S),
            ]


def _flip(found: Flip) -> Iterator[list[str]]:
    many = f"{found.sessions:,} sessions on {found.nases} NASes"
    seconds = sorted(found.converged_s)
    middle = statistics.median(seconds) if seconds else 0.0
    last = seconds[-1] if seconds else 0.0
    figure = f"{seconds[0] if seconds else 0.0:.2f} s, {middle:.2f} s, {last:.2f} s"
    is_met = len(seconds) >= found.sessions and last < MOST_FLIP_S
    yield [
        f"{found.direction}: release until logged in again with the new profile: first, median, last",
        many,
        figure,
        f"{MOST_FLIP_S:g} s",
        _verdict(is_met),
    ]
    is_met = len(seconds) >= found.sessions and found.database_s < MOST_FLIP_S
    yield [
        f"{found.direction}: release until nothing is wanted any more, by the session database",
        many,
        f"{found.database_s:.2f} s",
        f"{MOST_FLIP_S:g} s",
        _verdict(is_met),
    ]
    yield [f"{found.direction}: requests to NASes; of them again", many, f"{found.asked:,}; {found.again:,}", "", ""]


def notes(found: Sessions | None) -> Iterator[str]:
    """What a reader of these tables must know, a bullet each."""
    if found is None or not list(tables(found)):
        return
    yield (
        "Accounting: four signed records a session (Start, two Interim, Stop), hundreds of sessions under way; every"
        " session must be in the database, and ended, after each run. FreeRADIUS: `rlm_sql_sqlite` with the schema, the"
        " queries and the `acct_unique` policy it comes with, one thread, nothing else configured, once with the"
        " write-ahead log and once with SQLite's default, the rollback journal. nacd also writes its audit line, and"
        " finds the Accept that each session began with. Durability is the same: `PRAGMA synchronous = FULL` on both"
        " sides, so that whatever is answered is on the disk; FreeRADIUS commits each record, nacd all that came"
        " meanwhile, at most every 3 ms. The calls were counted by strace in runs of their own."
    )
    if found.million is not None:
        yield (
            "A million sessions: half by certificate, half by MAC, on one client, their tokens, MACs and device ids at"
            " random. A start: the same signed Interim of one of them is sent every 10 ms from exec on, and its row"
            " must have changed. Memory is the most that such a daemon held until it stopped growing. Cold:"
            f" {found.million.cold_by or 'not measured here'}."
        )
    for flip in found.flips[:1]:
        yield (
            f"All change at once: {flip.nases} switches (`cisco-ios`, `dynauth` with its defaults: 50 requests a second"
            " and 8 under way to each), endpoints by EAP-TLS 1.3 with a certificate each, accounted for by Start and"
            " Interim. Intune's list of noncompliant devices takes every verdict away, the guard holds the changes (its"
            " defaults, 50 sessions or 5 %, but 1 confirmed change a second and not 5), and Intune has confirmed each"
            " device before the release. Besides, not the defaults: polls every 24 h, 1,000 questions a second."
            " Endpoints come back at once, each switch lets them in one after the other. Seconds count from before"
            f" `nacd coa release down` is executed; the command itself took {flip.command_s:.2f} s of them."
            f" {flip.early:,} sessions had changed before, confirmed one by one."
        )
