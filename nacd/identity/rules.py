"""How this site names devices: the settings of the room, checked by existing.

Knows: which sources are tried in which order and which CA may assert which register. Refuses to
know: YAML and where a CA's certificate lies (``config/``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from nacd.identity import pattern
from nacd.identity.device_id import compact
from nacd.identity.mac import NotMac, parse
from nacd.identity.tenant import TenantRules
from nacd.values import DeviceIdKind, IdentitySource

ASSERTIONS: Mapping[str, DeviceIdKind] = MappingProxyType(
    {"intune_id": DeviceIdKind.INTUNE, "entra_id": DeviceIdKind.ENTRA}
)
"""The admin's words under ``may_assert`` and the register each opens."""

DEFAULT_ORDER = (IdentitySource.CERTIFICATE, IdentitySource.VPN, IdentitySource.MAC)


def assertions(words: Iterable[str]) -> frozenset[DeviceIdKind]:
    """The registers named by ``may_assert``. Raises ValueError on a word that names none."""
    found: set[DeviceIdKind] = set()
    for word in words:
        if word not in ASSERTIONS:
            raise ValueError(f"`{word}` is nothing a CA may assert; possible: {', '.join(ASSERTIONS)}")
        found.add(ASSERTIONS[word])
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaRule:
    """What a ``client_cas`` entry is trusted for beyond the login itself.

    may_assert: the registers its certificates may name a device in; empty = login only.
    templates: template OIDs or names a naming certificate must have been issued from; empty = any.
    """

    may_assert: frozenset[DeviceIdKind] = frozenset()
    templates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IdentityRules:
    """All settings of this room, told apart as objects: there is one for each configuration.

    Raises ValueError, in the admin's words, on what cannot work.

    order: sources, best first. cas: by the anchor's name (``client_cas``); an anchor not listed is
    trusted for login only. cn_as_guid: the certificate's common name is an Intune id too.
    entra_prefixes: what comes before an Entra id in a SAN URI (``device://contoso/``); they win over
    the Intune forms, for profiles that write ``IntuneDeviceId://{{AAD_Device_ID}}``.
    vpn_bare_guid: a VPN client's ``device-uid`` that is a plain GUID is an Intune id.
    user_name_pattern, class_pattern: regular expressions over the whole value with a group ``guid``;
    ``""`` = not used. ask_random_macs: look up locally administered MACs too.
    shared_macs: MACs of docks and adapters that wander between machines; any spelling, kept canonical.
    tenants: whose endpoint it is.
    """

    order: tuple[IdentitySource, ...] = DEFAULT_ORDER
    cas: Mapping[str, CaRule] = field(default_factory=lambda: MappingProxyType({}))
    cn_as_guid: bool = False
    entra_prefixes: tuple[str, ...] = ()
    vpn_bare_guid: bool = False
    user_name_pattern: str = ""
    class_pattern: str = ""
    ask_random_macs: bool = False
    shared_macs: frozenset[str] = frozenset()
    tenants: TenantRules = field(default_factory=TenantRules)

    def __post_init__(self) -> None:
        if not self.order or len(set(self.order)) != len(self.order):
            raise ValueError("the identity order names each source at most once and at least one source")
        if not all(compact(prefix) for prefix in self.entra_prefixes):
            raise ValueError("an Entra prefix is not empty")
        pattern.check(self.user_name_pattern)
        pattern.check(self.class_pattern)
        canonical: set[str] = set()
        for text in self.shared_macs:
            mac = parse(text)
            if isinstance(mac, NotMac):
                raise ValueError(f"`{text}` under shared_macs is no MAC address: {mac.reason}")  # noqa: TRY004
            canonical.add(mac.text)
        object.__setattr__(self, "shared_macs", frozenset(canonical))
