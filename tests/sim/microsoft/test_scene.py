"""The fields of devices, apps and knobs: what they take, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from nacd.sim.microsoft.scene import App, Past, SimDevice, Tuning, as_json, canonical_guid, canonical_mac, checked

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


@pytest.mark.parametrize("spelling", ["0026B424FEB4", "00-26-b4-24-fe-b4", "0026.b424.feb4", "00:26:B4:24:FE:B4"])
def test_every_spelling_of_a_mac_becomes_twelve_hex_digits(spelling: str) -> None:
    assert canonical_mac(spelling) == "0026B424FEB4"


@pytest.mark.parametrize("wrong", ["", "0026B424FEB", "0026B424FEBG", "198.19.10.37"])
def test_what_is_no_mac_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no MAC address"):
        canonical_mac(wrong)


def test_a_guid_is_read_in_capitals_and_braces() -> None:
    assert canonical_guid("{" + GUID.upper() + "}") == GUID


@pytest.mark.parametrize(
    ("kind", "values", "error"),
    [
        (SimDevice, {"owner": "nobody"}, ValueError),
        (SimDevice, {"user": 7}, TypeError),
        (SimDevice, {"last_sync_s": "now"}, TypeError),
        (Tuning, {"graph_next_link": "home"}, ValueError),
        (Tuning, {"clock_offset_s": True}, TypeError),
        (App, {"graph_roles": "one"}, TypeError),
        (App, {"password": "x"}, ValueError),
    ],
)
def test_a_field_takes_values_of_its_kind_alone(kind: Any, values: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match=f"`{next(iter(values))}`"):
        checked(values, kind)


def test_lists_become_tuples_and_whole_numbers_may_be_seconds() -> None:
    assert checked({"graph_roles": ["a"]}, App) == {"graph_roles": ("a",)}
    assert checked({"clock_offset_s": 5}, Tuning) == {"clock_offset_s": 5}


def test_the_wifi_mac_is_the_first_that_is_not_wired() -> None:
    device = SimDevice(guid=GUID, macs=("AAAAAAAAAAAA", "BBBBBBBBBBBB"), wired_macs=("AAAAAAAAAAAA",))
    assert (device.wifi_mac, SimDevice(guid=GUID).wifi_mac) == ("BBBBBBBBBBBB", "")


def test_graphs_word_follows_compliance_unless_it_was_given() -> None:
    words = [
        SimDevice(guid=GUID, compliant=False).compliance_state,
        SimDevice(guid=GUID, compliant=False, graph_state="inGracePeriod").compliance_state,
    ]
    assert words == ["noncompliant", "inGracePeriod"]


def test_an_app_does_not_show_its_secrets() -> None:
    assert "hush" not in repr(App(secret="hush", more_secrets=("hush too",), refused={"hush": 7000222}))


def test_the_past_is_shown_as_json() -> None:
    past = Past(at=1.0, enrolled=True, compliant=False, registered=True, graph_state="noncompliant")
    assert as_json(past)["compliant"] is False
