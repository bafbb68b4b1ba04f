from __future__ import annotations

from typing import Any

from nacd.cli.setup.app import DEFAULT_FOLDER


def test_the_help_tells_every_option_and_exit_code(nacd: Any) -> None:
    said = nacd("init", "--help").output
    assert all(word in said for word in ("--yes", "--force", "--lab", "--vendor", "--tenant"))
    assert "130: stopped" in " ".join(said.split())


def test_without_a_folder_it_is_the_one_that_all_commands_look_into() -> None:
    from nacd.cli.main import DEFAULT_CONFIG

    assert DEFAULT_CONFIG.parent == DEFAULT_FOLDER
