"""Turns a step into a change that the API server refuses when its ground is gone.

A patch tests uid and generation: whoever edited the spec in between wins and we read again; status updates do no harm. A deletion
names the uid and resourceVersion of the pod that was judged.
"""

from typing import Any

from kubectl_pets.domain.change import Change, DeletePod, Operation, PatchSet
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.revisions import Image
from kubectl_pets.domain.rollout import RESUME_ANNOTATION
from kubectl_pets.domain.steps import Delete, SetPartition, Stage, Step
from kubectl_pets.domain.verdict import Assessment


def change_for(step: Step, owner: StatefulSet, seen: Assessment) -> Change:
    """The change that carries out a step which was decided from exactly this set and this assessment of it."""
    match step:
        case Delete(pod=name):
            member = next(member for member in seen.members if member.name == name)
            return DeletePod(
                namespace=owner.namespace, name=name, uid=member.uid, resource_version=member.resource_version
            )
        case SetPartition(partition=partition, before=before, remember=remember):
            note = _note(owner, before) if remember else _forget(owner)
            return _patch(owner, (*_partition(owner, partition), *note))
        case Stage(images=images, partition=partition):
            held = () if partition is None else (*_partition(owner, partition), *_forget(owner))
            return _patch(owner, (*_images(owner, images), *held))


def _patch(owner: StatefulSet, operations: tuple[Operation, ...]) -> PatchSet:
    meta = owner.metadata
    ground = (_test("/metadata/uid", meta.uid), _test("/metadata/generation", meta.generation))
    return PatchSet(namespace=owner.namespace, name=owner.name, operations=ground + operations)


def _partition(owner: StatefulSet, partition: int) -> tuple[Operation, ...]:
    if owner.spec.update_strategy.rolling_update is None:
        return (Operation(op="add", path="/spec/updateStrategy/rollingUpdate", value={"partition": partition}),)
    return (Operation(op="add", path="/spec/updateStrategy/rollingUpdate/partition", value=partition),)


def _images(owner: StatefulSet, images: tuple[Image, ...]) -> tuple[Operation, ...]:
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


def _note(owner: StatefulSet, partition: int) -> tuple[Operation, ...]:
    # A note that is there already is overwritten: whose pause it was of nobody can tell, and it may release too much.
    if owner.metadata.annotations:
        return (Operation(op="add", path=_annotation(), value=str(partition)),)
    # Annotations do not count in the generation: only an unchanged resourceVersion says that there are still none to overwrite.
    return (
        _test("/metadata/resourceVersion", owner.metadata.resource_version),
        Operation(op="add", path="/metadata/annotations", value={RESUME_ANNOTATION: str(partition)}),
    )


def _forget(owner: StatefulSet) -> tuple[Operation, ...]:
    if RESUME_ANNOTATION not in owner.metadata.annotations:
        return ()
    return (Operation(op="remove", path=_annotation()),)


def _annotation() -> str:
    return "/metadata/annotations/" + RESUME_ANNOTATION.replace("~", "~0").replace("/", "~1")


def _test(path: str, value: Any) -> Operation:
    return Operation(op="test", path=path, value=value)
