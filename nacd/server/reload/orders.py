"""``nacd reload``: what people may order about configurations, and what other orders have to know of the one in force.

Knows: what such an order must say. Refuses to know: how a configuration is loaded (``reloader``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar

from nacd.config.fields import duration
from nacd.server.people.command import Asked, Command, NotDone, OrderRefused
from nacd.server.people.roles import Role
from nacd.server.people.subject import text
from nacd.server.reload.canary.judging import Limits
from nacd.server.reload.canary.trial import Wish
from nacd.server.reload.preparing import Prepared
from nacd.server.reload.reloader import Faulty, Refused, Reloader
from nacd.session.overrides import OverrideEffect

T = TypeVar("T")
_WITHIN_S: Final = 600.0
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=1)
_MOST_SAMPLE: Final = 1_000_000


def commands(reloader: Reloader) -> Mapping[str, Command]:
    """By name, for the control socket."""

    async def reload(asked: Asked) -> Any:
        wish = _wish(asked.fields)
        try:
            prepared = await _whole(reloader.reload(str(asked.by), wish))
        except Faulty as faulty:
            asked.outcome = ""  # it has a record of its own
            return {"loaded": False, "problems": list(faulty.lines), "why": str(faulty)}
        except Refused as refused:
            raise NotDone(str(refused)) from None
        asked.outcome = ""
        return {"loaded": True, **_told(prepared), **_tried(reloader, wish)}

    async def promote(asked: Asked) -> Any:
        try:
            trial = await _whole(reloader.promote(str(asked.by)))
        except Refused as refused:
            raise NotDone(str(refused)) from None
        asked.outcome = ""
        return {"loaded": True, **_told(trial.prepared), "group": trial.wish.group}

    async def discard(asked: Asked) -> Any:
        try:
            trial = await _whole(reloader.discard(str(asked.by)))
        except Refused as refused:
            raise NotDone(str(refused)) from None
        asked.outcome = ""
        return {"group": trial.wish.group, "generation": trial.prepared.generation.number}

    async def status(_asked: Asked) -> Any:
        return reloader.status()

    return {
        "reload": Command(role=Role.CONFIG, work=reload, within_s=_WITHIN_S),
        "reload.promote": Command(role=Role.CONFIG, work=promote, within_s=_WITHIN_S),
        "reload.discard": Command(role=Role.CONFIG, work=discard, within_s=_WITHIN_S),
        "reload.status": Command(role=Role.READ, work=status),
    }


class Profiles:
    """The names of the profiles of the policy in force."""

    def __init__(self, reloader: Reloader) -> None:
        self._reloader = reloader

    def __contains__(self, name: object) -> bool:
        return name in self._now()

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> Mapping[str, object]:
        return self._reloader.in_force.current.assembled.loaded.profiles


class Defaults(Mapping[OverrideEffect, str]):
    """The profiles of overrides that name none, of the configuration in force."""

    def __init__(self, reloader: Reloader) -> None:
        self._reloader = reloader

    def __getitem__(self, effect: OverrideEffect) -> str:
        return self._now()[effect]

    def __iter__(self) -> Iterator[OverrideEffect]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> Mapping[OverrideEffect, str]:
        named = self._reloader.in_force.current.assembled.loaded.settings.sessions.overrides
        written = {OverrideEffect.QUARANTINE: named.quarantine, OverrideEffect.ALLOW: named.allow}
        return {effect: profile for effect, profile in written.items() if profile}


async def _whole(steps: Coroutine[Any, Any, T]) -> T:
    """To the end, whoever hangs up and however long it takes: it is done or not, and never half."""
    return await asyncio.shield(asyncio.ensure_future(steps))


def _told(prepared: Prepared) -> dict[str, Any]:
    generation = prepared.generation
    return {
        "generation": generation.number,
        "policy_digest": generation.policy_digest,
        "changes": list(prepared.changes),
        "notes": prepared.notes,
    }


def _tried(reloader: Reloader, wish: Wish | None) -> dict[str, Any]:
    if wish is None or reloader.trial is None:
        return {}
    return {"group": wish.group, "until": reloader.trial.until, "before": dict(reloader.trial.before)}


def _wish(said: Mapping[str, Any]) -> Wish | None:
    group = text(said, "group")
    if not group:
        return None
    sample = said.get("min_sample", 20)
    if not isinstance(sample, int) or isinstance(sample, bool) or not 1 <= sample <= _MOST_SAMPLE:
        raise OrderRefused(f"`min_sample` is a number of answers from 1 to {_MOST_SAMPLE}")
    limits = Limits(max_change=_share(text(said, "max_change") or "20%"), min_sample=sample)
    return Wish(group=group, for_s=_span(text(said, "for")), limits=limits)


def _span(written: str) -> float:
    try:
        lasts = duration(written)
    except ValueError:
        raise OrderRefused(f"`{written[:60]}` is no length of time: say how long to try it, as in `10m`") from None
    if not _SHORTEST <= lasts <= _LONGEST:
        raise OrderRefused("a configuration is tried out for a minute at least, and for a day at most")
    return lasts.total_seconds()


def _share(written: str) -> float:
    try:
        percent = float(written.removesuffix("%"))
    except ValueError:
        percent = 0.0
    if not 0.0 < percent <= 100.0:
        raise OrderRefused(f"`{written[:60]}` is no share: `max_change` is in percentage points, as in `20%`")
    return percent / 100.0
