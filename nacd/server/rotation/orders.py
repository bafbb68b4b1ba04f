"""``nacd clients secrets``: which NASes still use the old one of two secrets.

Knows: what is told of each. Refuses to know: how a secret is proved (``radius``), and how it looks on a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from nacd.radius.overlap.seen import SecretsSeen, Sighting
from nacd.server.assembly import Assembled
from nacd.server.people.command import Asked, Command, OrderRefused
from nacd.server.people.roles import Role
from nacd.server.people.subject import number, text
from nacd.server.rotation.twos import Two, twos
from nacd.values import NO_SECRET, Instant

_MOST_SHOWN: Final = 1_000


def commands(
    in_force: Callable[[], Assembled], seen: SecretsSeen, clock: Callable[[], Instant]
) -> Mapping[str, Command]:
    """By name, for the control socket."""

    async def secrets(asked: Asked) -> Any:
        wanted = text(asked.fields, "nas")
        limit = number(asked.fields, "limit", 1, _MOST_SHOWN, 100)
        assembled = in_force()
        if wanted and wanted not in {client.nas.name for client in assembled.clients}:
            raise OrderRefused(f"there is no NAS `{wanted[:60]}`")
        found = [each for each in twos(assembled) if wanted in ("", each.client.nas.name)]
        for each in found:  # whoever asks right after a reload is not too early
            seen.watch(each.client.nas.name, each.all, clock().wall)
        return {"clients": [_told(each, seen, limit) for each in found], "forgotten": seen.forgotten}

    return {"clients.secrets": Command(role=Role.READ, work=secrets)}


def _told(two: Two, seen: SecretsSeen, limit: int) -> dict[str, Any]:
    sightings = seen.sightings(two.client, two.asked_with)
    old = [each for each in sightings if uses_old(each)]
    return {
        "name": two.client.nas.name,
        "networks": [str(network) for network in two.client.networks],
        "requests": two.requests[1] is not NO_SECRET,
        "dynauth": two.asked_with[1] is not NO_SECRET,
        "since": seen.since(two.client.nas.name),
        "seen": len(sightings),
        "old": len(old),
        "old_at": max((each.old_at for each in sightings), default=0.0),
        "addresses": [_row(each) for each in _first(old, sightings, limit)],
    }


def uses_old(one: Sighting) -> bool:
    """Whether it would be lost without the old secret, as far as it was seen."""
    return one.by_next is False or one.answers_next is False


def _first(old: Sequence[Sighting], sightings: Sequence[Sighting], limit: int) -> list[Sighting]:
    return [*old, *(each for each in sightings if each not in old)][:limit]


def _row(one: Sighting) -> dict[str, Any]:
    return {
        "source": one.source,
        "comes_with": _word(one.by_next),
        "answers_with": _word(one.answers_next),
        "old_at": one.old_at,
        "next_at": one.next_at,
    }


def _word(by_next: bool | None) -> str:
    if by_next is None:
        return ""
    return "next_secret" if by_next else "secret"
