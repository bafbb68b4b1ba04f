"""A configuration made ready to serve: everything that can be wrong is found here, before a port opens.

Knows: how the rooms of one configuration fit together. Refuses to know: sockets and the audit file
(``daemon``). ``nacd check``, ``nacd explain`` and ``nacd serve`` all go through ``assemble``.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TypeAlias, TypeVar

from nacd.config.findings.allowances import Accepted, Settled, settle
from nacd.config.findings.survey import survey
from nacd.config.load import Loaded
from nacd.config.sections.intune import Intune
from nacd.eap.chain import TrustAnchor, date_text, load_pem
from nacd.eap.limits import EapOptions
from nacd.eap.server_certificate import (
    WARN_DAYS,
    WARNED,
    CertificateFinding,
    Severity,
    fingerprint,
    inspect,
    inspect_client_cas,
)
from nacd.eap.tls_engine import TlsContext
from nacd.errors import CannotExpress, ConfigError, Problem
from nacd.findings import Code
from nacd.identity.rules import IdentityRules
from nacd.intune import options as intune_options
from nacd.intune.bounded import tls_context
from nacd.intune.options import IntuneOptions
from nacd.policy.model import DENY, Policy, Rule
from nacd.policy.monitor.scopes import Scope
from nacd.radius import dictionary as dictionaries
from nacd.radius.clients import Client, ClientTable
from nacd.radius.dictionary import Dictionary
from nacd.server import translate
from nacd.server.monitor import checks as monitoring
from nacd.values import AccessKind, Authentication, Facts, Instant, Nas, Rendered, Secret, Unidentified
from nacd.vendor.dynauth_model import Dynauth, parse_dynauth
from nacd.vendor.model import VendorData, parse
from nacd.vendor.render import render

DEMO_ORGANIZATION = b"nacd demo, not for production"
DEMO_SECRET_PREFIX = b"nacd-demo-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Eap:
    """The EAP room's parts. fingerprint: of our own certificate."""

    context: TlsContext
    options: EapOptions
    anchors: tuple[TrustAnchor, ...]
    fingerprint: str = ""


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
    found = _Findings(loaded)
    settings = loaded.settings
    # What pyrad's logger says about foreign dictionaries stands in `skipped` too, once and by file.
    logging.getLogger("pyrad").setLevel(logging.ERROR)
    dictionary = dictionaries.load(settings.dictionaries)
    for skipped in dictionary.skipped:
        found.note(Code.DICTIONARY_SKIPPED, f"dictionary: {skipped}", ("dictionaries",))
    clients = tuple(_clients(found))
    vendors = _vendors(found, clients)
    rendered = _rendered(found, dictionary, clients, vendors)
    _note_overrides(found, rendered, clients)
    dynauths = _dynauths(found)
    _carried_out(found)
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


T = TypeVar("T")
Setting: TypeAlias = tuple[str | int, ...]


class _Findings:
    """Problems and notes so far, each at its place in the files."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    def problem(self, message: str, setting: Setting) -> None:
        self.problems.append(self.loaded.problem(message, setting=setting))

    def note(self, code: Code, message: str, setting: Setting) -> None:
        self.notes.append(self.loaded.config_document.problem(setting, message, code=code))

    def certificate(self, finding: CertificateFinding, setting: Setting) -> None:
        if finding.severity is Severity.ERROR:
            self.problem(finding.message, setting)
        else:
            self.note(WARNED[finding.code], finding.message, setting)

    def settled(self) -> Settled:
        """What is left of all notes, the config's too, when comments have accepted what they accept."""
        documents = (self.loaded.config_document, self.loaded.policy_document)
        return settle((*self.loaded.notes, *survey(self.loaded), *self.notes), documents)

    def attempt(self, build: Callable[[], T], setting: Setting) -> T | None:
        """What ``build`` makes; its ValueError or OSError becomes a problem there, and the result None."""
        try:
            return build()
        except OSError as wrong:
            what = f"`{wrong.filename}`" if wrong.filename else "this"
            self.problem(f"{what} cannot be read: {(wrong.strerror or 'error').lower()}", setting)
        except ValueError as wrong:
            self.problem(str(wrong), setting)
        return None


def _clients(found: _Findings) -> list[Client]:
    built = (
        found.attempt(partial(translate.client, wanted), ("clients", index))
        for index, wanted in enumerate(found.loaded.settings.clients)
    )
    return [client for client in built if client is not None]


# -- profiles -------------------------------------------------------------------------------


def in_words(
    loaded: Loaded, dictionary: Dictionary, clients: tuple[Client, ...]
) -> tuple[Mapping[tuple[str, str], Rendered], tuple[Problem, ...]]:
    """Every profile of another policy for these NASes in the words of their vendors, and what of it cannot be had."""
    found = _Findings(loaded)
    rendered = _rendered(found, dictionary, clients, _vendors(found, clients))
    _note_overrides(found, rendered, clients)
    _carried_out(found)
    return rendered, (*found.problems, *found.notes)


def _carried_out(found: _Findings) -> None:
    """That there is somebody who does what profiles want besides."""
    loaded = found.loaded
    for name, profile in loaded.profiles.items():
        if profile.on_quarantine and loaded.settings.actions is None:
            message = f"profile `{name}` has `on_quarantine`, and nacd.yaml has no `actions.socket` to hand it to"
            found.problems.append(loaded.problem(message, profile=name))


def _vendors(found: _Findings, clients: tuple[Client, ...]) -> Mapping[str, VendorData]:
    """The vendors in use."""
    vendors: dict[str, VendorData] = {}
    for index, client in enumerate(clients):
        name = client.nas.vendor
        if name not in vendors:
            parsed = found.attempt(partial(parse, name, found.loaded.vendors[name]), ("clients", index, "vendor"))
            if parsed is not None:
                vendors[name] = parsed
    return vendors


def _rendered(
    found: _Findings, dictionary: Dictionary, clients: tuple[Client, ...], vendors: Mapping[str, VendorData]
) -> Mapping[tuple[str, str], Rendered]:
    """Every profile in the words of every vendor in use; where a rule can give it to a NAS, it must be expressible."""
    loaded = found.loaded
    rendered: dict[tuple[str, str], Rendered] = {}
    failed: dict[tuple[str, str], CannotExpress] = {}
    for name, profile in loaded.profiles.items():
        for vendor in vendors.values():
            try:
                rendered[name, vendor.name] = render(profile, vendor, dictionary.encode)
            except CannotExpress as cannot:
                failed[name, vendor.name] = cannot
    for given, giver, reaches in _givers(loaded.policy):
        for client in clients:
            cannot_be = failed.get((given, client.nas.vendor))
            if cannot_be is None or not reaches(client.nas):
                continue
            del failed[given, client.nas.vendor]
            for line in str(cannot_be).splitlines():
                message = f"{line} ({giver} gives it to NAS `{client.nas.name}`)"
                found.problems.append(loaded.problem(message, profile=given))
    return rendered


def _givers(policy: Policy) -> Iterator[tuple[str, str, Callable[[Nas], bool]]]:
    """Each profile that is given, by whom, and to which NASes."""
    rules = {rule.name: rule for rule in policy.rules}
    for rule in policy.rules:
        if rule.then != DENY:
            yield rule.then, f"rule `{rule.name}`", partial(can_reach, rule)
    for monitor in policy.monitors.all:
        by_rule = monitor.scope is Scope.RULE
        reaches = partial(can_reach, rules[monitor.name]) if by_rule else partial(policy.monitors.reaches, monitor)
        yield monitor.profile, f"the monitor ({monitor})", reaches


def _note_overrides(
    found: _Findings, rendered: Mapping[tuple[str, str], Rendered], clients: tuple[Client, ...]
) -> None:
    """Where a default profile of overrides has no words, so that whoever is ordered to have it there is refused."""
    wanted = found.loaded.settings.sessions.overrides
    for key, profile in (("quarantine", wanted.quarantine), ("allow", wanted.allow)):
        for vendor in sorted({client.nas.vendor for client in clients}) if profile else ():
            if (profile, vendor) not in rendered:
                words = f"a NAS of vendor `{vendor}` cannot be told of profile `{profile}`: there it means refusal"
                found.note(Code.OVERRIDE_UNSAYABLE, words, ("sessions", "overrides", key))


def _dynauths(found: _Findings) -> Mapping[str, Dynauth]:
    """How the vendors in use are asked; a note where the admin counts on one that nobody knows how to ask."""
    dynauths: dict[str, Dynauth] = {}
    for index, wanted in enumerate(found.loaded.settings.clients):
        name, rows = wanted.vendor, found.loaded.vendors[wanted.vendor]
        if "dynauth" not in rows:
            if wanted.dynauth is not None:
                words = f"nacd does not know how NASes of vendor `{name}` are asked to change a session: they will not"
                found.note(Code.DYNAUTH_UNKNOWN, words, ("clients", index, "dynauth"))
        elif name not in dynauths:
            parsed = found.attempt(partial(parse_dynauth, name, rows), ("clients", index, "vendor"))
            if parsed is not None:
                dynauths[name] = parsed
    return dynauths


def reach(loaded: Loaded) -> Callable[[Nas, str], bool]:
    """Which NAS may be given which profile: by a rule, a monitor, or an order that names none."""
    everywhere = {loaded.settings.sessions.overrides.quarantine, loaded.settings.sessions.overrides.allow}
    givers: dict[str, list[Callable[[Nas], bool]]] = {}
    for given, _, reaches in _givers(loaded.policy):
        givers.setdefault(given, []).append(reaches)

    @lru_cache(maxsize=16_384)  # ten thousand rules take longer than a request may
    def is_reached(nas: Nas, profile: str) -> bool:
        return profile in everywhere or any(each(nas) for each in givers.get(profile, ()))

    return is_reached


def can_reach(rule: Rule, nas: Nas) -> bool:
    """Whether a request of this NAS can match this rule, as far as the NAS alone decides."""
    kinds = (AccessKind.VPN,) if nas.authentication is Authentication.DONE_BY_NAS else tuple(AccessKind)
    tests = [condition.test() for condition in rule.conditions if condition.settled_by_nas]
    seen = [Facts(access=kind, nas=nas, identity=Unidentified(reason="not asked")) for kind in kinds]
    return any(all(test(facts) for test in tests) for facts in seen)


# -- EAP and Intune ---------------------------------------------------------------------------


def _eap(found: _Findings, now: Instant) -> Eap | None:
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
    return Eap(context=context, options=limits, anchors=anchors, fingerprint=fingerprint(tls.certificate_chain_pem))


def _tenants(found: _Findings, now: Instant) -> Mapping[str, IntuneOptions]:
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


def _tenant(found: _Findings, wanted: Intune, place: Setting, now: Instant) -> IntuneOptions | None:
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


def _refuse_demo(found: _Findings, eap: Eap | None) -> None:
    """What the demo made is known to everybody who can read its folder, and is not for real networks."""
    for index, written in enumerate(found.loaded.settings.clients):
        secrets: dict[Setting, Secret] = {("secret",): written.secret}
        if written.dynauth is not None and written.dynauth.secret is not None:
            secrets["dynauth", "secret"] = written.dynauth.secret
        for path, secret in secrets.items():
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
