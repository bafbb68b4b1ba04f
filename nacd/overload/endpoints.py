"""Who asks, as its NAS calls it.

Knows: which words of a request tell one endpoint from another. Refuses to know: limits.
"""

from __future__ import annotations

from typing import TypeAlias

from nacd.values import AccessRequest

Endpoint: TypeAlias = tuple[str, ...]
NO_ENDPOINT: Endpoint = ()


def endpoint_of(request: AccessRequest) -> Endpoint:
    """The endpoint behind this request; ``NO_ENDPOINT`` when the NAS does not name it.

    The port belongs to it, the radio where there is no port, and the user where many share an address: what
    somebody else does under a borrowed MAC must not be held against its owner.
    """
    if not request.calling_station_id:
        return NO_ENDPOINT
    user = request.user_name if request.nas_port_type == "Virtual" else ""
    return (request.source, *request.port, request.calling_station_id, request.called_station_id, user)
