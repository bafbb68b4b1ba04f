"""Who asks, as its NAS calls it.

Knows: which words of a request tell one endpoint from another. Refuses to know: limits.
"""

from __future__ import annotations

from typing import TypeAlias

from nacd.values import AccessRequest

Endpoint: TypeAlias = tuple[str, ...]
NO_ENDPOINT: Endpoint = ()


def endpoint_of(request: AccessRequest) -> Endpoint:
    """The endpoint behind this request; ``NO_ENDPOINT`` when the NAS does not name it, or nothing ties the name down.

    A name can be borrowed, so only a port of its own makes it an endpoint's: what somebody does by air, or through
    another port, must not be held against its owner.
    """
    port, station = request.port, request.station
    return (*port, station) if port and station else NO_ENDPOINT
