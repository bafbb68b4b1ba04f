"""``nacd cache``: what the daemon knows of devices, and how asking about them goes.

Knows: how verdicts and counters look on a terminal. Refuses to know: what they mean for anybody's access.
"""

from __future__ import annotations

from datetime import UTC, datetime
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
    print_json,
    run,
    span,
    tell,
)

app = typer.Typer(
    help="What the running daemon knows of devices: show it, ask anew, see how asking goes.", no_args_is_help=True
)


@app.command()
def show(
    device: Annotated[
        str, typer.Argument(help="Intune device id, `entra:` and its id, or a MAC; none: the newest verdicts.")
    ] = "",
    tenant: Tenant = "",
    limit: Annotated[int, typer.Option(help="How many, without a device.", min=1, max=1000)] = 20,
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """What is known of a device: state, age, source, and for how long it counts. Asks nobody."""

    def ask(daemon: Daemon) -> int:
        found = daemon.give("cache.show", {"device": device, "tenant": tenant, "limit": limit})
        if as_json:
            print_json(found)
            return DONE
        for entry in found:
            _print_entry(entry)
        if not found:
            print("nothing is known of any device")
        return DONE if any(entry["known"] for entry in found) else NOT_DONE

    run(ask, config, state, socket)


@app.command()
def refresh(
    device: Annotated[str, typer.Argument(help="Intune device id, `entra:` and its id, or a MAC.")],
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Ask Intune about a device now, whatever is known of it, and keep the answer."""

    def ask(daemon: Daemon) -> int:
        tell("asking ...")
        found = daemon.give("cache.refresh", {"device": device, "tenant": tenant})
        if as_json:
            print_json(found)
        else:
            for each in found:
                _print_entry({"tenant": each["tenant"], "key": each["key"], "known": True, **each["answer"]})
        return DONE if all(each["answer"]["state"] != "unavailable" for each in found) else NOT_DONE

    run(ask, config, state, socket)


@app.command()
def status(
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """How asking goes: hits and misses, breaker, budgets, the waiting line, live devices, the bulk list."""

    def ask(daemon: Daemon) -> int:
        found = daemon.give("cache.status", {"tenant": tenant})
        if as_json:
            print_json(found)
            return DONE
        for name, stands in found.items():
            _print_status(name, stands)
        if not found:
            print("no tenant is configured: nobody is asked about compliance")
        return DONE

    run(ask, config, state, socket)


def _print_entry(entry: dict[str, Any]) -> None:
    if not entry["known"]:
        print(f"{entry['key']}  tenant {entry['tenant']}  nothing known")
        return
    as_of = datetime.fromtimestamp(entry["as_of"], UTC).isoformat(timespec="seconds") if entry["as_of"] else "never"
    print(f"{entry['key']}  tenant {entry['tenant']}  {entry['state']}")
    by = f", by {entry['provider']}" if entry["provider"] else ""
    print(f"    as of {as_of} ({span(entry['age_s'])} old), source {entry['source']}{by}")
    if "fresh_for_s" in entry:
        fresh_s, gone_s = entry["fresh_for_s"], entry["gone_in_s"]
        lasts = f"fresh for {span(fresh_s)}" if fresh_s > 0 else "stale: asked again at the next login"
        print(f"    {lasts}, forgotten in {span(gone_s)}")
    if entry["detail"]:
        print(f"    {clean(entry['detail'])}")
    facts = {name: value for name, value in entry["device"].items() if value}
    if facts:
        print("    " + ", ".join(f"{name} {clean(str(value))}" for name, value in facts.items()))


def _print_status(name: str, stands: dict[str, Any]) -> None:
    counts, line, budget, live = stands["counts"], stands["line"], stands["budget"], stands["live"]
    answered = "  ".join(f"{word} {counts[word]}" for word in ("hit", "miss", "stale", "coalesced", "late"))
    left = f", probe in {stands['breaker']['left_s']:.0f} s" if stands["breaker"]["left_s"] else ""
    rows = [
        ("answers", f"{answered}  unavailable {counts['unavailable']}  from disk {counts['from_disk']}"),
        ("asked", f"{counts['asked']}, of them polls {counts['polled']}"),
        ("verdicts", str(stands["verdicts"])),
        ("breaker", f"{stands['breaker']['state']}{left}"),
        ("budget", f"logins {budget['logins_per_s']:g}/s, polling {budget['polling_per_s']:g}/s"),
        ("line", f"{line['waiting']} wait, {line['under_way']} under way, {line['polls_waiting']} polls wait"),
        ("live", f"{live['devices']} devices, the longest unasked for {span(live['oldest_s'])}"),
        ("bulk list", stands["bulk"].get("last", "not asked for")),
        ("limits", ", ".join(f"{limit} {count}" for limit, count in counts["limited"].items()) or "none reached"),
        ("disk", stands["disk"]["problem"] or "well"),
    ]
    print(f"tenant {name}")
    for title, text in rows:
        print(f"    {title:<11}{clean(text)}")
    for slow in stands["too_slow"]:
        print(f"    {clean(slow)}")
