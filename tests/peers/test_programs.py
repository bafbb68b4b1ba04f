"""The unpacked programs start, with their own libraries and data, before anything is concluded from their silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.peer


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("eapol_test", [], "eapol_test [-"),
        ("radclient", ["-v"], "radclient version"),
        ("freeradius", ["-v"], "FreeRADIUS Version"),
        ("hostapd", ["-v"], "hostapd v"),
        ("wpa_supplicant", ["-v"], "wpa_supplicant v"),
        ("dumpcap", ["--version"], "Dumpcap"),
        ("ip", ["-V"], "iproute2"),
        ("promtool", ["--version"], "promtool, version"),
        ("prometheus", ["--version"], "prometheus, version"),
    ],
)
def test_a_peer_starts(peer: Callable[[str], Any], name: str, arguments: list[str], said: str) -> None:
    done = peer(name).run(arguments)
    assert said in done.stdout + done.stderr


@pytest.mark.slow
def test_tshark_knows_the_radius_attributes_by_name(peer: Callable[[str], Any]) -> None:
    """They come from dictionaries in its data folder: without them every judgement would be about numbers."""
    done = peer("tshark").run(["-G", "fields"], timeout=60)
    assert "radius.Tunnel_Private_Group_Id\t" in done.stdout
