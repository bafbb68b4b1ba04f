"""What people on this machine may ask about lookups: ``nacd cache show | refresh | status``.

Knows: how a device is written, and what there is to see. Refuses to know: sockets (``control``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from nacd.compliance.cache import Entry
from nacd.compliance.question import NotAskable, Question, of_key
from nacd.identity.device_id import guid
from nacd.identity.mac import parse
from nacd.server.control import NotDone, Order, OrderRefused
from nacd.server.lookups.building import Asking
from nacd.server.lookups.lookup import Lookup
from nacd.values import Compliance, DeviceId, DeviceIdKind, Instant, MacAddress

_MOST_SHOWN = 1000


def orders(asking: Asking, clock: Callable[[], Instant]) -> Mapping[str, Order]:
    """By name, for the control socket."""

    async def show(wanted: Mapping[str, Any]) -> Any:
        device = wanted.get("device")
        if not isinstance(device, str) or not device:
            limit = wanted.get("limit", 100)
            if not isinstance(limit, int) or not 1 <= limit <= _MOST_SHOWN:
                raise OrderRefused(f"`limit` is a number from 1 to {_MOST_SHOWN}")
            return [
                {"tenant": name, **_entry(entry, clock())}
                for name, lookup in _chosen(asking, wanted)
                for entry in lookup.knowledge.cache.newest(limit, clock())
            ]
        found = []
        for name, lookup in _chosen(asking, wanted):
            question = _question(device, name)
            await lookup.knowledge.recall(question.key)
            entry = lookup.knowledge.cache.entry(question.key, clock())
            shown = _entry(entry, clock()) if isinstance(entry, Entry) else {"key": question.key, "known": False}
            found.append({"tenant": name, **shown})
        return found

    async def refresh(wanted: Mapping[str, Any]) -> Any:
        device = str(wanted.get("device") or "")

        async def one(name: str, lookup: Lookup) -> dict[str, Any]:
            question = _question(device, name)
            await lookup.knowledge.recall(question.key)
            answer = await lookup.refresh(question, 20.0)
            return {"tenant": name, "key": question.key, "answer": _shown(answer, clock())}

        return await asyncio.gather(*(one(name, lookup) for name, lookup in _chosen(asking, wanted)))

    async def status(wanted: Mapping[str, Any]) -> Any:
        if not asking.lookups.by_tenant:
            return {}
        return {name: _status(asking, name, lookup, clock()) for name, lookup in _chosen(asking, wanted)}

    return {"cache.show": show, "cache.refresh": refresh, "cache.status": status}


def _chosen(asking: Asking, wanted: Mapping[str, Any]) -> tuple[tuple[str, Lookup], ...]:
    if not asking.lookups.by_tenant:
        raise NotDone("no tenant is configured: nobody is asked about compliance")
    tenant = str(wanted.get("tenant") or "")
    chosen = tuple(item for item in asking.lookups.by_tenant.items() if tenant in ("", item[0]))
    if not chosen:
        raise OrderRefused(f"there is no tenant `{tenant}`; there are: {', '.join(asking.lookups.by_tenant)}")
    return chosen


def _question(device: str, tenant: str) -> Question:
    asked = of_key(tenant, _key(device))
    if isinstance(asked, NotAskable):
        raise OrderRefused(f"`{device[:60]}` is neither an intune device id, nor `entra:` and its id, nor a mac")
    return asked


def _key(device: str) -> str:
    """The key of the verdict of a device, as people write it; in their words if it is none."""
    register, _, rest = device.partition(":")
    if register.lower() == "entra" and rest:
        named = guid(rest, DeviceIdKind.ENTRA)
        if isinstance(named, DeviceId):
            return f"entra:{named.guid}"
    named = guid(device, DeviceIdKind.INTUNE)
    if isinstance(named, DeviceId):
        return f"guid:{named.guid}"
    mac = parse(device)
    return f"mac:{mac.hex12}" if isinstance(mac, MacAddress) else device


def _entry(seen: Entry, now: Instant) -> dict[str, Any]:
    lasts = {"fresh_for_s": seen.fresh_for_s, "gone_in_s": seen.gone_in_s}
    return {"key": seen.key, "known": True, **_shown(seen.compliance, now), **lasts}


def _shown(known: Compliance, now: Instant) -> dict[str, Any]:
    return {
        "state": known.state,
        "source": known.source,
        "provider": known.provider,
        "detail": known.detail,
        "as_of": known.as_of,
        "age_s": max(0.0, now.wall - known.as_of) if known.as_of else -1,
        "grace_until": known.grace_until,
        "device": asdict(known.device),
    }


def _status(asking: Asking, name: str, lookup: Lookup, now: Instant) -> dict[str, Any]:
    errands = lookup.errands
    devices, oldest_s = asking.live.counts(name, now)
    runs = {run.tenant: run for run in asking.bulk}
    return {
        "counts": {**asdict(lookup.counts), "from_disk": lookup.knowledge.recalled, "limited": dict(errands.limited)},
        "verdicts": len(lookup.knowledge.cache),
        "breaker": {"state": errands.breaker.state, "left_s": errands.breaker.left_s(now)},
        "budget": {"logins_per_s": errands.logins.rate, "polling_per_s": errands.polling.rate},
        "line": {
            "waiting": errands.waiting,
            "under_way": errands.under_way,
            "polls_waiting": errands.polls_waiting,
        },
        "live": {"devices": devices, "oldest_s": oldest_s},
        "too_slow": [str(slow) for slow in asking.live.too_slow(asking.lookups, now) if slow.tenant == name],
        "bulk": {**asdict(runs[name].window), "last": runs[name].last} if name in runs else {},
        "source": asdict(asking.sources[name].status()),
        "disk": {"problem": asking.store.problem},
    }
