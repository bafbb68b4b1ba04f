"""A folder with a trail, as the keeper's tests have it."""

from __future__ import annotations

from tests.keeper.conftest import bench, folder, trail

__all__ = ["bench", "folder", "trail"]
