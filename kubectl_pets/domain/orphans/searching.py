"""An estate, prepared for being asked about one claim after the other: every list is gone through once, whatever the claims.

Nothing is judged here. What could not be read is remembered by name, for whoever would have found nothing in it.
"""

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans import origins
from kubectl_pets.domain.orphans.claim_users import MountedBy
from kubectl_pets.domain.orphans.inventory import LISTS, ClaimInventory, Workloads
from kubectl_pets.domain.orphans.reach import LiveSet, live_sets

#: Claims that differ in their ordinal only: namespace, stem and labels.
Family = tuple[str, str, frozenset[tuple[str, str]]]


def family_of(claim: PersistentVolumeClaim, stem: str) -> Family:
    return claim.namespace, stem, frozenset(claim.metadata.labels.items())


class Index:
    """An estate, prepared for being asked about one claim after the other."""

    def __init__(self, estate: ClaimInventory) -> None:
        self.estate = estate
        self.not_read = tuple(row.resource for row in LISTS if getattr(estate, row.field) is None)
        self.by_stem: dict[tuple[str, str], list[LiveSet]] = {}
        self.by_name: dict[tuple[str, str], list[LiveSet]] = {}
        self.by_namespace: dict[str, list[LiveSet]] = {}
        self.uids: dict[str, str] = {}
        for live in live_sets(estate):
            item = live.object
            self.by_namespace.setdefault(item.namespace, []).append(live)
            self.by_name.setdefault((item.namespace, item.name), []).append(live)
            self.uids[item.metadata.uid] = live.subject
            for template in item.spec.volume_claim_templates:
                self.by_stem.setdefault((item.namespace, f"{template.name}-{item.name}"), []).append(live)
        self.siblings: dict[Family, list[int]] = {}
        self.parts: dict[str, tuple[str, int] | None] = {}
        self.clones: dict[tuple[str, str], str] = {}
        for claim in estate.claims:
            parts = self.parts[claim.name] = origins.split(claim.name)
            if parts is not None:
                self.siblings.setdefault(family_of(claim, parts[0]), []).append(parts[1])
            for source in (claim.spec.data_source, claim.spec.data_source_ref):
                if source is not None and source.kind == "PersistentVolumeClaim" and claim.status.phase != "Bound":
                    self.clones[claim.namespace, source.name] = claim.name
        for family in self.siblings.values():
            family.sort()
        self._wanted: dict[str, MountedBy] = {}

    def wanted(self, namespace: str) -> MountedBy:
        found = self._wanted.get(namespace)
        if found is None:
            users = self.estate.users.get(namespace, Workloads())
            found = self._wanted[namespace] = MountedBy(users, self.by_namespace.get(namespace, ()))
        return found

    def suffix_sets(self, namespace: str, stem: str) -> list[LiveSet]:
        """Live sets whose name ends the stem, whatever their templates."""
        return [live for _, name in origins.explanations(stem) for live in self.by_name.get((namespace, name), ())]
