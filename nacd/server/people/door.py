"""The door for people of one configuration: every order there is, and who may give it.

Knows: which orders the parts of the daemon have. Refuses to know: sockets (``control``), and what an order does.
"""

from __future__ import annotations

from collections.abc import Callable

from nacd.config.settings import Settings
from nacd.server.assembly import Assembled
from nacd.server.control import Control, Roles
from nacd.server.lookups import orders as lookup_orders
from nacd.server.lookups.building import Asking
from nacd.server.people.command import declared
from nacd.server.people.roles import Role
from nacd.server.recorder import Recorder
from nacd.server.sessions import orders as session_orders
from nacd.server.sessions.building import Watching
from nacd.session.overrides import OverrideEffect
from nacd.values import AuditEvent, Instant

_LOOKUPS = {"cache.show": Role.READ, "cache.status": Role.READ, "cache.refresh": Role.COA}


def door(
    assembled: Assembled, asking: Asking, watching: Watching, recorder: Recorder, clock: Callable[[], Instant]
) -> Control:
    """Closed; ``open`` it on the event loop."""
    settings = assembled.loaded.settings

    def record(event: AuditEvent) -> None:
        recorder.take((event,), clock())

    return Control(
        settings.state,
        {
            **declared(lookup_orders.orders(asking, clock), _LOOKUPS),
            **session_orders.orders(
                watching,
                tenants=asking.lookups.by_tenant,
                profiles=assembled.loaded.profiles.keys(),
                defaults=_defaults(settings),
                record=record,
                clock=clock,
            ),
        },
        socket=settings.control.socket,
        roles=Roles(read=settings.control.read, coa=settings.control.coa, config=settings.control.config),
        audit=session_orders.recorded(record, clock),
    )


def _defaults(settings: Settings) -> dict[OverrideEffect, str]:
    named = settings.sessions.overrides
    written = {OverrideEffect.QUARANTINE: named.quarantine, OverrideEffect.ALLOW: named.allow}
    return {effect: profile for effect, profile in written.items() if profile}
