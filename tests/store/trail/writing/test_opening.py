"""The file as it is opened. What somebody else may have laid there: see ``test_log``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nacd.errors import AuditRefused
from nacd.store.trail.writing import opening


def test_a_file_of_ours_is_locked_and_a_device_is_everybodys(tmp_path: Path) -> None:
    one = opening.opened(tmp_path / "deep" / "f", hand_over=False)
    assert (one.regular, one.ours) == (True, True)
    with pytest.raises(AuditRefused, match="another nacd") as refused:
        opening.opened(tmp_path / "deep" / "f", hand_over=False)
    assert isinstance(refused.value.__cause__, BlockingIOError)
    os.close(one.fd)
    for _ in range(2):
        null = opening.opened(Path("/dev/null"), hand_over=False)
        assert not null.regular
        os.close(null.fd)


def test_a_new_file_is_like_the_one_before_and_never_one_that_is_there(tmp_path: Path) -> None:
    like = os.open(tmp_path / "like", os.O_RDWR | os.O_CREAT, 0o600)
    os.fchmod(like, 0o604)
    folder = opening.folder_of(tmp_path / "any")
    made = opening.fresh(folder, "made", like)
    assert os.fstat(made).st_mode & 0o777 == 0o604
    with pytest.raises(FileExistsError):
        opening.fresh(folder, "made", like)
    for fd in (like, folder, made):
        os.close(fd)


def test_how_full_a_disk_is_comes_as_a_percentage(tmp_path: Path) -> None:
    assert 0 <= opening.percent_full(tmp_path) <= 100
