"""What to type next: after a rollout verb has ended, was refused, got stuck or was overtaken, and after one look at a set.

Every advice is a whole command that works when it is pasted, and one that would not be refused: what can be aborted or undone is
asked of the domain, so nobody is sent in a circle.
"""

from typing import assert_never

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.claims.growth import GrowthStage
from kubectl_pets.domain.rollout.causes import CauseId, cause_of
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause, Phase
from kubectl_pets.domain.sets.kinds import Capability
from kubectl_pets.domain.stepping.steps import (
    Act,
    Decision,
    Done,
    DoneReason,
    GateFailed,
    Overtaken,
    OvertakenReason,
    Refused,
    RefusedReason,
    Stuck,
    Wait,
)
from kubectl_pets.views.rollout import claims, words
from kubectl_pets.views.text.phrases import again, command, folded

#: What another image may mend (``causes.CauseId``): not a quota, a node that is full or a pod that has to make room.
_OF_IMAGE = ("image:", "crash:")

#: What the API server says of a webhook that it cannot ask (apiserver pkg/admission/plugin/webhook/errors), whatever the pod is.
_UNANSWERED = "failed calling webhook"

#: Of these all is told: the image is another one, and no further look says which.
_WRONG_IMAGE = (CauseId.IMAGE_NOT_FOUND, CauseId.IMAGE_NAME, CauseId.IMAGE_PLATFORM)

#: The verbs that may be told what holds in place of budgets, with what was typed as options alone.
_ON_TERMS = pasting.ONWARD.union(("rollout undo", "rollout unstick"))

#: Of these all is told as well, and another image mends none.
_EDITS = {
    CauseId.CRASH_OOM: "raise its memory limit",
    CauseId.CONFIG_MISSING: "make what is missing, or name what is there",
    CauseId.CONFIG_INVALID: "put it right",
}


def hint(decision: Decision, seen: Assessment) -> str | None:
    """What to type next, if there is something to do."""
    match decision:
        case Act() | Wait():
            return None
        case Done(reason=reason):
            return _after_done(reason, seen)
        case Refused():
            return _instead(decision, seen)
        case Stuck(blockers=blockers):
            return _unstick(blockers, seen)
        case Overtaken(reason=reason):
            return None if reason is OvertakenReason.DELETED else _look(seen)
        case GateFailed():
            back = _take_back(seen, "the change")
            return "type the same again to go on" + (f", or {back}" if back else "")
        case _:
            assert_never(decision)


def after_a_look(seen: Assessment) -> str | None:
    """What to type next after ``status``; None where there is nothing to do."""
    if seen.leader_worker_set is not None:
        return None if seen.rolled_out else words.whole_group(seen)
    if words.restores_running(seen) and seen.phase is not Phase.DELETING:  # a pod that is held is no node's fault
        return words.finish_restoration(seen)
    match seen.phase:
        case Phase.COMPLETE:
            return _clear(seen)
        case Phase.CLAIM_STALLED:
            return _stalled(seen)
        case Phase.RECREATING:
            return words.finish_recreation(seen)
        case Phase.RESTORING:
            return words.finish_restoration(seen)
        case Phase.PAUSED:
            return _onward(seen)
        case Phase.PROGRESSING | Phase.SCALING | Phase.FAILING if seen.silent_nodes and Capability.GROUPS not in seen.kind.can:
            return _lost(seen)
        case Phase.PROGRESSING | Phase.SCALING | Phase.FAILING:
            return f"follow it with: {command(seen, 'status', '-w')}"
        case Phase.WAITING_FOR_DELETE if Capability.CHANGE not in seen.kind.can:
            return None
        case Phase.WAITING_FOR_DELETE if seen.replaced_by:
            follow, step = command(seen, "status", "-w"), command(seen, "rollout step")
            return f"{clean(seen.replaced_by)} may replace them itself: follow it with: {follow}; where it does not: {step}"
        case Phase.WAITING_FOR_DELETE:
            return f"replace the next pod with: {command(seen, 'rollout step')}"
        case Phase.STUCK:
            return _unstick(seen.blockers, seen)
        case Phase.UNKNOWN if any(blocker.cause is Cause.PODS_UNREADABLE for blocker in seen.blockers):
            return pods_unread(seen)
        case Phase.UNKNOWN:
            return _of_unknown(seen)
        case Phase.DELETING | Phase.GONE:
            return None
        case _:
            assert_never(seen.phase)


def after_time(seen: Assessment) -> str:
    """What to type next where a verb stopped before its end, and nobody is to blame."""
    return _unstick(seen.blockers, seen) if seen.phase is Phase.STUCK else f"type the same again to go on; {_look(seen)}"


def left_behind(seen: Assessment) -> str:
    """What the partition that this run has set, and that stays when it ends, holds back, and the command that clears it."""
    held = [member.name for member in seen.members if member.position < seen.partition]
    what = f"partition {seen.partition} of this run stays and holds back {folded(held)}"
    return f"{what}; once that is no longer wanted clear it with: {command(seen, 'partition', '0')}"


def _after_done(reason: DoneReason, seen: Assessment) -> str | None:
    match reason:
        case DoneReason.CANARY_REACHED | DoneReason.STEP_REACHED:
            back = _take_back(seen)
            return f"go on with: {command(seen, 'rollout step')}" + (f", or {back}" if back else "")
        case DoneReason.PAUSED if seen.phase is Phase.STUCK:
            return _unstick(seen.blockers, seen)
        case DoneReason.PAUSED:
            return f"go on with: {command(seen, 'rollout resume')}"
        case DoneReason.RESUMED:
            return f"follow it with: {command(seen, 'status', '-w')}"
        case DoneReason.ABORTED if seen.under_way:
            return f"put the template back with: {_undo(seen)}, then: {command(seen, 'partition', '0')}"
        case DoneReason.NOTHING_TO_DO if seen.phase is Phase.PAUSED:
            return _onward(seen)
        case DoneReason.HELD_BACK:
            return f"release them with: {command(seen, 'rollout promote')}"
        case DoneReason.ALREADY_UNDONE:
            return f"{command(seen, 'rollout history')} lists its revisions; --to-revision goes to another one"
        case DoneReason.ALREADY_RESTARTED:
            return f"restart it once more with: {again(seen, 'rollout restart', '--anew')}"
        case _:
            return _clear(seen)


def _instead(refused: Refused, seen: Assessment) -> str:
    match refused.reason:
        case RefusedReason.DELETING | RefusedReason.STRATEGY_UNKNOWN:
            return _look(seen)
        case RefusedReason.LEADER_WORKER_SET:
            return words.whole_group(seen)
        case RefusedReason.UPDATES_PAUSED:
            return f"let them go on with: {command(seen, 'rollout resume')}"
        case RefusedReason.SURGE:
            return f"set maxSurge to 0 with: {_edit(seen)}; or leave it to its controller with: {command(seen, 'partition', '0')}"
        case RefusedReason.UNORDERED:
            name = seen.kind.command_line(seen.name)
            release = pasting.pets("rollout promote", name, "--ignore-budgets", namespace=seen.namespace, guarded=False)
            return f"release all with: {release}; its controller keeps maxUnavailable"
        case RefusedReason.RECREATING:
            return words.finish_recreation(seen)
        case RefusedReason.RESTORING:
            return words.finish_restoration(seen)
        case RefusedReason.PODS_UNREADABLE:
            return pods_unread(seen)
        case RefusedReason.SLOTS_UNREADABLE:
            return f"{_look(seen)}; put it right with: {_edit(seen)}"
        case RefusedReason.REVISIONS_UNREAD:
            return _ask_for("controllerrevisions", seen)
        case RefusedReason.ADMISSION:
            return f"{command(seen, 'rollout diff')} shows what is wanted; whoever keeps the admission policies knows why"
        case RefusedReason.PARTITION_NOT_KEPT:
            webhooks = pasting.kubectl("get", "mutatingwebhookconfigurations")
            return f"{_look(seen)}; a policy or a webhook changes it, and the webhooks are shown by: {webhooks}"
        case RefusedReason.NOTE_NOT_KEPT if seen.partition < seen.replicas:
            raised = command(seen, "partition", str(seen.replicas))
            return f"{_look(seen)}; another run stops where the partition is raised under it, as with: {raised}"
        case RefusedReason.NOTE_NOT_KEPT:
            return _look(seen)
        case RefusedReason.TOO_MANY_PODS if not seen.under_way:
            return "nothing is staged; 'rollout run' with the same change reaches every pod that there is"
        case RefusedReason.TOO_MANY_PODS:
            return f"release all with: {command(seen, 'rollout promote')}"
        case RefusedReason.NOTHING_STAGED | RefusedReason.NOTHING_UNDER_WAY:
            return _clear(seen) or f"{_look(seen)}; --image begins a rollout"
        case RefusedReason.ALREADY_FURTHER:
            return f"go on with: {command(seen, 'rollout step')}, or hold it with: {command(seen, 'rollout pause')}"
        case RefusedReason.OTHER_ROLLOUT:
            back = _take_back(seen)
            return f"finish it with: {command(seen, 'rollout promote')}" + (f", or {back}" if back else "")
        case RefusedReason.STUCK:
            return _unstick(refused.blockers, seen)
        case RefusedReason.PARTITION_LEFT_OVER:
            return words.clear(seen)
        case RefusedReason.OTHER_RESTART:
            pods = [word for pod in refused.pods for word in ("--pod", pod)]
            return f"finish it with: {command(seen, 'rollout restart', *pods)}; or add --anew to begin with other ones"
        case RefusedReason.MINIMUM:
            return f"{command(seen, 'quorum')} shows what may fail; a smaller --min-available lets more go down"
        case RefusedReason.BUDGET:
            return f"{command(seen, 'quorum')} shows its budgets; --ignore-budgets goes on as kubectl does"
        case RefusedReason.BUDGETS_SEVERAL:
            return f"{command(seen, 'quorum')} shows them; leave one over each pod" + _without_budgets(seen)
        case RefusedReason.CLAIM_TERMINATING:
            look = pasting.kubectl("get", "pvc", *refused.pods[:1], namespace=seen.namespace)
            return f"set its volume to Retain before its pod goes, or the data is lost; {look} names the volume"
        case RefusedReason.NODE_LOST:
            return _lost(seen)
        case RefusedReason.STAGED_ONLY:
            return f"release the first pod with: {command(seen, 'rollout canary')}"
        case RefusedReason.NO_WAY_BACK if seen.before.revision == seen.update_revision and seen.under_way:
            return f"the template is the old one already; have its pods follow with: {command(seen, 'rollout promote')}"
        case RefusedReason.NO_WAY_BACK | RefusedReason.COMPLETE | RefusedReason.ON_DELETE:
            return _take_back(seen) or _history(seen)
        case RefusedReason.GONE_BACK if refused.asked is not None:
            forward = command(seen, "rollout undo", "--to-revision", str(refused.asked))
            return f"{_history(seen)}; where that one is wanted after all: {forward}"
        case (
            RefusedReason.NO_SUCH_REVISION
            | RefusedReason.NO_EARLIER_REVISION
            | RefusedReason.ADOPTED_REVISIONS
            | RefusedReason.REVISION_NOT_KEPT
            | RefusedReason.OLDER_WANTED
            | RefusedReason.GONE_BACK
        ):
            return _history(seen)
        case _:
            assert_never(refused.reason)


def _unstick(blockers: tuple[Blocker, ...], seen: Assessment) -> str:
    """The way out that leads out: by the pods that are broken, and by what they would come back at."""
    first = next((told for blocker in blockers if (told := _by_cause(blocker, seen)) is not None), None)
    if first is not None:
        return first
    from kubectl_pets.domain.stepping.moves import holds_up  # where all is well it is not loaded

    pod = next((blocker.pod for blocker in blockers if blocker.pod), "")
    if Capability.CHANGE not in seen.kind.can and pod:
        return f"see why with: {pasting.kubectl('describe', 'pod', pod, namespace=seen.namespace)}"
    broken = {blocker.pod for blocker in blockers}
    if Capability.GROUPS in seen.kind.can:
        return _take_back(seen) or f"put right what is wrong with: {_edit(seen)}"
    if any(member.name in broken and holds_up(member, seen) for member in seen.members):
        return f"get it out with: {command(seen, 'rollout unstick')}"
    wanted = any(blocker.updated for blocker in blockers)
    back = (_undone(seen) or _take_back(seen, "the change")) if wanted else None
    if back is not None:
        return back
    if any(cause_of(blocker) is CauseId.QUOTA for blocker in blockers):  # why is told, and what is used of it
        room = pasting.kubectl("edit", "resourcequota", namespace=seen.namespace)
        return f"its controller makes it once the quota has room; give it some with: {room}"
    edit = next((told for each in blockers if (told := _EDITS.get(cause_of(each)))), "")
    if edit and Capability.CHANGE in seen.kind.can:
        return f"{edit} with: {_edit(seen)}"
    if not pod:
        return _look(seen)
    exists = any(member.name == pod and member.uid for member in (*seen.members, *seen.surplus))
    what = ("pod", pod) if exists else (seen.kind.kubectl, seen.name)
    why = f"see why with: {pasting.kubectl('describe', *what, namespace=seen.namespace)}"
    broken_image = next((each for each in blockers if each.updated and cause_of(each).startswith(_OF_IMAGE)), None)
    if broken_image is None:
        return why
    mended = _with_another_image(broken_image, seen)
    return mended if cause_of(broken_image) in _WRONG_IMAGE else f"{why}; {mended}"


def _with_another_image(blocker: Blocker, seen: Assessment) -> str:
    """The command that replaces what is broken. The image of now is in it, to be written over: typed as it is it changes
    nothing."""
    its = (each for each in seen.template if each.container == blocker.container)
    image = next(its, next(iter(seen.template), None))
    typed = ("--image", f"{image.container}={image.image}") if image else ()
    return f"write a fixed image into: {command(seen, 'rollout run', *typed)}"


def _without_budgets(seen: Assessment) -> str:
    """The same again, with a number of pods in place of budgets; empty where this run's verb has no such flags."""
    verb = pasting.verb_typed()
    if verb not in _ON_TERMS:
        return ""
    kept = () if {"--min-available", "--quorum"} & set(pasting.guards()) else ("--min-available", str(max(0, seen.replicas - 1)))
    return f", or go on without them with: {again(seen, verb, '--ignore-budgets', *kept)}"


def _take_back(seen: Assessment, what: str = "it") -> str | None:
    """How to take the wanted version back, if there is a way."""
    from kubectl_pets.domain.stepping.holding import abort_to  # where all is well it is not loaded

    if not isinstance(abort_to(seen), Refused):
        return f"take {what} back with: {command(seen, 'rollout abort')}"
    return _undone(seen)


def _undone(seen: Assessment) -> str | None:
    """How to have the earlier version back, template and pods: an abort leaves a template that the next release brings."""
    from kubectl_pets.domain.stepping.freeing import undoes_to  # where all is well it is not loaded

    return f"put the earlier template back with: {_undo(seen)}" if undoes_to(seen) else None


def _edit(seen: Assessment) -> str:
    return pasting.kubectl("edit", f"{seen.kind.typed}/{seen.name}", namespace=seen.namespace)


def _onward(seen: Assessment) -> str:
    if seen.kind.changed_by:
        return f"to release more, change {seen.kind.changed_by}"
    if Capability.CHANGE not in seen.kind.can:
        fewer = max(0, min(seen.partition, seen.replicas) - 1)
        return f"release one more with: {words.patched(seen, fewer)}"
    if seen.partition_kept_by:
        follow, step = command(seen, "status", "-w"), command(seen, "rollout step")
        return f"{clean(seen.partition_kept_by)} lowers the partition itself: follow it with: {follow}; where it does not: {step}"
    told = f"release more with: {command(seen, 'rollout step')}, or all with: {command(seen, 'rollout promote')}"
    # After an abort it looks the same, and what is held is what was taken back.
    back = _undone(seen) if seen.staged else None
    return f"{told}; or {back}" if back else told


def _stalled(seen: Assessment) -> str | None:
    """Of the claim that stands still: what ends that."""
    stalled = next((each for each in seen.growing if each.growth.stalled), None)
    if stalled is None:
        return None
    if stalled.growth.stage is GrowthStage.INFEASIBLE:
        return f"ask for less: {claims.lowest(stalled.growth)}"
    if stalled.growth.offline:
        return f"it goes on while no pod uses {clean(stalled.claim)}: scale to fewer, and back"
    return f"start the pod again with: {command(seen, 'rollout restart', '--pod', stalled.pod)}"


def _clear(seen: Assessment) -> str | None:
    return f"{words.left_over(seen)}; {words.clear(seen)}" if seen.partition_left_over else None


def _look(seen: Assessment) -> str:
    return f"{command(seen, 'status')} shows where it stands"


def _history(seen: Assessment) -> str:
    return f"{command(seen, 'rollout history')} lists its revisions"


def _undo(seen: Assessment) -> str:
    return command(seen, "rollout undo")


def _of_unknown(seen: Assessment) -> str | None:
    """What ends that nothing can be said of a set whose pods could be read."""
    causes = [each.cause for each in seen.blockers]
    if Cause.SLOTS_UNREADABLE in causes and Capability.CHANGE in seen.kind.can:
        return f"put it right with: {_edit(seen)}"
    if Cause.CONTROLLER_STOPPED in causes and Capability.CHANGE in seen.kind.can:
        return f"let it go on with: {command(seen, 'rollout resume')}"
    return None


def pods_unread(seen: Assessment) -> str:
    """What to look at where the pods could not be read: at the one that could not be decoded, or at the right to list them."""
    odd = next((each for each in seen.blockers if each.cause is Cause.PODS_UNREADABLE and each.message), None)
    if odd is None:
        return _ask_for("pods", seen)
    what = ("pod", odd.pod) if odd.pod else (seen.kind.kubectl, seen.name)
    return f"see it with: {pasting.kubectl('get', *what, '-o', 'yaml', namespace=seen.namespace)}"


def _ask_for(resource: str, seen: Assessment) -> str:
    right = pasting.kubectl("auth", "can-i", "list", resource, namespace=seen.namespace)
    return f"ask for the right to list {resource}; check with: {right}"


def _by_cause(blocker: Blocker, seen: Assessment) -> str | None:
    """What helps against this one thing, whatever else there is; None: that depends on the rest."""
    pod = blocker.pod
    match blocker.cause:
        case Cause.TERMINATION_OVERDUE if seen.silent_nodes:
            return _lost(seen)
        case Cause.TERMINATION_OVERDUE if blocker.node_ready:
            shown = pasting.kubectl("describe", "pod", pod, namespace=seen.namespace)
            return (
                f"its node has to end it, and cannot get rid of a container, a network or a volume; see more with: {shown}. "
                "Force deletion gives up at most one and can corrupt data."
            )
        case Cause.TERMINATION_OVERDUE:
            shown = pasting.kubectl("get", "pod", pod, "-o", "wide", namespace=seen.namespace)
            return (
                f"see its node with: {shown}; it goes when the node returns "
                "or its Node object is deleted. Force deletion gives up at most one and can corrupt data."
            )
        case Cause.NODE_SILENT:
            return _lost(seen)
        case Cause.NOT_TAKEN_ON:
            shown = pasting.kubectl("describe", "node", blocker.message)
            return f"see its node with: {shown}; nothing of the pod has run, so another one may be made in its place"
        case Cause.FINALIZER:
            shown = pasting.kubectl("get", "pod", pod, "-o", "yaml", namespace=seen.namespace)
            return f"its node has nothing to do with it; see who set the finalizer with: {shown}"
        case Cause.NAME_TAKEN:
            shown = pasting.kubectl("get", "pod", pod, "--show-labels", namespace=seen.namespace)
            return f"see whose pod it is with: {shown}; once it is gone the controller makes its own"
        case Cause.CREATION_REFUSED if _UNANSWERED in blocker.message:
            webhooks = pasting.kubectl("get", "validatingwebhookconfigurations,mutatingwebhookconfigurations")
            told = "no version gets past a webhook that does not answer, and once it does the controller goes on"
            return f"{told}; see them with: {webhooks}"
        case Cause.VOLUME_MISSING:
            return f"replace such pods one at a time with: {command(seen, 'rollout unstick')}"
        case Cause.NOT_MADE if blocker.reason:
            away = pasting.kubectl("delete", "pod", pod, namespace=seen.namespace)
            return f"it has ended, so nothing runs that could be lost; it is made anew after: {away}"
        case Cause.UPDATE_UNFINISHED:
            shown = pasting.kubectl("get", "pod", pod, "-o", "yaml", namespace=seen.namespace)
            return f"see what its controller noted with: {shown}"
        case (
            Cause.NOT_OBSERVED
            | Cause.NOT_MADE
            | Cause.NOT_DELETED
            | Cause.PART_NOT_MADE
            | Cause.UPDATE_REFUSED
            | Cause.DELETION_REFUSED
        ):
            about = f"--field-selector=involvedObject.name={seen.name}"
            shown = pasting.kubectl("get", "events", about, namespace=seen.namespace)
            return f"see what its controller says with: {shown}"
        case _:
            return None


def _lost(seen: Assessment) -> str:
    """What to type about pods on nodes that are not Ready."""
    return f"see the choices with: {command(seen, 'lost')}"
