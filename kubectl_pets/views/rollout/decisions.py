"""The words for what was decided: what a step does, how a rollout ended, and why it was refused.

A refusal says why going on would be unsafe or mean nothing; ``advice`` names the command that would be right instead. All matches
are exhaustive: a new reason without words does not pass mypy.
"""

from collections.abc import Collection, Sequence
from typing import assert_never

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.stuck import go_at_once
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker
from kubectl_pets.domain.sets.fields import PAUSED_RECONCILE_ANNOTATION
from kubectl_pets.domain.sets.kinds import Capability
from kubectl_pets.domain.stepping.freeing import UNDONE_ANNOTATION
from kubectl_pets.domain.stepping.steps import (
    NEW_REVISION,
    Act,
    Decision,
    Delete,
    Done,
    DoneReason,
    Evict,
    GateFailed,
    Mark,
    Note,
    Overtaken,
    OvertakenReason,
    Plan,
    Refused,
    RefusedReason,
    Restore,
    SetPartition,
    Stage,
    Step,
    Stuck,
    Wait,
    WaitReason,
)
from kubectl_pets.views.rollout import words
from kubectl_pets.views.text import phrases

#: Kinds whose updates can be stopped besides the partition.
_CAN_STOP = frozenset((Capability.PAUSE, Capability.STANDSTILL))


BUDGETS_UNREAD = (
    "PodDisruptionBudgets could not be read (list poddisruptionbudgets.policy), so none is kept; "
    "--ignore-budgets says that this is known"
)


def sentence(decision: Decision, seen: Assessment) -> str:
    """What is being done, or how it ended. Whether that is a refusal or a failure is for the caller to say before it."""
    match decision:
        case Act(step=step):
            return step_phrase(step)
        case Wait():
            return _waiting(decision, seen)
        case Done(reason=reason, skipped=skipped):
            leads = f"; left alone, because it leads: {phrases.folded(skipped)}" if skipped else ""
            return f"{words.title(seen)}: {_done(reason, seen)}{leads}"
        case Refused():
            return _refused(decision, seen)
        case Stuck(blockers=blockers):
            return f"{words.title(seen)}: {_first(blockers)}"
        case Overtaken(reason=reason):
            return f"{words.title(seen)}: {_overtaken(reason, seen)}" + _unguarded(decision, seen)
        case GateFailed(pod=pod, gate=gate, detail=detail):
            said = clean(detail, len(detail)) or "no word why"  # its end is the cause
            return f"{words.title(seen)}: {clean(pod)} did not pass {clean(gate)}: {said}"
        case _:
            assert_never(decision)


def step_phrase(step: Step) -> str:
    """A step as an order, as a plan numbers them."""
    match step:
        case Stage(images=images, partition=partition):
            change = "set image " + ", ".join(f"{clean(image.container)}={clean(image.image)}" for image in images)
            if partition is None:
                return f"{change} (OnDelete: no pod changes until it is deleted)"
            return f"{change}{_holding(partition)}"
        case SetPartition(partition=partition, before=before, paused=True):
            return f"pause updates in the spec and hold the pods (partition {before} -> {partition})"
        case SetPartition(partition=partition, before=before, paused=False, releases=()):
            return f"let updates go on (partition {before} -> {partition})"
        case SetPartition(partition=partition, before=before, releases=releases, steps=steps, keeps=keeps):
            if isinstance(steps, int):
                return f"release {phrases.folded(releases)} in {steps} steps (partition {before} -> {partition})"
            if releases:
                return f"release {phrases.folded(releases)} (partition {before} -> {partition}){_keeping(keeps)}"
            effect = "no further pod is replaced" if partition > before else "no pod is replaced by this"
            if partition == before:
                return f"{'note the' if step.remember else 'end the'} pause (partition {partition} stays)"
            return f"set the partition {before} -> {partition}: {effect}"
        case Delete(pod=pod, comes_back_at=comes_back_at):
            return f"delete {clean(pod)}; it comes back at {revision(comes_back_at)}"
        case Evict(pod=pod, comes_back_at=comes_back_at):
            return f"evict {clean(pod)}; it comes back at {revision(comes_back_at)}"
        case Restore(revision=name, number=number, partition=partition, keeps=keeps):
            return f"restore the template of revision {number} ({clean(name)}){_holding(partition)}{_keeping(keeps)}"
        case Mark(at=at, partition=partition):
            return f"mark the template as restarted at {clean(at)}{_holding(partition)}"
        case Note(pods=pods):
            return f"note on the set what is to restart: {phrases.folded(pods)}" if pods else "note on the set that this is over"
        case _:
            assert_never(step)


def _keeping(name: str | msgspec.UnsetType) -> str:
    return f", with the template of {clean(name)} kept on the set" if isinstance(name, str) else ""


def _holding(partition: int | None) -> str:
    if not partition:
        return "" if partition is None else " (partition 0 holds no pod)"
    return f" and hold every pod (partition {partition})"


def deletion_question(seen: Assessment, pods: Sequence[str], server: str) -> str:
    """Asked before the program itself deletes pods; names the server, because that is what one gets wrong."""
    how = "and the controller makes it anew" if len(pods) == 1 else "one at a time, and the controller makes them anew"
    what = f"{phrases.count(len(pods), 'pod')} of {words.title(seen)} ({phrases.folded(pods)})"
    return f"on {clean(server)} this deletes {what}, {how}. Go on?"


def abort_question(seen: Assessment, server: str) -> str:
    """Asked before an abort that deletes no pod."""
    return f"on {clean(server)} this aborts the rollout of {words.title(seen)}. Go on?"


def before_acting(plan: Plan, seen: Assessment, restarted: Collection[str] = ()) -> list[str]:
    """What somebody should know before the first step: pods that come back at another version than they run, and whose next
    deploy undoes an abort. ``restarted``: the pods that were chosen, where they are no more than restarted."""
    aborts = isinstance(plan.ending, Done) and plan.ending.reason is DoneReason.ABORTED
    loose = [words.let_loose(seen)] if aborts and seen.partition_stated_by else []
    loose += [*_not_kept(plan, seen), *_all_at_once(plan, seen)]
    loose += [told] if (told := lost_with_groups(plan, seen)) else []
    anew = [step for step in plan.steps if isinstance(step, Evict | Delete) and step.pod in restarted]
    others = [step for step in anew if step.comes_back_at not in ("", step.revision)]
    if not others:
        return loose
    pods = phrases.folded([step.pod for step in others])
    return [*loose, f"{pods} will not run what it runs now: made anew, it is at {revision(others[0].comes_back_at)}"]


def lost_with_groups(plan: Plan, seen: Assessment) -> str:
    """The data that goes where groups are made again; empty: none does, as far as their claims tell."""
    groups = [pod for step in plan.steps for pod in _made_again(step)] if seen.claims_go_along else []
    if not groups:
        return ""
    one = "its" if len(groups) == 1 else "their"
    policy = "the set of workers goes with its leader, and whenDeleted: Delete deletes the workers' claims then"
    return f"{phrases.folded(groups)} will be made again without {one} workers' data, but for volumes that are retained: {policy}"


def _made_again(step: Step) -> tuple[str, ...]:
    match step:
        case SetPartition(releases=releases):
            return releases
        case Delete(pod=pod) | Evict(pod=pod):
            return (pod,)
        case _:
            return ()


def loss_question(plan: Plan, seen: Assessment, server: str) -> str:
    """Asked before groups lose data although this program deletes no pod itself."""
    return f"on {clean(server)}, of {words.title(seen)}: {lost_with_groups(plan, seen)}. Go on?"


def _all_at_once(plan: Plan, seen: Assessment) -> list[str]:
    """Where a release that waits for nothing takes pods down together that serve."""
    first = next((entry.step for entry in plan.entries if isinstance(entry, Act)), None)
    if not isinstance(first, SetPartition) or (plan.entries and isinstance(plan.entries[0], Wait)):
        return []
    young = frozenset(go_at_once(seen))
    pods = phrases.folded([pod for pod in first.releases if pod in young])
    told = "their minReadySeconds run still, and in Parallel maxUnavailable does not hold such pods"
    return [f"{pods} go down all at once: {told}"] if pods else []


def _not_kept(plan: Plan, seen: Assessment) -> list[str]:
    """Where an undo afterwards is not possible."""
    ran = seen.before.revision
    if Capability.GROUPS not in seen.kind.can or ran in ("", seen.update_revision):
        return []
    releases = any(isinstance(step, SetPartition) and step.releases for step in plan.steps)
    if not releases or any(group.name == ran and group.record is not None for group in seen.revisions):
        return []
    what = f"the template of {revision(ran)} cannot be kept on the set (there is no room for it in its annotations)"
    return [f"{what}: once this is done its controller throws it away, and there is no undo"]


def admitted(asked: Image, made: Image) -> str:
    """What the cluster's admission makes of an image that was asked for."""
    return f"admission makes {clean(made.image)} of {clean(asked.image)} in container {clean(made.container)}"


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
        case WaitReason.SETTLE:
            end = wait.until.strftime("%H:%M:%S UTC") if wait.until else "they have settled"
            return f"watching until {end} that they stay up"
        case WaitReason.HEADROOM if len(wait.pods) > 1:
            return f"waiting for PodDisruptionBudgets {phrases.folded(wait.pods)} to be over the same pods no more"
        case WaitReason.HEADROOM if wait.pods:
            return f"waiting for PodDisruptionBudget {clean(wait.pods[0])} to allow one more pod to go down"
        case WaitReason.HEADROOM:
            return "waiting for more pods to be available before one more goes down"
        case WaitReason.OTHERS:
            return f"waiting for {phrases.folded(wait.pods)} of the same group to be fully available"
        case WaitReason.GATE if not wait.pods:
            return "asking every DNS server for the names of the pods"
        case WaitReason.GATE:
            return f"asking the gates about {phrases.folded(wait.pods)}"
        case WaitReason.SNAPSHOT:
            more = f" and {len(wait.pods) - 1} more" if len(wait.pods) > 1 else ""
            error = f": {clean(wait.detail)}" if isinstance(wait.detail, str) else ""
            return f"waiting for VolumeSnapshot {clean(wait.pods[0])}{more} to be ready{error}"
        case _:
            assert_never(wait.reason)


def _done(reason: DoneReason, seen: Assessment) -> str:
    revision_now = clean(seen.update_revision)
    match reason:
        case DoneReason.COMPLETE:
            return f"complete, {phrases.count(seen.replicas, 'pod')} at {revision_now}{_youngest(seen)}"
        case DoneReason.CANARY_REACHED:
            return f"canary reached, {seen.updated}/{seen.replicas} pods at {revision_now} and available{_youngest(seen)}"
        case DoneReason.STEP_REACHED:
            return f"step done, {seen.updated}/{seen.replicas} pods at {revision_now} and available{_youngest(seen)}"
        case DoneReason.PAUSED:
            return f"paused at partition {seen.partition}, {seen.updated}/{seen.replicas} updated" + _only_while_alive(seen)
        case DoneReason.RESUMED:
            return f"resumed, partition {seen.partition}" + (", updates go on" if _CAN_STOP & seen.kind.can else "")
        case DoneReason.ABORTED if seen.update_revision == seen.before.held:
            return f"aborted, every pod is back at {revision_now}"
        case DoneReason.ABORTED:
            return (
                f"aborted, every pod is back at {clean(seen.before.held)}; "
                f"the template still holds {revision_now}, held back by partition {seen.partition}, "
                "and at it come pods that a scaling up adds"
                + (f"; but {words.let_loose(seen)}" if seen.partition_stated_by else "")
            )
        case DoneReason.PARTITION_SET:
            return f"partition is {seen.partition} now" + _only_while_alive(seen)
        case DoneReason.NOTHING_TO_DO:
            return f"nothing to do, {words.phase(seen)}"
        case DoneReason.NEVER_ROLLS:
            return "nothing to do, strategy OnDelete replaces no pod until somebody deletes it"
        case DoneReason.UNDONE:
            return f"undone, {_at_wanted(seen)}" + _goes_on_typed_again(seen)
        case DoneReason.HELD_BACK:
            kept = [member.name for member in seen.members if not member.updated]
            return f"the template is restored, but partition {seen.partition} keeps {phrases.folded(kept)} at another revision"
        case DoneReason.ALREADY_UNDONE:
            return f"nothing to do, it was undone already: {phrases.count(seen.replicas, 'pod')} at {revision_now}"
        case DoneReason.UNSTUCK:
            return f"unstuck, {_at_wanted(seen)}"
        case DoneReason.RESTARTED:
            return f"restarted, {phrases.count(seen.available, 'pod')} available"
        case DoneReason.ALREADY_RESTARTED:
            return "nothing to do, the restart that was asked for before is over"
        case _:
            assert_never(reason)


def _youngest(seen: Assessment) -> str:
    told = words.youngest(seen)
    return f", {told}" if told else ""


def _only_while_alive(seen: Assessment) -> str:
    told = words.not_held(seen)
    return f"; but {told}" if told else ""


def _goes_on_typed_again(seen: Assessment) -> str:
    """An undo is known by its note; admission, or an operator that owns all annotations, may have taken it off."""
    lost = UNDONE_ANNOTATION not in seen.notes
    return "; its note was taken off the set, so what an undo without --to-revision means now may not be known" if lost else ""


def _at_wanted(seen: Assessment) -> str:
    runs = dict.fromkeys(clean(member.revision) for member in seen.members if member.outdated and member.revision)
    held = seen.replicas - seen.updated
    below = f", {held} below partition {seen.partition} at {', '.join(runs) or 'another revision'}" if held else ""
    return f"{phrases.count(seen.updated, 'pod')} at {clean(seen.update_revision)} and available{below}"


def _refused(refused: Refused, seen: Assessment) -> str:
    name, asked, limit = words.title(seen), refused.asked, refused.limit
    match refused.reason:
        case RefusedReason.DELETING:
            return f"{name} is being deleted, so there is nothing to roll out any more."
        case RefusedReason.PODS_UNREADABLE:
            odd = next((words.blocker(each) for each in seen.blockers if each.message), f"the pods of {name} could not be read")
            return f"{odd}, and pods that cannot be seen must not be replaced."
        case RefusedReason.SLOTS_UNREADABLE:
            return f"which ordinals {name} leaves out cannot be read, so neither can be said which pods a change would reach."
        case RefusedReason.STRATEGY_UNKNOWN:
            return f"update strategy {clean(seen.strategy)} of {name} is not known, so neither is what a change would do."
        case RefusedReason.TOO_MANY_PODS:
            were = "was" if asked == 1 else "were"
            return f"{phrases.count(asked or 0, 'pod')} {were} asked for, but {name} has {limit or 0}."
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
            return f"a pod of {name} that is deleted comes back at {clean(seen.update_revision)}, whatever the partition."
        case RefusedReason.COMPLETE:
            return f"the rollout of {name} is complete: abort takes back what is under way, not what is done."
        case RefusedReason.ON_DELETE:
            return f"{name} uses strategy OnDelete, which has no partition to hold pods with."
        case RefusedReason.PARTITION_LEFT_OVER:
            return f"partition {seen.partition} of {name} would let a restart reach {limit or 0} of {seen.replicas} pods only."
        case RefusedReason.OTHER_RESTART:
            return f"a restart of {phrases.folded(refused.pods)} was begun and is not finished."
        case RefusedReason.NO_SUCH_REVISION:
            return f"{name} has no revision {asked}" + (f"; its newest is {limit}." if limit is not None else ".")
        case RefusedReason.NO_EARLIER_REVISION if Capability.GROUPS in seen.kind.can:
            deleted = "its controller deletes earlier revisions, and no verb of this program released the wanted one"
            return f"what ran before on {name} is not known: {deleted}."
        case RefusedReason.NO_EARLIER_REVISION:
            return f"{name} has no earlier revision to go back to."
        case RefusedReason.ADOPTED_REVISIONS:
            return f"the earlier revisions of {name} were made for another set, and none says what ran here before."
        case RefusedReason.LEADER_WORKER_SET:
            groups = " or makes whole groups anew for them" if seen.leader_worker_set and seen.leader_worker_set.groups else ""
            return f"{name} {words.part_of(seen)}, whose controller puts changes back{groups}."
        case RefusedReason.UPDATES_PAUSED if Capability.STANDSTILL in seen.kind.can:
            return f"annotation {PAUSED_RECONCILE_ANNOTATION} keeps its controller from {name}, so no pod would be made anew."
        case RefusedReason.UPDATES_PAUSED:
            whose = ", and not by kubectl-pets" if seen.resume_partition is None else ""
            return f"the spec of {name} pauses updates{whose}, so no pod would be replaced."
        case RefusedReason.SURGE:
            return f"{name} has a maxSurge: groups beyond its range stay while any is held back, so no step would be over."
        case RefusedReason.UNORDERED:
            return f"{name} has unorderedUpdate: which pod is next is its controller's to choose, so no order can be promised."
        case RefusedReason.RECREATING:
            return words.made_again(seen)
        case RefusedReason.RESTORING:
            return words.data_on_the_way(seen)
        case RefusedReason.ADMISSION:
            return f"what was written into {name} is not in its template: admission made of it what was there before."
        case RefusedReason.PARTITION_NOT_KEPT:
            made = f"admission makes partition {refused.limit} of the {refused.asked} that is asked for"
            return f"{made} on {name}, so pods that are to be held would go at once."
        case RefusedReason.NOTE_NOT_KEPT:
            told = "so nothing tells another run to stop there, and resume does not know what it was"
            return f"the partition of {name} is {seen.partition}, and the note of the pause was taken off the set again, {told}."
        case RefusedReason.REVISION_NOT_KEPT:
            return f"{phrases.folded(refused.pods)} of {name} run what ran before, and its ControllerRevision is gone."
        case RefusedReason.REVISIONS_UNREAD:
            return f"the ControllerRevisions of {name} could not be read, so which one ran before cannot be told."
        case RefusedReason.OLDER_WANTED:
            return f"{name} wants a template that is older than what its pods run, so which one ran before cannot be told."
        case RefusedReason.GONE_BACK:
            told = f"{name} was taken back already, from revision {asked} to one that is older"
            return f"{told}; no note says that an undo did it, and this would go forward to {asked} again."
        case RefusedReason.MINIMUM:
            return f"{limit} of {seen.replicas} pods of {name} are available and {asked} have to stay so: none may go down."
        case RefusedReason.BUDGET:
            budget = phrases.folded(refused.pods)
            return f"PodDisruptionBudget {budget} allows no pod of {name} to go down, though all are available."
        case RefusedReason.BUDGETS_SEVERAL:
            budgets = phrases.folded(refused.pods)
            told = "one of them is kept up to date, whichever, and none of these pods can be evicted"
            return f"several PodDisruptionBudgets are over the same pods of {name} ({budgets}): {told}."
        case RefusedReason.CLAIM_TERMINATING:
            going = "is being deleted" if len(refused.pods) == 1 else "are being deleted"
            return f"claim {phrases.folded(refused.pods)} {going}, and once its pod goes it is gone: the next pod starts empty."
        case RefusedReason.NODE_LOST:
            return f"the node of {phrases.folded(refused.pods)} does not answer, so deleting the pod would not bring it back."
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
        case OvertakenReason.PAUSED:
            return f"somebody paused it at partition {seen.partition}; this rollout stops there"
        case OvertakenReason.PARTITION_LOWERED:
            return f"somebody lowered the partition, which is {seen.partition} now"
        case OvertakenReason.REVISION_GONE:
            wanted = clean(seen.update_revision)
            return f"the ControllerRevision to go back to was deleted: a pod that is deleted now comes back at {wanted}"
        case OvertakenReason.UPDATES_PAUSED if Capability.STANDSTILL in seen.kind.can:
            return f"somebody set annotation {PAUSED_RECONCILE_ANNOTATION}, which stops its controller; this rollout stops there"
        case OvertakenReason.UPDATES_PAUSED:
            return "somebody paused updates in its spec; this rollout stops there"
        case OvertakenReason.STRATEGY_CHANGED:
            return f"somebody changed the update strategy to {clean(seen.strategy)}, so this rollout is over"
        case _:
            assert_never(reason)


def _unguarded(overtaken: Overtaken, seen: Assessment) -> str:
    """Which pods were replaced although nobody had asked the gates, and what is held again."""
    if overtaken.reason is not OvertakenReason.PARTITION_LOWERED:
        return ""
    went = f"; {phrases.folded(overtaken.pods)} went unguarded, with no check before" if overtaken.pods else ""
    return went + ("; no further pod is replaced" if seen.partition else "")


def _first(blockers: tuple[Blocker, ...]) -> str:
    if not blockers:
        return "a pod does not become available"
    more = len(blockers) - 1
    return words.blocker(blockers[0]) + (f" (and {more} more)" if more else "")
