"""``kubectl pets scale -o json|yaml``: the plan for programs, written out field by field; null for what could not be read."""

from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.scale.types import Scaling, Votes
from kubectl_pets.views.rollout.documents import API_VERSION, camel, dump


def document(found: Scaling, seen: Assessment, output: str) -> str:
    """What scaling the set would do, as it was ``seen``."""
    now, then = found.votes
    return dump(
        {
            "apiVersion": API_VERSION,
            "kind": "ScalePlan",
            "metadata": {"namespace": seen.namespace, "name": seen.name, "uid": seen.uid},
            "replicas": {"before": found.before, "after": found.after, "ordinalsStart": found.slots.start},
            "podManagementPolicy": found.policy,
            "moves": [
                {
                    "action": "create" if move.creates else "remove",
                    "pod": move.pod,
                    "lastPod": move.last_pod or None,
                    "count": move.count,
                    "revision": move.revision or None,
                }
                for move in found.moves
            ],
            "returningClaims": None if found.returns is None else [camel(each) for each in found.returns],
            "leavingClaims": None if found.leaves is None else [camel(each) for each in found.leaves],
            "quorum": {"now": _votes(now), "then": _votes(then)},
            "autoscalers": [camel(each) for each in found.replica_owners],
            "warnings": [camel(each) for each in found.warnings],
            "stakes": list(found.stakes),
            "refused": None if found.refused is None else camel(found.refused),
            "reached": found.reached,
        },
        output,
    )


def _votes(votes: Votes) -> dict[str, int]:
    return {
        "members": votes.members,
        "majority": votes.majority,
        "available": votes.available,
        "tolerates": votes.tolerates,
    }
