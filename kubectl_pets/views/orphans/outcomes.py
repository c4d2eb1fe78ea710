"""What a run that deletes, restores, destroys or adopts did, for programs: its plan, what came of each claim or volume in it, and
how it ended, as one document. The shape follows ``documents``.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum, unique
from typing import Any

from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.orphans.adopting import Adoption
from kubectl_pets.domain.orphans.deletion import Deletion, DeletionRefused, Unfinished
from kubectl_pets.domain.orphans.findings import ClaimVerdict
from kubectl_pets.domain.orphans.inventory import PersistentVolume
from kubectl_pets.domain.orphans.purging import PurgeRefused
from kubectl_pets.domain.orphans.restoring import Record, RestorePlan, RestoreRefused
from kubectl_pets.errors import ExitCode, PetsError
from kubectl_pets.views.rollout import documents


@unique
class RunKind(StrEnum):
    """The kinds of these documents, by verb."""

    DELETE = "OrphanDeletion"
    RESTORE = "OrphanRestoration"
    PURGE = "VolumePurge"
    ADOPT = "VolumeAdoption"


@unique
class Came(StrEnum):
    """What came of one claim or volume."""

    #: Its turn never came: nothing was sent.
    UNTOUCHED = "untouched"
    #: Its turn came and was broken off: something may have been sent.
    BEGUN = "begun"
    DONE = "done"
    #: The API server took it, and it is not through.
    UNFINISHED = "unfinished"
    REFUSED = "refused"
    #: There was nothing to do.
    UNCHANGED = "unchanged"


def run(
    kind: RunKind,
    plan: dict[str, Any] | None,
    outcomes: Sequence[dict[str, Any]],
    code: ExitCode,
    failure: PetsError | None,
    details: dict[str, Any],
    output: str,
) -> str:
    """The whole run as ``json`` or ``yaml``. ``plan``: as ``--dry-run`` prints it, None where it did not come to one.
    ``details``: what else there is to say of the run."""
    document = {
        "apiVersion": documents.API_VERSION,
        "kind": kind,
        "plan": plan,
        "outcomes": list(outcomes),
        **details,
        "ending": {
            "exitCode": code,
            "reason": code.name.lower().replace("_", "-"),
            "message": failure.message if failure is not None else None,
            "hint": failure.hint if failure is not None else None,
        },
    }
    return documents.dump(document, output)


def outcome(subject: dict[str, Any], came: Came, reason: str = "", detail: str = "", **more: Any) -> dict[str, Any]:
    """What came of the ``subject``; empty ``reason`` and ``detail`` are null."""
    return {**subject, "outcome": came, "reason": reason or None, "detail": detail or None, **more}


def deletion_subject(verdict: ClaimVerdict) -> dict[str, Any]:
    """The claim of a deletion, and its volume."""
    return {"claim": _claim(verdict.claim), "volume": verdict.claim.spec.volume_name or None}


def deletion(found: Deletion | DeletionRefused | Unfinished) -> dict[str, Any]:
    """``fate``: of the data; ``leftRetained``: the volume that stays at Retain though the claim was not deleted."""
    subject = deletion_subject(found.verdict)
    match found:
        case Deletion():
            return outcome(subject, Came.DONE, fate=found.fate, leftRetained=None)
        case Unfinished():
            return outcome(subject, Came.UNFINISHED, found.reason, found.detail, fate=found.deletion.fate, leftRetained=None)
        case DeletionRefused():
            return outcome(
                subject, Came.REFUSED, found.reason, found.detail, fate=None, leftRetained=found.left_retained or None
            )


def deletion_pending(verdict: ClaimVerdict, came: Came) -> dict[str, Any]:
    """Of a claim whose turn has not ended."""
    return outcome(deletion_subject(verdict), came, fate=None, leftRetained=None)


def restoration(
    record: Record, came: Came, refused: RestoreRefused | None = None, *, policy_left: str = "", rescued: bool = False
) -> dict[str, Any]:
    """``policyLeft``: the reclaim policy that could not be put back; ``rescued``: the volume's destruction had been asked for."""
    subject = {"claim": _claim(record.claim), "volume": record.volume or None}
    reason, detail = (refused.reason, refused.subject) if refused is not None else ("", "")
    return outcome(subject, came, reason, detail, policyLeft=policy_left or None, rescued=rescued)


def restore_plan(planned: Iterable[tuple[Record, RestorePlan | RestoreRefused]]) -> dict[str, Any]:
    """How claims would come back, and which do not."""
    found = tuple(planned)
    return {
        "apiVersion": documents.API_VERSION,
        "kind": "OrphanRestorationPlan",
        "restorations": [
            {
                "claim": _claim(record.claim),
                "volume": record.volume or None,
                "steps": [documents.camel(step) for step in each.steps],
            }
            for record, each in found
            if isinstance(each, RestorePlan)
        ],
        "refused": [
            {
                "claim": _claim(record.claim),
                "volume": record.volume or None,
                "reason": each.reason,
                "detail": each.subject or None,
            }
            for record, each in found
            if isinstance(each, RestoreRefused)
        ],
    }


def purge(volume: PersistentVolume, came: Came, refused: PurgeRefused | None = None, *, said: str = "") -> dict[str, Any]:
    """``said``: by the driver that could not destroy it so far."""
    reason, detail = (refused.reason, refused.subject) if refused is not None else ("", said)
    return outcome({"volume": volume_of(volume)}, came, reason, detail)


def adoption(planned: Adoption, came: Came) -> dict[str, Any]:
    """The volume, and the claim that it becomes."""
    claim = {"namespace": planned.claim.namespace, "name": planned.claim.name}
    return outcome({"volume": volume_of(planned.volume), "claim": claim}, came)


def volume_of(volume: PersistentVolume) -> dict[str, Any]:
    """A volume and the claim that it is kept for."""
    held = volume.spec.claim_ref
    claim = {"namespace": held.namespace, "name": held.name} if held is not None else None
    return {"name": volume.name, "uid": volume.metadata.uid, "claim": claim}


def _claim(claim: PersistentVolumeClaim) -> dict[str, Any]:
    return {"namespace": claim.namespace, "name": claim.name, "uid": claim.metadata.uid or None}
