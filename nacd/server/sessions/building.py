"""From a configuration to everybody who watches sessions.

Knows: who is made of what, and in which file sessions lie. Refuses to know: requests, and what any of it decides.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nacd.server.assembly import Assembled
from nacd.server.dac.sender import Sender
from nacd.server.log import logger
from nacd.server.lookups.building import Asking
from nacd.server.mab import building as mabs
from nacd.server.mab.building import Mab
from nacd.server.metrics.tally import Tally
from nacd.server.recorder import Recorder
from nacd.server.sessions import settings_of
from nacd.server.sessions.book import Book
from nacd.server.sessions.closed_loop import ClosedLoop
from nacd.server.sessions.known import Known
from nacd.server.sessions.loop.by_hand import ByHand
from nacd.server.sessions.loop.climbs import Climbs
from nacd.server.sessions.loop.deciding import Deciding, Verdicts
from nacd.server.sessions.loop.gate import Gate
from nacd.server.sessions.loop.queue import Queue
from nacd.server.sessions.loop.telling import Telling
from nacd.server.sessions.namesakes import Namesakes
from nacd.server.sessions.rounds import Rounds
from nacd.server.sessions.targets import Targets
from nacd.server.sessions.upkeep import Upkeep
from nacd.session import table, tie
from nacd.session.macs.machines import Machines
from nacd.session.overrides import Orders
from nacd.store.live.guard_file import GuardFile
from nacd.store.sessions import SessionStore
from nacd.values import Authentication, Instant, Nas

DATABASE: Final = "sessions.sqlite"
"""The file in the state folder that holds sessions and overrides."""
GUARD: Final = "sessions-guard.json"
"""The file beside it that holds what the guard knows."""

_LOOK_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """Everybody. orders: the overrides in memory. tally: what NASes were asked, counted. declared: as in
    ``Known.resume``."""

    book: Book
    loop: ClosedLoop
    store: SessionStore
    sender: Sender
    orders: Orders
    targets: Targets
    tally: Tally
    upkeep: Upkeep
    namesakes: Namesakes
    known: Known
    declared: frozenset[str]
    deciding: Deciding
    gate: Gate
    mab: Mab

    def renew(self, assembled: Assembled) -> None:
        """Go by this configuration from now on, in one go. Sessions, what is wanted of them and what is held stay."""
        wanted = assembled.loaded.settings.sessions
        terms = settings_of.terms(wanted, bounce=True)
        self.targets.renew(assembled)
        self.namesakes.renew(self.targets.asked_by_name)
        self.deciding.renew(assembled.loaded.policy, sayable(assembled), terms)
        self.gate.renew(
            settings_of.guards(wanted.guard),
            settings_of.windows(wanted.windows.down),
            settings_of.windows(wanted.windows.up),
        )
        self.upkeep.renew(settings_of.patience(wanted), wanted.keep.total_seconds())
        self.loop.renew(terms)
        self.orders.machines.shared = assembled.identity_rules.shared_macs
        self.mab.renew(assembled)
        self.count_policy(assembled)

    def count_policy(self, assembled: Assembled, *, tried_out: bool = False) -> None:
        """What this policy means for live sessions. tried_out: another one decides about some logins meanwhile, and
        neither takes back what the other decides."""
        self.deciding.count_policy(counts_policy(assembled) and not tried_out)

    def look_at_all(self) -> None:
        """Decide about every session again, at the pace of a round."""
        self.loop.look_at_all()

    async def renewed(self) -> None:
        """Learn what the new configuration has to know of the sessions that are there; then ask about what is held."""
        await self.namesakes.resume(self.book.read)
        self.loop.ask_about_held()

    async def has_been_read(self) -> None:
        """Wait until there is a file to learn from: at the start its disk may be full, or another process have it."""
        while not self.store.has_been_read:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self.book.read(SessionStore.look)

    async def start(self) -> None:
        """Learn what there was before a restart, then go on with it."""
        await self.has_been_read()
        known = {each.id for each in self.orders}
        for override in self.store.overrides():
            if override.id not in known:
                self.orders.put(override)
        await self.namesakes.resume(self.book.read)
        await self.known.resume(self.book.read, self.declared)
        await self.loop.start()

    async def close(self) -> None:
        """Ask nothing more, write what waits, close the file."""
        await self.mab.close()
        await self.loop.close()
        await self.upkeep.close()
        self.sender.close()
        self.book.close()
        self.store.close()


def build(
    assembled: Assembled,
    asking: Asking,
    recorder: Recorder,
    clock: Callable[[], Instant],
    random: Callable[[int], bytes],
) -> Watching:
    """All of it; nothing is asked before ``loop.start``. To be called on the event loop."""
    file = Path(assembled.loaded.settings.state) / DATABASE
    store = SessionStore(file, apply=table.apply, tie=tie.tie, report=logger("sessions").warning)
    orders = Orders(store.overrides(), Machines(assembled.identity_rules.shared_macs))
    tally = Tally()

    def dropped(nas: str, reason: str, source: str, now: Instant) -> None:
        recorder.dropped(nas=nas, reason=reason, source=source, detail="", now=now)

    sender = Sender(clock, random, dropped)
    namesakes = Namesakes(Targets(assembled).asked_by_name)
    targets = Targets(assembled, namesakes.has)
    known = Known(lookups=asking.lookups, machines=orders.machines)
    telling = Telling(recorder, tally)
    book = Book(store, clock)
    book.listen(namesakes.applied)  # before the loop, which asks by it
    gate = _gate(assembled, known, telling)
    upkeep = _upkeep(assembled, book, telling, orders, clock)
    loop, deciding = closed_loop(
        book=book,
        sender=sender,
        targets=targets,
        gate=gate,
        telling=telling,
        known=known,
        upkeep=upkeep,
        orders=orders,
        assembled=assembled,
        clock=clock,
    )
    mab = mabs.build(assembled, book, orders, deciding.decide, recorder, clock)
    return Watching(
        book=book,
        loop=loop,
        store=store,
        sender=sender,
        orders=orders,
        targets=targets,
        tally=tally,
        upkeep=upkeep,
        namesakes=namesakes,
        known=known,
        declared=_declared(assembled),
        deciding=deciding,
        gate=gate,
        mab=mab,
    )


def _upkeep(assembled: Assembled, book: Book, telling: Telling, orders: Orders, clock: Callable[[], Instant]) -> Upkeep:
    wanted = assembled.loaded.settings.sessions
    return Upkeep(
        book=book,
        telling=telling,
        orders=orders,
        patience=settings_of.patience(wanted),
        keep_s=wanted.keep.total_seconds(),
        clock=clock,
    )


def _declared(assembled: Assembled) -> frozenset[str]:
    clients = assembled.clients
    return frozenset(client.nas.name for client in clients if client.nas.authentication is Authentication.DONE_BY_NAS)


def _gate(assembled: Assembled, known: Verdicts, telling: Telling) -> Gate:
    wanted = assembled.loaded.settings.sessions
    return Gate(
        guards=settings_of.guards(wanted.guard),
        down=settings_of.windows(wanted.windows.down),
        up=settings_of.windows(wanted.windows.up),
        local_minutes=local_minutes,
        trouble=known.trouble,
        telling=telling,
        keeping=GuardFile(Path(assembled.loaded.settings.state) / GUARD, logger("sessions").warning),
    )


def closed_loop(
    *,
    book: Book,
    sender: Sender,
    targets: Targets,
    gate: Gate,
    telling: Telling,
    known: Verdicts,
    upkeep: Upkeep,
    orders: Orders,
    assembled: Assembled,
    clock: Callable[[], Instant],
) -> tuple[ClosedLoop, Deciding]:
    """The loop, and the book tells it of every change; and who decides in it."""
    wanted = assembled.loaded.settings.sessions
    terms = settings_of.terms(wanted, bounce=True)
    climbs = Climbs(book=book, sender=sender, targets=targets, gate=gate, telling=telling, terms=terms, clock=clock)
    queue = Queue()
    deciding = Deciding(
        book=book,
        climbs=climbs,
        gate=gate,
        telling=telling,
        verdicts=known,
        orders=orders,
        policy=assembled.loaded.policy,
        policy_counts=counts_policy(assembled),
        sayable=sayable(assembled),
        terms=terms,
        again=queue.put_session,
        clock=clock,
    )
    loop = ClosedLoop(
        book=book,
        climbs=climbs,
        deciding=deciding,
        gate=gate,
        rounds=Rounds(book=book, deciding=deciding, upkeep=upkeep, clock=clock),
        upkeep=upkeep,
        queue=queue,
        by_hand=ByHand(book=book, sender=sender, targets=targets, telling=telling, clock=clock),
        sender=sender,
        telling=telling,
        verdicts=known,
        terms=terms,
        clock=clock,
    )
    book.listen(loop.applied)
    return loop, deciding


def counts_policy(assembled: Assembled) -> bool:
    """Whether live sessions are decided again because the policy is another."""
    return assembled.loaded.settings.sessions.policy_changes == "reassess"


def sayable(assembled: Assembled) -> Callable[[Nas, str], bool]:
    """Whether a NAS can be given a profile, as a login there would find. Its vendor is the one that the configuration
    names now, whatever it was when a session began."""
    vendors = {client.nas.name: client.nas.vendor for client in assembled.clients}
    return lambda nas, profile: (profile, vendors.get(nas.name, nas.vendor)) in assembled.rendered


def local_minutes(wall: float) -> int:
    """Minutes since Monday, 00:00, local time. wall: seconds since the epoch."""
    local = time.localtime(wall)
    return (local.tm_wday * 24 + local.tm_hour) * 60 + local.tm_min
