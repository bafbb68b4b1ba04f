"""Tokens: msal gets them from the simulator, and bad requests are refused with Microsoft's codes."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from nacd.sim.microsoft.login import REFUSALS
from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, App
from nacd.sim.pki import Authority, DemoPki

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
INTUNE_SCOPE = "https://api.manage.microsoft.com//.default"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def msal_app(client: Any, credential: object, **more: Any) -> msal.ConfidentialClientApplication:
    session = requests.Session()
    session.trust_env = False
    session.verify = client.simulator.ca_file
    return msal.ConfidentialClientApplication(
        CLIENT_ID,
        client_credential=credential,
        authority=client.simulator.authority,
        instance_discovery=False,
        http_client=session,
        **more,
    )


def code_of(answer: requests.Response) -> int:
    return int(answer.json()["error_codes"][0])


def test_msal_gets_a_token_with_the_secret_and_the_double_slash_scope(client: Any) -> None:
    answer = msal_app(client, CLIENT_SECRET).acquire_token_for_client([INTUNE_SCOPE])
    assert claims(answer["access_token"])["aud"] == "https://api.manage.microsoft.com/"
    assert claims(answer["access_token"])["roles"] == ["get_device_compliance"]
    assert answer["expires_in"] == 3599


def test_msal_gets_a_token_with_a_certificate_signed_ps256(client: Any, demo_pki: DemoPki) -> None:
    credential = {
        "private_key": demo_pki.app_key.read_text(),
        "public_certificate": demo_pki.app.read_text(),
    }
    answer = msal_app(client, credential).acquire_token_for_client([GRAPH_SCOPE])
    assert "Application.Read.All" in claims(answer["access_token"])["roles"]


def test_msal_gets_a_token_with_the_old_thumbprint(client: Any, demo_pki: DemoPki) -> None:
    thumbprint = x509.load_pem_x509_certificate(demo_pki.app.read_bytes()).fingerprint(hashes.SHA1()).hex()
    credential = {"private_key": demo_pki.app_key.read_text(), "thumbprint": thumbprint}
    assert "access_token" in msal_app(client, credential).acquire_token_for_client([INTUNE_SCOPE])


def test_msal_is_refused_with_a_certificate_nobody_registered(client: Any) -> None:
    stranger = Authority.root().issue_client(key="rsa2048")
    credential = {
        "private_key": stranger.key_pem.decode(),
        "public_certificate": stranger.certificate_pem.decode(),
    }
    answer = msal_app(client, credential).acquire_token_for_client([INTUNE_SCOPE])
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [700027])


def test_msal_cannot_start_with_an_unknown_tenant(client: Any) -> None:
    answer = client.get(f"{client.simulator.base_url}/fabrikam.example/v2.0/.well-known/openid-configuration")
    assert (answer.status_code, code_of(answer)) == (400, 90002)


@pytest.mark.parametrize(
    ("changes", "status", "error", "code"),
    [
        ({"client_id": "00000000-0000-4000-8000-0000000000bb"}, 400, "unauthorized_client", 700016),
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000215),
        ({"scope": "https://api.manage.microsoft.com/"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://nowhere.example.test/.default"}, 400, "invalid_resource", 500011),
        ({"scope": ""}, 400, "invalid_scope", 70011),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"tenant": "fabrikam.example"}, 400, "invalid_request", 90002),
        ({"client_assertion": "x.y.z"}, 401, "invalid_client", 700027),
    ],
)
def test_a_bad_token_request_is_refused(
    client: Any, changes: dict[str, str], status: int, error: str, code: int
) -> None:
    answer = client.ask_token(**changes)
    body = answer.json()
    assert (answer.status_code, body["error"], code_of(answer)) == (status, error, code)
    assert body["error_description"].startswith(f"AADSTS{code}: ")


def test_a_single_slash_scope_gets_a_token_that_intune_refuses(client: Any) -> None:
    token = client.token("https://api.manage.microsoft.com/.default")
    assert claims(token)["aud"] == "https://api.manage.microsoft.com"
    refused = client.by_guid(GUID, token)
    assert refused.status_code == 401
    assert "Bearer" in refused.headers["WWW-Authenticate"]


def test_a_token_ages_and_expires(client: Any, clock: Any) -> None:
    token = client.token()
    assert client.by_guid(GUID, token).status_code == 200
    clock.seconds += 3600
    assert client.by_guid(GUID, token).status_code == 401


@pytest.mark.parametrize("spoil", [lambda token: token[:-3] + "AAA", lambda token: "x", lambda token: token + ".x"])
def test_a_token_that_was_touched_is_refused(client: Any, spoil: Any) -> None:
    assert client.by_guid(GUID, spoil(client.token())).status_code == 401


def test_a_graph_token_is_no_intune_token(client: Any) -> None:
    assert client.by_guid(GUID, client.token(GRAPH_SCOPE)).status_code == 401


def test_the_simulators_own_address_is_a_resource_too(client: Any) -> None:
    base = client.simulator.base_url
    assert claims(client.token(f"{base}/.default"))["aud"] == base
    assert claims(client.token(f"{base}//.default"))["aud"] == f"{base}/"


def test_missing_consent_shows_in_the_token_and_as_403(client: Any) -> None:
    app = App(client_id="00000000-0000-4000-8000-0000000000cc", secret="s", intune_roles=())
    client.simulator.register_app(app)
    token = client.ask_token(client_id=app.client_id, client_secret="s").json()["access_token"]
    assert claims(token)["roles"] == []
    assert client.by_guid(GUID, token).status_code == 403


def test_consent_given_later_shows_in_the_next_token(client: Any) -> None:
    app = App(client_id="00000000-0000-4000-8000-0000000000cc", secret="s", intune_roles=())
    client.simulator.register_app(app)
    client.simulator.change_app(app.client_id, intune_roles=["get_device_compliance"])
    token = client.ask_token(client_id=app.client_id, client_secret="s").json()["access_token"]
    assert client.by_guid(GUID, token).status_code == 200


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_code_comes_with_its_word_and_status(client: Any, code: int) -> None:
    error, status, _ = REFUSALS[code]
    client.simulator.fault("token", code=code)
    answer = client.ask_token()
    assert (answer.status_code, answer.json()["error"], code_of(answer)) == (status, error, code)
    assert answer.json()["error_description"].startswith(f"AADSTS{code}: ")
    assert {"timestamp", "trace_id", "correlation_id", "error_uri"} <= set(answer.json())


def test_the_words_are_those_of_the_sign_in_service() -> None:
    """Held against the table of published codes: error word by code."""
    words = {
        "unauthorized_client": {700016, 7000112, 7000229},
        "invalid_client": {7000215, 7000222, 700027, 7000214, 700024},
        "invalid_request": {90002, 900021, 900023},
        "invalid_resource": {500011},
        "invalid_scope": {1002012, 70011},
        "access_denied": {53000, 53003},
        "invalid_grant": {50034},
    }
    for word, codes in words.items():
        assert {REFUSALS[code][0] for code in codes} == {word}
    assert {REFUSALS[code][1] for code in words["invalid_client"]} == {401}


@pytest.mark.parametrize("service", ["compliance", "graph"])
def test_tokens_given_so_far_can_be_revoked_for_one_service(client: Any, service: str) -> None:
    intune, graph = client.token(), client.token(GRAPH_SCOPE)
    listing = f"{client.simulator.base_url}/v1.0/deviceManagement/managedDevices"
    client.order("POST", "/revoke", {"service": service})
    came = {"compliance": client.by_guid(GUID, intune).status_code, "graph": client.get(listing, graph).status_code}
    assert came == {"compliance": 200, "graph": 200} | {service: 401}


def test_after_all_tokens_are_revoked_a_new_one_is_good(client: Any) -> None:
    old = client.token()
    client.simulator.revoke_tokens()
    refused = client.by_guid(GUID, old)
    assert (refused.status_code, "revoked" in refused.headers["WWW-Authenticate"]) == (401, True)
    assert client.by_guid(GUID, client.token()).status_code == 200
    with pytest.raises(ValueError, match="`mail`"):
        client.simulator.revoke_tokens("mail")


def test_the_tenant_answers_to_its_name_and_to_its_guid(client: Any) -> None:
    by_guid = client.ask_token(client.simulator.tenant_id.upper())
    assert by_guid.status_code == 200
    assert claims(by_guid.json()["access_token"])["tid"] == client.simulator.tenant_id
    assert claims(client.token())["tid"] == client.simulator.tenant_id
    openid = client.get(
        f"{client.simulator.base_url}/{client.simulator.tenant_id}/v2.0/.well-known/openid-configuration"
    )
    assert client.simulator.tenant_id in openid.json()["token_endpoint"]


def test_an_audience_more_can_be_intunes(client: Any) -> None:
    resource = "https://api.manage.microsoftonline.cn/"
    assert code_of(client.ask_token(scope=f"{resource}/.default")) == 500011
    client.simulator.tune(intune_resource=resource)
    assert client.by_guid(GUID, client.token(f"{resource}/.default")).status_code == 200
    assert client.by_guid(GUID, client.token(f"{resource}.default")).status_code == 401


def test_a_step_of_the_clock_makes_tokens_old(client: Any) -> None:
    token = client.token()
    client.simulator.tune(clock_offset_s=3601)
    assert client.by_guid(GUID, token).status_code == 401
    client.simulator.tune(clock_offset_s=0)
    assert client.by_guid(GUID, token).status_code == 200


def test_refresh_in_is_sent_when_asked_for(client: Any) -> None:
    assert "refresh_in" not in client.ask_token().json()
    client.simulator.tune(refresh_in_s=1800, token_lifetime_s=7200)
    answer = client.ask_token().json()
    assert (answer["refresh_in"], answer["expires_in"]) == (1800, 7200)


def test_lifetimes_count_on_the_simulators_own_clock(client: Any, clock: Any) -> None:
    clock.seconds = 86_400
    assert claims(client.token())["exp"] > time.time() + 86_400 + 3500
