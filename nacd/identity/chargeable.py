"""Chargeable-User-Identity: a name for billing and correlation that says nothing about its bearer (RFC 4372).

Knows: how the value is made from an identity and the site's key. Refuses to know: where the key lies
(``store/chargeable_key``), and which answer carries the value (``authorize``).

The same endpoint has the same value after each restart and at each NAS, so that accounting records of its sessions
can be laid together; without the key nobody can work out, or check a guess of, the device behind it.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from nacd.values import Device, Endpoint, Named, Secret

VALUE_LENGTH: Final = 32
"""Hex digits of a value: 128 bits, so that no two endpoints of a site share one by chance."""


def chargeable_user_identity(key: Secret, named: Named, *, user_name: str = "", operator_name: str = "") -> str:
    """The value for one endpoint: ``VALUE_LENGTH`` lower-case hex digits.

    key: 32 octets of this site. user_name: User-Name as sent, for an endpoint that nothing else names.
    operator_name: Operator-Name as sent (RFC 5580 section 4.1): each operator sees values of its own and two cannot
    compare what they hold.
    """
    # The length keeps an operator's name from running into the identity.
    text = f"{len(operator_name)}:{operator_name}{_canonical(named, user_name)}"
    octets = text.encode("utf-8", "surrogatepass")
    return hmac.new(key.reveal(), octets, hashlib.sha256).hexdigest()[:VALUE_LENGTH]


def _canonical(named: Named, user_name: str) -> str:
    """One text for one endpoint, in the order of what names it best."""
    match named.identity:
        case Device(id=device):
            return f"device {device.kind.value} {device.guid}"
        case Endpoint(mac=mac):
            return f"endpoint {mac.text}"
    if named.mac:
        return f"endpoint {named.mac}"
    return f"user {(named.user or user_name).casefold()}"
