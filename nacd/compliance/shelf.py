"""Where verdicts lie: a million of them in little room, each found at once.

Knows: keys, places, and which place is given up when there is no room. Refuses to know: lifetimes' lengths, which of
two verdicts is newer, clocks.

Theory. An object for each verdict costs a multiple of what it says, and each one is visited by the garbage collector
while a login waits. So a verdict is a row: numbers lie in arrays, words in dictionaries of nothing but texts and
numbers, which the collector leaves alone. Words are shared with all that say the same, and the value that crosses the
wall is made when somebody looks. Room is given up as by a clock hand that goes
round the rows: what is past its time goes, what was looked at or renewed since the hand last came by is spared once,
anything else goes. A step of the hand is cheap and a look costs one octet, where a true order of use would cost two
links and their mending each time.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Final, TypeAlias

from nacd.values import NO_FACTS, Compliance, ComplianceSource, ComplianceState, DeviceFacts

# So many rows are looked at for one that may go, then the next one does: nobody waits for the hand to go all round.
_STEPS: Final = 64
_WORDS_KEPT: Final = 4096

_BETWEEN: Final = "\x1f"  # the unit separator of ASCII: no part of any name

_Manner: TypeAlias = tuple[ComplianceState, ComplianceSource, str]
"""State, source, provider: few, and numbered."""


class Shelf:
    """Rows of verdicts, at most ``capacity``. Times are monotonic seconds; ``gone_before``: what ceased to be fresh by
    then is past its time.

    places: key -> row. fresh_until, epochs: by row. touched: by row, 1 when looked at since the hand came by.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a shelf has room for one at least")
        self._capacity = capacity
        self.places: dict[str, int] = {}
        self.fresh_until = array("d")
        self.epochs = array("q")
        self.touched = bytearray()
        self.evicted_epoch = 0
        """The highest epoch that was given up for want of room."""
        self._keys: dict[int, str] = {}
        self._details: dict[int, str] = {}
        self._told: dict[int, str] = {}
        self._as_of = array("d")
        self._grace_until = array("d")
        self._manner_of = array("H")
        self._manners: list[_Manner] = []
        self._numbers: dict[_Manner, int] = {}
        self._free: list[int] = []
        self._hand = 0
        self._words: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self.places)

    @property
    def rows(self) -> int:
        """How many rows there are, empty ones too."""
        return len(self.touched)

    def put(self, key: str, compliance: Compliance, *, epoch: int, fresh_until: float, gone_before: float) -> int:
        """Lay it in its row, or in a free one, or in one that is given up. Returns the row."""
        row = self.places.get(key)
        if row is None:
            row = self._room(gone_before)
            self.places[key] = row
            self._keys[row] = key
            self.touched[row] = 0
        else:
            self.touched[row] = 1
        self._as_of[row] = compliance.as_of
        self._grace_until[row] = compliance.grace_until
        self.fresh_until[row] = fresh_until
        self.epochs[row] = epoch
        self._manner_of[row] = self._manner(compliance)
        _lay(self._details, row, self._shared(compliance.detail))
        _lay(self._told, row, "" if compliance.device == NO_FACTS else _text(compliance.device))
        return row

    def drop(self, key: str) -> None:
        """Empty the row of this key."""
        row = self.places.pop(key)
        self._empty(row)
        self._free.append(row)

    def key(self, row: int) -> str:
        """Whose row it is, ``""`` when it is empty."""
        return self._keys.get(row, "")

    def state(self, row: int) -> ComplianceState:
        """What is said there."""
        return self._manners[self._manner_of[row]][0]

    def source(self, row: int) -> ComplianceSource:
        """How it came here."""
        return self._manners[self._manner_of[row]][1]

    def as_of(self, row: int) -> float:
        """Its date, wall seconds."""
        return self._as_of[row]

    def compliance(self, row: int, source: ComplianceSource) -> Compliance:
        """The value in this row, with this source in place of the one it came with."""
        state, _, provider = self._manners[self._manner_of[row]]
        told = self._told.get(row)
        return Compliance(
            state=state,
            as_of=self._as_of[row],
            source=source,
            detail=self._details.get(row, ""),
            provider=provider,
            grace_until=self._grace_until[row],
            device=_facts(told) if told else NO_FACTS,
        )

    def _room(self, gone_before: float) -> int:
        if self._free:
            return self._free.pop()
        if self.rows < self._capacity:
            self.touched.append(0)
            for column in (self._as_of, self._grace_until, self.fresh_until):
                column.append(0.0)
            self.epochs.append(0)
            self._manner_of.append(0)
            return self.rows - 1
        return self._given_up(gone_before)

    def _given_up(self, gone_before: float) -> int:
        row = self._hand
        for _ in range(_STEPS):
            if self.fresh_until[row] <= gone_before or not self.touched[row]:
                break
            self.touched[row] = 0
            row = (row + 1) % self._capacity
        if self.fresh_until[row] > gone_before:
            self.evicted_epoch = max(self.evicted_epoch, self.epochs[row])
        self._hand = (row + 1) % self._capacity
        del self.places[self._keys[row]]
        self._empty(row)
        return row

    def _empty(self, row: int) -> None:
        del self._keys[row]
        self._details.pop(row, None)
        self._told.pop(row, None)

    def _manner(self, compliance: Compliance) -> int:
        manner = (compliance.state, compliance.source, compliance.provider)
        number = self._numbers.get(manner)
        if number is None:
            number = self._numbers[manner] = len(self._manners)
            self._manners.append(manner)
        return number

    def _shared(self, text: str) -> str:
        if len(self._words) >= _WORDS_KEPT:
            self._words.clear()
        return self._words.setdefault(text, text)


def _lay(texts: dict[int, str], row: int, text: str) -> None:
    if text:
        texts[row] = text
    else:
        texts.pop(row, None)


def _text(facts: DeviceFacts) -> str:
    """One text for all of it: six would cost three times the room."""
    words = [facts.name, facts.operating_system, facts.os_version, facts.owner, facts.user, repr(facts.last_sync)]
    groups = _groups_text(facts)
    if any(groups):  # most policies ask about none
        words += groups
    # Users name devices: a separator of ours in a name must not make it two.
    return _BETWEEN.join([word.replace(_BETWEEN, " ") for word in words])


def _groups_text(facts: DeviceFacts) -> tuple[str, str, str]:
    """Ids have no blanks."""
    return " ".join(facts.in_groups), " ".join(facts.outside_groups), facts.groups_doubt


def _facts(text: str) -> DeviceFacts:
    name, operating_system, os_version, owner, user, last_sync, *groups = text.split(_BETWEEN)
    facts = DeviceFacts(
        name=name,
        operating_system=operating_system,
        os_version=os_version,
        owner=owner,
        user=user,
        last_sync=float(last_sync),
    )
    if not groups:
        return facts
    inside, outside, doubt = groups
    return replace(facts, in_groups=tuple(inside.split()), outside_groups=tuple(outside.split()), groups_doubt=doubt)
