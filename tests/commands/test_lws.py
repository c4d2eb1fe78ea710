"""LeaderWorkerSets under their real controllers: one line and one tree of groups, each as good as its worst pod.

On a control plane of their own, whose kinds no other test sees.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.plugin import Plugin
from tests.commands.shell import Shell
from tests.commands.test_least_rights import Holder
from tests.commands.test_orphans import become
from tests.controlplane import ControlPlane

pytestmark = pytest.mark.real

_WORKER = "leaderworkerset.sigs.k8s.io/worker-index"
KIND = "leaderworkersets.leaderworkerset.x-k8s.io"


def manifest(*, replicas: int = 2, leader: str = "app:1", worker: str = "app:1") -> str:
    """YAML of a LeaderWorkerSet ``llm`` whose groups have a leader and two workers."""

    def spec(image: str) -> str:
        return f'{{terminationGracePeriodSeconds: 0, containers: [{{name: app, image: "{image}"}}]}}'

    return f"""
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: {{name: llm}}
spec:
  replicas: {replicas}
  leaderWorkerTemplate:
    size: 3
    leaderTemplate: {{metadata: {{labels: {{role: leader}}}}, spec: {spec(leader)}}}
    workerTemplate: {{spec: {spec(worker)}}}
"""


class Groups(Plugin):
    """The plugin, and one LeaderWorkerSet ``llm``."""

    patience = "30s"

    def make_llm(self, **how: Any) -> None:
        self.plane.apply(manifest(**how), self.namespace)
        self("status", "lws/llm", "-w", "--timeout", "120s", "--patience", "100s")

    def patch(self, spec: str) -> None:
        self.kubectl("patch", KIND, "llm", "--type=merge", "-p", spec)

    def status(self) -> Any:
        return json.loads(self("status", "lws/llm", "-o", "json", expect=None).stdout)

    def tags(self) -> dict[int, set[str]]:
        """The images' tags by group."""
        found: dict[int, set[str]] = {}
        for pod in self.get("pods")["items"]:
            group = int(pod["metadata"]["labels"]["leaderworkerset.sigs.k8s.io/group-index"])
            found.setdefault(group, set()).add(pod["spec"]["containers"][0]["image"].rpartition(":")[2])
        return found

    def by_role(self, group: int) -> tuple[set[str], set[str]]:
        """Of a group's leader, and of its workers."""
        pods = self.get("pods", "-l", f"leaderworkerset.sigs.k8s.io/group-index={group}")["items"]
        leader, workers = (
            {pod["spec"]["containers"][0]["image"] for pod in pods if (pod["metadata"]["labels"][_WORKER] == "0") is first}
            for first in (True, False)
        )
        return leader, workers

    def partition_of_groups(self) -> int:
        return int(self.get(KIND, "llm")["spec"]["rolloutStrategy"]["rollingUpdateConfiguration"]["partition"])

    def revisions(self) -> list[str]:
        """Of the set itself, and not of those that its controller makes."""
        items = self.get("controllerrevisions", "-l", "leaderworkerset.sigs.k8s.io/name=llm")["items"]
        owned = [each for each in items if each["metadata"]["ownerReferences"][0]["kind"] == "LeaderWorkerSet"]
        return [each["metadata"]["name"] for each in owned]

    def annotations(self) -> dict[str, str]:
        return dict(self.get(KIND, "llm")["metadata"].get("annotations") or {})

    def uids_of_pods(self) -> dict[str, str]:
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in self.get("pods")["items"]}

    def uids_of_leaders(self) -> dict[str, str]:
        leaders = self.get("pods", "-l", "leaderworkerset.sigs.k8s.io/worker-index=0")["items"]
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in leaders}

    def workers(self, image: str, partition: int) -> None:
        """Other workers, from the group at the partition on."""
        containers = [{"name": "app", "image": image}]
        template = {"workerTemplate": {"spec": {"terminationGracePeriodSeconds": 0, "containers": containers}}}
        rollout = {"rollingUpdateConfiguration": {"partition": partition}}
        self.patch(json.dumps({"spec": {"leaderWorkerTemplate": template, "rolloutStrategy": rollout}}))


@pytest.fixture
def pets(lws: ControlPlane, operator_namespace: str) -> Groups:
    return Groups(lws, operator_namespace)


@pytest.mark.parametrize("name", ["lws/llm", "leaderworkerset/llm", "leaderworkerset.leaderworkerset.x-k8s.io/llm"])
def test_one_tree_and_one_line(pets: Groups, name: str) -> None:
    pets.make_llm()
    shown = pets("status", name, "-o", "wide").stdout
    for pod in ("llm-0", "llm-1"):
        assert f"leader {pod}: ready" in shown and f"worker {pod}-1: ready" in shown and f"worker {pod}-2: ready" in shown
    rows = [line.split() for line in pets("list", "-o", "wide").stdout.splitlines()]
    assert [row[0] for row in rows[1:]] == ["llm"], rows
    assert pets("list", "-o", "name").stdout == "leaderworkerset.leaderworkerset.x-k8s.io/llm\n"
    quorum = json.loads(pets("quorum", name, "-o", "json").stdout)
    assert (quorum["members"], quorum["available"]) == (2, 2)
    assert pets.status()["set"] == {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet"}


def test_workers_that_do_not_start_make_no_group(pets: Groups) -> None:
    """The set's own status calls such a group ready."""
    pets.make_llm()
    pets.workers("app:broken", 1)
    pets.eventually(lambda: "ImagePullBackOff" in pets.kubectl("get", "pods"), "a worker's image cannot be pulled")
    own = ("get", KIND, "llm", "-o", "jsonpath={.status.readyReplicas}")
    pets.eventually(lambda: pets.kubectl(*own) == "2", "its own status calls both groups ready")
    pets.eventually(lambda: pets("status", "lws/llm", expect=None).code == 4, "it is stuck")
    shown = pets("status", "lws/llm", expect=4).stdout
    assert "worker llm-1-1: ImagePullBackOff" in shown and "leader llm-1: ready" in shown
    assert "llm-1 is in Image" in pets("list").stdout
    pets.workers("app:1", 0)  # the same template again
    pets("status", "lws/llm", "-w", "--timeout", "120s", "--patience", "100s")


def test_a_partition_of_groups(pets: Groups) -> None:
    pets.make_llm()
    pets.workers("app:2", 1)
    pets("status", "lws/llm", "-w", "--until", "canary", "--timeout", "120s", "--patience", "100s")
    said = pets("status", "lws/llm", expect=3)
    assert "partition 1" in said.stdout and "rollout step lws/llm" in said.stderr
    pets.workers("app:2", 0)
    pets("status", "lws/llm", "-w", "--timeout", "120s", "--patience", "100s")
    assert pets.kubectl("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}").split().count("app:2") == 4


def test_a_group_that_is_made_again_is_not_there(pets: Groups) -> None:
    pets.make_llm()
    before = pets.get("pod", "llm-1")["metadata"]["uid"]
    hold = json.dumps({"metadata": {"finalizers": ["example.org/seen"]}})
    pets.kubectl("patch", "pod", "llm-1-2", "--type=merge", "-p", hold)
    pets.kubectl("delete", "pod", "llm-1-2", "--wait=false")

    def goes() -> bool:
        """The controller has seen it: of a pod that is gone before it looks it knows nothing, and leaves the group as it is."""
        leader = json.loads(pets.kubectl("get", "pod", "llm-1", "-o", "json", "--ignore-not-found") or "null")
        return leader is None or "deletionTimestamp" in leader["metadata"] or leader["metadata"]["uid"] != before

    pets.eventually(goes, "the leader goes with its worker")
    pets.kubectl("patch", "pod", "llm-1-2", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    pets("status", "lws/llm", "-w", "--until", "ready", "--timeout", "120s", "--patience", "100s")

    def anew() -> bool:
        found = json.loads(pets.kubectl("get", "pods", "-o", "json"))["items"]
        uids = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in found}
        return uids.get("llm-1", before) != before and len(uids) == 6

    pets.eventually(anew, "the whole group is made again")
    pets("status", "lws/llm", "-w", "--timeout", "120s", "--patience", "100s")


def test_at_zero_and_back(pets: Groups) -> None:
    pets.make_llm()
    pets.kubectl("scale", f"{KIND}/llm", "--replicas=0")
    pets.eventually(lambda: not pets.kubectl("get", "pods", "-o", "name"), "no pod is left")
    pets("status", "lws/llm", "-w", "--timeout", "120s", "--patience", "100s")
    pets.kubectl("scale", f"{KIND}/llm", "--replicas=1")
    pets("status", "lws/llm", "-w", "--timeout", "120s", "--patience", "100s")
    assert len(pets.status()["status"]["pods"]) == 1


def test_groups_are_released_one_after_the_other(pets: Groups) -> None:
    pets.make_llm(replicas=3)
    said = pets("rollout", "run", "lws/llm", "--image", "app=app:2", expect=2).stderr
    assert "leader/app, worker/app" in said and pets.tags() == {0: {"1"}, 1: {"1"}, 2: {"1"}}
    pets("partition", "lws/llm", "3")
    pets.workers("app:2", 3)
    pets("rollout", "canary", "lws/llm", "--timeout", "120s")
    assert pets.tags() == {0: {"1"}, 1: {"1"}, 2: {"1", "2"}}
    pets("rollout", "step", "lws/llm", "--timeout", "120s")
    assert pets.tags()[1] == {"1", "2"} and pets.partition_of_groups() == 1
    pets("rollout", "pause", "lws/llm", expect=0)
    assert pets.partition_of_groups() == 1
    pets("rollout", "promote", "lws/llm", "--timeout", "120s")
    assert all(tags == {"1", "2"} for tags in pets.tags().values()) and pets.partition_of_groups() == 0
    pets("status", "lws/llm", "-w", "--timeout", "60s")


def test_an_image_of_one_of_the_two_templates(pets: Groups) -> None:
    pets.make_llm()
    refused = pets("rollout", "run", "lws/llm", "--image", "worker/app=app:2", "--overlap", "--dry-run", expect=6).stderr
    assert "set of groups" in refused and "without it: kubectl pets rollout run lws/llm --image worker/app=app:2 " in refused
    planned = pets("rollout", "run", "lws/llm", "--image", "worker/app=app:2", "--dry-run").stdout
    assert "set image worker/app=app:2 and hold every pod (partition 2)" in planned
    pets("rollout", "canary", "lws/llm", "--image", "worker/app=app:2", "--timeout", "180s")
    leader, worker = pets.by_role(1)
    assert (leader, worker) == ({"app:1"}, {"app:2"}) and pets.tags()[0] == {"1"}
    pets("rollout", "run", "lws/llm", "--image", "worker/app=app:2", "--timeout", "240s")  # goes on with it
    assert [pets.by_role(group) for group in (0, 1)] == [({"app:1"}, {"app:2"})] * 2
    pets("rollout", "run", "lws/llm", "--image", "leader/app=app:3", "--timeout", "240s")
    assert [pets.by_role(group) for group in (0, 1)] == [({"app:3"}, {"app:2"})] * 2
    pets("status", "lws/llm", expect=0)
    pets("rollout", "undo", "lws/llm", "-y", "--timeout", "240s")  # to what ran before the last one, not to what ran at first
    assert [pets.by_role(group) for group in (0, 1)] == [({"app:1"}, {"app:2"})] * 2


def test_pause_and_resume_in_the_middle(pets: Groups) -> None:
    pets.make_llm(replicas=3)
    containers = [{"name": "app", "image": "app:never-ready"}]  # of the leader, for its controller does not wait for workers
    spec = {"terminationGracePeriodSeconds": 0, "containers": containers}
    pets.patch(json.dumps({"spec": {"leaderWorkerTemplate": {"leaderTemplate": {"spec": spec}}}}))
    pets.eventually(lambda: "never-ready" in pets.tags().get(2, set()), "the first group is made again")
    pets("rollout", "pause", "lws/llm")
    held = pets.partition_of_groups()
    assert held >= 1
    pets("rollout", "resume", "lws/llm")
    assert pets.partition_of_groups() == 0


def test_an_abort_brings_groups_back(pets: Groups) -> None:
    pets.make_llm(replicas=3)
    pets("partition", "lws/llm", "3")
    pets.workers("app:2", 3)
    pets("rollout", "canary", "lws/llm", "--pods", "2", "--timeout", "180s")
    before = pets.uids_of_leaders()
    pets("rollout", "abort", "lws/llm", "-y", "--timeout", "180s")
    after = pets.uids_of_leaders()
    assert all(tags == {"1"} for tags in pets.tags().values()) and pets.partition_of_groups() == 3
    assert {name for name in before if before[name] != after[name]} == {"llm-1", "llm-2"}


def test_a_run_stops_where_workers_do_not_start(pets: Groups) -> None:
    """Its own controller would go on: it calls such a group ready."""
    pets.make_llm(replicas=3)
    pets("partition", "lws/llm", "3")
    pets.workers("app:broken", 3)
    before = pets.uids_of_leaders()
    said = pets("rollout", "promote", "lws/llm", "--timeout", "120s", expect=4).stderr
    assert "llm-2" in said and "rollout abort lws/llm" in said
    after = pets.uids_of_leaders()
    assert (before["llm-0"], before["llm-1"]) == (after["llm-0"], after["llm-1"])
    said = pets("rollout", "abort", "lws/llm", "-y", "--timeout", "180s").stderr
    assert "rollout undo lws/llm" in said
    assert all(tags == {"1"} for tags in pets.tags().values()) and pets.partition_of_groups() == 3
    after = pets.uids_of_leaders()
    assert (before["llm-0"], before["llm-1"]) == (after["llm-0"], after["llm-1"])


def rolled_out(pets: Groups, image: str) -> None:
    """Other workers everywhere, released by these verbs, and its controller has deleted what ran before."""
    pets("partition", "lws/llm", "2")
    pets.workers(image, 2)
    pets("rollout", "promote", "lws/llm", "--timeout", "180s")
    pets.eventually(lambda: len(pets.revisions()) == 1, "its controller has deleted the old revision")


def test_an_undo_restores_what_its_controller_has_deleted(pets: Groups) -> None:
    pets.make_llm()
    pets("partition", "lws/llm", "2")
    pets.workers("app:2", 2)
    planned = pets("rollout", "promote", "lws/llm", "--dry-run").stdout
    assert "kept on the set" in planned and "kubectl-pets/kept-template" not in pets.annotations()
    rolled_out(pets, "app:2")
    assert all(tags == {"1", "2"} for tags in pets.tags().values())
    history = json.loads(pets("rollout", "history", "lws/llm", "-o", "json").stdout)["revisions"]
    assert [(each["revision"], each["kept"], each["update"], each["live"]) for each in history] == [
        (1, True, False, False),
        (2, False, True, True),
    ]
    assert [each["pods"] for each in history] == [[], ["llm-0", "llm-1"]]
    assert history[1]["images"] == ["app:1", "app:2"]
    changed = [(change["path"][-1], change["before"], change["after"]) for change in history[1]["changes"]]
    assert changed == [("image", "app:1", "app:2")]
    assert "-" in pets("rollout", "diff", "lws/llm", "1", "2", expect=1).stdout
    pets("rollout", "undo", "lws/llm", "--dry-run")
    pets("rollout", "undo", "lws/llm", "-y", "--timeout", "180s")
    assert all(tags == {"1"} for tags in pets.tags().values()) and pets.partition_of_groups() == 0
    assert "already" in pets("rollout", "undo", "lws/llm", "-y").stderr.lower()
    pets.eventually(lambda: len(pets.revisions()) == 1, "its controller has deleted what was undone")
    pets("rollout", "undo", "lws/llm", "--to-revision", "2", "-y", "--timeout", "180s")
    assert all(tags == {"1", "2"} for tags in pets.tags().values())


def test_an_undo_frees_the_broken_group_alone(pets: Groups) -> None:
    pets.make_llm(replicas=3)
    pets("partition", "lws/llm", "3")
    pets.workers("app:broken", 3)
    before = pets.uids_of_leaders()
    pets("rollout", "promote", "lws/llm", "--timeout", "120s", expect=4)
    pets("rollout", "undo", "lws/llm", "-y", "--timeout", "180s")
    after = pets.uids_of_leaders()
    assert {name for name in before if before[name] != after[name]} == {"llm-2"}
    assert all(tags == {"1"} for tags in pets.tags().values()) and pets.partition_of_groups() == 0
    pets("status", "lws/llm", expect=0)


def test_what_was_never_kept_is_unknown(pets: Groups) -> None:
    """Somebody else has released it, or has taken the annotation away."""
    pets.make_llm()
    pets.workers("app:2", 0)
    pets("status", "lws/llm", "-w", "--timeout", "180s", "--patience", "100s")
    pets.eventually(lambda: len(pets.revisions()) == 1, "its controller has deleted the old revision")
    assert "not known" in pets("rollout", "history", "lws/llm").stderr
    said = pets("rollout", "undo", "lws/llm", "-y", expect=6).stderr
    assert "not known" in said and "rollout history lws/llm" in said
    rolled_out(pets, "app:3")
    pets.kubectl("annotate", KIND, "llm", "kubectl-pets/kept-template-")
    pets("rollout", "undo", "lws/llm", "-y", expect=6)
    assert all(tags == {"1", "3"} for tags in pets.tags().values())


def test_a_group_is_restarted_whole_and_alone(pets: Groups) -> None:
    pets.make_llm()
    before = pets.uids_of_pods()
    pets("rollout", "restart", "lws/llm", "--group", "1", "-y", "--timeout", "180s")
    after = pets.uids_of_pods()
    assert {name for name in before if before[name] != after[name]} == {"llm-1", "llm-1-1", "llm-1-2"}
    pets("rollout", "restart", "lws/llm", "-y", "--timeout", "180s")
    assert all(after[name] != uid for name, uid in pets.uids_of_pods().items())
    pets("status", "lws/llm", expect=0)


def test_groups_are_added_and_removed(pets: Groups) -> None:
    pets.make_llm()
    planned = pets("scale", "lws/llm", "--replicas", "3", "--plan").stdout
    assert "create group llm-2 of 3 pods" in planned and "3 groups: llm-0..llm-2" in planned
    pets("scale", "lws/llm", "--replicas", "3", "--timeout", "180s")
    assert set(pets.uids_of_pods()) == {f"llm-{group}{worker}" for group in range(3) for worker in ("", "-1", "-2")}
    assert all(pod["status"]["phase"] == "Running" for pod in pets.get("pods")["items"])
    pets("wait", "lws/llm", "--for", "available", "--timeout", "120s")
    before = pets.uids_of_pods()
    pets("scale", "lws/llm", "--replicas", "1", "-y", "--timeout", "180s")
    assert pets.uids_of_pods() == {name: uid for name, uid in before.items() if name.startswith("llm-0")}
    assert "no pod is left" in pets("scale", "lws/llm", "--replicas", "0", "--plan").stdout
    assert "leaves no ordinal out" in pets("scale", "lws/llm", "--remove", "0", expect=6).stderr


def test_who_else_sets_the_number_of_groups(pets: Groups) -> None:
    pets.make_llm()
    pets.plane.apply(
        """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: llm}
spec:
  scaleTargetRef: {apiVersion: leaderworkerset.x-k8s.io/v1, kind: LeaderWorkerSet, name: llm}
  minReplicas: 2
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
""",
        pets.namespace,
    )
    said = pets("scale", "lws/llm", "--replicas", "5", expect=6).stderr
    assert "HorizontalPodAutoscaler llm (2 to 3) puts 5 back to 3" in said
    assert "may change 3 at any time" in pets("scale", "lws/llm", "--replicas", "3", "--plan").stdout
    assert pets.get(KIND, "llm")["spec"]["replicas"] == 2


def test_claims_of_groups_that_go_and_come(pets: Groups) -> None:
    """Workers' claims are deleted with their set, which whenDeleted is about, and not whenScaled."""
    claims = "[{metadata: {name: cache}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]"
    policy = "{whenDeleted: Delete, whenScaled: Retain}"
    more = f"    volumeClaimTemplates: {claims}\n    persistentVolumeClaimRetentionPolicy: {policy}\n"
    pets.plane.apply(manifest(replicas=2) + more, pets.namespace)
    names = {f"cache-llm-{group}{worker}" for group in range(2) for worker in ("", "-1", "-2")}
    pets.eventually(lambda: {each["metadata"]["name"] for each in pets.get("pvc")["items"]} == names, "every pod has its claim")
    planned = pets("scale", "lws/llm", "--replicas", "1", "--plan").stdout
    assert "remove group llm-1; claim cache-llm-1 (" in planned and "claim cache-llm-1-1 (" in planned
    leader, first, second = (planned.partition(f"claim {name} (")[2].partition(";")[0] for name in ("cache-llm-1", "cache-llm-1-1", "cache-llm-1-2"))
    assert "stays" in leader and "is deleted" in first and "is deleted" in second
    assert "at stake: the retention policy deletes 2 claims" in planned
    assert "cache-llm-2" not in pets("scale", "lws/llm", "--replicas", "3", "--plan").stdout


def test_workers_data_that_goes_with_their_set_is_asked_about(pets: Groups) -> None:
    """Each group that is made again has a new set of workers, and whenDeleted is about the claims of the old one."""
    claims = "[{metadata: {name: cache}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]"
    more = f"    volumeClaimTemplates: {claims}\n    persistentVolumeClaimRetentionPolicy: {{whenDeleted: Delete, whenScaled: Retain}}\n"
    pets.plane.apply(manifest(replicas=2) + more, pets.namespace)
    pets.eventually(lambda: len(pets.get("pvc")["items"]) == 6, "every pod has its claim")
    restart = ("rollout", "restart", "lws/llm", "--group", "1")
    assert "at stake: llm-1 will be made again without its workers' data" in pets(*restart, "--dry-run", expect=None).stdout
    uids = {each["metadata"]["name"]: each["metadata"]["uid"] for each in pets.get("pvc")["items"]}
    said = pets(*restart, expect=6).stderr
    assert "workers' data" in said
    pets("partition", "lws/llm", "2")
    pets.workers("app:2", 2)
    said = pets("rollout", "promote", "lws/llm", expect=6).stderr  # which deletes no pod itself
    assert "llm-0" in said and "llm-1" in said
    assert "workers' data" in said and pets.partition_of_groups() == 2
    assert {each["metadata"]["name"]: each["metadata"]["uid"] for each in pets.get("pvc")["items"]} == uids
    pets.kubectl("delete", "pod", "llm-1", "--wait=false")  # what a restart would do

    def anew() -> bool:
        now = {each["metadata"]["name"]: each["metadata"]["uid"] for each in pets.get("pvc")["items"]}
        return all(now.get(f"cache-llm-1-{worker}", uids[f"cache-llm-1-{worker}"]) != uids[f"cache-llm-1-{worker}"] for worker in (1, 2))

    pets.eventually(anew, "the workers' claims are new ones")
    now = {each["metadata"]["name"]: each["metadata"]["uid"] for each in pets.get("pvc")["items"]}
    assert all(now[name] == uids[name] for name in ("cache-llm-0", "cache-llm-1", "cache-llm-0-1", "cache-llm-0-2"))


def test_waiting_goes_by_whole_groups(pets: Groups) -> None:
    pets.make_llm()
    for awaited in ("available", "complete", "quorum"):
        pets("wait", "lws/llm", "--for", awaited, "--timeout", "60s")
    pets.workers("app:never-ready", 1)
    pets.eventually(lambda: "never-ready" in pets.tags().get(1, set()), "the group is made again")
    own = ("get", KIND, "llm", "-o", "jsonpath={.status.readyReplicas}")
    pets.eventually(lambda: pets.kubectl(*own) == "2", "its own status calls both groups ready")
    pets("wait", "lws/llm", "--for", "available", "--timeout", "1s", expect=5)


@pytest.mark.parametrize("policy", ["Shared", "UniquePerReplica"])
def test_the_names_of_leaders_and_workers(pets: Groups, policy: str) -> None:
    """With a policy of one subdomain a group the Service that its leaders' set names is not there."""
    pets.plane.standard_dns()
    made = manifest() + f"  networkConfig: {{subdomainPolicy: {policy}}}\n"
    pets.plane.apply(made, pets.namespace)
    pets("wait", "lws/llm", "--for", "available", "--timeout", "120s")
    pets("wait", "lws/llm", "--for", "resolved", "--timeout", "120s")
    seen = json.loads(pets("dns", "lws/llm", "--check", "-o", "json").stdout)
    assert seen["right"] and seen["set"]["kind"] == "LeaderWorkerSet"
    names = {name["pod"]: name["name"] for name in seen["names"] if name["kind"] == "pod"}
    assert set(names) == set(pets.uids_of_pods())
    under = {"llm-0": "llm", "llm-1-2": "llm"} if policy == "Shared" else {"llm-0": "llm-0", "llm-1-2": "llm-1"}
    for pod, subdomain in under.items():
        assert names[pod] == f"{pod}.{subdomain}.{pets.namespace}.svc.cluster.local"
    assert "llm-1-2" in pets("dns", "explain", "lws/llm", "llm-1-2").stdout
    assert "no pod 'pod/llm-9'" in pets("dns", "lws/llm", "pod/llm-9", expect=2).stderr


def test_its_name_is_completed(pets: Groups, tmp_path: Path) -> None:
    pets.plane.apply(manifest(replicas=0), pets.namespace)
    shell = Shell(tmp_path, pets.plane.kubeconfig)
    for kind in ("lws", "leaderworkerset.leaderworkerset.x-k8s.io"):
        for verb in (("status",), ("rollout", "undo"), ("scale",), ("dns",)):
            assert shell.complete(*verb, "-n", pets.namespace, f"{kind}/l").candidates == [f"{kind}/llm"]
    assert shell.complete("status", "-n", pets.namespace, "kruise/").candidates == []


REFUSING = (
    ("rollout", "unstick", "lws/llm"),
    ("rollout", "handover", "lws/llm"),
    ("rollout", "report", "lws/llm"),
    ("resize", "lws/llm", "1Gi"),
    ("recreate", "lws/llm"),
    ("doctor", "lws/llm"),
)


@pytest.mark.parametrize("words", REFUSING, ids=" ".join)
def test_what_knows_no_groups_refuses(pets: Groups, words: tuple[str, ...]) -> None:
    said = pets(*words, expect=6).stderr
    assert "leaderworkersets.leaderworkerset.x-k8s.io" in said and "kubectl pets status lws/llm" in said
    assert "knows no groups" not in said and "see also: kubectl pets " in said


def test_lost_and_doctor_look_at_its_sets(pets: Groups) -> None:
    pets.make_llm(replicas=1)
    assert "no pod" in pets("lost").stderr.lower()
    assert "no pod" in pets("lost", "lws/llm", "--check", expect=0).stderr.lower()
    said = pets("lost", "lws/llm", "--force-delete", "llm-0-1", expect=6).stderr
    assert "LeaderWorkerSet llm" in said and "kubectl pets status lws/llm" in said
    pets("doctor", expect=None)


def test_the_role_is_what_it_takes(pets: Groups, kruise: ControlPlane) -> None:
    """Exactly what stands in ``deploy/rbac/leader-worker-sets.yaml`` is used, beside the roles to look at other sets, which are all
    there."""
    pets.make_llm(replicas=1)
    beside = ("looking", "rolling-out", "kinds")
    grace = Holder(pets, "grace", *beside, "leader-worker-sets")
    without = Holder(pets, "grace-without", *beside).granted
    grace("list")
    grace("status", "lws/llm")
    grace("status", "lws/llm", "-w", "--until", "ready", "--timeout", "60s")
    grace("partition", "lws/llm", "1")
    grace("rollout", "history", "lws/llm")
    grace("scale", "lws/llm", "--replicas", "2", "--timeout", "120s")
    assert grace.unused() - without == set()


def test_claims_of_groups_at_zero_and_beyond(pets: Groups) -> None:
    """Workers' sets are gone then, which says nothing of their claims."""
    claims = "[{metadata: {name: cache}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]"
    pets.plane.apply(manifest(replicas=2) + f"    volumeClaimTemplates: {claims}\n", pets.namespace)
    pets.eventually(lambda: len(pets.get("pvc")["items"]) == 6, "every pod has its claim")
    pets("status", "lws/llm", "-w", "--timeout", "120s", "--patience", "100s")
    pets.kubectl("annotate", KIND, "llm", "kubectl.kubernetes.io/last-applied-configuration-")  # which remembers two groups
    every = {f"cache_llm_{group}{worker}": group for group in range(2) for worker in ("", "_1", "_2")}
    pets("scale", "lws/llm", "--replicas", "1", "-y", "--timeout", "180s")
    become(pets, **{name: "in-use" if group == 0 else "scaled-down" for name, group in every.items()})
    pets("scale", "lws/llm", "--replicas", "0", "-y", "--timeout", "180s")
    become(pets, **dict.fromkeys(every, "will-return"))
    assert "complete" in pets("status", "lws/llm").stdout
    pets.kubectl("delete", KIND, "llm", "--wait=true")
    become(pets, **dict.fromkeys(every, "set-gone"))


def test_a_group_of_one_pod(pets: Groups) -> None:
    pets.plane.apply(manifest(replicas=2).replace("size: 3", "size: 1"), pets.namespace)
    pets("status", "lws/llm", "-w", "--timeout", "120s", "--patience", "100s")
    assert set(pets.uids_of_pods()) == {"llm-0", "llm-1"}
    before = pets.uids_of_pods()
    pets("rollout", "restart", "lws/llm", "--group", "1", "-y", "--timeout", "180s")
    assert {name for name, uid in pets.uids_of_pods().items() if before[name] != uid} == {"llm-1"}
    pets("rollout", "run", "lws/llm", "--image", "leader/app=app:2", "--timeout", "180s")
    assert pets.tags() == {0: {"2"}, 1: {"2"}}
    assert json.loads(pets("quorum", "lws/llm", "-o", "json").stdout)["members"] == 2


def test_one_that_is_being_deleted(pets: Groups) -> None:
    pets.make_llm()
    hold = json.dumps({"metadata": {"finalizers": ["example.org/held"]}})
    pets.patch(hold)
    try:
        pets.kubectl("delete", KIND, "llm", "--wait=false")
        assert "being deleted" in pets("status", "lws/llm", expect=3).stdout
        assert json.loads(pets("status", "lws/llm", "-o", "json", expect=3).stdout)["status"]["phase"] == "deleting"
        for words in (("rollout", "restart", "lws/llm", "-y"), ("partition", "lws/llm", "1"), ("scale", "lws/llm", "--replicas", "1", "-y")):
            pets(*words, expect=6)
    finally:
        pets.patch('{"metadata": {"finalizers": null}}')
    pets.eventually(lambda: "no LeaderWorkerSet llm" in pets("status", "lws/llm", expect=None).stderr, "it is gone")


def test_a_worker_on_a_node_that_does_not_answer(pets: Groups) -> None:
    node = f"lost-{pets.namespace}"
    pets.plane.add_node(node, {"only": pets.namespace}, reserved=True)
    try:
        place = f"nodeSelector: {{only: {pets.namespace}}}, tolerations: [{{operator: Exists, effect: NoSchedule}}], "
        placed = manifest(replicas=1).replace("workerTemplate: {spec: {", f"workerTemplate: {{spec: {{{place}")
        pets.plane.apply(placed, pets.namespace)
        pets("status", "lws/llm", "-w", "--timeout", "120s", "--patience", "100s")
        pets.plane.silence_node(node)
        pets.kubectl("delete", "pod", "llm-0-1", "--wait=false", "--grace-period=1")
        pets.eventually(lambda: "llm-0-1" in pets("lost", "lws/llm", expect=None).stdout, "its node does not answer")

        def told() -> set[str]:
            found = json.loads(pets("lost", "lws/llm", "-o", "json").stdout)["items"]
            return {each["metadata"]["name"] for each in found if each["held"] == "lost"}

        pets.eventually(lambda: "llm-0-1" in told(), "it is lost")
        shown = pets("status", "lws/llm", expect=None)
        assert shown.code in (3, 4) and "llm-0" in shown.stdout
        quorum = json.loads(pets("quorum", "lws/llm", "-o", "json", expect=None).stdout)
        assert (quorum["members"], quorum["available"]) == (1, 0)
        said = pets("lost", "lws/llm", "--force-delete", "llm-0-1", expect=6).stderr
        assert "LeaderWorkerSet llm" in said
    finally:
        pets.plane.kubectl("delete", "node", node, check=False)
