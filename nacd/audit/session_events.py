"""Builders: one function for each audit event of a session, of the guard and of people's orders.

Knows: what each record says and its one sentence of why. Refuses to know: the clock (``now`` is given), when such an
event happens, how records become lines.

Every step of a change is written by itself: nothing here has a repeat key. Times that are no durations are seconds
since the epoch, 0.0 where nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from nacd.audit import blocks, session_blocks
from nacd.audit.blocks import Block, timestamp
from nacd.audit.catalogue import EVENTS
from nacd.audit.session_blocks import Ordered, access, lasting, moment, whom
from nacd.sessions import Meaning, NotOurs, Outcome, Phase, Session, Standing
from nacd.values import Attribute, AuditEvent, Instant

_PACKETS: Final = {"coa": "CoA-Request", "disconnect": "Disconnect-Request"}
_REFUSALS: Final = {
    Meaning.GONE: "it has no such session",
    Meaning.NEXT_VERB: "it cannot do this",
    Meaning.NARROW: "several of its sessions fit, so this one has to be named more exactly",
    Meaning.LATER: "it may be asked again later",
    Meaning.CONFIGURATION: "the request is wrong for it, so a person has to look",
    Meaning.ALARM: "it may not, or somebody in between refuses, so a person has to look",
}


# -- one session ----------------------------------------------------------------------------------


def change_wanted(
    *, session: Session, wanted: Standing, trigger: str, reasons: Iterable[str], now: Instant
) -> AuditEvent:
    """``session.change_wanted``: a live session was decided upon anew, and the decision is another one.

    session: as it stands under the old one. trigger: the stable word of what led to it. reasons: of the new decision.
    """
    told = list(reasons)
    why = (
        f"{whom(session)}: {access(session.standing)} is to become {access(wanted)}, by rule `{wanted.rule}`"
        f" ({'; '.join(told)}); verdict: {session_blocks.verdict(wanted.compliance, now)}; trigger: {trigger}"
    )
    return _change("A4001I", why, session, wanted, {"change": {"trigger": trigger, "reasons": [*told]}}, now)


def held(*, session: Session, why: str, until: float, now: Instant) -> AuditEvent:
    """``session.held``: nothing is asked of the NAS for now. until: when it is looked at again at the latest."""
    wanted = session_blocks.wanted(session)
    end = f", until {timestamp(until)} at the latest" if until else ""
    sentence = f"{whom(session)}: {_to(session, wanted)} is held back{end}: {why}"
    return _change("A4002W", sentence, session, wanted, {"held": {"why": why, "until": moment(until)}}, now)


def asked(
    *,
    session: Session,
    verb: str,
    request: str,
    host: str,
    port: int,
    shown: tuple[Attribute, ...],
    step: int,
    tries: int,
    now: Instant,
) -> AuditEvent:
    """``session.asked``: written right before the request leaves. request: ``coa`` or ``disconnect``.

    shown: its attributes. step: rung of the ladder, from 0. tries: of this rung, with this one.
    """
    wanted = session_blocks.wanted(session)
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    again = f", try {tries}" if tries > 1 else ""
    purpose = "by hand" if isinstance(wanted, NotOurs) else f"for {_to(session, wanted)}"
    why = f"{whom(session)}: {_PACKETS.get(request, request)} `{verb}` to {place} {purpose} (rung {step}{again})"
    fields: Block = {
        "verb": verb,
        "request": request,
        "host": host,
        "port": port,
        "step": step,
        "tries": tries,
        "attributes": blocks.attributes(shown),
    }
    return _change("A4003I", why, session, wanted, {"asked": fields}, now)


def answered(*, session: Session, verb: str, outcome: Outcome, now: Instant) -> AuditEvent:
    """``session.answered``: what the NAS said to it, or that nothing came."""
    fields: Block = {
        "asked": {"verb": verb},
        "answer": {
            "meaning": outcome.meaning,
            "error_cause": outcome.error_cause,
            "detail": outcome.detail,
            "tries": outcome.tries,
            "took_s": round(outcome.took_s, 6),
        },
    }
    why = f"{whom(session)}: {_answer(verb, outcome)}"
    return _change("A4004I", why, session, session_blocks.wanted(session), fields, now)


def converged(*, session: Session, wanted: Standing, how: str, took_s: float, now: Instant) -> AuditEvent:
    """``session.converged``: it is proved, or there is nothing left to change.

    how: by what. took_s: since the decision, seconds.
    """
    over = session.phase is Phase.ENDED
    what = f"the change to {access(wanted)} has ended" if over else f"{access(wanted)} has come about"
    why = f"{whom(session)}: {what}, {lasting(took_s)} after it was wanted: {how}"
    fields: Block = {"converged": {"how": how, "took_s": round(took_s, 6)}}
    return _change("A4005I", why, session, wanted, fields, now)


def alarm(*, session: Session, text: str, now: Instant) -> AuditEvent:
    """``session.alarm``. text: what a person has to look at."""
    wanted = session_blocks.wanted(session)
    why = f"{whom(session)}: {_to(session, wanted)} has not come about: {text}"
    return _change("A4006W", why, session, wanted, {"alarm": {"text": text}}, now)


def ended(*, session: Session, cause: str, now: Instant) -> AuditEvent:
    """``session.ended``: aged out, or gone by other word than accounting. cause: in words."""
    why = f"{whom(session)}: nacd counts its session no more: {cause}"
    return _event("A4007I", why, {**session_blocks.session(session, now), "ended": {"cause": cause}}, now)


def withdrawn(*, session: Session, wanted: Standing, cause: str, after_s: float, now: Instant) -> AuditEvent:
    """``session.withdrawn``: what was wanted is wanted no more, and nobody says that it ever came about.

    wanted: what that was. cause: in words. after_s: since the decision, seconds.
    """
    change = f"the change from {access(session.standing)} to {access(wanted)}"
    why = f"{whom(session)}: {change} is not wanted any more, {lasting(after_s)} after it was: {cause}"
    fields: Block = {"withdrawn": {"cause": cause, "after_s": round(after_s, 6)}}
    return _change("A4008I", why, session, wanted, fields, now)


# -- the guard --------------------------------------------------------------------------------------


def guard_held(*, direction: str, held: int, limit: int, until: float, now: Instant) -> AuditEvent:
    """``guard.held``. direction: ``down`` or ``up``. held: sessions that wait. limit: how many might change."""
    end = f"until {timestamp(until)}" if until else "until a person decides"
    why = (
        f"{_changes(held, direction)}: held {end}, since {limit} may happen at once: see `nacd coa status`, then"
        " `nacd coa release` or `nacd coa discard`"
    )
    fields: Block = {"direction": direction, "held": held, "limit": limit, "until": moment(until)}
    return _event("A4010W", why, {"guard": fields}, now)


def guard_released(*, direction: str, count: int, by: str, now: Instant) -> AuditEvent:
    """``guard.released``. direction: ``""`` for both. by: ``""`` when the hold ended by itself."""
    ended = "the hold ran out, which lets go" if count else "the hold is over, since nothing waits any more:"
    who = f"`{by}` let go" if by else ended
    return _guard("A4011I", who, direction, count, by, now)


def guard_discarded(*, direction: str, count: int, by: str, now: Instant) -> AuditEvent:
    """``guard.discarded``. direction: ``""`` for both."""
    return _guard("A4012I", f"`{by}` discarded", direction, count, by, now)


# -- people -----------------------------------------------------------------------------------------


def override_put(*, override: Ordered, now: Instant) -> AuditEvent:
    """``override.put``: in force from now on."""
    end = f"until {timestamp(override.until)}" if override.until else "until it is lifted"
    gives = f", profile `{override.profile}`" if override.profile else ""
    why = f"`{override.by}` orders {_named(override)}{gives}, {end}: {override.reason}"
    return _event("A4020I", why, {"override": session_blocks.override(override), "by": override.by}, now)


def override_lifted(*, override: Ordered, now: Instant) -> AuditEvent:
    """``override.lifted``, by ``lifted_by``."""
    why = f"`{override.lifted_by}` lifts {_named(override)}, which `{override.by}` ordered: {override.reason}"
    return _event("A4021I", why, {"override": session_blocks.override(override), "by": override.lifted_by}, now)


def order_given(*, order: str, by: str, subject: str, outcome: str, now: Instant) -> AuditEvent:
    """``order.given``. order: as on the command line. subject: what it is about. outcome: what came of it, in words."""
    why = f"`{by}` ordered `{order}`" + (f" for `{subject}`" if subject else "") + (f": {outcome}" if outcome else "")
    return _event("A4022I", why, {"order": {"name": order, "subject": subject, "outcome": outcome}, "by": by}, now)


# -- parts ------------------------------------------------------------------------------------------


def _change(
    code: str, why: str, session: Session, wanted: Standing | NotOurs, fields: Block, now: Instant
) -> AuditEvent:
    told: Block = {
        **session_blocks.session(session, now),
        "wanted": session_blocks.standing(wanted, now),
        **fields,
    }
    return _event(code, why, told, now)


def _event(code: str, why: str, fields: Block, now: Instant) -> AuditEvent:
    head: Block = {"code": code, "time": timestamp(now.wall), "event": EVENTS[code].name, "why": why}
    return AuditEvent(code=code, fields={**head, **fields})


def _guard(code: str, what: str, direction: str, count: int, by: str, now: Instant) -> AuditEvent:
    fields: Block = {"guard": {"direction": direction, "held": count}, "by": by}
    return _event(code, f"{what} {_changes(count, direction)}", fields, now)


def _changes(count: int, direction: str) -> str:
    """How many of which kind."""
    changes = "1 change" if count == 1 else f"{count} changes"
    kind = {"down": "of sessions that lose access", "up": "of sessions that gain access"}.get(direction, "of sessions")
    return f"{changes} {kind}"


def _to(session: Session, wanted: Standing | NotOurs) -> str:
    """What is to change. By hand a verb can be asked although nothing is wanted."""
    if isinstance(wanted, NotOurs):
        return "what was asked by hand"
    return f"the change from {access(session.standing)} to {access(wanted)}"


def _answer(verb: str, outcome: Outcome) -> str:
    number = f" (Error-Cause {outcome.error_cause})" if outcome.error_cause else ""
    if not outcome.tries:
        return f"`{verb}` was not sent: {outcome.detail}"
    if outcome.meaning is Meaning.UNANSWERED:
        return f"`{verb}` has no answer: {outcome.detail}"
    pace = f"after {lasting(outcome.took_s)}" + (f" and {outcome.tries} transmissions" if outcome.tries > 1 else "")
    if outcome.meaning is Meaning.ACKNOWLEDGED:
        said = f": `{outcome.detail}`{number}" if outcome.detail or number else ""
        return f"its NAS acknowledged `{verb}` {pace}{said}"
    return f"its NAS answered `{verb}` with `{outcome.detail}`{number} {pace}: {_REFUSALS[outcome.meaning]}"


def _named(override: Ordered) -> str:
    tenant = f" of tenant `{override.tenant}`" if override.tenant else ""
    return f"`{override.effect}` for {override.subject_kind} `{override.subject}`{tenant} (override {override.id})"
