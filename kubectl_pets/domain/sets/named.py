"""Sets in which every pod stands by its name: KubeBlocks' InstanceSet and Strimzi's StrimziPodSet, so that everybody who judges
sets can judge them.

Which pods an InstanceSet is to have depends on its instance templates, their ordinals and what is taken offline. Its controller
works that out, and writes it down with the revision that each pod is to have (apecloud/kubeblocks
pkg/controller/instanceset/reconciler_revision_update.go, ``status.updateRevisions``); nothing else is gone by here. A
StrimziPodSet holds its pods in full (strimzi-kafka-operator StrimziPodSetController, ``spec.pods``). Both keep no
ControllerRevisions, and a pod's revision is its own: it counts as updated where it is the wanted one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from kubectl_pets.domain.model import (
    REVISION_LABEL,
    ContainerStatus,
    NamedPods,
    Pod,
    PodTemplate,
    RollingUpdate,
    SetView,
    StatefulSet,
    UnorderedUpdate,
    UpdateStrategy,
)
from kubectl_pets.domain.sets.kinds import INSTANCE_SET, Capability, kind_of

#: On each pod of a StrimziPodSet, here and in ``spec.pods``: a hash of the whole pod.
STRIMZI_REVISION_ANNOTATION = "strimzi.io/revision"

#: In place of names in ``status.updateRevisions``, where there are very many of them: all of it, compressed.
_COMPRESSED = "zstd"

#: What the wanted revision is called where each pod has one of its own.
_WANTED = "wanted"


def named(view: SetView) -> SetView:
    """The same look with each pod's revision held against its own wanted one, where it is at a set of named pods; any other as it
    is."""
    owner = view.set
    if owner is None or owner.unreadable or Capability.NAMED not in kind_of(owner).can:
        return view
    instances = kind_of(owner) is INSTANCE_SET
    wanted = _instances(owner) if instances else _pods(owner)
    update = _shared(wanted or {})
    told = _images(owner) if instances else {}

    def held_against(pod: Pod) -> Pod:
        revision = _revision(pod, instances, (wanted or {}).get(pod.name, ""), update, told)
        return replace(pod, metadata=replace(pod.metadata, labels={**pod.metadata.labels, REVISION_LABEL: revision}))

    pods = view.pods and tuple(held_against(pod) if _is_own(owner, pod) else pod for pod in view.pods)
    done = all(pod.metadata.labels.get(REVISION_LABEL) == update for pod in pods or () if _is_own(owner, pod))
    status = replace(owner.status, update_revision=update, current_revision=update if done else "")
    spec = _instance_spec(owner) if instances else _pod_set_spec(owner)
    extra = sorted(pod.name for pod in view.pods or () if _is_own(owner, pod) and pod.name not in (wanted or {}))
    names = NamedPods(names=(*sorted(wanted or {}, key=_by_number), *extra), wanted=len(wanted or {}), known=wanted is not None)
    return replace(view, set=replace(owner, spec=replace(spec, named=names), status=status), pods=pods, revisions=())


def _is_own(owner: StatefulSet, pod: Pod) -> bool:
    controller = pod.metadata.controller()
    return controller is not None and controller.uid == owner.metadata.uid


def _by_number(name: str) -> tuple[str, int, str]:
    """``db-big-2`` before ``db-big-10``."""
    stem, _, number = name.rpartition("-")
    return (stem, int(number), name) if number.isascii() and number.isdigit() and len(number) <= 10 else (name, 0, name)


def _shared(wanted: dict[str, str]) -> str:
    """The revision that all are to have, or a name for what each is to have."""
    revisions = set(wanted.values())
    return revisions.pop() if len(revisions) == 1 else _WANTED


def _instances(owner: StatefulSet) -> dict[str, str] | None:
    """By pod, the revision that it is to have; None where its controller has seen the set and has not said. Before that what it
    said of the set as it was."""
    told = owner.status.update_revisions
    seen = owner.status.observed_generation >= owner.metadata.generation
    if _COMPRESSED in told or (seen and len(told) != max(0, owner.spec.replicas)):
        return None
    return told


def _pods(owner: StatefulSet) -> dict[str, str] | None:
    """The same of a StrimziPodSet; None where one of its pods has no name or no revision."""
    found: dict[str, str] = {}
    for each in owner.spec.pods:
        meta = each.get("metadata")
        annotations = meta.get("annotations") if isinstance(meta, dict) else None
        name = meta.get("name") if isinstance(meta, dict) else None
        revision = annotations.get(STRIMZI_REVISION_ANNOTATION) if isinstance(annotations, dict) else None
        if not isinstance(name, str) or not isinstance(revision, str) or not name or not revision or name in found:
            return None
        found[name] = revision
    return found


def _revision(pod: Pod, instances: bool, wanted: str, update: str, images: dict[str, frozenset[str]]) -> str:
    """What to take for the pod's revision: the wanted one where it is at its own."""
    own = pod.revision if instances else pod.metadata.annotations.get(STRIMZI_REVISION_ANNOTATION, "")
    if wanted and own == wanted and all(_settled(pod, name, allowed) for name, allowed in images.items()):
        return update
    return own if own != update else ""


def _settled(pod: Pod, name: str, images: frozenset[str]) -> bool:
    """Whether a container that may be updated in place, without another revision, has been: it is to run one of the template's
    images, and its node says that it does (in_place_update_util.go, pkg/controllerutil IsPodUpdated and isImageMatched)."""
    container = next((each for each in pod.spec.containers if each.name == name), None)
    status = next((each for each in pod.status.container_statuses if each.name == name), None)
    if container is None or container.image not in images:
        return False
    return status is None or _same_tag(container.image, status)


def _same_tag(image: str, status: ContainerStatus) -> bool:
    """Runtimes tell an image by a longer name than the one that was asked for, and by none of its tags where it was asked for by
    its digest."""
    asked, runs = image.rpartition("/")[2], status.image.rpartition("/")[2]
    return "@" in asked or ":" not in asked or ":" not in runs or "@" in runs or asked.partition(":")[2] == runs.partition(":")[2]


def _images(owner: StatefulSet) -> dict[str, frozenset[str]]:
    """By container, the images that the template and the instance templates have for it; those replace the first one's."""
    containers = owner.spec.template.spec.containers
    found = {each.name: {each.image} for each in containers}
    for instance in owner.spec.instances:
        image = instance.get("image")
        if containers and isinstance(image, str) and image:
            found[containers[0].name].add(image)
    return {name: frozenset(images) for name, images in found.items()}


def _instance_spec(owner: StatefulSet) -> Any:
    spec = owner.spec
    service = "" if spec.disable_default_headless_service else f"{owner.name}-headless"
    return replace(spec, service_name=service, update_strategy=_strategy(owner))


def _strategy(owner: StatefulSet) -> UpdateStrategy:
    """``rollingUpdate.replicas`` (before: ``partition``) is how many pods are updated, by their roles and not by their names; a
    share is rounded up (reconciler_update.go parseReplicasNMaxUnavailable)."""
    stated = owner.spec.instance_update_strategy or owner.spec.update_strategy
    rolling = stated.rolling_update or RollingUpdate()
    most = rolling.replicas if owner.spec.instance_update_strategy is not None else rolling.partition
    total = max(0, owner.spec.replicas)
    held = max(0, total - _count(most, total)) if most is not None else 0
    unordered = UnorderedUpdate() if held else None
    return UpdateStrategy(
        type=stated.type or "RollingUpdate",
        rolling_update=RollingUpdate(partition=held, max_unavailable=rolling.max_unavailable, unordered_update=unordered),
    )


def _count(number: int | str, total: int) -> int:
    """A number or a share of ``total``, rounded up; what makes no sense holds nobody back here."""
    if isinstance(number, int):
        return number
    share = number.removesuffix("%")
    return -(-total * int(share) // 100) if share.isascii() and share.isdigit() and len(share) < 10 else total


def _pod_set_spec(owner: StatefulSet) -> Any:
    first = next(_templates(owner.spec.pods), PodTemplate())
    return replace(
        owner.spec,
        replicas=len(owner.spec.pods),
        pod_management_policy="Parallel",
        service_name=first.spec.subdomain,
        template=first,
    )


def _templates(pods: Iterable[dict[str, Any]]) -> Iterator[PodTemplate]:
    for each in pods:
        try:
            yield msgspec.convert({"spec": each.get("spec") or {}}, PodTemplate)
        except msgspec.ValidationError:
            continue
