"""Certificates and requests for the identity tests, made as plainly as possible."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from nacd.identity.rules import CaRule, IdentityRules
from nacd.values import AccessRequest, Authentication, CertificateFacts, DeviceIdKind, Nas

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_SAN = x509.ObjectIdentifier("2.5.29.17")


@pytest.fixture(scope="session")
def guid() -> str:
    return "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


@pytest.fixture(scope="session")
def other_guid() -> str:
    return "7b0e9a52-1c34-4d6f-8a90-5e2f1b3c4d5e"


@pytest.fixture(scope="session")
def request_of() -> Callable[..., AccessRequest]:
    """An Access-Request from a plain switch; ``nas`` fields by their names with ``nas_`` dropped."""

    def make(
        *, authentication: str = "eap", eap_md5_mab: bool = False, mab_password: str = "mac", **fields: object
    ) -> AccessRequest:
        nas = Nas(
            name="campus",
            vendor="generic",
            authentication=Authentication(authentication),
            eap_md5_mab=eap_md5_mab,
            mab_password=mab_password,
        )
        return AccessRequest(nas=nas, source="10.20.0.1", source_port=50000, **fields)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def rules_of() -> Callable[..., IdentityRules]:
    """Rules in which ``devices`` may assert both registers and ``users`` is trusted for login only."""

    def make(*, templates: frozenset[str] = frozenset(), **fields: object) -> IdentityRules:
        cas = {
            "devices": CaRule(may_assert=frozenset(DeviceIdKind), templates=templates),
            "intune-only": CaRule(may_assert=frozenset({DeviceIdKind.INTUNE})),
            "users": CaRule(),
        }
        return IdentityRules(cas=cas, **fields)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def facts_of() -> Callable[..., CertificateFacts]:
    def make(*uris: str, anchor: str = "devices", **fields: object) -> CertificateFacts:
        return CertificateFacts(
            subject="CN=PC-1",
            issuer="CN=Devices",
            serial="01",
            fingerprint="00" * 32,
            not_before=1.0,
            not_after=2.0,
            san_uris=uris,
            anchor=anchor,
            **fields,  # type: ignore[arg-type]
        )

    return make


@pytest.fixture(scope="session")
def certificate_with() -> Callable[..., bytes]:
    """DER of a certificate with these SAN entries, or with raw octets as its SAN, and further extensions."""

    def make(
        *names: x509.GeneralName,
        san: bytes | None = None,
        extensions: tuple[x509.ExtensionType, ...] = (),
        common_names: tuple[str, ...] = ("PC-1",),
    ) -> bytes:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text) for text in common_names])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Devices")]))
            .public_key(_KEY.public_key())
            .serial_number(0xABC)
            .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        )
        if san is not None:
            builder = builder.add_extension(x509.UnrecognizedExtension(_SAN, san), critical=False)
        elif names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(_KEY, None).public_bytes(Encoding.DER)

    return make
