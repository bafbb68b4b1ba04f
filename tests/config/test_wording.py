from __future__ import annotations

import pytest

from nacd.config.settings import Client
from nacd.config.wording import did_you_mean

GOOD = "name: a\nnetwork: 10.0.0.1\nvendor: generic\n"


def test_a_missing_key_says_what_it_is_for(section) -> None:
    (said,) = section(Client, GOOD)
    wanted = Client.model_fields["secret"].description
    assert said == f"1:1: `secret` is missing: {wanted}"


def test_an_unknown_key_is_placed_at_the_key_with_a_suggestion(section) -> None:
    said = section(Client, GOOD + "sercet: env:X\n")
    assert "4:1: `sercet` is no key here, did you mean `secret`?" in said


@pytest.mark.parametrize("key", ["<<", "<secret>", "[key]"])
def test_an_unknown_key_that_looks_like_a_note_of_the_validator_is_named_all_the_same(section, key: str) -> None:
    said = section(Client, GOOD + f'secret: env:X\n"{key}": {{a: b}}\n', {"X": "y"})
    assert any(line.startswith(f"5:1: `{key}` is no key here") for line in said), said


def test_an_unknown_word_names_the_choice_or_what_is_near(section) -> None:
    said = section(Client, GOOD + "secret: env:X\nmab_password: none\nmessage_authenticator: requires\n", {"X": "y"})
    assert said == [
        "5:15: `none` is not known here: use `mac` or `any`",
        "6:24: `requires` is not known here, did you mean `require`?",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("dynauth: 3799", "4:10: `key: value` pairs are wanted here"),
        ("dynauth: {port: 70000}", "4:17: `70000` is too large: at most 65,535"),
        ("dynauth: {port: 0}", "4:17: `0` is too small: at least 1"),
        ('dynauth: {port: "1"}', "4:17: a whole number is wanted here"),
        ("eap_md5_mab: 1", "4:14: `true` or `false` is wanted here"),
        ("groups: {a: b}", "4:9: text is wanted here, not a mapping"),
        ("groups: [a, [b]]", "4:13: text is wanted here, not a list"),
    ],
)
def test_wrong_shapes_in_words(section, line: str, said: str) -> None:
    assert section(Client, f"{GOOD}{line}\nsecret: env:X\n", {"X": "y"}) == [said]


def test_what_the_yaml_already_complained_of_is_not_repeated(section) -> None:
    said = section(Client, GOOD + "secret:\neap_md5_mab: yes\n")
    assert [line.split(":")[0] for line in said] == ["4", "5"]


def test_suggestions_stay_silent_when_nothing_is_near() -> None:
    assert did_you_mean("zebra", ["wired", "campus"]) == ": there is `campus`, `wired`"
    assert did_you_mean("x", []) == ""
