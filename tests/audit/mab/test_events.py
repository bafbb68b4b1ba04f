"""What the records of the inventory say. That they fill every field of their rows is told with all other events."""

from __future__ import annotations

from nacd.audit.mab import events
from nacd.session.macs.inventory import Entry
from nacd.values import Instant

NOW = Instant(wall=1_000.0, monotonic=1.0)
ENTRY = Entry(
    mac="00-11-85-AA-BB-CC", owner="radiology", reason="4711", by="ada", at=1_000.0, until=2_000.0, tags=("printers",)
)


def test_an_entry_is_told_with_who_owner_reason_and_end() -> None:
    event = events.entered(entry=ENTRY, is_new=True, now=NOW)
    assert event.fields["why"] == (
        "ada put `00-11-85-AA-BB-CC` of radiology in the inventory, until 1970-01-01T00:33:20.000Z: 4711"
    )
    assert event.fields["by"] == "ada"
    assert event.fields["mab"] == {
        "mac": "00-11-85-AA-BB-CC",
        "owner": "radiology",
        "reason": "4711",
        "tags": ["printers"],
        "until": "1970-01-01T00:33:20.000Z",
        "at": "1970-01-01T00:16:40.000Z",
        "entered_by": "ada",
        "even_if_managed": False,
        "is_new": True,
    }


def test_whoever_takes_an_entry_out_is_told_beside_whoever_made_it() -> None:
    event = events.removed(entry=ENTRY, by="bob", now=NOW)
    assert (event.fields["by"], event.fields["mab"]["entered_by"]) == ("bob", "ada")  # type: ignore[index,call-overload]
    assert "bob took" in str(event.fields["why"])


def test_an_alarm_names_both_places() -> None:
    ports = [
        events.Port(nas=nas, source="10.0.0.1", port=port, session=7, began=1.0, heard=2.0)
        for nas, port in (("north", "Gi1/0/1"), ("wlc", ""))
    ]
    event = events.two_ports(mac=ENTRY.mac, ports=ports, now=NOW)
    assert event.fields["why"] == (
        "`00-11-85-AA-BB-CC` is on port `Gi1/0/1` of NAS `north` and NAS `wlc` at once, by MAB: one of them shows a MAC"
        " that is not its own"
    )
