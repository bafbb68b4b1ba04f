"""What the admin wrote about sessions becomes each room's options, none lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from nacd.config.load import load, vendors
from nacd.config.settings import Settings
from nacd.server.dac.lanes import Target
from nacd.server.sessions import settings_of
from nacd.session.guard import Flip, Go, Hold
from nacd.session.windows import Window
from nacd.sessions import Verb
from nacd.vendor.dynauth_model import Dynauth, parse_dynauth

SITE = """\
clients:
  - {name: sw, network: 10.0.0.0/24, secret: "env:S", vendor: cisco-ios, groups: [wired, campus], dynauth: {}}
  - {name: vpn, network: 10.9.0.4, secret: "env:S", vendor: cisco-asa, groups: [vpn],
     dynauth: {port: 3799, address: 10.9.0.5, source: 10.9.0.1, rate: 3, concurrent: 4}}
  - {name: plain, network: 10.9.0.6, secret: "env:S", vendor: generic}
policy: policy.yaml
audit: {file: audit.jsonl}
state: state
"""
POLICY = "profiles: {p: {vlan: 1}}\nrules:\n  - {name: r, when: {access: mab}, then: p}\n"
EARLY = Window(days=frozenset({0, 6}), begins=22 * 60, ends=5 * 60)


@pytest.fixture
def written(tmp_path: Path) -> object:
    def read(more: str = "") -> Settings:
        (tmp_path / "policy.yaml").write_text(POLICY)
        (tmp_path / "nacd.yaml").write_text(SITE + more)
        return load(tmp_path / "nacd.yaml", {"S": "a-secret-of-good-length"}).settings

    return read


@pytest.fixture
def asa() -> Dynauth:
    return parse_dynauth("cisco-asa", vendors()["cisco-asa"])


def test_each_direction_has_a_guard_of_its_own(written) -> None:
    limits = (
        "down: {max_flips: 1, max_flip_percent: 100, window: 10s, hold: 20s, confirmed_per_s: 1}, up: {max_flips: 2}"
    )
    guards = settings_of.guards(written(f"sessions: {{guard: {{{limits}}}}}\n").sessions.guard)
    assert isinstance(guards.ask(Flip(id=1, down=True), 1000, 0.0), Go)
    held = guards.ask(Flip(id=2, down=True), 1000, 1.0)
    assert isinstance(held, Hold)
    assert held.until == 21.0
    assert isinstance(guards.ask(Flip(id=3, down=True, confirmed_live=True), 1000, 1.0), Go)
    assert isinstance(guards.ask(Flip(id=4, down=True, confirmed_live=True), 1000, 1.0), Hold)
    assert [isinstance(guards.ask(Flip(id=id, down=False), 1000, 1.0), Go) for id in (5, 6, 7)] == [True, True, False]


def test_a_flip_counts_for_as_long_as_the_window_says(written) -> None:
    limits = "up: {max_flips: 1, max_flip_percent: 0.5, window: 10s}"
    up = settings_of.guards(written(f"sessions: {{guard: {{{limits}}}}}\n").sessions.guard).up
    assert up.count(0.0).limit == 1
    assert isinstance(up.ask(Flip(id=1, down=False), 1000, 0.0), Go)
    assert isinstance(up.ask(Flip(id=2, down=False), 1000, 10.0), Go)


def test_windows_are_days_from_monday_and_minutes(written) -> None:
    wanted = written('sessions: {windows: {down: {days: [sun, mon], from: "22:00", to: "05:00"}}}\n').sessions.windows
    assert settings_of.windows(wanted.down).windows == (EARLY,)
    assert settings_of.windows(wanted.up).windows == ()
    assert settings_of.windows(wanted.up).is_open(0)


def test_a_ladder_is_as_patient_as_written_and_a_port_goes_down_only_when_everybody_agrees(written) -> None:
    wanted = written("sessions: {seen_within: {reauthenticate: 1s, disconnect: 2s, bounce: 3s}}\n").sessions
    assert settings_of.terms(wanted).seen_within_s == {
        Verb.REAUTHENTICATE: 1.0,
        Verb.DISCONNECT: 2.0,
        Verb.BOUNCE: 3.0,
    }
    assert [settings_of.terms(wanted, bounce=port).bounce for port in (True, False)] == [True, False]
    never = written("sessions: {bounce: false}\n").sessions
    assert not settings_of.terms(never, bounce=True).bounce


def test_patience_is_the_nass_own_interval_and_the_longest_silence(written) -> None:
    patience = settings_of.patience(written("sessions: {silent_for: 2h}\n").sessions, 300.0)
    assert (patience.interval_s, patience.silent_s) == (300.0, 7200.0)
    assert settings_of.patience(written().sessions).interval_s == 0.0


def test_whom_to_ask_is_the_admins_word_first_and_then_the_vendors(written, asa: Dynauth) -> None:
    switch, concentrator = (client.dynauth for client in written().clients[:2])
    assert settings_of.target(concentrator, asa, nas="vpn", host="10.9.0.4", port=1700) == Target(
        nas="vpn", host="10.9.0.5", port=3799, source="10.9.0.1", rate_per_s=3, concurrent=4
    )
    assert settings_of.target(switch, asa, nas="sw", host="10.0.0.9", port=1700) == Target(
        nas="sw", host="10.0.0.9", port=1700
    )
