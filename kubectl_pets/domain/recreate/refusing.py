"""What speaks against making a set again? Everything because of which its pods would not be taken on as they are, would be
replaced, or would be missing somebody's hand in the moment without a set.

Adoption is kubernetes pkg/controller/controller_ref_manager.go: a pod without a controller, of a name of the set's, that the
selector matches and that is not on its way out. A revision is found the same way.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum, unique
from typing import Any

import msgspec

from kubectl_pets.domain.model import LabelSelector, Pod, SetView, ordinal_of
from kubectl_pets.domain.rollout.managers import leader_worker_set
from kubectl_pets.domain.rollout.verdict import Assessment, Cause
from kubectl_pets.domain.sets.away import ORPHAN_FINALIZER, PodTaker, WholeSet, record_name


@unique
class RecreateRefusedReason(StrEnum):
    DELETING = "deleting"
    #: Subject: the LeaderWorkerSet.
    LEADER_WORKER_SET = "leader-worker-set"
    #: Subject: what controls the set.
    OPERATOR = "operator"
    PODS_UNREADABLE = "pods-unreadable"
    NOT_OBSERVED = "not-observed"
    UNDER_WAY = "under-way"
    #: There are more pods than wanted.
    SCALING = "scaling"
    #: Subjects: pods that are on their way out.
    PODS_LEAVING = "pods-leaving"
    #: Somebody else has to let go of the set before it is gone. Subjects: the finalizers.
    FINALIZERS = "finalizers"
    #: Claims beyond the range are owned by the set (whenDeleted: Delete), and its controller takes that only from claims of pods
    #: (stateful_pod_control.go UpdatePodClaimForRetentionPolicy). Subjects: the claims.
    CLAIMS_OWNED = "claims-owned"
    #: The selector that is asked for does not match what runs. Subjects: pods, or "template".
    SELECTOR_MISSES = "selector-misses"
    #: It leaves out labels that the selector has. Subjects: these.
    SELECTOR_WIDER = "selector-wider"
    #: They would take on the pods while these are nobody's, and delete them. Subjects: workloads.
    PODS_TAKEN = "pods-taken"
    #: The pods mount what is dropped. Subjects: claim templates.
    MOUNTED = "mounted"
    #: The API server makes another pod template of it: every pod would be replaced.
    TEMPLATE_REWRITTEN = "template-rewritten"
    #: The API server would not create it. Subject: its word.
    OBJECTION = "objection"
    #: It is made again already, with something else. Subjects: the fields.
    OTHER_INTENTION = "other-intention"
    #: Its name leaves no room for that of the record.
    NAME_TOO_LONG = "name-too-long"


class RecreateRefused(msgspec.Struct, frozen=True, kw_only=True):
    reason: RecreateRefusedReason
    #: Untrusted text.
    subjects: tuple[str, ...] = ()


def refusals(
    live: WholeSet,
    view: SetView,
    seen: Assessment,
    wanted: Mapping[str, Any],
    *,
    operator_paused: bool,
    takers: Iterable[PodTaker] = (),
) -> tuple[RecreateRefused, ...]:
    """All that speaks against it right now, what passes by itself included. ``takers``: of the set's namespace."""
    return (
        *_of_set(live, view, seen, operator_paused),
        *_of_claims(live, view, seen),
        *_of_pods(live, view, wanted),
        *_of_takers(live, view, takers),
        *_of_template(live, wanted),
    )


def _of_set(live: WholeSet, view: SetView, seen: Assessment, operator_paused: bool) -> Iterator[RecreateRefused]:
    reasons = RecreateRefusedReason
    if live.metadata.deletion_timestamp is not None:
        yield RecreateRefused(reason=reasons.DELETING)
    group = leader_worker_set(view.set) if view.set is not None else None
    if group is not None:
        yield RecreateRefused(reason=reasons.LEADER_WORKER_SET, subjects=(group.name,))
    owner = view.set.metadata.controller() if view.set is not None else None
    if group is None and owner is not None and not operator_paused:
        yield RecreateRefused(reason=reasons.OPERATOR, subjects=(f"{owner.kind}/{owner.name}",))
    others = tuple(each for each in live.metadata.finalizers if each != ORPHAN_FINALIZER)
    if others:
        yield RecreateRefused(reason=reasons.FINALIZERS, subjects=others)
    if len(record_name(live.name)) > 253:
        yield RecreateRefused(reason=reasons.NAME_TOO_LONG)
    if any(blocker.cause is Cause.PODS_UNREADABLE for blocker in seen.blockers):
        yield RecreateRefused(reason=reasons.PODS_UNREADABLE)
    elif not seen.observed:
        yield RecreateRefused(reason=reasons.NOT_OBSERVED)
    elif seen.under_way:
        yield RecreateRefused(reason=reasons.UNDER_WAY)
    elif seen.surplus:
        yield RecreateRefused(reason=reasons.SCALING)


def _of_claims(live: WholeSet, view: SetView, seen: Assessment) -> Iterator[RecreateRefused]:
    stems = [f"{template}-{live.name}" for template in names_of(live.spec)]
    uid, claims = live.metadata.uid, view.claims or ()
    owned = [each.name for each in claims if any(owner.uid == uid for owner in each.metadata.owner_references)]
    ordinals = ((name, ordinal_of(name, stem)) for name in owned for stem in stems)
    beyond = tuple(name for name, ordinal in ordinals if ordinal is not None and ordinal not in seen.slots)
    if beyond:
        yield RecreateRefused(reason=RecreateRefusedReason.CLAIMS_OWNED, subjects=beyond)


def _of_pods(live: WholeSet, view: SetView, wanted: Mapping[str, Any]) -> Iterator[RecreateRefused]:
    own = [pod for pod in view.pods or () if ordinal_of(pod.name, live.name) is not None]
    leaving = tuple(pod.name for pod in own if pod.terminating)
    if leaving:
        yield RecreateRefused(reason=RecreateRefusedReason.PODS_LEAVING, subjects=leaving)
    if "selector" in wanted:
        yield from _of_selector(live, own, wanted["selector"])


def _of_takers(live: WholeSet, view: SetView, takers: Iterable[PodTaker]) -> Iterator[RecreateRefused]:
    own = [pod.metadata.labels for pod in view.pods or () if ordinal_of(pod.name, live.name) is not None]
    found = tuple(f"{each.kind}/{each.name}" for each in takers if any(each.takes(labels) for labels in own))
    if found:
        yield RecreateRefused(reason=RecreateRefusedReason.PODS_TAKEN, subjects=found)


def _of_selector(live: WholeSet, pods: list[Pod], text: Any) -> Iterator[RecreateRefused]:
    try:
        selector = msgspec.convert(text, LabelSelector)
        old = msgspec.convert(live.spec.get("selector") or {}, LabelSelector)
    except msgspec.ValidationError:
        return  # the API server says it better
    labels = live.spec.get("template", {}).get("metadata", {}).get("labels") or {}
    missed = [pod.name for pod in pods if not selector.matches(pod.metadata.labels)]
    missed += [] if selector.matches(labels) else ["template"]
    if missed:
        yield RecreateRefused(reason=RecreateRefusedReason.SELECTOR_MISSES, subjects=tuple(missed))
    kept = selector.match_labels
    lost = tuple(f"{key}={value}" for key, value in old.match_labels.items() if kept.get(key) != value)
    lost += tuple(f"{each.key} {each.operator}" for each in old.match_expressions if each not in selector.match_expressions)
    if lost:
        yield RecreateRefused(reason=RecreateRefusedReason.SELECTOR_WIDER, subjects=lost)


def _of_template(live: WholeSet, wanted: Mapping[str, Any]) -> Iterator[RecreateRefused]:
    if "volumeClaimTemplates" not in wanted:
        return
    template = live.spec.get("template", {}).get("spec", {})
    kept = {*names_of(wanted), *(each.get("name") for each in template.get("volumes") or ())}
    used = {
        mount.get("name")
        for kind in ("containers", "initContainers")
        for container in template.get(kind) or ()
        for mount in (*(container.get("volumeMounts") or ()), *(container.get("volumeDevices") or ()))
    }
    dropped = tuple(name for name in names_of(live.spec) if name not in kept and name in used)
    if dropped:
        yield RecreateRefused(reason=RecreateRefusedReason.MOUNTED, subjects=dropped)


def names_of(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Of the claim templates of a spec."""
    return tuple(str(each.get("metadata", {}).get("name", "")) for each in spec.get("volumeClaimTemplates") or ())
