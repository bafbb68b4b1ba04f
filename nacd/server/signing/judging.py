"""Which NASes can be set to ``message_authenticator: require``, by what was heard of them. Pure.

Knows: what has to be seen, and for how long. Refuses to know: how it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from nacd.radius.clients import Client, MessageAuthenticatorRule
from nacd.radius.ledger import Signs, Unsigned

_DAY_S = 86_400.0


class Verdict(StrEnum):
    """What can be done with a client."""

    REQUIRED = "required"
    """Nothing: it is set already."""
    SAFE = "safe"
    UNSIGNED = "unsigned"
    """Something comes unsigned: turn Message-Authenticator on in the NAS first."""
    TOO_EARLY = "too_early"
    SILENT = "silent"
    """Nothing was heard of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One client. unsigned_at: when something came unsigned last, seconds since the epoch, 0.0 for never."""

    client: Client
    verdict: Verdict
    signing: tuple[Signs, ...]
    bare: tuple[Unsigned, ...]
    unsigned_at: float


def judge(
    clients: Iterable[Client], signing: Sequence[Signs], bare: Sequence[Unsigned], since: float, now: float, days: float
) -> list[Judged]:
    """Each client, those that need somebody first. since: when counting began. now: seconds since the epoch. days: for
    how long nothing may have come unsigned."""
    # Gone through once: thousands of clients and addresses, on the loop that answers.
    signs: dict[str, list[Signs]] = {}
    for each in signing:
        signs.setdefault(each.nas, []).append(each)
    unsigned: dict[str, list[Unsigned]] = {}
    for one in bare:
        unsigned.setdefault(one.nas, []).append(one)
    judged = [
        _judged(client, tuple(signs.get(name, ())), tuple(unsigned.get(name, ())), since, now, days)
        for client in clients
        for name in (client.nas.name,)
    ]
    order = list(_ORDER)
    return sorted(judged, key=lambda each: (order.index(each.verdict), each.client.nas.name))


_ORDER = (Verdict.UNSIGNED, Verdict.SAFE, Verdict.TOO_EARLY, Verdict.SILENT, Verdict.REQUIRED)


def _judged(
    client: Client, signing: tuple[Signs, ...], bare: tuple[Unsigned, ...], since: float, now: float, days: float
) -> Judged:
    unsigned_at = max((one.last for one in bare), default=0.0)
    # Counted since then, and of this one: a NAS that came yesterday has not been quiet for a week.
    first = max(since, min(each.first for each in signing)) if since and signing else 0.0
    verdict = _verdict(client, bool(signing), unsigned_at, first, now - days * _DAY_S)
    return Judged(client=client, verdict=verdict, signing=signing, bare=bare, unsigned_at=unsigned_at)


def _verdict(client: Client, is_heard: bool, unsigned_at: float, since: float, horizon: float) -> Verdict:
    if client.message_authenticator is MessageAuthenticatorRule.REQUIRE:
        return Verdict.REQUIRED
    if unsigned_at > horizon:
        return Verdict.UNSIGNED
    if not is_heard:
        return Verdict.SILENT
    return Verdict.SAFE if since and since <= horizon else Verdict.TOO_EARLY
