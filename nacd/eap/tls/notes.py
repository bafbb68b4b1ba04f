"""What OpenSSL tells while it verifies a peer: its first complaint about a chain, and alerts.

Knows: OpenSSL's callbacks. Refuses to know: what a complaint means (``failures``), and whether it matters: the one gate
to trust is in ``tls_engine``.

OpenSSL calls thirty times a login. pyOpenSSL's own wrappers look the connection up and copy the certificate each time,
before they ask whether anybody wants to know; these look first whether there is something to tell.
"""

from __future__ import annotations

from OpenSSL import SSL, crypto
from OpenSSL._util import ffi as _ffi
from OpenSSL._util import lib as _lib

NO_ALERT = -1


class Notes:
    """What OpenSSL's callbacks tell about one connection. Holds no reference to it."""

    __slots__ = ("depth", "error", "peer_alert", "refused", "sent_alert")

    def __init__(self) -> None:
        self.error = 0
        self.depth = 0
        self.refused: list[crypto.X509] = []
        self.peer_alert = NO_ALERT
        self.sent_alert = NO_ALERT


def _note_verification(ok: int, store: object) -> int:
    """Write down OpenSSL's first complaint about a chain, and repeat its verdict: never anything but ``ok``, for true
    would clear a complaint and accept. Called for each certificate; without a complaint there is nothing to look at."""
    if ok:
        return ok
    index = _lib.SSL_get_ex_data_X509_STORE_CTX_idx()
    notes = _notes_of(_lib.X509_STORE_CTX_get_ex_data(store, index))
    if not notes.refused:
        notes.error = _lib.X509_STORE_CTX_get_error(store)
        notes.depth = _lib.X509_STORE_CTX_get_error_depth(store)
        certificate = _lib.X509_STORE_CTX_get_current_cert(store)
        _lib.X509_up_ref(certificate)  # one reference is OpenSSL's, one ours
        notes.refused.append(crypto.X509._from_raw_x509_ptr(certificate))
    return ok


def _note_alert(ssl: object, where: int, value: int) -> None:
    """Write down an alert; the other steps of a handshake, of which each is told, are nothing to us."""
    if not where & SSL.SSL_CB_ALERT:
        return
    notes = _notes_of(ssl)
    if where & SSL.SSL_CB_READ:
        notes.peer_alert = value & 0xFF
    else:
        notes.sent_alert = value & 0xFF


def _notes_of(ssl: object) -> Notes:
    notes: Notes = SSL.Connection._reverse_mapping[ssl].get_app_data()
    return notes


# Should one raise, OpenSSL hears 0: refused. The text goes to standard error.
_ON_VERIFICATION = _ffi.callback("int (*)(int, X509_STORE_CTX *)", _note_verification, error=0)
_ON_STEP = _ffi.callback("void (*)(const SSL *, int, int)", _note_alert)


def demand_certificate(context: SSL.Context) -> None:
    """Connections of this context fail without a peer's certificate that OpenSSL verifies. Each needs ``Notes`` of its
    own as its app data before its handshake begins."""
    required = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
    _lib.SSL_CTX_set_verify(context._context, required, _ON_VERIFICATION)
    _lib.SSL_CTX_set_info_callback(context._context, _ON_STEP)
