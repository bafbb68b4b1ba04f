"""What the running daemon says when it is asked to explain.

Knows: where it is looked for, and what to say when it is not there. Refuses to know: what it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nacd.cli.control.order import NobodyListens, OrderFailed, give_at
from nacd.cli.control.place import NoPlace, socket_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """Where the daemon is, by the configuration or as the command line names it."""

    config: Path
    state: Path | None = None
    named: Path | None = None

    def give(self, order: str, **fields: Any) -> Any:
        """Its answer. Raises NoPlace, NobodyListens, OrderFailed."""
        return give_at(socket_of(self.config, self.state, self.named), order, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard:
    """It says nothing; why, in words."""

    why: str


def heard(socket: Socket, order: str, **fields: Any) -> Any | Unheard:
    """Its answer, for a question that can do without it."""
    try:
        return socket.give(order, **fields)
    except (NobodyListens, NoPlace, OrderFailed) as silence:
        return Unheard(why=str(silence).partition("\n")[0])
