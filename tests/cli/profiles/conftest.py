"""The small site of the command line, with another policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def other_policy(site: Any, tmp_path: Path) -> Callable[[str], Path]:
    """``other_policy(text)``: the site's configuration with this policy."""

    def write(text: str) -> Path:
        (tmp_path / "policy.yaml").write_text(text)
        config: Path = site.folder / f"with-{tmp_path.name}.yaml"
        config.write_text(site.config.read_text().replace("policy: policy.yaml", f"policy: {tmp_path}/policy.yaml"))
        return config

    return write
