"""A configuration made ready to serve: everything that can be wrong is found here, before a port opens.

Knows: how the rooms of one configuration fit together. Refuses to know: sockets and the audit file
(``daemon``). ``nacd check``, ``nacd explain`` and ``nacd serve`` all go through ``assemble``.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from nacd.config.findings import secrets
from nacd.config.findings.allowances import Accepted
from nacd.config.load import Loaded
from nacd.config.sections.intune import Intune
from nacd.eap.chain import TrustAnchor, load_pem
from nacd.eap.limits import EapOptions
from nacd.eap.server_certificate import (
    WARN_DAYS,
    Dated,
    inspect,
    inspect_client_cas,
    sent,
)
from nacd.eap.tls.certificate import date_text
from nacd.eap.tls_engine import TlsContext
from nacd.errors import ConfigError, Problem
from nacd.findings import Code
from nacd.identity.rules import IdentityRules
from nacd.intune import options as intune_options
from nacd.intune.bounded import tls_context
from nacd.intune.options import IntuneOptions
from nacd.radius import dictionary as dictionaries
from nacd.radius.clients import Client, ClientTable
from nacd.radius.dictionary import Dictionary
from nacd.server import translate
from nacd.server.monitor import checks as monitoring
from nacd.server.promises import profiles
from nacd.server.promises.findings import Findings, Setting
from nacd.values import Instant, Rendered
from nacd.vendor.dynauth_model import Dynauth

DEMO_ORGANIZATION = b"nacd demo, not for production"
DEMO_SECRET_PREFIX = b"nacd-demo-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Eap:
    """The EAP room's parts. fingerprint: of our own certificate; sent: it, and what is above it."""

    context: TlsContext
    options: EapOptions
    anchors: tuple[TrustAnchor, ...]
    fingerprint: str = ""
    sent: tuple[Dated, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A configuration whose every promise has been checked. notes stop nothing; accepted: those that comments accept.
    eap: None if not configured.

    tenants: how each is asked, by name; empty when nobody is asked about compliance. graph_tenants: those that are
    asked through Graph, be it as fallback. rendered: every (profile, vendor in use) that can be expressed, so that an
    override may name any profile. dynauths: how the vendors in use are asked to change sessions, by name; one that is
    not there is never asked.
    """

    loaded: Loaded
    dictionary: Dictionary
    clients: tuple[Client, ...]
    table: ClientTable
    identity_rules: IdentityRules
    rendered: Mapping[tuple[str, str], Rendered]
    dynauths: Mapping[str, Dynauth]
    eap: Eap | None
    tenants: Mapping[str, IntuneOptions]
    graph_tenants: frozenset[str]
    notes: tuple[Problem, ...]
    accepted: tuple[Accepted, ...] = ()


def assemble(loaded: Loaded, now: Instant, *, allow_demo: bool = False) -> Assembled:
    """Check everything that ``config`` alone cannot. Raises ConfigError with every problem found."""
    found = Findings(loaded)
    settings = loaded.settings
    # What pyrad's logger says about foreign dictionaries stands in `skipped` too, once and by file.
    logging.getLogger("pyrad").setLevel(logging.ERROR)
    dictionary = dictionaries.load(settings.dictionaries)
    for skipped in dictionary.skipped:
        found.note(Code.DICTIONARY_SKIPPED, f"dictionary: {skipped}", ("dictionaries",))
    clients = tuple(_clients(found))
    vendors = profiles.vendors(found, clients)
    rendered = profiles.in_vendors_words(found, dictionary, clients, vendors)
    profiles.note_overrides(found, rendered, clients)
    dynauths = profiles.dynauths(found)
    profiles.carried_out(found)
    monitored = monitoring.judge(loaded, now)
    found.problems += monitored.problems
    found.notes += monitored.notes
    eap = _eap(found, now)
    tenants = _tenants(found, now)
    shown_at = settings.server.metrics
    if shown_at is not None and not ipaddress.ip_address(shown_at.host).is_loopback:
        words = f"anybody who reaches `{shown_at}` can read the metrics: no password guards them, let a firewall do it"
        found.note(Code.METRICS_OPEN, words, ("server", "metrics"))
    control = settings.control
    if control.socket is None and (control.read or control.coa or control.config or control.helpdesk):
        words = "whoever is named here must be able to enter the state folder: `socket` can be elsewhere"
        found.note(Code.CONTROL_FOLDER, words, ("control",))
    rules = found.attempt(lambda: translate.identity_rules(settings), ("identity",))
    table = found.attempt(lambda: ClientTable(clients), ("clients",))
    if not allow_demo:
        _refuse_demo(found, eap)
    if found.problems or rules is None or table is None:
        raise ConfigError(tuple(found.problems))
    settled = found.settled()
    return Assembled(
        loaded=loaded,
        dictionary=dictionary,
        clients=clients,
        table=table,
        identity_rules=rules,
        rendered=rendered,
        dynauths=dynauths,
        eap=eap,
        tenants=tenants,
        graph_tenants=frozenset(
            name for name, section in settings.tenant_sections.items() if "graph" in (section.source, section.fallback)
        ),
        notes=settled.findings,
        accepted=settled.accepted,
    )


def _clients(found: Findings) -> list[Client]:
    built = (
        found.attempt(partial(translate.client, wanted), ("clients", index))
        for index, wanted in enumerate(found.loaded.settings.clients)
    )
    return [client for client in built if client is not None]


# -- EAP and Intune ---------------------------------------------------------------------------


def _eap(found: Findings, now: Instant) -> Eap | None:
    wanted = found.loaded.settings.eap
    if wanted is None:
        return None
    anchors = found.attempt(lambda: translate.trust_anchors(wanted), ("eap", "client_cas"))
    limits = found.attempt(lambda: translate.eap_options(wanted), ("eap",))
    if anchors is None or limits is None:
        return None
    tls = found.attempt(lambda: translate.tls_options(wanted, anchors), ("eap", "certificate"))
    if tls is None:
        return None
    before = len(found.problems)
    for finding in inspect(tls.certificate_chain_pem, tls.private_key_pem, now):
        found.certificate(finding, ("eap", "certificate"))
    for finding in inspect_client_cas(anchors, now):
        found.certificate(finding, ("eap", "client_cas"))
    if len(found.problems) > before:
        return None
    context = found.attempt(lambda: TlsContext(tls), ("eap",))
    if context is None:
        return None
    chain = sent(tls.certificate_chain_pem)
    return Eap(context=context, options=limits, anchors=anchors, fingerprint=chain[0].fingerprint, sent=chain)


def _tenants(found: Findings, now: Instant) -> Mapping[str, IntuneOptions]:
    settings = found.loaded.settings
    built: dict[str, IntuneOptions] = {}
    for name, wanted in settings.tenant_sections.items():
        place: Setting = ("intune",) if settings.intune is not None else ("tenants", name)
        options = _tenant(found, wanted, place, now)
        if options is not None and "graph" in (wanted.source, wanted.fallback):
            options = replace(options, user_groups=found.loaded.policy.user_groups)
        if options is not None:
            built[name] = options
    return built


def _tenant(found: Findings, wanted: Intune, place: Setting, now: Instant) -> IntuneOptions | None:
    built = found.attempt(partial(translate.intune_options, wanted), place)
    if built is None:
        return None
    if built.ca_file:
        found.attempt(partial(tls_context, built.ca_file), (*place, "ca_file"))
    over: list[Setting] = []
    soon_s = WARN_DAYS * 86_400
    for one, key in zip(built.credentials, ("credential", "next_credential"), strict=False):
        seen = intune_options.inspect(one)
        if seen.problem:
            found.problem(seen.problem, (*place, key))
        elif seen.not_after and seen.not_after < now.wall and not isinstance(one, intune_options.SecretCredential):
            over.append((*place, key))  # a secret's date is the admin's word: the login service decides
        elif seen.not_after and seen.not_after - now.wall < soon_s:
            ends = "ended" if seen.not_after < now.wall else "ends"
            words = f"this credential {ends} on {date_text(seen.not_after)}"
            found.note(Code.CREDENTIAL_EXPIRES, words, (*place, key))
    if len(over) == len(built.credentials):
        for where in over:
            found.problem("the certificate of this credential has expired: Microsoft refuses it", where)
    return built


def _refuse_demo(found: Findings, eap: Eap | None) -> None:
    """What the demo made is known to everybody who can read its folder, and is not for real networks."""
    for index, written in enumerate(found.loaded.settings.clients):
        for path, secret in secrets.of_client(written):
            if secret.reveal().startswith(DEMO_SECRET_PREFIX):
                found.problem("this is a secret of the demo: make one of your own", ("clients", index, *path))
    if eap is None:
        return
    for index, anchor in enumerate(eap.anchors):
        if _is_demo(anchor.pem):
            found.problem("this is the CA of the demo: use your own", ("eap", "client_cas", index))
    wanted = found.loaded.settings.eap
    if wanted is not None and _is_demo(wanted.certificate.read_bytes()):
        found.problem("this is the certificate of the demo: use your own", ("eap", "certificate"))


def _is_demo(pem: bytes) -> bool:
    return any(
        DEMO_ORGANIZATION in (certificate.subject.public_bytes() + certificate.issuer.public_bytes())
        for certificate in load_pem(pem, "certificate")
    )
