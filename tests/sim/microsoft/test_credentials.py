"""Secrets and signed assertions, several at once, and each refused alone; assertions are made by msal and by PyJWT."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from nacd.sim.microsoft.credentials import credential_name, thumbprint
from nacd.sim.microsoft.state import CLIENT_ID, CLIENT_SECRET, App
from nacd.sim.pki import Authority, DemoPki, Issued

INTUNE_SCOPE = "https://api.manage.microsoft.com//.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def code_of(answer: requests.Response) -> int:
    """The AADSTS code, 0 for a token."""
    return 0 if "access_token" in answer.json() else int(answer.json()["error_codes"][0])


@pytest.fixture
def second(client: Any) -> Iterator[Issued]:
    """A second certificate and a second secret on the app, beside the first ones."""
    before = client.simulator.state.app(CLIENT_ID)
    issued = Authority.root().issue_client("second", key="rsa2048")
    client.simulator.change_app(
        more_secrets=["second-secret"], certificates=[*before.certificates, issued.certificate_pem]
    )
    yield issued
    client.simulator.register_app(before)


def with_certificate(client: Any, certificate: bytes, key: bytes) -> int:
    """The AADSTS code msal meets with this certificate, 0 for a token."""
    session = requests.Session()
    session.trust_env = False
    session.verify = client.simulator.ca_file
    app = msal.ConfidentialClientApplication(
        CLIENT_ID,
        client_credential={"private_key": key.decode(), "public_certificate": certificate.decode()},
        authority=client.simulator.authority,
        instance_discovery=False,
        http_client=session,
    )
    answer = app.acquire_token_for_client([INTUNE_SCOPE])
    return 0 if "access_token" in answer else int(answer["error_codes"][0])


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


@pytest.mark.parametrize("name", ["x5t#S256", "x5t"])
@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_a_certificate_is_found_by_either_thumbprint(
    client: Any, demo_pki: DemoPki, clock: Any, name: str, algorithm: str
) -> None:
    leaf = x509.load_pem_x509_certificate(demo_pki.app.read_bytes())
    digest = leaf.fingerprint(hashes.SHA256() if name == "x5t#S256" else hashes.SHA1())
    header = {name: base64.urlsafe_b64encode(digest).decode()}
    payload = {
        "aud": f"{client.simulator.authority}/oauth2/v2.0/token",
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "exp": int(clock()) + 600,
    }
    assertion = jwt.encode(payload, demo_pki.app_key.read_text(), algorithm, headers=header)
    assert code_of(client.ask_token(client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)) == 0


def test_a_wrong_signature_under_the_right_thumbprint_is_refused(client: Any, demo_pki: DemoPki, clock: Any) -> None:
    leaf = x509.load_pem_x509_certificate(demo_pki.app.read_bytes())
    header = {"x5t#S256": base64.urlsafe_b64encode(leaf.fingerprint(hashes.SHA256())).decode().rstrip("=")}
    payload = {
        "aud": f"{client.simulator.authority}/oauth2/v2.0/token",
        "iss": CLIENT_ID,
        "sub": CLIENT_ID,
        "exp": int(clock()) + 600,
    }
    stranger = Authority.root().issue_client(key="rsa2048")
    assertion = jwt.encode(payload, stranger.key_pem.decode(), "PS256", headers=header)
    assert code_of(client.ask_token(client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)) == 700027


def test_two_secrets_and_two_certificates_are_good_at_once(client: Any, demo_pki: DemoPki, second: Issued) -> None:
    assert [code_of(client.ask_token(client_secret=one)) for one in (CLIENT_SECRET, "second-secret")] == [0, 0]
    assert with_certificate(client, demo_pki.app.read_bytes(), demo_pki.app_key.read_bytes()) == 0
    assert with_certificate(client, second.certificate_pem, second.key_pem) == 0


@pytest.mark.parametrize("code", [7000215, 7000222])
def test_one_secret_is_refused_and_the_other_stays_good(client: Any, second: Issued, code: int) -> None:
    client.order("POST", "/refuse", {"credential": CLIENT_SECRET, "code": code})
    answer = client.ask_token()
    assert (answer.status_code, code_of(answer)) == (401, code)
    assert code_of(client.ask_token(client_secret="second-secret")) == 0
    client.simulator.refuse_credential(CLIENT_SECRET, 0)
    assert code_of(client.ask_token()) == 0


@pytest.mark.parametrize("code", [700027, 7000214, 700024])
def test_one_certificate_is_refused_and_the_other_stays_good(
    client: Any, demo_pki: DemoPki, second: Issued, code: int
) -> None:
    first = x509.load_pem_x509_certificate(demo_pki.app.read_bytes())
    client.order("POST", "/refuse", {"credential": thumbprint(first), "code": code})
    assert with_certificate(client, demo_pki.app.read_bytes(), demo_pki.app_key.read_bytes()) == code
    assert with_certificate(client, second.certificate_pem, second.key_pem) == 0
    client.simulator.reset()
    assert with_certificate(client, demo_pki.app.read_bytes(), demo_pki.app_key.read_bytes()) == 0


@pytest.mark.parametrize("starts_s", [-7200.0, 3600.0])
def test_a_certificate_out_of_its_time_is_refused_like_one_nobody_knows(
    client: Any, second: Issued, starts_s: float
) -> None:
    old = Authority.root().issue_client("old", key="rsa2048", starts_s=starts_s, lasts_s=3600.0)
    client.simulator.change_app(certificates=[old.certificate_pem])
    assert with_certificate(client, old.certificate_pem, old.key_pem) == 700027


def test_an_assertion_of_a_clock_that_is_an_hour_off_is_refused(client: Any, demo_pki: DemoPki) -> None:
    client.simulator.tune(clock_offset_s=3600.0)
    assert with_certificate(client, demo_pki.app.read_bytes(), demo_pki.app_key.read_bytes()) == 700024


def test_a_credential_is_named_by_its_secret_either_thumbprint_or_pem(demo_pki: DemoPki) -> None:
    pem = demo_pki.app.read_bytes()
    leaf = x509.load_pem_x509_certificate(pem)
    app = App(certificates=(pem,))
    sha1 = leaf.fingerprint(hashes.SHA1()).hex(":").upper()
    for name in (thumbprint(leaf), thumbprint(leaf).upper(), sha1, pem.decode()):
        assert credential_name(app, name) == thumbprint(leaf)
    assert credential_name(app, CLIENT_SECRET) == CLIENT_SECRET
    for unknown in ("", "nothing"):
        with pytest.raises(LookupError, match="no such credential"):
            credential_name(app, unknown)


def test_an_app_without_a_secret_takes_none(client: Any) -> None:
    client.simulator.register_app(App(client_id="00000000-0000-4000-8000-0000000000ff", secret=""))
    answer = client.ask_token(client_id="00000000-0000-4000-8000-0000000000ff", client_secret="")
    assert code_of(answer) == 7000215
