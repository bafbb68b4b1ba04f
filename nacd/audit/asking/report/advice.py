"""What went wrong in EAP, in a few words, and what is to be done about it.

Knows: the reasons that nacd's EAP server gives (``eap.failure``). Refuses to know: the single case: that is told by the
record's ``why``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Advice(NamedTuple):
    """what: what it means. do: the first thing to try."""

    what: str
    do: str


_NEWER: Final = "have it issued anew; the record's `why` says more"
ADVICE: Final[Mapping[str, Advice]] = {
    name: Advice(what, do)
    for name, what, do in (
        ("certificate_expired", "client certificate has expired", "renew it; see why its issuing profile did not"),
        (
            "certificate_not_yet_valid",
            "client certificate is not valid yet",
            "check the clocks of server and CA",
        ),
        (
            "unknown_ca",
            "issued by a CA that is not trusted here",
            "if the CA is yours, add it to eap.client_cas",
        ),
        (
            "bad_signature",
            "signature does not fit its issuer",
            "add the CA that really issued it (renewed?)",
        ),
        ("wrong_eku", "certificate is not for TLS clients", "issue it with clientAuth (1.3.6.1.5.5.7.3.2)"),
        ("ca_wrong_eku", "a CA in the chain may not issue for clients", "use a CA without EKU, or with clientAuth"),
        ("wrong_key_usage", "Key Usage lacks digitalSignature", "issue it with digitalSignature"),
        ("weak_key", "key is too weak or of a kind TLS does not take", "issue it anew with RSA 2048 or P-256"),
        ("weak_signature", "signed with a weak algorithm", "issue it with SHA-256; update TLS or TPM of the device"),
        ("not_a_ca", "issued by something that is no CA", "have it issued by a real CA"),
        ("path_too_long", "chain is longer than allowed", "renew the CA, or list one nearer to the device"),
        ("certificate_revoked", "certificate has been revoked", "find out why it is still on a device"),
        ("unknown_extension", "critical extension that nobody knows", "issue it without, or not marked critical"),
        ("name_constraints", "a name outside its CA's constraints", "issue it with names inside them"),
        ("certificate_refused", "refused by OpenSSL", _NEWER),
        ("unreadable_certificate", "certificate cannot be read", _NEWER),
        (
            "no_client_certificate",
            "device sent no certificate",
            "enroll it; have its network profile pick it",
        ),
        ("proof_failed", "device does not own the private key", "look at its key store or TPM; was the file copied?"),
        (
            "server_distrusted",
            "device does not trust OUR certificate",
            "name our root and server in its profile",
        ),
        (
            "server_certificate_expired",
            "device takes OUR certificate for expired",
            "renew ours, or mend the device's clock",
        ),
        ("supplicant_alert", "device ended it with a TLS alert", "look into the device's own log"),
        ("supplicant_cancelled", "device, or its user, gave up", "none, unless it is frequent at one place"),
        ("version_mismatch", "no common TLS version", "update the device: TLS 1.0 and 1.1 are not spoken"),
        ("no_shared_cipher", "no common cipher, group or signature", "update the device, or widen eap.tls"),
        ("bad_tls", "broken TLS", "look for what changes packets on the way; update the device"),
        ("protocol_fault", "EAP-TLS out of order", "update the device or its NAS"),
        ("method_refused", "device wants another EAP method", "set its network profile to EAP-TLS"),
        ("peer_silent", "device stopped answering", "look for lost packets, and for a prompt nobody sees"),
        ("conversation_unknown", "answer to a conversation nobody knows", "does the NAS switch between servers?"),
        ("invalid_eap", "what came is no EAP", "update the device or its NAS"),
        ("too_many_rounds", "handshake without end", "raise the fragment size; is the chain very long?"),
        ("overloaded", "nacd was too busy", "see docs/overload.md: more cores, or fewer logins at once"),
        ("md5_mac_mismatch", "MAB by EAP-MD5 for another MAC", "look at the port: somebody may be trying"),
        ("md5_wrong_password", "MAB by EAP-MD5 with a wrong password", "see `mab_password` of that NAS"),
    )
}
UNKNOWN: Final = Advice("no word of this version for it", "see the record's `why`")


def advice(failure: str) -> Advice:
    """Total: a reason of another version of nacd is told as such."""
    return ADVICE.get(failure, UNKNOWN)
