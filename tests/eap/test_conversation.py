"""A conversation begins with nothing but its question."""

from nacd.eap.conversation import AwaitIdentity, Conversation
from nacd.eap.limits import NO_STATION, WAITING_OCTETS
from nacd.values import AccessRequest, Nas


def test_a_new_conversation_waits_for_the_identity_and_is_accounted_for():
    request = AccessRequest(nas=Nas(name="campus", vendor="generic"), source="10.0.0.1", source_port=1, eap=b"")
    begun = Conversation(("10.0.0.1", b"state"), NO_STATION, request, 7)
    assert isinstance(begun.phase, AwaitIdentity)
    assert (begun.nas, begun.identifier, begun.rounds, begun.sent) == ("campus", 7, 0, b"")
    assert begun.held == WAITING_OCTETS
