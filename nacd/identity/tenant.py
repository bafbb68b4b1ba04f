"""Whose endpoint it is: which tenant is asked about it.

Knows: what binds an endpoint to a tenant, best first. Refuses to know: who a tenant is and how it is asked.

Theory: a tenant is chosen by what others vouch for, never by what the endpoint types: a realm in a user name is not
looked at. First the CA that issued the certificate, where ``client_cas`` binds it to a tenant. Then the tenant id that
Intune writes into the certificates it issues. Then the group of the NAS. A site with one tenant needs none of them.
A certificate whose CA or NAS says one tenant and whose text says another is *bad*: it must not be judged by either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from nacd.values import Certificate, CertificateFacts, Nas

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The tenant's name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTenant:
    """Nobody can be asked, and why."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What the certificate says cannot be true of one endpoint."""

    detail: str


Choice: TypeAlias = Chosen | NoTenant | Contradiction


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One tenant as this room sees it. id: its GUID, lower case, ``""`` if not told. groups: of NASes."""

    name: str
    id: str = ""
    groups: frozenset[str] = frozenset()


class TenantRules:
    """All tenants of a configuration. bound: tenant name by the name of the ``client_cas`` entry.

    Raises ValueError, in the admin's words, when two tenants claim the same id or group, or a CA names none of them.
    """

    def __init__(self, tenants: Iterable[Tenant] = (), bound: Mapping[str, str] = _NONE) -> None:
        self._tenants = {tenant.name: tenant for tenant in tenants}
        self._bound = dict(bound)
        self._by_id = _index(((t.id, t.name) for t in self._tenants.values() if t.id), "the tenant id")
        pairs = ((group, t.name) for t in self._tenants.values() for group in sorted(t.groups))
        self._by_group = _index(pairs, "the group")
        for anchor, name in self._bound.items():
            if name not in self._tenants:
                raise ValueError(f"`{anchor}` is bound to the tenant `{name}`, and there is none of that name")
        self._only = Chosen(name=next(iter(self._tenants))) if len(self._tenants) == 1 else None

    def of(self, certificate: Certificate, nas: Nas) -> Choice:
        """The tenant of whoever shows this certificate (or none) at this NAS."""
        if not isinstance(certificate, CertificateFacts) or not self._tenants:
            return self._by_nas(nas)
        choice = self._by_certificate(certificate)
        return choice if choice is not None else self._agreeing(self._by_nas(nas), certificate.tenant_ids)

    def _agreeing(self, choice: Choice, ids: tuple[str, ...]) -> Choice:
        """What the NAS says, unless the certificate is known to be of another tenant."""
        known = self._tenants[choice.name].id if isinstance(choice, Chosen) else ""
        if not isinstance(choice, Chosen) or not known or not ids or ids[0] == known:
            return choice
        detail = f"the NAS belongs to tenant `{choice.name}`, the certificate is of tenant id `{ids[0]}`"
        return Contradiction(detail=detail)

    def _by_certificate(self, certificate: CertificateFacts) -> Choice | None:
        ids = certificate.tenant_ids
        if len(set(ids)) > 1:
            return Contradiction(detail="the certificate names two tenants")
        bound = self._bound.get(certificate.anchor, "")
        if bound:
            known = self._tenants[bound].id
            other = self._by_id.get(ids[0], "") if ids else ""
            if ids and ((known and ids[0] != known) or (other and other != bound)):
                detail = f"CA `{certificate.anchor}` belongs to tenant `{bound}`, the certificate is of tenant id"
                return Contradiction(detail=f"{detail} `{ids[0]}`")
            return Chosen(name=bound)
        if not ids:
            return None
        if named := self._by_id.get(ids[0], ""):
            return Chosen(name=named)
        if all(tenant.id for tenant in self._tenants.values()):
            return Contradiction(detail=f"the certificate is of tenant id `{ids[0]}`, which is none of ours")
        return None

    def _by_nas(self, nas: Nas) -> Choice:
        if self._only is not None:
            return self._only
        if not self._tenants:
            return NoTenant(reason="nobody is asked: there is no `intune` section")
        named = {self._by_group[group] for group in nas.groups if group in self._by_group}
        if len(named) == 1:
            return Chosen(name=named.pop())
        if named:
            return NoTenant(reason=f"NAS `{nas.name}` is in groups of several tenants: {', '.join(sorted(named))}")
        return NoTenant(reason=f"neither the certificate nor a group of NAS `{nas.name}` says which tenant to ask")


def _index(pairs: Iterable[tuple[str, str]], what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, name in pairs:
        first = found.setdefault(key, name)
        if first != name:
            raise ValueError(f"{what} `{key}` belongs to two tenants: `{first}` and `{name}`")
    return found
