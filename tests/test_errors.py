"""What goes wrong on purpose, and how it reads."""

from __future__ import annotations

import pytest

from nacd import errors
from nacd.errors import BadEap, BadPacket, ConfigError, NacdError, Problem, SourceError


@pytest.mark.parametrize(
    "name",
    [
        "AuditRefused",
        "BadEap",
        "BadPacket",
        "BadValue",
        "CannotExpress",
        "ConfigError",
        "ReplyTooLong",
        "SourceError",
        "UnknownAttribute",
    ],
)
def test_everything_raised_on_purpose_has_one_root_and_stands_in_the_tree(name: str) -> None:
    assert issubclass(getattr(errors, name), NacdError)
    assert f"+-- {name} " in (errors.__doc__ or "")


def test_no_error_of_ours_looks_like_one_of_the_operating_system() -> None:
    assert not issubclass(NacdError, OSError | ValueError)


@pytest.mark.parametrize("kind", [BadPacket, BadEap])
def test_unreadable_octets_carry_their_reason(kind: type[BadPacket] | type[BadEap]) -> None:
    error = kind("too_short")
    assert (error.reason, str(error)) == ("too_short", "too_short")


def test_a_source_error_carries_the_detail_of_the_verdict() -> None:
    assert SourceError("status 503").detail == "status 503"


def test_a_problem_names_file_line_and_column() -> None:
    assert str(Problem(file="nacd.yaml", line=3, column=7, message="bad")) == "nacd.yaml:3:7: bad"


def test_a_finding_carries_its_code_behind_its_words() -> None:
    assert str(Problem(file="f", line=3, column=7, message="odd", code="list-empty")) == "f:3:7: odd [list-empty]"


def test_a_problem_of_the_whole_file_names_the_file_alone() -> None:
    assert str(Problem(file="nacd.yaml", line=0, column=0, message="cannot be read")) == "nacd.yaml: cannot be read"


def test_a_configuration_error_says_every_problem_on_a_line_of_its_own() -> None:
    problems = tuple(Problem(file="f", line=line, column=1, message="bad") for line in (1, 2))
    error = ConfigError(problems)
    assert error.problems == problems
    assert str(error) == "f:1:1: bad\nf:2:1: bad"


def test_problems_are_counted_as_people_count_them() -> None:
    problem = Problem(file="nacd.yaml", line=1, column=1, message="unknown key")
    assert ConfigError((problem,)).count == "1 problem"
    assert ConfigError((problem, problem)).count == "2 problems"
