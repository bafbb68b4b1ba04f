"""The commands about NASes."""

from typing import Any


def test_its_help_names_what_there_is(nacd: Any) -> None:
    done = nacd("clients", "--help")
    assert done.exit_code == 0
    assert "secrets" in done.output
