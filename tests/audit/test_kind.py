import pytest

from nacd.audit.kind import event


@pytest.mark.parametrize(("letter", "severity"), [("I", "information"), ("W", "warning"), ("E", "error")])
def test_the_last_letter_of_a_code_is_its_severity(letter: str, severity: str) -> None:
    assert event(f"A9999{letter}", "a.b", "Something.").severity == severity


def test_a_field_that_is_named_twice_is_there_once_and_in_its_first_place() -> None:
    assert event("A9999I", "a.b", "Something.", "time", "by", "time").fields == ("time", "by")
