from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nacd.config import fields


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("4h15m", 15300), ("7d", 604800), ("500ms", 0.5), ("0s", 0), ("1d2h3m4s5ms", 93784.005)],
)
def test_durations_carry_units(text: str, seconds: float) -> None:
    assert fields.duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "5 m", "m5", "5m1h", "-5s", "5.5h", "5min", "٥s", "5s5s", True, ()])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="numbers with units"):
        fields.duration(text)


def test_a_bare_number_is_asked_for_its_unit() -> None:
    with pytest.raises(ValueError, match="`3600` has no unit: write `3600s`"):
        fields.duration(3600)


@given(st.integers(0, 10**12).map(lambda ms: timedelta(milliseconds=ms)))
def test_a_written_duration_reads_as_itself(value: timedelta) -> None:
    if value < timedelta(days=9999):
        assert fields.duration(fields.written(value)) == value


def test_a_duration_outside_its_bounds_names_them() -> None:
    check = fields.between(timedelta(seconds=1), timedelta(minutes=5))
    assert check(timedelta(minutes=5)) == timedelta(minutes=5)
    with pytest.raises(ValueError, match="outside `1s` to `5m`"):
        check(timedelta(minutes=6))


def test_sizes_carry_units() -> None:
    assert fields.size("256MiB") == 256 * 1024 * 1024
    for wrong in ("256", "256MB", "0KiB", 256, "256 MiB"):
        with pytest.raises(ValueError, match="as in `256MiB`"):
            fields.size(wrong)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("0.0.0.0:1812", "0.0.0.0", 1812), ("[::]:0", "::", 0), ("[2001:DB8::1]:1", "2001:db8::1", 1)],
)
def test_listen_addresses(text: str, host: str, port: int) -> None:
    assert fields.listen_address(text) == fields.ListenAddress(host, port)
    assert fields.listen_address(str(fields.listen_address(text))) == fields.ListenAddress(host, port)


@pytest.mark.parametrize(
    "text", ["0.0.0.0", "1812", "::1:1812", "localhost:1812", "[10.0.0.1]:1", "10.0.0.1:99999", 1812]
)
def test_what_is_no_listen_address(text: object) -> None:
    with pytest.raises(ValueError, match=r"IP:PORT|65535"):
        fields.listen_address(text)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.0.0.1", "2001:db8::/32", "::1", "0.0.0.0/0"])
def test_networks(text: str) -> None:
    assert str(fields.network(text)).startswith(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10.0.0.1/8", "write `10.0.0.0/8`"),
        ("10.0.0", "is no address"),
        ("host", "is no address"),
        ("::ffff:10.0.0.1", "write it as IPv4"),
        ("fe80::1%eth0", "leave out `%`"),
        (167772160, "a network is wanted"),
    ],
)
def test_what_is_no_network(text: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fields.network(text)


@pytest.mark.parametrize("text", ["10.9.0.4", "127.0.0.1", "2001:db8::4"])
def test_the_address_of_one_machine(text: str) -> None:
    assert fields.ip_address(text) == text


@pytest.mark.parametrize(
    "text", ["", "10.0.0", "::", "0.0.0.0", "ff02::1", "224.0.0.1", "fe80::1%eth0", "::ffff:1.2.3.4", 5]
)
def test_what_is_no_address_of_one_machine(text: object) -> None:
    with pytest.raises(ValueError, match=r"is no IP address|of one machine|write it plain"):
        fields.ip_address(text)


@pytest.mark.parametrize("text", ["aabb.ccdd.eeff", "aabbccddeeff", "AA-BB-CC-DD-EE-FF", "aa:bb:cc:dd:ee:ff"])
def test_a_mac_in_any_usual_spelling(text: str) -> None:
    assert fields.mac(text) == "AA-BB-CC-DD-EE-FF"
    assert fields.mac_pattern(text) == "AA-BB-CC-DD-EE-FF"


@pytest.mark.parametrize("text", ["", "AA-BB", "AA-BB-CC-DD-EE-FG", "AA-BB-CC-DD-EE-FF-00", 112233445566, ()])
def test_what_is_no_mac(text: object) -> None:
    with pytest.raises(ValueError, match="is no MAC address"):
        fields.mac(text)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("AA-BB-CC-*", "AA-BB-CC-*"), ("aabb.cc*", "AA-BB-CC-*"), ("AA-B*", "AA-B*"), ("*", "*"), ("aa:bb*", "AA-BB-*")],
)
def test_mac_patterns_are_beginnings(text: str, pattern: str) -> None:
    assert fields.mac_pattern(text) == pattern


@pytest.mark.parametrize("text", ["*-AA", "AA-*-BB*", "XX-*", "AA-BB-CC-DD-EE-FF*", "AA**"])
def test_what_is_no_mac_pattern(text: str) -> None:
    with pytest.raises(ValueError, match="is no MAC"):
        fields.mac_pattern(text)


def test_text_is_one_clean_line() -> None:
    assert fields.text("fix your device") == "fix your device"
    for wrong in ("", " x", "x\ny", "x\x00", "é" * 127):
        with pytest.raises(ValueError, match=r"this text|white space"):
            fields.text(wrong)
    with pytest.raises(ValueError, match='write `"120"`'):
        fields.text(120)
    with pytest.raises(ValueError, match='`true` is a boolean and text is wanted: write `"true"`'):
        fields.text(True)


@pytest.mark.parametrize("url", ["http://x", "https://", "https://u:p@x/", "x", "https://x:y/", 5, "https://a b/"])
def test_a_url_that_would_carry_a_token_is_https_and_without_a_password(url: object) -> None:
    with pytest.raises(ValueError) as refused:
        fields.https_url(url)
    assert "u:p" not in str(refused.value)


def test_guids_are_written_low() -> None:
    assert fields.guid("6B4B9F4E-7A0D-4A63-9A39-5D5E7C7A1C11") == "6b4b9f4e-7a0d-4a63-9a39-5d5e7c7a1c11"
    with pytest.raises(ValueError, match="a GUID is wanted"):
        fields.guid("{6b4b9f4e}")
