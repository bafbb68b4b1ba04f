"""The cable between a NAS in a namespace of its own and nacd, which runs here; and nacd told of that one NAS.

Knows: addresses. Refuses to know: which NAS it is, and what is behind it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Change: TypeAlias = Callable[[dict[str, Any], dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """cable: the interface here. own: our address on it, its: the NAS's."""

    cable: str
    own: str
    its: str

    def only_client(self, name: str, change: Change, **keys: Any) -> Change:
        """What ``launch(change=...)`` wants: nacd listens on our end alone and knows one NAS, by that name.

        keys: of this NAS in ``clients``. change: may alter configuration and policy after that.
        """

        def changed(config: dict[str, Any], policy: dict[str, Any]) -> None:
            config["server"] = {"auth": f"{self.own}:0", "accounting": f"{self.own}:0"}
            config["clients"] = [{**config["clients"][0], "name": name, "network": f"{self.its}/32", **keys}]
            change(config, policy)

        return changed


def lay(netns: Any, nas: Any) -> Uplink:
    """Lay the cable from here into the namespace ``nas``."""
    here = netns.host()
    near, far = netns.cable(here, nas)
    # This end lies in the machine's own namespace, so two runs at a time need two networks: RFC 6598's 2^14 of four.
    first = (100 << 24) + (64 << 16) + os.getpid() % 2**14 * 4
    own, its = (".".join(str(first + host >> shift & 255) for shift in (24, 16, 8, 0)) for host in (1, 2))
    address(here, near, f"{own}/30")
    address(nas, far, f"{its}/30")
    return Uplink(cable=near, own=own, its=its)


def address(space: Any, interface: str, prefix: str) -> None:
    """Give an interface in that namespace an address."""
    words = [*space.words, space.ip, "address", "add", prefix, "dev", interface]
    subprocess.run(words, capture_output=True, text=True, check=True)
