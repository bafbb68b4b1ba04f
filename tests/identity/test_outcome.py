from hypothesis import given
from hypothesis import strategies as st

from nacd.identity.outcome import quoted


def test_foreign_text_is_shown_between_backticks() -> None:
    assert quoted("PC-1") == "`PC-1`"


def test_foreign_text_cannot_close_its_own_quotes_or_start_a_new_line() -> None:
    assert quoted("a`b\nc\x00") == "`a?b?c?`"


@given(st.text())
def test_foreign_text_is_always_printable_and_short(text: str) -> None:
    shown = quoted(text, 20)
    assert shown.isprintable()
    assert len(shown) <= 23
    assert shown.count("`") == 2
