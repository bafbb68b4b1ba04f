"""A whole nacd in this process, with the outside made by hand: a register of devices instead of Intune, real
sockets on loopback, real files. NASes, supplicants and certificates are the independent ones of ``nacd.sim``.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pyrad.packet import AuthPacket, Packet

from nacd.audit.repeats import Repeats
from nacd.authorize import Authorizer
from nacd.compliance.breaker import Breaker
from nacd.compliance.cache import Lifetimes, VerdictCache
from nacd.config.load import load
from nacd.eap.conversation import Ongoing
from nacd.radius.admission import Admission, Role
from nacd.radius.dedup import DedupTable
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server import sockets, translate
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant, random_octets
from nacd.server.drops import Drops
from nacd.server.listener import Listener
from nacd.server.lookups.errands import ComplianceSourceOfRecord
from nacd.server.lookups.knowledge import Knowledge, NoShelf, Shelf
from nacd.server.lookups.lookup import Lookup, LookupOptions
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.watch import HowOften, LiveDevices
from nacd.server.recorder import Recorder
from nacd.server.reload import generation
from nacd.server.reload.generation import Shared
from nacd.server.reload.in_force import InForce
from nacd.server.sessions.book import Book
from nacd.server.sessions.known import Known
from nacd.server.worker import Worker
from nacd.session.overrides import Orders
from nacd.session.table import apply
from nacd.session.tie import tie
from nacd.sessions import Standing
from nacd.sim.nas import Nas
from nacd.sim.nas_reply import dictionary
from nacd.sim.pki import COMPLIANT_GUID, SERVER_NAME, Authority, Issued, intune_uri
from nacd.sim.supplicant import LoginResult, Supplicant, login
from nacd.store.chargeable_key import chargeable_key
from nacd.store.handover import Handover
from nacd.store.sessions import SessionStore
from nacd.store.trail.log import AuditLog
from nacd.values import AccessRequest, Compliance, ComplianceSource, ComplianceState, DeviceId, Instant, MacAddress
from tests.records import told

T = TypeVar("T")
SECRET = b"of-the-tests-own-4711-x"
LAPTOP_MAC = "00-1B-44-11-3A-B7"
PRINTER_MAC = "00-11-85-AA-BB-CC"
PROBE = "nacd-probe"

CONFIG = """\
server: {auth: "127.0.0.1:0", accounting: "127.0.0.1:0"}
clients:
  - {name: switch, network: 127.0.0.1, secret: "file:secrets/nas", vendor: cisco-ios, groups: [wired],
     probe_users: [nacd-probe]}
  - {name: concentrator, network: 127.0.0.2, secret: "file:secrets/nas", vendor: cisco-asa,
     authentication: done_by_nas}
eap:
  certificate: server.pem
  private_key: file:server.key
  client_cas:
    - {file: devices-ca.pem, may_assert: [intune_id]}
intune:
  cloud: custom
  tenant: contoso.onmicrosoft.com
  client_id: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11
  credential: {secret: "file:secrets/app"}
  authority: https://localhost:9
  endpoint: https://localhost:9/nac
  allowed_hosts: ["localhost:9"]
  resource: https://localhost:9/
  portal: https://portal.example.test/
policy: policy.yaml
audit: {file: audit.jsonl}
state: state
"""
POLICY = """\
profiles:
  corporate:  {vlan: 120, session_timeout: 8h}
  quarantine: {vlan: 999, session_timeout: 10m}
  printers:   {vlan: 140}
rules:
  - {name: compliant device,   when: {access: dot1x, identity: certificate, compliance: compliant}, then: corporate}
  - {name: known printers,     when: {access: mab, mac_in: printers.csv}, then: printers}
  - {name: intune unreachable, when: {access: dot1x, identity: certificate, compliance: unavailable}, then: quarantine}
  - {name: fix your device,    when: {access: dot1x, compliance: [noncompliant, unknown, not_managed]},
     then: quarantine}
  - {name: managed by mac,     when: {access: mab, compliance: compliant}, then: corporate}
"""


def spine(assembled: Assembled) -> Authorizer:
    """The authorizer of a configuration, with nobody around it."""
    return generation.build(assembled, Shared(ongoing=Ongoing(), random=random_octets)).authorizer


# -- certificates and files ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pki:
    """One for the whole run: making keys costs more than using them."""

    root: Authority
    server: Issued
    laptop: Issued

    @classmethod
    def make(cls) -> Pki:
        root = Authority.root("tests root")
        return cls(
            root=root,
            server=root.issue_server(SERVER_NAME),
            laptop=root.issue_client("laptop", uris=[intune_uri(COMPLIANT_GUID)]),
        )

    def supplicant(self, issued: Issued | None = None, *, tls: str = "1.3") -> Supplicant:
        shown = issued or self.laptop
        return Supplicant(
            identity="host/laptop",
            ca_pem=self.root.root_pem,
            certificate_pem=shown.chain_pem,
            key_pem=shown.key_pem,
            server_name=SERVER_NAME,
            tls="1.2" if tls == "1.2" else "1.3",
        )


class Site:
    """A configuration on disk that a test may spoil before it is read."""

    def __init__(self, folder: Path, pki: Pki) -> None:
        self.folder = folder
        (folder / "secrets").mkdir()
        self.write("secrets/nas", SECRET, 0o600)
        self.write("secrets/app", "the-apps-own-word", 0o600)
        self.write("nacd.yaml", CONFIG)
        self.write("policy.yaml", POLICY)
        self.write("printers.csv", f"mac,note\n{PRINTER_MAC},third floor\n")
        self.write("devices-ca.pem", pki.root.root_pem)
        self.serve_with(pki.server)

    @property
    def config(self) -> Path:
        return self.folder / "nacd.yaml"

    @property
    def audit(self) -> Path:
        return self.folder / "audit.jsonl"

    def serve_with(self, issued: Issued) -> None:
        self.write("server.pem", issued.chain_pem)
        self.write("server.key", issued.key_pem, 0o600)

    def write(self, name: str, content: str | bytes, mode: int = 0o644) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def change(self, old: str, new: str, *, file: str = "nacd.yaml") -> Site:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return self

    def assemble(self, *, allow_demo: bool = True) -> Assembled:
        return assemble(load(self.config), instant(), allow_demo=allow_demo)

    def records(self) -> list[dict[str, Any]]:
        """Without what the trail says of itself."""
        return told(self.audit.read_text(encoding="utf-8"))


# -- the outside --------------------------------------------------------------------------------


class Clock:
    """Both clocks of this machine, moved forward by hand."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> Instant:
        now = instant()
        return Instant(wall=now.wall + self.ahead_s, monotonic=now.monotonic + self.ahead_s)


@dataclass(slots=True, kw_only=True)
class Register:
    """What Intune would say, and how often it was asked. ``open`` cleared: everybody who asks waits."""

    state: ComplianceState = ComplianceState.COMPLIANT
    detail: str = ""
    bug: Exception | None = None
    calls: list[str] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    throttled: int = 0

    def __post_init__(self) -> None:
        self.open.set()

    def lookup(self, subject: DeviceId | MacAddress, deadline_s: float, now: Callable[[], float]) -> Compliance:
        self.calls.append(str(subject))
        self.open.wait(min(deadline_s, 5))
        if self.bug is not None:
            raise self.bug
        source = ComplianceSource.NONE if self.state is ComplianceState.UNAVAILABLE else ComplianceSource.LIVE
        return Compliance(state=self.state, as_of=now(), source=source, detail=self.detail)


def soon(holds: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Whether it holds, now or soon."""
    until = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def mab_datagram(mac: str = PRINTER_MAC, *, identifier: int = 7, more: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A MAB Access-Request by an independent codec."""
    user = mac.replace("-", "").lower()
    packet: Packet = AuthPacket(code=1, id=identifier, secret=SECRET, authenticator=os.urandom(16), dict=dictionary())
    packet.add_message_authenticator()
    pairs = (("User-Name", user), ("Calling-Station-Id", mac), ("Service-Type", "Call-Check"), *more)
    for name, value in pairs:
        packet.AddAttribute(name, value)
    octets: bytes = packet.RequestPacket()
    return octets


def lookups_of(
    register: ComplianceSourceOfRecord, clock: Callable[[], Instant], options: LookupOptions, shelf: Shelf | None = None
) -> Lookups:
    """The lookups of a site with one tenant."""
    knowledge = Knowledge(tenant="intune", cache=VerdictCache(Lifetimes()), shelf=shelf or NoShelf(), clock=clock)
    lookup = Lookup(source=register, knowledge=knowledge, breaker=Breaker(), options=options, clock=clock)
    return Lookups({"intune": lookup})


# -- the house ----------------------------------------------------------------------------------


class House:
    """Every room of one configuration, put together as the daemon does it, on an event loop of its own."""

    def __init__(
        self, site: Site, register: Register, *, continue_when_full: bool = False, deadline_s: float = 1.0
    ) -> None:
        assembled = site.assemble()
        wanted = assembled.loaded.settings
        self.site = site
        self.register = register
        self.clock = Clock()
        self.drops = Drops()
        self.recorder = Recorder(
            log=AuditLog(site.audit),
            repeats=Repeats(),
            drops=self.drops,
            continue_when_full=continue_when_full,
            warn_at_percent=99,
        )
        self.lookup = lookups_of(register, self.clock, LookupOptions(deadline_s=deadline_s, threads=4, max_waiting=100))
        self.live = LiveDevices(HowOften(each=300.0))
        self.complaints: list[str] = []
        self.sessions = SessionStore(
            site.folder / "state" / "sessions.sqlite", apply=apply, tie=tie, report=self.complaints.append
        )
        self.book = Book(self.sessions, self.clock)
        self.book.listen(self.live.applied)
        self.refused: list[tuple[AccessRequest, str, Standing]] = []
        self.orders = Orders()
        self.ongoing = Ongoing(assembled.eap.options if assembled.eap is not None else None)
        self.shared = Shared(
            ongoing=self.ongoing,
            random=random_octets,
            chargeable=chargeable_key(site.folder / "state", random_octets).key,
            orders=self.orders,
        )
        self.in_force = InForce(generation.build(assembled, self.shared), self.ongoing)
        self.worker = Worker(
            admission=Admission(assembled.table, MessageAuthenticatorLedger(), DedupTable()),
            in_force=self.in_force,
            queue=translate.work_queue(assembled.loaded.settings.overload),
            gate=translate.gate(assembled.loaded.settings.overload),
            lookup=self.lookup,
            live=self.live,
            judging=Known(lookups=self.lookup, machines=self.orders.machines),
            recorder=self.recorder,
            sessions=self.book,
            refused=lambda *told: self.refused.append(told),
            clock=self.clock,
            random=random_octets,
            handover=Handover(wanted.actions.socket) if wanted.actions is not None else None,
        )
        self.listener = Listener(worker=self.worker, recorder=self.recorder, clock=self.clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._sockets = [sockets.bind("127.0.0.1", 0) for _ in (Role.AUTH, Role.ACCT)]
        self.ports = [sock.getsockname()[1] for sock in self._sockets]
        self._nases: list[Nas] = []
        for sock, role in zip(self._sockets, (Role.AUTH, Role.ACCT), strict=True):
            self.do(partial(self.listener.listen, sock, role))

    def do(self, work: Callable[[], T]) -> T:
        """Do it on the event loop, where the rooms live."""

        async def done() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(10)

    def nas(self, **changes: Any) -> Nas:
        wanted: dict[str, Any] = {"timeout_s": 2.0, "tries": 1, "source": "127.0.0.1", "name": "switch", **changes}
        made = Nas(server="127.0.0.1", secret=SECRET, port=self.ports[0], accounting_port=self.ports[1], **wanted)
        self._nases.append(made)
        return made

    def login(self, supplicant: Supplicant, mac: str = LAPTOP_MAC, **changes: Any) -> LoginResult:
        return login(self.nas(**changes), supplicant, mac=mac)

    def written(self) -> None:
        """Wait until every change of a session is on disk and whoever listens has heard of it."""
        until = time.monotonic() + 10
        while self.do(lambda: self.book.waiting) and time.monotonic() < until:
            time.sleep(0.005)

    def settle(self) -> None:
        """Wait until what has been read from the wire is answered, or will not be. Not for what waits for Intune."""
        until = time.monotonic() + 10
        while self.do(lambda: self.worker.waiting + self.worker.late) and time.monotonic() < until:
            time.sleep(0.005)
        asyncio.run_coroutine_threadsafe(self.worker.settle(10.0), self._loop).result(10)

    def tick(self) -> None:
        self.do(lambda: self.recorder.tick(self.clock()))

    def records(self, event: str = "") -> list[dict[str, Any]]:
        return [record for record in self.site.records() if not event or record["event"] == event]

    def close(self) -> None:
        self.register.open.set()
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        for nas in self._nases:
            nas.close()

    async def _close(self) -> None:
        await self.listener.close(2.0)
        await self.lookup.close()
        self.recorder.close(self.clock())
        self.book.close()
        self.sessions.close()
