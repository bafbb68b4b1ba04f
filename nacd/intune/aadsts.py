"""What the login service's error codes mean for the person who has to act.

Knows: AADSTS numbers and a sentence for each. Refuses to know: what to do about them in code; they
may change, so nothing here drives logic. Source: Microsoft's Entra error code reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from nacd.intune.refusals import printable

_CODE = re.compile(r"AADSTS(\d{4,8})")
_TENANT = "the tenant is not found: check `tenant`, and whether `cloud` is the right one"
_SCOPE = "the scope is refused; it must end in /.default (check `resource` of the cloud)"
_BLOCKED = "conditional access for workload identities blocks this address"

SENTENCES: Mapping[int, str] = {
    700016: "the application id is not in this tenant: wrong `client_id` or wrong `tenant`",
    7000215: "the client secret is wrong: paste the secret's Value, not its Secret ID",
    7000222: "the client secret has expired: make a new one in the app registration",
    700027: "the certificate is not registered with the application, has expired there, or the key is another one",
    7000214: "the certificate has been revoked",
    700024: "the assertion is outside its validity time: this machine's clock is off, check ntp",
    90002: _TENANT,
    900021: _TENANT,
    900023: _TENANT,
    500011: "the resource is not in this tenant: wrong audience (`resource`) for this cloud, or no intune here",
    1002012: _SCOPE,
    70011: _SCOPE,
    7000112: "the application is disabled",
    7000229: "the application has no service principal in this tenant: admin consent was never given",
    53003: _BLOCKED,
    50034: "the login service looks for a user: a wrong grant type was used",
}


def codes(numbers: object, text: str) -> tuple[int, ...]:
    """AADSTS codes out of ``error_codes`` and out of a description, in this order, without repeats."""
    found: dict[int, None] = {}
    if isinstance(numbers, list):
        found.update((number, None) for number in numbers if isinstance(number, int))
    found.update((int(digits), None) for digits in _CODE.findall(text))
    return tuple(found)


def sentence(found: Iterable[int], error: str, description: str) -> str:
    """One sentence for people: ours when a code is known, else the service's own words, cut short."""
    for code in found:
        if code in SENTENCES:
            return f"{SENTENCES[code]} (AADSTS{code})"
        if 53000 <= code < 54000:
            return f"{_BLOCKED} (AADSTS{code})"
    first_line = description.strip().splitlines()[0] if description.strip() else ""
    words = (printable(error)[:80], printable(first_line)[:200])
    return ": ".join(part for part in words if part) or "no reason given"
