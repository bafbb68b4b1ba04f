"""Devices, knobs and the bulk quota of the simulated tenant."""

from __future__ import annotations

import pytest

from nacd.sim.microsoft.state import HISTORY_LENGTH, PAST_LENGTH, App, Seen, TenantState, Tuning, as_json

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


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


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"page_size": "2"}, TypeError),
        ({"loop_paging": 1}, TypeError),
        ({"page_size": True}, TypeError),
        ({"speed": 3}, ValueError),
        ({"discovery": "none"}, ValueError),
    ],
)
def test_a_knob_is_turned_only_to_values_of_its_kind(wrong: dict[str, object], error: type[Exception]) -> None:
    state = TenantState()
    with pytest.raises(error, match=f"`{next(iter(wrong))}`"):
        state.tune(**wrong)
    assert state.tuning == Tuning()


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
    for number in range(HISTORY_LENGTH + 5):
        kind = "mac" if number % 2 else "guid"
        state.note(Seen(at=0.0, service="compliance", kind=kind, value=str(number), status=200))
    assert len(state.history()) == HISTORY_LENGTH
    assert state.history("guid")[0].value == "6"
    assert as_json(state.history("mac")[-1])["value"] == str(HISTORY_LENGTH + 3)
    assert state.counts()["guid"] == {"200": HISTORY_LENGTH // 2 + 3}


def test_history_can_be_followed_by_number() -> None:
    state = TenantState()
    for number in range(3):
        state.note(Seen(at=0.0, service="compliance", kind="guid", value=str(number), status=200))
    assert [seen.value for seen in state.history(after=1)] == ["1", "2"]
    state.forget_history()
    state.note(Seen(at=0.0, service="compliance", kind="mac", value="x", status=0))
    assert [seen.number for seen in state.history(after=3)] == [4]
    assert [state.history(after=4), state.history(after=9)] == [[], []]
    assert state.counts() == {"mac": {"0": 1}}


def test_a_reset_forgets_everything_but_the_apps() -> None:
    state = TenantState()
    state.register_app(App())
    state.put_device(guid=GUID)
    state.tune(page_size=1)
    state.admit_bulk()
    state.reset()
    assert (state.devices(), state.tuning.page_size, state.app(App().client_id)) == ([], 100, App())


# -- what was true when


def judged(now: float = 1000.0) -> tuple[TenantState, list[float]]:
    clock = [now]
    return TenantState(lambda: clock[0]), clock


def test_what_was_true_at_a_time_can_be_asked_for() -> None:
    state, now = judged()
    for at, change in ((1000.0, {"compliant": True}), (1010.0, {"compliant": False}), (1020.0, {"registered": False})):
        now[0] = at
        state.put_device(guid=GUID, **change)
    now[0] = 1030.0
    state.remove_device(GUID)
    told = [state.at_time(GUID, at) for at in (1000.0, 1009.9, 1010.0, 1025.0, 1030.0)]
    assert state.at_time(GUID, 999.9) is None
    assert [(past.enrolled, past.compliant, past.registered) for past in told if past] == [
        (True, True, True),
        (True, True, True),
        (True, False, True),
        (True, False, False),
        (False, False, False),
    ]
    assert [past.at for past in state.past(GUID)] == [1000.0, 1010.0, 1020.0, 1030.0]


def test_a_change_that_touches_no_verdict_is_no_news() -> None:
    state, _ = judged()
    state.put_device(guid=GUID)
    state.put_device(guid=GUID, name="OTHER", compliant=True)
    assert len(state.past(GUID)) == 1
    state.put_device(guid=GUID, graph_state="inGracePeriod")
    assert [past.graph_state for past in state.past(GUID)] == ["compliant", "inGracePeriod"]


def test_the_past_is_on_the_machines_clock_whatever_was_tuned() -> None:
    state, _ = judged()
    state.tune(clock_offset_s=500.0)
    state.put_device(guid=GUID)
    state.plan(0.0, GUID, {"compliant": False})
    assert (state.now(), state.wall()) == (1500.0, 1000.0)
    state.plan(0.0, GUID, None)
    assert [past.at for past in state.past(GUID)] == [1000.0, 1000.0, 1000.0]


def test_the_past_of_one_device_is_bounded_and_the_newest_is_kept() -> None:
    state, now = judged()
    for number in range(PAST_LENGTH + 3):
        now[0] = float(number)
        state.put_device(guid=GUID, compliant=bool(number % 2))
    assert [len(state.past(GUID)), state.past(GUID)[0].at, state.past(GUID)[-1].at] == [PAST_LENGTH, 3.0, 1002.0]


def test_what_was_planned_happens_at_its_own_time_and_in_order() -> None:
    state, now = judged()
    state.put_device(guid=GUID)
    state.plan(20.0, GUID, None)
    state.plan(10.0, GUID, {"compliant": False})
    state.plan(30.0, GUID, {"compliant": True})
    assert len(state.devices()) == 1
    now[0] = 1100.0
    assert state.device(GUID) is None
    assert [(past.at, past.enrolled) for past in state.past(GUID)] == [(1000.0, True), (1010.0, True), (1020.0, False)]


def test_a_mac_that_was_taken_away_finds_nobody() -> None:
    state = TenantState()
    state.put_device(guid=GUID, macs=["0026B424FEB4", "0026B424FEB5"])
    state.put_device(guid=GUID, macs=["0026B424FEB5"])
    assert state.devices_with_mac("0026B424FEB4") == []
    assert len(state.devices_with_mac("0026b424feb5")) == 1
    state.remove_device(GUID)
    assert state.devices_with_mac("0026B424FEB5") == []


# -- apps


def test_a_change_of_an_app_leaves_the_other_fields_alone() -> None:
    state = TenantState()
    state.register_app(App(secret="one"))
    changed = state.change_app(App().client_id.upper(), more_secrets=["two"], certificates=["PEM"])
    assert (changed.secret, changed.more_secrets, changed.certificates) == ("one", ("two",), (b"PEM",))
    assert state.apps() == [changed]
    with pytest.raises(ValueError, match="`colour`"):
        state.change_app("x", colour="red")
