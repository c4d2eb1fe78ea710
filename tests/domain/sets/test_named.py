"""Sets in which every pod stands by its name, judged from objects of the shapes that their controllers write (KubeBlocks
reconciler_revision_update.go and reconciler_status.go, Strimzi StrimziPodSetController)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.inventory import snapshots
from kubectl_pets.domain.model import Inventory, PersistentVolumeClaim, Pod, SetView, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment, Awaited, Cause, Phase
from kubectl_pets.domain.sets.grouping import folded
from kubectl_pets.domain.sets.kinds import INSTANCE_SET, STRIMZI_POD_SET, kind_named, kind_of
from kubectl_pets.views.rollout.advice import after_a_look

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
ROLES = {"db-0": "rev-1", "db-1": "rev-1", "db-big-0": "rev-big"}


def instance_set(wanted: dict[str, str], *, replicas: int | None = None, seen: int = 2, **spec: Any) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "app", "image": "app:1"}]}}
    return {
        "apiVersion": "workloads.kubeblocks.io/v1",
        "kind": "InstanceSet",
        "metadata": {"name": "db", "namespace": "x", "uid": "u", "generation": 2},
        "spec": {
            "replicas": len(wanted) if replicas is None else replicas,
            "selector": {"matchLabels": {"app": "db"}},
            "template": template,
            **spec,
        },
        "status": {"observedGeneration": seen, "updateRevisions": wanted, "updateRevision": "rev-1"},
    }


def pod_set(*revisions: str, seen: int = 2, first: int = 3) -> dict[str, Any]:
    pods = [
        {
            "metadata": {"name": f"db-{first + index}", "annotations": {"strimzi.io/revision": each}},
            "spec": {"subdomain": "db-brokers", "containers": [{"name": "kafka", "image": "kafka:1"}]},
        }
        for index, each in enumerate(revisions)
    ]
    return {
        "apiVersion": "core.strimzi.io/v1beta2",
        "kind": "StrimziPodSet",
        "metadata": {"name": "db", "namespace": "x", "uid": "u", "generation": 2},
        "spec": {"selector": {"matchLabels": {"app": "db"}}, "pods": pods},
        "status": {"observedGeneration": seen},
    }


def pod(name: str, revision: str, *, image: str = "app:1", runs: str = "", ready: bool = True, owner: str = "u") -> dict[str, Any]:
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": "2026-11-27T02:00:00Z"}
    status = {"name": "app", "image": f"docker.io/library/{runs or image}", "ready": ready, "state": {"running": {}}}
    return {
        "metadata": {
            "name": name,
            "namespace": "x",
            "uid": name,
            "labels": {"app": "db", "controller-revision-hash": revision},
            "annotations": {"strimzi.io/revision": revision},
            "ownerReferences": [{"kind": "Any", "name": "db", "uid": owner, "controller": True}],
        },
        "spec": {"nodeName": "n", "containers": [{"name": "app", "image": image}]},
        "status": {"phase": "Running", "conditions": [condition], "containerStatuses": [status]},
    }


def look(owner: dict[str, Any], *pods: dict[str, Any]) -> Assessment:
    found = msgspec.json.decode(json.dumps(owner), type=StatefulSet)
    read = tuple(msgspec.json.decode(json.dumps(each), type=Pod) for each in pods)
    one = assess(folded(SetView(set=found, pods=read)), NOW)
    (many,) = snapshots(Inventory(sets=(found,), pods=read))
    assert assess(many, NOW).phase is one.phase
    return one


def everything() -> list[dict[str, Any]]:
    return [pod(name, revision) for name, revision in ROLES.items()]


def test_names_of_instance_templates() -> None:
    seen = look(instance_set(ROLES, instances=[{"name": "big"}]), *everything())
    assert seen.phase is Phase.COMPLETE
    assert [member.name for member in seen.members] == ["db-0", "db-1", "db-big-0"] and all(each.updated for each in seen.members)
    assert (seen.replicas, seen.available, seen.kind) == (3, 3, INSTANCE_SET)


def test_a_name_that_is_not_there_is_missing_and_one_besides_is_surplus() -> None:
    """As while an instance template is taken away: its pod is still there, and no number after the set's name."""
    wanted = {"db-0": "rev-1", "db-1": "rev-1"}
    seen = look(instance_set(wanted), pod("db-0", "rev-1"), pod("db-big-0", "rev-big"))
    assert [(member.name, member.state.value) for member in seen.members] == [("db-0", "available"), ("db-1", "missing")]
    assert [member.name for member in seen.surplus] == ["db-big-0"] and seen.phase is Phase.SCALING


def test_ordinals_are_those_of_the_names_where_they_are_numbers() -> None:
    """Taken offline: db-1; ordinals: ranges and single ones."""
    wanted = {f"db-{ordinal}": "rev-1" for ordinal in (2, 0, 7, 10)}
    seen = look(instance_set(wanted), *(pod(name, "rev-1") for name in wanted))
    assert [member.ordinal for member in seen.members] == [0, 2, 7, 10] and seen.phase is Phase.COMPLETE
    assert seen.slots.reserved.ranges == ((1, 1), (3, 6), (8, 9))
    offline = look(instance_set({"db-0": "rev-1", "db-2": "rev-1"}), *(pod(f"db-{each}", "rev-1") for each in range(3)))
    assert [member.ordinal for member in offline.surplus] == [1] and offline.phase is not Phase.COMPLETE


def test_a_pod_is_updated_where_it_is_at_its_own_wanted_revision() -> None:
    """Each template has its own, and the set's is that of any of them."""
    seen = look(instance_set(ROLES, instances=[{"name": "big"}]), pod("db-0", "rev-1"), pod("db-1", "rev-1"), pod("db-big-0", "rev-1"))
    assert [member.updated for member in seen.members] == [True, True, False] and seen.phase is Phase.PROGRESSING


@pytest.mark.parametrize(
    ("image", "runs", "updated"),
    [("app:1", "app:1", True), ("app:0", "app:0", False), ("app:1", "app:0", False), ("app:big", "app:big", True)],
)
def test_an_update_in_place_has_the_revision_that_was_there(image: str, runs: str, updated: bool) -> None:
    """Its label does not change with an image (getPodUpdatePolicy); and the old container runs on for a moment."""
    owner = instance_set({"db-0": "rev-1"}, instances=[{"name": "big", "image": "app:big"}])
    seen = look(owner, pod("db-0", "rev-1", image=image, runs=runs))
    assert seen.members[0].updated is updated
    assert (seen.phase is Phase.COMPLETE) is updated


@pytest.mark.parametrize("told", [{}, {"db-0": "rev-1"}, {"zstd": "KLUv/QQA"}])
def test_what_its_controller_has_not_said_is_unknown(told: dict[str, str]) -> None:
    seen = look(instance_set(told, replicas=2), pod("db-0", "rev-1"), pod("db-1", "rev-1"))
    assert seen.phase is Phase.UNKNOWN and [each.cause for each in seen.blockers] == [Cause.SLOTS_UNREADABLE]


def test_what_its_controller_has_not_seen_is_awaited() -> None:
    seen = look(instance_set(ROLES, replicas=5, seen=1), *everything())
    assert seen.phase is Phase.PROGRESSING and seen.waits_for[0].awaited is Awaited.OBSERVATION and seen.replicas == 5
    assert look(instance_set({}, replicas=0)).phase is Phase.COMPLETE


def test_one_that_is_paused_says_nothing() -> None:
    seen = look(instance_set(ROLES, paused=True), *everything())
    assert seen.phase is Phase.UNKNOWN and [(each.cause, each.reason) for each in seen.blockers] == [
        (Cause.CONTROLLER_STOPPED, "spec.paused")
    ]


@pytest.mark.parametrize(
    ("strategy", "partition"),
    [
        ({"instanceUpdateStrategy": {"rollingUpdate": {"replicas": 1}}}, 2),
        ({"instanceUpdateStrategy": {"rollingUpdate": {"replicas": "34%"}}}, 1),
        ({"instanceUpdateStrategy": {"type": "RollingUpdate"}}, 0),
        ({"updateStrategy": {"rollingUpdate": {"partition": 2}}}, 1),
        ({}, 0),
    ],
)
def test_its_strategy_counts_what_is_updated(strategy: dict[str, Any], partition: int) -> None:
    wanted = dict.fromkeys(("db-0", "db-1", "db-2"), "rev-2")
    seen = look(instance_set(wanted, **strategy), pod("db-0", "rev-2"), pod("db-1", "rev-1"), pod("db-2", "rev-1"))
    assert seen.partition == partition
    if partition == 2:  # and no patch of a field that it does not have
        assert after_a_look(seen) == "to release more, change its Cluster, or make an OpsRequest"
    assert seen.phase is (Phase.PAUSED if partition == 2 else Phase.PROGRESSING)


def test_only_its_own_pods_are_its_members() -> None:
    found = msgspec.json.decode(json.dumps(instance_set(ROLES)), type=StatefulSet)
    read = msgspec.convert([*everything()[:2], pod("db-big-0", "rev-big", owner="somebody")], tuple[Pod, ...])
    seen = assess(folded(SetView(set=found, pods=read)), NOW)
    assert [member.state.value for member in seen.members] == ["available", "available", "missing"] and not seen.surplus
    assert seen.phase is Phase.STUCK and [each.cause for each in seen.blockers] == [Cause.NAME_TAKEN]


def test_pods_of_a_strimzi_pod_set() -> None:
    own = [pod("db-3", "a", image="kafka:1"), pod("db-4", "b", image="kafka:1")]
    seen = look(pod_set("a", "b"), *own)
    assert [member.ordinal for member in seen.members] == [3, 4] and seen.phase is Phase.COMPLETE and seen.kind is STRIMZI_POD_SET
    assert (seen.replicas, seen.start, seen.policy) == (2, 3, "Parallel")
    other = look(pod_set("a", "c"), *own)
    assert [member.updated for member in other.members] == [True, False] and other.phase is Phase.PROGRESSING
    fewer = look(pod_set("a"), *own)
    assert [member.name for member in fewer.surplus] == ["db-4"] and fewer.phase is Phase.SCALING
    assert look(pod_set("a", "b", seen=1), *own).phase is Phase.PROGRESSING
    assert look(pod_set()).phase is Phase.COMPLETE


@pytest.mark.parametrize("meta", [{}, {"name": "db-3"}, {"name": 3, "annotations": {"strimzi.io/revision": "a"}}, {"name": "db-3", "annotations": 1}])
def test_pods_that_cannot_be_read_are_no_ground_for_a_verdict(meta: dict[str, Any]) -> None:
    owner = pod_set("a")
    owner["spec"]["pods"] = [{"metadata": meta}]
    seen = look(owner, pod("db-3", "a"))
    assert seen.phase is Phase.UNKNOWN and [each.cause for each in seen.blockers] == [Cause.SLOTS_UNREADABLE]


def test_claims_of_named_pods_are_counted() -> None:
    owner = msgspec.json.decode(json.dumps(instance_set(ROLES, volumeClaimTemplates=[{"metadata": {"name": "data"}}])), type=StatefulSet)
    claims = [{"metadata": {"name": f"data-{name}", "namespace": "x"}} for name in (*ROLES, "other-0")]
    held = tuple(msgspec.convert(claim, PersistentVolumeClaim) for claim in claims)
    assert assess(folded(SetView(set=owner, claims=held)), NOW).claims == 3


def test_a_pod_that_became_ready_a_moment_ago_waits_for_min_ready_seconds() -> None:
    late = pod("db-0", "rev-1")
    late["status"]["conditions"][0]["lastTransitionTime"] = (NOW - timedelta(seconds=5)).isoformat()
    assert look(instance_set({"db-0": "rev-1"}, minReadySeconds=10), late).phase is Phase.PROGRESSING


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("its", INSTANCE_SET),
        ("instanceset", INSTANCE_SET),
        ("instancesets.v1.workloads.kubeblocks.io", INSTANCE_SET),
        ("sps", STRIMZI_POD_SET),
        ("strimzipodsets.v1.core.strimzi.io", STRIMZI_POD_SET),
        ("strimzipodsets.v1beta2.core.strimzi.io", STRIMZI_POD_SET),
    ],
)
def test_what_they_are_called(word: str, kind: Any) -> None:
    assert kind_named(word) is kind


def test_a_version_of_strimzi_without_betas_is_the_same_kind() -> None:
    owner = msgspec.json.decode(json.dumps({**pod_set("a"), "apiVersion": "core.strimzi.io/v1"}), type=StatefulSet)
    assert kind_of(owner) is STRIMZI_POD_SET
