"""Facts and rules in few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.policy.conditions import Condition
from nacd.policy.model import Policy, Rule
from nacd.values import (
    AccessKind,
    Assurance,
    CertificateFacts,
    Compliance,
    ComplianceSource,
    ComplianceState,
    Device,
    DeviceId,
    Facts,
    IdentitySource,
    Nas,
)


@pytest.fixture(scope="session")
def certificate() -> Callable[..., CertificateFacts]:
    def build(issuer: str = "CN=Devices CA,O=Contoso", subject: str = "CN=laptop-7,O=Contoso") -> CertificateFacts:
        return CertificateFacts(
            subject=subject, issuer=issuer, serial="01", fingerprint="ab", not_before=0.0, not_after=1.0
        )

    return build


@pytest.fixture(scope="session")
def device() -> Device:
    return Device(
        id=DeviceId(guid="6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"),
        source=IdentitySource.CERTIFICATE,
        assurance=Assurance.CERTIFICATE,
    )


@pytest.fixture(scope="session")
def compliance() -> Callable[..., Compliance]:
    def build(state: str, detail: str = "") -> Compliance:
        return Compliance(state=ComplianceState(state), as_of=1.0, source=ComplianceSource.LIVE, detail=detail)

    return build


@pytest.fixture(scope="session")
def facts(device: Device) -> Callable[..., Facts]:
    """A wired device with a certificate, unless told otherwise."""

    def build(**changes: Any) -> Facts:
        usual: dict[str, Any] = {
            "access": AccessKind.DOT1X,
            "nas": Nas(name="campus", vendor="cisco-ios", groups=frozenset({"wired", "campus"})),
            "identity": device,
        }
        return Facts(**(usual | changes))

    return build


@pytest.fixture(scope="session")
def rule() -> Callable[..., Rule]:
    def build(name: str, *conditions: Condition, then: str = "corporate", line: int = 1) -> Rule:
        return Rule(name=name, line=line, conditions=conditions, then=then)

    return build


@pytest.fixture(scope="session")
def policy() -> Callable[..., Policy]:
    def build(*rules: Rule) -> Policy:
        return Policy(rules=rules, digest="d1")

    return build
