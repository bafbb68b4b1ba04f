"""The daemon: everything assembled, started, kept and stopped.

Knows: the order of start and stop, the timers, the signals. Refuses to know: requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import orjson

from nacd.admit import Marks
from nacd.audit import events
from nacd.audit.repeats import Repeats
from nacd.authorize import Authorizer
from nacd.compliance.question import Question
from nacd.config.fields import ListenAddress
from nacd.config.sections.compliance import Poll
from nacd.eap.conversations import Conversations
from nacd.radius.admission import Admission, Role
from nacd.radius.dedup import DedupTable
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server import sockets, translate
from nacd.server.assembly import Assembled
from nacd.server.clock import instant, random_octets
from nacd.server.drops import Drops
from nacd.server.listener import Listener
from nacd.server.log import logger
from nacd.server.lookups import building
from nacd.server.lookups.building import Asking
from nacd.server.metrics import compliance, endpoint, program
from nacd.server.metrics import sessions as session_numbers
from nacd.server.metrics.census import Census
from nacd.server.metrics.compliance import Intervals
from nacd.server.metrics.endpoint import Endpoint
from nacd.server.metrics.metric import Readings
from nacd.server.metrics.pages import Page, pages
from nacd.server.people.door import door
from nacd.server.recorder import Recorder
from nacd.server.sessions import building as watchers
from nacd.server.sessions.building import Watching
from nacd.server.worker import Worker
from nacd.session.overrides import Orders
from nacd.store.audit_log import AuditLog
from nacd.store.chargeable_key import chargeable_key
from nacd.store.handover import Handover
from nacd.store.policy_archive import PolicyArchive
from nacd.values import NO_SECRET, Compliance, Secret
from nacd.vendor.dynauth import marks_voice
from nacd.vendor.dynauth_model import ClassUse

_TICK_S = 1.0
_PATIENCE_S = 5.0
_READY_FILE = "NACD_READY_FILE"
_GC_THRESHOLDS = (2_000, 20, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    authorizer: Authorizer
    asking: Asking
    watching: Watching
    drops: Drops
    recorder: Recorder
    listener: Listener
    worker: Worker
    said: dict[str, int] = field(default_factory=dict)
    """How often each limit had refused somebody when that was last seen."""


async def run(assembled: Assembled) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises AuditRefused if the audit file cannot be had, OSError (with words) if the state folder
    cannot be written or an address cannot be bound.
    """
    log = logger("daemon")
    loaded = assembled.loaded
    settings = loaded.settings
    with contextlib.ExitStack() as opened:
        auth = _kept(opened, bound(settings.server.auth))
        accounting = _kept(opened, bound(settings.server.accounting))
        shown_at = settings.server.metrics
        metrics = _kept(opened, [endpoint.bound(shown_at)] if shown_at is not None else [])
        parts = _build(assembled, AuditLog(settings.audit.file))
        _record_start(assembled, parts.recorder)
        for note in assembled.notes:
            log.warning(str(note))
        for sock in auth:
            parts.listener.listen(sock, Role.AUTH)
        for sock in accounting:
            parts.listener.listen(sock, Role.ACCT)
        stop = _stop_signal()
        opened_door = door(assembled, parts.asking, parts.watching, parts.recorder, instant)
        try:
            await opened_door.open()
        except OSError as error:
            # The door is for people; the NASes are served without it.
            log.warning(f"`nacd cache`, `nacd sessions` and their like will find nobody: {error.strerror or error}")
        census = Census(parts.watching.book.read)
        numbers = Endpoint(_pages(parts, census, settings.compliance.poll))
        for sock in metrics:
            await numbers.open(sock)
        runs = _begin(parts, census)
        _tick(parts, stop)
        _settle()
        where = {"auth": [_place(sock) for sock in auth], "accounting": [_place(sock) for sock in accounting]}
        where |= {"metrics": [_place(sock) for sock in metrics]} if metrics else {}
        _say_ready(where)
        log.info("nacd is ready", **{name: _shown(places) for name, places in where.items()})
        reason = await stop
        log.info("stopping", signal=reason)
        await opened_door.close()
        await numbers.close()
        for task in runs:
            task.cancel()
        await parts.listener.close(_PATIENCE_S)
    await parts.watching.close()
    await parts.asking.lookups.close()
    now = instant()
    parts.recorder.take((events.stopped(version=program_version(), detail=reason, now=now),), now)
    parts.recorder.close(now)
    parts.asking.store.close()


def bound(addresses: Iterable[ListenAddress]) -> list[socket.socket]:
    """Sockets for these addresses. Raises OSError that names the one that could not be bound."""
    opened: list[socket.socket] = []
    for address in addresses:
        try:
            opened.append(sockets.bind(address.host, address.port))
        except OSError as error:
            for sock in opened:
                sock.close()
            raise OSError(error.errno, f"cannot listen on `{address}`: {(error.strerror or '').lower()}") from error
    return opened


def _kept(stack: contextlib.ExitStack, opened: list[socket.socket]) -> list[socket.socket]:
    """Close them with the stack, however it ends."""
    for sock in opened:
        stack.callback(sock.close)
    return opened


def program_version() -> str:
    """The installed version, ``unknown`` for a bare checkout."""
    try:
        return version("nacd")
    except PackageNotFoundError:
        return "unknown"


def authorizer(assembled: Assembled, chargeable: Secret = NO_SECRET, orders: Orders | None = None) -> Authorizer:
    """The spine of this configuration, without anything that touches the world. chargeable: the site's key.

    orders: what people have ordered above the policy.
    """
    eap = assembled.eap
    return Authorizer(
        conversations=Conversations(eap.context, eap.options, random_octets) if eap is not None else None,
        identity_rules=assembled.identity_rules,
        policy=assembled.loaded.policy,
        rendered=assembled.rendered,
        chargeable_key=chargeable,
        graph_tenants=assembled.graph_tenants,
        orders=orders,
        marks=marks(assembled),
        token=random_octets,
    )


def marks(assembled: Assembled) -> Marks:
    """What the vendors of this configuration make of Class, and which of its profiles let a phone in."""
    known = assembled.dynauths
    return Marks(
        tokens=frozenset(name for name, each in known.items() if each.class_use is ClassUse.FREE),
        voice=frozenset(
            (profile, vendor)
            for (profile, vendor), rendered in assembled.rendered.items()
            if vendor in known and marks_voice(known[vendor], rendered.attributes)
        ),
    )


def _build(assembled: Assembled, audit_log: AuditLog) -> _Parts:
    settings = assembled.loaded.settings
    drops = Drops()
    recorder = Recorder(
        log=audit_log,
        repeats=Repeats(),
        drops=drops,
        continue_when_full=settings.audit.when_full == "continue",
        warn_at_percent=settings.audit.warn_at_percent,
    )

    def heard(question: Question, verdict: Compliance) -> None:
        watching.loop.verdict(question, verdict)

    asking = building.build(assembled, instant, report=logger("verdicts").warning, on_verdict=heard)
    watching = watchers.build(assembled, asking, recorder, instant, random_octets)
    watching.book.listen(asking.live.applied)
    site_key = chargeable_key(settings.state, random_octets)
    if site_key.problem:
        logger("daemon").warning(site_key.problem)
    spine = authorizer(assembled, site_key.key, watching.orders)
    worker = Worker(
        admission=Admission(assembled.table, MessageAuthenticatorLedger(), DedupTable()),
        queue=translate.work_queue(settings.overload),
        gate=translate.gate(settings.overload),
        authorizer=spine,
        dictionary=assembled.dictionary,
        lookup=asking.lookups,
        live=asking.live,
        judging=watching.known,
        recorder=recorder,
        sessions=watching.book,
        refused=watching.loop.refused,
        clock=instant,
        random=random_octets,
        reject_delay_s=settings.overload.reject_delay.total_seconds(),
        handover=Handover(settings.actions.socket) if settings.actions is not None else None,
    )
    listener = Listener(worker=worker, recorder=recorder, clock=instant)
    return _Parts(
        authorizer=spine,
        asking=asking,
        watching=watching,
        drops=drops,
        recorder=recorder,
        listener=listener,
        worker=worker,
    )


def _pages(parts: _Parts, census: Census, poll: Poll) -> Mapping[str, Page]:
    """What is shown to whoever collects metrics."""
    asking, watching = parts.asking, parts.watching
    wanted = Intervals(poll_s=poll.interval.total_seconds(), bulk_s=poll.bulk.total_seconds())
    return pages(
        Readings(program.TABLE, partial(program.read, program_version())),
        Readings(compliance.TABLE, lambda: compliance.read(asking, wanted, instant())),
        Readings(
            session_numbers.TABLE,
            lambda: session_numbers.read(
                watching.loop.status(instant()), watching.tally, census.counted, watching.book, parts.drops.total
            ),
        ),
    )


def _record_start(assembled: Assembled, recorder: Recorder) -> None:
    """What is in force from now on, kept and written down before the first answer."""
    now = instant()
    loaded = assembled.loaded
    archive = PolicyArchive(loaded.settings.state)
    by = ""
    try:
        for digest, text in loaded.texts.items():
            by = archive.keep(digest, text, loaded_at=events.timestamp(now.wall), source=str(loaded.settings.policy))
    except OSError as error:
        what = error.filename or loaded.settings.state
        raise OSError(error.errno, f"cannot write `{what}`: {(error.strerror or 'error').lower()}") from error
    recorder.must_take(events.started(version=program_version(), detail=f"run by {by}", now=now))
    recorder.must_take(
        events.configuration_loaded(
            file=loaded.config_document.file,
            digest=loaded.config_digest,
            policy_digest=loaded.digest,
            notes=[str(note) for note in assembled.notes],
            now=now,
        )
    )


def _tick(parts: _Parts, stop: asyncio.Future[str]) -> None:
    if stop.done():
        return
    # First: a bug in one tick is logged by the event loop, and must not be the last tick.
    asyncio.get_running_loop().call_later(_TICK_S, _tick, parts, stop)
    now = instant()
    parts.recorder.take(parts.authorizer.expire(now), now)
    limited = {f"eap.conversations.{name}": count for name, count in parts.authorizer.limited.items()}
    limited |= {f"compliance.{name}": count for name, count in parts.asking.lookups.limited.items()}
    for limit, count in (limited | dict(parts.worker.held_back)).items():
        # Each time somebody new was refused, and not oftener than once in ten minutes.
        if count > parts.said.get(limit, 0):
            parts.said[limit] = count
            parts.recorder.warn_seldom(limit, f"the limit `{limit}` is reached", now, refused=count)
    parts.watching.loop.tick(now)
    parts.asking.live.tick(parts.asking.lookups, now)
    for slow in parts.asking.live.too_slow(parts.asking.lookups, now):
        parts.recorder.warn_seldom(f"poll {slow.tenant}", str(slow), now)
    parts.recorder.tick(now)


def _begin(parts: _Parts, census: Census) -> list[asyncio.Task[None]]:
    """What goes on beside requests. A bug that ends one of them is said, and ends nothing else."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (bug := task.exception()) is not None:
            logger("daemon").error(f"`{task.get_name()}` has ended by an error in nacd itself", exc_info=bug)

    asking, watching = parts.asking, parts.watching
    named = {
        **{f"bulk list of {bulk.tenant}": bulk.run() for bulk in asking.bulk},
        "upkeep": asking.upkeep.run(),
        "closed loop": watching.start(),
        "devices of live sessions": asking.live.resume(watching.store.live_keys()),
        "census": census.run(),
    }
    tasks = [asyncio.create_task(work, name=name) for name, work in named.items()]
    for task in tasks:
        task.add_done_callback(ended)
    return tasks


def _settle() -> None:
    """Tell the garbage collector that what there is now stays, and that requests leave little behind.

    Else it looks through everything again and again, and each look is a pause of some ten milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _stop_signal() -> asyncio.Future[str]:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[str] = loop.create_future()

    def ask_to_stop(name: str) -> None:
        if not stop.done():
            stop.set_result(name)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop, number.name)
    # systemd and logrotate send it by habit; the audit file is followed by itself, so nothing needs doing.
    loop.add_signal_handler(signal.SIGHUP, logger("daemon").info, "SIGHUP ignored: restart to load a new configuration")
    return stop


def _place(sock: socket.socket) -> tuple[str, int]:
    name = sock.getsockname()
    return str(name[0]), int(name[1])


def _shown(places: list[tuple[str, int]]) -> str:
    return ", ".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in places)


def _say_ready(where: dict[str, list[tuple[str, int]]]) -> None:
    """For whoever started us and needs to know the ports: a file named by the environment, written whole."""
    name = os.environ.get(_READY_FILE, "")
    if name:
        target = Path(name)
        draft = target.with_suffix(".part")
        draft.write_bytes(orjson.dumps(where))
        draft.replace(target)
