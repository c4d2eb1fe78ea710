"""What a real API server sends, decoded and judged: the creator is on record where the judge looks for it."""

from pathlib import Path

import msgspec
import yaml

from kubectl_pets.domain.model import PersistentVolumeClaim, StatefulSet
from kubectl_pets.domain.orphans.findings import Class, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import (
    WORKLOADS,
    ClaimInventory,
    HorizontalPodAutoscaler,
    PersistentVolume,
    PodUse,
    ScaledObject,
    Workload,
    Workloads,
    volumes_by_name,
)
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.domain.sets.reserved import reserved_ordinals
from tests.domain.orphans.builders import NOBODY, NOW, estate, one, searched

SCENE = yaml.safe_load((Path(__file__).parent / "scaled_down.yaml").read_text())


def read() -> ClaimInventory:
    claims = msgspec.convert(SCENE["PersistentVolumeClaimList"], tuple[PersistentVolumeClaim, ...])
    pods = msgspec.convert(SCENE["PodList"], tuple[PodUse, ...])
    return ClaimInventory(
        claims=claims,
        sets=msgspec.convert(SCENE["StatefulSetList"], tuple[StatefulSet, ...]),
        kruise_sets=(),
        pingcap_sets=(),
        autoscalers=(),
        scaled_objects=(),
        leader_worker_sets=(),
        volumes=volumes_by_name(claims, msgspec.convert(SCENE["PersistentVolumeList"], tuple[PersistentVolume, ...])),
        users={"default": Workloads(NOBODY.read | {"pods": pods})},
        custom={"default": searched(*claims)},
    )


def test_a_set_that_was_scaled_from_2_to_1() -> None:
    zero, one_ = judge(read(), NOW.replace(year=2027))
    assert zero.klass is Class.IN_USE
    assert one_.klass is Class.SCALED_DOWN
    assert (one_.set, one_.template, one_.ordinal, one_.size, one_.fate) == ("web", "data", 1, 2**20, Fate.DESTROYED)
    assert one_.unused_since is not None and one_.unused_since.isoformat() == "2026-11-24T01:43:06+00:00"
    assert {item.kind for item in one_.evidence} >= {
        EvidenceKind.CREATED_BY_SET_CONTROLLER,
        EvidenceKind.SERVER_SAYS_UNUSED,
        EvidenceKind.VOLUME_AGREES,
        EvidenceKind.LABELS_MATCH,
    }


def test_without_the_condition_that_newer_servers_keep() -> None:
    """Scaled with kubectl: the time is that of the controller's last status."""
    seen = read()
    claims = tuple(
        msgspec.structs.replace(item, status=msgspec.structs.replace(item.status, conditions=())) for item in seen.claims
    )
    verdict = judge(msgspec.structs.replace(seen, claims=claims), NOW.replace(year=2027))[1]
    assert verdict.klass is Class.SCALED_DOWN
    assert verdict.unused_since is not None and verdict.unused_since.isoformat() == "2026-11-24T01:43:06+00:00"


def test_without_managed_fields_there_is_no_candidate() -> None:
    """Whoever reads the claims must not have them stripped."""
    seen = read()
    claims = tuple(
        msgspec.structs.replace(item, metadata=msgspec.structs.replace(item.metadata, managed_fields=()))
        for item in seen.claims
    )
    assert not any(item.candidate for item in judge(msgspec.structs.replace(seen, claims=claims), NOW))


def test_wire_names() -> None:
    raw = b'''{"metadata": {"name": "backup"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": {"volumes": [
        {"name": "a", "persistentVolumeClaim": {"claimName": "data-web-0"}}, {"name": "b", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "c", "emptyDir": {}}]}}}}}}'''
    job = msgspec.json.decode(raw, type=Workload)
    assert [bool(item.persistent_volume_claim or item.ephemeral) for item in job.volumes] == [True, True, False]
    kept = msgspec.json.decode(b'{"data": {"spec": {"template": {"$patch": "replace", "spec": {"volumes": [{"name": "a"}]}}}}}', type=Workload)
    assert [item.name for item in kept.volumes] == ["a"]
    hpa = msgspec.json.decode(
        b'{"spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "web"}, "maxReplicas": 5}}', type=HorizontalPodAutoscaler
    )
    assert hpa.spec.max_replicas == 5 and hpa.spec.scale_target_ref.name == "web"
    keda = msgspec.json.decode(b'{"spec": {"scaleTargetRef": {"name": "web"}, "maxReplicaCount": 7}}', type=ScaledObject)
    assert keda.spec.max_replica_count == 7
    kruise = msgspec.json.decode(b'{"spec": {"replicas": 2, "reserveOrdinals": [1, "3-5", "9"]}}', type=StatefulSet)
    assert reserved_ordinals(kruise).ranges == ((1, 1), (3, 5), (9, 9))


def test_nothing_was_read_until_somebody_says_so() -> None:
    """Every list is None unless it is given: forgetting one keeps data."""
    assert Workloads().not_read == tuple(row.plural for row in WORKLOADS)
    by_namespace = {"users", "custom", "companions", "told"}  # one that is missing was not read
    lists = set(ClaimInventory.__struct_fields__) - by_namespace - {"claims", "unreadable"}
    assert len(lists) > 6 and all(getattr(ClaimInventory(), name) is None for name in lists)
    assert not any(getattr(ClaimInventory(), name) for name in by_namespace)
    (claim,) = (item for item in read().claims if item.name == "data-web-1")
    assert one(ClaimInventory(claims=(claim,))).klass is Class.UNSURE
    assert one(estate(claim)).klass is Class.SET_GONE
