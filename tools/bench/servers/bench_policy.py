"""The benchmark's policy for FreeRADIUS, run inside it by ``rlm_python3``: rules over a cached verdict.

Knows: what FreeRADIUS hands over and takes back. Refuses to know: nacd. Written to be fast, as an experienced
admin would: everything is read and compiled once, rules are sorted by access kind, and only what a rule asks for
is looked at.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import radiusd  # type: ignore[import-not-found]  # FreeRADIUS gives it

_LIFETIME_S = 7 * 86_400.0
_NAS = "bench-switch"  # which NAS it is would be told by unlang; there is one here
_FOLDER = Path(os.path.realpath(__file__)).parent

RULES: dict[str, list[tuple[str, str, tuple[str, ...], str, frozenset[str], str]]] = {}
GROUPS: dict[str, frozenset[str]] = {}
VERDICTS: dict[str, tuple[str, float]] = {}
PROFILES: dict[str, tuple[tuple[str, str], ...]] = {}


def instantiate(_config: object) -> int:
    """Read the rules, the profiles and the verdicts. 0: ready."""
    written = json.loads((_FOLDER / "policy.json").read_text(encoding="utf-8"))
    for name, pairs in written["profiles"].items():
        PROFILES[name] = tuple((key, value) for key, value in pairs)
    until = time.time() + _LIFETIME_S
    for key, state in written["verdicts"].items():
        VERDICTS[key] = (state, until)
    for nas, groups in written["groups"].items():
        GROUPS[nas] = frozenset(groups)
    for rule in written["rules"]:
        prefixes, states = tuple(rule["mac_prefixes"]), frozenset(rule["states"])
        compiled = (rule["name"], rule["group"], prefixes, rule["identity"], states, rule["then"])
        for access in rule["access"]:
            RULES.setdefault(access, []).append(compiled)
    return 0


def _decide(nas: str, access: str, mac: str, identity: str, key: str) -> Any:
    state, until = VERDICTS.get(key, ("unknown", 0.0))
    if until < time.time():
        state = "unknown"
    groups = GROUPS[nas]
    for name, group, prefixes, wanted, states, then in RULES.get(access, ()):
        if group and group not in groups:
            continue
        if prefixes and not mac.startswith(prefixes):
            continue
        if wanted and wanted != identity:
            continue
        if states and state not in states:
            continue
        return PROFILES[then], name, state
    return None, "default-deny", state


def authorize(request: Any) -> Any:
    """MAB: name, password and Calling-Station-Id must be one MAC, then the rules decide."""
    asked = dict(request)
    mac = asked["Calling-Station-Id"]
    name = mac.replace("-", "").lower()
    if asked.get("Service-Type") not in ("Call-Check", "Call-Check-User"):
        return radiusd.RLM_MODULE_REJECT
    if asked["User-Name"] != name or asked["User-Password"] != name:
        return radiusd.RLM_MODULE_REJECT
    reply, rule, state = _decide(_NAS, "mab", mac, "mac", mac)
    if reply is None:
        return radiusd.RLM_MODULE_REJECT
    control = (("Auth-Type", "Accept"), ("Tmp-String-0", rule), ("Tmp-String-1", state))
    return radiusd.RLM_MODULE_UPDATED, reply, control


def post_auth(request: Any) -> Any:
    """EAP-TLS: the device is named by the certificate's common name."""
    asked = dict(request)
    if "TLS-Client-Cert-Common-Name" not in asked:
        return radiusd.RLM_MODULE_REJECT
    key = asked["TLS-Client-Cert-Common-Name"]
    reply, rule, state = _decide(_NAS, "dot1x", asked["Calling-Station-Id"], "certificate", key)
    if reply is None:
        return radiusd.RLM_MODULE_REJECT
    return radiusd.RLM_MODULE_UPDATED, reply, (("Tmp-String-0", rule), ("Tmp-String-1", state))
