"""From what the admin wrote to what each room calls its options. One small function a room.

Knows: both vocabularies, ``config``'s and the rooms'. Refuses to know: whether the result works (``assembly``).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

from nacd.compliance.cache import Lifetimes
from nacd.config import settings
from nacd.config.reading.contents import contents
from nacd.config.sections import compliance, eap, intune
from nacd.config.sections.overload import Overload
from nacd.eap.chain import TrustAnchor
from nacd.eap.limits import EapOptions
from nacd.eap.tls_engine import TlsOptions
from nacd.identity.rules import CaRule, IdentityRules, assertions
from nacd.identity.tenant import Tenant, TenantRules
from nacd.intune import options
from nacd.intune.cloud import cloud
from nacd.overload.failing import FailingEndpoints
from nacd.overload.gate import Gate
from nacd.overload.queue import Work, WorkQueue
from nacd.overload.rates import PortRates
from nacd.radius.clients import Client, MessageAuthenticatorRule
from nacd.server.lookups.lookup import LookupOptions
from nacd.values import NO_SECRET, Authentication, IdentitySource, Nas

_MOST_PEM_OCTETS: Final = 4 << 20


def client(wanted: settings.Client) -> Client:
    """One NAS with its secret. Raises ValueError."""
    return Client(
        nas=Nas(
            name=wanted.name,
            vendor=wanted.vendor,
            groups=frozenset(wanted.groups),
            authentication=Authentication(wanted.authentication),
            eap_md5_mab=wanted.eap_md5_mab,
            mab_password=wanted.mab_password,
            location=wanted.location or "",
        ),
        networks=tuple(wanted.network),
        secret=wanted.secret,
        message_authenticator=MessageAuthenticatorRule(wanted.message_authenticator),
        probe_users=frozenset(wanted.probe_users),
        timeout_s=wanted.timeout.total_seconds(),
        next_secret=wanted.next_secret if wanted.next_secret not in (None, wanted.secret) else NO_SECRET,
    )


def pem(path: Path) -> bytes:
    """What is in a file of certificates. Raises ValueError in words when it cannot be read."""
    found = contents(path, _MOST_PEM_OCTETS)
    if found.problem:
        raise ValueError(f"`{path}` {found.problem}")
    return found.octets


def trust_anchors(wanted: eap.Eap) -> tuple[TrustAnchor, ...]:
    """The CA files, read. Raises ValueError."""
    return tuple(TrustAnchor(name=ca.anchor, pem=pem(ca.file)) for ca in wanted.client_cas)


def tls_options(wanted: eap.Eap, anchors: tuple[TrustAnchor, ...]) -> TlsOptions:
    """What the TLS engine needs. Raises ValueError if the certificate cannot be read."""
    chosen = TlsOptions(
        certificate_chain_pem=pem(wanted.certificate),
        private_key_pem=wanted.private_key,
        client_cas=anchors,
        min_version=wanted.tls_min,
        max_version=wanted.tls_max,
        require_client_auth_eku=wanted.require_client_auth_eku,
    )
    return replace(chosen, ciphers=wanted.ciphers) if wanted.ciphers else chosen


def eap_options(wanted: eap.Eap) -> EapOptions:
    """Limits of the EAP room. Raises ValueError."""
    limits = wanted.conversations
    return EapOptions(
        lifetime_s=limits.lifetime.total_seconds(),
        max_waiting=limits.max_waiting,
        max_handshakes=limits.max_handshakes,
        max_octets=limits.memory,
        max_rounds=limits.max_rounds,
        fragment_size=wanted.fragment_size or 0,
        path_mtu=wanted.path_mtu,
        max_per_nas=limits.max_per_nas,
        max_per_port=limits.max_per_port,
        max_per_station=limits.max_per_station,
    )


def work_queue(wanted: Overload) -> WorkQueue[Work]:
    """Where requests wait."""
    return WorkQueue(max_requests=wanted.max_requests, max_octets=wanted.memory, max_per_nas=wanted.max_per_nas)


def gate(wanted: Overload) -> Gate:
    """Who may begin."""
    failing = wanted.failing
    return Gate(
        PortRates(per_s=wanted.port_rate, burst=wanted.port_burst),
        FailingEndpoints(
            refusals=failing.refusals, within_s=failing.within.total_seconds(), hold_s=failing.hold.total_seconds()
        ),
    )


def identity_rules(wanted: settings.Settings) -> IdentityRules:
    """How this site names devices. Raises ValueError, in the admin's words."""
    identity = wanted.identity
    cas = wanted.eap.client_cas if wanted.eap else ()
    return IdentityRules(
        order=tuple(IdentitySource(source) for source in identity.order),
        cas={ca.anchor: CaRule(may_assert=assertions(ca.may_assert), templates=frozenset(ca.templates)) for ca in cas},
        cn_as_guid=identity.cn_as_guid,
        entra_prefixes=tuple(identity.entra_forms),
        vpn_bare_guid=identity.vpn.bare_guid,
        user_name_pattern=identity.vpn.user_name_pattern or "",
        class_pattern=identity.vpn.class_pattern or "",
        ask_random_macs=identity.random_macs == "ask",
        shared_macs=identity.shared_macs,
        tenants=_tenants(wanted),
    )


def _tenants(wanted: settings.Settings) -> TenantRules:
    cas = wanted.eap.client_cas if wanted.eap else ()
    return TenantRules(
        tuple(
            Tenant(name=name, id=section.known_id, groups=frozenset(section.groups))
            for name, section in wanted.tenant_sections.items()
        ),
        {ca.anchor: ca.tenant for ca in cas if ca.tenant},
    )


def lifetimes(wanted: compliance.ComplianceSettings) -> Lifetimes:
    """How long verdicts are fresh, in seconds."""
    fresh = wanted.lifetimes
    return Lifetimes(
        compliant_s=fresh.compliant.total_seconds(),
        noncompliant_s=fresh.noncompliant.total_seconds(),
        not_managed_s=fresh.not_managed.total_seconds(),
        unknown_s=fresh.unknown.total_seconds(),
        stale_for_s=wanted.stale_for.total_seconds(),
    )


def lookup_options(wanted: compliance.ComplianceSettings) -> LookupOptions:
    """How one tenant's lookups wait and how many there may be."""
    return LookupOptions(
        deadline_s=wanted.lookup_deadline.total_seconds(),
        stale_wait_s=wanted.stale_wait.total_seconds(),
        threads=wanted.threads,
        max_waiting=wanted.max_waiting,
        max_per_nas=wanted.max_per_nas,
        max_per_port=wanted.max_per_port,
        logins_per_s=wanted.budget.logins,
        polls_per_s=wanted.budget.polling,
    )


def intune_options(wanted: intune.Intune) -> options.IntuneOptions:
    """Where Intune is and how nacd proves itself there. Raises ValueError in words, OSError."""
    given = {
        "login": wanted.authority,
        "graph": wanted.graph,
        "resource": wanted.resource,
        "host_suffix": wanted.host_suffixes[0] if wanted.host_suffixes else None,
        "portal": wanted.portal.removeprefix("https://").rstrip("/") if wanted.portal else None,
    }
    overrides = {key: _rootless(key, value) for key, value in given.items() if value}
    if wanted.cloud == "custom" and "graph" not in overrides and wanted.endpoint:
        # Here nobody asks Graph, or the section would name it; the login root stands in, so that the cloud is whole.
        overrides["graph"] = overrides["login"]
    return options.IntuneOptions(
        cloud=cloud(wanted.cloud, overrides),
        tenant=wanted.tenant,
        client_id=wanted.client_id,
        credentials=tuple(_credential(one) for one in (wanted.credential, wanted.next_credential) if one is not None),
        endpoint=wanted.endpoint or "",
        allowed_hosts=tuple(wanted.allowed_hosts),
        ca_file=str(wanted.ca_file) if wanted.ca_file else "",
        proxy=wanted.proxy or "",
    )


def _rootless(key: str, value: str) -> str:
    """Roots have no slash at their end; a resource keeps its own (it is part of the audience)."""
    return value.rstrip("/") if key in ("login", "graph") else value


def _credential(wanted: intune.Credential) -> options.Credential:
    match wanted:
        case intune.SecretCredential():
            ends = datetime.combine(wanted.expires, time(), UTC).timestamp() if wanted.expires else 0.0
            return options.SecretCredential(secret=wanted.secret, expires_at=ends)
        case intune.PemCredential():
            return options.PemCredential(certificate=pem(wanted.certificate), private_key=wanted.private_key)
        case intune.PfxCredential():
            return options.pem_out_of_pfx(wanted.pfx, wanted.passphrase or NO_SECRET)
        case intune.ManagedIdentity():
            system = wanted.managed_identity == "system"
            return options.ManagedIdentity(client_id="" if system else wanted.managed_identity)
