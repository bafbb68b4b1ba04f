"""``docs/lint.md``: every finding with its code, made of the one table.

Knows: how the page is laid out. Refuses to know: how a finding is found.
"""

from __future__ import annotations

from nacd.findings import FINDINGS, Finding

_HEAD = """\
# Findings

What is lawful in `nacd.yaml` and `policy.yaml` and yet may not be meant. `nacd check`, start and reload tell each
with its place and its code:

    policy.yaml:14:5: rule `rest`: this rule can never match: ... [rule-shadowed]

None of them stops anything. `nacd check --strict` exits with 1 while one is neither mended nor accepted, for a
pipeline; `--json` gives all of them to programs, with `code`, `severity`, `why` and `do`. A `warning` may let
somebody in, or keep somebody out, against what is meant; a `notice` is untidy, or worth knowing. Codes are for ever:
one that is found no more stays in this table, and none gets another meaning. What is refused (an error) has no code
and cannot be accepted.

This page is made of the table in `nacd/findings.py`.

## Accepting a finding

    clients:
      - name: campus
        network: 10.20.0.0/16  # nacd: allow network-wide a network of its own, only switches are in it

      # nacd: allow accept-unproved guests reach the internet only
      - name: guests
        when: {access: mab, group: guests}
        then: guests

- At the end of a line the comment accepts what is found on that line. Alone on its line it accepts what is found in
  the item or setting that begins on the line under it (more comments may stand between, an empty line may not).
  Above a whole section (`rules:`) it accepts what is found at that line, nothing in the section.
- It accepts one code. For two write two comments, one above the other.
- The reason is for whoever reads it later, and there must be one.
- A comment that was to accept something (`# nacd: alow`) and is not understood, has no reason, names a code that
  there is not, or accepts nothing (any more) is a finding itself, and those cannot be accepted.
- `nacd check` counts what is accepted, `nacd check --all` shows it with the reasons. Start and reload do not warn of
  it.
- A `#` in a text, in quotes or in a block begins no comment. A comment that begins with something else is none for
  nacd.

## What is found by trying everything, and what is passed over on purpose

Access kind, NAS, source of the identity, assurance and compliance have few values each. Of conditions on these (and
on a NAS's group, vendor and location, and with `not`) nacd tries every combination that can come to the NASes and
sources of this configuration; so `rule-shadowed`, `rule-not-here` and `state-without-rule` are exact for them, and
tests hold them against trying all facts. Beyond that:

- Other conditions (a user, a MAC, a list, an age, a fact of the device) may hold or not. Of two rules with such
  conditions only pairs are compared, whether one is sure to hold where the other does; several that share the work
  are noticed where they ask the very same. What is said is true all the same; what could be said may be missing.
- Where rules tell more than 256 kinds of NASes apart, what they ask of NASes is taken as such a condition.
- `state-without-rule` is silent on `not_asked`, on an access kind that no rule takes at all (whoever writes no rule
  for VPNs wants none), on `in_grace` where nobody tells it, and on a state that some rule takes for some NASes,
  identities or users only.
- `accept-any-state` is silent on a profile that is less than what compliant devices get, where some rule gives one
  to `compliance: compliant` alone: a catch-all that quarantines is good practice.
- `accept-unproved` and `mac-pattern` are silent on 802.1X and on VPNs by EAP: a certificate was verified, whatever
  names the device.
- More than 200 findings are not told one by one.

## The table
"""


def document() -> str:
    """The page as Markdown."""
    return f"{_HEAD}\n" + "\n".join(_section(row) for row in FINDINGS.values())


def _section(row: Finding) -> str:
    accepted = "" if row.acceptable else " Cannot be accepted."
    why, do = (f"{text[0].upper()}{text[1:]}." for text in (row.why, row.do))
    return f"### `{row.code}`\n\n{row.severity.value.capitalize()}: {row.title}. {why}\n\nWhat to do: {do}{accepted}\n"
