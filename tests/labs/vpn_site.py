"""The ground for a VPN: nacd here, a gateway in one namespace, a laptop in another, cables between them.

Knows: addresses and cables. Refuses to know: which VPN runs on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.labs.uplink import Change, address, lay

GATEWAY = "10.66.0.1"
LAPTOP = "10.66.0.2"
BEHIND = {"corp": "10.68.1", "quarantine": "10.68.2"}
"""Networks behind the gateway, one for each group, without the last number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Two namespaces and a nacd. cable: the interface on which the gateway's RADIUS packets arrive here.

    own_address: nacd's on that cable.
    """

    nacd: Any
    gateway: Any
    laptop: Any
    cable: str
    gateway_address: str
    own_address: str


def build(netns: Any, launch: Any, change: Change) -> Site:
    """Lay the cables and start nacd on the near end; its one NAS is the far end, named ``gateway``.

    change(config, policy): may alter both after that.
    """
    gateway, laptop = netns.namespace(), netns.namespace()
    uplink = lay(netns, gateway)
    outside, card = netns.cable(gateway, laptop)
    address(gateway, outside, f"{GATEWAY}/24")
    address(laptop, card, f"{LAPTOP}/24")
    for network in BEHIND.values():
        address(gateway, "lo", f"{network}.1/24")
    nacd = launch(change=uplink.only_client("gateway", change, groups=["vpn"]))
    return Site(
        nacd=nacd,
        gateway=gateway,
        laptop=laptop,
        cable=uplink.cable,
        gateway_address=uplink.its,
        own_address=uplink.own,
    )
