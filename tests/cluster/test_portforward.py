"""Port-forward over a WebSocket: what is sent, what comes back, and everything that can go wrong with either."""

import base64
import io
import ssl
import struct
import time
from collections.abc import Callable, Iterator

import pytest
import trustme

from kubectl_pets.cluster import Client
from kubectl_pets.cluster.dns.portforward import Forward, ForwardError
from kubectl_pets.cluster.http.websocket import GarbledError
from kubectl_pets.errors import ForbiddenError, NotFoundError, PetsError, ServerError, UnauthorizedError, UnreachableError
from tests.cluster.conftest import Connector
from tests.cluster.loopback import Answer, Handler, Loopback, drop, loopback, stall
from tests.cluster.peer import BINARY, CLOSE, PING, PONG, Peer
from tests.cluster.proxy import proxy

_PATH = "/portforward"
_GREETING = struct.pack("<H", 53)


def soon(seconds: float = 10.0) -> float:
    return time.monotonic() + seconds


def greeted(handler: Handler) -> Peer:
    peer = Peer(handler)
    peer.send(b"\x00" + _GREETING)
    peer.send(b"\x01" + _GREETING)
    return peer


def echo(handler: Handler) -> None:
    peer = greeted(handler)
    while True:
        try:
            opcode, payload = peer.receive()
        except EOFError:
            return
        if opcode == CLOSE:
            return
        peer.send(payload)


@pytest.fixture
def forward(server: Loopback, client: Client) -> Iterator[Callable[..., Forward]]:
    """Forwards to a pod of that server, closed at the end."""
    opened: list[Forward] = []

    def open(client: Client = client, seconds: float = 10.0) -> Forward:
        opened.append(Forward(client._transport, "kube-system", "coredns-0", 53, soon(seconds)))
        return opened[-1]

    yield open
    for each in opened:
        each.close()


# --- what goes over it -------------------------------------------------------------------------------------------------------


def test_it_asks_for_one_port_as_who_we_are(secure: Loopback, trusting: Connector, forward: Callable[..., Forward]) -> None:
    server = secure
    server.fault(echo, path=_PATH)
    client = trusting(server.url, user={"token": "s3cret"}, as_user="mary", as_groups=("one", "two"))
    forward(client)
    [seen] = server.requests(_PATH)
    assert (seen.method, seen.path) == ("GET", "/api/v1/namespaces/kube-system/pods/coredns-0/portforward")
    assert seen.query == {"ports": "53"}
    assert seen.headers["Authorization"] == "Bearer s3cret"
    assert (seen.headers["Impersonate-User"], seen.headers.get_all("Impersonate-Group")) == ("mary", ["one", "two"])
    assert seen.headers["Sec-WebSocket-Protocol"] == "v4.channel.k8s.io"
    assert len(base64.b64decode(seen.headers["Sec-WebSocket-Key"])) == 16


@pytest.mark.parametrize("size", [1, 124, 125, 126, 65_534, 65_535, 65_536, 200_000])
def test_messages_of_every_size_go_both_ways(server: Loopback, forward: Callable[..., Forward], size: int) -> None:
    server.fault(echo, path=_PATH)
    data, connection = bytes(index * 7 % 251 for index in range(size)), forward()
    connection.send(data, soon())
    assert connection.receive(soon()) == data


def test_greetings_fragments_and_pings_are_no_data(server: Loopback, forward: Callable[..., Forward]) -> None:
    pongs = []

    def behave(handler: Handler) -> None:
        peer = Peer(handler)
        peer.send(b"\x00" + _GREETING + b"at once, ")
        peer.send(b"\x00in ", final=False)
        peer.send(b"are you there?", PING)
        peer.send(b"two", 0)
        pongs.append(peer.receive())
        peer.send(struct.pack(">H", 1000), CLOSE)

    server.fault(behave, path=_PATH)
    connection = forward()
    assert [connection.receive(soon()) for _ in range(3)] == [b"at once, ", b"in two", b""]
    assert pongs == [(PONG, b"are you there?")]


def test_what_came_along_with_the_headers_is_not_lost(server: Loopback, forward: Callable[..., Forward]) -> None:
    """Everything in one packet: it lies in the reader of the HTTP answer already."""

    def behave(handler: Handler) -> None:
        whole, handler.wfile = handler.wfile, io.BytesIO()
        greeted(handler).send(b"\x00hello")
        sent, handler.wfile = handler.wfile.getvalue(), whole
        whole.write(sent)

    server.fault(behave, path=_PATH)
    assert forward().receive(soon()) == b"hello"


def test_closing_says_goodbye_and_hangs_up(server: Loopback, forward: Callable[..., Forward]) -> None:
    heard: list[object] = []

    def behave(handler: Handler) -> None:
        peer = greeted(handler)
        peer.send(b"\x00hello")
        heard.append(peer.receive())
        with pytest.raises(EOFError):
            peer.receive()
        heard.append("hung up")

    server.fault(behave, path=_PATH)
    connection = forward()
    assert connection.receive(soon()) == b"hello"
    connection.close()
    deadline = soon()
    while len(heard) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert heard == [(CLOSE, struct.pack(">H", 1000)), "hung up"]


def test_the_way_leads_through_tls_and_the_proxy_of_the_kubeconfig(connecting: Connector) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusted = base64.b64encode(authority.cert_pem.bytes()).decode()
    with loopback(context) as server, proxy("user:pass") as between:
        server.fault(echo, path=_PATH)
        cluster = {"certificate-authority-data": trusted, "proxy-url": f"http://user:pass@127.0.0.1:{between.port}"}
        client = connecting(server.url, cluster=cluster)
        connection = Forward(client._transport, "kube-system", "coredns-0", 53, soon())
        connection.send(b"hello", soon())
        assert connection.receive(soon()) == b"hello"
        connection.close()
        assert [asked.rpartition(" ")[0] for asked in between.asked] == [f"CONNECT 127.0.0.1:{server.port}"]


# --- what goes wrong ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer, expected, words",
    [
        (Answer(403, message='User "x" cannot create resource "pods/portforward"'), ForbiddenError, "cannot create resource"),
        (Answer(404, message='pods "coredns-0" not found'), NotFoundError, 'pods "coredns-0" not found'),
        (Answer(401), UnauthorizedError, "did not accept the credentials"),
        (Answer(500, message="unable to upgrade connection: pod does not exist"), ServerError, "unable to upgrade connection"),
        (Answer(502, b"error dialing backend\x1b[31m"), ServerError, "HTTP 502"),
        (Answer(200, b"<html>log in</html>"), ServerError, "HTTP 200"),
    ],
)
def test_an_upgrade_that_is_refused(
    server: Loopback, connecting: Connector, forward: Callable[..., Forward], answer: Answer, expected: type[PetsError], words: str
) -> None:
    server.fault(answer, path=_PATH)
    client = connecting(server.url, user={"token": "s3cret"})
    with pytest.raises(expected) as caught:
        forward(client)
    assert words in caught.value.message
    assert "s3cret" not in caught.value.message + (caught.value.hint or "")


@pytest.mark.parametrize("how", [{"accept": "something else"}, {"protocol": "v9.channel.k8s.io"}, {"protocol": ""}])
def test_an_upgrade_to_something_else(server: Loopback, forward: Callable[..., Forward], how: dict[str, str]) -> None:
    def behave(handler: Handler) -> None:
        Peer(handler, **how)

    server.fault(behave, path=_PATH)
    with pytest.raises(ServerError, match="upgraded to something else"):
        forward()


def test_an_upgrade_that_is_cut_off_or_never_answered(server: Loopback, forward: Callable[..., Forward]) -> None:
    server.fault(drop, path=_PATH)
    with pytest.raises(UnreachableError, match="lost the API server"):
        forward()
    server.fault(stall, path=_PATH)
    with pytest.raises(UnreachableError, match="no answer in time"):
        forward(seconds=0.2)
    server.stop()
    with pytest.raises(UnreachableError, match="cannot reach the API server"):
        forward()


def test_the_nodes_trouble_is_told_in_its_words(server: Loopback, forward: Callable[..., Forward]) -> None:
    def behave(handler: Handler) -> None:
        greeted(handler).send(b"\x01failed to dial \x1b[31m10.0.0.1:53\x07: connection refused")

    server.fault(behave, path=_PATH)
    with pytest.raises(ForwardError, match="^failed to dial 10.0.0.1:53: connection refused$"):
        forward().receive(soon())


@pytest.mark.parametrize(
    "frame",
    [
        b"\x82\x83abcdxyz",  # masked
        b"\xf2\x01\x00",  # bits of an extension
        b"\x83\x01\x00",  # a type that there is not
        b"\x80\x01\x00",  # the rest of nothing
        b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",  # without end
        b"\x82\x01\x07",  # channel 7
        b"\x82\x00",  # no channel
    ],
)
def test_frames_that_make_no_sense(server: Loopback, forward: Callable[..., Forward], frame: bytes) -> None:
    server.fault(lambda handler: greeted(handler).raw(frame), path=_PATH)
    with pytest.raises(GarbledError):
        forward().receive(soon())


def test_a_connection_that_is_cut_in_the_middle_of_a_frame(server: Loopback, forward: Callable[..., Forward]) -> None:
    def behave(handler: Handler) -> None:
        peer = greeted(handler)
        peer.raw(b"\x82\x7e\x01\x00half of it")
        peer.cut()

    server.fault(behave, path=_PATH)
    with pytest.raises(ConnectionResetError):
        forward().receive(soon())


def test_silence_ends_at_the_deadline_even_if_it_trickles(server: Loopback, forward: Callable[..., Forward]) -> None:
    def behave(handler: Handler) -> None:
        peer = greeted(handler)
        peer.raw(b"\x82\x7e\x01\x00")
        while not handler.loopback.ended.wait(0.05):
            peer.raw(b"x")

    server.fault(behave, path=_PATH)
    connection = forward()
    with pytest.raises(TimeoutError):
        connection.receive(soon(0.3))


def test_binary_is_what_is_sent(server: Loopback, forward: Callable[..., Forward]) -> None:
    heard = []

    def behave(handler: Handler) -> None:
        peer = greeted(handler)
        heard.append(peer.receive())
        peer.send(b"\x00thanks")

    server.fault(behave, path=_PATH)
    connection = forward()
    connection.send(b"\x00\xff", soon())
    assert connection.receive(soon()) == b"thanks"
    assert heard == [(BINARY, b"\x00\x00\xff")]
