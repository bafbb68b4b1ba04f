"""The texts of a first ``policy.yaml``, the cases beside it, and the list of devices that come by MAC.

Knows: which rules make a careful beginning, and how they are explained. Refuses to know: who asks (``nacd_yaml.py``).

Every rule has a case that reaches it, but the one about a list that is still empty; the cases are what the comments
claim, tried by `nacd check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from nacd.cli.setup.answers import Answers
from nacd.cli.setup.spelling import noted, schema_line, spelt

LIST: Final = "devices.csv"
_HEAD: Final = """\
#
# Who gets in, and with what. Rules are tried from top to bottom; the first whose conditions ALL hold decides. When none
# does, access is denied. A list means any of its values. Conditions and profiles: docs/reference.md, docs/policy.md.
#
# After a change: `nacd check` reads it and tries policy-cases.yaml, `nacd explain` says what it makes of one login.
"""


def policy(answers: Answers) -> str:
    """``policy.yaml``."""
    profiles = "\n".join(_profiles(answers))
    rules = "\n".join(_rules(answers))
    return f"{schema_line('policy')}{_HEAD}\nprofiles:\n{profiles}\nrules:\n{rules}"


def _profiles(answers: Answers) -> Iterator[str]:
    good, bad = names(answers)
    if answers.access != ("mab",):
        yield f"  {good}:\n{_place(answers, answers.corporate)}{_lasts(answers, '8h', 'then it is decided anew')}"
        yield (
            "  # For devices that Intune finds at fault: let it reach Intune and Windows Update, and nothing inside.\n"
            f"  {bad}:\n{_place(answers, answers.quarantine)}{_lasts(answers, '10m', 'look again soon')}"
        )
    if "mab" in answers.access:
        yield (
            "  # A MAC is as easily made up as any other: give it little.\n"
            f"  devices:\n{_place(answers, answers.devices)}"
        )


def names(answers: Answers) -> tuple[str, str]:
    """The profiles of healthy endpoints and of the others."""
    return ("remote", "remote-quarantine") if answers.vpn else ("corporate", "quarantine")


def _place(answers: Answers, where: str) -> str:
    line = f"    {answers.separates}: {spelt(where)}"
    return f"{line}\n" if answers.separates == "vlan" else noted(line, "the NAS must have one of this name")


def _lasts(answers: Answers, span: str, why: str) -> str:
    return noted(f"    session_timeout: {span}", why) if "session_timeout" in answers.intentions else ""


def _rules(answers: Answers) -> Iterator[str]:
    if "mab" in answers.access:
        yield f"""\
  # {LIST} has one MAC a line. Nobody is asked about these, so a port never waits for the cloud.
  - name: known devices
    when: {{access: mab, group: {answers.group}, mac_in: {LIST}}}
    then: devices
"""
    if "dot1x" in answers.access:
        yield _by_certificate(answers)
    if answers.vpn:
        yield _by_vpn(answers)


def _by_certificate(answers: Answers) -> str:
    if not answers.tenant:
        return """\
  # Only certificates of `client_cas` in nacd.yaml come this far. With an `intune` section there, these take its place:
  # - name: compliant device
  #   when: {access: dot1x, identity: certificate, compliance: compliant}
  #   then: corporate
  # - name: intune unreachable
  #   when: {access: dot1x, identity: certificate, compliance: unavailable}
  #   then: quarantine
  # - name: fix your device
  #   when: {access: dot1x, identity: certificate, compliance: [noncompliant, unknown, not_managed]}
  #   then: quarantine
  - name: our certificate
    when: {access: dot1x}
    then: corporate
"""
    return """\
  - name: compliant device
    when: {access: dot1x, identity: certificate, compliance: compliant}
    then: corporate

  # Intune cannot be asked: nobody is cut off, and nobody gets more than the careful profile until it is back.
  - name: intune unreachable
    when: {access: dot1x, identity: certificate, compliance: unavailable}
    then: quarantine

  # `unknown`: Intune has not judged it yet. `not_managed`: Intune does not know it (wiped, or enrolled anew).
  - name: fix your device
    when: {access: dot1x, identity: certificate, compliance: [noncompliant, unknown, not_managed]}
    then: quarantine
"""


def _by_vpn(answers: Answers) -> str:
    if not answers.tenant:
        return f"""\
  # The concentrator has checked the user, and nothing is known of the device. With an `intune` section in nacd.yaml,
  # these take its place:
  # - name: compliant vpn
  #   when: {{access: vpn, group: {answers.group}, identity: [certificate, vpn], compliance: compliant}}
  #   then: remote
  # - name: fix your device
  #   when: {{access: vpn, group: {answers.group}, identity: [certificate, vpn], compliance: [noncompliant, unknown]}}
  #   then: remote-quarantine
  # - name: stay out
  #   when: {{access: vpn, group: {answers.group}, compliance: [not_managed, unavailable]}}
  #   then: deny
  - name: vpn user
    when: {{access: vpn, group: {answers.group}}}
    then: remote
"""
    return f"""\
  - name: compliant vpn
    when: {{access: vpn, group: {answers.group}, identity: [certificate, vpn], compliance: compliant}}
    then: remote

  - name: fix your device
    when: {{access: vpn, group: {answers.group}, identity: [certificate, vpn], compliance: [noncompliant, unknown]}}
    then: remote-quarantine

  # Who is not known to Intune, and everybody while it cannot be asked. Without this rule they would stay out, too.
  - name: stay out
    when: {{access: vpn, group: {answers.group}, compliance: [not_managed, unavailable]}}
    then: deny
"""


# -- cases ------------------------------------------------------------------------------------

_CASES: Final = """\
#
# What the policy is to say of logins that count. `nacd test` tries each case and says which rules none reaches; `nacd
# check` tries them too. The words under `given` are those of `when` in the policy, one value each.
"""


def cases(answers: Answers) -> str:
    """``policy-cases.yaml``."""
    return f"{schema_line('policy-cases')}{_CASES}\ncases:\n" + "\n".join(_cases(answers))


def _cases(answers: Answers) -> Iterator[str]:
    if "dot1x" in answers.access:
        yield from _cases_of_certificates(answers)
    if "mab" in answers.access:
        yield _case(answers, "a MAC on no list", 'access: mab, identity: mac, mac: "00-00-5E-00-53-01"', "effect: deny")
    if answers.vpn:
        yield from _cases_of_vpn(answers)


def _cases_of_certificates(answers: Answers) -> Iterator[str]:
    given = "access: dot1x, identity: certificate"
    if not answers.tenant:
        yield _case(answers, "a device with our certificate", given, "rule: our certificate, profile: corporate")
        return
    for name, state, rule, profile in (
        ("a healthy laptop at its desk", "compliant", "compliant device", "corporate"),
        ("a laptop that Intune finds at fault is not cut off", "noncompliant", "fix your device", "quarantine"),
        ("a laptop that was wiped yesterday", "not_managed", "fix your device", "quarantine"),
        ("Intune is down, and nobody is cut off", "unavailable", "intune unreachable", "quarantine"),
    ):
        yield _case(answers, name, f"{given}, compliance: {state}", f"rule: {rule}, profile: {profile}")


def _cases_of_vpn(answers: Answers) -> Iterator[str]:
    if not answers.tenant:
        yield _case(answers, "a user at home", "access: vpn, identity: none", "rule: vpn user, profile: remote")
        return
    given = "access: vpn, identity: vpn"
    for name, state, expected in (
        ("at home, all well", "compliant", "rule: compliant vpn, profile: remote"),
        ("at home, with a device at fault", "noncompliant", "rule: fix your device, profile: remote-quarantine"),
        ("at home while Intune is down", "unavailable", "rule: stay out, effect: deny"),
    ):
        yield _case(answers, name, f"{given}, compliance: {state}", expected)


def _case(answers: Answers, name: str, given: str, expected: str) -> str:
    return f"""\
  - name: {name}
    given: {{nas: {spelt(answers.nas)}, {given}}}
    expect: {{{expected}}}
"""


def devices() -> str:
    """The list of devices that come by MAC: nobody yet."""
    return """\
# Devices that have no certificate: printers, cameras. One line each; `mac` in any spelling, `expires` (YYYY-MM-DD) is
# the last day it counts, the other columns are for people. Rules ask for this list with `mac_in`.
mac,owner,note,expires
"""
