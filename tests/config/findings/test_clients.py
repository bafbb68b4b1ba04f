from __future__ import annotations

import pytest

SECRETS = "clients:\n" + "".join(
    f'  - {{name: {name}, network: {network}, secret: "file:secrets/{name}", vendor: generic}}\n'
    for name, network in (("a", "NET_A"), ("b", "NET_B"), ("c", "192.0.2.1"))
)


def clients(site, a: str = "10.0.0.1", b: str = "10.0.0.2") -> None:
    text = (site.folder / "nacd.yaml").read_text()
    site.write("nacd.yaml", SECRETS.replace("NET_A", a).replace("NET_B", b) + text[text.index("intune:") :])
    for name in "abc":
        site.write(f"secrets/{name}", f"a good secret of client {name}", mode=0o600)


def found(survey, code: str) -> list[str]:
    return [str(each) for each in survey() if each.code == code]


@pytest.mark.parametrize(
    ("a", "b", "overlap"),
    [
        ("10.0.0.0/25", "10.0.0.7", "`10.0.0.7/32` lies within `10.0.0.0/25` of client `a`"),
        ("10.0.0.7", "10.0.0.0/25", "`10.0.0.7/32` lies within `10.0.0.0/25` of client `b`"),
        ("10.0.0.0/25", "10.0.0.128/25", ""),
        ("10.0.0.0/25", "[10.0.0.130, 10.0.0.3]", "`10.0.0.3/32` lies within"),
        ("[10.0.0.0/25, 10.0.0.3]", "10.0.1.0/25", ""),
        ('"2001:db8::/65"', '"2001:db8::1"', "`2001:db8::1/128` lies within"),
        ("0.0.0.0/1", '"::1"', ""),
    ],
)
def test_a_network_within_that_of_another_nas(site, survey, a: str, b: str, overlap: str) -> None:
    clients(site, a, b)
    said = found(survey, "networks-overlap")
    assert len(said) == bool(overlap)
    assert all(overlap in each and "nacd.yaml:" in each for each in said)


def test_of_networks_in_networks_the_next_wider_one_is_named(site, survey) -> None:
    clients(site, "[10.0.0.0/25, 192.0.2.0/25]", "10.0.0.0/26")
    said = found(survey, "networks-overlap")
    assert [each.split(": ", 1)[1].split(" of client")[0] for each in said] == [
        "`10.0.0.0/26` lies within `10.0.0.0/25`",
        "`192.0.2.1/32` lies within `192.0.2.0/25`",
    ]


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("10.0.0.0/25", ""),
        ("10.0.0.0/24", "all of `10.0.0.0/24` (256 addresses) share one secret"),
        ("10.0.0.0/16", "all of `10.0.0.0/16` (65,536 addresses) share one secret"),
        ("[10.0.0.0/25, 10.0.3.0/25]", "256 addresses share one secret"),
        ('"2001:db8::/65"', "addresses share one secret"),
        ('"2001:db8::/64"', "all of `2001:db8::/64` (a /64) share one secret"),
        ('"2001:db8::1"', ""),
    ],
)
def test_one_secret_for_a_wide_network(site, survey, network: str, words: str) -> None:
    clients(site, network)
    said = found(survey, "network-wide")
    assert len(said) == bool(words)
    assert all(words in each for each in said)


@pytest.mark.parametrize("network", ["10.0.0.0/8", "0.0.0.0/0"])
def test_a_very_wide_one_is_told_of_once(site, survey, network: str) -> None:
    clients(site, network)
    assert found(survey, "network-wide") == []
    assert [note.code for note in site.load().notes if note.code == "network-wide"] == ["network-wide"]


def test_a_secret_that_another_nas_has_is_told_where_it_stands_and_never_shown(site, survey) -> None:
    clients(site)
    assert found(survey, "secret-reused") == []
    site.write("secrets/b", "a good secret of client a\n", mode=0o600)
    (said,) = found(survey, "secret-reused")
    assert "client `a` has the same secret" in said
    assert "nacd.yaml:3:" in said
    assert "good" not in said
    assert "25" not in said.split(": ", 1)[1]


def test_a_secret_for_changing_sessions_may_be_the_nas_own_and_nobody_elses(site, survey) -> None:
    clients(site)
    site.change("vendor: generic}", 'vendor: generic, dynauth: {secret: "file:secrets/a"}}')
    assert found(survey, "secret-reused") == []
    site.change("vendor: generic}", 'vendor: generic, dynauth: {secret: "file:secrets/a"}}')
    (said,) = found(survey, "secret-reused")
    assert "nacd.yaml:3:" in said


@pytest.mark.parametrize(("again", "told"), [("b", 1), ("d", 0)])
@pytest.mark.parametrize(
    "pair",
    [
        'secret: "file:secrets/b", next_secret: "file:secrets/AGAIN"',
        'secret: "file:secrets/e", dynauth: {secret: "file:secrets/b", next_secret: "file:secrets/AGAIN"}',
    ],
)
def test_two_secrets_that_are_one_are_told_of_at_the_second(site, survey, pair: str, again: str, told: int) -> None:
    clients(site)
    for name in "de":
        site.write(f"secrets/{name}", f"a good secret of client {name}", mode=0o600)
    site.change('secret: "file:secrets/b"', pair.replace("AGAIN", again))
    said = found(survey, "secret-reused")
    assert len(said) == told
    assert all("`next_secret` is the same as `secret`" in each and "nacd.yaml:3:" in each for each in said)


def test_a_next_secret_that_another_nas_has_is_told_too(site, survey) -> None:
    clients(site)
    site.change('secret: "file:secrets/b"', 'secret: "file:secrets/b", next_secret: "file:secrets/a"')
    (said,) = found(survey, "secret-reused")
    assert "client `a` has the same secret" in said
