"""`nacd explain` as an admin meets it: what it says and how it exits."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


def test_a_certificate_is_judged_for_every_state_that_the_policy_asks_about(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.compliant, "--nas", "switch")
    assert done.exit_code == 0
    assert f"intune device {GUID} (source certificate, assurance certificate)" in done.output
    assert "leads to client_cas entry `devices-ca` over 1 intermediate; it may assert intune_id" in done.output
    assert re.search(r"compliant +Access-Accept +corporate +rule `healthy`", done.output)
    assert re.search(r"unavailable +Access-Accept +quarantine +rule `broken`", done.output)
    assert re.search(r"not_managed +Access-Reject +- +rule `default-deny`", done.output)
    assert "healthy       if compliance is `compliant`" in done.output
    assert "printers      no: access is `dot1x`, the rule wants `mab`" in done.output
    assert "Tunnel-Private-Group-Id:1 = 120" in done.output
    assert "Session-Timeout = 28800" in done.output


@pytest.fixture
def knowing_site(site: Any, tmp_path: Path) -> Path:
    """The site with Graph as its source, and rules on what Graph tells and on the age of a verdict."""
    folder = shutil.copytree(site.folder, tmp_path / "site")
    config = folder / "nacd.yaml"
    config.write_text(config.read_text().replace("intune:\n", "intune:\n  source: graph\n", 1))
    (folder / "policy.yaml").write_text(
        "profiles: {corporate: {vlan: 120}, quarantine: {vlan: 999}}\n"
        "rules:\n"
        "  - {name: ours, when: {tenant: intune, identity: certificate, compliance: compliant, os: windows,"
        " last_sync: {at_most: 7d}}, then: corporate}\n"
        "  - {name: fresh, when: {identity: certificate, compliance: compliant, compliance_age: {at_most: 4h},"
        " compliance_source: [live, cache]}, then: quarantine}\n"
    )
    return config


def test_conditions_on_the_answer_are_told_before_there_is_one(nacd: Any, site: Any, knowing_site: Path) -> None:
    done = nacd("explain", "--config", knowing_site, "--certificate", site.pki.compliant, "--nas", "switch")
    assert done.exit_code == 0
    assert "if compliance is `compliant` and os is `Windows` and last_sync is at most `7d` ago" in done.output
    assert "compliance_age is at most `4h` and compliance_source is `live` or `cache`" in done.output
    assert "nothing more about the device: --live asks" in done.output
    assert re.search(r"compliant +Access-Accept +quarantine +rule `fresh`", done.output)
    assert re.search(r"unavailable +Access-Reject", done.output)


def test_an_assumed_verdict_is_of_just_now_and_has_no_facts(nacd: Any, site: Any, knowing_site: Path) -> None:
    words = ("--certificate", site.pki.compliant, "--nas", "switch", "--compliance", "compliant")
    done = nacd("explain", "--config", knowing_site, *words)
    assert re.search(r"ours +no: there is no os, the rule wants `Windows`", done.output)
    assert re.search(r"fresh +matches: .*the verdict is `[01]s` old; the verdict's source is `live`", done.output)


def test_with_an_assumed_state_there_is_one_decision_and_every_rule_before_it(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.compliant, "--nas", "switch", "--compliance", "noncompliant")
    assert done.exit_code == 0
    assert "compliance  noncompliant, assumed" in done.output
    assert "healthy       no: compliance is `noncompliant` (assumed), the rule wants `compliant`" in done.output
    assert "Access-Accept by rule `broken`, profile `quarantine`" in done.output
    assert "left out    group_policy" in done.output
    assert "120" not in re.findall(r"Group-Id:1 = (\d+)", done.output)


def test_an_ssid_decides_without_asking(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.user, "--nas", "switch", "--ssid", "office", "--compliance", "compliant")
    assert "CA `users-ca` is trusted for login, not for naming a device" in done.output
    assert "the option makes no difference" in done.output
    assert "Access-Accept by rule `office`" in done.output


def test_a_certificate_that_would_not_get_through_tls_meets_no_rule(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.expired, "--nas", "switch")
    assert done.exit_code == 0
    assert "refused (certificate_expired)" in done.output
    assert "Access-Reject before any rule is tried: EAP-TLS fails" in done.output
    assert "rules" not in done.output.splitlines()


def test_a_session_ends_with_the_certificate_it_stands_on(explain: Any, site: Any, tmp_path: Path) -> None:
    issued = site.devices.issue_client(uris=[f"IntuneDeviceId://{GUID}"], starts_s=-60, lasts_s=660)
    chain, _ = issued.write(tmp_path, "short")
    done = explain("--certificate", chain, "--nas", "switch", "--compliance", "compliant")
    (timeout,) = re.findall(r"Session-Timeout = (\d+)", done.output)
    assert 500 < int(timeout) <= 600


def test_a_certificate_over_a_nas_that_authenticates_by_itself_is_vpn(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.compliant, "--nas", "vpn")
    assert "nacd sees a certificate only if it passes EAP on" in done.output
    assert "access      vpn" in done.output


@pytest.mark.parametrize("spelling", ["0011.85aa.bbcc", "00:11:85:aa:bb:cc", "001185AABBCC"])
def test_a_mac_on_a_list_needs_no_compliance(explain: Any, spelling: str) -> None:
    done = explain("--mac", spelling, "--nas", "switch")
    assert done.exit_code == 0
    assert "endpoint    00-11-85-AA-BB-CC" in done.output
    assert "not asked: no rule needs it here" in done.output
    assert "Access-Accept by rule `printers`, profile `printers`" in done.output


def test_live_asks_whoever_is_configured(explain: Any) -> None:
    done = explain("--mac", "00-50-56-C0-FF-EE", "--nas", "switch", "--live")
    assert "compliance  unavailable: no token for graph: `localhost` refuses the connection" in done.output
    assert "asked of Intune just now (mac:005056C0FFEE), 0 s old" in done.output
    assert "Access-Reject by rule `default-deny`" in done.output


def test_a_random_mac_is_never_asked_about(explain: Any) -> None:
    done = explain("--mac", "02-11-85-AA-BB-CC", "--nas", "switch", "--live")
    assert "without asking Intune: 02-11-85-AA-BB-CC is locally administered" in done.output


def test_a_vpn_client_by_its_mac(explain: Any) -> None:
    done = explain("--mac", "00-50-56-C0-FF-EE", "--nas", "vpn", "--access", "vpn", "--compliance", "compliant")
    assert "device-mac of the VPN client is 00-50-56-C0-FF-EE" in done.output
    assert "Access-Accept by rule `known mac`" in done.output


def test_mab_from_a_nas_that_does_none_is_refused_before_the_rules(explain: Any) -> None:
    done = explain("--mac", "00-50-56-C0-FF-EE", "--nas", "vpn")
    assert done.exit_code == 0
    assert "Access-Reject before any rule is tried (service_type)" in done.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "exactly one of --certificate, --mac, --packet, --record and --session"),
        (["--mac", "00-50-56-C0-FF-EE", "--certificate", "here"], "exactly one of"),
        (["--mac", "printer"], "`printer` is no MAC address"),
        (["--mac", "00-50-56-C0-FF-EE"], "say --nas with one of: switch, vpn"),
        (["--mac", "00-50-56-C0-FF-EE", "--nas", "swich"], "no NAS is called `swich`; there are: switch, vpn"),
        (["--mac", "00-50-56-C0-FF-EE", "--access", "mab"], "--access is dot1x or vpn"),
        (["--mac", "00-50-56-C0-FF-EE", "--compliance", "good"], "one of compliant, noncompliant, in_grace"),
        (["--mac", "00-50-56-C0-FF-EE", "--compliance", "compliant", "--live"], "give one of them"),
        (["--packet", "here", "--ssid", "office"], "read from the packet itself"),
    ],
)
def test_wrong_usage_exits_with_two(explain: Any, site: Any, words: list[str], said: str) -> None:
    done = explain(*(str(site.config) if word == "here" else word for word in words))
    assert done.exit_code == 2
    assert said in done.output


def test_a_bad_configuration_exits_with_one(nacd: Any, tmp_path: Path) -> None:
    (tmp_path / "nacd.yaml").write_text("clients: 3\n")
    done = nacd("explain", "--config", tmp_path / "nacd.yaml", "--mac", "00-50-56-C0-FF-EE")
    assert done.exit_code == 1
    assert "nacd.yaml:1:" in done.output


def test_a_file_without_a_certificate_exits_with_one_and_shows_nothing_of_it(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.compliant_key, "--nas", "switch")
    assert done.exit_code == 1
    assert "no certificate that can be read" in done.output
    key = site.pki.compliant_key.read_text().splitlines()[1]
    assert key not in done.output


def test_words_of_a_certificate_do_not_steer_the_terminal(explain: Any, site: Any, tmp_path: Path) -> None:
    chain, _ = site.devices.issue_client("laptop\x1b[2J", dns=["a\x07.example.test"]).write(tmp_path, "odd")
    done = explain("--certificate", chain, "--nas", "switch")
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert "\x07" not in done.output


def test_without_an_eap_section_a_certificate_is_refused(nacd: Any, site: Any) -> None:
    text = site.config.read_text()
    plain = site.folder / "plain.yaml"
    plain.write_text(text[: text.index("eap:")] + text[text.index("intune:") :])
    done = nacd("explain", "--config", plain, "--certificate", site.pki.compliant, "--nas", "switch")
    assert done.exit_code == 0
    assert "there is no `eap` section" in done.output


def test_a_reader_that_has_seen_enough_is_no_unreadable_file(site: Any) -> None:
    words = ["explain", "--config", str(site.config), "--mac", "00-11-85-AA-BB-CC", "--nas", "switch"]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "nacd", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(30)
