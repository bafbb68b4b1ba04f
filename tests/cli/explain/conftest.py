"""The small site, and for what only the daemon knows a whole laboratory."""

from __future__ import annotations

from tests.cli.control.conftest import certificates, lab, launch, microsoft, open_folder

__all__ = ["certificates", "lab", "launch", "microsoft", "open_folder"]
