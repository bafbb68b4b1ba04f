"""The closed loop on a real VPN gateway: Intune changes its mind about a laptop, and its IKE SA is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.pki import COMPLIANT_GUID
from tests.labs.flips import Device, device, quick, wait_until
from tests.labs.strongswan import DAE_PORT, POOLS, Charon, Lab
from tests.labs.vpn_site import Site, build

pytestmark = [pytest.mark.peer, pytest.mark.netns, pytest.mark.slow]

POLICY = {
    "profiles": {
        "remote": {"session_timeout": "8h", "group_policy": "corp"},
        "remote-quarantine": {"session_timeout": "10m", "group_policy": "quarantine"},
    },
    "rules": [
        {"name": "vpn", "when": {"access": "vpn", "compliance": "compliant"}, "then": "remote"},
        {"name": "fix it", "when": {"access": "vpn", "compliance": "noncompliant"}, "then": "remote-quarantine"},
    ],
}


def vpn(config: dict[str, Any], policy: dict[str, Any]) -> None:
    config["clients"][0] |= {"vendor": "strongswan", "dynauth": {"port": DAE_PORT}}
    quick(config)
    policy.clear()
    policy.update(POLICY)


@pytest.fixture
def site(netns: Any, launch: Any) -> Site:
    return build(netns, launch, vpn)


@pytest.fixture
def lab(peer: Callable[[str], Any], tmp_path: Path, certificates: Any) -> Lab:
    return Lab(peer, tmp_path, certificates)


def dial(laptop: Charon, gateway: Charon, group: str) -> None:
    """Connect, and land in that group of the gateway's."""
    done = laptop.tell("--initiate", "--child", "home")
    assert "initiate completed successfully" in done.stdout, done.stdout + done.stderr
    established = gateway.tell("--list-sas").stdout
    assert f"{group}: #" in established, established
    assert f"[{POOLS[group]}.1]" in established, established


def is_over(charon: Charon) -> bool:
    """Whether it has no IKE SA."""
    return "ESTABLISHED" not in charon.tell("--list-sas").stdout


def test_the_tunnel_of_a_laptop_that_falls_out_of_compliance_ends_and_the_next_one_is_in_quarantine(
    site: Site, lab: Lab, certificates: Any, microsoft: Any, tap: Any
) -> None:
    wire, running = tap.start([*site.nacd.ports, DAE_PORT], site.cable)
    with device(microsoft, site.nacd) as laptop_one:
        gateway, laptop = lab.gateway(site), lab.laptop(site, certificates.client("compliant-p256"), "CN=laptop-one")
        dial(laptop, gateway, "corp")
        site.nacd.recorded({"code": "A1001I", "decision.profile": "remote", "identity.id": COMPLIANT_GUID})
        site.nacd.recorded({"code": "A2001I"})

        laptop_one.flip(compliant=False)
        down = cut_off(laptop_one, gateway, laptop, "remote", "remote-quarantine")
        assert down.asked["asked"]["host"] == site.gateway_address
        # Twenty octets have no Error-Cause and no Message-Authenticator, and are believed.
        assert down.answered["answer"]["error_cause"] == 0
        dial(laptop, gateway, "quarantine")
        laptop_one.recorded("access.accept", decision__profile="remote-quarantine")
        laptop_one.recorded("accounting.start")

        laptop_one.flip(compliant=True)
        cut_off(laptop_one, gateway, laptop, "remote-quarantine", "remote")
        dial(laptop, gateway, "corp")
        laptop_one.recorded("access.accept", decision__profile="remote")
    tap.stop(running)
    assert wire.fields("radius.code == 2", "radius.Class") == [[b"corp".hex()], [b"quarantine".hex()], [b"corp".hex()]]
    assert wire.fields("radius.code == 41", "radius.length") == [["20"], ["20"]]
    asked, answered = (wire.fields(f"radius.code == {code}", "radius.id") for code in (4, 5))
    assert len(asked) >= 5
    assert sorted(asked) == sorted(answered), "accounting that went unanswered ends the tunnel"
    assert wire.faults() == []


def cut_off(on: Device, gateway: Charon, laptop: Charon, before: str, after: str) -> Any:
    """Wait until the tunnel is down at both ends, by nacd's Disconnect-Request."""
    change = on.changed(before, after)
    wait_until(lambda: is_over(gateway) and is_over(laptop))
    assert "received RADIUS DAE Disconnect-Request" in gateway.log, gateway.log[-3000:]
    on.recorded("accounting.stop", endpoint__user_name=change.wanted["endpoint"]["user_name"])
    return change
