"""The words that requests are counted by: all of them stand in code, none comes out of a packet.

Knows: the words, and which event stands for which outcome. Refuses to know: who counts.

A series that begins with its first event hides that event from ``rate``. So what can happen begins at 0, which needs
the words to be known beforehand; tests hold them against the places that say them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from nacd.values import AccessKind

OUTCOMES: Final = (
    "accept",
    "reject",
    "challenge",
    "managed",
    "monitored",
    "list",
    "held_back",
    "probe",
    "none",
)
(ACCEPT, REJECT, CHALLENGE, MANAGED, MONITORED, LIST, HELD_BACK, PROBE, NONE) = range(len(OUTCOMES))

OF_EVENT: Final = MappingProxyType(
    {
        "A1001I": ACCEPT,
        "A1002I": REJECT,
        "A1003W": REJECT,
        "A1004W": REJECT,
        "A1005E": REJECT,
        "A1006I": LIST,
        "A1007W": MONITORED,
        "A1008W": MANAGED,
    }
)
"""An answer's outcome by the code of its record."""
EAP_FAILED: Final = "A1003W"

UNKNOWN: Final = "unknown"
"""The access kind of what was answered before it could be told."""
KINDS: Final = (*(kind.value for kind in AccessKind), UNKNOWN)

_EAP_CODES = """
    bad_signature bad_tls ca_wrong_eku certificate_expired certificate_not_yet_valid certificate_refused
    certificate_revoked conversation_unknown invalid_eap md5_mac_mismatch md5_wrong_password method_refused
    name_constraints no_client_certificate no_shared_cipher not_a_ca overloaded path_too_long peer_silent proof_failed
    protocol_fault server_certificate_expired server_distrusted supplicant_alert supplicant_cancelled too_many_rounds
    unknown_ca unknown_extension unreadable_certificate version_mismatch weak_key weak_signature wrong_eku
    wrong_key_usage
"""
EAP_CODES: Final = tuple(_EAP_CODES.split())
"""Why EAP may fail: ``eap.failure`` of the record `access.eap_failed`."""

_DROPS = """
    accounting_not_recorded accounting_not_stored attribute_zero bad_accounting_authenticator bad_attribute_length
    bad_length bad_message_authenticator challenge_too_long coa_code coa_duplicate coa_event_timestamp
    coa_identifier coa_late coa_malformed coa_message_authenticator coa_no_socket coa_not_sent coa_other_address
    coa_ports_used_up coa_refused coa_response_authenticator coa_unasked duplicate_in_progress eap_discarded
    eap_without_message_authenticator no_message_authenticator no_message_authenticator_probe overload_max_per_nas
    overload_max_requests overload_memory proxy_state_without_message_authenticator repeated_message_authenticator
    stale status_without_message_authenticator stopping superseded too_long too_many_attributes too_short unknown_nas
    wrong_code
"""
DROPS: Final = tuple(_DROPS.split())
"""Why a packet may get no answer: ``packets.reason`` of the record `packets.dropped`."""
