"""``nacd audit report``: what has been going on, on one screen.

Knows: options, which records are gone through, exit codes. Refuses to know: what is counted (``asking.report``) and how
it is shown (``finding.sheet``).
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nacd.cli.audit.search import CANNOT, DEFAULT_CONFIG, FOUND, NONE, Audit, Config, Thorough, Until

if TYPE_CHECKING:
    from nacd.audit.asking.filters import Query
    from nacd.audit.asking.report.tally import Tally
    from nacd.store.trail.reading import TrailFile
    from nacd.store.trail_index.searching import Walked

USUAL_SINCE: Final = "24h"
USUAL_BY: Final = ("site", "rule", "reason")
_NEW_ONES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked, as it was written. top: lines of each list."""

    since: str = USUAL_SINCE
    until: str = ""
    by: tuple[str, ...] = USUAL_BY
    tls: bool = False
    wanted: str = "table"
    top: int = 5
    quarantines: tuple[str, ...] = ()
    thorough: bool = False
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Everything that there is to show. since_ms, until_ms: milliseconds since the epoch. new: whether older records
    say nothing of a stranger; one of whom that could not be asked, or was not, is not in it."""

    tally: Tally
    walked: Walked
    since_ms: int
    until_ms: int
    top: int
    new: Mapping[str, bool] = field(default_factory=dict)


def report(
    since: Annotated[str, typer.Option(help="From then on: 24h, 7d, yesterday, '2026-11-01 14:00'.")] = USUAL_SINCE,
    until: Until = "",
    by: Annotated[
        list[str] | None,
        typer.Option(help="Group by site, group, nas, rule, profile, reason, access, compliance, issuer or hour."),
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="TLS and certificates: what failed, and what to do.")] = False,
    wanted: Annotated[str, typer.Option("--format", help="table, or json for machines.")] = "table",
    top: Annotated[int, typer.Option(help="Lines of each list.", min=1, max=1000)] = 5,
    quarantine: Annotated[
        list[str] | None, typer.Option(help="A profile that is a quarantine. Usual: those that are called so.")
    ] = None,
    thorough: Thorough = False,
    audit: Audit = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Who was let in, who was not, and why; what is unknown, what is old, what NASes did not do.

    Counts what was recorded, and what was only counted because it came again and again.

    nacd audit report
    nacd audit report --since 7d --by nas --by hour --top 20
    nacd audit report --tls --since 30d

    Exit code 0: there it is; 1: there are no records; 2: wrong usage, or something could not be read or written.
    """
    question = Question(
        since=since,
        until=until,
        by=tuple(dict.fromkeys(by or USUAL_BY)),
        tls=tls,
        wanted=wanted,
        top=top,
        quarantines=tuple(quarantine or ()),
        thorough=thorough,
        files=tuple(audit or ()),
    )
    raise typer.Exit(run(config, question))


def run(config: Path, question: Question) -> int:
    """Count and print. Returns the exit code."""
    from nacd.audit.asking.filters import WrongQuestion
    from nacd.audit.asking.moments import NoMoment
    from nacd.audit.asking.rows import visible
    from nacd.cli.audit.finding.ending import told
    from nacd.cli.audit.finding.where import NoTrail

    try:
        return told(lambda: _shown(_reported(config, question), question))
    except (WrongQuestion, NoMoment, NoTrail) as wrong:
        print(visible(str(wrong)), file=sys.stderr)
        return CANNOT
    except KeyboardInterrupt:
        return CANNOT


def _shown(found: Reported, question: Question) -> int:
    from nacd.audit.asking.rows import visible
    from nacd.cli.audit.finding import sheet

    for words in (*found.walked.words, *found.walked.trouble):
        print(visible(words), file=sys.stderr)
    if question.wanted == "json":
        print(json.dumps(sheet.as_json(found), indent=2, ensure_ascii=True))
    elif question.tls:
        sheet.tell_tls(found)
    else:
        sheet.tell(found)
    return CANNOT if found.walked.trouble else FOUND if found.tally.records else NONE


def _reported(config: Path, question: Question) -> Reported:
    """Raises WrongQuestion, NoMoment, NoTrail."""
    from nacd.audit.asking.filters import Query, WrongQuestion
    from nacd.audit.asking.report.tally import GROUPINGS, NOT_COUNTED, Tally
    from nacd.cli.audit.finding.progress import Progress
    from nacd.cli.audit.finding.where import chosen, empty_span, here_ms
    from nacd.store.trail_index.searching import Search

    for name in question.by:
        if name not in GROUPINGS:
            raise WrongQuestion(f"--by `{name}`: there are {', '.join(GROUPINGS)}")
    if question.wanted not in ("table", "json"):
        raise WrongQuestion(f"--format `{question.wanted}`: there are table and json")
    now_ms = round(time.time() * 1000)
    since_ms, until_ms = here_ms("--since", question.since), here_ms("--until", question.until)
    if why := empty_span(since_ms, until_ms, now_ms):
        print(why, file=sys.stderr)
    query = Query(since_ms=since_ms or 0, until_ms=until_ms)
    files = chosen(config, question.files)
    progress = Progress("counting")
    search = Search(files, query, oldest_first=True, thorough=question.thorough, unwanted=NOT_COUNTED, told=progress)
    tally = Tally(question.by, question.quarantines, now_ms=now_ms)
    with _uncollected():
        for each in search:
            tally.take(each.hit.record)
    progress.clear()
    strangers = [name for name, _ in tally.strangers.most(min(question.top, _NEW_ONES))]
    return Reported(
        tally=tally,
        walked=search.walked,
        since_ms=query.since_ms or 0,
        until_ms=until_ms or now_ms,
        top=question.top,
        new=_new_ones(files, query, strangers),
    )


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Records hold no cycles, and there are a great many of them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _new_ones(files: Sequence[TrailFile], query: Query, names: list[str]) -> dict[str, bool]:
    """Whether no record before the span says anything of them; those of whom indexes cannot tell are left out."""
    from nacd.audit.asking.filters import Clause
    from nacd.audit.asking.filters import Query as Asked
    from nacd.audit.asking.spelling import mac_of
    from nacd.store.trail_index.index import NoIndex, opened
    from nacd.store.trail_index.searching import Search

    older = [file for file in files if query.since_ms and file.begun * 1000 < query.since_ms]
    full = [file for file in older if not file.live]
    try:
        for file in full:
            opened(file).close()
    except NoIndex:
        return {}
    if not full:
        return {}
    new = {}
    for name in filter(mac_of, names):
        before = Asked(clauses=(Clause(kind="mac", values=(mac_of(name),)),), until_ms=query.since_ms)
        search = Search(older, before, limit=1)
        is_known = any(True for _ in search)
        if is_known or not search.walked.trouble:
            new[name] = not is_known
    return new
