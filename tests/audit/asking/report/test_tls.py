"""Sums about certificates and TLS."""

from __future__ import annotations

from typing import Any

from nacd.audit.asking.report.tls import TlsTally

DAY_MS = 86_400_000
NOW_MS = 20_000 * DAY_MS  # 2024-10-04


def failed(failure: str, mac: str, **changes: Any) -> dict[str, Any]:
    return {
        "why": f"in words: {failure}",
        "eap": {"failure": failure},
        "nas": {"name": "sw-1"},
        "endpoint": {"mac": mac},
        "certificate": {"issuer": "CN=Old"},
        **changes,
    }


def shown(until: str, device: str = "", subject: str = "CN=pc") -> dict[str, Any]:
    return {
        "eap": {"tls_version": "TLSv1.3", "cipher": "AES"},
        "identity": {"id": device},
        "endpoint": {"mac": "m"},
        "certificate": {"subject": subject, "not_after": until},
    }


def test_failures_are_counted_by_issuer_nas_and_client() -> None:
    tally = TlsTally(now_ms=NOW_MS)
    tally.take("A1003W", failed("unknown_ca", "a"))
    tally.take("A1010W", failed("unknown_ca", "b", count=9, repeated={"why": "the first said"}))
    assert tally.counts == {"unknown_ca": 10}
    assert tally.failures["unknown_ca"]["issuer"].most(0) == [("CN=Old", 10)]
    assert tally.failures["unknown_ca"]["client"].most(0) == [("b", 9), ("a", 1)]
    assert tally.example["unknown_ca"] == "the first said"


def test_who_does_not_trust_our_certificate_is_told_and_our_own_issuer_is_none_of_theirs() -> None:
    tally = TlsTally(now_ms=NOW_MS)
    tally.take("A1003W", failed("server_distrusted", "a"))
    tally.take("A1003W", failed("server_certificate_expired", "a"))
    tally.take("A1003W", failed("unknown_ca", "b"))
    assert tally.distrusting.most(0) == [("a", 2)]
    assert tally.failures["server_distrusted"]["issuer"].total == 0


def test_certificates_that_end_soon_are_told_and_those_that_were_renewed_are_not() -> None:
    tally = TlsTally(now_ms=NOW_MS)
    tally.take("A1001I", shown("2024-10-10T00:00:00.000Z", device="d1"))
    tally.take("A1001I", shown("2025-10-10T00:00:00.000Z", device="d1"))  # renewed
    tally.take("A1001I", shown("2024-10-20T00:00:00.000Z", device="d2", subject="CN=second"))
    tally.take("A1001I", shown("2024-10-12T00:00:00.000Z", subject="CN=first"))
    tally.take("A1001I", shown("2024-12-12T00:00:00.000Z", subject="CN=later"))
    tally.take("A1001I", shown("some day", subject="CN=odd"))
    assert [subject for _, subject, _ in tally.expiring()] == ["CN=first", "CN=second"]


def test_versions_and_ciphers_are_counted_and_bounded() -> None:
    tally = TlsTally(now_ms=NOW_MS)
    for number in range(500):
        tally.take("A1001I", {"eap": {"tls_version": "TLSv1.3", "cipher": f"c{number}"}})
        tally.take("A1003W", failed(f"f{number}", "a"))
    assert tally.versions == {"TLSv1.3": 500}
    assert len(tally.ciphers) == 201
    assert len(tally.failures) == 201
    assert tally.counts["others"] == 300
