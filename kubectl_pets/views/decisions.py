"""The words for what was decided: what a step does, how a rollout ended, why it was refused, and what to type next.

A refusal says why going on would be unsafe or mean nothing, and ``hint`` names the command that would be right instead. All
matches are exhaustive: a new reason without words does not pass mypy.
"""

from collections.abc import Sequence
from typing import assert_never

from kubectl_pets.domain.planning import NEW_REVISION
from kubectl_pets.domain.steps import (
    Act,
    Decision,
    Delete,
    Done,
    DoneReason,
    Overtaken,
    OvertakenReason,
    Refused,
    RefusedReason,
    SetPartition,
    Stage,
    Step,
    Stuck,
    Wait,
    WaitReason,
)
from kubectl_pets.domain.verdict import Assessment, Blocker, Cause, Phase
from kubectl_pets.views import phrases, words
from kubectl_pets.views.safe import clean


def sentence(decision: Decision, seen: Assessment) -> str:
    """What is being done, or how it ended. Whether that is a refusal or a failure is for the caller to say before it."""
    match decision:
        case Act(step=step):
            return step_phrase(step)
        case Wait():
            return _waiting(decision, seen)
        case Done(reason=reason):
            return f"{words.title(seen)}: {_done(reason, seen)}"
        case Refused():
            return _refused(decision, seen)
        case Stuck(blockers=blockers):
            return f"{words.title(seen)}: {_first(blockers)}"
        case Overtaken(reason=reason):
            return f"{words.title(seen)}: {_overtaken(reason, seen)}"
        case _:
            assert_never(decision)


def step_phrase(step: Step) -> str:
    """A step as an order, as a plan numbers them."""
    match step:
        case Stage(images=images, partition=partition):
            change = "set image " + ", ".join(f"{clean(image.container)}={clean(image.image)}" for image in images)
            if partition is None:
                return f"{change} (OnDelete: no pod changes until it is deleted)"
            return f"{change} and hold every pod (partition {partition})"
        case SetPartition(partition=partition, before=before, releases=releases):
            if releases:
                return f"release {phrases.folded(releases)} (partition {before} -> {partition})"
            effect = "no further pod is replaced" if partition > before else "no pod is replaced by this"
            return f"set the partition {before} -> {partition}: {effect}"
        case Delete(pod=pod, comes_back_at=comes_back_at):
            return f"delete {clean(pod)}; it comes back at {revision(comes_back_at)}"
        case _:
            assert_never(step)


def deletion_question(seen: Assessment, pods: Sequence[str], server: str) -> str:
    """Asked before the program itself deletes pods; names the server, because that is what one gets wrong."""
    how = "and the controller makes it anew" if len(pods) == 1 else "one at a time, and the controller makes them anew"
    what = f"{phrases.count(len(pods), 'pod')} of {words.title(seen)} ({phrases.folded(pods)})"
    return f"on {clean(server)} this deletes {what}, {how}. Go on?"


def way_out(choice: str) -> str:
    """Said when a run sticks or its time is over, before it does what ``--on-stuck`` chose."""
    return f"--on-stuck={choice}: " + ("bringing every pod back" if choice == "abort" else "pausing the rollout where it stands")


def next_after_interrupt(seen: Assessment, run: bool) -> str:
    """What to type after Ctrl-C: a run is paused and is typed again, any other verb has left its last step to the controller."""
    again = "type the same command again to go on"
    if run:
        return f"{again}; {phrases.command(seen, 'status')} shows where it stands"
    return f"{again}, or follow it with: {phrases.command(seen, 'status', '-w')}"


def revision(name: str) -> str:
    return "the new revision" if name == NEW_REVISION else clean(name)


def _waiting(wait: Wait, seen: Assessment) -> str:
    match wait.reason:
        case WaitReason.OBSERVATION:
            return "waiting for the controller to see the newest spec"
        case WaitReason.PODS:
            awaited = words.waits(seen.waits_for)
            return "waiting for " + (awaited[0] if awaited else phrases.folded(wait.pods) or "the pods")
        case WaitReason.SOAK:
            end = wait.until.strftime("%H:%M:%S UTC") if wait.until else "the pause is over"
            return f"pausing until {end} before the next step"
        case _:
            assert_never(wait.reason)


def _done(reason: DoneReason, seen: Assessment) -> str:
    revision_now = clean(seen.update_revision)
    match reason:
        case DoneReason.COMPLETE:
            return f"complete, {phrases.count(seen.replicas, 'pod')} at {revision_now}"
        case DoneReason.CANARY_REACHED:
            return f"canary reached, {seen.updated}/{seen.replicas} pods at {revision_now} and available"
        case DoneReason.STEP_REACHED:
            return f"step done, {seen.updated}/{seen.replicas} pods at {revision_now} and available"
        case DoneReason.PAUSED:
            return f"paused at partition {seen.partition}, {seen.updated}/{seen.replicas} updated"
        case DoneReason.RESUMED:
            return f"resumed, partition {seen.partition}"
        case DoneReason.ABORTED if seen.update_revision == seen.current_revision:
            return f"aborted, every pod is back at {revision_now}"
        case DoneReason.ABORTED:
            return (
                f"aborted, every pod is back at {clean(seen.current_revision)}; "
                f"the template still holds {revision_now}, held back by partition {seen.partition}"
            )
        case DoneReason.PARTITION_SET:
            return f"partition is {seen.partition} now"
        case DoneReason.NOTHING_TO_DO:
            return f"nothing to do, {words.phase(seen)}"
        case DoneReason.NEVER_ROLLS:
            return "nothing to do, strategy OnDelete replaces no pod until somebody deletes it"
        case _:
            assert_never(reason)


def _refused(refused: Refused, seen: Assessment) -> str:
    name, asked, limit = words.title(seen), refused.asked, refused.limit
    match refused.reason:
        case RefusedReason.DELETING:
            return f"{name} is being deleted, so there is nothing to roll out any more."
        case RefusedReason.PODS_UNREADABLE:
            return f"the pods of {name} could not be read, and pods that cannot be seen must not be replaced."
        case RefusedReason.STRATEGY_UNKNOWN:
            return f"update strategy {clean(seen.strategy)} of {name} is not known, so neither is what a change would do."
        case RefusedReason.TOO_MANY_PODS:
            return f"{phrases.count(asked or 0, 'pod')} were asked for, but {name} has {limit or 0}."
        case RefusedReason.NOTHING_STAGED:
            return f"no change is staged in {name}: its pods run what the template holds, so there is nothing to release."
        case RefusedReason.NOTHING_UNDER_WAY:
            return f"no rollout of {name} is under way: its pods run what the template holds."
        case RefusedReason.ALREADY_FURTHER:
            return f"a canary of {asked} was asked for, but {limit} of {seen.replicas} pods are released already."
        case RefusedReason.OTHER_ROLLOUT:
            return (
                f"another rollout of {name} is under way ({seen.updated}/{seen.replicas} at {clean(seen.update_revision)}); "
                "a new change on top of it would leave pods at three revisions."
            )
        case RefusedReason.STUCK:
            return f"{name} is stuck, and going on would take down another pod while {_first(refused.blockers)}."
        case RefusedReason.STAGED_ONLY:
            return f"nothing of {name} was released yet, so there is no pause to undo; resuming would release every pod."
        case RefusedReason.NO_WAY_BACK:
            return f"{name} has no older revision to go back to: its current revision is the one being rolled out."
        case RefusedReason.COMPLETE:
            return f"the rollout of {name} is complete: abort takes back what is under way, not what is done."
        case RefusedReason.ON_DELETE:
            return f"{name} uses strategy OnDelete, which has no partition to hold pods with."
        case _:
            assert_never(refused.reason)


def _overtaken(reason: OvertakenReason, seen: Assessment) -> str:
    match reason:
        case OvertakenReason.DELETED:
            return "somebody deleted it, so this rollout is over"
        case OvertakenReason.REPLACED:
            return "somebody deleted it and made another one of the same name; this rollout was of the old one"
        case OvertakenReason.TEMPLATE_EDITED:
            return f"somebody changed the template: {clean(seen.update_revision)} is wanted now, so this rollout is over"
        case OvertakenReason.PARTITION_RAISED:
            return f"somebody raised the partition to {seen.partition}; this rollout stops there"
        case OvertakenReason.PARTITION_LOWERED:
            return f"somebody lowered the partition to {seen.partition}, so pods are not held back any more"
        case OvertakenReason.STRATEGY_CHANGED:
            return f"somebody changed the update strategy to {clean(seen.strategy)}, so this rollout is over"
        case _:
            assert_never(reason)


def hint(decision: Decision, seen: Assessment) -> str | None:
    """What to type next, if there is something to do."""
    match decision:
        case Act() | Wait():
            return None
        case Done(reason=reason):
            return _after_done(reason, seen)
        case Refused(reason=reason):
            return _instead(reason, seen)
        case Stuck(blockers=blockers):
            return _unstick(blockers, seen)
        case Overtaken(reason=reason):
            if reason is OvertakenReason.DELETED:
                return None
            return f"{phrases.command(seen, 'status')} shows where it stands"
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
        case DoneReason.COMPLETE | DoneReason.PARTITION_SET | DoneReason.NOTHING_TO_DO | DoneReason.NEVER_ROLLS:
            return f"{words.left_over(seen)}; {words.clear(seen)}" if seen.partition_left_over else None
        case _:
            assert_never(reason)


def _instead(reason: RefusedReason, seen: Assessment) -> str:
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
    if not pod:
        return f"{phrases.command(seen, 'status')} shows where it stands"
    return f"see why with: kubectl describe pod {clean(pod)}{_namespace(seen)}"


def _abort(seen: Assessment) -> str:
    return phrases.command(seen, "rollout abort")


def _undo(seen: Assessment) -> str:
    return f"kubectl rollout undo statefulset/{clean(seen.name)}{_namespace(seen)}"


def _namespace(seen: Assessment) -> str:
    return f" -n {clean(seen.namespace)}" if seen.namespace else ""


def _first(blockers: tuple[Blocker, ...]) -> str:
    if not blockers:
        return "a pod does not become available"
    more = len(blockers) - 1
    return words.blocker(blockers[0]) + (f" (and {more} more)" if more else "")
