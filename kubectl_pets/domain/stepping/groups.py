"""Several StatefulSets as one rollout, such as one a zone: in which order, and are the others well?

Two sets that are down at the same time are two zones that are down; so the next one is begun only while every other one of the
group has all of its pods available (as grafana's rollout-operator does by its label rollout-group).
"""

from datetime import datetime

from kubectl_pets.domain.inventory import snapshots
from kubectl_pets.domain.model import Inventory, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.sets.kinds import SetRef, kind_of


def in_order(inventory: Inventory, by: str) -> tuple[StatefulSet, ...]:
    """The sets one after the other: by the value of the label ``by`` (of the set, or of its pods), then by name."""

    def key(owner: StatefulSet) -> tuple[str, str]:
        labels = owner.spec.template.metadata.labels | owner.metadata.labels
        return labels.get(by, "") if by else "", owner.name

    return tuple(sorted(inventory.sets, key=key))


def without_label(inventory: Inventory, by: str) -> tuple[str, ...]:
    """Sets that have no such label, so that nobody can tell to which zone they belong."""
    return tuple(
        owner.name
        for owner in inventory.sets
        if by and by not in owner.metadata.labels and by not in owner.spec.template.metadata.labels
    )


def unwell(inventory: Inventory, but: SetRef, now: datetime) -> tuple[Assessment, ...]:
    """The sets of the group other than ``but`` that do not have all of their pods available."""
    others = (
        assess(found, now)
        for found in snapshots(inventory)
        if found.set is not None and (kind_of(found.set), found.set.name) != (but.kind, but.name)
    )
    return tuple(seen for seen in others if seen.phase in (Phase.DELETING, Phase.UNKNOWN) or not seen.all_available)
