"""A fresh token, the roles in it, and what to click when there is none.

Knows: a place in the portal for each AADSTS code, the permissions nacd needs and why. Refuses to know: what a code
means in words (``aadsts``). Codes choose a hint for people here and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from nacd.errors import SourceError
from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience
from nacd.intune.doctor.credentials import Registration
from nacd.intune.doctor.step import Finding, failed, good
from nacd.intune.flight import Flights
from nacd.intune.graph import asking
from nacd.intune.nac import discovery
from nacd.intune.options import Credential, IntuneOptions, ManagedIdentity
from nacd.intune.token import NEEDED_ROLE, Token, TokenSource

NARROWER = "ServicePrincipalEndpoint.Read.All"
"""Lets an app read where Intune is, and nothing else."""

_CODE = re.compile(r"AADSTS(\d{4,8})")
_SECRETS = "Certificates & secrets"
_CLOCK = "set the clock: `timedatectl set-ntp true`"
_ID = "compare `client_id` and `tenant` with Entra admin center > App registrations > (your app) > Overview"
_TENANT = "compare `tenant` with Entra admin center > Overview > Tenant ID, and check `cloud`"
_SCOPE = "check `resource` and `graph` in the configuration: `resource` ends in one slash"
_BLOCKED = (
    "Entra admin center > Protection > Conditional Access > Policies: exclude this app's service principal,"
    " or add this machine's public address to a named location"
)
_ENTERPRISE = (
    "Entra admin center > Enterprise applications > {client_id} > Properties > Enabled for users to sign-in: Yes"
)
_PLACES: Mapping[int, str] = {
    7000215: "{secrets}: New client secret, copy its Value (it is shown once; the Secret ID is not it)",
    7000222: "{secrets}: New client secret, copy its Value into the secret's file, then restart nacd",
    700027: "{secrets} > Certificates > Upload certificate: the one whose thumbprint is shown under `credential`",
    7000214: "{secrets} > Certificates: remove the revoked one, upload a new one",
    700024: _CLOCK,
    700016: _ID,
    90002: _TENANT,
    900021: _TENANT,
    900023: _TENANT,
    500011: "check `cloud` and `resource`; in the right cloud, Entra admin center > Enterprise applications must list"
    " `Microsoft Intune API`: without it this tenant has no Intune",
    1002012: _SCOPE,
    70011: _SCOPE,
    7000112: _ENTERPRISE,
    7000229: "{permissions}: Grant admin consent (it makes the service principal)",
    50034: "check that `tenant` names a tenant and `client_id` an app registration, not a user",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A permission, or any of several. api: whose it is in the portal. why: what nacd does with it."""

    audience: Audience
    roles: tuple[str, ...]
    why: str

    @property
    def api(self) -> str:
        return "Microsoft Graph" if self.audience is Audience.GRAPH else "Microsoft Intune API"


def needs(options: IntuneOptions, *, nac: bool, graph: bool) -> tuple[Need, ...]:
    """What this configuration needs. nac, graph: whether Compliance Retrieval, and Graph, are asked about devices."""
    found = []
    if nac:
        found.append(Need(audience=Audience.INTUNE, roles=(NEEDED_ROLE,), why="asks about devices"))
    if nac and not options.endpoint:
        found.append(Need(audience=Audience.GRAPH, roles=discovery.ROLES, why="finds where intune is"))
    if graph:
        found.append(Need(audience=Audience.GRAPH, roles=asking.ROLES, why="reads devices from graph"))
    return tuple(found)


def fetch(
    credential: Credential, options: IntuneOptions, audience: Audience, http: HttpClient, until: float
) -> tuple[Finding, TokenSource | None, Token | None]:
    """A token by this credential alone, from a new app object; with the source that now holds it.

    until: monotonic seconds.
    """
    source = TokenSource(replace(options, credentials=(credential,)), http, Flights())
    try:
        token = source.fresh(audience, until)
    except SourceError as trouble:
        # What a server presented is told by `tls` already, and at length.
        detail = trouble.detail.removeprefix(f"no token for {audience}: ").partition("; it presents ")[0]
        return failed(f"{detail}\nscope {options.cloud.scope(audience)}", _fix(detail, options, credential)), None, None
    return good(f"scope {options.cloud.scope(audience)}"), source, token


def _fix(detail: str, options: IntuneOptions, credential: Credential) -> str:
    app = Registration(client_id=options.client_id)
    for digits in _CODE.findall(detail):
        place = _BLOCKED if 53_000 <= int(digits) < 54_000 else _PLACES.get(int(digits), "")
        if place:
            words = {
                "secrets": app.place(_SECRETS),
                "permissions": app.place("API permissions"),
                "client_id": options.client_id,
            }
            return place.format(**words)
    if _CODE.search(detail):
        return "look the code up at https://login.microsoftonline.com/error, or in Entra admin center > Sign-in logs"
    if isinstance(credential, ManagedIdentity):
        return "does this machine run in Azure, with its identity switched on (virtual machine > Security > Identity)?"
    return "see `dns`, `tls` and `credential` above; is it an outage of Microsoft's: https://status.cloud.microsoft"


def roles(tokens: Mapping[Audience, Token], wanted: tuple[Need, ...], options: IntuneOptions) -> Finding:
    """Whether the tokens allow what this configuration wants; a permission without consent is not in a token."""
    lines, missing, unread = [], [], []
    for need in wanted:
        token = tokens.get(need.audience)
        if token is None:
            unread.append(f"{need.audience}: no token to look into")
        elif not token.readable:
            unread.append(f"{need.audience}: the token cannot be read, so its roles are not known")
        elif held := [role for role in need.roles if role in token.roles]:
            lines.append(f"{need.audience}: {held[0]} ({need.why})")
        else:
            has = ", ".join(sorted(token.roles)) or "none"
            missing.append(need)
            lines.append(f"{need.audience}: consent missing for {need.roles[0]} ({need.why}); the token has: {has}")
    detail = "\n".join([*lines, *unread])
    return failed(detail, _consent(missing, options)) if missing else good(detail)


def _consent(missing: list[Need], options: IntuneOptions) -> str:
    named = "\n".join(
        f"  {need.api} > Application permissions > {need.roles[0]}"
        + (f" (or the narrower {NARROWER})" if need.roles == discovery.ROLES else "")
        for need in missing
    )
    if all(isinstance(credential, ManagedIdentity) for credential in options.credentials):
        return f"assign to the managed identity by script (New-MgServicePrincipalAppRoleAssignment):\n{named}"
    page = Registration(client_id=options.client_id).place("API permissions")
    return f"{page} > Add a permission:\n{named}\nthen Grant admin consent, and wait a few minutes"
