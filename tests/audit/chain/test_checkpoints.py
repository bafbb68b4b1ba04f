"""The texts that are signed, to the octet."""

from nacd.audit.chain.checkpoints import checkpoint_text, handover_text


def test_a_checkpoint_is_signed_over_its_trail_place_and_time() -> None:
    text = checkpoint_text(writer="0123456789abcdef", seq=18, link="a" * 64, time="2026-11-22T19:21:00.000Z")
    assert text == b"nacd audit checkpoint 1\n0123456789abcdef\n18\n" + b"a" * 64 + b"\n2026-11-22T19:21:00.000Z\n"


def test_a_handover_is_signed_over_both_keys() -> None:
    text = handover_text(writer="w", old="o", new="n", public="p", time="t")
    assert text == b"nacd audit key 1\nw\no\nn\np\nt\n"


def test_no_signature_of_one_can_be_shown_as_one_of_the_other() -> None:
    one = checkpoint_text(writer="w", seq=1, link="l", time="t")
    other = handover_text(writer="w", old="1", new="l", public="", time="t")
    assert one.split(b"\n")[0] != other.split(b"\n")[0]
