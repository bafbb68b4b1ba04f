"""The management door over HTTP: every order, and how wrong ones are refused."""

from __future__ import annotations

import time
from dataclasses import fields
from typing import Any

import pytest

from nacd.sim.intune import IntuneSimulator
from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, Tuning
from nacd.sim.orders import obey

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"


def test_the_door_says_what_this_is(client: Any) -> None:
    answer = client.order("GET", "/").json()
    assert "not Microsoft" in answer["simulator"]
    assert answer["base_url"] == client.simulator.base_url
    assert "latency" in answer["faults"]


def test_a_device_is_set_changed_and_removed_through_the_door(client: Any) -> None:
    made = client.order("PUT", "/devices", {"guid": GUID, "macs": ["00:26:b4:24:fe:b4"], "compliant": False})
    assert (made.status_code, made.json()["macs"]) == (200, ["0026B424FEB4"])
    client.order("PUT", "/devices", {"guid": GUID, "compliant": True})
    (listed,) = client.order("GET", "/devices").json()
    assert (listed["macs"], listed["compliant"]) == (["0026B424FEB4"], True)
    assert client.order("DELETE", f"/devices/{GUID}").json() == {"removed": True}
    assert client.order("GET", "/devices").json() == []


def test_faults_tuning_history_and_reset_go_through_the_door(client: Any) -> None:
    assert client.order("POST", "/faults", {"kind": "status", "code": 500}).json() == {"on": "status 500"}
    assert client.order("POST", "/tuning", {"page_size": 3}).json()["page_size"] == 3
    assert client.by_guid(GUID).status_code == 500
    (seen,) = client.order("GET", "/history?kind=guid").json()
    assert (seen["value"], seen["status"], seen["fault"]) == (GUID, 500, "status 500")
    assert client.order("DELETE", "/faults/status").json() == {"on": []}
    client.order("DELETE", "/history")
    assert client.order("GET", "/history").json() == []
    client.order("POST", "/reset")
    assert client.order("GET", "/tuning").json()["page_size"] == 100


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("PUT", "/devices", {"guid": "x"}, 400, "`x` is no GUID"),
        ("PUT", "/devices", [1], 400, "JSON object"),
        ("POST", "/faults", {"kind": "poem"}, 400, "unknown fault `poem`"),
        ("POST", "/faults", {"kind": "busy", "times": "a"}, 400, "`times`"),
        ("POST", "/move", {"old": "x"}, 400, "not `x`"),
        ("POST", "/tuning", {"page_size": "2"}, 400, "`page_size` wants a whole number"),
        ("POST", "/tls", {"chain": "x"}, 400, "not `x`"),
        ("POST", "/revoke", {"service": "x"}, 400, "not `x`"),
        ("POST", "/refuse", {"credential": "x"}, 404, "no such credential"),
        ("POST", "/refuse", {"credential": CLIENT_SECRET, "code": "x"}, 400, "`code`"),
        ("POST", "/refuse", {"credential": "x", "client_id": "y"}, 404, "no app `y`"),
        ("PUT", "/apps", {"colour": "red"}, 400, "unknown key `colour`"),
        ("GET", f"/devices/{GUID}", None, 404, "no device"),
        ("GET", f"/devices/{GUID}/history", None, 404, "nothing is remembered"),
        ("GET", "/devices/x/history", None, 400, "`x` is no GUID"),
        ("GET", "/coffee", None, 404, "no order"),
    ],
)
def test_a_wrong_order_is_refused_in_words(
    client: Any, method: str, path: str, body: object, status: int, words: str
) -> None:
    answer = client.order(method, path, body)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_broken_json_is_refused(client: Any) -> None:
    answer = client.session.put(f"{client.simulator.management_url}/devices", data="{", timeout=5)
    assert answer.status_code == 400


def test_a_web_page_under_another_name_gives_no_orders(client: Any) -> None:
    assert client.order("POST", "/reset", Host="evil.example.test:80").status_code == 403


def test_orders_can_be_given_without_http(simulator: IntuneSimulator) -> None:
    assert obey(simulator, "PUT", "/devices", {"guid": GUID})["guid"] == GUID  # type: ignore[index]
    with pytest.raises(LookupError):
        obey(simulator, "PATCH", "/devices", {})


def test_the_front_page_lists_every_order(client: Any) -> None:
    answer = client.order("GET", "/").json()
    assert {"POST /revoke", "POST /tls", "PUT /apps", "GET /counts"} <= set(answer["orders"])
    assert (answer["tenant"], answer["tenant_id"]) == (client.simulator.tenant, client.simulator.tenant_id)
    assert "unknown_root" in answer["chains"]


def test_one_device_is_shown_alone(client: Any) -> None:
    client.order("PUT", "/devices", {"guid": GUID, "owner": "personal"})
    assert client.order("GET", f"/devices/{GUID.upper()}").json()["owner"] == "personal"


def test_what_was_true_of_a_device_is_told_through_the_door(client: Any) -> None:
    client.order("PUT", "/devices", {"guid": GUID, "compliant": True})
    between = time.time()
    client.order("PUT", "/devices", {"guid": GUID, "compliant": False})
    client.order("DELETE", f"/devices/{GUID}")
    past = client.order("GET", f"/devices/{GUID}/history").json()
    assert [(one["compliant"], one["registered"], one["enrolled"]) for one in past] == [
        (True, True, True),
        (False, True, True),
        (False, True, False),
    ]
    assert past[0]["at"] <= between <= past[1]["at"]
    (then,) = client.order("GET", f"/devices/{GUID}/history?at={between}").json()
    assert then == past[0]
    assert client.order("GET", f"/devices/{GUID}/history?at={between - 60}").status_code == 404


def test_an_app_is_registered_through_the_door_and_its_secrets_stay_hidden(client: Any) -> None:
    new = {"client_id": "00000000-0000-4000-8000-0000000000ab", "secret": "hush-1", "more_secrets": ["hush-2"]}
    made = client.order("PUT", "/apps", new | {"graph_roles": []})
    assert made.json() == client.order("GET", "/apps").json()[-1]
    assert (made.json()["secrets"], made.json()["graph_roles"]) == ([0, 0], [])
    assert "hush" not in client.order("GET", "/apps").text
    refused = {"credential": "hush-2", "client_id": new["client_id"]}
    assert client.order("POST", "/refuse", refused).json()["secrets"] == [0, 7000222]
    for secret, status in (("hush-1", 200), ("hush-2", 401)):
        assert client.ask_token(client_id=new["client_id"], client_secret=secret).status_code == status


def test_without_a_client_id_the_first_app_is_meant(client: Any) -> None:
    before = client.simulator.state.app(CLIENT_ID)
    assert client.order("PUT", "/apps", {"intune_roles": []}).json()["client_id"] == CLIENT_ID
    assert client.by_guid(GUID).status_code == 403
    client.simulator.register_app(before)
    assert client.by_guid(GUID).status_code == 200


def test_a_fault_is_listed_with_all_its_parameters(client: Any) -> None:
    client.order("POST", "/faults", {"kind": "busy", "only": "bulk", "times": 3})
    (fault,) = client.order("GET", "/faults").json()
    assert (fault["said"], fault["only"], fault["times"], fault["service"]) == ("busy", "bulk", 3, "compliance")


def test_history_is_followed_by_number_and_counted(client: Any) -> None:
    token = client.token()
    client.by_guid(GUID, token)
    last = client.order("GET", "/history").json()[-1]["number"]
    client.by_guid(GUID, token)
    (fresh,) = client.order("GET", f"/history?after={last}").json()
    assert (fresh["kind"], fresh["number"], fresh["said"]) == ("guid", last + 1, "not_managed")
    assert client.order("GET", "/counts").json()["guid"] == {"200": 2}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "outage", "mode": "reset_after", "only": "action", "service": "graph"},
        {"kind": "outage", "mode": "silent"},
        {"kind": "status", "code": 401, "times": 1},
        {"kind": "throttle", "retry_after": "date", "only": "graph_list"},
        {"kind": "latency", "ms": 900, "only": "single"},
        {"kind": "drip", "ms": 5, "only": "bulk"},
        {"kind": "redirect", "code": 307, "location": "https://elsewhere.example.test/"},
        {"kind": "token", "code": 700027},
        {"kind": "body", "variant": "two_agree", "value": GUID},
        {"kind": "busy", "seconds": 4, "after": 2},
    ],
)
def test_every_fault_goes_on_and_off_through_the_door(client: Any, fault: dict[str, object]) -> None:
    assert client.order("POST", "/faults", fault).status_code == 200
    (on,) = client.order("GET", "/faults").json()
    assert fault.items() <= on.items()
    assert client.order("DELETE", f"/faults/{fault['kind']}").json() == {"on": []}
    assert client.by_guid(GUID).status_code == 200


OTHER_VALUES: dict[str, object] = {
    "discovery": "next_link_loop",
    "provider_spelling": "serviceName",
    "graph_next_link": "loop",
    "intune_resource": "https://api.example.test/",
}


@pytest.mark.parametrize("name", [field.name for field in fields(Tuning)])
def test_every_knob_is_turned_through_the_door_and_back_by_a_reset(client: Any, name: str) -> None:
    usual = getattr(Tuning(), name)
    other = OTHER_VALUES.get(name, (not usual) if isinstance(usual, bool) else 7)
    assert client.order("POST", "/tuning", {name: other}).json()[name] == other
    assert client.order("GET", "/tuning").json()[name] == other
    client.order("POST", "/reset")
    assert client.order("GET", "/tuning").json()[name] == usual


@pytest.mark.parametrize("old", ["404", "reset", "redirect"])
def test_intune_moves_by_an_order(client: Any, old: str) -> None:
    before = client.simulator.compliance_url
    moved = client.order("POST", "/move", {"old": old}).json()["compliance_url"]
    assert moved == client.simulator.compliance_url != before
    assert client.by_guid(GUID).status_code == 200
