"""Which revisions live in a StatefulSet, which pods run them, what does a pod come back at, and what ran before?

After two edits under a partition there are more than two revisions, so pods are grouped by their label and never assumed to be of
the current or the update one. ``status.currentRevision`` is what the controller makes held pods from, and no more than that: it
equals the update revision after a set was deleted with ``--cascade=orphan`` and made again or after its ControllerRevision was
deleted (stateful_set_control.go, getStatefulSetRevisions), and servers before 1.37 never move it for OnDelete
(kubernetes/kubernetes#106055). So what ran before is told from the pods and the ControllerRevisions.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.model import ControllerRevision, PodSpec, ServerVersion, SetView, StatefulSet
from kubectl_pets.domain.rollout.members import Member, traits
from kubectl_pets.domain.sets.kept import KeptTemplate, is_of_another, keepable
from kubectl_pets.domain.sets.kinds import Capability, kind_of

_Kept = Mapping[str, ControllerRevision]


class Image(msgspec.Struct, frozen=True, kw_only=True):
    container: str
    image: str


class RevisionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A ControllerRevision with the pods made from it. More than two may live at once."""

    name: str
    number: int | None
    images: tuple[Image, ...]
    pods: tuple[str, ...]
    #: What ran before the wanted one, or that one itself where nothing else did.
    current: bool
    #: ``status.updateRevision``: the wanted one.
    update: bool
    #: Of a set of groups: what keeps it on the set (``sets.kept``); None where nothing can, or has to.
    record: KeptTemplate | None = None


@unique
class Doubt(StrEnum):
    """Why nobody can say which revision ran before the wanted one."""

    #: Pods run it, but its ControllerRevision is gone, and with it its template.
    NOT_KEPT = "not-kept"
    #: ControllerRevisions could not be read, and the pods run several.
    UNREAD = "unread"
    #: The wanted template is older than the one that pods run: put back by an undo, or a new wish for an old version.
    OLDER_WANTED = "older-wanted"


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What a deleted pod comes back at, and what ran before the wanted revision; every verb that goes back asks this."""

    #: The revision from which the controller makes a pod anew whose position the partition holds; any other pod is made from the
    #: update revision (newVersionedStatefulSetPod). Empty: it has not said yet.
    held: str = ""
    #: The revision that ran before the wanted one, while pods of both are there or may come: the wanted one itself where a
    #: template was put back and only its pods are still to follow. Empty: no other one is run, or nobody knows (``doubt``).
    revision: str = ""
    doubt: Doubt | None = None
    #: The wanted template ran before the one that other pods run: a pod of it is older than that one's ControllerRevision.
    put_back: bool = False
    #: The newest kept revision below the wanted one that surely differs from it, by its images. Empty: none, or it was made later
    #: than the wanted one, which was gone back to from it.
    older: str = ""
    #: Revisions that pods run and no ControllerRevision holds any more, the lowest ordinal's first.
    not_kept: tuple[str, ...] = ()


def ran_before(owner: StatefulSet, snapshot: SetView, members: tuple[Member, ...]) -> Before:
    """Decided from the pods' revisions and the ControllerRevisions: names, numbers and times of creation.

    While the controller can make held pods from another revision than the wanted one, that is what ran before. Where it cannot,
    it is the newest revision that pods still run, unless the wanted template is the older of the two.
    """
    update, kept = owner.status.update_revision, kept_revisions(owner, snapshot)
    listed = update in kept
    held = _held(owner, kept if listed else None)
    earlier = tuple(dict.fromkeys(member.revision for member in members if member.revision not in ("", update)))
    not_kept = tuple(name for name in earlier if listed and name not in kept)
    told = Before(held=held, not_kept=not_kept, older=_older(owner, kept, update))
    if not update:
        return told
    trusted = held if _rolls(owner) else _finished_by_hand(owner, snapshot.server, earlier)
    if trusted not in ("", update):
        return msgspec.structs.replace(told, revision=trusted)
    if not earlier:
        return told
    if not_kept:
        return msgspec.structs.replace(told, doubt=Doubt.NOT_KEPT)
    if not listed:
        return msgspec.structs.replace(told, doubt=Doubt.UNREAD)
    newest = max(earlier, key=lambda name: (kept[name].revision, name))
    if not _is_older(kept[update], kept[newest], kept):
        return msgspec.structs.replace(told, revision=newest)
    if _ran_earlier(members, update, kept[newest]):
        return msgspec.structs.replace(told, revision=update, put_back=True)
    if not any(member.revision == newest and traits(member.state).ready for member in members):
        return msgspec.structs.replace(told, revision=update)  # none of the newest serves: there is nothing to go back to
    return msgspec.structs.replace(told, doubt=Doubt.OLDER_WANTED)


def _older(owner: StatefulSet, kept: _Kept, update: str) -> str:
    """Lists of revisions hold no more of a template than images, so whether others differ is not known here."""
    if update not in kept:
        return ""
    images, groups = _images(kept[update]), Capability.GROUPS in kind_of(owner).can
    before = [each for each in kept.values() if groups or not is_of_another(each.name, owner.name)]
    others = [each for each in before if each.revision < kept[update].revision and _images(each) != images]
    newest = max(others, key=lambda each: (each.revision, each.name), default=None)
    return newest.name if newest is not None and not was_left(_made(newest), _made(kept[update])) else ""


def was_left(made: datetime | None, wanted_made: datetime | None) -> bool:
    """Whether the wanted template was gone back to from one with a lower number, by when the two were made: what is gone back to
    gets a number of its own and keeps its time (UpdateControllerRevision). By an undo whose note somebody took off the set, or by
    a deploy of the former version: to go on to what was left may be the last thing that is wanted."""
    return made is not None and wanted_made is not None and made > wanted_made


def _made(revision: ControllerRevision) -> datetime | None:
    return revision.metadata.creation_timestamp


def _images(revision: ControllerRevision) -> tuple[Image, ...]:
    return images_of(revision.data.spec.template.spec)


def kept_revisions(owner: StatefulSet, snapshot: SetView) -> dict[str, ControllerRevision]:
    """By name, the ControllerRevisions that the controller goes by: the set's own and orphans of its selector, which it adopts
    (ListRevisions)."""
    return {
        revision.name: revision
        for revision in snapshot.revisions or ()
        if (controller := revision.metadata.controller()) is None or controller.uid == owner.metadata.uid
    }


def _rolls(owner: StatefulSet) -> bool:
    return owner.spec.update_strategy.type == "RollingUpdate"


def _held(owner: StatefulSet, kept: _Kept | None) -> str:
    """``kept`` None: the list is not whole, so the status is all there is to go by."""
    status = owner.status
    if not _rolls(owner) or not status.current_revision or (kept is not None and status.current_revision not in kept):
        return status.update_revision
    return status.current_revision


def _finished_by_hand(owner: StatefulSet, server: ServerVersion | None, earlier: tuple[str, ...]) -> str:
    """OnDelete: the current revision where the server keeps it (since 1.37) and a pod bears it out; else empty."""
    release = server.release() if server is not None else None
    current = owner.status.current_revision
    return current if release is not None and release >= (1, 37, 0) and current in earlier else ""


def _is_older(update: ControllerRevision, other: ControllerRevision, kept: _Kept) -> bool:
    """Whether the wanted template was made before the other, or nobody can tell. Going back to a template gives it a number of
    its own (UpdateControllerRevision), so a number says nothing unless none was ever given up; times are whole seconds."""
    if sorted(revision.revision for revision in kept.values()) == list(range(1, len(kept) + 1)):
        return update.revision < other.revision
    made, others = update.metadata.creation_timestamp, other.metadata.creation_timestamp
    return made is None or others is None or made <= others


def _ran_earlier(members: tuple[Member, ...], update: str, newest: ControllerRevision) -> bool:
    """Whether a pod of the wanted revision was there before the newest one came."""
    since = newest.metadata.creation_timestamp
    return since is not None and any(
        member.revision == update and member.created is not None and member.created < since for member in members
    )


def group_pods(
    owner: StatefulSet, snapshot: SetView, members: tuple[Member, ...], before: Before
) -> tuple[RevisionGroup, ...]:
    """Revisions that pods run, what ran before the wanted one, and that one; the newest first."""
    known: dict[str, ControllerRevision] = {}
    for revision in snapshot.revisions or ():
        controller = revision.metadata.controller()
        if controller is not None and controller.uid == owner.metadata.uid:
            known[revision.name] = revision
    pods: dict[str, list[str]] = {}
    for member in members:
        if member.revision:
            pods.setdefault(member.revision, []).append(member.name)
    current = before.revision or before.held
    names = {current, owner.status.update_revision, *pods} - {""}
    specs = {} if names <= known.keys() else _specs(snapshot, members)
    groups = [
        RevisionGroup(
            name=name,
            number=known[name].revision if name in known else None,
            images=images_of(known[name].data.spec.template.spec if name in known else specs.get(name, PodSpec())),
            pods=tuple(pods.get(name, ())),
            current=name == current,
            update=name == owner.status.update_revision,
            record=_record(owner, name, known.get(name)),
        )
        for name in names
    ]
    return tuple(sorted(groups, key=lambda group: (group.update, group.number or 0, group.name), reverse=True))


def _specs(snapshot: SetView, members: tuple[Member, ...]) -> dict[str, PodSpec]:
    """By revision, what its lowest pod is like."""
    by_name = {pod.name: pod.spec for pod in snapshot.pods or ()}
    return {member.revision: by_name[member.name] for member in reversed(members) if member.revision}


def _record(owner: StatefulSet, name: str, stored: ControllerRevision | None) -> KeptTemplate | None:
    groups = Capability.GROUPS in kind_of(owner).can
    return keepable(owner.metadata, name, stored) if groups and stored is not None else None


def images_of(spec: PodSpec) -> tuple[Image, ...]:
    return tuple(Image(container=item.name, image=item.image) for item in spec.init_containers + spec.containers)
