"""orphans on the real control plane, with real PersistentVolumes: what is wanted, what is not, and the way back."""

import json
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_pets.cluster import connect
from kubectl_pets.session import ConnectionFlags
from tests.commands.plugin import Plugin, manifest
from tests.controlplane.recipes import parse_version

pytestmark = pytest.mark.real

CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: %s}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
"""


def make(pets: Plugin, name: str = "web", **changes: Any) -> None:
    """As ``Plugin.make``, but created and not applied: an applied manifest remembers its replicas, and so do we."""
    text = manifest(name, claims=True, **changes)
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=text)
    pets("status", name, "-w", "--until", "ready", "--timeout", "60s")


def shrink(pets: Plugin, replicas: int, name: str = "web") -> None:
    """Scale, and wait until the pods are there or gone and the server has noticed whose claims are used."""
    pets.kubectl("scale", f"statefulset/{name}", f"--replicas={replicas}")
    pets("status", name, "-w", "--until", "ready", "--timeout", "60s")
    pets.eventually(lambda: len(pets.get("pods", "-l", f"app={name}")["items"]) == replicas, "scaled down")
    if parse_version(pets.plane.version) < (1, 37, 0):
        return  # it says nothing of that (KEP-5541)
    used = {f"data-{name}-{ordinal}" for ordinal in range(replicas)}
    pets.eventually(lambda: _used(pets) == used, "the server noticed which claims are used")


def _used(pets: Plugin) -> set[str]:
    conditions = {item["metadata"]["name"]: item["status"].get("conditions", []) for item in pets.get("pvc")["items"]}
    return {name for name, found in conditions.items() if not any(c["type"] == "Unused" and c["status"] == "True" for c in found)}


def classes(pets: Plugin, *words: str, kubeconfig: Path | None = None) -> dict[str, str]:
    document = json.loads(pets("orphans", "--all", "-o", "json", *words, kubeconfig=kubeconfig).stdout)
    return {item["metadata"]["name"]: item["class"] for item in document["items"]}


def become(pets: Plugin, **expected: str) -> None:
    """Wait until these claims (underscores for hyphens) are what is expected: the server says a while later that a claim is not
    used any more, and a deleted one lingers until its protection is taken off."""
    wanted = {name.replace("_", "-"): klass for name, klass in expected.items()}
    pets.eventually(lambda: classes(pets) == wanted, f"{wanted}, but {classes(pets)}")


def namespaced(pets: Plugin) -> set[str]:
    """Every resource of a namespace that can be listed, custom ones of whoever shares the control plane included."""
    return set(pets.plane.kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").stdout.split())


def volume_of(pets: Plugin, claim: str) -> Any:
    name = pets.get("pvc", claim)["spec"]["volumeName"]
    return json.loads(pets.plane.kubectl("get", "pv", name, "-o", "json").stdout)


def test_scaled_down_and_what_would_be_lost(pets: Plugin) -> None:
    make(pets)
    assert classes(pets) == {f"data-web-{ordinal}": "in-use" for ordinal in range(3)}
    shrink(pets, 1)
    become(pets, data_web_0="in-use", data_web_1="scaled-down", data_web_2="scaled-down")
    result = pets("orphans")
    assert "data-web-0" not in result.stdout and "data-web-1" in result.stdout
    assert "2 claims, 2Mi" in result.stderr and "destroy 2 volumes" in result.stderr
    assert pets("orphans", "-o", "name").stdout.splitlines() == [f"persistentvolumeclaim/data-web-{n}" for n in (1, 2)]
    pets("orphans", "--check", expect=7)
    assert "scaled-down" in pets("orphans", "explain", "data-web-2").stdout
    assert yaml.safe_load(pets("orphans", "-o", "yaml", "--older-than", "30d").stdout)["items"] == []


def test_a_set_at_zero_comes_back(pets: Plugin) -> None:
    make(pets, replicas=2)
    shrink(pets, 0)
    become(pets, data_web_0="will-return", data_web_1="will-return")
    pets("orphans", "--check")
    refused = pets("orphans", "delete", "data-web-0", "-y", expect=6)
    assert "data-web-0" in refused.stderr and len(pets.get("pvc")["items"]) == 2
    hint = refused.stderr.rstrip().rpartition("hint: ")[2]
    assert "will-return" in pets.typed(*shlex.split(hint.partition("kubectl pets ")[2])).stdout, refused.stderr


def test_an_autoscaler_s_maximum_comes_back(pets: Plugin) -> None:
    make(pets, replicas=4)
    shrink(pets, 1)
    pets.plane.apply(
        """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 1, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}}
""",
        pets.namespace,
    )
    become(pets, data_web_0="in-use", data_web_1="will-return", data_web_2="will-return", data_web_3="scaled-down")


def test_a_claim_whose_volume_is_replicated_elsewhere_is_no_candidate(pets: Plugin) -> None:
    """As what replicates volumes does (RamenDR/ramen#53); a deletion that was asked for could not be taken back."""
    make(pets)
    guard = [{"op": "add", "path": "/metadata/finalizers/-", "value": "volumereplicationgroups.ramendr.openshift.io/pvc-vr-protection"}]
    pets.kubectl("patch", "pvc", "data-web-2", "--type=json", "-p", json.dumps(guard))
    shrink(pets, 1)
    become(pets, data_web_0="in-use", data_web_1="scaled-down", data_web_2="ambiguous")
    refused = pets("orphans", "delete", "data-web-2", "-y", expect=6)
    assert "finalizer volumereplicationgroups.ramendr.openshift.io/pvc-vr-protection" in refused.stderr
    pets("orphans", "delete", "-l", "app=web", "-y")
    left = {item["metadata"]["name"]: item["metadata"].get("deletionTimestamp") for item in pets.get("pvc")["items"]}
    assert left == {"data-web-0": None, "data-web-2": None}
    pets.kubectl("patch", "pvc", "data-web-2", "--type=json", "-p", '[{"op": "remove", "path": "/metadata/finalizers/1"}]')
    become(pets, data_web_0="in-use", data_web_2="scaled-down")


@pytest.mark.parametrize("cascade", ["background", "orphan"])
def test_the_set_is_gone(pets: Plugin, cascade: str) -> None:
    make(pets, replicas=2)
    pets.kubectl("delete", "statefulset", "web", f"--cascade={cascade}")
    if cascade == "orphan":
        assert set(classes(pets).values()) == {"in-use"}
        pets.kubectl("delete", "pods", "--all")
        become(pets, data_web_0="ambiguous", data_web_1="ambiguous")  # its revisions are left: somebody may be making it again
        pets.kubectl("delete", "controllerrevisions", "--all")
    become(pets, data_web_0="set-gone", data_web_1="set-gone")
    refused = pets("orphans", "delete", "data-web-0", "-y", expect=6)
    assert "--fresh" in refused.stderr and "set-gone (fresh)" in pets("orphans").stdout
    pets("orphans", "delete", "data-web-0", "--fresh", "--dry-run")


def test_a_set_that_was_made_again_without_a_template_or_with_fewer_replicas(pets: Plugin, tmp_path: Path) -> None:
    """From the wrong manifest, and soon from the right one again: what the set before had nobody knows."""
    make(pets, replicas=2)
    (before,) = {item["metadata"]["creationTimestamp"] for item in pets.get("statefulset")["items"]}
    pets.kubectl("delete", "statefulset", "web")
    pets.eventually(lambda: not pets.get("pods")["items"] and datetime.now(UTC) > datetime.fromisoformat(before) + timedelta(seconds=5), "later")
    text = manifest("web", claims=True, replicas=1)
    for wrong, klass in ((text, "scaled-down"), (text.replace("{name: data}", "{name: logs}"), "template-gone")):
        pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=wrong)
        pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
        pets.eventually(lambda klass=klass: classes(pets)["data-web-1"] == klass, klass)  # type: ignore[misc]
        for words, code in ((("data-web-1",), 6), (("-l", "app=web"), 0)):
            refused = pets("orphans", "delete", *words, "--destroy-data", "-y", "--record", str(tmp_path), expect=code)
            assert "--fresh" in refused.stderr and "StatefulSet/web was made less than an hour ago" in " ".join(refused.stderr.split())
        assert f"{klass} (fresh)" in pets("orphans", "-o", "wide").stdout and "--fresh" in pets("orphans", "explain", "data-web-1").stdout
        assert "deletionTimestamp" not in pets.get("pvc", "data-web-1")["metadata"]
        pets.kubectl("delete", "statefulset", "web")
        pets.eventually(lambda: not pets.get("pods")["items"], "its pods are gone")
    make(pets, replicas=2)
    become(pets, data_web_0="in-use", data_web_1="in-use", logs_web_0="template-gone")
    pets("orphans", "delete", "logs-web-0", "--fresh", "-y", "--record", str(tmp_path))


def test_events_tell_of_a_set_that_has_just_gone(pets: Plugin) -> None:
    """Where the server does not say since when a claim is unused; where it does they are not asked for."""
    make(pets, replicas=2)
    pets.kubectl("delete", "statefulset", "web")
    become(pets, data_web_0="set-gone", data_web_1="set-gone")
    says = parse_version(pets.plane.version) >= (1, 37, 0)
    wanted = set() if says else {"web", "web-0", "web-1"}
    with connect(ConnectionFlags(kubeconfig=str(pets.plane.kubeconfig))) as client:
        pets.eventually(
            lambda: set(client.claim_inventory(pets.namespace, every_class=False).told.get(pets.namespace, ())) == wanted,
            f"events of {wanted}",
        )


@pytest.mark.parametrize("deleted", ["Retain", "Delete"])
@pytest.mark.parametrize("scaled", ["Retain", "Delete"])
def test_retention_policies(pets: Plugin, deleted: str, scaled: str) -> None:
    policy = f"persistentVolumeClaimRetentionPolicy: {{whenDeleted: {deleted}, whenScaled: {scaled}}}"
    make(pets, replicas=2, extra=policy)
    shrink(pets, 1)
    if scaled == "Delete":
        become(pets, data_web_0="in-use")  # the controller deleted the other one
    else:
        become(pets, data_web_0="in-use", data_web_1="owned" if deleted == "Delete" else "scaled-down")
    pets.kubectl("delete", "statefulset", "web")
    if deleted == "Delete":
        pets.eventually(lambda: not pets.get("pvc")["items"], "the garbage collector deleted the claims")
    else:
        left = {} if scaled == "Delete" else {"data_web_1": "set-gone"}
        become(pets, data_web_0="set-gone", **left)


def test_claims_that_others_want(pets: Plugin) -> None:
    for name in ("data-nightly-0", "data-idle-0", "data-typed-0"):
        pets.plane.apply(CLAIM % name, pets.namespace)
    volume = "volumes: [{name: v, persistentVolumeClaim: {claimName: %s}}], containers: [{name: c, image: 'app:1'}]"
    pets.plane.apply(
        """
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 3 1 1 *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, %s}}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: idle}
spec:
  replicas: 0
  selector: {matchLabels: {app: idle}}
  template: {metadata: {labels: {app: idle}}, spec: {%s}}
"""
        % (volume % "data-nightly-0", volume % "data-idle-0"),
        pets.namespace,
    )
    found = classes(pets)
    assert found["data-nightly-0"] == found["data-idle-0"] == "used-by-template"
    assert found["data-typed-0"] == "ambiguous"  # a name alone makes no candidate


def test_claims_that_new_volumes_are_cloned_from(pets: Plugin) -> None:
    """Each new pod of such a set gets a copy of the claim (KEP-989, ``dataSource`` in a template): without it none starts."""
    make(pets, replicas=3)
    shrink(pets, 1)
    become(pets, data_web_0="in-use", data_web_1="scaled-down", data_web_2="scaled-down")
    made = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}, dataSource: {kind: PersistentVolumeClaim, name: %s}"
    pets.plane.apply(
        """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: copies}
spec:
  replicas: 0
  selector: {matchLabels: {app: copies}}
  template: {metadata: {labels: {app: copies}}, spec: {containers: [{name: c, image: "app:1"}]}}
  volumeClaimTemplates: [{metadata: {name: d}, spec: {%s}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: scratch}
spec:
  replicas: 0
  selector: {matchLabels: {app: scratch}}
  template:
    metadata: {labels: {app: scratch}}
    spec:
      volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {%s}}}}]
      containers: [{name: c, image: "app:1"}]
"""
        % (made % "data-web-1", made % "data-web-2"),
        pets.namespace,
    )
    become(pets, data_web_0="in-use", data_web_1="used-by-template", data_web_2="used-by-template")
    assert "StatefulSet/copies" in pets("orphans", "delete", "data-web-1", "-y", expect=6).stderr


def test_colliding_names(pets: Plugin) -> None:
    """Set ``petset`` with template ``alpha-beta`` and set ``beta-petset`` with template ``alpha`` (kubernetes/kubernetes#41153)."""
    pets.plane.apply(manifest("beta-petset", replicas=1, claims=True).replace("name: data", "name: alpha"), pets.namespace)
    pets("status", "beta-petset", "-w", "--until", "ready", "--timeout", "60s")
    pets.plane.apply(manifest("petset", replicas=1, claims=True).replace("name: data", "name: alpha-beta"), pets.namespace)
    pets.eventually(lambda: len(pets.get("pvc")["items"]) == 1, "one claim for both")
    pets.kubectl("delete", "statefulset", "beta-petset")
    assert classes(pets)["alpha-beta-petset-0"] in ("in-use", "in-range")


def test_delete_keeps_the_data_and_restore_brings_it_back(pets: Plugin, tmp_path: Path) -> None:
    make(pets)
    shrink(pets, 1)
    before = volume_of(pets, "data-web-2")
    assert before["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    shown = pets("orphans", "delete", "data-web-2", "--dry-run").stdout
    assert "Retain" in shown and "data-web-2" in shown
    refused = pets("orphans", "delete", "data-web-2", expect=6)
    assert "1 claim" in refused.stderr and "no volume" in refused.stderr and "-y" in refused.stderr
    assert len(pets.get("pvc")["items"]) == 3
    pets("orphans", "delete", "data-web-2", "-y", "--record", str(tmp_path))
    become(pets, data_web_0="in-use", data_web_1="scaled-down")
    held = json.loads(pets.plane.kubectl("get", "pv", before["metadata"]["name"], "-o", "json").stdout)
    assert held["spec"]["persistentVolumeReclaimPolicy"] == "Retain" and held["status"]["phase"] == "Released"
    (record,) = tmp_path.glob("*.json")
    pets("orphans", "restore", str(record))
    pets("orphans", "restore", str(record))  # again: nothing to do
    after = volume_of(pets, "data-web-2")
    assert after["metadata"]["uid"] == before["metadata"]["uid"] and after["status"]["phase"] == "Bound"
    assert after["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
    assert not any(key.startswith("kubectl-pets/") for key in after["metadata"]["annotations"])
    shrink(pets, 3)  # grows: the pod comes up with the same volume
    assert volume_of(pets, "data-web-2")["metadata"]["uid"] == before["metadata"]["uid"]


def test_restore_from_the_volume_alone_and_refusal_when_the_name_is_taken(pets: Plugin, tmp_path: Path) -> None:
    make(pets, replicas=2)
    shrink(pets, 1)
    volume = volume_of(pets, "data-web-1")["metadata"]["name"]
    pets("orphans", "delete", "data-web-1", "-y", "--record", str(tmp_path))
    shrink(pets, 2)  # a new claim takes the name
    refused = pets("orphans", "restore", volume, expect=6)
    assert "data-web-1" in refused.stderr
    shrink(pets, 1)
    pets.kubectl("delete", "pvc", "data-web-1")
    pets("orphans", "restore", volume)
    assert pets.get("pvc", "data-web-1")["spec"]["volumeName"] == volume


def test_destroying_data_takes_a_word_of_its_own(pets: Plugin, tmp_path: Path) -> None:
    make(pets, replicas=2)
    shrink(pets, 1)
    volume = volume_of(pets, "data-web-1")["metadata"]["name"]
    asked = pets("orphans", "delete", "data-web-1", "--destroy-data", expect=6)
    assert "DESTROYS 1 volume" in asked.stderr
    pets("orphans", "delete", "data-web-1", "--destroy-data", "-y", "--record", str(tmp_path))
    pets.plane.kubectl("wait", "--for=delete", f"pv/{volume}", "--timeout=60s")


def test_purge_takes_only_our_leftovers(pets: Plugin, tmp_path: Path) -> None:
    make(pets, replicas=2)
    shrink(pets, 1)
    volume = volume_of(pets, "data-web-1")["metadata"]["name"]
    pets("orphans", "delete", "data-web-1", "-y", "--record", str(tmp_path))
    # no leftover before its claim is really gone, and the volume released
    pets.eventually(lambda: volume in pets("orphans", "purge", "--older-than", "0", "--dry-run").stdout, "a leftover")
    assert volume not in pets("orphans", "purge", "--older-than", "1d", "--dry-run").stdout
    pets("orphans", "purge", "--older-than", "0", expect=6)
    assert volume in pets.plane.kubectl("get", "pv").stdout


def test_newest_ordinals_limits_and_selectors(pets: Plugin, tmp_path: Path) -> None:
    make(pets, replicas=4)
    shrink(pets, 1)
    planned = pets("orphans", "delete", "--class", "scaled-down", "--keep", "1", "--limit", "1", "--dry-run", "-o", "json")
    assert [item["claim"]["metadata"]["name"] for item in json.loads(planned.stdout)["deletions"]] == ["data-web-1"]
    pets("orphans", "delete", expect=2)
    pets("orphans", "delete", "-l", "app=other", "-y")
    pets("orphans", "delete", "-l", "app=web", "--keep", "1", "-y", "--record", str(tmp_path))
    become(pets, data_web_0="in-use", data_web_3="scaled-down")
    pets("orphans", "delete", "data-web-9", "-y", expect=1)


def test_used_between_plan_and_deletion(pets: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim is mounted after the question was answered: it is judged again and left alone."""
    from kubectl_pets.flows.orphans.records import RecordBook

    make(pets, replicas=3)
    shrink(pets, 1)
    real = RecordBook.add

    def add(book: RecordBook, record: Any) -> None:
        if record.claim.name == "data-web-1":
            shrink(pets, 3)  # somebody scales up when the first claim has just been judged
        real(book, record)

    monkeypatch.setattr(RecordBook, "add", add)
    uids = {name: pets.get("pvc", name)["metadata"]["uid"] for name in ("data-web-1", "data-web-2")}
    result = pets("orphans", "delete", *uids, "-y", "--record", str(tmp_path), expect=6)
    assert "[1/2] refused" in result.stderr and "[2/2] refused" in result.stderr
    for name, uid in uids.items():
        live = pets.get("pvc", name)
        assert live["metadata"]["uid"] == uid and "deletionTimestamp" not in live["metadata"]
        assert volume_of(pets, name)["spec"]["persistentVolumeReclaimPolicy"] == "Delete"


def test_keep_and_unkeep(pets: Plugin) -> None:
    make(pets, replicas=2)
    shrink(pets, 1)
    pets("orphans", "keep", "data-web-1", "--why", "the March backup")
    assert classes(pets)["data-web-1"] == "kept"
    assert "the March backup" in pets("orphans", "explain", "data-web-1").stdout
    pets("orphans", "delete", "data-web-1", "-y", expect=6)
    pets("orphans", "unkeep", "data-web-1")
    assert classes(pets)["data-web-1"] == "scaled-down"


def test_without_sets_nothing_is_certain_and_that_is_told(pets: Plugin) -> None:
    """Not even of claims that would be no candidates for another reason: "no candidates" alone would say too much."""
    make(pets, replicas=2)
    shrink(pets, 1)
    resources = namespaced(pets) - {"statefulsets.apps"}
    pets.kubectl("create", "role", "look", "--verb=get,list", f"--resource={','.join(sorted(resources))}")
    pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=heidi")
    words = ("auth", "can-i", "list", "persistentvolumeclaims", "--as=heidi", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    kubeconfig = pets.plane.kubeconfig_for("heidi")
    assert "not read: statefulsets" in pets("orphans", kubeconfig=kubeconfig).stderr
    pets("orphans", "--check", expect=7, kubeconfig=kubeconfig)


@pytest.mark.parametrize("hidden", ["pods", "cronjobs.batch", "persistentvolumes", "horizontalpodautoscalers.autoscaling"])
def test_what_may_not_be_read_makes_unsure(pets: Plugin, hidden: str) -> None:
    make(pets, replicas=2)
    shrink(pets, 1)
    resources = namespaced(pets) - {hidden}
    # volumes belong to no namespace: whoever may read them for one of these tests may for all
    user, role = "ivan" if hidden == "persistentvolumes" else "frank", f"look-{pets.namespace}"
    pets.kubectl("create", "role", "look", "--verb=get,list", f"--resource={','.join(sorted(resources))}")
    pets.kubectl("create", "rolebinding", "look", "--role=look", f"--user={user}")
    if hidden != "persistentvolumes":
        pets.plane.kubectl("create", "clusterrole", role, "--verb=get,list", "--resource=persistentvolumes")
        pets.plane.kubectl("create", "clusterrolebinding", role, f"--clusterrole={role}", f"--user={user}")
    words = ("auth", "can-i", "list", "persistentvolumeclaims", f"--as={user}", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    kubeconfig = pets.plane.kubeconfig_for(user)
    try:
        assert classes(pets, kubeconfig=kubeconfig)["data-web-1"] == "unsure"
        seen = json.loads(pets("orphans", "-o", "json", kubeconfig=kubeconfig).stdout)["items"]
        unread = {each["subject"] for item in seen for each in item["evidence"] if each["kind"] == "not-read"}
        assert unread == {hidden.partition(".")[0]}
        shown = pets("orphans", kubeconfig=kubeconfig)
        assert "unsure" in shown.stdout and "scaled-down" in shown.stdout  # what it would be, were everything read
        pets("orphans", "delete", "data-web-1", "-y", expect=6, kubeconfig=kubeconfig)
    finally:
        for kind in ("clusterrolebinding", "clusterrole"):
            pets.plane.kubectl("delete", kind, role, check=False)


def test_what_is_not_certain_is_not_called_nothing(pets: Plugin, tmp_path: Path) -> None:
    """"Nothing to delete", and exit code 0, was said by who may not read one list on which it depends."""
    make(pets, replicas=2)
    shrink(pets, 1)
    resources = namespaced(pets) - {"cronjobs.batch"}
    pets.kubectl("create", "role", "look", "--verb=get,list", f"--resource={','.join(sorted(resources))}")
    pets.kubectl("create", "rolebinding", "look", "--role=look", "--user=ivan")
    words = ("auth", "can-i", "list", "persistentvolumeclaims", "--as=ivan", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    chosen = ("--class", "scaled-down", "-y", "--record", str(tmp_path), "--as", "ivan")
    for more in ((), ("--dry-run",)):
        told = pets("orphans", "delete", *chosen, *more, expect=6).stderr
        assert "not everything could be read" in told and "data-web-1" in told and "not read: cronjobs" in told
    assert "not everything" not in pets("orphans", "delete", "--class", "set-gone", "-y", "--as", "ivan").stderr
    assert "kubernetes.io/pvc-protection" in pets.get("pvc", "data-web-1")["metadata"]["finalizers"]


def test_of_two_that_were_named_one_is_refused(pets: Plugin, tmp_path: Path) -> None:
    """Exit code 0 said that both were deleted."""
    make(pets, replicas=3)
    shrink(pets, 1)
    told = pets("orphans", "delete", "data-web-0", "data-web-1", "-y", "--record", str(tmp_path), expect=3)
    assert "deleted" in told.stdout and "data-web-0: not a candidate" in told.stderr
    pets("orphans", "delete", "data-web-0", "data-web-2", "-y", "--keep", "1", "--record", str(tmp_path), expect=6)
    pets("orphans", "delete", "-l", "app=web", "-y", "--record", str(tmp_path))
