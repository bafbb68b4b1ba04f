"""EAP-TLS keys worked out by hand from OpenSSL's key log: a second opinion on the exporter.

Knows: the TLS 1.2 PRF (RFC 5246 section 5), the TLS 1.3 exporter (RFC 8446 section 7.5), and what
EAP-TLS derives with them (RFC 5216 section 2.3, RFC 9190 section 2.3). Refuses to know: TLS itself.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

_EAP_TLS = b"\x0d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """MSK and EMSK of 64 octets each, and the Session-Id of RFC 5247; empty when they are not known."""

    msk: bytes = b""
    emsk: bytes = b""
    session_id: bytes = b""


def keys_from_log(log: str, version: str, cipher: str, received: bytes) -> Keys:
    """Keys of one connection. log: lines of SSLKEYLOGFILE; received: TLS records the server sent.

    Nothing is known (``Keys()``) when the log lacks the line or the ServerHello is not there.
    """
    lines = {words[0]: words for words in (line.split() for line in log.splitlines()) if len(words) == 3}
    hashing = "sha384" if "SHA384" in cipher else "sha256"
    if version == "TLSv1.3":
        words = lines.get("EXPORTER_SECRET")
        if words is None:
            return Keys()
        secret = bytes.fromhex(words[2])
        material = exporter(secret, b"EXPORTER_EAP_TLS_Key_Material", _EAP_TLS, 128, hashing)
        method_id = exporter(secret, b"EXPORTER_EAP_TLS_Method-Id", _EAP_TLS, 64, hashing)
        return Keys(msk=material[:64], emsk=material[64:], session_id=_EAP_TLS + method_id)
    words, server_random = lines.get("CLIENT_RANDOM"), server_random_in(received)
    if words is None or not server_random:
        return Keys()
    randoms = bytes.fromhex(words[1]) + server_random
    material = prf(bytes.fromhex(words[2]), b"client EAP encryption" + randoms, 128, hashing)
    return Keys(msk=material[:64], emsk=material[64:], session_id=_EAP_TLS + randoms)


def prf(secret: bytes, seed: bytes, length: int, hashing: str) -> bytes:
    """P_hash of RFC 5246 section 5; ``seed`` is label and seed together."""
    out, step = b"", seed
    while len(out) < length:
        step = hmac.new(secret, step, hashing).digest()
        out += hmac.new(secret, step + seed, hashing).digest()
    return out[:length]


def exporter(secret: bytes, label: bytes, context: bytes, length: int, hashing: str) -> bytes:
    """RFC 8446 section 7.5, from the exporter_master_secret."""
    size = hashlib.new(hashing).digest_size
    derived = _expand_label(secret, label, hashlib.new(hashing, b"").digest(), size, hashing)
    return _expand_label(derived, b"exporter", hashlib.new(hashing, context).digest(), length, hashing)


def server_random_in(records: bytes) -> bytes:
    """The 32 octets out of a TLS 1.2 ServerHello at the beginning of these records; ``b""`` if there is none."""
    # record header 5, handshake header 4, version 2
    if len(records) < 43 or records[0] != 22 or records[5] != 2:
        return b""
    return records[11:43]


def _expand_label(secret: bytes, label: bytes, context: bytes, length: int, hashing: str) -> bytes:
    """HKDF-Expand-Label, RFC 8446 section 7.1."""
    whole = b"tls13 " + label
    wanted = struct.pack("!HB", length, len(whole)) + whole + struct.pack("!B", len(context)) + context
    out, block, count = b"", b"", 0
    while len(out) < length:
        count += 1
        block = hmac.new(secret, block + wanted + bytes([count]), hashing).digest()
        out += block
    return out[:length]
