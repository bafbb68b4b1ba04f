"""``nacd sessions``: who is on the network, under which decision, and what happens to it.

Knows: how sessions and changes look on a terminal. Refuses to know: what they mean.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
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
    ago,
    clean,
    moment,
    print_json,
    print_pairs,
    print_table,
    run,
    tell,
    usual_config,
)

app = typer.Typer(
    help="Who is on the network: list sessions, look at one, watch them change. Alone it is [b]nacd sessions list[/].",
    epilog="Exit codes: 0 done, 1 not done or refused, 2 wrong usage, 3 no daemon. Times are UTC.",
    rich_markup_mode="rich",
)


@app.callback(invoke_without_command=True)
def alone(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        listed(config=usual_config())


Device = Annotated[str, typer.Option(help="Of this device: Intune device id, or `entra:` and its id.")]
Mac = Annotated[str, typer.Option(help="Of this MAC, in any spelling.")]
User = Annotated[str, typer.Option(help="Of this user, as his certificate or the NAS names him.")]
Nas = Annotated[str, typer.Option(help="On this NAS: its name in the configuration.")]
Phase = Annotated[str, typer.Option(help="authorized, live, ended or aged.")]
Profile = Annotated[str, typer.Option(help="Under this authorization profile.")]
Pending = Annotated[bool, typer.Option("--pending", help="Only those that ought to be under another decision.")]


@app.command(name="list")
def listed(
    device: Device = "",
    mac: Mac = "",
    user: User = "",
    nas: Nas = "",
    phase: Phase = "",
    profile: Profile = "",
    pending: Pending = False,
    tenant: Tenant = "",
    everything: Annotated[bool, typer.Option("--all", help="Also those that have ended or aged out.")] = False,
    limit: Annotated[int, typer.Option(help="How many at once.", min=1, max=1000)] = 100,
    after: Annotated[int, typer.Option(help="Begin after this number: the next page.", min=0)] = 0,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """The sessions that are up, by their numbers. What is named must all fit.

    A narrow terminal shows less of them, a pipe and [b]--json[/] show
    everything.

    nacd sessions list --nas campus-switches --profile quarantine
    nacd sessions list --mac 00-50-B6-AA-BB-CC --all
    nacd sessions list --pending
    """
    wanted = _filter(device, mac, user, nas, phase, profile, tenant, pending=pending)

    def ask(daemon: Daemon) -> int:
        found = daemon.give("sessions.list", {**wanted, "all": everything, "limit": limit, "after": after})
        if as_json:
            print_json(found)
            return DONE
        if found["sessions"]:
            print_table(_TITLES, [_cells(each) for each in found["sessions"]], whole=_WHOLE, least=_LEAST)
        else:
            there = "there" if everything else "up"
            print(f"no session is {there}" + (" that fits what is named" if wanted else ""))
        if found["next"]:
            tell(f"there are more: --after {found['next']}")
        return DONE

    run(ask, config, state, socket)


@app.command()
def show(
    id: Annotated[int, typer.Argument(metavar="SESSION", help="Its number.", min=1)],
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """All that is known of one session: place, decision and why, what is wanted of its NAS. JSON has every fact.

    nacd sessions show 4711
    nacd sessions show 4711 --json | jq .full.grounds
    """

    def ask(daemon: Daemon) -> int:
        found = daemon.give("sessions.show", {"id": id})
        if as_json:
            print_json(found)
        else:
            _print_session(found)
        return DONE

    run(ask, config, state, socket)


@app.command()
def watch(
    device: Device = "",
    mac: Mac = "",
    user: User = "",
    nas: Nas = "",
    phase: Phase = "",
    profile: Profile = "",
    pending: Pending = False,
    tenant: Tenant = "",
    interims: Annotated[bool, typer.Option("--interims", help="Interim updates too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one line a change.")] = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Print a line for each change from now on, until Ctrl-C.

    A session is shown while it fits what is named: with --profile, changes away
    from that profile are not.

    nacd sessions watch --mac 00-50-B6-AA-BB-CC
    nacd sessions watch --nas campus-switches --pending
    nacd sessions watch --json | jq .words
    """
    wanted = _filter(device, mac, user, nas, phase, profile, tenant, pending=pending)

    def ask(daemon: Daemon) -> int:
        if sys.stderr.isatty():
            tell("changes are shown as they happen; Ctrl-C ends it")
        try:
            for change in daemon.read_along("sessions.watch", {**wanted, "interims": interims}):
                if as_json:
                    print_json(change, indent=None)
                else:
                    print(_line(change), flush=True)
        except KeyboardInterrupt:
            return DONE
        except BrokenPipeError:  # `nacd sessions watch | head`
            sys.stderr.close()
            return DONE
        return DONE

    run(ask, config, state, socket)


def _filter(
    device: str, mac: str, user: str, nas: str, phase: str, profile: str, tenant: str, *, pending: bool
) -> dict[str, object]:
    named = {
        "device": device,
        "mac": mac,
        "user": user,
        "nas": nas,
        "phase": phase,
        "profile": profile,
        "tenant": tenant,
        "pending": pending,
    }
    return {name: value for name, value in named.items() if value}


_TITLES = ("SESSION", "PHASE", "NAS", "PORT", "MAC", "USER", "PROFILE", "COMPLIANCE", "SINCE", "SEEN", "WANTED")


_WHOLE = ("SESSION", "MAC")
_LEAST = ("SEEN", "SINCE", "PHASE", "COMPLIANCE", "USER", "PORT")


def _cells(each: Mapping[str, Any]) -> tuple[str, ...]:
    began = each["started_at"] or each["authorized_at"]
    return (
        str(each["id"]),
        each["phase"],
        each["nas"],
        each["port"],
        each["mac"] or each["calling_station_id"],
        each["user"],
        each["profile"] if each["ours"] else "(not ours)",
        each["compliance"],
        ago(began),
        ago(each["seen_at"]),
        _wanted(each["pending"]),
    )


def _wanted(pending: Mapping[str, Any] | None) -> str:
    """What is wanted of the NAS, in a few words."""
    if pending is None:
        return ""
    aim = pending["profile"] or "no access"
    if pending["held"]:
        return f"{aim}, held: {pending['held']}"
    return f"{aim}, {pending['verb']} asked {pending['tries']}x" if pending["verb"] else f"{aim}, not asked yet"


def _line(change: Mapping[str, Any]) -> str:
    session = change["session"]
    words = clean(change["words"])
    if session is None:
        return f"{moment(change['at'])}  {change['what']:<13}  {words}"
    who = "  ".join(part for part in (session["mac"] or session["calling_station_id"], session["user"]) if part)
    where = " ".join(part for part in (session["nas"], session["port"]) if part)
    parts = (f"session {session['id']}", where, who, words)
    told = "  ".join(clean(part) for part in parts if part)
    return f"{moment(change['at'])}  {change['what']:<13}  {told}"


def _print_session(found: Mapping[str, Any]) -> None:
    full, pending, order = found["full"], found["pending"], found["override"]
    place, names, standing, grounds = full["place"], full["names"], full["standing"], full["grounds"]
    print(f"session {found['id']}  {found['phase']}  {clean(found['nas'])}")
    times = (("authorized_at", "authorized"), ("started_at", "began"), ("seen_at", "seen"), ("ended_at", "ended"))
    when = ", ".join(f"{word} {moment(found[name])}" for name, word in times if found[name])
    pairs = [
        ("where", " ".join(part for part in (place["port_type"], found["port"], place["called_station_id"]) if part)),
        ("nas", " ".join(part for part in (place["source"], place["nas_identifier"], place["nas_address"]) if part)),
        (
            "endpoint",
            " ".join(part for part in (found["mac"] or found["calling_station_id"], found["address"]) if part),
        ),
        ("user", found["user"]),
        ("device", f"{found['device']} {'of tenant ' + found['tenant'] if found['tenant'] else ''}".strip()),
        ("acct id", names["acct_session_id"]),
        ("audit id", names["audit_session_id"]),
        ("when", when),
        ("ends", moment(found["ends_at"]) or found["cause"]),
        ("cause", found["cause"] if found["ends_at"] else ""),
    ]
    if standing is None:
        pairs.append(("decision", "none: it was not authorized by this nacd"))
    else:
        known = standing["compliance"]
        as_of = f" as of {moment(known['as_of'])}" if known["as_of"] else ""
        detail = f": {known['detail']}" if known["detail"] else ""
        gives = f"profile {standing['profile']}" if standing["profile"] else "no access"
        pairs += [
            ("decision", f"{standing['effect']}, {gives}, by rule {standing['rule']}, {moment(standing['at'])}"),
            ("compliance", f"{known['state']}{as_of}, source {known['source']}{detail}"),
        ]
    if grounds is not None and (certificate := grounds["certificate"]) is not None:
        pairs.append(("certificate", f"{certificate['subject']}, until {moment(certificate['not_after'])}"))
    if full["voice"]:
        pairs.append(("voice", "yes: its port is not bounced"))
    if order is not None:
        end = moment(order["until"]) or "it is lifted"
        pairs.append(("override", f"{order['id']}: {order['effect']} by {order['by']} until {end}: {order['reason']}"))
    if pending is not None:
        pairs.append(("wanted", f"{_wanted(pending)}, by rule {pending['rule']}, since {moment(pending['since'])}"))
        pairs.append(("its nas said", pending["detail"]))
    print_pairs(pairs)
