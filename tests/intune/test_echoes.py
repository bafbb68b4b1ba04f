"""A server, or something in between, sends back what it was sent: no word of ours repeats a secret."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.errors import SourceError
from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience
from nacd.intune.credentials import LoginService
from nacd.intune.flight import Flights
from nacd.intune.nac.source import IntuneSource
from nacd.intune.options import IntuneOptions, PemCredential, SecretCredential
from nacd.intune.refusals import blot, error_text
from nacd.intune.token import TokenSource
from nacd.values import DeviceId, Secret

GUID = "2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"
PLANTED = 'Planted+Secret/with=odd~"chars" <&\\ü\U0001f511.XYZ'
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda text: quote(text, safe=""),
    "percent lower": lambda text: quote(text, safe="").replace("%2B", "%2b").replace("%3D", "%3d"),
    "form": quote_plus,
    "percent of everything": lambda text: "".join(
        char if char.isalnum() and char.isascii() else "".join(f"%{octet:02x}" for octet in char.encode())
        for char in text
    ),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "json": lambda text: json.dumps(text)[1:-1],
    "json of utf-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/"),
    "json twice": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "html": escape,
    "json of a form": lambda text: json.dumps(quote_plus(text))[1:-1],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_blotted_out_in_every_form_in_which_it_comes_back(form: str) -> None:
    body = b"before " + FORMS[form](PLANTED).encode() + b" after"
    assert blot(body, [PLANTED.encode()]) == b"before *** after"


@given(st.text(min_size=1, max_size=40).filter(lambda text: text.strip()), st.sampled_from([*FORMS]))
def test_any_secret_in_any_form_is_blotted_out(secret: str, form: str) -> None:
    try:
        octets = secret.encode()
    except UnicodeEncodeError:
        return
    assert blot(FORMS[form](secret).encode(), [octets]) == b"***"


def test_what_is_no_secret_is_left_as_it_is() -> None:
    body = b'{"error": "invalid_client", "path": "a/b"}'
    assert blot(body, [b"secret", b"", PLANTED.encode()]) == body


@pytest.fixture
def planted(options: Callable[..., IntuneOptions]) -> IntuneOptions:
    return options(credentials=(SecretCredential(secret=Secret(PLANTED.encode())),))


def refused(options: IntuneOptions) -> str:
    tokens = TokenSource(options, HttpClient(ca_file=options.ca_file), Flights())
    with pytest.raises(SourceError) as caught:
        tokens.token(Audience.INTUNE, time.monotonic() + 5.0)
    return caught.value.detail


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_login_service_that_repeats_the_secret_is_not_repeated(
    microsoft: Any, wire: Any, planted: IntuneOptions, form: str, status: int
) -> None:
    shown = f"waf: client_secret={FORMS[form](PLANTED)}"
    body = {"error": "invalid_client", "error_description": shown}
    microsoft.always("token", wire.Said(status=status, kind="application/json", body=body))
    detail = refused(planted)
    assert "waf: client_secret=***" in detail
    assert "lanted" not in detail


def test_a_secret_at_the_edge_of_what_is_shown_is_not_cut_in_two(
    microsoft: Any, wire: Any, planted: IntuneOptions
) -> None:
    body = {"error": "x", "error_description": "a" * 190 + PLANTED}
    microsoft.always("token", wire.Said(status=400, kind="application/json", body=body))
    assert "Plant" not in refused(planted)


def test_an_assertion_that_comes_back_is_not_repeated(
    microsoft: Any, wire: Any, pki: Any, options: Callable[..., IntuneOptions]
) -> None:
    credential = PemCredential(certificate=pki.app_certificate, private_key=Secret(pki.app_key))
    service = LoginService(HttpClient(ca_file=pki.ca_file), microsoft.root, time.monotonic() + 5.0)
    assertion = "eyJhbGciOiJQUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"
    body = {"error": "x", "error_description": f"you sent {assertion}"}
    microsoft.always("token", wire.Said(status=400, kind="application/json", body=body))
    service.post(f"{microsoft.root}/oauth2/v2.0/token", data={"client_assertion": assertion})
    assert service.said() == "the login service refuses: x: you sent ***"
    assert "no token" in refused(options(credentials=(credential,)))
    assert microsoft.last("token").form["client_assertion"][0] not in refused(options(credentials=(credential,)))


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500])
@pytest.mark.parametrize("place", ["body", "challenge", "kind"])
def test_a_bearer_token_that_comes_back_is_not_repeated(
    microsoft: Any, wire: Any, options: Callable[..., IntuneOptions], status: int, place: str
) -> None:
    token = "planted.TOKEN-TOKEN_TOKEN~+/=.sig"
    body = {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
    microsoft.always("token", wire.Said(kind="application/json", body=body))
    echo = f"Bearer {token}"
    refusal = wire.Said(
        status=status,
        kind=f"text/{token}" if place == "kind" else "text/html",
        body=f"<html>blocked request {echo}</html>" if place == "body" else b"",
        headers={"WWW-Authenticate": echo} if place == "challenge" else {},
    )
    microsoft.always("devices", refusal)
    source = IntuneSource(options(endpoint=f"{microsoft.root}{wire.SERVICE}"))
    detail = source.lookup(DeviceId(guid=GUID), 5.0, time.time).detail
    assert detail
    assert "planted" not in detail
    assert "TOKEN" not in detail


def test_a_login_service_that_answers_with_too_much_is_refused(
    microsoft: Any, wire: Any, planted: IntuneOptions
) -> None:
    body = b'{"access_token": "a.b.c", "x": [' + b"{}," * 60_000 + b"{}]}"
    microsoft.always("token", wire.Said(kind="application/json", body=body))
    assert "does not answer in json" in refused(planted)


def test_words_of_a_server_are_printable(microsoft: Any, wire: Any, planted: IntuneOptions) -> None:
    body = {"error": "a\x1b[2Jb", "error_description": "c\x9b31m\u202ed\nsecond line"}
    microsoft.always("token", wire.Said(status=400, kind="application/json", body=body))
    assert refused(planted).isprintable()
    assert error_text(b"\x1b[2J\xc2\x9b31m").message.isprintable()


def test_options_do_not_show_the_proxys_password(options: Callable[..., IntuneOptions]) -> None:
    assert "PLANTED" not in repr(options(proxy="http://user:PLANTED@proxy:1"))
