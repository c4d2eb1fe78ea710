"""Resizing on the real control plane, with the real resizer over a CSI driver of our own: the plan, and what speaks against it."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.gate import gate
from tests.commands.plugin import Plugin, manifest
from tests.controlplane import ControlPlane, Storage

pytestmark = pytest.mark.real

GIB = 1 << 30


def make(pets: Plugin, storage_class: str, size: str = "1Gi", *, labels: str = "{}", **changes: Any) -> None:
    """A set of three whose claims are of that class; all is ready when this returns."""
    text = yaml.safe_load(manifest("web", policy="Parallel", **changes))
    text["spec"]["volumeClaimTemplates"] = [{
        "metadata": {"name": "data", "labels": yaml.safe_load(labels)},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": storage_class, "resources": {"requests": {"storage": size}}},
    }]
    mounts = [{"name": "data", "mountPath": "/data"}]
    text["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = mounts
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(text))
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")


def sizes(pets: Plugin) -> dict[str, tuple[str, str]]:
    """What each claim asks for and has."""
    return {
        each["metadata"]["name"]: (each["spec"]["resources"]["requests"]["storage"], each["status"]["capacity"]["storage"])
        for each in pets.get("pvc")["items"]
    }


def ask(pets: Plugin, claim: str, size: str) -> None:
    pets.kubectl("patch", "pvc", claim, "--type=merge", "-p", json.dumps({"spec": {"resources": {"requests": {"storage": size}}}}))


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes and drivers are given a second."""
    for name in ("flows.resize.carry.NODE_PATIENCE", "flows.resize.carry.REFUSED_PATIENCE", "domain.resize.plan.NODE_PATIENCE"):
        monkeypatch.setattr(f"kubectl_pets.{name}", timedelta(seconds=1))


def untouched(pets: Plugin) -> bool:
    return set(sizes(pets).values()) == {("1Gi", "1Gi")}


def test_the_plan_says_what_it_takes_and_changes_nothing(pets: Plugin, storage: Storage) -> None:
    name = storage.storage_class()
    make(pets, name)
    before = pets.get("pvc")["items"]
    found = pets("resize", "web", "2Gi", "--plan")
    volume = pets.get("pvc", "data-web-2")["spec"]["volumeName"]
    assert f"{pets.namespace}/web: claims of template data to 2Gi" in found.stdout
    assert f"  1. data-web-2: has 1Gi -> 2Gi; class {name} (folders.kubectl-pets.test, can grow), volume {volume} (Delete)" in found.stdout
    assert "3 claims to change, one at a time, the highest ordinal first, each accepted by the API server (dry run)" in found.stdout
    assert "template: data says 1Gi -> 2Gi, at last: the set is deleted alone" in found.stdout and "(dry run)" in found.stdout.splitlines()[-2]
    assert "chart: volumeClaimTemplates[data]" in found.stdout
    assert pets.get("pvc")["items"] == before
    document = json.loads(pets("resize", "sts/web", "data=2Gi", "--plan", "-o", "json").stdout)
    assert document["kind"] == "ResizePlan" and document["bytes"] == 2 * GIB and document["objections"] == []
    assert [each["name"] for each in document["claims"]] == ["data-web-2", "data-web-1", "data-web-0"]


def test_what_admission_would_refuse_half_way_is_refused_before(pets: Plugin, storage: Storage) -> None:
    """Two of three would fit into the quota."""
    make(pets, storage.storage_class())
    pets.kubectl("create", "quota", "team", "--hard=requests.storage=5Gi")
    pets.eventually(lambda: pets.get("quota", "team").get("status", {}).get("used") == {"requests.storage": "3Gi"}, "the quota counts")
    found = pets("resize", "web", "2Gi", "--plan", expect=6)
    assert "refused: ResourceQuota team (requests.storage) leaves 2Gi, which is not enough for all of them" in found.stdout
    assert "quota: team leaves 2Gi of requests.storage, this takes 3Gi" in found.stdout and untouched(pets)


def test_the_api_server_s_own_word_is_told(pets: Plugin, storage: Storage) -> None:
    """A LimitRange is nothing that the plan knows of."""
    make(pets, storage.storage_class())
    limit = {
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
        "spec": {"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "3Gi"}}]},
    }
    pets.plane.apply(json.dumps(limit), pets.namespace)
    pets.eventually(lambda: pets("resize", "web", "5Gi", "--plan", expect=None).code == 6, "the limit is known to admission")
    found = pets("resize", "web", "5Gi", "--plan", expect=6)
    assert "refused by the API server: data-web-2: " in found.stdout and "maximum storage usage per PersistentVolumeClaim is 3Gi" in found.stdout
    assert pets("resize", "web", "3Gi", "--plan").code == 0 and untouched(pets)


def test_a_class_that_cannot_grow_a_smaller_size_and_what_is_not_there(pets: Plugin, storage: Storage) -> None:
    name = storage.storage_class(expandable=False)
    make(pets, name)
    assert f"StorageClass {name} of data-web-2..data-web-0 does not say allowVolumeExpansion: true" in pets("resize", "web", "2Gi", "--plan", expect=6).stdout
    assert "up to 1Gi: a volume never gets smaller" in pets("resize", "web", "500Mi", "--plan", expect=6).stdout
    assert "no claim template logs; there is data" in pets("resize", "web", "logs=2Gi", "--plan", expect=6).stdout
    unknown = pets("resize", "web", "2Gi", "--attributes-class", "nosuch-class", "--plan", expect=6)
    assert "there is no VolumeAttributesClass nosuch-class" in unknown.stdout
    assert "not a size" in pets("resize", "web", "large", "--plan", expect=2).stderr
    assert "nosuch" in pets("resize", "nosuch", "2Gi", "--plan", expect=1).stderr


def test_who_and_what_speaks_against_it_is_left_as_it_is_with_the_next_command(pets: Plugin, storage: Storage) -> None:
    """An operator, a class of another driver's attributes, a StorageClass that is gone, a claim on its way out: before the first change."""
    name = storage.storage_class()
    make(pets, name)

    def refused(*words: str, says: str, then: str) -> None:
        def there() -> list[Any]:
            return [*pets.get("pvc")["items"], pets.set(), sorted(pets.uids().items())]

        before = there()
        for dry in (("--plan",), ("-y",)):
            told = pets("resize", "web", "2Gi", *words, *dry, expect=6)
            assert says in told.stdout and then in told.stdout + told.stderr, told
        assert there() == before

    pets.kubectl("create", "configmap", "operator")
    uid = pets.get("configmap", "operator")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "operator", "uid": uid, "controller": True, "blockOwnerDeletion": True}
    pets.kubectl("patch", "sts", "web", "--type=merge", "-p", json.dumps({"metadata": {"ownerReferences": [owner]}}))
    refused(says="ConfigMap/operator", then=f"kubectl pets resize web 2Gi --operator-paused --plan -n {pets.namespace}")
    pets.kubectl("patch", "sts", "web", "--type=merge", "-p", '{"metadata":{"ownerReferences":null}}')
    foreign = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": name}, "driverName": "other.example.org"}
    pets.plane.kubectl("create", "-f", "-", input=json.dumps({**foreign, "parameters": {"iops": "1"}}))
    refused("--attributes-class", name, says="other.example.org", then="hint: kubectl get volumeattributesclasses")
    kept = json.loads(pets.plane.kubectl("get", "storageclass", name, "-o", "json").stdout)
    pets.plane.kubectl("delete", "storageclass", name)
    refused(says=name, then="hint: kubectl get storageclasses")
    pets.plane.kubectl("create", "-f", "-", input=json.dumps({**kept, "metadata": {"name": name}}))
    pets.kubectl("delete", "pvc", "data-web-1", "--wait=false")
    refused(says="data-web-1", then="hint: kubectl describe pvc data-web-1")


def test_three_ways_of_standing_still_are_told_apart(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class(expand_most=3 * GIB, expand_refusal="out-of-range"))
    ask(pets, "data-web-2", "5Gi")
    pets.kubectl("wait", "pvc", "data-web-2", "--for=condition=ControllerResizeError", "--timeout=60s")
    found = pets("resize", "web", "5Gi", "--plan").stdout
    assert "data-web-2: has 1Gi, infeasible" in found and "it can be asked for less, as long as that is more than 1Gi" in found
    assert "the pool has no" in found
    smaller = pets("resize", "web", "3Gi", "--plan").stdout
    assert "-> 3Gi" in smaller.splitlines()[1] and "3 claims to change" in smaller
    assert "is not taken back, only made smaller (more than 1Gi)" in pets("resize", "web", "1Gi", "--plan", expect=6).stdout


def test_a_claim_that_stands_still_is_known_elsewhere_and_no_candidate(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class(expand_most=3 * GIB, expand_refusal="out-of-range"))
    ask(pets, "data-web-2", "5Gi")
    pets.kubectl("wait", "pvc", "data-web-2", "--for=condition=ControllerResizeError", "--timeout=60s")
    told = pets("status", "web", expect=4).stdout
    assert "a claim stands still" in told
    assert "the resize of data-web-2 does not go on by itself" in pets("list", "--problems", "--check", expect=7).stdout
    assert "Stalled     data-web-2 to 5Gi: has 1Gi, infeasible" in told and "the pool has no" in told
    assert "3 (1 stalled!)" in pets("list", "web", "--phase", "claim-stalled", "-o", "wide").stdout
    leaves = pets("scale", "web", "--replicas", "2", "--plan").stdout
    assert "warning: data-web-2 is being resized" in leaves
    assert "data-web-2 is being resized" not in pets("scale", "web", "--replicas", "4", "--plan").stdout
    pets.kubectl("scale", "sts/web", "--replicas=2")
    pets.kubectl("wait", "pod", "web-2", "--for=delete", "--timeout=60s")
    pets.eventually(lambda: "in-use" not in pets("orphans", "explain", "data-web-2").stdout, "the server noticed that it is not used")
    why = pets("orphans", "explain", "data-web-2").stdout
    assert "ambiguous" in why and "it is being resized" in why


def test_one_that_waits_for_its_node_or_its_pod(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class(expand_offline=True))
    ask(pets, "data-web-2", "2Gi")
    pets.kubectl("wait", "pvc", "data-web-2", "--for=condition=ControllerResizeError", "--timeout=60s")
    found = pets("resize", "web", "2Gi", "--plan").stdout
    assert "data-web-2: has 1Gi, the driver expands nothing in use" in found and "restarts: web-2 now" in found


def test_a_rollout_under_way_comes_first(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class())
    pets("rollout", "canary", "web", "--image", "app:2", "--timeout", "60s")
    assert "a rollout is under way" in pets("resize", "web", "2Gi", "--plan", expect=6).stdout


def test_who_may_only_look_gets_a_plan_that_says_what_was_not_asked(pets: Plugin, storage: Storage, controlplane: ControlPlane) -> None:
    make(pets, storage.storage_class())
    pets.kubectl("create", "role", "looks", "--verb=get,list,watch", "--resource=statefulsets.apps,pods,persistentvolumeclaims,controllerrevisions.apps")
    pets.kubectl("create", "rolebinding", "looks", "--role=looks", "--user=judy")
    found = pets("resize", "web", "2Gi", "--plan", kubeconfig=controlplane.kubeconfig_for("judy")).stdout
    for line in ("claims may not be patched", "ResourceQuotas may not be listed", "volumes may not be read", "StorageClasses may not be listed"):
        assert f"skipped: {line}" in found
    assert "(dry run)" not in found
    refused = pets("resize", "web", "2Gi", "-y", expect=6, kubeconfig=controlplane.kubeconfig_for("judy")).stderr
    assert "patch persistentvolumeclaims" in refused and "create statefulsets.apps" in refused and "Nothing was changed" in refused
    assert "kubectl auth can-i patch persistentvolumeclaims" in refused and untouched(pets)


# --- carried out -------------------------------------------------------------------------------------------------------------


def template_size(pets: Plugin) -> str:
    (found,) = pets.set()["spec"]["volumeClaimTemplates"]
    return str(found["spec"]["resources"]["requests"]["storage"])


def revisions(pets: Plugin) -> list[tuple[str, str, int]]:
    return sorted((each["metadata"]["name"], each["metadata"]["uid"], each["revision"]) for each in pets.get("controllerrevisions")["items"])


def test_all_claims_grow_and_no_pod_is_started_again(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class())
    for each in pets.get("pvc")["items"]:
        (storage.data(each["spec"]["volumeName"]) / "file").write_text(each["metadata"]["name"])
    pods, history, owner = pets.uids(), revisions(pets), pets.set()["metadata"]["uid"]
    found = pets("resize", "web", "2Gi", "-y", "--timeout", "60s")
    assert set(sizes(pets).values()) == {("2Gi", "2Gi")}
    order = [line.split(":")[0] for line in found.stderr.splitlines() if "1Gi -> 2Gi" in line]
    assert order == ["data-web-2", "data-web-1", "data-web-0"]
    assert f"{pets.namespace}/web: 3 claims at 2Gi, and the template" in found.stderr and "without a StatefulSet for" in found.stderr
    assert (pets.uids(), revisions(pets)) == (pods, history) and pets.set()["metadata"]["uid"] != owner
    assert template_size(pets) == "2Gi"
    for each in pets.get("pvc")["items"]:
        assert (storage.data(each["spec"]["volumeName"]) / "file").read_text() == each["metadata"]["name"]
    assert "3 claims at 2Gi" in pets("resize", "web", "2Gi", "--timeout", "60s").stderr
    pets("scale", "web", "--replicas", "4")
    assert sizes(pets)["data-web-3"] == ("2Gi", "2Gi")


def test_claims_alone_some_of_them_and_a_canary(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class())
    owner = pets.set()["metadata"]["uid"]
    found = pets("resize", "web", "2Gi", "-y", "--canary", "1", "--timeout", "60s").stderr
    assert "1 claim at 2Gi" in found and "the others, and the template: kubectl pets resize web 2Gi" in found
    assert sizes(pets) == {"data-web-0": ("1Gi", "1Gi"), "data-web-1": ("1Gi", "1Gi"), "data-web-2": ("2Gi", "2Gi")}
    pets("resize", "web", "2Gi", "-y", "--pod", "0", "--timeout", "60s")
    assert sizes(pets)["data-web-0"] == ("2Gi", "2Gi") and sizes(pets)["data-web-1"] == ("1Gi", "1Gi")
    assert "no claim of ordinal 7" in pets("resize", "web", "2Gi", "--pod", "7", "--plan", expect=6).stdout
    found = pets("resize", "web", "2Gi", "-y", "--keep-template", "--timeout", "60s").stderr
    assert "template: data says 1Gi and stays so" in found and pets.set()["metadata"]["uid"] == owner
    pets("resize", "web", "2Gi", "-y", "--timeout", "60s")
    assert template_size(pets) == "2Gi" and pets.set()["metadata"]["uid"] != owner


def test_it_stops_at_what_cannot_be_had_and_is_made_smaller(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class(expand_most=3 * GIB, expand_refusal="out-of-range"))
    found = pets("resize", "web", "5Gi", "-y", "--timeout", "60s", expect=4)
    assert "stuck:" in found.stderr and "data-web-2 has 1Gi, infeasible" in found.stderr and "Not touched: data-web-1, data-web-0." in found.stderr
    assert "hint: ask for less: it can be asked for less, as long as that is more than 1Gi" in found.stderr
    assert sizes(pets) == {"data-web-0": ("1Gi", "1Gi"), "data-web-1": ("1Gi", "1Gi"), "data-web-2": ("5Gi", "1Gi")}
    pets("resize", "web", "3Gi", "-y", "--timeout", "60s")
    assert set(sizes(pets).values()) == {("3Gi", "3Gi")}


def test_a_pod_that_has_to_be_started_again_is_named(pets: Plugin, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)
    make(pets, storage.storage_class(node_step=True), labels='{"kubectl-pets.test/node-step": held}')
    found = pets("resize", "web", "2Gi", "-y", "--timeout", "60s", expect=4)
    assert "data-web-2 has 1Gi, its volume has grown and the node waits" in found.stderr
    assert "start the pod again with: kubectl pets rollout restart web --pod 2" in found.stderr
    assert sizes(pets)["data-web-1"] == ("1Gi", "1Gi")
    monkeypatch.undo()
    pets.kubectl("label", "pvc", "--all", "kubectl-pets.test/node-step-")
    pets.kubectl("wait", "pvc", "data-web-2", "--for=jsonpath={.status.capacity.storage}=2Gi", "--timeout=60s")
    pets("resize", "web", "2Gi", "-y", "--timeout", "60s")
    assert set(sizes(pets).values()) == {("2Gi", "2Gi")}


def test_a_pod_is_started_again_where_that_is_agreed_to_and_once(pets: Plugin, storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)
    make(pets, storage.storage_class(node_step=True), labels='{"kubectl-pets.test/node-step": held}')
    before, owner = pets.uids(), pets.set()["metadata"]["uid"]
    found = pets("resize", "web", "2Gi", "-y", "--restart", "--timeout", "120s", expect=4)
    after = pets.uids()
    assert after["web-2"] != before["web-2"] and {after[each] for each in ("web-0", "web-1")} == {before[each] for each in ("web-0", "web-1")}
    assert "data-web-2 has 1Gi, its volume has grown and the node waits" in found.stderr and pets.set()["metadata"]["uid"] == owner
    pets.kubectl("label", "pvc", "--all", "kubectl-pets.test/node-step-")
    pets.kubectl("wait", "pvc", "data-web-2", "--for=jsonpath={.status.capacity.storage}=2Gi", "--timeout=60s")
    monkeypatch.undo()
    pets("resize", "web", "2Gi", "-y", "--timeout", "120s")
    assert set(sizes(pets).values()) == {("2Gi", "2Gi")} and template_size(pets) == "2Gi" and pets.uids() == after


def test_size_and_attributes_class_in_one_change(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class())
    gold = storage.attributes_class(iops=5000)
    pets("resize", "web", "2Gi", "--attributes-class", gold, "-y", "--timeout", "180s")  # the resizer may meet itself, and waits then
    assert set(sizes(pets).values()) == {("2Gi", "2Gi")}
    assert {each["status"]["currentVolumeAttributesClassName"] for each in pets.get("pvc")["items"]} == {gold}
    absurd = storage.attributes_class(iops=99999)
    found = pets("resize", "web", "2Gi", "--attributes-class", absurd, "-y", "--timeout", "60s", expect=4)
    assert f"attributes class {absurd} is refused by the driver" in found.stderr


def test_attributes_that_were_taken_back_are_no_fault_of_the_claim(pets: Plugin, storage: Storage) -> None:
    """KEP-3751: what never had a class may ask for none again. The resizer leaves what it noted where it is, for good."""
    make(pets, storage.storage_class())
    absurd = storage.attributes_class(iops=99999)
    pets("resize", "web", "1Gi", "--attributes-class", absurd, "-y", "--timeout", "60s", expect=4)
    assert "PETS312" in pets("doctor", "web", "--only", "PETS312", "-o", "json", expect=7).stdout
    pets.kubectl("patch", "pvc", "data-web-2", "--type=merge", "-p", '{"spec":{"volumeAttributesClassName":null}}')
    pets.eventually(
        lambda: "ModifyingVolume" not in {each["type"] for each in pets.get("pvc", "data-web-2")["status"]["conditions"]},
        "the resizer has given up on it",
    )
    assert pets.get("pvc", "data-web-2")["status"]["modifyVolumeStatus"]["status"] == "Infeasible"
    assert json.loads(pets("doctor", "web", "--only", "PETS312", "-o", "json").stdout)["findings"] == []


def test_killed_and_typed_again_it_goes_on(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class(expand_takes="1s"))
    before = pets.uids()
    for number in range(1, 3):
        running = pets.start("resize", "web", "2Gi", "-y")
        pets.eventually(lambda: sum(each[0] == "2Gi" for each in sizes(pets).values()) >= number, f"claim {number} is asked for")
        running.kill()
        running.communicate()
    two = [pets.start("resize", "web", "2Gi", "-y") for _ in range(2)]
    told = [each.communicate() for each in two]
    assert [each.returncode for each in two] == [0, 0], told
    assert set(sizes(pets).values()) == {("2Gi", "2Gi")} and pets.uids() == before and template_size(pets) == "2Gi"


def test_a_set_that_another_run_makes_again_while_a_claim_is_waited_for(pets: Plugin, storage: Storage, tmp_path: Path) -> None:
    make(pets, storage.storage_class(expand_takes="1s"))
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with gate(pets.plane, first) as (waiting, one), gate(pets.plane, second) as (away, other):
        waiting.stop("GET", "/persistentvolumeclaims/data-web-0", answered=False)
        away.stop("POST", "/statefulsets", answered=False, dry_runs=False)
        runs = [pets.start("resize", "web", "2Gi", "-y", kubeconfig=one)]
        waiting.reached()
        runs.append(pets.start("resize", "web", "2Gi", "-y", kubeconfig=other))
        away.reached()  # there is no set now
        waiting.let_through()
        told = [runs[0].communicate()]
        away.let_through()
        told.append(runs[1].communicate())
    assert [each.returncode for each in runs] == [0, 0], told
    assert "web is being made again" in told[0][1] and "going on with that" in told[0][1]
    assert template_size(pets) == "2Gi"


def test_time_is_over_before_the_storage_is_through(pets: Plugin, storage: Storage) -> None:
    make(pets, storage.storage_class(expand_fails=1000))
    found = pets("resize", "web", "2Gi", "-y", "--timeout", "5s", expect=5)
    assert found.stderr.count("data-web-2 has 1Gi, the driver fails") == 1, "told while it is waited for, once"
    assert "timed out:" in found.stderr and "0 of 3 claims done" in found.stderr and "goes on from here" in found.stderr
    assert sizes(pets)["data-web-1"] == ("1Gi", "1Gi")
