"""What a refusal says, whatever its body."""

from __future__ import annotations

import base64
import email.utils
import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.intune.refusals import ErrorText, challenge, error_text, retry_after_s

INTUNE = {
    "_version": 3,
    "Message": "Not allowed - Operation ID (for customer support): 000 - Activity ID: "
    "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee - Url: https://fef.x.manage.microsoft.com/secret/path",
    "RetryAfter": 17,
}


@pytest.mark.parametrize(
    "body", [INTUNE, {"error": {"code": "Forbidden", "message": json.dumps(INTUNE)}}, {"error": INTUNE}]
)
def test_the_error_envelope_is_unwrapped(body: dict[str, object]) -> None:
    found = error_text(json.dumps(body).encode())
    assert found.message == "Not allowed"
    assert found.activity_id == "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    assert found.retry_after_s == 17
    assert str(found) == "Not allowed (activity aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee)"


def test_other_error_bodies_are_cut_short_and_cleaned() -> None:
    assert error_text(b'{"error": {"code": "X", "message": "Insufficient privileges"}}').message == (
        "Insufficient privileges"
    )
    assert error_text(b'{"error": {"code": "Only"}}').message == "Only"
    assert error_text(b'{"error": "x"}') == ErrorText()
    assert error_text(b"<html><title>Bad\n gateway</title>\x1b[0m</html>").message == "Bad gateway [0m"
    assert len(error_text(b"x" * 100_000).message) == 200
    assert error_text(b"") == ErrorText()
    assert error_text(b"[" * 50_000).message


@pytest.mark.parametrize("page", [b"<" * 65_536, b"<a" * 32_768, b"<" + b"a" * 65_535])
def test_a_page_of_tags_that_never_end_keeps_nobody_waiting(page: bytes) -> None:
    began = time.thread_time()
    assert error_text(page).message
    assert time.thread_time() - began < 0.5


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_any_octets_are_an_error_text(octets: bytes) -> None:
    assert error_text(octets).message.isprintable()


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 30),
        ({"retry-after": "0"}, 0),
        ({"retry-after": " 12 "}, 12),
        ({"retry-after": "soon"}, 30),
        ({"retry-after": "-5"}, 30),
        ({"retry-after": "1e9"}, 30),
        ({"retry-after": email.utils.formatdate(NOW + 90, usegmt=True)}, 90),
        ({"retry-after": email.utils.formatdate(NOW - 90, usegmt=True)}, 0),
        ({"retry-after": time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(NOW + 90))}, 90),
        ({"retry-after": time.asctime(time.gmtime(NOW + 90))}, 90),
        (
            {
                "retry-after": email.utils.formatdate(NOW + 990, usegmt=True),
                "date": email.utils.formatdate(NOW + 900, usegmt=True),
            },
            90,
        ),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_retry_after_is_read_in_all_forms_wherever_this_machine_stands(
    headers: dict[str, str], expected: float, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert retry_after_s(headers, NOW) == expected
    finally:
        monkeypatch.undo()
        time.tzset()


# -- WWW-Authenticate -----------------------------------------------------------------------

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1603742800"}}}'


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_claims_challenge_is_shown_decoded(encode: Callable[[bytes], bytes]) -> None:
    claims = encode(CLAIMS.encode()).decode().rstrip("=")
    words = challenge(f'Bearer realm="", error="insufficient_claims", claims="{claims}"')
    assert "continuous access evaluation" in words
    assert CLAIMS in words
    assert 'error="insufficient_claims"' in words


def test_a_claims_challenge_alone_is_shown_too() -> None:
    assert challenge('claims="e30"').endswith("`{}`")


@pytest.mark.parametrize("claims", ["!!!", "/w", "AAAA"])
def test_claims_that_cannot_be_decoded_are_shown_as_they_are(claims: str) -> None:
    assert f"`{claims}`" in challenge(f'Bearer claims="{claims}"')


def test_a_plain_challenge_is_shown_cut_and_printable() -> None:
    assert challenge('Bearer error="invalid_token"') == 'it asks for `Bearer error="invalid_token"`'
    long = challenge("Bearer \x1b[2J`" + "x" * 10_000)
    assert len(long) < 250
    assert long.isprintable()


def test_no_challenge_is_no_words() -> None:
    assert challenge("") == ""
