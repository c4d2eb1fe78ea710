"""Advanced StatefulSets of OpenKruise under its real controller and webhooks: every verb, to its end.

On a control plane of their own, whose kinds no other test sees. What an update in place looks like to a kubelet is KWOK's doing; that
it is one, and when it is over, is the controller's.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands.plugin import Plugin
from tests.commands.test_least_rights import Holder
from tests.commands.test_orphans import become
from tests.controlplane import ControlPlane

pytestmark = pytest.mark.real

KIND = "statefulsets.apps.kruise.io"

GATE = "{conditionType: InPlaceUpdateReady}"


def manifest(
    *, replicas: int = 4, image: str = "app:1", policy: str = "OrderedReady", rolling: str = "", extra: str = "", gates: str = ""
) -> str:
    """YAML of an Advanced StatefulSet ``db`` with a headless Service and a claim for each pod."""
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: db}}
spec: {{clusterIP: None, selector: {{app: db}}, ports: [{{port: 5432}}]}}
---
apiVersion: apps.kruise.io/v1beta1
kind: StatefulSet
metadata: {{name: db, labels: {{app: db}}}}
spec:
  replicas: {replicas}
  serviceName: db
  podManagementPolicy: {policy}
  selector: {{matchLabels: {{app: db}}}}
  updateStrategy: {{type: RollingUpdate, rollingUpdate: {{{rolling}}}}}
  {extra}
  volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}}}]
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      terminationGracePeriodSeconds: 0
      readinessGates: [{gates}]
      containers: [{{name: app, image: "{image}"}}]
"""


class Kruise(Plugin):
    """The plugin, and one Advanced StatefulSet ``db``."""

    patience = "30s"

    def make_db(self, **how: Any) -> None:
        self.plane.apply(manifest(**how), self.namespace)
        self("status", "kruise/db", "-w", "--timeout", "120s", "--patience", "100s")

    @property
    def db(self) -> Any:
        return self.get(KIND, "db")

    @property
    def rolling(self) -> Any:
        return self.db["spec"]["updateStrategy"]["rollingUpdate"]

    def tags(self) -> dict[int, str]:
        """The image's tag by ordinal."""
        return {int(pod.rpartition("-")[2]): image.rpartition(":")[2] for pod, image in self.images("db").items()}

    def restarts(self) -> dict[int, int]:
        pods = self.get("pods", "-l", "app=db")["items"]
        return {
            int(pod["metadata"]["name"].rpartition("-")[2]): pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods
        }

    def patch(self, spec: str) -> None:
        self.kubectl("patch", KIND, "db", "--type=merge", "-p", spec)

    def lose(self, pod: str) -> None:
        """Have a pod deleted, and wait until it is made anew and ready."""
        before = self.uids("db")[pod]
        self.kubectl("delete", "pod", pod, "--wait=false")
        self.eventually(lambda: self.uids("db").get(pod, before) != before, f"{pod} is made anew")
        self.kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod", pod)


@pytest.fixture
def pets(kruise: ControlPlane, operator_namespace: str) -> Iterator[Kruise]:
    yield Kruise(kruise, operator_namespace)


def test_canary_step_pause_and_promote(pets: Kruise) -> None:
    pets.make_db()
    plan = pets("rollout", "canary", "kruise/db", "--image", "app:2", "--dry-run").stdout
    assert "db-3" in plan and pets.tags() == dict.fromkeys(range(4), "1")
    told = pets("rollout", "canary", "kruise/db", "--image", "app:2").stderr
    assert "canary reached, 1/4" in told and pets.tags() == {0: "1", 1: "1", 2: "1", 3: "2"}
    pets("rollout", "step", "asts/db")
    assert pets.tags() == {0: "1", 1: "1", 2: "2", 3: "2"} and pets.rolling["partition"] == 2
    pets("rollout", "pause", "statefulset.apps.kruise.io/db")
    assert (pets.rolling["partition"], pets.rolling.get("paused")) == (2, True)
    pets.lose("db-0")
    assert pets.tags()[0] == "1"  # paused alone lets it come back new
    assert "paused" in pets("status", "kruise/db", expect=3).stdout
    pets("rollout", "step", "kruise/db")  # goes on from a pause of ours, no further than it says
    assert pets.tags() == {0: "1", 1: "2", 2: "2", 3: "2"} and not pets.rolling.get("paused")
    pets("rollout", "promote", "kruise/db")
    assert pets.tags() == dict.fromkeys(range(4), "2") and pets.rolling["partition"] == 0
    pets("status", "kruise/db", expect=0)


def test_pause_and_resume_of_a_rollout_under_way(pets: Kruise) -> None:
    pets.make_db()
    pets.patch('{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:never-ready"}]}}}}')
    pets.eventually(lambda: pets.tags().get(3) == "never-ready", "the first pod is replaced")
    pets("rollout", "pause", "kruise/db")
    assert pets.rolling["partition"] >= 3 and pets.rolling["paused"] is True
    pets("rollout", "resume", "kruise/db")
    assert pets.rolling["partition"] == 0 and not pets.rolling.get("paused")


def test_a_pause_of_somebody_else_is_not_ended_by_going_on(pets: Kruise) -> None:
    pets.make_db(replicas=2)
    pets.patch(
        '{"spec":{"updateStrategy":{"rollingUpdate":{"paused":true}},"template":{"spec":{"containers":[{"name":"app","image":"app:2"}]}}}}'
    )
    pets.eventually(lambda: pets.db["status"].get("observedGeneration") == pets.db["metadata"]["generation"], "it is seen")
    for verb in (("step",), ("promote",), ("run", "--image", "app:3"), ("canary",), ("restart",), ("unstick",)):
        said = pets("rollout", *verb[:1], "kruise/db", *verb[1:], expect=6).stderr
        assert "pauses updates" in said and "rollout resume kruise/db" in said, verb
    pets("partition", "kruise/db", "0")
    assert pets.rolling["paused"] is True and pets.tags() == {0: "1", 1: "1"}
    pets("rollout", "resume", "kruise/db")
    pets("status", "kruise/db", "-w", "--timeout", "120s")
    assert pets.tags() == {0: "2", 1: "2"}


def test_abort_undo_and_history(pets: Kruise) -> None:
    pets.make_db()
    pets("rollout", "canary", "kruise/db", "--pods", "2", "--image", "app:2")
    old, new = pets.db["status"]["currentRevision"], pets.db["status"]["updateRevision"]
    told = pets("rollout", "abort", "kruise/db", "-y")
    assert "every pod is back at" in told.stderr and pets.tags() == dict.fromkeys(range(4), "1")
    assert pets.rolling["partition"] == 4 and pets.db["status"]["updateRevision"] == new
    history = json.loads(pets("rollout", "history", "kruise/db", "-o", "json").stdout)
    assert [each["name"] for each in history["revisions"]] == [old, new]
    differs = pets("rollout", "diff", "kruise/db", expect=1).stdout
    assert "app:1" in differs and "app:2" in differs
    pets("rollout", "undo", "kruise/db", "-y")
    assert pets.db["status"]["updateRevision"] == old and pets.db["spec"]["template"]["spec"]["containers"][0]["image"] == "app:1"
    pets("partition", "kruise/db", "0")
    pets("status", "kruise/db", "-w", "--timeout", "60s")


def test_a_broken_pod_is_freed_once_the_template_is_put_back(pets: Kruise) -> None:
    """kubernetes/kubernetes#67250, which this controller has, too."""
    pets.make_db(replicas=3)
    said = pets("rollout", "run", "kruise/db", "--image", "app:broken", "--timeout", "120s", "--on-stuck", "pause", expect=4)
    assert "db-2" in said.stderr and pets.rolling["paused"] is True
    assert pets.tags() == {0: "1", 1: "1", 2: "broken"}
    pets("status", "kruise/db", expect=4)
    pets("rollout", "undo", "kruise/db", "-y", "--timeout", "120s")
    pets("status", "kruise/db", "-w", "--timeout", "60s", expect=None)
    assert pets.tags() == {0: "1", 1: "1", 2: "1"} and not pets.rolling.get("paused")


def test_unstick_deletes_just_the_broken_pod(pets: Kruise) -> None:
    pets.make_db(replicas=3)
    pets.patch('{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:broken"}]}}}}')
    pets.eventually(lambda: pets.tags().get(2) == "broken", "the first pod is replaced")
    before = pets.uids("db")
    pets.patch('{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:1"}]}}}}')
    pets("rollout", "unstick", "kruise/db", "-y", "--patience", "0s", "--timeout", "120s")
    after = pets.uids("db")
    assert pets.tags() == {0: "1", 1: "1", 2: "1"}
    assert {pod for pod in before if before[pod] != after[pod]} == {"db-2"}


@pytest.mark.parametrize("how", ["maxUnavailable: 2", "maxUnavailable: 2, podUpdatePolicy: InPlaceOnly"])
def test_steps_overlap(pets: Kruise, how: str) -> None:
    """Whether pods are made anew or updated in place: it comes to the end, and not in one change."""
    gates = GATE if "InPlace" in how else ""
    pets.make_db(replicas=6, policy="Parallel", rolling=how, gates=gates)
    before = pets.db["metadata"]["generation"]
    pets("rollout", "run", "kruise/db", "--image", "app:2", "--canary", "1", "--step", "3", "--overlap", "--timeout", "120s")
    assert set(pets.tags().values()) == {"2"} and pets.rolling["partition"] == 0
    assert pets.db["metadata"]["generation"] - before >= 3


def test_a_run_takes_the_pods_in_place(pets: Kruise) -> None:
    """The new label stands on a pod before its container has restarted; done is what runs the new image and is available."""
    pets.make_db(replicas=3, rolling="podUpdatePolicy: InPlaceIfPossible", gates=GATE)
    before = pets.uids("db")
    pets("rollout", "run", "kruise/db", "--image", "app:2")
    assert pets.uids("db") == before and pets.restarts() == {0: 1, 1: 1, 2: 1}
    for pod in pets.get("pods", "-l", "app=db")["items"]:
        assert pod["status"]["containerStatuses"][0]["image"] == "app:2"
    # Back by an abort: a partition puts nothing back in place, so the pods are made anew.
    pets("rollout", "canary", "kruise/db", "--image", "app:3")
    pets("rollout", "abort", "kruise/db", "-y")
    after = pets.uids("db")
    assert pets.tags() == {0: "2", 1: "2", 2: "2"} and {pod for pod in before if before[pod] != after[pod]} == {"db-2"}


def test_an_image_that_cannot_be_pulled_in_place_is_no_end(pets: Kruise) -> None:
    """InPlaceUpdateReady is True of it and its state is Normal."""
    pets.make_db(replicas=3, policy="Parallel", rolling="podUpdatePolicy: InPlaceOnly", gates=GATE)
    before = pets.uids("db")
    said = pets("rollout", "canary", "kruise/db", "--image", "app:broken", "--timeout", "120s", expect=4).stderr
    assert "ImagePullBackOff" in said and "db-2" in said
    pets("status", "kruise/db", expect=4)
    pets("rollout", "undo", "kruise/db", "-y", "--timeout", "120s")
    assert pets.tags() == {0: "1", 1: "1", 2: "1"} and pets.uids("db") == before  # healed in place


def test_restart_is_by_eviction(pets: Kruise) -> None:
    """A mark in the template restarts nothing where pods are updated in place."""
    pets.make_db(replicas=2, rolling="podUpdatePolicy: InPlaceIfPossible", gates=GATE)
    before, template = pets.uids("db"), pets.db["spec"]["template"]
    pets("rollout", "restart", "kruise/db", "-y")
    after = pets.uids("db")
    assert all(before[pod] != after[pod] for pod in before) and len(after) == 2
    assert pets.db["spec"]["template"] == template


def test_the_partition_counts_slots_that_are_not_reserved(pets: Kruise) -> None:
    pets.make_db(extra='reserveOrdinals: [1, "5-6"]')
    assert sorted(pets.tags()) == [0, 2, 3, 4]
    pets("rollout", "canary", "kruise/db", "--pods", "2", "--image", "app:2")
    assert pets.tags() == {0: "1", 2: "1", 3: "2", 4: "2"} and pets.rolling["partition"] == 2
    pets.lose("db-2")
    assert pets.tags()[2] == "1"
    pets("rollout", "promote", "kruise/db")
    assert pets.tags() == {0: "2", 2: "2", 3: "2", 4: "2"}


def test_an_order_is_promised_by_no_verb_where_the_controller_chooses(pets: Kruise) -> None:
    rolling = "unorderedUpdate: {priorityStrategy: {weightPriority: [{weight: 50, matchSelector: {matchLabels: {first: '1'}}}]}}"
    pets.make_db(policy="Parallel", rolling=rolling)
    pets.kubectl("label", "pod", "db-0", "first=1")
    for verb in (("canary", "--image", "app:2"), ("run", "--image", "app:2"), ("step",)):
        said = pets("rollout", *verb[:1], "kruise/db", *verb[1:], expect=6).stderr
        assert "unorderedUpdate" in said, verb
    pets.patch(
        '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":3}},"template":{"spec":{"containers":[{"name":"app","image":"app:2"}]}}}}'
    )
    pets("status", "kruise/db", "-w", "--until", "canary", "--timeout", "120s")
    assert pets.tags() == {0: "2", 1: "1", 2: "1", 3: "1"}  # by weight, not by ordinal
    pets("partition", "kruise/db", "1", expect=6)
    pets("rollout", "pause", "kruise/db")
    assert pets.rolling["partition"] == 3 and pets.rolling["paused"] is True
    pets("rollout", "abort", "kruise/db", "-y")
    assert pets.tags() == dict.fromkeys(range(4), "1")
    pets("rollout", "resume", "kruise/db")
    pets("rollout", "promote", "kruise/db")
    assert pets.tags() == dict.fromkeys(range(4), "2")


def test_scale_and_remove_an_ordinal(pets: Kruise) -> None:
    pets.make_db(replicas=3)
    plan = pets("scale", "kruise/db", "--remove", "1", "--plan").stdout
    assert "without ordinal 1 from now on" in plan and "remove db-1" in plan and "claim data-db-1" in plan
    pets("scale", "kruise/db", "--remove", "9", expect=2)
    pets("scale", "kruise/db", "--remove", "1")
    assert sorted(pets.tags()) == [0, 2] and pets.db["spec"]["reserveOrdinals"] == [1] and pets.db["spec"]["replicas"] == 2
    assert "nothing to do" in pets("scale", "kruise/db", "--remove", "1").stderr
    pets("scale", "kruise/db", "--replicas", "3")
    assert sorted(pets.tags()) == [0, 2, 3]
    become(pets, data_db_0="in-use", data_db_1="will-return", data_db_2="in-use", data_db_3="in-use")


def test_an_autoscaler_of_the_set_is_named(pets: Kruise) -> None:
    pets.make_db(replicas=2)
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "more"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps.kruise.io/v1beta1", "kind": "StatefulSet", "name": "db"},
            "minReplicas": 2,
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}],
        },
    }
    pets.plane.apply(json.dumps(scaler), pets.namespace)
    assert "HorizontalPodAutoscaler more (2 to 3) puts 5 back to 3" in pets("scale", "kruise/db", "--replicas", "5", expect=6).stderr


def test_what_looks(pets: Kruise) -> None:
    pets.make_db(replicas=3)
    assert "db" in pets("list").stdout
    assert json.loads(pets("quorum", "kruise/db", "-o", "json").stdout)["members"] == 3
    names = json.loads(pets("dns", "kruise/db", "-o", "json", expect=None).stdout)["names"]
    assert [each["pod"] for each in names if each["kind"] == "pod"] == ["db-0", "db-1", "db-2"]
    pets("lost", "kruise/db")
    pets("doctor", "kruise/db", expect=None)


def test_what_is_not_for_this_kind_says_so(pets: Kruise) -> None:
    pets.make_db(replicas=1)
    before = pets.db["metadata"]["resourceVersion"]
    for words in (("resize", "kruise/db", "2Gi"), ("rollout", "handover", "kruise/db")):
        assert "is for StatefulSets of apps/v1" in pets(*words, expect=6).stderr
    assert pets.db["metadata"]["resourceVersion"] == before


def test_rights_are_asked_for_this_kind(pets: Kruise) -> None:
    pets.make_db(replicas=1)
    resources = f"--resource={KIND},pods,controllerrevisions.apps,persistentvolumeclaims"
    pets.kubectl("create", "role", "look", "--verb=get,list,watch", resources)
    pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=alice")
    can = ("auth", "can-i", "list", KIND, "--as=alice", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*can, check=False).stdout.strip() == "yes", "the role counts")
    said = pets("rollout", "canary", "kruise/db", "--image", "app:2", "--as", "alice", "--ignore-budgets", expect=1).stderr
    assert f"patch {KIND}" in said


def test_min_ready_seconds_are_where_this_kind_has_them(pets: Kruise) -> None:
    pets.make_db(replicas=2, rolling="minReadySeconds: 3")
    assert json.loads(pets("status", "kruise/db", "-o", "json", expect=None).stdout)["spec"]["minReadySeconds"] == 3
    pets("rollout", "run", "kruise/db", "--image", "app:2")
    assert pets.db["status"]["updatedAvailableReplicas"] == 2


def test_the_roles_are_what_it_takes(pets: Kruise, lws: ControlPlane) -> None:
    """Exactly what stands in ``deploy/rbac/kinds.yaml`` is used, beside the roles for apps/v1 and for what else may be installed."""
    pets.make_db(replicas=2)
    beside = ("looking", "rolling-out", "leader-worker-sets")
    frank = Holder(pets, "frank", *beside, "kinds")
    without = Holder(pets, "frank-without", *beside).granted
    frank("list")
    frank("status", "kruise/db")
    frank("rollout", "canary", "kruise/db", "--image", "app:2")
    frank("rollout", "abort", "kruise/db", "-y")
    frank("scale", "kruise/db", "--replicas", "1", "-y")
    assert frank.unused() - without == set()


def test_a_set_of_apps_with_the_same_name_is_another_one(pets: Kruise) -> None:
    """As while a set is moved from one kind to the other: the one of apps/v1 is at 0, and both explain the same claims."""
    pets.make_db(replicas=2)
    same = manifest(replicas=0).replace("apps.kruise.io/v1beta1", "apps/v1").partition("---")[2]
    pets.plane.apply(same, pets.namespace)
    pets("status", "db", "-w", "--timeout", "60s")
    rows = [line.split()[:2] for line in pets("list").stdout.splitlines()[1:]]
    assert sorted(rows) == [["db", "StatefulSet"], ["db", "StatefulSet.apps.kruise.io"]]
    told = {name: json.loads(pets("quorum", name, "-o", "json").stdout)["members"] for name in ("db", "kruise/db")}
    assert told == {"db": 0, "kruise/db": 2}
    before = pets.get("statefulset.apps", "db")["metadata"]["resourceVersion"]
    pets("rollout", "run", "kruise/db", "--image", "app:2")
    pets("scale", "kruise/db", "--replicas", "1", "-y")
    assert pets.tags() == {0: "2"}
    become(pets, data_db_0="in-use", data_db_1="will-return")  # the one at 0 may want it, too
    after = pets.get("statefulset.apps", "db")
    assert after["metadata"]["resourceVersion"] == before and after["spec"]["template"]["spec"]["containers"][0]["image"] == "app:1"
    document = json.loads(pets("status", "kruise/db", "-o", "json").stdout)
    assert document["set"]["apiVersion"] == "apps.kruise.io/v1beta1" and [pod["name"] for pod in document["status"]["pods"]] == ["db-0"]


def test_a_pod_that_a_quota_keeps_from_being_made(pets: Kruise) -> None:
    quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: few}, spec: {hard: {pods: '2'}}}"
    pets.make_db(replicas=2)
    pets.plane.apply(quota, pets.namespace)
    pets.eventually(lambda: pets.get("resourcequota", "few").get("status", {}).get("used", {}).get("pods") == "2", "the quota counts")
    pets.patch('{"spec":{"replicas":3}}')
    pets.eventually(lambda: pets("status", "kruise/db", expect=None).code == 4, "it is stuck")
    shown = pets("status", "kruise/db", expect=4).stdout
    assert "db-2" in shown and "exceeded quota: few" in shown
    pets.kubectl("delete", "resourcequota", "few")
    pets("status", "kruise/db", "-w", "--timeout", "120s", "--patience", "100s")


def test_a_pod_on_a_node_that_does_not_answer(pets: Kruise) -> None:
    node = f"lost-{pets.namespace}"
    pets.plane.add_node(node, {"only": pets.namespace}, reserved=True)
    try:
        place = f"nodeSelector: {{only: {pets.namespace}}}\n      tolerations: [{{operator: Exists, effect: NoSchedule}}]\n      containers:"
        pets.plane.apply(manifest(replicas=1).replace("containers:", place), pets.namespace)
        pets("status", "kruise/db", "-w", "--timeout", "120s", "--patience", "100s")
        uid = pets.uids("db")["db-0"]
        pets.plane.silence_node(node)
        pets.kubectl("delete", "pod", "db-0", "--wait=false", "--grace-period=1")
        pets.eventually(lambda: "lost" in pets("lost", "kruise/db", expect=None).stdout, "its node does not answer")
        pets.eventually(lambda: "lost kruise/db --force-delete db-0" in pets("lost", "kruise/db").stdout, "it may be forced out")
        force = ("lost", "kruise/db", "--force-delete", "db-0")
        assert "db-0 was forced out" in pets(*force, interactive=True, answers=f"{node}\n").stdout
        pets.plane.wake_node(node)
        pets("status", "kruise/db", "-w", "--until", "ready", "--timeout", "120s", "--patience", "100s")
        assert pets.uids("db")["db-0"] != uid
    finally:
        pets.plane.kubectl("delete", "node", node, check=False)


def test_names_around_a_hole_resolve_and_what_is_beyond_is_scaled_down(pets: Kruise) -> None:
    pets.plane.standard_dns()
    pets.make_db(replicas=3, extra="reserveOrdinals: [1]")
    pets("wait", "kruise/db", "--for", "resolved", "--timeout", "120s")
    seen = json.loads(pets("dns", "kruise/db", "--check", "-o", "json").stdout)
    assert seen["right"] and [each["pod"] for each in seen["names"] if each["kind"] == "pod"] == ["db-0", "db-2", "db-3"]
    pets.kubectl("annotate", KIND, "db", "kubectl.kubernetes.io/last-applied-configuration-")  # which remembers three replicas
    pets("scale", "kruise/db", "--replicas", "2", "-y")
    assert sorted(pets.tags()) == [0, 2]
    become(pets, data_db_0="in-use", data_db_2="in-use", data_db_3="scaled-down")
    assert "no pod" in pets("lost", "kruise/db", "--check").stderr.lower()
