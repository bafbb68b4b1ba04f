"""radcli, the library of ocserv and others, driven over ctypes.

It signs EAP alone. Up to 1.2.11 it works out whether the Response Authenticator is right, and then forgets the result.
Arguments: KIND HOST PORT SECRET SOURCE SIGNED MAC SESSION. Says ``reply=NAME`` and what it understood.
"""

import ctypes
import os
import sys
from ctypes import byref, c_char_p, c_int, c_uint, c_uint32, c_void_p, create_string_buffer
from pathlib import Path

REPLIES = {0: "Access-Accept", 2: "Access-Reject"}
USER_NAME, USER_PASSWORD, SERVICE_TYPE, CALLING_STATION_ID, NAS_IDENTIFIER = 1, 2, 6, 31, 32
SESSION_TIMEOUT, ACCT_STATUS_TYPE, ACCT_SESSION_ID, TUNNEL_PRIVATE_GROUP_ID = 27, 40, 44, 81
PORT = 7


def library() -> ctypes.CDLL:
    radcli = ctypes.CDLL("libradcli.so.4")
    radcli.rc_new.restype = c_void_p
    radcli.rc_config_init.restype = c_void_p
    radcli.rc_config_init.argtypes = [c_void_p]
    radcli.rc_add_config.argtypes = [c_void_p, c_char_p, c_char_p, c_char_p, c_int]
    radcli.rc_apply_config.argtypes = [c_void_p]
    radcli.rc_read_dictionary.argtypes = [c_void_p, c_char_p]
    radcli.rc_avpair_add.argtypes = [c_void_p, c_void_p, c_int, c_void_p, c_int, c_int]
    radcli.rc_avpair_add.restype = c_void_p
    radcli.rc_avpair_get.argtypes = [c_void_p, c_int, c_int]
    radcli.rc_avpair_get.restype = c_void_p
    radcli.rc_avpair_get_uint32.argtypes = [c_void_p, c_void_p]
    radcli.rc_avpair_get_raw.argtypes = [c_void_p, c_void_p, c_void_p]
    radcli.rc_auth.argtypes = [c_void_p, c_uint32, c_void_p, c_void_p, c_char_p]
    radcli.rc_acct.argtypes = [c_void_p, c_uint32, c_void_p]
    return radcli


def main() -> None:
    kind, host, port, secret, source, _signed, mac, session = sys.argv[1:]
    radcli = library()
    handle = radcli.rc_config_init(radcli.rc_new())
    server = f"{host}:{port}:{secret}"
    settings = {
        "authserver": server,
        "acctserver": server,
        "radius_timeout": os.environ["PATIENCE_S"],
        "radius_retries": "0",
    }
    for name, value in {**settings, "bindaddr": source}.items():
        if radcli.rc_add_config(handle, name.encode(), value.encode(), b"zoo", 0) != 0:
            raise SystemExit(f"radcli does not take {name}")
    dictionary = str(Path(__file__).with_name("dictionary")).encode()
    if radcli.rc_apply_config(handle) != 0 or radcli.rc_read_dictionary(handle, dictionary) != 0:
        raise SystemExit("radcli does not take its configuration")

    request = c_void_p()

    def text(attribute: int, value: str) -> None:
        added = radcli.rc_avpair_add(handle, byref(request), attribute, c_char_p(value.encode()), -1, 0)
        assert added, attribute

    def number(attribute: int, value: int) -> None:
        assert radcli.rc_avpair_add(handle, byref(request), attribute, byref(c_uint32(value)), 0, 0), attribute

    name = mac.replace("-", "").lower()
    text(USER_NAME, name)
    text(CALLING_STATION_ID, mac)
    text(NAS_IDENTIFIER, "radcli")
    if kind == "start":
        number(ACCT_STATUS_TYPE, 1)
        text(ACCT_SESSION_ID, session)
        code = radcli.rc_acct(handle, PORT, request)
        print("reply=Accounting-Response" if code == 0 else f"reply=none why={code}")
        return
    text(USER_PASSWORD, name)
    number(SERVICE_TYPE, 10)
    received, message = c_void_p(), create_string_buffer(4096)
    code = radcli.rc_auth(handle, PORT, request, byref(received), message)
    print(f"reply={REPLIES[code]}" if code in REPLIES else f"reply=none why={code}")
    timeout = c_uint32()
    pair = radcli.rc_avpair_get(received, SESSION_TIMEOUT, 0)
    if pair and radcli.rc_avpair_get_uint32(pair, byref(timeout)) == 0:
        print(f"session_timeout={timeout.value}")
    octets, length = c_char_p(), c_uint()
    pair = radcli.rc_avpair_get(received, TUNNEL_PRIVATE_GROUP_ID, 0)
    if pair and radcli.rc_avpair_get_raw(pair, byref(octets), byref(length)) == 0:
        print(f"vlan={ctypes.string_at(octets, length.value).decode()}")


main()
