"""``kubectl pets resize -o json|yaml``: the plan for programs, written out field by field; null for what could not be read."""

from typing import Any

from kubectl_pets.domain.resize.types import ClaimPlan, ResizePlan
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.rollout.documents import API_VERSION, camel, dump, growth


def document(found: ResizePlan, seen: Assessment, output: str) -> str:
    """What the resize takes, for the set as it was ``seen``. Sizes are in bytes."""
    return dump(
        {
            "apiVersion": API_VERSION,
            "kind": "ResizePlan",
            "metadata": {"namespace": seen.namespace, "name": seen.name, "uid": seen.uid},
            "size": found.request.size,
            "bytes": found.request.bytes,
            "attributesClass": found.request.attributes_class or None,
            "template": {
                "name": found.template or None,
                "bytes": found.template_now,
                "differs": found.template_differs if found.template else None,
                "follows": found.template_follows,
                "refused": None if found.template_refused is None else [camel(each) for each in found.template_refused],
            },
            "claims": [_claim(each) for each in found.claims],
            "leftOut": found.left_out,
            "unmade": list(found.unmade),
            "leftOver": [camel(each) for each in found.leftovers],
            "quotas": [camel(each) for each in found.quotas],
            "managers": [camel(each) for each in found.managers],
            "skipped": [camel(each) for each in found.skipped],
            "refused": [camel(each) for each in found.refused],
            "objections": None if found.objections is None else [camel(each) for each in found.objections],
            "done": found.done,
        },
        output,
    )


def _claim(each: ClaimPlan) -> dict[str, Any]:
    return {
        "name": each.claim,
        "pod": each.pod,
        **growth(each.growth),
        "then": each.then,
        "changes": each.changes,
        "inUse": each.in_use,
        "storageClass": each.storage_class or None,
        "provisioner": each.provisioner or None,
        "expandable": each.expandable,
        "volume": each.volume or None,
        "reclaimPolicy": each.reclaim_policy or None,
        "attributesClass": each.attributes_now or None,
        "modification": None if each.modification is None else each.modification.value,
    }
