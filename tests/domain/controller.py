"""A StatefulSet controller, an API server and a kubelet in miniature, to drive decisions in a closed loop.

Modelled on kubernetes pkg/controller/statefulset/stateful_set_control.go (updateStatefulSet, processReplica, processCondemned,
getStatefulSetRevisions, updateStatefulSetAfterInvariantEstablished) and stateful_set_utils.go (newVersionedStatefulSetPod,
completeUpdate). Everything happens only when asked for, one sync or one kubelet move at a time, so that a test decides how things
interleave.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from enum import Enum, auto
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace as changed

from kubectl_pets.domain.changes import Change, DeletePod, PatchSet
from kubectl_pets.domain.model import (
    REVISION_LABEL,
    Condition,
    Container,
    ContainerState,
    ContainerStatus,
    ControllerRevision,
    ObjectMeta,
    Ordinals,
    OwnerReference,
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
    UpdateStrategy,
    Waiting,
)
from kubectl_pets.domain.rollout.history import RevisionEntry
from kubectl_pets.domain.sets.kept import is_of_another

EPOCH = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
GRACE = timedelta(seconds=30)


class Conflict(Exception):
    """409, 404 or a failed ``test``: the object is not what it was."""


class Stage(Enum):
    PENDING = auto()
    RUNNING = auto()
    READY = auto()
    CRASHING = auto()
    FAILED = auto()


class Fault(Enum):
    """What is wrong with an image."""

    CRASHES = auto()
    NEVER_READY = auto()


@dataclass(frozen=True)
class Rules:
    """How API servers differ. ``gate``: MaxUnavailableStatefulSet. ``completes_by_hand``: completeUpdate minds no strategy."""

    version: str
    gate: bool = False
    heals: bool = True
    completes_by_hand: bool = False


RULES = (
    Rules("v1.34.2"),
    Rules("v1.35.1", gate=True, heals=False),
    Rules("v1.35.4"),
    Rules("v1.37.2", gate=True, completes_by_hand=True),
)


@dataclass(frozen=True)
class SimRevision:
    """A ControllerRevision. ``key``: image and restart mark, which is all that templates differ in here."""

    name: str
    number: int
    key: tuple[str, str]
    created: datetime


@dataclass(frozen=True)
class SimPod:
    ordinal: int
    uid: str
    #: The name of its ControllerRevision; empty where somebody took the label away.
    revision: str
    image: str
    created: datetime
    version: int
    stage: Stage = Stage.PENDING
    ready_since: datetime | None = None
    deleting: datetime | None = None


class World:
    """One StatefulSet with everything that acts on it."""

    def __init__(
        self,
        *,
        replicas: int = 3,
        start: int = 0,
        policy: str = "OrderedReady",
        strategy: str = "RollingUpdate",
        partition: int = 0,
        max_unavailable: int | str | None = None,
        min_ready_seconds: int = 0,
        rules: Rules = RULES[-1],
        image: str = "app:1",
        faults: dict[str, Fault] | None = None,
    ) -> None:
        rolling = RollingUpdate(partition=partition, max_unavailable=max_unavailable)
        self.rules = rules
        self.faults = faults or {}
        self.now = EPOCH
        self.pods: dict[int, SimPod] = {}
        self._count = 100
        #: The name that a template hashes to, for good.
        self._revisions: dict[tuple[str, str], str] = {}
        #: The ControllerRevisions that there are, by name.
        self.kept: dict[str, SimRevision] = {}
        self.owner = StatefulSet(
            metadata=ObjectMeta(name="web", namespace="prod", uid="set-1", generation=1, resource_version="1"),
            spec=StatefulSetSpec(
                replicas=replicas,
                ordinals=Ordinals(start=start) if start else None,
                pod_management_policy=policy,
                min_ready_seconds=min_ready_seconds,
                update_strategy=UpdateStrategy(type=strategy, rolling_update=rolling if strategy == "RollingUpdate" else None),
                template=PodTemplate(
                    metadata=ObjectMeta(labels={"app": "web"}), spec=PodSpec(containers=(Container(name="app", image=image),))
                ),
            ),
        )

    # --- what can be seen -------------------------------------------------------------------------------------------------

    @property
    def replicas(self) -> int:
        return self.owner.spec.replicas

    @property
    def partition(self) -> int:
        return self.owner.partition

    @property
    def image(self) -> str:
        return self.owner.spec.template.spec.containers[0].image

    def available(self, pod: SimPod) -> bool:
        """podutil.IsPodAvailable, and not terminating."""
        if pod.deleting is not None or pod.stage is not Stage.READY or pod.ready_since is None:
            return False
        return pod.ready_since + timedelta(seconds=self.owner.spec.min_ready_seconds) <= self.now

    def positions(self) -> list[SimPod | None]:
        """What holds each position, from the lowest to the highest."""
        return [self.pods.get(self.owner.start + position) for position in range(self.replicas)]

    def surplus(self) -> list[SimPod]:
        """Pods outside the range, the highest ordinal first."""
        in_range = range(self.owner.start, self.owner.start + self.replicas)
        return [self.pods[ordinal] for ordinal in sorted(self.pods, reverse=True) if ordinal not in in_range]

    def all_available(self) -> bool:
        return not self.surplus() and all(pod is not None and self.available(pod) for pod in self.positions())

    def observed(self) -> bool:
        return self.owner.status.observed_generation == self.owner.metadata.generation

    def truly_complete(self) -> bool:
        """Complete by the letter: told from pods, with none of the code under test."""
        wanted = self.owner.status.update_revision
        return self.observed() and self.all_available() and all(pod and pod.revision == wanted for pod in self.positions())

    def comes_back_at(self, ordinal: int) -> str:
        """What the next sync makes a pod of this ordinal from, by the controller's own rule."""
        current, update = self.owner.status.current_revision, self.update_revision()
        held = self.rolls and ordinal - self.owner.start < self.partition
        return current if held and current in self.kept else update

    def released_done(self) -> bool:
        """Every released position holds an available pod of the update revision."""
        wanted = self.owner.status.update_revision
        released = self.positions()[self.partition:] if self.rolls else self.positions()
        return all(pod is not None and self.available(pod) and pod.revision == wanted for pod in released)

    @property
    def rolls(self) -> bool:
        return self.owner.spec.update_strategy.type == "RollingUpdate"

    def never_ready(self) -> bool:
        return any(self.faults.get(pod.image) is Fault.NEVER_READY for pod in self.pods.values())

    def snapshot(self) -> SetView:
        return SetView(
            set=self.owner,
            pods=tuple(self._pod(pod) for pod in self.pods.values()),
            revisions=tuple(self._controller_revision(kept) for kept in self.kept.values()),
            server=ServerVersion(git_version=self.rules.version),
        )

    def history(self) -> tuple[RevisionEntry, ...]:
        """As the history is read, the oldest revision first."""
        live = self._key()
        return tuple(
            RevisionEntry(
                name=kept.name,
                number=kept.number,
                created=kept.created,
                template={"spec": {"containers": [{"name": "app", "image": kept.key[0]}]}},
                changes=None,
                pods=None,
                current=kept.name == self.owner.status.current_revision,
                update=kept.name == self.owner.status.update_revision,
                live=kept.key == live,
                adopted=is_of_another(kept.name, "web"),
            )
            for kept in self._in_order()
        )

    def state(self) -> tuple[object, ...]:
        """All that can change but the time; for finding out that nothing moves any more."""
        pods = tuple((pod, self.available(pod)) for _, pod in sorted(self.pods.items()))
        return self.owner.spec, self.owner.status, pods

    # --- the API server ---------------------------------------------------------------------------------------------------

    def apply(self, change: Change) -> None:
        match change:
            case PatchSet():
                self._put(patched(self.owner, change))
            case DeletePod(name=name, uid=uid, resource_version=version):
                pod = next((pod for pod in self.pods.values() if self.pod_name(pod) == name), None)
                if pod is None or pod.uid != uid or str(pod.version) != version:
                    raise Conflict(name)
                self._delete(pod)

    def edit(
        self,
        *,
        image: str | None = None,
        partition: int | None = None,
        replicas: int | None = None,
        strategy: str | None = None,
        restart: bool = False,
    ) -> None:
        """What somebody else does with kubectl."""
        spec = self.owner.spec
        template = spec.template
        if image is not None:
            template = changed(template, spec=changed(template.spec, containers=(Container(name="app", image=image),)))
        if restart:
            note = {"kubectl.kubernetes.io/restartedAt": str(self._next())}
            template = changed(template, metadata=changed(template.metadata, annotations=note))
        update = spec.update_strategy
        if strategy is not None:
            update = UpdateStrategy(type=strategy, rolling_update=RollingUpdate(partition=0) if strategy == "RollingUpdate" else None)
        if partition is not None and update.type == "RollingUpdate":
            update = changed(update, rolling_update=changed(update.rolling_update or RollingUpdate(), partition=partition))
        spec = changed(spec, template=template, update_strategy=update, replicas=spec.replicas if replicas is None else replicas)
        self._put(changed(self.owner, spec=spec))

    def delete(self, ordinal: int) -> None:
        """kubectl delete pod."""
        self._delete(self.pods[ordinal])

    def recreate(self, *, image: str, partition: int = 0) -> None:
        """kubectl delete --cascade=orphan, and the set made again over its pods: a new uid, and a status that knows nothing."""
        meta = self.owner.metadata
        fresh = ObjectMeta(name=meta.name, namespace=meta.namespace, uid=f"set-{self._next()}", generation=1, resource_version=meta.resource_version)
        self.owner = changed(self.owner, metadata=fresh, status=StatefulSetStatus())
        self.edit(image=image, partition=partition)

    def lose_revision(self, name: str) -> None:
        """Somebody deletes a ControllerRevision, or takes the labels of the selector from it."""
        self.kept.pop(name, None)

    def copy_revision(self, name: str, *, older: bool = True) -> None:
        """The same template under another name, as two server versions wrote it (kubernetes/kubernetes#134773)."""
        number = 0 if older else self._next_number()
        copy = f"{name}-copy{number}"
        self.kept[copy] = replace(self.kept[name], name=copy, number=number)

    def adopt_revision(self, name: str, image: str) -> None:
        """One that another set of the same labels has left behind: it keeps its name and its number, whatever that is."""
        self.kept[name] = SimRevision(name, self._next_number(), (image, ""), self.now)

    def annotate(self, key: str, value: str) -> None:
        meta = self.owner.metadata
        self._put(changed(self.owner, metadata=changed(meta, annotations=meta.annotations | {key: value})))

    def pod_name(self, pod: SimPod) -> str:
        return f"{self.owner.name}-{pod.ordinal}"

    def _put(self, owner: StatefulSet) -> None:
        meta = changed(owner.metadata, resource_version=str(self._next()))
        if owner.spec != self.owner.spec:
            meta = changed(meta, generation=meta.generation + 1)
        self.owner = changed(owner, metadata=meta)

    def _delete(self, pod: SimPod) -> None:
        if pod.deleting is None:
            self._set(replace(pod, deleting=self.now + GRACE))

    def _set(self, pod: SimPod) -> None:
        self.pods[pod.ordinal] = replace(pod, version=self._next())

    def _next(self) -> int:
        self._count += 1
        return self._count

    # --- the controller ---------------------------------------------------------------------------------------------------

    def _key(self) -> tuple[str, str]:
        return self.image, self.owner.spec.template.metadata.annotations.get("kubectl.kubernetes.io/restartedAt", "")

    def _in_order(self) -> list[SimRevision]:
        """byRevision."""
        return sorted(self.kept.values(), key=lambda kept: (kept.number, kept.created, kept.name))

    def _next_number(self) -> int:
        return max((kept.number for kept in self.kept.values()), default=0) + 1

    def update_revision(self) -> str:
        """getStatefulSetRevisions: the newest equal revision gets the highest number; without one it is made."""
        key = self._key()
        ordered = self._in_order()
        equal = [kept for kept in ordered if kept.key == key]
        if not equal:
            name = self._revisions.setdefault(key, f"web-{len(self._revisions) + 1}")
            self.kept[name] = SimRevision(name, self._next_number(), key, self.now)
            return name
        if equal[-1] != ordered[-1]:
            self.kept[equal[-1].name] = replace(equal[-1], number=self._next_number())
        return equal[-1].name

    def sync(self) -> None:
        """One UpdateStatefulSet. The pods that it sees are those from before it."""
        update = self.update_revision()
        current = self.owner.status.current_revision
        if current not in self.kept:
            current = update
        before = self.positions()
        condemned = self.surplus()
        if self._process_replicas(before, current, update) and self._process_condemned(before, condemned) and self.rolls:
            (self._update_within_budget if self.rules.gate else self._update_one)(before, update)
        self._write_status([pod for pod in before if pod] + condemned, current, update)

    @property
    def _monotonic(self) -> bool:
        return self.owner.spec.pod_management_policy != "Parallel"

    def _unavailable(self, pod: SimPod | None) -> bool:
        return pod is None or not self.available(pod)

    def _process_replicas(self, before: list[SimPod | None], current: str, update: str) -> bool:
        """Make what is missing, replace what has ended. False: the sync stops here."""
        for position, pod in enumerate(before):
            if pod is not None and pod.stage is Stage.FAILED:
                self._delete(pod)
                go_on = False
            elif pod is None:
                self._create(position, current, update)
                go_on = False
            else:
                go_on = self.available(pod)
            if self._monotonic and not go_on:
                return False
        return True

    def _process_condemned(self, before: list[SimPod | None], condemned: list[SimPod]) -> bool:
        first = next((pod for pod in condemned[::-1] if self._unavailable(pod)), None)
        for pod in condemned:
            if self._monotonic:
                if pod.deleting is None and (self.available(pod) or pod is first):
                    self._delete(pod)
                return False
            self._delete(pod)
        return True

    def _create(self, position: int, current: str, update: str) -> None:
        held = self.rolls and position < self.partition
        revision = current if held else update
        image = self.kept[revision].key[0]
        ordinal = self.owner.start + position
        number = self._next()
        self.pods[ordinal] = SimPod(
            ordinal=ordinal, uid=f"pod-{number}", revision=revision, image=image, created=self.now, version=number
        )

    def _update_one(self, before: list[SimPod | None], update: str) -> None:
        for pod in before[self.partition:][::-1]:
            if pod is not None and pod.revision != update and pod.deleting is None:
                self._delete(pod)
                return
            if self._unavailable(pod):
                return

    def _update_within_budget(self, before: list[SimPod | None], update: str) -> None:
        limit = max_unavailable(self.owner)
        budget = limit - sum(self._unavailable(pod) for pod in before)
        outdated = [
            pod for pod in before[self.partition:][::-1] if pod is not None and pod.revision != update and pod.deleting is None
        ]
        if not self._monotonic and self.rules.heals:
            for pod in outdated:
                if not self.available(pod):
                    self._delete(pod)
            outdated = [pod for pod in outdated if self.available(pod)]
        for pod in outdated[: max(0, budget)]:
            self._delete(pod)

    def _write_status(self, seen: list[SimPod], current: str, update: str) -> None:
        created = [pod for pod in seen if pod.deleting is None]
        ready = sum(pod.stage is Stage.READY for pod in seen)
        updated = sum(pod.revision == update for pod in created)
        complete = updated == ready == len(seen) == self.replicas and (self.rolls or self.rules.completes_by_hand)
        self._status(
            StatefulSetStatus(
                observed_generation=self.owner.metadata.generation,
                replicas=len(seen),
                ready_replicas=ready,
                available_replicas=sum(self.available(pod) for pod in seen),
                current_replicas=sum(pod.revision == current for pod in created),
                updated_replicas=updated,
                current_revision=update if complete else current,
                update_revision=update,
            )
        )

    def _status(self, status: StatefulSetStatus) -> None:
        if status != self.owner.status:
            meta = changed(self.owner.metadata, resource_version=str(self._next()))
            self.owner = changed(self.owner, metadata=meta, status=status)

    # --- kubelets ---------------------------------------------------------------------------------------------------------

    def kubelet(self, ordinal: int) -> None:
        """The next thing that happens to a pod on its node."""
        pod = self.pods[ordinal]
        fault = self.faults.get(pod.image)
        if pod.deleting is not None:
            del self.pods[ordinal]
        elif pod.stage is Stage.PENDING:
            self._set(replace(pod, stage=Stage.CRASHING if fault is Fault.CRASHES else Stage.RUNNING))
        elif pod.stage is Stage.RUNNING and fault is None:
            self._set(replace(pod, stage=Stage.READY, ready_since=self.now))

    def flap(self, ordinal: int) -> None:
        """It loses its readiness; the kubelet's next move gives it back."""
        pod = self.pods[ordinal]
        if pod.stage is Stage.READY and pod.deleting is None:
            self._set(replace(pod, stage=Stage.RUNNING, ready_since=None))

    def fail(self, ordinal: int) -> None:
        """It ends (an eviction by its node, say)."""
        pod = self.pods[ordinal]
        if pod.deleting is None:
            self._set(replace(pod, stage=Stage.FAILED, ready_since=None))

    def unlabel(self, ordinal: int) -> None:
        self._set(replace(self.pods[ordinal], revision=""))

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # --- interleaving -----------------------------------------------------------------------------------------------------

    def progress(self, random: Random) -> None:
        """Something happens, in no particular order."""
        if random.random() < 0.7:
            self.sync()
        for ordinal in list(self.pods):
            if random.random() < 0.5:
                self.kubelet(ordinal)
        self.pass_by(random.choice((0.1, 1, 5, 20)))

    def round(self, seconds: float = 3600) -> bool:
        """Everybody gets a turn; whether anything came of it."""
        before = self.state()
        for ordinal in list(self.pods):
            if self.pods[ordinal].deleting is None or seconds:
                self.kubelet(ordinal)
        self.pass_by(seconds)
        self.sync()
        return self.state() != before

    def come_to_rest(self, rounds: int = 200) -> None:
        for _ in range(rounds):
            if not self.round():
                return
        raise AssertionError("the controller does not come to rest")

    # --- as the API shows it ----------------------------------------------------------------------------------------------

    def _controller_revision(self, kept: SimRevision) -> ControllerRevision:
        owner = OwnerReference(kind="StatefulSet", name="web", uid=self.owner.metadata.uid, controller=True)
        meta = ObjectMeta(name=kept.name, namespace="prod", owner_references=(owner,), creation_timestamp=kept.created)
        return ControllerRevision(metadata=meta, revision=kept.number)

    def _pod(self, pod: SimPod) -> Pod:
        phase = {Stage.PENDING: "Pending", Stage.FAILED: "Failed"}.get(pod.stage, "Running")
        ready = Condition(
            type="Ready", status="True" if pod.stage is Stage.READY else "False", last_transition_time=pod.ready_since or pod.created
        )
        crash = ContainerState(waiting=Waiting(reason="CrashLoopBackOff"))
        state = crash if pod.stage is Stage.CRASHING else ContainerState()
        return Pod(
            metadata=ObjectMeta(
                name=self.pod_name(pod),
                namespace="prod",
                uid=pod.uid,
                resource_version=str(pod.version),
                creation_timestamp=pod.created,
                # What does not go away is seen by the sync that follows; here nodes always answer.
                deletion_timestamp=self.now + GRACE if pod.deleting else None,
                labels={REVISION_LABEL: pod.revision} if pod.revision else {},
                owner_references=(OwnerReference(kind="StatefulSet", name="web", uid=self.owner.metadata.uid, controller=True),),
            ),
            spec=PodSpec(containers=(Container(name="app", image=pod.image),), node_name="node"),
            status=PodStatus(phase=phase, conditions=(ready,), container_statuses=(ContainerStatus(name="app", state=state),)),
        )


def max_unavailable(owner: StatefulSet) -> int:
    """getStatefulSetMaxUnavailable."""
    rolling = owner.spec.update_strategy.rolling_update
    value = rolling.max_unavailable if rolling else None
    if isinstance(value, str):
        return max(1, owner.spec.replicas * int(value.removesuffix("%")) // 100)
    return value or 1


def patched(owner: StatefulSet, patch: PatchSet) -> StatefulSet:
    """A JSON patch carried out: all of it, or Conflict."""
    document: Any = msgspec.json.decode(msgspec.json.encode(owner))
    for operation in patch.operations:
        *path, last = [part.replace("~1", "/").replace("~0", "~") for part in operation.path.split("/")[1:]]
        place = document
        for part in path:
            place = place[int(part)] if isinstance(place, list) else place[part]
        match operation.op:
            case "test":
                if (place[int(last)] if isinstance(place, list) else place.get(last)) != operation.value:
                    raise Conflict(operation.path)
            case "add":
                place[last] = operation.value
            case "replace":
                assert last in place
                place[last] = operation.value
            case "remove":
                del place[last]
            case other:
                raise AssertionError(other)
    return msgspec.convert(document, StatefulSet)
