"""What can be fetched, by whom it is judged, and whether the documentation tells the same."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nacd.server import daemon
from nacd.server.control import SOCKET_NAME
from nacd.server.metrics import pages
from nacd.server.metrics.metric import Metric, Readings
from nacd.server.metrics.pages import TABLES, document
from nacd.sim.nas import Nas
from tests.server.house import LAPTOP_MAC, PRINTER_MAC, Site
from tests.server.test_daemon import serve

HOME = Path(__file__).resolve().parents[3]
STRANGER = "00-1B-44-00-00-01"


def fetch(url: str) -> tuple[str, str]:
    """Content type and text."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def cache_status(site: Site) -> Any:
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(5)
        door.connect(str(site.folder / "state" / SOCKET_NAME))
        door.sendall(b'{"order": "cache.status"}\n')
        return json.loads(door.makefile("rb").readline())["answer"]


@pytest.fixture
def served(site: Site, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A whole daemon after three logins: what its pages say, and `nacd cache status` at the same time."""
    site.change("server: {", 'server: {metrics: "127.0.0.1:0", ')
    site.change("policy: policy.yaml", "policy: policy.yaml\nshadow: policy.yaml")
    seen: dict[str, Any] = {}

    def story(nas: Nas) -> None:
        nas.timeout_s = 10.0
        for mac in (PRINTER_MAC, LAPTOP_MAC, STRANGER):
            nas.mab(mac)
        host, port = json.loads((site.folder / "ready.json").read_text(encoding="utf-8"))["metrics"][0]
        seen["type"], seen["text"] = fetch(f"http://{host}:{port}/metrics")
        seen["health"] = fetch(f"http://{host}:{port}/healthz")
        seen["status"] = cache_status(site)

    serve(site, monkeypatch, story)
    return seen


def families(text: str) -> list[Any]:
    return list(text_string_to_metric_families(text))


def numbers(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_daemon_serves_what_cache_status_says_and_names_nobody(served: dict[str, Any]) -> None:
    assert served["type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert served["health"] == ("text/plain; charset=utf-8", "ok\n")
    found, counts = numbers(served["text"]), served["status"]["intune"]["counts"]
    shown = {key[1]: value for key, value in found.items() if key[0] == "nacd_compliance_answers_total"}
    assert counts["miss"] == 2
    assert shown == {"disk": counts["from_disk"], **{how: counts[how] for how in shown if how != "disk"}}
    assert found["nacd_build_info", daemon.program_version()] == 1
    assert found[("process_resident_memory_bytes",)] > 0
    assert found[("nacd_verdict_store_ok",)] == 1
    for mac in (LAPTOP_MAC, STRANGER):
        assert re.search(mac.replace("-", "[-:.]?"), served["text"], re.IGNORECASE) is None


@pytest.mark.peer
def test_promtool_finds_nothing_to_complain_of(served: dict[str, Any], peer: Callable[[str], Any]) -> None:
    promtool = peer("promtool")
    judged = promtool.run(["check", "metrics"], input=served["text"])
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")
    spoilt = promtool.run(["check", "metrics"], input=served["text"].replace("_timestamp_seconds", "_timestamp_hours"))
    assert spoilt.returncode != 0


MISSING_HERE = {
    "nacd_eap_failures_total",  # nobody has spoken EAP
    "nacd_intune_credential_expires_timestamp_seconds",  # nobody knows its end
    "nacd_nas_requests_total",  # only where it is asked for
    "nacd_forward_waiting_records",  # no destination
    "nacd_forward_oldest_seconds",
    "nacd_forward_sent_total",
    "nacd_forward_lost_total",
    "nacd_forward_ok",
}


def test_what_is_served_is_what_is_documented(served: dict[str, Any]) -> None:
    """But for what this configuration has not."""
    told = {family.name + "_total" * (family.type == "counter") for family in families(served["text"])}
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", document(), re.MULTILINE))
    monitors = {metric.name for metric in TABLES["Monitor mode"]}
    assert rows - told == MISSING_HERE | monitors
    assert told <= rows


def test_the_reference_of_metrics_is_the_one_the_tables_make() -> None:
    """Otherwise: .venv/bin/python -c "from nacd.server.metrics.pages import document; print(document().rstrip())"."""
    assert (HOME / "docs" / "metrics.md").read_text(encoding="utf-8").rstrip() == document().rstrip()


def test_no_label_can_name_a_device_or_a_user() -> None:
    labels = {label for table in TABLES.values() for metric in table for label in metric.labels}
    program, questions = {"version", "scope", "name"}, {"tenant", "how", "limit", "budget", "credential"}
    changes = {"phase", "missing", "state", "direction", "verb", "meaning", "outcome"}
    requests = {"group", "access", "code", "reason", "lane", "stage", "nas"}
    fixed = {"generation", "config", "policy", "use", "destination"}
    assert labels == program | questions | changes | requests | fixed
    named = [metric.name for table in TABLES.values() for metric in table if "nas" in metric.labels]
    assert named == ["nacd_nas_requests_total"]  # of which a test of its own says when it is there


def test_two_tables_with_a_name_in_common_are_refused() -> None:
    twice = Metric(name="nacd_twice", kind="gauge", meaning="Twice.")
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        pages.pages(Readings((twice,), list), Readings((twice,), list))


def test_without_the_setting_nobody_listens(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def story(nas: Nas) -> None:
        seen.append(json.loads((site.folder / "ready.json").read_text(encoding="utf-8")))

    serve(site, monkeypatch, story)
    assert set(seen[0]) == {"auth", "accounting"}


def test_a_port_that_is_taken_keeps_the_daemon_from_starting(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        site.change("server: {", f'server: {{metrics: "127.0.0.1:{port}", ')
        with pytest.raises(OSError, match="already in use") as refused:
            asyncio.run(daemon.run(site.assemble()))
    assert refused.value.strerror == f"cannot listen on `127.0.0.1:{port}` for metrics: address already in use"
    assert not site.audit.exists()


@pytest.mark.parametrize(
    ("address", "noted"),
    [("127.0.0.1:9812", False), ("127.9.9.9:9812", False), ("[::1]:9812", False), ("0.0.0.0:9812", True)],
)
def test_an_address_that_others_reach_is_a_note_and_loopback_is_none(site: Site, address: str, noted: bool) -> None:
    site.change("server: {", f'server: {{metrics: "{address}", ')
    notes = [str(note) for note in site.assemble().notes if "anybody who reaches" in str(note)]
    assert len(notes) == noted
    assert all(address in note and "nacd.yaml:1:" in note for note in notes)
