"""What an operator decides about asking Intune, checked by existing.

Knows: which options there are; the four kinds of credential, whether a certificate and its key
belong together and can sign PS256 (RSA only), and until when each is good. Refuses to know: YAML (``config/``),
MSAL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from nacd.intune.cloud import Cloud, Hosts, netloc
from nacd.values import Secret

NO_PASSPHRASE = Secret(b"")
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretCredential:
    """A client secret: its *value*, not its id. expires_at: seconds since the epoch, 0.0 if nobody said."""

    secret: Secret
    expires_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PemCredential:
    """Certificate (first in the PEM text) and RSA key; passphrase: empty if the key is not encrypted."""

    certificate: bytes
    private_key: Secret
    passphrase: Secret = NO_PASSPHRASE


@dataclass(frozen=True, slots=True, kw_only=True)
class PfxCredential:
    """A PKCS #12 file with certificate and RSA key."""

    path: str
    passphrase: Secret = NO_PASSPHRASE


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedIdentity:
    """The identity of the Azure machine we run on. client_id: ``""`` for the system-assigned one."""

    client_id: str = ""


Credential: TypeAlias = SecretCredential | PemCredential | PfxCredential | ManagedIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is wrong with a credential (``""`` = nothing seen) and when it ends.

    not_after: end of its certificate, or of the secret where the operator named it; seconds since the epoch, 0.0 if
    nobody knows.
    """

    problem: str = ""
    not_after: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IntuneOptions:
    """Everything ``IntuneSource`` needs; ValueError, in words, for what cannot work.

    credentials: one, or two while one takes over from the other; the second is tried when the first is refused.
    endpoint: address of the Compliance Retrieval service; given, it switches discovery off, and its host is allowed
    by being there. allowed_hosts: ``host`` or ``host:port`` that may be sent a token besides those of the cloud.
    ca_file: PEM file of trusted roots, ``""`` = those of the operating system. proxy: ``http://host:port``, ``""`` =
    none. user_groups: object ids of the groups that Graph is asked about with a device.
    """

    cloud: Cloud
    tenant: str
    client_id: str
    credentials: tuple[Credential, ...]
    endpoint: str = ""
    allowed_hosts: tuple[str, ...] = ()
    ca_file: str = ""
    proxy: str = field(default="", repr=False)  # it may hold a password
    user_groups: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not self.tenant or not all(char.isalnum() or char in ".-" for char in self.tenant):
            raise ValueError(f"`{self.tenant}` is no tenant: use its domain or its id")
        if not 1 <= len(self.credentials) <= 2:
            raise ValueError(
                f"an app proves itself by one credential, or by two during a change, not by {len(self.credentials)}"
            )
        if self.endpoint and (problem := self.hosts.refusal(self.endpoint)):
            raise ValueError(f"endpoint: {problem}")
        if self.proxy and not self.proxy.startswith("http://"):
            raise ValueError("`proxy` must be http://host:port (nacd speaks tls through it, not to it)")

    @property
    def hosts(self) -> Hosts:
        """Who may be sent an Intune token."""
        listed = {host.lower() for host in self.allowed_hosts}
        if own := netloc(self.endpoint):
            listed.add(own)
        return Hosts(suffix=self.cloud.host_suffix, listed=frozenset(listed))

    @property
    def graph_hosts(self) -> Hosts:
        """Who may be sent a Graph token: Graph."""
        return Hosts(listed=frozenset({netloc(self.cloud.graph)}))


def inspect(credential: Credential) -> Inspection:
    """Look at a credential without showing it to anybody. Reads the PFX file; no network."""
    match credential:
        case SecretCredential(secret=secret, expires_at=expires_at):
            return Inspection(problem="" if secret.reveal() else "the client secret is empty", not_after=expires_at)
        case ManagedIdentity():
            return Inspection()
        case PemCredential() | PfxCredential():
            return _inspect_pair(credential)


def _inspect_pair(credential: PemCredential | PfxCredential) -> Inspection:
    passphrase = credential.passphrase.reveal() or None
    try:
        if isinstance(credential, PemCredential):
            key: object = load_pem_private_key(credential.private_key.reveal(), passphrase)
            certificate = x509.load_pem_x509_certificate(credential.certificate)
        else:
            key, found, _others = pkcs12.load_key_and_certificates(Path(credential.path).read_bytes(), passphrase)
            if found is None:
                return Inspection(problem=f"`{credential.path}` holds no certificate that belongs to its key")
            certificate = found
    except OSError as trouble:
        return Inspection(problem=f"the credential cannot be read: {trouble.strerror or 'input/output error'}")
    except _UNREADABLE:
        # The library's own words may quote the input.
        return Inspection(problem="certificate or key cannot be read: damaged, another format, or a wrong passphrase")
    not_after = certificate.not_valid_after_utc.timestamp()
    if not isinstance(key, rsa.RSAPrivateKey):
        return Inspection(problem="the key is not rsa, and the login service takes rsa signatures only")
    if key.public_key() != certificate.public_key():
        return Inspection(problem="certificate and private key do not belong together", not_after=not_after)
    return Inspection(not_after=not_after)


def pem_out_of_pfx(pfx: Secret, passphrase: Secret) -> PemCredential:
    """Certificate and key of a PKCS #12 text. Its reference may be a credential or a variable: octets, no path.

    passphrase: empty for none. Raises ValueError, which never quotes the input.
    """
    try:
        key, certificate, _others = pkcs12.load_key_and_certificates(pfx.reveal(), passphrase.reveal() or None)
    except _UNREADABLE:
        raise ValueError("the PFX cannot be read: damaged, another format, or a wrong passphrase") from None
    if key is None or certificate is None:
        raise ValueError("the PFX holds no private key with its certificate")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return PemCredential(certificate=certificate.public_bytes(Encoding.PEM), private_key=Secret(private))
