from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nacd.cli.setup import answers as read


@pytest.mark.parametrize(
    ("reader", "written", "said"),
    [
        (read.name, "core switch", "`core switch` is no name here: write up to 64 letters, digits, `-`, `_` and `.`"),
        (read.name, "../etc", "`../etc` is no name here"),
        (read.name, "", "`` is no name here"),
        (read.name, "App", "`App` is the file of the secret that Microsoft is told: choose another name"),
        (read.network, "10.20.0.5/16", "is an address inside a network: write `10.20.0.0/16`"),
        (read.network, "switch.example", "is no address and no network"),
        (read.access, "wifi", "write one of `dot1x`, `mab`, `dot1x+mab`, `vpn`"),
        (read.access, "vpn+mab", "`vpn+mab` is no way to come in through one NAS"),
        (read.tenant, "common", "`common` is no tenant"),
        (read.tenant, "con toso", "a tenant is a domain"),
        (read.client_id, "my-app", "a GUID is wanted here"),
        (read.credential, "password", "write one of `certificate`, `secret`, `managed-identity`"),
        (read.path, "file:certs/a.pem", "`file:certs/a.pem` is no path"),
        (read.path, "~/a.pem", "`~/a.pem` is no path"),
        (read.path, "certs/", "`certs/` is a folder"),
    ],
)
def test_a_bad_answer_is_told_with_the_way_out(reader: Callable[[str], str], written: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"`|wanted|tenant") as refused:
        reader(written)
    assert said in str(refused.value)


def test_a_vendor_that_is_nearly_right_is_guessed() -> None:
    with pytest.raises(ValueError, match="there is no vendor `arbua`, did you mean `aruba`"):
        read.vendor("arbua", {"aruba": {}, "juniper": {}})


@pytest.mark.parametrize(
    ("separates", "written"), [("vlan", "4095"), ("vlan", "0"), ("role", "two words"), ("role", "9")]
)
def test_a_place_is_what_the_vendor_can_be_told(separates: str, written: str) -> None:
    with pytest.raises(ValueError, match=written):
        read.place(written, separates)


def test_answers_are_taken_in_other_spellings() -> None:
    assert read.access("MAB, dot1x") == "dot1x+mab"
    assert read.network("10.9.0.4/32") == "10.9.0.4"
    assert read.tenant("None") == read.NONE
    assert read.path("./certs/a.pem") == "certs/a.pem"


def test_what_only_the_admin_can_supply(answers: Any) -> None:
    asked = {"tenant": "contoso.com", "credential": "secret"}
    assert answers(**asked).supplied() == (
        "certs/server.pem",
        "certs/server.key",
        "certs/devices-ca.pem",
        "secrets/app",
    )
    assert answers(access="mab").supplied() == ()
    assert answers(access="vpn", tenant="contoso.com").supplied() == ("certs/app.pem", "certs/app.key")
    assert answers(access="vpn", tenant="contoso.com", credential="managed-identity").supplied() == ()
    assert answers(lab=True).supplied() == ()
