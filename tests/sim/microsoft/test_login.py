"""Tokens: msal gets them from the simulator, and bad requests are refused with Microsoft's codes."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, App
from nacd.sim.pki import Authority, DemoPki

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
    refused = client.by_guid("2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954", token)
    assert refused.status_code == 401
    assert "Bearer" in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"exp": -3600.0, "nbf": -7200.0}, 700024),
        ({"nbf": 3600.0, "exp": 7200.0}, 700024),
        ({"aud": "https://login.microsoftonline.com/common/oauth2/v2.0/token"}, 700027),
        ({"iss": "somebody"}, 700027),
    ],
)
def test_an_assertion_is_checked(
    client: Any, demo_pki: DemoPki, clock: Any, changes: dict[str, Any], code: int
) -> None:
    leaf = x509.load_pem_x509_certificate(demo_pki.app.read_bytes())
    thumbprint = base64.urlsafe_b64encode(leaf.fingerprint(hashes.SHA256())).decode().rstrip("=")
    payload = {
        "aud": f"{client.simulator.authority}/oauth2/v2.0/token",
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "nbf": clock() - 10,
        "exp": clock() + 600,
    }
    payload |= {name: clock() + value if isinstance(value, float) else value for name, value in changes.items()}
    assertion = jwt.encode(payload, demo_pki.app_key.read_text(), "PS256", headers={"x5t#S256": thumbprint})
    answer = client.ask_token(
        client_assertion=assertion,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    )
    assert (code_of(answer) if code else answer.status_code) == (code or 200)


def test_a_token_ages_and_expires(client: Any, clock: Any) -> None:
    token = client.token()
    guid = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
    assert client.by_guid(guid, token).status_code == 200
    clock.seconds += 3600
    assert client.by_guid(guid, token).status_code == 401


@pytest.mark.parametrize("spoil", [lambda token: token[:-3] + "AAA", lambda token: "x", lambda token: token + ".x"])
def test_a_token_that_was_touched_is_refused(client: Any, spoil: Any) -> None:
    guid = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
    assert client.by_guid(guid, spoil(client.token())).status_code == 401


def test_a_graph_token_is_no_intune_token(client: Any) -> None:
    guid = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
    assert client.by_guid(guid, client.token(GRAPH_SCOPE)).status_code == 401


def test_the_simulators_own_address_is_a_resource_too(client: Any) -> None:
    base = client.simulator.base_url
    assert claims(client.token(f"{base}/.default"))["aud"] == base
    assert claims(client.token(f"{base}//.default"))["aud"] == f"{base}/"


def test_missing_consent_shows_in_the_token_and_as_403(client: Any) -> None:
    app = App(client_id="00000000-0000-4000-8000-0000000000cc", secret="s", intune_roles=())
    client.simulator.register_app(app)
    token = client.ask_token(client_id=app.client_id, client_secret="s").json()["access_token"]
    assert claims(token)["roles"] == []
    assert client.by_guid("2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954", token).status_code == 403


def test_refresh_in_is_sent_when_asked_for(client: Any) -> None:
    assert "refresh_in" not in client.ask_token().json()
    client.simulator.tune(refresh_in_s=1800, token_lifetime_s=7200)
    answer = client.ask_token().json()
    assert (answer["refresh_in"], answer["expires_in"]) == (1800, 7200)


def test_lifetimes_count_on_the_simulators_own_clock(client: Any, clock: Any) -> None:
    clock.seconds = 86_400
    assert claims(client.token())["exp"] > time.time() + 86_400 + 3500
