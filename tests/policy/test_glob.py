from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.policy import glob

patterns = st.text(alphabet="abA*?\\.", max_size=8)
texts = st.text(alphabet="abAB\\.\n", max_size=10)


def slow(pattern: str, text: str) -> bool:
    """The textbook definition, letter by letter."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return slow(pattern[1:], text) or (bool(text) and slow(pattern, text[1:]))
    return bool(text) and (pattern[0] == "?" or pattern[0].lower() == text[0].lower()) and slow(pattern[1:], text[1:])


@settings(max_examples=150)
@given(pattern=patterns, text=texts)
def test_a_compiled_pattern_says_what_the_textbook_definition_says(pattern: str, text: str) -> None:
    assert glob.compiled(pattern)(text) == slow(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("*O=Contoso*", "CN=x,O=contoso,C=DE", True),
        ("CN=laptop-*", "cn=LAPTOP-7", True),
        ("CN=laptop-*", "CN=a,CN=laptop-7", False),
        ("*.contoso.com", "host.contoso.com", True),
        ("*.contoso.com", "contoso.com", False),
        ("ab*ba", "aba", False),
        ("a*b*ba", "abba", True),
        ("[ab]", "a", False),
        ("host??", "host07", True),
        ("*", "", True),
    ],
)
def test_patterns_that_admins_write(pattern: str, text: str, fits: bool) -> None:
    assert glob.compiled(pattern)(text) is fits


@settings(max_examples=150)
@given(wide=patterns, narrow=patterns, text=texts)
def test_a_pattern_that_takes_in_another_fits_all_that_the_other_fits(wide: str, narrow: str, text: str) -> None:
    if glob.takes_in(wide, narrow) and glob.compiled(narrow)(text):
        assert glob.compiled(wide)(text)


def test_a_wider_pattern_takes_in_a_narrower_one_but_not_the_reverse() -> None:
    assert glob.takes_in("*contoso*", "CN=*,O=Contoso")
    assert not glob.takes_in("CN=*,O=Contoso", "*contoso*")


@pytest.mark.parametrize("pattern", ["*a" * 20 + "*b", "*?a" * 20 + "*b?"])
def test_a_hostile_pattern_and_text_take_no_exponential_time(pattern: str) -> None:
    test = glob.compiled(pattern)
    begun = time.thread_time()  # of this thread alone: the machine has other work
    assert not test("a" * 5000)
    assert time.thread_time() - begun < 0.5
