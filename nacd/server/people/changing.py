"""``nacd coa`` and ``nacd reassess``: a person wants a session changed, or decided again.

Knows: which sessions an order is about, and how its progress is told. Refuses to know: how a NAS is asked, and what is
decided.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from nacd.compliance.question import Question, of_key
from nacd.server.people import shown
from nacd.server.people.command import Asked, Command, OrderRefused
from nacd.server.people.roles import Role
from nacd.server.people.subject import sessions_of, subject, tenant, text
from nacd.server.people.surroundings import Surroundings
from nacd.sessions import Grounds, Meaning, Outcome, Session, Verb
from nacd.values import Compliance, ComplianceState

_LONG_S: Final = 900.0
"""A NAS that does not answer is asked for half a minute, and a device may have many sessions."""
_REFRESH_S: Final = 20.0
_AT_ONCE: Final = 16
_DIRECTIONS: Final = ("", "down", "up")
_BY_HAND: Final = (Verb.REAUTHENTICATE, Verb.DISCONNECT, Verb.BOUNCE)


def commands(around: Surroundings) -> Mapping[str, Command]:
    """By name, for the control socket."""

    async def status(asked: Asked) -> Any:
        del asked
        counts = await around.book.read(lambda store: store.counts())
        now = around.clock()
        found = shown.plain(around.loop.status(now))
        for guard in found["guards"].values():
            until = guard.pop("holding_until")  # on a clock that only the daemon has
            guard["holding_left_s"] = max(0.0, until - now.monotonic) if until else 0.0
        return {**found, "sessions": dict(counts), "damaged_overrides": list(around.store.damaged_overrides)}

    async def release(asked: Asked) -> Any:
        count = around.loop.release(_direction(asked), str(asked.by))
        asked.outcome = f"{count} let go"
        return {"released": count}

    async def discard(asked: Asked) -> Any:
        count = around.loop.discard(_direction(asked), str(asked.by))
        asked.outcome = f"{count} discarded"
        return {"discarded": count}

    return {
        **{f"coa.{verb}": _by_hand(around, verb) for verb in _BY_HAND},
        "coa.status": Command(role=Role.READ, work=status),
        "coa.release": Command(role=Role.COA, work=release),
        "coa.discard": Command(role=Role.COA, work=discard),
        "reassess": _reassess(around),
    }


def _by_hand(around: Surroundings, verb: Verb) -> Command:
    async def work(asked: Asked) -> Any:
        sessions = await sessions_of(around.book, subject(asked.fields), tenant(asked.fields, around.site))
        turns = asyncio.Semaphore(_AT_ONCE)
        told: list[dict[str, Any]] = []

        async def one(session: Session) -> None:
            async with turns:
                outcome = await around.loop.by_hand(session, verb, str(asked.by))
            told.append({**_outcome(verb, outcome), **_which(session)})
            await asked.progress({**told[-1], "number": len(told), "of": len(sessions)})

        await asyncio.gather(*(one(session) for session in sessions))
        asked.outcome = _summed_up(told)
        return {"asked": sorted(told, key=lambda each: int(each["session"]))}

    return Command(role=Role.COA, work=work, within_s=_LONG_S)


def _reassess(around: Surroundings) -> Command:
    async def work(asked: Asked) -> Any:
        sessions = await sessions_of(around.book, subject(asked.fields), tenant(asked.fields, around.site))
        questions = _questions(around, sessions)
        for question in questions:
            await asked.progress({"asking": question.key, "tenant": question.tenant})
        known = await asyncio.gather(
            *(around.site.tenants[each.tenant].refresh(each, _REFRESH_S) for each in questions)
        )
        await asked.progress({"deciding": len(sessions)})
        told = await around.loop.reassess(sessions, "admin")
        silent = sum(1 for each in known if each.state is ComplianceState.UNAVAILABLE)
        asked.outcome = f"{len(told)} sessions decided again" + (
            f", {silent} devices without an answer" if silent else ""
        )
        return {
            "known": [
                {"tenant": q.tenant, "key": q.key, **_known(each)} for q, each in zip(questions, known, strict=True)
            ],
            "sessions": [{"session": id, "words": words} for id, words in told],
        }

    return Command(role=Role.COA, work=work, within_s=_LONG_S)


def _questions(around: Surroundings, sessions: Sequence[Session]) -> tuple[Question, ...]:
    """What Intune can be asked about the devices of these sessions, each once."""
    about = {(each.grounds.tenant, each.grounds.key): None for each in sessions if isinstance(each.grounds, Grounds)}
    asked = (of_key(tenant, key) for tenant, key in about if key and tenant in around.site.tenants)
    return tuple(question for question in asked if isinstance(question, Question))


def _direction(asked: Asked) -> str:
    direction = text(asked.fields, "direction")
    if direction not in _DIRECTIONS:
        raise OrderRefused(f"`{direction}` is neither `down` nor `up`")
    return direction


def _which(session: Session) -> dict[str, Any]:
    found = shown.row(session)
    return {"session": session.id, **{name: found[name] for name in ("nas", "port", "mac", "user")}}


def _outcome(verb: Verb, outcome: Outcome) -> dict[str, Any]:
    """done: the NAS says that it does it, or that there is nothing left to end."""
    is_over = verb is Verb.DISCONNECT and outcome.meaning is Meaning.GONE
    return {**shown.plain(outcome), "done": is_over or outcome.meaning is Meaning.ACKNOWLEDGED}


def _summed_up(told: Sequence[Mapping[str, Any]]) -> str:
    counted = Counter(str(each["meaning"]) for each in told)
    return ", ".join(f"{count} {meaning}" for meaning, count in counted.most_common())


def _known(compliance: Compliance) -> dict[str, Any]:
    return {
        "state": compliance.state.value,
        "source": compliance.source.value,
        "as_of": compliance.as_of,
        "detail": compliance.detail,
    }
