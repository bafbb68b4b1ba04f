"""Orders of a person: found, recorded, done, recorded, in this order or not at all."""

from __future__ import annotations

import os
from typing import Any

import pytest

from nacd.actions.orders import Orders, device_id
from nacd.errors import AuditRefused, SourceError
from nacd.intune.graph.actions import PRIVILEGED, DeviceSheet, Verb, Verdict
from nacd.store.trail.log import AuditLog
from tests.actions.stage import ENTRA, LAPTOP, NOBODYS, Stage


def orders(stage: Stage, **changes: Any) -> Orders:
    return Orders(stage.load(**changes), "", {"SUDO_USER": "alice"})


def test_an_action_has_a_record_before_and_one_after(stage: Stage) -> None:
    order = orders(stage)
    sheet = order.find(Verb.LOCK, LAPTOP, needed=True)
    assert stage.records() == []
    assert order.act(Verb.LOCK, sheet, None, {"reason": "lost"}).verdict is Verdict.DONE
    before, after = stage.records()
    assert (before["code"], after["code"]) == ("D0001I", "D0002I")
    for record in (before, after):
        assert record["device"] == {"id": LAPTOP, "name": "LAPTOP-7"}
        assert record["who"] == {"uid": os.getuid(), "user": record["who"]["user"], "sudo_user": "alice"}
        assert (record["verb"], record["by"], record["reason"]) == ("lock", "command", "lost")


def test_a_look_is_recorded_too(stage: Stage) -> None:
    assert orders(stage).show(LAPTOP).name == "LAPTOP-7"
    assert [(r["code"], r["verb"]) for r in stage.records()] == [("D0001I", "show"), ("D0002I", "show")]


def test_an_entra_id_is_resolved_and_the_record_names_the_intune_id(stage: Stage) -> None:
    order = orders(stage)
    order.act(Verb.SYNC, order.find(Verb.SYNC, ENTRA, needed=False))
    assert stage.records()[-1]["device"]["id"] == LAPTOP
    assert stage.done() == [("syncDevice", LAPTOP)]


@pytest.mark.parametrize("needed", [True, False])
def test_a_device_that_is_not_there_is_recorded_as_not_done(stage: Stage, needed: bool) -> None:
    with pytest.raises(SourceError, match="no device with the Intune id or Entra id"):
        orders(stage).find(Verb.WIPE, NOBODYS, needed=needed)
    (record,) = stage.records()
    assert (record["code"], record["device"]["id"]) == ("D0003W", NOBODYS)


def test_a_sync_needs_no_permission_to_look(stage: Stage) -> None:
    stage.grant(PRIVILEGED)
    order = orders(stage)
    sheet = order.find(Verb.SYNC, LAPTOP, needed=False)
    assert sheet == DeviceSheet(guid=LAPTOP)
    assert order.act(Verb.SYNC, sheet).verdict is Verdict.DONE


def test_a_wipe_is_not_done_to_a_device_that_cannot_be_looked_at(stage: Stage) -> None:
    stage.grant(PRIVILEGED)
    with pytest.raises(SourceError, match=r"Read\.All"):
        orders(stage).find(Verb.WIPE, LAPTOP, needed=True)
    assert not stage.done()


@pytest.mark.parametrize("verb", list(Verb))
def test_with_a_full_disk_nothing_is_done(stage: Stage, verb: Verb) -> None:
    order = orders(stage, audit__file="/dev/full")
    sheet = order.find(verb, LAPTOP, needed=True)
    with pytest.raises(AuditRefused, match="no space"):
        order.act(verb, sheet)
    assert not stage.done()


def test_with_a_file_that_cannot_be_opened_nothing_is_even_looked_at(stage: Stage) -> None:
    (stage.folder / "file").write_text("")
    order = orders(stage, audit__file="file/audit.jsonl")
    for work in (lambda: order.find(Verb.WIPE, LAPTOP, needed=True), lambda: order.show(LAPTOP)):
        with pytest.raises(AuditRefused):
            work()
    assert not stage.microsoft.history()


def test_an_outcome_that_cannot_be_recorded_is_said_and_keeps_its_truth(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fills up while Graph answers."""
    order = orders(stage)
    sheet = order.find(Verb.LOCK, LAPTOP, needed=True)
    act = order._graph.act

    def then_full(*words: Any) -> Any:
        outcome = act(*words)
        stage.audit.unlink()
        stage.audit.symlink_to("/dev/full")
        return outcome

    monkeypatch.setattr(order._graph, "act", then_full)
    outcome = order.act(Verb.LOCK, sheet)
    assert (outcome.verdict, "the outcome is not recorded" in outcome.detail) == (Verdict.DONE, True)


@pytest.mark.parametrize("full", [False, True])
def test_an_interruption_is_an_unknown_outcome_also_on_a_full_disk(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    order = orders(stage)

    def interrupted(*_words: Any) -> Any:
        if full:
            monkeypatch.setattr(AuditLog, "append", refuse)
        raise KeyboardInterrupt

    def refuse(*_words: Any) -> None:
        raise AuditRefused("no space left on device")

    monkeypatch.setattr(order._graph, "act", interrupted)
    outcome = order.act(Verb.WIPE, DeviceSheet(guid=LAPTOP))
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.detail.startswith("unknown whether it was done: it was interrupted")
    assert ("the outcome is not recorded: no space" in outcome.detail) is full
    assert [record["code"] for record in stage.records()] == ["D0001I"] + ["D0004E"] * (not full)


def test_an_order_taken_back_is_recorded(stage: Stage) -> None:
    orders(stage).decline(Verb.WIPE, DeviceSheet(guid=LAPTOP, name="LAPTOP-7"), "nothing was typed")
    (record,) = stage.records()
    assert (record["code"], record["why"]) == ("D0005I", "nothing was typed")


def test_a_tenant_is_named_where_there_are_several(stage: Stage) -> None:
    app: Any = stage.load().document.value["intune"]
    loaded = stage.load(
        intune=None, tenants={"here": app, "there": app | {"credential": {"managed_identity": "system"}}}
    )
    with pytest.raises(ValueError, match=r"--tenant here \| there"):
        Orders(loaded, "", {})
    with pytest.raises(ValueError, match="no tenant `elsewhere`"):
        Orders(loaded, "elsewhere", {})
    assert Orders(loaded, "there", {}).tenant == "there"


@pytest.mark.parametrize("text", [LAPTOP, LAPTOP.upper(), f" {LAPTOP}\n"])
def test_an_id_is_taken_in_upper_and_lower_case(text: str) -> None:
    assert device_id(text) == LAPTOP


@pytest.mark.parametrize("text", ["", "LAPTOP-7", "D4-6E-0E-02-28-96", LAPTOP[:-1], "{" + LAPTOP + "}", "../wipe"])
def test_neither_names_nor_macs_are_ids(text: str) -> None:
    with pytest.raises(ValueError, match="is no device id"):
        device_id(text)
