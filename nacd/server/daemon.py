"""The daemon: everything assembled, started, kept and stopped.

Knows: the order of start and stop, the timers, the signals. Refuses to know: requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import orjson

from nacd.audit import events
from nacd.audit.repeats import Repeats
from nacd.compliance.question import Question
from nacd.eap.conversation import Ongoing
from nacd.radius.admission import Admission, Role
from nacd.radius.dedup import DedupTable
from nacd.server import translate
from nacd.server.assembly import Assembled
from nacd.server.clock import instant, random_octets
from nacd.server.drops import Drops
from nacd.server.keeper.minding import Minding
from nacd.server.listener import Listener
from nacd.server.log import logger
from nacd.server.log import tick as tick_log
from nacd.server.lookups import building
from nacd.server.lookups.building import Asking
from nacd.server.metrics import endpoint
from nacd.server.metrics.census import Census
from nacd.server.metrics.health.pulse import Pulse
from nacd.server.metrics.health.readiness import Health
from nacd.server.metrics.serving.building import shown
from nacd.server.monitor.alarm import Alarm
from nacd.server.people.door import door
from nacd.server.recorder import Recorder
from nacd.server.reload import generation, starting
from nacd.server.reload.generation import Shared
from nacd.server.reload.in_force import InForce
from nacd.server.reload.preparing import Files
from nacd.server.reload.reloader import Reloader
from nacd.server.rotation.watch import Rotation
from nacd.server.service.notify import Notify
from nacd.server.service.standing import Standing, in_words
from nacd.server.sessions import building as watchers
from nacd.server.sessions.building import Watching
from nacd.server.shadow import building as shadows
from nacd.server.shadow import loading as candidates
from nacd.server.shadow.beside import Shadow
from nacd.server.signing.watch import Signing, recalled
from nacd.server.trail.building import options
from nacd.server.worker import Worker
from nacd.sessions import Phase
from nacd.store.chargeable_key import chargeable_key
from nacd.store.handover import Handover
from nacd.store.trail.log import AuditLog
from nacd.values import AuditEvent, Compliance, Instant

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
    keeper: Minding
    shadow: Shadow
    alarm: Alarm
    rotation: Rotation
    signing: Signing
    pulse: Pulse = field(default_factory=Pulse)
    health: Health = field(default_factory=Health)
    said: dict[str, int] = field(default_factory=dict)
    """How often each limit had refused somebody when that was last seen."""


async def run(assembled: Assembled, *, allow_demo: bool = False, standing: Standing | None = None) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP loads the configuration anew. allow_demo: as for ``assemble``, then.

    standing: who tells whoever started us how it goes; None for nobody. A second signal ends the process at once.

    Raises AuditRefused if the audit file cannot be had, OSError (with words) if the state folder
    cannot be written or an address cannot be bound.
    """
    log = logger("daemon")
    loaded = assembled.loaded
    settings = loaded.settings
    standing = standing or Standing(Notify())
    with contextlib.ExitStack() as opened:
        auth = _kept(opened, starting.bound(settings.server.auth))
        accounting = _kept(opened, starting.bound(settings.server.accounting))
        shown_at = settings.server.metrics
        metrics = _kept(opened, [endpoint.bound(shown_at)] if shown_at is not None else [])
        kept = options(settings.audit, settings.state, program_version())
        parts = _build(assembled, AuditLog(settings.audit.file, options=kept), allow_demo=allow_demo)
        starting.record(assembled, parts.recorder, program_version(), instant())
        parts.shadow.adopt(candidates.find(assembled))
        for note in assembled.notes:
            log.warning(str(note))
        for sock in auth:
            parts.listener.listen(sock, Role.AUTH)
        for sock in accounting:
            parts.listener.listen(sock, Role.ACCT)
        stop = _stop_signal(parts.reloader)
        whom = (parts.reloader, parts.asking, parts.watching)
        opened_door = door(*whom, parts.recorder, instant, parts.shadow, parts.signing.ledger)
        try:
            await opened_door.open()
        except OSError as error:
            # The door is for people; the NASes are served without it.
            log.warning(f"`nacd cache`, `nacd sessions` and their like will find nobody: {error.strerror or error}")
        census = Census(parts.watching.book.read)
        numbers = await endpoint.opened(metrics, shown(parts, census, settings, program_version()))
        runs = _begin(parts, census)
        parts.keeper.begin()
        _tick(parts, stop)
        starting.settle()
        where = {"auth": list(map(starting.place, auth)), "accounting": list(map(starting.place, accounting))}
        where |= {"metrics": list(map(starting.place, metrics))} if metrics else {}
        _say_ready(where)
        parts.reloader.told, parts.reloader.changed = standing.reloading, parts.rotation.tick
        standing.ready(lambda: _status(parts, census))
        log.info("nacd is ready", **{name: starting.shown(places) for name, places in where.items()})
        reason = await stop
        standing.stopping(reason)
        log.info("stopping", signal=reason)
        await opened_door.close()
        parts.reloader.close()
        for task in runs:
            task.cancel()
        await parts.listener.close(_PATIENCE_S, lambda: parts.reloader.in_force.conversations)
        await numbers.close()
        parts.pulse.close()
    await _end(parts, reason)


async def _end(parts: _Parts, reason: str) -> None:
    """Nobody is answered any more: write what waits, close the files."""
    await parts.keeper.close()
    await parts.watching.close()
    await parts.asking.lookups.close()
    now = instant()
    parts.shadow.close(now)
    parts.signing.close()
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

    def written(event: AuditEvent, now: Instant) -> None:
        recorder.take((event,), now)

    asking = building.build(assembled, instant, report=logger("verdicts").warning, on_verdict=heard, record=written)
    watching = watchers.build(assembled, asking, recorder, instant, random_octets)
    watching.book.listen(asking.live.applied)
    shared = _shared(assembled, watching)
    in_force = InForce(generation.build(assembled, shared), shared.ongoing, logger("reload").warning)
    shadow = shadows.build(recorder, asking.lookups, watching.orders.machines, instant)
    ledger = recalled(settings.state)
    worker = Worker(
        admission=Admission(assembled.table, ledger, DedupTable(), watching.targets.seen),
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
        keeper=_minding(assembled, recorder, in_force),
        shadow=shadow,
        rotation=Rotation(watching.targets.seen, lambda: in_force.current.assembled, asking.sources, recorder.take),
        signing=Signing(ledger, settings.state, lambda: in_force.current.assembled.clients, recorder),
    )


def _minding(assembled: Assembled, recorder: Recorder, in_force: InForce) -> Minding:
    return Minding(
        _file(assembled),
        assembled.loaded.settings.audit.file,
        recorder,
        instant,
        lambda: in_force.current.number,
        audit=lambda: in_force.current.assembled.loaded.settings.audit,
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


def _status(parts: _Parts, census: Census) -> str:
    """What there is, in one line for whoever started us."""
    current = parts.reloader.in_force.current
    counted = census.counted
    live = counted.get(Phase.AUTHORIZED, 0) + counted.get(Phase.LIVE, 0) if counted else None
    return in_words(current.number, len(current.assembled.clients), live)


def _tick(parts: _Parts, stop: asyncio.Future[str]) -> None:
    if stop.done():
        return
    # First: whatever happens in one tick, it is not the last one.
    asyncio.get_running_loop().call_later(_TICK_S, _tick, parts, stop)
    now, whole = instant(), True
    for name, turn in _TURNS:
        try:
            turn(parts, now)
        except Exception as bug:  # noqa: BLE001 - it is told, and keeps no other part from its turn
            whole = False
            text = f"`{name}` ended by an error in nacd itself, and is tried again each second"
            parts.recorder.warn_seldom(f"tick {name}", text, now, exc_info=bug)
    if whole:  # else the age of the last tick grows, for whoever watches it
        parts.pulse.ticked()


def _gone(parts: _Parts, now: Instant) -> None:
    gone = parts.reloader.expire(now)
    parts.worker.counts.went_away(gone)
    parts.recorder.take(gone, now)
    parts.reloader.tick(gone, now)


def _limits(parts: _Parts, now: Instant) -> None:
    """Each time somebody new was refused, and not oftener than once in ten minutes."""
    limited = {f"eap.conversations.{name}": count for name, count in parts.reloader.limited.items()}
    limited |= {f"compliance.{name}": count for name, count in parts.asking.lookups.limited.items()}
    for limit, count in (limited | dict(parts.worker.held_back)).items():
        if count > parts.said.get(limit, 0):
            parts.said[limit] = count
            parts.recorder.warn_seldom(limit, f"the limit `{limit}` is reached", now, refused=count)


def _polls(parts: _Parts, now: Instant) -> None:
    parts.asking.live.tick(parts.asking.lookups, now)
    for slow in parts.asking.live.too_slow(parts.asking.lookups, now):
        parts.recorder.warn_seldom(f"poll {slow.tenant}", str(slow), now)


_TURNS: Final[tuple[tuple[str, Callable[[_Parts, Instant], object]], ...]] = (
    ("audit trail", lambda parts, now: parts.recorder.tick(now)),
    ("conversations and reload", _gone),
    ("limits", _limits),
    ("closed loop", lambda parts, now: parts.watching.loop.tick(now)),
    ("MAB", lambda parts, now: parts.watching.mab.tick(now)),
    ("polls", _polls),
    ("monitor", lambda parts, now: parts.alarm.tick(now)),
    ("rotation", lambda parts, now: parts.rotation.tick(now)),
    ("signing", lambda parts, now: parts.signing.tick(now)),
    ("log", lambda parts, now: tick_log()),
    ("shadow", lambda parts, now: parts.shadow.tick(now)),
)
"""What each second brings, in this order: what keeps the records comes first."""


def _begin(parts: _Parts, census: Census) -> list[asyncio.Task[None]]:
    """What goes on beside requests. A bug that ends one of them is said, and ends nothing else."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (bug := task.exception()) is not None:
            logger("daemon").error(f"`{task.get_name()}` has ended by an error in nacd itself", exc_info=bug)

    parts.pulse.begin()
    asking, watching = parts.asking, parts.watching
    named = {
        **{f"bulk list of {bulk.tenant}": bulk.run() for bulk in asking.bulk},
        "upkeep": asking.upkeep.run(),
        "closed loop": watching.start(),
        "devices of live sessions": _watch_devices(asking, watching),
        "census": census.run(),
    }
    tasks = [asyncio.create_task(work, name=name) for name, work in named.items()]
    for task in tasks:
        task.add_done_callback(ended)
    return tasks


async def _watch_devices(asking: Asking, watching: Watching) -> None:
    await watching.has_been_read()
    await asking.live.resume(watching.store.live_keys())


def _stop_signal(reloader: Reloader) -> asyncio.Future[str]:
    loop = asyncio.get_running_loop()
    stop: asyncio.Future[str] = loop.create_future()

    def ask_to_stop(name: str) -> None:
        if not stop.done():
            stop.set_result(name)
        # Whoever asks twice does not want to wait: the next one ends us as it ends any program.
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

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
