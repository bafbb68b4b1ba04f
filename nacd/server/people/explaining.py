"""``nacd explain --session`` and ``--mac``: why a session has what it has, and what would change it.

Knows: what is decided again, at which moments and with which verdicts, so that somebody can read it. Refuses to know:
how a decision comes about (``loop/deciding`` says what it would be), and terminals. Nothing is changed, and nobody is
asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from nacd import admit
from nacd.compliance.question import Question, question
from nacd.identity.mac import parse
from nacd.policy.answered import NO_VERDICT
from nacd.policy.evaluate import explain
from nacd.policy.model import Policy
from nacd.reassess import EXPIRED, Reassessed, baseline, is_ordered
from nacd.replay.turning import moments
from nacd.server.people import shown
from nacd.server.people.command import Asked, Command, NotDone, OrderRefused
from nacd.server.people.roles import Role
from nacd.server.people.subject import number, text
from nacd.server.people.surroundings import Book
from nacd.session.macs.machines import Machine
from nacd.session.overrides import InForce, Orders, Override
from nacd.session.table import NoSession, is_same_decision
from nacd.sessions import Grounds, NotOurs, Session, Standing
from nacd.store.live.filters import Filter
from nacd.values import (
    Assurance,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Endpoint,
    Identity,
    IdentitySource,
    Instant,
    MacAddress,
)

AHEAD_S: Final = 7 * 86_400.0
"""How far ahead it is looked for a time at which something changes."""
_MOST_TURNS: Final = 20
_MOST_SESSIONS: Final = 20
_MOST_ID: Final = 2**63 - 1
_LATEST_S: Final = 253_370_764_800.0
_STATES: Final = tuple(state for state in ComplianceState if state is not ComplianceState.NOT_ASKED)


class Verdicts(Protocol):
    """What is known of devices, as in ``sessions.known``."""

    def find(self, tenant: str, key: str, now: Instant) -> Compliance | None:
        """The newest verdict in memory; None: there is none."""

    async def recall(self, tenant: str, key: str) -> None:
        """Have what lies on disk in memory, unless there is something newer."""


class Deciding(Protocol):
    """Who decides about sessions, as in ``sessions.loop.deciding``."""

    @property
    def policy(self) -> Policy:
        """That decides now."""

    @property
    def policy_counts(self) -> bool:
        """Whether a session is changed for that alone."""

    def would(self, session: Session, compliance: Compliance, order: InForce, at: float) -> Reassessed | NotOurs:
        """What it would come to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """What is looked at. tenants: names of all of them."""

    book: Book
    deciding: Deciding
    verdicts: Verdicts
    orders: Orders
    tenants: Sequence[str]
    clock: Callable[[], Instant]


def commands(insight: Insight) -> Mapping[str, Command]:
    """By name, for the control socket."""

    async def session(asked: Asked) -> Any:
        id = number(asked.fields, "id", 1, _MOST_ID, 0)
        found = await insight.book.read(lambda store: store.session(id))
        if isinstance(found, NoSession):
            raise NotDone(f"there is no session {id}: `nacd sessions list --all` shows those that there were")
        return await _session(insight, found, _at(asked, insight))

    async def mac(asked: Asked) -> Any:
        named = parse(text(asked.fields, "mac"))
        if not isinstance(named, MacAddress):
            raise OrderRefused(f"`{text(asked.fields, 'mac')[:60]}` is no mac")
        at = _at(asked, insight)
        wanted = Filter(mac=named.text, open=True)
        found = await insight.book.read(lambda store: store.find(wanted, _MOST_SESSIONS, 0))
        return await _mac(insight, named, found, at)

    return {
        "explain.session": Command(role=Role.READ, work=session),
        "explain.mac": Command(role=Role.READ, work=mac),
    }


def _at(asked: Asked, insight: Insight) -> float:
    at = asked.fields.get("at", 0)
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 <= at < _LATEST_S:
        raise OrderRefused("`at` is a moment, in seconds since 1970")
    return float(at) or insight.clock().wall


# -- a session --------------------------------------------------------------------------------


async def _session(insight: Insight, session: Session, at: float) -> dict[str, Any]:
    policy = insight.deciding.policy
    told: dict[str, Any] = {
        **shown.row(session),
        "full": shown.plain(session),
        "explained_for": at,
        "policy": {"digest": policy.digest, "counts": insight.deciding.policy_counts},
    }
    grounds = session.grounds
    if not isinstance(grounds, Grounds) or not isinstance(session.standing, Standing):
        return told | {"verdict": None, "override": None, "now": None, "rules": [], "by_compliance": [], "turns": []}
    known = await _verdict(insight, session, grounds)
    order = _order(insight, grounds, at)
    facts = admit.facts(grounds, known, at, _inventory(insight, grounds, at))
    await asyncio.sleep(0)  # logins wait for none of this: ten thousand rules take a while
    trials = explain(policy, facts)
    await asyncio.sleep(0)
    return told | {
        "verdict": shown.plain(known) if known.state not in NO_VERDICT else None,
        "override": shown.override(order, at) if isinstance(order, Override) else None,
        "now": _decided(session.standing, insight.deciding.would(session, known, order, at)),
        "rules": [
            {"number": at, "rule": each.rule, "result": "matches" if each.matched else "no", "detail": each.detail}
            for at, each in enumerate(trials, 1)
        ],
        "by_compliance": list(_by_compliance(insight, session, grounds, known, at)),
        "turns": list(_turns(insight, session, grounds, known, at)),
    }


async def _verdict(insight: Insight, session: Session, grounds: Grounds) -> Compliance:
    """The newest there is, else the one that it lives under."""
    if grounds.key:
        await insight.verdicts.recall(grounds.tenant, grounds.key)
        found = insight.verdicts.find(grounds.tenant, grounds.key, insight.clock())
        if found is not None:
            return found
    known = baseline(session)
    assert isinstance(known, Compliance)  # noqa: S101  it has a standing
    return known


def _order(insight: Insight, grounds: Grounds, at: float) -> InForce:
    return insight.orders.in_force(grounds.identity, grounds.mac, grounds.tenant, at)


def _inventory(insight: Insight, grounds: Grounds, at: float) -> tuple[str, ...]:
    return insight.orders.inventory.words(grounds.mac, at)


def _decided(standing: Standing, made: Reassessed | NotOurs) -> dict[str, Any] | None:
    if isinstance(made, NotOurs):
        return None
    wanted = made.wanted
    return {
        **_short(wanted),
        "reasons": list(made.reasons),
        "down": made.down,
        "same": is_same_decision(standing, wanted),
        "above_policy": is_ordered(wanted) or wanted.rule == EXPIRED,
    }


def _short(wanted: Standing) -> dict[str, Any]:
    return {"effect": wanted.effect.value, "rule": wanted.rule, "profile": wanted.profile}


def _by_compliance(
    insight: Insight, session: Session, grounds: Grounds, known: Compliance, at: float
) -> Iterator[dict[str, Any]]:
    """What it would be under each verdict, where that makes a difference."""
    if not grounds.key:
        return
    rows = []
    for state in _STATES:
        source = ComplianceSource.NONE if state in NO_VERDICT else ComplianceSource.LIVE
        assumed = replace(known, state=state, as_of=at, source=source, detail="assumed")
        made = insight.deciding.would(session, assumed, _order(insight, grounds, at), at)
        if isinstance(made, Reassessed):
            rows.append({"compliance": state.value, **_short(made.wanted)})
    if len({(row["effect"], row["rule"], row["profile"]) for row in rows}) > 1:
        yield from rows


def _turns(
    insight: Insight, session: Session, grounds: Grounds, known: Compliance, at: float
) -> Iterator[dict[str, Any]]:
    """The moments of the week to come at which something else is decided, if nothing but time changes."""
    facts = admit.facts(grounds, known, at, _inventory(insight, grounds, at))
    ahead = set(moments(insight.deciding.policy, facts, at + AHEAD_S))
    order = _order(insight, grounds, at)
    if isinstance(order, Override) and at < order.until < at + AHEAD_S:
        ahead.add(order.until)
    entry = insight.orders.inventory.find(grounds.mac)
    if entry is not None and at < entry.until < at + AHEAD_S:
        ahead.add(entry.until)
    before, said = _at_moment(insight, session, grounds, known, at), 0
    for moment in sorted(ahead):
        made = _at_moment(insight, session, grounds, known, moment)
        if made is None or before is None or _short(made.wanted) == _short(before.wanted):
            continue
        before, said = made, said + 1
        yield {"at": moment, **_short(made.wanted), "why": "; ".join(made.reasons)}
        if said >= _MOST_TURNS:
            return


def _at_moment(insight: Insight, session: Session, grounds: Grounds, known: Compliance, at: float) -> Reassessed | None:
    made = insight.deciding.would(session, known, _order(insight, grounds, at), at)
    return made if isinstance(made, Reassessed) else None


# -- a mac ------------------------------------------------------------------------------------


async def _mac(insight: Insight, mac: MacAddress, sessions: Sequence[Session], at: float) -> dict[str, Any]:
    machine = insight.orders.machines.of(mac.text)
    whom = _whom(sessions, mac, machine, insight.tenants)
    orders = (insight.orders.in_force(identity, mac.text, tenant, at) for identity, tenant in whom)
    found = {each.id: each for each in orders if isinstance(each, Override)}
    entry = insight.orders.inventory.find(mac.text)
    return {
        "mac": mac.text,
        "machine": _shown_machine(machine) if machine is not None else None,
        "verdicts": await _verdicts(insight, whom),
        "overrides": [shown.override(each, at) for each in found.values()],
        "inventory": {**shown.plain(entry), "in_force": entry.is_in_force(at)} if entry is not None else None,
        "sessions": [await _session(insight, each, at) for each in sessions],
    }


def _whom(
    sessions: Sequence[Session], mac: MacAddress, machine: Machine | None, tenants: Sequence[str]
) -> list[tuple[Identity, str]]:
    """Whoever may stand behind the MAC: it alone, the machine that was seen with it, those of its sessions; whose."""
    alone = Endpoint(mac=mac, source=IdentitySource.MAC, assurance=Assurance.MAC)
    found: list[tuple[Identity, str]] = [(alone, tenant) for tenant in tenants or ("",)]
    if machine is not None:
        found.append((machine.device, machine.tenant))
    for each in sessions:
        if isinstance(each.grounds, Grounds):
            found.append((each.grounds.identity, each.grounds.tenant))
    return found


def _shown_machine(machine: Machine) -> dict[str, Any]:
    device = machine.device.id
    return {
        "device": str(device),
        "guid": device.guid,
        "register": device.kind.value,
        "tenant": machine.tenant,
        "at": machine.at,
    }


async def _verdicts(insight: Insight, whom: Sequence[tuple[Identity, str]]) -> list[dict[str, Any]]:
    """The newest of each, as far as there is one."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for identity, tenant in whom:
        asked = question(identity, tenant=tenant, knows_entra=True)
        if not isinstance(asked, Question) or (tenant, asked.key) in found:
            continue
        await insight.verdicts.recall(tenant, asked.key)
        known = insight.verdicts.find(tenant, asked.key, insight.clock())
        if known is not None:
            found[tenant, asked.key] = {"tenant": tenant, "key": asked.key, **shown.plain(known)}
    return list(found.values())
