"""Tokens: every kind of credential, every way to fail, and the last good one kept."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.errors import SourceError
from nacd.intune import token as module
from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience, Hosts
from nacd.intune.flight import Flights
from nacd.intune.options import IntuneOptions, ManagedIdentity, PemCredential, PfxCredential, SecretCredential
from nacd.intune.token import Bearer, Token, TokenSource
from nacd.values import Secret

Build = Callable[..., IntuneOptions]


def tokens_for(options: IntuneOptions) -> TokenSource:
    return TokenSource(options, HttpClient(ca_file=options.ca_file, proxy=options.proxy), Flights())


def intune_token(tokens: TokenSource, seconds: float = 5.0) -> Token:
    return tokens.token(Audience.INTUNE, time.monotonic() + seconds)


@pytest.fixture
def tokens(options: Build) -> TokenSource:
    return tokens_for(options())


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Time passes for the tokens alone."""
    passed = [0.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + passed[0]

    monkeypatch.setattr(module, "time", Clock)

    def advance(seconds: float) -> None:
        passed[0] += seconds

    return advance


def test_a_secret_becomes_a_token_with_its_roles(tokens: TokenSource, microsoft: Any) -> None:
    token = intune_token(tokens)
    assert token.roles == ("get_device_compliance",)
    assert not token.lacks_consent
    assert "ey" not in repr(token)
    form = microsoft.last("token").form
    assert form["scope"] == ["https://api.manage.test//.default"]
    assert form["grant_type"] == ["client_credentials"]


def test_nothing_is_asked_before_a_token_is_wanted(tokens: TokenSource, microsoft: Any) -> None:
    assert tokens.held(Audience.INTUNE) is None
    assert not microsoft.calls


def test_a_token_is_used_again(tokens: TokenSource, microsoft: Any) -> None:
    assert intune_token(tokens) is intune_token(tokens)
    assert microsoft.count("token") == 1


def test_a_custom_cloud_on_a_port_asks_nobody_else(tokens: TokenSource, microsoft: Any) -> None:
    intune_token(tokens)
    assert [call.path for call in microsoft.calls] == [
        "/contoso.test/v2.0/.well-known/openid-configuration",
        "/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token",
    ]


@pytest.mark.parametrize("kind", ["pem", "pfx"])
def test_a_certificate_signs_ps256_and_shows_itself(options: Build, microsoft: Any, pki: Any, kind: str) -> None:
    pem = PemCredential(certificate=pki.app_certificate, private_key=Secret(pki.app_key))
    pfx = PfxCredential(path=pki.app_pfx, passphrase=Secret(b"pass"))
    intune_token(tokens_for(options(credentials=(pem if kind == "pem" else pfx,))))
    form = microsoft.last("token").form
    head = form["client_assertion"][0].split(".")[0]
    header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    assert header["alg"] == "PS256"
    assert {"x5t#S256", "x5c"} <= set(header)
    assert "client_secret" not in form


@pytest.mark.parametrize(("client_id", "kind"), [("", "system"), ("44444444-5555-6666-7777-888888888888", "user")])
def test_a_managed_identity_asks_the_machine_for_the_resource(
    options: Build, plain: Any, monkeypatch: pytest.MonkeyPatch, client_id: str, kind: str
) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{plain.port}")
    # A proxy must not see it, so one that is not there does no harm.
    chosen = options(credentials=(ManagedIdentity(client_id=client_id),), proxy="http://127.0.0.1:1")
    assert intune_token(tokens_for(chosen)).roles == ("get_device_compliance",)
    query = plain.last("imds").query
    assert query["resource"] == ["https://api.manage.test/"]
    assert (query.get("client_id") == [client_id]) == (kind == "user")
    assert plain.last("imds").headers["metadata"] == "true"


@pytest.mark.parametrize("code", [700016, 7000215, 7000222, 700027, 700024, 500011, 53003])
def test_a_refusal_is_said_in_words_and_not_repeated_at_once(
    tokens: TokenSource, microsoft: Any, wire: Any, code: int
) -> None:
    microsoft.always("token", wire.aadsts(code, "invalid_client", 401))
    with pytest.raises(SourceError, match=f"no token for intune: the login service refuses: .*AADSTS{code}"):
        intune_token(tokens)
    with pytest.raises(SourceError, match=f"AADSTS{code}"):
        intune_token(tokens)
    assert microsoft.count("token") == 1


def test_an_unknown_tenant_is_said_though_msal_hides_it(tokens: TokenSource, microsoft: Any, wire: Any) -> None:
    microsoft.always("openid", wire.aadsts(90002, "invalid_tenant"))
    with pytest.raises(SourceError, match="the tenant is not found"):
        intune_token(tokens)


def test_a_live_test_sees_at_once_what_the_operator_mended(options: Build, microsoft: Any, wire: Any) -> None:
    wrong = tokens_for(options(credentials=(SecretCredential(secret=Secret(b"wrong")),)))
    with pytest.raises(SourceError, match="7000215"):
        intune_token(wrong)
    microsoft.secret = "wrong"
    wrong.fresh(Audience.INTUNE, time.monotonic() + 5)
    assert intune_token(wrong).readable


@pytest.mark.parametrize(
    ("what", "said", "words"),
    [
        ("token", {"status": 503}, "failing or busy"),
        ("token", {"status": 429, "headers": {"Retry-After": "60"}}, "failing or busy"),
        ("openid", {"status": 500}, "failing or busy"),
        ("token", {"kind": "text/html", "body": b"<html>proxy</html>"}, "json"),
        ("openid", {"kind": "text/html", "body": b"<html>proxy</html>"}, "json"),
        ("token", {"kind": "application/json", "body": {}}, "no reason given"),
        ("token", {"kind": "application/json", "body": {"access_token": "a\r\nb", "expires_in": 3599}}, "refuses"),
        ("token", {"status": 302, "headers": {"Location": "https://evil.test/"}}, "json"),
    ],
)
def test_trouble_at_the_login_service_is_trouble_in_words(
    tokens: TokenSource, microsoft: Any, wire: Any, what: str, said: dict[str, Any], words: str
) -> None:
    microsoft.always(what, wire.Said(**said))
    with pytest.raises(SourceError, match=words):
        intune_token(tokens)


def test_credentials_go_to_the_login_service_only(
    tokens: TokenSource, microsoft: Any, elsewhere: Any, wire: Any
) -> None:
    body = {"token_endpoint": f"{elsewhere.root}/t/oauth2/v2.0/token", "authorization_endpoint": elsewhere.root}
    microsoft.always("openid", wire.Said(kind="application/json", body=body))
    with pytest.raises(SourceError, match="points to another host"):
        intune_token(tokens)
    assert not elsewhere.calls


def test_an_unusable_credential_is_said_before_anybody_is_asked(options: Build, microsoft: Any, pki: Any) -> None:
    credential = PemCredential(certificate=pki.app_certificate, private_key=Secret(pki.ec_key))
    with pytest.raises(SourceError, match="rsa"):
        intune_token(tokens_for(options(credentials=(credential,))))
    assert not microsoft.calls


def test_a_credential_file_that_is_not_there_is_said(options: Build, tmp_path: Path) -> None:
    credential = PfxCredential(path=str(tmp_path / "none.pfx"))
    with pytest.raises(SourceError, match="cannot be read"):
        intune_token(tokens_for(options(credentials=(credential,))))


@pytest.mark.parametrize("status", [400, 429, 503])
def test_the_last_good_token_is_used_while_the_login_service_fails(
    tokens: TokenSource, microsoft: Any, wire: Any, status: int
) -> None:
    microsoft.expires_in = 31  # due for renewal after 23 s, good for 1 s more than the margin
    microsoft.say(
        "token",
        wire.Said(
            kind="application/json",
            body={"access_token": wire.jwt(roles=[]), "expires_in": 3599, "refresh_in": 1, "token_type": "Bearer"},
        ),
    )
    first = intune_token(tokens)
    object.__setattr__(first, "refresh_at", 0.0)  # renewal is due now
    microsoft.always("token", wire.Said(status=status, kind="application/json", body={"error": "x"}))
    assert intune_token(tokens) is first
    assert wire.eventually(lambda: microsoft.count("token") == 2)
    assert intune_token(tokens) is first


def test_renewal_happens_behind_the_callers_backs(tokens: TokenSource, microsoft: Any, wire: Any) -> None:
    first = intune_token(tokens)
    object.__setattr__(first, "refresh_at", 0.0)
    assert intune_token(tokens) is first
    assert wire.eventually(lambda: intune_token(tokens) is not first)
    assert microsoft.count("token") == 2


def test_an_expired_token_is_not_sent(tokens: TokenSource, microsoft: Any, wire: Any) -> None:
    first = intune_token(tokens)
    object.__setattr__(first, "expires_at", time.monotonic() + 29)
    microsoft.always("token", wire.Said(status=503))
    with pytest.raises(SourceError, match="failing"):
        intune_token(tokens)


def test_only_the_refused_token_is_dropped(tokens: TokenSource) -> None:
    first = intune_token(tokens)
    tokens.reject(Audience.INTUNE, first)
    second = intune_token(tokens)
    assert second is not first
    tokens.reject(Audience.INTUNE, first)
    assert intune_token(tokens) is second


def test_sixteen_threads_make_one_request(tokens: TokenSource, microsoft: Any) -> None:
    got: list[Token] = []
    threads = [threading.Thread(target=lambda: got.append(intune_token(tokens))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(token) for token in got}) == 1
    assert microsoft.count("token") == 1


@pytest.mark.parametrize("value", ["opaque", "a.b", "a.!!!.c", "a.W10.c", "a." + "W1" * 10 + ".c"])
def test_a_token_that_cannot_be_read_is_not_said_to_lack_consent(
    tokens: TokenSource, microsoft: Any, wire: Any, value: str
) -> None:
    body = {"access_token": value, "expires_in": 3599, "token_type": "Bearer"}
    microsoft.say("token", wire.Said(kind="application/json", body=body))
    token = intune_token(tokens)
    assert not token.readable
    assert not token.lacks_consent


def test_no_token_leaves_for_a_host_that_is_not_allowed(
    options: Build, tokens: TokenSource, microsoft: Any, elsewhere: Any, pki: Any
) -> None:
    bearer = Bearer(HttpClient(ca_file=pki.ca_file), tokens, Audience.INTUNE, Hosts(suffix=".manage.microsoft.com"))
    with pytest.raises(SourceError, match="no token is sent"):
        bearer.get(elsewhere.root + "/devices/", "application/xml", time.monotonic() + 5)
    assert not elsewhere.calls
    assert not microsoft.calls


def test_the_environment_does_not_touch_the_login_either(
    options: Build, microsoft: Any, pki: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login thief password loot\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", pki.other_ca_file)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    intune_token(tokens_for(options()))
    assert not any("authorization" in call.headers for call in microsoft.calls)


# -- what MSAL would do wrong ---------------------------------------------------------------


def test_building_the_source_touches_no_network_so_that_an_offline_start_works(options: Build, microsoft: Any) -> None:
    microsoft.close()
    tokens = tokens_for(options())
    assert tokens.held(Audience.INTUNE) is None


def test_a_login_service_that_was_down_at_the_start_is_asked_again_after_five_seconds(
    tokens: TokenSource, microsoft: Any, wire: Any, later: Callable[[float], None]
) -> None:
    microsoft.say("openid", wire.Said(status=503))
    with pytest.raises(SourceError, match="failing"):
        intune_token(tokens)
    later(4.0)
    with pytest.raises(SourceError, match="failing"):
        intune_token(tokens)
    assert microsoft.count("openid") == 1
    later(1.5)
    assert intune_token(tokens).readable


@pytest.mark.parametrize(("headers", "pause_s"), [({"Retry-After": "60"}, 60.0), ({}, 5.0)])
@pytest.mark.parametrize("status", [429, 503])
def test_429_and_5xx_are_remembered_for_retry_after_or_five_seconds(
    tokens: TokenSource,
    microsoft: Any,
    wire: Any,
    later: Callable[[float], None],
    status: int,
    headers: dict[str, str],
    pause_s: float,
) -> None:
    microsoft.say("openid", wire.Said(status=status, headers=headers))
    with pytest.raises(SourceError, match="failing or busy"):
        intune_token(tokens)
    later(pause_s - 1.0)
    with pytest.raises(SourceError, match="failing or busy"):
        intune_token(tokens)
    assert microsoft.count("openid") == 1
    later(1.5)
    assert intune_token(tokens).readable


def test_a_400_is_not_remembered_once_it_is_put_right(
    tokens: TokenSource, microsoft: Any, wire: Any, later: Callable[[float], None]
) -> None:
    microsoft.say("token", wire.aadsts(700016, "unauthorized_client", 400))
    with pytest.raises(SourceError, match="700016"):
        intune_token(tokens)
    later(31.0)  # msal's own memory of a 400 would last 60 s
    assert intune_token(tokens).readable


def test_each_acquisition_builds_a_new_app_object(tokens: TokenSource, microsoft: Any) -> None:
    for _ in range(3):
        tokens.fresh(Audience.INTUNE, time.monotonic() + 5)
    assert microsoft.count("openid") == 3
    assert microsoft.count("token") == 3


def test_the_last_good_token_serves_until_thirty_seconds_before_its_end(
    tokens: TokenSource, microsoft: Any, wire: Any, later: Callable[[float], None]
) -> None:
    first = intune_token(tokens)
    microsoft.always("token", wire.Said(status=500, kind="application/json", body={"error": "x"}))
    later(3599 - 40)
    assert intune_token(tokens) is first
    assert wire.eventually(lambda: microsoft.count("token") == 2)
    later(12.0)
    with pytest.raises(SourceError, match="failing or busy"):
        intune_token(tokens)


def test_one_401_drops_the_token_once_and_not_the_fresh_one(
    options: Build, tokens: TokenSource, microsoft: Any, wire: Any, pki: Any
) -> None:
    bearer = Bearer(HttpClient(ca_file=pki.ca_file), tokens, Audience.INTUNE, options().hosts)
    first = intune_token(tokens)
    microsoft.always("devices", wire.Said(status=401))
    assert bearer.get(microsoft.root + "/devices/", "application/xml", time.monotonic() + 5).status == 401
    assert microsoft.count("devices") == 2
    assert microsoft.count("token") == 2
    second = tokens.held(Audience.INTUNE)
    assert second is not None
    assert second is not first


def test_the_scope_holds_nothing_but_the_default_of_one_resource(tokens: TokenSource, microsoft: Any) -> None:
    for audience in Audience:
        tokens.fresh(audience, time.monotonic() + 5)
        (scope,) = microsoft.last("token").form["scope"]
        assert scope.endswith("/.default")
        assert " " not in scope


def test_after_a_403_the_next_question_comes_with_a_new_token_for_consent_is_in_the_token(
    options: Build, microsoft: Any, pki: Any, wire: Any
) -> None:
    tokens = tokens_for(options())
    bearer = Bearer(HttpClient(ca_file=pki.ca_file), tokens, Audience.INTUNE, options().hosts)
    url = microsoft.root + "/devices/"
    microsoft.roles = []
    microsoft.say("devices", wire.Said(status=403), wire.Said(status=200), wire.Said(status=200))
    assert bearer.get(url, "application/xml", time.monotonic() + 5).status == 403
    assert intune_token(tokens).lacks_consent, "until then the token in hand tells what is missing"
    microsoft.roles = ["get_device_compliance"]
    assert bearer.get(url, "application/xml", time.monotonic() + 5).status == 200
    assert intune_token(tokens).roles == ("get_device_compliance",)
    bearer.get(url, "application/xml", time.monotonic() + 5)
    assert microsoft.count("token") == 2


def test_a_403_costs_no_token_that_the_login_service_cannot_replace(
    options: Build, microsoft: Any, pki: Any, wire: Any
) -> None:
    tokens = tokens_for(options())
    bearer = Bearer(HttpClient(ca_file=pki.ca_file), tokens, Audience.INTUNE, options().hosts)
    url = microsoft.root + "/devices/"
    microsoft.say("devices", wire.Said(status=403), wire.Said(status=200))
    bearer.get(url, "application/xml", time.monotonic() + 5)
    held = tokens.held(Audience.INTUNE)
    microsoft.always("token", wire.Said(status=503, kind="application/json", body={"error": "x"}))
    assert bearer.get(url, "application/xml", time.monotonic() + 5).status == 200
    assert tokens.held(Audience.INTUNE) is held
