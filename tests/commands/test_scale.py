"""Scaling on the real control plane, with real volumes: in order, with what comes back and what goes, to the end."""

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from tests.commands.plugin import Plugin, manifest

pytestmark = pytest.mark.real

SLOW = '{kubectl-pets.test/ready-after: "1s"}'
WAIT = ("--timeout", "60s")
GOES = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Delete}"

AUTOSCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 2, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}}
"""


def make(pets: Plugin, **changes: Any) -> None:
    """As ``Plugin.make``, but created and not applied: an applied manifest remembers its replicas."""
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=manifest("web", **changes))
    pets("status", "web", "-w", "--until", "ready", *WAIT)


def pods(pets: Plugin) -> list[str]:
    return sorted(pets.uids())


def claims(pets: Plugin) -> dict[str, str]:
    """Uid by name."""
    return {item["metadata"]["name"]: item["metadata"]["uid"] for item in pets.get("pvc")["items"]}


def volume_of(pets: Plugin, claim: str) -> str:
    return str(pets.get("pvc", claim)["spec"]["volumeName"])


def replicas(pets: Plugin) -> int:
    return int(pets.set()["spec"]["replicas"])


def times(pets: Plugin, name: str) -> tuple[datetime, datetime]:
    """When the pod was made and when it became ready, in whole seconds."""
    pod = pets.get("pod", name)
    (ready,) = [each for each in pod["status"]["conditions"] if each["type"] == "Ready"]
    return datetime.fromisoformat(pod["metadata"]["creationTimestamp"]), datetime.fromisoformat(ready["lastTransitionTime"])


def order(pets: Plugin, reason: str, count: int) -> list[str]:
    """The last pods that the StatefulSet controller made or removed, in its order, by its events."""

    def told() -> list[str]:
        events = [item for item in pets.get("events")["items"] if item["reason"] == reason and " Pod " in item["message"]]
        events.sort(key=lambda item: int(item["metadata"]["resourceVersion"]))
        return [item["message"].split()[2] for item in events]

    pets.eventually(lambda: len(told()) >= count, "the controller told of it")
    return told()[-count:]


# --- in order ----------------------------------------------------------------------------------------------------------------


def test_up_in_order(pets: Plugin) -> None:
    make(pets, replicas=1, pod_annotations=SLOW)
    planned = pets("scale", "web", "--replicas", "3", "--plan").stdout
    assert planned.index("1. create web-1") < planned.index("2. create web-2") and "OrderedReady" in planned
    assert pods(pets) == ["web-0"] and replicas(pets) == 1
    ended = pets("scale", "web", "--replicas", "3", *WAIT)
    assert "scaled, 3 pods: web-0..web-2" in ended.stderr and pods(pets) == ["web-0", "web-1", "web-2"]
    assert order(pets, "SuccessfulCreate", 3) == ["web-0", "web-1", "web-2"]
    assert times(pets, "web-2")[0] >= times(pets, "web-1")[1]
    again = pets("scale", "web", "--replicas", "3")
    assert "nothing to do" in again.stderr and pets.set()["metadata"]["generation"] == 2


def test_down_in_order(pets: Plugin) -> None:
    make(pets, replicas=4, claims=True)
    planned = pets("scale", "sts/web", "--replicas", "2", "--dry-run").stdout
    assert planned.index("1. remove web-3; claim data-web-3 (1Mi) stays") < planned.index("2. remove web-2")
    told = pets("scale", "web", "--replicas", "2", *WAIT).stderr
    assert "data-web-3, data-web-2 stay with their data" in told and "is even" in told and "no majority of the 4 members stays, which would be 3" in told
    assert pods(pets) == ["web-0", "web-1"] and len(claims(pets)) == 4
    assert order(pets, "SuccessfulDelete", 2) == ["web-3", "web-2"]


def test_parallel_at_once(pets: Plugin) -> None:
    make(pets, replicas=1, policy="Parallel", pod_annotations=SLOW)
    assert "all at once" in pets("scale", "web", "--replicas", "4", "--plan").stdout
    pets("scale", "web", "--replicas", "4", *WAIT)
    made = [times(pets, name) for name in pods(pets)[1:]]
    assert len(made) == 3 and max(created for created, _ in made) <= min(ready for _, ready in made)
    pets("scale", "web", "--replicas", "1", *WAIT)
    assert pods(pets) == ["web-0"]


def test_ordinals_start(pets: Plugin) -> None:
    make(pets, replicas=1, extra="ordinals: {start: 7}", claims=True)
    pets("scale", "web", "--replicas", "3", *WAIT)
    assert pods(pets) == ["web-7", "web-8", "web-9"]
    pets("scale", "web", "--replicas", "1", *WAIT)
    assert pods(pets) == ["web-7"]
    assert "claim data-web-8 (1Mi) comes back" in pets("scale", "web", "--replicas", "2", "--plan").stdout


def test_new_pods_have_to_stay_up(pets: Plugin) -> None:
    make(pets, replicas=1)
    pets("scale", "web", "--replicas", "2", "--settle", "4s", *WAIT)
    ended = datetime.now(UTC)
    ready = times(pets, "web-1")[1]
    assert ended - ready >= timedelta(seconds=4)
    pets.plane.kubectl("delete", "pod", "web-1", "-n", pets.namespace)
    pets.eventually(lambda: pods(pets) == ["web-0", "web-1"] and "2/2" in pets("list", expect=None).stdout, "web-1 is back")
    again = pets("scale", "web", "--replicas", "2", "--settle", "5s", *WAIT)  # as after a run that was killed: waited on
    assert "nothing to do" in again.stderr and datetime.now(UTC) - times(pets, "web-1")[1] >= timedelta(seconds=5)
    late = pets("scale", "web", "--replicas", "3", "--settle", "10m", "--timeout", "5s", expect=5)
    assert "timed out" in late.stderr
    pets("scale", "web", "--replicas", "2", "--settle", "10m", *WAIT)  # what is removed need not stay up


def test_to_nothing_and_back(pets: Plugin) -> None:
    make(pets, replicas=2, claims=True)
    refused = pets("scale", "web", "--replicas", "0", expect=6)
    assert "the service stops" in refused.stderr and "-y" in refused.stderr and replicas(pets) == 2
    pets("scale", "web", "--replicas", "0", interactive=True, answers="n\n", expect=6)
    assert len(pods(pets)) == 2
    assert "no pod is left" in pets("scale", "web", "--replicas", "0", *WAIT, interactive=True, answers="y\n").stderr
    assert pods(pets) == []
    pets("scale", "web", "--replicas", "2", *WAIT)
    assert pods(pets) == ["web-0", "web-1"]


# --- data --------------------------------------------------------------------------------------------------------------------


def test_old_data_comes_back(pets: Plugin) -> None:
    make(pets, replicas=3, claims=True)
    before = claims(pets)
    volume = volume_of(pets, "data-web-2")
    pets("scale", "web", "--replicas", "1", *WAIT)
    # A claim by its name alone, without a label of the set, is taken as well.
    pets.kubectl("label", "pvc", "data-web-1", "app-")
    planned = pets("scale", "web", "--replicas", "4", "--plan").stdout
    assert "claim data-web-2 (1Mi) comes back with its old data" in planned and volume in planned
    assert "claim data-web-1 (1Mi) comes back with its old data" in planned and "4. " not in planned
    told = pets("scale", "web", "--replicas", "4", *WAIT).stderr
    assert "data-web-1, data-web-2 are left from an earlier time" in told
    after = claims(pets)
    assert {name: after[name] for name in before} == before and volume_of(pets, "data-web-2") == volume


def test_the_retention_policy_destroys_data(pets: Plugin) -> None:
    make(pets, replicas=3, claims=True, extra=GOES)
    kept, gone = volume_of(pets, "data-web-1"), volume_of(pets, "data-web-2")
    pets.plane.kubectl("patch", "pv", kept, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
    planned = pets("scale", "web", "--replicas", "1", "--plan").stdout
    assert f"claim data-web-2 (1Mi) is deleted, and volume {gone} is DESTROYED with its data" in planned
    assert f"claim data-web-1 (1Mi) is deleted, volume {kept} keeps the data" in planned
    refused = pets("scale", "web", "--replicas", "1", expect=6).stderr
    assert "deletes 2 claims" in refused and "DESTROYS 1 volume with 1Mi" in refused and gone in refused and "leaves 1 volume" in refused
    assert len(claims(pets)) == 3 and replicas(pets) == 3
    pets("scale", "web", "--replicas", "1", *WAIT, "-y")
    pets.eventually(lambda: list(claims(pets)) == ["data-web-0"], "the claims are collected")
    pets.plane.kubectl("wait", "--for=delete", f"pv/{gone}", "--timeout=60s")
    left = json.loads(pets.plane.kubectl("get", "pv", kept, "-o", "json").stdout)
    assert left["status"]["phase"] == "Released"
    told = pets("scale", "web", "--replicas", "3", *WAIT).stderr  # new and empty
    assert "earlier time" not in told and volume_of(pets, "data-web-1") != kept
    pets.plane.kubectl("delete", "pv", kept)


def test_a_claim_that_something_else_controls_stays(pets: Plugin) -> None:
    make(pets, replicas=2, claims=True, extra=GOES)
    pets.kubectl("create", "configmap", "keeper")
    keeper = pets.get("configmap", "keeper")["metadata"]["uid"]
    owner = f'{{"apiVersion":"v1","kind":"ConfigMap","name":"keeper","uid":"{keeper}","controller":true}}'
    pets.kubectl("patch", "pvc", "data-web-1", "--type=json", "-p", f'[{{"op":"add","path":"/metadata/ownerReferences","value":[{owner}]}}]')
    planned = pets("scale", "web", "--replicas", "1", "--plan").stdout
    assert "data-web-1 (1Mi) stays, for ConfigMap/keeper controls it" in planned
    uid = claims(pets)["data-web-1"]
    pets("scale", "web", "--replicas", "1", *WAIT)
    live = pets.get("pvc", "data-web-1")["metadata"]
    assert live["uid"] == uid and "deletionTimestamp" not in live


def test_what_was_agreed_to_is_what_is_done(pets: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The volume gets another policy while somebody thinks about the question."""
    from tests.terminal import FakeTerminal

    make(pets, replicas=2, claims=True, extra=GOES)
    volume = volume_of(pets, "data-web-1")
    pets.plane.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')

    def agrees(terminal: FakeTerminal, question: str) -> bool:
        assert "destroys no data" in question
        pets.plane.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')
        return True

    monkeypatch.setattr(FakeTerminal, "agrees", agrees)
    refused = pets("scale", "web", "--replicas", "1", expect=6).stderr
    assert "changed meanwhile" in refused and "DESTROYS" in refused
    assert replicas(pets) == 2 and len(pods(pets)) == 2


def test_who_agrees_beforehand_agrees_to_what_is_told(pets: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The volume gets another policy between what -y has it say and the change."""
    from tests.terminal import FakeTerminal

    make(pets, replicas=2, claims=True, extra=GOES)
    volume, tell = volume_of(pets, "data-web-1"), FakeTerminal.tell
    pets.plane.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')

    def told(terminal: FakeTerminal, text: str) -> None:
        tell(terminal, text)
        if "destroys no data" in text or "leaves 1 volume" in text:
            pets.plane.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}')

    monkeypatch.setattr(FakeTerminal, "tell", told)
    refused = pets("scale", "web", "--replicas", "1", "-y", *WAIT, expect=6).stderr
    assert "changed meanwhile" in refused and "DESTROYS" in refused
    assert replicas(pets) == 2 and len(pods(pets)) == 2
    pets("scale", "web", "--replicas", "1", "-y", *WAIT)  # typed again it is told, and so agreed to


def test_who_else_wants_claims_is_asked_once_and_again_after_a_question(pets: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every custom resource of the namespace is read for it."""
    from kubectl_pets.cluster.client import Client

    asked: list[str] = []
    real = Client.claim_inventory

    def counted(cluster: Client, namespace: str | None, **narrowed: Any) -> Any:
        asked.append(str(namespace))
        return real(cluster, namespace, **narrowed)

    monkeypatch.setattr(Client, "claim_inventory", counted)
    make(pets, replicas=3, claims=True, extra=GOES)
    pets("scale", "web", "--replicas", "2", "-y", *WAIT)
    assert len(asked) == 1
    pets("scale", "web", "--replicas", "1", *WAIT, interactive=True, answers="y\n")
    assert len(asked) == 3 and pods(pets) == ["web-0"]


LEFT = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: %(place)s}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: ''
  local: {path: /data}
  claimRef: {namespace: %(place)s, name: data-web-2}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-that-is-gone]}]}]}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data-web-2}
spec: {accessModes: [ReadWriteOnce], storageClassName: '', volumeName: %(place)s, resources: {requests: {storage: 1Mi}}}
"""


def test_old_data_on_a_node_that_is_gone(pets: Plugin) -> None:
    """A local volume outlives its node (kubernetes/kubernetes#97386): the scheduler finds no place for the pod that mounts it."""
    make(pets, replicas=2, claims=True)
    pets.plane.apply(LEFT % {"place": pets.namespace}, pets.namespace)
    pets.eventually(lambda: pets.get("pvc", "data-web-2")["status"]["phase"] == "Bound", "bound")
    told = "no node fits it (kubernetes.io/hostname In node-that-is-gone)"
    assert told in " ".join(pets("scale", "web", "--replicas", "3", "--plan").stdout.split())
    end = pets("scale", "web", "--replicas", "3", *WAIT, expect=4).stderr
    assert "warning: no node fits the volume of data-web-2: pods that mount it find no place" in end and "web-2" in end
    pets("scale", "web", "--replicas", "2", "-y", *WAIT)
    pets.plane.kubectl("delete", "pv", pets.namespace, "--wait=false")


# --- who else sets the replicas ----------------------------------------------------------------------------------------------


def test_out_of_an_autoscaler_s_bounds(pets: Plugin) -> None:
    make(pets, replicas=2)
    pets.plane.apply(AUTOSCALER, pets.namespace)
    refused = pets("scale", "web", "--replicas", "5", expect=6).stderr
    assert "HorizontalPodAutoscaler web (2 to 3) puts 5 back to 3" in refused and "kubectl edit" in refused
    pets("scale", "web", "--replicas", "1", expect=6)
    assert pets("scale", "web", "--replicas", "1", "--plan", expect=6).stdout.count("refused") == 1
    assert replicas(pets) == 2 and pets.set()["metadata"]["generation"] == 1
    assert "may change 3 at any time" in pets("scale", "web", "--replicas", "3", *WAIT).stderr
    assert "does nothing while there are 0 replicas" in pets("scale", "web", "--replicas", "0", "-y", *WAIT).stderr


def test_an_autoscaler_does_put_it_back(pets: Plugin) -> None:
    """What the refusal rests on; it takes the controller a quarter of a minute."""
    make(pets, replicas=2)
    pets.plane.apply(AUTOSCALER, pets.namespace)
    pets.kubectl("scale", "statefulset/web", "--replicas=5")
    pets.eventually(lambda: replicas(pets) == 3, "the autoscaler put it back")


def test_an_applied_manifest_remembers(pets: Plugin) -> None:
    pets.make("web", replicas=2)
    told = pets("scale", "web", "--replicas", "1", *WAIT).stderr
    assert "last-applied-configuration remembers 2" in told


def test_somebody_else_scales_meanwhile(pets: Plugin) -> None:
    make(pets, replicas=1, pod_annotations=SLOW)
    process = pets.start("scale", "web", "--replicas", "5", *WAIT)
    pets.eventually(lambda: "web-1" in pods(pets), "it has begun")
    pets.kubectl("scale", "statefulset/web", "--replicas=2")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1 and "somebody else set replicas to 2, so scaling to 5 stops here" in stderr
    assert replicas(pets) == 2


def test_the_set_is_deleted_meanwhile(pets: Plugin) -> None:
    make(pets, replicas=1, pod_annotations=SLOW)
    process = pets.start("scale", "web", "--replicas", "5", *WAIT)
    pets.eventually(lambda: "web-1" in pods(pets), "it has begun")
    pets.kubectl("delete", "statefulset", "web", "--cascade=orphan", "--wait=false")
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1 and "deleted the set" in stderr


# --- rollouts and broken pods ------------------------------------------------------------------------------------------------


def test_new_pods_above_the_partition_come_up_at_the_update_revision(pets: Plugin) -> None:
    make(pets, replicas=2)
    pets("rollout", "canary", "web", "--image", "app:2", *WAIT)
    told = pets("scale", "web", "--replicas", "3", *WAIT).stderr
    assert "web-2 comes up at the update revision" in told and "partition 1" in told
    assert pets.images() == {"web-0": "app:1", "web-1": "app:2", "web-2": "app:2"}
    told = pets("scale", "web", "--replicas", "1", *WAIT).stderr
    assert "the next change will reach no pod" in told


def test_a_broken_pod_below_blocks_in_order(pets: Plugin) -> None:
    make(pets, replicas=3, strategy="{type: OnDelete}")
    pets.kubectl("set", "image", "statefulset/web", "app=app:broken")
    pets.kubectl("delete", "pod", "web-0")
    pets("status", "web", "-w", *WAIT, expect=4)
    generation, before = pets.set()["metadata"]["generation"], pods(pets)
    for wanted in ("5", "1"):
        refused = pets("scale", "web", "--replicas", wanted, expect=6)
        assert "web-0 is in" in refused.stderr and "nothing above it" in refused.stderr
    document = yaml.safe_load(pets("scale", "web", "--replicas", "5", "--plan", "-o", "yaml", expect=6).stdout)
    assert document["refused"]["reason"] == "blocked" and document["refused"]["blockers"][0]["pod"] == "web-0"
    assert pets.set()["metadata"]["generation"] == generation and pods(pets) == before


def test_a_broken_pod_that_goes_blocks_nothing(pets: Plugin) -> None:
    make(pets, replicas=3)
    pets.kubectl("set", "image", "statefulset/web", "app=app:broken")
    pets("status", "web", "-w", *WAIT, expect=4)
    pets.kubectl("patch", "statefulset", "web", "-p", '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":2}}}}')
    pets("scale", "web", "--replicas", "2", *WAIT)
    assert pods(pets) == ["web-0", "web-1"]


def test_stuck_half_way_and_taken_back(pets: Plugin) -> None:
    make(pets, replicas=1)
    pets.kubectl("patch", "statefulset", "web", "-p", '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":1}}}}')
    pets.kubectl("set", "image", "statefulset/web", "app=app:broken")
    pets("status", "web", "-w", *WAIT, expect=3)
    stuck = pets("scale", "web", "--replicas", "3", *WAIT, expect=4).stderr
    assert "web-1 is in" in stuck and "kubectl pets scale web --replicas 1" in stuck
    assert "web-2" not in pods(pets)
    pets("scale", "web", "--replicas", "3", *WAIT, expect=4)  # typed again: still so
    assert "scaled, 1 pod: web-0" in pets("scale", "web", "--replicas", "1", *WAIT).stderr
    assert pods(pets) == ["web-0"]


# --- killed, interrupted, out of time ----------------------------------------------------------------------------------------


def test_killed_and_typed_again(pets: Plugin) -> None:
    make(pets, replicas=1, pod_annotations=SLOW)
    words = ("scale", "web", "--replicas", "4", *WAIT)
    process = pets.start(*words)
    pets.eventually(lambda: "web-1" in pods(pets), "it has begun")
    process.kill()
    process.communicate()
    assert "scaled, 4 pods" in pets(*words).stderr
    assert len(pods(pets)) == 4 and pets.set()["metadata"]["generation"] == 2


def test_interrupted(pets: Plugin) -> None:
    make(pets, replicas=1, pod_annotations=SLOW)
    process = pets.start("scale", "web", "--replicas", "3", *WAIT)
    pets.eventually(lambda: "web-1" in pods(pets), "it has begun")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted: " in stderr and "--replicas 1" in stderr and "Traceback" not in stderr


def test_out_of_time(pets: Plugin) -> None:
    make(pets, replicas=1)
    pets.kubectl("patch", "statefulset", "web", "-p", '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":1}}}}')
    pets.kubectl("set", "image", "statefulset/web", "app=app:never-ready")
    told = pets("scale", "web", "--replicas", "2", "--timeout", "2s", expect=5).stderr
    assert "timed out" in told and "wait on with: kubectl pets scale web --replicas 2" in told


# --- words in, documents out -------------------------------------------------------------------------------------------------


def test_documents_and_dry_run_on_the_server(pets: Plugin) -> None:
    make(pets, replicas=3, claims=True, extra=GOES)
    shown = pets("scale", "web", "--replicas", "2", "--dry-run=server", "-o", "json")
    assert "would accept" in shown.stderr
    plan = json.loads(shown.stdout)
    assert plan["kind"] == "ScalePlan" and plan["replicas"] == {"before": 3, "after": 2, "ordinalsStart": 0}
    assert plan["moves"] == [{"action": "remove", "pod": "web-2", "lastPod": None, "count": 1, "revision": None}] and plan["stakes"] == ["claims"]
    (leaving,) = plan["leavingClaims"]
    assert (leaving["claim"], leaving["deleted"], leaving["fate"], leaving["size"]) == ("data-web-2", True, "destroyed", 2**20)
    assert plan["quorum"]["now"] == {"members": 3, "majority": 2, "available": 3, "tolerates": 1}
    assert replicas(pets) == 3
    status = json.loads(pets("scale", "web", "--replicas", "4", *WAIT, "-o", "json").stdout)
    assert status["kind"] == "RolloutStatus" and status["status"]["available"] == 4


def test_wrong_usage(pets: Plugin) -> None:
    make(pets, replicas=1)
    for words in (("web",), ("web", "--replicas", "-1"), ("web", "--replicas", "x"), ("web", "--replicas", "1000000"), ("--replicas", "2")):
        pets("scale", *words, expect=2)
    pets("scale", "web", "--replicas", "2", "--plan", "--dry-run=server", expect=2)
    assert "was web meant?" in pets("scale", "webb", "--replicas", "2", expect=1).stderr
    assert pets.set()["metadata"]["generation"] == 1


def test_rights_are_asked_for_early_and_what_may_not_be_read_is_said(pets: Plugin) -> None:
    make(pets, replicas=2, claims=True, extra=GOES)
    pets.kubectl("create", "role", "look", "--verb=get,list,watch", "--resource=pods,statefulsets.apps,controllerrevisions.apps")
    pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=grace")
    words = ("auth", "can-i", "list", "pods", "--as=grace", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    grace = pets.plane.kubeconfig_for("grace")
    failed = pets("scale", "web", "--replicas", "1", "-y", expect=1, kubeconfig=grace).stderr
    assert "patch statefulsets.apps" in failed and "Nothing was changed" in failed and replicas(pets) == 2
    assert "claims could not be read" in failed and "autoscalers could not be read" in failed
    plan = json.loads(pets("scale", "web", "--replicas", "1", "--plan", "-o", "json", kubeconfig=grace).stdout)
    assert plan["leavingClaims"] is None and plan["stakes"] == ["unknown-claims"]


# --- beside the real controller of HorizontalPodAutoscalers, which keeps within its bounds without any metric -----------------


def test_an_autoscaler_that_is_made_meanwhile_is_named(pets: Plugin) -> None:
    make(pets, replicas=1, pod_annotations='{kubectl-pets.test/ready-after: "6s"}')
    run = pets.start("scale", "web", "--replicas", "6", "--settle", "60s", "--patience", "90s", "--timeout", "120s")
    pets.eventually(lambda: replicas(pets) == 6, "the number is changed")
    pets.plane.apply(AUTOSCALER, pets.namespace)
    _, stderr = run.communicate(timeout=150)
    assert run.returncode == 1 and "somebody else set replicas to 3, so scaling to 6 stops here" in stderr, stderr


def test_a_rollout_that_an_autoscaler_makes_smaller_is_complete_of_what_is_left(pets: Plugin) -> None:
    make(pets, replicas=5, pod_annotations='{kubectl-pets.test/ready-after: "5s"}')
    run = pets.start("rollout", "run", "web", "--image", "app:2", "-y", "--patience", "90s", "--timeout", "150s")
    pets.eventually(lambda: "app:2" in pets.images().values(), "it has begun")
    pets.plane.apply(AUTOSCALER, pets.namespace)
    _, stderr = run.communicate(timeout=180)
    assert run.returncode == 0 and replicas(pets) == 3, stderr
    assert pets.images() == dict.fromkeys(("web-0", "web-1", "web-2"), "app:2")
    assert pets.partition() == 0
