"""Of a pod in which nothing has ever gone wrong less is asked, and of a set of such pods. Whatever is otherwise with one of them, the verdict
and until when it holds are those that are found where everything is asked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import (
    Around,
    ClaimVolume,
    Condition,
    Container,
    ContainerState,
    ContainerStatus,
    Event,
    ManagedFieldsEntry,
    NodeReadiness,
    ObjectMeta,
    ObjectReference,
    OwnerReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimStatus,
    Pod,
    PodSpec,
    PodStatus,
    ResizePolicy,
    Running,
    SetView,
    StatefulSet,
    Terminated,
    Volume,
    Waiting,
)
from kubectl_pets.domain.rollout import blocking, members
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.moments import Moment
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.kinds import KRUISE_SET
from tests.domain import builders
from tests.domain.builders import NEW, NOW, OLD

_LABEL = "statefulset.kubernetes.io/pod-name"
_READING = getattr(members, "_Reading")


class World:
    """A set whose pods are all up, but for a few things that are drawn."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.templates = random.choice(((), ("data",), ("data", "log")))

    def view(self) -> SetView:
        draw = self.random.choice
        owner = builders.statefulset(
            replicas=draw((3, 3, 3, 2, 4)),
            start=draw((0, 0, 0, 1)),
            partition=draw((None, None, 1, 3)),
            strategy=draw(("RollingUpdate", "RollingUpdate", "OnDelete")),
            policy=draw(("OrderedReady", "Parallel")),
            min_ready_seconds=draw((0, 0, 20, 4000)),
            update=draw((NEW, OLD)),
            current=draw((NEW, OLD)),
            observed=draw((2, 2, 2, 1)),
            images=draw((("app:2",), (f"image-of-{NEW}",), (f"image-of-{OLD}",))),
            claims=self.templates,
        )
        if self.random.random() < 0.2:
            owner = replace(owner, api_version=f"{KRUISE_SET.group}/v1beta1")
        entry = ManagedFieldsEntry(time=NOW - timedelta(seconds=draw((30, 4000))))
        owner = replace(owner, metadata=replace(owner.metadata, managed_fields=draw(((), (entry,)))))
        pods = tuple(self.pod(owner, ordinal) for ordinal in range(3))
        return SetView(set=owner, pods=pods, claims=self.claims(), around=self.around(pods))

    def pod(self, owner: StatefulSet, ordinal: int) -> Pod:
        pod = self.well(owner, ordinal)
        for _ in range(self.random.choice((0, 0, 0, 0, 1, 1, 2, 3))):
            pod = self.random.choice(_ODDITIES)(pod, self.random)
        return pod

    def well(self, owner: StatefulSet, ordinal: int) -> Pod:
        name, made = f"web-{ordinal}", NOW - timedelta(seconds=self.random.choice((10, 65, 3600)))
        revision = self.random.choice((NEW, NEW, OLD))
        kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        state = ContainerState(running=Running(started_at=made))
        claims = (Volume(name=each, persistent_volume_claim=ClaimVolume(claim_name=f"{each}-{name}")) for each in self.templates)
        return Pod(
            metadata=ObjectMeta(
                name=name,
                namespace="prod",
                uid=f"uid-{ordinal}",
                resource_version=str(ordinal),
                creation_timestamp=made,
                labels={"controller-revision-hash": revision, _LABEL: name},
                owner_references=(OwnerReference(kind="StatefulSet", name="web", uid=owner.metadata.uid, controller=True),),
            ),
            spec=PodSpec(
                containers=(Container(name="app", image=f"image-of-{revision}"),),
                node_name=f"node-{ordinal}",
                volumes=(Volume(name="other"), *claims),
            ),
            status=PodStatus(
                phase="Running",
                start_time=made,
                conditions=tuple(Condition(type=kind, status="True", last_transition_time=made) for kind in kinds),
                container_statuses=(ContainerStatus(name="app", image="app:2", ready=True, started=True, state=state),),
            ),
        )

    def claims(self) -> tuple[PersistentVolumeClaim, ...] | None:
        if self.random.random() < 0.1:
            return None
        made = []
        for name in (f"{template}-web-{ordinal}" for template in self.templates for ordinal in range(3)):
            gone = NOW if self.random.random() < 0.1 else None
            status = PersistentVolumeClaimStatus(phase=self.random.choice(("Bound", "Bound", "Pending", "Lost")))
            made.append(PersistentVolumeClaim(metadata=ObjectMeta(name=name, namespace="prod", deletion_timestamp=gone), status=status))
        return tuple(each for each in made if self.random.random() < 0.9)

    def around(self, pods: tuple[Pod, ...]) -> Around | None:
        if self.random.random() < 0.6:
            return None
        event = Event(
            metadata=ObjectMeta(name="e", namespace="prod"),
            type="Warning",
            reason=self.random.choice(("Evicted", "FailedDelete", "FailedUpdate", "Unhealthy")),
            message="delete Pod web-1 in StatefulSet web failed error: no",
            last_timestamp=NOW - timedelta(seconds=20),
            involved_object=ObjectReference(kind=self.random.choice(("Pod", "StatefulSet")), name=self.random.choice(("web-1", "web"))),
        )
        nodes = tuple(NodeReadiness(name=f"node-{number}", ready=self.random.choice(("True", "True", "Unknown", ""))) for number in range(3))
        return Around(events=self.random.choice(((), (event,))), nodes=nodes)


_Oddity = Callable[[Pod, Random], Pod]


def _status(**changes: Any) -> _Oddity:
    return lambda pod, _: replace(pod, status=replace(pod.status, **changes))


def _spec(**changes: Any) -> _Oddity:
    return lambda pod, _: replace(pod, spec=replace(pod.spec, **changes))


def _meta(**changes: Any) -> _Oddity:
    return lambda pod, _: replace(pod, metadata=replace(pod.metadata, **changes))


def _condition(pod: Pod, random: Random) -> Pod:
    conditions = list(pod.status.conditions)
    index = random.randrange(len(conditions)) if conditions else 0
    match random.randrange(5):
        case 0:
            del conditions[index:index + 1]
        case 1:
            conditions[index:index + 1] = [replace(each, status="False", reason="Odd") for each in conditions[index:index + 1]]
        case 2:
            time = NOW + timedelta(seconds=random.choice((-5000, -90, -15, -3, 0, 3)))
            conditions[index:index + 1] = [replace(each, last_transition_time=time) for each in conditions[index:index + 1]]
        case 3:
            conditions[index:index + 1] = [replace(each, last_transition_time=None) for each in conditions[index:index + 1]]
        case _:
            conditions.insert(0, Condition(type=random.choice(("Ready", "DisruptionTarget")), status=random.choice(("True", "False"))))
    return replace(pod, status=replace(pod.status, conditions=tuple(conditions)))


def _ended(random: Random) -> Terminated:
    start = NOW - timedelta(seconds=random.choice((5, 50, 500, 5000)))
    return Terminated(
        exit_code=random.choice((0, 1, 137)),
        reason=random.choice(("Error", "Completed", "OOMKilled", "ContainerStatusUnknown")),
        started_at=random.choice((start, start, None, datetime(1970, 1, 1, tzinfo=NOW.tzinfo))),
        finished_at=start + timedelta(seconds=random.choice((1, 4, 60))),
    )


def _state(random: Random) -> ContainerState:
    return random.choice(
        (
            ContainerState(),
            ContainerState(running=Running(started_at=NOW - timedelta(seconds=random.choice((3, 30, 3000))))),
            ContainerState(running=Running()),
            ContainerState(waiting=Waiting(reason=random.choice(("CrashLoopBackOff", "ContainerCreating", "ErrImagePull")))),
            ContainerState(terminated=_ended(random)),
            ContainerState(running=Running(), terminated=_ended(random)),
        )
    )


def _container(random: Random, name: str) -> ContainerStatus:
    last = random.choice((ContainerState(), ContainerState(terminated=_ended(random))))
    return ContainerStatus(name=name, image="app:2", ready=True, restart_count=random.choice((0, 0, 1, 4)), state=_state(random), last_state=last)


def _containers(pod: Pod, random: Random) -> Pod:
    more = (*pod.status.container_statuses[random.randrange(2):], _container(random, random.choice(("app", "two"))))
    return replace(pod, status=replace(pod.status, container_statuses=more))


def _inits(pod: Pod, random: Random) -> Pod:
    name, policy = random.choice(("init", "init", "app")), random.choice(("", "", "Always"))
    status = _container(random, name)
    if random.random() < 0.5:
        status = replace(status, state=ContainerState(terminated=replace(_ended(random), exit_code=0)), restart_count=random.choice((0, 0, 2)))
    if random.random() < 0.3:
        conditions = tuple(each for each in pod.status.conditions if each.type != "Initialized")
        pod = replace(pod, status=replace(pod.status, conditions=conditions))
    containers = (Container(name=name, image="init:1", restart_policy=policy, resize_policy=(ResizePolicy(restart_policy="RestartContainer"),)),)
    spec = replace(pod.spec, init_containers=containers)
    return replace(pod, spec=spec, status=replace(pod.status, init_container_statuses=(status,)))


def _labelled(pod: Pod, random: Random) -> Pod:
    labels = dict(pod.metadata.labels)
    match random.randrange(4):
        case 0:
            labels[_LABEL] = "other"
        case 1:
            labels.pop(_LABEL, None)
            labels["apps.kubernetes.io/pod-index"] = "1"
        case 2:
            labels.pop(_LABEL, None)
        case _:
            labels.pop("controller-revision-hash", None)
    return replace(pod, metadata=replace(pod.metadata, labels=labels))


def _volumes(pod: Pod, random: Random) -> Pod:
    volumes = list(pod.spec.volumes)
    volumes[random.randrange(len(volumes)):] = [
        Volume(name=random.choice(("data", "more")), persistent_volume_claim=ClaimVolume(claim_name=random.choice(("data-web-0", "data-web-9"))))
    ]
    return replace(pod, spec=replace(pod.spec, volumes=tuple(volumes)))


def _resized(pod: Pod, random: Random) -> Pod:
    entry = ManagedFieldsEntry(subresource="resize", time=NOW - timedelta(seconds=random.choice((2, 40, 4000))))
    containers = tuple(replace(each, resize_policy=(ResizePolicy(restart_policy="RestartContainer"),)) for each in pod.spec.containers)
    pod = replace(pod, metadata=replace(pod.metadata, managed_fields=(entry,), generation=2))
    return replace(pod, spec=replace(pod.spec, containers=containers))


_ODDITIES: tuple[_Oddity, ...] = (
    _condition, _condition, _condition, _containers, _containers, _inits, _inits, _labelled, _volumes, _resized,
    _status(phase="Pending"), _status(phase="Failed", reason="Evicted"), _status(phase="Succeeded"), _status(phase=""),
    _status(start_time=None), _status(start_time=NOW - timedelta(seconds=5000)), _status(start_time=NOW), _status(container_statuses=()),
    _spec(node_name=""), _spec(containers=(Container(name="app", image="app:odd"),)),
    _meta(deletion_timestamp=NOW - timedelta(seconds=90)), _meta(deletion_timestamp=NOW + timedelta(seconds=9)),
    _meta(creation_timestamp=None), _meta(creation_timestamp=NOW), _meta(finalizers=("example.org/held",)),
    _meta(owner_references=()),
)


def _asked_in_full(monkeypatch: pytest.MonkeyPatch, view: SetView, now: Moment) -> Assessment:
    with monkeypatch.context() as patch:
        patch.setattr(_READING, "_plainly_ready", lambda self, pod: None)
        patch.setattr(blocking, "_is_well", lambda member: False)
        return assess(view, now, StuckAfter())


@pytest.mark.parametrize("seed", range(60))
def test_a_verdict_on_pods_that_are_well_is_as_any(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Random(seed))
    for number in range(60):
        view, whole, short = world.view(), Moment.of(NOW), Moment.of(NOW)
        expected, seen = _asked_in_full(monkeypatch, view, whole), assess(view, short, StuckAfter())
        assert (short.until, seen) == (whole.until, expected), f"world {number}"


def test_most_pods_are_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing would be held against anything above."""
    asked: list[str] = []
    original = getattr(_READING, "_any")

    def noted(self: Any, ordinal: int, pod: Pod, *more: Any) -> Any:
        asked.append(pod.name)
        return original(self, ordinal, pod, *more)

    monkeypatch.setattr(_READING, "_any", noted)
    world, pods = World(Random(0)), 0
    for _ in range(300):
        pods += len(world.view().pods or ())
        assess(world.view(), NOW, StuckAfter())
    assert 0.2 * pods < len(asked) < 0.8 * pods
