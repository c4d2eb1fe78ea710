"""Asking DNS servers that misbehave, and finding the pods to ask; the real ones are in test_dns_real."""

import select
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.cluster.dns.messages import Queries
from kubectl_pets.domain.dns.answers import Answer, Outcome, Question, RecordType, ServerAnswers
from kubectl_pets.domain.dns.corefile import CorefileText
from kubectl_pets.errors import UnreachableError, UsageError
from kubectl_pets.ports.dns import DnsWhere
from tests.cluster.loopback import Answer as Canned
from tests.cluster.loopback import Handler, Loopback
from tests.cluster.nameserver import Behaviour, Talk, answer, nameserver
from tests.cluster.peer import CLOSE, Peer

_ZONE = "nginx.x.svc.cluster.local"


def named(count: int) -> list[Question]:
    return [Question(f"web-{number}.{_ZONE}", RecordType.A) for number in range(count)]


def hear(client: Client, questions: list[Question], *behaviours: Behaviour, timeout: float = 10.0) -> tuple[ServerAnswers, int]:
    """What is heard from a server of that behaviour, and over how many connections."""
    with nameserver(*behaviours) as server, client.resolver(DnsWhere(server=server.address, timeout=timeout)) as resolver:
        [hearing] = resolver.ask(questions)
        assert hearing.server.name == server.address
        return hearing, server.connections


def honest(talk: Talk) -> None:
    while True:
        talk.address(talk.query())


# --- what a message says -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "type, records, how, expected",
    [
        ("A", ["30 A 10.0.0.2", "5 A 10.0.0.1"], {}, (Outcome.ANSWERED, ("10.0.0.1", "10.0.0.2"), 5, "")),
        ("AAAA", ["9 AAAA FD00:0::A"], {}, (Outcome.ANSWERED, ("fd00::a",), 9, "")),
        ("SRV", ["30 SRV 0 50 80 WEB-0.nginx.", "30 SRV 0 50 80 web-1.nginx."], {}, (Outcome.ANSWERED, ("0 50 80 web-0.nginx", "0 50 80 web-1.nginx"), 30, "")),
        ("PTR", ["30 PTR web-0.nginx.x."], {}, (Outcome.ANSWERED, ("web-0.nginx.x",), 30, "")),
        ("A", [], {"soa": 12}, (Outcome.NODATA, (), 12, "")),
        ("A", [], {}, (Outcome.NODATA, (), None, "")),
        ("A", [], {"soa": 300, "code": "NXDOMAIN"}, (Outcome.NXDOMAIN, (), 30, "")),  # the SOA's minimum
        ("A", [], {"code": "SERVFAIL"}, (Outcome.SERVFAIL, (), None, "")),
        ("A", [], {"code": "REFUSED"}, (Outcome.REFUSED, (), None, "REFUSED")),
        ("A", [], {"code": "NOTIMP"}, (Outcome.REFUSED, (), None, "NOTIMP")),
        ("A", ["20 CNAME Db.example.org.", "db.example.org. 7 A 192.0.2.1"], {}, (Outcome.ANSWERED, ("192.0.2.1",), 7, "")),
        ("A", ["20 CNAME db.example.org."], {}, (Outcome.NODATA, (), None, "an alias of db.example.org, which has none")),
        ("A", ["30 AAAA fd00::a"], {"soa": 5}, (Outcome.NODATA, (), 5, "")),
        ("A", ["30 TXT beside", "30 A 10.0.0.1"], {}, (Outcome.ANSWERED, ("10.0.0.1",), 30, "")),
        ("A", ["other.example. 30 A 10.0.0.1"], {}, (Outcome.MISDIRECTED, (), None, "a record of other.example")),
        ("A", ["9 A 10.0.0.1", "other.example. 3 A 10.0.0.2"], {}, (Outcome.ANSWERED, ("10.0.0.1",), 9, "")),
        ("A", ["9 CNAME a.x.", "a.x. 9 CNAME a.x.", "b.x. 3 A 10.0.0.2"], {}, (Outcome.MISDIRECTED, (), None, "a record of b.x")),
    ],
)
def test_what_a_message_says(client: Client, type: str, records: list[str], how: dict[str, Any], expected: tuple[Any, ...]) -> None:
    question = Question(f"web-0.{_ZONE}", RecordType(type))
    hearing, _ = hear(client, [question], lambda talk: talk.send(answer(talk.query(), *records, **how)))
    [heard] = hearing.answers
    assert (heard.outcome, heard.records, heard.ttl, heard.detail) == expected
    assert (heard.question, hearing.trouble, hearing.missing_right) == (question, "", None)


def test_what_is_asked(client: Client) -> None:
    asked: list[dns.message.Message] = []

    def behave(talk: Talk) -> None:
        asked.append(talk.query())
        talk.address(asked[0])

    hear(client, named(1), behave)
    assert asked[0].question[0].to_text() == f"web-0.{_ZONE}. IN A"
    assert asked[0].flags == dns.flags.RD  # as the resolvers of programs ask
    assert asked[0].edns == -1


def test_a_question_is_put_once_and_what_cannot_be_a_name_not_at_all(client: Client) -> None:
    asked: list[str] = []

    def behave(talk: Talk) -> None:
        while True:
            query = talk.query()
            asked.append(query.question[0].name.to_text())
            talk.address(query)

    good = named(1)[0]
    bad = [Question("a" * 64 + ".b", RecordType.A), Question("a..b", RecordType.A), Question(".".join(["a" * 60] * 5), RecordType.A)]
    hearing, _ = hear(client, [good, *bad, good], behave)
    assert asked == [f"web-0.{_ZONE}."]
    assert [each.question for each in hearing.answers] == [good] and hearing.trouble == ""
    hearing, connections = hear(client, bad, behave)
    assert (hearing.answers, hearing.trouble, connections) == ((), "", 0)


# --- the way it is said ------------------------------------------------------------------------------------------------------


def test_answers_in_any_order_and_in_pieces(client: Client) -> None:
    def behave(talk: Talk) -> None:
        queries = talk.queries(5)
        wire = b""
        for number, query in reversed(list(enumerate(queries))):
            message = answer(query, f"30 A 10.0.0.{number}").to_wire()
            wire += len(message).to_bytes(2, "big") + message
        for byte in wire:
            talk.sock.sendall(bytes([byte]))

    hearing, connections = hear(client, named(5), behave)
    assert [each.records for each in hearing.answers] == [(f"10.0.0.{number}",) for number in range(5)]
    assert [each.question for each in hearing.answers] == named(5)
    assert connections == 1


def test_a_server_that_hangs_up_after_some_is_asked_the_rest(client: Client) -> None:
    def behave(talk: Talk) -> None:
        for _ in range(3):
            talk.address(talk.query())

    hearing, connections = hear(client, named(10), behave)
    assert {each.outcome for each in hearing.answers} == {Outcome.ANSWERED} and len(hearing.answers) == 10
    assert (hearing.trouble, connections) == ("", 4)


def test_no_more_are_in_flight_than_buffers_hold(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.dns.pipeline._IN_FLIGHT", 8)
    most = 0

    def behave(talk: Talk) -> None:
        nonlocal most
        waiting: list[dns.message.Message] = []
        while True:
            while not waiting or select.select([talk.sock], [], [], 0.02)[0]:
                waiting.append(talk.query())
            most = max(most, len(waiting))
            talk.address(waiting.pop(0))

    hearing, connections = hear(client, named(50), behave)
    assert len(hearing.answers) == 50 and connections == 1
    assert 4 <= most <= 8


def test_one_question_that_kills_the_connection_spares_the_others(client: Client) -> None:
    def behave(talk: Talk) -> None:
        while (query := talk.query()).question[0].name.to_text() != f"web-2.{_ZONE}.":
            talk.address(query)

    hearing, connections = hear(client, named(5), behave)
    outcomes = [each.outcome for each in hearing.answers]
    # It is not known which question it was, so those behind it on the connection share its fate.
    assert outcomes == [Outcome.ANSWERED] * 2 + [Outcome.SILENT] * 3
    assert hearing.trouble and {each.detail for each in hearing.answers[2:]} == {hearing.trouble}
    assert connections == 3


def test_a_frame_that_ends_early_counts_as_a_cut(client: Client) -> None:
    def cut(talk: Talk) -> None:
        wire = answer(talk.query(), "30 A 10.0.0.1").to_wire()
        talk.sock.sendall(len(wire).to_bytes(2, "big") + wire[:20])

    hearing, connections = hear(client, named(1), cut, honest)
    assert hearing.answers[0].records == ("10.0.0.1",) and connections == 2
    hearing, connections = hear(client, named(1), cut)
    assert (hearing.answers, connections) == ((), 2) and hearing.trouble


@pytest.mark.parametrize("rubbish", [b"HTTP/1.1 400 Bad Request", b"\x00\x00", b"", b"\x00\x00\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\xc0\x0c"])
def test_rubbish_is_told_and_not_asked_for_again(client: Client, rubbish: bytes) -> None:
    def behave(talk: Talk) -> None:
        talk.query()
        talk.frame(rubbish)
        talk.query()

    hearing, connections = hear(client, named(1), behave)
    assert hearing.answers == () and "not a DNS message" in hearing.trouble
    assert connections == 1


def test_answers_to_what_was_not_asked_are_no_answers(client: Client) -> None:
    def behave(talk: Talk) -> None:
        query = talk.query()
        other = answer(query, "30 A 10.6.6.6")
        other.id = query.id + 100
        talk.send(other)
        talk.send(query)  # the question itself comes back
        spoof = dns.message.make_response(dns.message.make_query(f"web-9.{_ZONE}.", "A", id=query.id, use_edns=False))
        spoof.answer.append(dns.rrset.from_text(f"web-9.{_ZONE}.", 30, "IN", "A", "10.6.6.6"))
        talk.send(spoof)
        empty = answer(query, "30 A 10.6.6.6")
        empty.question = []
        talk.send(empty)
        talk.address(query)

    hearing, _ = hear(client, named(1), behave)
    assert [each.records for each in hearing.answers] == [("10.0.0.1",)]


def test_silence_is_told_when_the_time_is_over(client: Client) -> None:
    def silent(talk: Talk) -> None:
        while True:
            talk.query()

    hearing, connections = hear(client, named(2), silent, timeout=0.4)
    assert (hearing.answers, hearing.trouble) == ((), "no answer within 0.4 s")
    assert connections == 2  # half-way it might have been a connection whose end was not passed on


def test_a_silence_half_way_is_overcome_by_another_connection(client: Client) -> None:
    def deaf(talk: Talk) -> None:
        talk.address(talk.query())
        while True:
            talk.query()

    hearing, connections = hear(client, named(3), deaf, honest, timeout=2.0)
    assert [each.outcome for each in hearing.answers] == [Outcome.ANSWERED] * 3
    assert (hearing.trouble, connections) == ("", 2)


def test_what_was_not_heard_is_silent_beside_what_was(client: Client) -> None:
    def behave(talk: Talk) -> None:
        while True:
            query = talk.query()
            if query.question[0].name.to_text().startswith("web-1."):
                continue
            talk.address(query)

    hearing, _ = hear(client, named(3), behave, timeout=0.4)
    assert [each.outcome for each in hearing.answers] == [Outcome.ANSWERED, Outcome.SILENT, Outcome.ANSWERED]
    assert hearing.answers[1].detail == hearing.trouble == "no answer within 0.4 s"


def test_nobody_listens(client: Client) -> None:
    with nameserver(honest) as server:
        address = server.address
    [hearing] = client.resolver(DnsWhere(server=address)).ask(named(1))
    assert (hearing.answers, hearing.trouble) == ((), "connection refused")
    [hearing] = client.resolver(DnsWhere(server="no-such-host.invalid")).ask(named(1))
    assert hearing.answers == () and hearing.trouble


def test_connections_are_kept_and_replaced_when_they_have_been_idle(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with nameserver(honest) as server, client.resolver(DnsWhere(server=server.address)) as resolver:
        for _ in range(3):
            assert resolver.ask(named(2))[0].trouble == ""
        assert server.connections == 1
        monkeypatch.setattr("kubectl_pets.cluster.dns.pipeline._IDLE", 0.0)
        resolver.ask(named(2))
        assert server.connections == 2


def test_a_kept_connection_that_was_cut_meanwhile_is_replaced(client: Client) -> None:
    done = threading.Event()

    def once(talk: Talk) -> None:
        talk.address(talk.query())
        talk.sock.close()
        done.set()

    with nameserver(once, honest) as server, client.resolver(DnsWhere(server=server.address)) as resolver:
        resolver.ask(named(1))
        assert done.wait(10)
        [hearing] = resolver.ask(named(2))
        assert [each.outcome for each in hearing.answers] == [Outcome.ANSWERED] * 2
        assert (hearing.trouble, server.connections) == ("", 2)


def test_a_server_that_says_more_than_it_was_asked_is_hung_up_on(client: Client) -> None:
    def talkative(talk: Talk) -> None:
        query = talk.query()
        wire = answer(query, "30 A 10.0.0.1").to_wire()
        talk.sock.sendall(len(wire).to_bytes(2, "big") + wire + b"\x00\x40half a message")
        talk.query()

    with nameserver(talkative, honest) as server, client.resolver(DnsWhere(server=server.address)) as resolver:
        for expected in (1, 2):
            assert resolver.ask(named(1))[0].trouble == ""
            assert server.connections == expected


# --- whom to ask -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "/a=b", "kube-system/", "kube-system"])
def test_selectors_that_name_nothing(client: Client, text: str) -> None:
    if text:
        with pytest.raises(UsageError, match="names no DNS pods"):
            client.resolver(DnsWhere(selector=text))


@pytest.mark.parametrize("text", ["10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:dns", ":53", "[::1", "[::1]53", "fe80::zz", "[]:53", "10.0.0.1:²"])
def test_servers_that_cannot_be_meant(client: Client, text: str) -> None:
    with pytest.raises(UsageError, match="is not a server"):
        client.resolver(DnsWhere(server=text))


@pytest.mark.parametrize(
    "text, host, port",
    [("10.0.0.1", "10.0.0.1", 53), ("10.0.0.1:5353", "10.0.0.1", 5353), ("fd00::a", "fd00::a", 53), ("[fd00::a]", "fd00::a", 53), ("[fd00::a]:54", "fd00::a", 54), ("dns.example.org", "dns.example.org", 53)],
)
def test_servers_as_they_are_written(client: Client, monkeypatch: pytest.MonkeyPatch, text: str, host: str, port: int) -> None:
    tried: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], timeout: float) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("kubectl_pets.cluster.dns.pipeline.socket.create_connection", connect)
    [hearing] = client.resolver(DnsWhere(server=text)).ask(named(1))
    assert tried == [(host, port)]
    assert hearing.server.name == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def dns_pod(server: Loopback, name: str, *, namespace: str = "kube-system", labels: dict[str, str] | None = None, **more: Any) -> None:
    ports = more.pop("ports", [{"name": "dns", "protocol": "UDP", "containerPort": 53}, {"name": "dns-tcp", "protocol": "TCP", "containerPort": 53}])
    ready = {"type": "Ready", "status": "True"}
    status = {"phase": "Running", "conditions": [ready], **more.pop("status", {})}
    spec = {"nodeName": more.pop("node", "node-0"), "containers": [{"name": "c", "ports": ports}], **more.pop("spec", {})}
    server.world.put("pods", name, namespace, labels=labels or {"k8s-app": "kube-dns"}, spec=spec, status=status, **more)


def replying(address: str) -> Callable[[Handler], None]:
    """Port-forward to a DNS server that gives everybody this address."""

    def behave(handler: Handler) -> None:
        peer, unread = Peer(handler), b""
        peer.send(b"\x005\x00")
        peer.send(b"\x015\x00")
        while True:
            try:
                opcode, payload = peer.receive()
            except EOFError:
                return
            if opcode == CLOSE:
                return
            unread += payload[1:]
            while len(unread) >= 2 and len(unread) >= (size := 2 + int.from_bytes(unread[:2], "big")):
                wire = answer(dns.message.from_wire(unread[2:size]), f"30 A {address}").to_wire()
                unread = unread[size:]
                peer.send(b"\x00" + len(wire).to_bytes(2, "big") + wire)

    return behave


def forwards(server: Loopback) -> list[tuple[str, str]]:
    """Pod and port of each port-forward so far."""
    return [(seen.path.split("/")[-2], seen.query["ports"]) for seen in server.requests("/portforward")]


def test_every_replica_is_asked_at_once_by_name(server: Loopback, client: Client) -> None:
    for name in ("coredns-b", "coredns-a"):
        dns_pod(server, name, node=f"on-{name}")
        server.fault(replying(f"10.0.0.{ord(name[-1])}"), path=f"{name}/portforward")
    dns_pod(server, "coredns-evicted", status={"phase": "Failed"})
    dns_pod(server, "somebody-else", labels={"k8s-app": "other"})
    with client.resolver(DnsWhere()) as resolver:
        heard = resolver.ask(named(2))
        assert [(each.server.name, each.server.namespace, each.server.node) for each in heard] == [
            ("coredns-a", "kube-system", "on-coredns-a"),
            ("coredns-b", "kube-system", "on-coredns-b"),
        ]
        assert [[one.records for one in each.answers] for each in heard] == [[("10.0.0.97",)] * 2, [("10.0.0.98",)] * 2]
        resolver.ask(named(1))
        assert len(forwards(server)) == 2  # kept open
        server.world.delete("pods", "coredns-b", "kube-system")
        assert [each.server.name for each in resolver.ask(named(1))] == ["coredns-a"]


def test_a_server_on_every_node_is_asked_some_at_a_time(server: Loopback, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_pets.cluster.dns.servers._AT_ONCE", 3)
    guard, running, most = threading.Lock(), 0, 0
    together = threading.Barrier(3, timeout=10)

    def behave(handler: Handler) -> None:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        together.wait()
        with guard:
            running -= 1
        handler.answer(Canned(500, message="no"))

    names = [f"dns-{number}" for number in range(6)]
    for name in names:
        dns_pod(server, name)
    server.fault(behave, path="/portforward", times=6)
    with client.resolver(DnsWhere()) as resolver:
        assert [each.server.name for each in resolver.ask(named(1))] == names
    assert most == 3


def test_replicas_that_cannot_be_asked_are_told_with_their_state(server: Loopback, client: Client) -> None:
    dns_pod(server, "a-pending", node="", status={"phase": "Pending"})
    dns_pod(server, "b-unready", status={"conditions": [{"type": "Ready", "status": "False"}]})
    dns_pod(server, "c-leaving", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    dns_pod(server, "d-unready-but-there", status={"conditions": []})
    for name in ("b-unready", "c-leaving"):
        server.fault(Canned(500, message="container not running"), path=f"{name}/portforward")
    server.fault(replying("10.0.0.1"), path="d-unready-but-there/portforward")
    with client.resolver(DnsWhere()) as resolver:
        pending, unready, leaving, there = resolver.ask(named(1))
    assert pending.trouble == "the pod is on no node yet"
    assert unready.trouble.endswith("container not running; the pod is not ready")
    assert leaving.trouble.endswith("container not running; the pod is terminating")
    assert there.trouble == "" and len(there.answers) == 1
    assert [each.server.unready for each in (unready, leaving, there)] == [True, False, True]
    assert [name for name, _ in forwards(server)].count("a-pending") == 0


@pytest.mark.parametrize(
    "ports, expected",
    [
        ([{"name": "dns", "protocol": "UDP", "containerPort": 5353}, {"name": "dns-tcp", "protocol": "TCP", "containerPort": 5353}], "5353"),
        ([{"name": "dns", "protocol": "TCP", "containerPort": 1053}, {"name": "dns-tcp", "protocol": "TCP", "containerPort": 2053}], "2053"),
        ([{"name": "dns", "containerPort": 1053}], "1053"),
        ([{"name": "dns", "protocol": "UDP", "containerPort": 1053}, {"name": "metrics", "containerPort": 9153}], "53"),
        ([], "53"),
        ([{"containerPort": 9153}, {"containerPort": 5353}], "5353"),
        ([{"name": "udp-5353", "protocol": "UDP", "containerPort": 5353}, {"name": "tcp-5353", "containerPort": 5353}], "5353"),
        ([{"name": "udp-53", "protocol": "UDP", "containerPort": 53}, {"name": "tcp-53", "containerPort": 1053}], "1053"),
        ([{"name": "dns-tcp-local", "containerPort": 10053}, {"name": "dns-tcp", "containerPort": 53}], "53"),
    ],
)
def test_the_port_is_the_pods(server: Loopback, client: Client, ports: list[dict[str, Any]], expected: str) -> None:
    dns_pod(server, "coredns-0", ports=ports)
    server.fault(replying("10.0.0.1"), path="/portforward")
    with client.resolver(DnsWhere()) as resolver:
        resolver.ask(named(1))
    assert forwards(server) == [("coredns-0", expected)]


def kube_dns(server: Loopback, selector: dict[str, str], *ports: dict[str, Any]) -> None:
    spec = {"clusterIP": "10.96.0.10", "selector": selector, "ports": [{"name": "udp", "port": 53, "protocol": "UDP"}, *ports]}
    server.world.put("services", "kube-dns", "kube-system", spec=spec)


@pytest.mark.parametrize(
    "target, expected",
    [({"targetPort": 8053}, "8053"), ({"targetPort": "own-name"}, "7053"), ({}, "53"), ({"targetPort": "unknown"}, "5353")],
)
def test_the_service_of_the_cluster_s_dns_tells_who_answers_and_where(
    server: Loopback, client: Client, target: dict[str, Any], expected: str
) -> None:
    labels = {"app.kubernetes.io/name": "coredns", "k8s-app": "coredns"}
    dns_pod(server, "helm", labels=labels, ports=[{"name": "own-name", "containerPort": 7053}, {"containerPort": 5353}])
    dns_pod(server, "not-asked-by-pods")  # of the usual label, but the Service does not select it
    kube_dns(server, {"app.kubernetes.io/name": "coredns"}, {"name": "tcp", "port": 53, "protocol": "TCP", **target})
    server.fault(replying("10.0.0.1"), path="/portforward")
    with client.resolver(DnsWhere()) as resolver:
        resolver.ask(named(1))
    assert forwards(server) == [("helm", expected)]


def test_a_service_that_leads_to_pods_before_they_are_ready(server: Loopback, client: Client) -> None:
    dns_pod(server, "coredns-0", status={"conditions": []})
    kube_dns(server, {"k8s-app": "kube-dns"})
    service = server.world.get("services", "kube-dns", "kube-system")
    assert service is not None
    server.fault(replying("10.0.0.1"), path="/portforward")
    with client.resolver(DnsWhere()) as resolver:
        assert resolver.ask(named(1))[0].server.unready
    server.fault(replying("10.0.0.1"), path="/portforward")
    service["spec"]["publishNotReadyAddresses"] = True
    with client.resolver(DnsWhere()) as resolver:
        assert not resolver.ask(named(1))[0].server.unready


def test_the_label_of_coredns_own_chart_is_found_without_the_service(server: Loopback, client: Client) -> None:
    dns_pod(server, "helm", labels={"k8s-app": "coredns"})
    server.fault(Canned(403), path="/services/kube-dns")
    server.fault(replying("10.0.0.1"), path="/portforward")
    with client.resolver(DnsWhere()) as resolver:
        resolver.ask(named(1))
    assert forwards(server) == [("helm", "53")]


@pytest.mark.parametrize("selector", ["", "kube-system/k8s-app=kube-dns"])
def test_a_port_that_is_given_counts(server: Loopback, client: Client, selector: str) -> None:
    dns_pod(server, "coredns-0", ports=[{"name": "dns-tcp", "containerPort": 5353}])
    server.fault(replying("10.0.0.1"), path="/portforward")
    with client.resolver(DnsWhere(selector=selector, port=2053)) as resolver:
        resolver.ask(named(1))
    assert forwards(server) == [("coredns-0", "2053")]


def test_a_cache_on_every_node_is_found(server: Loopback, client: Client) -> None:
    assert client.node_cache() == ""
    dns_pod(server, "node-local-dns-x", labels={"k8s-app": "node-local-dns"})
    assert client.node_cache() == "kube-system/k8s-app=node-local-dns"
    server.fault(Canned(403), path="/pods")
    assert client.node_cache() == ""


def test_openshift_keeps_its_dns_elsewhere(server: Loopback, client: Client) -> None:
    dns_pod(server, "dns-default-x", namespace="openshift-dns", labels={"dns.operator.openshift.io/daemonset-dns": "default"})
    server.fault(replying("10.0.0.1"), path="/portforward")
    with client.resolver(DnsWhere()) as resolver:
        assert [each.server.namespace for each in resolver.ask(named(1))] == ["openshift-dns"]


def test_a_selector_is_all_that_counts(server: Loopback, client: Client) -> None:
    dns_pod(server, "coredns-0")
    dns_pod(server, "mine", namespace="x", labels={"example.org/app": "dns"})
    server.fault(replying("10.0.0.1"), path="/portforward")
    with client.resolver(DnsWhere(selector="x/example.org/app=dns")) as resolver:
        assert [each.server.name for each in resolver.ask(named(1))] == ["mine"]
    with client.resolver(DnsWhere(selector="y/example.org/app=dns")) as resolver:
        assert resolver.ask(named(1)) == ()


def test_no_pods_to_ask(server: Loopback, client: Client) -> None:
    with client.resolver(DnsWhere()) as resolver:
        assert resolver.ask(named(1)) == ()


def test_pods_that_may_not_be_listed_are_told_as_a_right_that_is_missing(server: Loopback, client: Client) -> None:
    server.fault(Canned(403, message='pods is forbidden: User "x"'), path="/kube-system/pods")
    with client.resolver(DnsWhere()) as resolver:
        [hearing] = resolver.ask(named(1))
    assert (hearing.server.name, hearing.server.namespace) == ("k8s-app=kube-dns", "kube-system")
    assert hearing.missing_right == ("list", "pods") and "not allowed to list pods in namespace kube-system" in hearing.trouble


def test_an_api_server_that_is_away_is_an_error(server: Loopback, client: Client) -> None:
    server.stop()
    with client.resolver(DnsWhere()) as resolver, pytest.raises(UnreachableError):
        resolver.ask(named(1))


@pytest.mark.parametrize("granted, missing", [((), "get"), (("get",), "create"), (("get", "create"), "create")])
def test_a_port_forward_that_is_denied_names_the_right(server: Loopback, client: Client, granted: tuple[str, ...], missing: str) -> None:
    dns_pod(server, "coredns-0")
    server.fault(Canned(403, message="no"), path="/portforward")
    server.allowed = lambda attributes: attributes["verb"] in granted and attributes["subresource"] == "portforward"
    with client.resolver(DnsWhere()) as resolver:
        [hearing] = resolver.ask(named(1))
    assert hearing.missing_right == (missing, "pods/portforward") and hearing.answers == ()
    assert "not allowed to create pods/portforward coredns-0 in namespace kube-system" in hearing.trouble


def test_one_servers_trouble_is_not_the_others(server: Loopback, client: Client) -> None:
    for name in ("a", "b", "c"):
        dns_pod(server, name)
    server.fault(lambda handler: handler.cut(), path="a/portforward")
    server.fault(lambda handler: Peer(handler).send(b"\x01connection refused"), path="b/portforward", times=2)
    server.fault(replying("10.0.0.1"), path="c/portforward")
    with client.resolver(DnsWhere()) as resolver:
        first, second, third = resolver.ask(named(1))
    assert first.answers == () and "lost the API server" in first.trouble
    assert second.answers == () and second.trouble
    assert third.answers == (Answer(question=named(1)[0], outcome=Outcome.ANSWERED, records=("10.0.0.1",), ttl=30),)


# --- what it costs ---


def test_nothing_is_loaded_that_is_not_needed() -> None:
    """dnspython only when somebody asks, and of it neither resolvers nor encrypted transports, nor what these bring along."""
    program = (
        "import sys, kubectl_pets.cluster\n"
        "assert not {'dns', 'websocket'} & sys.modules.keys()\n"
        "import kubectl_pets.cluster.dns.servers\n"
        "from kubectl_pets.cluster.dns.messages import Queries\n"
        "from kubectl_pets.domain.dns.answers import Question, RecordType\n"
        "assert len(Queries([Question('a.b', kind) for kind in RecordType]).framed) == 4\n"
        "print(*sorted(name for name in sys.modules if '.' not in name or name.startswith('dns.')))\n"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "dns.message" in loaded
    unwanted = {"dns.resolver", "dns.query", "dns.asyncquery", "dns.asyncresolver", "dns.dnssec", "dns.zone", "cryptography", "httpx", "trio", "anyio", "aioquic", "websocket", "asyncio"}
    assert not unwanted & set(loaded)


# --- the Corefile ------------------------------------------------------------------------------------------------------------


def config_map(server: Loopback, namespace: str, name: str, **data: str) -> None:
    server.world.put("configmaps", name, namespace, data=data)


def test_the_corefile_is_what_the_pods_mount(server: Loopback, client: Client) -> None:
    assert client.corefile() is None
    config_map(server, "kube-system", "coredns", Corefile="usual")
    assert client.corefile() == CorefileText(namespace="kube-system", name="coredns", text="usual")
    dns_pod(server, "coredns-0", spec={"volumes": [{"name": "tmp"}, {"name": "config", "configMap": {"name": "rke2-coredns"}}]})
    assert client.corefile() == CorefileText(namespace="kube-system", name="coredns", text="usual")
    config_map(server, "kube-system", "rke2-coredns", Corefile="mounted")
    assert client.corefile() == CorefileText(namespace="kube-system", name="rke2-coredns", text="mounted")
    assert client.corefile(DnsWhere(selector="x/app=dns")) is None


def test_a_corefile_that_may_not_be_read_is_none(server: Loopback, client: Client) -> None:
    config_map(server, "openshift-dns", "dns-default", Corefile="openshift")
    server.fault(Canned(403), path="/pods", times=2)
    server.fault(Canned(403), path="/configmaps/coredns")
    assert client.corefile() == CorefileText(namespace="openshift-dns", name="dns-default", text="openshift")
    config_map(server, "openshift-dns", "dns-default", other="no Corefile")
    assert client.corefile() is None


def test_what_servers_answer_alike_is_read_once_and_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Question("web-0.nginx.prod.svc.cluster.local", RecordType.A), Question("web-1.nginx.prod.svc.cluster.local", RecordType.A)]
    queries = Queries(asked)
    replies = []
    for number, framed in queries.framed.items():
        made = dns.message.make_response(dns.message.from_wire(framed[2:]))
        made.answer.append(dns.rrset.from_text(f"{asked[number].name}.", 5, "IN", "A", f"10.0.0.1{number}"))
        replies.append(made)
    read: list[bytes] = []
    whole = dns.message.from_wire

    def reading(wire: bytes) -> dns.message.Message:
        read.append(wire)
        return whole(wire)

    monkeypatch.setattr(dns.message, "from_wire", reading)
    wires = [reply.to_wire() for reply in replies]
    first = [queries.answered(wire) for wire in wires]
    assert [queries.answered(wire) for wire in wires] == first and len(read) == 2
    assert [found[1].records for found in first if found is not None] == [("10.0.0.10",), ("10.0.0.11",)]
    replies[0].answer[0] = dns.rrset.from_text(f"{asked[0].name}.", 5, "IN", "A", "10.0.0.99")
    other = queries.answered(replies[0].to_wire())
    assert other is not None and other[1].records == ("10.0.0.99",), "another answer by the same id is another answer"
    assert queries.answered(wires[0]) == first[0] and len(read) == 4
