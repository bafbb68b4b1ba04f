"""Much is made and nearly all of it stays: the collector of cyclic garbage rests meanwhile.

Knows: that ten thousand rules are half a million objects, through which it would walk again and again, and find
nothing. Refuses to know: what is made.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """While this lasts; afterwards as before, also when it ends by an error."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
