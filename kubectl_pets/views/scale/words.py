"""The words for scaling: why it is refused, what else sets the replicas, what to know before. All matches are exhaustive."""

from collections.abc import Sequence
from typing import assert_never

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.scale.claim_effects import Leaving
from kubectl_pets.domain.scale.replica_owners import ReplicaOwner, Will
from kubectl_pets.domain.scale.types import Caution, ScaleRefused, ScaleRefusedReason, Scaling, Warning
from kubectl_pets.views.rollout import advice, words
from kubectl_pets.views.text import phrases


def refusal(found: ScaleRefused, plan: Scaling, seen: Assessment) -> str:
    """Why the scaling is refused, as a sentence."""
    match found.reason:
        case ScaleRefusedReason.DELETING:
            return "it is being deleted."
        case ScaleRefusedReason.LEADER_WORKER_SET:
            return f"it {words.part_of(seen)}, whose controller puts the number back."
        case ScaleRefusedReason.RECREATING:
            return words.made_again(seen)
        case ScaleRefusedReason.RESTORING:
            return words.data_on_the_way(seen)
        case ScaleRefusedReason.UNKNOWN:
            return f"{words.blocker(found.blockers[0])}."
        case ScaleRefusedReason.PODS_UNREADABLE:
            odd = next((words.blocker(each) for each in seen.blockers if each.message), "its pods could not be read")
            return f"{odd}, so what scaling does to them cannot be said."
        case ScaleRefusedReason.BLOCKED:
            told = words.blocker(found.blockers[0]) if found.blockers else "a pod is not available"
            return f"{told}, and OrderedReady makes and removes nothing above it until it is available."
        case ScaleRefusedReason.NO_POD_POSSIBLE:
            return f"{words.blocker(found.blockers[0])}."
        case ScaleRefusedReason.AUTOSCALER:
            assert found.replica_owner is not None
            return f"{replica_owner(found.replica_owner, plan)}."
        case _:
            assert_never(found.reason)


def instead(found: ScaleRefused, seen: Assessment) -> str | None:
    """What to do instead."""
    match found.reason:
        case ScaleRefusedReason.DELETING | ScaleRefusedReason.NO_POD_POSSIBLE:
            return None
        case ScaleRefusedReason.LEADER_WORKER_SET:
            return words.whole_group(seen)
        case ScaleRefusedReason.RECREATING:
            return words.finish_recreation(seen)
        case ScaleRefusedReason.RESTORING:
            return words.finish_restoration(seen)
        case ScaleRefusedReason.PODS_UNREADABLE:
            return advice.pods_unread(seen)
        case ScaleRefusedReason.UNKNOWN:
            return advice.after_a_look(seen)
        case ScaleRefusedReason.BLOCKED:
            unstick = phrases.command(seen, "rollout unstick")
            return f"{phrases.command(seen, 'status')} shows it; {unstick} frees a set that is stuck"
        case ScaleRefusedReason.AUTOSCALER:
            assert found.replica_owner is not None
            owner = (found.replica_owner.kind.value.lower(), found.replica_owner.name)
            return f"change its bounds first: {pasting.kubectl('edit', *owner, namespace=seen.namespace)}"
        case _:
            assert_never(found.reason)


def replica_owner(one: ReplicaOwner, plan: Scaling) -> str:
    """Who else sets the replicas, and what it will do, as a clause."""
    name = f"{one.kind.value} {clean(one.name)}"
    bounds = f"{one.minimum} to {one.maximum}"
    match one.will:
        case Will.PUTS_BACK:
            return f"{name} ({bounds}) puts {plan.after} back to {one.back_to} within seconds"
        case Will.MAY_CHANGE:
            return f"{name} ({bounds}) sets the replicas, too, and may change {plan.after} at any time"
        case Will.RESTS:
            return f"{name} ({bounds}) does nothing while there are 0 replicas, and goes on once there are some"
        case Will.REMEMBERS:
            return f"{name} remembers {one.back_to}: what goes by it, like the next kubectl apply, undoes this"
        case _:
            assert_never(one.will)


def warning(found: Warning, plan: Scaling, seen: Assessment) -> str:
    pods, number = phrases.folded(found.pods), found.number
    match found.caution:
        case Caution.WAITS_FOR:
            return f"OrderedReady waits for {pods} to be available first"
        case Caution.BROKEN:
            return f"{words.blocker(found.blockers[0])}: not every replica will be available"
        case Caution.NOT_REMOVED:
            return f"OrderedReady removes none of {pods} while more than one of them is broken; delete them by hand afterwards"
        case Caution.AT_UPDATE:
            come = "comes" if len(found.pods) == 1 else "come"
            held = f", whatever partition {seen.partition} holds back" if seen.partition else ""
            return f"a rollout is not over: {pods} {come} up at the update revision {clean(found.revision)}{held}"
        case Caution.AT_CURRENT:
            come = "comes" if len(found.pods) == 1 else "come"
            return f"{pods} {come} up at the current revision {clean(found.revision)}, below partition {seen.partition}"
        case Caution.PARTITION_HOLDS_ALL:
            replicas = phrases.count(plan.after, "replica")
            return f"partition {number} is not below {replicas}: the next change will reach no pod"
        case Caution.MINORITY_STAYS:
            return (
                f"no majority of the {plan.before} members stays, which would be {number}: "
                "where members vote, take those that go out of their cluster first"
            )
        case Caution.MAJORITY_DOWN:
            return f"of the pods that stay {number} are available, no majority of {plan.after}"
        case Caution.EVEN:
            survives = phrases.count(number, "failure") if number else "no failure"
            return f"{plan.after} is even: where members vote it survives {survives}, no more than {plan.after - 1} would"
        case Caution.CLAIMS_NOT_READ:
            return "claims could not be read (list persistentvolumeclaims), so which data comes back or goes cannot be said"
        case Caution.VOLUMES_NOT_READ:
            return "volumes could not be read (get persistentvolumes), so what becomes of the data cannot be said"
        case Caution.RESIZING:
            names = phrases.folded([each.claim for each in found.growing])
            one = "is" if len(found.growing) == 1 else "are"
            return f"{names} {one} being resized: the storage goes on, and what the node has to do waits for the next pod"
        case Caution.CLAIM_USERS_NOT_READ:
            return "pods and workloads could not be read, so whether somebody else uses these claims cannot be said"
        case Caution.AUTOSCALERS_NOT_READ:
            return (
                "autoscalers could not be read (list horizontalpodautoscalers.autoscaling, scaledobjects.keda.sh), "
                "so whether one puts this back cannot be said"
            )
        case _:
            assert_never(found.caution)


def stays(leaves: Sequence[Leaving]) -> str:
    """What happens to claims that nothing deletes."""
    names = phrases.folded([each.claim for each in leaves])
    one = len(leaves) == 1
    told = "stays with its data, and comes" if one else "stay with their data, and come"
    return f"{names} {told} back when it is scaled up again"
