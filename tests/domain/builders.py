"""StatefulSets and pods for tests: short words for the usual ones, and strategies for the odd ones that a cluster may hold."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.model import (
    REVISION_LABEL,
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
    RollingUpdate,
    ServerVersion,
    SetView,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetStatus,
    Terminated,
    UpdateStrategy,
    Volume,
    Waiting,
)
from kubectl_pets.domain.rollout.assessing import RESUME_ANNOTATION
from kubectl_pets.domain.rollout.containers import FAILING_REASONS, HOPELESS_REASONS

_Item = TypeVar("_Item")

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OLD, NEW, THIRD = "web-old", "web-new", "web-third"
UID = "set-1"


def statefulset(
    *,
    replicas: int = 3,
    start: int = 0,
    partition: int | None = None,
    strategy: str = "RollingUpdate",
    policy: str = "OrderedReady",
    max_unavailable: int | str | None = None,
    min_ready_seconds: int = 0,
    current: str = OLD,
    update: str = NEW,
    generation: int = 2,
    observed: int = 2,
    annotations: dict[str, str] | None = None,
    images: tuple[str, ...] = ("app:2",),
    init_images: tuple[str, ...] = (),
    deleting: bool = False,
    claims: tuple[str, ...] = (),
    name: str = "web",
    labels: dict[str, str] | None = None,
) -> StatefulSet:
    rolling = None
    if partition is not None or max_unavailable is not None:
        rolling = RollingUpdate(partition=partition, max_unavailable=max_unavailable)
    return StatefulSet(
        metadata=ObjectMeta(
            name=name,
            namespace="prod",
            uid=UID,
            generation=generation,
            resource_version="41",
            annotations=annotations or {},
            labels=labels or {},
            deletion_timestamp=NOW if deleting else None,
        ),
        spec=StatefulSetSpec(
            replicas=replicas,
            ordinals=Ordinals(start=start) if start else None,
            update_strategy=UpdateStrategy(type=strategy, rolling_update=rolling),
            pod_management_policy=policy,
            min_ready_seconds=min_ready_seconds,
            template=PodTemplate(
                spec=PodSpec(
                    containers=tuple(Container(name=f"app{index or ''}", image=image) for index, image in enumerate(images)),
                    init_containers=tuple(Container(name=f"init{index or ''}", image=image) for index, image in enumerate(init_images)),
                )
            ),
            volume_claim_templates=tuple(ClaimTemplate(metadata=ObjectMeta(name=claim)) for claim in claims),
        ),
        status=StatefulSetStatus(observed_generation=observed, current_revision=current, update_revision=update),
    )


def pod(
    ordinal: int,
    revision: str = OLD,
    *,
    ready: bool = True,
    since: datetime | None = None,
    waiting: str = "",
    phase: str = "Running",
    leaving: datetime | None = None,
    created: datetime | None = None,
    owner: str | None = UID,
    name: str = "",
    mounts: tuple[str, ...] = (),
) -> Pod:
    """Available since an hour ago, unless told otherwise."""
    references = (OwnerReference(kind="StatefulSet", name="web", uid=owner, controller=True),) if owner is not None else ()
    condition = Condition(type="Ready", status="True" if ready else "False", last_transition_time=since or NOW - timedelta(hours=1))
    state = ContainerState(waiting=Waiting(reason=waiting) if waiting else None)
    return Pod(
        metadata=ObjectMeta(
            name=name or f"web-{ordinal}",
            namespace="prod",
            uid=f"pod-{name or ordinal}",
            resource_version=str(100 + ordinal),
            labels={REVISION_LABEL: revision} if revision else {},
            owner_references=references,
            creation_timestamp=created or NOW - timedelta(hours=1),
            deletion_timestamp=leaving,
        ),
        spec=PodSpec(
            containers=(Container(name="app", image=f"image-of-{revision}"),),
            node_name="node-1",
            volumes=tuple(Volume(name="data", persistent_volume_claim=ClaimVolume(claim_name=claim)) for claim in mounts),
        ),
        status=PodStatus(phase=phase, conditions=(condition,), container_statuses=(ContainerStatus(name="app", state=state),)),
    )


def failing(ordinal: int, revision: str = OLD, reason: str = "CrashLoopBackOff") -> Pod:
    return pod(ordinal, revision, ready=False, waiting=reason)


def unready(ordinal: int, revision: str = OLD) -> Pod:
    return pod(ordinal, revision, ready=False)


def leaving(ordinal: int, revision: str = OLD) -> Pod:
    return pod(ordinal, revision, leaving=NOW + timedelta(seconds=30))


def mounting(pod: Pod, owner: StatefulSet | None) -> Pod:
    """With the volumes of the set's claim templates, as its controller makes them, where nothing else is said of its volumes."""
    templates = owner.spec.volume_claim_templates if owner is not None else ()
    if pod.spec.volumes or not templates:
        return pod
    volumes = tuple(Volume(name=each.name, persistent_volume_claim=ClaimVolume(claim_name=f"{each.name}-{pod.name}")) for each in templates)
    return replace(pod, spec=replace(pod.spec, volumes=volumes))


def snapshot(
    owner: StatefulSet | None, *pods: Pod, version: str = "v1.37.2", revisions: tuple[ControllerRevision, ...] = ()
) -> SetView:
    made = tuple(mounting(each, owner) for each in pods)
    return SetView(set=owner, pods=made, revisions=revisions, server=ServerVersion(git_version=version))


def kept(name: str, number: int, age: timedelta = timedelta(hours=2), *, owner: str | None = UID) -> ControllerRevision:
    """A ControllerRevision of the set, made ``age`` ago; pods are an hour old unless told otherwise."""
    references = (OwnerReference(kind="StatefulSet", name="web", uid=owner, controller=True),) if owner is not None else ()
    return ControllerRevision(
        metadata=ObjectMeta(name=name, namespace="prod", creation_timestamp=NOW - age, owner_references=references), revision=number
    )


# --- anything that may be decoded ----------------------------------------------------------------------------------------------


def snapshots() -> st.SearchStrategy[SetView]:
    """A set and about the pods that it should have, with whatever else may lie around. By seed, because that is fast."""
    return st.integers(0, 2**64).map(lambda seed: OddThings(Random(seed)).snapshot())


class OddThings:
    """Mostly what one expects, now and then anything that the API may hold."""

    def __init__(self, random: Random) -> None:
        self.random, self.pick = random, random.choice

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def time(self) -> datetime:
        """Mostly about now, sometimes at the ends of time."""
        if self.chance(0.1):
            return self.pick((datetime.min, datetime.max, datetime(1970, 1, 1))).replace(tzinfo=UTC)
        return NOW + timedelta(seconds=self.random.randint(-200, 200))

    def revision(self) -> str:
        return self.pick((OLD, NEW, NEW, NEW, THIRD, "")) if self.chance(0.7) else NEW

    def container_status(self) -> ContainerStatus:
        reason = self.pick((*sorted(FAILING_REASONS | HOPELESS_REASONS), "ContainerCreating", "PodInitializing", ""))
        states = (
            ContainerState(),
            ContainerState(),
            ContainerState(waiting=Waiting(reason=reason)),
            ContainerState(terminated=Terminated(exit_code=1, reason="Error")),
        )
        return ContainerStatus(name="app", state=self.pick(states), last_state=self.pick(states))

    def condition(self) -> Condition:
        return Condition(
            type=self.pick(("Ready", "Ready", "PodScheduled", "ContainersReady", "")),
            status=self.pick(("True", "True", "False", "Unknown", "")),
            reason=self.pick(("", "Unschedulable", "SchedulingGated", "ContainersNotReady")),
            message=self.pick(("", "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.")),
            last_transition_time=self.time() if self.chance(0.8) else None,
        )

    def several(self, make: Callable[[], _Item], most: int) -> tuple[_Item, ...]:
        return tuple(make() for _ in range(self.random.randint(0, most)))

    def status(self) -> PodStatus:
        if self.chance(0.6):
            ready = Condition(type="Ready", status="True", last_transition_time=NOW - timedelta(hours=1))
            return PodStatus(phase="Running", conditions=(ready,))
        return PodStatus(
            phase=self.pick(("Running", "Running", "Pending", "Failed", "Succeeded", "Unknown", "", "Odd")),
            reason=self.pick(("", "Evicted", "NodeLost")),
            conditions=self.several(self.condition, 3),
            container_statuses=self.several(self.container_status, 2),
            init_container_statuses=self.several(self.container_status, 1),
        )

    def pod(self, ordinal: int) -> Pod:
        odd = self.chance(0.2)
        names = (f"web-{ordinal}", f"web-0{ordinal}", f"other-{ordinal}", f"web-web-{ordinal}", f"web-{2**32 + ordinal}", "web")
        name = self.pick(names) if odd else names[0]
        owner = OwnerReference(
            kind="StatefulSet",
            name="web",
            uid=self.pick((UID, UID, "set-2")) if odd else UID,
            controller=not odd or self.chance(0.8),
        )
        revision = self.revision()
        return Pod(
            metadata=ObjectMeta(
                name=name,
                namespace="prod",
                uid=f"pod-{name}",
                resource_version=str(ordinal),
                labels={REVISION_LABEL: revision} if revision else {},
                owner_references=() if odd and self.chance(0.1) else (owner,),
                creation_timestamp=self.pick((None, self.time())) if odd else NOW - timedelta(hours=1),
                deletion_timestamp=self.time() if self.chance(0.1) else None,
            ),
            spec=PodSpec(
                containers=(Container(name="app", image=self.pick(("app:1", "app:2"))),),
                node_name=self.pick(("", "node-1")),
                volumes=(
                    Volume(name="data", persistent_volume_claim=ClaimVolume(claim_name=f"data-web-{ordinal}")),
                    Volume(name="tmp"),
                ),
            ),
            status=self.status(),
        )

    def set(self) -> StatefulSet:
        update = NEW if self.chance(0.95) else ""
        rolling = RollingUpdate(partition=self.pick((None, 0, 0, 1, 2, 3, 9)), max_unavailable=self.pick((None, None, 1, 2, "50%", "odd", "")))
        return StatefulSet(
            metadata=ObjectMeta(
                name="w" * 53 if self.chance(0.02) else "web",
                namespace="prod",
                uid=UID,
                generation=2,
                resource_version="7",
                deletion_timestamp=NOW if self.chance(0.05) else None,
                annotations={RESUME_ANNOTATION: self.pick(("0", "1", "-1", "9" * 5000))} if self.chance(0.2) else {},
            ),
            spec=StatefulSetSpec(
                replicas=self.pick((0, 1, 1, 2, 3, 5)),
                ordinals=self.pick((None, None, Ordinals(), Ordinals(start=2))),
                pod_management_policy=self.pick(("OrderedReady", "Parallel", "")),
                update_strategy=UpdateStrategy(
                    type=self.pick(("RollingUpdate",) * 6 + ("OnDelete", "OnDelete", "Recreate", "")),
                    rolling_update=self.pick((None, rolling)),
                ),
                min_ready_seconds=self.pick((0, 0, 0, 0, 30, 2**31 - 1, 10**30)),
                template=PodTemplate(spec=PodSpec(containers=(Container(name="app", image="app:2"),))),
                volume_claim_templates=(ClaimTemplate(metadata=ObjectMeta(name="data")),),
            ),
            status=StatefulSetStatus(
                observed_generation=2 if self.chance(0.9) else self.pick((0, 1)),
                current_revision=self.pick((OLD, OLD, NEW, update, "")),
                update_revision=update,
            ),
        )

    def snapshot(self) -> SetView:
        owner = self.set()
        ordinals = range(owner.start, owner.start + owner.spec.replicas)
        wanted = [ordinal for ordinal in ordinals if self.chance(0.9)]
        if self.chance(0.15):
            wanted += self.pick(((0,), (ordinals.stop,), (7, 8)))
        fine = self.chance(0.3)
        found = {}
        for ordinal in dict.fromkeys(wanted):
            made = pod(ordinal, self.revision(), mounts=(f"data-web-{ordinal}",)) if fine else self.pod(ordinal)
            found[made.name] = made
        claims = tuple(
            PersistentVolumeClaim(
                metadata=ObjectMeta(name=f"data-web-{ordinal}", namespace="prod"),
                status=PersistentVolumeClaimStatus(phase=self.pick(("Bound", "Pending", "Lost", ""))),
            )
            for ordinal in ordinals
        )
        versions = ("v1.34.1", "v1.35.2", "v1.37.2", "odd")
        return SetView(
            set=owner,
            pods=None if self.chance(0.05) else tuple(found.values()),
            revisions=self.pick(((), None)),
            claims=self.pick((claims, None, ())),
            server=self.pick((None, *(ServerVersion(git_version=version) for version in versions))),
        )
