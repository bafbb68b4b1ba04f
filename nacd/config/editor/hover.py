"""What an editor shows when somebody points at a key: its description with unit, bounds and default behind it.

Knows: how a schema says these, and that editors show `markdownDescription` rather than a plain description. Refuses to
know: any key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from nacd.config.editor.examples import LEAST, MOST_LONG

_LONGEST_DEFAULT = 60


def hovers(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema with ``markdownDescription`` at every key that has more to say than its description."""
    done = {**schema, "$defs": {name: _keys(made) for name, made in schema.get("$defs", {}).items()}}
    return _keys(done)


def _keys(section: dict[str, Any]) -> dict[str, Any]:
    if "properties" not in section:
        return section
    return {**section, "properties": {key: _told(field) for key, field in section["properties"].items()}}


def _told(field: dict[str, Any]) -> dict[str, Any]:
    facts = list(_facts(field))
    return {**field, "markdownDescription": f"{field['description']}\n\n{', '.join(facts)}"} if facts else field


def _facts(field: dict[str, Any]) -> Iterator[str]:
    if "x-unit" in field:
        yield f"in {field['x-unit']}"
    if LEAST in field:
        yield f"a time from `{field[LEAST]}` to `{field[MOST_LONG]}`"
    elif field.get("type") in ("integer", "number") and "minimum" in field and "maximum" in field:
        yield f"from {field['minimum']} to {field['maximum']}"
    default = json.dumps(field.get("default"), ensure_ascii=False)
    if field.get("default") not in (None, [], {}) and len(default) <= _LONGEST_DEFAULT:
        yield f"default `{default}`"
