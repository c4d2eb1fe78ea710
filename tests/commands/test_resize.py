"""Resizing on the real control plane, with the real resizer over a CSI driver of our own: the plan, and what speaks against it."""

import json
from typing import Any

import pytest
import yaml

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
    assert "template: data says 1Gi and stays so" in found.stdout and "chart: volumeClaimTemplates[data]" in found.stdout
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
