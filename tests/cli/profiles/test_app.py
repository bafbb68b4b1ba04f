"""The doors of `nacd profiles`."""

from __future__ import annotations

from typing import Any


def test_the_help_names_the_command_that_shows_one(nacd: Any) -> None:
    done = nacd("profiles", "--help")
    assert done.exit_code == 0
    assert "show" in done.output


def test_without_a_command_it_lists(nacd: Any, site: Any) -> None:
    assert "corporate" in nacd("profiles", "--config", site.config).output


def test_show_wants_a_name(nacd: Any, site: Any) -> None:
    assert nacd("profiles", "show", "--config", site.config).exit_code == 2
