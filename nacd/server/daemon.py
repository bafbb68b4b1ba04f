"""The daemon: everything assembled, started, kept and stopped.

Knows: the order of start and stop, the timers, the signals. Refuses to know: requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import orjson

from nacd.audit import events
from nacd.audit.repeats import Repeats
from nacd.compliance.question import Question
from nacd.config.sections.compliance import Poll
from nacd.eap.conversation import Ongoing
from nacd.radius.admission import Admission, Role
from nacd.radius.dedup import DedupTable
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server import translate
from nacd.server.assembly import Assembled
from nacd.server.clock import instant, random_octets
from nacd.server.drops import Drops
from nacd.server.listener import Listener
from nacd.server.log import logger
from nacd.server.lookups import building
from nacd.server.lookups.building import Asking
from nacd.server.metrics import compliance, endpoint, program
from nacd.server.metrics import mab as mab_numbers
from nacd.server.metrics import monitor as monitor_numbers
from nacd.server.metrics import reload as reload_numbers
from nacd.server.metrics import sessions as session_numbers
from nacd.server.metrics import shadow as shadow_numbers
from nacd.server.metrics.census import Census
from nacd.server.metrics.compliance import Intervals
from nacd.server.metrics.endpoint import Endpoint
from nacd.server.metrics.metric import Readings
from nacd.server.metrics.pages import Page, pages
from nacd.server.monitor.alarm import Alarm
from nacd.server.people.door import door
from nacd.server.recorder import Recorder
from nacd.server.reload import generation, starting
from nacd.server.reload.generation import Shared
from nacd.server.reload.in_force import InForce
from nacd.server.reload.preparing import Files
from nacd.server.reload.reloader import Reloader
from nacd.server.sessions import building as watchers
from nacd.server.sessions.building import Watching
from nacd.server.shadow import building as shadows
from nacd.server.shadow import loading as candidates
from nacd.server.shadow.beside import Shadow
from nacd.server.worker import Worker
from nacd.store.audit_log import AuditLog
from nacd.store.chargeable_key import chargeable_key
from nacd.store.handover import Handover
from nacd.values import Compliance

_TICK_S = 1.0
_PATIENCE_S = 5.0
_READY_FILE = "NACD_READY_FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    reloader: Reloader
    asking: Asking
    watching: Watching
    drops: Drops
    recorder: Recorder
    listener: Listener
    worker: Worker
    shadow: Shadow
    alarm: Alarm
    said: dict[str, int] = field(default_factory=dict)
    """How often each limit had refused somebody when that was last seen."""


async def run(assembled: Assembled, *, allow_demo: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP loads the configuration anew. allow_demo: as for ``assemble``, then.

    Raises AuditRefused if the audit file cannot be had, OSError (with words) if the state folder
    cannot be written or an address cannot be bound.
    """
    log = logger("daemon")
    loaded = assembled.loaded
    settings = loaded.settings
    with contextlib.ExitStack() as opened:
        auth = _kept(opened, starting.bound(settings.server.auth))
        accounting = _kept(opened, starting.bound(settings.server.accounting))
        shown_at = settings.server.metrics
        metrics = _kept(opened, [endpoint.bound(shown_at)] if shown_at is not None else [])
        parts = _build(assembled, AuditLog(settings.audit.file), allow_demo=allow_demo)
        starting.record(assembled, parts.recorder, program_version(), instant())
        parts.shadow.adopt(candidates.find(assembled))
        for note in assembled.notes:
            log.warning(str(note))
        for sock in auth:
            parts.listener.listen(sock, Role.AUTH)
        for sock in accounting:
            parts.listener.listen(sock, Role.ACCT)
        stop = _stop_signal(parts.reloader)
        opened_door = door(parts.reloader, parts.asking, parts.watching, parts.recorder, instant, parts.shadow)
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
        starting.settle()
        where = {"auth": list(map(starting.place, auth)), "accounting": list(map(starting.place, accounting))}
        where |= {"metrics": list(map(starting.place, metrics))} if metrics else {}
        _say_ready(where)
        log.info("nacd is ready", **{name: starting.shown(places) for name, places in where.items()})
        reason = await stop
        log.info("stopping", signal=reason)
        await opened_door.close()
        await numbers.close()
        parts.reloader.close()
        for task in runs:
            task.cancel()
        await parts.listener.close(_PATIENCE_S)
    await parts.watching.close()
    await parts.asking.lookups.close()
    now = instant()
    parts.shadow.close(now)
    parts.recorder.take((events.stopped(version=program_version(), detail=reason, now=now),), now)
    parts.recorder.close(now)
    parts.asking.store.close()


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


def _build(assembled: Assembled, audit_log: AuditLog, *, allow_demo: bool) -> _Parts:
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
    shared = _shared(assembled, watching)
    in_force = InForce(generation.build(assembled, shared), shared.ongoing, logger("reload").warning)
    shadow = shadows.build(recorder, asking.lookups, watching.orders.machines, instant)
    worker = Worker(
        admission=Admission(assembled.table, MessageAuthenticatorLedger(), DedupTable()),
        queue=translate.work_queue(settings.overload),
        gate=translate.gate(settings.overload),
        in_force=in_force,
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
        decided=shadow.take,
    )
    listener = Listener(worker=worker, recorder=recorder, clock=instant)
    files = Files(_file(assembled), allow_demo, shared, asking, instant)
    reloader = Reloader(files, in_force, asking, watching, shadow, recorder, instant)
    return _Parts(
        alarm=_alarm(worker),
        reloader=reloader,
        asking=asking,
        watching=watching,
        drops=drops,
        recorder=recorder,
        listener=listener,
        worker=worker,
        shadow=shadow,
    )


def _shared(assembled: Assembled, watching: Watching) -> Shared:
    site_key = chargeable_key(assembled.loaded.settings.state, random_octets)
    if site_key.problem:
        logger("daemon").warning(site_key.problem)
    return Shared(
        ongoing=Ongoing(assembled.eap.options if assembled.eap is not None else None),
        random=random_octets,
        chargeable=site_key.key,
        orders=watching.orders,
        familiar=watching.book.familiar,
    )


def _file(assembled: Assembled) -> Path:
    return Path(assembled.loaded.config_document.file)


def _alarm(worker: Worker) -> Alarm:
    """Who reminds people that decisions are not enforced."""
    warn = logger("monitor").warning
    return Alarm(lambda: worker.monitors, lambda each: worker.monitored[each.scope, each.name], warn)


def _pages(parts: _Parts, census: Census, poll: Poll) -> Mapping[str, Page]:
    """What is shown to whoever collects metrics."""
    asking, watching = parts.asking, parts.watching
    wanted = Intervals(poll_s=poll.interval.total_seconds(), bulk_s=poll.bulk.total_seconds())
    return pages(
        Readings(program.TABLE, partial(program.read, program_version())),
        Readings(compliance.TABLE, lambda: compliance.read(asking, wanted, instant())),
        Readings(
            monitor_numbers.TABLE,
            lambda: monitor_numbers.read(parts.worker.monitors, parts.worker.monitored, instant()),
        ),
        Readings(reload_numbers.TABLE, lambda: reload_numbers.read(parts.reloader)),
        Readings(mab_numbers.TABLE, lambda: mab_numbers.read(watching.mab)),
        Readings(shadow_numbers.TABLE, lambda: shadow_numbers.read(parts.shadow)),
        Readings(
            session_numbers.TABLE,
            lambda: session_numbers.read(
                watching.loop.status(instant()), watching.tally, census.counted, watching.book, parts.drops.total
            ),
        ),
    )


def _tick(parts: _Parts, stop: asyncio.Future[str]) -> None:
    if stop.done():
        return
    # First: a bug in one tick is logged by the event loop, and must not be the last tick.
    asyncio.get_running_loop().call_later(_TICK_S, _tick, parts, stop)
    now = instant()
    gone = parts.reloader.expire(now)
    parts.recorder.take(gone, now)
    parts.reloader.tick(gone, now)
    limited = {f"eap.conversations.{name}": count for name, count in parts.reloader.limited.items()}
    limited |= {f"compliance.{name}": count for name, count in parts.asking.lookups.limited.items()}
    for limit, count in (limited | dict(parts.worker.held_back)).items():
        # Each time somebody new was refused, and not oftener than once in ten minutes.
        if count > parts.said.get(limit, 0):
            parts.said[limit] = count
            parts.recorder.warn_seldom(limit, f"the limit `{limit}` is reached", now, refused=count)
    parts.watching.loop.tick(now)
    parts.watching.mab.tick(now)
    parts.asking.live.tick(parts.asking.lookups, now)
    for slow in parts.asking.live.too_slow(parts.asking.lookups, now):
        parts.recorder.warn_seldom(f"poll {slow.tenant}", str(slow), now)
    parts.alarm.tick(now)
    parts.recorder.tick(now)
    parts.shadow.tick(now)  # last: a bug in it keeps nothing else from being done


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


def _stop_signal(reloader: Reloader) -> asyncio.Future[str]:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[str] = loop.create_future()

    def ask_to_stop(name: str) -> None:
        if not stop.done():
            stop.set_result(name)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask_to_stop, number.name)
    loop.add_signal_handler(signal.SIGHUP, reloader.hang_up)
    return stop


def _say_ready(where: dict[str, list[tuple[str, int]]]) -> None:
    """For whoever started us and needs to know the ports: a file named by the environment, written whole."""
    name = os.environ.get(_READY_FILE, "")
    if name:
        target = Path(name)
        draft = target.with_suffix(".part")
        draft.write_bytes(orjson.dumps(where))
        draft.replace(target)
