"""Where does a claim come from? What its name, labels, creator and volume say, each for itself.

A name says little: ``alpha-beta-petset-0`` may be of set ``petset`` or of set ``beta-petset`` (kubernetes/kubernetes#41153), or
was typed by hand for a Deployment. So a candidate needs its creator on record as well: only the StatefulSet controller, and who
made the claim for it, shows as owner of the access modes, which are required and never change (metav1.ManagedFieldsEntry).
"""

import re
from collections.abc import Iterator
from datetime import timedelta

from kubectl_pets.domain.model import PersistentVolumeClaim, StatefulSet
from kubectl_pets.domain.orphans.findings import Evidence, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import PersistentVolume

#: As what StatefulSet controllers write. k3s and kubelite run the controller manager inside of them; the last two are
#: OpenKruise's and PingCAP's. Claims made for generic ephemeral volumes show the same name, but have an owner.
SET_CONTROLLERS = frozenset(
    ("kube-controller-manager", "hyperkube", "k3s", "kubelite", "kruise-manager", "advanced-statefulset-controller-manager")
)
#: Who makes claims again that were deleted, as the API server knows us.
RESTORER = "kubectl-pets"
#: On a claim that was made again: who had made the one that was deleted.
CREATOR_ANNOTATION = "kubectl-pets/created-by"
#: On what Velero restored.
_BACKUP_LABELS = ("velero.io/restore-name", "velero.io/backup-name")
#: The longest that a request may take (kube-apiserver --request-timeout).
_ADMISSION = timedelta(minutes=1)
_NAME = re.compile(r"(.+)-(0|[1-9][0-9]{0,9})")
#: So many words of a name are put together in every way.
_MOST_WORDS = 16
#: Ordinals are int32.
_LARGEST = 2**31 - 1


def split(name: str) -> tuple[str, int] | None:
    """``("data-web", 0)`` of "data-web-0". None where no StatefulSet makes such a name: no ordinal, a padded one, no template."""
    found = _NAME.fullmatch(name)
    if found is None or int(found[2]) > _LARGEST or "-" not in found[1].strip("-"):
        return None
    return found[1], int(found[2])


def explanations(stem: str) -> Iterator[tuple[str, str]]:
    """Every (template, set) that the stem may be made of; the shortest template first."""
    words = stem.split("-")
    for count in range(1, len(words)):
        template, name = "-".join(words[:count]), "-".join(words[count:])
        if template and name:
            yield template, name


def parts_of_sets(stem: str) -> frozenset[str]:
    """Whole words, one or several in a row, of the names that the set may have: what an operator calls its sets after is among
    them ("example-mongodb" in "data-volume-example-mongodb"). Of the first words only, for a name may have a hundred."""
    words = stem.split("-")[1:][:_MOST_WORDS]
    return frozenset("-".join(words[at:end]) for at in range(len(words)) for end in range(at + 1, len(words) + 1)) - {""}


def labels_fit(claim: PersistentVolumeClaim, owner: StatefulSet) -> bool | None:
    """Whether the claim carries what the set's controller puts on its claims, its ``selector.matchLabels``; None where there are
    none to compare (a selector of expressions)."""
    wanted = owner.spec.selector.match_labels
    if not wanted:
        return None
    labels = claim.metadata.labels
    return all(labels.get(key) == value for key, value in wanted.items())


def creator(claim: PersistentVolumeClaim) -> Evidence:
    """CREATED_BY_SET_CONTROLLER only where nobody else had a hand in it. A claim that we made again is still who made it first's:
    only what such a controller had made is ever deleted here, and the note counts on claims that we made ourselves, not on
    copies of them."""
    backup = next((label for label in _BACKUP_LABELS if label in claim.metadata.labels), None)
    if backup is not None or _older_than_itself(claim):
        return Evidence(EvidenceKind.RESTORED, f"Velero ({backup})" if backup else "")
    managers = [
        entry.manager
        for entry in claim.metadata.managed_fields
        if entry.fields_v1 and entry.fields_v1.spec and entry.fields_v1.spec.access_modes and not entry.subresource
    ]
    first = claim.metadata.annotations.get(CREATOR_ANNOTATION, "")
    makers = [first if manager == RESTORER and first in SET_CONTROLLERS else manager for manager in managers]
    for maker in makers:
        if maker not in SET_CONTROLLERS:
            return Evidence(EvidenceKind.CREATED_BY_OTHER, maker)
    if not makers:
        return Evidence(EvidenceKind.CREATOR_UNKNOWN)
    return Evidence(EvidenceKind.CREATED_BY_SET_CONTROLLER, makers[0])


def _older_than_itself(claim: PersistentVolumeClaim) -> bool:
    """Velero copies managed fields; then there are times from before the claim. The server may itself take half a minute from
    writing them to making the object (admission webhooks)."""
    made = claim.metadata.creation_timestamp
    times = (entry.time for entry in claim.metadata.managed_fields)
    return made is not None and any(time is not None and made - time > _ADMISSION for time in times)


def binding(claim: PersistentVolumeClaim, volume: PersistentVolume | None) -> Evidence:
    """Whether the volume that the claim names is really bound to it (``spec.claimRef``)."""
    name = claim.spec.volume_name
    if volume is None:
        return Evidence(EvidenceKind.VOLUME_MISSING, name)
    held = volume.spec.claim_ref
    if held is None or (held.namespace, held.name, held.uid) != (claim.namespace, claim.name, claim.metadata.uid):
        return Evidence(EvidenceKind.VOLUME_OF_ANOTHER, name, f"{held.namespace}/{held.name}" if held else "")
    return Evidence(EvidenceKind.VOLUME_AGREES, name)


def fate(claim: PersistentVolumeClaim, volume: PersistentVolume | None) -> Fate:
    """What deletion does to the data. "Recycle", long deprecated, scrubs the volume."""
    if not claim.spec.volume_name:
        return Fate.NO_DATA if claim.status.phase == "Pending" else Fate.UNKNOWN
    if volume is not None and binding(claim, volume).kind is not EvidenceKind.VOLUME_AGREES:
        return Fate.UNKNOWN  # the volume is another claim's: its policy says nothing about this one
    if volume is not None and volume.metadata.deletion_timestamp is not None:
        return Fate.DESTROYED  # it goes with its claim, whatever its policy
    match volume.spec.persistent_volume_reclaim_policy if volume else "":
        case "Delete" | "Recycle":
            return Fate.DESTROYED
        case "Retain":
            return Fate.RETAINED
        case _:
            return Fate.UNKNOWN
