import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.identity import pattern

GUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_the_guid_is_found_in_the_whole_of_a_user_name() -> None:
    found = pattern.find(f"(?P<guid>{GUID})@corp", "2F6D3C1E-8A41-4B7F-9E05-61D0C7B3A954@corp")
    assert found == "2F6D3C1E-8A41-4B7F-9E05-61D0C7B3A954"


def test_a_pattern_must_match_the_whole_text() -> None:
    assert pattern.find("(?P<guid>[0-9]{3})", "x123") == ""
    assert pattern.find("(?P<guid>[0-9]{3})", "123x") == ""


def test_no_pattern_finds_nothing() -> None:
    assert pattern.find("", "anything") == ""


def test_text_longer_than_a_radius_attribute_is_not_searched() -> None:
    assert pattern.find("(?P<guid>.*)", "x" * 253) == "x" * 253
    assert pattern.find("(?P<guid>.*)", "x" * 254) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"(?P<guid>{GUID})",
        f".*=(?P<guid>{GUID}).*",
        f"(?:dev|pc)?-(?P<guid>{GUID})",
        r"(?P<guid>[^\]()*+?|{]{36})\(\*\?",
        "(?P<guid>[]a]+?)x",
        "(?P<guid>(?:ab)+)",
        "a{x}(?P<guid>.{36})",
    ],
)
def test_a_plain_pattern_is_accepted(text: str) -> None:
    pattern.check(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(?P<guid>", "no regular expression"),
        ("[0-9]+", "no group"),
        ("(?P<id>.*)", "no group"),
        ("(?P<guid>(?:a+)+)b", "itself varies"),
        ("(?P<guid>(?:a|a)*)b", "itself varies"),
        ("(?P<guid>(?:a?){30})b", "itself varies"),
        ("(?P<guid>(?:(?:a*)b){9})c", "itself varies"),
        ("(?P<guid>.*).*.*b", "more than 2 repeats"),
        ("(?P<guid>.{1,9}).{1,9}.{1,9}", "more than 2 repeats"),
        ("(?P<guid>a?a?a?a?a?)", "more than 4"),
        ("(?P<guid>a|b|c|d|e|f)", "more than 4"),
        (r"(?P<guid>a)\1", "refers back"),
        ("(?P<guid>a)(?P=guid)", "only the groups"),
        ("(?=a)(?P<guid>a)", "only the groups"),
        ("(?i)(?P<guid>a)", "only the groups"),
        ("(?P<guid>a)" + "b" * 253, "at most 253"),
    ],
)
def test_a_pattern_that_could_be_slow_or_names_nothing_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pattern.check(text)


def test_the_worst_pattern_accepted_is_still_quick() -> None:
    worst = "a*a*a?a?(?:a|a)(?:a|a)(?P<guid>b)"
    pattern.check(worst)
    started = time.thread_time()  # of this thread alone: the machine has other work
    assert pattern.find(worst, "a" * 253) == ""
    assert time.thread_time() - started < 1.0


@pytest.mark.filterwarnings("ignore:Possible")
@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="a.*+?{}()|[]\\^-1,:P<guid>", max_size=30), st.text(alphabet="ab-1", max_size=40))
def test_any_pattern_is_either_refused_in_words_or_usable(middle: str, text: str) -> None:
    candidate = f"(?P<guid>{middle})"
    try:
        pattern.check(candidate)
    except ValueError:
        return  # refused: never compiled against a peer's text
    assert isinstance(pattern.find(candidate, text), str)
