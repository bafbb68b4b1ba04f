"""``nacd quarantine | block | allow`` and ``nacd overrides``: a person's word above the policy.

Knows: how such an order is written and shown. Refuses to know: what it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Annotated, Any

import typer

from nacd.cli.control.asking import (
    DEFAULT_CONFIG,
    DONE,
    USAGE,
    AsJson,
    Config,
    Daemon,
    Socket,
    State,
    Tenant,
    clean,
    moment,
    print_json,
    print_table,
    run,
    soon,
    tell,
    usual_config,
)

app = typer.Typer(
    help="What people have ordered above the policy: list it, lift it. Alone it is [b]nacd overrides list[/].",
    epilog="New ones: [b]nacd quarantine[/], [b]nacd block[/], [b]nacd allow[/]. Of several about one device or MAC the"
    " newest counts, whatever the older ones say; when it is lifted or has ended, the next older one counts again."
    " Exit codes: 0 done, 1 not done or refused, 2 wrong usage, 3 no daemon. Times are UTC.",
    rich_markup_mode="rich",
)


@app.callback(invoke_without_command=True)
def alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        listed(config=usual_config())


Subject = Annotated[str, typer.Argument(metavar="DEVICE|MAC", help="Intune device id, or MAC in any spelling.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever reads it later.")]
Until = Annotated[
    str,
    typer.Option(
        help="Its end: 2h, 2d, 18:00 (the next one), 2026-11-23 06:00 (both in this machine's zone),"
        " 2026-11-23T06:00+01:00."
    ),
]
Profile = Annotated[str, typer.Option(help="The policy's profile to give; default: the one in `sessions.overrides`.")]


def quarantine(
    subject: Subject,
    reason: Reason,
    until: Until = "",
    profile: Profile = "",
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Give a device the quarantine profile, whatever the policy says: its sessions now, and each later login.

    In force on every NAS until its end, or until it is lifted with [b]nacd
    overrides lift[/]. The newest order about a device or a MAC counts, whatever
    older ones say.

    nacd quarantine 00-50-B6-AA-BB-CC --reason "ticket 4711: malware"
    nacd quarantine 2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954 --reason 4711 --until 8h
    """
    fields = {"subject": subject, "reason": reason, "until": until, "profile": profile, "tenant": tenant}
    run(lambda daemon: _put(daemon, "quarantine", fields, as_json=as_json), config, state, socket)


def block(
    subject: Subject,
    reason: Reason,
    until: Until = "",
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Refuse a device, whatever the policy says: its sessions now, and each later login.

    In force on every NAS until its end, or until it is lifted with [b]nacd
    overrides lift[/]. The newest order about a device or a MAC counts: an
    [b]allow[/] after a block lets it in, a block after an [b]allow[/] keeps it
    out.

    nacd block 00-50-B6-AA-BB-CC --reason "stolen"
    nacd block 00-50-B6-AA-BB-CC --reason "ticket 4713" --until "2026-11-23 08:00"
    """
    fields = {"subject": subject, "reason": reason, "until": until, "tenant": tenant}
    run(lambda daemon: _put(daemon, "block", fields, as_json=as_json), config, state, socket)


def allow(
    subject: Subject,
    reason: Reason,
    until: Until = "",
    profile: Profile = "",
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Break the glass: let a device in against the policy, until an end that has to be named.

    Needs [b]--until[/] and the role config. Who the device is must still be
    proved: its certificate, or its MAC where MAB is done. The newest order
    about a device or a MAC counts: an older block is set aside until this one
    ends.

    nacd allow 00-50-B6-AA-BB-CC --reason surgery --until 2h --profile corporate
    nacd allow 00-50-B6-AA-BB-CC --reason 4712 --until 06:00 --profile corporate
    """
    fields = {"subject": subject, "reason": reason, "until": until, "profile": profile, "tenant": tenant}
    run(lambda daemon: _put(daemon, "allow", fields, as_json=as_json), config, state, socket)


@app.command(name="list")
def listed(
    everything: Annotated[bool, typer.Option("--all", help="Also those that ran out or were lifted.")] = False,
    limit: Annotated[int, typer.Option(help="How many at once, with --all.", min=1, max=1000)] = 100,
    after: Annotated[int, typer.Option(help="Begin after this number: the next page, with --all.", min=0)] = 0,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """The overrides that are in force."""

    def ask(daemon: Daemon) -> int:
        found = daemon.give("override.list", {"all": everything, "limit": limit, "after": after})
        if as_json:
            print_json(found)
            return DONE
        if found["overrides"]:
            print_table(_TITLES, [_cells(each) for each in found["overrides"]], whole=_WHOLE, least=_LEAST)
        else:
            print("no override" if everything else "no override is in force (--all: those that were, too)")
        if found["next"]:
            tell(f"there are more: --after {found['next']}")
        return DONE

    run(ask, config, state, socket)


@app.command()
def lift(
    id: Annotated[int, typer.Argument(metavar="ID", help="Its number, from [b]nacd overrides list[/].", min=1)],
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """End an override now: its sessions are decided by the policy again."""

    def ask(daemon: Daemon) -> int:
        found = daemon.give("override.lift", {"id": id})
        if as_json:
            print_json(found)
        else:
            order = found["override"]
            print(clean(f"lifted: override {order['id']}, {order['effect']} of {order['subject']}"))
            _print_others(found["others"], "STILL IN FORCE about it")
            if not found["others"]:
                print("its sessions are decided by the policy again (how they go: nacd sessions watch)")
        return DONE

    run(ask, config, state, socket)


def _put(daemon: Daemon, effect: str, fields: Mapping[str, str], *, as_json: bool) -> int:
    said = {name: value for name, value in fields.items() if value}
    if effect == "allow" and "until" not in said:
        tell("`allow` breaks the glass, so it needs an end: add --until 2h, or --until 18:00")
        return USAGE
    if "until" in said:
        said["until"] = with_zone(fields["until"])
        if said["until"] != fields["until"]:
            tell(f"--until {fields['until']} is understood as {said['until']}")
    found = daemon.give("override.put", {"effect": effect, **said})
    if as_json:
        print_json(found)
        return DONE
    order, sessions = found["override"], found["sessions"]
    gives = f", profile {order['profile']}" if order["profile"] else ""
    end = soon(order["until"]) if order["until"] else f"it is lifted: nacd overrides lift {order['id']}"
    print(clean(f"override {order['id']}: {effect} of {order['subject_kind']} {order['subject']}{gives}, until {end}"))
    _print_others(found["others"], "set aside while this one is in force")
    if found["macs"]:
        print(clean(f"it holds also for a login by a mac that it was seen with last: {', '.join(found['macs'])}"))
    if sessions:
        print(f"sessions that are up: {_numbers(sessions)} (how they go: nacd sessions watch)")
    else:
        print("it has no session now; the next login gets it")
    return DONE


def with_zone(written: str) -> str:
    """A time without a zone is meant in this machine's, a time without a day is the next one.

    Whatever else it is, the daemon says what it thinks of it.
    """
    now = datetime.now()  # naive as what is written: of this machine's zone
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        try:
            at = datetime.combine(now, time.fromisoformat(written))
        except ValueError:
            return written
        if at.tzinfo is None and at <= now:
            at += timedelta(days=1)
    try:
        return at.astimezone().isoformat() if at.tzinfo is None else written
    except (ValueError, OverflowError, OSError):
        return written


def _numbers(sessions: Sequence[int]) -> str:
    """Of sessions, as far as a person reads them."""
    shown = ", ".join(map(str, sessions[:_MOST_NUMBERS]))
    return shown if len(sessions) <= _MOST_NUMBERS else f"{shown} and at least {len(sessions) - _MOST_NUMBERS} more"


def _print_others(others: Sequence[Mapping[str, Any]], words: str) -> None:
    for each in others:
        end = moment(each["until"]) or "it is lifted"
        told = f"override {each['id']}, {each['effect']} until {end}, by {each['by']}: {each['reason']}"
        print(clean(f"{words}: {told}"))


_MOST_NUMBERS = 10
_WHOLE = ("ID", "EFFECT", "ABOUT")
_LEAST = ("ORDERED", "TENANT", "STATE", "PROFILE", "BY")
_TITLES = ("ID", "EFFECT", "ABOUT", "TENANT", "PROFILE", "ORDERED", "BY", "UNTIL", "STATE", "REASON")


def _cells(each: Mapping[str, Any]) -> tuple[str, ...]:
    state = "in force" if each["in_force"] else "ran out"
    if each["lifted_at"]:
        state = f"lifted {moment(each['lifted_at'])} by {each['lifted_by']}"
    return (
        str(each["id"]),
        each["effect"],
        each["subject"],
        each["tenant"] or "any",
        each["profile"],
        moment(each["at"]),
        each["by"],
        moment(each["until"]) or "no end",
        state,
        each["reason"],
    )
