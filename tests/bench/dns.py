"""What two CoreDNS replicas say of all names of a set, against asking them straight and fetching the same lists: of 500 pods, and
(``dns2000``) of as many as hardly any set has.

The peer is a process that puts the same queries to both with dnspython, over one TCP connection each, and curl for the lists. Ours
goes through the API server's port-forward: once only the reading and the asking of all A records, once the whole command, which
asks for AAAA and PTR records, too, judges and prints.
"""

import json
import os
import statistics
import sys
import time
from functools import partial

from tests.bench.estate import token
from tests.bench.measure import as_installed, cost, spread
from tests.controlplane import ControlPlane

_ROUNDS = 7
_ZONE = "nginx.default.svc.cluster.local"

_SET = """
apiVersion: v1
kind: Service
metadata: {name: nginx}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: web, port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: %d
  serviceName: nginx
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "registry.example/app:1"}]}
"""

_LISTS = (
    "/apis/apps/v1/namespaces/default/statefulsets/web",
    "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb",
    "/api/v1/namespaces/default/services",
    "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
    "/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3Dkube-dns",
)

_STRAIGHT = f"""
import socket, sys
import dns.message, dns.query, dns.reversename
everything, pods, *ports = sys.argv[1:]
for port in ports:
    with socket.create_connection(("127.0.0.1", int(port))) as sock:
        def ask(name, kind):
            return dns.query.tcp(dns.message.make_query(name, kind), "127.0.0.1", sock=sock)
        for number in range(int(pods)):
            [record] = ask(f"web-{{number}}.{_ZONE}.", "A").answer[0]
            if everything == "True":
                ask(f"web-{{number}}.{_ZONE}.", "AAAA")
                assert ask(dns.reversename.from_address(record.address), "PTR").answer
"""

_OURS = f"""
import sys
from kubectl_pets.cluster import connect
from kubectl_pets.domain.dns.answers import Outcome, Question, RecordType
from kubectl_pets.ports.dns import DnsWhere
from kubectl_pets.session import ConnectionFlags
with connect(ConnectionFlags()) as cluster:
    network = cluster.network("default", "web")
    questions = [Question(f"{{pod.name}}.{_ZONE}", RecordType.A) for pod in network.pods]
    with cluster.resolver(DnsWhere()) as resolver:
        hearings = resolver.ask(questions)
assert len(hearings) == 2 and len(network.services) and len(network.slices)
for hearing in hearings:
    assert [each.outcome for each in hearing.answers] == [Outcome.ANSWERED] * int(sys.argv[1]), hearing.trouble
"""


def run(plane: ControlPlane, pods: int = 500, rounds: int = _ROUNDS) -> None:
    """Bring up the set and print the figures."""
    start = time.monotonic()
    replicas = plane.standard_dns()
    plane.apply(_SET % pods, "default")
    plane.kubectl("rollout", "status", "statefulset/web", "-n", "default", "--timeout=600s")
    _settle(plane, pods)
    for replica in replicas:  # again from the beginning: it answers when it has read everything
        replica.stop()
        replica.start()
    print(f"dns of {pods} pods, up in {time.monotonic() - start:.0f} s, against the same queries and lists without the program")
    asked = [str(pods), *(str(replica.port) for replica in replicas)]
    _compare(plane, "reading and asking for A", [sys.executable, "-c", _OURS, str(pods)], ["False", *asked], rounds)
    _compare(plane, "kubectl pets dns web -o json", ["kubectl-pets", "dns", "web", "-o", "json"], ["True", *asked], rounds)


def _compare(plane: ControlPlane, title: str, ours: list[str], asked: list[str], rounds: int) -> None:
    fetch = "".join(
        f"curl -sS --fail --cacert {plane.ca_file} -H 'Authorization: Bearer {token(plane)}' '{plane.server}{path}' -o /dev/null && "
        for path in _LISTS
    )
    measures = {
        "ours": partial(cost, ours, as_installed({**os.environ, "KUBECONFIG": str(plane.kubeconfig)}, plane.directory / "bytecode")),
        "straight": partial(cost, [sys.executable, "-c", _STRAIGHT, *asked]),
        "lists": partial(cost, ["sh", "-c", fetch + "true"]),
    }
    for measure in measures.values():
        measure()
    rounds_taken = [{name: measure() for name, measure in measures.items()} for _ in range(rounds)]
    seconds = {name: [each[name].seconds for each in rounds_taken] for name in measures}
    memory = max(each["ours"].megabytes for each in rounds_taken)
    ratios = [mine / (queries + lists) for mine, queries, lists in zip(seconds["ours"], seconds["straight"], seconds["lists"], strict=True)]
    work = {name: statistics.median(each[name].busy for each in rounds_taken) for name in measures}
    print(f"  {title:29} {spread(seconds['ours'])} s; {work['ours']:.2f} s of CPU")
    print(f"  the same queries, straight    {spread(seconds['straight'])} s; {work['straight']:.2f} s of CPU")
    print(f"  curl of the same lists        {spread(seconds['lists'])} s")
    print(f"  to both                       {spread(ratios)} (goal <= 1.1)")
    print(f"  peak memory                   {memory:.0f} MB (goal <= 120)")


def _settle(plane: ControlPlane, pods: int) -> None:
    """Until the EndpointSlices hold all pods."""
    deadline = time.monotonic() + 300
    while True:
        slices = json.loads(plane.kubectl("get", "endpointslices", "-n", "default", "-o", "json").stdout)["items"]
        if sum(len(each["endpoints"] or ()) for each in slices) >= pods:
            return
        if time.monotonic() > deadline:
            raise SystemExit("bench: the EndpointSlices do not fill")
        time.sleep(0.2)
