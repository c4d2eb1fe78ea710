"""Requests on their way: what is repeated and what never, how long is waited, and what the answers teach."""

import gzip
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest

from kubectl_pets import __version__
from kubectl_pets.cluster import Client
from kubectl_pets.cluster.http import pools
from kubectl_pets.cluster.http.clock import ServerClock
from kubectl_pets.cluster.http.credentials import Credential, Fixed
from kubectl_pets.cluster.http.failures import Attempt, Status, from_status
from kubectl_pets.cluster.http.pools import Exchange
from kubectl_pets.cluster.http.target import Target
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.http.transport import Request, Transport
from kubectl_pets.domain.rollout.asking import Questions
from kubectl_pets.errors import ConflictError, ForbiddenError, PetsError, ServerError, ThrottledError, UnreachableError
from kubectl_pets.pasting import connected, connected_by
from tests.cluster.conftest import Connector
from tests.cluster.loopback import Answer, Handler, Loopback, drop, half, stall, stateful_set, status
from tests.cluster.proxy import proxy

_GET = Request(method="GET", path="/version", attempt=Attempt("get", "things"))
_PATCH = Request(method="PATCH", path="/api/v1/namespaces/x/pods/web-0", body=b"[]", attempt=Attempt("patch", "pods"))


@pytest.fixture
def transport(server: Loopback) -> Any:
    sender = Transport(Target(server=server.url, name="test"), Fixed(Credential()))
    yield sender
    sender.close()


def test_who_we_are_and_what_we_take(server: Loopback, transport: Transport) -> None:
    transport.send(_GET)
    headers = server.seen[0].headers
    assert headers["User-Agent"] == f"kubectl-pets/{__version__}"
    assert headers["Accept"] == "application/json"
    assert headers["Accept-Encoding"] == "gzip"


def test_what_the_server_warns_of_at_a_change_is_told_once(server: Loopback) -> None:
    """KEP-1693: several headers, several in one, quoted as RFC 7234 has it; other codes are not the API server's."""
    told: list[str] = []
    sender = Transport(Target(server=server.url, name="test"), Fixed(Credential()), warn=told.append)
    headers = (
        ("Warning", '299 - "would violate \\"restricted\\""'),
        ("Warning", '299 kube "unknown field", 299 - "a\u001b[31m b", 110 - "response is stale"'),
    )
    for request in (_GET, msgspec.structs.replace(_PATCH, question=True), _PATCH, _PATCH):
        server.fault(Answer(200, b"{}", headers=headers), method=request.method)
        sender.send(request)
        assert bool(told) is (request == _PATCH)
    sender.close()
    said = ('would violate "restricted"', "unknown field", "a b")
    assert told == [f"warning: the API server says: {each}" for each in said]


def test_connections_are_kept(server: Loopback, transport: Transport) -> None:
    ports = []

    def note(handler: Handler) -> None:
        ports.append(handler.client_address[1])
        handler.answer(Answer(200, b"{}"))

    server.fault(note, times=3)
    for _ in range(3):
        transport.send(_GET)
    assert len(ports) == 3
    assert len(set(ports)) == 1


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch) -> list[pools._Connection]:
    """Every server is near; the connections that were made."""
    monkeypatch.setattr("kubectl_pets.cluster.http.transport._NEAR", 600.0)
    made: list[pools._Connection] = []
    connect = pools._Connection.connect

    def noting(self: pools._Connection) -> None:
        made.append(self)
        connect(self)

    monkeypatch.setattr(pools._Connection, "connect", noting)
    return made


def test_a_server_that_is_near_is_asked_on_one_connection(
    server: Loopback, connecting: Connector, near: list[pools._Connection]
) -> None:
    """The set, and what belongs to it, and the version: five requests, of which four wait for nothing but the first."""
    stateful_set(server.world)
    assert connecting(server.url).set_view("x", "web").pods == ()
    assert len(server.seen) == 5
    assert len(near) == 1


def test_of_few_nodes_a_server_that_is_near_is_asked_on_one_connection_as_well(
    server: Loopback, connecting: Connector, near: list[pools._Connection]
) -> None:
    """A set that is well: each further connection is a handshake, which takes longer than the answers do."""
    stateful_set(server.world)
    client = connecting(server.url)
    client.set_view("x", "web")
    (found,) = client.around([("x", Questions(nodes=("a", "b", "c")))])
    assert found.nodes is not None and [node.ready for node in found.nodes] == ["", "", ""]
    assert len(near) == 1


@pytest.mark.parametrize(("near", "proxied"), [(0.0, False), (600.0, True)])
def test_others_are_asked_at_once(server: Loopback, monkeypatch: pytest.MonkeyPatch, near: float, proxied: bool) -> None:
    """Each round trip counts; and a proxy that is near says nothing about what is behind it."""
    monkeypatch.setattr("kubectl_pets.cluster.http.transport._NEAR", near)
    with proxy() as between:
        target = Target(server=server.url, name="test", proxy=f"http://127.0.0.1:{between.port}" if proxied else None)
        transport = Transport(target, Fixed(Credential()))
        transport.send(_GET)
        meeting = threading.Barrier(3)
        assert sorted(transport.together([lambda: meeting.wait(60)] * 3)) == [0, 1, 2]
        transport.close()


def test_one_after_the_other_they_fail_as_at_once(
    server: Loopback, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.http.transport._NEAR", 600.0)

    def failing() -> None:
        raise ServerError("the second")

    transport.send(_GET)
    assert transport.together([lambda: 1, lambda: 2]) == [1, 2] and transport.together([]) == []
    with pytest.raises(ServerError, match="the second"):
        transport.together([lambda: 1, failing, lambda: 3])


def test_compressed_answers_are_unpacked(server: Loopback, transport: Transport) -> None:
    server.fault(Answer(200, gzip.compress(b"hello"), headers=(("Content-Encoding", "gzip"),)))
    assert transport.send(_GET) == b"hello"


@pytest.mark.parametrize("trouble", [drop, half, Answer(500), Answer(502, b"<html>"), Answer(503)])
def test_a_read_is_repeated(server: Loopback, transport: Transport, trouble: Any) -> None:
    server.fault(trouble, times=2)
    assert b"v1.37.2" in transport.send(_GET)
    assert len(server.seen) == 3


@pytest.mark.parametrize(("trouble", "kind", "attempts"), [(drop, UnreachableError, 4), (Answer(500), ServerError, 3)])
def test_a_read_is_given_up_in_the_end(
    server: Loopback, transport: Transport, trouble: Any, kind: type[PetsError], attempts: int
) -> None:
    server.fault(trouble, times=9)
    with pytest.raises(kind, match="get things"):
        transport.send(_GET)
    assert len(server.seen) == attempts


@pytest.mark.parametrize("trouble", [drop, half, Answer(500), Answer(409)])
def test_a_change_is_never_repeated(server: Loopback, transport: Transport, trouble: Any) -> None:
    server.fault(trouble, method="PATCH", times=9)
    with pytest.raises((UnreachableError, ServerError, ConflictError)):
        transport.send(_PATCH)
    assert len(server.seen) == 1


@pytest.mark.parametrize("request_", [_GET, _PATCH])
def test_429_is_waited_out_for_changes_too(server: Loopback, transport: Transport, request_: Request) -> None:
    server.fault(Answer(429, headers=(("Retry-After", "1"),)), method=request_.method)
    server.fault(Answer(200, b"{}"), method=request_.method)
    began = time.monotonic()
    transport.send(request_)
    assert 1.0 <= time.monotonic() - began < 3
    assert len(server.seen) == 2


def test_429_is_not_waited_out_for_ever(server: Loopback, transport: Transport) -> None:
    server.fault(Answer(429, headers=(("Retry-After", "3600"),)))
    began = time.monotonic()
    with pytest.raises(ThrottledError) as caught:
        transport.send(_GET)
    assert caught.value.retry_after == 3600
    assert time.monotonic() - began < 1


def test_a_login_page_is_not_followed(server: Loopback, transport: Transport) -> None:
    server.fault(Answer(302, b"", headers=(("Location", f"{server.url}/login?s3cret"),)))
    with pytest.raises(ServerError, match="redirects") as caught:
        transport.send(_GET)
    assert "s3cret" not in str(caught.value)
    assert len(server.seen) == 1


def test_nobody_there(connecting: Connector) -> None:
    with pytest.raises(UnreachableError, match=r"cannot reach the API server http://127.0.0.1:1 \(get .*\): connection refused"):
        connecting("http://127.0.0.1:1").set_view("x", "web")


def test_no_such_host(connecting: Connector) -> None:
    with pytest.raises(UnreachableError, match="api.invalid.*: no such host name"):
        connecting("http://api.invalid:8080").set_view("x", "web")


def test_the_time_limit_holds_for_a_server_that_is_silent(server: Loopback, connecting: Connector) -> None:
    server.fault(stall)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="no answer in time"):
        connecting(server.url, request_timeout=0.3).set_view("x", "web")
    assert 0.3 <= time.monotonic() - began < 2
    assert len(server.seen) == 1


def test_the_time_limit_holds_for_a_body_that_trickles_in(server: Loopback, connecting: Connector) -> None:
    def trickle(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        while not handler.close_connection and not server.ended.wait(0.05):
            handler.wfile.write(b" ")

    server.fault(trickle)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="no answer in time"):
        connecting(server.url, request_timeout=0.4).set_view("x", "web")
    assert time.monotonic() - began < 2


def test_a_slow_body_is_waited_for_within_the_limit(server: Loopback, connecting: Connector) -> None:
    body = b'{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web", "namespace": "x"}}'

    def slow(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for part in (body[:10], body[10:]):
            handler.wfile.write(part)
            server.ended.wait(0.1)

    server.fault(slow, times=2, path="/statefulsets/web")
    for limit in (None, 5.0):
        found = connecting(server.url, request_timeout=limit).set_view("x", "web").set
        assert found is not None and found.name == "web"


def test_an_exchange_can_be_cut_off_in_any_phase(server: Loopback, transport: Transport) -> None:
    server.fault(stall)
    exchange = Exchange()

    def cut() -> None:
        server.await_requests(1)
        exchange.cut()

    server_saw = threading.Thread(target=cut)
    server_saw.start()
    began = time.monotonic()
    with pytest.raises(UnreachableError):
        transport.send(_GET, exchange)
    assert time.monotonic() - began < 1
    server_saw.join()
    with pytest.raises(UnreachableError):
        transport.send(_GET, exchange)
    assert len(server.seen) == 1, "what was cut off sends nothing any more"
    assert b"v1.37.2" in transport.send(_GET), "others go on"


def test_an_exchange_can_be_cut_off_while_it_shakes_hands() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sender = Transport(Target(server=f"https://127.0.0.1:{silent.getsockname()[1]}", name="test"), Fixed(Credential()))
        exchange, over = Exchange(), threading.Event()

        def cut() -> None:
            with silent.accept()[0] as peer:
                peer.recv(1)  # the first byte of the handshake, which is not answered
                exchange.cut()
                over.wait(10)

        peer = threading.Thread(target=cut)
        peer.start()
        began = time.monotonic()
        with pytest.raises(UnreachableError):
            sender.send(_GET, exchange)
        assert time.monotonic() - began < 5  # and not the ten seconds for which the other side is silent
        over.set()
        peer.join()
        sender.close()


def test_a_silent_stream_counts_as_lost(server: Loopback, transport: Transport) -> None:
    stateful_set(server.world)
    path, query = "/apis/apps/v1/statefulsets", [("watch", "1"), ("resourceVersion", "100")]
    lines = transport.lines(Request(method="GET", path=path, query=query, attempt=Attempt("watch", "sets")), Exchange(), 0.3)
    assert next(lines) == []
    assert b'"web"' in next(lines)[0]
    with pytest.raises(UnreachableError, match="no answer in time"):
        next(lines)


def test_lines_come_as_they_are_written_not_as_chunks_are(server: Loopback, transport: Transport) -> None:
    def chunks(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        # a big chunk of which only the beginning comes for now
        handler.wfile.write(b"400\r\n" + b'{"a": 1}\n{"b"')
        server.ended.wait(5)

    server.fault(chunks, watch=None)
    lines = transport.lines(_GET, Exchange(), 5.0)
    assert (next(lines), next(lines)) == ([], [b'{"a": 1}'])
    lines.close()  # type: ignore[attr-defined]
    server.ended.set()


def test_after_closing_nothing_is_sent(server: Loopback, client: Client) -> None:
    client.close()
    with pytest.raises(UnreachableError, match="was closed"):
        client.set_view("x", "web")
    assert server.seen == []


def test_an_answer_that_is_not_json_is_told(server: Loopback, client: Client) -> None:
    server.fault(Answer(200, b"<html>please log in</html>"))
    with pytest.raises(ServerError, match="cannot be understood") as caught:
        client.set_view("x", "web")
    assert "log in" not in caught.value.message


# --- the server's clock ------------------------------------------------------------------------------------------------------


def test_the_time_is_the_servers(server: Loopback, connecting: Connector) -> None:
    client = connecting(server.url)
    ahead = datetime.now(UTC) + timedelta(hours=3)
    assert abs(client.now() - datetime.now(UTC)) < timedelta(seconds=1), "before the first answer it is our own"

    def answer(handler: Handler) -> None:
        body = status(404, "no")
        handler.send_response_only(404)
        handler.send_header("Date", format_datetime(ahead, usegmt=True))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    server.fault(answer, times=99)  # whatever is asked, in whatever order
    with pytest.raises(PetsError):
        client.set_view("x", "web")
    assert abs(client.now() - ahead) < timedelta(seconds=3)


def test_several_answers_make_the_clock_finer() -> None:
    clock = ServerClock()
    start = 1_700_000_000
    truth = 1000.0  # the server's clock shows `start` at our second 1000
    for moment in (1000.05, 1000.95, 1001.02, 1002.98):
        date = format_datetime(datetime.fromtimestamp(int(start + moment - truth), UTC), usegmt=True)
        clock.learn(date, moment - 0.001, moment + 0.001)
    assert clock._bounds is not None
    low, high = clock._bounds
    assert low <= start - truth <= high
    assert high - low < 0.15


def test_a_clock_that_was_set_is_believed_anew() -> None:
    clock = ServerClock()
    clock.learn("Mon, 01 Jan 2024 00:00:00 GMT", time.monotonic(), time.monotonic())
    clock.learn("Mon, 01 Jan 2024 05:00:00 GMT", time.monotonic(), time.monotonic())
    assert abs(clock.now() - datetime(2024, 1, 1, 5, tzinfo=UTC)) < timedelta(seconds=1)
    clock.learn("yesterday", time.monotonic(), time.monotonic())
    clock.learn(None, time.monotonic(), time.monotonic())
    assert abs(clock.now() - datetime(2024, 1, 1, 5, tzinfo=UTC)) < timedelta(seconds=1)


def test_commands_in_errors_of_reads_at_once_go_where_the_run_goes() -> None:
    """As the first of them does, each is of this run: without its flags a command would go to another cluster."""

    def refused() -> None:
        attempt = Attempt("list", "pods", namespace="x")
        raise from_status(403, Status(kind="Status", message="no"), attempt)

    with connected():
        connected_by(("--context", "other"))
        for beside in (0, 1):
            with pytest.raises(ForbiddenError) as caught:
                together([str] * beside + [refused])
            assert caught.value.hint is not None and "--context other" in caught.value.hint
