"""What is counted of answers when they leave.

Knows: three numbers. Refuses to know: what an answer says.
"""

from __future__ import annotations

from typing import Final

from nacd.server.metrics.requests.histogram import LONG, SHORT, Histogram


class Leaving:
    """For one event loop. unrecorded: answers whose record was lost, whatever was sent then.

    whole: from the request's arrival to its final answer. leaving: to record and send one slice of work.
    """

    __slots__ = ("leaving", "unrecorded", "whole")

    def __init__(self) -> None:
        self.whole: Final = Histogram(LONG)
        self.leaving: Final = Histogram(SHORT)
        self.unrecorded = 0
