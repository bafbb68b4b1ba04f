"""The closed loop on a real switch port: Intune changes its mind about a laptop, and hostapd lets it log in anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.sim.pki import COMPLIANT_GUID
from tests.labs import hostapd_site
from tests.labs.flips import device, quick, wait_until
from tests.labs.hostapd_site import AUTHORIZED, DAS_PORT

pytestmark = [pytest.mark.peer, pytest.mark.netns, pytest.mark.slow]

LOOKUP = "guid"
"""What the simulator calls a question about one device."""

CORPORATE, QUARANTINE = ["120", "28800"], ["999", "600"]


def test_a_laptop_that_falls_out_of_compliance_is_moved_to_quarantine_and_back(
    netns: Any, launch: Any, peer: Callable[[str], Any], certificates: Any, microsoft: Any, tap: Any, tmp_path: Path
) -> None:
    on = hostapd_site.ground(netns)
    change = on.uplink.only_client(
        "port",
        lambda config, _policy: quick(config),
        vendor="hostapd",
        dynauth={"port": DAS_PORT, "source": on.uplink.own},
    )
    nacd = launch(change=change)
    wire, running = tap.start([*nacd.ports, DAS_PORT], on.uplink.cable)
    with device(microsoft, nacd) as laptop_one:
        port, laptop = hostapd_site.Lab(peer, tmp_path, certificates).open_port(on, nacd)
        nacd.recorded({"code": "A1001I", "decision.profile": "corporate", "identity.id": COMPLIANT_GUID})
        nacd.recorded({"code": "A2001I", "nas.identifier": "lab-port"})
        polled = len(microsoft.history(LOOKUP))
        wait_until(lambda: len(microsoft.history(LOOKUP)) >= polled + 2)
        assert nacd.audit("A4001I", "A4003I") == [], "polls that bring no news change nothing"
        assert port.is_open()

        laptop_one.flip(compliant=False)
        down = laptop_one.changed("corporate", "quarantine")
        assert down.wanted["change"]["trigger"] == "verdict"
        assert (down.asked["asked"]["host"], down.asked["asked"]["port"]) == (on.uplink.its, DAS_PORT)
        assert not port.is_open(), port.stations()
        assert laptop.log_in_again() == AUTHORIZED
        laptop_one.recorded("access.accept", decision__profile="quarantine", compliance__state="noncompliant")
        laptop_one.recorded("accounting.start", endpoint__mac=down.wanted["endpoint"]["mac"])
        assert port.is_open()

        laptop_one.flip(compliant=True)
        up = laptop_one.changed("quarantine", "corporate")
        assert up.wanted["nacd_session"] != down.wanted["nacd_session"]
        assert laptop.log_in_again() == AUTHORIZED
        laptop_one.recorded("access.accept", decision__profile="corporate", compliance__state="compliant")
    tap.stop(running)
    # What hostapd was told, in order: its wired driver moves nobody into a VLAN.
    accepts = wire.fields("radius.code == 2", "radius.Tunnel_Private_Group_Id", "radius.Session_Timeout")
    assert accepts == [CORPORATE, QUARANTINE, CORPORATE]
    asked = wire.fields("radius.code in {40, 41, 42, 43}", "radius.code")
    assert asked == [["40"], ["41"]] * 2, "a Disconnect-Request and its ACK for each flip, and nothing else"
    assert wire.faults() == []
