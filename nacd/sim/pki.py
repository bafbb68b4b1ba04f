"""A public key infrastructure for demos, trials and tests.

Knows: how to issue good certificates and every kind of bad one a NAC meets: expired, weak, without
EKU, with several device ids, behind many intermediates. Refuses to know: who verifies them. Nothing
here is fit for production: keys lie unencrypted beside the certificates, and every CA says
``O=nacd demo, not for production`` in its subject.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORGANIZATION = "nacd demo, not for production"
MARKER_FILE = "NOT-FOR-PRODUCTION"
SERVER_NAME = "radius.example.test"
COMPLIANT_GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
NONCOMPLIANT_GUID = "7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813"
NEWCOMER_GUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
DAY_S = 86_400.0

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_TEMPLATE_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2")
_EKU = {
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}
_KEYS = ("p256", "p384", "rsa1024", "rsa2048", "rsa4096", "ed25519")


def new_key(kind: str) -> PrivateKey:
    """A fresh private key: ``p256 p384 rsa1024 rsa2048 rsa4096 ed25519``. Raises ValueError for another word."""
    if kind == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "p384":
        return ec.generate_private_key(ec.SECP384R1())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind in ("rsa1024", "rsa2048", "rsa4096"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))
    raise ValueError(f"unknown kind of key `{kind}`; one of {', '.join(_KEYS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate with its key. chain_pem: leaf first, then the intermediates, without the root."""

    certificate_pem: bytes
    chain_pem: bytes
    key_pem: bytes = field(repr=False)

    @property
    def certificate(self) -> x509.Certificate:
        """The leaf, parsed."""
        return x509.load_pem_x509_certificate(self.certificate_pem)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write ``name.pem`` (the chain) and ``name.key`` (mode 0600); both paths come back."""
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        chain.write_bytes(self.chain_pem)
        write_private(key, self.key_pem)
        return chain, key


def write_private(path: Path, octets: bytes) -> None:
    """Write a file that only its owner may read, also for the moment of writing."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(octets)


class Authority:
    """A certification authority. ``Authority.root(...)`` begins one, ``.intermediate(...)`` goes down a step."""

    def __init__(self, certificate: x509.Certificate, key: PrivateKey, above: tuple[x509.Certificate, ...]) -> None:
        self._certificate = certificate
        self._key = key
        self._above = above  # own issuer first, root last; empty for a root

    @classmethod
    def root(
        cls,
        common_name: str = "nacd demo root",
        *,
        key: str = "p256",
        starts_s: float = -DAY_S,
        lasts_s: float = 3650 * DAY_S,
    ) -> Authority:
        """A self-signed root. starts_s: seconds from now (negative: in the past); lasts_s: from the start."""
        private = new_key(key)
        name = _name(common_name, ORGANIZATION)
        builder = _builder(name, name, private, starts_s, lasts_s)
        return cls(_sign(_as_ca(builder, private, private), private), private, ())

    def intermediate(
        self,
        common_name: str = "nacd demo issuing",
        *,
        key: str = "p256",
        starts_s: float = -DAY_S,
        lasts_s: float = 1825 * DAY_S,
    ) -> Authority:
        """A subordinate CA, signed by this one."""
        private = new_key(key)
        builder = _builder(_name(common_name, ORGANIZATION), self._certificate.subject, private, starts_s, lasts_s)
        certificate = _sign(_as_ca(builder, private, self._key), self._key)
        return Authority(certificate, private, (self._certificate, *self._above))

    def intermediates(self, count: int, *, key: str = "p256") -> Authority:
        """``count`` steps down: the lowest CA. A long chain makes many EAP fragments."""
        lowest = self
        for step in range(count):
            lowest = lowest.intermediate(f"nacd demo issuing {step + 1}", key=key)
        return lowest

    @classmethod
    def loaded(cls, certificate: Path, key: Path) -> Authority:
        """A root from its PEM files. Raises OSError, and ValueError when they hold something else."""
        private = load_pem_private_key(key.read_bytes(), None)
        if not isinstance(private, PrivateKey):
            raise ValueError(f"`{key}` holds no key that a demo CA has")  # noqa: TRY004 - the file is wrong
        return cls(x509.load_pem_x509_certificate(certificate.read_bytes()), private, ())

    @property
    def certificate_pem(self) -> bytes:
        """This CA's own certificate."""
        return _pem(self._certificate)

    @property
    def key_pem(self) -> bytes:
        """Its private key, not encrypted."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def root_pem(self) -> bytes:
        """The root above it (itself when it is the root): what a peer is told to trust."""
        return _pem(self._above[-1] if self._above else self._certificate)

    def issue_server(
        self,
        common_name: str = "radius.example.test",
        *,
        dns: Sequence[str] = (),
        addresses: Sequence[str] = (),
        key: str = "p256",
        starts_s: float = -3600.0,
        lasts_s: float = 365 * DAY_S,
        eku: Sequence[str] = ("serverAuth",),
        san: bool = True,
    ) -> Issued:
        """A server certificate. Without ``dns`` and ``addresses`` the common name is the SAN; ``san=False``: none."""
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in dns]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
        if not names:
            names = [x509.DNSName(common_name)]
        return self._issue(common_name, names if san else [], key, starts_s, lasts_s, eku, ())

    def issue_client(
        self,
        common_name: str = "laptop",
        *,
        uris: Sequence[str] = (),
        upn: str = "",
        dns: Sequence[str] = (),
        key: str = "p256",
        starts_s: float = -3600.0,
        lasts_s: float = 365 * DAY_S,
        eku: Sequence[str] = ("clientAuth",),
        template: str = "",
        template_name: str = "",
        extra: Sequence[tuple[str, bytes]] = (),
    ) -> Issued:
        """A client certificate.

        uris: SAN URIs as they shall stand there, in this order (blanks and commas allowed).
        template: OID for Microsoft's template extension (1.3.6.1.4.1.311.21.7); template_name:
        the older name form (1.3.6.1.4.1.311.20.2). eku: ``clientAuth serverAuth emailProtection
        any`` or dotted OIDs; empty: no such extension. extra: (OID, DER) extensions, for hostile tests.
        """
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
        names += [x509.DNSName(name) for name in dns]
        if upn:
            names.append(x509.OtherName(_UPN, _der(0x0C, upn.encode())))
        more: list[x509.ExtensionType] = []
        if template:
            more.append(x509.MSCertificateTemplate(x509.ObjectIdentifier(template), 100, 4))
        if template_name:
            more.append(x509.UnrecognizedExtension(_TEMPLATE_NAME, _der(0x1E, template_name.encode("utf-16-be"))))
        more += [x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), der) for oid, der in extra]
        return self._issue(common_name, names, key, starts_s, lasts_s, eku, more)

    def _issue(
        self,
        common_name: str,
        names: Sequence[x509.GeneralName],
        key: str,
        starts_s: float,
        lasts_s: float,
        eku: Sequence[str],
        more: Sequence[x509.ExtensionType],
    ) -> Issued:
        private = new_key(key)
        builder = _builder(_name(common_name), self._certificate.subject, private, starts_s, lasts_s)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(ca=False, encipher=isinstance(private, rsa.RSAPrivateKey)), True)
        builder = _identifiers(builder, private, self._key)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if eku:
            oids = [_EKU[word] if word in _EKU else x509.ObjectIdentifier(word) for word in eku]
            builder = builder.add_extension(x509.ExtendedKeyUsage(oids), critical=False)
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        certificate = _sign(builder, self._key)
        # the root is left out: who trusts it has it, and it only makes the TLS flight longer
        above = (self._certificate, *self._above)[:-1]
        return Issued(
            certificate_pem=_pem(certificate),
            chain_pem=b"".join(_pem(one) for one in (certificate, *above)),
            key_pem=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )


def intune_uri(guid: str) -> str:
    """The SAN URI that names an Intune device today."""
    return f"ID:Microsoft Endpoint Manager:GUID:{guid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPki:
    """What ``write_demo_pki`` wrote. Every ``*_key`` file has mode 0600.

    devices_ca, users_ca: roots that the RADIUS server trusts for client certificates.
    server: chain of the RADIUS server (SERVER_NAME), signed under server_ca.
    compliant, noncompliant, newcomer: laptops under devices_ca, named COMPLIANT_GUID, NONCOMPLIANT_GUID
    and NEWCOMER_GUID.
    expired: a laptop whose certificate ran out. user: a person under users_ca, who names no device.
    web_ca, web: for the simulated Microsoft at ``localhost``. app: the certificate an app
    registration signs its token requests with.
    """

    folder: Path
    server_ca: Path
    server: Path
    server_key: Path
    devices_ca: Path
    users_ca: Path
    compliant: Path
    compliant_key: Path
    noncompliant: Path
    noncompliant_key: Path
    newcomer: Path
    newcomer_key: Path
    expired: Path
    expired_key: Path
    user: Path
    user_key: Path
    web_ca: Path
    web: Path
    web_key: Path
    app: Path
    app_key: Path


def write_demo_pki(folder: Path | str) -> DemoPki:
    """Write a whole demo PKI into ``folder`` (made if absent; an earlier demo PKI is replaced).

    Raises FileExistsError when the folder holds ``.pem`` or ``.key`` files of another origin.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / MARKER_FILE
    if not marker.exists() and [*folder.glob("*.pem"), *folder.glob("*.key")]:
        raise FileExistsError(f"`{folder}` holds certificates or keys that are no demo PKI; they are left alone")
    marker.write_text(f"{ORGANIZATION}: the keys in this folder are for demos, trials and tests only\n")
    good, bad = intune_uri(COMPLIANT_GUID), intune_uri(NONCOMPLIANT_GUID)
    server_root = Authority.root("nacd demo server root")
    devices_root = Authority.root("nacd demo devices root")
    devices = devices_root.intermediate("nacd demo devices issuing")
    users = Authority.root("nacd demo users CA")
    web_root = Authority.root("nacd demo web root")
    roots = {"server-ca": server_root, "devices-ca": devices_root, "users-ca": users, "web-ca": web_root}
    for name, authority in roots.items():
        (folder / f"{name}.pem").write_bytes(authority.root_pem)
    # so that a running simulator can present a certificate that has expired, and the like
    write_private(folder / "web-ca.key", web_root.key_pem)

    web = web_root.issue_server("localhost", dns=["localhost"], addresses=["127.0.0.1", "::1"])
    leaves = {
        "server": server_root.intermediate("nacd demo server issuing").issue_server(SERVER_NAME),
        "compliant": devices.issue_client("laptop-one", uris=[good]),
        "noncompliant": devices.issue_client("laptop-two", uris=[bad]),
        "newcomer": devices.issue_client("laptop-three", uris=[intune_uri(NEWCOMER_GUID)]),
        "expired": devices.issue_client("laptop-old", uris=[good], starts_s=-30 * DAY_S, lasts_s=DAY_S),
        "user": users.issue_client("alice", upn="alice@example.test"),
        "web": web,
        # msal signs PS256, so the app registration's key has to be RSA
        "app": Authority.root("nacd demo app root").issue_client("nacd app", key="rsa2048"),
    }
    paths = {"folder": folder, **{name.replace("-", "_"): folder / f"{name}.pem" for name in roots}}
    for name, issued in leaves.items():
        paths[name], paths[f"{name}_key"] = issued.write(folder, name)
    return DemoPki(**paths)


def load_issued(chain: Path, key: Path) -> Issued:
    """Read back what ``Issued.write`` wrote. Raises ValueError when the files hold something else."""
    chain_pem, key_pem = chain.read_bytes(), key.read_bytes()
    load_pem_private_key(key_pem, None)
    leaf = x509.load_pem_x509_certificates(chain_pem)[0]
    return Issued(certificate_pem=_pem(leaf), chain_pem=chain_pem, key_pem=key_pem)


def _name(common_name: str, organization: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, starts_s: float, lasts_s: float
) -> x509.CertificateBuilder:
    start = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=starts_s)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(seconds=lasts_s))


def _as_ca(builder: x509.CertificateBuilder, key: PrivateKey, issuer_key: PrivateKey) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(ca=True, encipher=False), critical=True)
    return _identifiers(builder, key, issuer_key)


def _identifiers(builder: x509.CertificateBuilder, key: PrivateKey, issuer_key: PrivateKey) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return builder.add_extension(own, critical=False).add_extension(above, critical=False)


def _key_usage(*, ca: bool, encipher: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=encipher,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _sign(builder: x509.CertificateBuilder, key: PrivateKey) -> x509.Certificate:
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _der(tag: int, octets: bytes) -> bytes:
    """One short DER value (X.690 section 8.1.3.4: lengths below 128 take one octet)."""
    if len(octets) > 127:
        raise ValueError("too long for a name in a demo certificate")
    return bytes([tag, len(octets)]) + octets
