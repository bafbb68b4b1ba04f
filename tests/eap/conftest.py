"""A PKI and a supplicant of the tests' own: stdlib `ssl`, own EAP framing, nothing of nacd's eap room.

It leaves a TLS key log and all octets it received, for whoever wants to compute the keys a second time.
"""

from __future__ import annotations

import hashlib
import itertools
import ssl
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from nacd.eap.chain import TrustAnchor
from nacd.eap.conversations import Conversations, EapOptions
from nacd.eap.tls_engine import TlsContext, TlsOptions
from nacd.values import AccessRequest, Challenge, EapStep, Instant, Nas, PeerAuthenticated, Secret

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)


def instant(moment: datetime = NOW, monotonic: float = 1000.0) -> Instant:
    return Instant(wall=moment.timestamp(), monotonic=monotonic)


# -- PKI ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Issued:
    """A certificate with its private key."""

    cert: x509.Certificate
    key: object

    @property
    def pem(self) -> bytes:
        return self.cert.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.cert.public_bytes(serialization.Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


KEYS: dict[str, Callable[[], object]] = {
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
}


class Pki:
    """Makes certificates. RSA keys are slow to make and are kept."""

    def __init__(self) -> None:
        self._kept: dict[str, object] = {}

    def key(self, kind: str) -> object:
        if not kind.startswith("rsa"):
            return KEYS[kind]()
        if kind not in self._kept:
            self._kept[kind] = KEYS[kind]()
        return self._kept[kind]

    def issue(
        self,
        cn: str,
        by: Issued | None = None,
        *,
        ca: bool = False,
        path_length: int | None = None,
        usages: Sequence[x509.ObjectIdentifier] = (),
        key: object | None = None,
        kind: str = "p256",
        begin: datetime = NOW - timedelta(days=30),
        end: datetime = NOW + timedelta(days=365),
        dns: Sequence[str] = (),
        uris: Sequence[str] = (),
        digital_signature: bool = True,
        key_usage: bool = False,
        identifiers: bool = True,
        critical: x509.ObjectIdentifier | None = None,
    ) -> Issued:
        key = key or self.key(kind)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])
        signer = by.key if by else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(by.cert.subject if by else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True)
        )
        if identifiers:
            builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
            builder = builder.add_extension(authority, critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        names = [x509.DNSName(text) for text in dns] + [x509.UniformResourceIdentifier(text) for text in uris]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if key_usage:
            usage = x509.KeyUsage(digital_signature, False, True, False, False, ca, ca, False, False)
            builder = builder.add_extension(usage, critical=True)
        if critical is not None:
            builder = builder.add_extension(x509.UnrecognizedExtension(critical, b"\x05\x00"), critical=True)
        algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        return Issued(cert=builder.sign(signer, algorithm), key=key)


@pytest.fixture(scope="session")
def pki() -> Pki:
    return Pki()


@dataclass(frozen=True)
class Site:
    """An ordinary site: a root, a sub-CA for devices, a server certificate and one good device."""

    root: Issued
    sub: Issued
    server: Issued
    device: Issued


@pytest.fixture(scope="session")
def site(pki: Pki) -> Site:
    root = pki.issue("Contoso Root", ca=True)
    sub = pki.issue("Contoso Devices", root, ca=True)
    server = pki.issue("radius.contoso.test", root, usages=SERVER, dns=("radius.contoso.test",))
    device = pki.issue("laptop-7", sub, usages=CLIENT, uris=("IntuneDeviceId:6d3f2b0a-0000-4000-8000-000000000001",))
    return Site(root=root, sub=sub, server=server, device=device)


# -- supplicant -----------------------------------------------------------------------------


def response(identifier: int, method: int, body: bytes = b"") -> bytes:
    return struct.pack("!BBHB", 2, identifier, 5 + len(body), method) + body


@dataclass
class Supplicant:
    """An EAP-TLS peer. ``answer`` takes an EAP-Request and gives the EAP-Response."""

    tls: ssl.SSLObject
    inward: ssl.MemoryBIO
    outward: ssl.MemoryBIO
    keylog: Path
    identity: bytes = b"host/laptop-7.contoso.test"
    fragment: int = 1000
    announce_length: bool = True
    received: bytearray = field(default_factory=bytearray)
    requests: list[bytes] = field(default_factory=list)
    application: bytes = b""
    error: str = ""
    flight_in: bytearray = field(default_factory=bytearray)
    pending: list[bytes] = field(default_factory=list)

    def answer(self, request: bytes) -> bytes:
        code, identifier, length = struct.unpack("!BBH", request[:4])
        assert code == 1
        assert length == len(request)
        self.requests.append(request)
        if request[4] == 1:
            return response(identifier, 1, self.identity)
        assert request[4] == 13
        return response(identifier, 13, self._tls_answer(request[5:]))

    def _tls_answer(self, body: bytes) -> bytes:
        flags, octets = body[0], body[1:]
        if flags & 0x80:
            octets = octets[4:]
        if flags & 0x20:
            assert body == b"\x20", "an EAP-TLS Start has neither length nor octets"
            return self._send(self._turn(b""))
        if self.pending:
            assert body == b"\x00", "an acknowledgement is empty"
            return self.pending.pop(0)
        self.flight_in += octets
        if flags & 0x40:
            return b"\x00"
        flight, self.flight_in = bytes(self.flight_in), bytearray()
        return self._send(self._turn(flight))

    def _turn(self, flight: bytes) -> bytes:
        self.received += flight
        if flight:
            self.inward.write(flight)
        try:
            self.tls.do_handshake()
            self.application += self.tls.read(16)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.error = str(error)
        return self.outward.read()

    def _send(self, flight: bytes) -> bytes:
        if not flight:
            return b"\x00"
        pieces = [flight[at : at + self.fragment] for at in range(0, len(flight), self.fragment)]
        fragments = []
        for number, piece in enumerate(pieces):
            more = 0x40 if number < len(pieces) - 1 else 0
            if number == 0 and self.announce_length:
                fragments.append(struct.pack("!BI", 0x80 | more, len(flight)) + piece)
            else:
                fragments.append(bytes([more]) + piece)
        self.pending = fragments[1:]
        return fragments[0]


VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class SupplicantMaker:
    """Makes supplicants; certificates go through files because stdlib ``ssl`` wants them there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count()

    def context(
        self,
        identity: Issued | None,
        chain: Sequence[Issued] = (),
        *,
        version: str = "1.3",
        trust: Sequence[Issued] = (),
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if trust else ssl.CERT_NONE
        context.minimum_version = context.maximum_version = VERSIONS[version]
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        for ca in trust:
            context.load_verify_locations(cadata=ca.der)
        if identity is not None:
            file = self._folder / f"{next(self._count)}.pem"
            file.write_bytes(identity.key_pem + identity.pem + b"".join(one.pem for one in chain))
            context.load_cert_chain(file)
        return context

    def __call__(
        self,
        identity: Issued | None,
        chain: Sequence[Issued] = (),
        *,
        version: str = "1.3",
        trust: Sequence[Issued] = (),
        context: ssl.SSLContext | None = None,
        session: ssl.SSLSession | None = None,
        **more: object,
    ) -> Supplicant:
        made = context or self.context(identity, chain, version=version, trust=trust)
        keylog = self._folder / f"{next(self._count)}.keys"
        made.keylog_filename = str(keylog)
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = made.wrap_bio(inward, outward, session=session)
        return Supplicant(tls=tls, inward=inward, outward=outward, keylog=keylog, **more)


@pytest.fixture(scope="session")
def supplicant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupplicantMaker]:
    return SupplicantMaker(tmp_path_factory.mktemp("supplicants"))


# -- requests -------------------------------------------------------------------------------

SWITCH = Nas(name="switch-1", vendor="generic")


def access_request(eap: bytes, state: bytes = b"", **more: object) -> AccessRequest:
    fields = {
        "nas": SWITCH,
        "source": "10.20.0.1",
        "source_port": 40000,
        "calling_station_id": "02-00-00-00-00-01",
        "has_eap": True,
        "eap": eap,
        "state": state,
    }
    return AccessRequest(**(fields | more))


def octets_by_counter() -> Callable[[int], bytes]:
    """Random octets that repeat from run to run."""
    numbers = itertools.count()
    return lambda size: hashlib.shake_128(str(next(numbers)).encode()).digest(size)


def tls_context(
    server: Issued, cas: dict[str, Sequence[Issued]], chain: Sequence[Issued] = (), **more: object
) -> TlsContext:
    options = TlsOptions(
        certificate_chain_pem=b"".join(one.pem for one in (server, *chain)),
        private_key_pem=Secret(server.key_pem),
        client_cas=tuple(TrustAnchor(name=name, pem=b"".join(one.pem for one in some)) for name, some in cas.items()),
        **more,
    )
    return TlsContext(options)


def conversations(context: TlsContext, **options: object) -> Conversations:
    return Conversations(context, EapOptions(**options), octets_by_counter())


def login(
    talk: Conversations, peer: Supplicant, moment: datetime = NOW, *, rounds: int = 400, **more: object
) -> list[EapStep]:
    """Play a whole conversation; the last step is the outcome."""
    eap, state = response(7, 1, peer.identity), b""
    steps: list[EapStep] = []
    for _ in range(rounds):
        step = talk.receive(access_request(eap, state, **more), instant(moment))
        steps.append(step)
        if not isinstance(step, Challenge):
            return steps
        eap, state = peer.answer(step.eap), step.state
    raise AssertionError("the conversation does not end")


def alone(pki: Pki, by: Issued | None, **leaf: object) -> tuple[Issued, tuple[Issued, ...]]:
    """A device directly under a CA: (leaf, nothing more to send)."""
    return pki.issue("laptop", by, **({"usages": CLIENT} | leaf)), ()


def under(pki: Pki, by: Issued, **sub: object) -> tuple[Issued, tuple[Issued, ...]]:
    """A device of a sub-CA made for the case: (leaf, chain to send)."""
    ca = pki.issue("Odd Devices", by, ca=True, **sub)
    return pki.issue("laptop", ca, usages=CLIENT), (ca,)


@pytest.fixture(scope="session")
def outcome(supplicant: SupplicantMaker, site: Site) -> Callable[..., EapStep]:
    """Log in once and give the last step. No earlier step may show a chain unless the last one authenticates."""
    usual = tls_context(site.server, {"devices-ca": [site.root]})

    def play(
        identity: Issued | None,
        chain: Sequence[Issued] = (),
        *,
        version: str = "1.3",
        using: TlsContext = usual,
        moment: datetime = NOW,
        **more: object,
    ) -> EapStep:
        peer = supplicant(identity, chain, version=version, **more)
        steps = login(conversations(using), peer, moment)
        if not isinstance(steps[-1], PeerAuthenticated):
            assert not [step for step in steps if isinstance(step, Challenge) and (step.chain or step.anchor)]
            assert peer.application == b""
        return steps[-1]

    return play


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """The helpers of this file, for tests that cannot import it."""
    return SimpleNamespace(
        NOW=NOW,
        CLIENT=CLIENT,
        SERVER=SERVER,
        access_request=access_request,
        alone=alone,
        under=under,
        conversations=conversations,
        instant=instant,
        login=login,
        Issued=Issued,
        response=response,
        tls_context=tls_context,
    )
