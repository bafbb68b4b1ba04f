"""``nacd reload``: have the running daemon load its configuration anew, for all or for some NASes first.

Knows: how changes, faults and a canary look on a terminal. Refuses to know: how a configuration is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from nacd.cli.control.asking import (
    DEFAULT_CONFIG,
    DONE,
    NOT_DONE,
    USAGE,
    AsJson,
    Config,
    Daemon,
    Socket,
    State,
    clean,
    moment,
    print_json,
    run,
    soon,
    tell,
)

Canary = Annotated[
    str,
    typer.Option("--canary", metavar="GROUP", help="Try it out with the NASes of this group first."),
]
For = Annotated[str, typer.Option("--for", metavar="TIME", help="How long, as in 10m or 2h. Needed with --canary.")]
MaxChange = Annotated[
    str,
    typer.Option(
        metavar="SHARE", help="By how many percentage points a share of the group's answers may change. Usual: 20%."
    ),
]
MinSample = Annotated[
    int, typer.Option(metavar="ANSWERS", help="Answers before and during that a comparison needs.", min=1)
]
Status = Annotated[bool, typer.Option("--status", help="Which configuration is in force, and how a canary stands.")]
Promote = Annotated[bool, typer.Option("--promote", help="What is tried out is for all NASes now.")]
Discard = Annotated[bool, typer.Option("--discard", help="Take back what is tried out.")]


def reload(
    canary: Canary = "",
    lasts: For = "",
    max_change: MaxChange = "20%",
    min_sample: MinSample = 20,
    status: Status = False,
    promote: Promote = False,
    discard: Discard = False,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Load the configuration anew, without a restart: all of it, or nothing.

    Prints what is other than before, and the notes; or everything that is wrong, as [b]nacd check[/]
    words it, and the configuration before stays in force. No request is lost, and none is decided by
    half of one configuration and half of another.

    nacd reload
    nacd reload --canary building-7 --for 10m
    nacd reload --status

    With [b]--canary[/] only the NASes of that group are answered by the new configuration. If their
    answers change too much, it takes itself back; if not, it goes on to all when the time is over.

    Exit codes: 0 loaded, 1 refused or not done, 2 wrong usage, 3 no daemon.
    """
    if sum((status, promote, discard, bool(canary))) > 1 or bool(canary) != bool(lasts):
        tell("one of --status, --promote, --discard, or --canary with --for")
        raise typer.Exit(USAGE)

    def ask(daemon: Daemon) -> int:
        if status:
            return _status(daemon.give("reload.status"), as_json=as_json)
        if discard:
            return _discarded(daemon.give("reload.discard"), as_json=as_json)
        if promote:
            return _loaded(daemon.give("reload.promote", long=True), as_json=as_json)
        wish: dict[str, object] = {}
        if canary:
            wish = {"group": canary, "for": lasts, "max_change": max_change, "min_sample": min_sample}
        return _loaded(daemon.give("reload", wish, long=True), as_json=as_json)

    run(ask, config, state, socket)


def _loaded(told: Mapping[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(told)
    elif not told["loaded"]:
        for line in told["problems"]:
            print(clean(line))
        print(clean(told["why"]))
    else:
        for change in told["changes"] or ["nothing that decides has changed"]:
            print(clean(change))
        for note in told["notes"]:
            print(f"{clean(note)} (note)")
        print(_end(told))
    return DONE if told["loaded"] else NOT_DONE


def _end(told: Mapping[str, Any]) -> str:
    which = f"configuration {told['generation']} (policy {told['policy_digest'][:12]})"
    if not told.get("until"):
        return f"{which} is in force"
    answered = sum(told["before"].values())
    return (
        f"{which} answers the NASes of group `{clean(told['group'])}` until {soon(told['until'])};"
        f" it is compared with {answered} answers before"
    )


def _discarded(told: Mapping[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(told)
    else:
        print(f"configuration {told['generation']} is taken back from group `{clean(told['group'])}`")
    return DONE


def _status(told: Mapping[str, Any], *, as_json: bool) -> int:
    if as_json:
        print_json(told)
        return DONE
    print(f"configuration {told['generation']} is in force, policy {told['policy_digest'][:12]}")
    if told["old"]:
        print(f"logins under way still go by: {', '.join(map(str, told['old']))}")
    if told["busy"]:
        print("another one is being loaded")
    last = told["last"]
    if last["at"]:
        print(f"last reload: {moment(last['at'])}, {clean(last['outcome'])}")
    if told["canary"] is not None:
        _canary(told["canary"])
    return DONE


def _canary(told: Mapping[str, Any]) -> None:
    print(
        f"configuration {told['generation']} is tried out with group `{clean(told['group'])}`"
        f" until {soon(told['until'])}, by order of {clean(told['by'])}"
    )
    before, during = told["before"], told["during"]
    whole, part = sum(before.values()), sum(during.values())
    print(f"    {'':<32}  {'BEFORE':>14}  {'NOW':>14}")
    for outcome in sorted({*before, *during}):
        was, now = _share(before.get(outcome, 0), whole), _share(during.get(outcome, 0), part)
        print(f"    {clean(outcome):<32}  {was:>14}  {now:>14}")
    print(f"    {'answers':<32}  {whole:>14}  {part:>14}")


def _share(count: int, of: int) -> str:
    return f"{count} ({count / of:.0%})" if of else "0"
