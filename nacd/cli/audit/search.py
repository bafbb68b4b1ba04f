"""``nacd audit search``: the records that fit, at three in the morning.

Knows: options, what is said beside the answer, exit codes. Refuses to know: what fits (``nacd.audit.asking``) and how
it is found (``nacd.store.trail_index``).
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from nacd.audit.asking.filters import Query
    from nacd.cli.audit.finding.written import Writer
    from nacd.store.trail.reading import TrailFile
    from nacd.store.trail_index.following import Following

DEFAULT_CONFIG: Final = Path("/etc/nacd/nacd.yaml")
FOUND, NONE, CANNOT = 0, 1, 2
"""Exit codes."""
USUAL_LIMIT: Final = 100
_LOOK_EVERY_S: Final = 0.25

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="NACD_CONFIG", dir_okay=False)
]
Audit = Annotated[
    list[Path] | None,
    typer.Option(
        help="A folder with a trail, or one file, instead of the configured trail. May be repeated.", exists=True
    ),
]
Since = Annotated[
    str,
    typer.Option(help="From then on: 2h, 7d, yesterday, 14:00, '2026-11-01 14:00' (this machine's zone), RFC 3339."),
]
Until = Annotated[str, typer.Option(help="Before then, written likewise.")]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="Read every file from end to end: believe no index and no file's name.")
]
_Many = list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked, as it was written. limit: 0 for all, -1 for what is usual."""

    words: tuple[str, ...] = ()
    clauses: tuple[tuple[str, tuple[str, ...]], ...] = ()
    fields: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    limit: int = -1
    oldest_first: bool = False
    follow: bool = False
    wanted: str = "table"
    thorough: bool = False
    files: tuple[Path, ...] = ()


def search(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORDS]...", help="A MAC, a GUID, an event, or text that stands anywhere in a record."),
    ] = None,
    device: Annotated[_Many, typer.Option(help="Device id (GUID).")] = None,
    mac: Annotated[_Many, typer.Option(help="MAC, in any spelling.")] = None,
    user: Annotated[_Many, typer.Option(help="User, with or without domain; who ordered something, too.")] = None,
    nas: Annotated[_Many, typer.Option(help="NAS, by name, address or NAS-Identifier; * is anything.")] = None,
    site: Annotated[_Many, typer.Option(help="Location or group of the NAS; * is anything.")] = None,
    rule: Annotated[_Many, typer.Option(help="Rule that decided; * is anything.")] = None,
    profile: Annotated[_Many, typer.Option(help="Authorization profile; * is anything.")] = None,
    effect: Annotated[_Many, typer.Option(help="[b]allow[/] or [b]deny[/].")] = None,
    code: Annotated[_Many, typer.Option("--code", "--event", help="A1003W, access.eap_failed or access.*")] = None,
    session: Annotated[_Many, typer.Option(help="Session: nacd's number, or an id that the NAS gave.")] = None,
    serial: Annotated[_Many, typer.Option(help="Serial number or fingerprint of a certificate, hex.")] = None,
    subject: Annotated[_Many, typer.Option(help="Text in the subject of a certificate.")] = None,
    request: Annotated[_Many, typer.Option(help="Request id.")] = None,
    field: Annotated[
        _Many, typer.Option(metavar="PATH=VALUE", help="Any field: =, != or ~ (is in it), < and >. May be repeated.")
    ] = None,
    since: Since = "",
    until: Until = "",
    limit: Annotated[int | None, typer.Option(help="How many at most, 0: all. Usual: 100 for a table.", min=0)] = None,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="Instead of the newest first.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    wanted: Annotated[str, typer.Option("--format", help="table, json (the lines as they lie) or csv.")] = "table",
    thorough: Thorough = False,
    audit: Audit = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Find records of the audit trail: all that is named must fit, the newest first.

    An option that is given twice means either. Needs no daemon; full files that have
    an index are not read. Times are UTC.

    nacd audit search 0050.b6aa.bbcc --since yesterday
    nacd audit search --device 2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954 --effect deny
    nacd audit search --event 'access.*' --nas 'campus*' expired --follow

    Exit code 0: found; 1: nothing fits; 2: wrong usage, or something could not be read or written.
    """
    named = {
        "device": device, "mac": mac, "user": user, "nas": nas, "site": site, "rule": rule, "profile": profile,
        "effect": effect, "code": code, "session": session, "serial": serial, "request": request,
    }  # fmt: skip
    question = Question(
        words=tuple(words or ()),
        clauses=tuple((kind, tuple(values)) for kind, values in named.items() if values),
        fields=(*(field or ()), *(f"certificate.subject~{each}" for each in subject or ())),
        since=since,
        until=until,
        limit=-1 if limit is None else limit,
        oldest_first=oldest_first,
        follow=follow,
        wanted=wanted,
        thorough=thorough,
        files=tuple(audit or ()),
    )
    raise typer.Exit(run(config, question))


def run(config: Path, question: Question) -> int:
    """Search and print. Returns the exit code."""
    from nacd.audit.asking.filters import WrongQuestion
    from nacd.audit.asking.moments import NoMoment
    from nacd.cli.audit.finding.ending import told
    from nacd.cli.audit.finding.where import NoTrail

    try:
        return told(lambda: _answered(config, question))
    except (WrongQuestion, NoMoment, NoTrail) as wrong:
        _say(str(wrong))
        return CANNOT
    except KeyboardInterrupt:
        return FOUND


def query_of(config: Path, question: Question) -> Query:
    """The question as it is asked. Raises WrongQuestion, NoMoment."""
    from nacd.audit.asking import filters
    from nacd.cli.audit.finding.where import here_ms
    from nacd.cli.audit.hidden.asked import with_pseudonyms

    guessed, words = filters.words(question.words)
    for each in guessed:
        _say(f"`{each.values[0]}` is taken for {_AN[each.kind]}")
    named = (*question.clauses, *((each.kind, each.values) for each in guessed))
    query = filters.Query(
        clauses=tuple(filters.clause(kind, values) for kind, values in with_pseudonyms(config, named)),
        fields=tuple(filters.field(each) for each in question.fields),
        words=words,
        since_ms=here_ms("--since", question.since),
        until_ms=here_ms("--until", question.until),
    )
    say_span(query)
    return query


_AN: Final = {"device": "a device id (--device)", "mac": "a MAC (--mac)", "code": "an event (--code)"}


def say_span(query: Query) -> None:
    """Which span it is, so that nobody takes one zone for another."""
    from nacd.cli.audit.finding.where import both_ways, empty_span

    since, until = query.since_ms, query.until_ms
    said = [f"from {both_ways(since)}"] if since is not None else []
    said += [f"until {both_ways(until)}"] if until is not None else []
    if said:
        _say(" ".join(said))
    if why := empty_span(since, until, round(time.time() * 1000)):
        _say(why)


def _answered(config: Path, question: Question) -> int:
    """Raises WrongQuestion, NoMoment, NoTrail."""
    from nacd.audit.asking.filters import WrongQuestion
    from nacd.cli.audit.finding.where import chosen
    from nacd.cli.audit.finding.written import FORMATS, writer_of
    from nacd.store.trail_index.following import Following

    if question.wanted not in FORMATS:
        raise WrongQuestion(f"--format `{question.wanted}`: there are {', '.join(FORMATS)}")
    query = query_of(config, question)
    files = chosen(config, question.files)
    if question.follow and not files[-1].live:
        raise WrongQuestion("--follow: none of these files is being written; name the trail's folder")
    to = writer_of(question.wanted, flowing=question.follow)
    following = Following(files[-1].path) if question.follow else None
    if following is not None:
        files = chosen(config, question.files)  # what was turned over meanwhile is a full file now
    past = not following or bool(question.since or question.until or question.limit >= 0)
    code = _past(files, query, question, to, until_seq=following.seq if following else 0) if past else FOUND
    if following is not None:
        _follow(following, query, to)
    return code


def _past(files: tuple[TrailFile, ...], query: Query, question: Question, to: Writer, *, until_seq: int) -> int:
    """What is there. until_seq: what has a greater number in the last file's trail comes by following; 0 for all."""
    from nacd.cli.audit.finding.progress import Progress
    from nacd.store.trail_index.searching import Search

    limit = question.limit if question.limit >= 0 else USUAL_LIMIT if question.wanted == "table" else 0
    progress = Progress("searching")
    # The newest few, then what follows: they are turned round when they are all there.
    turned = question.follow and limit > 0
    oldest_first = question.oldest_first or (question.follow and not turned)
    found = Search(
        files,
        query,
        oldest_first=oldest_first,
        limit=limit,
        thorough=question.thorough,
        told=progress,
    )
    count = 0
    # Another trail, or one that was begun before this one in the same folder, has numbers of its own.
    followed = {file.path for file in files if (file.log, file.writer) == (files[-1].log, files[-1].writer)}
    for each in reversed(list(found)) if turned else found:
        progress.clear()
        seq = each.hit.record.get("seq")
        if until_seq and isinstance(seq, int) and seq > until_seq and each.file in followed:
            continue
        to.take(each.hit)
        count += 1
    progress.clear()
    to.flush()
    walked = found.walked
    for words in (*walked.words, *walked.trouble):
        _say(words)
    records = "no record" if not count else "1 record" if count == 1 else f"{count:,} records"
    first = "oldest" if oldest_first else "newest"
    more = f", the {first}: there may be more (--limit 0 for all)" if limit and count == limit else ""
    strange = f"; {walked.strange:,} lines are no records" if walked.strange else ""
    _say(
        f"{records}{more}; {walked.files:,} files ({walked.by_index:,} by index, {walked.scanned:,} read"
        f", {walked.passed_over:,} of another time), {walked.read_octets / (1 << 20):,.1f} MiB of text"
        f" in {progress.took_s:.1f} s{strange}"
    )
    return CANNOT if walked.trouble else FOUND if count else NONE


def _follow(following: Following, query: Query, to: Writer) -> None:
    """Until Ctrl-C."""
    from nacd.audit.asking.scanning import Scanner

    scanner = Scanner(query)
    while True:
        for text in following.more():
            for hit in scanner.hits(text):
                to.take(hit)
        to.flush()
        time.sleep(_LOOK_EVERY_S)


def _say(words: str) -> None:
    from nacd.audit.asking.rows import visible

    print("\n".join(map(visible, words.split("\n"))), file=sys.stderr)
