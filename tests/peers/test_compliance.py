"""What nacd knows of compliance survives restarts, outages, a broken disk and a broken tenant: seen from outside."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.microsoft.state import CLIENT_SECRET
from nacd.sim.pki import COMPLIANT_GUID, NONCOMPLIANT_GUID
from tests.peers.conftest import Daemon, microsoft_keys, private_file, seed
from tests.peers.wire import SECRET

pytestmark = pytest.mark.peer
SECOND_GUID = "5d1f0b52-8a7e-4c1c-9d7e-3f5a0e6b9a11"


@pytest.fixture
def intune() -> Iterator[Any]:
    """A Microsoft of the test's own, to be broken at will."""
    from nacd.sim.intune import IntuneSimulator

    with IntuneSimulator() as simulator:
        seed(simulator)
        simulator.put_device(guid=SECOND_GUID, compliant=True)
        yield simulator


@pytest.fixture
def start(launch: Any, intune: Any, tmp_path: Path) -> Callable[..., Daemon]:
    """``start(compliance=..., change=...)``: a daemon on this test's state folder, with a VPN at 127.0.0.3."""

    def begin(change: Callable[[dict[str, Any]], None] = lambda _: None, **compliance: Any) -> Daemon:
        def changed(config: dict[str, Any], policy: dict[str, Any]) -> None:
            config["intune"] = microsoft_keys(tmp_path, intune)
            config["state"] = str(tmp_path / "state")
            (tmp_path / "state").mkdir(exist_ok=True)
            config["compliance"] |= compliance
            secret = private_file(tmp_path / "radius.secret", SECRET)
            vpn = {"vendor": "generic", "secret": secret, "authentication": "done_by_nas"}
            config["clients"].append({"name": "vpn", "network": "127.0.0.3/32", "groups": ["vpns"], **vpn})
            policy["rules"] = [
                {"name": "vpn by verdict", "when": {"access": "vpn", "compliance": "compliant"}, "then": "corporate"},
                {"name": "vpn without", "when": {"access": "vpn", "compliance": "unavailable"}, "then": "quarantine"},
                *policy["rules"],
            ]
            change(config)

        daemon: Daemon = launch(change=changed)
        return daemon

    return begin


def login(radclient: Any, daemon: Daemon, guid: str = COMPLIANT_GUID, source: str = "127.0.0.3") -> dict[str, Any]:
    """One VPN login with this device id; its audit record."""
    seen = len(daemon.audit("A1001I", "A1002I"))
    attributes = [
        ("User-Name", "alice"),
        ("NAS-Port-Type", "Virtual"),
        ("Packet-Src-IP-Address", source),
        ("Cisco-AVPair", f'"mdm-tlv=device-uid=ID:Intune:DeviceID:{guid}"'),
        ("Message-Authenticator", "0x00"),
    ]
    answer = radclient.ask(daemon.address(), "auth", attributes, wait_s=6.0)
    assert answer.code, answer.output + daemon.log_text[-2000:]
    return daemon.audit("A1001I", "A1002I")[seen:][-1]


def verdict(record: dict[str, Any]) -> tuple[str, str]:
    return record["compliance"]["state"], record["compliance"]["source"]


def cli(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nacd", *words, "--config", str(daemon.folder / "nacd.yaml")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_restart_in_the_middle_of_an_outage_answers_from_disk(
    start: Callable[..., Daemon], intune: Any, radclient: Any
) -> None:
    before = start()
    live = login(radclient, before)
    assert verdict(live) == ("compliant", "live")
    before.stop()
    intune.fault("outage", mode="refused")
    after = start()
    kept = login(radclient, after)
    assert verdict(kept) == ("compliant", "cache")
    assert kept["compliance"]["as_of"] == live["compliance"]["as_of"]
    assert verdict(login(radclient, after, SECOND_GUID)) == ("unavailable", "none")


def test_after_its_lifetime_a_verdict_from_disk_says_that_it_is_stale(
    start: Callable[..., Daemon], intune: Any, radclient: Any
) -> None:
    short = {"lifetimes": {"compliant": "1s"}}
    before = start(**short)
    live = login(radclient, before)
    before.stop()
    intune.fault("outage", mode="503")
    time.sleep(1.1)  # the lifetime itself
    stale = login(radclient, start(**short))
    assert verdict(stale) == ("compliant", "stale")
    assert stale["compliance"]["as_of"] == live["compliance"]["as_of"]
    assert stale["compliance"]["age_s"] > 1.0


def test_a_daemon_that_was_killed_had_its_verdicts_on_disk(
    start: Callable[..., Daemon], intune: Any, radclient: Any
) -> None:
    before = start()
    assert verdict(login(radclient, before, NONCOMPLIANT_GUID)) == ("noncompliant", "live")
    before.process.kill()
    before.process.wait(5)
    intune.fault("outage", mode="refused")
    assert verdict(login(radclient, start(), NONCOMPLIANT_GUID)) == ("noncompliant", "cache")


def test_a_restart_loop_asks_for_the_bulk_list_once(start: Callable[..., Daemon], intune: Any, radclient: Any) -> None:
    for _ in range(3):
        daemon = start()
        login(radclient, daemon)
        deadline = time.monotonic() + 5
        while not intune.history("bulk") and time.monotonic() < deadline:
            time.sleep(0.02)
        daemon.stop()
    assert len(intune.history("bulk")) == 1


def test_the_bulk_list_takes_a_verdict_away_that_turned_bad_meanwhile(
    start: Callable[..., Daemon], intune: Any, radclient: Any, tmp_path: Path
) -> None:
    before = start(poll={"bulk": "7d"})
    assert verdict(login(radclient, before)) == ("compliant", "live")
    before.stop()
    intune.put_device(guid=COMPLIANT_GUID, compliant=False)
    with sqlite3.connect(tmp_path / "state" / "verdicts.sqlite") as database:
        database.execute("DELETE FROM bulk_windows")  # as if the first run had been days ago
    after = start(poll={"bulk": "7d"})
    deadline = time.monotonic() + 10
    while not after.log("bulk list taken") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert after.log("bulk list taken")[0]["doubted"] == 1
    assert verdict(login(radclient, after))[0] == "noncompliant"


def test_a_file_that_is_no_database_is_moved_aside_and_the_daemon_runs_on(
    start: Callable[..., Daemon], radclient: Any, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state" / "verdicts.sqlite").write_bytes(b"this was a letter to my aunt" * 100)
    daemon = start()
    assert verdict(login(radclient, daemon)) == ("compliant", "live")
    assert verdict(login(radclient, daemon)) == ("compliant", "cache")
    assert [path.name for path in (tmp_path / "state").glob("verdicts.sqlite.bad-*")] != []
    assert "verdicts.sqlite" in daemon.log_text


def test_one_tenant_that_hangs_keeps_no_other_waiting(
    start: Callable[..., Daemon], intune: Any, radclient: Any, tmp_path: Path
) -> None:
    from nacd.sim.intune import IntuneSimulator

    with IntuneSimulator(tenant="fabrikam.onmicrosoft.com") as other:
        other.put_device(guid=COMPLIANT_GUID, compliant=False)
        other.fault("latency", ms=20_000)

        def two(config: dict[str, Any]) -> None:
            (tmp_path / "other").mkdir()
            fabrikam = microsoft_keys(tmp_path / "other", other) | {"groups": ["plant"]}
            config["tenants"] = {"contoso": config.pop("intune") | {"groups": ["vpns"]}, "fabrikam": fabrikam}
            vpn = next(client for client in config["clients"] if client["name"] == "vpn")
            config["clients"].append(vpn | {"name": "plant", "network": "127.0.0.4/32", "groups": ["plant"]})
            config["compliance"]["lookup_deadline"] = "1s"

        daemon = start(two)
        hanging = login(radclient, daemon, source="127.0.0.4")
        assert verdict(hanging) == ("unavailable", "none")
        assert hanging["identity"]["tenant"] == "fabrikam"
        well = login(radclient, daemon)
        assert verdict(well) == ("compliant", "live")
        assert well["identity"]["tenant"] == "contoso"
        assert well["latency_ms"] < 900


def test_the_second_credential_takes_over_when_the_first_is_refused(
    start: Callable[..., Daemon], radclient: Any, tmp_path: Path
) -> None:
    def changed(config: dict[str, Any]) -> None:
        config["intune"]["credential"] = {"secret": private_file(tmp_path / "old.secret", "it expired long ago")}
        config["intune"]["next_credential"] = {"secret": private_file(tmp_path / "new.secret", CLIENT_SECRET)}

    daemon = start(changed)
    assert verdict(login(radclient, daemon)) == ("compliant", "live")
    stands = json.loads(cli(daemon, "cache", "status", "--json").stdout)["intune"]["source"]["credentials"]
    assert [credential["in_use"] for credential in stands] == [False, True]
    assert stands[0]["refused"]


def test_people_see_what_is_known_and_may_have_it_asked_anew(
    start: Callable[..., Daemon], intune: Any, radclient: Any
) -> None:
    daemon = start()
    login(radclient, daemon)
    shown = cli(daemon, "cache", "show", COMPLIANT_GUID)
    assert (shown.returncode, "compliant" in shown.stdout, "by nac" in shown.stdout) == (0, True, True)
    intune.put_device(guid=COMPLIANT_GUID, compliant=False)
    anew = cli(daemon, "cache", "refresh", COMPLIANT_GUID)
    assert (anew.returncode, "noncompliant" in anew.stdout) == (0, True), anew.stdout + anew.stderr
    assert verdict(login(radclient, daemon)) == ("noncompliant", "cache")
    counts = json.loads(cli(daemon, "cache", "status", "--json").stdout)["intune"]["counts"]
    assert (counts["hit"], counts["asked"], counts["polled"]) == (1, 2, 1)
