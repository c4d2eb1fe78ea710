"""``kubectl pets dns`` on the real control plane, with two real CoreDNS replicas that cache: what really resolves, and what not, and
why. A test that needs servers of its own makes them in its namespace."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands.plugin import Plugin, manifest
from tests.controlplane import DnsReplica
from tests.controlplane.dns import corefile
from tests.controlplane.relay import relay

pytestmark = pytest.mark.real

SERVICE = """
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{clusterIP: {address}, selector: {{app: {app}}}, ports: [{{name: http, port: 80, targetPort: 8080}}], publishNotReadyAddresses: {early}}}
"""

BY_HAND = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: by-hand, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 80, protocol: TCP}]
endpoints: [{addresses: [192.0.2.9], hostname: web-1, conditions: {ready: true}}]
"""

#: As the operator of Cilium writes the slices of a Service that is one in two clusters (operator/pkg/clustermesh/endpointslicesync).
MESH = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: web-west
  labels: {kubernetes.io/service-name: web, endpointslice.kubernetes.io/managed-by: endpointslice-mesh-controller.cilium.io, multicluster.kubernetes.io/source-cluster: west}
addressType: IPv4
ports: [{name: http, port: 80, protocol: TCP}]
endpoints: [%s]
"""


def from_west(address: str, hostname: str) -> str:
    target = f"{{kind: Pod, name: fake-pod-{address}, namespace: x}}"
    return f"{{addresses: [{address}], hostname: {hostname}, conditions: {{ready: true}}, targetRef: {target}, nodeName: west}}"


def serve(pets: Plugin, name: str = "web", *, app: str = "web", headless: bool = True, early: bool = False) -> None:
    address = "None" if headless else ""
    pets.plane.apply(SERVICE.format(name=name, app=app, address=address or '""', early=str(early).lower()), pets.namespace)


def own_dns(pets: Plugin, replicas: int = 1, **how: Any) -> tuple[list[DnsReplica], tuple[str, str]]:
    """Replicas of the test's own, and the words that have them asked."""
    made = pets.plane.start_dns(replicas, namespace=pets.namespace, labels={"app": "dns"}, **how)
    return made, ("--dns-selector", f"{pets.namespace}/app=dns")


def document(pets: Plugin, *words: str, expect: int = 0) -> Any:
    return json.loads(pets("dns", "web", "-o", "json", *words, expect=expect).stdout)


def verdicts(seen: Any) -> dict[str, str]:
    return {name["pod"]: name["verdict"] for name in seen["names"] if name["kind"] == "pod"}


def reason(seen: Any, pod: str) -> str | None:
    found = next(name["reason"] for name in seen["names"] if name["kind"] == "pod" and name["pod"] == pod)
    return str(found["reason"]) if found else None


def resolves(pets: Plugin, *words: str) -> None:
    pets("dns", "web", "-w", "--timeout", "120s", *words)


def all_right(pets: Plugin, seen: Any) -> bool:
    return all(name["verdict"] == "right" for name in seen["names"])


@pytest.fixture
def quick(pets: Plugin) -> Iterator[tuple[str, ...]]:
    """The words that have a server asked that caches nothing, where it is not caching that is tested."""
    made, words = own_dns(pets, corefile=corefile(ttl=1, cache=0))
    yield words
    for each in made:
        each.remove()


def test_everything_resolves_at_both_replicas(pets: Plugin, dns: list[DnsReplica]) -> None:
    serve(pets)
    pets.make("web")
    resolves(pets)
    seen = document(pets, "--check")
    assert seen["right"] and [server["name"] for server in seen["servers"]] == [each.name for each in dns]
    assert seen["clusterDomain"] == {"name": "cluster.local", "source": "corefile"}
    kinds = [name["kind"] for name in seen["names"]]
    assert kinds == ["pod"] * 3 + ["service", "port"] + ["reverse"] * 3 and all_right(pets, seen)
    shown = pets("dns", "web")
    assert re.search(r"^web-1 +(10\.\S+) +\1 +\1 +\1 +right +-$", shown.stdout, re.MULTILINE)
    assert "8 of 8 names right at 2 servers" in shown.stderr
    told = pets("dns", "explain", "web", "2").stdout
    assert told.splitlines()[0].endswith("/web-2  right") and "✘" not in told and told.count("✔") == 11


def test_addresses_that_change_and_old_answers(pets: Plugin, dns: list[DnsReplica]) -> None:
    """After a restart with other addresses the replicas still give what they cached, and it is said until when. The fake kubelet
    hands out addresses again that became free, so others take them in between."""
    serve(pets)
    pets.make("web")
    resolves(pets)
    before = addresses(document(pets))
    pets.kubectl("scale", "statefulset/web", "--replicas=0")
    pets.eventually(lambda: not pets.uids(), "no pods")
    pets.make("taker", replicas=6, policy="Parallel")
    pets.kubectl("scale", "statefulset/web", "--replicas=3")
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    pets.eventually(lambda: len(published(pets)) == 3, "the slices have the pods of now")
    after = document(pets)
    moved = [pod for pod, has in addresses(after).items() if has != before[pod]]
    assert moved, "every pod has its old address"
    for line in after["names"][:3]:
        if line["verdict"] == "wrong":  # on a slow machine it may have run out by now
            assert line["reason"]["reason"] == "stale-answer" and line["reason"]["detail"] == before[line["pod"]][0]
            assert line["reason"]["until"] is not None
    resolves(pets)


def published(pets: Plugin) -> list[str]:
    """The addresses in the slices of the Service ``web``."""
    slices = pets.get("endpointslices", "-l", "kubernetes.io/service-name=web")["items"]
    return [address for one in slices for endpoint in one["endpoints"] or () for address in endpoint["addresses"]]


def addresses(seen: Any) -> dict[str, list[str]]:
    return {name["pod"]: name["expected"] for name in seen["names"] if name["kind"] == "pod"}


def test_scaling_up_and_down(pets: Plugin, quick: tuple[str, ...]) -> None:
    serve(pets)
    pets.make("web", replicas=1)
    resolves(pets, *quick)
    pets.kubectl("scale", "statefulset/web", "--replicas=3")
    resolves(pets, *quick)
    assert set(verdicts(document(pets, *quick))) == {"web-0", "web-1", "web-2"}
    pets.kubectl("scale", "statefulset/web", "--replicas=1")
    pets.eventually(lambda: len(pets.uids()) == 1, "scaled down")
    resolves(pets, *quick)
    assert verdicts(document(pets, *quick)) == {"web-0": "right"}


def test_unready_pods(pets: Plugin, quick: tuple[str, ...]) -> None:
    serve(pets)
    pets.make("web")
    resolves(pets, *quick)
    pets.kubectl("label", "pod", "web-1", "kubectl-pets.test/unready=true")
    pets.eventually(lambda: reason(document(pets, *quick), "web-1") == "not-ready", "web-1 is not Ready")
    pets.eventually(lambda: verdicts(document(pets, *quick))["web-1"] == "missing", "what was cached has run out")
    seen = document(pets, *quick, "--check", expect=7)
    assert verdicts(seen) == {"web-0": "right", "web-1": "missing", "web-2": "right"}
    told = pets("dns", "explain", "web", "1", *quick).stdout
    assert "✘ ready" in told and "kubectl describe pod web-1" in told
    serve(pets, early=True)
    resolves(pets, *quick)


def test_pods_that_wait_for_each_other(pets: Plugin, quick: tuple[str, ...]) -> None:
    serve(pets)
    pets.make("web", image="app:never-ready", policy="Parallel", wait=False)
    pets.eventually(lambda: len(pets.uids()) == 3, "three pods")
    pets.eventually(lambda: reason(document(pets, *quick), "web-1") == "not-ready-deadlock", "none is Ready")
    assert "publishNotReadyAddresses" in pets("dns", "explain", "web", "1", *quick).stdout
    serve(pets, early=True)
    resolves(pets, *quick)


def test_services_that_give_no_names(pets: Plugin, quick: tuple[str, ...]) -> None:
    pets.make("web", replicas=2)
    assert reason(document(pets, *quick), "web-0") == "service-missing"
    serve(pets, "other")
    seen = document(pets, *quick)
    assert reason(seen, "web-0") == "service-missing" and seen["names"][0]["reason"]["detail"] == "other"
    pets.plane.apply("{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: ExternalName, externalName: a.example}}", pets.namespace)
    assert reason(document(pets, *quick), "web-0") == "external-name"
    pets.kubectl("delete", "service", "web")
    serve(pets, app="elsewhere")
    seen = document(pets, *quick)
    assert reason(seen, "web-0") == "selector-differs"
    assert "not-headless" not in {remark["reason"] for remark in seen["remarks"]}


def test_an_address_that_somebody_wrote_under_a_pods_name(pets: Plugin, quick: tuple[str, ...]) -> None:
    """The controller of EndpointSlices does not know it, so it is not waited for as one of an earlier pod is."""
    serve(pets)
    pets.make("web")
    resolves(pets, *quick)
    pets.plane.apply(BY_HAND, pets.namespace)
    pets.eventually(lambda: verdicts(document(pets, *quick))["web-1"] == "wrong", "the server has it")
    assert reason(document(pets, *quick), "web-1") == "slice-by-hand"
    shown = pets("dns", "explain", "web", "web-1", *quick).stdout
    assert "EndpointSlice by-hand has 192.0.2.9 under a pod's name, written by hand: no controller takes it out" in shown
    assert "kubectl get endpointslice by-hand -o yaml --show-managed-fields" in shown and "whether it comes" not in shown


def test_a_set_that_is_spread_over_clusters(pets: Plugin, quick: tuple[str, ...]) -> None:
    """The ordinals that are elsewhere are a part of the Service (KEP-3335); a pod there of a name that is here, too, is not."""
    serve(pets)
    pets.make("web")
    pets.plane.apply(MESH % from_west("192.0.2.13", "web-3"), pets.namespace)
    resolves(pets, *quick)
    pets.eventually(lambda: "192.0.2.13" in pets("dns", "web", *quick, "-o", "json").stdout, "the server has it")
    resolves(pets, *quick)
    both = ", ".join(from_west(f"192.0.2.1{at}", f"web-{at}") for at in (1, 3))
    pets.plane.apply(MESH % both, pets.namespace)
    pets.eventually(lambda: verdicts(document(pets, *quick))["web-1"] == "wrong", "the server has it")
    assert reason(document(pets, *quick), "web-1") == "slice-of-others"
    shown = pets("dns", "explain", "web", "web-1", *quick).stdout
    assert "192.0.2.11 has this name, too, in an EndpointSlice that endpointslice-mesh-controller" in shown
    told = next(line for line in shown.splitlines() if "kubectl get endpointslices -l" in line)
    words = shlex.split(told.partition("kubectl ")[2])
    assert "web-west" in pets.plane.kubectl(*words).stdout and "fake-pod" not in shown


def test_of_a_set_that_names_no_service_nothing_is_asked(pets: Plugin, quick: tuple[str, ...]) -> None:
    pets.plane.apply(manifest().replace("serviceName: web\n", "serviceName: ''\n"), pets.namespace)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    said = pets("dns", "web", *quick)
    assert "there is nothing to resolve: the set names no Service" in said.stderr and "could be asked" not in said.stderr


def test_sets_that_legally_have_no_names_are_missed_only_where_they_are_named(
    pets: Plugin, quick: tuple[str, ...], dns: list[DnsReplica]
) -> None:
    """apps/v1: serviceName is optional. A sweep of all sets counted its pods as missing, and waited for their names for ever."""
    serve(pets)
    pets.make("web")
    pets.plane.apply(manifest("worker").replace("serviceName: worker\n", "serviceName: ''\n"), pets.namespace)
    pets("status", "worker", "-w", "--until", "ready", "--timeout", "60s")
    resolves(pets, *quick)
    every = ("-l", "there!=none")
    assert pets("dns", *every, "--check", *quick).stderr.count("there is nothing to resolve: the set names no Service") == 1
    assert "worker: it names no Service, so there is nothing to resolve" in pets("dns", *every, "-w", "--timeout", "60s", *quick).stderr
    pets("wait", *every, "--for", "resolved", "--timeout", "60s")
    pets("dns", "web", "worker", "--check", *quick, expect=7)
    pets("dns", "worker", "-w", "--timeout", "60s", *quick, expect=3)  # nobody can give it one: not waited for until time is over
    pets("dns", "worker", "-w", "--check", *quick, expect=7)
    pets.plane.kubectl("delete", "service", "web", "-n", pets.namespace)
    pets("dns", *every, "--check", *quick, expect=7)


def test_a_service_with_an_address_of_its_own(pets: Plugin, quick: tuple[str, ...]) -> None:
    """CoreDNS names the pods behind it all the same (plugin/kubernetes findServices)."""
    serve(pets, headless=False)
    pets.make("web", replicas=2)
    resolves(pets, *quick)
    seen = document(pets, *quick)
    assert all_right(pets, seen) and [remark["reason"] for remark in seen["remarks"]] == ["not-headless"]


def test_a_second_service_has_no_names_for_the_pods(pets: Plugin, quick: tuple[str, ...]) -> None:
    serve(pets)
    serve(pets, "other")
    pets.make("web", replicas=2)
    resolves(pets, *quick)
    assert [(remark["reason"], remark["subject"]) for remark in document(pets, *quick)["remarks"]] == [("other-service", "other")]


def test_a_port_by_a_name_that_pods_do_not_have(pets: Plugin, quick: tuple[str, ...]) -> None:
    """Its SRV records lack them (getEndpointPorts): the name was missing without a reason."""
    pets.plane.apply(SERVICE.format(name="web", app="web", address="None", early="false").replace("8080", "grpc"), pets.namespace)
    pets.make("web", replicas=2)
    pets.eventually(lambda: set(verdicts(document(pets, *quick)).values()) == {"right"}, "the pods' names resolve")
    seen = document(pets, *quick, "--check", expect=7)
    line = next(name for name in seen["names"] if name["kind"] == "port")
    assert (line["verdict"], line["reason"]["reason"], line["reason"]["subject"]) == ("missing", "port-not-in-pod", "web-0")
    told = pets("dns", "web", *quick).stderr
    assert "note: pod web-0 has no port of the name that port http/TCP of the Service leads to, so its SRV records lack it" in told


def test_a_name_that_is_too_long(pets: Plugin, quick: tuple[str, ...]) -> None:
    """The API server refuses the pods (their hostname is a DNS label), so there is nothing to resolve."""
    name = "w" * 62
    serve(pets, name)
    pets.make(name, wait=False)
    events = ("get", "events", "--field-selector", f"involvedObject.name={name}", "-o", "jsonpath={.items[*].message}")
    pets.eventually(lambda: "spec.hostname" in pets.kubectl(*events), "the API server refused the pod")
    seen = json.loads(pets("dns", name, *quick, "-o", "json").stdout)
    assert {line["reason"]["reason"] for line in seen["names"] if line["kind"] == "pod"} == {"name-no-label"}


# --- servers -----------------------------------------------------------------------------------------------------------------


def test_one_replica_is_down(pets: Plugin) -> None:
    serve(pets)
    pets.make("web", replicas=2)
    made, words = own_dns(pets, 2)
    try:
        resolves(pets, *words)
        made[1].stop()
        seen = document(pets, *words, "--check", expect=7)
        assert set(verdicts(seen).values()) == {"failing"} and reason(seen, "web-0") == "server-silent"
        assert seen["servers"][0]["trouble"] is None and seen["servers"][1]["trouble"]
        made[1].start()
        resolves(pets, *words)
    finally:
        for each in made:
            each.remove()


def test_servers_of_which_none_is_ready(pets: Plugin) -> None:
    """They answer whoever forwards a port to them, and no pod: kube-proxy leads to no endpoint that is not Ready (CategorizeEndpoints
    in pkg/proxy/topology.go). It was: every name right, exit code 0, in a cluster without DNS."""
    serve(pets)
    pets.make("web", replicas=2)
    made, words = own_dns(pets, 2, corefile=corefile(ttl=1, cache=0))

    def unready() -> int:
        pods = pets.get("pods", "-l", "app=dns")["items"]
        return sum(each["type"] == "Ready" and each["status"] == "False" for pod in pods for each in pod["status"]["conditions"])

    try:
        resolves(pets, *words)
        pets.kubectl("label", "pod", made[0].name, "kubectl-pets.test/unready=true")
        pets.eventually(lambda: unready() == 1, "one is not Ready")
        assert document(pets, *words, "--check")["right"]
        pets.kubectl("label", "pod", made[1].name, "kubectl-pets.test/unready=true")
        pets.eventually(lambda: unready() == 2, "none is Ready")
        seen = document(pets, *words, "--check", expect=7)
        assert set(verdicts(seen).values()) == {"failing"} and reason(seen, "web-0") == "servers-not-ready"
        assert all(name["reason"] for name in seen["names"])
        shown = pets("dns", "explain", "web", "0", *words).stdout
        assert "✘ servers" in shown and "no DNS pod that was asked is Ready" in shown
        told = next(line for line in shown.splitlines() if "see why they are not Ready: kubectl " in line)
        assert made[0].name in pets.plane.kubectl(*shlex.split(told.partition("kubectl ")[2])).stdout
        pets.kubectl("label", "pod", made[1].name, "kubectl-pets.test/unready-")
        resolves(pets, *words)
    finally:
        for each in made:
            each.remove()


def test_one_replica_denies_what_is_there(pets: Plugin) -> None:
    """It was asked too early, and caches that there was no such name; the other was not asked yet."""
    serve(pets)
    pets.make("web", replicas=1)
    slow, words = own_dns(pets, 1, name="a-slow", corefile=corefile(ttl=30, cache=30))
    quick = pets.plane.start_dns(1, namespace=pets.namespace, labels={"app": "dns"}, name="b-quick", corefile=corefile(cache=0, ttl=1))
    try:
        pets("dns", "web", "-w", "--timeout", "60s", *words)
        asked = f"web-1.web.{pets.namespace}.svc.cluster.local"
        assert ask(slow[0].port, asked) == "NXDOMAIN"
        pets.kubectl("scale", "statefulset/web", "--replicas=2")
        pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
        pets.eventually(lambda: ask(quick[0].port, asked) == "NOERROR", "the quick one knows it")
        seen = document(pets, "1", *words)
        assert verdicts(seen) == {"web-1": "missing"} and reason(seen, "web-1") == "negative-cache"
        line = seen["names"][0]
        assert [answer["standing"] for answer in line["answers"]] == ["missing", "right"]
        assert line["reason"]["server"] == f"{pets.namespace}/a-slow-0" and line["reason"]["until"]
        assert "replicas-differ" in json.dumps(line["links"])
        resolves(pets, "1", *words)
    finally:
        for each in [*slow, *quick]:
            each.remove()


def test_one_replica_lost_its_api_server(pets: Plugin) -> None:
    """It caches nothing, and still does not know what came later."""
    serve(pets)
    pets.make("web", replicas=1)
    port = int(pets.plane.server.rpartition(":")[2])
    text = corefile(ttl=1, cache=0)
    with relay(port) as between:
        fresh, words = own_dns(pets, name="fresh", corefile=text)
        stale, _ = own_dns(pets, name="stale", corefile=text, api_port=between.port)
        try:
            resolves(pets, *words)
            between.cut()
            pets.kubectl("scale", "statefulset/web", "--replicas=2")
            pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
            pets.eventually(lambda: reason(document(pets, *words), "web-1") == "server-behind", "the fresh one knows it")
            seen = document(pets, *words)
            assert verdicts(seen) == {"web-0": "right", "web-1": "missing"}
            line = seen["names"][1]
            assert [answer["standing"] for answer in line["answers"]] == ["right", "missing"]
            assert line["reason"]["server"].endswith("/stale-0") and line["reason"]["until"] is None
            service = next(name for name in seen["names"] if name["kind"] == "service")
            assert service["verdict"] == "wrong" and service["reason"]["reason"] == "stale-answer"
        finally:
            for each in [*fresh, *stale]:
                each.remove()


def ask(port: int, name: str) -> str:
    import dns.message
    import dns.query
    import dns.rcode

    return dns.rcode.to_text(dns.query.tcp(dns.message.make_query(name, "A"), "127.0.0.1", port=port, timeout=10).rcode())


@pytest.mark.parametrize(
    ("option", "found"),
    [("namespaces default", "hidden-namespace"), ("noendpoints", "hidden-endpoints"), ("labels shown=true", "hidden-labels")],
)
def test_a_corefile_that_hides_it(pets: Plugin, option: str, found: str) -> None:
    serve(pets)
    pets.make("web", replicas=1)
    made, words = own_dns(pets, 1, corefile=corefile(more=option))
    try:
        seen = document(pets, *words)
        assert verdicts(seen) == {"web-0": "missing"} and reason(seen, "web-0") == found
        assert "✘ corefile" in pets("dns", "explain", "web", "0", *words).stdout
    finally:
        made[0].remove()


def test_another_cluster_domain_and_endpoint_pod_names(pets: Plugin) -> None:
    pets.make("web", replicas=1)
    serve(pets)
    made, words = own_dns(pets, 1, corefile=corefile("k8s.example", more="endpoint_pod_names"))
    try:
        resolves(pets, *words)
        seen = document(pets, *words)
        assert seen["clusterDomain"] == {"name": "k8s.example", "source": "corefile"}
        assert reason(document(pets, *words, "--cluster-domain", "cluster.local"), "web-0") == "other-zone"
    finally:
        made[0].remove()


def test_a_server_by_its_address(pets: Plugin, dns: list[DnsReplica]) -> None:
    serve(pets)
    pets.make("web", replicas=1)
    resolves(pets, "--dns-server", f"127.0.0.1:{dns[0].port}")
    seen = document(pets, "--dns-server", f"127.0.0.1:{dns[0].port}")
    assert seen["right"] and len(seen["servers"]) == 1 and seen["clusterDomain"]["source"] == "default"
    pets("dns", "web", "--dns-selector", "kube-dns", expect=2)
    pets("dns", "web", "--dns-server", "127.0.0.1:none", expect=2)


def test_rights_that_are_missing(pets: Plugin, dns: list[DnsReplica]) -> None:
    serve(pets)
    pets.make("web", replicas=1)
    pets.kubectl("create", "role", "look", "--verb=get,list,watch", "--resource=statefulsets.apps,pods,services,endpointslices.discovery.k8s.io")
    pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=erin")
    can = ("auth", "can-i", "list", "endpointslices.discovery.k8s.io", "--as=erin", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*can, check=False).stdout.strip() == "yes", "the role counts")
    kubeconfig = pets.plane.kubeconfig_for("erin")
    shown = pets("dns", "web", "--check", expect=7, kubeconfig=kubeconfig)
    assert "not resolved" in shown.stdout and "right" not in shown.stdout.replace("rights", "")
    assert "not checked: needs list pods" in shown.stderr
    told = pets("dns", "explain", "web", "0", kubeconfig=kubeconfig).stdout
    assert "✔ endpoint slice" in told and "○ servers" in told and "○ corefile" in told
    pets("dns", "web", "-w", expect=3, kubeconfig=kubeconfig)


def test_denied_port_forward(pets: Plugin) -> None:
    serve(pets)
    pets.make("web", replicas=1)
    made, words = own_dns(pets, 1)
    try:
        pets.kubectl("create", "role", "look", "--verb=get,list,watch", "--resource=statefulsets.apps,pods,services,endpointslices.discovery.k8s.io")
        pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=dave")
        can = ("auth", "can-i", "list", "pods", "--as=dave", "-n", pets.namespace)
        pets.eventually(lambda: pets.plane.kubectl(*can, check=False).stdout.strip() == "yes", "the role counts")
        shown = pets("dns", "web", *words, "--check", expect=7, kubeconfig=pets.plane.kubeconfig_for("dave"))
        assert "not resolved" in shown.stdout and re.search(r"needs (get|create) pods/portforward", shown.stderr)
    finally:
        made[0].remove()


def test_a_right_for_one_dns_pod_of_two_is_not_enough(pets: Plugin) -> None:
    """As a role with resourceNames has it. What the other answers nobody knows: --check found nothing, and -w was over, with 0."""
    serve(pets)
    pets.make("web", replicas=1)
    made, words = own_dns(pets, 2)
    try:
        pets("dns", "web", *words, "-w", "--timeout", "60s")
        user = pets.plane.kubeconfig_for("dave")
        pets.kubectl("create", "role", "look", "--verb=get,list,watch", "--resource=statefulsets.apps,pods,services,endpointslices.discovery.k8s.io")
        pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=dave")
        at = ("-n", made[0].namespace)
        pets.plane.kubectl("create", "role", pets.namespace, "--verb=list", "--resource=pods", *at)
        pets.plane.kubectl("create", "role", f"{pets.namespace}-one", "--verb=get,create", "--resource=pods/portforward", f"--resource-name={made[0].name}", *at)
        for role in (pets.namespace, f"{pets.namespace}-one"):
            pets.plane.kubectl("create", "rolebinding", role, f"--role={role}", "--user=dave", *at)
        pets.eventually(lambda: "right" in pets("dns", "web", *words, expect=None, kubeconfig=user).stdout, "the roles count")
        shown = pets("dns", "web", *words, "--check", expect=7, kubeconfig=user)
        assert "right at 1 of 2 servers" in shown.stderr and f"not asked: {made[1].name}" in shown.stderr
        assert pets("dns", "web", *words, "-w", "--timeout", "60s", expect=3, kubeconfig=user).stderr
        assert json.loads(pets("dns", "web", *words, "-o", "json", kubeconfig=user).stdout)["right"] is False
    finally:
        for each in made:
            each.remove()


def test_looking_from_a_pod_that_is_not_there(pets: Plugin) -> None:
    """It was: could not get pods nobody: not found: pods "nobody" not found."""
    serve(pets)
    pets.make("web")
    told = pets("dns", "web", "--from", "nobody", expect=1).stderr
    assert f"error: there is no pod nobody in namespace {pets.namespace} to look from (--from)\n" in told
    hint = told.partition("hint: ")[2].strip()
    assert hint.startswith("kubectl get pods ") and f"-n {pets.namespace}" in hint


# --- watching ----------------------------------------------------------------------------------------------------------------


def test_watching_it_converge(pets: Plugin, dns: list[DnsReplica]) -> None:
    serve(pets)
    pets.make("web", replicas=2)
    pets.kubectl("label", "pod", "web-1", "kubectl-pets.test/unready=true")
    pets.eventually(lambda: reason(document(pets), "web-1") == "not-ready", "web-1 is not Ready")
    watching = pets.start("dns", "web", "-w", "--timeout", "120s")
    with watching:
        assert watching.stdout is not None
        for line in watching.stdout:
            if "web-1.web" in line and "not Ready" in line:
                pets.kubectl("label", "pod", "web-1", "kubectl-pets.test/unready-")
                break
        rest = watching.stdout.read()
    assert watching.returncode == 0, rest
    assert re.search(rf"web-1\.web\.{pets.namespace}\.svc\.cluster\.local right after \d+", rest)


def test_watching_in_vain(pets: Plugin, dns: list[DnsReplica]) -> None:
    pets.make("web", replicas=1)
    said = pets("dns", "web", "-w", "--timeout", "1s", expect=5).stderr
    assert said.startswith("timed out: ") and "there is no Service web" in said
    watching: subprocess.Popen[str] = pets.start("dns", "web", "-w")
    with watching:
        assert watching.stdout is not None and "missing" in watching.stdout.readline()
        watching.terminate()
        _, said = watching.communicate()
    assert (watching.returncode, said.strip()) == (130, "interrupted")


# --- who answers instead: the Corefile's other plugins, in a CoreDNS that has them ------------------------------------------


def overridden(pets: Plugin, lines: str) -> tuple[dict[str, str], dict[str, Any], str]:
    """Verdict and reason by pod where these lines stand in the server block, and what ``explain`` says of web-0."""
    text = corefile(ttl=1, cache=0).replace("    errors\n", "    errors\n" + "".join(f"    {line}\n" for line in lines.splitlines()))
    made, words = own_dns(pets, corefile=text)
    try:
        pets.eventually(lambda: all_hold(document(pets, *words)), "web-1 resolves")
        seen = document(pets, *words)
        found = {name["pod"]: name["reason"] or {} for name in seen["names"] if name["kind"] == "pod"}
        return verdicts(seen), found, pets("dns", "explain", "web", "0", *words).stdout
    finally:
        for each in made:
            each.remove()


def all_hold(seen: Any) -> bool:
    """What is not overridden is right: the server knows the pods by now."""
    return verdicts(seen)["web-1"] == "right"


def here(pets: Plugin, pod: str) -> str:
    return f"{pod}.web.{pets.namespace}.svc.cluster.local"


@pytest.fixture
def two(pets: Plugin) -> Plugin:
    serve(pets)
    pets.make("web", replicas=2)
    return pets


def test_hosts_that_answer_for_a_pod(two: Plugin) -> None:
    """An address from a migration that somebody forgot."""
    found, reasons, told = overridden(two, f"hosts {{\n    192.0.2.9 {here(two, 'web-0')}\n    fallthrough\n}}")
    assert found == {"web-0": "wrong", "web-1": "right"}
    assert reasons["web-0"]["reason"] == "overridden" and reasons["web-0"]["subject"] == "hosts"
    assert "the Corefile's hosts answers instead" in told and "192.0.2.9" in told and "kubectl get configmap" in told


def test_a_template_that_answers_for_a_pod(two: Plugin) -> None:
    lines = f'template IN A {here(two, "web-0")} {{\n    answer "{{{{ .Name }}}} 5 IN A 192.0.2.10"\n}}'
    found, reasons, told = overridden(two, lines)
    assert found == {"web-0": "wrong", "web-1": "right"}
    assert reasons["web-0"]["subject"] == "template" and "the Corefile's template answers instead" in told


def test_a_template_that_denies_what_nobody_asks_for_is_no_reason(two: Plugin) -> None:
    """``template IN AAAA . { rcode NOERROR }`` is in many Corefiles, to silence AAAA."""
    found, reasons, _ = overridden(two, "template IN AAAA . {\n    rcode NOERROR\n}")
    assert found == {"web-0": "right", "web-1": "right"} and not any(reasons.values())


def test_a_rewrite_to_another_pod(two: Plugin) -> None:
    found, reasons, told = overridden(two, f"rewrite name exact {here(two, 'web-0')} {here(two, 'web-1')} answer auto")
    assert found == {"web-0": "wrong", "web-1": "right"}
    assert reasons["web-0"]["subject"] == "rewrite" and "the Corefile's rewrite answers instead" in told


def test_an_acl_that_blocks_a_name(two: Plugin) -> None:
    found, reasons, told = overridden(two, f"acl {here(two, 'web-0')} {{\n    block type A net 127.0.0.0/8\n}}")
    assert found["web-0"] != "right" and found["web-1"] == "right"
    assert reasons["web-0"]["reason"] == "overridden" and reasons["web-0"]["subject"] == "acl", told


def test_an_acl_that_only_pods_are_blocked_by(two: Plugin) -> None:
    """The servers are asked by their own pods: that these get the right answer is no proof that others do."""
    lines = "acl {\n    block type A net 10.0.0.0/8\n}"
    text = corefile(ttl=1, cache=0).replace("    errors\n", "    errors\n" + "".join(f"    {line}\n" for line in lines.splitlines()))
    made, words = own_dns(two, corefile=text)
    try:
        two.eventually(lambda: all_hold(document(two, *words)), "web-1 resolves")
        told = two("dns", "web", *words)
        assert "note: the Corefile's acl (block type A net 10.0.0.0/8) may answer pods otherwise" in told.stdout + told.stderr
    finally:
        for each in made:
            each.remove()


def test_the_names_of_several_sets(pets: Plugin, quick: tuple[str, ...]) -> None:
    for name in ("web", "db"):
        serve(pets, name, app=name)
        pets.make(name, replicas=2)
        pets.kubectl("label", "statefulset", name, "tier=one")
    pets("wait", "web", "db", "--for", "available", "--timeout", "90s")
    pets("dns", "web", "db", "-w", "--timeout", "120s", *quick)
    shown = pets("dns", "-l", "tier=one", "--check", *quick).stdout
    assert shown.index(f"{pets.namespace}/db\n") < shown.index("db-0") < shown.index(f"{pets.namespace}/web\n") < shown.index("web-0")
    listed = json.loads(pets("dns", "web", "1", "db", "-o", "json", *quick).stdout)
    assert listed["kind"] == "DnsDiagnosisList"
    assert [[name["pod"] for name in each["names"] if name["kind"] == "pod"] for each in listed["items"]] == [["web-1"], ["db-0", "db-1"]]


def test_waiting_for_names(pets: Plugin, dns: list[DnsReplica]) -> None:
    pets.make("web", replicas=1)
    pets("wait", "web", "--for", "resolved", "--timeout", "1s", expect=5)
    serve(pets)
    assert json.loads(pets("wait", "web", "--for", "resolved", "--timeout", "120s", "-o", "json").stdout)["right"]
