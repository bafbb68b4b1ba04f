"""One certificate: its name in a sentence, whether it can be read, and what is true of it whenever one looks.

Knows: the parts of a certificate, key strength, signature algorithms. Refuses to know: chains, whom to trust
(``chain``), and TLS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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


FINE = Failure(code="", reason="")


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
    return FINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is true of a certificate for ever, whoever looks. fault: of ``unreadable``, with which der is empty and
    begins and ends are 0, else seconds since the epoch; key: of ``anchor_key``, empty where none can be read."""

    der: bytes
    fault: Failure
    begins: float
    ends: float
    key: bytes
    weak_key: str
    weak_signature: str


@lru_cache(maxsize=KEPT)
def facts_of(cert: x509.Certificate) -> Facts:
    """All of them, remembered. Raises nothing: of a stranger's certificate, too."""
    fault = unreadable(cert)
    try:
        key = anchor_key(cert)
    except UNREADABLE:
        key = b""
    return Facts(
        der=b"" if fault.code else cert.public_bytes(Encoding.DER),
        fault=fault,
        begins=0 if fault.code else cert.not_valid_before_utc.timestamp(),
        ends=0 if fault.code else cert.not_valid_after_utc.timestamp(),
        key=key,
        weak_key=key_weakness(cert),
        weak_signature=signature_weakness(cert),
    )


def anchor_key(cert: x509.Certificate) -> bytes:
    """Subject and public key: together a trust anchor (RFC 5280 section 6.1.1). Raises one of ``UNREADABLE``."""
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


def why(error: Exception) -> str:
    """The library's own words on what it could not read, fit for a sentence; they may quote the certificate."""
    return f"`{printable(str(error)) or type(error).__name__}`"


def date_text(seconds: float) -> str:
    """Seconds since the epoch as people read them, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
