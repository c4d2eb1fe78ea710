"""Which revisions live in a StatefulSet, and which pods run them?

``currentRevision`` is the last one that was fully rolled out, ``updateRevision`` the wanted one; after two edits under a
partition there are more than two, so pods are grouped by their label and never assumed to be of either.
"""

import msgspec

from kubectl_pets.domain.model import ControllerRevision, PodSpec, SetView, StatefulSet
from kubectl_pets.domain.rollout.members import Member


class Image(msgspec.Struct, frozen=True, kw_only=True):
    container: str
    image: str


class RevisionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A ControllerRevision with the pods made from it. More than two may live at once."""

    name: str
    number: int | None
    images: tuple[Image, ...]
    pods: tuple[str, ...]
    #: ``status.currentRevision``: the last one fully rolled out.
    current: bool
    #: ``status.updateRevision``: the wanted one.
    update: bool


def group_pods(owner: StatefulSet, snapshot: SetView, members: tuple[Member, ...]) -> tuple[RevisionGroup, ...]:
    """Revisions that pods run, and the current and update ones; the newest first."""
    known: dict[str, ControllerRevision] = {}
    for revision in snapshot.revisions or ():
        controller = revision.metadata.controller()
        if controller is not None and controller.uid == owner.metadata.uid:
            known[revision.name] = revision
    pods: dict[str, list[str]] = {}
    for member in members:
        if member.revision:
            pods.setdefault(member.revision, []).append(member.name)
    names = {owner.status.current_revision, owner.status.update_revision, *pods} - {""}
    by_name = {pod.name: pod.spec for pod in snapshot.pods or ()}
    specs = {member.revision: by_name[member.name] for member in reversed(members) if member.revision}
    groups = [
        RevisionGroup(
            name=name,
            number=known[name].revision if name in known else None,
            images=images_of(known[name].data.spec.template.spec if name in known else specs.get(name, PodSpec())),
            pods=tuple(pods.get(name, ())),
            current=name == owner.status.current_revision,
            update=name == owner.status.update_revision,
        )
        for name in names
    ]
    return tuple(sorted(groups, key=lambda group: (group.update, group.number or 0, group.name), reverse=True))


def images_of(spec: PodSpec) -> tuple[Image, ...]:
    return tuple(Image(container=item.name, image=item.image) for item in spec.init_containers + spec.containers)
