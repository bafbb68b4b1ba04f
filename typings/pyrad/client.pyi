from pyrad import host, packet
from pyrad.dictionary import Dictionary

class Timeout(Exception): ...

class Client(host.Host):
    server: str
    secret: bytes
    retries: int
    timeout: float
    def __init__(
        self,
        server: str,
        authport: int = ...,
        acctport: int = ...,
        coaport: int = ...,
        secret: bytes = ...,
        dict: Dictionary | None = ...,
        retries: int = ...,
        timeout: float = ...,
        enforce_ma: bool = ...,
    ) -> None: ...
    def bind(self, addr: tuple[str, int]) -> None: ...
    def SendPacket(self, pkt: packet.Packet) -> packet.Packet: ...
