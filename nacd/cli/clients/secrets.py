"""``nacd clients secrets``: which NASes still use the old one of two secrets.

Knows: how that looks on a terminal, and what to do next. Refuses to know: how a secret is proved.
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

_TITLES = ("ADDRESS", "COMES WITH", "SECRET LAST", "NEXT_SECRET LAST", "ANSWERS WITH")


def secrets(
    nas: Annotated[str, typer.Option(help="One NAS only: its name in [b]clients[/].")] = "",
    limit: Annotated[int, typer.Option(help="How many addresses of each NAS.", min=1, max=1000)] = 100,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Which NASes with two secrets still use the old one, so that you know when to take it away.

    Shows every address that was seen since the daemon has had both: with which secret it came last, when
    each was used last, and with which one it answered CoA and Disconnect. Those with the old one come first.

    Exit codes: 0 nobody who was seen uses an old one, 1 somebody does, 2 wrong usage, 3 no daemon.
    """

    def ask(daemon: Daemon) -> int:
        found = daemon.give("clients.secrets", {"nas": nas, "limit": limit})
        if as_json:
            print_json(found)
        else:
            _print(found)
        return NOT_DONE if any(each["old"] for each in found["clients"]) else DONE

    run(ask, config, state, socket)


def _print(found: Mapping[str, Any]) -> None:
    if not found["clients"]:
        print("no NAS has two secrets")
    for number, each in enumerate(found["clients"]):
        if number:
            print()
        print(clean(_verdict(each)))
        if each["addresses"]:
            print_table(_TITLES, [_row(one) for one in each["addresses"]], whole=("ADDRESS",), least=("ANSWERS WITH",))
        if len(each["addresses"]) < each["seen"]:
            print(f"{each['seen'] - len(each['addresses'])} more are not shown: `--limit`")
    if found["forgotten"]:
        print(f"{found['forgotten']} addresses had to make room for others and are not counted")


def _verdict(each: Mapping[str, Any]) -> str:
    """One sentence, and what to do."""
    name, since = each["name"], f"since {moment(each['since'])}"
    if not each["seen"]:
        return f"{name}: nothing was heard of it {since}"
    many = f"{each['seen']} address{'' if each['seen'] == 1 else 'es'}"
    if each["old"]:
        return f"{name}: {each['old']} of {many} seen {since} still use `secret`"
    last = f", and `secret` was used last {moment(each['old_at'])}" if each["old_at"] else ""
    return f"{name}: none of {many} seen {since} uses `secret`{last}: it can be taken away"


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        one["source"],
        one["comes_with"] or "-",
        moment(one["old_at"]) if one["old_at"] else "never",
        moment(one["next_at"]) if one["next_at"] else "never",
        one["answers_with"] or "-",
    )
