"""Faults as they look on the wire, whichever service they hit."""

from __future__ import annotations

import email.utils
import json
import re
import time
from typing import Any

import pytest
import requests

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
OTHER = "7b0e5d92-41c6-4f38-a1d7-90c2e6f4b813"
INTUNE_APP = "0000000a-0000-0000-c000-000000000000"
DISCOVERY = f"servicePrincipals/appId={INTUNE_APP}/endpoints"


def found(answer: requests.Response) -> list[str]:
    return re.findall(r"<Attributes><guid>([^<]*)<", answer.text)


@pytest.mark.parametrize(("mode", "status"), [("503", 503), (500, 500)])
def test_an_outage_can_be_a_status(client: Any, mode: object, status: int) -> None:
    client.simulator.fault("outage", mode=mode, service="compliance")
    assert client.by_guid(GUID).status_code == status


@pytest.mark.parametrize("retry_after", ["seconds", "date", "none"])
def test_throttling_says_when_to_come_back_in_three_ways(client: Any, clock: Any, retry_after: str) -> None:
    client.simulator.fault("throttle", retry_after=retry_after, seconds=17)
    answer = client.by_guid(GUID)
    header = answer.headers.get("Retry-After", "")
    assert answer.status_code == 429
    if retry_after == "date":
        assert abs(email.utils.parsedate_to_datetime(header).timestamp() - clock() - 17) < 3
    else:
        assert header == {"seconds": "17", "none": ""}[retry_after]
    assert answer.json()["RetryAfter"] == (None if retry_after == "none" else 17)


def test_a_401_can_come_once(client: Any) -> None:
    client.simulator.fault("status", code=401, times=1)
    token = client.token()
    assert [client.by_guid(GUID, token).status_code for _ in range(2)] == [401, 200]


@pytest.mark.parametrize("code", [400, 403, 404])
def test_a_status_comes_with_intunes_error_envelope(client: Any, code: int) -> None:
    client.simulator.fault("status", code=code, value=GUID)
    answer = client.by_guid(GUID)
    assert answer.status_code == code
    assert "Activity ID: " in answer.json()["Message"]
    assert client.by_guid(OTHER).status_code == 200


def test_a_redirect_names_another_host(client: Any) -> None:
    client.simulator.fault("redirect", location="https://elsewhere.example.test/x")
    answer = client.by_guid(GUID)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://elsewhere.example.test/x")


def test_a_proxys_page_comes_as_html_with_200(client: Any) -> None:
    client.simulator.fault("body", variant="html")
    answer = client.by_guid(GUID)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")


def test_tokens_can_be_refused_with_any_code(client: Any) -> None:
    client.simulator.fault("token", code=7000222)
    answer = client.ask_token()
    assert (answer.status_code, answer.json()["error_codes"]) == (401, [7000222])


def test_a_fault_of_one_service_spares_the_others(client: Any) -> None:
    client.simulator.fault("status", code=503, service="graph")
    assert client.graph(f"servicePrincipals/appId={INTUNE_APP}/endpoints").status_code == 503
    assert client.by_guid(GUID).status_code == 200


def test_post_to_a_question_is_refused(client: Any) -> None:
    url = f"{client.simulator.compliance_url}/cisco/devices/"
    assert client.session.post(url, data="x", verify=client.simulator.ca_file, timeout=5).status_code == 405


def test_latency_delays_the_answer_and_only_that(client: Any) -> None:
    client.simulator.put_device(GUID)
    token = client.token()
    client.simulator.fault("latency", ms=150)
    began = time.monotonic()
    assert found(client.by_guid(GUID, token)) == [GUID]
    assert time.monotonic() - began >= 0.15


def test_a_retry_after_can_be_words_and_can_lie_in_the_past(client: Any) -> None:
    client.simulator.fault("throttle", retry_after="garbage", times=1)
    client.simulator.fault("throttle", retry_after="date", seconds=-60, after=1)
    token = client.token()
    words, past = (client.by_guid(GUID, token).headers["Retry-After"] for _ in range(2))
    assert words == "in a while"
    assert email.utils.parsedate_to_datetime(past).timestamp() < time.time()


@pytest.mark.parametrize(
    ("kind", "status"), [({"kind": "throttle", "seconds": 3}, 429), ({"kind": "outage", "mode": "503"}, 503)]
)
def test_sign_in_can_be_throttled_and_down(client: Any, kind: dict[str, Any], status: int) -> None:
    client.simulator.fault(**kind, service="login")
    assert client.ask_token().status_code == status
    client.simulator.clear_faults()
    assert client.ask_token().status_code == 200


def test_sign_in_can_be_slow(client: Any) -> None:
    client.simulator.fault("latency", ms=150, only="token")
    began = time.monotonic()
    assert client.ask_token().status_code == 200
    assert time.monotonic() - began >= 0.15


@pytest.mark.parametrize(("code", "openid"), [(7000215, 200), (90002, 400)])
def test_a_refused_token_leaves_openid_alone_unless_the_tenant_is_unknown(client: Any, code: int, openid: int) -> None:
    client.simulator.fault("token", code=code)
    answer = client.get(f"{client.simulator.authority}/v2.0/.well-known/openid-configuration")
    assert (answer.status_code, client.ask_token().json()["error_codes"]) == (openid, [code])


@pytest.mark.parametrize(
    ("envelope", "words"),
    [
        ("usual", lambda answer: json.loads(answer.json()["error"]["message"])["Message"]),
        ("nested", lambda answer: json.loads(answer.json()["error"]["message"])["Message"]),
        ("plain", lambda answer: answer.json()["error"]["message"]),
        ("intune", lambda answer: answer.json()["Message"]),
        ("html", lambda answer: answer.text and "a fault of the simulator"),
        ("empty", lambda answer: answer.text or "a fault of the simulator"),
    ],
)
def test_an_error_of_graph_comes_in_every_envelope(client: Any, envelope: str, words: Any) -> None:
    client.simulator.fault("status", code=500, service="graph", envelope=envelope)
    answer = client.graph(DISCOVERY)
    assert (answer.status_code, words(answer).startswith("a fault of the simulator")) == (500, True)


@pytest.mark.parametrize("variant", ["html", "truncated", "empty", "list"])
@pytest.mark.parametrize("only", ["discovery", "token", "graph_list"])
def test_json_answers_can_be_spoilt_too(client: Any, variant: str, only: str) -> None:
    ask = {
        "discovery": lambda: client.graph(DISCOVERY),
        "token": client.ask_token,
        "graph_list": lambda: client.graph("deviceManagement/managedDevices"),
    }[only]
    client.simulator.fault("body", variant=variant, only=only)
    answer = ask()
    assert answer.status_code == 200
    if variant == "list":
        assert isinstance(answer.json(), list)
    else:
        with pytest.raises(requests.JSONDecodeError):
            answer.json()


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_has_any_code(client: Any, code: int) -> None:
    client.simulator.fault("redirect", code=code, only="single")
    assert client.by_guid(GUID).status_code == code


def test_a_fault_can_spare_the_first_questions(client: Any) -> None:
    client.simulator.fault("status", code=500, after=2, times=1)
    token = client.token()
    assert [client.by_guid(GUID, token).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_a_fault_for_single_questions_spares_the_others(client: Any) -> None:
    client.simulator.fault("status", code=500, only="single")
    token, url = client.token(), client.simulator.compliance_url
    by_mac = client.devices(token, querycriteria="macaddress", value="0026B424FEB4")
    assert (client.by_guid(GUID, token).status_code, by_mac.status_code) == (500, 500)
    assert client.get(f"{url}/ciscoise/mdminfo/?ise_api_version=3", token).status_code == 200
