"""``nacd clients report``: which NASes sign their requests.

Knows: what is told of each. Refuses to know: how it looks on a terminal.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from nacd.radius.clients import Client
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server.people.command import Asked, Command, NotDone, OrderRefused
from nacd.server.people.roles import Role
from nacd.server.people.subject import number, text
from nacd.server.signing.judging import Judged, judge
from nacd.values import Instant

_MOST_SHOWN: Final = 1_000


def commands(
    clients: Callable[[], Sequence[Client]], ledger: MessageAuthenticatorLedger, clock: Callable[[], Instant]
) -> Mapping[str, Command]:
    """By name, for the control socket. clients: those of the configuration that counts now."""

    async def report(asked: Asked) -> Any:
        wanted = text(asked.fields, "nas")
        limit = number(asked.fields, "limit", 1, _MOST_SHOWN, 20)
        days = number(asked.fields, "days", 1, 365, 7)
        every = clients()
        if wanted and wanted not in {client.nas.name for client in every}:
            raise OrderRefused(f"there is no NAS `{wanted[:60]}`")
        chosen = [client for client in every if wanted in ("", client.nas.name)]
        now = clock().wall

        def judged() -> list[Judged]:
            return judge(chosen, ledger.signing(), ledger.bare(), ledger.since, now, days)

        found = await asyncio.get_running_loop().run_in_executor(None, judged)
        told = [_told(each, limit) for each in found]
        return {"since": ledger.since, "days": days, "everywhere": ledger.everywhere(), "clients": told}

    async def forget(asked: Asked) -> Any:
        nas, source = text(asked.fields, "nas"), _address(text(asked.fields, "source"))
        if nas not in {client.nas.name for client in clients()}:
            raise OrderRefused(f"there is no NAS `{nas[:60]}`")
        if source and nas in ledger.everywhere():
            raise NotDone(f"every address of `{nas}` must sign, for want of room to tell them apart: forget all of it")
        count = ledger.forget(nas, source)
        of = f"NAS `{nas}` ({source})" if source else f"NAS `{nas}`"
        asked.outcome = f"{count} address{'' if count == 1 else 'es'} of {of} forgotten"
        return {"forgotten": count}

    return {
        "clients.report": Command(role=Role.READ, work=report),
        "clients.forget": Command(role=Role.CONFIG, work=forget),
    }


def _address(written: str) -> str:
    """As the ledger has it, however it is written; ``""`` for none. Raises OrderRefused."""
    try:
        return str(ipaddress.ip_address(written)) if written else ""
    except ValueError:
        raise OrderRefused(f"`{written[:60]}` is no address: `nacd clients report --nas NAME` shows them") from None


def _told(judged: Judged, limit: int) -> dict[str, Any]:
    signing = {each.source: each for each in judged.signing}
    bare = {each.source: each for each in judged.bare}
    sources = [*bare, *(source for source in signing if source not in bare)]
    rows = [
        {
            "source": source,
            "signed": signing[source].signed if source in signing else 0,
            "eap": signing[source].eap if source in signing else 0,
            "signed_at": signing[source].last if source in signing else 0.0,
            "unsigned_taken": bare[source].taken if source in bare else 0,
            "unsigned_refused": bare[source].refused if source in bare else 0,
            "unsigned_at": bare[source].last if source in bare else 0.0,
        }
        for source in sources
    ]
    rows.sort(key=lambda row: bare[str(row["source"])].last if row["source"] in bare else 0.0, reverse=True)
    return {
        "name": judged.client.nas.name,
        "rule": judged.client.message_authenticator.value,
        "verdict": judged.verdict.value,
        "seen": len(sources),
        "signed": sum(each.signed for each in judged.signing),
        "eap": sum(each.eap for each in judged.signing),
        "unsigned": sum(each.taken + each.refused for each in judged.bare),
        "unsigned_at": judged.unsigned_at,
        "addresses": rows[:limit],
    }
