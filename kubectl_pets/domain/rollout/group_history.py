"""The past of a LeaderWorkerSet in the shape of any other set's: revisions by the key that its pods carry, groups in place of
pods, and what is kept on the set itself beside the ControllerRevisions, of which its controller leaves but the newest.
"""

from typing import Any

from msgspec.structs import replace

from kubectl_pets.domain.model import (
    ControllerRevision,
    LabelSelector,
    ObjectMeta,
    OwnerReference,
    RevisionData,
    RevisionSpec,
    SetView,
    StatefulSet,
    StatefulSetSpec,
)
from kubectl_pets.domain.rollout.history import History, StoredRevision, StoredSet, Template
from kubectl_pets.domain.sets.grouping import folded, selector_of
from kubectl_pets.domain.sets.kept import KeptTemplate, kept_template, without_directive


def selector(found: StoredSet) -> LabelSelector:
    """What selects its pods and revisions."""
    return selector_of(_light(found))


def of_groups(history: History) -> History:
    """The same history; its template, and those of its revisions, are all of the spec that such a revision holds."""
    owner = history.set
    view = folded(SetView(set=_light(owner), pods=history.pods, revisions=tuple(map(_revision, history.revisions))))
    assert view.set is not None
    stored = [_stored(each, each.data.spec) for each in view.revisions or ()]
    kept = kept_template(owner.metadata.annotations, owner.metadata.uid)
    if kept is not None and kept.key not in {each.name for each in stored}:
        stored.append(_kept(kept, owner))
    else:
        kept = None
    spec = replace(owner.spec, template=_template(owner.spec.leader_worker_template, owner.spec.network_config))
    return replace(
        history, set=replace(owner, spec=spec, status=view.set.status), revisions=tuple(stored), pods=view.pods, kept=kept
    )


def _light(found: StoredSet) -> StatefulSet:
    spec = StatefulSetSpec(
        replicas=found.spec.replicas,
        leader_worker_template=found.spec.leader_worker_template,
        network_config=found.spec.network_config,
    )
    return StatefulSet(api_version=found.api_version, kind=found.kind, metadata=found.metadata, spec=spec)


def _revision(each: StoredRevision) -> ControllerRevision:
    spec = (each.data or {}).get("spec")
    parts = spec if isinstance(spec, dict) else {}
    held = RevisionSpec(
        leader_worker_template=_dict(parts.get("leaderWorkerTemplate")), network_config=_dict(parts.get("networkConfig"))
    )
    return ControllerRevision(metadata=each.metadata, revision=each.revision, data=RevisionData(spec=held))


def _dict(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _stored(each: ControllerRevision, spec: RevisionSpec) -> StoredRevision:
    template = _template(spec.leader_worker_template, spec.network_config)
    return StoredRevision(metadata=each.metadata, revision=each.revision, data={"spec": {"template": template}})


def _kept(kept: KeptTemplate, owner: StoredSet) -> StoredRevision:
    keeper = OwnerReference(kind=owner.kind, name=owner.name, uid=owner.metadata.uid, controller=True)
    meta = ObjectMeta(
        name=kept.key, namespace=owner.namespace, creation_timestamp=kept.created, owner_references=(keeper,)
    )
    template = _template(kept.spec.get("leaderWorkerTemplate"), kept.spec.get("networkConfig"))
    return StoredRevision(metadata=meta, revision=kept.revision, data={"spec": {"template": template}})


def _template(groups: Template | None, network: Template | None) -> Template:
    """As its controller stores it: an absent network is the default one (getPatch). Empty where it holds no groups."""
    if not groups:
        return {}
    return {
        "leaderWorkerTemplate": without_directive(groups),
        "networkConfig": without_directive(network or {"subdomainPolicy": "Shared"}),
    }
