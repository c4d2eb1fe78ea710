"""Sets as a cluster would report them, judged by the real ``assess``: a screen in a test can only show what can really be."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kubectl_pets.domain.model import (
    ClaimTemplate,
    ClaimVolume,
    Condition,
    Container,
    ContainerState,
    ContainerStatus,
    ControllerRevision,
    ObjectMeta,
    Ordinals,
    OwnerReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimStatus,
    Pod,
    PodSpec,
    PodStatus,
    PodTemplate,
    RevisionData,
    RevisionSpec,
    RollingUpdate,
    Running,
    SetView,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetStatus,
    UpdateStrategy,
    Volume,
    Waiting,
)
from kubectl_pets.domain.rollout.assessing import RESUME_ANNOTATION, assess
from kubectl_pets.domain.rollout.verdict import Assessment

NOW = datetime(2026, 11, 24, 12, 4, 31, tzinfo=UTC)
OLD, NEW = "web-77f9c6d8b", "web-5d8f7b9c4"
OLD_IMAGE, NEW_IMAGE = "nginx:1.26", "nginx:1.27"

_OWNER = (OwnerReference(api_version="apps/v1", kind="StatefulSet", name="web", uid="uid-web", controller=True),)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def pod(
    ordinal: int,
    revision: str = OLD,
    *,
    ready: bool = True,
    since: datetime | None = None,
    waiting: tuple[str, str] | None = None,
    unschedulable: str = "",
    leaving: datetime | None = None,
    phase: str = "Running",
    node: str = "",
    restarts: int = 0,
    created: datetime | None = None,
    name: str = "",
) -> Pod:
    """A pod of ``web`` with one claim. Ready since two days where not said otherwise."""
    name = name or f"web-{ordinal}"
    conditions = [
        Condition(type="Ready", status="True" if ready else "False", last_transition_time=since or ago(days=2), reason="")
    ]
    if unschedulable:
        conditions = [Condition(type="PodScheduled", status="False", reason="Unschedulable", message=unschedulable)]
    if waiting or unschedulable:
        phase = "Pending"
    state = ContainerState(
        waiting=Waiting(reason=waiting[0], message=waiting[1]) if waiting else None,
        running=None if waiting else Running(started_at=since or ago(days=2)),
    )
    return Pod(
        metadata=ObjectMeta(
            name=name,
            namespace="default",
            uid=f"uid-{name}-{revision}",
            resource_version="7",
            labels={"controller-revision-hash": revision},
            owner_references=_OWNER,
            creation_timestamp=created or ago(days=3, hours=4),
            deletion_timestamp=leaving,
        ),
        spec=PodSpec(
            node_name="" if unschedulable else node or f"node-{'abc'[ordinal % 3]}",
            volumes=(Volume(name="data", persistent_volume_claim=ClaimVolume(claim_name=f"data-{name}")),),
        ),
        status=PodStatus(
            phase=phase,
            conditions=tuple(conditions),
            container_statuses=(ContainerStatus(name="app", ready=ready, restart_count=restarts, state=state),),
        ),
    )


def claims(*ordinals: int, phase: str = "Bound") -> tuple[PersistentVolumeClaim, ...]:
    return tuple(
        PersistentVolumeClaim(
            metadata=ObjectMeta(name=f"data-web-{ordinal}", namespace="default"),
            status=PersistentVolumeClaimStatus(phase=phase),
        )
        for ordinal in ordinals
    )


def snapshot(
    pods: Sequence[Pod] | None,
    *,
    replicas: int = 3,
    partition: int | None = None,
    current: str = OLD,
    update: str = NEW,
    strategy: str = "RollingUpdate",
    policy: str = "OrderedReady",
    start: int = 0,
    min_ready: int = 0,
    max_unavailable: int | str | None = None,
    generation: int = 4,
    observed: int = 4,
    deleting: datetime | None = None,
    resume: int | None = None,
    claims: tuple[PersistentVolumeClaim, ...] | None = (),
    name: str = "web",
    namespace: str = "default",
    sidecar: str = "",
) -> SetView:
    """The set ``web`` in the middle of a rollout from OLD to NEW, unless told otherwise."""
    rolling = None
    if partition is not None or max_unavailable is not None:
        rolling = RollingUpdate(partition=partition, max_unavailable=max_unavailable)
    owner = StatefulSet(
        metadata=ObjectMeta(
            name=name,
            namespace=namespace,
            uid="uid-web",
            resource_version="99",
            generation=generation,
            creation_timestamp=ago(days=40),
            deletion_timestamp=deleting,
            annotations={RESUME_ANNOTATION: str(resume)} if resume is not None else {},
        ),
        spec=StatefulSetSpec(
            replicas=replicas,
            service_name="web",
            pod_management_policy=policy,
            update_strategy=UpdateStrategy(type=strategy, rolling_update=rolling),
            min_ready_seconds=min_ready,
            ordinals=Ordinals(start=start) if start else None,
            template=PodTemplate(spec=_spec(OLD_IMAGE if update == OLD else NEW_IMAGE, sidecar)),
            volume_claim_templates=(ClaimTemplate(metadata=ObjectMeta(name="data")),),
        ),
        status=StatefulSetStatus(observed_generation=observed, current_revision=current, update_revision=update),
    )
    revisions = tuple(
        ControllerRevision(
            metadata=ObjectMeta(name=revision, namespace=namespace, owner_references=_OWNER),
            revision=number,
            data=RevisionData(spec=RevisionSpec(template=PodTemplate(spec=_spec(image, sidecar)))),
        )
        for revision, number, image in ((OLD, 1, OLD_IMAGE), (NEW, 2, NEW_IMAGE))
    )
    return SetView(set=owner, pods=None if pods is None else tuple(pods), revisions=revisions, claims=claims)


def _spec(image: str, sidecar: str) -> PodSpec:
    extra = (Container(name="proxy", image=sidecar),) if sidecar else ()
    return PodSpec(containers=(Container(name="app", image=image), *extra))


# --- the scenes that several screens are drawn of ----------------------------------------------------------------------------------


def complete() -> Assessment:
    pods = [pod(ordinal, NEW) for ordinal in range(3)]
    return assess(snapshot(pods, current=NEW, claims=claims(0, 1, 2)), NOW)


def left_over() -> Assessment:
    pods = [pod(ordinal, NEW) for ordinal in range(3)]
    return assess(snapshot(pods, current=NEW, partition=2, claims=claims(0, 1, 2)), NOW)


def staged() -> Assessment:
    return assess(snapshot([pod(ordinal) for ordinal in range(3)], partition=3, claims=claims(0, 1, 2)), NOW)


def paused() -> Assessment:
    """A canary: web-2 done, the others held."""
    return assess(snapshot(_canary(), partition=2, claims=claims(0, 1, 2)), NOW)


def _canary() -> list[Pod]:
    return [pod(0), pod(1), pod(2, NEW, since=ago(minutes=3), created=ago(minutes=4))]


def pull_failure() -> Pod:
    return pod(
        2,
        NEW,
        ready=False,
        waiting=("ImagePullBackOff", 'Back-off pulling image "nginx:1.27"'),
        created=ago(minutes=3),
    )


def stuck() -> Assessment:
    """The first released pod cannot pull its image."""
    return assess(snapshot([pod(0), pod(1, restarts=2), pull_failure()], partition=2, claims=claims(0, 1, 2)), NOW)


def rolling() -> Assessment:
    """web-2 is done and soaks, web-1 is being replaced."""
    pods = [pod(0), pod(1, leaving=NOW + timedelta(seconds=20)), pod(2, NEW, since=ago(seconds=40), created=ago(minutes=1))]
    return assess(snapshot(pods, min_ready=30, max_unavailable=1, claims=claims(0, 1, 2)), NOW)


def scaling() -> Assessment:
    """Three replicas wanted from ordinal 5 on; one is missing, one too many is still there."""
    pods = [pod(5, NEW), pod(6, NEW), pod(8, NEW)]
    return assess(snapshot(pods, current=NEW, start=5, claims=None), NOW)


def on_delete() -> Assessment:
    pods = [pod(0), pod(1), pod(2, NEW)]
    return assess(snapshot(pods, strategy="OnDelete", claims=claims(0, 1, 2)), NOW)


def unreadable() -> Assessment:
    return assess(snapshot(None, claims=None), NOW)


def gone() -> Assessment:
    return assess(SetView(set=None), NOW)


def large(replicas: int = 120, partition: int = 100) -> Assessment:
    pods = [pod(ordinal, NEW if ordinal >= partition else OLD) for ordinal in range(replicas) if ordinal != 60]
    return assess(snapshot(pods, replicas=replicas, partition=partition, claims=None), NOW)


def empty() -> Assessment:
    return assess(snapshot([], replicas=0, current=NEW, claims=()), NOW)


def trouble() -> Assessment:
    """States, reasons and claims that only show when something is wrong."""
    pods = [
        pod(3, NEW),
        pod(5, OLD, leaving=ago(minutes=9), node="node-lost"),
        pod(6, NEW, ready=False, unschedulable="0/3 nodes are available: 3 Insufficient memory."),
        pod(7, "web-6b5f4d3c2", phase="Failed", ready=False),
        pod(8, NEW, ready=False, since=ago(minutes=8), restarts=4),
        pod(9, NEW, since=ago(seconds=18)),
    ]
    return assess(
        snapshot(
            pods,
            replicas=6,
            start=5,
            partition=1,
            policy="Parallel",
            min_ready=30,
            max_unavailable="50%",
            resume=0,
            sidecar="envoy:1.31",
            claims=claims(5, 6, 7, 8) + claims(9, phase="Pending"),
        ),
        NOW,
    )


SCENES = {
    scene.__name__: scene
    for scene in (complete, left_over, staged, paused, stuck, rolling, scaling, on_delete, unreadable, gone, large, empty, trouble)
}
