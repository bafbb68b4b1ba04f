from __future__ import annotations

import pytest

from nacd.overload.endpoints import NO_ENDPOINT, endpoint_of
from nacd.values import NO_PORT, Authentication, Nas

PORT = ("10.0.0.1", "", "", "Gi1/0/1")


def test_the_port_belongs_to_an_endpoint(request_of) -> None:
    assert request_of().port == PORT
    assert endpoint_of(request_of()) != endpoint_of(request_of(nas_port_id="Gi1/0/2"))
    assert endpoint_of(request_of()) == endpoint_of(request_of(user_name="somebody else", source_port=9))


def test_switches_behind_one_proxy_have_ports_of_their_own(request_of) -> None:
    berlin, paris = (request_of(nas_identifier=name) for name in ("berlin", "paris"))
    assert berlin.port != paris.port
    assert endpoint_of(berlin) != endpoint_of(paris)


def test_by_air_nothing_ties_a_mac_to_its_owner(request_of) -> None:
    by_air = request_of(nas_port_type="Wireless-802.11", nas_port="17", called_station_id="AA-BB-CC-DD-EE-FF:corp")
    assert by_air.port == NO_PORT
    assert endpoint_of(by_air) == NO_ENDPOINT


def test_behind_one_vpn_client_address_there_may_be_a_branch(request_of) -> None:
    behind = request_of(nas_port_type="Virtual", calling_station_id="203.0.113.7", user_name="a")
    assert (behind.port, endpoint_of(behind)) == (NO_PORT, NO_ENDPOINT)
    concentrator = Nas(name="asa", vendor="cisco-asa", authentication=Authentication.DONE_BY_NAS)
    assert endpoint_of(request_of(nas=concentrator, nas_port_type="")) == NO_ENDPOINT


@pytest.mark.parametrize("nobody", ["", "00-00-00-00-00-00", "000000000000", "ff:ff:ff:ff:ff:ff", "FFFF.FFFF.FFFF"])
def test_a_name_that_every_endpoint_bears_is_nobodys(request_of, nobody: str) -> None:
    assert request_of(calling_station_id=nobody).station == ""
    assert endpoint_of(request_of(calling_station_id=nobody)) == NO_ENDPOINT


def test_a_mac_that_only_begins_like_nobodys_is_somebodys(request_of) -> None:
    assert request_of(calling_station_id="00-00-00-00-00-01").station == "00-00-00-00-00-01"
