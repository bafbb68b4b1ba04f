"""The door for people of one configuration: every order there is, and who may give it.

Knows: which orders the parts of the daemon have. Refuses to know: sockets (``control``), and what an order does.
"""

from __future__ import annotations

from collections.abc import Callable

from nacd.config.settings import Settings
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server.control import Control, Roles
from nacd.server.log import levels
from nacd.server.logs import orders as log_orders
from nacd.server.lookups import orders as lookup_orders
from nacd.server.lookups.building import Asking
from nacd.server.people import explaining, inventorying
from nacd.server.people.command import declared
from nacd.server.people.roles import Role
from nacd.server.recorder import Recorder
from nacd.server.reload import orders as reload_orders
from nacd.server.reload.reloader import Reloader
from nacd.server.rotation import orders as rotation_orders
from nacd.server.sessions import orders as session_orders
from nacd.server.sessions.building import Watching
from nacd.server.shadow import orders as shadow_orders
from nacd.server.shadow.beside import Shadow
from nacd.server.signing import orders as signing_orders
from nacd.values import AuditEvent, Instant

_LOOKUPS = {"cache.show": Role.READ, "cache.status": Role.READ, "cache.refresh": Role.COA}


def door(
    reloader: Reloader,
    asking: Asking,
    watching: Watching,
    recorder: Recorder,
    clock: Callable[[], Instant],
    shadow: Shadow,
    ledger: MessageAuthenticatorLedger,
) -> Control:
    """Closed; ``open`` it on the event loop."""
    settings = reloader.in_force.current.assembled.loaded.settings

    def record(event: AuditEvent) -> None:
        recorder.take((event,), clock())

    return Control(
        settings.state,
        {
            **declared(lookup_orders.orders(asking, clock), _LOOKUPS),
            **shadow_orders.commands(shadow),
            **reload_orders.commands(reloader),
            **rotation_orders.commands(lambda: reloader.in_force.current.assembled, watching.targets.seen, clock),
            **signing_orders.commands(lambda: reloader.in_force.current.assembled.clients, ledger, clock),
            **log_orders.commands(levels()),
            **explaining.commands(_insight(asking, watching, clock)),
            **inventorying.commands(watching.mab.keeping),
            **session_orders.orders(
                watching,
                tenants=asking.lookups.by_tenant,
                profiles=reload_orders.Profiles(reloader),
                defaults=reload_orders.Defaults(reloader),
                record=record,
                clock=clock,
            ),
        },
        socket=settings.control.socket,
        roles=_roles(settings),
        audit=session_orders.recorded(record, clock),
    )


def _insight(asking: Asking, watching: Watching, clock: Callable[[], Instant]) -> explaining.Insight:
    return explaining.Insight(
        book=watching.book,
        deciding=watching.deciding,
        verdicts=watching.known,
        orders=watching.orders,
        tenants=tuple(asking.lookups.by_tenant),
        clock=clock,
    )


def _roles(settings: Settings) -> Roles:
    named = settings.control
    return Roles(read=named.read, coa=named.coa, config=named.config, helpdesk=named.helpdesk)
