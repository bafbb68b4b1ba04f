"""Two credentials while one takes over from the other, and what the login service is told and says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nacd.errors import SourceError
from nacd.intune.client import HttpClient
from nacd.intune.cloud import Audience
from nacd.intune.credentials import Credentials, LoginService, for_msal, kind
from nacd.intune.flight import Flights
from nacd.intune.options import (
    Credential,
    IntuneOptions,
    ManagedIdentity,
    PemCredential,
    PfxCredential,
    SecretCredential,
)
from nacd.intune.token import Token, TokenSource
from nacd.values import Secret

Build = Callable[..., IntuneOptions]
OLD, NEW = SecretCredential(secret=Secret(b"wrong")), SecretCredential(secret=Secret(b"right"))


def tokens_for(options: IntuneOptions) -> TokenSource:
    return TokenSource(options, HttpClient(ca_file=options.ca_file), Flights())


def fetch(tokens: TokenSource, audience: Audience = Audience.INTUNE) -> Token:
    return tokens.fresh(audience, time.monotonic() + 5.0)


def secrets_sent(microsoft: Any) -> list[str]:
    return [call.form["client_secret"][0] for call in microsoft.calls if call.path.endswith("/token")]


# -- two of them ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        (7000215, 401, "invalid_client"),
        (7000222, 401, "invalid_client"),
        (700027, 401, "invalid_client"),
        (7000214, 401, "invalid_client"),
        (4711, 400, "something_new"),
    ],
)
def test_when_one_is_refused_the_other_is_tried_at_once(
    options: Build, microsoft: Any, wire: Any, code: int, status: int, error: str
) -> None:
    microsoft.say("token", wire.aadsts(code, error, status))
    tokens = tokens_for(options(credentials=(OLD, NEW)))
    token = tokens.token(Audience.INTUNE, time.monotonic() + 5.0)
    assert token.good()
    assert secrets_sent(microsoft) == ["wrong", "right"]
    first, second = tokens.credentials.report()
    assert (first.in_use, second.in_use) == (False, True)
    assert f"AADSTS{code}" in first.refused
    assert second.refused == ""


def test_the_one_that_worked_is_tried_first_next_time(options: Build, microsoft: Any) -> None:
    tokens = tokens_for(options(credentials=(OLD, NEW)))
    fetch(tokens)
    fetch(tokens)
    fetch(tokens, Audience.GRAPH)
    assert secrets_sent(microsoft) == ["wrong", "right", "right", "right"]


def test_the_first_takes_over_again_when_the_second_is_refused(options: Build, microsoft: Any) -> None:
    tokens = tokens_for(options(credentials=(OLD, NEW)))
    fetch(tokens)
    microsoft.secret = "wrong"
    fetch(tokens)
    first, second = tokens.credentials.report()
    assert (first.in_use, first.refused) == (True, "")
    assert not second.in_use
    assert "7000215" in second.refused


def test_when_both_are_refused_both_reasons_are_said(options: Build, microsoft: Any, wire: Any) -> None:
    microsoft.say("token", wire.aadsts(7000222, "invalid_client", 401), wire.aadsts(700027, "invalid_client", 401))
    tokens = tokens_for(options(credentials=(OLD, NEW)))
    with pytest.raises(
        SourceError, match=r"no token for intune: .*AADSTS7000222.*the other credential: .*AADSTS700027"
    ):
        fetch(tokens)
    assert not any(one.in_use for one in tokens.credentials.report())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_outage_or_a_throttle_is_no_refusal_and_the_other_is_spared(
    options: Build, microsoft: Any, wire: Any, status: int
) -> None:
    microsoft.always("token", wire.Said(status=status))
    tokens = tokens_for(options(credentials=(NEW, OLD)))
    with pytest.raises(SourceError, match="failing or busy"):
        fetch(tokens)
    assert set(secrets_sent(microsoft)) == {"right"}
    assert [one.refused for one in tokens.credentials.report()] == ["", ""]


def test_no_answer_at_all_is_no_refusal_either(options: Build, microsoft: Any) -> None:
    chosen = options(credentials=(NEW, OLD))
    microsoft.close()
    tokens = tokens_for(chosen)
    with pytest.raises(SourceError, match="no token for intune"):
        fetch(tokens)
    assert [one.refused for one in tokens.credentials.report()] == ["", ""]


def test_a_credential_that_cannot_even_be_read_gives_way(options: Build, microsoft: Any, tmp_path: Path) -> None:
    gone = PfxCredential(path=str(tmp_path / "gone.pfx"))
    tokens = tokens_for(options(credentials=(gone, NEW)))
    assert fetch(tokens).good()
    first, second = tokens.credentials.report()
    assert "cannot be read" in first.refused
    assert "cannot be read" in first.problem
    assert second.in_use


def test_a_certificate_and_a_secret_may_take_turns(options: Build, microsoft: Any, pki: Any, wire: Any) -> None:
    pem = PemCredential(certificate=pki.app_certificate, private_key=Secret(pki.app_key))
    microsoft.say("token", wire.aadsts(700027, "invalid_client", 401))
    tokens = tokens_for(options(credentials=(pem, NEW)))
    fetch(tokens)
    assert [one.kind for one in tokens.credentials.report()] == ["certificate", "client secret"]
    assert "client_assertion" not in microsoft.last("token").form


@pytest.mark.parametrize("count", [0, 3])
def test_there_are_one_or_two(options: Build, count: int) -> None:
    with pytest.raises(ValueError, match="one credential, or by two"):
        options(credentials=(NEW,) * count)


# -- what is known of them ------------------------------------------------------------------


def test_the_end_of_each_is_told_without_reading_a_file_again(pki: Any, tmp_path: Path) -> None:
    copy = tmp_path / "app.pfx"
    copy.write_bytes(Path(pki.app_pfx).read_bytes())
    secret = SecretCredential(secret=Secret(b"x"), expires_at=1_900_000_000.0)
    known = Credentials((PfxCredential(path=str(copy), passphrase=Secret(b"pass")), secret))
    copy.unlink()
    first, second = known.report()
    assert first.expires_at > time.time()
    assert (first.problem, second.problem) == ("", "")
    assert second.expires_at == 1_900_000_000.0


def test_an_end_that_nobody_knows_is_zero() -> None:
    known = Credentials((ManagedIdentity(), SecretCredential(secret=Secret(b"x"))))
    assert [one.expires_at for one in known.report()] == [0.0, 0.0]


def test_a_report_shows_no_secret(pki: Any) -> None:
    pem = PemCredential(certificate=pki.app_certificate, private_key=Secret(pki.app_key))
    shown = repr(Credentials((pem, SecretCredential(secret=Secret(b"hunter2")))).report())
    assert "hunter2" not in shown
    assert "PRIVATE" not in shown


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (SecretCredential(secret=Secret(b"x")), "client secret"),
        (PfxCredential(path="x"), "certificate"),
        (PemCredential(certificate=b"", private_key=Secret(b"")), "certificate"),
        (ManagedIdentity(), "managed identity"),
    ],
)
def test_each_kind_has_its_word(credential: Credential, expected: str) -> None:
    assert kind(credential) == expected


def test_a_passphrase_is_handed_to_msal_only_where_there_is_one() -> None:
    assert for_msal(PfxCredential(path="x")) == {"private_key_pfx_path": "x", "public_certificate": True}
    locked = for_msal(PemCredential(certificate=b"c", private_key=Secret(b"k"), passphrase=Secret(b"p")))
    assert locked == {"private_key": "k", "public_certificate": "c", "passphrase": "p"}


# -- the login service ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "expected_s"),
    [
        (429, {"Retry-After": "17"}, 17.0),
        (429, {}, 5.0),
        (429, {"Retry-After": "0"}, 1.0),
        (503, {"Retry-After": "40"}, 40.0),
        (503, {"Retry-After": "999999"}, 3600.0),
        (500, {}, 5.0),
        (400, {}, 30.0),
        (401, {}, 30.0),
    ],
)
def test_the_pause_is_what_the_login_service_asks_for(
    microsoft: Any, pki: Any, wire: Any, status: int, headers: dict[str, str], expected_s: float
) -> None:
    login = LoginService(HttpClient(ca_file=pki.ca_file), microsoft.root, time.monotonic() + 5.0)
    microsoft.say("token", wire.Said(status=status, kind="application/json", body={"error": "x"}, headers=headers))
    login.post(f"{microsoft.root}/t/oauth2/v2.0/token", data={"a": "b"})
    assert login.pause_s() == expected_s
    assert login.refuses == (status in (400, 401))


def test_msal_is_told_of_failures_in_our_words(microsoft: Any, pki: Any, wire: Any) -> None:
    login = LoginService(HttpClient(ca_file=pki.ca_file), microsoft.root, time.monotonic() + 5.0)
    microsoft.say("openid", wire.Said(status=503))
    with pytest.raises(SourceError, match="status 503"):
        login.get(f"{microsoft.root}/t/v2.0/.well-known/openid-configuration").raise_for_status()
    login.get(f"{microsoft.root}/t/v2.0/.well-known/openid-configuration").raise_for_status()
