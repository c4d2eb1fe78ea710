"""Scenes from public reports of data that was lost or nearly so, and of tools that clean claims up: what each claim is here.

Each names its report. What is expected is what would have kept the data, and no more than that.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import ManagedFieldsEntry, ObjectMeta, PersistentVolumeClaim
from kubectl_pets.domain.orphans.deletion import Deletion, DeletionOptions, DeletionRefused, DeletionRefusedReason, deletion
from kubectl_pets.domain.orphans.findings import Class, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import ClaimInventory, CSISource, PersistentVolume
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.domain.orphans.storage import StorageObjection
from tests.domain.orphans.builders import (
    NOBODY_ELSE,
    NOW,
    autoscaler,
    claim,
    custom,
    estate,
    mounts,
    owner,
    pod,
    revision,
    stateful_set,
    users,
    volume,
)

C, E = Class, EvidenceKind


class Report(NamedTuple):
    """Of whom the claim is; what it has to be called, and the evidence that has to be told."""

    source: str
    made: Callable[[], ClaimInventory]
    klass: Class
    told: EvidenceKind


def by(of: PersistentVolumeClaim, **meta: Any) -> PersistentVolumeClaim:
    return replace(of, metadata=replace(of.metadata, **meta))


def _clickhouse() -> ClaimInventory:
    """The operator makes a set for each replica, and deletes and makes it again where its size is changed."""
    labels = {"clickhouse.altinity.com/chi": "events", "clickhouse.altinity.com/shard": "0"}
    mine = claim("data-chi-events-main-0-1-0", labels=labels)
    return estate(mine, custom=custom(mine, living={"events": "ClickHouseInstallation/events"}))


def _argo_label() -> ClaimInventory:
    labels = {"app": "web", "argocd.argoproj.io/instance": "hep"}
    return estate(claim("data-web-4", labels=labels), sets=(stateful_set("web", 1, labels={"app": "web"}),))


def _argo_keeps() -> ClaimInventory:
    kept = {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}
    return estate(claim("data-rabbitmq-2", annotations=kept), sets=(stateful_set("rabbitmq", 1),))


def _velero_owner() -> ClaimInventory:
    """Velero brought the owner back as well, with another uid: the garbage collector has the claim in its sight."""
    mine = claim("data-loki-write-1", owners=(owner("StatefulSet", "loki-write", uid="before"),))
    return estate(mine, sets=(stateful_set("loki-write", 1),))


def _velero_lost() -> ClaimInventory:
    return estate(claim("data-90557299-1e03-4008-a5fd-4407992d513b-6-mariadb-0", phase="Lost"))


def _velero_twice() -> ClaimInventory:
    """Two claims of the restored release say that they are bound to one volume; it is held for the first."""
    first, second = claim("data-sentry-0", volume_name="pv-1"), claim("data-sentry-1", volume_name="pv-1")
    return estate(second, sets=(stateful_set("sentry", 0),), volumes={"pv-1": volume(first)})


def _velero_twice_gone() -> ClaimInventory:
    first, second = claim("data-sentry-0", volume_name="pv-1"), claim("data-sentry-1", volume_name="pv-1")
    return estate(second, volumes={"pv-1": volume(first)})


def _terminating_and_pending() -> ClaimInventory:
    """The controller does not make a claim anew while the old one is there: a pod waits on it."""
    waiting = pod("web-1", *mounts("data-web-1"), phase="Pending")
    return estate(claim("data-web-1", deleted=True), sets=(stateful_set("web", 2),), users=users(pods=(waiting,)))


def _new_and_not_mounted() -> ClaimInventory:
    """Made a second ago by a scale-up, before its pod is."""
    mine = by(claim("data-druid-historical-3"), creation_timestamp=NOW)
    return estate(mine, sets=(stateful_set("druid-historical", 4),))


def _m3db() -> ClaimInventory:
    labels = {"operator.m3db.io/cluster": "simple"}
    mine = claim("m3db-data-simple-rep0-2", labels=labels)
    live = stateful_set("simple-rep1", 1, "m3db-data", labels=labels, owners=(owner("M3DBCluster", "simple"),))
    return estate(mine, sets=(live,))


def _postgres() -> ClaimInventory:
    """Deleted by accident, and the operator makes it again."""
    mine = claim("pgdata-acid-minimal-0", labels={"application": "spilo", "cluster-name": "acid-minimal"})
    return estate(mine, custom=custom(mine, living={"acid-minimal": "postgresql/acid-minimal"}))


def _elastic() -> ClaimInventory:
    mine = claim("elasticsearch-data-es-es-hot-2", owners=(owner("Elasticsearch", "es"),))
    return estate(mine)


def _stripped() -> ClaimInventory:
    """An operator takes its owner reference off, and keeps the claim for so many days."""
    entry = ManagedFieldsEntry(manager="multigres-operator", operation="Update")
    mine = claim("data-zone1-1", labels={"multigres.com/orphan-since": "2026-02-27"}, made_by=("multigres-operator",))
    return estate(by(mine, managed_fields=(*mine.metadata.managed_fields, entry)))


def _failed_over() -> ClaimInventory:
    """The application was failed over to another cluster, and its set deleted here: what replicates the volume still holds it."""
    mine = by(claim("data-busybox-0"), finalizers=("kubernetes.io/pvc-protection", "volumereplicationgroups.ramendr.openshift.io/pvc-vr-protection"))
    return estate(mine)


def _replicated() -> ClaimInventory:
    """Scaled down, and its volume is a part of a replication by labels, so that nothing names it."""
    mine = by(claim("data-web-2"), finalizers=("replication.storage.openshift.io/group-replication-source", "kubernetes.io/pvc-protection"))
    return estate(mine, sets=(stateful_set("web", 1),))


def _snapshot_taken() -> ClaimInventory:
    """The snapshot controller takes its finalizer off a while after the snapshot is ready."""
    mine = by(claim("data-web-2"), finalizers=("kubernetes.io/pvc-protection", "snapshot.storage.kubernetes.io/pvc-as-source-protection"))
    return estate(mine, sets=(stateful_set("web", 1),))


def _pruned() -> ClaimInventory:
    """Deployed on its own, and never by a set, although it is called so."""
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
    return estate(claim("redis-data-0", annotations=applied, made_by=("kubectl-client-side-apply",)))


def _cascade_orphan_at_zero() -> ClaimInventory:
    return estate(claim("data-prometheus-0"), users=users(controllerrevisions=(revision("prometheus-6c69f9bf88"),)))


def _forced_replacement() -> ClaimInventory:
    """``kubectl replace --force``: deleted, and not made yet; its revisions went with it."""
    return estate(claim("data-web-0"), autoscalers=(autoscaler("web", 3),))


def _local_node() -> ClaimInventory:
    """The node with the disk is away, and somebody has scaled to 0 meanwhile."""
    return estate(claim("data-web-1"), sets=(stateful_set("web", 0),))


def _other_template() -> ClaimInventory:
    """Two claims a pod; one is not in the pod's template any more, and the pod has not been replaced yet."""
    running = pod("web-0", *mounts("logs1-web-0", "logs-web-0"))
    return estate(claim("logs1-web-0"), sets=(stateful_set("web", 1, "logs"),), users=users(pods=(running,)))


REPORTS = (
    Report("Altinity/clickhouse-operator#1272", _clickhouse, C.AMBIGUOUS, E.OWNER_LIVES),
    Report("argoproj/argo-cd#3050", _argo_label, C.AMBIGUOUS, E.TRACKED),
    Report("argoproj/argo-cd#13503", _argo_keeps, C.SCALED_DOWN, E.KEEP_POLICY),
    Report("velero-io/velero#7862", _velero_owner, C.OWNED, E.OWNER_STALE),
    Report("velero-io/velero#2519", _velero_lost, C.LOST, E.LOST),
    Report("velero-io/velero#1039, at 0", _velero_twice, C.WILL_RETURN, E.SET_AT_ZERO),
    Report("velero-io/velero#1039", _velero_twice_gone, C.LOST, E.VOLUME_OF_ANOTHER),
    Report("kubernetes/kubernetes#74374, #89513", _terminating_and_pending, C.IN_USE, E.TERMINATING),
    Report("druid-io/druid-operator#287", _new_and_not_mounted, C.IN_RANGE, E.LIVE_RANGE),
    Report("m3db/m3db-operator#329", _m3db, C.AMBIGUOUS, E.OWNER_LIVES),
    Report("zalando/postgres-operator#2579", _postgres, C.AMBIGUOUS, E.OWNER_LIVES),
    Report("elastic/cloud-on-k8s#8918", _elastic, C.OWNED, E.OWNED_BY),
    Report("multigres/multigres-operator#502", _stripped, C.AMBIGUOUS, E.CREATED_BY_OTHER),
    Report("Shopify/krane#519", _pruned, C.AMBIGUOUS, E.CREATED_BY_OTHER),
    Report("RamenDR/ramen#53, #302", _failed_over, C.AMBIGUOUS, E.GUARDED),
    Report("csi-addons/kubernetes-csi-addons#610", _replicated, C.AMBIGUOUS, E.GUARDED),
    Report("kubernetes-csi/external-snapshotter, finalizers", _snapshot_taken, C.SCALED_DOWN, E.BEYOND_RANGE),
    Report("prometheus-operator, resizing volumes", _cascade_orphan_at_zero, C.AMBIGUOUS, E.SET_RETURNING),
    Report("kubectl replace --force", _forced_replacement, C.AMBIGUOUS, E.AUTOSCALER_WAITS),
    Report("kubernetes/kubernetes#113139", _local_node, C.WILL_RETURN, E.SET_AT_ZERO),
    Report("kubernetes/kubernetes#89910", _other_template, C.IN_USE, E.MOUNTED),
)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.source)
def test_what_each_report_s_claim_is(report: Report) -> None:
    (verdict,) = judge(report.made(), NOW)
    assert verdict.klass is report.klass
    assert report.told in {item.kind for item in verdict.evidence}


def test_a_volume_that_somebody_has_deleted_is_not_called_retained() -> None:
    """openebs/zfs-localpv#404: Retain protects from the deletion of the claim, and not of the volume."""
    mine = claim("data-web-4")
    for policy in ("Retain", "Delete"):
        going = volume(mine, policy, deletion_timestamp=NOW)
        (verdict,) = judge(estate(mine, sets=(stateful_set("web", 1),), volumes={going.name: going}), NOW)
        assert verdict.fate is Fate.DESTROYED
        refused = deletion(verdict, DeletionOptions(), NOW)
        assert isinstance(refused, DeletionRefused) and refused.reason is DeletionRefusedReason.VOLUME_TERMINATING


def test_one_disk_under_two_volumes_of_which_one_goes() -> None:
    """kubernetes-sigs/vsphere-csi-driver#431: made by hand for a restored cluster, and the old one is cleaned up there."""
    mine = claim("data-web-4")
    own = volume(mine)
    handle = CSISource(driver="csi.example.org", volume_handle=f"vol-{own.name}", fs_type="xfs")
    twin = PersistentVolume(metadata=ObjectMeta(name="by-hand", uid="t"), spec=replace(own.spec, csi=handle, claim_ref=None))
    (verdict,) = judge(estate(mine, sets=(stateful_set("web", 1),), volumes={own.name: own}), NOW)
    use = replace(NOBODY_ELSE, volumes=(own, twin))
    refused = deletion(verdict, DeletionOptions(destroy_data=True, use=use), NOW)
    assert isinstance(refused, DeletionRefused) and refused.reason is StorageObjection.SHARED
    assert isinstance(deletion(verdict, DeletionOptions(use=use), NOW), Deletion)
