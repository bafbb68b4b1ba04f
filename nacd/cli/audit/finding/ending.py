"""How an answer ends that cannot be given to its end: nobody reads on, the disk is full, a file may not be read.

Knows: stdout, and the exit code that such an end has. Refuses to know: what the answer is.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Final

from nacd.audit.asking.rows import visible
from nacd.store.trail.reading import Unreadable

CANNOT: Final = 2


def told(answer: Callable[[], int]) -> int:
    """Give the answer, all of it. Returns its exit code: 2 if it could not be given, 0 if whoever reads has seen
    enough."""
    try:
        code = answer()
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        return 0
    except (OSError, Unreadable) as trouble:
        _silence()
        print(visible(_words(trouble)), file=sys.stderr)
        return CANNOT
    return code


def _words(trouble: OSError | Unreadable) -> str:
    if isinstance(trouble, Unreadable):
        return str(trouble)
    why = (trouble.strerror or "error").lower()
    if trouble.filename is not None:
        return f"`{trouble.filename}`: {why}"
    return f"the answer cannot be written: {why}; it is not complete"


def _silence() -> None:
    """What is left in the buffer would be tried again at exit, and complained of a second time."""
    try:
        number = sys.stdout.fileno()
    except io.UnsupportedOperation:
        return  # it is in memory: nothing can fail at exit
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.dup2(nowhere, number)
    finally:
        os.close(nowhere)
