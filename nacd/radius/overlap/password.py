"""Which of two secrets hid a password, where nothing is signed.

Knows: what a User-Password looks like when it is unhidden with the right secret. Refuses to know: whether the password
is right, and which secret counts when it tells nothing (``admission``).

Theory. Unhidden with the wrong secret each block is sixteen octets of chance (RFC 2865 section 5.2). The right one
shows text without control characters and, behind it, zeros to the end of its block. Chance looks like that once in ten
million blocks. What is told so far chooses who signs the answer and nothing else: the password is judged afterwards.
"""

from __future__ import annotations

from typing import Final

from nacd.errors import BadValue
from nacd.radius.authenticators import unhide_password
from nacd.radius.packet import Packet

USER_PASSWORD: Final = 2
_BLOCK: Final = 16


def hidden_with(packet: Packet, secret: bytes, other: bytes) -> bytes:
    """That of the two secrets which hid this request's one User-Password; ``b""`` when that cannot be told."""
    hidden = packet.all(USER_PASSWORD)
    if len(hidden) != 1:
        return b""
    fits = [each for each in (secret, other) if _is_text(hidden[0], packet.authenticator, each)]
    return fits[0] if len(fits) == 1 else b""


def _is_text(hidden: bytes, authenticator: bytes, secret: bytes) -> bool:
    try:
        clear = unhide_password(hidden, authenticator, secret)
    except BadValue:
        return False
    # A whole block of padding is none: nobody sends it, but for a password that is empty.
    if len(hidden) - len(clear) >= _BLOCK and len(hidden) > _BLOCK:
        return False
    try:
        return clear.decode().isprintable()
    except UnicodeDecodeError:
        return False
