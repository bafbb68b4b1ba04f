"""What people on this machine may ask and order about sessions, put together for the control socket.

Knows: all of these orders, and which record each leaves. Refuses to know: what any of them does (``people``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from nacd.audit import session_events
from nacd.server.lookups.threads import Threads
from nacd.server.people import changing, looking, overriding
from nacd.server.people.command import Command, Given
from nacd.server.people.surroundings import Asks, Book, Index, Loop, Site, Surroundings
from nacd.session.overrides import OverrideEffect
from nacd.store.sessions import SessionStore
from nacd.values import AuditEvent, Instant

_SUBJECTS = ("subject", "device", "id", "direction")


class Watched(Protocol):
    """What ``building.Watching`` has, as far as it is needed here."""

    @property
    def book(self) -> Book: ...
    @property
    def loop(self) -> Loop: ...
    @property
    def store(self) -> SessionStore: ...
    @property
    def orders(self) -> Index: ...


def orders(
    watching: Watched,
    *,
    tenants: Mapping[str, Asks],
    profiles: Collection[str],
    defaults: Mapping[OverrideEffect, str],
    record: Callable[[AuditEvent], object],
    clock: Callable[[], Instant],
) -> Mapping[str, Command]:
    """By name. tenants: the lookups by name. profiles: of the policy. defaults: profiles of overrides that name none.

    record: takes an audit event. Listens to the book from now on.
    """
    threads = Threads(2, "overrides")
    around = Surroundings(
        book=watching.book,
        loop=watching.loop,
        store=watching.store,
        index=watching.orders,
        site=Site(profiles=profiles, defaults=defaults, tenants=tenants),
        record=record,
        clock=clock,
        in_thread=threads.run,
    )
    return {**looking.commands(around), **changing.commands(around), **overriding.commands(around)}


def recorded(record: Callable[[AuditEvent], object], clock: Callable[[], Instant]) -> Callable[[Given], None]:
    """For ``Control(audit=...)``: a record of each order, but of those that left one of their own."""

    def told(given: Given) -> None:
        if not given.outcome:
            return
        about = next((str(given.fields[name]) for name in _SUBJECTS if given.fields.get(name)), "")
        event = session_events.order_given(
            order=given.order, by=str(given.by), subject=about[:253], outcome=given.outcome, now=clock()
        )
        record(event)

    return told
