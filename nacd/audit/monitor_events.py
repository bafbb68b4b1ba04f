"""Records under monitor mode: the one of a decision, told as one that something else was answered for.

Knows: what such a record says besides the decision, which stays as it was made. Refuses to know: where monitors are
written, and which one counts (``policy/monitor``).
"""

from __future__ import annotations

from collections.abc import Iterable

from nacd.audit.blocks import Block, timestamp
from nacd.audit.catalogue import EVENTS
from nacd.values import AuditEvent, AuditValue, ReplyCode

MONITORED = "A1007W"


def monitored(
    of: AuditEvent,
    *,
    scope: str,
    name: str,
    until: float,
    profile: str,
    attributes: list[AuditValue],
    omitted: Iterable[str],
    actions: Iterable[str],
) -> AuditEvent:
    """``access.monitored``: an Accept with the monitor's profile, whatever was decided.

    of: the record of the decision, with the reply that was sent. name: of the group or the rule, ``""`` for none.
    until: seconds since the epoch. attributes, omitted, actions: of the answer that the decision would have been; none
    for a refusal.
    """
    decision, reply = of.fields["decision"], of.fields["reply"]
    if not isinstance(decision, dict) or not isinstance(reply, dict):
        raise TypeError("only the record of a decision can be one of monitor mode")
    allowed = bool(decision["profile"])
    end = timestamp(until)
    where = f"{scope} `{name}`" if name else scope
    would: Block = {
        "event": of.code,
        "code": ReplyCode.ACCEPT if allowed else ReplyCode.REJECT,
        "attributes": attributes,
        "omitted": list(omitted),
        "actions": list(actions),
    }
    fields: Block = {
        **of.fields,
        "code": MONITORED,
        "event": EVENTS[MONITORED].name,
        "why": f"{of.fields['why']}; not enforced: answered with profile `{profile}` (monitor: {where}, until {end})",
        "reply": {**reply, "code": ReplyCode.ACCEPT},
        "monitored": True,
        "monitor": {"scope": scope, "name": name, "until": end, "profile": profile, "would": would},
    }
    return AuditEvent(code=MONITORED, fields=fields)


def untouched(of: AuditEvent, why: str = "") -> AuditEvent:
    """The same record, saying that a monitor is in force at this NAS and has changed nothing about this answer.

    why: what stands above monitor mode here, in words; ``""`` adds none.
    """
    said = {"why": f"{of.fields['why']}; monitor mode does not change that: {why}"} if why else {}
    return AuditEvent(
        code=of.code,
        fields={**of.fields, **said, "monitored": False},
        repeat_key=of.repeat_key,
        port_key=of.port_key,
    )
