"""The ground for a VPN: nacd here, a gateway in one namespace, a laptop in another, cables between them.

Knows: addresses and cables. Refuses to know: which VPN runs on them.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

GATEWAY = "10.66.0.1"
LAPTOP = "10.66.0.2"
BEHIND = {"corp": "10.68.1", "quarantine": "10.68.2"}
"""Networks behind the gateway, one for each group, without the last number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Two namespaces and a nacd. cable: the interface on which the gateway's RADIUS packets arrive here."""

    nacd: Any
    gateway: Any
    laptop: Any
    cable: str
    gateway_address: str


def build(netns: Any, launch: Any, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Site:
    """Lay the cables and start nacd on the near end; its one NAS is the far end, named ``gateway``.

    change(config, policy): may alter both after that.
    """
    gateway, laptop, here = netns.namespace(), netns.namespace(), netns.host()
    near, far = netns.cable(here, gateway)
    outside, card = netns.cable(gateway, laptop)
    # This end lies in the machine's own namespace, so two runs at a time need two networks: RFC 6598's 2^14 of four.
    first = (100 << 24) + (64 << 16) + os.getpid() % 2**14 * 4
    own, its = (".".join(str(first + host >> shift & 255) for shift in (24, 16, 8, 0)) for host in (1, 2))
    for space, interface, address in (
        (here, near, f"{own}/30"),
        (gateway, far, f"{its}/30"),
        (gateway, outside, f"{GATEWAY}/24"),
        (laptop, card, f"{LAPTOP}/24"),
        *((gateway, "lo", f"{network}.1/24") for network in BEHIND.values()),
    ):
        words = [*space.words, netns.ip, "address", "add", address, "dev", interface]
        subprocess.run(words, capture_output=True, text=True, check=True)

    def only_the_gateway(config: dict[str, Any], policy: dict[str, Any]) -> None:
        config["server"] = {"auth": f"{own}:0", "accounting": f"{own}:0"}
        nas = {**config["clients"][0], "name": "gateway", "network": f"{its}/32", "groups": ["vpn"]}
        config["clients"] = [nas]
        change(config, policy)

    nacd = launch(change=only_the_gateway)
    return Site(nacd=nacd, gateway=gateway, laptop=laptop, cable=near, gateway_address=its)
