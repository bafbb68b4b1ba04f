"""Who has shown that it can send Message-Authenticator.

Knows: source addresses that signed a request nobody forced them to sign. Refuses to know: secrets and
rules. Only a verified signature writes here, so only a NAS that has the secret can fill it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

CAPACITY: Final = 65_536
"""Addresses remembered; the one silent for longest goes first."""


class MessageAuthenticatorLedger:
    """For ``message_authenticator: auto``: once seen, required from then on (CVE-2024-3596)."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._signing: OrderedDict[str, None] = OrderedDict()

    def learn(self, source: str) -> None:
        """This address sent a valid Message-Authenticator of its own accord."""
        signing = self._signing
        if source in signing:
            signing.move_to_end(source)
            return
        if len(signing) >= self._capacity:
            signing.popitem(last=False)
        signing[source] = None

    def requires(self, source: str) -> bool:
        """Whether a request from this address must be signed."""
        return source in self._signing

    def __len__(self) -> int:
        return len(self._signing)
