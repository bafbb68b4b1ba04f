from __future__ import annotations

import pytest
from pydantic import ValidationError

from nacd.config.sections.base import Section


class _Door(Section):
    width: int = 1


def test_an_unknown_key_is_refused_and_nothing_written_is_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        _Door.model_validate({"widht": "hunter2"})
    assert caught.value.errors()[0]["type"] == "extra_forbidden"
    assert "hunter2" not in str(caught.value)


def test_a_section_does_not_change_once_it_is_read() -> None:
    door = _Door()
    with pytest.raises(ValidationError):
        door.width = 2  # type: ignore[misc]
