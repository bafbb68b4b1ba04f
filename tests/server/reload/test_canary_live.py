"""A configuration that is tried out with some NASes, in a daemon that answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from nacd.cli.control.order import OrderFailed
from nacd.server.reload import orders
from nacd.server.reload.canary import trial
from nacd.sim.nas import Nas
from tests.server.house import PRINTER_MAC, Site, soon
from tests.server.reload.street import ACCEPT, REJECT, Daemon, live

WISH = {"group": "wired", "for": "1m", "max_change": "20%", "min_sample": 20}
LIMITS = "overload: {port_rate: 1000, port_burst: 1000, failing: {refusals: 1000}}"
OTHER = {"source": "127.0.0.3", "name": "other-switch"}


@pytest.fixture(autouse=True)
def quick(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds where minutes are usual, and no limit for one port."""
    monkeypatch.setattr(orders, "_SHORTEST", timedelta(seconds=1))
    monkeypatch.setattr(trial, "LOOK_EVERY_S", 0.1)
    site.change("policy: policy.yaml", f"{LIMITS}\npolicy: policy.yaml")
    other = '{name: other-switch, network: 127.0.0.3, secret: "file:secrets/nas", vendor: cisco-ios}'
    site.change("clients:\n", f"clients:\n  - {other}\n")


def logins(daemon: Daemon, count: int, **nas: Any) -> set[int]:
    with daemon.nas(**nas) as asking:
        return {_login(asking) for _ in range(count)}


def _login(nas: Nas) -> int:
    return int(nas.mab(PRINTER_MAC).code)


def refuse_printers(site: Site) -> None:
    site.change("then: printers}", "then: deny}", file="policy.yaml")


def test_a_bad_policy_takes_itself_back_and_hurts_nobody_outside_the_group(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(daemon: Daemon) -> None:
        assert logins(daemon, 30) == {ACCEPT}
        refuse_printers(site)
        told = daemon.give("reload", **WISH)
        assert told["before"] == {"profile printers": 30}
        assert logins(daemon, 5, **OTHER) == {ACCEPT}
        assert REJECT in logins(daemon, 30)
        assert soon(lambda: daemon.recorded("configuration.canary_failed"), 10)
        assert logins(daemon, 5) == {ACCEPT}
        status = daemon.give("reload.status")
        assert (status["generation"], status["canary"]) == (1, None)
        assert "canary taken back" in status["last"]["outcome"]
        assert daemon.give("reload")["loaded"]  # whoever insists
        assert logins(daemon, 5) == {REJECT}

    live(site, monkeypatch, story)
    (began,) = (each for each in site.records() if each["event"] == "configuration.canary_began")
    assert (began["canary"]["group"], began["canary"]["max_change"], began["canary"]["min_sample"]) == ("wired", 20, 20)
    assert "rule `known printers` changed" in began["configuration"]["changes"]
    (failed,) = (each for each in site.records() if each["event"] == "configuration.canary_failed")
    assert failed["code"] == "A9007E"
    assert "rejected: 0% of its answers before, 100% now" in failed["canary"]["reason"]
    tried = [each for each in site.records() if each["event"] == "access.reject"]
    assert {each["decision"]["policy_digest"] for each in tried} == {began["configuration"]["policy_digest"]}


def test_what_changes_no_answers_goes_on_to_all(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        logins(daemon, 30)
        site.change("session_timeout: 8h", "session_timeout: 7h", file="policy.yaml")
        daemon.give("reload", **{**WISH, "for": "2s"})
        logins(daemon, 30)
        assert soon(lambda: len(daemon.recorded("configuration.loaded")) == 2, 10)
        assert daemon.give("reload.status")["generation"] == 2
        assert logins(daemon, 1, **OTHER) == {ACCEPT}

    live(site, monkeypatch, story)
    loaded = [each for each in site.records() if each["event"] == "configuration.loaded"][1]
    assert "after it was tried out with `wired`" in loaded["why"]
    last = [each for each in site.records() if each["event"] == "access.accept"][-1]
    assert last["nas"]["name"] == "other-switch"
    assert last["decision"]["policy_digest"] == loaded["configuration"]["policy_digest"]


def test_with_too_few_answers_it_does_not_go_on_by_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        logins(daemon, 30)
        refuse_printers(site)
        daemon.give("reload", **{**WISH, "for": "1s"})
        logins(daemon, 3)
        assert soon(lambda: daemon.recorded("configuration.canary_failed"), 10)
        assert logins(daemon, 3) == {ACCEPT}

    live(site, monkeypatch, story)
    (failed,) = (each for each in site.records() if each["event"] == "configuration.canary_failed")
    assert "3 answers now, and 20 are needed to compare" in failed["canary"]["reason"]


def test_people_promote_and_discard_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        for order in ("reload.promote", "reload.discard"):
            with pytest.raises(OrderFailed, match="no configuration is being tried out"):
                daemon.give(order)
        refuse_printers(site)
        daemon.give("reload", **WISH)
        assert logins(daemon, 1) == {REJECT}
        with pytest.raises(OrderFailed, match="is being tried out with group `wired`"):
            daemon.give("reload")
        daemon.give("reload.discard")
        assert logins(daemon, 1) == {ACCEPT}
        daemon.give("reload", **WISH)
        assert logins(daemon, 1, **OTHER) == {ACCEPT}
        daemon.give("reload.promote")
        assert logins(daemon, 1, **OTHER) == {REJECT}
        assert daemon.give("reload.status")["canary"] is None

    live(site, monkeypatch, story)
    events = [each["event"] for each in site.records() if each["event"].startswith("configuration.")]
    began, ended = "configuration.canary_began", "configuration.canary_discarded"
    assert events == ["configuration.loaded", began, ended, began, "configuration.loaded"]


def test_a_group_without_a_nas_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        with pytest.raises(OrderFailed, match="no NAS of the new configuration is in the group `nobody`"):
            daemon.give("reload", **{**WISH, "group": "nobody"})
        assert daemon.give("reload.status")["canary"] is None

    live(site, monkeypatch, story)


def test_a_nas_of_the_group_that_only_the_new_table_has_is_answered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(daemon: Daemon) -> None:
        new = '{name: new, network: 127.0.0.7, secret: "file:secrets/nas", vendor: cisco-ios, groups: [wired]}'
        site.change("clients:\n", f"clients:\n  - {new}\n")
        assert logins(daemon, 1, source="127.0.0.7", name="new") == {0}
        daemon.give("reload", **WISH)
        assert logins(daemon, 1, source="127.0.0.7", name="new") == {ACCEPT}
        daemon.give("reload.discard")
        assert logins(daemon, 1, source="127.0.0.7", name="new") == {0}

    live(site, monkeypatch, story)


def test_a_session_let_in_by_what_is_tried_out_is_not_changed_by_the_policy_in_force(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.change("state: state", "state: state\nsessions: {policy_changes: reassess}")

    def story(daemon: Daemon) -> None:
        site.change("then: printers}", "then: quarantine}", file="policy.yaml")
        daemon.give("reload", **WISH)
        assert logins(daemon, 1) == {ACCEPT}
        assert soon(lambda: [each["profile"] for each in daemon.give("sessions.list")["sessions"]] == ["quarantine"])
        (told,) = daemon.give("reassess", subject=PRINTER_MAC)["sessions"]
        assert told["words"] == "profile `quarantine` stays"
        daemon.give("reload.discard")
        (told,) = daemon.give("reassess", subject=PRINTER_MAC)["sessions"]
        assert "profile `printers` is wanted" in told["words"]

    live(site, monkeypatch, story)
