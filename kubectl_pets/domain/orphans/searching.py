"""A claim inventory, prepared for being asked about one claim after the other: every list is gone through once.

Nothing is judged here. What could not be read is remembered by name, for whoever would have found nothing in it.
"""

from collections.abc import Iterator

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans import origins
from kubectl_pets.domain.orphans.claim_users import MountedBy
from kubectl_pets.domain.orphans.findings import Evidence, EvidenceKind
from kubectl_pets.domain.orphans.groups import Groups
from kubectl_pets.domain.orphans.inventory import DISCOVERY, LISTS, ClaimInventory, CustomUse, Unreadable, Workloads
from kubectl_pets.domain.orphans.reach import LiveSet, Scalers, live_sets

_NOT_SEARCHED = CustomUse()
#: What controls a set and makes no others of its own accord: the leader of a group, and what ``Groups`` judges.
_NO_MAKERS = frozenset(("Pod", "LeaderWorkerSet", "StatefulSet"))

#: Claims that differ in their ordinal only: namespace, stem and labels.
Family = tuple[str, str, frozenset[tuple[str, str]]]


def mentions(claim: PersistentVolumeClaim, stem: str, name: str) -> str:
    """How a claim tells that it has to do with something of that name: a label, or whole words of its own name; or not at all."""
    for key, value in claim.metadata.labels.items():
        if value == name:
            return f"label {key}={value}"
    return "its name" if name and f"-{name}-" in f"-{stem}-" else ""


def family_of(claim: PersistentVolumeClaim, stem: str) -> Family:
    return claim.namespace, stem, frozenset(claim.metadata.labels.items())


class Index:
    """A claim inventory, prepared for being asked about one claim after the other. ``searched``: as if all custom resources had
    been read and had nothing to do with any claim."""

    def __init__(self, estate: ClaimInventory, *, searched: bool = False) -> None:
        self.estate = estate
        self._searched = searched
        self.not_read = tuple(row.resource for row in LISTS if getattr(estate, row.field) is None)
        #: By namespace: objects that could not be decoded.
        self.unreadable: dict[str, list[Unreadable]] = {}
        for each in estate.unreadable:
            self.unreadable.setdefault(each.namespace, []).append(each)
        self.by_stem: dict[tuple[str, str], list[LiveSet]] = {}
        self.by_name: dict[tuple[str, str], list[LiveSet]] = {}
        self.by_namespace: dict[str, list[LiveSet]] = {}
        self.uids: dict[str, str] = {}
        #: By namespace: kind and name of custom resources that control a live set.
        self.makers: dict[str, set[tuple[str, str]]] = {}
        self.scalers = Scalers(estate)
        self.groups = Groups(estate, self.scalers)
        for live in live_sets(estate, self.scalers):
            item = live.object
            self.by_namespace.setdefault(item.namespace, []).append(live)
            self.by_name.setdefault((item.namespace, item.name), []).append(live)
            self.uids[item.metadata.uid] = live.subject
            controller = item.metadata.controller()
            if controller is not None and controller.kind not in _NO_MAKERS:
                self.makers.setdefault(item.namespace, set()).add((controller.kind, controller.name))
            for template in item.spec.volume_claim_templates:
                self.by_stem.setdefault((item.namespace, f"{template.name}-{item.name}"), []).append(live)
        self.siblings: dict[Family, list[int]] = {}
        #: By namespace and stem: ordinals, whatever the labels, and who owns one of them.
        self._ordinals: dict[tuple[str, str], list[int]] = {}
        self._owners: dict[tuple[str, str], str] = {}
        #: By namespace, set and labels: who owns a claim that may be of such a set, whatever the template.
        self._set_owners: dict[Family, str] = {}
        self.parts: dict[str, tuple[str, int] | None] = {}
        self.clones: dict[tuple[str, str], str] = {}
        for claim in estate.claims:
            parts = self.parts[claim.name] = origins.split(claim.name)
            if parts is not None:
                self.siblings.setdefault(family_of(claim, parts[0]), []).append(parts[1])
                self._ordinals.setdefault((claim.namespace, parts[0]), []).append(parts[1])
                self._note_owners(claim, parts[0])
            if claim.status.phase != "Bound":
                for source in claim.spec.cloned:
                    self.clones[source.namespace or claim.namespace, source.name] = claim.name
        for family in self.siblings.values():
            family.sort()
        self._wanted: dict[str, MountedBy] = {}
        self._returning: dict[tuple[str, str], tuple[Evidence, ...]] = {}

    def _note_owners(self, claim: PersistentVolumeClaim, stem: str) -> None:
        for owner in claim.metadata.owner_references:
            subject = f"{owner.kind}/{owner.name}"
            self._owners[claim.namespace, stem] = subject
            for _, name in origins.explanations(stem):
                self._set_owners[family_of(claim, name)] = subject

    def sibling_owner(self, claim: PersistentVolumeClaim, stem: str) -> str:
        """Who owns another claim of the set that this one may be of: of the same name but for the ordinal, or of another template
        and with the same labels; empty: nobody."""
        subject = self._owners.get((claim.namespace, stem), "")
        if not subject and self._set_owners:
            found = (self._set_owners.get(family_of(claim, name), "") for _, name in origins.explanations(stem))
            subject = next(filter(None, found), "")
        return subject

    def wanted(self, namespace: str) -> MountedBy:
        found = self._wanted.get(namespace)
        if found is None:
            users = self.estate.users.get(namespace, Workloads())
            sets, groups = self.by_namespace.get(namespace, ()), self.groups.within(namespace)
            found = self._wanted[namespace] = MountedBy(users, sets, groups, namespace)
        return found

    def custom(self, namespace: str) -> CustomUse:
        return self.estate.custom.get(namespace, _NOT_SEARCHED)

    def custom_not_read(self, namespace: str, claim: str) -> tuple[str, ...]:
        """The kinds of custom resources that were not searched for the claim."""
        use = self.custom(namespace)
        if self._searched:
            return ()
        return use.not_read if claim in use.searched or use.not_read else (DISCOVERY,)

    def listed(self, namespace: str) -> dict[str, str]:
        """By "Kind/name", which deployer lists it."""
        deployed = self.estate.deployed
        return deployed.listed.get(namespace, {}) if deployed is not None else {}

    @property
    def lists_not_read(self) -> tuple[str, ...]:
        """The kinds of deployers' lists that could not be read."""
        deployed = self.estate.deployed
        if self._searched:
            return ()
        return (DISCOVERY,) if deployed is None else deployed.not_read

    def returning(self, namespace: str, stem: str) -> tuple[Evidence, ...]:
        """What shows, of all sets that the stem allows for, that one which is gone is being made again: one of its pods runs and
        mounts its claim; something of it has no owner, as ``kubectl delete --cascade=orphan`` leaves it, and as no set of its
        name has taken it on."""
        key = (namespace, stem)
        found = self._returning.get(key)
        if found is None:
            found = self._returning[key] = tuple(self._signs(namespace, stem))
        return found

    def _signs(self, namespace: str, stem: str) -> Iterator[Evidence]:
        wanted = self.wanted(namespace)
        for _, name in origins.explanations(stem):
            left = wanted.left_behind.get(name)
            ordinals = () if (namespace, name) in self.by_name else self._ordinals.get((namespace, stem), ())
            running = (f"{name}-{at}" for at in ordinals)
            pod = next((pod for pod in running if wanted.mounts(pod, stem + pod[len(name):])), None)
            if left or pod:
                yield Evidence(EvidenceKind.SET_RETURNING, left or f"Pod/{pod}", name)

    def away(self, namespace: str, stem: str) -> tuple[str, ...]:
        """Names of the sets that the stem may be of and that do not live; none where a live set has just such a template."""
        if (namespace, stem) in self.by_stem:
            return ()
        return tuple(name for _, name in origins.explanations(stem) if (namespace, name) not in self.by_name)

    def suffix_sets(self, namespace: str, stem: str) -> list[LiveSet]:
        """Live sets whose name ends the stem, whatever their templates."""
        return [live for _, name in origins.explanations(stem) for live in self.by_name.get((namespace, name), ())]
