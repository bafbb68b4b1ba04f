"""``nacd mab``: the inventory of MACs, for whoever lets printers in.

Knows: how an entry is written and shown, and how a list is handed over. Refuses to know: what an entry is good for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from nacd.cli.control.asking import (
    DEFAULT_CONFIG,
    DONE,
    NOT_DONE,
    AsJson,
    Config,
    Daemon,
    Socket,
    State,
    clean,
    moment,
    print_json,
    print_table,
    run,
    soon,
    tell,
    usual_config,
)
from nacd.cli.control.overrides import with_zone

app = typer.Typer(
    help="The inventory: MACs that may come by MAB as far as the policy's `inventory` says. Alone it is"
    " [b]nacd mab list[/].",
    epilog="Needs the role helpdesk, or config. An entry is in force with the next login; when it is taken out or has"
    " ended, live sessions of its MAC are decided again. Exit codes: 0 done, 1 not done or refused, 2 wrong usage,"
    " 3 no daemon. Times are UTC.",
    rich_markup_mode="rich",
)

Mac = Annotated[str, typer.Argument(metavar="MAC", help="In any spelling.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="What rules ask for. May be repeated.")]
Until = Annotated[
    str,
    typer.Option(
        help="Its end: 2h, 90d, 18:00 (the next one), 2027-05-31 (the end of that day), 2026-11-23T06:00+01:00."
    ),
]
Randomised = Annotated[
    bool, typer.Option("--allow-randomised", help="Take locally administered MACs, which name no machine.")
]
_LINE_OCTETS: Final = 3_500
_ROWS_A_LINE: Final = 40


@app.callback(invoke_without_command=True)
def alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        listed(config=usual_config())


@app.command()
def add(
    mac: Mac,
    owner: Annotated[str, typer.Option(help="Whose endpoint it is: a person, a team, a ward.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever reads it later.")],
    tag: Tags = None,
    until: Until = "",
    allow_randomised: Randomised = False,
    even_if_managed: Annotated[
        bool,
        typer.Option("--even-if-managed", help="Also while nacd knows it by a certificate. Needs the role config."),
    ] = False,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Put a MAC into the inventory, or change its entry.

    nacd mab add 00-11-85-aa-bb-cc --owner radiology --reason "ticket 4711" --tag printers
    nacd mab add 0011.85aa.bbcc --owner "dr wolf" --reason 4712 --tag guests --until 2d
    """
    fields = {"mac": mac, "owner": owner, "reason": reason, "until": _said(until), "tags": list(tag or ())}
    flags = {"allow_randomised": allow_randomised, "even_if_managed": even_if_managed}

    def ask(daemon: Daemon) -> int:
        found = daemon.give("mab.add", {**fields, **flags})
        if as_json:
            print_json(found)
            return DONE
        entry, before = found["entry"], found["before"]
        print(clean(f"{'added' if before is None else 'changed'}: {_in_words(entry)}"))
        if before is not None:
            print(clean(f"before: {_in_words(before)}, by {before['by']}: {before['reason']}"))
        if found["managed"]:
            tell(
                f"{found['managed']}: it does not come in by its MAC (`mab.managed_devices`), whatever stands here;"
                " --even-if-managed changes that"
            )
        return DONE

    run(ask, config, state, socket)


@app.command()
def remove(
    mac: Annotated[str, typer.Argument(metavar="[MAC]", help="In any spelling.")] = "",
    expired: Annotated[bool, typer.Option("--expired", help="All whose time is over.")] = False,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Take a MAC out of the inventory: its live sessions are decided again."""
    if bool(mac) == expired:
        raise typer.BadParameter("say which MAC, or --expired for all whose time is over")

    def ask(daemon: Daemon) -> int:
        found = daemon.give("mab.remove", {"expired": True} if expired else {"mac": mac}, long=expired)
        if as_json:
            print_json(found)
        elif expired:
            print(f"removed: {found['removed']} whose time was over")
        else:
            print(clean(f"removed: {_in_words(found['entries'][0])}"))
        return DONE

    run(ask, config, state, socket)


@app.command(name="list")
def listed(
    expired: Annotated[bool, typer.Option("--expired", help="Those alone whose time is over.")] = False,
    tag: Annotated[str, typer.Option(help="Those alone with this tag.")] = "",
    owner: Annotated[str, typer.Option(help="Those alone whose owner has this in it.")] = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """What is in the inventory."""
    wanted = {"expired": expired, "tag": tag, "owner": owner}

    def ask(daemon: Daemon) -> int:
        entries = list(_pages(daemon, wanted))
        if as_json:
            print_json({"entries": entries})
        elif entries:
            print_table(_TITLES, [_cells(each) for each in entries], whole=_WHOLE, least=_LEAST)
        else:
            print("no entry is like that" if any(wanted.values()) else "the inventory is empty")
        return DONE

    run(ask, config, state, socket)


@app.command(name="import")
def imported(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Header: mac,owner,reason,until,tags.", exists=True)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would do, and do nothing.")] = False,
    owner: Annotated[str, typer.Option(help="Where a line names none.")] = "",
    reason: Annotated[str, typer.Option(help="Where a line names none.")] = "",
    until: Until = "",
    tag: Tags = None,
    allow_randomised: Randomised = False,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Put a whole list into the inventory: all of it, or nothing when a line is wrong.

    What is not in the list stays as it is. A list that was imported before
    changes what it says otherwise now, and leaves the rest.
    """
    from nacd.config.lists import inventory_list
    from nacd.config.lists.inventory_list import Row

    usual = Row(owner=owner, reason=reason, until=until, tags=_tags(tag or ()))
    found = inventory_list.read(file, usual, allow_randomised=allow_randomised)
    if found.problems:
        _tell_problems([str(problem) for problem in found.problems])
        raise typer.Exit(NOT_DONE)
    rows = found.rows

    def ask(daemon: Daemon) -> int:
        fields = {"rows": len(rows), "dry_run": dry_run, "allow_randomised": allow_randomised}
        written = [[each.mac, each.owner, each.reason, _said(each.until), list(each.tags)] for each in rows]
        answer = daemon.give("mab.import", fields, heard=_progress, long=True, lines=_lines(written))
        if answer["wrong"]:
            places = [(rows[each["row"]], each["words"]) for each in answer["wrong"]]
            _tell_problems([f"{file}:{row.line}:{row.column}: {words}" for row, words in places])
            return NOT_DONE
        if as_json:
            print_json(answer)
            return DONE
        would = "would be " if dry_run else ""
        print(
            f"{answer['added']} {would}added, {answer['changed']} {would}changed, {answer['left']} stand there already;"
            f" {answer['others']} that are not in the list stay"
        )
        return DONE

    run(ask, config, state, socket)


# -- how it is told ---------------------------------------------------------------------------


def _pages(daemon: Daemon, wanted: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    after = ""
    while True:
        found = daemon.give("mab.list", {**wanted, "after": after, "limit": 1_000})
        yield from found["entries"]
        after = found["next"]
        if not after:
            return


def _lines(rows: Sequence[list[Any]]) -> Iterator[bytes]:
    """Some entries on each, none longer than the daemon takes."""
    import orjson

    kept: list[bytes] = []
    octets = 0
    for row in rows:
        made = orjson.dumps(row)
        if kept and (octets + len(made) > _LINE_OCTETS or len(kept) >= _ROWS_A_LINE):
            yield b"[" + b",".join(kept) + b"]\n"
            kept, octets = [], 0
        kept.append(made)
        octets += len(made) + 1
    yield b"[" + b",".join(kept) + b"]\n"


def _said(until: str) -> str:
    """An end as the daemon takes it: a day alone means its end in this machine's zone."""
    if len(until) == 10:
        try:
            day = date.fromisoformat(until)
        except ValueError:
            return until
        try:
            return datetime.combine(day + timedelta(days=1), time()).astimezone().isoformat()
        except (ValueError, OverflowError, OSError):
            return until
    return with_zone(until) if until else ""


def _tags(words: Sequence[str]) -> tuple[str, ...]:
    from nacd.session.macs.inventory import tags

    try:
        return tags(words)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _tell_problems(problems: Sequence[str]) -> None:
    for each in problems:
        tell(each)
    tell("nothing was taken from the list")


def _progress(said: Any) -> None:
    """One line that is written over again, where somebody looks at it."""
    if not isinstance(said, dict) or not sys.stderr.isatty():
        return
    words = {"read": "read", "in_force": "in force", "writing": "to be written"}
    told = ", ".join(f"{words.get(name, name)} {count}" for name, count in said.items())
    print(f"\r{clean(told):<40}", end="", file=sys.stderr, flush=True)
    if said.get("of") in (said.get("read"), said.get("in_force")):
        print(file=sys.stderr)


def _in_words(entry: Mapping[str, Any]) -> str:
    tagged = f", tagged {', '.join(entry['tags'])}" if entry["tags"] else ", without a tag"
    end = f", until {soon(entry['until'])}" if entry["until"] else ""
    managed = ", even if it is managed" if entry["even_if_managed"] else ""
    return f"{entry['mac']} of {entry['owner']}{tagged}{end}{managed}"


_WHOLE = ("MAC", "TAGS", "STATE")
_LEAST = ("BY", "ENTERED", "REASON")
_TITLES = ("MAC", "OWNER", "TAGS", "UNTIL", "STATE", "ENTERED", "BY", "REASON")


def _cells(entry: Mapping[str, Any]) -> tuple[str, ...]:
    state = "in force" if entry["in_force"] else "ran out"
    return (
        entry["mac"],
        entry["owner"],
        ",".join(entry["tags"]),
        moment(entry["until"]) or "no end",
        f"{state}, even if managed" if entry["even_if_managed"] else state,
        moment(entry["at"]),
        entry["by"],
        entry["reason"],
    )
