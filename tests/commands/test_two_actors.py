"""Two who act on one claim, and whoever undoes what was just done, on real volumes: what was called retained is there.

A gate before the API server stops the first run at one of its requests, as Ctrl-Z or a laptop's lid would, while another one, or
somebody's kubectl, goes to its end.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kubectl_pets.flows.orphans import retention
from tests.commands.gate import Gate, gate
from tests.commands.middle import Heard, Passing, middle
from tests.commands.plugin import Plugin
from tests.commands.test_orphans import become, make, shrink, volume_of

pytestmark = pytest.mark.real

CLAIM, VOLUMES, CLAIMS = "data-web-1", "/persistentvolumes/", "/persistentvolumeclaims/data-web-1"

#: Where the first run is stopped: the request, and whether the server has answered it.
MOMENTS = {
    "before Retain": ("PATCH", VOLUMES, False),
    "after Retain": ("PATCH", VOLUMES, True),
    "before the deletion": ("DELETE", CLAIMS, False),
    "after the deletion": ("DELETE", CLAIMS, True),
}


class Scene(NamedTuple):
    """A set of which one claim is left, with a file on its volume, and a way to the server that can be stopped."""

    pets: Plugin
    gate: Gate
    kubeconfig: Path
    folder: Path
    volume: str
    file: Path

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.pets.command("orphans", *words, kubeconfig=self.kubeconfig), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def stopped(self, process: "subprocess.Popen[str]") -> None:
        """It has come to the request at which it is to be stopped."""
        try:
            self.gate.reached()
        except AssertionError:
            process.kill()
            raise AssertionError(process.communicate()) from None

    def live(self) -> Any:
        return json.loads(self.pets.plane.kubectl("get", "pv", self.volume, "-o", "json").stdout)

    @property
    def records(self) -> list[str]:
        return [str(path) for path in sorted(self.folder.rglob("*.json"))]

    def kept(self) -> bool:
        return self.file.exists() and self.live()["spec"]["persistentVolumeReclaimPolicy"] == "Retain"


@pytest.fixture
def scene(pets: Plugin, tmp_path: Path) -> Iterator[Scene]:
    make(pets, replicas=2)
    shrink(pets, 1)
    become(pets, data_web_0="in-use", data_web_1="scaled-down")
    volume = volume_of(pets, CLAIM)
    file = Path(volume["spec"]["hostPath"]["path"]) / "precious"
    file.write_text("x", encoding="utf-8")
    with gate(pets.plane, tmp_path) as (found, kubeconfig):
        yield Scene(pets, found, kubeconfig, tmp_path / "records", volume["metadata"]["name"], file)


def settled(pets: Plugin) -> None:
    """The volume controller has seen all that happened."""
    pets.kubectl("wait", "--for=delete", f"pvc/{CLAIM}", "--timeout=60s")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("other", ["delete", "kubectl"])
def test_the_other_one_goes_to_its_end_while_the_first_is_stopped(scene: Scene, moment: str, other: str) -> None:
    method, part, answered = MOMENTS[moment]
    scene.gate.stop(method, part, answered=answered)
    first = scene.start("delete", CLAIM, "-y", "--record", str(scene.folder / "first"))
    scene.stopped(first)
    if other == "kubectl":
        retained = scene.kept()
        scene.pets.kubectl("delete", "pvc", CLAIM, "--ignore-not-found")
    else:
        gone = moment == "after the deletion"
        if gone:  # the protection controller's finalizer holds the claim for a moment yet
            settled(scene.pets)
        words = ("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder / "second"))
        done = scene.pets(*words, expect=1 if gone else 0)
        assert gone or "data retained" in done.stdout
        retained = True
    settled(scene.pets)
    scene.gate.let_through()
    stdout, stderr = first.communicate(timeout=90)
    if retained:
        scene.pets.eventually(lambda: scene.live()["status"]["phase"] == "Released", "the volume is released")
        assert scene.kept(), (moment, stdout, stderr)
        scene.pets("orphans", "restore", *scene.records)
        assert volume_of(scene.pets, CLAIM)["metadata"]["name"] == scene.volume and scene.file.exists()
        assert scene.live()["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    assert first.returncode in ((0,) if moment == "after the deletion" else (6, 1)), stderr


@pytest.mark.parametrize("moment", ["after Retain", "before the deletion"])
def test_a_policy_that_was_put_back_fences_off_the_deletion_that_was_under_way(scene: Scene, moment: str) -> None:
    """Somebody takes the first run for dead and types restore with its record; then it wakes up."""
    method, part, answered = MOMENTS[moment]
    scene.gate.stop(method, part, answered=answered)
    first = scene.start("delete", CLAIM, "-y", "--record", str(scene.folder))
    scene.stopped(first)
    scene.pets("orphans", "restore", *scene.records)
    assert scene.live()["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    scene.gate.let_through()
    stdout, _ = first.communicate(timeout=90)
    if first.returncode == 0:  # it judged anew, and set the volume to Retain again before it went on
        assert "data retained" in stdout and scene.kept()
    assert scene.file.exists()


@pytest.mark.parametrize("verb", ["restore", "adopt"])
def test_a_purge_and_who_brings_a_volume_back_meet(scene: Scene, verb: str) -> None:
    """It has planned on a volume that a purge then sets to Delete; host-path destroys within tenths of a second. The claim that
    was made for the volume would wait for ever."""
    scene.pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder))
    scene.pets.eventually(lambda: scene.live()["status"]["phase"] == "Released", "released")
    scene.gate.stop("POST", "/persistentvolumeclaims", answered=False)
    back = scene.start(verb, *(scene.records if verb == "restore" else (scene.volume, "--as", "web", "-y")))
    scene.stopped(back)
    scene.pets("orphans", "purge", "--older-than", "0", "-y")
    scene.pets.plane.kubectl("wait", "--for=delete", f"pv/{scene.volume}", "--timeout=60s")
    scene.gate.let_through()
    stdout, stderr = back.communicate(timeout=90)
    assert stdout == "" and back.returncode != 0, (stdout, stderr)
    settled(scene.pets)  # it is taken back; the protection controller's finalizer holds it for a moment yet


@pytest.mark.parametrize("verb", ["restore", "adopt"])
def test_a_volume_that_a_claim_was_made_for_is_not_purged(scene: Scene, verb: str) -> None:
    """Whoever brings it back stands still between the claim and the volume, which is Released yet."""
    scene.pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder))
    scene.pets.eventually(lambda: scene.live()["status"]["phase"] == "Released", "released")
    scene.gate.stop("POST", "/persistentvolumeclaims", answered=True)
    back = scene.start(verb, *(scene.records if verb == "restore" else (scene.volume, "--as", "web", "-y")))
    scene.stopped(back)
    refused = scene.pets("orphans", "purge", scene.volume, "-y", expect=6)
    assert "brings it back" in refused.stderr
    scene.gate.let_through()
    stdout, stderr = back.communicate(timeout=90)
    assert back.returncode == 0 and scene.file.exists(), (stdout, stderr)
    assert volume_of(scene.pets, CLAIM)["metadata"]["name"] == scene.volume


POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: %(name)s}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [persistentvolumes]}]}
  matchConditions: [{name: ours, expression: "object.metadata.name == '%(volume)s'"}]
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations: [{patchType: ApplyConfiguration, applyConfiguration: {expression: 'Object{spec: Object.spec{persistentVolumeReclaimPolicy: "Delete"}}'}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: %(name)s}
spec: {policyName: %(name)s}
"""


def test_an_admission_policy_that_puts_delete_back(scene: Scene) -> None:
    """tidb-operator's reclaimPolicyManager (tidb-operator#2379), here as admission."""
    pets, name = scene.pets, f"delete-{scene.pets.namespace}"
    if "mutatingadmissionpolicies" not in pets.plane.kubectl("api-resources", "--api-group=admissionregistration.k8s.io", "-o", "name").stdout:
        pytest.skip("this server has no MutatingAdmissionPolicy, which is on since 1.36 (KEP-3962)")
    pets.plane.apply(POLICY % {"name": name, "volume": scene.volume})
    try:
        probe = ("patch", "pv", scene.volume, "--dry-run=server", "--type=merge", "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
        jsonpath = ("-o", "jsonpath={.spec.persistentVolumeReclaimPolicy}")
        pets.eventually(lambda: pets.plane.kubectl(*probe, *jsonpath).stdout == "Delete", "the policy counts")
        refused = pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder), expect=6)
        assert "does not stay at Retain" in refused.stderr
    finally:
        for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
            pets.plane.kubectl("delete", kind, name)
    assert scene.file.exists() and volume_of(pets, CLAIM)["status"]["phase"] == "Bound" and not scene.records


def test_a_controller_that_puts_delete_back(scene: Scene) -> None:
    over = threading.Event()

    def sets_back() -> None:
        while not over.wait(0.02):
            if scene.live()["spec"]["persistentVolumeReclaimPolicy"] != "Delete":
                patch = '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}'
                scene.pets.plane.kubectl("patch", "pv", scene.volume, "--type=merge", "-p", patch, check=False)

    controller = threading.Thread(target=sets_back)
    scene.gate.stop("PATCH", VOLUMES, answered=True)
    first = scene.start("delete", CLAIM, "-y", "--record", str(scene.folder))
    scene.stopped(first)
    controller.start()
    scene.pets.eventually(lambda: scene.live()["spec"]["persistentVolumeReclaimPolicy"] == "Delete", "set back")
    scene.gate.let_through()
    _, stderr = first.communicate(timeout=60)
    over.set()
    controller.join()
    assert first.returncode == 6 and "does not stay at Retain" in stderr and scene.file.exists()


def test_a_controller_that_puts_delete_back_only_after_a_while(scene: Scene) -> None:
    """Later than the next reading of the volume, and after the claim there would be nothing left to save."""
    over, late = threading.Event(), threading.Event()

    def sets_back() -> None:
        while not over.wait(0.02):
            if scene.live()["spec"]["persistentVolumeReclaimPolicy"] != "Delete":
                late.wait(0.6)
                patch = '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}'
                scene.pets.plane.kubectl("patch", "pv", scene.volume, "--type=merge", "-p", patch, check=False)

    controller = threading.Thread(target=sets_back)
    controller.start()
    try:
        refused = scene.pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder), expect=6)
    finally:
        over.set()
        controller.join()
    assert "does not stay at Retain" in refused.stderr and scene.file.exists()


def test_a_controller_that_is_late_is_waited_for_with_each_claim(pets: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the first volume of a class was set back is no leave to go on faster with the second. It acts while it is waited for."""
    make(pets, replicas=3)
    shrink(pets, 1)
    become(pets, data_web_0="in-use", data_web_1="scaled-down", data_web_2="scaled-down")
    names = ("data-web-1", "data-web-2")
    files = [Path(volume_of(pets, name)["spec"]["hostPath"]["path"]) / "precious" for name in names]
    for file in files:
        file.write_text("x", encoding="utf-8")

    def sets_back(look: object, within: float) -> None:
        for name in names:
            patch = '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}'
            pets.plane.kubectl("patch", "pv", volume_of(pets, name)["metadata"]["name"], "--type=merge", "-p", patch)

    monkeypatch.setattr(retention, "until", sets_back)
    refused = pets("orphans", "delete", *names, "-y", "--record", str(tmp_path / "records"), expect=6)
    assert refused.stderr.count("does not stay at Retain") == 2 and all(file.exists() for file in files)
    assert all(pets.get("pvc", name)["status"]["phase"] == "Bound" for name in names)


def test_a_controller_that_puts_delete_back_when_all_is_over(scene: Scene) -> None:
    """The PersistentVolume controller destroys a Released volume of the tree itself, and at once. This one is withheld from it: that
    has seen the policy when it has let go of another volume with it."""
    pets, patch = scene.pets, '{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}'
    assert "data retained" in pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder)).stdout
    pets.eventually(lambda: scene.live()["status"]["phase"] == "Released", "released")
    pets.plane.kubectl("patch", "pv", scene.volume, "--type=merge", "-p", patch)
    pets.kubectl("scale", "statefulset", "web", "--replicas=0")
    other = volume_of(pets, "data-web-0")["metadata"]["name"]
    pets.kubectl("delete", "pvc", "data-web-0", "--timeout=60s")
    pets.plane.kubectl("wait", "--for=delete", f"pv/{other}", "--timeout=60s")
    assert scene.file.exists() and scene.live()["status"]["phase"] == "Released"
    pets("orphans", "restore", *scene.records)
    assert scene.file.exists() and scene.live()["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    assert not any(key.startswith("kubectl-pets/") for key in scene.live()["metadata"]["annotations"])
    assert scene.live()["metadata"]["annotations"]["pv.kubernetes.io/provisioned-by"] == "kubernetes.io/host-path"


def test_a_volume_that_is_being_deleted_is_never_retained(scene: Scene) -> None:
    scene.pets.plane.kubectl("delete", "pv", scene.volume, "--wait=false")
    assert "data destroyed" in scene.pets("orphans", "-o", "wide").stdout
    refused = scene.pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder), expect=6)
    assert "is being deleted" in refused.stderr and scene.file.exists() and not scene.records


def test_a_claim_that_a_finalizer_holds_is_not_deleted(scene: Scene) -> None:
    pets = scene.pets
    finalizers = '["kubernetes.io/pvc-protection", "backup.example.com/in-progress"]'
    pets.kubectl("patch", "pvc", CLAIM, "--type=merge", "-p", f'{{"metadata": {{"finalizers": {finalizers}}}}}')
    held = pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder), expect=3)
    assert "backup.example.com/in-progress holds it" in held.stderr and "deleted" not in held.stdout
    shown = pets("orphans", "explain", CLAIM).stdout
    assert "it is being deleted, and backup.example.com/in-progress holds it" in shown and "stays with its data" in shown
    refused = pets("orphans", "restore", *scene.records, expect=6)
    assert "backup.example.com/in-progress holds it" in refused.stderr
    pets.kubectl("patch", "pvc", CLAIM, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    pets("orphans", "restore", *scene.records)
    assert scene.file.exists() and volume_of(pets, CLAIM)["metadata"]["name"] == scene.volume


def test_a_claim_that_may_not_be_looked_at_once_it_was_deleted_is_not_called_untouched(scene: Scene, tmp_path: Path) -> None:
    """The deletion was sent, and then reading is forbidden: its record and the data stay, and nothing else is said."""
    pets = scene.pets

    def forbidden(passing: Passing, heard: Heard) -> bool:
        if passing.command != "GET" or not heard.path.endswith(f"/persistentvolumeclaims/{CLAIM}"):
            return False
        failure = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "no more"}
        passing.answer(heard._replace(status=403, body=json.dumps(failure).encode()))
        return True

    with middle(pets.plane, tmp_path) as between:
        between.reading = forbidden
        failed = pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder), expect=1, kubeconfig=between.kubeconfig)
    assert f"begun, and maybe deleted: {pets.namespace}/{CLAIM}" in failed.stderr and "not touched" not in failed.stderr
    pets.kubectl("wait", "--for=delete", f"pvc/{CLAIM}", "--timeout=60s")
    assert scene.kept()
    pets("orphans", "restore", *scene.records)
    assert scene.file.exists() and volume_of(pets, CLAIM)["metadata"]["name"] == scene.volume


def test_a_server_that_forbids_the_deletion_leaves_all_as_it_was(scene: Scene) -> None:
    pets, name = scene.pets, f"keep-{scene.pets.namespace}"
    pets.plane.apply(
        f"""
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  matchConstraints: {{resourceRules: [{{apiGroups: [""], apiVersions: [v1], operations: [DELETE], resources: [persistentvolumeclaims]}}]}}
  matchConditions: [{{name: here, expression: "request.namespace == '{pets.namespace}'"}}]
  validations: [{{expression: "false", message: "claims are not deleted here"}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {name}}}
spec: {{policyName: {name}, validationActions: [Deny]}}
"""
    )
    try:
        probe = ("delete", "pvc", CLAIM, "--dry-run=server")
        place = ("-n", pets.namespace)
        pets.eventually(lambda: pets.plane.kubectl(*probe, *place, check=False).returncode != 0, "the policy counts")
        failed = pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder), expect=1)
        assert "claims are not deleted here" in failed.stderr and not scene.records
        live = scene.live()
        assert live["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
        assert not any(key.startswith("kubectl-pets/") for key in live["metadata"]["annotations"])
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            pets.plane.kubectl("delete", kind, name)


def test_restore_says_nothing_of_a_volume_that_is_being_destroyed(scene: Scene) -> None:
    """Released with the policy Delete, and its provisioner is slow: nobody is here to destroy it, so it comes back, with a warning."""
    pets = scene.pets
    driver = {"csi": {"driver": "slow.example.org", "volumeHandle": "h1"}}
    slow = f"slow-{pets.namespace}"
    spec = {
        "capacity": {"storage": "1Mi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Delete",
        "storageClassName": "manual", "claimRef": {"namespace": pets.namespace, "name": "data-db-0"}, **driver,
    }
    claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "manual", "resources": {"requests": {"storage": "1Mi"}}}
    for kind, name, content in (("PersistentVolume", slow, spec), ("PersistentVolumeClaim", "data-db-0", claim)):
        document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": {"app": "db"}}, "spec": content}
        words = ("create", "-f", "-", "--field-manager=kube-controller-manager")
        pets.plane.kubectl(*words, *(("-n", pets.namespace) if kind.endswith("Claim") else ()), input=json.dumps(document))
    pets.kubectl("wait", "--for=jsonpath={.status.phase}=Bound", "pvc/data-db-0", "--timeout=60s")
    unsaid = pets("orphans", "delete", "--fresh", "data-db-0", "--destroy-data", "-y", "--record", str(scene.folder), expect=3)
    assert "being destroyed, and not gone yet" in unsaid.stderr and "destroyed" not in unsaid.stdout
    back = pets("orphans", "restore", *scene.records)
    assert "look whether the data is all there" in back.stderr and "watch for a while" in back.stderr
    live = json.loads(pets.plane.kubectl("get", "pv", slow, "-o", "json").stdout)
    assert live["status"]["phase"] == "Bound" and live["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    pets("orphans", "delete", "--fresh", "data-db-0", "--destroy-data", "-y", "--record", str(scene.folder / "again"), expect=3)
    begun = threading.Timer(3, lambda: pets.plane.kubectl("delete", "pv", slow))  # the driver is through with it
    begun.start()
    (record,) = (scene.folder / "again").glob("*.json")
    failed = pets("orphans", "restore", str(record), expect=1)
    begun.join()
    assert "is destroyed: that had begun" in failed.stderr and "restored" not in failed.stdout
    assert not [item for item in pets.get("pvc")["items"] if item["metadata"]["name"] == "data-db-0"]


def test_the_record_says_where_the_storage_is(scene: Scene) -> None:
    scene.pets("orphans", "delete", CLAIM, "-y", "--record", str(scene.folder))
    become(scene.pets, data_web_0="in-use")
    (record,) = scene.records
    (deletion,) = json.loads(Path(record).read_text(encoding="utf-8"))["deletions"]
    assert deletion["volumeSpec"]["hostPath"]["path"] == str(scene.file.parent)
