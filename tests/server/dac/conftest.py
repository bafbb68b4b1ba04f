"""The wiretap of the laboratory, for what the sender puts on the wire."""

from tests.peers.conftest import may_capture, tap

__all__ = ["may_capture", "tap"]
