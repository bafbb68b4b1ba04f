"""What a NAS sends back to a CoA-Request or Disconnect-Request, right or wrong on purpose.

Knows: how each answer is written, by pyrad, and bent by hand afterwards. Refuses to know: sockets and sessions.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pyrad.packet import CoAPacket

from nacd.sim.das.heard import Heard
from nacd.sim.nas_reply import MESSAGE_AUTHENTICATOR, dictionary, walk

EVENT_TIMESTAMP, ERROR_CAUSE = 55, 101


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. nak: instead of the ACK; cause: its Error-Cause, 0 = none. after_s: how late. copies: how often.

    silent_tries: so many transmissions of a request go unanswered first. elsewhere: from another port than was asked.
    timestamp_off_s: its Event-Timestamp, so far from now; None: it has none. code: another code than ACK or NAK.
    cut: only so many octets of it are sent, 0 = all.
    """

    nak: bool = False
    cause: int = 0
    after_s: float = 0.0
    copies: int = 1
    silent_tries: int = 0
    elsewhere: bool = False
    authenticator: Literal["right", "wrong"] = "right"
    message_authenticator: Literal["first", "last", "absent", "wrong"] = "first"
    timestamp_off_s: int | None = None
    code: int = 0
    cut: int = 0

    def octets(self, heard: Heard, secret: bytes, now: float) -> bytes:
        """It as it goes out. now: seconds since the epoch."""
        request = CoAPacket(packet=heard.octets, secret=secret, dict=dictionary())
        packet = request.CreateReply()
        packet.code = self.code or packet.code + self.nak
        if self.message_authenticator in ("first", "wrong"):
            packet.add_message_authenticator()
        if self.timestamp_off_s is not None:
            packet[EVENT_TIMESTAMP] = [(int(now) + self.timestamp_off_s).to_bytes(4)]
        if self.cause:
            packet[ERROR_CAUSE] = [self.cause.to_bytes(4)]
        if self.message_authenticator == "last":
            packet[MESSAGE_AUTHENTICATOR] = [bytes(16)]
            packet.message_authenticator = True
        octets = bytes(packet.ReplyPacket())
        if self.message_authenticator == "wrong":
            octets = _missigned(octets, heard.octets[4:20], secret)
        if self.authenticator == "wrong":
            octets = _bent(octets, 4)
        return octets[: self.cut] if self.cut else octets


def _missigned(octets: bytes, request_authenticator: bytes, secret: bytes) -> bytes:
    """A wrong Message-Authenticator under a right Response Authenticator."""
    (at,) = [at for at, number, _ in walk(octets) if number == MESSAGE_AUTHENTICATOR]
    octets = _bent(octets, at + 2)
    right = hashlib.md5(octets[:4] + request_authenticator + octets[20:] + secret, usedforsecurity=False).digest()
    return octets[:4] + right + octets[20:]


def _bent(octets: bytes, at: int) -> bytes:
    return octets[:at] + bytes((octets[at] ^ 0xFF,)) + octets[at + 1 :]


ACK = Answer()
BARE_ACK = Answer(message_authenticator="absent")
"""Twenty octets and nothing in them."""
BARE_NAK = Answer(nak=True, message_authenticator="absent")
SILENCE: tuple[Answer, ...] = ()


def nak(cause: int) -> Answer:
    """A refusal with this Error-Cause."""
    return Answer(nak=True, cause=cause)


Answers: TypeAlias = Answer | Sequence[Answer]
Script: TypeAlias = Callable[[Heard], Sequence[Answer]]
"""Every answer to a request, asked once for each request and not again for its repetitions."""


def always(*answers: Answer) -> Script:
    """The same to every request; with no answer at all, silence."""
    return lambda _heard: answers


def one_by_one(*answers: Answers) -> Script:
    """To the first request the first, and so on; the last one to all that follow."""
    given = [(one,) if isinstance(one, Answer) else tuple(one) for one in answers]
    lock, count = threading.Lock(), 0

    def following(_heard: Heard) -> Sequence[Answer]:
        nonlocal count
        with lock:
            count += 1
            return given[min(count, len(given)) - 1]

    return following
