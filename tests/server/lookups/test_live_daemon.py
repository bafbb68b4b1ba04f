"""A whole nacd asks a simulated Intune about who is there: how often, how old a verdict may be, and after a restart.

Questions are counted against each other and ages are read from records: no assertion is about how fast anything was.
"""

from __future__ import annotations

import re
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nacd.sim.intune import IntuneSimulator
from nacd.sim.nas import Nas
from tests.peers.conftest import Certificates, Daemon, Launcher
from tests.peers.wire import SECRET

pytestmark = pytest.mark.slow

SWITCH, CONCENTRATOR = "127.0.0.1", "127.0.0.2"
MACS = {"desk": "00-50-56-00-00-01", "away": "00-50-56-00-00-02", "bad": "00-50-56-00-00-03"}
WITHIN_S = 30.0
ACCEPT, REJECT, ACCOUNTED = 2, 3, 5


@pytest.fixture(scope="module")
def intune() -> Iterator[IntuneSimulator]:
    with IntuneSimulator() as simulator:
        yield simulator


@pytest.fixture
def launch(tmp_path: Any, intune: IntuneSimulator) -> Iterator[Launcher]:
    intune.reset()
    for number, (name, mac) in enumerate(MACS.items()):
        intune.put_device(guid=f"50a40001-0000-4000-8000-00000000000{number}", compliant=name != "bad", macs=[mac])
    (tmp_path / "pki").mkdir()
    launcher = Launcher(tmp_path, Certificates(tmp_path / "pki"), intune, False)
    yield launcher
    launcher.close()


def wanting(**compliance: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    """Two NASes, the second in group `remote`; whoever is compliant comes in, and nobody else."""

    def change(config: dict[str, Any], policy: dict[str, Any]) -> None:
        config["clients"][1] |= {"name": "concentrator", "groups": ["remote"]}
        config["server"]["metrics"] = "127.0.0.1:0"
        config["compliance"] |= {"lookup_deadline": "10s", **compliance}
        policy["rules"] = [{"name": "good", "when": {"access": "mab", "compliance": "compliant"}, "then": "corporate"}]

    return change


def nas(daemon: Daemon, source: str = SWITCH) -> Nas:
    """Of this address, for one request."""
    accounting = daemon.address(accounting=True)[1]
    ports = {"port": daemon.address()[1], "accounting_port": accounting}
    return Nas(server="127.0.0.1", secret=SECRET.encode(), source=source, timeout_s=20.0, tries=1, **ports)


def login(daemon: Daemon, name: str, source: str = SWITCH) -> int:
    """The code of the answer."""
    with nas(daemon, source) as asking:
        return asking.mab(MACS[name], extra=[("Acct-Session-Id", name)]).code


def leaves(daemon: Daemon, name: str) -> None:
    """Its session ends, and nacd has said that it knows."""
    with nas(daemon) as telling:
        assert telling.accounting("Stop", session_id=name, mac=MACS[name]).code == ACCOUNTED


def asked(intune: IntuneSimulator, after: int = 0) -> Counter[str]:
    """How often Intune was asked about each."""
    names = {mac.replace("-", "").lower(): name for name, mac in MACS.items()}
    found = [
        names.get(re.sub(r"[^0-9a-f]", "", each.value.lower()), each.value)
        for each in intune.history("mac", after=after)
    ]
    return Counter(found)


def until(holds: Callable[[], bool], what: str, daemon: Daemon) -> None:
    end = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < end, f"{what}; nacd said:\n{daemon.log_text[-3000:]}"
        time.sleep(0.05)


def metric(daemon: Daemon, name: str) -> float:
    """Its one value."""
    (said,) = daemon.log("nacd is ready")[-1:]
    with urllib.request.urlopen(f"http://{said['metrics']}/metrics", timeout=10) as page:
        text = page.read().decode()
    (value,) = re.findall(rf"^{name}{{[^}}]*}} (\S+)$", text, re.MULTILINE)
    return float(value)


def verdicts(daemon: Daemon, name: str) -> list[dict[str, Any]]:
    """What was known at each of its logins, oldest first."""
    records = daemon.audit("A1001I", "A1002I")
    return [each["compliance"] for each in records if each["endpoint"]["mac"] == MACS[name]]


def test_sessions_at_nases_of_a_group_have_an_interval_of_their_own_also_after_a_restart(
    launch: Launcher, intune: IntuneSimulator
) -> None:
    daemon = launch(change=wanting(poll={"interval": "1h", "groups": {"remote": "1s"}}))
    assert (login(daemon, "desk"), login(daemon, "away", CONCENTRATOR), login(daemon, "bad")) == (
        ACCEPT,
        ACCEPT,
        REJECT,
    )

    def some_are_polled(daemon: Daemon) -> None:
        before = intune.history()[-1].number
        until(lambda: asked(intune, before)["away"] >= 2, "no polls", daemon)
        assert set(asked(intune, before)) == {"away"}

    some_are_polled(daemon)
    daemon.process.kill()
    daemon.process.wait(10)
    some_are_polled(launch.again(daemon))


def test_a_live_session_is_asked_about_anew_when_its_verdict_is_too_old_and_others_are_not(
    launch: Launcher, intune: IntuneSimulator
) -> None:
    daemon = launch(change=wanting(reauth_query_interval="2s", poll={"interval": "1h"}))
    assert login(daemon, "away") == ACCEPT
    leaves(daemon, "away")
    until(lambda: login(daemon, "desk") == ACCEPT and asked(intune)["desk"] >= 3, "it is never asked again", daemon)
    assert login(daemon, "away") == ACCEPT
    known = verdicts(daemon, "desk")
    kept = [each["age_s"] for each in known if each["source"] == "cache"]
    assert kept
    assert max(kept) <= 2.1
    assert [each["source"] for each in known].count("live") == asked(intune)["desk"]
    first, last = verdicts(daemon, "away")
    assert (first["source"], last["source"]) == ("live", "cache")
    assert last["age_s"] > 4.0
    assert asked(intune)["away"] == 1


def test_the_lifetime_of_a_verdict_counts_where_it_is_shorter(launch: Launcher, intune: IntuneSimulator) -> None:
    daemon = launch(change=wanting(lifetimes={"compliant": "2s"}, reauth_query_interval="1h", poll={"interval": "1h"}))
    until(lambda: login(daemon, "desk") == ACCEPT and asked(intune)["desk"] >= 2, "it is never asked again", daemon)
    kept = [each["age_s"] for each in verdicts(daemon, "desk") if each["source"] == "cache"]
    assert kept
    assert max(kept) <= 2.1


def test_the_age_of_the_oldest_live_verdict_grows_while_intune_is_away_and_outlives_a_restart(
    launch: Launcher, intune: IntuneSimulator
) -> None:
    daemon = launch(change=wanting(poll={"interval": "1s"}))
    name = "nacd_compliance_oldest_live_verdict_age_seconds"
    login(daemon, "bad")
    assert metric(daemon, name) == 0.0
    login(daemon, "desk")
    intune.fault("outage", mode="reset")
    until(lambda: metric(daemon, name) >= 5.0, "it does not grow", daemon)
    assert metric(daemon, "nacd_compliance_live_devices") == 1.0
    begun = time.monotonic()
    daemon.process.kill()
    daemon.process.wait(10)
    again = launch.again(daemon)
    until(lambda: metric(again, name) > time.monotonic() - begun + 3.0, "a restart makes old verdicts young", again)
    intune.clear_faults()
    until(lambda: metric(again, name) < 3.0, "it does not fall", again)
