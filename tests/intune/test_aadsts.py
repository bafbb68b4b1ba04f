"""The login service's codes as sentences."""

from __future__ import annotations

import pytest

from nacd.intune.aadsts import SENTENCES, codes, sentence


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_each_known_code_becomes_a_sentence_that_names_it(code: int) -> None:
    words = sentence([code], "invalid_client", "AADSTS: ...")
    assert words.endswith(f"(AADSTS{code})")
    assert words[0].islower()


def test_a_wrong_secret_says_value_not_id() -> None:
    assert "not its Secret ID" in sentence([7000215], "invalid_client", "")


def test_the_53000_range_is_conditional_access() -> None:
    assert "conditional access" in sentence([53001], "access_denied", "")


def test_codes_are_taken_from_the_list_and_from_the_text() -> None:
    assert codes([700016], "AADSTS7000222: expired, AADSTS700016") == (700016, 7000222)
    assert codes("nonsense", "") == ()
    assert codes(["7"], "AADSTS90002 ...") == (90002,)


def test_an_unknown_code_leaves_the_services_own_first_line_without_control_characters() -> None:
    words = sentence([1], "invalid_client", "AADSTS1: new\x1b[31m trouble\r\nTrace ID: x")
    assert words == "invalid_client: AADSTS1: new[31m trouble"


def test_nothing_said_is_said() -> None:
    assert sentence([], "", "") == "no reason given"
