"""Gates, budgets and minimums between the steps of a rollout, on the real control plane."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kubectl_pets.domain.dns.reasons import Diagnosis
from kubectl_pets.flows.engine import names
from tests.commands.plugin import Plugin
from tests.controlplane import DnsReplica

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"


def test_every_new_pod_passes_the_gate_once_and_before_the_next(pets: Plugin, tmp_path: Path) -> None:
    pets.make("web")
    log = tmp_path / "log"
    told = f'echo "$KUBECTL_PETS_NAMESPACE/$KUBECTL_PETS_SET/$KUBECTL_PETS_POD $KUBECTL_PETS_ORDINAL" >> {log}'
    pets("rollout", "run", "web", "--image", NEW, "--gate-cmd", told, "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}
    assert log.read_text().splitlines() == [f"{pets.namespace}/web/web-{ordinal} {ordinal}" for ordinal in (2, 1, 0)]


def test_a_gate_that_says_no_holds_the_rollout(pets: Plugin) -> None:
    pets.make("web")
    no = 'test $KUBECTL_PETS_POD != web-1 || { echo "not \033[31mreplicating"; exit 3; }'
    words = ("rollout", "run", "web", "--image", NEW, "--gate-retries", "1", "--timeout", "60s")
    held = pets(*words, "--gate-cmd", no, expect=4)
    assert "web-1 did not pass" in held.stderr and "replicating exit code 3" in held.stderr and "\033" not in held.stderr
    assert pets.images() == {"web-0": OLD, "web-1": NEW, "web-2": NEW} and pets.partition() == 1
    pets(*words, "--gate-cmd", "true")
    assert set(pets.images().values()) == {NEW} and pets.partition() == 0


def test_a_gate_that_says_no_takes_the_change_back(pets: Plugin) -> None:
    pets.make("web")
    words = ("--gate-cmd", "exit 1", "--gate-retries", "0", "--on-stuck", "abort", "--timeout", "60s")
    pets("rollout", "run", "web", "--image", NEW, *words, expect=4)
    assert set(pets.images().values()) == {OLD}


def test_gates_of_the_other_verbs(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--gate-exec", "true", "--timeout", "60s")
    held = pets("rollout", "step", "web", "--gate-exec", "echo no primary >&2; exit 1", "--gate-retries", "0", expect=4)
    assert "no primary" in held.stderr
    held = pets("rollout", "promote", "web", "--gate-exec", "exit 1", "--gate-retries", "0", expect=4)
    assert pets.images()["web-0"] == OLD
    pets("rollout", "promote", "web", "--gate-exec", "true", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}
    before = pets.uids()
    pets("rollout", "restart", "web", "--pod", "2", "--pod", "1", "-y", "--gate-cmd", "exit 1", "--gate-retries", "0", expect=4)
    after = pets.uids()
    assert after["web-2"] != before["web-2"] and after["web-1"] == before["web-1"]
    pets("rollout", "undo", "web", "--gate-cmd", "exit 1", "--gate-retries", "0", "--timeout", "60s", expect=4)
    assert pets.images() == {"web-0": NEW, "web-1": NEW, "web-2": OLD}


def test_a_gate_that_never_ends_is_cut_off(pets: Plugin) -> None:
    pets.make("web", replicas=1)
    held = pets("rollout", "run", "web", "--image", NEW, "--gate-cmd", "sleep 60", "--gate-timeout", "1s", "--gate-retries", "0", expect=4)
    assert "no end after 1 s" in held.stderr


@contextmanager
def answering(address: str) -> Iterator[tuple[int, list[str]]]:
    """A pod's HTTP server: 503 twice, then 200."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = b"starting" if len(asked) < 3 else b"ok"
            self.send_response(503 if len(asked) < 3 else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer((address, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def own_address() -> str:
    """An address of this machine that the API server's proxy goes to; it refuses loopback ones (proxyutil.IsProxyableIP)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback, so no API server's proxy can reach it")
        return str(probe.getsockname()[0])


def moved_to(pets: Plugin, address: str) -> tuple[str, str]:
    """A gate that gives each pod this address. A kubelet would answer the pod's own."""
    status = json.dumps({"status": {"podIP": address, "podIPs": [{"ip": address}]}})
    moved = f"kubectl --kubeconfig {pets.plane.kubeconfig} -n {pets.namespace} patch pod $KUBECTL_PETS_POD --subresource=status"
    return "--gate-cmd", f"{moved} --type=merge -p '{status}'"


def test_http_gate_goes_through_the_api_servers_proxy(pets: Plugin) -> None:
    """The pods' addresses are made this machine's, where a server plays the container."""
    pets.make("web", replicas=1)
    address = own_address()
    with answering(address) as (port, asked):
        http = ("--gate-http", f"/healthz?full=1:{port}", "--gate-retries", "5")
        held = pets("rollout", "run", "web", "--image", NEW, "--gate-http", f"/healthz:{port}", "--gate-retries", "0", "--gate-timeout", "2s", expect=4)
        assert "did not pass --gate-http" in held.stderr and asked == []
        pets("rollout", "restart", "web", *moved_to(pets, address), "--timeout", "60s")
        pets("rollout", "promote", "web", *http, "--timeout", "60s")
        assert asked == ["/healthz?full=1"] * 3


def budget(pets: Plugin, spec: str) -> None:
    pets.plane.apply(
        f"""
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: guard}}
spec: {{{spec}, selector: {{matchLabels: {{app: web}}}}}}
""",
        pets.namespace,
    )
    pets.eventually(lambda: pets.get("pdb", "guard").get("status", {}).get("expectedPods") == 3, "the budget counts its pods")


def test_a_budget_that_allows_nothing_holds_a_rollout(pets: Plugin) -> None:
    """Nobody else keeps it: a rollout's deletions pass it by (kubernetes/kubernetes#91808)."""
    pets.make("web")
    budget(pets, "maxUnavailable: 0")
    for words in (
        ("rollout", "run", "web", "--image", NEW),
        ("rollout", "canary", "web", "--image", NEW),
        ("rollout", "restart", "web"),
        ("rollout", "restart", "web", "--pod", "1", "-y"),
    ):
        refused = pets(*words, expect=6)
        assert "guard" in refused.stderr and "--ignore-budgets" in refused.stderr
    assert pets.set()["metadata"]["generation"] == 1
    pets("rollout", "run", "web", "--image", NEW, "--ignore-budgets", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}


def test_under_a_budget_one_pod_goes_at_a_time(pets: Plugin) -> None:
    pets.make("web")
    budget(pets, "minAvailable: 2")
    plan = pets("rollout", "run", "web", "--image", NEW, "--step", "3", "--dry-run").stdout
    assert plan.index("release web-2 ") < plan.index("release web-1 ") < plan.index("release web-0 ")
    pets("rollout", "run", "web", "--image", NEW, "--step", "3", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}
    before = pets.uids()
    pets("rollout", "restart", "web", "--order", "lowest-first", "--batch", "3", "-y", "--timeout", "60s")
    assert not set(pets.uids().values()) & set(before.values())


def test_a_budget_tightened_half_way_stops_it(pets: Plugin) -> None:
    pets.make("web")
    budget(pets, "minAvailable: 2")
    tighten = f"kubectl --kubeconfig {pets.plane.kubeconfig} -n {pets.namespace} patch pdb guard --type=merge -p '{{\"spec\":{{\"minAvailable\":3}}}}'"
    stopped = pets("rollout", "run", "web", "--image", NEW, "--gate-cmd", tighten, "--timeout", "60s", expect=4)
    assert "guard" in stopped.stderr and pets.images() == {"web-0": OLD, "web-1": OLD, "web-2": NEW} and pets.partition() == 2


def test_without_budgets_chosen_pods_are_deleted(pets: Plugin) -> None:
    """The eviction API keeps a budget whoever asks, so a restart that was to ask none waited for it for ever."""
    pets.make("web")
    budget(pets, "maxUnavailable: 0")
    before = pets.uids()
    pets("rollout", "restart", "web", "--pod", "1", "-y", "--ignore-budgets", "--timeout", "60s")
    assert {name for name, uid in pets.uids().items() if uid != before[name]} == {"web-1"}


SECOND = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: second}
spec: {maxUnavailable: 1, selector: %s}
"""


@pytest.mark.parametrize("selector", ["{}", "{matchExpressions: [{key: statefulset.kubernetes.io/pod-name, operator: In, values: [web-1]}]}"])
def test_two_budgets_over_the_same_pods_are_not_believed(pets: Plugin, selector: str) -> None:
    """The disruption controller counts anew for one of them, whichever (getPdbForPod in disruption.go), so what the other allows is of
    before: a rollout waited for it and was stuck half-way, or took a pod too many. Of one that is over another pod alone as well."""
    pets.make("web")
    budget(pets, "minAvailable: 2")
    pets.plane.apply(SECOND % selector, pets.namespace)
    before = pets.uids()
    for words in (
        ("rollout", "run", "web", "--image", NEW),
        ("rollout", "run", "web", "--image", NEW, "--step", "2", "--overlap"),
        ("rollout", "canary", "web", "--image", NEW),
        ("rollout", "restart", "web"),
        ("rollout", "restart", "web", "--pod", "2"),
    ):
        for more in (("--dry-run",), ("-y", "--timeout", "60s")):
            refused = pets(*words, *more, expect=6)
            assert "guard, second" in refused.stderr + refused.stdout and "--ignore-budgets --min-available 2" in refused.stderr + refused.stdout
    assert pets.set()["metadata"]["generation"] == 1 and "kubectl-pets" not in json.dumps(pets.set()["metadata"].get("annotations", {}))
    assert pets.uids() == before
    told = refused.stderr.partition("without them with: ")[2].splitlines()[0]
    assert "rollout restart web" in told and "--pod 2" in told
    pets.plane.kubectl("delete", "pdb", "second", "-n", pets.namespace)
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}


def test_two_budgets_and_a_way_on(pets: Plugin) -> None:
    pets.make("web")
    budget(pets, "minAvailable: 2")
    pets.plane.apply(SECOND % "{}", pets.namespace)
    refused = pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s", expect=6)
    told = refused.stderr.partition("kubectl pets rollout run ")[2].splitlines()[0]
    pets("rollout", "run", *told.split())
    assert set(pets.images().values()) == {NEW}
    pets("rollout", "undo", "web", "-y", "--timeout", "60s", expect=6)
    assert set(pets.images().values()) == {NEW}
    pets("rollout", "undo", "web", "-y", "--timeout", "60s", "--ignore-budgets")
    assert set(pets.images().values()) == {OLD}
    pets("rollout", "run", "web", "--image", "app:broken", "--ignore-budgets", "--timeout", "60s", expect=4)
    pets("rollout", "undo", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD}


def test_a_second_budget_half_way_stops_it(pets: Plugin) -> None:
    pets.make("web")
    budget(pets, "minAvailable: 2")
    kubectl = f"kubectl --kubeconfig {pets.plane.kubeconfig} -n {pets.namespace}"
    second = f"{kubectl} create pdb second --selector=app=web --max-unavailable=1"
    stopped = pets("rollout", "run", "web", "--image", NEW, "--gate-cmd", second, "--timeout", "60s", expect=4)
    assert "guard, second" in stopped.stderr and pets.images() == {"web-0": OLD, "web-1": OLD, "web-2": NEW} and pets.partition() == 2


def test_minimums(pets: Plugin) -> None:
    pets.make("web")
    refused = pets("rollout", "run", "web", "--image", NEW, "--min-available", "3", expect=6)
    assert "3 of 3" in refused.stderr and pets.set()["metadata"]["generation"] == 1
    pets("rollout", "run", "web", "--image", NEW, "--min-available", "100%", expect=6)
    pets("rollout", "run", "web", "--image", NEW, "--min-available", "60%", "--step", "3", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}
    pets("rollout", "run", "web", "--image", NEW, "--min-available", "0", expect=2)
    pets("rollout", "run", "web", "--image", NEW, "--gate-http", "healthz", expect=2)
    pets("rollout", "run", "web", "--image", NEW, "--gate-timeout", "soon", expect=2)


def test_a_set_of_one_has_no_quorum_to_spare(pets: Plugin) -> None:
    pets.make("web", replicas=1)
    assert "1 of 1" in pets("rollout", "run", "web", "--image", NEW, "--quorum", expect=6).stderr


def test_a_leader_that_cannot_be_asked_for_is_no_follower(pets: Plugin) -> None:
    """A shell that does not find the command ends with 127: that says nothing of who leads, so nobody goes down."""
    pets.make("web")
    before = pets.uids()
    words = ("--skip-leader", "exec:no-such-command-here", "--gate-retries", "0", "-y", "--timeout", "60s")
    held = pets("rollout", "restart", "web", *words, expect=4).stderr
    assert "--skip-leader exec:" in held and "no-such-command-here" in held and pets.uids() == before


HEADLESS = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}\n"


def test_names_are_right_everywhere_before_the_next_pod_goes_down(
    pets: Plugin, dns: list[DnsReplica], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both replicas cache: each of them has to have every address before each pod goes down, and before the run is called done."""
    pets.plane.apply(HEADLESS, pets.namespace)
    pets.make("web", replicas=2)
    pets("dns", "web", "-w", "--timeout", "90s")
    right: list[dict[str, str]] = []
    really = names.look_at_names

    def noted(*words: Any, **more: Any) -> Diagnosis:
        before, found = pets.images(), really(*words, **more)
        assert len(found.servers) == 2
        if found.right:
            right.append(before)
        return found

    monkeypatch.setattr(names, "look_at_names", noted)
    pets("rollout", "run", "web", "--image", NEW, "--gate-dns", "--timeout", "200s")
    for state in ({"web-0": OLD, "web-1": OLD}, {"web-0": OLD, "web-1": NEW}, {"web-0": NEW, "web-1": NEW}):
        assert state in right
    pets("dns", "web", "--check")


def test_a_name_that_is_wrong_keeps_every_pod(pets: Plugin, dns: list[DnsReplica]) -> None:
    """There is no Service, so no pod has a name, and none goes down for it; what is wrong is said."""
    pets.make("web", replicas=2)
    before = pets.uids()
    words = ("--gate-dns", "--gate-timeout", "1s", "--gate-retries", "0")
    held = pets("rollout", "run", "web", "--image", NEW, *words, expect=4).stderr
    assert "--gate-dns" in held and "there is no Service" in held and pets.uids() == before
    held = pets("rollout", "restart", "web", "--pod", "0", "-y", *words, expect=4).stderr
    assert "there is no Service" in held and pets.uids() == before


@pytest.mark.parametrize("words", [("restart", "web"), ("undo", "web")])
def test_pods_whose_minReadySeconds_run_do_not_go_all_at_once(pets: Plugin, words: tuple[str, ...]) -> None:
    """In Parallel the controller deletes whatever is outdated and not available before it counts maxUnavailable (kubernetes/kubernetes#137666),
    and just after a set was made that is every pod that serves. All of them were deleted in one sync."""
    pets.make("web", policy="Parallel", extra="minReadySeconds: 3600", wait=False)
    pets("status", "web", "-w", "--timeout", "2s", expect=5)
    if words[0] == "undo":
        pets.kubectl("set", "image", "statefulset/web", f"app={NEW}")
        pets("status", "web", "-w", "--timeout", "2s", expect=5)
    pets.eventually(lambda: pets.set()["status"].get("readyReplicas") == 3, "all are Ready")
    before = pets.uids()
    assert "and hold every pod (partition 3)" in pets("rollout", *words, "--dry-run").stdout
    pets("rollout", *words, "-y", "--timeout", "5s", expect=5)
    assert pets.uids() == before and pets.partition() == 3


def test_a_release_that_waits_for_nothing_tells_what_goes_at_once(pets: Plugin) -> None:
    pets.make("web", policy="Parallel", extra="minReadySeconds: 3600", wait=False, strategy="{type: RollingUpdate, rollingUpdate: {partition: 3}}")
    pets("status", "web", "-w", "--timeout", "2s", expect=5)
    pets.kubectl("set", "image", "statefulset/web", f"app={NEW}")
    pets.eventually(lambda: pets.set()["status"].get("readyReplicas") == 3, "all are Ready")
    told = "web-2..web-0 go down all at once: their minReadySeconds run still"
    assert told in pets("partition", "web", "0", "--dry-run").stderr
    assert told in pets("partition", "web", "0", "--yes").stderr
