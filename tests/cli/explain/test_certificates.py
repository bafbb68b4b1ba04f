"""What is told of a certificate besides the decision: strength, end, tenant; and all of it as JSON."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
SCENE = ("--nas", "switch")


def test_key_signature_and_end_are_told(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.compliant, *SCENE)
    assert "  strength    EC secp256r1, signed with SHA256: strong enough" in done.output
    assert " UTC, for " in done.output


def test_a_weak_key_is_told_with_what_is_weak_about_it(explain: Any, site: Any, tmp_path: Path) -> None:
    issued = site.devices.issue_client(uris=[f"IntuneDeviceId://{GUID}"], key="rsa1024")
    chain, _ = issued.write(tmp_path, "weak")
    done = explain("--certificate", chain, *SCENE)
    assert "strength    RSA 1024 bits, signed with SHA256: has an RSA key of 1024 bits" in done.output
    assert "refused (weak_key)" in done.output


def test_an_expired_certificate_says_for_how_long(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.expired, *SCENE, "--json")
    found = json.loads(done.output)
    assert found["certificate"]["left_s"] < 0
    assert found["chain"] == {"ok": False, "code": "certificate_expired", "reason": found["chain"]["reason"]}
    assert (found["decision"]["effect"], found["refused"]) == ("deny", "certificate_expired")
    assert " UTC, over for " in explain("--certificate", site.pki.expired, *SCENE).output


def test_at_another_time_it_has_expired_and_before_it_was_not_valid_yet(explain: Any, site: Any) -> None:
    late = (datetime.now(UTC) + timedelta(days=40 * 365)).isoformat()
    done = explain("--certificate", site.pki.compliant, *SCENE, "--at", late)
    assert done.exit_code == 0
    assert "refused (certificate_expired)" in done.output
    assert ": all of it as of then" in done.output
    early = explain("--certificate", site.pki.compliant, *SCENE, "--at", "1999-01-01T00:00Z")
    assert "refused (certificate_not_yet_valid)" in early.output


def test_json_holds_naming_rules_and_each_decision_with_its_reply(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.compliant, *SCENE, "--json")
    found = json.loads(done.output)
    assert (found["subject"], found["access"], found["nas"]["name"]) == ("certificate", "dot1x", "switch")
    assert found["identity"] == {
        "kind": "device",
        "register": "intune",
        "id": GUID,
        "source": "certificate",
        "assurance": "certificate",
    }
    assert found["attempts"][0]["outcome"] == "found"
    assert found["chain"] == {"ok": True, "anchor": "devices-ca", "intermediates": 1, "may_assert": ["intune_id"]}
    assert [(each["rule"], each["result"]) for each in found["rules"]][:3] == [
        ("healthy", "if"),
        ("office", "no"),
        ("printers", "no"),
    ]
    by_state = {each["compliance"]: each for each in found["decisions"]}
    assert by_state["compliant"]["decision"]["profile"] == "corporate"
    assert {"name": "Tunnel-Private-Group-Id", "tag": 1, "value": "120"} in by_state["compliant"]["reply"]
    assert by_state["unavailable"]["left_out"] == ["group_policy"]
    assert by_state["not_managed"]["decision"]["effect"] == "deny"


def test_with_an_assumed_state_json_has_the_one_decision(explain: Any, site: Any) -> None:
    done = explain("--certificate", site.pki.compliant, *SCENE, "--compliance", "compliant", "--json")
    found = json.loads(done.output)
    assert (found["decision"]["rule"], found["compliance"]["state"]) == ("healthy", "compliant")
    assert found["policy"]["digest"]


@pytest.mark.parametrize("what", ["folder", "pipe", "device", "large"])
def test_what_is_no_plain_file_is_refused_at_once(explain: Any, tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "large":
        path.write_bytes(b"x" * (1 << 20) + b"y")
    else:
        path = Path("/dev/zero")
    done = explain("--certificate", path, *SCENE)
    assert done.exit_code == 1
    said = {"folder": "is a folder, not a file", "pipe": "is a pipe, not a file", "device": "is a device, not a file"}
    assert f"`{path}`: {said.get(what, 'is larger than 1 MiB')}" in done.output
