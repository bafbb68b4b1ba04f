"""What an Accept carries: the attributes of its profile, and those of this one login.

Knows: which of both there are, and how the record shows them; and how the record of a decision is told where a monitor
has answered in its place. Refuses to know: who is accepted, and by which rule.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from nacd import admit
from nacd.audit import monitor_events
from nacd.audit.blocks import attributes as attributes_shown
from nacd.policy.monitor.scopes import Monitor, Monitors
from nacd.values import AccessRequest, Attribute, AuditEvent, AuditValue, Facts, Instant, Named, Nas, Rendered
from nacd.vendor.fill import fill, told

Shown: TypeAlias = tuple[tuple[Attribute, ...], list[AuditValue]]
"""Attributes of one answer, and what its record says of them. Kept and shared: not to be changed."""
Profile: TypeAlias = tuple[Rendered, list[AuditValue]]
"""A profile in the vendor's words, and as the record shows it."""


class Carried(NamedTuple):
    """rendered: the profile, None for a refusal. own: what is sent besides. shown: all of it, for the record.

    timeout_s: 0 for none.
    """

    rendered: Rendered | None
    own: tuple[Attribute, ...]
    shown: list[AuditValue]
    timeout_s: int


NOTHING_CARRIED: Final = Carried(None, (), [], 0)


def carried(
    profile: Profile,
    request: AccessRequest,
    named: Named,
    facts: Facts,
    ticket: tuple[Attribute, ...],
    now: Instant,
) -> Carried:
    """All that this login gets. ticket: of its session."""
    rendered, shown = profile
    timeout_s = admit.timeout_s(rendered, named.certificate, now)
    attributes, attributes_seen = _timeout(timeout_s, rendered.reauthenticate)
    if ticket:
        attributes, attributes_seen = attributes + ticket, attributes_seen + attributes_shown(ticket)
    if rendered.blanks:
        names = (request.audit_session_id, request.acct_session_id)
        filled = fill(rendered, told(named.identity, named.mac, facts.compliance, *names))
        attributes, attributes_seen = filled + attributes, attributes_shown(filled) + attributes_seen
    return Carried(rendered, attributes, shown + attributes_seen, timeout_s)


def monitored(
    event: AuditEvent,
    monitor: Monitor,
    decided: Profile | None,
    request: AccessRequest,
    named: Named,
    facts: Facts,
    now: Instant,
) -> AuditEvent:
    """The record of a decision that this monitor answers for. decided: the profile that it gives, None if it denies."""
    would = NOTHING_CARRIED if decided is None else carried(decided, request, named, facts, (), now)
    return monitor_events.monitored(
        event,
        scope=monitor.scope,
        name=monitor.name,
        until=monitor.until,
        profile=monitor.profile,
        attributes=would.shown,
        omitted=would.rendered.omitted if would.rendered is not None else (),
        actions=would.rendered.on_quarantine if would.rendered is not None else (),
    )


def unmonitored(event: AuditEvent, monitors: Monitors, nas: Nas, now: Instant, why: str = "") -> AuditEvent:
    """The record of an answer that no monitor has a say in. why: what stands above, where one is in force."""
    if monitors.around(nas, now.wall) is None:
        return event
    return monitor_events.untouched(event, why)


@lru_cache(maxsize=256)
def _timeout(timeout_s: int, reauthenticate: bool) -> Shown:
    if not timeout_s:
        return (), []
    # RFC 3580 section 3.17: RADIUS-Request re-authenticates when the time is up, Default ends the session.
    action = "RADIUS-Request" if reauthenticate else "Default"
    attributes = (
        Attribute(name="Session-Timeout", value=timeout_s),
        Attribute(name="Termination-Action", value=action),
    )
    return attributes, attributes_shown(attributes)
