"""What to type next: after a rollout verb has ended, was refused, got stuck or was overtaken.

Every advice is a whole command that can be copied, with the namespace that it needs.
"""

from typing import assert_never

from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause, Phase
from kubectl_pets.domain.stepping.moves import revision_if_recreated
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
from kubectl_pets.views.rollout import words
from kubectl_pets.views.text import phrases
from kubectl_pets.views.text.cleaning import clean


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
            if reason is OvertakenReason.DELETED:
                return None
            return f"{phrases.command(seen, 'status')} shows where it stands"
        case GateFailed() if seen.under_way and seen.strategy != "OnDelete":
            return f"type the same again to go on, or take the change back with: {_abort(seen)}"
        case GateFailed():
            return f"take the change back with: {_undo(seen)}"
        case _:
            assert_never(decision)


def _after_done(reason: DoneReason, seen: Assessment) -> str | None:
    match reason:
        case DoneReason.CANARY_REACHED | DoneReason.STEP_REACHED:
            onward = f"go on with: {phrases.command(seen, 'rollout step')}"
            return onward if seen.strategy == "OnDelete" else f"{onward}, or take it back with: {_abort(seen)}"
        case DoneReason.PAUSED:
            return f"go on with: {phrases.command(seen, 'rollout resume')}"
        case DoneReason.RESUMED:
            return f"follow it with: {phrases.command(seen, 'status', '-w')}"
        case DoneReason.ABORTED if seen.update_revision == seen.current_revision:
            return f"{words.left_over(seen)}; {words.clear(seen)}" if seen.partition_left_over else None
        case DoneReason.ABORTED:
            return f"put the template back with: {_undo(seen)}, then: {phrases.command(seen, 'partition', '0')}"
        case DoneReason.NOTHING_TO_DO if seen.phase is Phase.PAUSED:
            onward = f"release more with: {phrases.command(seen, 'rollout step')}"
            return f"{onward}, or all with: {phrases.command(seen, 'rollout promote')}"
        case DoneReason.ALREADY_UNDONE:
            forward = phrases.command(seen, "rollout undo", "--to-revision", "N")
            return f"go to another revision with: {forward}; {phrases.command(seen, 'rollout history')} lists them"
        case DoneReason.ALREADY_RESTARTED:
            return f"restart it once more with: {phrases.command(seen, 'rollout restart', '--anew')}"
        case _:
            return f"{words.left_over(seen)}; {words.clear(seen)}" if seen.partition_left_over else None


def _instead(refused: Refused, seen: Assessment) -> str:
    reason = refused.reason
    status = f"{phrases.command(seen, 'status')} shows where it stands"
    match reason:
        case RefusedReason.DELETING | RefusedReason.STRATEGY_UNKNOWN:
            return status
        case RefusedReason.PODS_UNREADABLE:
            return f"ask for the right to list pods; check with: kubectl auth can-i list pods{_namespace(seen)}"
        case RefusedReason.TOO_MANY_PODS:
            return f"release all with: {phrases.command(seen, 'rollout promote')}"
        case RefusedReason.NOTHING_STAGED:
            return f"stage a change with: {phrases.command(seen, 'rollout canary', '--image', 'IMAGE')}"
        case RefusedReason.NOTHING_UNDER_WAY:
            if seen.partition_left_over:
                return f"{words.left_over(seen)}; {words.clear(seen)}"
            return f"start one with: {phrases.command(seen, 'rollout canary', '--image', 'IMAGE')}"
        case RefusedReason.ALREADY_FURTHER:
            onward = f"go on with: {phrases.command(seen, 'rollout step')}"
            return f"{onward}, or hold it with: {phrases.command(seen, 'rollout pause')}"
        case RefusedReason.OTHER_ROLLOUT:
            onward = f"finish it with: {phrases.command(seen, 'rollout promote')}"
            return onward if seen.strategy == "OnDelete" else f"{onward}, or take it back with: {_abort(seen)}"
        case RefusedReason.STUCK:
            return f"take the change back with: {_abort(seen)}"
        case RefusedReason.PARTITION_LEFT_OVER:
            return words.clear(seen)
        case RefusedReason.OTHER_RESTART:
            pods = " ".join(f"--pod {clean(pod)}" for pod in refused.pods)
            return f"finish it with: {phrases.command(seen, 'rollout restart', pods)}; or add --anew to begin with other ones"
        case RefusedReason.MINIMUM:
            return f"{phrases.command(seen, 'quorum')} shows what may fail; a smaller --min-available lets more go down"
        case RefusedReason.BUDGET:
            return f"{phrases.command(seen, 'quorum')} shows its budgets; --ignore-budgets goes on as kubectl does"
        case RefusedReason.NODE_LOST:
            return f"see the choices with: {phrases.command(seen, 'lost')}"
        case RefusedReason.REVISIONS_UNREAD:
            return f"check the right to read them with: kubectl auth can-i list controllerrevisions{_namespace(seen)}"
        case (
            RefusedReason.NO_SUCH_REVISION
            | RefusedReason.NO_EARLIER_REVISION
            | RefusedReason.REVISION_NOT_KEPT
            | RefusedReason.OLDER_WANTED
        ):
            return f"{phrases.command(seen, 'rollout history')} lists its revisions"
        case RefusedReason.STAGED_ONLY:
            return f"release the first pod with: {phrases.command(seen, 'rollout canary')}"
        case RefusedReason.NO_WAY_BACK | RefusedReason.COMPLETE:
            return f"roll out the old template anew with: {_undo(seen)}"
        case RefusedReason.ON_DELETE:
            return (
                f"put the old template back with: {_undo(seen)}, "
                f"then replace its pods with: {phrases.command(seen, 'rollout promote')}"
            )
        case _:
            assert_never(reason)


def _unstick(blockers: tuple[Blocker, ...], seen: Assessment) -> str:
    overdue = next((blocker for blocker in blockers if blocker.cause is Cause.TERMINATION_OVERDUE), None)
    if overdue is not None:
        return (
            f"see its node with: kubectl get pod {clean(overdue.pod)} -o wide{_namespace(seen)}; it goes when the node returns "
            "or its Node object is deleted. Force deletion gives up at most one and can corrupt data."
        )
    if seen.strategy != "OnDelete" and any(blocker.updated for blocker in blockers):
        return f"take the change back with: {_abort(seen)}"
    pod = next((blocker.pod for blocker in blockers if blocker.pod), "")
    blocking = {blocker.pod for blocker in blockers}
    held = [member for member in seen.members if member.name in blocking]
    if any(member.revision not in ("", revision_if_recreated(member, seen)) for member in held):
        return f"get it out with: {phrases.command(seen, 'rollout unstick')}"
    if not pod:
        return f"{phrases.command(seen, 'status')} shows where it stands"
    return f"see why with: kubectl describe pod {clean(pod)}{_namespace(seen)}"


def _abort(seen: Assessment) -> str:
    return phrases.command(seen, "rollout abort")


def _undo(seen: Assessment) -> str:
    return phrases.command(seen, "rollout undo")


def _namespace(seen: Assessment) -> str:
    return f" -n {clean(seen.namespace)}" if seen.namespace else ""
