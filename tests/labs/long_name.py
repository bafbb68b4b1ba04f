"""A client certificate whose subject is longer than 127 octets, as names in large organizations are.

Knows: how to make one, and the CA that issues it. Refuses to know: who trusts that CA. Its encoding begins
with octets that are no UTF-8 (X.690 section 8.1.3.5), which ``nacd.sim.pki``'s short names never have.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class LongNamed:
    """Files of the certificate, of its key and of its CA; subject: the encoded name."""

    chain: Path
    key: Path
    ca: Path
    subject: bytes


def long_named(folder: Path, uri: str) -> LongNamed:
    """Make a CA and one certificate with that SAN URI."""
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab long names")])
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Zentralstelle für Geräteverwaltung"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Außenstelle Süd, Prüfstand und Übertragungstechnik"),
            x509.NameAttribute(NameOID.COMMON_NAME, "laptop-one.devices.example.test"),
        ]
    )
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=0), x509.BasicConstraints(ca=False, path_length=None)
    ca = _builder(issuer, issuer, ca_key).add_extension(constraints[0], critical=True).sign(ca_key, hashes.SHA256())
    leaf = _builder(subject, issuer, key).add_extension(constraints[1], critical=True)
    leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=False)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    made = LongNamed(
        chain=folder / "long.pem", key=folder / "long.key", ca=folder / "long-ca.pem", subject=subject.public_bytes()
    )
    made.chain.write_bytes(leaf.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM))
    made.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    made.ca.write_bytes(ca.public_bytes(Encoding.PEM))
    return made


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    return builder.not_valid_after(now + datetime.timedelta(days=90))
