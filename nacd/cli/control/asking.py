"""What the commands that talk to the running daemon have in common: options, exit codes, tables.

Knows: how trouble is told, and that what a stranger wrote must not steer a terminal. Refuses to know: any order.

Exit codes: 0 done, 1 not done or refused, 2 wrong usage, 3 no daemon.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NoReturn

import typer

DEFAULT_CONFIG = Path("/etc/nacd/nacd.yaml")
DONE, NOT_DONE, USAGE, NO_DAEMON = 0, 1, 2, 3
_LONG_S = 960.0  # a little longer than the daemon takes for it

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", envvar="NACD_CONFIG", dir_okay=False)
]
State = Annotated[
    Path | None, typer.Option(help="The daemon's state folder; default: the one in the configuration.", file_okay=False)
]
Socket = Annotated[
    Path | None,
    typer.Option(help="The daemon's socket; default: NACD_SOCKET, then the one in the configuration."),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for machines.")]
Tenant = Annotated[str, typer.Option(help="One tenant only.")]


def usual_config() -> Path:
    """The configuration where the command line names none."""
    return Path(os.environ.get("NACD_CONFIG", "") or DEFAULT_CONFIG)


class Daemon:
    """The running one, by its socket."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def give(
        self,
        order: str,
        fields: Mapping[str, object] = MappingProxyType({}),
        *,
        heard: Callable[[Any], None] | None = None,
        long: bool = False,
        lines: Iterable[bytes] = (),
    ) -> Any:
        """Its answer; ``heard`` is told how far it is. long: it may take minutes. lines: what follows the order, each
        with its end. Raises NobodyListens, OrderFailed."""
        from nacd.cli.control.order import PATIENCE_S, give_at

        patience_s = _LONG_S if long else PATIENCE_S
        return give_at(self._path, order, heard or (lambda said: None), patience_s, lines, **fields)

    def read_along(self, order: str, fields: Mapping[str, object]) -> Iterator[Any]:
        """Its lines, until it stops. Raises NobodyListens, OrderFailed."""
        from nacd.cli.control.order import read_along

        return read_along(self._path, order, **fields)


def run(ask: Callable[[Daemon], int], config: Path, state: Path | None, named: Path | None) -> NoReturn:
    """Ask the daemon, and end with what ``ask`` returns or with what kept it from being done."""
    from nacd.cli.control.order import NobodyListens, OrderFailed
    from nacd.cli.control.place import NoPlace, socket_of

    try:
        raise typer.Exit(ask(Daemon(socket_of(config, state, named))))
    except NoPlace as unknown:
        tell(str(unknown), multiline=True)
        raise typer.Exit(NOT_DONE) from None
    except OrderFailed as failed:
        tell(str(failed))
        raise typer.Exit(USAGE if failed.is_usage else NOT_DONE) from None
    except NobodyListens as nobody:
        tell(str(nobody))
        raise typer.Exit(NO_DAEMON) from None


# -- how it looks ---------------------------------------------------------------------------------


def tell(text: str, *, multiline: bool = False) -> None:
    """To whoever waits, beside the answer."""
    print("\n".join(map(clean, text.split("\n"))) if multiline else clean(text), file=sys.stderr)


def print_json(found: Any, *, indent: int | None = 2) -> None:
    """One document; on one line without an indent."""
    # Escaped, for what a stranger wrote may hold more than the control characters that JSON itself forbids.
    print(json.dumps(found, indent=indent, ensure_ascii=True), flush=True)


def print_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], *, whole: Sequence[str] = (), least: Sequence[str] = ()
) -> None:
    """As ``table.print_table``, of what strangers wrote."""
    from nacd.cli.control import table

    table.print_table(titles, [[clean(cell) for cell in row] for row in rows], whole=whole, least=least)


def print_pairs(pairs: Sequence[tuple[str, str]], *, indent: int = 4) -> None:
    """A title and its text, line by line; without a text it is left out."""
    widest = max((len(title) for title, text in pairs if text), default=0)
    for title, text in pairs:
        if text:
            print(f"{' ' * indent}{title:<{widest}}  {clean(text)}")


def moment(at: float) -> str:
    """Seconds since the epoch as people read them, in UTC; ``""`` for 0."""
    if not at:
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return "a date beyond all calendars"


def ago(at: float) -> str:
    """How long since then; ``""`` for 0."""
    return span(time.time() - at) if at else ""


def span(seconds: float) -> str:
    """A length of time, roughly."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 1.99 * size:  # what was two hours when it was written is no `120 min` a moment later
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def soon(at: float) -> str:
    """A moment to come: in UTC, in this machine's own time if that is another, and how long it is until then."""
    try:
        here = datetime.fromtimestamp(at).astimezone()
    except (ValueError, OverflowError, OSError):
        return moment(at)
    own = f" ({here.isoformat(timespec='minutes', sep=' ')} here)" if here.utcoffset() else ""
    return f"{moment(at)}{own}, in {span(at - time.time())}"


def clean(text: str) -> str:
    """What a stranger wrote must not steer the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)
