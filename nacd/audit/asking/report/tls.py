"""The report's sums about certificates and TLS.

Knows: what is counted. Refuses to know: what is to be done about it (``advice``), how it is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from nacd.audit.asking.report.counters import Counted
from nacd.audit.asking.report.outcomes import how_many
from nacd.audit.asking.spelling import text_at

SOON_DAYS: Final = 30
_SOON_MS: Final = SOON_DAYS * 86_400_000
_MOST_CERTIFICATES: Final = 50_000
_NAMES: Final = 200
DISTRUST: Final = ("server_distrusted", "server_certificate_expired")


class TlsTally:
    """now_ms: of this moment, milliseconds since the epoch; what expires soon is counted from then."""

    def __init__(self, *, now_ms: int) -> None:
        self.failures: dict[str, dict[str, Counted]] = {}
        """By reason: the counts by ``issuer``, ``nas`` and ``client``."""
        self.counts: Counter[str] = Counter()
        self.only_counted = 0
        """Failures of which no record tells the reason."""
        self.example: dict[str, str] = {}
        self.distrusting = Counted()
        self.versions: Counter[str] = Counter()
        self.ciphers: Counter[str] = Counter()
        self._expiring: dict[str, tuple[int, str, str]] = {}
        self._now_ms = now_ms

    def take(self, code: str, record: Mapping[str, Any]) -> None:
        failure = text_at(record, "eap.failure")
        if failure and code in ("A1003W", "A1010W"):
            self._failed(failure, record, how_many(record) if code == "A1010W" else 1)
        version, cipher = text_at(record, "eap.tls_version"), text_at(record, "eap.cipher")
        if version:
            _bounded(self.versions, version)
        if cipher:
            _bounded(self.ciphers, cipher)
        until = text_at(record, "certificate.not_after")
        if until and code in ("A1001I", "A1007W"):
            self._until(until, record)

    def expiring(self) -> list[tuple[int, str, str]]:
        """End (milliseconds since the epoch), subject and endpoint of certificates that end soon, the first first."""
        return sorted(each for each in self._expiring.values() if each[0] < self._now_ms + _SOON_MS)

    def _failed(self, failure: str, record: Mapping[str, Any], count: int) -> None:
        if failure not in self.failures and len(self.failures) >= _NAMES:
            failure = "others"
        sums = self.failures.setdefault(failure, {name: Counted(2_000) for name in ("issuer", "nas", "client")})
        self.counts[failure] += count
        client = text_at(record, "endpoint.mac") or text_at(record, "endpoint.user_name")
        told = {"nas": text_at(record, "nas.name"), "client": client}
        if failure not in DISTRUST:
            told["issuer"] = text_at(record, "certificate.issuer")  # of the server's own, otherwise
        for name, value in told.items():
            if value:
                sums[name].add(value, count)
        self.example[failure] = text_at(record, "repeated.why") or text_at(record, "why")
        if failure in DISTRUST and client:
            self.distrusting.add(client, count)

    def _until(self, until: str, record: Mapping[str, Any]) -> None:
        """The latest certificate of an endpoint counts: an old one that was renewed expires for nobody."""
        try:
            end_ms = round(datetime.fromisoformat(until).timestamp() * 1000)
        except (ValueError, OverflowError, OSError):
            return
        subject = text_at(record, "certificate.subject")
        who = text_at(record, "identity.id") or subject
        before = self._expiring.get(who)
        if before is None and len(self._expiring) >= _MOST_CERTIFICATES:
            # Half of them at once: to look for the last of so many at each record would take hours.
            kept = sorted(self._expiring.items(), key=lambda each: each[1][0])[: _MOST_CERTIFICATES // 2]
            self._expiring = dict(kept)
        if before is None or end_ms >= before[0]:
            mac = text_at(record, "endpoint.mac") or text_at(record, "endpoint.user_name")
            self._expiring[who] = (end_ms, subject, mac)


def _bounded(counts: Counter[str], name: str) -> None:
    counts[name if name in counts or len(counts) < _NAMES else "others"] += 1
