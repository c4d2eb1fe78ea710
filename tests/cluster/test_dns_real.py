"""The same rooms on the real control plane: CoreDNS behind port-forward, exec, and who may do what."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kubectl_pets.cluster import Client, connect
from kubectl_pets.cluster.pods.execute import run_in
from kubectl_pets.domain.dns.answers import Answer, Outcome, Question, RecordType, ServerAnswers
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.errors import ForbiddenError, UnreachableError
from kubectl_pets.ports.dns import DnsWhere
from kubectl_pets.session import ConnectionFlags
from tests.cluster.waiting import until
from tests.controlplane import ControlPlane, DnsReplica
from tests.controlplane.dns import corefile
from tests.controlplane.dns import grant as grant_what_coredns_reads
from tests.controlplane.recipes import parse_version
from tests.controlplane.relay import relay

pytestmark = pytest.mark.real

_WEB = """
apiVersion: v1
kind: Service
metadata: {name: nginx}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: web, port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 3
  serviceName: nginx
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {kubectl-pets.test/new-address: "true"}}
    spec: {containers: [{name: main, image: "registry.example/app:1"}]}
"""

_A, _AAAA, _SRV, _PTR = RecordType.A, RecordType.AAAA, RecordType.SRV, RecordType.PTR


@pytest.fixture
def own_surroundings() -> None:
    """Not here: every kubeconfig is given."""


@pytest.fixture
def admin(controlplane: ControlPlane) -> Iterator[Client]:
    with connect(ConnectionFlags(kubeconfig=str(controlplane.kubeconfig))) as client:
        yield client


@pytest.fixture
def web(controlplane: ControlPlane, namespace: str, admin: Client) -> Network:
    """A set whose three pods are in the EndpointSlice."""
    controlplane.apply(_WEB, namespace)
    with admin.watch_network(namespace, "web") as source:
        return until(source, lambda seen: len(addresses(seen)) == 3)


Starter = Callable[..., list[DnsReplica]]


@pytest.fixture
def start_dns(controlplane: ControlPlane, namespace: str) -> Iterator[Starter]:
    """Replicas in the test's own namespace, labelled app=dns, that end with the test."""
    started: list[DnsReplica] = []

    def start(replicas: int = 1, **how: Any) -> list[DnsReplica]:
        started.extend(controlplane.start_dns(replicas, namespace=namespace, labels={"app": "dns"}, **how))
        return started[-replicas:]

    yield start
    for replica in started:
        replica.stop()


#: With time enough for a machine that is busy.
_STANDARD = DnsWhere(timeout=60.0)


def own(namespace: str, timeout: float = 60.0) -> DnsWhere:
    """The replicas of the test's own."""
    return DnsWhere(selector=f"{namespace}/app=dns", timeout=timeout)


def straight(replica: DnsReplica) -> DnsWhere:
    return DnsWhere(server=f"127.0.0.1:{replica.port}", timeout=60.0)


def addresses(seen: Network) -> dict[str, str]:
    """Of the ready endpoints, by hostname."""
    return {each.hostname: each.addresses[0] for part in seen.slices or () for each in part.endpoints or () if each.ready}


def heard(client: Client, where: DnsWhere, *questions: Question, true: Callable[[tuple[ServerAnswers, ...]], bool] = bool) -> tuple[ServerAnswers, ...]:
    """What is heard as soon as it is as wanted: CoreDNS learns of changes by watches."""
    deadline = time.monotonic() + 60
    with client.resolver(where) as resolver:
        while not true(hearings := resolver.ask(questions)):
            assert time.monotonic() < deadline, f"heard in vain: {hearings}"
            time.sleep(0.1)
    return hearings


def told(hearing: ServerAnswers) -> list[tuple[Outcome, tuple[str, ...]]]:
    assert hearing.trouble == ""
    return [(each.outcome, each.records) for each in hearing.answers]


def all_know(*records: str) -> Callable[[tuple[ServerAnswers, ...]], bool]:
    """Every server gives these for the first question."""
    return lambda hearings: all(each.answers and each.answers[0].records == records for each in hearings)


# --- the network -------------------------------------------------------------------------------------------------------------


def test_a_network_as_the_controllers_make_it(controlplane: ControlPlane, admin: Client, web: Network, namespace: str) -> None:
    seen = admin.network(namespace, "web")
    assert seen.set.spec.service_name == "nginx"
    assert [service.headless for service in seen.services or ()] == [True]
    [part] = seen.slices or ()
    assert (part.service, part.address_type) == ("nginx", "IPv4")
    by_pod = {pod.name: pod.status.pod_ip for pod in seen.pods or ()}
    assert addresses(seen) == by_pod and len(by_pod) == 3
    assert {each.target_ref.name for each in part.endpoints or () if each.target_ref is not None} == set(by_pod)
    with admin.watch_network(namespace, "web") as source:
        controlplane.kubectl("scale", "sts/web", "--replicas=1", "-n", namespace)
        until(source, lambda seen: len(addresses(seen)) == 1 and len(seen.pods or ()) == 1)


def test_a_user_who_may_not_read_slices(controlplane: ControlPlane, web: Network, namespace: str) -> None:
    controlplane.kubectl("create", "role", "looker", "--verb=get,list,watch", "--resource=statefulsets.apps,pods,services", "-n", namespace)
    controlplane.kubectl("create", "rolebinding", "looker", "--role=looker", "--user=grace", "-n", namespace)
    with connect(ConnectionFlags(kubeconfig=str(controlplane.kubeconfig_for("grace")))) as client:
        seen = client.network(namespace, "web")
        assert seen.slices is None and len(seen.services or ()) == 1 and len(seen.pods or ()) == 3


# --- CoreDNS behind port-forward -----------------------------------------------------------------------------------------------


def test_answers_of_every_kind_from_both_replicas(admin: Client, web: Network, namespace: str, dns: list[DnsReplica]) -> None:
    zone = f"nginx.{namespace}.svc.cluster.local"
    known = addresses(web)
    first = known["web-0"]
    reverse = ".".join(reversed(first.split("."))) + ".in-addr.arpa"
    questions = [
        Question(f"web-0.{zone}", _A),
        Question(zone, _A),
        Question(f"web-0.{zone}", _AAAA),
        Question(f"_web._tcp.{zone}", _SRV),
        Question(reverse, _PTR),
        Question(f"web-9.{zone}", _A),
        Question(f"_none._tcp.{zone}", _SRV),
        Question("kubernetes.default.svc.cluster.local", _A),
    ]
    hearings = heard(admin, _STANDARD, *questions, true=all_know(first))
    assert [(each.server.namespace, each.server.name) for each in hearings] == [("kube-system", replica.name) for replica in dns]
    for hearing in hearings:
        assert hearing.server.node and hearing.missing_right is None
        assert told(hearing) == [
            (Outcome.ANSWERED, (first,)),
            (Outcome.ANSWERED, tuple(sorted(known.values()))),
            (Outcome.NODATA, ()),
            (Outcome.ANSWERED, tuple(f"0 33 80 {name}.{zone}" for name in sorted(known))),
            (Outcome.ANSWERED, (f"web-0.{zone}",)),
            (Outcome.NXDOMAIN, ()),
            (Outcome.NXDOMAIN, ()),
            (Outcome.ANSWERED, ("10.96.0.1",)),
        ]
        assert all(each.ttl is not None and 0 <= each.ttl <= 30 for each in hearing.answers)
        assert abs((hearing.asked_at - admin.now()).total_seconds()) < 60


def test_five_hundred_names_over_one_port_forward_a_replica(admin: Client, web: Network, namespace: str, start_dns: Starter, controlplane: ControlPlane) -> None:
    start_dns(2)
    zone = f"nginx.{namespace}.svc.cluster.local"
    questions = [Question(f"web-{number}.{zone}", _A) for number in range(500)]

    def forwards() -> int:
        """Those of ours that have ended."""
        events = [each for each in controlplane.requests("kubectl-pets/") if each["stage"] == "ResponseComplete"]
        refs = [each["objectRef"] for each in events if "objectRef" in each]
        return len([ref for ref in refs if ref.get("subresource") == "portforward" and ref["namespace"] == namespace])

    heard(admin, own(namespace), questions[0], true=all_know(addresses(web)["web-0"]))
    with admin.resolver(own(namespace)) as resolver:
        for hearing in resolver.ask(questions):
            assert hearing.trouble == "" and [each.question for each in hearing.answers] == questions
            outcomes = [each.outcome for each in hearing.answers]
            assert outcomes == [Outcome.ANSWERED] * 3 + [Outcome.NXDOMAIN] * 497
        deadline = time.monotonic() + 30
        while (before := forwards()) < 2:  # those of the first look; an event is written when its connection has ended
            assert time.monotonic() < deadline
            time.sleep(0.1)
    while forwards() < before + 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert forwards() == before + 2


def test_one_replica_down(admin: Client, web: Network, namespace: str, start_dns: Starter) -> None:
    up, down = start_dns(2)
    question = Question(f"web-1.nginx.{namespace}.svc.cluster.local", _A)
    known = addresses(web)["web-1"]
    heard(admin, own(namespace), question, true=all_know(known))
    down.stop()
    first, second = heard(admin, own(namespace), question)
    assert (first.server.name, told(first)) == (up.name, [(Outcome.ANSWERED, (known,))])
    assert (second.server.name, second.answers) == (down.name, ())
    assert "connection refused" in second.trouble
    down.start()
    assert len(heard(admin, own(namespace), question, true=all_know(known))) == 2


def test_a_replica_that_goes_down_between_two_questions(admin: Client, web: Network, namespace: str, start_dns: Starter) -> None:
    [replica] = start_dns()
    question = Question(f"web-1.nginx.{namespace}.svc.cluster.local", _A)
    with admin.resolver(own(namespace, timeout=8.0)) as resolver:
        assert resolver.ask([question])[0].trouble == ""
        replica.stop()
        [hearing] = resolver.ask([question])
        assert hearing.answers == () and hearing.trouble
        replica.start()
        assert resolver.ask([question])[0].trouble == ""


def test_a_stale_replica_goes_on_telling_what_it_knew(controlplane: ControlPlane, admin: Client, web: Network, namespace: str, start_dns: Starter) -> None:
    fresh_text = corefile(cache=0)
    port = int(controlplane.server.rpartition(":")[2])
    with relay(port) as between:
        [fresh] = start_dns(corefile=fresh_text, name="fresh")
        [stale] = start_dns(corefile=fresh_text, name="stale", api_port=between.port)
        question = Question(f"web-2.nginx.{namespace}.svc.cluster.local", _A)
        old = addresses(web)["web-2"]
        heard(admin, own(namespace), question, true=all_know(old))
        between.cut()
        controlplane.kubectl("delete", "pod", "web-2", "-n", namespace)
        with admin.watch_network(namespace, "web") as source:
            new = addresses(until(source, lambda seen: addresses(seen).get("web-2", old) != old))["web-2"]
        hearings = heard(admin, own(namespace), question, true=lambda all: bool(all[0].answers) and all[0].answers[0].records == (new,))
        assert [(each.server.name, told(each)) for each in hearings] == [
            (fresh.name, [(Outcome.ANSWERED, (new,))]),
            (stale.name, [(Outcome.ANSWERED, (old,))]),
        ]
        between.mend()
        heard(admin, own(namespace), question, true=all_know(new))


def test_each_replica_has_a_negative_cache_of_its_own(controlplane: ControlPlane, admin: Client, web: Network, namespace: str, start_dns: Starter) -> None:
    """kubernetes/kubernetes#92559: who asked too early is told "no" until that answer has run out."""
    [cached] = start_dns(name="cached", corefile=corefile(ttl=300, cache=300))
    [plain] = start_dns(name="plain", corefile=corefile(cache=0))
    question = Question(f"web-3.nginx.{namespace}.svc.cluster.local", _A)
    assert [told(each) for each in heard(admin, own(namespace), question)] == [[(Outcome.NXDOMAIN, ())]] * 2
    controlplane.kubectl("scale", "sts/web", "--replicas=4", "-n", namespace)
    with admin.watch_network(namespace, "web") as source:
        new = addresses(until(source, lambda seen: "web-3" in addresses(seen)))["web-3"]
    first, second = heard(admin, own(namespace), question, true=lambda all: all[1].answers[0].records == (new,))
    assert [(each.server.name, told(each)) for each in (first, second)] == [
        (cached.name, [(Outcome.NXDOMAIN, ())]),
        (plain.name, [(Outcome.ANSWERED, (new,))]),
    ]
    left = first.answers[0].ttl
    assert left is not None and 0 < left <= 300
    heard(admin, own(namespace), question, true=lambda all: 0 < (all[0].answers[0].ttl or 0) < left)  # it counts down


def test_a_corefile_that_hides_the_namespace(admin: Client, web: Network, namespace: str, start_dns: Starter) -> None:
    text = corefile(more="namespaces kube-system default")
    start_dns(corefile=text)
    questions = [Question(f"web-0.nginx.{namespace}.svc.cluster.local", _A), Question("kubernetes.default.svc.cluster.local", _A)]
    [hearing] = heard(admin, own(namespace), *questions)
    assert told(hearing) == [(Outcome.NXDOMAIN, ()), (Outcome.ANSWERED, ("10.96.0.1",))]
    found = admin.corefile(own(namespace))
    assert found is not None and (found.namespace, found.text) == (namespace, text)


def test_another_cluster_domain(admin: Client, web: Network, namespace: str, start_dns: Starter) -> None:
    start_dns(corefile=corefile("k8s.example.org"))
    questions = [Question(f"web-0.nginx.{namespace}.svc.{zone}", _A) for zone in ("k8s.example.org", "cluster.local")]
    known = addresses(web)["web-0"]
    [hearing] = heard(admin, own(namespace), *questions, true=all_know(known))
    assert [each.outcome for each in hearing.answers][1] in (Outcome.SERVFAIL, Outcome.REFUSED)


def test_a_server_that_is_asked_straight(admin: Client, web: Network, namespace: str, dns: list[DnsReplica]) -> None:
    question, known = Question(f"web-0.nginx.{namespace}.svc.cluster.local", _A), addresses(web)["web-0"]
    [hearing] = heard(admin, straight(dns[0]), question, true=all_know(known))
    assert hearing.answers == (Answer(question=question, outcome=Outcome.ANSWERED, records=(known,), ttl=hearing.answers[0].ttl),)


def test_the_clusters_own_corefile(admin: Client, dns: list[DnsReplica]) -> None:
    found = admin.corefile()
    assert found is not None and (found.namespace, found.text) == ("kube-system", corefile())


# --- rights ------------------------------------------------------------------------------------------------------------------


def grant(plane: ControlPlane, namespace: str, user: str, name: str, verbs: str, resource: str) -> None:
    plane.kubectl("create", "role", name, f"--verb={verbs}", f"--resource={resource}", "-n", namespace)
    plane.kubectl("create", "rolebinding", name, f"--role={name}", f"--user={user}", "-n", namespace)


def test_port_forward_that_is_denied_names_the_right(controlplane: ControlPlane, web: Network, namespace: str, start_dns: Starter) -> None:
    start_dns()
    question, known = Question(f"web-0.nginx.{namespace}.svc.cluster.local", _A), addresses(web)["web-0"]
    where = own(namespace)

    def ask() -> ServerAnswers:
        with connect(ConnectionFlags(kubeconfig=str(controlplane.kubeconfig_for("heidi")))) as client, client.resolver(where) as resolver:
            [hearing] = resolver.ask([question])
            return hearing

    def ask_until(true: Callable[[ServerAnswers], bool]) -> ServerAnswers:
        deadline = time.monotonic() + 30
        while not true(hearing := ask()):  # the authorizer learns of roles by a watch
            assert time.monotonic() < deadline, hearing
            time.sleep(0.1)
        return hearing

    hearing = ask()
    assert (hearing.missing_right, hearing.answers) == (("list", "pods"), ())
    grant(controlplane, namespace, "heidi", "list", "list", "pods")
    hearing = ask_until(lambda hearing: hearing.missing_right != ("list", "pods"))
    assert hearing.missing_right == ("get", "pods/portforward") and "forbidden" in hearing.trouble
    grant(controlplane, namespace, "heidi", "forward", "get", "pods/portforward")
    if parse_version(controlplane.version) >= (1, 35, 0):  # AuthorizePodWebsocketUpgradeCreatePermission
        hearing = ask_until(lambda hearing: hearing.missing_right != ("get", "pods/portforward"))
        assert hearing.missing_right == ("create", "pods/portforward") and hearing.answers == ()
        grant(controlplane, namespace, "heidi", "forward-too", "create", "pods/portforward")
    hearing = ask_until(lambda hearing: hearing.missing_right is None)
    assert told(hearing) == [(Outcome.ANSWERED, (known,))]


def test_nobody_may_list_the_dns_pods(controlplane: ControlPlane, dns: list[DnsReplica]) -> None:
    with connect(ConnectionFlags(kubeconfig=str(controlplane.kubeconfig_for("bob")))) as client, client.resolver(_STANDARD) as resolver:
        [hearing] = resolver.ask([Question("kubernetes.default.svc.cluster.local", _A)])
        assert (hearing.missing_right, hearing.server.namespace) == (("list", "pods"), "kube-system")
        assert client.corefile() is None


# --- commands in pods ----------------------------------------------------------------------------------------------------------


def test_what_a_pod_sees(admin: Client, web: Network, namespace: str) -> None:
    """KWOK runs the commands on this machine: its resolv.conf, its C library, its idea of localhost."""
    view = admin.look_from(namespace, "web-0", ["localhost", "no-such-host.invalid"])
    with open("/etc/resolv.conf", encoding="utf-8") as file:
        assert view.resolv_conf == file.read()
    assert view.trouble == ""
    assert set(view.getent["localhost"]) & {"127.0.0.1", "::1"}
    assert view.getent["no-such-host.invalid"] == ()


def test_commands_end_as_they_do(admin: Client, web: Network, namespace: str) -> None:
    def run(*command: str, timeout: float = 30.0) -> Any:
        return run_in(admin._transport, namespace, "web-0", "main", command, timeout)

    result = run("sh", "-c", 'echo "$1"; echo bad >&2', "sh", 'a b; "c" $HOME')
    assert (result.exit_code, result.stdout, result.stderr, result.problem) == (0, 'a b; "c" $HOME\n', "bad\n", "")
    assert run("sh", "-c", "exit 7").exit_code == 7
    missing = run("no-such-command-here")
    assert missing.exit_code is None and "not found" in missing.problem
    long = run("head", "-c", "3000000", "/dev/zero")
    assert (long.exit_code, long.cut, len(long.stdout)) == (0, True, 1 << 20)
    with pytest.raises(UnreachableError, match="sleep in pod web-0 did not end within 0.5 s"):
        run("sleep", "2", timeout=0.5)


def test_exec_that_is_denied(controlplane: ControlPlane, web: Network, namespace: str) -> None:
    grant(controlplane, namespace, "frank", "look", "get", "pods")
    with connect(ConnectionFlags(kubeconfig=str(controlplane.kubeconfig_for("frank")))) as client:
        deadline = time.monotonic() + 30
        while True:
            try:
                view = client.look_from(namespace, "web-0", ["localhost"])
                break
            except ForbiddenError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
    assert view.resolv_conf is None and view.getent == {}
    assert "pods/exec" in view.trouble and "forbidden" in view.trouble


def test_several_who_start_servers_at_once_all_get_the_rights(controlplane: ControlPlane, namespace: str) -> None:
    """Workers of one test run share a control plane."""
    names = [f"{namespace}-dns-{number}" for number in range(6)]
    try:
        with ThreadPoolExecutor(4) as pool:
            for name in names:
                list(pool.map(grant_what_coredns_reads, [controlplane] * 4, [name] * 4))
        assert len(controlplane.kubectl("get", "clusterrole,clusterrolebinding", *names, "-o", "name").stdout.split()) == 12
    finally:
        controlplane.kubectl("delete", "clusterrole,clusterrolebinding", *names, "--ignore-not-found")
