"""Syslog over TCP and TLS, with the one acknowledgement that there is.

Knows: RFC 5425 and RFC 6587, and when everything that was written has been read. Refuses to know: what is in a message.

Theory: syslog has no answers, and a write that succeeds says that octets are in a buffer. But a far end that closes a
connection with octets unread makes its kernel send a reset; one that has read all sends the ordinary end. So now and
then a new connection is opened, the old one is ended by us, and its end from the other side is waited for: if that
comes, the collector has read everything, and only then does the destination's place move. What the collector
still had in its memory when it died is not covered by that: what was confirmed a short time ago (``resend``) is sent
again when a connection breaks. Both make duplicates, which carry the same ``seq``; neither loses anything that this
side can know of.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from nacd.audit.mapping import syslog
from nacd.audit.mapping.syslog import Shape
from nacd.config.sections.audit.forwarding import Destination
from nacd.errors import SourceError
from nacd.intune.bounded import connect, limit
from nacd.intune.presented import Onlooker
from nacd.keeper.forward.cursor import Place
from nacd.keeper.forward.doors.door import Event, Trouble, context_of

_PIECE: Final = 64 * 1024
_MOST_UNCONFIRMED: Final = 50_000
"""Events: what a break makes be sent again stays bounded."""
_PROVE_S: Final = 1.0
"""After trouble the first confirmation comes this soon: only that proves that the trouble is over."""
_NOTIFY_S: Final = 1.0


class Stream:
    """One connection at a time; two while one takes over from the other."""

    def __init__(
        self, destination: Destination, shape: Shape, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._to = destination
        self._shape = shape
        self._monotonic = monotonic
        self._timeout_s = destination.timeout.total_seconds()
        self._confirm_s = destination.syslog.confirm.total_seconds()
        self._resend_s = destination.syslog.resend.total_seconds()
        self._encrypted = destination.scheme == "syslog+tls"
        counted = self._encrypted or destination.syslog.framing == "octets"
        self._frame = syslog.counted if counted else syslog.line
        self._context: ssl.SSLContext | None = None
        self._onlooker = Onlooker()
        self._connection: socket.socket | None = None
        self._marked: Place | None = None
        self._unconfirmed = 0
        self._since = 0.0
        self._confirmed_at = -1e9
        self._confirmed: deque[tuple[float, Place]] = deque()
        self._doubted = True

    def send(self, events: Sequence[Event]) -> None:
        """Write them. Raises Trouble: nothing is known then of what was not settled."""
        octets = b"".join([self._frame(syslog.message(self._shape, event.record, event.octets)) for event in events])
        connection = self._watched() or self._connect()
        self._connection = connection
        view = memoryview(octets)
        try:
            for at in range(0, len(view), _PIECE):
                with limit(time.monotonic() + self._timeout_s):
                    connection.sendall(view[at : at + _PIECE])
        except (OSError, ValueError) as trouble:
            raise self._trouble(trouble) from trouble
        if not self._unconfirmed:
            self._since = self._monotonic()
        self._unconfirmed += len(events)
        self._marked = events[-1].place

    def passed(self, place: Place) -> None:
        """Without anything unconfirmed, this is as sure as what was confirmed last."""
        self._marked = place
        if not self._unconfirmed:
            if self._confirmed and self._confirmed[-1][0] == self._confirmed_at:
                self._confirmed.pop()
            self._confirmed.append((self._confirmed_at, place))

    def settled(self) -> Place | None:
        found = None
        while self._confirmed and self._confirmed[0][0] + self._resend_s <= self._monotonic():
            found = self._confirmed.popleft()[1]
        return found

    def sound(self) -> bool:
        return not self._doubted

    def tend(self) -> None:
        """Look whether the connection stands, and confirm when it is time."""
        self._watched()
        if not self._unconfirmed:
            return
        patience_s = min(_PROVE_S, self._confirm_s) if self._doubted else self._confirm_s
        if self._monotonic() - self._since >= patience_s or self._unconfirmed >= _MOST_UNCONFIRMED:
            self.confirm()

    def confirm(self) -> None:
        """Wait until everything that was written has been read. Raises Trouble."""
        old, marked = self._connection, self._marked
        if old is None or marked is None:
            return
        self._connection = None
        try:
            self._connection = self._connect()
            self._finish(old)
        finally:
            old.close()
        self._doubted = False
        self._unconfirmed = 0
        self._confirmed_at = self._monotonic()
        self._confirmed.append((self._confirmed_at, marked))

    def forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
        self._marked, self._unconfirmed, self._doubted = None, 0, True
        self._confirmed.clear()
        self._confirmed_at = -1e9

    def close(self) -> None:
        """What is not settled by now is sent again after the next start."""
        with contextlib.suppress(Trouble):
            if self._connection is not None:
                self._finish(self._connection)
        self.forget()

    # -- the connection ------------------------------------------------------------------------------

    def _connect(self) -> socket.socket:
        host, until = self._to.host, time.monotonic() + self._timeout_s
        if self._encrypted and self._context is None:
            self._context = context_of(self._to)
        try:
            with limit(until):
                raw = connect(host, self._to.port)
                try:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self._timeout_s * 3_000))
                    if self._context is None:
                        return raw
                    return self._context.wrap_socket(raw, server_hostname=host)
                except BaseException:
                    raw.close()
                    raise
        except ssl.SSLCertVerificationError as untrusted:
            seen = self._onlooker.look(host, self._to.port, time.monotonic() + self._timeout_s)
            words = f"the certificate of `{host}` is not trusted: {untrusted.verify_message}; {seen.words()}"
            raise Trouble(words) from untrusted
        except SourceError as trouble:
            raise Trouble(trouble.detail) from trouble
        except OSError as trouble:
            raise self._trouble(trouble) from trouble

    def _watched(self) -> socket.socket | None:
        """The connection, if it stands. Raises Trouble if it stood and was ended by the far end."""
        connection = self._connection
        if connection is None:
            return None
        try:
            while select.select([connection], [], [], 0)[0]:
                connection.settimeout(0)
                if not connection.recv(4_096):
                    raise Trouble(f"`{self._to.host}` has ended the connection")
        except (ssl.SSLWantReadError, BlockingIOError):
            return connection  # a session ticket, and nothing behind it
        except (OSError, ValueError) as trouble:
            raise self._trouble(trouble) from trouble
        return connection

    def _finish(self, connection: socket.socket) -> None:
        """End it from our side, and wait for the ordinary end from the other. Raises Trouble."""
        until = time.monotonic() + self._timeout_s
        try:
            if isinstance(connection, ssl.SSLSocket):
                connection.settimeout(_NOTIFY_S)
                with contextlib.suppress(TimeoutError, ssl.SSLError):
                    connection.unwrap()
            connection.shutdown(socket.SHUT_WR)
            while (left := until - time.monotonic()) > 0:
                connection.settimeout(left)
                if not connection.recv(65_536):
                    return
        except TimeoutError:
            pass  # said below
        except (OSError, ValueError) as trouble:
            raise self._trouble(trouble) from trouble
        raise Trouble(f"`{self._to.host}` does not end the connection: it has not read everything yet")

    def _trouble(self, trouble: Exception) -> Trouble:
        return Trouble(words_of(trouble, self._to.host))


def words_of(trouble: Exception, host: str) -> str:
    """What went wrong with a connection."""
    if isinstance(trouble, TimeoutError):
        return f"`{host}` does not answer, or does not read, in time"
    if isinstance(trouble, ssl.SSLError):
        return f"tls with `{host}` failed: {(trouble.reason or 'protocol error').lower().replace('_', ' ')}"
    if isinstance(trouble, ConnectionRefusedError):
        return f"`{host}` refuses the connection"
    if isinstance(trouble, ConnectionResetError | BrokenPipeError):
        return f"`{host}` has cut the connection"
    if isinstance(trouble, OSError) and trouble.strerror:
        return f"the connection to `{host}` failed: {trouble.strerror.lower()}"
    return f"the connection to `{host}` failed: {type(trouble).__name__}"
