"""Naming: walk the identity sources, best first, until one speaks.

Knows: the order, when the next source may be tried, and which MACs Intune must not be asked about.
Refuses to know: what a source reads (``certificate``, ``vpn``, ``mac``).

Theory: the next source is tried only when the better one is absent. A source that is present and bad
ends the matter as Unidentified: otherwise breaking one's own certificate would be a way to be judged by
something easier to forge. What a weaker source names keeps its weaker assurance.
"""

from __future__ import annotations

from functools import lru_cache

from nacd.identity import certificate as certificates
from nacd.identity import vpn
from nacd.identity.mac import NotMac, parse
from nacd.identity.outcome import Absent, Bad, Found, Outcome, quoted
from nacd.identity.rules import IdentityRules
from nacd.identity.tenant import Choice, Chosen, Contradiction, NoTenant
from nacd.values import (
    AccessKind,
    AccessRequest,
    Attempt,
    AttemptOutcome,
    Certificate,
    CertificateFacts,
    Endpoint,
    Identity,
    IdentitySource,
    MacAddress,
    Named,
    Nas,
    NoCertificate,
    Unidentified,
)


def name(request: AccessRequest, access: AccessKind, certificate: Certificate, rules: IdentityRules) -> Named:
    """What is at the other end, by which source, and every attempt made on the way. Total: raises nothing."""
    tenant = rules.tenants.of(certificate, request.nas)
    if access is not AccessKind.VPN and isinstance(certificate, NoCertificate):
        return _by_port(request.calling_station_id, access, tenant, rules)
    return _name(request, access, certificate, tenant, rules)


@lru_cache(maxsize=8_192)
def _by_port(calling_station_id: str, access: AccessKind, tenant: Choice, rules: IdentityRules) -> Named:
    """Without a certificate and without a VPN's word there is the MAC alone, and the same ports ask all day."""
    nobody = Nas(name="", vendor="")
    request = AccessRequest(nas=nobody, source="", source_port=0, calling_station_id=calling_station_id)
    return _name(request, access, NoCertificate(), tenant, rules)


def _name(
    request: AccessRequest, access: AccessKind, certificate: Certificate, tenant: Choice, rules: IdentityRules
) -> Named:
    attempts: list[Attempt] = []
    identity: Identity | None = None
    for source in rules.order:
        outcome = _ask(source, request, access, certificate, rules)
        if isinstance(outcome, Absent):
            attempts.append(_absent(source, outcome.detail))
            continue
        if isinstance(outcome, Found):
            attempts.append(Attempt(source=source, outcome=AttemptOutcome.FOUND, detail=outcome.detail))
            identity = outcome.identity
        else:
            attempts.append(Attempt(source=source, outcome=AttemptOutcome.BAD, detail=outcome.detail))
            identity = Unidentified(reason=f"{source.value}: {outcome.detail}")
        break
    if isinstance(tenant, Contradiction):
        attempts.append(Attempt(source=IdentitySource.CERTIFICATE, outcome=AttemptOutcome.BAD, detail=tenant.detail))
        identity = Unidentified(reason=f"{IdentitySource.CERTIFICATE.value}: {tenant.detail}")
    if identity is None:
        said = "; ".join(f"{attempt.source.value}: {attempt.detail}" for attempt in attempts)
        identity = Unidentified(reason=f"no source names it ({said})")
    return Named(
        access=access,
        identity=identity,
        attempts=tuple(attempts),
        certificate=certificate,
        mac=_seen_mac(request, access),
        user=_user(request, access, certificate),
        tenant=tenant.name if isinstance(tenant, Chosen) else "",
        tenant_detail=tenant.reason if isinstance(tenant, NoTenant) else "",
    )


_NO_CERTIFICATE = Absent(detail="no certificate was shown to nacd")
_NO_VPN = Absent(detail="not a VPN request")


@lru_cache(maxsize=256)
def _absent(source: IdentitySource, detail: str) -> Attempt:
    """The same few words again and again."""
    return Attempt(source=source, outcome=AttemptOutcome.ABSENT, detail=detail)


def _ask(
    source: IdentitySource,
    request: AccessRequest,
    access: AccessKind,
    certificate: Certificate,
    rules: IdentityRules,
) -> Outcome:
    match source:
        case IdentitySource.CERTIFICATE:
            if isinstance(certificate, NoCertificate):
                return _NO_CERTIFICATE
            return certificates.device(certificate, rules)
        case IdentitySource.VPN:
            if access is not AccessKind.VPN:
                return _NO_VPN
            return vpn.device(request, rules)
        case IdentitySource.MAC:
            return _by_mac(request, access, rules)


def _by_mac(request: AccessRequest, access: AccessKind, rules: IdentityRules) -> Outcome:
    if access is AccessKind.VPN:
        reported = vpn.mac(request)
        if isinstance(reported, Absent | Bad):
            return reported
        mac, where = reported
        # Source and assurance stay mac, though VPN posture carried it: a MAC is not worth more for that.
        return Found(identity=_endpoint(mac, rules), detail=f"{where} of the VPN client is {mac}")
    seen = parse(request.calling_station_id)
    if isinstance(seen, NotMac):
        return Absent(detail=f"Calling-Station-Id {quoted(request.calling_station_id)}: {seen.reason}")
    return Found(identity=_endpoint(seen, rules), detail=f"Calling-Station-Id is {seen}")


def _endpoint(mac: MacAddress, rules: IdentityRules) -> Endpoint:
    """An endpoint, with the reason why Intune must not be asked about its MAC where there is one."""
    if mac.text in rules.shared_macs:
        return Endpoint(
            mac=mac, ask=False, ask_detail=f"{mac} is listed under `shared_macs`: it wanders between machines"
        )
    if mac.locally_administered and not rules.ask_random_macs:
        return Endpoint(
            mac=mac, ask=False, ask_detail=f"{mac} is locally administered (randomised): it names no machine"
        )
    return Endpoint(mac=mac)


def _seen_mac(request: AccessRequest, access: AccessKind) -> str:
    if access is AccessKind.VPN:
        reported = vpn.mac(request)
        return "" if isinstance(reported, Absent | Bad) else reported[0].text
    seen = parse(request.calling_station_id)
    return seen.text if isinstance(seen, MacAddress) else ""


def _user(request: AccessRequest, access: AccessKind, certificate: Certificate) -> str:
    """A proved user only: the certificate's one UPN, or the name a VPN concentrator has authenticated.

    The EAP identity is what the peer calls itself, and a MAB's User-Name is the MAC: neither is a user.
    """
    if isinstance(certificate, CertificateFacts):
        upns = set(certificate.san_upns)
        return upns.pop() if len(upns) == 1 else ""
    if access is AccessKind.VPN and not request.has_eap:
        return request.user_name
    return ""
