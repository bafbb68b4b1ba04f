"""``nacd cache``: what the daemon knows of devices, and how asking about them goes.

Knows: how verdicts and counters look on a terminal. Refuses to know: what they mean for anybody's access.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

app = typer.Typer(
    help="What the running daemon knows of devices: show it, ask anew, see how asking goes.", no_args_is_help=True
)

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="NACD_CONFIG", dir_okay=False)
]
State = Annotated[
    Path | None, typer.Option(help="The daemon's state folder; default: the one in the configuration.", file_okay=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for machines.")]
Tenant = Annotated[str, typer.Option(help="One tenant only.")]
_DEFAULT = Path("/etc/nacd/nacd.yaml")
Give: TypeAlias = Callable[..., Any]
"""Gives the running daemon an order by name."""


@app.command()
def show(
    device: Annotated[
        str, typer.Argument(help="Intune device id, `entra:` and its id, or a MAC; none: the newest verdicts.")
    ] = "",
    tenant: Tenant = "",
    limit: Annotated[int, typer.Option(help="How many, without a device.", min=1, max=1000)] = 20,
    as_json: AsJson = False,
    config: Config = _DEFAULT,
    state: State = None,
) -> None:
    """What is known of a device: state, age, source, and for how long it counts. Asks nobody."""

    def ask(give: Give) -> int:
        found = give("cache.show", device=device, tenant=tenant, limit=limit)
        if as_json:
            _print_json(found)
            return 0
        for entry in found:
            _print_entry(entry)
        if not found:
            print("nothing is known of any device")
        return 0 if any(entry["known"] for entry in found) else 1

    raise typer.Exit(_run(ask, config, state))


@app.command()
def refresh(
    device: Annotated[str, typer.Argument(help="Intune device id, `entra:` and its id, or a MAC.")],
    tenant: Tenant = "",
    as_json: AsJson = False,
    config: Config = _DEFAULT,
    state: State = None,
) -> None:
    """Ask Intune about a device now, whatever is known of it, and keep the answer."""

    def ask(give: Give) -> int:
        print("asking ...", file=sys.stderr)
        found = give("cache.refresh", device=device, tenant=tenant)
        if as_json:
            _print_json(found)
        else:
            for each in found:
                _print_entry({"tenant": each["tenant"], "key": each["key"], "known": True, **each["answer"]})
        return 0 if all(each["answer"]["state"] != "unavailable" for each in found) else 1

    raise typer.Exit(_run(ask, config, state))


@app.command()
def status(tenant: Tenant = "", as_json: AsJson = False, config: Config = _DEFAULT, state: State = None) -> None:
    """How asking goes: hits and misses, breaker, budgets, the waiting line, live devices, the bulk list."""

    def ask(give: Give) -> int:
        found = give("cache.status", tenant=tenant)
        if as_json:
            _print_json(found)
            return 0
        for name, stands in found.items():
            _print_status(name, stands)
        if not found:
            print("no tenant is configured: nobody is asked about compliance")
        return 0

    raise typer.Exit(_run(ask, config, state))


def _run(ask: Callable[[Give], int], config: Path, state: Path | None) -> int:
    """Exit codes: 0 well, 1 nothing known or no answer, 2 wrong usage, 3 no daemon."""
    from nacd.cli.control.order import NobodyListens, OrderFailed, give
    from nacd.config.load import load
    from nacd.errors import ConfigError

    try:
        return ask(partial(give, state if state is not None else load(config).settings.state))
    except ConfigError as refused:
        for problem in refused.problems:
            print(problem, file=sys.stderr)
        print("name the daemon's state folder with --state to do without the configuration", file=sys.stderr)
        return 1
    except OrderFailed as failed:
        print(_clean(str(failed)), file=sys.stderr)
        return 2
    except NobodyListens as nobody:
        print(nobody, file=sys.stderr)
        return 3


def _print_json(found: Any) -> None:
    # Escaped, for what a stranger wrote may hold more than the control characters that JSON itself forbids.
    print(json.dumps(found, indent=2, ensure_ascii=True))


def _print_entry(entry: dict[str, Any]) -> None:
    if not entry["known"]:
        print(f"{entry['key']}  tenant {entry['tenant']}  nothing known")
        return
    as_of = datetime.fromtimestamp(entry["as_of"], UTC).isoformat(timespec="seconds") if entry["as_of"] else "never"
    print(f"{entry['key']}  tenant {entry['tenant']}  {entry['state']}")
    by = f", by {entry['provider']}" if entry["provider"] else ""
    print(f"    as of {as_of} ({_time(entry['age_s'])} old), source {entry['source']}{by}")
    if "fresh_for_s" in entry:
        fresh_s, gone_s = entry["fresh_for_s"], entry["gone_in_s"]
        lasts = f"fresh for {_time(fresh_s)}" if fresh_s > 0 else "stale: asked again at the next login"
        print(f"    {lasts}, forgotten in {_time(gone_s)}")
    if entry["detail"]:
        print(f"    {_clean(entry['detail'])}")
    facts = {name: value for name, value in entry["device"].items() if value}
    if facts:
        print("    " + ", ".join(f"{name} {_clean(str(value))}" for name, value in facts.items()))


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
        ("live", f"{live['devices']} devices, the longest unasked for {_time(live['oldest_s'])}"),
        ("bulk list", stands["bulk"].get("last", "not asked for")),
        ("limits", ", ".join(f"{limit} {count}" for limit, count in counts["limited"].items()) or "none reached"),
        ("disk", stands["disk"]["problem"] or "well"),
    ]
    print(f"tenant {name}")
    for title, text in rows:
        print(f"    {title:<11}{_clean(text)}")
    for slow in stands["too_slow"]:
        print(f"    {_clean(slow)}")


def _time(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _clean(text: str) -> str:
    """What a stranger wrote must not steer the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
