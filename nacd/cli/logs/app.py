"""``nacd log``: how much the running daemon says.

Knows: options, and how areas look on a terminal. Refuses to know: what is logged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from nacd.cli.control.asking import (
    DEFAULT_CONFIG,
    DONE,
    AsJson,
    Config,
    Daemon,
    Socket,
    State,
    print_json,
    print_table,
    run,
)

app = typer.Typer(
    help="The operational log of the running daemon.",
    epilog="Exit codes: 0 done, 1 not done or refused, 2 wrong usage, 3 no daemon.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
_LEVELS: Final = ("debug", "info", "warning", "error")
_SPAN: Final = re.compile(r"(\d{1,6})([smhd])")
_LONGEST_S: Final = 7 * 86_400
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@app.callback()
def _room() -> None:
    """With one command alone typer would leave its name out."""


@app.command()
def level(
    area: Annotated[str, typer.Argument(help="An area, as the log names it; none, or [b]all[/]: every area.")] = "",
    wanted: Annotated[str, typer.Argument(help="debug, info, warning or error; none: show.", metavar="LEVEL")] = "",
    span: Annotated[
        str, typer.Option("--for", help="Then it is what it was before: 10m, 2h; 0: until nacd is started anew.")
    ] = "1h",
    as_json: AsJson = False,
    config: Config = DEFAULT_CONFIG,
    state: State = None,
    socket: Socket = None,
) -> None:
    """Show how much each area says, or change it for a while. To change needs the role config, and is on record.

    nacd log level lookup debug --for 10m
    """
    if area in _LEVELS and not wanted:
        area, wanted = "all", area
    seconds = _seconds(span)

    def ask(daemon: Daemon) -> int:
        fields = {"area": area or "all", "level": wanted, "for_s": seconds}
        found = daemon.give("log.level", fields) if wanted else daemon.give("log.levels")
        if area not in ("", "all"):
            found = {"areas": [each for each in found["areas"] if each["area"] == area]}
            if not found["areas"]:
                raise typer.BadParameter(f"`{area}` is no area of this daemon: `nacd log level` shows them all")
        if as_json:
            print_json(found)
        else:
            print_table(("AREA", "LEVEL", "FOR", "THEN"), [_row(each) for each in found["areas"]])
        return DONE

    run(ask, config, state, socket)


def _row(each: Mapping[str, Any]) -> tuple[str, str, str, str]:
    left = int(each["left_s"])
    return each["area"], each["level"], f"{left // 60} min {left % 60} s" if left else "", each["then"]


def _seconds(span: str) -> int:
    if span == "0":
        return 0
    found = _SPAN.fullmatch(span)
    if found is None or not int(found[1]):
        raise typer.BadParameter(f"--for `{span[:20]}`: write 30s, 10m, 2h, or 0")
    seconds = int(found[1]) * _UNITS[found[2]]
    if seconds > _LONGEST_S:
        raise typer.BadParameter(f"--for `{span[:20]}`: 7d at most, or 0: until nacd is started anew")
    return seconds
