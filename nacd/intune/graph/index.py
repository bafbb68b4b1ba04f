"""Which device has this Wi-Fi address or this Entra id: a table in memory, a few octets a device. Pure.

Knows: how to keep two million pairs small, and how fresh a table must be before its silence means something.
Refuses to know: where rows come from, compliance (a table maps to Intune ids, and those are asked about live).
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from nacd.errors import SourceError
from nacd.intune.graph.answers import ManagedDevice

MOST_ASKED = 5
"""More devices than these behind one address are not asked one by one."""
_BUCKETS = 16_384
_ID_OCTETS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """rows: the most devices that are kept. The rest are seconds.

    listed_again_s: from one full listing to the next; a large tenant's takes half an hour, and must be over before
    allowed_age_s is. refreshed_again_s: from one look at what checked in to the next. allowed_age_s: how old the
    full listing may be for a missing address to mean `not managed`. allowed_silence_s: how long ago the last look
    may be for the same, because what enrolled since then is not in the table. retry_s: after a failed listing,
    doubled each time up to a quarter of an hour.
    """

    rows: int = 2_000_000
    listed_again_s: float = 22 * 3600.0
    refreshed_again_s: float = 300.0
    allowed_age_s: float = 24 * 3600.0 + 300.0
    allowed_silence_s: float = 3600.0
    retry_s: float = 15.0

    def __post_init__(self) -> None:
        ages = (self.listed_again_s, self.refreshed_again_s, self.allowed_age_s, self.allowed_silence_s, self.retry_s)
        if self.rows < 1 or min(ages) <= 0:
            raise ValueError("an index needs room for a row and positive times")


class PairTable:
    """Keys and Intune ids as octets of fixed length: some 25 octets a MAC, not two hundred as in a dict.

    Pairs lie one behind the other in some thousand buckets, found by a search through one bucket (some three
    microseconds in a table of two million). Not locked: one writer and many readers share it under a lock.
    """

    def __init__(self, key_octets: int) -> None:
        self._key = key_octets
        self._pair = key_octets + _ID_OCTETS
        self._buckets = [bytearray() for _ in range(_BUCKETS)]
        self._pairs = 0

    def __len__(self) -> int:
        return self._pairs

    def add(self, key: bytes, intune_id: bytes) -> bool:
        """Keep a pair; False when it is there already, or the key has more ids than are asked about."""
        known = self.find(key)
        if intune_id in known or len(known) > MOST_ASKED:
            return False
        self._bucket(key).extend(key + intune_id)
        self._pairs += 1
        return True

    def find(self, key: bytes) -> tuple[bytes, ...]:
        """The ids of this key, in the order they came; one more than are asked about says `too many`."""
        bucket, found = self._bucket(key), list[bytes]()
        at = bucket.find(key)
        while at >= 0 and len(found) <= MOST_ASKED:
            begin = at - at % self._pair
            if begin == at:
                found.append(bytes(bucket[at + self._key : at + self._pair]))
            at = bucket.find(key, at + 1)
        return tuple(found)

    def _bucket(self, key: bytes) -> bytearray:
        return self._buckets[crc32(key) % _BUCKETS]


class DeviceIndex:
    """The tables of one tenant. Not locked."""

    def __init__(self, options: IndexOptions) -> None:
        self._options = options
        self._macs = PairTable(6)
        self._entra = PairTable(16)

    @property
    def macs(self) -> int:
        """Pairs of a Wi-Fi address and a device."""
        return len(self._macs)

    @property
    def entra_ids(self) -> int:
        """Pairs of an Entra id and a device."""
        return len(self._entra)

    def add(self, rows: Iterable[ManagedDevice]) -> None:
        """Keep what these rows tell. What a device no longer has stays; asking about the device live shows it.

        Raises SourceError when the table is full.
        """
        for row in rows:
            intune_id = UUID(row.intune_id).bytes
            if row.wifi_mac:
                self._macs.add(bytes.fromhex(row.wifi_mac), intune_id)
            if row.entra_id:
                self._entra.add(UUID(row.entra_id).bytes, intune_id)
        if max(len(self._macs), len(self._entra)) > self._options.rows:
            raise SourceError(f"the tenant has more devices than the index holds ({self._options.rows})")

    def by_mac(self, hex12: str) -> tuple[str, ...]:
        """Intune ids of the devices that were listed with this Wi-Fi address (12 hex digits)."""
        return tuple(str(UUID(bytes=octets)) for octets in self._macs.find(bytes.fromhex(hex12)))

    def by_entra(self, guid: str) -> tuple[str, ...]:
        """Intune ids of the devices that were listed with this Entra id."""
        return tuple(str(UUID(bytes=octets)) for octets in self._entra.find(UUID(guid).bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """When an index was made, in monotonic seconds. listed_at: its full listing began; refreshed_at: the last look
    at what checked in, or the listing itself, began."""

    listed_at: float
    refreshed_at: float

    def doubt(self, options: IndexOptions, now: float) -> str:
        """Why a missing address means nothing, ``""`` if it means `not managed`."""
        if now - self.listed_at > options.allowed_age_s:
            return f"the list of devices is {_hours(now - self.listed_at)} old"
        if now - self.refreshed_at > options.allowed_silence_s:
            return f"devices enrolled in the last {_hours(now - self.refreshed_at)} are not in the list yet"
        return ""


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
