import hashlib
import hmac

import pytest

from nacd.audit.asking.terms import PSEUDONYM
from nacd.audit.privacy.kinds import Kind
from nacd.audit.privacy.pseudonyms import address_of, pseudonym
from nacd.values import Secret

KEY = Secret(b"k" * 32)


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        (Kind.MAC, ("00-50-B6-AA-BB-CC", "0050.b6aa.bbcc", "00:50:b6:aa:bb:cc", "0050b6aabbcc", "0050B6-AABBCC")),
        (Kind.USER, ("Alice@Example.com", "alice@example.com", " ALICE@EXAMPLE.COM ")),
        (
            Kind.DEVICE,
            ("2F6D3C1E-8a41-4b7f-9e05-61d0c7b3a954", "IntuneDeviceId://2f6d3c1e-8a41-4b7f-9e05-61d0c7b3a954"),
        ),
        (Kind.ADDRESS, ("10.1.2.3", "::ffff:10.1.2.3")),
    ],
)
def test_all_spellings_of_one_thing_have_one_pseudonym(kind: Kind, spellings: tuple[str, ...]) -> None:
    found = {pseudonym(KEY, kind, each) for each in spellings}
    assert len(found) == 1
    assert PSEUDONYM.fullmatch(found.pop())


def test_the_pseudonym_is_what_anybody_with_the_key_can_compute() -> None:
    said = b"nacd audit pseudonym 1\nuser\nalice@example.com"
    assert pseudonym(KEY, Kind.USER, "alice@example.com") == "h:" + hmac.digest(KEY.reveal(), said, "sha256").hex()[:32]
    assert hashlib.sha256().digest_size == 32


def test_kinds_and_keys_have_pseudonyms_of_their_own() -> None:
    made = {pseudonym(key, kind, "x") for kind in Kind for key in (KEY, Secret(b"l" * 32))}
    assert len(made) == 2 * len(Kind)


def test_a_pseudonym_has_no_pseudonym() -> None:
    once = pseudonym(KEY, Kind.USER, "alice")
    assert pseudonym(KEY, Kind.USER, once) == once


def test_half_a_surrogate_pair_has_one_too() -> None:
    assert PSEUDONYM.fullmatch(pseudonym(KEY, Kind.USER, "a\ud800"))


@pytest.mark.parametrize(("text", "found"), [("10.0.0.1", "10.0.0.1"), ("FE80::1%eth0", "fe80::1"), ("ten", "")])
def test_an_address_has_one_spelling(text: str, found: str) -> None:
    assert address_of(text) == found
