"""PyPI's pyrad. It signs, and wants a Message-Authenticator in the answers: the strictest of the zoo.

The weakest witness, too, since nacd reads its dictionaries with pyrad. Arguments: KIND HOST PORT SECRET SOURCE SIGNED
MAC SESSION. Says ``reply=NAME`` and what it understood.
"""

import os
import sys
from pathlib import Path

from pyrad.client import Client, Timeout
from pyrad.dictionary import Dictionary

REPLIES = {2: "Access-Accept", 3: "Access-Reject", 5: "Accounting-Response"}


def main() -> None:
    kind, host, port, secret, source, _signed, mac, session = sys.argv[1:]
    client = Client(
        host,
        authport=int(port),
        acctport=int(port),
        secret=secret.encode(),
        dict=Dictionary(str(Path(__file__).with_name("dictionary"))),
        retries=1,
        timeout=float(os.environ["PATIENCE_S"]),
        enforce_ma=True,
    )
    client.bind((source, 0))
    name = mac.replace("-", "").lower()
    request = client.CreateAuthPacket() if kind == "login" else client.CreateAcctPacket()
    request["User-Name"] = name
    request["Calling-Station-Id"] = mac
    request["NAS-Identifier"] = "pyrad"
    request["NAS-Port"] = 7
    if kind == "login":
        request["Service-Type"] = "Call-Check"
        request["User-Password"] = request.PwCrypt(name)
        request.add_message_authenticator()
    else:
        request["Acct-Status-Type"] = "Start"
        request["Acct-Session-Id"] = session
    try:
        reply = client.SendPacket(request)
    except Timeout:
        print("reply=none why=timeout")
        return
    print(f"reply={REPLIES[reply.code]}")
    for attribute, word in {"Session-Timeout": "session_timeout", "Tunnel-Private-Group-Id": "vlan"}.items():
        if attribute in reply:
            print(f"{word}={reply[attribute][0]}")


main()
