"""A configuration loaded anew while nacd runs: all of it, or nothing, and on record."""

from __future__ import annotations

import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from nacd.cli.check import run as check
from nacd.cli.control.order import OrderFailed
from nacd.sim.supplicant import login
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, SECRET, Pki, Site, soon
from tests.server.reload.street import ACCEPT, REJECT, SILENCE, Daemon, live

NEW_SECRET = b"another-one-of-the-tests-0815"


def vlan(daemon: Daemon) -> str:
    with daemon.nas() as nas:
        given = nas.mab(PRINTER_MAC).first("Tunnel-Private-Group-Id")
        return given.decode() if isinstance(given, bytes) else str(given)


def test_a_reload_by_order_changes_what_is_decided_and_is_recorded_with_who(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(daemon: Daemon) -> None:
        assert vlan(daemon) == "140"
        site.change("vlan: 140", "vlan: 141", file="policy.yaml")
        told = daemon.give("reload")
        assert told["loaded"]
        assert told["generation"] == 2
        assert "profile `printers` changed" in told["changes"]
        assert vlan(daemon) == "141"

    live(site, monkeypatch, story)
    started, loaded = (each for each in site.records() if each["event"] == "configuration.loaded")
    assert (started["configuration"]["generation"], started["by"]) == (1, "")
    assert loaded["configuration"]["generation"] == 2
    assert loaded["by"].endswith(f"(uid {os.geteuid()})")
    assert "profile `printers` changed" in loaded["configuration"]["changes"]
    own = hashlib.sha256((site.folder / "policy.yaml").read_bytes()).hexdigest()
    assert (site.folder / "state" / "policies" / f"{own}.txt").is_file()
    assert (site.folder / "state" / "policies" / f"{loaded['configuration']['policy_digest']}.txt").is_file()
    assert loaded["configuration"]["digest"] == hashlib.sha256(site.config.read_bytes()).hexdigest()
    assert [each["event"] for each in site.records()].count("order.given") == 0


def test_a_hangup_reloads(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        site.change("vlan: 140", "vlan: 141", file="policy.yaml")
        os.kill(os.getpid(), signal.SIGHUP)
        assert soon(lambda: len(daemon.recorded("configuration.loaded")) == 2)
        assert daemon.recorded("configuration.loaded")[1]["by"] == "SIGHUP"
        assert vlan(daemon) == "141"

    live(site, monkeypatch, story)


def test_faulty_files_are_refused_in_the_words_of_check_and_the_next_reload_works(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def story(daemon: Daemon) -> None:
        good = (site.folder / "policy.yaml").read_text(encoding="utf-8")
        site.change("then: printers", "then: printerz", file="policy.yaml")
        site.change("vendor: cisco-asa", "vendor: cisco-asz")
        told = daemon.give("reload")
        assert not told["loaded"]
        problems.extend(told["problems"])
        check(site.config)
        assert vlan(daemon) == "140"
        os.kill(os.getpid(), signal.SIGHUP)
        assert soon(lambda: len(daemon.recorded("configuration.refused")) == 2)
        site.write("policy.yaml", good.replace("vlan: 140", "vlan: 141"))
        site.change("vendor: cisco-asz", "vendor: cisco-asa")
        assert daemon.give("reload")["loaded"]
        assert vlan(daemon) == "141"

    problems: list[str] = []
    live(site, monkeypatch, story)
    assert len(problems) >= 2
    said = capsys.readouterr().out.splitlines()
    assert said[: len(problems)] == problems
    refused = [each for each in site.records() if each["event"] == "configuration.refused"]
    assert refused[0]["configuration"]["problems"] == problems
    assert [each["by"] for each in refused] == [f"{_me()} (uid {os.geteuid()})", "SIGHUP"]


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('accounting: "127.0.0.1:0"', 'accounting: "127.0.0.1:18133"', "`server.accounting`"),
        ("state: state", "state: other-state", "`state`"),
        ("audit: {file: audit.jsonl}", "audit: {file: other.jsonl}", "`audit.file`"),
        ("policy: policy.yaml", "policy: policy.yaml\ncontrol: {socket: other.sock}", "`control.socket`"),
        ("tenant: contoso.onmicrosoft.com", "tenant: fabrikam.onmicrosoft.com", "`intune.tenant`"),
        ("policy: policy.yaml", "policy: policy.yaml\noverload: {port_rate: 7}", "`overload.port_rate`"),
        (
            "policy: policy.yaml",
            "policy: policy.yaml\ncompliance: {lookup_deadline: 1s}",
            "`compliance.lookup_deadline`",
        ),
    ],
)
def test_what_is_built_once_refuses_the_reload_with_its_place_and_the_word_restart(
    site: Site, monkeypatch: pytest.MonkeyPatch, old: str, new: str, named: str
) -> None:
    def story(daemon: Daemon) -> None:
        site.change(old, new)
        site.change("vlan: 140", "vlan: 141", file="policy.yaml")
        told = daemon.give("reload")
        assert not told["loaded"]
        (problem,) = told["problems"]
        place, _, words = problem.partition(": ")
        line = 1 + site.config.read_text(encoding="utf-8").splitlines().index(
            next(each for each in site.config.read_text(encoding="utf-8").splitlines() if new.splitlines()[-1] in each)
        )
        assert place.startswith(f"{site.config}:{line}:")
        assert named in words
        assert "restart" in words
        assert vlan(daemon) == "140"

    live(site, monkeypatch, story)


def test_secrets_of_nases_are_changed_and_named_by_nas_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        site.write("secrets/nas", NEW_SECRET, 0o600)
        told = daemon.give("reload")
        assert "secret of NAS `switch` changed" in told["changes"]
        assert "secret of NAS `concentrator` changed" in told["changes"]
        with daemon.nas() as nas:
            assert nas.mab(PRINTER_MAC).code == SILENCE
        with daemon.nas(NEW_SECRET) as nas:
            assert nas.mab(PRINTER_MAC).code == ACCEPT

    live(site, monkeypatch, story)
    text = site.audit.read_text(encoding="utf-8")
    assert SECRET.decode() not in text
    assert NEW_SECRET.decode() not in text


def test_nases_come_and_go(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        with daemon.nas(source="127.0.0.7", name="new") as nas:
            assert nas.mab(PRINTER_MAC).code == SILENCE
            new = '{name: new, network: 127.0.0.7, secret: "file:secrets/nas", vendor: generic, groups: [wired]}'
            site.change("clients:\n", f"clients:\n  - {new}\n")
            assert daemon.give("reload")["changes"] == ["NAS `new` added"]
            assert nas.mab(PRINTER_MAC).code == ACCEPT
            site.change("name: new, network: 127.0.0.7", "name: new, network: 127.0.0.8")
            assert "NAS `new` changed: network" in daemon.give("reload")["changes"]
            assert nas.mab(PRINTER_MAC).code == SILENCE

    live(site, monkeypatch, story)


def test_the_server_certificate_and_the_lists_are_read_anew(
    site: Site, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(daemon: Daemon) -> None:
        new = pki.root.issue_server("other.example.test")
        site.serve_with(new)
        site.write("printers.csv", "mac,note\n02-00-00-00-00-09,another\n")
        changes = daemon.give("reload")["changes"]
        (certificate,) = (each for each in changes if each.startswith("server certificate "))
        before, _, after = certificate.removeprefix("server certificate ").partition(" -> ")
        assert len(before) == len(after) == 64
        assert before != after
        assert "list `printers.csv` changed" in changes
        with daemon.nas() as nas:
            assert nas.mab(PRINTER_MAC).code == REJECT
            assert nas.mab("02-00-00-00-00-09").code == ACCEPT
            # Its name is not the one that the laptop trusts: it sees the new certificate.
            assert login(nas, pki.supplicant(), mac=LAPTOP_MAC).eap_outcome != "success"

    live(site, monkeypatch, story)


def test_what_cannot_be_recorded_does_not_come_into_force(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from nacd.errors import AuditRefused
    from nacd.store.trail.log import AuditLog

    def story(daemon: Daemon) -> None:
        site.change("vlan: 140", "vlan: 141", file="policy.yaml")
        with monkeypatch.context() as disk:

            def full(self: AuditLog, *events: Any) -> None:
                raise AuditRefused("cannot write `audit.jsonl`: no space left on device")

            disk.setattr(AuditLog, "append", full)
            with pytest.raises(OrderFailed, match="what cannot be recorded does not come into force"):
                daemon.give("reload")
        assert vlan(daemon) == "140"
        assert daemon.give("reload")["loaded"]

    live(site, monkeypatch, story)


def test_a_policy_that_cannot_be_archived_does_not_come_into_force(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        site.change("vlan: 140", "vlan: 141", file="policy.yaml")
        folder = site.folder / "state" / "policies"
        folder.rename(site.folder / "elsewhere")
        folder.write_text("no folder")
        told = daemon.give("reload")
        assert not told["loaded"]
        assert "policies" in told["problems"][0]
        assert vlan(daemon) == "140"

    live(site, monkeypatch, story)


def test_several_hangups_at_once_are_one_or_two_reloads(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        for _ in range(20):
            os.kill(os.getpid(), signal.SIGHUP)
        assert soon(lambda: len(daemon.recorded("configuration.loaded")) > 1)
        assert daemon.give("reload")["loaded"]
        assert len(daemon.recorded("configuration.loaded")) <= 5

    live(site, monkeypatch, story)


def test_orders_of_people_know_the_profiles_of_the_policy_in_force(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def story(daemon: Daemon) -> None:
        wish = {"effect": "quarantine", "subject": PRINTER_MAC, "reason": "a test"}
        with pytest.raises(OrderFailed, match="no profile `isolated`"):
            daemon.give("override.put", **wish, profile="isolated")
        site.change("printers:   {vlan: 140}", "printers:   {vlan: 140}\n  isolated: {vlan: 666}", file="policy.yaml")
        site.change("policy: policy.yaml", "policy: policy.yaml\nsessions: {overrides: {quarantine: isolated}}")
        assert daemon.give("reload")["loaded"]
        assert daemon.give("override.put", **wish)["override"]["profile"] == "isolated"
        assert vlan(daemon) == "666"

    live(site, monkeypatch, story)


def test_a_changed_policy_reassesses_live_sessions_only_where_that_is_wanted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def session(daemon: Daemon) -> dict[str, Any]:
        (found,) = daemon.give("sessions.list")["sessions"]
        return dict(found)

    def story(daemon: Daemon) -> None:
        assert vlan(daemon) == "140"
        site.change("then: printers}", "then: quarantine}", file="policy.yaml")
        assert daemon.give("reload")["loaded"]
        assert session(daemon)["pending"] is None
        site.change("policy: policy.yaml", "policy: policy.yaml\nsessions: {policy_changes: reassess}")
        site.change("then: quarantine}", "then: corporate}", file="policy.yaml")
        assert daemon.give("reload")["loaded"]
        assert soon(lambda: (session(daemon)["pending"] or {}).get("profile") == "corporate", 10)

    live(site, monkeypatch, story)


def test_new_credentials_of_a_tenant_make_a_new_source_and_keep_its_verdicts(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(daemon: Daemon) -> None:
        site.write("secrets/app", "another-word-of-the-app", 0o600)
        told = daemon.give("reload")
        assert told["changes"] == [
            "setting `intune.credential.secret` changed",
            "tenant `intune` is asked with other credentials, or at other addresses",
        ]
        assert set(daemon.give("cache.status")) == {"intune"}

    live(site, monkeypatch, story)


def test_the_status_says_what_is_in_force_and_how_the_last_reload_went(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def story(daemon: Daemon) -> None:
        first = daemon.give("reload.status")
        assert (first["generation"], first["last"]["outcome"], first["canary"]) == (1, "", None)
        daemon.give("reload")
        again = daemon.give("reload.status")
        assert (again["generation"], again["last"]["outcome"]) == (2, "loaded")
        Path(site.config).write_text("nonsense", encoding="utf-8")
        daemon.give("reload")
        assert daemon.give("reload.status")["last"]["outcome"] == "refused: 1 problem"

    live(site, monkeypatch, story)
