"""Trust anchors, and nacd's own rules for a chain that OpenSSL has already verified.

Knows: which ``client_cas`` entry a chain ends in, validity dates against ``now``, and clientAuth. Refuses to know: TLS,
what is true of a single certificate (``tls/certificate``), identities (``identity/``), and how to verify a signature
(OpenSSL does, in ``tls_engine``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from nacd.eap.message import printable
from nacd.eap.tls.certificate import (
    FINE,
    KEPT,
    UNREADABLE,
    Failure,
    anchor_key,
    complaint,
    expired,
    facts_of,
    key_weakness,
    name_of,
    not_yet_valid,
    unreadable,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustAnchor:
    """One ``client_cas`` entry. pem: one or more CA certificates, roots or intermediates; each is trusted by itself."""

    name: str
    pem: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A chain within our rules. anchor: the ``client_cas`` entry; chain: DER, leaf first, the anchor's own last."""

    anchor: str
    chain: tuple[bytes, ...]


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
                known = self._by_key.setdefault(anchor_key(cert), entry.name)
                if known != entry.name:
                    raise ValueError(
                        f"CA {name_of(cert)} is in client_cas entry `{known}` and in `{entry.name}`; "
                        f"list it once, so that it is clear what it may assert"
                    )
                certificates.append(cert)
        self.certificates = tuple(certificates)

    def entry_of(self, cert: x509.Certificate) -> str:
        """Name of the entry that lists this CA, ``""`` if none does."""
        return self.listed(anchor_key(cert))

    def listed(self, key: bytes) -> str:
        """The same, by its subject and public key as ``anchor_key`` has them."""
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
    every = [facts_of(cert) for cert in chain]
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
        return FINE
    if not (key_usage.digital_signature or key_usage.key_agreement):
        return complaint(
            "wrong_key_usage", cert, "has a Key Usage without digitalSignature; issue it with digitalSignature"
        )
    return FINE


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
