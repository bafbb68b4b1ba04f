"""The closed loop with everything real around it but Intune and the NAS: the database, the sender and its sockets, the
audit file. The NASes are ``switch.Switch``.

Time goes on by itself and may be pushed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nacd import admit
from nacd.audit.repeats import Repeats
from nacd.compliance.question import Question
from nacd.config.load import load
from nacd.policy.evaluate import evaluate
from nacd.radius.dynauth.schedule import Timing
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import random_octets
from nacd.server.dac.sender import Sender
from nacd.server.drops import Drops
from nacd.server.metrics.tally import Tally
from nacd.server.recorder import Recorder
from nacd.server.sessions import settings_of
from nacd.server.sessions.book import Book
from nacd.server.sessions.building import closed_loop
from nacd.server.sessions.loop.gate import Gate
from nacd.server.sessions.loop.telling import Telling
from nacd.server.sessions.targets import Targets
from nacd.server.sessions.upkeep import Upkeep
from nacd.session.overrides import Orders
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import (
    Accounted,
    AccountingKind,
    Authorized,
    Change,
    Grounds,
    Names,
    NasRestarted,
    Place,
    Session,
    Standing,
)
from nacd.store.live.guard_file import GuardFile
from nacd.store.live.outcome import Applied
from nacd.store.sessions import SessionStore
from nacd.store.trail.log import AuditLog
from nacd.values import (
    AccessKind,
    AccessRequest,
    Assurance,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    Effect,
    IdentitySource,
    Instant,
    Nas,
)
from tests.records import told
from tests.server.sessions.switch import SECRET, Switch

POLICY = """\
profiles:
  corporate:  {attributes: {Filter-Id: STAFF}}
  quarantine: {attributes: {Filter-Id: FIX}}
  guests:     {attributes: {Filter-Id: GUESTS}}
rules:
  - {name: good, when: {access: [dot1x, vpn], compliance: [compliant, in_grace]}, then: corporate}
  - {name: bad, when: {access: [dot1x, vpn], compliance: [noncompliant, unknown]}, then: quarantine}
"""
"""``not_managed`` and ``unavailable`` are refused."""
FAST = Timing(irt_s=0.05, mrt_s=0.1, mrc=2, mrd_s=0.2)
TENANT = "main"
AT_ONCE = 64
"""Requests that a NAS is asked at once."""


def configured(
    folder: Path, ports: dict[str, int], more: str = "", policy: str = POLICY, vendor: str = ""
) -> Assembled:
    """NASes by name, each at a port of 127.0.0.x; port 0: it has no ``dynauth``."""
    rows = []
    for number, (name, port) in enumerate(ports.items()):
        asked = f", dynauth: {{port: {port}, address: 127.0.0.1, rate: 1000, concurrent: {AT_ONCE}}}" if port else ""
        one = f'name: {name}, network: 10.0.{number}.0/24, secret: "env:NAS", vendor: {vendor or "cisco-ios"}'
        rows.append(f"  - {{{one}{asked}}}\n")
    intune = (
        "intune: {tenant: 11111111-2222-3333-4444-555555555555, client_id: 11111111-2222-3333-4444-666666666666,"
        ' credential: {secret: "env:NAS"}}\n'
    )
    text = (
        "clients:\n" + "".join(rows) + intune + "policy: policy.yaml\naudit: {file: audit.jsonl}\nstate: state\n" + more
    )
    (folder / "nacd.yaml").write_text(text)
    (folder / "policy.yaml").write_text(policy)
    return assemble(load(folder / "nacd.yaml", {"NAS": SECRET}), Instant(wall=time.time(), monotonic=0.0))


def compliance(state: str, as_of: float, source: str = "live") -> Compliance:
    return Compliance(state=ComplianceState(state), as_of=as_of, source=ComplianceSource(source), provider="nac")


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


class Clock:
    """Real time, and more."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> Instant:
        return Instant(wall=time.time() + self.ahead_s, monotonic=time.monotonic() + self.ahead_s)


class Memory:
    """What is known of devices: in memory, and on the disk."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Compliance] = {}
        self.on_disk: dict[tuple[str, str], Compliance] = {}
        self.troubled: set[str] = set()

    def find(self, tenant: str, key: str, now: Instant) -> Compliance | None:
        assert now.wall > 0
        found = self.known.get((tenant, key))
        return replace(found, source=ComplianceSource.CACHE) if found and found.source == "live" else found

    async def recall(self, tenant: str, key: str) -> None:
        if (tenant, key) in self.on_disk:
            self.known.setdefault((tenant, key), self.on_disk[tenant, key])

    def trouble(self, tenant: str) -> bool:
        return tenant in self.troubled


@dataclass
class Wired:
    """All of it. restart() is a new loop and a new database connection on the same file."""

    folder: Path
    assembled: Assembled
    switches: dict[str, Switch]
    clock: Clock = field(default_factory=Clock)
    memory: Memory = field(default_factory=Memory)
    timing: Timing = FAST
    bugs: list[dict[str, Any]] = field(default_factory=list)
    unasked: bool = False
    """Whether sessions begin by a rule that asks nobody."""
    told: list[tuple[Change, Applied]] = field(default_factory=list)
    _token: int = 0

    def open(self) -> None:
        self.store = SessionStore(self.folder / "sessions.sqlite", apply=apply, tie=tie, report=print)
        self.log = AuditLog(self.folder / "audit.jsonl")
        self.recorder = Recorder(
            log=self.log, repeats=Repeats(), drops=Drops(), continue_when_full=True, warn_at_percent=100
        )
        wanted = self.assembled.loaded.settings.sessions
        self.tally = Tally()
        self.orders = Orders(self.store.overrides())
        self.sender = Sender(self.clock, random_octets, lambda *_: None, timing=self.timing)
        self.telling = Telling(self.recorder, self.tally)
        self.book = Book(self.store, self.clock)
        self.gate = Gate(
            guards=settings_of.guards(wanted.guard),
            down=settings_of.windows(wanted.windows.down),
            up=settings_of.windows(wanted.windows.up),
            local_minutes=lambda wall: int(wall // 60) % (7 * 24 * 60),
            trouble=self.memory.trouble,
            telling=self.telling,
            keeping=GuardFile(self.folder / "guard.json", print),
        )
        self.upkeep = Upkeep(
            book=self.book,
            telling=self.telling,
            orders=self.orders,
            patience=settings_of.patience(wanted),
            keep_s=wanted.keep.total_seconds(),
            clock=self.clock,
        )
        self.targets = Targets(self.assembled)
        self.loop, _ = closed_loop(
            book=self.book,
            sender=self.sender,
            targets=self.targets,
            gate=self.gate,
            telling=self.telling,
            known=self.memory,
            upkeep=self.upkeep,
            orders=self.orders,
            assembled=self.assembled,
            clock=self.clock,
        )
        self.book.listen(lambda change, applied: self.told.append((change, applied)))

    async def close(self) -> None:
        await self.loop.close()
        self.sender.close()
        self.book.close()
        self.store.close()
        self.recorder.close(self.clock())

    async def restart(self, assembled: Assembled | None = None) -> None:
        await self.close()
        self.assembled = assembled or self.assembled
        self.open()
        await self.loop.start()

    # -- what happens ----------------------------------------------------------------------------

    def knows(self, device: int, state: str, source: str = "live") -> Compliance:
        """Without anybody being told."""
        told = compliance(state, self.clock().wall, source)
        self.memory.known[TENANT, f"guid:{guid(device)}"] = told
        return told

    def verdict(self, device: int, state: str, source: str = "live") -> None:
        told = self.knows(device, state, source)
        key = f"guid:{guid(device)}"
        self.loop.verdict(Question(tenant=TENANT, key=key, subject=DeviceId(guid=guid(device))), told)

    def grounds(self, device: int, nas: str = "sw", access: AccessKind = AccessKind.DOT1X) -> Grounds:
        return Grounds(
            access=access,
            nas=Nas(name=nas, vendor="cisco-ios"),
            identity=Device(
                id=DeviceId(guid=guid(device)), source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE
            ),
            tenant=TENANT,
            key=f"guid:{guid(device)}",
            mac=mac(device),
        )

    def place(self, device: int, nas: str = "sw", port: str = "") -> Place:
        number = list(self.switches).index(nas) if nas in self.switches else 0
        return Place(
            nas=nas,
            source=f"10.0.{number}.1",
            port=port or str(device),
            port_type="Ethernet",
            calling_station_id=mac(device),
        )

    def standing(self, grounds: Grounds, known: Compliance | None = None) -> Standing:
        now = self.clock()
        compliance = known or self.memory.find(grounds.tenant, grounds.key, now)
        assert compliance is not None
        policy = self.assembled.loaded.policy
        decision = evaluate(policy, admit.facts(grounds, compliance, now.wall))
        monitor = policy.monitors.of(decision, grounds.nas, now.wall)
        given = decision if monitor is None else monitor.given(decision)
        return admit.standing(given, compliance, now.wall)

    async def login(self, device: int, number: str, nas: str = "sw", **how: Any) -> Applied:
        """By the policy of now, and what is known now. how: ``known``, ``port``, ``voice``."""
        grounds = self.grounds(device, nas)
        standing = self.standing(grounds, how.get("known"))
        grounds = replace(grounds, key="") if self.unasked else grounds
        place = self.place(device, nas, how.get("port", ""))
        if standing.effect is Effect.DENY:
            request = AccessRequest(
                nas=grounds.nas,
                source=place.source,
                source_port=1,
                nas_port=place.port,
                nas_port_type=place.port_type,
                calling_station_id=place.calling_station_id,
            )
            self.loop.refused(request, grounds.mac, standing)
            return Applied()
        self._token += 1
        change = Authorized(
            place=place,
            names=Names(acct_session_id=number, token=f"{self._token:032x}"),
            standing=standing,
            grounds=grounds,
            at=standing.at,
            voice=how.get("voice", False),
        )
        return (await self.book.write((change,)))[0]

    async def account(self, device: int, number: str, kind: str, nas: str = "sw") -> Applied:
        now = self.clock().wall
        change = Accounted(
            kind=AccountingKind(kind),
            place=self.place(device, nas),
            names=Names(acct_session_id=number),
            at=now,
            happened_at=now,
            record=random_octets(16).hex(),
        )
        return (await self.book.write((change,)))[0]

    async def rebooted(self, nas: str = "sw") -> Applied:
        now = self.clock().wall
        place = self.place(1, nas)
        change = NasRestarted(
            nas=nas, source=place.source, nas_identifier="", at=now, happened_at=now, record=f"{now}", cause="reboot"
        )
        return (await self.book.write((change,)))[0]

    # -- looking -----------------------------------------------------------------------------------

    def session(self, id: int) -> Session:
        found = self.store.session(id)
        assert isinstance(found, Session)
        return found

    def records(self, *events: str) -> list[dict[str, Any]]:
        lines = told((self.folder / "audit.jsonl").read_text())
        return [each for each in lines if each["event"] in events or not events]

    def names(self) -> list[str]:
        return [each["event"] for each in self.records()]

    async def until(self, what: Callable[[], object], within_s: float = 10.0) -> None:
        """Tick until it is so."""
        deadline = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < deadline, f"it did not come about: {Counter(self.names())} {self.bugs}"
            self.loop.tick(self.clock())
            await asyncio.sleep(0.01)
        assert self.bugs == []

    async def quiet(self, for_s: float = 0.3) -> None:
        """Let everything happen that wants to happen at once."""
        end = time.monotonic() + for_s
        while time.monotonic() < end or self.loop.status(self.clock()).queued:
            self.loop.tick(self.clock())
            await asyncio.sleep(0.01)
        if self.loop._work is not None:  # what was taken from the queue last is being decided
            await asyncio.wait({self.loop._work})
        assert self.bugs == []


def mac(device: int) -> str:
    return f"02-00-00-00-{device // 256:02X}-{device % 256:02X}"


@contextlib.asynccontextmanager
async def wired(folder: Path, *names: str, **how: Any) -> AsyncIterator[Wired]:
    """how: ``more`` and ``policy`` as text, ``mute`` names of NASes without ``dynauth``, ``timing``."""
    running = asyncio.get_running_loop()
    switches: dict[str, Switch] = {}
    for name in names or ("sw",):
        switch = Switch(name)
        await running.create_datagram_endpoint(lambda switch=switch: switch, local_addr=("127.0.0.1", 0))  # type: ignore[misc]
        switches[name] = switch
    mute = how.get("mute", ())
    ports = {name: 0 if name in mute else switch.port for name, switch in switches.items()}
    assembled = configured(folder, ports, how.get("more", ""), how.get("policy", POLICY), how.get("vendor", ""))
    house = Wired(folder, assembled, switches, timing=how.get("timing", FAST))
    running.set_exception_handler(lambda _, context: house.bugs.append(context))
    house.open()
    await house.loop.start()
    try:
        async with asyncio.timeout(60):
            yield house
    finally:
        await house.close()
        for switch in switches.values():
            switch.close()
    assert house.bugs == []


def play(story: Callable[[], Any]) -> None:
    """Run one story in a loop of its own."""
    asyncio.run(story())
