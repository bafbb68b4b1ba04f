"""Which packages run with nacd, for which machine."""

from __future__ import annotations

import pytest

from tools.packaging.locked import MACHINES, Target, entries, needed


@pytest.mark.parametrize("architecture", list(MACHINES))
@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_every_package_that_runs_is_in_the_lock_with_a_hash(architecture: str, python: str) -> None:
    locked = entries()
    for name in needed(Target(python=python, architecture=architecture)):
        assert "--hash=sha256:" in locked[name]


def test_what_an_extra_brings_is_brought() -> None:
    names = needed(Target(python="3.11", architecture="amd64"))
    assert "pyjwt" in names  # of msal
    assert "cryptography" in names


def test_nacd_is_not_its_own_dependency() -> None:
    assert "nacd" not in needed(Target(python="3.11", architecture="amd64"))
