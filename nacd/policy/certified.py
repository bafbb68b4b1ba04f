"""Conditions on the certificate that the endpoint has shown to nacd.

Knows: how to test each. Refuses to know: how certificates are read and verified. Where none was shown none of them
holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nacd.policy import glob
from nacd.policy.words import Predicate, any_of, or_nothing
from nacd.values import Certificate, CertificateFacts, Facts


def _issuer(certificate: Certificate) -> str:
    return certificate.issuer if isinstance(certificate, CertificateFacts) else ""


def _subject(certificate: Certificate) -> str:
    return certificate.subject if isinstance(certificate, CertificateFacts) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerMatches:
    """Who issued the client certificate, RFC 4514 text, by glob."""

    key: ClassVar[str] = "issuer"
    cost: ClassVar[int] = 2
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    patterns: tuple[str, ...]

    def test(self) -> Predicate:
        fits = glob.any_compiled(self.patterns)
        return lambda facts: (text := _issuer(facts.certificate)) != "" and fits(text)

    def wanted(self) -> str:
        return any_of(self.patterns)

    def seen(self, facts: Facts) -> str:
        return or_nothing(_issuer(facts.certificate), "issuer")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectMatches:
    """Whom the client certificate names, RFC 4514 text, by glob."""

    key: ClassVar[str] = "subject"
    cost: ClassVar[int] = 2
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    patterns: tuple[str, ...]

    def test(self) -> Predicate:
        fits = glob.any_compiled(self.patterns)
        return lambda facts: (text := _subject(facts.certificate)) != "" and fits(text)

    def wanted(self) -> str:
        return any_of(self.patterns)

    def seen(self, facts: Facts) -> str:
        return or_nothing(_subject(facts.certificate), "subject")
