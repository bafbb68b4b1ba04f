"""Records of an audit file, as tests read them."""

from __future__ import annotations

import json
from typing import Any


def told(text: str) -> list[dict[str, Any]]:
    """Every record but those that the trail makes of itself (``A9101I`` to ``A9119``): files, checkpoints, repairs."""
    return [record for record in map(json.loads, text.splitlines()) if not is_bookkeeping(record)]


def is_bookkeeping(record: dict[str, Any]) -> bool:
    """Whether the trail speaks of itself."""
    code = str(record.get("code", ""))
    return code.startswith(("A910", "A911"))
