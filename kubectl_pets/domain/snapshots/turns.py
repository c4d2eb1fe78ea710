"""Whose turn is it, while the data of a set that runs goes back one pod after the other, the highest ordinal first?

What keeps the controller from making a pod, and with it its missing claims, empty, is the pod of before: a finalizer of ours
holds it in the API server after its containers have ended, and a name is given once only. The controller leaves a pod alone that
has ended and is on its way out (stateful_set_control.go, processReplica, read in 1.30 and 1.37). A claim is held by Kubernetes as
long as there is a pod that names it, ended or not (pvc_protection_controller.go, podUsesPVCForDeletion): that finalizer is taken
off here once the kubelet is through with the pod and nobody else mounts the claim, which is what it is for.

The partition lets go the pod whose claims are there again, and no other: what dies by itself meanwhile comes back at the version
of before, with its own data. Level-triggered: a turn is found anew from what is there, whoever asks.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.changes import PatchSet, SetFinalizers
from kubectl_pets.domain.model import PersistentVolumeClaim, Pod, StatefulSet
from kubectl_pets.domain.rollout.history import Template
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.restoring import RESTORING_ANNOTATION, Restoration
from kubectl_pets.domain.snapshots.restoring import ClaimReturn, ReturnPlan, Stand, under_way
from kubectl_pets.domain.stepping.patches import restored
from kubectl_pets.domain.stepping.steps import Restore

#: On a pod: held in the API server until its claims are made anew.
HELD_FINALIZER = "kubectl-pets/restoring"

_PROTECTION = "kubernetes.io/pvc-protection"

#: What containers have come to their end in (PodPhase).
_ENDED = ("Succeeded", "Failed")


@unique
class TurnStep(StrEnum):
    #: Write the template of before, the partition that holds every pod, and the note of what is under way.
    BEGIN = "begin"
    PARTITION = "partition"
    #: Put the finalizer onto the pod.
    HOLD = "hold"
    #: Have the pod end.
    TAKE_DOWN = "take-down"
    #: The next change to a claim (``restoring.step``).
    CLAIM = "claim"
    #: Take Kubernetes' own finalizer off a claim whose pod has ended.
    UNPROTECT = "unprotect"
    #: Take ours off the pod.
    RELEASE = "release"
    FINISH = "finish"
    # to be waited for
    AWAIT_OBSERVATION = "await-observation"
    #: Other pods to be available.
    AWAIT_OTHERS = "await-others"
    #: The pod to have ended, and its kubelet to be through with it.
    AWAIT_END = "await-end"
    #: The pod to be there again and available.
    AWAIT_POD = "await-pod"
    AWAIT_CLAIM = "await-claim"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One step. ``name``: the pod's, whose turn it is; ``pod``: as it is, where there is one; ``partition``: what is to be
    written; ``others``: the pods that are waited for."""

    step: TurnStep
    name: str = ""
    pod: Pod | None = None
    claim: ClaimReturn | None = None
    partition: int = 0
    others: tuple[str, ...] = ()


def next_turn(
    found: ReturnPlan, owner: StatefulSet, pods: Mapping[int, Pod], seen: Assessment, now: datetime, settle: timedelta
) -> Turn:
    """The next step of a plan that nothing speaks against. ``pods``: the set's own, by ordinal; ``seen``: the verdict on the same
    look; ``settle``: for how long a new pod has to be Ready, where the set's minReadySeconds is 0."""
    note = found.note
    assert note is not None
    if under_way(owner) != note:
        return Turn(step=TurnStep.BEGIN)
    if not seen.observed:
        return Turn(step=TurnStep.AWAIT_OBSERVATION)
    rolls = owner.spec.update_strategy.type == "RollingUpdate"
    view = _View(owner.partition if rolls else None, seen, note, now, settle)
    for ordinal in order(owner, pods, seen):
        position = ordinal - owner.start
        claims = [each for each in found.claims if each.ordinal == ordinal]
        turn = view.of_pod(f"{owner.name}-{ordinal}", position, claims, pods.get(ordinal))
        if turn is not None:
            return turn
    if rolls and owner.partition != note.partition:
        return Turn(step=TurnStep.PARTITION, partition=note.partition)
    return Turn(step=TurnStep.FINISH)


def order(owner: StatefulSet, pods: Mapping[int, Pod], seen: Assessment) -> list[int]:
    """The ordinals as they have their turns: the highest first. Where only a deletion updates a pod (OnDelete), one
    that is held goes on first, then those that are down anyway, from the lowest up as the controller makes them.
    With RollingUpdate a pod comes back at the version of before only once all above it do (stateful_set_control.go,
    newVersionedStatefulSetPod: it goes by the partition)."""
    found = list(reversed(range(owner.start, owner.start + owner.spec.replicas)))
    if owner.spec.update_strategy.type == "RollingUpdate":
        return found
    up = {each.ordinal for each in seen.members if each.available}
    held = [each for each in found if each in pods and is_held(pods[each])]
    down = [each for each in reversed(found) if each not in up]
    return list(dict.fromkeys((*held, *down, *found)))


class _View(msgspec.Struct, frozen=True):
    """What every pod of one look is judged by. ``partition`` None: the set has none (OnDelete)."""

    partition: int | None
    seen: Assessment
    note: Restoration
    now: datetime
    settle: timedelta

    def of_pod(self, name: str, position: int, claims: Sequence[ClaimReturn], pod: Pod | None) -> Turn | None:
        """None: it is through."""
        left = next((each for each in claims if each.stand is not Stand.DONE), None)
        if pod is not None and pod.terminating:
            return self._leaving(name, position, left, pod)
        if pod is None and left is not None and left.stand is Stand.GONE:
            return Turn(step=TurnStep.CLAIM, name=name, claim=left)  # before the controller makes it empty
        if left is None:
            return self._filled(name, position, pod)
        return Turn(step=TurnStep.AWAIT_POD, name=name) if pod is None else self._with_newer_data(name, position, pod)

    def _leaving(self, name: str, position: int, left: ClaimReturn | None, pod: Pod) -> Turn:
        if not is_held(pod):  # somebody else has deleted it, and it comes back
            return Turn(step=TurnStep.AWAIT_POD, name=name, pod=pod)
        if not has_ended(pod):
            return Turn(step=TurnStep.AWAIT_END, name=name, pod=pod)
        if left is None:
            return self._let_go(name, position, pod) or Turn(step=TurnStep.RELEASE, name=name, pod=pod)
        if left.stand is Stand.FILLING or (left.stand is Stand.LEAVING and not _is_only_protected(left)):
            return Turn(step=TurnStep.AWAIT_CLAIM, name=name, pod=pod, claim=left)
        step = TurnStep.UNPROTECT if left.stand is Stand.LEAVING else TurnStep.CLAIM
        return Turn(step=step, name=name, pod=pod, claim=left)

    def _filled(self, name: str, position: int, pod: Pod | None) -> Turn | None:
        """Its claims are made anew."""
        if pod is not None and is_held(pod):
            return Turn(step=TurnStep.RELEASE, name=name, pod=pod)
        if pod is not None and pod.revision == self.note.revision:
            return None if self._is_up(name) else Turn(step=TurnStep.AWAIT_POD, name=name, pod=pod)
        let_go = self._let_go(name, position, pod)
        if let_go is not None:
            return let_go
        if pod is not None and self.partition is None:  # nobody else deletes it
            return Turn(step=TurnStep.TAKE_DOWN, name=name, pod=pod)
        return Turn(step=TurnStep.AWAIT_POD, name=name, pod=pod)

    def _with_newer_data(self, name: str, position: int, pod: Pod) -> Turn:
        if self.partition is not None and self.partition <= position:
            return Turn(step=TurnStep.PARTITION, name=name, partition=position + 1)
        down = tuple(each.name for each in self.seen.members if each.name != name and not each.available)
        down += tuple(each.name for each in self.seen.surplus)
        is_up = any(each.name == name and each.available for each in self.seen.members)
        if down and (is_up or self.partition is not None):
            return Turn(step=TurnStep.AWAIT_OTHERS, name=name, pod=pod, others=down)
        return Turn(step=TurnStep.TAKE_DOWN if is_held(pod) else TurnStep.HOLD, name=name, pod=pod)

    def _let_go(self, name: str, position: int, pod: Pod | None) -> Turn | None:
        if self.partition is None or self.partition <= position:
            return None
        return Turn(step=TurnStep.PARTITION, name=name, pod=pod, partition=position)

    def _is_up(self, name: str) -> bool:
        member = next((each for each in self.seen.members if each.name == name), None)
        if member is None or not member.available:
            return False
        since = member.ready_since
        return self.seen.min_ready_seconds > 0 or since is None or self.now - since >= self.settle


def is_held(pod: Pod) -> bool:
    return HELD_FINALIZER in pod.metadata.finalizers


def has_ended(pod: Pod) -> bool:
    """Whether its containers have, and its kubelet is through with it, volumes included (pkg/kubelet/status, canBeDeleted). Where
    somebody forced it out without its node having answered, the phase does not say so."""
    return pod.terminating and pod.status.phase in _ENDED and pod.metadata.deletion_grace_period_seconds == 0


def _is_only_protected(left: ClaimReturn) -> bool:
    return left.present is not None and left.present.metadata.finalizers == (_PROTECTION,)


def holding(pod: Pod) -> SetFinalizers:
    return _finalizers("pods", pod, (*pod.metadata.finalizers, HELD_FINALIZER))


def releasing(pod: Pod) -> SetFinalizers:
    return _finalizers("pods", pod, tuple(each for each in pod.metadata.finalizers if each != HELD_FINALIZER))


def unprotecting(turn: ClaimReturn) -> SetFinalizers:
    """For a claim that nothing but Kubernetes' own finalizer holds."""
    assert turn.present is not None
    return _finalizers("persistentvolumeclaims", turn.present, ())


def _finalizers(resource: str, of: Pod | PersistentVolumeClaim, left: tuple[str, ...]) -> SetFinalizers:
    meta = of.metadata
    where = {"of": resource, "namespace": of.namespace, "name": of.name}
    return SetFinalizers(**where, uid=meta.uid, resource_version=meta.resource_version, finalizers=left)


def held_back(owner: StatefulSet, found: ReturnPlan) -> int | None:
    """The partition that holds every pod, before the first has its turn; None: the set has none (OnDelete)."""
    if owner.spec.update_strategy.type != "RollingUpdate" or found.note is None:
        return None
    return max(owner.spec.replicas, found.note.partition)


def beginning(owner: StatefulSet, found: ReturnPlan, template: Template) -> PatchSet:
    """The template of before, held back from every pod, and what is under way, in one change: there is no moment at which one is
    there without the other."""
    note, held = found.note, held_back(owner, found)
    assert note is not None
    before = owner.status.update_revision
    restore = Restore(revision=note.revision, number=found.number, template=template, partition=held, before=before)
    return restored(owner, restore, {RESTORING_ANNOTATION: note.text})
