from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nacd.cli.setup import nacd_yaml
from nacd.config.yaml import parse


def written(answers: Any, folder: str = "/srv/nacd", **options: Any) -> Any:
    document, problems = parse(nacd_yaml.text(answers(**options), Path(folder)).encode(), "nacd.yaml")
    assert not problems
    return document.value


def test_a_configuration_of_the_machine_keeps_its_records_in_var_and_others_beside(answers: Any) -> None:
    assert written(answers, "/etc/nacd")["state"] == "/var/lib/nacd"
    assert written(answers, "/etc/nacd")["audit"] == {"file": "/var/log/nacd/audit.jsonl"}
    assert written(answers, "/srv/nacd")["state"] == "state"


def test_nobody_is_asked_for_a_tenant_that_there_is_not(answers: Any) -> None:
    assert "intune" not in written(answers)
    asked = written(answers, tenant="contoso.com", credential="managed-identity")["intune"]
    assert (asked["tenant"], asked["credential"]) == ("contoso.com", {"managed_identity": "system"})


def test_only_a_concentrator_is_said_to_authenticate_by_itself(answers: Any) -> None:
    for access in ("dot1x", "mab", "dot1x+mab"):
        assert "authentication" not in written(answers, access=access)["clients"][0]
    assert written(answers, access="vpn")["clients"][0]["authentication"] == "done_by_nas"


def test_eap_is_there_for_those_who_come_by_it(answers: Any) -> None:
    assert [("eap" in written(answers, access=kind)) for kind in ("dot1x", "mab", "dot1x+mab", "vpn")] == [1, 0, 1, 0]


def test_both_families_are_listened_on_for_a_nas_with_ipv6(answers: Any) -> None:
    assert written(answers, network="2001:db8::/64")["server"]["auth"] == ("0.0.0.0:1812", "[::]:1812")


def test_a_lab_listens_on_loopback_alone(answers: Any) -> None:
    assert written(answers, lab=True)["server"] == {"auth": "127.0.0.1:1812", "accounting": "127.0.0.1:1813"}


@pytest.mark.parametrize("path", ["/etc/ssl/radius server.pem", "certs/on", "certs/a#b.pem", "certs/ä.pem"])
def test_odd_paths_come_back_as_they_were_answered(answers: Any, path: str) -> None:
    eap = written(answers, certificate=path, private_key=path, client_ca=path)["eap"]
    assert (eap["certificate"], eap["private_key"]) == (path, f"file:{path}")
    assert eap["client_cas"][0]["file"] == path
