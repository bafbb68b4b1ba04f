"""What the records of questions and verdicts say. That they fill every field of their rows is told with all others."""

from __future__ import annotations

from nacd.audit.verdicts import events
from nacd.values import Compliance, ComplianceSource, ComplianceState, DeviceId, Instant, MacAddress

NOW = Instant(wall=1_000.0, monotonic=1.0)
GUID = "9b8ae4b1-0000-4000-8000-000000000001"
GOOD = Compliance(state=ComplianceState.COMPLIANT, as_of=900.0, source=ComplianceSource.LIVE, detail="", provider="nac")
BAD = Compliance(
    state=ComplianceState.NONCOMPLIANT, as_of=990.0, source=ComplianceSource.LIVE, detail="no PIN", provider="nac"
)


def test_a_change_says_what_it_was_and_what_it_is() -> None:
    event = events.changed(tenant="intune", subject=DeviceId(guid=GUID), before=GOOD, said=BAD, by="poll", now=NOW)
    assert event.fields["why"] == f"device {GUID} was compliant and is noncompliant: no PIN"
    assert event.fields["verdict"] == {"before": "compliant", "as_of_before": "1970-01-01T00:15:00.000Z", "by": "poll"}
    assert event.fields["lookup"] == {"tenant": "intune", "subject": "device", "id": GUID, "register": "intune"}


def test_an_answer_about_a_mac_names_no_register() -> None:
    mac = MacAddress("00-11-85-AA-BB-CC")
    event = events.answered(tenant="intune", subject=mac, said=GOOD, took_s=0.25, unwritten=3, now=NOW)
    assert event.fields["why"] == "intune says of MAC 00-11-85-AA-BB-CC: compliant"
    assert event.fields["lookup"] == {
        "tenant": "intune",
        "subject": "mac",
        "id": "00-11-85-AA-BB-CC",
        "register": "",
        "took_ms": 250.0,
        "unwritten": 3,
    }
