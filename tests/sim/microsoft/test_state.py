"""Devices, knobs and the bulk quota of the simulated tenant."""

from __future__ import annotations

import pytest

from nacd.sim.microsoft.state import App, Seen, TenantState, as_json, canonical_guid, canonical_mac

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


def test_a_change_leaves_the_other_fields_alone() -> None:
    state = TenantState()
    state.put_device(guid=GUID, macs=["00-26-B4-24-FE-B4"], compliant=True, name="LAPTOP")
    changed = state.put_device(guid=GUID.upper(), compliant=False)
    assert (changed.macs, changed.name, changed.compliant) == (("0026B424FEB4",), "LAPTOP", False)
    assert changed.compliance_state == "noncompliant"
    assert len(state.devices()) == 1


def test_two_devices_may_share_a_mac() -> None:
    state = TenantState()
    for guid in (GUID, GUID.replace("2", "3")):
        state.put_device(guid=guid, macs=["0026B424FEB4"])
    assert len(state.devices_with_mac("0026b424feb4")) == 2


@pytest.mark.parametrize("wrong", [{"colour": "red"}, {"guid": "x"}])
def test_an_unknown_key_or_a_bad_guid_changes_nothing(wrong: dict[str, object]) -> None:
    state = TenantState()
    with pytest.raises(ValueError, match=r"`(colour|x)`"):
        state.put_device(**{"guid": GUID, **wrong})
    assert state.devices() == []


@pytest.mark.parametrize("wrong", [{"compliant": "yes"}, {"macs": "0026B424FEB4"}, {"registered": 1}])
def test_a_value_of_another_type_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        TenantState().put_device(guid=GUID, **wrong)


@pytest.mark.parametrize("wrong", [{"page_size": "2"}, {"loop_paging": 1}, {"page_size": True}, {"speed": 3}])
def test_a_knob_is_turned_only_to_values_of_its_kind(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        TenantState().tune(**wrong)


def test_a_removed_device_is_gone() -> None:
    state = TenantState()
    state.put_device(guid=GUID)
    assert state.remove_device(GUID)
    assert not state.remove_device(GUID)
    assert state.device(GUID) is None


def test_the_bulk_window_has_a_free_hour_and_then_refuses_until_it_closes() -> None:
    now = [1000.0]
    state = TenantState(lambda: now[0])
    answers = []
    for minutes in (0, 59, 61, 239, 240, 299, 301):
        now[0] = 1000.0 + minutes * 60
        answers.append(state.admit_bulk())
    assert answers == [True, True, False, False, True, True, False]


def test_without_a_free_hour_the_second_bulk_question_is_refused() -> None:
    state = TenantState(lambda: 0.0)
    state.tune(bulk_free_s=0)
    assert [state.admit_bulk(), state.admit_bulk()] == [True, False]


def test_history_is_bounded_and_can_be_read_by_kind() -> None:
    state = TenantState()
    for number in range(10_005):
        kind = "mac" if number % 2 else "guid"
        state.note(Seen(at=0.0, service="compliance", kind=kind, value=str(number), status=200))
    assert len(state.history()) == 10_000
    assert state.history("guid")[0].value == "6"
    assert as_json(state.history("mac")[-1])["value"] == "10003"


def test_a_reset_forgets_everything_but_the_apps() -> None:
    state = TenantState()
    state.register_app(App())
    state.put_device(guid=GUID)
    state.tune(page_size=1)
    state.admit_bulk()
    state.reset()
    assert (state.devices(), state.tuning.page_size, state.app(App().client_id)) == ([], 100, App())
