"""pam_radius_auth, the PAM module of login and OpenVPN servers, behind the system's libpam, driven over ctypes.

It cannot sign (before 3.0); it checks the Response Authenticator. Its user comes with Service-Type Authenticate-Only on
a Virtual port, so its NAS is one that has done the authentication. Opening a session is its Accounting-Start.
Arguments: KIND HOST PORT SECRET SOURCE SIGNED USER SESSION MODULE. Says ``reply=NAME``.
"""

import ctypes
import os
import sys
import tempfile
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_void_p
from pathlib import Path

SUCCESS, AUTHENTICATION_FAILED, NOT_REACHED = 0, 7, 9  # PAM_SUCCESS, PAM_AUTH_ERR, PAM_AUTHINFO_UNAVAIL
CONVERSATION_ERROR = 19
SILENT = 0x8000
TTY, RHOST = 3, 4
PASSWORD = b"never looked at"


class Message(Structure):
    """``struct pam_message``."""

    _fields_ = (("style", c_int), ("text", c_char_p))


class Response(Structure):
    """``struct pam_response``; libpam frees it and its text."""

    _fields_ = (("text", c_void_p), ("code", c_int))


Converse = CFUNCTYPE(c_int, c_int, POINTER(POINTER(Message)), POINTER(c_void_p), c_void_p)


class Conversation(Structure):
    """``struct pam_conv``."""

    _fields_ = (("converse", Converse), ("given", c_void_p))


def libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    pam, c = ctypes.CDLL("libpam.so.0"), ctypes.CDLL(None)
    c.calloc.restype = c.strdup.restype = c_void_p
    c.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
    c.strdup.argtypes = [c_char_p]
    pam.pam_start_confdir.argtypes = [c_char_p, c_char_p, c_void_p, c_char_p, c_void_p]
    pam.pam_set_item.argtypes = [c_void_p, c_int, c_char_p]
    for name in ("pam_authenticate", "pam_open_session", "pam_end"):
        getattr(pam, name).argtypes = [c_void_p, c_int]
    return pam, c


def write_service(folder: Path, module: str, server: str, secret: str, source: str) -> None:
    """A PAM service of its own: the module alone, with its own list of servers. It waits for 3 s at least."""
    servers = folder / "servers"
    servers.write_text(f"{server} {secret} {os.environ['PATIENCE_S']} {source}\n")
    servers.chmod(0o600)
    options = f"conf={servers} retry=0 client_id=pam"
    lines = [f"{kind} required {module} {options}\n" for kind in ("auth", "account", "session")]
    (folder / "zoo").write_text("".join(lines))


def main() -> None:
    kind, host, port, secret, source, _signed, user, _session, module = sys.argv[1:]
    pam, c = libraries()

    def converse(count: int, _messages: object, responses: object, _given: object) -> int:
        """Answer every question with the password."""
        made = c.calloc(count, ctypes.sizeof(Response))
        for index in range(count):
            Response.from_address(made + index * ctypes.sizeof(Response)).text = c.strdup(PASSWORD)
        responses[0] = made  # type: ignore[index]
        return SUCCESS

    conversation = Conversation(converse=Converse(converse))
    handle = c_void_p()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # It sends accounting to the port after the one that it is told.
        told = int(port) - 1 if kind == "start" else int(port)
        write_service(folder, module, f"{host}:{told}", secret, source)
        started = pam.pam_start_confdir(b"zoo", user.encode(), byref(conversation), str(folder).encode(), byref(handle))
        assert started == SUCCESS, started
        pam.pam_set_item(handle, TTY, b"ssh")
        pam.pam_set_item(handle, RHOST, b"192.0.2.99")
        if kind == "login":
            code, right = pam.pam_authenticate(handle, SILENT), "Access-Accept"
        else:
            code, right = pam.pam_open_session(handle, SILENT), "Accounting-Response"
        pam.pam_end(handle, code)
    names = {SUCCESS: right, AUTHENTICATION_FAILED: "Access-Reject"}
    print(f"reply={names[code]}" if code in names else f"reply=none why={code}")


main()
