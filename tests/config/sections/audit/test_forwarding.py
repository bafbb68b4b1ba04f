"""What may be written under `audit.forward`, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from nacd.config.fields import Surroundings
from nacd.config.sections.audit.forwarding import Destination, Destinations, Login, is_here

MANY: TypeAdapter[Any] = TypeAdapter(Destinations)


def read(tmp_path: Path, **keys: Any) -> Destination:
    around = Surroundings(folder=tmp_path, environment={"TOKEN": "s3cret"})
    return Destination.model_validate({"name": "siem", "url": "https://siem.example.net/in", **keys}, context=around)


@pytest.mark.parametrize(
    ("url", "port", "in_clear"),
    [
        ("syslog+tls://siem.example.net", 6514, False),
        ("syslog+tls://[2001:db8::1]:7000", 7000, False),
        ("syslog+tcp://siem.example.net:601", 601, True),
        ("syslog+tcp://127.0.0.1:601", 601, False),
        ("syslog+udp://siem.example.net", 514, True),
        ("syslog+udp://localhost", 514, False),
        ("https://siem.example.net/in?x=1", 443, False),
        ("http://127.0.0.1:9000/in", 9000, False),
        ("http://[::1]:9000/in", 9000, False),
    ],
)
def test_urls_that_are_taken(url: str, port: int, in_clear: bool, tmp_path: Path) -> None:
    found = read(tmp_path, url=url)
    assert (found.port, found.in_clear) == (port, in_clear)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("syslog://siem:514", "nothing is sent over `syslog`"),
        ("ftp://siem/x", "nothing is sent over `ftp`"),
        ("siem.example.net", "nothing is sent over `siem.example.net`"),
        ("http://siem.example.net/in", "do not leave this machine over `http`"),
        ("http://127.0.0.1.example.net/in", "do not leave this machine over `http`"),
        ("syslog+tcp://siem", "has no port"),
        ("syslog+tls://", "names no host"),
        ("syslog+tls://siem:99999", "a URL is wanted"),
        ("syslog+tls://siem/path", "nothing behind them"),
        ("https://nacd:secret@siem/x", "no user name and no password"),
        ("https://siem/a b", "names no host"),
        (17, "is a number"),
    ],
)
def test_urls_that_are_refused_say_why(url: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=words):
        read(tmp_path, url=url)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"name": "Siem!"}, "is no name of a destination"),
        ({"name": "../x"}, "is no name of a destination"),
        ({"events": ("access.*; rm",)}, "names no events"),
        ({"events": ()}, "this list is empty"),
        ({"syslog": {}}, "`syslog` does not belong to `https`"),
        ({"url": "syslog+udp://siem", "http": {}}, "`http` does not belong"),
        ({"url": "syslog+udp://siem", "ca_file": "ca.pem"}, "nothing is encrypted"),
        ({"url": "syslog+udp://siem", "syslog": {"longest": 65_536}}, "a datagram holds 65507 octets at most"),
        ({"certificate": "ca.pem"}, "belong together"),
        ({"format": "cef", "http": {"body": "array"}}, "is no JSON"),
        ({"http": {"login": {"secret": "hunter2"}}}, "a secret is named"),
        ({"http": {"login": {"secret": "env:TOKEN", "scheme": "Basic"}}}, "belong together"),
        ({"http": {"login": {"secret": "env:TOKEN", "header": "X Y"}}}, "no name of an HTTP header"),
        ({"http": {"headers": {"a\nb": "x"}}}, "control character"),
        ({"http": {"headers": {"X-Site": "north – south"}}}, "`X-Site` cannot be sent in an HTTP header"),
        ({"pace": 0}, "greater than or equal"),
        ({"timeout": "0s"}, "outside"),
        ({"batch": {"size": "1KiB"}}, "a batch has"),
        ({"batch": {"records": 2_001}, "http": {"body": "bulk"}}, "`batch.records` is 2000 at most with `body: bulk`"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(keys: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    with pytest.raises(ValidationError, match=words):
        read(tmp_path, **keys)


def test_a_secret_stays_silent(tmp_path: Path) -> None:
    assert "s3cret" not in repr(read(tmp_path, http={"login": {"secret": "env:TOKEN"}}))


@pytest.mark.parametrize("token", ["one\ttwo", "tökén"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_told(token: str, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(token)
    secret.chmod(0o600)
    around, login = Surroundings(folder=tmp_path, environment={}), {"secret": "file:token"}
    with pytest.raises(ValidationError, match="one line of ASCII") as refused:
        Login.model_validate(login, context=around)
    assert token not in str(refused.value.errors(include_input=False))
    assert Login.model_validate({**login, "scheme": "Basic", "user": "a"}, context=around).user == "a"


def test_two_of_one_name_are_refused_and_seventeen_too(tmp_path: Path) -> None:
    around = Surroundings(folder=tmp_path, environment={})
    one = {"name": "siem", "url": "https://siem/in"}
    with pytest.raises(ValidationError, match="two destinations are called `siem`"):
        MANY.validate_python((one, one), context=around)
    many = tuple({**one, "name": f"siem{number}"} for number in range(17))
    with pytest.raises(ValidationError, match="at most 16"):
        MANY.validate_python(many, context=around)


def test_what_stays_here_is_loopback_alone() -> None:
    assert is_here("127.8.8.8")
    assert is_here("LOCALHOST")
    assert not is_here("localhost.example.net")
    assert not is_here("0.0.0.0")
