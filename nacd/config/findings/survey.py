"""What only the whole configuration tells: policy, NASes and sources together.

Knows: which site a policy is in force at, and where in the files a finding stands. Refuses to know: certificates and
what vendors can express beyond what their rows say (``server/`` asks the rooms).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nacd.config.findings import clients, forwarding
from nacd.config.load import Loaded
from nacd.config.policy_file import intention_path
from nacd.config.yaml import PathTo
from nacd.errors import Problem
from nacd.findings import Code
from nacd.policy import lint
from nacd.policy.remarks.worlds import Site
from nacd.values import Authentication, ComplianceState, IdentitySource, Nas
from nacd.vendor.profile import NoRedirect


def survey(loaded: Loaded) -> tuple[Problem, ...]:
    """All findings of this kind."""
    return (*_clients(loaded), *_policy(loaded), *_redirects(loaded))


def site(loaded: Loaded) -> Site:
    """Where this policy is in force."""
    settings = loaded.settings
    states = {ComplianceState.NOT_ASKED}
    if settings.eap is not None and any("entra_id" in ca.may_assert for ca in settings.eap.client_cas):
        states.add(ComplianceState.UNKNOWN)  # said of an Entra id without asking anybody
    tenants = settings.tenant_sections.values()
    if tenants:
        states = set(ComplianceState)
        if not any("graph" in (section.source, section.fallback) for section in tenants):
            states.discard(ComplianceState.IN_GRACE)
    return Site(
        nases=tuple(
            Nas(
                name=client.name,
                vendor=client.vendor,
                groups=frozenset(client.groups),
                authentication=Authentication(client.authentication),
                location=client.location or "",
            )
            for client in settings.clients
        ),
        eap=settings.eap is not None,
        sources=frozenset(IdentitySource(source) for source in settings.identity.order),
        states=frozenset(states),
    )


def _clients(loaded: Loaded) -> Iterator[Problem]:
    document = loaded.config_document
    wide = {(note.line, note.column) for note in loaded.notes if note.code == Code.NETWORK_WIDE}
    paths: list[PathTo] = [
        ("clients", number, "network", index)
        for number, client in enumerate(loaded.settings.clients)
        for index in range(len(client.network))
    ]
    noted = frozenset(path for path in paths if document.spot(path) in wide)
    for code, path, message in clients.remarks(loaded.settings.clients, noted):
        yield document.problem(path, message, code=code)
    for code, path, message in forwarding.remarks(loaded.settings.audit.forward):
        yield document.problem(path, message, code=code)


def _policy(loaded: Loaded) -> Iterator[Problem]:
    document = loaded.policy_document
    places = {rule.name: number for number, rule in enumerate(loaded.policy.rules)}
    for note in lint.survey(loaded.policy, site(loaded), loaded.dead):
        path: PathTo = ("rules", places[note.rule])
        if note.condition:
            path = (*path, "when", *note.condition.split("."))
        yield document.problem(path, f"rule `{note.rule}`: {note.message}", code=note.code)


def _redirects(loaded: Loaded) -> Iterator[Problem]:
    """Redirects without a list of the NAS, where a vendor in use wants one."""
    document = loaded.policy_document
    vendors = sorted({each.vendor for each in loaded.settings.clients if _wants_list(loaded.vendors[each.vendor])})
    for name, profile in loaded.profiles.items():
        if vendors and not isinstance(profile.redirect, NoRedirect) and not profile.redirect.acl:
            named = ", ".join(f"`{vendor}`" for vendor in vendors)
            message = f"profile `{name}`: without `acl` NASes of vendor {named} are not told of the redirect"
            path = intention_path(document, name, "redirect")
            yield document.problem(path, message, key=True, code=Code.REDIRECT_WITHOUT_ACL)


def _wants_list(vendor: Mapping[str, Any]) -> bool:
    """Whether this vendor's NASes redirect nothing without a list."""
    redirect = vendor.get("intentions", {}).get("redirect")
    return isinstance(redirect, dict) and redirect.get("acl") == "required"
