"""What an admin should hear about the server's certificate before a supplicant does.

Knows: what supplicants refuse in a RADIUS server's certificate. Refuses to know: files, and TLS itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from nacd.eap.chain import TrustAnchor, load_readable_pem
from nacd.eap.tls.certificate import UNREADABLE, date_text, key_weakness, name_of, signature_weakness
from nacd.findings import Code
from nacd.values import Instant, Secret

WARN_DAYS = 30
WARNED: Final = {
    "expires_soon": Code.CERTIFICATE_EXPIRES,
    "no_san": Code.CERTIFICATE_NO_NAME,
    "wildcard": Code.CERTIFICATE_WILDCARD,
    "long_lifetime": Code.CERTIFICATE_LONG_LIFETIME,
    "self_signed": Code.CERTIFICATE_SELF_SIGNED,
    "chain_order": Code.CERTIFICATE_ORDER,
    "unused_certificate": Code.CERTIFICATE_UNUSED,
    "chain_incomplete": Code.CERTIFICATE_INCOMPLETE,
}
"""What each warning is called among the findings of a configuration."""
_DAY_S = 86_400
_APPLE_LIMIT_DAYS = 825


class Severity(StrEnum):
    """``error``: it will not work; ``warning``: it may not, or not for long."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFinding:
    """One thing to say. code: short stable word; message: a sentence for people."""

    severity: Severity
    code: str
    message: str


def inspect(chain_pem: bytes, key_pem: Secret, now: Instant) -> tuple[CertificateFinding, ...]:
    """Look at the server's certificate chain and key; nothing found means nothing to worry about."""
    try:
        chain = load_readable_pem(chain_pem, "the server certificate file")
    except ValueError as error:
        return (_error("unreadable_certificate", str(error)),)
    leaf = sending_order(chain)[0]
    return (
        *_key_findings(leaf, key_pem),
        *_strength_findings(chain),
        *_date_findings(chain, now),
        *_usage_findings(leaf),
        *_chain_findings(chain),
    )


class Dated(NamedTuple):
    """A certificate by what people know it by. fingerprint: SHA-256, hex. not_after: seconds since the epoch."""

    subject: str
    fingerprint: str
    not_after: float


def sent(chain_pem: bytes) -> tuple[Dated, ...]:
    """What supplicants are shown, the server's own first. Raises ValueError for a file without one."""
    return tuple(map(_dated, sending_order(load_readable_pem(chain_pem, "the server certificate file"))))


def trusted(anchor: TrustAnchor) -> tuple[Dated, ...]:
    """The certificates of one entry of ``client_cas``. Raises ValueError for a file without one."""
    return tuple(map(_dated, load_readable_pem(anchor.pem, f"client_cas entry `{anchor.name}`")))


def _dated(cert: x509.Certificate) -> Dated:
    return Dated(name_of(cert).subject, cert.fingerprint(SHA256()).hex(), cert.not_valid_after_utc.timestamp())


def inspect_client_cas(client_cas: Sequence[TrustAnchor], now: Instant) -> tuple[CertificateFinding, ...]:
    """Which trusted CA certificates have expired or soon will: every device below them is refused then."""
    findings: list[CertificateFinding] = []
    for entry in client_cas:
        where = f"client_cas entry `{entry.name}`"
        try:
            certificates = load_readable_pem(entry.pem, where)
        except ValueError as error:
            findings.append(_error("unreadable_certificate", str(error)))
            continue
        findings += [_placed(finding, where) for finding in _date_findings(certificates, now)]
    return tuple(findings)


def _placed(finding: CertificateFinding, where: str) -> CertificateFinding:
    return CertificateFinding(severity=finding.severity, code=finding.code, message=f"{where}: {finding.message}")


def _error(code: str, message: str) -> CertificateFinding:
    return CertificateFinding(severity=Severity.ERROR, code=code, message=message)


def _warning(code: str, message: str) -> CertificateFinding:
    return CertificateFinding(severity=Severity.WARNING, code=code, message=message)


def _key_findings(leaf: x509.Certificate, key_pem: Secret) -> list[CertificateFinding]:
    try:
        key = load_pem_private_key(key_pem.reveal(), password=None)
    except TypeError:
        return [_error("encrypted_key", "the private key is encrypted; store it without a passphrase")]
    except (ValueError, UnsupportedAlgorithm):
        return [_error("unreadable_key", "the private key file holds no readable PEM private key")]
    try:
        mine = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        theirs = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UNREADABLE:
        return [_error("unreadable_key", f"the public key of {name_of(leaf)} cannot be read")]
    if mine == theirs:
        return []
    text = (
        f"the private key does not belong to {name_of(leaf)}, the first certificate of the file (the leaf comes first)"
    )
    return [_error("key_mismatch", text)]


def _strength_findings(chain: Sequence[x509.Certificate]) -> list[CertificateFinding]:
    findings = []
    for cert in chain:
        weakness = key_weakness(cert)
        if weakness:
            findings.append(_error("weak_key", f"{name_of(cert)} {weakness}"))
        weakness = signature_weakness(cert)
        if weakness and not _is_root(cert):
            findings.append(_error("weak_signature", f"{name_of(cert)} {weakness}"))
    return findings


def _date_findings(chain: Sequence[x509.Certificate], now: Instant) -> list[CertificateFinding]:
    findings = []
    for cert in chain:
        begin, end = cert.not_valid_before_utc.timestamp(), cert.not_valid_after_utc.timestamp()
        days_left = int((end - now.wall) // _DAY_S)
        if now.wall > end:
            findings.append(_error("expired", f"{name_of(cert)} expired on {date_text(end)}"))
        elif now.wall < begin:
            findings.append(_error("not_yet_valid", f"{name_of(cert)} is not valid before {date_text(begin)}"))
        elif days_left < WARN_DAYS:
            findings.append(
                _warning("expires_soon", f"{name_of(cert)} expires in {days_left} days, on {date_text(end)}")
            )
    return findings


def _usage_findings(leaf: x509.Certificate) -> list[CertificateFinding]:
    name = name_of(leaf)
    extensions = leaf.extensions
    findings = []
    try:
        usages = tuple(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        usages = ()
    if ExtendedKeyUsageOID.SERVER_AUTH not in usages:
        text = f"{name} has no Extended Key Usage serverAuth; Windows and Apple supplicants refuse it"
        findings.append(_error("no_server_auth", text))
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        dns = []
    if not dns:
        text = f"{name} has no DNS name in its Subject Alternative Name; Android and Apple profiles match that name"
        findings.append(_warning("no_san", text))
    elif any("*" in entry for entry in dns):
        findings.append(_warning("wildcard", f"{name} has a wildcard name; Windows supplicants refuse those"))
    lifetime_days = (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days
    if lifetime_days > _APPLE_LIMIT_DAYS:
        text = f"{name} is valid for {lifetime_days} days; Apple devices may refuse more than {_APPLE_LIMIT_DAYS}"
        findings.append(_warning("long_lifetime", text))
    return findings


def _chain_findings(certificates: Sequence[x509.Certificate]) -> list[CertificateFinding]:
    path = sending_order(certificates)
    leaf, top = path[0], path[-1]
    if _is_root(leaf):
        text = f"{name_of(leaf)} is self-signed; every device would have to trust this one certificate by itself"
        return [_warning("self_signed", text)]
    findings = []
    for child, parent in pairwise(path):
        if not _issued(parent, child):
            text = f"{name_of(parent)} has the name of the issuer of {name_of(child)} but did not sign it"
            findings.append(_error("broken_chain", text))
    if tuple(certificates[: len(path)]) != path:
        text = f"the file is not in order; nacd sends {name_of(leaf)} first and then what is above it"
        findings.append(_warning("chain_order", text))
    for cert in certificates:
        if cert not in path and not _is_root(cert):
            findings.append(
                _warning("unused_certificate", f"{name_of(cert)} is not above {name_of(leaf)}; it is not sent")
            )
    if not any(_is_root(cert) and cert.subject == top.issuer for cert in certificates) and len(path) == 1:
        text = (
            f"the file holds no CA certificate above {name_of(leaf)}; unless `{name_of(leaf).issuer}` is a root that "
            f"devices trust, add its intermediate certificates behind the leaf"
        )
        findings.append(_warning("chain_incomplete", text))
    return findings


def sending_order(certificates: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The server's leaf and the certificates above it, without the root, which a peer has or will not believe.

    certificates: at least one, in any order.
    """
    issuers = {cert.issuer for cert in certificates if cert.issuer != cert.subject}
    leaves = [cert for cert in certificates if cert.subject not in issuers]
    ordered = [leaves[0] if leaves and certificates[0] not in leaves else certificates[0]]
    while not _is_root(ordered[-1]):
        above = [cert for cert in certificates if cert.subject == ordered[-1].issuer and cert not in ordered]
        if not above:
            break
        ordered.append(above[0])
    if len(ordered) > 1 and _is_root(ordered[-1]):
        ordered.pop()
    return tuple(ordered)


def _is_root(cert: x509.Certificate) -> bool:
    return cert.subject == cert.issuer


def _issued(parent: x509.Certificate, child: x509.Certificate) -> bool:
    try:
        child.verify_directly_issued_by(parent)
    except (*UNREADABLE, InvalidSignature):
        return False
    return True
