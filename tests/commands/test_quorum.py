"""quorum on the real control plane: budgets as the disruption controller reads them, nodes and zones as the scheduler used them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands.plugin import Plugin, manifest
from tests.controlplane import ControlPlane

pytestmark = pytest.mark.real

BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: %s}
spec: {%s, selector: {matchLabels: {app: web}}}
"""

#: With the labels of the set's pods.
BACKUP = """
apiVersion: batch/v1
kind: Job
metadata: {name: backup}
spec: {template: {metadata: {labels: {app: web}}, spec: {restartPolicy: Never, containers: [{name: dump, image: "app:1"}]}}}
"""


def _budget(pets: Plugin, name: str, rule: str) -> Any:
    """Made, and seen by the disruption controller."""
    pets.plane.apply(BUDGET % (name, rule), pets.namespace)
    pets.eventually(lambda: "expectedPods" in pets.get("pdb", name).get("status", {}), "the budget has a status")
    pets.eventually(lambda: pets.get("pdb", name)["status"]["observedGeneration"] == 1, "the budget is observed")
    return pets.get("pdb", name)["status"]


def _quorum(pets: Plugin, *words: str, expect: int = 0) -> Any:
    return json.loads(pets("quorum", "web", "-o", "json", *words, expect=expect).stdout)


def _risks(document: Any) -> set[str]:
    return {item["name"] for item in document["findings"]}


@pytest.fixture
def spread(controlplane: ControlPlane, namespace: str) -> Iterator[tuple[str, ...]]:
    """Three nodes in three zones of their own, for this test alone."""
    names = tuple(f"{zone}-{namespace}" for zone in "abc")
    for name in names:
        controlplane.add_node(name, {"only": namespace, "topology.kubernetes.io/zone": f"zone-{name}"}, reserved=True)
    yield names
    for name in names:
        controlplane.kubectl("delete", "node", name, check=False)


def _place(pets: Plugin, node: str = "", extra: str = "") -> None:
    """A set of three whose pods run on the test's own nodes only, or all on one of them."""
    where = f"{{kubernetes.io/hostname: {node}}}" if node else f"{{only: {pets.namespace}}}"
    tolerations = "[{operator: Exists, effect: NoSchedule}]"
    place = f"nodeSelector: {where}\n      tolerations: {tolerations}\n      {extra}\n      containers:"
    pets.plane.apply(manifest(policy="Parallel").replace("containers:", place), pets.namespace)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")


APART = (
    "topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, "
    "labelSelector: {matchLabels: {app: web}}}]"
)


def test_a_set_that_is_spread_and_guarded(pets: Plugin, spread: tuple[str, ...]) -> None:
    _place(pets, extra=APART)
    _budget(pets, "web", "maxUnavailable: 1")
    found = _quorum(pets, "--check")
    assert (found["members"], found["available"], found["majority"], found["tolerates"]) == (3, 3, 2, 1)
    assert found["survivesNodeLoss"] is True and found["survivesZoneLoss"] is True and found["findings"] == []
    assert found["budgets"] == [
        {"name": "web", "minAvailable": None, "maxUnavailable": 1, "covers": 3, "allowedNow": 1, "allowedAtBest": 1}
    ]
    shown = pets("quorum", "sts/web").stdout
    assert "1 may fail now" in shown and "Findings\n   └─ none" in shown


def test_all_on_one_node(pets: Plugin, spread: tuple[str, ...]) -> None:
    _place(pets, spread[0])
    found = _quorum(pets, "--check", expect=7)
    assert _risks(found) == {"node-shared", "zone-shared", "budget-missing"}
    assert found["survivesNodeLoss"] is False and found["survivesZoneLoss"] is False
    assert found["nodes"] == [{"name": spread[0], "pods": ["web-0", "web-1", "web-2"], "leftWithoutIt": 0}]
    assert f"without node {spread[0]}, 0 of 3 would be left" in pets("quorum", "web", "-o", "wide").stdout
    assert "loses" in pets("quorum").stdout


def test_pods_that_do_not_exist_count(pets: Plugin, spread: tuple[str, ...]) -> None:
    """web-0 cannot start, so in order web-1 and web-2 are never made: they still count."""
    pets.make("web", image="app:broken", wait=False)
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    found = _quorum(pets, "--check", expect=7)
    assert (found["available"], found["tolerates"]) == (0, -2) and "quorum-lost" in _risks(found)
    assert "2 short of a majority" in pets("quorum", "web").stdout


@pytest.mark.parametrize(
    ("rule", "desired", "at_best", "risks"),
    [
        ('maxUnavailable: "50%"', 2, 3, {"budget-too-loose"}),  # of 5, 2.5 rounds up to 3: 2 stay, 3 are the majority
        ('maxUnavailable: "21%"', 3, 2, set()),
        ('minAvailable: "50%"', 3, 2, set()),
        ("minAvailable: 2", 2, 3, {"budget-too-loose"}),
        ("minAvailable: 5", 5, 0, {"budget-blocks"}),
        ("maxUnavailable: 0", 5, 0, {"budget-blocks"}),
        ('minAvailable: "100%"', 5, 0, {"budget-blocks"}),
    ],
)
def test_budgets_are_read_as_the_controller_reads_them(
    pets: Plugin, rule: str, desired: int, at_best: int, risks: set[str]
) -> None:
    pets.make("web", replicas=5, policy="Parallel")
    status = _budget(pets, "guard", rule)
    assert (status["desiredHealthy"], status["disruptionsAllowed"]) == (desired, at_best)
    found = _quorum(pets)
    (budget,) = found["budgets"]
    assert (budget["allowedNow"], budget["allowedAtBest"]) == (at_best, at_best)
    assert _risks(found) & {"budget-too-loose", "budget-blocks", "budget-missing", "budgets-several"} == risks


def test_several_budgets_make_eviction_fail(pets: Plugin) -> None:
    pets.make("web")
    _budget(pets, "one", "maxUnavailable: 1")
    _budget(pets, "two", "minAvailable: 1")
    assert "budgets-several" in _risks(_quorum(pets, "--check", expect=7))
    assert "several budgets over the same pods (one, two)" in pets("quorum", "web").stdout
    assert "how many may be evicted now is not known" in pets("quorum", "web").stdout
    assert [each["allowedNow"] for each in _quorum(pets, "--check", expect=7)["budgets"]] == [None, None]
    eviction = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web-0", "namespace": pets.namespace}})
    path = f"/api/v1/namespaces/{pets.namespace}/pods/web-0/eviction"
    said = pets.plane.kubectl("create", "--raw", path, "-f", "-", input=eviction, check=False)
    assert said.returncode != 0 and "more than one PodDisruptionBudget" in said.stderr + said.stdout


def test_what_may_not_be_read_is_unknown(pets: Plugin) -> None:
    pets.make("web")
    pets.kubectl("create", "role", "look", "--verb=get,list", "--resource=statefulsets.apps,controllerrevisions.apps,pods")
    pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=alice")
    words = ("auth", "can-i", "list", "pods", "--as=alice", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    kubeconfig = pets.plane.kubeconfig_for("alice")
    found = json.loads(pets("quorum", "web", "-o", "json", "--check", expect=7, kubeconfig=kubeconfig).stdout)
    assert (found["zones"], found["budgets"], found["survivesZoneLoss"]) == (None, None, None)
    assert found["notRead"] == ["nodes", "budgets"]
    shown = pets("quorum", "web", kubeconfig=kubeconfig).stdout
    assert "unknown: they could not be read" in shown and "unknown: nodes could not be read" in shown
    assert "not-read:nodes,poddisruptionbudgets" in pets("quorum", kubeconfig=kubeconfig).stdout


def test_many_sets(pets: Plugin) -> None:
    pets.make("db", replicas=1)
    pets.make("web", replicas=0, wait=False)
    head, db, web = pets("quorum").stdout.splitlines()
    assert head.split()[0] == "NAME" and db.split()[:5] == ["db", "1", "1", "1", "0"] and web.split()[:5] == ["web", "0", "0", "0", "0"]
    assert pets("quorum", "-o", "name").stdout == "statefulset.apps/db\nstatefulset.apps/web\n"
    assert pets.namespace in pets("quorum", "-A").stdout
    assert pets("quorum", "-l", "none=such").stderr == f"No StatefulSets found in namespace {pets.namespace}.\n"


def test_bad_input(pets: Plugin) -> None:
    assert "no StatefulSet nobody" in pets("quorum", "nobody", expect=1).stderr
    assert "exclude each other" in pets("quorum", "web", "-A", expect=2).stderr
    assert "is not a StatefulSet" in pets("quorum", "deployment/web", expect=2).stderr


def test_a_budget_that_its_controller_cannot_work_out_blocks(pets: Plugin) -> None:
    """A backup's pod has the set's labels, and a Job has no scale: while that pod is there, done or not, nothing may be evicted,
    although its spec would allow one and every member is up."""
    pets.make("web")
    _budget(pets, "guard", "maxUnavailable: 1")
    pets.plane.apply(BACKUP, pets.namespace)
    condition = "{.status.conditions[?(@.type=='DisruptionAllowed')].reason}"
    pets.kubectl("wait", "pdb/guard", f"--for=jsonpath={condition}=SyncFailed", "--timeout=60s")
    found = _quorum(pets, "--check", expect=7)
    (budget,) = found["budgets"]
    assert (budget["allowedNow"], budget["allowedAtBest"]) == (0, 0)
    (blocks,) = [item for item in found["findings"] if item["name"] == "budget-blocks"]
    assert "scale" in blocks["detail"]
    shown = pets("quorum", "web", "-o", "wide").stdout
    assert "budget guard allows no eviction, for its controller cannot work it out (" in shown
    assert "maxUnavailable 1: 0 may be evicted now, none before its controller can work it out" in shown
    said = pets("doctor", "web", "--only", "PETS406").stdout
    assert "budget guard blocks every eviction, for its controller cannot work it out (" in said
