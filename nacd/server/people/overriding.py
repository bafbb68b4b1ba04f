"""``nacd quarantine | block | allow`` and ``nacd overrides``: a person's word above the policy.

Knows: what such an order must say, and in which order it takes effect: disk, memory, live sessions. Refuses to know:
what it does to a session.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from nacd.audit import session_events
from nacd.config.fields import duration
from nacd.server.people import shown
from nacd.server.people.command import Asked, Command, NotDone, OrderRefused
from nacd.server.people.roles import Role
from nacd.server.people.subject import machine, number, tenant, text
from nacd.server.people.surroundings import Surroundings
from nacd.server.sessions import reach
from nacd.session.overrides import Override, OverrideEffect, SubjectKind
from nacd.sessions import Session
from nacd.store.live.overrides import Kept, NotKept
from nacd.store.sessions import SessionStore
from nacd.values import DeviceId, DeviceIdKind, Instant

_LONGEST_END: Final = timedelta(days=3_660)
_MOST_SHOWN: Final = 1_000
_MOST_LIVE: Final = 100
_MOST_ID: Final = 2**63 - 1


def commands(around: Surroundings) -> Mapping[str, Command]:
    """By name, for the control socket."""

    async def put(asked: Asked) -> Any:
        wanted = _wanted(around, asked)
        kept = _must(await _whole(_put(around, wanted)))
        asked.outcome = ""  # it has a record of its own
        live = await around.book.read(lambda store: [each.id for each in _decided(store, kept)[:_MOST_LIVE]])
        macs = around.index.covered(kept)
        told = {"override": shown.override(kept, kept.at), "sessions": live, "others": _others(around, kept)}
        return {**told, "macs": list(macs)}

    async def lift(asked: Asked) -> Any:
        _was_read(around)
        id = number(asked.fields, "id", 1, _MOST_ID, 0)
        kept = _must(await _whole(_lift(around, id, str(asked.by))))
        asked.outcome = ""
        return {"override": shown.override(kept, around.clock().wall), "others": _others(around, kept)}

    async def listed(asked: Asked) -> Any:
        _was_read(around)
        now = around.clock().wall
        if asked.fields.get("all") is not True:
            known = (each for each in around.store.overrides() if each.is_in_force(now))
            return {"overrides": [shown.override(each, now) for each in known], "next": 0}
        limit = number(asked.fields, "limit", 1, _MOST_SHOWN, 100)
        after = number(asked.fields, "after", 0, _MOST_ID, 0)
        found = await around.book.read(lambda store: store.all_overrides(limit, after))
        return {
            "overrides": [shown.override(each, now) for each in found],
            "next": found[-1].id if len(found) == limit else 0,
        }

    return {
        "override.put": Command(role=Role.COA, work=put),
        "override.lift": Command(role=Role.COA, work=lift),
        "override.list": Command(role=Role.READ, work=listed),
    }


def _was_read(around: Surroundings) -> None:
    """Raises NotDone if nobody knows what was ordered."""
    if not around.store.has_been_read:
        raise NotDone(around.store.problem or "the orders are being read: ask again in a moment")


# -- one step after the other -----------------------------------------------------------------


async def _put(around: Surroundings, wanted: Override) -> Kept:
    kept: Kept = await around.in_thread(lambda: around.store.put_override(wanted))
    if isinstance(kept, Override):
        now = around.clock()
        around.index.put(kept)
        around.record(session_events.override_put(override=kept, now=now))
        around.loop.overridden(kept)
    return kept


async def _lift(around: Surroundings, id: int, by: str) -> Kept:
    now = around.clock()
    kept: Kept = await around.in_thread(lambda: around.store.lift_override(id, now.wall, by))
    if isinstance(kept, NotKept):
        return kept
    around.index.put(kept)
    if (kept.lifted_at, kept.lifted_by) != (now.wall, by):
        return NotKept(why=f"override {id} was lifted before, by `{kept.lifted_by}`")
    around.record(session_events.override_lifted(override=kept, now=now))
    around.loop.overridden(kept)
    return kept


async def _whole(steps: Any) -> Kept:
    """To the end, whoever hangs up and however long it takes: what is on the disk must be in force."""
    kept: Kept = await asyncio.shield(asyncio.ensure_future(steps))
    return kept


def _others(around: Surroundings, kept: Override) -> list[dict[str, Any]]:
    """What else is in force about the same device or MAC, the one that counts first."""
    now = around.clock().wall
    about = (kept.subject_kind, kept.subject)
    known = [each for each in around.store.overrides() if (each.subject_kind, each.subject) == about]
    found = [each for each in known if each.id != kept.id and each.is_in_force(now)]
    return [shown.override(each, now) for each in sorted(found, key=lambda each: each.id, reverse=True)]


def _must(kept: Kept) -> Override:
    if isinstance(kept, NotKept):
        raise NotDone(kept.why)
    return kept


# -- what was ordered -------------------------------------------------------------------------


def _wanted(around: Surroundings, asked: Asked) -> Override:
    said, now = asked.fields, around.clock()
    written = text(said, "effect")
    if written not in list(OverrideEffect):
        raise OrderRefused(f"`{written}` is none of {', '.join(OverrideEffect)}")
    effect = OverrideEffect(written)
    if effect is OverrideEffect.ALLOW:
        asked.needs(Role.CONFIG)
    about = machine(text(said, "subject"))
    if isinstance(about, DeviceId) and about.kind is DeviceIdKind.ENTRA:
        raise OrderRefused("an override is about an intune device id or a mac, not about an entra device id")
    reason = text(said, "reason")
    if not reason:
        raise OrderRefused("say why: `reason` is for whoever reads this later")
    try:
        return Override(
            id=0,
            subject_kind=SubjectKind.DEVICE if isinstance(about, DeviceId) else SubjectKind.MAC,
            subject=about.guid if isinstance(about, DeviceId) else about.text,
            tenant=tenant(said, around.site),
            effect=effect,
            profile=_profile(around, effect, text(said, "profile")),
            reason=reason,
            by=str(asked.by),
            at=now.wall,
            until=end_of(text(said, "until"), now),
        )
    except ValueError as error:
        raise OrderRefused(str(error)) from None


def _profile(around: Surroundings, effect: OverrideEffect, named: str) -> str:
    site = around.site
    if effect is OverrideEffect.BLOCK:
        if named:
            raise OrderRefused("`block` gives no access, so it has no profile")
        return ""
    profile = named or site.defaults.get(effect, "")
    known = ", ".join(sorted(site.profiles)) or "none"
    if not profile:
        raise OrderRefused(
            f"name a profile, or set `sessions.overrides.{effect}` in the configuration; the policy has: {known}"
        )
    if profile not in site.profiles:
        raise OrderRefused(f"the policy has no profile `{profile}`; it has: {known}")
    return profile


def end_of(written: str, now: Instant) -> float:
    """When an override ends, seconds since the epoch; 0.0 for no end. Raises OrderRefused.

    written: a duration (``4h``), or a time in ISO 8601 with its zone: what the command line makes of ``18:00``.
    """
    if not written:
        return 0.0
    end = next(_ends(written, now), None)
    if end is None:
        raise OrderRefused(
            f"`{written[:60]}` is neither a duration (`4h`, `2d`) nor a time (`18:00`, `2026-11-23 06:00`,"
            " `2026-11-23T06:00+01:00`)"
        )
    if end <= now.wall:
        here = datetime.fromtimestamp(now.wall, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        raise OrderRefused(f"`{written[:60]}` is over already: it is {here} now")
    if end > now.wall + _LONGEST_END.total_seconds():
        raise OrderRefused("an override ends within ten years")
    return end


def _ends(written: str, now: Instant) -> Iterator[float]:
    with contextlib.suppress(ValueError):  # a time, then
        yield now.wall + duration(written).total_seconds()
    try:
        at = datetime.fromisoformat(written)
        if at.tzinfo is not None:
            yield at.timestamp()
    except (ValueError, OverflowError):
        return


def _decided(store: SessionStore, override: Override) -> list[Session]:
    """Those that it is about, which are decided now."""
    if override.subject_kind is SubjectKind.MAC:
        return reach.of_mac(store, override.subject, override.tenant)
    return reach.of_device(store, override.subject, tuple(DeviceIdKind), override.tenant)
