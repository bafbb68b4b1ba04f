"""``nacd clients report``: which NASes can be set to ``message_authenticator: require``.

Knows: how that looks on a terminal, and what to do next. Refuses to know: how it is judged.
"""

from __future__ import annotations

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
    clean,
    moment,
    print_json,
    print_table,
    run,
)

_TITLES = ("CLIENT", "RULE", "ADDRESSES", "SIGNED", "EAP", "UNSIGNED", "LAST UNSIGNED", "WHAT TO DO")
_OF_ONE = ("ADDRESS", "SIGNED", "EAP", "LAST SIGNED", "UNSIGNED TAKEN", "REFUSED", "LAST UNSIGNED")
_TODO = {
    "required": "nothing: `require` is set",
    "safe": "set `message_authenticator: require`",
    "unsigned": "turn Message-Authenticator on in the NAS",
    "too_early": "wait: it is watched for too short a time",
    "silent": "nothing was heard of it",
}


def report(
    nas: Annotated[str, typer.Option(help="One NAS only, address by address: its name in [b]clients[/].")] = "",
    days: Annotated[int, typer.Option(help="For how many days nothing may have come unsigned.", min=1, max=365)] = 7,
    limit: Annotated[int, typer.Option(help="How many addresses of a NAS.", min=1, max=1000)] = 20,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Which NASes sign their requests with Message-Authenticator, and which can be set to [b]require[/].

    Against BlastRADIUS (CVE-2024-3596). Counted by source address, over restarts too. SIGNED are requests that
    nobody forced the NAS to sign; those with EAP are always signed and show nothing of the rest. A request that
    came unsigned may have been forged, so one can only ever make you wait.

    Exit codes: 0 every NAS requires it, 1 some do not yet, 2 wrong usage, 3 no daemon.
    """

    def ask(daemon: Daemon) -> int:
        found = daemon.give("clients.report", {"nas": nas, "days": days, "limit": limit})
        if as_json:
            print_json(found)
        else:
            _print(found, one=bool(nas))
        return DONE if all(each["verdict"] == "required" for each in found["clients"]) else NOT_DONE

    run(ask, config, state, socket)


def _print(found: Mapping[str, Any], *, one: bool) -> None:
    if found["since"]:
        print(f"counted since {moment(found['since'])}; `safe` means: nothing unsigned for {found['days']} days")
    else:
        print("no request has come yet")
    print_table(_TITLES, [_row(each) for each in found["clients"]], whole=("CLIENT", "WHAT TO DO"))
    if found["everywhere"]:
        names = ", ".join(found["everywhere"])
        print(clean(f"every address of {names} must sign under `auto`: more of them sign than are remembered"))
    for each in found["clients"] if one else ():
        print()
        print_table(_OF_ONE, [_address(row) for row in each["addresses"]], whole=("ADDRESS",))
        if len(each["addresses"]) < each["seen"]:
            print(clean(f"{each['seen'] - len(each['addresses'])} more are not shown: `--limit`"))


def _row(each: Mapping[str, Any]) -> tuple[str, ...]:
    counts = (each["seen"], each["signed"], each["eap"], each["unsigned"])
    last = moment(each["unsigned_at"]) if each["unsigned_at"] else "never"
    return (each["name"], each["rule"], *(f"{count:,}" for count in counts), last, _TODO[each["verdict"]])


def _address(row: Mapping[str, Any]) -> tuple[str, ...]:
    times = {name: moment(row[name]) if row[name] else "never" for name in ("signed_at", "unsigned_at")}
    return (
        row["source"],
        f"{row['signed']:,}",
        f"{row['eap']:,}",
        times["signed_at"],
        f"{row['unsigned_taken']:,}",
        f"{row['unsigned_refused']:,}",
        times["unsigned_at"],
    )
