"""Fair shares of something scarce: how much of it one NAS and one port hold at a time.

Knows: counts. Refuses to know: what is shared.
"""

from __future__ import annotations

from nacd.values import NO_PORT, Port


class Shares:
    """per_nas, per_port: what each may hold at once."""

    def __init__(self, *, per_nas: int, per_port: int) -> None:
        if per_nas < 1 or per_port < 1:
            raise ValueError("a share is at least one")
        self._per_nas = per_nas
        self._per_port = per_port
        self._held: dict[Port, int] = {}

    def __len__(self) -> int:
        """NASes and ports that hold something."""
        return len(self._held)

    def take(self, nas: str, port: Port) -> str:
        """One more for this NAS and port: ``""``, or ``nas`` or ``port`` for whose share is used up."""
        if self._held.get((nas,), 0) >= self._per_nas:
            return "nas"
        if port != NO_PORT and self._held.get(port, 0) >= self._per_port:
            return "port"
        for holder in self._holders(nas, port):
            self._held[holder] = self._held.get(holder, 0) + 1
        return ""

    def give_back(self, nas: str, port: Port) -> None:
        """One less, as it was taken."""
        for holder in self._holders(nas, port):
            left = self._held[holder] - 1
            if left:
                self._held[holder] = left
            else:
                del self._held[holder]

    def _holders(self, nas: str, port: Port) -> tuple[Port, ...]:
        return ((nas,), port) if port != NO_PORT else ((nas,),)
