"""What every way out has in common: what goes through it, what it promises, how it fails.

Knows: the words for that. Refuses to know: any protocol.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from nacd.audit.mapping.record import Record
from nacd.config.sections.audit.forwarding import Destination
from nacd.errors import NacdError
from nacd.intune.bounded import tls_context
from nacd.keeper.forward.cursor import Place


class Trouble(NacdError):
    """The destination takes nothing now; the text says why. wait_s: it asked to be left alone for so long, 0 if not."""

    def __init__(self, words: str, wait_s: float = 0.0) -> None:
        super().__init__(words)
        self.wait_s = wait_s


class Refused(NacdError):
    """It does not want these events; others it may want."""


class Event(NamedTuple):
    """What is sent. octets: one line, in the destination's format. place: behind the record."""

    octets: bytes
    record: Record
    place: Place


class Door(Protocol):
    """A way to one destination. For one thread."""

    def send(self, events: Sequence[Event]) -> None:
        """Hand these over, in this order. Raises Trouble (some may have been taken), Refused (none was)."""

    def passed(self, place: Place) -> None:
        """Everything up to here was handed over, or is not for this destination."""

    def settled(self) -> Place | None:
        """Up to where nothing will be sent again; None if nothing is new since it was asked."""

    def sound(self) -> bool:
        """Whether it is known that the destination takes events, since the last trouble."""

    def tend(self) -> None:
        """What is to be done now and then. Raises Trouble."""

    def forget(self) -> None:
        """Drop the connection, and everything that is not settled."""

    def close(self) -> None:
        """End in good order, within the time of one step."""


def context_of(destination: Destination) -> ssl.SSLContext:
    """TLS 1.2 or later, with the trust and the certificate that are configured. Raises Trouble."""
    try:
        context = tls_context(str(destination.ca_file or ""))
        if destination.certificate is not None and destination.private_key is not None:
            _show(context, str(destination.certificate), destination.private_key.reveal())
    except (OSError, ValueError) as trouble:
        words = trouble.reason if isinstance(trouble, ssl.SSLError) else getattr(trouble, "strerror", None)
        what = str(words or "damaged, or key and certificate do not belong together").lower().replace("_", " ")
        raise Trouble(f"`ca_file`, `certificate` or `private_key` cannot be used: {what}") from None
    return context


def _show(context: ssl.SSLContext, certificate: str, key: bytes) -> None:
    """The key is in memory alone, and ssl wants a file: one that has no name."""
    held = os.memfd_create("key", os.MFD_CLOEXEC)
    try:
        os.write(held, key)
        context.load_cert_chain(certificate, f"/proc/self/fd/{held}", password=_no_passphrase)
    finally:
        os.close(held)


def _no_passphrase() -> str:
    raise ValueError("the key is encrypted")
