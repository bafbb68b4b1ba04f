"""libradsec over UDP, driven over ctypes.

It signs always, and checks the Response Authenticator and a Message-Authenticator that comes.
Arguments: KIND HOST PORT SECRET SOURCE SIGNED MAC SESSION. Says ``reply=NAME`` and what it understood.
"""

import ctypes
import os
import sys
import tempfile
from ctypes import byref, c_char_p, c_int, c_size_t, c_ubyte, c_uint, c_uint32, c_uint64, c_void_p

REPLIES = {2: "Access-Accept", 3: "Access-Reject", 5: "Accounting-Response"}
UDP = 1
USER_NAME, USER_PASSWORD, NAS_PORT, SERVICE_TYPE, CALLING_STATION_ID, NAS_IDENTIFIER = 1, 2, 5, 6, 31, 32
SESSION_TIMEOUT, ACCT_STATUS_TYPE, ACCT_SESSION_ID, MESSAGE_AUTHENTICATOR, TUNNEL_GROUP = 27, 40, 44, 80, 81


def library() -> ctypes.CDLL:
    radsec = ctypes.CDLL("libradsec.so.0")
    radsec.rs_conn_create.argtypes = [c_void_p, c_void_p, c_char_p]
    radsec.rs_context_read_config.argtypes = [c_void_p, c_char_p]
    radsec.rs_packet_create.argtypes = [c_void_p, c_void_p]
    radsec.rs_packet_add_avp.argtypes = [c_void_p, c_uint, c_uint, c_void_p, c_size_t]
    radsec.rs_packet_send.argtypes = [c_void_p, c_void_p]
    radsec.rs_conn_receive_packet.argtypes = [c_void_p, c_void_p, c_void_p]
    radsec.rs_packet_code.argtypes = [c_void_p]
    radsec.rs_packet_avps.argtypes = [c_void_p, c_void_p]
    radsec.rs_avp_find.argtypes = [c_void_p, c_uint, c_uint]
    radsec.rs_avp_find.restype = c_void_p
    radsec.rs_avp_display_value.argtypes = [c_void_p, c_char_p, c_size_t]
    return radsec


def main() -> None:
    kind, host, port, secret, _source, _signed, mac, session = sys.argv[1:]
    radsec = library()
    context, connection, request, answer = c_void_p(), c_void_p(), c_void_p(), c_void_p()

    def must(code: int) -> None:
        if code != 0:
            raise SystemExit(f"libradsec refuses: {code}")

    must(radsec.rs_context_create(byref(context)))
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        server = f'server {{ hostname = "{host}" service = "{port}" secret = "{secret}" }}'
        file.write(f'realm zoo {{ type = "UDP" timeout = {os.environ["PATIENCE_S"]} retries = 0 {server} }}\n')
        file.flush()
        must(radsec.rs_context_read_config(context, file.name.encode()))
    must(radsec.rs_conn_create(context, byref(connection), b"zoo"))
    must(radsec.rs_packet_create(connection, byref(request)))

    def octets(attribute: int, value: bytes) -> None:
        must(radsec.rs_packet_add_avp(request, attribute, 0, value, len(value)))

    def number(attribute: int, value: int) -> None:
        must(radsec.rs_packet_add_avp(request, attribute, 0, byref(c_uint32(value)), 4))

    name = mac.replace("-", "").lower().encode()
    octets(USER_NAME, name)
    octets(CALLING_STATION_ID, mac.encode())
    octets(NAS_IDENTIFIER, b"libradsec")
    number(NAS_PORT, 7)
    if kind == "login":
        octets(USER_PASSWORD, name)
        number(SERVICE_TYPE, 10)
    else:
        become_accounting(radsec, request)
        number(ACCT_STATUS_TYPE, 1)
        octets(ACCT_SESSION_ID, session.encode())
    must(radsec.rs_packet_send(request, None))
    code = radsec.rs_conn_receive_packet(connection, request, byref(answer))
    if code != 0:
        print(f"reply=none why={code}")
        return
    print(f"reply={REPLIES[radsec.rs_packet_code(answer)]}")
    pairs = ctypes.POINTER(c_void_p)()
    radsec.rs_packet_avps(answer, byref(pairs))
    text = ctypes.create_string_buffer(256)
    for attribute, word in {SESSION_TIMEOUT: "session_timeout", TUNNEL_GROUP: "vlan"}.items():
        pair = radsec.rs_avp_find(pairs[0], attribute, 0)
        if pair:
            radsec.rs_avp_display_value(pair, text, len(text))
            print(f"{word}={text.value.decode().strip(chr(34))}")
    if radsec.rs_avp_find(pairs[0], MESSAGE_AUTHENTICATOR, 0):
        print("message_authenticator=checked")


class RadiusPacket(ctypes.Structure):
    """The head of the codec's own packet, ``struct radius_packet`` of libradsec 0.0.5."""

    _fields_ = (
        ("socket", c_int),
        ("source_and_destination", c_uint64 * 32),
        ("secret", c_char_p),
        ("secret_octets", c_size_t),
        ("code", c_uint),
        ("identifier", c_int),
        ("octets", c_size_t),
        ("authenticator", c_ubyte * 16),
        ("flags", c_int),
        ("attempts", c_int),
        ("data", ctypes.POINTER(c_ubyte)),
    )


def become_accounting(radsec: ctypes.CDLL, request: c_void_p) -> None:
    """The library signs and checks accounting, but offers only to make Access-Requests: change one before it is
    encoded. ``struct rs_packet`` (radsec-impl.h) points at the codec's packet from offset 16.
    """
    assert request.value is not None
    address = c_void_p.from_address(request.value + 16).value
    assert address is not None
    packet = RadiusPacket.from_address(address)
    assert (packet.code, packet.data[0]) == (1, 1), "another libradsec than 0.0.5"
    packet.code = packet.data[0] = 4
    packet.authenticator[:] = bytes(16)
    assert radsec.rs_packet_code(request) == 4


main()
