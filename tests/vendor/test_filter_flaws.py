"""Lines of access lists that have the right form, and what can still be wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.vendor.filter_flaws import complaint, flaw
from nacd.vendor.filter_lines import EXAMPLES, LANGUAGES, first_foreign
from tests.vendor.test_filter_lines import LINES

SOUND = {
    "cisco": [
        "permit ip any any",
        "permit tcp any eq www host 10.0.0.1 eq 443 established log",
        "permit tcp any eq www ftp 8080 host 10.0.0.1",
        "permit tcp any gt 1023 10.0.0.0 0.0.0.255 eq 80 443",
        "permit udp any range 67 68 any range bootps bootpc",
        "permit icmp any 10.0.0.0 0.0.0.255 echo-reply",
        "permit 50 any host 10.0.0.1",
        "deny ipv6 2001:db8::/32 any6",
        "permit tcp any host 2001:db8::1 eq 443",
        "permit tcp object-group STAFF any eq 443",
        "permit tcp any host portal.example eq 443",
        "deny ip any any log-input",
        "permit ip any 10.0.0.0 255.255.255.0",
        "remark permit tpc any",
    ],
    "ipfilter-in": [
        "permit in tcp from any to 10.0.0.1 443,8000-8080 cnt",
        "deny in 17 from any 1024-65535 to !10.0.0.0/8",
        "permit in ip from assigned to any frag",
        "permit in ipv6 from any to 2001:db8::/32",
    ],
    "junos": ["Match Destination-ip 10.0.0.0/8, Destination-port ssh Action allow", "match ip-protocol 17,action deny"],
}
WRONG = [
    ("cisco", "permit tpc any any", "`tpc` is no protocol that nacd knows"),
    ("cisco", "permit 256 any any", "`256` is no protocol: its number is from 0 to 255"),
    ("cisco", "permit ip host 10.0.0.1", "its destination is missing"),
    ("cisco", "permit ip any host", "the address of its destination is missing behind `host`"),
    ("cisco", "permit ip any host 10.0.0.256", "`10.0.0.256` is no address for its destination"),
    ("cisco", "permit ip 10.0.0.1 any", "behind `10.0.0.1`, its source, a mask is wanted and `any` is none"),
    ("cisco", "permit ip any 10.0.0.1", "a mask is wanted and it is missing: or write `host 10.0.0.1`"),
    ("cisco", "permit ip any 10.0.0.0/33", "`10.0.0.0/33` is no address or network for its destination"),
    ("cisco", "permit ip any everywhere", "`everywhere` is no address for its destination"),
    ("cisco", "permit tcp any any eq 65536", "`65536` is no port: they end at 65535"),
    ("cisco", "permit tcp any any eq", "`eq` needs a port"),
    ("cisco", "permit udp any any range 68", "`range` needs two ports"),
    ("cisco", "permit udp any any range 68 67", "the ports `68` to `67` run backwards"),
    ("cisco", "permit udp any range 68 67 any", "run backwards"),
    ("cisco", "permit ip any any eq 443", "`eq` asks for ports, which only `tcp` and `udp` have"),
    ("cisco", "permit tcp any eq 443", "its destination is missing"),
    ("ipfilter-in", "permit in tpc from any to any", "`tpc` is no protocol"),
    ("ipfilter-in", "permit in ip from 10.0.0 to any", "`10.0.0` is no address or network for its source"),
    ("ipfilter-in", "permit in ip from any to 10.0.0.0/40", "for its destination"),
    ("ipfilter-in", "permit in tcp from any to any 443-80", "the ports `443` to `80` run backwards"),
    ("ipfilter-in", "permit in tcp from any to any 80,", "`80,` is no list of ports"),
    ("ipfilter", "permit out tcp from any 70000 to any", "`70000` is no port"),
    ("junos", "Match Destination-ip 10.0.0.300 Action allow", "`10.0.0.300` is no address or network"),
    ("junos", "Match Destination-port 70000 Action deny", "`70000` is no port"),
]


@pytest.mark.parametrize(
    ("language", "line"),
    [(language, line) for lines in (SOUND, LINES) for language in lines for line in lines[language]],
)
def test_a_sound_line_is_let_alone(language: str, line: str) -> None:
    assert not first_foreign([line], language)
    assert flaw(line, language) == ""
    assert complaint(line) == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_examples_have_no_flaw(language: str) -> None:
    assert flaw(EXAMPLES[language], language, wildcards=True) == ""


@pytest.mark.parametrize(("language", "line", "says"), WRONG)
def test_a_flaw_is_told_in_words(language: str, line: str, says: str) -> None:
    assert not first_foreign([line], language), "a line of another form is told otherwise"
    assert says in flaw(line, language)
    assert says in complaint(line)


@pytest.mark.parametrize("line", ["", "permitt ip any any", "permit ip any", "Match Destination-ip 10.0.0.1"])
def test_a_line_of_no_language_is_told_what_lines_look_like(line: str) -> None:
    assert "they look like `permit tcp any host 10.0.0.1 eq 443`, `permit in tcp from" in complaint(line)


@pytest.mark.parametrize(
    ("mask", "instead"),
    [("255.255.255.0", "0.0.0.255"), ("255.0.0.0", "0.255.255.255"), ("255.255.255.252", "0.0.0.3")],
)
def test_a_netmask_where_a_wildcard_is_wanted_is_refused_with_the_right_one(mask: str, instead: str) -> None:
    line = f"permit ip any 10.0.0.0 {mask}"
    assert flaw(line, "cisco", wildcards=True).endswith(f"write `{instead}`")
    assert flaw(line, "cisco") == ""
    assert flaw(line.replace(mask, instead), "cisco", wildcards=True) == ""


@pytest.mark.parametrize("mask", ["0.0.0.0", "255.255.255.255", "0.0.255.0", "128.0.0.1"])
def test_a_mask_that_may_be_a_wildcard_is_let_alone(mask: str) -> None:
    assert flaw(f"permit ip 10.0.0.0 {mask} any", "cisco", wildcards=True) == ""


TOKENS = "permit deny in out ip tcp from to any host eq range 80 10.0.0.1 0.0.0.255 10.0.0.0/8 match action allow x"


@given(
    words=st.lists(
        st.sampled_from(TOKENS.split()) | st.text(min_size=1, max_size=8),
        min_size=1,
        max_size=12,
    ),
    wildcards=st.booleans(),
)
@settings(max_examples=400)
def test_no_line_whatever_it_holds_breaks_the_reader(words: list[str], wildcards: bool) -> None:
    line = " ".join(words)
    assert isinstance(complaint(line), str)
    for language, pattern in LANGUAGES.items():
        if pattern.fullmatch(line):
            assert isinstance(flaw(line, language, wildcards=wildcards), str)
