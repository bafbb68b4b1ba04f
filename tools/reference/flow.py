"""Values as an admin writes them on one line of YAML.

Knows: what YAML's readers, ours and others', take for the text that was meant. Refuses to know: keys.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import yaml

from nacd.config.yaml import parse
from nacd.errors import ConfigError


def flow(value: Any) -> str:
    """One line, as short as every reader understands it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


@cache
def _text(word: str) -> str:
    line = f"[{word}]"
    try:
        others = yaml.safe_load(line)
        document, problems = parse(f"key: {line}\n".encode(), "flow")
    except (yaml.YAMLError, ValueError, ConfigError):
        return json.dumps(word, ensure_ascii=False)
    plain = others == [word] and not problems and document.value.get("key") == (word,)
    return word if plain else json.dumps(word, ensure_ascii=False)
