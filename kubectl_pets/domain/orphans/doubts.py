"""What makes a claim ambiguous that its name, labels and creator would make a candidate?

Somebody who would make it again, something that is under way, or a name that may be another thing's. Each of them comes from a
report of data that was deleted and still wanted.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from kubectl_pets.domain.claims.growth import RESIZING
from kubectl_pets.domain.claims.quantities import parse_bytes
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans import origins
from kubectl_pets.domain.orphans.findings import Class, Evidence, EvidenceKind
from kubectl_pets.domain.orphans.groups import LiveGroups
from kubectl_pets.domain.orphans.inventory import Companion
from kubectl_pets.domain.orphans.reach import LAST_APPLIED_ANNOTATION, LiveSet
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION

#: What changed within this time may be taken back: a set that went may only be away to be made again.
FRESH = timedelta(hours=1)

#: Annotations and labels of the claim itself that say who applied it, and would again. k3s' own deployer wrote as "k3s", like
#: the controllers inside of it, before it called itself deploy@NODE (k3s-io/k3s#3434); its objectset marks tell them apart.
_TRACKERS = {
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "argocd.argoproj.io/instance": "Argo CD",
    "meta.helm.sh/release-name": "Helm",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
    "objectset.rio.cattle.io/id": "k3s or Rancher",
    "objectset.rio.cattle.io/hash": "k3s or Rancher",
    "fleet.cattle.io/bundle-id": "Fleet",
    "config.k8s.io/owning-inventory": "kpt",
    LAST_APPLIED_ANNOTATION: "kubectl apply",
}

#: Annotations that keep a deployer from deleting what it no longer has, and the words of theirs that do.
_KEEPERS = {
    "helm.sh/resource-policy": ("keep",),
    "argocd.argoproj.io/sync-options": ("Prune=false", "Delete=false"),
    "kustomize.toolkit.fluxcd.io/prune": ("disabled",),
    "client.lifecycle.config.k8s.io/deletion": ("detach",),
    "cli-utils.sigs.k8s.io/on-remove": ("keep",),
}

#: Conditions of a claim whose size or attributes are being changed.
_CHANGING = RESIZING | {"ModifyingVolume", "ModifyVolumeError"}

#: In the domains of the finalizers by which what replicates volumes holds their claims.
_REPLICATES = frozenset(("replication", "ramendr"))

_NUMBER = re.compile("0|[1-9][0-9]{0,9}")
#: What generated names are made of (apimachinery rand.String): no vowels, so that no words come out.
_GENERATED = re.compile("[bcdfghjklmnpqrstvwxz2456789]{5}")
_HASH = re.compile("[bcdfghjklmnpqrstvwxz2456789]{6,10}")


def about(claim: PersistentVolumeClaim) -> Iterator[Evidence]:
    """What the claim's own labels, annotations and status show that leaves a doubt."""
    note = claim.metadata.annotations.get(RECREATING_ANNOTATION)
    if note is not None:
        yield Evidence(EvidenceKind.RECREATING, detail=note)
    annotations, labels = claim.metadata.annotations, claim.metadata.labels
    if not (_TRACKERS.keys().isdisjoint(annotations) and _TRACKERS.keys().isdisjoint(labels)):
        for key, who in _TRACKERS.items():
            if key in annotations or key in labels:
                yield Evidence(EvidenceKind.TRACKED, who, key)
    condition = _resizing(claim)
    if condition:
        yield Evidence(EvidenceKind.RESIZING, detail=condition)
    guards = _guards(claim)
    if guards:
        yield Evidence(EvidenceKind.GUARDED, detail=", ".join(guards))


def keepers(claim: PersistentVolumeClaim) -> Iterator[Evidence]:
    """Wishes of its makers that are no doubt about what it is, and speak against its deletion all the same."""
    if _KEEPERS.keys().isdisjoint(claim.metadata.annotations):
        return
    for key, words in _KEEPERS.items():
        said = claim.metadata.annotations.get(key, "")
        if any(word.lower() in re.split(r"[\s,]+", said.lower()) for word in words):
            yield Evidence(EvidenceKind.KEEP_POLICY, detail=f"{key}: {said}")


def ephemeral(name: str) -> Evidence | None:
    """Whether a claim without a live set may be that of a pod's generic ephemeral volume, ``<pod>-<volume>`` (KEP-1698), whose
    owner was taken off: where the name holds one of a pod, "web-0" or "web-6d4b9c7f5-x7k2p", and goes on with a volume's."""
    words = name.split("-")
    for at in range(1, len(words) - 2):
        if _ends_a_pod(words, at) and not _NUMBER.fullmatch(words[at + 1]):
            pod, volume = "-".join(words[: at + 1]), "-".join(words[at + 1:])
            return Evidence(EvidenceKind.POSSIBLY_EPHEMERAL, f"Pod/{pod}", volume)
    return None


def companions(
    claim: PersistentVolumeClaim, stem: str, beside: Mapping[str, tuple[Companion, ...]]
) -> Iterator[Evidence]:
    """A Service or a PodDisruptionBudget that selects the pods of the set that is gone, by the labels that these have in common
    with the claim, or a Service that is called like the set. Whoever deletes a set to make it again leaves them, and so does
    whoever deletes it for good and forgets them: they tell, and decide nothing."""
    names = {name for _, name in origins.explanations(stem)}
    for each in beside.get(claim.namespace, ()):
        if each.selector.matches(claim.metadata.labels) or (each.kind == "Service" and each.name in names):
            yield Evidence(EvidenceKind.COMPANION, f"{each.kind}/{each.name}")


def fresh(
    claim: PersistentVolumeClaim, stem: str, unused_since: datetime | None, told: Mapping[str, datetime], now: datetime
) -> bool:
    """Whether the cluster shows that the set was there less than an hour ago: its pod left, the claim was made, or an event told
    of that pod or set, since then. Servers before 1.37 do not say since when a claim is unused (KEP-5541); events are kept for
    an hour (kube-apiserver --event-ttl), and a kubelet tells of each container that it ends (reason Killing)."""
    signs = (unused_since, claim.metadata.creation_timestamp, *(told.get(each) for each in named(claim, stem)))
    return any(_within(sign, now) for sign in signs)


def lately(
    claim: PersistentVolumeClaim, live: Iterable[LiveSet | LiveGroups], unused_since: datetime | None, klass: Class, now: datetime
) -> Iterator[Evidence]:
    """What changed less than an hour ago about a candidate, and may be taken back: its set was made, and after the claim, so that
    the claim is of an earlier one, of which nobody knows the templates and the replicas (a StatefulSet's volumeClaimTemplates
    cannot be changed, apps/v1: whoever wants others deletes it and makes it again, from a manifest that may be the wrong one);
    its pod has come back without it; or somebody had the claim made again. That a set which lives on was scaled down is none of
    these: its size is what somebody asked for, and to remove what is beyond it what comes next."""
    made = claim.metadata.creation_timestamp
    for each in live:
        since = each.object.metadata.creation_timestamp
        if since is not None and _within(since, now) and (made is None or made < since):
            yield Evidence(EvidenceKind.MADE_ANEW, each.subject)
    if klass is Class.TEMPLATE_GONE and _within(unused_since, now):
        yield Evidence(EvidenceKind.USED_LATELY)
    if origins.CREATOR_ANNOTATION in claim.metadata.annotations and _within(made, now):
        yield Evidence(EvidenceKind.BROUGHT_BACK)


def _within(sign: datetime | None, now: datetime) -> bool:
    return sign is not None and now - sign < FRESH  # the difference of two times is one always; their sum with it may not be


def named(claim: PersistentVolumeClaim, stem: str) -> Iterator[str]:
    """What the set of the claim may have been called, and its pod."""
    return with_pods(claim, stem, (name for _, name in origins.explanations(stem)))


def with_pods(claim: PersistentVolumeClaim, stem: str, names: Iterable[str]) -> Iterator[str]:
    """These sets, each with the pod of it that the claim would be of."""
    ordinal = claim.name[len(stem):]
    for name in names:
        yield from (name, name + ordinal)


def _ends_a_pod(words: list[str], at: int) -> bool:
    word = words[at]
    if _NUMBER.fullmatch(word):
        return True
    if not _GENERATED.fullmatch(word):
        return False
    return any(letter.isdigit() for letter in word) or _HASH.fullmatch(words[at - 1]) is not None


def _guards(claim: PersistentVolumeClaim) -> tuple[str, ...]:
    """Finalizers by which what replicates its volume to another cluster holds the claim: by now it may be all that is left here
    of a set that runs over there (RamenDR/ramen#53, #302; csi-addons; what storage vendors have). A deletion that was asked for
    cannot be taken back (metav1.ObjectMeta.finalizers). Others, as of a backup or of a copy that is being made, are through with
    a claim at some time, and hold its deletion until then."""
    return tuple(
        each for each in claim.metadata.finalizers_of_others if _REPLICATES & set(each.partition("/")[0].split("."))
    )


def _resizing(claim: PersistentVolumeClaim) -> str:
    """The condition that says so, or the state (KEP-1790); or that it has less than it asks for."""
    for condition in claim.status.conditions:
        if condition.type in _CHANGING and condition.status == "True":
            return condition.type
    state = claim.status.allocated_resource_statuses.get("storage", "")
    if state:
        return state
    asked, has = parse_bytes(claim.spec.resources.requests.get("storage")), parse_bytes(claim.status.capacity.get("storage"))
    return "requests more than its capacity" if asked is not None and has is not None and asked > has else ""
