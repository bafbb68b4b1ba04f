"""Conditions on the certificate that the endpoint has shown to nacd.

Knows: how to test each. Refuses to know: how certificates are read and verified. Where none was shown none of them
holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nacd.policy import glob
from nacd.policy.words import AnyOf, Fits, Predicate, any_of, or_nothing, span
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

    @staticmethod
    def text(facts: Facts) -> str:
        """What the patterns are held against, ``""`` for none."""
        return _issuer(facts.certificate)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateIs(AnyOf):
    """The template (AD CS) that the certificate was issued from: its OID, or the name of an old one."""

    key: ClassVar[str] = "template"

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        return facts.certificate.templates if isinstance(facts.certificate, CertificateFacts) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EkuIs(AnyOf):
    """What the certificate may be used for, by dotted OID."""

    key: ClassVar[str] = "eku"

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        return facts.certificate.ekus if isinstance(facts.certificate, CertificateFacts) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SanDns(Fits):
    """A DNS name among the certificate's other names."""

    key: ClassVar[str] = "san_dns"

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        return facts.certificate.san_dns if isinstance(facts.certificate, CertificateFacts) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SanUri(Fits):
    """A URI among the certificate's other names."""

    key: ClassVar[str] = "san_uri"

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        return facts.certificate.san_uris if isinstance(facts.certificate, CertificateFacts) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SanUpn(Fits):
    """A user principal name among the certificate's other names."""

    key: ClassVar[str] = "san_upn"

    @staticmethod
    def texts(facts: Facts) -> tuple[str, ...]:
        return facts.certificate.san_upns if isinstance(facts.certificate, CertificateFacts) else ()


_NO_END = float("-inf")


def _left_s(facts: Facts) -> float:
    """Seconds until the certificate ends, in whole milliseconds as a record has them; ``_NO_END`` without one, or
    when the time is not known."""
    if not isinstance(facts.certificate, CertificateFacts) or facts.at <= 0.0:
        return _NO_END
    return (facts.certificate.not_after * 1000 // 1 - facts.at * 1000 // 1) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiresIn:
    """How long the certificate is still valid, in seconds: at least the limit, or below it."""

    key: ClassVar[str] = "expires_in"
    cost: ClassVar[int] = 1
    settled_by_nas: ClassVar[bool] = False
    waits: ClassVar[bool] = False
    limit_s: float
    below: bool

    def test(self) -> Predicate:
        limit_s, below = self.limit_s, self.below
        return lambda facts: (left := _left_s(facts)) != _NO_END and (left < limit_s if below else left >= limit_s)

    def wanted(self) -> str:
        return f"{'below' if self.below else 'at least'} `{span(self.limit_s)}`"

    def seen(self, facts: Facts) -> str:
        left_s = _left_s(facts)
        if left_s == _NO_END:
            return "there is no certificate"
        return f"the certificate expires in `{span(left_s)}`" if left_s > 0.0 else "the certificate has expired"
