"""Ways to break octets: blind ones, and those that know how a format is built.

Knows: attributes of RADIUS, DER, lines of text, TLS records. Refuses to know: what any of it means. All chance
comes from the ``Random`` that is passed in, so the same seed breaks the same things.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias

from tools.fuzz.wire import HEADER, walk

Mutator: TypeAlias = Callable[[bytes, Random], bytes]

_ODD_OCTETS = (0x00, 0x01, 0x02, 0x03, 0x7F, 0x80, 0xC0, 0xED, 0xFE, 0xFF)
_ODD_SIZES = (0, 1, 2, 3, 15, 16, 17, 18, 19, 127, 128, 252, 253)
_NUMBERS = (
    1,
    2,
    3,
    4,
    5,
    6,
    8,
    12,
    24,
    25,
    26,
    30,
    31,
    32,
    33,
    40,
    44,
    60,
    61,
    64,
    66,
    77,
    79,
    80,
    81,
    87,
    89,
    95,
    102,
    126,
    241,
    245,
)


def octets(seed: bytes, chance: Random) -> bytes:
    """One to four blind changes."""
    out = bytearray(seed)
    for _ in range(1 + int(chance.random() ** 3 * 4)):
        _break(out, chance)
    return bytes(out)


def _break(out: bytearray, chance: Random) -> None:
    at = int(chance.random() * len(out)) if out else 0
    match int(chance.random() * 8):
        case 0 if out:
            out[at] ^= 1 << int(chance.random() * 8)
        case 1 if out:
            out[at] = _ODD_OCTETS[int(chance.random() * len(_ODD_OCTETS))]
        case 2 if out:
            out[at] = int(chance.random() * 256)
        case 3 if out:
            out[at] = (out[at] + (1 if chance.random() < 0.5 else -1)) & 0xFF
        case 4:
            out[at:at] = chance.randbytes(1 + int(chance.random() ** 3 * 40))
        case 5 if out:
            del out[at : at + 1 + int(chance.random() ** 3 * 40)]
        case 6 if out:
            size = 1 + int(chance.random() ** 2 * 60)
            to = int(chance.random() * len(out))
            out[to:to] = out[at : at + size]
        case _:
            del out[at:]


def radius(seed: bytes, chance: Random) -> bytes:
    """Change a packet attribute by attribute; its lengths stay right, unless the change is a blind one."""
    pieces = walk(seed)
    if pieces is None or len(seed) < HEADER or chance.random() < 0.12:
        return octets(seed, chance)
    pairs: list[tuple[int, bytes]] = [(piece.number, piece.value) for piece in pieces]
    for _ in range(1 + int(chance.random() ** 3 * 5)):
        _change_pair(pairs, chance)
    head = bytearray(seed[:HEADER])
    if chance.random() < 0.04:
        head[int(chance.random() * 2)] = int(chance.random() * 256)
    body = b"".join(bytes((number, len(value) + 2)) + value for number, value in pairs)
    head[2:4] = (min(HEADER + len(body), 0xFFFF)).to_bytes(2)
    return bytes(head) + body


def _change_pair(pairs: list[tuple[int, bytes]], chance: Random) -> None:
    at = int(chance.random() * len(pairs)) if pairs else 0
    roll = chance.random()
    if not pairs or roll < 0.15:
        number = _NUMBERS[int(chance.random() * len(_NUMBERS))] if chance.random() < 0.8 else 1 + chance.randrange(255)
        pairs.insert(at, (number, _fresh(number, chance)))
    elif roll < 0.55:
        pairs[at] = (pairs[at][0], octets(pairs[at][1], chance)[:253])
    elif roll < 0.65:
        pairs[at] = (pairs[at][0], chance.randbytes(_ODD_SIZES[int(chance.random() * len(_ODD_SIZES))]))
    elif roll < 0.73:
        pairs.insert(int(chance.random() * len(pairs)), pairs[at])
    elif roll < 0.83:
        del pairs[at]
    elif roll < 0.90:
        pairs.append(pairs.pop(at))
    elif roll < 0.95:
        pairs[at] = (_NUMBERS[int(chance.random() * len(_NUMBERS))], pairs[at][1])
    else:
        pairs[at:at] = [pairs[at]] * (1 + int(chance.random() ** 4 * 220))


def _fresh(number: int, chance: Random) -> bytes:
    if number == 26:
        vendor = (9, 311, 3076, 14988, 0)[int(chance.random() * 5)].to_bytes(4)
        inner = chance.randbytes(int(chance.random() * 20))
        kind = (1, 16, 17, 25, 146)[int(chance.random() * 5)]
        return vendor + bytes((kind, (len(inner) + 2 + (chance.random() < 0.2)) & 0xFF)) + inner
    return chance.randbytes(_ODD_SIZES[int(chance.random() * len(_ODD_SIZES))])


def der(seed: bytes, chance: Random) -> bytes:
    """Change one value inside nested DER and mend every length around it; sometimes break a length instead."""
    if chance.random() < 0.15:
        return octets(seed, chance)
    return _der_level(seed, chance, 0)


def issued(seed: bytes, chance: Random) -> bytes:
    """Change a whole certificate, mostly in what it says; its signature is not mended."""
    (whole,) = _der_parts(seed)[:1] or [(0, b"")]
    parts = _der_parts(whole[1])
    if len(parts) != 3 or chance.random() < 0.4:
        return der(seed, chance)
    tbs = certificate(_der_one(*parts[0]), chance)
    return _der_one(whole[0], tbs + b"".join(_der_one(*part) for part in parts[1:]))


def certificate(tbs: bytes, chance: Random) -> bytes:
    """Change what a certificate says (the inner, unsigned part of it), and leave its key and algorithm alone."""
    (whole,) = _der_parts(tbs)[:1] or [(0x30, b"")]
    parts = _der_parts(whole[1])
    if len(parts) < 8 or chance.random() < 0.1:
        return der(tbs, chance)
    for _ in range(1 + int(chance.random() * 2)):
        # version, serial, algorithm, issuer, validity, subject, key, extensions (RFC 5280 section 4.1)
        at = (7, 7, 7, 7, 7, 5, 4, 1)[int(chance.random() * 8)]
        parts[at] = (parts[at][0], _der_level(parts[at][1], chance, 0))
    return _der_one(whole[0], b"".join(_der_one(*part) for part in parts))


def _der_level(level: bytes, chance: Random, depth: int) -> bytes:
    parts = _der_parts(level)
    if not parts:
        return octets(level, chance)
    at = int(chance.random() * len(parts))
    tag, value = parts[at]
    inside = tag & 0x20 or (tag == 0x04 and depth < 12 and chance.random() < 0.7 and _der_parts(value))
    roll = chance.random()
    if inside and roll < 0.85:
        value = _der_level(value, chance, depth + 1)
    elif roll < 0.70:
        value = octets(value, chance)
    elif roll < 0.80:
        tag = chance.randrange(256)
    elif roll < 0.88:
        parts.insert(at, (tag, value))
    elif roll < 0.94 and len(parts) > 1:
        parts.insert(0, parts.pop(at))
        return b"".join(_der_one(*part) for part in parts)
    else:
        del parts[at]
        return b"".join(_der_one(*part) for part in parts)
    parts[at] = (tag, value)
    return b"".join(_der_one(*part) for part in parts)


def _der_parts(level: bytes) -> list[tuple[int, bytes]]:
    """Tag and value of each element; nothing when the octets are no whole DER (lengths up to 65,535)."""
    parts: list[tuple[int, bytes]] = []
    at = 0
    while at < len(level):
        head = level[at : at + 4].ljust(4, b"\0")
        size, start = head[1], at + 2
        if size == 0x81:
            size, start = head[2], at + 3
        elif size == 0x82:
            size, start = (head[2] << 8) | head[3], at + 4
        elif size > 0x7F:
            return []
        if start + size > len(level):
            return []
        parts.append((head[0], level[start : start + size]))
        at = start + size
    return parts


def _der_one(tag: int, value: bytes) -> bytes:
    size = len(value)
    if size < 0x80:
        return bytes((tag, size)) + value
    return (
        bytes((tag, 0x81, size)) + value if size < 0x100 else bytes((tag, 0x82)) + (size & 0xFFFF).to_bytes(2) + value
    )


def text(words: Sequence[bytes]) -> Mutator:
    """A mutator for text that knows ``words``: lines and words change places, odd characters come in."""

    def mutate(seed: bytes, chance: Random) -> bytes:
        out = seed
        for _ in range(1 + int(chance.random() ** 2 * 4)):
            out = _change_text(out, words, chance)
        return out[:20_000]

    return mutate


def _change_text(seed: bytes, words: Sequence[bytes], chance: Random) -> bytes:
    roll = chance.random()
    at = int(chance.random() * (len(seed) + 1))
    if roll < 0.25:
        return octets(seed, chance)
    if roll < 0.50:
        return seed[:at] + words[int(chance.random() * len(words))] + seed[at:]
    if roll < 0.75 and words:
        old, new = words[int(chance.random() * len(words))], words[int(chance.random() * len(words))]
        found = seed.find(old, at)
        found = found if found >= 0 else seed.find(old)
        return seed[:found] + new + seed[found + len(old) :] if found >= 0 else seed[:at] + new + seed[at:]
    lines = seed.splitlines(keepends=True) or [b""]
    one, other = int(chance.random() * len(lines)), int(chance.random() * len(lines))
    if roll < 0.85:
        lines.insert(other, lines[one])
    elif roll < 0.92:
        del lines[one]
    else:
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


# -- TLS ----------------------------------------------------------------------------------------


def tls(flight: bytes, edits: bytes) -> bytes:
    """A flight with each edit of four octets made: operation, place (two octets, as a share of it), value.

    Bit 0x80 of the operation: inside one TLS record, whose length is mended; with 0x40 its handshake message's too.
    """
    for at in range(0, len(edits) - 3, 4):
        operation, place, value = edits[at], int.from_bytes(edits[at + 1 : at + 3]), edits[at + 3]
        if operation & 7 >= 6:
            flight = _reframed(flight, operation & 7, place, value)
        elif operation & 0x80:
            flight = _inside(flight, operation, place, value)
        else:
            flight = _edit(flight, operation & 7, place, value)
    return flight


def _edit(octets: bytes, operation: int, place: int, value: int) -> bytes:
    at = place * len(octets) >> 16
    match operation:
        case 0:
            return octets[:at] + bytes((octets[at] ^ (value or 1),)) + octets[at + 1 :] if octets else b""
        case 1:
            return octets[:at] + bytes((value,)) + octets[at + 1 :]
        case 2:
            return octets[:at] + octets[at + 1 + value % 32 :]
        case 3:
            return octets[:at] + bytes((place & 0xFF,)) * (1 + value % 16) + octets[at:]
        case 4:
            return octets[:at]
        case _:
            return octets[: at + 1 + value % 64] + octets[at:]


def _records(flight: bytes) -> list[tuple[bytes, bytes]]:
    """Header and body of each TLS record (RFC 8446 section 5.1)."""
    found: list[tuple[bytes, bytes]] = []
    at = 0
    while at + 5 <= len(flight):
        size = int.from_bytes(flight[at + 3 : at + 5])
        found.append((flight[at : at + 5], flight[at + 5 : at + 5 + size]))
        at += 5 + size
    return found


def _inside(flight: bytes, operation: int, place: int, value: int) -> bytes:
    records = _records(flight)
    if not records:
        return flight
    chosen = value % len(records)
    head, body = records[chosen]
    body = _edit(body, operation & 7, place, value)
    if operation & 0x40 and head[0] == 22 and len(body) >= 4:
        body = body[:1] + (len(body) - 4).to_bytes(3) + body[4:]
    records[chosen] = (head[:3] + (len(body) & 0xFFFF).to_bytes(2), body)
    return b"".join(one + rest for one, rest in records)


def _reframed(flight: bytes, operation: int, place: int, value: int) -> bytes:
    """6: one record becomes two, which changes nothing that TLS says; 7: an octet of a record's header changes."""
    records = _records(flight)
    if not records:
        return flight
    chosen = value % len(records)
    head, body = records[chosen]
    if operation == 7:
        spot = place % 5
        records[chosen] = (head[:spot] + bytes((place >> 8,)) + head[spot + 1 :], body)
    else:
        at = place * len(body) >> 16
        halves = [(head[:3] + len(half).to_bytes(2), half) for half in (body[:at], body[at:])]
        records[chosen : chosen + 1] = halves
    return b"".join(one + rest for one, rest in records)
