"""How a value is written into YAML that people read: plain where nobody can misread it, else in quotes.

Knows: what other readers of YAML take for a number, a boolean or a time. Refuses to know: keys.
"""

from __future__ import annotations

import json
import re
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*|\d+\.\d+\.\d+\.\d+(/\d+)?|[1-9]\d{0,8}")
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"})


def spelt(text: str) -> str:
    """The text as a YAML value, also inside ``{...}`` and ``[...]``."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def reference(file: str) -> str:
    """A reference to a secret in a file. The colon in it needs no quotes, but inside braces some editors say so."""
    return json.dumps(f"file:{file}", ensure_ascii=False)


def noted(line: str, note: str) -> str:
    """A line with a comment behind it, in the column where all of them begin."""
    return f"{line:<42} # {note}\n"


def schema_line(name: str) -> str:
    """The first line of a file: what an editor checks and completes it by."""
    return f"# yaml-language-server: $schema=schemas/{name}.schema.json\n"
