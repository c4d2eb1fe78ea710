"""``kubectl pets orphans -o json|yaml|name``: verdicts on claims, and plans for their deletion, for programs. The shape follows
``documents``: written out field by field, and null for what nothing tells or could not be read.
"""

from collections.abc import Iterable
from typing import Any

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.orphans.adopting import AdoptPlan
from kubectl_pets.domain.orphans.deletion import DeletionPlan
from kubectl_pets.domain.orphans.findings import ClaimVerdict
from kubectl_pets.domain.orphans.found import findings
from kubectl_pets.domain.orphans.purging import PurgePlan
from kubectl_pets.views.orphans import words as claim_words
from kubectl_pets.views.orphans.outcomes import volume_of
from kubectl_pets.views.rollout import documents


def many(verdicts: Iterable[ClaimVerdict], output: str, *, namespaces: bool = False) -> str:
    """Claims as ``json`` or ``yaml``; as ``name`` one a line, which with ``namespaces`` is NAMESPACE/NAME."""
    ordered = claim_words.in_order(verdicts)
    if output == "name":
        return "\n".join(f"{clean(one.namespace)}/{_bare(one)}" if namespaces else _name(one) for one in ordered)
    document = {"apiVersion": documents.API_VERSION, "kind": "OrphanList", "items": [_claim(one) for one in ordered]}
    return documents.dump(document, output)


def plan(planned: DeletionPlan, output: str) -> str:
    """What would be done, in the order in which it would be; as ``name`` the claims that would be deleted."""
    if output == "name":
        return "\n".join(_name(one.verdict) for one in planned.deletions)
    return documents.dump(deletion_plan(planned), output)


def deletion_plan(planned: DeletionPlan) -> dict[str, Any]:
    """As ``plan``, not yet written down."""
    totals = planned.totals
    return {
        "apiVersion": documents.API_VERSION,
        "kind": "OrphanDeletionPlan",
        "deletions": [
            {"claim": _claim(one.verdict), "steps": [documents.camel(step) for step in one.steps], "fate": one.fate}
            for one in planned.deletions
        ],
        "refused": [
            {"claim": _claim(one.verdict), "reason": one.reason, "detail": one.detail or None}
            for one in planned.refused
        ],
        "totals": {
            "claims": totals.claims,
            "bytes": totals.bytes,
            "destroyed": totals.destroyed,
            "destroyedBytes": totals.destroyed_bytes,
            "unsized": totals.unsized,
        },
    }


def purge(planned: PurgePlan, output: str) -> str:
    """What would be destroyed, and what is left alone."""
    return documents.dump(purge_plan(planned), output)


def purge_plan(planned: PurgePlan) -> dict[str, Any]:
    """As ``purge``, not yet written down."""
    return {
        "apiVersion": documents.API_VERSION,
        "kind": "VolumePurgePlan",
        "purges": [
            {
                "volume": volume_of(one.volume),
                "sizeBytes": one.size,
                "leftAt": one.since,
                "steps": [documents.camel(each) for each in (one.step,) if each],
            }
            for one in planned.purges
        ],
        "refused": [
            {"volume": volume_of(one.volume), "reason": one.reason, "detail": one.subject or None} for one in planned.refused
        ],
    }


def adoption(planned: AdoptPlan, output: str) -> str:
    """Which volumes would become which claims, and what is refused."""
    return documents.dump(adoption_plan(planned), output)


def adoption_plan(planned: AdoptPlan) -> dict[str, Any]:
    """As ``adoption``, not yet written down."""
    return {
        "apiVersion": documents.API_VERSION,
        "kind": "VolumeAdoptionPlan",
        "adoptions": [
            {
                "volume": volume_of(one.volume),
                "claim": {"namespace": one.claim.namespace, "name": one.claim.name},
                "steps": [documents.camel(step) for step in one.steps],
            }
            for one in planned.adoptions
        ],
        "refused": [{"volume": one.volume, "reason": one.reason, "detail": one.subject or None} for one in planned.refused],
    }


def _name(one: ClaimVerdict) -> str:
    return f"persistentvolumeclaim/{_bare(one)}"


def _bare(one: ClaimVerdict) -> str:
    return clean(one.name, documents.LONGEST_NAME)


def _claim(one: ClaimVerdict) -> dict[str, Any]:
    meta = one.claim.metadata
    return {
        "metadata": {
            "namespace": meta.namespace,
            "name": meta.name,
            "uid": meta.uid,
            "creationTimestamp": meta.creation_timestamp,
        },
        "class": one.klass,
        "wouldBe": one.would_be,
        "fresh": one.fresh,
        "set": one.set or None,
        "template": one.template or None,
        "ordinal": one.ordinal,
        "sizeBytes": one.size,
        "volume": one.claim.spec.volume_name or None,
        "reclaimPolicy": one.reclaim_policy or None,
        "fate": one.fate,
        "unusedSince": one.unused_since,
        "evidence": [
            {
                "kind": item.kind,
                "subject": item.subject or None,
                "detail": item.detail or None,
                "start": item.start,
                "replicas": item.replicas,
                "count": item.count,
                "ordinals": list(item.ordinals) or None,
                "for": item.speaks_for_deletion,
            }
            for item in one.evidence
        ],
        "findings": [documents.finding(each) for each in findings(one)],
    }
