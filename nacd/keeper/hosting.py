"""What runs in the keeper beside its own work: whoever forwards records to other machines.

Knows: what the keeper asks of it, and what it may ask of the keeper. Refuses to know: where records are sent and how.

It has threads of its own, so nothing it waits for holds up the keeper. Its calls here return at once, but for
``close``, and may come from any thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from nacd.keeper.settings import Wanted

Say: TypeAlias = Callable[[str, Mapping[str, str | int | float]], None]
"""``say("forward.lost", {"destination": "siem", "records": 4})``: the daemon records it, if it is one of those that it
knows (``nacd/server/keeper/words.py``), with exactly these fields. Any thread, never waits for the daemon for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How far one destination is behind. waiting: records. oldest_s: age of the oldest of them, seconds, 0.0 for none.
    sent, lost: records since the keeper was started. problem: in words, ``""`` while all is well."""

    destination: str
    waiting: int = 0
    oldest_s: float = 0.0
    sent: int = 0
    lost: int = 0
    problem: str = ""


class Forwarding(Protocol):
    """Sends records to other machines. Built by ``nacd.keeper.forward.building.build(wanted, say)``, which returns
    None when nothing is to be forwarded."""

    def begin(self) -> None:
        """Start its threads."""

    def renew(self, wanted: Wanted) -> None:
        """Go by these settings from now on."""

    def queues(self) -> tuple[Queue, ...]:
        """How far each destination is behind."""

    def unsent(self, first_seq: int, last_seq: int) -> Mapping[str, int]:
        """How many records from first_seq to last_seq each destination still misses; those that miss none are left
        out. Asked before the file that holds them is deleted: they are lost for it then."""

    def close(self, patience_s: float) -> None:
        """Keep what has been sent in mind and end, within patience_s seconds."""


Build: TypeAlias = Callable[[Wanted, Say], Forwarding | None]


def builder() -> Build | None:
    """How forwarding is built; None where this nacd has none."""
    try:
        from nacd.keeper.forward.building import build
    except ModuleNotFoundError as missing:
        if missing.name is None or not missing.name.startswith("nacd.keeper.forward"):
            raise
        return None
    built: Build = build
    return built
