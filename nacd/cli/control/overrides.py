"""``nacd quarantine | block | allow`` and ``nacd overrides``: a person's word above the policy.

Knows: how such an order is written and shown. Refuses to know: what it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from nacd.cli.control.asking import (
    DEFAULT_CONFIG,
    DONE,
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
    tell,
)

app = typer.Typer(
    help="What people have ordered above the policy: list it, lift it.",
    epilog="New ones: [b]nacd quarantine[/], [b]nacd block[/], [b]nacd allow[/]."
    " Exit codes: 0 done, 1 not done or refused, 2 wrong usage, 3 no daemon. Times are UTC.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Subject = Annotated[str, typer.Argument(metavar="DEVICE|MAC", help="Intune device id, or MAC in any spelling.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever reads it later.")]
Until = Annotated[
    str, typer.Option(help="Its end: 4h, 2d, or a time as 2026-11-23T18:00 (without a zone: this machine's).")
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

    In force on every NAS until its end, or until it is lifted with [b]nacd overrides lift[/].
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

    In force on every NAS until its end, or until it is lifted with [b]nacd overrides lift[/].
    """
    fields = {"subject": subject, "reason": reason, "until": until, "tenant": tenant}
    run(lambda daemon: _put(daemon, "block", fields, as_json=as_json), config, state, socket)


def allow(
    subject: Subject,
    reason: Reason,
    until: Until,
    profile: Profile = "",
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Break the glass: let a device in against the policy, until an end that has to be named.

    Needs the role config. Who the device is must still be proved: its certificate, or its MAC where MAB is done.
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
            print_table(_TITLES, [_cells(each) for each in found["overrides"]])
        else:
            print("no override")
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
        return DONE

    run(ask, config, state, socket)


def _put(daemon: Daemon, effect: str, fields: Mapping[str, str], *, as_json: bool) -> int:
    said = {name: value for name, value in fields.items() if value}
    if "until" in said:
        said["until"] = with_zone(said["until"])
    found = daemon.give("override.put", {"effect": effect, **said})
    if as_json:
        print_json(found)
        return DONE
    order, sessions = found["override"], found["sessions"]
    gives = f", profile {order['profile']}" if order["profile"] else ""
    print(
        clean(
            f"override {order['id']}: {order['effect']} of {order['subject_kind']} {order['subject']}{gives}, until"
            f" {moment(order['until']) or 'it is lifted'}"
        )
    )
    if sessions:
        print(f"sessions that are up: {', '.join(map(str, sessions))} (how they go: nacd sessions watch)")
    else:
        print("it has no session now; the next login gets it")
    return DONE


def with_zone(written: str) -> str:
    """A time without a zone is meant in this machine's; whatever else it is, the daemon says what it thinks of it."""
    try:
        at = datetime.fromisoformat(written)
        return at.astimezone().isoformat() if at.tzinfo is None else written
    except (ValueError, OverflowError, OSError):
        return written


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
        moment(each["until"]) or "lifted",
        state,
        each["reason"],
    )
