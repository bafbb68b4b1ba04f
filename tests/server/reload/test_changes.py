"""What is other than before, in words, and never a secret."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nacd.server.reload.changes import between
from tests.server.house import Pki, Site


def after(site: Site, change: Callable[[Site], object]) -> tuple[str, ...]:
    before = site.assemble()
    change(site)
    return between(before, site.assemble())


def in_policy(old: str, new: str) -> Callable[[Site], object]:
    return lambda site: site.change(old, new, file="policy.yaml")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("  printers:   {vlan: 140}", "  printers:   {vlan: 141}", "profile `printers` changed"),
        ("rules:", "  spare: {vlan: 7}\nrules:", "profile `spare` added"),
        ("access: mab, compliance: compliant}", "access: mab, group: wired, compliance: compliant}",
         "rule `managed by mac` changed"),
        ("name: known printers,     when", "name: printers,           when", "rule `printers` added"),
        ("name: known printers,     when", "name: printers,           when", "rule `known printers` removed"),
        ("profiles:\n", "# new words\nprofiles:\n", "nothing in the policy but its comments or its layout"),
    ],
)  # fmt: skip
def test_changes_of_the_policy_are_named(site: Site, old: str, new: str, told: str) -> None:
    changes = after(site, in_policy(old, new))
    assert changes[0].startswith("policy ")
    assert told in changes


def test_another_order_of_rules_is_told(site: Site) -> None:
    text = (site.folder / "policy.yaml").read_text(encoding="utf-8")
    head, _, rules = text.partition("rules:\n")
    first, second, *more = rules.split("\n  - ")
    swapped = "\n  - ".join(["  - " + second, first.removeprefix("  - "), *more])
    changes = after(site, lambda site: site.write("policy.yaml", f"{head}rules:\n{swapped}"))
    assert changes[1:] == ("the rules are in another order",)


def test_a_list_is_told_by_its_name(site: Site) -> None:
    changes = after(site, lambda site: site.write("printers.csv", "mac\n02-00-00-00-00-01\n"))
    assert changes[1:] == ("list `printers.csv` changed",)


def test_nases_and_their_secrets_are_told_by_the_name_of_the_nas(site: Site) -> None:
    def change(site: Site) -> None:
        site.write("secrets/switch", "of-the-switch-alone-123", 0o600)
        site.change('name: switch, network: 127.0.0.1, secret: "file:secrets/nas"',
                    'name: switch, network: 127.0.0.4, secret: "file:secrets/switch"')  # fmt: skip
        site.change("name: concentrator,", "name: gateway,")

    changes = after(site, change)
    assert changes == (
        "NAS `gateway` added",
        "NAS `concentrator` removed",
        "secret of NAS `switch` changed",
        "NAS `switch` changed: network",
    )
    assert not any("of-the-switch-alone-123" in each for each in changes)


def test_a_dynauth_secret_is_told_apart(site: Site) -> None:
    site.change("vendor: cisco-ios,", 'vendor: cisco-ios, dynauth: {port: 1700, secret: "file:secrets/app"},')
    changes = after(site, lambda site: site.write("secrets/app", "another-word-of-theirs", 0o600))
    assert "dynauth secret of NAS `switch` changed" in changes
    assert not any("another-word" in each for each in changes)


def test_the_certificate_is_told_by_its_fingerprints_and_cas_by_their_names(site: Site, pki: Pki) -> None:
    def change(site: Site) -> None:
        site.serve_with(pki.root.issue_server("other.example.test"))
        site.write("devices-ca.pem", type(pki.root).root("another root").root_pem)

    changes = after(site, change)
    assert changes[0].startswith("server certificate ")
    assert [len(each) for each in changes[0].removeprefix("server certificate ").split(" -> ")] == [64, 64]
    assert any(each.startswith("client CA ") and each.endswith(" changed") for each in changes)


def test_other_settings_are_told_by_their_paths(site: Site) -> None:
    changes = after(site, lambda site: site.change("state: state", "state: state\nsessions: {keep: 2d}"))
    assert changes == ("setting `sessions.keep` changed",)


def test_nothing_is_told_of_what_is_the_same(site: Site) -> None:
    assert after(site, lambda site: site.change("state: state", "state: state # the same")) == ()


OLD = 'secret: "file:secrets/nas", vendor: cisco-ios'


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ("nas", "nas next", "next secret of NAS `switch` added: both are valid"),
        ("nas next", "nas", "next secret of NAS `switch` removed: it is not valid any more"),
        ("nas next", "nas other", "next secret of NAS `switch` changed"),
        (
            "nas next",
            "next",
            "secret of NAS `switch`: the next one has taken the place of the one before, which is not valid any more",
        ),
        ("nas", "next", "secret of NAS `switch` changed"),
    ],
)
def test_each_step_of_a_change_of_secrets_has_its_words(site: Site, before: str, now: str, told: str) -> None:
    for name in ("next", "other"):
        site.write(f"secrets/{name}", f"the-secret-named-{name}", 0o600)

    def written(names: str) -> str:
        pair = zip(("secret", "next_secret"), names.split(), strict=False)
        return ", ".join(f'{key}: "file:secrets/{name}"' for key, name in pair) + ", vendor: cisco-ios"

    site.change(OLD, written(before))
    changes = after(site, lambda site: site.change(written(before), written(now)))
    assert changes == (told,)


def test_a_secret_for_changing_sessions_is_told_apart(site: Site) -> None:
    site.write("secrets/das", "the-secret-of-the-das", 0o600)
    site.write("secrets/das-next", "the-next-secret-of-the-das", 0o600)
    with_one = f'{OLD}, dynauth: {{secret: "file:secrets/das"}}'
    site.change(OLD, with_one)
    two = with_one.replace("}", ', next_secret: "file:secrets/das-next"}')
    assert after(site, lambda site: site.change(with_one, two)) == (
        "next dynauth secret of NAS `switch` added: both are valid",
    )
