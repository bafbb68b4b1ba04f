"""A whole nacd in this process: five NASes, a PKI, a policy, every room, spine and audit record, and no sockets.

Knows: how the parts are put together, and the one clock, which moves with each datagram and never by itself.
Refuses to know: what is sent, and what must not come back. Of the daemon only sockets, event loop and threads
are left out. Time is cheap here: 30 seconds, the lifetime of what nacd remembers, pass in 15,000 datagrams, so
tables reach the size at which they stay.
"""

from __future__ import annotations

import asyncio
import datetime
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from nacd.admit import CameBack
from nacd.audit.repeats import Repeats
from nacd.authorize import Authorizer
from nacd.compliance.cache import Fresh as Known
from nacd.compliance.cache import Lifetimes, VerdictCache
from nacd.compliance.question import Question
from nacd.config.load import load
from nacd.eap.conversation import Ongoing
from nacd.eap.conversations import Conversations
from nacd.overload.failing import FailingEndpoints
from nacd.overload.gate import Gate
from nacd.overload.rates import PortRates
from nacd.radius.admission import Admission, Role
from nacd.radius.dedup import DedupTable
from nacd.radius.ledger import MessageAuthenticatorLedger
from nacd.server import log, translate
from nacd.server.assembly import Assembled, assemble
from nacd.server.clock import instant, random_octets
from nacd.server.drops import Drops
from nacd.server.lookups.tenants import Lookups
from nacd.server.lookups.watch import HowOften, LiveDevices
from nacd.server.recorder import Recorder
from nacd.server.reload.generation import Generation
from nacd.server.reload.in_force import InForce
from nacd.server.sessions import known
from nacd.server.worker import Worker
from nacd.session.table import NO_SESSION, Found, apply
from nacd.session.tie import again, tie
from nacd.sessions import Accounted, Authorized, Change, Session
from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID, SERVER_NAME, Authority, Issued, intune_uri
from nacd.store.live.outcome import Applied
from nacd.store.trail.log import AuditLog
from nacd.values import AccessRequest, Compliance, ComplianceSource, ComplianceState, DeviceId, Instant, Secret
from tools.fuzz.wire import check

PRINTER = "00-11-85-AA-BB-CC"
STEP_S = 0.002
SOURCES = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "192.0.2.99")
"""switch, VPN concentrator, an old switch, a very old one, and a stranger."""
SECRETS = {source: f"fuzzing-{source}-secret".encode() for source in SOURCES}
ADMITTED, RESENT = "admitted", "resent"
VERDICTS = ENDPOINTS = 2_000
"""Room in two tables; small, so that they are soon full."""

_CLIENTS = """\
  - {name: switch, network: 127.0.0.1, secret: "file:secrets/127.0.0.1", vendor: cisco-ios, groups: [wired],
     probe_users: [nacd-probe]}
  - {name: concentrator, network: 127.0.0.2, secret: "file:secrets/127.0.0.2", vendor: cisco-asa,
     authentication: done_by_nas}
  - {name: old, network: 127.0.0.3, secret: "file:secrets/127.0.0.3", vendor: hostapd,
     message_authenticator: auto, eap_md5_mab: true}
  - {name: very old, network: 127.0.0.4, secret: "file:secrets/127.0.0.4", vendor: generic,
     message_authenticator: accept, mab_password: any}
"""
CONFIG = f"""\
server: {{auth: "127.0.0.1:0", accounting: "127.0.0.1:0"}}
clients:
{_CLIENTS}\
eap:
  certificate: server.pem
  private_key: file:server.key
  client_cas:
    - {{file: devices-ca.pem, may_assert: [intune_id]}}
    - {{file: users-ca.pem, may_assert: []}}
identity:
  order: [certificate, vpn, mac]
intune:
  cloud: custom
  tenant: contoso.onmicrosoft.com
  client_id: 6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11
  credential: {{secret: "file:secrets/192.0.2.99"}}
  authority: https://localhost:9
  endpoint: https://localhost:9/nac
  allowed_hosts: ["localhost:9"]
  resource: https://localhost:9/
  portal: https://portal.example.test/
policy: policy.yaml
audit: {{file: /dev/null}}
state: state
"""
POLICY = """\
profiles:
  corporate:  {vlan: 120, session_timeout: 8h}
  quarantine: {vlan: 999, session_timeout: 10m}
  printers:   {vlan: 140}
  remote:     {session_timeout: 8h}
rules:
  - {name: compliant device,   when: {access: dot1x, identity: certificate, compliance: compliant}, then: corporate}
  - {name: compliant vpn,      when: {access: vpn, identity: [certificate, vpn], compliance: compliant}, then: remote}
  - {name: known printers,     when: {access: mab, mac_in: printers.csv}, then: printers}
  - {name: intune unreachable, when: {access: dot1x, identity: certificate, compliance: unavailable}, then: quarantine}
  - {name: fix your device,    when: {access: dot1x, compliance: [noncompliant, unknown, not_managed]},
     then: quarantine}
"""


class Signer:
    """A CA that devices are trusted by, and that signs whatever it is given, however broken."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signs anything")])
        start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=2)
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
        builder = builder.public_key(self._key.public_key())
        builder = builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=900))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.authority = Authority(builder.sign(self._key, hashes.SHA256()), self._key, ())

    def sign(self, tbs: bytes) -> bytes:
        """A certificate (DER) around these octets (RFC 5280 section 4.1), signed with ECDSA and SHA-256."""
        algorithm = bytes.fromhex("300a06082a8648ce3d040302")
        signature = self._key.sign(tbs, ec.ECDSA(hashes.SHA256()))
        return _der(0x30, tbs + algorithm + _der(0x03, b"\0" + signature))


def _der(tag: int, value: bytes) -> bytes:
    size = len(value)
    return bytes((tag, size)) + value if size < 0x80 else bytes((tag, 0x82)) + (size & 0xFFFF).to_bytes(2) + value


@dataclass(frozen=True, slots=True)
class Pki:
    """Made anew in each process. peers: whoever tries to log in; only the first two may get anywhere."""

    devices: Authority
    server: Issued
    peers: tuple[Issued, ...]
    signer: Signer

    @classmethod
    def make(cls) -> Pki:
        devices, _users, strangers = (Authority.root(name) for name in ("devices", "users", "strangers"))
        named = [intune_uri(COMPLIANT_GUID)]
        peers = (
            devices.issue_client("laptop", uris=named, upn="alice@example.test", template="1.3.6.1.4.1.311.21.8.7"),
            devices.intermediate("issuing").issue_client("other", uris=[intune_uri(NONCOMPLIANT_GUID)], key="rsa2048"),
            devices.issue_client("old", uris=named, starts_s=-10 * 86_400.0, lasts_s=86_400.0),
            strangers.issue_client("stranger", uris=named),
            devices.issue_client("wrong use", uris=named, eku=["emailProtection"]),
        )
        return cls(devices=devices, server=devices.issue_server(SERVER_NAME), peers=peers, signer=Signer())


GOOD_PEERS = 2
"""Of ``Pki.peers``, so many from the start are genuine."""


class Clock:
    """Both clocks, from a fixed start of this run; moved by hand."""

    def __init__(self) -> None:
        self.now = instant()

    def __call__(self) -> Instant:
        return self.now

    def pass_by(self, seconds: float) -> Instant:
        self.now = Instant(wall=self.now.wall + seconds, monotonic=self.now.monotonic + seconds)
        return self.now


@dataclass(slots=True)
class WayBack:
    """The way back to a NAS: a list of what came."""

    source: str
    port: int
    replies: list[bytes] = field(default_factory=list)

    def send(self, octets: bytes) -> None:
        self.replies.append(octets)


class AtOnce(Lookups):
    """Answers without threads: one device is compliant, other devices are not, and a MAC is never managed."""

    def __init__(self, verdicts: VerdictCache, clock: Clock) -> None:
        super().__init__({})
        self._verdicts = verdicts
        self._now = clock

    def known(self, question: Question, now: Instant, at_most_s: float = float("inf")) -> Compliance | None:
        del at_most_s
        found = self._verdicts.find(question.key, now)
        return found.compliance if isinstance(found, Known) else None

    def start(
        self, question: Question, request: AccessRequest, *, guess: bool = False, at_most_s: float = float("inf")
    ) -> None:
        del request, guess, at_most_s
        self._ask_now(question)

    async def compliance(
        self, question: Question, request: AccessRequest, at_most_s: float = float("inf")
    ) -> Compliance:
        del request, at_most_s
        return self._ask_now(question)

    def _ask_now(self, question: Question) -> Compliance:
        now = self._now()
        state = ComplianceState.NOT_MANAGED
        if isinstance(question.subject, DeviceId):
            good = question.subject.guid == COMPLIANT_GUID
            state = ComplianceState.COMPLIANT if good else ComplianceState.NONCOMPLIANT
        verdict = Compliance(state=state, as_of=now.wall, source=ComplianceSource.LIVE)
        self._verdicts.replace(question.key, verdict, self._verdicts.ask(), now)
        return verdict


class SessionsAtOnce:
    """The rules about sessions without a disk: every change is held against the last session there was."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._last: Found = NO_SESSION
        self._number = 0
        self._written = False

    def write(self, changes: Sequence[Change]) -> asyncio.Future[tuple[Applied, ...]]:
        self._written = True
        future: asyncio.Future[tuple[Applied, ...]] = self._loop.create_future()
        future.set_result(tuple([self._apply(change) for change in changes]))
        return future

    def came_again(self, back: CameBack) -> bool:
        """Nobody is familiar here: it is written in full."""
        del back
        return False

    def settle(self) -> None:
        """Let whoever waits for the disk go on."""
        if self._written:
            self._written = False
            self._loop.run_until_complete(asyncio.sleep(0))

    def close(self) -> None:
        self._loop.close()

    def _apply(self, change: Change) -> Applied:
        known = (self._last,) if isinstance(self._last, Session) else ()
        found = self._last
        if isinstance(change, Accounted):
            found = tie(change, known)
        elif isinstance(change, Authorized):
            found = again(change, known)
        made = apply(found, change)
        if isinstance(made, Session):
            self._number += 1
            self._last = made if made.id else replace(made, id=self._number)
        return Applied(session=self._last)


class Site:
    """Every room of one configuration, put together as the daemon does it. ``close`` takes its folder down again."""

    def __init__(self, policy: str = POLICY) -> None:
        log.start(as_json=False, level="error")
        self.folder = Path(tempfile.mkdtemp(prefix="nacd-fuzz-"))
        self.pki = Pki.make()
        self._write(policy)
        self.assembled: Assembled = assemble(load(self.folder / "nacd.yaml"), instant(), allow_demo=True)
        self.clock = Clock()
        self.dedup = DedupTable()
        self.verdicts = VerdictCache(Lifetimes(), VERDICTS)
        self.drops = Drops()
        self.recorder = Recorder(
            log=AuditLog(Path("/dev/null")),
            repeats=Repeats(),
            drops=self.drops,
            continue_when_full=False,
            warn_at_percent=99,
        )
        eap = self.assembled.eap
        if eap is None:
            raise ValueError("the site has EAP")
        ongoing = Ongoing(eap.options)
        self.conversations = Conversations(eap.context, eap.options, random_octets, ongoing=ongoing)
        self.authorizer = Authorizer(
            conversations=self.conversations,
            identity_rules=self.assembled.identity_rules,
            policy=self.assembled.loaded.policy,
            rendered=self.assembled.rendered,
            chargeable_key=Secret(b"of this site's own, 32 octets...."),
        )
        self.sessions = SessionsAtOnce()
        self.worker = Worker(
            admission=Admission(self.assembled.table, MessageAuthenticatorLedger(), self.dedup),
            queue=translate.work_queue(self.assembled.loaded.settings.overload),
            # Everything comes through few ports here: with the usual limits nobody would be let try.
            gate=Gate(
                PortRates(per_s=1e9, burst=10**9, capacity=ENDPOINTS),
                FailingEndpoints(refusals=10**9, within_s=60.0, hold_s=60.0, capacity=ENDPOINTS),
            ),
            in_force=InForce(self._generation(), ongoing),
            lookup=AtOnce(self.verdicts, self.clock),
            sessions=self.sessions,
            refused=lambda request, mac, standing: None,
            live=LiveDevices(HowOften(each=300.0)),
            judging=known.Known(lookups=Lookups({})),
            recorder=self.recorder,
            clock=self.clock,
            random=random_octets,
        )

    def _generation(self) -> Generation:
        return Generation(
            number=1,
            assembled=self.assembled,
            table=self.assembled.table,
            dictionary=self.assembled.dictionary,
            authorizer=self.authorizer,
        )

    def deliver(self, datagram: bytes, way: WayBack, role: Role) -> str:
        """One datagram all the way, answered on ``way``. What became of it at the door: ``ADMITTED``, ``RESENT``, or
        why it was dropped. Raises whatever the worker lets out."""
        became = self._let_in(datagram, way, role)
        while self.worker.waiting:
            rest = self.worker.answer(self.worker.next())
            self.worker.flush()
            self.sessions.settle()
            if rest is not None:
                try:
                    rest.send(None)
                except StopIteration:
                    self.sessions.settle()
                    continue
                raise RuntimeError("the worker waits for something that is not there")
        return became

    def _let_in(self, datagram: bytes, way: WayBack, role: Role) -> str:
        dropped, resent = dict(self.drops.totals), self.worker.counts.resent
        self.worker.receive(datagram, way, role)
        if self.worker.waiting:
            return ADMITTED
        if self.worker.counts.resent > resent:
            return RESENT
        why = [reason for reason, count in self.drops.totals.items() if count > dropped.get(reason, 0)]
        check(len(why) == 1, f"a datagram that is neither admitted nor sent again is counted as {why}")
        return why[0]

    def tick(self) -> None:
        """What the daemon does each second."""
        now = self.clock()
        self.recorder.take(self.authorizer.expire(now), now)
        self.recorder.tick(now)

    def close(self) -> None:
        """Leave nothing behind."""
        self.recorder.close(self.clock())
        self.sessions.close()
        shutil.rmtree(self.folder)

    def _write(self, policy: str) -> None:
        (self.folder / "secrets").mkdir()
        files: dict[str, str | bytes] = {
            "nacd.yaml": CONFIG,
            "policy.yaml": policy,
            "printers.csv": f"mac,note\n{PRINTER},third floor\n",
            "devices-ca.pem": self.pki.devices.root_pem + self.pki.signer.authority.root_pem,
            "users-ca.pem": Authority.root("login only").root_pem,
            "server.pem": self.pki.server.chain_pem,
            "server.key": self.pki.server.key_pem,
            **{f"secrets/{source}": secret for source, secret in SECRETS.items()},
        }
        for name, content in files.items():
            path = self.folder / name
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            path.chmod(0o600)
