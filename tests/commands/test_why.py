"""Why no pod comes, on the real control plane: what no status tells, and that it ends as stuck without a timeout."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import yaml

from tests.commands.plugin import Plugin, manifest

pytestmark = pytest.mark.real

TWO = '[{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}, {metadata: {name: wal}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]'


def apply(pets: Plugin, *documents: str) -> None:
    for document in documents:
        pets.plane.apply(document, pets.namespace)


def quota(pods: int) -> str:
    return f"{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: few}}, spec: {{hard: {{pods: '{pods}'}}}}}}"


def test_a_quota_says_why_and_it_ends_as_stuck(pets: Plugin) -> None:
    apply(pets, quota(2))
    pets.eventually(lambda: "few" in pets.kubectl("get", "resourcequota", "few", "-o", "name"), "the quota")
    pets.make("web", wait=False)
    ended = pets("status", "web", "-w", expect=4).stderr
    assert "web-2 cannot be created" in ended and "exceeded quota: few" in ended
    looked = pets("status", "web", "--patience", "10m", expect=3)
    assert "failing" in looked.stdout and "exceeded quota" in looked.stdout and "stuck in" in looked.stdout
    status = json.loads(pets("status", "web", "-o", "json", expect=4).stdout)["status"]
    assert [(each["cause"], each["pod"], each["reason"]) for each in status["blockers"]] == [("creation-refused", "web-2", "FailedCreate")]


def test_on_stuck_acts_on_pods_that_are_refused_without_a_timeout(pets: Plugin) -> None:
    """kubernetes-sigs and cloud-on-k8s#7969: a namespace that came to enforce what the pods do not keep."""
    pets.make("web")
    pets.kubectl("label", "namespace", pets.namespace, "pod-security.kubernetes.io/enforce=restricted")
    ended = pets("rollout", "run", "web", "--image", "app:2", "--on-stuck", "pause", "-y", expect=4).stderr
    assert "web-2 cannot be created" in ended and "PodSecurity" in ended and "--on-stuck=pause" in ended
    assert ended.count('warning: the API server says: would violate PodSecurity "restricted:latest"') == 1
    told = pets("rollout", "undo", "web", "--dry-run=server", expect=4).stderr
    assert "would violate PodSecurity" in told  # before a pod goes down for it
    pets.kubectl("label", "namespace", pets.namespace, "pod-security.kubernetes.io/enforce-")


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
def test_another_pod_has_the_name(pets: Plugin, policy: str) -> None:
    """kubernetes/kubernetes#55559, #111778: somebody took a pod out of the set by its label; there is no event of it."""
    pets.make("web", policy=policy)
    pets.kubectl("label", "pod", "web-1", "app=debug", "--overwrite")
    pets.eventually(lambda: "ownerReferences" not in pets.get("pod", "web-1")["metadata"], "the pod is let go")
    shown = pets("status", "web", "-w", expect=4)
    assert "web-1 cannot be created, because another pod has its name" in shown.stderr
    assert "kubectl" in shown.stderr and "get pod web-1 --show-labels" in shown.stderr


def test_a_pod_without_a_volume_of_the_templates(pets: Plugin) -> None:
    """kubernetes/kubernetes#141876: made again over its pods with one claim template more; all was called complete."""
    pets.make("web", claims=True)
    pets.kubectl("delete", "statefulset", "web", "--cascade=orphan")
    one = '[{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]'
    apply(pets, manifest("web", claims=True).replace(one, TWO))
    before = pets.uids()
    pets.eventually(lambda: pets.set()["status"].get("observedGeneration") == 1, "the new set is seen")
    shown = pets("status", "web", expect=4)
    assert "web-0 lacks the volume of claim template wal" in shown.stdout and "rollout unstick web" in shown.stderr
    pets("rollout", "run", "web", "--image", "app:2", expect=6)
    assert pets.uids() == before
    plan = pets("rollout", "unstick", "web", "--dry-run").stdout
    assert [name for name in ("web-0", "web-1", "web-2") if f"delete {name}" in plan] == ["web-0", "web-1", "web-2"]
    pets("rollout", "unstick", "web", "-y", "--timeout", "90s")
    assert not set(pets.uids().values()) & set(before.values())
    pets("status", "web")
    volumes = pets.get("pod", "web-1")["spec"]["volumes"]
    assert {each["name"] for each in volumes} >= {"data", "wal"}


def test_a_volume_that_cannot_be_mounted_is_told_from_the_pods_events(pets: Plugin) -> None:
    apply(pets, manifest("web", replicas=1).replace("containers:", "nodeName: nobody\n      containers:"))  # has no kubelet
    pets.eventually(lambda: bool(pets.uids()), "the pod is made")
    pod = pets.get("pod", "web-0")
    now = pets.set()["metadata"]["creationTimestamp"]
    apply(pets, f"""
apiVersion: v1
kind: Event
metadata: {{name: web-0.mount}}
type: Warning
reason: FailedMount
message: 'MountVolume.SetUp failed for volume "v": secret "missing" not found'
involvedObject: {{apiVersion: v1, kind: Pod, name: web-0, namespace: {pets.namespace}, uid: {pod["metadata"]["uid"]}}}
firstTimestamp: "{now}"
lastTimestamp: "{now}"
count: 4
source: {{component: kubelet}}
""")
    assert "FailedMount" in pets.kubectl("get", "events")
    status = json.loads(pets("status", "web", "--patience", "10m", "-o", "json", expect=3).stdout)["status"]
    assert [(each["cause"], each["reason"]) for each in status["failing"]] == [("not-started", "FailedMount")]
    assert 'secret "missing" not found' in status["failing"][0]["message"]
    assert [each["name"] for each in status["silentNodes"]] == ["nobody"]


@contextmanager
def forbidden(pets: Plugin, operation: str, says: str, resource: str = "pods") -> Iterator[None]:
    """The StatefulSet controller may not do this to pods of the namespace, or to what else is named."""
    name = f"{operation.lower()}-{pets.namespace}"
    pets.plane.apply(
        f"""
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  matchConstraints:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {pets.namespace}}}}}
    resourceRules: [{{apiGroups: [""], apiVersions: [v1], operations: [{operation}], resources: [{resource}]}}]
  validations: [{{expression: "!request.userInfo.username.endsWith('statefulset-controller')", message: {says}}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [Deny]}}
"""
    )
    try:
        yield
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            pets.plane.kubectl("delete", kind, name)


def test_a_label_that_the_controller_may_not_put_right_is_no_complete_set(pets: Plugin) -> None:
    """Whoever may not update a pod does nothing else either; nothing in the set's status tells of it."""
    pets.make("web")
    label = "statefulset.kubernetes.io/pod-name"
    with forbidden(pets, "UPDATE", "no updates of pods"):
        pets.eventually(lambda: _is_refused(pets, "FailedUpdate", lambda: _unlabel(pets, label)), "the policy counts")
        said = pets("status", "web", expect=None)
        assert said.code in (3, 4) and "web-1 cannot be updated" in said.stdout, said.stdout
        # The controller's last success may be of the same second as its first failure, which is not told then.
        pets.eventually(lambda: "no updates of pods" in pets("status", "web", "-o", "json", expect=None).stdout, "why is told")
        assert "web-1 cannot be updated" in pets("list").stdout
    pets.eventually(lambda: pets.get("pod", "web-1")["metadata"]["labels"].get(label) == "web-1", "the controller puts it right")
    pets("status", "web", "-w", "--timeout", "60s")


def test_a_pod_that_the_controller_may_not_delete_holds_the_rollout_up(pets: Plugin) -> None:
    """Every pod is available then, and nothing but an event tells (kubernetes/kubernetes#94577)."""
    pets.make("web")
    with forbidden(pets, "DELETE", "no deletions of pods"):
        # Until the policy counts, whatever the set is scaled down by goes.
        pets.eventually(lambda: _is_refused(pets, "FailedDelete", lambda: _rescale(pets)), "the policy counts")
        said = pets("status", "web", "-w", "--patience", "1s", "--timeout", "30s", expect=4).stderr
        assert "cannot be deleted by the controller" in said and "no deletions of pods" in said
        pets.kubectl("scale", "statefulset", "web", "--replicas=3")
        pets("status", "web", "-w", "--timeout", "60s")
        run = ("rollout", "run", "web", "--image", "app:2", "--timeout", "60s")
        ended = pets(*run, "--patience", "1s", expect=4).stderr
        assert "web-2 cannot be deleted by the controller" in ended and "no deletions of pods" in ended
    pets(*run)
    assert set(pets.images().values()) == {"app:2"}


def test_a_claim_that_the_controller_may_not_give_an_owner_holds_up_the_scaling(pets: Plugin) -> None:
    """With ``whenScaled: Delete`` it does so before it deletes the pod (KEP-1847), and tells nobody when it cannot."""
    pets.make("web", claims=True, extra="persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Delete}")
    with forbidden(pets, "UPDATE", "no updates of claims", "persistentvolumeclaims"):
        claim = pets.kubectl("get", "persistentvolumeclaim", "data-web-0", "-o", "json")
        who = ("--as", "a-statefulset-controller", "--as-group", "system:masters", "--dry-run=server", "-n", pets.namespace)
        replaced = ("replace", "-f", "-", *who)
        pets.eventually(
            lambda: "no updates of claims" in pets.plane.kubectl(*replaced, input=claim, check=False).stderr, "the policy counts"
        )
        pets.kubectl("scale", "statefulset", "web", "--replicas=2")
        said = pets("status", "web", "-w", "--timeout", "120s", expect=4).stderr
        assert "nobody deletes web-2, whose turn it is" in said and "get events" in said
        assert "FailedUpdate" not in _reasons(pets) and "FailedDelete" not in _reasons(pets) and len(pets.uids()) == 3
        assert "nobody deletes web-2" in pets("scale", "web", "--replicas", "2", "-y", "--timeout", "120s", expect=4).stderr
        pets.make("beside")
        listed = json.loads(pets("list", "--patience", "2s", "-o", "json").stdout)["items"]
        assert {each["metadata"]["name"]: each["status"]["phase"] for each in listed} == {"web": "stuck", "beside": "complete"}
    pets("status", "web", "-w", "--timeout", "120s")
    assert len(pets.uids()) == 2


def _unlabel(pets: Plugin, label: str) -> None:
    pets.kubectl("label", "pod", "web-1", f"{label}-", check=False)


def _rescale(pets: Plugin) -> None:
    """Back to three, and then one fewer."""
    pets.kubectl("scale", "statefulset", "web", "--replicas=3")
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s", expect=None)
    pets.kubectl("scale", "statefulset", "web", "--replicas=2")
    pets.eventually(lambda: len(pets.uids()) == 2 or "FailedDelete" in _reasons(pets), "it goes, or may not")


def _reasons(pets: Plugin) -> str:
    return pets.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}")


def _is_refused(pets: Plugin, reason: str, provoke: Callable[[], None]) -> bool:
    """Have the controller do it, and see whether it was refused."""
    provoke()
    return reason in _reasons(pets)


@pytest.mark.parametrize("field", ["priorityClassName", "runtimeClassName", "serviceAccountName"])
def test_what_the_template_names_and_is_not_there(pets: Plugin, field: str) -> None:
    """Admission says that it is forbidden, and means that it does not find it."""
    made = yaml.safe_load(manifest("web", replicas=1))
    made["spec"]["template"]["spec"][field] = "no-such-thing"
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(made))
    pets("status", "web", "-w", "--timeout", "60s", expect=4)
    (found,) = json.loads(pets("status", "web", "-o", "json", expect=4).stdout)["status"]["blockers"]
    assert found["id"] == "config:missing" and "no-such-thing" in found["message"]


def test_what_a_claim_s_own_events_say(pets: Plugin) -> None:
    """The scheduler says only that it is not bound; why it is not, its class says."""
    made = yaml.safe_load(manifest("web", replicas=1, claims=True))
    made["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = "no-such-class"
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(made))
    said = 'data-web-0 ProvisioningFailed: storageclass.storage.k8s.io "no-such-class" not found'
    pets.eventually(lambda: said in " ".join(pets("status", "web", expect=None).stdout.replace("│", "").split()), "it is said")


def test_a_pod_whose_device_is_not_there(pets: Plugin) -> None:
    """No scheduler queues it, no condition and no event says so."""
    made = yaml.safe_load(manifest("web", replicas=1))
    made["spec"]["template"]["spec"]["resourceClaims"] = [{"name": "gpu", "resourceClaimName": "no-such-claim"}]
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(made))
    ended = pets("status", "web", "-w", "--timeout", "60s", expect=4)
    assert "no scheduler looks at web-0, which waits for ResourceClaim no-such-claim" in ended.stderr
    (found,) = json.loads(pets("status", "web", "-o", "json", expect=None).stdout)["status"]["blockers"]
    assert found["id"] == "schedule:device"
