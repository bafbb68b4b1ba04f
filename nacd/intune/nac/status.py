"""How things stand with a source of compliance, for people and metrics. Nothing in it is secret.

Knows: the words for it. Refuses to know: how it came to stand so (``source``).
"""

from __future__ import annotations

from dataclasses import dataclass

from nacd.intune.credentials import CredentialStatus
from nacd.intune.nac.discovery import ROLES
from nacd.intune.token import NEEDED_ROLE, Token


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """How things stand.

    endpoint: address of the service, ``""`` before it is found. portal: where users are sent to mend their device.
    token_left_s: of the Intune token, 0.0 without one. roles: what it carries. consent: what the tokens in hand say is
    missing, ``""`` if nothing or not known yet. paused_s: seconds for which Intune is left alone, paused_why: why.
    throttled: 429 answers since the start. bulk_ignored: rows of the last whole list that were not taken.
    """

    endpoint: str
    portal: str
    token_left_s: float
    roles: tuple[str, ...]
    consent: str
    paused_s: float
    paused_why: str
    throttled: int
    bulk_ignored: int
    credentials: tuple[CredentialStatus, ...]


def missing_consent(intune: Token | None, graph: Token | None) -> str:
    """What the tokens in hand say is missing, ``""`` if nothing. None: there is no such token (yet)."""
    missing = []
    if intune is not None and intune.lacks_consent:
        missing.append(f"the intune token has no role {NEEDED_ROLE} (it has: {_roles(intune)})")
    if graph is not None and not graph.may(ROLES):
        missing.append(f"the graph token has no role {ROLES[0]} (it has: {_roles(graph)})")
    if not missing:
        return ""
    return f"consent missing: {'; '.join(missing)}; add the permission to the app registration and grant admin consent"


def _roles(token: Token) -> str:
    return ", ".join(token.roles)[:300] or "none"
