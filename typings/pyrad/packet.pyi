from collections import OrderedDict
from typing import Any, Final

from pyrad.dictionary import Dictionary

AccessRequest: Final = 1
AccessAccept: Final = 2
AccessReject: Final = 3
AccountingRequest: Final = 4
AccountingResponse: Final = 5
AccessChallenge: Final = 11
StatusServer: Final = 12
StatusClient: Final = 13
DisconnectRequest: Final = 40
DisconnectACK: Final = 41
DisconnectNAK: Final = 42
CoARequest: Final = 43
CoAACK: Final = 44
CoANAK: Final = 45

def CreateID() -> int: ...

class PacketError(Exception): ...

class Packet(OrderedDict[Any, Any]):
    code: int
    id: int
    secret: bytes
    authenticator: bytes | None
    request_authenticator: bytes | None
    message_authenticator: bool | None
    raw_packet: bytes | None
    dict: Dictionary | None
    source: tuple[Any, ...]
    fd: Any
    def __init__(
        self,
        code: int = ...,
        id: int | None = ...,
        secret: bytes = ...,
        authenticator: bytes | None = ...,
        **attributes: Any,
    ) -> None: ...
    def add_message_authenticator(self) -> None: ...
    def get_message_authenticator(self) -> bool | None: ...
    def verify_message_authenticator(
        self,
        secret: bytes | None = ...,
        original_authenticator: bytes | None = ...,
        original_code: int | None = ...,
    ) -> bool: ...
    def CreateReply(self, **attributes: Any) -> Packet: ...
    def AddAttribute(self, key: str, value: Any) -> None: ...
    @staticmethod
    def CreateAuthenticator() -> bytes: ...
    def CreateID(self) -> int: ...
    def RequestPacket(self) -> bytes: ...
    def ReplyPacket(self) -> bytes: ...
    def VerifyReply(self, reply: Packet, rawreply: bytes | None = ..., enforce_ma: bool = ...) -> bool: ...
    def DecodePacket(self, packet: bytes) -> None: ...
    def SaltCrypt(self, value: str | bytes) -> bytes: ...
    def SaltDecrypt(self, value: bytes) -> bytes: ...

class AuthPacket(Packet):
    auth_type: str
    def __init__(
        self,
        code: int = ...,
        id: int | None = ...,
        secret: bytes = ...,
        authenticator: bytes | None = ...,
        auth_type: str = ...,
        **attributes: Any,
    ) -> None: ...
    def CreateReply(self, **attributes: Any) -> AuthPacket: ...
    def PwDecrypt(self, password: bytes | str) -> str: ...
    def PwCrypt(self, password: bytes | str) -> bytes: ...
    def VerifyChapPasswd(self, userpwd: bytes | str) -> bool: ...
    def VerifyAuthRequest(self) -> bool: ...

class AcctPacket(Packet):
    def CreateReply(self, **attributes: Any) -> AcctPacket: ...
    def VerifyAcctRequest(self) -> bool: ...

class CoAPacket(Packet):
    def CreateReply(self, **attributes: Any) -> CoAPacket: ...
    def VerifyCoARequest(self) -> bool: ...
