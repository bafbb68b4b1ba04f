from __future__ import annotations

from nacd.overload.endpoints import NO_ENDPOINT, endpoint_of
from nacd.values import NO_PORT


def test_the_port_belongs_to_an_endpoint(request_of) -> None:
    assert endpoint_of(request_of()) != endpoint_of(request_of(nas_port_id="Gi1/0/2"))
    assert endpoint_of(request_of()) == endpoint_of(request_of(user_name="somebody else", source_port=9))


def test_by_air_the_radio_takes_the_place_of_the_port(request_of) -> None:
    by_air = {"nas_port_type": "Wireless-802.11", "called_station_id": "AA-BB-CC-DD-EE-FF:corp"}
    one, later = request_of(nas_port="17", **by_air), request_of(nas_port="18", nas_port_id="x", **by_air)
    assert one.port == NO_PORT
    assert endpoint_of(one) == endpoint_of(later)
    assert endpoint_of(one) != endpoint_of(request_of(**{**by_air, "called_station_id": "other"}))


def test_behind_one_vpn_address_users_are_told_apart(request_of) -> None:
    vpn = {"nas_port_type": "Virtual", "calling_station_id": "203.0.113.7"}
    assert endpoint_of(request_of(user_name="a", **vpn)) != endpoint_of(request_of(user_name="b", **vpn))
    assert request_of(**vpn).port == ("10.0.0.1", "203.0.113.7")


def test_without_a_calling_station_there_is_no_endpoint_to_hold(request_of) -> None:
    assert endpoint_of(request_of(calling_station_id="")) == NO_ENDPOINT
