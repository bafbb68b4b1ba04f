"""The laboratory of ``tests/peers`` for whole networks of other people's servers: proxies and VPN gateways.

Knows: which fixtures come from there. The rigs beside this file know the programs; nothing here knows nacd from inside.
"""

from tests.peers.conftest import certificates, launch, may_capture, microsoft, nacd, radclient, supplicant, tap

__all__ = ["certificates", "launch", "may_capture", "microsoft", "nacd", "radclient", "supplicant", "tap"]
