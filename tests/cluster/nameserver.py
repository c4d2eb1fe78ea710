"""A DNS server over TCP, on this machine, that does what a test tells it to do with each connection."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

SOA = "ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30"


class Talk:
    """One connection. Reading past its end raises EOFError."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def wire(self) -> bytes:
        return self._exactly(int.from_bytes(self._exactly(2), "big"))

    def query(self) -> dns.message.Message:
        return dns.message.from_wire(self.wire())

    def queries(self, count: int) -> list[dns.message.Message]:
        return [self.query() for _ in range(count)]

    def send(self, message: dns.message.Message) -> None:
        self.frame(message.to_wire())

    def frame(self, wire: bytes) -> None:
        self.sock.sendall(len(wire).to_bytes(2, "big") + wire)

    def address(self, query: dns.message.Message, address: str = "10.0.0.1", ttl: int = 30) -> None:
        """Answer with an A record."""
        self.send(answer(query, f"{ttl} A {address}"))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.sock.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data


Behaviour = Callable[[Talk], None]


def answer(
    query: dns.message.Message, *records: str, code: str = "NOERROR", soa: int | None = None
) -> dns.message.Message:
    """``records``: "TTL TYPE DATA" for the name asked, or "NAME TTL TYPE DATA". ``soa``: the TTL of one in the authority."""
    made = dns.message.make_response(query)
    made.set_rcode(dns.rcode.from_text(code))
    for record in records:
        words = record.split(" ")
        name = words.pop(0) if not words[0].isdigit() else query.question[0].name.to_text()
        made.answer.append(dns.rrset.from_text(name, int(words[0]), "IN", words[1], " ".join(words[2:])))
    if soa is not None:
        made.authority.append(dns.rrset.from_text("cluster.local.", soa, "IN", "SOA", SOA))
    return made


class NameServer(ThreadingTCPServer):
    """``behaviours``: one a connection, the last for all that follow."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *behaviours: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.behaviours = list(behaviours)
        self.connections = 0
        self.ended = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up as they like."""


class _Connection(BaseRequestHandler):
    server: NameServer

    def handle(self) -> None:
        number = self.server.connections
        self.server.connections += 1
        try:
            self.server.behaviours[min(number, len(self.server.behaviours) - 1)](Talk(self.request))
        except EOFError:
            pass


@contextmanager
def nameserver(*behaviours: Behaviour) -> Iterator[NameServer]:
    with NameServer(*behaviours) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True, name="nameserver").start()
        yield server
        server.ended.set()
        server.shutdown()
