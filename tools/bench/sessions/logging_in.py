"""Endpoints that log in by MAB, quickly, before anything is measured.

Knows: requests and the Class of their Accepts. Refuses to know: what is done with the sessions.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Final

from tools.bench import radius, site
from tools.bench.cases import WrongAnswerError
from tools.bench.servers.server import Server
from tools.bench.sessions import records
from tools.bench.sessions.records import Station

_UNDER_WAY: Final = 32
_PATIENCE_S: Final = 10.0


def log_in(server: Server, numbers: Iterable[int]) -> list[Station]:
    """Those that are accepted, in order. Raises WrongAnswerError if one is not."""
    found: list[Station] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_PATIENCE_S)
        sock.connect(("127.0.0.1", server.auth_port))
        left = list(numbers)
        for first in range(0, len(left), _UNDER_WAY):
            found += _together(sock, server, left[first : first + _UNDER_WAY])
    return found


def _together(sock: socket.socket, server: Server, numbers: list[int]) -> list[Station]:
    asked: dict[int, tuple[int, bytes]] = {}
    for identifier, number in enumerate(numbers):
        request = radius.mab_request(identifier, records.mac(number), site.SECRET)
        asked[identifier] = (number, request[4:20])
        sock.send(request)
    stations = []
    while asked:
        try:
            answer = sock.recv(4096)
        except TimeoutError as error:
            raise WrongAnswerError(f"{server.name}: {len(asked)} logins without an answer") from error
        number, authenticator = asked.pop(answer[1], (0, b""))
        if answer[0] != radius.ACCESS_ACCEPT or not radius.is_genuine(answer, authenticator, site.SECRET):
            raise WrongAnswerError(f"{server.name}: a login was answered with code {answer[0]}")
        classes = tuple(value for code, value in radius.attributes(answer) if code == records.CLASS)
        stations.append(Station(number=number, mac=records.mac(number), classes=classes))
    return sorted(stations, key=lambda station: station.number)
