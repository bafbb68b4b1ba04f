"""``nacd coa`` and ``nacd reassess``: have sessions changed, decide about what is held, see how changing goes.

Knows: how progress and outcomes look on a terminal. Refuses to know: how a NAS is asked.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Annotated, Any

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
    Tenant,
    clean,
    moment,
    print_json,
    print_pairs,
    print_table,
    run,
    span,
    tell,
)

app = typer.Typer(
    help="Ask NASes to change sessions now, and decide about changes that are held.",
    epilog="Exit codes: 0 done, 1 not done or refused, 2 wrong usage, 3 no daemon. Every order is recorded with who"
    " gave it. After [b]nacd coa[/] a session that logs in again gets what the policy says: to keep a device out use"
    " [b]nacd quarantine[/] or [b]nacd block[/].",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

Subject = Annotated[
    str,
    typer.Argument(
        metavar="SESSION|DEVICE|MAC", help="Number of a session, or Intune device id or MAC: all of its sessions."
    ),
]
_WAIT_S = 0.5
Direction = Annotated[
    str, typer.Argument(metavar="down|up", help="down: changes that take access away, up: that give it; none: both.")
]


@app.command()
def reauthenticate(
    subject: Subject,
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Let the endpoint log in again without losing its link.

    nacd coa reauthenticate 4711
    nacd coa reauthenticate 00-50-B6-AA-BB-CC
    """
    run(lambda daemon: _by_hand(daemon, "reauthenticate", subject, tenant, as_json=as_json), config, state, socket)


@app.command()
def disconnect(
    subject: Subject,
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """End the session. Most endpoints log in again at once, and get what the policy says.

    nacd coa disconnect 4711
    nacd coa disconnect 2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954
    """
    run(lambda daemon: _by_hand(daemon, "disconnect", subject, tenant, as_json=as_json), config, state, socket)


@app.command()
def bounce(
    subject: Subject,
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Take the switch port down for a moment: EVERYBODY on it loses the link.

    Refused for a port with a phone, for one that nacd does not know, and for
    one with a second session on it.

    nacd coa bounce 4711
    """
    run(lambda daemon: _by_hand(daemon, "bounce", subject, tenant, as_json=as_json), config, state, socket)


@app.command()
def status(
    as_json: AsJson = False, config: Config = DEFAULT_CONFIG, state: State = None, socket: Socket = None
) -> None:
    """How changing goes: sessions by phase, what is pending and held, the guard both ways, what waits for NASes."""

    def ask(daemon: Daemon) -> int:
        found = daemon.give("coa.status")
        if as_json:
            print_json(found)
            return DONE
        _print_status(found)
        return DONE

    run(ask, config, state, socket)


@app.command()
def release(
    direction: Direction = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until they are made, and say how far they are.")] = False,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Let the changes go that the guard holds.

    They go at the pace of each NAS. [b]nacd coa status[/] says how many are
    left.

    nacd coa release down --wait
    """

    def ask(daemon: Daemon) -> int:
        count = _decide(daemon, "release", direction, as_json=as_json)
        if wait and count:
            _wait(daemon)
        elif count and not as_json:
            print("how they go: nacd coa status, nacd sessions watch")
        return DONE

    run(ask, config, state, socket)


@app.command()
def discard(
    direction: Direction = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Do not make the changes that the guard holds, for as long as a hold lasts: sessions stay as they are."""

    def ask(daemon: Daemon) -> int:
        _decide(daemon, "discard", direction, as_json=as_json)
        return DONE

    run(ask, config, state, socket)


def reassess(
    subject: Annotated[
        str, typer.Argument(metavar="DEVICE|MAC|SESSION", help="Intune device id, MAC, or number of a session.")
    ],
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Ask Intune about a device now, and decide its live sessions again: what changes is asked of their NASes.

    nacd reassess 2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954
    nacd reassess 00-50-B6-AA-BB-CC

    Exit codes: 0 done, 1 not done (Intune did not answer, nobody is there), 2
    wrong usage, 3 no daemon.
    """

    def ask(daemon: Daemon) -> int:
        found = daemon.give("reassess", {"subject": subject, "tenant": tenant}, heard=_say_step, long=True)
        if as_json:
            print_json(found)
        else:
            for each in found["known"]:
                detail = f": {each['detail']}" if each["detail"] else ""
                as_of = f" as of {moment(each['as_of'])}" if each["as_of"] else ""
                print(clean(f"{each['key']}  {each['state']}{as_of}, source {each['source']}{detail}"))
            for each in found["sessions"]:
                print(clean(f"session {each['session']}  {each['words']}"))
        return NOT_DONE if any(each["state"] == "unavailable" for each in found["known"]) else DONE

    run(ask, config, state, socket)


def _by_hand(daemon: Daemon, verb: str, subject: str, tenant: str, *, as_json: bool) -> int:
    def heard(told: Mapping[str, Any]) -> None:
        counted = f"[{told['number']}/{told['of']}] " if told["of"] > 1 else ""
        line = clean(f"{counted}session {told['session']}  {_where(told)}  {_outcome(told)}")
        if as_json:
            tell(line)
        else:
            print(line, flush=True)

    found = daemon.give(f"coa.{verb}", {"subject": subject, "tenant": tenant}, heard=heard, long=True)
    if as_json:
        print_json(found)
    done = sum(1 for each in found["asked"] if each["done"])
    if not as_json and len(found["asked"]) > 1:
        print(f"{verb}: {done} of {len(found['asked'])} done")
    return DONE if done == len(found["asked"]) else NOT_DONE


def _where(told: Mapping[str, Any]) -> str:
    parts = (told["nas"], told["port"], told["mac"], told["user"])
    return " ".join(part for part in parts if part)


def _outcome(told: Mapping[str, Any]) -> str:
    if not told["tries"]:
        return f"not asked: {told['detail']}"
    cause = f" (Error-Cause {told['error_cause']})" if told["error_cause"] else ""
    detail = f": {told['detail']}" if told["detail"] else ""
    return f"{told['meaning']}{cause}{detail}, after {told['took_s'] * 1000:.0f} ms"


def _decide(daemon: Daemon, word: str, direction: str, *, as_json: bool) -> int:
    """How many."""
    found = daemon.give(f"coa.{word}", {"direction": direction})
    count = int(found[f"{word}d" if word.endswith("e") else f"{word}ed"])
    if as_json:
        print_json(found)
    elif count:
        print(f"{'let go' if word == 'release' else 'discarded'}: {count} held change{'' if count == 1 else 's'}")
    else:
        print(f"the guard holds nothing{f' {direction}' if direction else ''}")
    return count


def _wait(daemon: Daemon) -> None:
    """Until no session is changed any more, whoever wanted it. Ctrl-C ends the waiting alone."""
    said = ""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            found = daemon.give("coa.status")
            left = sum(found["climbs"].values()) - found["held"]
            now = f"{left} to go ({_counted(found['climbs'])}), {found['held']} held"
            if now != said:
                tell(now)
            said = now
            if left <= 0:
                return
            time.sleep(_WAIT_S)


def _say_step(told: Mapping[str, Any]) -> None:
    if "asking" in told:
        tell(f"asking Intune about {told['asking']} ...")
    else:
        tell(f"deciding {told['deciding']} session{'' if told['deciding'] == 1 else 's'} again ...")


def _print_status(found: Mapping[str, Any]) -> None:
    guards = [(f"guard {direction}", _guard(direction, each)) for direction, each in found["guards"].items()]
    pairs = [
        ("sessions", _counted(found["sessions"])),
        ("changes", f"{_counted(found['climbs']) or 'none'}; {found['held']} held"),
        *guards,
        ("to decide", f"{found['queued']} devices and sessions wait to be decided again"),
        ("requests", f"{found['requests']} wait for a NAS"),
        ("disk", found["problem"] or "well"),
        *(("ORDER LOST", words) for words in found["damaged_overrides"]),
    ]
    print_pairs(pairs, indent=0)
    busy = [lane for lane in found["lanes"] if lane["waiting"] or lane["in_flight"] or lane["unanswered"]]
    if busy:
        print()
        counts = ("waiting", "in_flight", "unanswered")
        rows = [(lane["nas"], lane["host"], str(lane["port"]), *(str(lane[each]) for each in counts)) for lane in busy]
        print_table(("NAS", "ADDRESS", "PORT", "WAITING", "UNDER WAY", "UNANSWERED"), rows, whole=("ADDRESS",))


def _guard(direction: str, each: Mapping[str, Any]) -> str:
    flips = f"{each['passed']} of {each['limit']} changes within its window"
    if not each["held"]:
        return flips
    left = f" (by itself in {span(each['holding_left_s'])})" if each["holding_left_s"] else ""
    return f"{flips}; {each['held']} HELD: nacd coa release {direction}{left}, or nacd coa discard {direction}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
