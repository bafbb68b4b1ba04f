"""One question to the simulated Microsoft and one answer, taken apart.

Knows: the fields and how JSON becomes an answer. Refuses to know: what is asked and answered.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from nacd.sim.microsoft.answers import JSON_TYPE, Json, as_octets


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request. origin: ``https://host:port`` of the listener it came to. body: the octets of a POST."""

    method: str
    path: str
    query: dict[str, str]
    authorization: str
    body: bytes
    origin: str
    service: str
    kind: str
    value: str

    @property
    def verb(self) -> str:
        """What a device action is to do, ``""`` for any other question."""
        return self.path.rpartition("/")[2].rpartition(".")[2] if self.kind == "action" else ""

    def json_body(self) -> dict[str, object] | None:
        """The JSON object in the body, empty without a body, None for anything else."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer. status 0: no answer, the connection is cut. said: for the history (``Seen``)."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    drip_ms: int = 0
    said: str = ""


def json_answer(status: int, body: Json, said: str = "") -> Answer:
    """An answer in JSON."""
    return Answer(status=status, body=as_octets(body), said=said)
