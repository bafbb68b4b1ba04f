"""Which of two secrets hid a password that nothing signs."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from nacd.radius.overlap.password import hidden_with
from nacd.radius.packet import decode

OLD, NEW = b"the-old-one-of-both", b"the-new-one-of-both"
AUTHENTICATOR = bytes(range(100, 116))


def hide(clear: bytes, secret: bytes, authenticator: bytes = AUTHENTICATOR) -> bytes:
    """RFC 2865 section 5.2, written down once more."""
    clear = clear.ljust(max(16, -(-len(clear) // 16) * 16), b"\x00")
    hidden, last = b"", authenticator
    for start in range(0, len(clear), 16):
        key = hashlib.md5(secret + last).digest()
        last = bytes(left ^ right for left, right in zip(clear[start : start + 16], key, strict=True))
        hidden += last
    return hidden


def request(*values: tuple[int, bytes], authenticator: bytes = AUTHENTICATOR) -> bytes:
    body = b"".join(bytes((number, len(value) + 2)) + value for number, value in values)
    return bytes((1, 7)) + (20 + len(body)).to_bytes(2) + authenticator + body


def told(*values: tuple[int, bytes], authenticator: bytes = AUTHENTICATOR) -> bytes:
    return hidden_with(decode(request(*values, authenticator=authenticator)), OLD, NEW)


@settings(max_examples=300)
@given(
    st.text(st.characters(exclude_categories=("C", "Z")), max_size=30),
    st.sampled_from([OLD, NEW]),
    st.binary(min_size=16, max_size=16),
)
def test_text_is_told_by_the_secret_that_shows_it(password: str, secret: bytes, authenticator: bytes) -> None:
    hidden = hide(password.encode()[:128], secret, authenticator)
    assert told((1, b"nemo"), (2, hidden), authenticator=authenticator) in (secret, b"")


def test_a_mac_an_empty_and_a_long_password_are_told() -> None:
    for clear in (b"001b44113ab7", b"00-1B-44-11-3A-B7", b"", b"x" * 16, b"y" * 40, "grün".encode()):
        for secret in (OLD, NEW):
            assert told((1, b"nemo"), (2, hide(clear, secret))) == secret, clear


def test_what_neither_shows_as_text_and_what_is_no_one_password_is_not_told() -> None:
    assert told((1, b"nemo")) == b""
    assert told((2, hide(b"\x01\x02\xff\xfe", OLD))) == b""
    assert told((2, hide(b"good", b"a-third-secret-here"))) == b""
    assert told((2, b"short")) == b""
    assert told((2, hide(b"good", OLD)), (2, hide(b"good", OLD))) == b""
    assert told((2, hide(b"good", OLD) + bytes(16))) == b""


def test_a_whole_block_of_padding_is_no_password() -> None:
    assert told((2, hide(b"good".ljust(32, b"\x00"), NEW))) == b""
