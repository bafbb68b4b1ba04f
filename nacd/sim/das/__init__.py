"""A simulated NAS's other ear: its Dynamic Authorization Server (RFC 5176), and a switch with sessions behind it."""

from nacd.sim.das.answers import ACK, BARE_ACK, BARE_NAK, SILENCE, Answer, Script, always, nak, one_by_one
from nacd.sim.das.heard import Heard
from nacd.sim.das.listener import Das
from nacd.sim.das.switch import Endpoint, Session, Switch

__all__ = [
    "ACK",
    "BARE_ACK",
    "BARE_NAK",
    "SILENCE",
    "Answer",
    "Das",
    "Endpoint",
    "Heard",
    "Script",
    "Session",
    "Switch",
    "always",
    "nak",
    "one_by_one",
]
