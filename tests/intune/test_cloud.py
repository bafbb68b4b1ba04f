"""Clouds and the host allow-list."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.intune.cloud import CLOUDS, Audience, Hosts, cloud, netloc

HOSTS = Hosts(suffix=".manage.microsoft.com", listed=frozenset({"intune.corp", "localhost:8443"}))
CUSTOM = {"login": "https://localhost:1", "graph": "https://localhost:2", "resource": "https://x/"}


def test_the_intune_scope_has_two_slashes_and_the_managed_identity_target_one() -> None:
    public = cloud("global")
    assert public.scope(Audience.INTUNE) == "https://api.manage.microsoft.com//.default"
    assert public.target(Audience.INTUNE) == "https://api.manage.microsoft.com/"
    assert public.scope(Audience.GRAPH) == "https://graph.microsoft.com/.default"


@pytest.mark.parametrize("name", sorted(set(CLOUDS) - {"china", "custom"}))
def test_a_known_cloud_needs_nothing(name: str) -> None:
    assert cloud(name).name == name


def test_china_needs_the_audience_from_the_operator() -> None:
    with pytest.raises(ValueError, match="`resource`"):
        cloud("china")
    assert cloud("china", {"resource": "https://api.manage.microsoftonline.cn/"}).host_suffix.endswith(".cn")


def test_a_custom_cloud_may_live_on_any_port() -> None:
    assert cloud("custom", CUSTOM).login == "https://localhost:1"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({}, "`login`"),
        (CUSTOM | {"login": "http://localhost"}, "`login`"),
        (CUSTOM | {"graph": "https://localhost/path"}, "`graph`"),
        (CUSTOM | {"host_suffix": "com"}, "`host_suffix`"),
        (CUSTOM | {"host_suffix": ".com"}, "`host_suffix`"),
        (CUSTOM | {"nonsense": "x"}, "`nonsense`"),
    ],
)
def test_a_custom_cloud_that_cannot_work_is_refused_in_words(overrides: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        cloud("custom", overrides)


def test_an_unknown_cloud_is_refused_with_the_choice() -> None:
    with pytest.raises(ValueError, match="usgov_high"):
        cloud("mars")


@pytest.mark.parametrize(
    "url",
    [
        "https://fef.unit.manage.microsoft.com/a/b",
        "https://FEF.unit.Manage.Microsoft.com/a",
        "https://fef.unit.manage.microsoft.com:443/",
        "https://intune.corp/x?y=1&z=%20",
        "https://localhost:8443",
    ],
)
def test_hosts_of_the_cloud_and_listed_ones_may_be_sent_a_token(url: str) -> None:
    assert HOSTS.refusal(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://fef.unit.manage.microsoft.com/",
        "https://fef.unit.manage.microsoft.com:8443/",
        "https://manage.microsoft.com.evil.test/",
        "https://evilmanage.microsoft.com/",
        "https://manage.microsoft.com/",
        "https://user@fef.unit.manage.microsoft.com/",
        "https://fef.unit.manage.microsoft.com@evil.test/",
        "https://evil.test\\.manage.microsoft.com/",
        "https://evil.test/?.manage.microsoft.com",
        "https://evil.test#.manage.microsoft.com",
        "https://evil.test%00.manage.microsoft.com/",
        "https://fef.unit.manage.microsoft.com./",
        "https://fef.unit.manage.microsoft.com/a/../b",
        "https://fef.unit.manage.microsoft.com/a b",
        "https://fef.unit.manage.microsoft.com/\r\nX: y",
        "https://fef.unit.manage.microsoft.com/a\n",
        "https://[::1]/",
        "https://intune.corp:8443/",
        "https://localhost/",
        "https://localhost:8444/",
        "https://fef.unit.manage.microsoft.com:/x",
        "//fef.unit.manage.microsoft.com/",
        "",
    ],
)
def test_nobody_else_is_sent_a_token(url: str) -> None:
    assert HOSTS.refusal(url)


def test_a_cloud_without_suffix_trusts_listed_hosts_only() -> None:
    assert Hosts().refusal("https://fef.unit.manage.microsoft.com/")


@pytest.mark.parametrize("entry", ["https://x", "x/y", "X.test", "*.test", "", "a:b"])
def test_a_listed_host_is_a_name_and_perhaps_a_port(entry: str) -> None:
    with pytest.raises(ValueError, match="host"):
        Hosts(listed=frozenset({entry}))


@settings(max_examples=200)
@given(st.text(alphabet="abc.:/@\\?#%\r\n \u3002microsft-", max_size=60))
def test_what_is_allowed_is_read_the_same_by_urllib(tail: str) -> None:
    url = "https://x" + tail
    if not HOSTS.refusal(url):
        assert netloc(url).partition(":")[0].endswith((".manage.microsoft.com", "intune.corp", "localhost"))
