"""An order of a person on this machine, before and after it is carried out.

Knows: what an order declares, what it is told, and the words in which it is refused. Refuses to know: sockets
(``control``), and what any order does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from nacd.server.people.roles import Person, Role

ORDER_S: Final = 60.0
"""How long an order may take that says nothing else."""
Order: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Takes the order's fields and returns what JSON can say, or raises OrderRefused."""


class OrderRefused(Exception):
    """The order itself is wrong; the message is for whoever gave it."""

    kind = "usage"


class NotDone(OrderRefused):
    """The order was right, and nothing came of it."""

    kind = "not_done"


class NeedsRole(OrderRefused):
    """Somebody else may give this order."""

    kind = "role"


class HungUp(Exception):
    """Nobody reads what is said any more."""


async def _no_more() -> bytes:
    raise OrderRefused("nothing follows this order")


@dataclass(slots=True, kw_only=True)
class Asked:
    """One order that somebody gave. fields: as they came, without its name. by: who gave it."""

    fields: Mapping[str, Any]
    by: Person
    outcome: str = "done"
    """What came of it in words, for the record; orders may say more than this."""
    write: Callable[[Mapping[str, Any]], Awaitable[None]] = field(repr=False)
    """Writes one line. Raises HungUp."""
    read: Callable[[], Awaitable[bytes]] = field(repr=False, default=_no_more)
    """The next line after the order, for one that says how many follow. Raises OrderRefused, HungUp."""
    is_heard: bool = True

    async def progress(self, said: object) -> None:
        """Tell how far it is; whoever has hung up is not told, and the work goes on."""
        if self.is_heard:
            try:
                await self.write({"progress": said})
            except HungUp:
                self.is_heard = False

    async def say(self, said: object) -> None:
        """One line of a stream."""
        await self.write({"line": said})

    def needs(self, role: Role) -> None:
        """For an order of which a part needs more. Raises NeedsRole."""
        if not self.by.may(role):
            raise NeedsRole(
                f"this needs the role `{role.word}`, and {self.by} has `{self.by.role.word}`: whoever may do it is"
                f" named under `control.{role.word}` in nacd's configuration"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An order with what it declares. role: whoever has less is refused, but for one who has the role ``also``.
    within_s: how long it may take.

    streams: it says lines for as long as somebody reads them, and has no time.
    """

    role: Role
    work: Callable[[Asked], Awaitable[Any]]
    within_s: float = ORDER_S
    streams: bool = False
    also: Role = Role.CONFIG

    def is_for(self, person: Person) -> bool:
        """Whether he may give it."""
        return person.may(self.role) or person.may(self.also)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An order that needs more than ``read``, when it is over. outcome: ``done``, or what came of it in words."""

    order: str
    by: Person
    fields: Mapping[str, Any]
    outcome: str


def declared(orders: Mapping[str, Order], roles: Mapping[str, Role]) -> Mapping[str, Command]:
    """Orders that know their fields only, with the role that each needs. Raises KeyError for one without."""

    def command(work: Order, role: Role) -> Command:
        async def told(asked: Asked) -> Any:
            return await work(asked.fields)

        return Command(role=role, work=told)

    return {name: command(work, roles[name]) for name, work in orders.items()}
