"""Turns a step into a change that the API server refuses when its ground is gone.

A patch tests uid, generation and each annotation that it writes or removes: whoever edited the spec or one of these in between
wins and we read again; status updates do no harm. A deletion names the uid and resourceVersion of the pod that was judged.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kubectl_pets.domain.changes import ANNOTATIONS, Change, DeletePod, Operation, PatchSet, annotating, annotation
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.rollout.assessing import RESTARTED_ANNOTATION, RESUME_ANNOTATION
from kubectl_pets.domain.rollout.history import Template
from kubectl_pets.domain.rollout.managers import STATED_ANNOTATION, states_partition
from kubectl_pets.domain.rollout.ownership import DeployedField, Written
from kubectl_pets.domain.rollout.revisions import Image, images_of
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.sets.fields import PAUSED_RECONCILE_ANNOTATION
from kubectl_pets.domain.sets.grouping import pod_template, template_and_container
from kubectl_pets.domain.sets.kept import KEPT_ANNOTATION, as_note
from kubectl_pets.domain.sets.kinds import APPS_SET, Capability, kind_of
from kubectl_pets.domain.sets.slots import slots_of, written_partition
from kubectl_pets.domain.stepping.freeing import UNDONE_ANNOTATION
from kubectl_pets.domain.stepping.restarting import RESTART_ANNOTATION
from kubectl_pets.domain.stepping.steps import Delete, Evict, Mark, Note, PatchAnswer, Restore, SetPartition, Stage, Step


def answer_of(owner: StatefulSet) -> PatchAnswer:
    """What the API server made of a change of the set: its answer, in so far as a run holds on to it."""
    told = Capability.GROUPS not in kind_of(owner).can and owner.spec.update_strategy.type == "RollingUpdate"
    held = slots_of(owner).partition if told else None
    return PatchAnswer(images=images_of(pod_template(owner).spec), generation=owner.metadata.generation, partition=held)


def change_for(step: Step, owner: StatefulSet, seen: Assessment) -> Change:
    """The change that carries out a step which was decided from exactly this set and this assessment of it."""
    match step:
        case Delete(pod=name) | Evict(pod=name):
            member = next(member for member in seen.members if member.name == name)
            return DeletePod(
                namespace=owner.namespace,
                name=name,
                uid=member.uid,
                resource_version=member.resource_version,
                evict=isinstance(step, Evict),
            )
        case SetPartition(partition=partition, before=before, remember=remember, paused=paused, keeps=keeps):
            told = {RESUME_ANNOTATION: str(before) if remember else None, **_stated(owner, partition)}
            note = annotating(owner.metadata, {**told, **_keeping(keeps, seen.update_revision, seen)})
            return _patch(owner, (*_partition(owner, partition), *_paused(owner, paused), *note))
        case Stage(images=images, partition=partition, paused=paused):
            return _patch(owner, (*_images(owner, images), *_held(owner, partition, {}), *_paused(owner, paused)))
        case Restore(template=template, partition=partition, before=before, revision=revision, paused=paused, keeps=keeps):
            notes = {UNDONE_ANNOTATION: f"{before} {revision}", **_keeping(keeps, revision, seen)}
            return _patch(owner, (*_template(owner, template), *_held(owner, partition, notes), *_paused(owner, paused)))
        case Mark(at=at, partition=partition):
            return _patch(owner, (*_marked(owner, at), *_held(owner, partition, {RESTART_ANNOTATION: at})))
        case Note(notes=notes):
            return _patch(owner, annotating(owner.metadata, notes))


def restored(owner: StatefulSet, step: Restore, notes: dict[str, str]) -> PatchSet:
    """The change of such a step, with more notes of ours: one change."""
    notes = {UNDONE_ANNOTATION: f"{step.before} {step.revision}", **notes}
    return _patch(owner, (*_template(owner, step.template), *_held(owner, step.partition, notes)))


def written_by(steps: Iterable[Step], owner: StatefulSet) -> Written:
    """What these steps write that somebody else may deploy."""
    fields: dict[DeployedField, None] = {}
    images: set[str] = set()
    partitions: set[int] = set()
    whole = False
    for step in steps:
        if isinstance(step, Stage | Restore):
            fields[DeployedField.IMAGE] = None
            whole = whole or isinstance(step, Restore)
            images.update(() if isinstance(step, Restore) else (image.container for image in step.images))
        if isinstance(step, SetPartition | Stage | Restore | Mark) and step.partition is not None:
            fields[DeployedField.PARTITION] = None
            partitions.add(written_partition(owner, step.partition))
    containers = None if whole else frozenset(images)
    return Written(fields=tuple(fields), containers=containers, partitions=frozenset(partitions))


def _patch(owner: StatefulSet, operations: tuple[Operation, ...]) -> PatchSet:
    meta = owner.metadata
    ground = (_test("/metadata/uid", meta.uid), _test("/metadata/generation", meta.generation))
    return PatchSet(kind=kind_of(owner), namespace=owner.namespace, name=owner.name, operations=ground + operations)


def _template(owner: StatefulSet, template: Template) -> tuple[Operation, ...]:
    """Of a set of groups: all of its spec that a revision of it holds."""
    if Capability.GROUPS in kind_of(owner).can:
        return tuple(Operation(op="add", path=f"/spec/{field}", value=value) for field, value in template.items() if value)
    return (Operation(op="replace", path="/spec/template", value=template),)


def _keeping(name: str | msgspec.UnsetType, replaced_by: str, seen: Assessment) -> dict[str, str]:
    record = next((group.record for group in seen.revisions if group.name == name), None)
    return {KEPT_ANNOTATION: as_note(record, replaced_by)} if record is not None else {}


def _partition(owner: StatefulSet, partition: int) -> tuple[Operation, ...]:
    if Capability.GROUPS in kind_of(owner).can:  # whose admission fills in the rest
        path = "/spec/rolloutStrategy/rollingUpdateConfiguration/partition"
        return (Operation(op="add", path=path, value=partition),)
    if owner.spec.update_strategy.type == "OnDelete":
        return ()  # it has none; what is wanted is in the rest of the change
    strategy, number = owner.spec.update_strategy, written_partition(owner, partition)
    if strategy.rolling_update is None and kind_of(owner) is not APPS_SET:  # no admission has filled in the strategy
        value = {"type": strategy.type, "rollingUpdate": {"partition": number}}
        return (Operation(op="add", path="/spec/updateStrategy", value=value),)
    if strategy.rolling_update is None:
        return (Operation(op="add", path="/spec/updateStrategy/rollingUpdate", value={"partition": number}),)
    return (Operation(op="add", path="/spec/updateStrategy/rollingUpdate/partition", value=number),)


def _paused(owner: StatefulSet, paused: bool | msgspec.UnsetType) -> tuple[Operation, ...]:
    """Stopped only ever of a set that has ``rollingUpdate``: its kind's admission fills it in."""
    if isinstance(paused, msgspec.UnsetType):
        return ()
    if Capability.STANDSTILL in kind_of(owner).can:  # which this program ends, and never begins
        return annotating(owner.metadata, {PAUSED_RECONCILE_ANNOTATION: None})
    return (Operation(op="add", path="/spec/updateStrategy/rollingUpdate/paused", value=paused),)


def _images(owner: StatefulSet, images: tuple[Image, ...]) -> tuple[Operation, ...]:
    if Capability.GROUPS in kind_of(owner).can:
        return tuple(operation for image in images for operation in _image_of_group(owner, image))
    wanted = {image.container: image.image for image in images}
    spec = owner.spec.template.spec
    return tuple(
        operation
        for field, containers in (("initContainers", spec.init_containers), ("containers", spec.containers))
        for index, container in enumerate(containers)
        if container.name in wanted
        for operation in (
            _test(f"/spec/template/spec/{field}/{index}/name", container.name),
            Operation(op="replace", path=f"/spec/template/spec/{field}/{index}/image", value=wanted[container.name]),
        )
    )


def _image_of_group(owner: StatefulSet, image: Image) -> Iterator[Operation]:
    """In whichever of the two templates of a group the container stands."""
    template, name = template_and_container(image.container)
    spec = ((owner.spec.leader_worker_template or {}).get(template) or {}).get("spec") or {}
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or ()):
            if container.get("name") == name:
                path = f"/spec/leaderWorkerTemplate/{template}/spec/{field}/{index}"
                yield _test(f"{path}/name", name)
                yield Operation(op="replace", path=f"{path}/image", value=image.image)


def _held(owner: StatefulSet, partition: int | None, notes: dict[str, str]) -> tuple[Operation, ...]:
    """A change of the template under a partition that holds it; None: under the one that there is."""
    if partition is None:
        return annotating(owner.metadata, notes)
    noted = annotating(owner.metadata, {RESUME_ANNOTATION: None, **notes, **_stated(owner, partition)})
    return (*_partition(owner, partition), *noted)


def _stated(owner: StatefulSet, partition: int) -> dict[str, str | None]:
    """The note of who states the partition, which our own writing of it hides; gone once it holds nothing any more."""
    if not partition:
        return {STATED_ANNOTATION: None}
    who = states_partition(owner)
    return {STATED_ANNOTATION: who} if who else {}


def _marked(owner: StatefulSet, at: str) -> tuple[Operation, ...]:
    if owner.spec.template.metadata.annotations:
        return (Operation(op="add", path=f"/spec/template{annotation(RESTARTED_ANNOTATION)}", value=at),)
    return (Operation(op="add", path=f"/spec/template{ANNOTATIONS}", value={RESTARTED_ANNOTATION: at}),)


def _test(path: str, value: Any) -> Operation:
    return Operation(op="test", path=path, value=value)
