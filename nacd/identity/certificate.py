"""The client certificate: its facts, and the device it names.

Knows: subject, SAN, templates, and which CA's word counts for which register. Refuses to know: the
handshake, validity and key strength (``eap/``): what arrives here has been verified.

Theory: a verified certificate proves that a CA trusted for login signed its contents; the contents are
still written by others, so ``read`` is total and turns what it cannot read into faults. ``device`` asks
first whether this certificate may name a device at all. If its CA was given no such right, or it was
issued from another template than those listed, its words on devices carry no weight, good or bad: the
certificate is *absent* for naming, and the detail records what it said. That raises no trust: what the
weaker sources then give keeps its own, lower assurance. Only a certificate that has the right can be
*bad*, and then naming ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from nacd.identity import device_id
from nacd.identity.outcome import Absent, Bad, Found, Outcome, quoted
from nacd.identity.rules import CaRule, IdentityRules
from nacd.values import Assurance, CertificateFacts, Device, DeviceId, DeviceIdKind, IdentitySource

_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_TENANT_ID = x509.ObjectIdentifier("1.2.840.113556.5.14")
_TEMPLATE_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2")
_MOST_NAMES = 64
_LONGEST_NAME = 1024
_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_DER_TEXT = {0x0C: "utf-8", 0x16: "ascii", 0x13: "ascii", 0x1E: "utf-16-be"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultyCertificate(CertificateFacts):
    """Facts of a certificate of which something could not be read; ``faults`` says what, in words."""

    faults: tuple[str, ...]


# -- naming ---------------------------------------------------------------------------------


# As for `_read`: the same certificate is asked about twice in a login, and all day.
@lru_cache(maxsize=512)
def device(facts: CertificateFacts, rules: IdentityRules) -> Outcome:
    """The device this certificate names under ``rules``; see the module's theory for absent and bad."""
    rule = rules.cas.get(facts.anchor, CaRule())
    if not rule.may_assert:
        return Absent(detail=f"CA {quoted(facts.anchor)} is trusted for login, not for naming a device{_said(facts)}")
    # Faults go before the template: whatever hid the SAN may have hidden the template too.
    if isinstance(facts, FaultyCertificate) and facts.faults:
        return Bad(detail="the certificate cannot be read: " + "; ".join(facts.faults[:4]))
    if rule.templates and not _listed(facts.templates, rule.templates):
        has = ", ".join(quoted(template) for template in facts.templates[:4]) or "none"
        return Absent(detail=f"template {has} is not among those CA {quoted(facts.anchor)} may name devices with")
    return _named(facts, rules, rule.may_assert)


def _listed(templates: Sequence[str], allowed: frozenset[str]) -> bool:
    wanted = {template.casefold() for template in allowed}
    return any(template.casefold() in wanted for template in templates)


def _said(facts: CertificateFacts) -> str:
    """For the audit record only: the device-like words of a certificate that may not name one."""
    words = [text for uri in facts.san_uris for text in uri.split(",")]
    claims = [text for text in words if not isinstance(device_id.statement(text), Absent)]
    return "; it claims " + ", ".join(quoted(text.strip()) for text in claims[:4]) if claims else ""


def _named(facts: CertificateFacts, rules: IdentityRules, may_assert: frozenset[DeviceIdKind]) -> Outcome:
    found: list[DeviceId] = []
    ignored: list[DeviceId] = []
    uris = [text for uri in facts.san_uris for text in uri.split(",") if text.strip()]
    for uri in uris:
        stated = device_id.statement(uri, rules.entra_prefixes)
        if isinstance(stated, Bad):
            return Bad(detail=f"SAN URI: {stated.detail}")
        if isinstance(stated, DeviceId):
            (found if stated.kind in may_assert else ignored).append(stated)
    if rules.cn_as_guid and DeviceIdKind.INTUNE in may_assert:
        common_name = _common_name(facts.common_name)
        if isinstance(common_name, Bad):
            return common_name
        if isinstance(common_name, DeviceId):
            found.append(common_name)
    agreed = device_id.agree(found)
    match agreed:
        case Bad(detail=detail):
            return Bad(detail=f"the certificate names {detail}")
        case Absent():
            why = f"none of its {len(uris)} SAN URIs names a device" if uris else "it has no SAN URI"
            return Absent(detail=why + _not_asserted(ignored))
        case DeviceId():
            named = Device(id=agreed, source=IdentitySource.CERTIFICATE, assurance=Assurance.CERTIFICATE)
            others = sorted({other.guid for other in found if other.kind is not agreed.kind})
            also = f", and {DeviceIdKind.ENTRA.value} id `{others[0]}`, which names it in Entra" if others else ""
            detail = f"{agreed.kind.value} id `{agreed}` by CA {quoted(facts.anchor)}{also}{_not_asserted(ignored)}"
            return Found(identity=named, detail=detail)


def _not_asserted(ignored: Sequence[DeviceId]) -> str:
    if not ignored:
        return ""
    shown = ", ".join(f"{kind} id `{guid}`" for kind, guid in sorted({(i.kind.value, i.guid) for i in ignored})[:4])
    return f"; its CA may not assert {shown}"


def _common_name(text: str) -> DeviceId | Bad | Absent:
    """A common name counts only when all of it is a GUID or an unfilled variable: a host name is no statement."""
    if device_id.is_guid(text) or "{{" in text:
        stated = device_id.guid(text, DeviceIdKind.INTUNE)
        return Bad(detail=f"common name: {stated.detail}") if isinstance(stated, Bad) else stated
    return Absent(detail="the common name is no GUID")


# -- reading --------------------------------------------------------------------------------


def read(chain: tuple[bytes, ...], anchor: str) -> CertificateFacts:
    """Facts of the leaf of a verified chain (DER, leaf first). Total: what cannot be read is a fault, never an error.

    anchor: name of the ``client_cas`` entry the chain ended in. A certificate that cannot be read at all
    has validity 0.0 to 0.0, so it counts as expired wherever that is asked. More than 64 names, or one
    longer than 1,024 characters, is a fault too: leaving some out could hide a second id.
    """
    return _read(chain[0] if chain else b"", anchor)


# A login asks twice, one round apart, and the same devices come back all day.
@lru_cache(maxsize=512)
def _read(der: bytes, anchor: str) -> CertificateFacts:
    fingerprint = hashlib.sha256(der).hexdigest()
    try:
        certificate = x509.load_der_x509_certificate(der)
    except _UNREADABLE as error:
        return FaultyCertificate(
            subject="",
            issuer="",
            serial="",
            fingerprint=fingerprint,
            not_before=0.0,
            not_after=0.0,
            anchor=anchor,
            faults=(_fault("certificate", error),),
        )
    return _Reader(certificate).facts(fingerprint, anchor)


class _Reader:
    """One certificate being read, each part by itself, so that one broken part does not hide the others."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self.certificate = certificate
        self.faults: list[str] = []

    def facts(self, fingerprint: str, anchor: str) -> CertificateFacts:
        certificate = self.certificate
        subject = self._text("subject", lambda: _rfc4514(certificate.subject))
        issuer = self._text("issuer", lambda: _rfc4514(certificate.issuer))
        serial = self._text("serial number", lambda: format(certificate.serial_number, "x"))
        common_name = self._text("common name", self._last_common_name)
        not_before = self._moment("start of validity", lambda: certificate.not_valid_before_utc)
        not_after = self._moment("end of validity", lambda: certificate.not_valid_after_utc)
        extensions = self._extensions()
        uris, dns, upns = self._alternative_names(extensions)
        templates = self._templates(extensions)
        plain = CertificateFacts(
            subject=subject,
            issuer=issuer,
            serial=serial,
            fingerprint=fingerprint,
            not_before=not_before,
            not_after=not_after,
            common_name=common_name,
            san_uris=uris,
            san_dns=dns,
            san_upns=upns,
            templates=templates,
            tenant_ids=self._tenant_ids(extensions),
            anchor=anchor,
            ekus=self._ekus(extensions),
        )
        if not self.faults:
            return plain
        return FaultyCertificate(
            faults=tuple(self.faults),
            **{name: getattr(plain, name) for name in CertificateFacts.__dataclass_fields__},
        )

    def _text(self, what: str, part: Callable[[], str]) -> str:
        try:
            text = part()
        except _UNREADABLE as error:
            self.faults.append(_fault(what, error))
            return ""
        if len(text) > _LONGEST_NAME:
            self.faults.append(f"{what} has {len(text)} characters")
        return text[:_LONGEST_NAME]

    def _moment(self, what: str, part: Callable[[], datetime]) -> float:
        try:
            return part().timestamp()
        except _UNREADABLE as error:
            self.faults.append(_fault(what, error))
            return 0.0

    def _last_common_name(self) -> str:
        """The most specific one: AD writes ``CN=Users`` before the person's own (RFC 4514 section 2.1)."""
        found = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        value = found[-1].value if found else ""
        return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value

    def _extensions(self) -> tuple[x509.Extension[x509.ExtensionType], ...]:
        try:
            return tuple(self.certificate.extensions)
        except _UNREADABLE as error:
            self.faults.append(_fault("extensions", error))
            return ()

    def _alternative_names(
        self, extensions: Sequence[x509.Extension[x509.ExtensionType]]
    ) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        uris: list[str] = []
        dns: list[str] = []
        upns: list[str] = []
        names = [name for ext in extensions if isinstance(ext.value, x509.SubjectAlternativeName) for name in ext.value]
        if len(names) > _MOST_NAMES:
            self.faults.append(f"subject alternative name has {len(names)} entries")
        for name in names[:_MOST_NAMES]:
            match name:
                case x509.UniformResourceIdentifier(value=value):
                    uris.append(self._text("SAN URI", partial(str, value)))
                case x509.DNSName(value=value):
                    dns.append(self._text("SAN DNS name", partial(str, value)))
                case x509.OtherName(type_id=kind, value=octets) if kind == _UPN:
                    upns.append(self._text("SAN UPN", partial(_der_text, octets)))
                case _:
                    pass
        return tuple(uris), tuple(dns), tuple(upns)

    def _templates(self, extensions: Sequence[x509.Extension[x509.ExtensionType]]) -> tuple[str, ...]:
        """OID of a version 2 template (1.3.6.1.4.1.311.21.7) and name of a version 1 template (…311.20.2)."""
        found: list[str] = []
        for extension in extensions:
            match extension.value:
                case x509.MSCertificateTemplate(template_id=template):
                    found.append(template.dotted_string)
                case x509.UnrecognizedExtension(oid=oid, value=octets) if oid == _TEMPLATE_NAME:
                    found.append(self._text("template name", partial(_der_text, octets)))
                case _:
                    pass
        return tuple(text for text in found if text)

    def _ekus(self, extensions: Sequence[x509.Extension[x509.ExtensionType]]) -> tuple[str, ...]:
        values = [extension.value for extension in extensions]
        found = [usage.dotted_string for each in values if isinstance(each, x509.ExtendedKeyUsage) for usage in each]
        if len(found) > _MOST_NAMES:
            self.faults.append(f"extended key usage has {len(found)} entries")
        return tuple(found[:_MOST_NAMES])

    def _tenant_ids(self, extensions: Sequence[x509.Extension[x509.ExtensionType]]) -> tuple[str, ...]:
        written = [extension.value for extension in extensions if extension.oid == _TENANT_ID]
        octets = [value.value for value in written if isinstance(value, x509.UnrecognizedExtension)]
        return tuple(text for each in octets if (text := self._text("tenant id", partial(_tenant_id, each))))


def _tenant_id(octets: bytes) -> str:
    """A GUID as Intune writes it: an OCTET STRING of 16 octets (or these alone), the first three fields reversed."""
    bare = octets[2:] if octets[:2] == b"\x04\x10" else octets
    if len(bare) != 16:
        raise ValueError("not 16 octets")
    fields = (bare[3::-1], bare[5:3:-1], bare[7:5:-1], bare[8:10], bare[10:])
    return "-".join(field.hex() for field in fields)


def _rfc4514(name: x509.Name) -> str:
    return name.rfc4514_string()


def _der_text(octets: bytes) -> str:
    """One DER string (UTF8String, IA5String, PrintableString, BMPString) that fills ``octets`` exactly.

    Raises ValueError. Lengths up to 65,535; X.690 section 8.1.3.
    """
    if len(octets) < 2 or octets[0] not in _DER_TEXT:
        raise ValueError("not a string")
    length, start = octets[1], 2
    if length in (0x81, 0x82):
        start += length - 0x80
        length = int.from_bytes(octets[2:start], "big")
    elif length > 0x7F:
        raise ValueError("string length in an unknown form")
    if start + length != len(octets):
        raise ValueError("string length does not fit")
    return octets[start:].decode(_DER_TEXT[octets[0]])


def _fault(what: str, error: Exception) -> str:
    """One sentence part; the library's text may quote the certificate, so it is clipped and made printable."""
    return f"{what}: {quoted(str(error) or type(error).__name__, 160)}"
