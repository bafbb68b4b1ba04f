"""Every finding there is, with its stable code: what is lawful in a configuration and yet may not be meant.

Knows: codes, and for each its title, why it matters, what to do, and how grave it is. Refuses to know: how a finding is
found, where it stands, and who accepted it. A code is for ever: it is written into comments (``# nacd: allow CODE
reason``), tickets and scripts. One that is found no more stays here, and none ever gets another meaning.

``docs/lint.md`` is made of this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Severity(StrEnum):
    """``warning``: somebody may get in, or stay out, against what is meant. ``notice``: untidy, or worth knowing."""

    WARNING = "warning"
    NOTICE = "notice"


class Code(StrEnum):
    """The stable words, by what they are about."""

    RULE_NEVER_MATCHES = "rule-never-matches"
    RULE_SHADOWED = "rule-shadowed"
    RULE_PARTLY_SHADOWED = "rule-partly-shadowed"
    RULE_NOT_HERE = "rule-not-here"
    RULES_NOT_COMPARED = "rules-not-compared"
    NO_RULES = "no-rules"
    STATE_NEVER_COMES = "state-never-comes"
    STATE_WITHOUT_RULE = "state-without-rule"
    FACTS_SELDOM_TOLD = "facts-seldom-told"
    HOURS_ALWAYS = "hours-always"
    VERDICT_NOT_ASKED = "verdict-not-asked"
    ACCEPT_ANY_STATE = "accept-any-state"
    ACCEPT_UNPROVED = "accept-unproved"
    MAC_CLONED = "mac-cloned"
    MAC_PATTERN = "mac-pattern"
    NOT_LETS_IN = "not-lets-in"
    PROFILE_UNUSED = "profile-unused"
    REDIRECT_WITHOUT_ACL = "redirect-without-acl"
    LIST_EMPTY = "list-empty"
    NETWORKS_OVERLAP = "networks-overlap"
    NETWORK_WIDE = "network-wide"
    SECRET_SHORT = "secret-short"  # noqa: S105  a code, no secret
    SECRET_REUSED = "secret-reused"  # noqa: S105
    SECRET_FILE_OPEN = "secret-file-open"  # noqa: S105
    UNSIGNED_ACCEPTED = "unsigned-accepted"
    UNSIGNED_UNTIL_SEEN = "unsigned-until-seen"
    MAB_PASSWORD_UNCHECKED = "mab-password-unchecked"  # noqa: S105
    NO_CA_NAMES_DEVICES = "no-ca-names-devices"
    GROUP_EMPTY = "group-empty"
    TENANT_UNREACHABLE = "tenant-unreachable"
    TENANT_ID_MISSING = "tenant-id-missing"
    DICTIONARY_SKIPPED = "dictionary-skipped"
    METRICS_OPEN = "metrics-open"
    FORWARD_IN_CLEAR = "forward-in-clear"
    CONTROL_FOLDER = "control-folder"
    OVERRIDE_UNSAYABLE = "override-unsayable"
    DYNAUTH_UNKNOWN = "dynauth-unknown"
    CREDENTIAL_EXPIRES = "credential-expires"
    CERTIFICATE_EXPIRES = "certificate-expires"
    CERTIFICATE_NO_NAME = "certificate-no-name"
    CERTIFICATE_WILDCARD = "certificate-wildcard"
    CERTIFICATE_LONG_LIFETIME = "certificate-long-lifetime"
    CERTIFICATE_SELF_SIGNED = "certificate-self-signed"
    CERTIFICATE_ORDER = "certificate-order"
    CERTIFICATE_UNUSED = "certificate-unused"
    CERTIFICATE_INCOMPLETE = "certificate-incomplete"
    SENDER_IS_ROOT = "sender-is-root"
    MONITOR_ON = "monitor-on"
    MONITOR_ENDED = "monitor-ended"
    MONITOR_OUTLIVED = "monitor-outlived"
    ALLOWANCE_UNREADABLE = "allowance-unreadable"
    ALLOWANCE_WITHOUT_REASON = "allowance-without-reason"
    ALLOWANCE_UNKNOWN_CODE = "allowance-unknown-code"
    ALLOWANCE_UNUSED = "allowance-unused"
    TOO_MANY = "too-many"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row. why and do are sentences for people; acceptable: whether a comment can accept it."""

    code: Code
    severity: Severity
    title: str
    why: str
    do: str
    acceptable: bool = True


_WARNING, _NOTICE = Severity.WARNING, Severity.NOTICE

_ROWS: Final = (
    # -- rules that do nothing --
    (
        Code.RULE_NEVER_MATCHES,
        _WARNING,
        "a rule can never match",
        "its conditions exclude each other, so whatever it was written for is decided by other rules",
        "change or remove the condition that is named, or remove the rule",
    ),
    (
        Code.RULE_SHADOWED,
        _WARNING,
        "rules above take everything from a rule",
        "the first rule that matches decides, so this one never does, whether it lets in or refuses",
        "move it up, make the rules above narrower, or remove it",
    ),
    (
        Code.RULE_PARTLY_SHADOWED,
        _NOTICE,
        "rules above take something that a rule names",
        "the rule names a value that never reaches it: whoever reads it believes that it decides about that value",
        "remove the value from the rule, or move the rule up",
    ),
    (
        Code.RULE_NOT_HERE,
        _WARNING,
        "a rule can never match with these NASes and sources",
        "no NAS of this configuration sends such a request, or no source set up here gives such an identity or verdict",
        "add the NAS, the source or the `eap` section that the rule counts on, or remove the rule",
    ),
    (
        Code.RULES_NOT_COMPARED,
        _NOTICE,
        "not all rules were compared",
        "there are thousands of rules that are much alike, and comparing all of them would make loading slow",
        "put long enumerations into lists (`mac_in`, `device_in`)",
    ),
    (
        Code.NO_RULES,
        _WARNING,
        "there are no rules",
        "what no rule decides is refused, so everybody is",
        "write rules",
    ),
    # -- states and facts --
    (
        Code.STATE_NEVER_COMES,
        _NOTICE,
        "a compliance state never comes",
        "nobody who is asked here can give this answer, so the rule waits for something that does not happen",
        "remove the state, or set up the source that tells it",
    ),
    (
        Code.STATE_WITHOUT_RULE,
        _NOTICE,
        "no rule for a compliance state",
        "an endpoint in this state is refused by `default-deny`, and nothing in the policy says that this is meant",
        "add a rule for the state; one with `then: deny` says that refusing is meant",
    ),
    (
        Code.FACTS_SELDOM_TOLD,
        _NOTICE,
        "facts that only some answers tell",
        "NAC tells compliance alone, so the condition fails for devices that NAC answered for",
        "set `source: graph`, or do not let access depend on it",
    ),
    (
        Code.HOURS_ALWAYS,
        _NOTICE,
        "hours that are the whole week",
        "the condition leaves nothing out and looks as if it did",
        "remove `during`, or correct the hours",
    ),
    # -- whom rules let in --
    (
        Code.VERDICT_NOT_ASKED,
        _WARNING,
        "something is asked of whatever verdict",
        "the age, source or facts of a verdict say nothing of what it says: noncompliant devices have them too",
        "write `compliance` beside it",
    ),
    (
        Code.ACCEPT_ANY_STATE,
        _WARNING,
        "a rule lets in without asking compliance",
        "devices that Intune does not know, and all devices while Intune cannot be asked, get the same access as"
        " compliant ones",
        "name the states that may come in under `compliance`, `unavailable` too if that is meant",
    ),
    (
        Code.ACCEPT_UNPROVED,
        _WARNING,
        "a rule lets in what has proved nothing",
        "a MAC is free to choose, and what a VPN client says of itself is its own word: neither says who it is",
        "name the endpoints in a list (`mac_in`, `device_in`), ask for `compliance`, or for `assurance: certificate`",
    ),
    (
        Code.MAC_CLONED,
        _WARNING,
        "a MAC alone takes a device's verdict",
        "a MAC can be cloned: who shows the MAC of a compliant device gets that device's answer",
        "ask for `identity: certificate`, or give such a rule a profile with little access",
    ),
    (
        Code.MAC_PATTERN,
        _WARNING,
        "a MAC pattern lets in",
        "an OUI is a maker and no identity: everybody can set a MAC that begins so",
        "name the endpoints one by one in a list (`mac_in`), or give the rule a profile with little access",
    ),
    (
        Code.NOT_LETS_IN,
        _WARNING,
        "`not` lets in more than it names",
        "what is absent is not what `not` names, so whoever lacks the fact altogether comes in as well",
        "say who may come in, beside who may not",
    ),
    # -- profiles and lists --
    (
        Code.PROFILE_UNUSED,
        _NOTICE,
        "no rule uses a profile",
        "nobody ever gets it: a rule may be missing, or name another one",
        "use it in a rule, or remove it",
    ),
    (
        Code.REDIRECT_WITHOUT_ACL,
        _NOTICE,
        "a redirect without `acl`",
        "many NASes redirect nothing without a list that says what, so the user sees a network that does not work",
        "name the list of the NAS under `acl`; where the NAS needs none, accept this",
    ),
    (
        Code.LIST_EMPTY,
        _NOTICE,
        "a list holds nothing",
        "what depends on it never holds: the file may be the wrong one, or have been emptied by a script",
        "fill it, or remove what refers to it",
    ),
    # -- NASes and secrets --
    (
        Code.NETWORKS_OVERLAP,
        _NOTICE,
        "a NAS's network lies within another's",
        "the narrower network wins: its addresses have another secret, vendor and groups than their neighbours",
        "keep it if it is an exception on purpose, and accept this; else correct one of the networks",
    ),
    (
        Code.NETWORK_WIDE,
        _WARNING,
        "one secret for a wide network",
        "whoever has an address in it and learns the one secret can be any NAS there, and nobody can tell which",
        "name smaller networks, or single addresses, each with a secret of its own",
    ),
    (
        Code.SECRET_SHORT,
        _WARNING,
        "a short shared secret",
        "a secret can be guessed offline from one captured packet; RFC 2865 section 3 wants 16 octets at least",
        "make a new one: `openssl rand -base64 24`",
    ),
    (
        Code.SECRET_REUSED,
        _WARNING,
        "several NASes share one secret",
        "when one of them is lost or opened, all of them can be forged, and all have to be changed at once",
        "give each NAS a secret of its own",
    ),
    (
        Code.SECRET_FILE_OPEN,
        _WARNING,
        "a secret's file is open to its group",
        "whoever is in that group can read it",
        "`chmod 600` the file",
    ),
    (
        Code.UNSIGNED_ACCEPTED,
        _WARNING,
        "requests need no Message-Authenticator",
        "answers to unsigned requests can be forged on the way (CVE-2024-3596)",
        "update the NAS, then set `message_authenticator: require`",
    ),
    (
        Code.UNSIGNED_UNTIL_SEEN,
        _NOTICE,
        "Message-Authenticator is needed only once it was seen",
        "until an address has signed once, answers to it can be forged on the way (CVE-2024-3596)",
        "set `message_authenticator: require` when all have signed",
    ),
    (
        Code.MAB_PASSWORD_UNCHECKED,
        _NOTICE,
        "the password of a MAB is not checked",
        "a request with any password counts, so a NAS that does something else than MAB is not noticed",
        "set `mab_password: mac` if the NAS can repeat the MAC",
    ),
    (
        Code.NO_CA_NAMES_DEVICES,
        _WARNING,
        "no CA may name a device",
        "certificates are good for login, and compliance is asked for none of them",
        "write `may_assert: [intune_id]` at the CA of the devices",
    ),
    (
        Code.GROUP_EMPTY,
        _NOTICE,
        "a group without NASes",
        "a setting for it does nothing; the name may be misspelt",
        "correct the name, or put a NAS into the group",
    ),
    (
        Code.TENANT_UNREACHABLE,
        _WARNING,
        "nothing leads to a tenant",
        "no endpoint is ever taken for one of its, so it is never asked",
        "bind a client CA, its tenant id or a group of NASes to it",
    ),
    (
        Code.TENANT_ID_MISSING,
        _WARNING,
        "a tenant without its id",
        "certificates of other tenants that lead to the same CA cannot be told from its own",
        "write `tenant_id`",
    ),
    # -- the rest of nacd.yaml --
    (
        Code.DICTIONARY_SKIPPED,
        _NOTICE,
        "a line of a dictionary was skipped",
        "the attribute that it defines has no name here",
        "correct the line, or accept this if the attribute is not needed",
    ),
    (
        Code.METRICS_OPEN,
        _WARNING,
        "metrics on an address that others reach",
        "no password guards them, and they tell much about the network",
        "listen on a loopback address, or let a firewall guard the port and accept this",
    ),
    (
        Code.FORWARD_IN_CLEAR,
        _WARNING,
        "audit records leave this machine in clear",
        "they name users, devices and networks, and whoever is on the way can read, change or leave out what passes",
        "use `syslog+tls` or `https`, or accept this where the way is protected by other means",
    ),
    (
        Code.CONTROL_FOLDER,
        _NOTICE,
        "people are named who may not reach the socket",
        "the socket lies in the state folder, which they must be able to enter",
        "set `control.socket`",
    ),
    (
        Code.OVERRIDE_UNSAYABLE,
        _WARNING,
        "a NAS cannot be told of an override's profile",
        "whoever is ordered to have the profile is refused there instead",
        "choose a profile that its vendor can express, or put what it cannot under `optional`",
    ),
    (
        Code.DYNAUTH_UNKNOWN,
        _WARNING,
        "sessions of a NAS will not change",
        "nacd does not know how NASes of this vendor are asked, so a change takes effect at the next login only",
        "remove `dynauth`, or give sessions a short `session_timeout`",
    ),
    # -- certificates --
    (
        Code.CREDENTIAL_EXPIRES,
        _WARNING,
        "a credential for Microsoft expires soon",
        "afterwards Intune cannot be asked, and every verdict becomes `unavailable`",
        "make a new one and name it under `next_credential`",
    ),
    (
        Code.CERTIFICATE_EXPIRES,
        _WARNING,
        "a certificate expires soon",
        "afterwards no device gets in by EAP-TLS that counts on it",
        "renew it, and tell devices of a new CA before the old one ends",
    ),
    (
        Code.CERTIFICATE_NO_NAME,
        _WARNING,
        "the server's certificate has no DNS name",
        "Android and Apple profiles match that name, and refuse a server without one",
        "make a certificate with a DNS name in its Subject Alternative Name",
    ),
    (
        Code.CERTIFICATE_WILDCARD,
        _WARNING,
        "the server's certificate has a wildcard name",
        "Windows supplicants refuse those",
        "make a certificate with the whole name",
    ),
    (
        Code.CERTIFICATE_LONG_LIFETIME,
        _NOTICE,
        "the server's certificate is valid for long",
        "Apple devices may refuse certificates that are valid for more than 825 days",
        "make one that is valid for less",
    ),
    (
        Code.CERTIFICATE_SELF_SIGNED,
        _WARNING,
        "the server's certificate is self-signed",
        "every device would have to trust this one certificate, and to be told again when it changes",
        "let a CA that devices trust sign it",
    ),
    (
        Code.CERTIFICATE_ORDER,
        _NOTICE,
        "certificates stand in an unusual order",
        "nacd sends them in order; other programs that read the file may not",
        "put the server's certificate first, then each issuer behind what it issued",
    ),
    (
        Code.CERTIFICATE_UNUSED,
        _NOTICE,
        "a certificate is not part of the chain",
        "it is not sent; the file may hold the wrong intermediate",
        "remove it, or put the right one there",
    ),
    (
        Code.CERTIFICATE_INCOMPLETE,
        _NOTICE,
        "the server's chain may lack intermediates",
        "a device that knows only the root cannot build the chain, and refuses the server",
        "add the intermediate certificates behind the server's; accept this if its issuer is a root",
    ),
    (
        Code.SENDER_IS_ROOT,
        _WARNING,
        "the daemon runs as root",
        "nothing keeps it from reading the secrets of `nacd actions`, which can wipe devices",
        "give the daemon an account of its own",
    ),
    # -- monitor mode --
    (
        Code.MONITOR_ON,
        _WARNING,
        "monitor mode is on",
        "decisions are not enforced there: whoever would be refused is let in, until the date beside it",
        "read `access.monitored` in the audit log, mend what would be refused, then let it end (docs/monitor.md)",
    ),
    (
        Code.MONITOR_ENDED,
        _NOTICE,
        "monitor mode has ended",
        "it changes nothing any more, and whoever reads the policy may think that it does",
        "take the monitor out",
    ),
    (
        Code.MONITOR_OUTLIVED,
        _WARNING,
        "sessions that monitor mode lets in outlive it",
        "their NAS cannot be asked to change them, so they stay as they are when decisions are enforced again",
        "give the monitor's profile a `session_timeout`, or the NAS `dynauth`",
    ),
    # -- acceptance itself --
    (
        Code.ALLOWANCE_UNREADABLE,
        _WARNING,
        "a comment to nacd that it cannot read",
        "it was written to accept something, and accepts nothing",
        "write `# nacd: allow CODE reason`",
    ),
    (
        Code.ALLOWANCE_WITHOUT_REASON,
        _WARNING,
        "an allowance without a reason",
        "whoever reads it later cannot know whether the reason still holds; it accepts nothing until it has one",
        "write the reason behind the code",
    ),
    (
        Code.ALLOWANCE_UNKNOWN_CODE,
        _WARNING,
        "an allowance of a code that there is not",
        "it accepts nothing: the code may be misspelt, or be one that no comment can accept",
        "use a code of docs/lint.md",
    ),
    (
        Code.ALLOWANCE_UNUSED,
        _NOTICE,
        "an allowance that accepts nothing",
        "what it accepted is gone, or stands elsewhere; left there it would accept the next one unseen",
        "remove the comment, or move it to the line of the finding",
    ),
    (
        Code.TOO_MANY,
        _NOTICE,
        "more findings than are shown",
        "the rest is not told one by one, so that start and log stay readable",
        "mend those that are shown, and look again",
    ),
)
_NEVER_ACCEPTED: Final = frozenset(
    {
        Code.MONITOR_ON,
        Code.ALLOWANCE_UNREADABLE,
        Code.ALLOWANCE_WITHOUT_REASON,
        Code.ALLOWANCE_UNKNOWN_CODE,
        Code.ALLOWANCE_UNUSED,
        Code.TOO_MANY,
    }
)

FINDINGS: Final = MappingProxyType(
    {
        code: Finding(code=code, severity=severity, title=title, why=why, do=do, acceptable=code not in _NEVER_ACCEPTED)
        for code, severity, title, why, do in _ROWS
    }
)
"""Every finding by its code, in the order of the table."""
