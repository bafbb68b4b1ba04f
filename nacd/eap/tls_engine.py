"""TLS 1.2 and 1.3 for one EAP-TLS peer over memory BIOs: the only door to OpenSSL.

Knows: how to set OpenSSL up so that it verifies against ``client_cas`` at our ``now``, and the keys
of RFC 5216 section 2.3 and RFC 9190 section 2.3. Refuses to know: EAP packets, fragments, whose turn
it is, and what a certificate says about a device.

Resumption is off, since OpenSSL verifies nothing on a resumed session: no cache, so that the two tickets that TLS 1.3
sends all the same (the binding cannot set their number) lead nowhere.
The one gate to trust is ``TlsEngine._conclude``; the verification callback only takes notes (``tls/notes``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto
from OpenSSL._util import ffi as _ffi
from OpenSSL._util import lib as _lib  # a few calls pyOpenSSL has no words for

from nacd.eap import failures
from nacd.eap.chain import Accepted, Anchors, TrustAnchor, examine, load_readable_pem
from nacd.eap.client_hello import ClientHello
from nacd.eap.message import printable
from nacd.eap.server_certificate import sending_order
from nacd.eap.tls.certificate import UNREADABLE, Failure, name_of, parsed, why
from nacd.eap.tls.notes import NO_ALERT, Notes, demand_certificate
from nacd.values import Instant, Secret

__all__ = [
    "TlsContext",
    "TlsDone",
    "TlsEngine",
    "TlsFailed",
    "TlsOptions",
    "TlsResult",
    "TlsWants",
    "TrustAnchor",
    "VerifiedPeer",
]

DEFAULT_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AESCCM:ECDHE+AES:!aNULL:!eNULL:!MD5"
_SECURITY_LEVEL = "@SECLEVEL=2"
_VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_SERVER_KEYS = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)
_NO_AUTO_CHAIN = 0x8  # SSL_MODE_NO_AUTO_CHAIN: else client_cas would complete, and leak into, our own chain
_MAX_CHAIN = 10
_READ_SIZE = 16_384
_EAP_TYPE = b"\x0d"
_COMMITMENT = b"\x00"
HANDSHAKE_OCTETS = 65_536
"""What a handshake in progress costs in memory, rounded up from 50-62 KiB measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions:
    """Our certificate and whose certificates we take.

    certificate_chain_pem: leaf and intermediates in any order; a root among them is not sent.
    private_key_pem: unencrypted PEM. client_cas: trusted CAs, roots or intermediates.
    min_version, max_version: ``1.2`` or ``1.3``. ciphers: OpenSSL cipher string for TLS 1.2.
    require_client_auth_eku: refuse a client certificate without any Extended Key Usage (default).
    """

    certificate_chain_pem: bytes
    private_key_pem: Secret
    client_cas: tuple[TrustAnchor, ...]
    min_version: str = "1.2"
    max_version: str = "1.3"
    ciphers: str = DEFAULT_CIPHERS
    require_client_auth_eku: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPeer:
    """A peer that proved its key and whose chain was accepted.

    chain: DER, leaf first, the trusted CA's certificate last. msk: 64 octets. session_id: RFC 5247 Session-Id.
    """

    chain: tuple[bytes, ...]
    anchor: str
    tls_version: str
    cipher: str
    msk: Secret
    session_id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsWants:
    """The handshake goes on: send this flight (empty: the peer's flight was not whole)."""

    outbound: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsDone:
    """The peer is verified; send this last flight."""

    outbound: bytes
    peer: VerifiedPeer


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFailed:
    """It is over; outbound: the alert to send first, maybe empty."""

    outbound: bytes
    failure: Failure


TlsResult: TypeAlias = TlsWants | TlsDone | TlsFailed


class TlsContext:
    """OpenSSL set up once for many peers. A new certificate or CA means a new context: OpenSSL freezes it at first use.

    Raises ValueError, with the cause in words, for a certificate, key, CA or cipher string that cannot work.
    """

    __slots__ = ("anchors", "context", "options", "server", "versions")

    def __init__(self, options: TlsOptions) -> None:
        self.options = options
        self.anchors = Anchors(options.client_cas)
        self.versions = (options.min_version, options.max_version)
        chain = sending_order(load_readable_pem(options.certificate_chain_pem, "eap.certificate"))
        self.server = failures.server_name(chain[0])
        self.context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._set_protocol()
        self._set_certificate(chain)
        self._set_trust()

    def _set_protocol(self) -> None:
        low, high = (_VERSIONS.get(version, 0) for version in self.versions)
        if not low or not high or low > high:
            raise ValueError(f"TLS versions `{self.versions[0]}` to `{self.versions[1]}`: take `1.2` and `1.3`")
        self.context.set_min_proto_version(low)
        self.context.set_max_proto_version(high)
        try:
            self.context.set_cipher_list(f"{self.options.ciphers}:{_SECURITY_LEVEL}".encode())
        except SSL.Error as error:
            raise ValueError(f"no TLS cipher matches `{self.options.ciphers}`") from error
        self.context.set_options(
            SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE
        )
        self.context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        self.context.set_session_id(b"nacd")  # without it a client that tries to resume kills its own handshake
        self.context.set_mode(SSL.MODE_RELEASE_BUFFERS | _NO_AUTO_CHAIN)

    def _set_certificate(self, chain: Sequence[x509.Certificate]) -> None:
        name = name_of(chain[0])
        try:
            key = load_pem_private_key(self.options.private_key_pem.reveal(), password=None)
        except TypeError as error:
            raise ValueError(
                "eap.private_key is encrypted; store it without a passphrase, readable by nacd only"
            ) from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError("eap.private_key holds no readable PEM private key") from error
        if not isinstance(key, _SERVER_KEYS):
            raise ValueError("eap.private_key is of a kind that TLS here cannot use; take RSA, EC, Ed25519 or Ed448")  # noqa: TRY004
        try:
            self.context.use_certificate(chain[0])
            for cert in chain[1:]:
                self.context.add_extra_chain_cert(cert)
        except SSL.Error as error:
            raise ValueError(f"OpenSSL refuses server certificate {name}: is its key or signature too weak?") from error
        try:
            self.context.use_privatekey(key)
            self.context.check_privatekey()
        except (SSL.Error, TypeError) as error:
            raise ValueError(f"eap.private_key does not belong to server certificate {name}") from error

    def _set_trust(self) -> None:
        store = self.context.get_cert_store()
        if store is None:
            raise ValueError("OpenSSL gave no certificate store")
        for cert in self.anchors.certificates:
            store.add_cert(crypto.X509.from_cryptography(cert))
        # an intermediate that the admin lists is an anchor by itself
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        self.context.set_verify_depth(_MAX_CHAIN)
        demand_certificate(self.context)
        distinct = {cert.subject.public_bytes(): cert for cert in self.anchors.certificates}
        for cert in distinct.values():
            self.context.add_client_ca(cert)


def _read(certificates: Sequence[crypto.X509]) -> tuple[x509.Certificate, ...] | Failure:
    """OpenSSL's certificates as ``cryptography`` has them, or a failure about the first that it does not take.

    Of such a one only OpenSSL can tell the names; ``chain.unreadable`` asks about the parts of the others.
    """
    read: list[x509.Certificate] = []
    for one in certificates:
        try:
            read.append(parsed(crypto.dump_certificate(crypto.FILETYPE_ASN1, one)))
        except UNREADABLE as error:
            subject = _one_line(_lib.X509_get_subject_name(one._x509)) or "empty subject"
            issuer = _one_line(_lib.X509_get_issuer_name(one._x509)) or "empty issuer"
            reason = f"certificate `{subject}` (issuer `{issuer}`) cannot be read: {why(error)}; issue it anew"
            return Failure(code="unreadable_certificate", reason=reason, subject=subject, issuer=issuer)
    return tuple(read)


def _one_line(name: object) -> str:
    """A name in OpenSSL's old style, ``/O=Contoso/CN=laptop``; what is not ASCII comes escaped."""
    room = _ffi.new("char[]", 512)
    _lib.X509_NAME_oneline(name, room, len(room))
    return printable(_ffi.string(room).decode("ascii", "backslashreplace"))


class TlsEngine:
    """One handshake. Costs about ``HANDSHAKE_OCTETS``: make it only when a whole ClientHello is there."""

    __slots__ = ("_answered", "_conn", "_context", "_done", "_hello", "_notes")

    def __init__(self, context: TlsContext, hello: ClientHello) -> None:
        self._context = context
        self._hello = hello
        self._notes = Notes()
        self._answered = False
        self._done = False
        self._conn = SSL.Connection(context.context, None)
        self._conn.set_app_data(self._notes)
        self._conn.set_accept_state()

    def feed(self, octets: bytes, now: Instant) -> TlsResult:
        """Take one whole flight of the peer. After ``TlsDone`` only a failure can still come out of it."""
        if octets:
            self._conn.bio_write(octets)
        if self._done:
            return self._read_after_done(now)
        # The verification time lives in this connection, so that `now` is the only clock: a store's
        # time cannot be moved once it was set, and OpenSSL's own clock is never asked.
        _lib.X509_VERIFY_PARAM_set_time(_lib.SSL_get0_param(self._conn._ssl), int(now.wall))
        try:
            self._conn.do_handshake()
        except SSL.WantReadError:
            outbound = self._drain()
            if not outbound and self._notes.peer_alert != NO_ALERT:
                # A warning and nothing behind it: OpenSSL waits, but so ends a login that its user cancelled.
                return TlsFailed(outbound=b"", failure=self._explain(now))
            self._answered = True
            return TlsWants(outbound=outbound)
        except SSL.Error:
            return TlsFailed(outbound=self._drain(), failure=self._explain(now))
        return self._conclude(now)

    def _conclude(self, now: Instant) -> TlsResult:
        """The gate: only here a peer becomes verified. OpenSSL has checked its Finished, its
        CertificateVerify and its chain; we look at the chain again under our own rules and clock."""
        conn, notes = self._conn, self._notes
        refused = bool(notes.refused) or _lib.SSL_get_verify_result(conn._ssl) != _lib.X509_V_OK
        chain = self._chain()
        if isinstance(chain, Failure):
            return TlsFailed(outbound=b"", failure=chain)
        if refused or not chain or _lib.SSL_session_reused(conn._ssl):
            return TlsFailed(outbound=b"", failure=self._explain(now))
        verdict = self._judge(chain, now)
        if isinstance(verdict, Failure):
            # no flight of ours has told the peer that it is in; EAP-Failure follows at once
            return TlsFailed(outbound=b"", failure=verdict)
        peer = self._verified(verdict)
        if peer.tls_version == "TLSv1.3":
            conn.send(_COMMITMENT)  # RFC 9190 section 2.5: one octet of zero, "nothing more will come"
        self._done = True
        outbound = self._drain()
        late = self._read_after_done(now)
        return late if isinstance(late, TlsFailed) else TlsDone(outbound=outbound, peer=peer)

    def _judge(self, chain: Sequence[x509.Certificate], now: Instant) -> Accepted | Failure:
        strict = self._context.options.require_client_auth_eku
        return examine(chain, self._context.anchors, now.wall, require_client_auth_eku=strict)

    def _verified(self, accepted: Accepted) -> VerifiedPeer:
        conn = self._conn
        version = conn.get_protocol_version_name()
        if version == "TLSv1.3":
            material = conn.export_keying_material(b"EXPORTER_EAP_TLS_Key_Material", 128, _EAP_TYPE)
            method_id = conn.export_keying_material(b"EXPORTER_EAP_TLS_Method-Id", 64, _EAP_TYPE)
        else:
            material = conn.export_keying_material(b"client EAP encryption", 128)  # no context, not an empty one
            method_id = (conn.client_random() or b"") + (conn.server_random() or b"")
        return VerifiedPeer(
            chain=accepted.chain,
            anchor=accepted.anchor,
            tls_version=version,
            cipher=conn.get_cipher_name() or "",
            msk=Secret(material[:64]),
            session_id=_EAP_TYPE + method_id,
        )

    def _read_after_done(self, now: Instant) -> TlsResult:
        """A peer of EAP-TLS has nothing to say now, except an alert (RFC 9190 section 2.1.3)."""
        notes = self._notes
        notes.peer_alert = NO_ALERT  # a warning before the end has changed nothing
        try:
            self._conn.recv(1)
        except SSL.WantReadError:
            late = notes.peer_alert != NO_ALERT
            return TlsFailed(outbound=b"", failure=self._explain(now)) if late else TlsWants(outbound=b"")
        except SSL.ZeroReturnError:
            notes.peer_alert = 0
            return TlsFailed(outbound=self._drain(), failure=self._explain(now))
        except SSL.Error:
            return TlsFailed(outbound=self._drain(), failure=self._explain(now))
        reason = "the supplicant sent application data inside EAP-TLS, where none may be"
        return TlsFailed(outbound=self._drain(), failure=Failure(code="bad_tls", reason=reason))

    def _drain(self) -> bytes:
        pieces: list[bytes] = []
        try:
            while not pieces or len(pieces[-1]) == _READ_SIZE:  # fewer: that was all, and asking on would only raise
                pieces.append(self._conn.bio_read(_READ_SIZE))
        except SSL.WantReadError:
            return b"".join(pieces)
        return b"".join(pieces)

    def _chain(self) -> tuple[x509.Certificate, ...] | Failure:
        """What OpenSSL built, verified or not; empty when there is nothing."""
        return _read(self._conn.get_verified_chain() or ())

    def _explain(self, now: Instant) -> Failure:
        notes, context = self._notes, self._context
        if notes.refused:
            complained = _read(notes.refused)
            if isinstance(complained, Failure):
                return complained
            refusal = failures.Refusal(error=notes.error, depth=notes.depth, certificate=complained[0])
            chain = self._chain()
            known = () if isinstance(chain, Failure) else chain
            return failures.of_verification(refusal, known, context.anchors, now.wall)
        if notes.peer_alert != NO_ALERT:
            return failures.of_peer_alert(notes.peer_alert, context.server, now.wall)
        if not self._answered:
            return failures.of_hello_alert(notes.sent_alert, self._hello.versions, context.versions)
        if self._done:
            return failures.of_late_alert(notes.sent_alert)
        chain = self._chain()
        if isinstance(chain, Failure):
            return chain
        verdict = self._judge(chain, now)
        if chain and isinstance(verdict, Failure):
            return verdict
        return failures.of_own_alert(notes.sent_alert, chain, context.anchors)
