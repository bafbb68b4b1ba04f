from __future__ import annotations

from dataclasses import replace

from nacd.policy.certified import (
    EkuIs,
    ExpiresIn,
    IssuerMatches,
    SanDns,
    SanUpn,
    SanUri,
    SubjectMatches,
    TemplateIs,
)


def test_issuer_and_subject_are_read_from_the_certificate_without_regard_to_case(facts, certificate) -> None:
    seen = facts(certificate=certificate())
    assert IssuerMatches(patterns=("nothing", "cn=devices ca,*")).test()(seen)
    assert SubjectMatches(patterns=("*laptop-?,*",)).test()(seen)
    assert not SubjectMatches(patterns=("cn=devices*",)).test()(seen)


def test_names_template_and_usages_are_any_of_those_in_it(facts, certificate) -> None:
    shown = replace(
        certificate(),
        templates=("Workstation", "1.3.6.1.4.1.311.21.8.1"),
        ekus=("1.3.6.1.5.5.7.3.2",),
        san_dns=("a.example", "pc.contoso.com"),
        san_uris=("IntuneDeviceId://x",),
        san_upns=("ann@contoso.com",),
    )
    for condition in (
        TemplateIs(names=frozenset({"workstation"})),
        EkuIs(names=frozenset({"1.3.6.1.5.5.7.3.2"})),
        SanDns(patterns=("*.CONTOSO.com",)),
        SanUri(patterns=("intunedeviceid://*",)),
        SanUpn(patterns=("*@contoso.com",)),
    ):
        assert condition.test()(facts(certificate=shown))
        assert not condition.test()(facts(certificate=certificate()))
        assert not condition.test()(facts())
        assert condition.seen(facts()) == f"there is no {condition.key}"
    seen = SanDns(patterns=("x",)).seen(facts(certificate=shown))
    assert seen == "san_dns is `a.example` and `pc.contoso.com`"


def test_how_long_a_certificate_is_still_valid(facts, certificate, rule, policy) -> None:
    shown = replace(certificate(), not_after=1_000.0)
    long, short = ExpiresIn(limit_s=100.0, below=False), ExpiresIn(limit_s=100.0, below=True)
    for at, is_long in ((900.0, True), (900.0004, True), (900.001, False), (2_000.0, False)):
        seen = facts(certificate=shown, at=at)
        assert (long.test()(seen), short.test()(seen)) == (is_long, not is_long)
    assert not short.test()(facts(at=900.0))
    assert not short.test()(facts(certificate=shown))  # what time it is nobody knows
    assert long.seen(facts(certificate=shown, at=940.0)) == "the certificate expires in `1m`"
    assert (long.wanted(), short.wanted()) == ("at least `1m40s`", "below `1m40s`")
    assert policy(rule("r", long)).depends_on_time
