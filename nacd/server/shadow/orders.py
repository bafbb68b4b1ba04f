"""``nacd shadow report`` and ``reset``, for the control socket.

Knows: how counts are laid out as JSON. Refuses to know: terminals, and how anything is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nacd.replay.candidate import Differs
from nacd.replay.differences import MOST_DEVICES, Row, Table
from nacd.replay.record import Outcome
from nacd.server.people.command import Asked, Command
from nacd.server.people.roles import Role
from nacd.server.shadow.beside import DIFFERENT, OUTCOMES, RENAMED, SAME, Shadow
from nacd.server.shadow.loading import Faulty, NoShadow, Ready
from nacd.values import Device

_COMPARED: Final = (SAME, RENAMED, DIFFERENT)


def commands(shadow: Shadow) -> Mapping[str, Command]:
    """By name."""

    async def told(asked: Asked) -> Any:
        del asked
        return report(shadow)

    async def reset(asked: Asked) -> Any:
        del asked
        before = report(shadow)
        shadow.reset()
        return {"compared": before["compared"], "different": before["different"], "since": before["since"]}

    return {
        "shadow.report": Command(role=Role.READ, work=told),
        "shadow.reset": Command(role=Role.CONFIG, work=reset),
    }


def report(shadow: Shadow) -> dict[str, Any]:
    """All of it. Names are an interface: they are added to. Times are seconds since the epoch, or RFC 3339 text where
    they are those of records; 0.0 for no shadow."""
    counts, seen = shadow.counts, shadow.since_reset
    tables = {
        "by_answer": _rows(counts.by_answer, ("before", "after")),
        "by_rule": _rows(counts.by_rule, ("live_rule", "shadow_rule", "before", "after")),
        "by_nas": _rows(counts.by_nas, ("nas", "before", "after")),
        "by_group": _rows(counts.by_group, ("group", "before", "after")),
        "by_location": _rows(counts.by_location, ("location", "before", "after")),
    }
    return {
        **_state(shadow),
        "since": counts.since,
        "compared": counts.compared,
        "same": counts.same,
        "same_by_another_rule": counts.renamed,
        "different": counts.different,
        "not_compared": {name: seen[name] for name in OUTCOMES if name not in _COMPARED},
        "undecidable_rules": dict(counts.undecidable.most_common()),
        "waiting": shadow.waiting,
        **tables,
    }


def _state(shadow: Shadow) -> dict[str, Any]:
    """Which shadow, and whether it is on. state: ``on``, ``off``, ``faulty`` or ``none``."""
    told: dict[str, Any] = {"state": "none", "file": "", "digest": "", "live_digest": "", "why": "", "problems": []}
    match shadow.found:
        case Ready() as ready:
            told |= {"state": "on" if shadow.is_on else "off", "file": ready.file, "why": shadow.why_off}
            return told | {"digest": ready.digest, "live_digest": ready.live_digest, "notes": _texts(ready.notes)}
        case Faulty(file=file, problems=problems):
            return told | {"state": "faulty", "file": file, "problems": _texts(problems), "notes": []}
        case NoShadow():
            return told | {"notes": []}


def _texts(found: tuple[object, ...]) -> list[str]:
    return [str(each) for each in found]


def _rows(table: Table, names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {**{name: part.replace("`", "") for name, part in zip(names, key, strict=True)}, **_row(row)}
        for key, row in table.rows()
    ]


def _row(row: Row) -> dict[str, Any]:
    """more_devices: there may be more than are told apart."""
    return {
        "logins": row.logins,
        "devices": len(row.devices),
        "more_devices": len(row.devices) >= MOST_DEVICES,
        "first": row.first,
        "last": row.last,
        "example": _example(row.example),
    }


def _example(differs: Differs) -> dict[str, Any]:
    facts = differs.facts
    return {
        "time": differs.time,
        "device": facts.identity.id.guid if isinstance(facts.identity, Device) else "",
        "mac": facts.mac,
        "user": facts.user,
        "nas": facts.nas.name,
        "compliance": facts.compliance.state.value,
        "live": _outcome(differs.live, differs.live_reasons),
        "shadow": _outcome(differs.shadow, differs.shadow_reasons),
        "attributes": differs.difference.detail,
    }


def _outcome(outcome: Outcome, reasons: tuple[str, ...]) -> dict[str, Any]:
    return {
        "effect": outcome.effect.value,
        "rule": outcome.rule,
        "profile": outcome.profile,
        "reasons": list(reasons),
    }
