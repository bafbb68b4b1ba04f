"""Trust anchors, and nacd's own rules for a chain that OpenSSL has already verified.

Knows: which ``client_cas`` entry a chain ends in, validity dates against ``now``, clientAuth, key
strength, signature algorithms, and how to name a certificate in a sentence. Refuses to know: TLS,
identities (``identity/``), and how to verify a signature (OpenSSL does, in ``tls_engine``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from nacd.eap.message import printable

KEPT = 512  # certificates of which is remembered what they say: CAs for ever, devices that come back
MIN_RSA_BITS = 2048
MIN_EC_BITS = 256
_MODERN_KEYS = (
    ed25519.Ed25519PublicKey,
    ed448.Ed448PublicKey,
    mldsa.MLDSA44PublicKey,
    mldsa.MLDSA65PublicKey,
    mldsa.MLDSA87PublicKey,
)
_BROKEN_HASHES = ("md5", "sha1")
UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What ``cryptography`` raises about a certificate that OpenSSL still took. It reads late, part by part, so any
access may raise one of these; they have no base of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustAnchor:
    """One ``client_cas`` entry. pem: one or more CA certificates, roots or intermediates; each is trusted by itself."""

    name: str
    pem: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateName:
    """How a certificate is called in sentences. subject, issuer: RFC 4514 text; serial: lower-case hex."""

    subject: str
    issuer: str
    serial: str

    def __str__(self) -> str:
        return f"`{self.subject}` (issuer `{self.issuer}`, serial {self.serial})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why an EAP conversation ended. code: short stable word; reason: a sentence for people.

    subject, issuer: of the certificate complained of, ``""`` if none was seen.
    """

    code: str
    reason: str
    subject: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A chain within our rules. anchor: the ``client_cas`` entry; chain: DER, leaf first, the anchor's own last."""

    anchor: str
    chain: tuple[bytes, ...]


def complaint(code: str, cert: x509.Certificate, text: str) -> Failure:
    """A failure about one certificate: its name goes in front of the text, its subject and issuer beside it."""
    name = name_of(cert)
    return Failure(code=code, reason=f"certificate {name} {text}", subject=name.subject, issuer=name.issuer)


def name_of(cert: x509.Certificate) -> CertificateName:
    """Name any certificate, a malformed one too."""
    serial = printable(f"{cert.serial_number:x}")
    return CertificateName(subject=_text_of(cert, "subject"), issuer=_text_of(cert, "issuer"), serial=serial)


def _text_of(cert: x509.Certificate, part: str) -> str:
    try:
        name: x509.Name = getattr(cert, part)
        text = name.rfc4514_string()
    except UNREADABLE:
        return f"unreadable {part}"
    return printable(text) or f"empty {part}"


_PARTS: tuple[tuple[str, Callable[[x509.Certificate], object]], ...] = (
    ("subject", lambda cert: (cert.subject.rfc4514_string(), cert.subject.public_bytes())),
    ("issuer", lambda cert: (cert.issuer.rfc4514_string(), cert.issuer.public_bytes())),
    ("start of validity", lambda cert: date_text(cert.not_valid_before_utc.timestamp())),
    ("end of validity", lambda cert: date_text(cert.not_valid_after_utc.timestamp())),
    ("extensions", lambda cert: tuple(cert.extensions)),
)


parsed = lru_cache(maxsize=KEPT)(x509.load_der_x509_certificate)


def unreadable(cert: x509.Certificate) -> Failure:
    """Which part of a certificate cannot be read, or a failure with the empty code if all can.

    Ask this before anything else of a stranger's certificate: every part that is used anywhere in this room is
    read here once. Key and signature have words of their own in ``key_weakness`` and ``signature_weakness``.
    """
    for part, read in _PARTS:
        try:
            read(cert)
        except UNREADABLE as error:
            return complaint("unreadable_certificate", cert, f"cannot be read: its {part}, {why(error)}; issue it anew")
    return _FINE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What is true of a certificate for ever, whoever looks. fault: of ``unreadable``; begins, ends: seconds since the
    epoch, 0 in what is unreadable; key: of ``_anchor_key``, empty where there is none that can be read."""

    der: bytes
    fault: Failure
    begins: float
    ends: float
    key: bytes
    weak_key: str
    weak_signature: str


@lru_cache(maxsize=KEPT)
def _facts(cert: x509.Certificate) -> _Facts:
    fault = unreadable(cert)
    try:
        key = _anchor_key(cert)
    except UNREADABLE:
        key = b""
    return _Facts(
        der=cert.public_bytes(Encoding.DER),
        fault=fault,
        begins=0 if fault.code else cert.not_valid_before_utc.timestamp(),
        ends=0 if fault.code else cert.not_valid_after_utc.timestamp(),
        key=key,
        weak_key=key_weakness(cert),
        weak_signature=signature_weakness(cert),
    )


def why(error: Exception) -> str:
    """The library's own words on what it could not read, fit for a sentence; they may quote the certificate."""
    return f"`{printable(str(error)) or type(error).__name__}`"


def date_text(seconds: float) -> str:
    """Seconds since the epoch as people read them, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def load_pem(pem: bytes, what: str) -> tuple[x509.Certificate, ...]:
    """Every certificate in a PEM file. Raises ValueError, naming ``what``, if there is none or one is broken.

    Parts of them may still be unreadable.
    """
    try:
        certificates = tuple(x509.load_pem_x509_certificates(pem))
    except UNREADABLE as error:
        raise ValueError(f"{what}: no readable PEM certificate in it ({printable(str(error))})") from error
    begun = pem.count(b"-----BEGIN CERTIFICATE-----")
    if begun > len(certificates):
        raise ValueError(f"{what}: {begun} certificates begin in it, {len(certificates)} can be read; is it cut off?")
    return certificates


def load_readable_pem(pem: bytes, what: str) -> tuple[x509.Certificate, ...]:
    """As ``load_pem``, and every part that is used here can be read. Raises ValueError, naming ``what``."""
    certificates = load_pem(pem, what)
    for cert in certificates:
        failure = unreadable(cert)
        if failure.code:
            raise ValueError(f"{what}: {failure.reason}")
    return certificates


class Anchors:
    """The certificates of every ``client_cas`` entry, found by subject and public key, never by name alone.

    Subject and key together are what RFC 5280 section 6.1.1 calls a trust anchor; so a renewed CA
    certificate that a peer sends along still counts as the entry that lists its older twin.
    Raises ValueError for an entry that is empty, no CA, too weak, or also listed under another name.
    """

    __slots__ = ("_by_key", "certificates", "names")

    def __init__(self, client_cas: Sequence[TrustAnchor]) -> None:
        if not client_cas:
            raise ValueError("client_cas is empty: no client certificate could ever be accepted")
        self.names = tuple(entry.name for entry in client_cas)
        if len(set(self.names)) != len(self.names):
            raise ValueError("two entries of client_cas have the same name")
        self._by_key: dict[bytes, str] = {}
        certificates: list[x509.Certificate] = []
        for entry in client_cas:
            for cert in load_readable_pem(entry.pem, f"client_cas entry `{entry.name}`"):
                self._check(cert, entry.name)
                known = self._by_key.setdefault(_anchor_key(cert), entry.name)
                if known != entry.name:
                    raise ValueError(
                        f"CA {name_of(cert)} is in client_cas entry `{known}` and in `{entry.name}`; "
                        f"list it once, so that it is clear what it may assert"
                    )
                certificates.append(cert)
        self.certificates = tuple(certificates)

    def entry_of(self, cert: x509.Certificate) -> str:
        """Name of the entry that lists this CA, ``""`` if none does."""
        return self.listed(_anchor_key(cert))

    def listed(self, key: bytes) -> str:
        """The same, by its subject and public key as ``_anchor_key`` has them."""
        return self._by_key.get(key, "")

    def entries_named_like(self, name: x509.Name) -> tuple[str, ...]:
        """Names of the entries with a CA of this subject, whatever its key; for words only, never for trust."""
        return tuple(dict.fromkeys(self.entry_of(cert) for cert in self.certificates if cert.subject == name))

    @staticmethod
    def _check(cert: x509.Certificate, entry: str) -> None:
        where = f"client_cas entry `{entry}`: certificate {name_of(cert)}"
        try:
            constraints = cert.extensions.get_extension_for_class(x509.BasicConstraints).value
            is_ca = constraints.ca
        except x509.ExtensionNotFound:
            is_ca = cert.version is x509.Version.v1 and cert.subject == cert.issuer
        if not is_ca:
            raise ValueError(f"{where} is not a CA certificate")
        weakness = key_weakness(cert)
        if weakness:
            raise ValueError(f"{where} {weakness}")


def _anchor_key(cert: x509.Certificate) -> bytes:
    key = cert.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return cert.subject.public_bytes() + key


def key_weakness(cert: x509.Certificate) -> str:
    """What is too weak about the key (``has an RSA key of 1024 bits ...``), ``""`` if nothing is."""
    try:
        key = cert.public_key()
    except UNREADABLE:
        return "has a public key of an unknown kind"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            return f"has an RSA key of {key.key_size} bits; at least {MIN_RSA_BITS} are required"
        return ""
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.key_size < MIN_EC_BITS:
            return f"has an EC key of {key.key_size} bits ({key.curve.name}); at least {MIN_EC_BITS} are required"
        return ""
    return (
        "" if isinstance(key, _MODERN_KEYS) else "has a public key that is neither RSA, EC, Ed25519, Ed448 nor ML-DSA"
    )


def curve_outside_tls(cert: x509.Certificate) -> str:
    """Name of the key's curve if a TLS client can prove nothing with it (RFC 8446 section 4.2.3), else ``""``."""
    try:
        key = cert.public_key()
    except UNREADABLE:
        return ""
    known = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
    return key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) and not isinstance(key.curve, known) else ""


def signature_weakness(cert: x509.Certificate) -> str:
    """What is too weak about the signature on this certificate, ``""`` if nothing is."""
    try:
        algorithm = cert.signature_hash_algorithm
    except UNREADABLE:
        return "is signed with an algorithm nacd does not know"
    if algorithm is not None and algorithm.name in _BROKEN_HASHES:
        return f"is signed with {algorithm.name.upper()}, which can be forged"
    return ""


def examine(
    chain: Sequence[x509.Certificate], anchors: Anchors, wall: float, *, require_client_auth_eku: bool
) -> Accepted | Failure:
    """Judge a chain that OpenSSL verified, leaf first. wall: seconds since the epoch.

    The nearest listed CA above the leaf is the anchor: with a root and one of its sub-CAs listed as
    two entries, the closer one says what its certificates may assert.
    """
    if not chain:
        return Failure(code="no_client_certificate", reason="no verified client certificate chain")
    leaf = chain[0]
    every = [_facts(cert) for cert in chain]
    for facts in every:
        if facts.fault.code:
            return facts.fault
    anchor, depth = "", 0
    for depth, facts in enumerate(every):
        if depth and not facts.key:
            return complaint("unreadable_certificate", leaf, "comes with a chain that cannot be read")
        anchor = anchors.listed(facts.key) if depth else ""
        if anchor:
            break
    if not anchor:
        return complaint("unknown_ca", leaf, f"does not lead to any of client_cas ({quoted(anchors.names)})")
    for cert, facts in zip(chain[: depth + 1], every, strict=False):
        if wall < facts.begins:
            return not_yet_valid(cert, wall)
        if wall > facts.ends:
            return expired(cert, wall)
    for cert, facts in zip(chain[:depth], every, strict=False):
        if facts.weak_key:
            return complaint("weak_key", cert, f"{facts.weak_key}; issue it anew with a stronger key")
        if facts.weak_signature:
            text = f"{facts.weak_signature}; have it issued anew with SHA-256 or better"
            return complaint("weak_signature", cert, text)
    failure = usage_failure(leaf, require_client_auth_eku=require_client_auth_eku)
    if failure.code:
        return failure
    return Accepted(anchor=anchor, chain=tuple([facts.der for facts in every[: depth + 1]]))


_FINE = Failure(code="", reason="")


def expired(cert: x509.Certificate, wall: float) -> Failure:
    """The sentence for a certificate past its date."""
    until = date_text(cert.not_valid_after_utc.timestamp())
    return complaint(
        "certificate_expired",
        cert,
        f"expired on {until} (it is {date_text(wall)} here); renew it, and check that its issuing profile still renews",
    )


def not_yet_valid(cert: x509.Certificate, wall: float) -> Failure:
    """The sentence for a certificate before its date."""
    begin = date_text(cert.not_valid_before_utc.timestamp())
    return complaint(
        "certificate_not_yet_valid",
        cert,
        f"is not valid before {begin} (it is {date_text(wall)} here); check the clock of this server and of the CA",
    )


@lru_cache(maxsize=KEPT)
def usage_failure(cert: x509.Certificate, *, require_client_auth_eku: bool) -> Failure:
    """What keeps a certificate from being a TLS client's, or a failure with the empty code if nothing does.

    OpenSSL takes a certificate without any Extended Key Usage; RFC 5216 section 5.3 and we do not,
    unless the option says so.
    """
    try:
        extensions = cert.extensions
    except UNREADABLE:
        return complaint("unreadable_certificate", cert, "has extensions that cannot be read; issue it anew")
    usages: tuple[x509.ObjectIdentifier, ...] = ()
    usage_listed = True
    try:
        usages = tuple(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        usage_listed = False
    if not usage_listed and require_client_auth_eku:
        return complaint(
            "wrong_eku",
            cert,
            "has no Extended Key Usage; issue it with clientAuth (1.3.6.1.5.5.7.3.2), called Client Authentication",
        )
    if usage_listed and ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        listed = ", ".join(_usage_name(oid) for oid in usages)
        return complaint(
            "wrong_eku", cert, f"is for {listed} only; issue it with clientAuth (1.3.6.1.5.5.7.3.2) among its usages"
        )
    try:
        key_usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return _FINE
    if not (key_usage.digital_signature or key_usage.key_agreement):
        return complaint(
            "wrong_key_usage", cert, "has a Key Usage without digitalSignature; issue it with digitalSignature"
        )
    return _FINE


_USAGE_NAMES = {
    ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE: "anyExtendedKeyUsage",
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    ExtendedKeyUsageOID.CODE_SIGNING: "codeSigning",
    ExtendedKeyUsageOID.OCSP_SIGNING: "OCSPSigning",
    ExtendedKeyUsageOID.TIME_STAMPING: "timeStamping",
    ExtendedKeyUsageOID.SMARTCARD_LOGON: "smartcardLogon",
}


def _usage_name(oid: x509.ObjectIdentifier) -> str:
    return _USAGE_NAMES.get(oid, oid.dotted_string)


def quoted(names: Sequence[str]) -> str:
    """Names in backticks, the first five of them."""
    shown = ", ".join(f"`{printable(name)}`" for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
