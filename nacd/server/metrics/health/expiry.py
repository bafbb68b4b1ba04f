"""When what nacd shows and trusts ends: its own certificate, those above it, and each CA of devices.

Knows: dates. Refuses to know: whether a certificate is any good. Credentials for Microsoft stand with their tenant
(``compliance``); the key of the audit trail has no end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from nacd.eap.server_certificate import trusted
from nacd.server.assembly import Eap
from nacd.server.metrics.metric import Metric, Sample
from nacd.values import Instant

EXPIRES: Final = Metric(
    name="nacd_certificate_expires_timestamp_seconds",
    kind="gauge",
    meaning="When certificates of `eap` end: `server` is nacd's own, `server_chain` the first to end of those that are"
    " sent with it, `client_ca` the first to end of a `client_cas` entry, by its name.",
    labels=("use", "name"),
)
TABLE: Final = (EXPIRES,)


class Expiry:
    """Reads certificates once for each configuration."""

    def __init__(self) -> None:
        self._of: Eap | None = None
        self._ends: dict[tuple[str, str], float] = {}

    def ends(self, eap: Eap | None) -> dict[tuple[str, str], float]:
        """Seconds since the epoch, by use and name."""
        if eap is not self._of:
            self._of, self._ends = eap, dict(_ends(eap)) if eap is not None else {}
        return self._ends

    def read(self, eap: Eap | None) -> Iterator[Sample]:
        """Every metric of ``TABLE``; nothing without `eap`."""
        for (use, name), at in self.ends(eap).items():
            yield EXPIRES.sample(at, use, name)

    def over(self, eap: Eap | None, now: Instant) -> tuple[str, ...]:
        """What has ended, in words."""
        return tuple(f"{use} `{name}`" for (use, name), at in self.ends(eap).items() if at < now.wall)


def _ends(eap: Eap) -> Iterator[tuple[tuple[str, str], float]]:
    if eap.sent:
        own, *above = eap.sent
        yield ("server", "eap.certificate"), own.not_after
        if above:
            yield ("server_chain", "eap.certificate"), min(each.not_after for each in above)
    for anchor in eap.anchors:
        yield ("client_ca", anchor.name), min(each.not_after for each in trusted(anchor))
