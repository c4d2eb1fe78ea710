"""The words for what was found. The domain speaks in enums, and here each one gets its phrase, so that a state is called the same
in the tree, in the list, in the picture and in a line of a log. What was decided gets its words in ``decisions``.

All matches are exhaustive: a new enum value without words does not pass mypy.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.model import NodeReadiness
from kubectl_pets.domain.rollout.blocking import LONGEST_SET_NAME
from kubectl_pets.domain.rollout.managers import LeaderWorkerSetMember, Manager, ManagerKind
from kubectl_pets.domain.rollout.members import Member, PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Awaited, Awaiting, Blocker, Cause, Phase
from kubectl_pets.domain.sets.kinds import Capability
from kubectl_pets.domain.sets.restoring import RESTORING_ANNOTATION, restoration
from kubectl_pets.domain.stepping.until import KubectlEnd
from kubectl_pets.pasting import kubectl, pets
from kubectl_pets.views.text import ages, phrases
from kubectl_pets.views.text.ink import Ink, Piece
from kubectl_pets.views.text.phrases import command, folded

if TYPE_CHECKING:  # where all is well it is not loaded
    from kubectl_pets.domain.rollout.causes import Same


def title(seen: Assessment) -> str:
    """``namespace/name``; a set that is gone has no name any more."""
    return f"{clean(seen.namespace)}/{clean(seen.name)}" if seen.name else "the StatefulSet"


def headline(seen: Assessment) -> str:
    """Where it stands, in one line that begins with the set's name."""
    detail = reason(seen)
    if seen.phase is Phase.COMPLETE and not detail:
        detail = youngest(seen)
    return f"{title(seen)}: {phase(seen)}" + (f": {detail}" if detail else "")


def youngest(seen: Assessment) -> str:
    """For how long the youngest pod has been up; empty where nothing tells, or no pod is meant to be."""
    up = seen.youngest_up
    return f"the youngest pod up for {ages.duration(up)}" if up is not None else ""


def phase(seen: Assessment) -> str:
    """A short phrase for the phase."""
    match seen.phase:
        case Phase.COMPLETE:
            return f"complete, but PARTITION {seen.partition} IS LEFT OVER" if seen.partition_left_over else "complete"
        case Phase.CLAIM_STALLED:
            return "a claim stands still"
        case Phase.RECREATING:
            return "being made again"
        case Phase.RESTORING:
            return "its data being brought back"
        case Phase.PAUSED:
            # Pods may run ahead of a partition that was raised over them: then it was more than staged.
            if seen.updates_stopped and not (seen.partition and seen.released_done):
                return "paused by its spec"
            return "staged, nothing released" if _only_staged(seen) else f"paused at partition {seen.partition}"
        case Phase.PROGRESSING:
            return "progressing"
        case Phase.FAILING:
            return "failing"
        case Phase.STUCK:
            return "stuck"
        case Phase.WAITING_FOR_DELETE:
            return "waiting for outdated pods to be deleted"
        case Phase.SCALING:
            return "scaling"
        case Phase.DELETING:
            return "being deleted"
        case Phase.GONE:
            return "gone"
        case Phase.UNKNOWN:
            return "unknown"
        case _:
            assert_never(seen.phase)


def phase_ink(seen: Assessment) -> Ink:
    match seen.phase:
        case Phase.COMPLETE:
            return Ink.LOUD if seen.partition_left_over else Ink.GOOD
        case Phase.FAILING | Phase.STUCK | Phase.CLAIM_STALLED | Phase.GONE | Phase.UNKNOWN:
            return Ink.BAD
        case Phase.RECREATING | Phase.RESTORING | Phase.PAUSED | Phase.PROGRESSING | Phase.WAITING_FOR_DELETE:
            return Ink.BUSY
        case Phase.SCALING | Phase.DELETING:
            return Ink.BUSY
        case _:
            assert_never(seen.phase)


def reason(seen: Assessment) -> str:
    """Why the phase is what it is; empty where the phase says it all."""
    match seen.phase:
        case Phase.FAILING:
            more = len(seen.failing) - 1
            return blocker(seen.failing[0]) + (f" (and {more} more)" if more > 0 else "") if seen.failing else ""
        case Phase.STUCK | Phase.UNKNOWN:
            more = len(seen.blockers) - 1
            return blocker(seen.blockers[0]) + (f" (and {more} more)" if more > 0 else "") if seen.blockers else ""
        case Phase.PROGRESSING | Phase.SCALING:
            return f"waiting for {waits(seen.waits_for)[0]}{_as_told(seen)}" if seen.waits_for else ""
        case Phase.WAITING_FOR_DELETE:
            return folded([wait.pod for wait in seen.waits_for if wait.awaited is Awaited.DELETE_BY_USER])
        case Phase.CLAIM_STALLED:
            stalled = [each.claim for each in seen.growing if each.growth.stalled]
            return f"the resize of {folded(stalled)} does not go on by itself"
        case Phase.RECREATING:
            return "it may be away for a moment"
        case Phase.RESTORING:
            return "its claims are made anew from VolumeSnapshots"
        case Phase.COMPLETE:
            return "it will hold back the next change" if seen.partition_left_over else _odd(seen)
        case Phase.PAUSED:
            return "" if _only_staged(seen) else f"{seen.updated}/{seen.replicas} updated"
        case Phase.DELETING | Phase.GONE:
            return ""
        case _:
            assert_never(seen.phase)


def _odd(seen: Assessment) -> str:
    """Which pods run something else than their revision says; empty: none."""
    odd = [member.name for member in seen.members if member.odd_images]
    verb = "runs" if len(odd) == 1 else "run"
    return f"but {folded(odd)} {verb} another image than the template says" if odd else ""


def _as_told(seen: Assessment) -> str:
    """What the cluster says of the one pod that is waited for first, such as which readiness gate is shut: that may last."""
    first, *others = seen.waits_for
    alone = first.pod and not first.last_pod and all(wait.awaited is not first.awaited for wait in others)
    told = next((member.message for member in (*seen.members, *seen.surplus) if alone and member.name == first.pod), "")
    return f" ({clean(told)})" if told else ""


def _only_staged(seen: Assessment) -> bool:
    return seen.staged and not seen.updated


def state(member: Member) -> str:
    match member.state:
        case PodState.MISSING:
            return "missing"
        case PodState.PENDING:
            return "pending"
        case PodState.UNSCHEDULABLE:
            return "unschedulable"
        case PodState.CLAIM_UNBOUND:
            return "claim unbound"
        case PodState.CREATING:
            return "creating"
        case PodState.FAILING:
            return "failing"
        case PodState.RECOVERING:
            return "up, not proven" if member.warned_by else "up again"
        case PodState.ENDED:
            return "ended"
        case PodState.STARTING:
            return "not ready"
        case PodState.READY:
            return "ready"
        case PodState.AVAILABLE:
            return "available"
        case PodState.TERMINATING:
            return "terminating"
        case PodState.OVERDUE:
            return "stuck terminating"
        case _:
            assert_never(member.state)


def marked_state(member: Member) -> Piece:
    """The state with a glyph before it, so that it does not take colour to find the pod that matters."""
    match member.state:
        case PodState.AVAILABLE:
            glyph, ink = "✔", Ink.GOOD
        case PodState.FAILING | PodState.UNSCHEDULABLE | PodState.CLAIM_UNBOUND | PodState.ENDED | PodState.OVERDUE:
            glyph, ink = "✖", Ink.BAD
        case PodState.MISSING:
            glyph, ink = "·", Ink.BUSY
        case PodState.PENDING | PodState.CREATING | PodState.STARTING | PodState.READY | PodState.RECOVERING:
            glyph, ink = "◌", Ink.BUSY
        case PodState.TERMINATING:
            glyph, ink = "◌", Ink.BUSY
        case _:
            assert_never(member.state)
    return f"{glyph} {state(member)}", ink


def trouble(member: Member) -> str:
    """The cluster's own reason and message for the state, or what tells that being up is no proof; empty where nothing does."""
    if member.warned_by and member.ended_after is not None:
        return f"{clean(member.warned_by)} of the same revision ended after {ages.duration(member.ended_after)}"
    return clean(": ".join(part for part in (member.reason, member.message) if part))


def blocker(found: Blocker) -> str:
    """What blocks, as a clause."""
    pod = clean(found.pod)
    told = clean(found.message)
    match found.cause:
        case Cause.CONTAINER:
            return f"{pod} is in {clean(found.reason) or 'failure'}{_ended(found)}" + _after(told)
        case Cause.POD_ENDS:
            often = f", {phrases.count(found.restarts, 'time')} so far" if found.restarts > 1 else ""
            why = f" ({clean(found.reason)})" if found.reason else ""
            return f"{pod} ends and is made anew{often}{why}" + _after(told)
        case Cause.NOT_STARTED:
            return f"{pod} cannot be started ({clean(found.reason)})" + _after(told)
        case Cause.UNSCHEDULABLE:
            return f"{pod} cannot be scheduled" + _after(told)
        case Cause.NOT_SCHEDULED:
            return f"no scheduler looks at {pod}" + (f", which waits for {told}" if told else "")
        case Cause.CLAIM_UNBOUND:
            return f"{pod} waits for a claim that is not bound" + _after(told)
        case Cause.VOLUME_NOT_MADE:
            return f"{pod} waits for a volume that is not made: {told}"
        case Cause.TERMINATION_OVERDUE if found.node_ready:
            return f"{pod} is still terminating long after its grace period, though its node is Ready" + _after(told)
        case Cause.TERMINATION_OVERDUE:
            return f"{pod} is still terminating long after its grace period; its node may not answer" + _after(told)
        case Cause.FINALIZER:
            return f"{pod} has ended and is held by finalizer {told}: whoever set that has to take it off"
        case Cause.NOT_TAKEN_ON:
            return f"{pod} was given to node {told}, and the kubelet there has not taken it on"
        case Cause.NODE_SILENT if found.lasting:
            return f"{pod} was on node {told}, which does not exist any more; it is about to be made anew"
        case Cause.NODE_SILENT:
            return f"{pod} is on node {told}, which is not Ready"
        case Cause.CREATION_REFUSED:
            return f"{pod} cannot be created" + _after(told)
        case Cause.NAME_TAKEN:
            whose = f" of {told}" if told else ""
            return f"{pod} cannot be created, because another pod{whose} has its name"
        case Cause.NOT_MADE if found.reason:
            return f"{pod} has ended ({clean(found.reason)}), and its controller does not make it anew"
        case Cause.NOT_MADE if told:
            return f"{pod} is not created while its claim {told} is being deleted"
        case Cause.NOT_MADE:
            return f"nobody creates {pod}, and no event says why: the StatefulSet controller may not run"
        case Cause.PART_NOT_MADE:
            return f"nobody creates {told} of group {pod}, and no event says why: the LeaderWorkerSet controller may not run"
        case Cause.UPDATE_UNFINISHED:
            return f"{pod} does not come to the end of its update in place: {told}"
        case Cause.UPDATE_REFUSED:
            return f"{pod} cannot be updated, and the controller does nothing else before" + _after(told)
        case Cause.NOT_DELETED:
            return f"nobody deletes {pod}, whose turn it is, and no event says why: the StatefulSet controller may not run"
        case Cause.DELETION_REFUSED:
            return f"{pod} cannot be deleted by the controller" + _after(told)
        case Cause.VOLUME_MISSING:
            return f"{pod} lacks the volume of claim template {told}, which only a new pod can get"
        case Cause.NOT_OBSERVED:
            return "the StatefulSet controller has not seen the newest spec: it does not run, or cannot make a ControllerRevision"
        case Cause.SET_NAME_TOO_LONG:
            return f"no pod can be created, because the set's name is longer than {LONGEST_SET_NAME} characters"
        case Cause.PODS_UNREADABLE if told:
            return f"{pod or 'the set'} could not be decoded, so nothing can be said of it: {told}"
        case Cause.PODS_UNREADABLE:
            return "its pods could not be read, so nothing can be said of them"
        case Cause.SLOTS_UNREADABLE if found.reason:
            return "which pods it is to have, or at which revision, is not said in a way that can be read"
        case Cause.SLOTS_UNREADABLE:
            return "which ordinals it leaves out cannot be read, so which pods it is to have cannot be said"
        case Cause.CONTROLLER_STOPPED:
            what = "" if found.reason.startswith("spec.") else "annotation "
            return f"{what}{clean(found.reason)} keeps its controller from it, so its status says nothing"
        case Cause.STRATEGY_UNKNOWN:
            return f"its update strategy {clean(found.reason) or '(none)'} is unknown to this version of kubectl-pets"
        case _:
            assert_never(found.cause)


def alike(same: "Same", note: str = "") -> str:
    """The word for a cause, and what blocks, once for all pods that it blocks in the same way. ``note``: to be told before it."""
    which = f"{len(same.pods)} pods ({folded(same.pods)})" if len(same.pods) > 1 else ""
    return f"[{same.id}] {': '.join(part for part in (note, which, blocker(same.found)) if part)}"


def _ended(found: Blocker) -> str:
    """How the container ended last, and how often it was started anew."""
    parts = []
    if found.exit_code is not None:
        end = f" ({clean(found.end)})" if found.end not in ("", "Error", found.reason) else ""
        how = f"signal {found.signal}" if found.signal else f"exit code {found.exit_code}"
        parts.append(f"container {clean(found.container)} ended with {how}{end}")
    if found.restarts:
        parts.append(phrases.count(found.restarts, "restart"))
    return f": {', '.join(parts)}" if parts else ""


def patience(found: Blocker, now: datetime) -> str:
    """What is left of it, for what is still only failing."""
    return f"stuck {ages.until(found.stuck_at, now)}" if found.stuck_at is not None else ""


def silent_node(node: NodeReadiness, now: datetime) -> str:
    """A node that does not answer, in a line; the next step is ``lost``."""
    name = clean(node.name)
    if not node.ready:
        return f"node {name} does not exist any more"
    how = "says that it is not Ready" if node.ready == "False" else "does not answer"
    return f"node {name} {how}" + (f", for {ages.age(node.since, now)}" if node.since is not None else "")


def unread(rights: Iterable[str]) -> str:
    """What could not be looked at, so that the verdict may know less than it might."""
    return f"no right to {' and '.join(rights)}, so why a pod is missing or does not start may stay unknown"


def waits(found: Iterable[Awaiting]) -> list[str]:
    """What is waited for, the nearest first; one phrase for all pods of which the same is awaited."""
    pods: dict[Awaited, list[str]] = {}
    for wait in found:
        pods.setdefault(wait.awaited, []).append(wait.span)
    return [_awaited(awaited, folded(names)) for awaited, names in pods.items()]


def _awaited(awaited: Awaited, pods: str) -> str:
    match awaited:
        case Awaited.OBSERVATION:
            return "the controller to see the newest spec"
        case Awaited.CREATION:
            return f"{pods} to be created"
        case Awaited.SCHEDULING:
            return f"{pods} to be scheduled"
        case Awaited.START:
            return f"{pods} to start"
        case Awaited.READINESS:
            return f"{pods} to become ready"
        case Awaited.STAYING_UP:
            return f"{pods} to stay up"
        case Awaited.MIN_READY_SECONDS:
            return f"{pods} to stay ready for minReadySeconds"
        case Awaited.TERMINATION:
            return f"{pods} to terminate"
        case Awaited.REPLACEMENT:
            return f"{pods} to be replaced"
        case Awaited.SCALE_DOWN:
            return f"{pods} to be scaled down"
        case Awaited.DELETE_BY_USER:
            return f"somebody to delete {pods}"
        case Awaited.UNPAUSE:
            return f"updates to be let go on, to {pods}"
        case Awaited.RELEASE:
            return f"the partition to release {pods}"
        case _:
            assert_never(awaited)


def made_again(seen: Assessment) -> str:
    """Why nothing else is done to it."""
    return f"{title(seen)} is being made again: what is written into it now may be lost with it."


def finish_recreation(seen: Assessment) -> str:
    """What ends that."""
    there, back = command(seen, "recreate"), command(seen, "recreate", "--abandon")
    return f"where nobody is at it any more: {there} goes on, {back} takes it back"


def data_on_the_way(seen: Assessment) -> str:
    """Why nothing else is done to it."""
    return f"claims of {title(seen)} are made anew from VolumeSnapshots: until all are, pods would come up on part of the data."


def restores_running(seen: Assessment) -> bool:
    """Whether its data goes back one pod after the other, while it runs."""
    begun = restoration(seen.notes.get(RESTORING_ANNOTATION, ""))
    return begun is not None and begun.running


def finish_restoration(seen: Assessment) -> str:
    """What ends that."""
    if restores_running(seen):
        return f"where nobody is at it any more: {command(seen, 'rollout undo', '--with-data', '--one-by-one')} goes on"
    at_zero = f"{command(seen, 'scale', '--replicas', '0')}; then " if seen.replicas else ""
    return f"where nobody is at it any more: {at_zero}{command(seen, 'rollout undo', '--with-data')} goes on"


def warning(manager: Manager) -> str:
    """Who seems to manage this set."""
    name = clean(manager.name)
    match manager.kind:
        case ManagerKind.OPERATOR if manager.replaces:
            return f"owned by {name} (operator): it may put this change back, or replace pods itself at the same time"
        case ManagerKind.OPERATOR:
            return f"owned by {name} (operator): it may put this change back"
        case ManagerKind.ARGO_CD:
            return f"managed by Argo CD ({_evidence(manager)}): it may put this change back"
        case ManagerKind.FLUX:
            return f"managed by Flux ({_evidence(manager)}): it may put this change back"
        case ManagerKind.HELM:
            end = "its next upgrade fails on this change, or puts it back, where the chart says otherwise"
            return f"installed by Helm ({_evidence(manager)}): {end}"
        case ManagerKind.OTHER if manager.replaces:
            return f"managed by {name} (says {clean(manager.evidence)}): it may replace pods itself at the same time"
        case ManagerKind.OTHER:
            return f"managed by {name} (says {clean(manager.evidence)}): it may put this change back"
        case _:
            assert_never(manager.kind)


def part_of(seen: Assessment) -> str:
    """Of which LeaderWorkerSet, or other whole, the set is a part, and what owns it."""
    return belongs_to(seen.leader_worker_set)


def belongs_to(group: LeaderWorkerSetMember | None) -> str:
    """The same of a set that was not judged."""
    if group is None:
        return "stands alone"
    kind = group.whole.kind
    owner = f", owned by {clean(group.owner)}" if group.owner not in ("", f"{kind}/{group.name}") else ""
    return f"belongs to {kind} {clean(group.name) or '(no name)'}{owner}"


def whole_group(seen: Assessment) -> str:
    """Where changes of a set are made that is a part of a whole."""
    return see_group(seen.leader_worker_set, seen.namespace)


def see_group(group: LeaderWorkerSetMember | None, namespace: str) -> str:
    """The same for a set that was not judged."""
    name = group.name if group is not None else ""
    if group is not None and not group.groups:
        see = kubectl("get", group.whole.resource, name, "-o", "yaml", namespace=namespace)
        return f"changes are made to the {group.whole.kind}; see it with: {see}"
    look = pets("status", f"lws/{name}", namespace=namespace) if name else pets("list", namespace=namespace)
    return f"changes are made to the LeaderWorkerSet; see it with: {look}"


def not_held(seen: Assessment) -> str:
    """At which revision pods come back that the partition holds only for as long as they live; empty where there are none."""
    held = [member.name for member in seen.members if not member.released and member.outdated]
    if not held or not seen.observed or seen.before.held != seen.update_revision:
        return ""
    return f"{folded(held)} would come back at {clean(seen.update_revision)}, whatever the partition"


def let_loose(seen: Assessment) -> str:
    """Whose next deploy releases what the partition holds, and what to do first; empty: nobody's that can be seen."""
    if not seen.partition_stated_by:
        return ""
    who, wanted = clean(seen.partition_stated_by), clean(seen.update_revision)
    first = f"take {wanted} out of what it deploys first"
    return f"{who} states a partition of its own, so its next deploy lets {wanted} loose again: {first}"


def as_kubectl_says(end: KubectlEnd, seen: Assessment) -> str:
    """kubectl's own words (pkg/polymorphichelpers, StatefulSetStatusViewer), and what they leave out."""
    match end:
        case KubectlEnd.PARTITIONED:
            held = [member.span for member in seen.members if not member.released]
            rest = f"{folded(held)} held back by partition {seen.partition}"
            return f"partitioned roll out complete: {seen.updated} new pods have been updated... (so says kubectl; {rest})"
        case KubectlEnd.NOT_FOR_STRATEGY:
            said = "rollout status is only available for RollingUpdate strategy type"
            return f"error: {said} (so says kubectl; {headline(seen)})"
        case _:
            assert_never(end)


def left_over(seen: Assessment) -> str:
    """The warning about a forgotten partition."""
    held = "no pod" if seen.partition >= seen.replicas else f"only {seen.replicas - seen.partition} of {seen.replicas} pods"
    return f"partition {seen.partition} is left over: the next change will reach {held}"


def clear(seen: Assessment) -> str:
    """Command that clears the left-over partition, or who else does."""
    if seen.kind.changed_by:
        return f"to clear it, change {seen.kind.changed_by}"
    if Capability.CHANGE not in seen.kind.can:
        return f"clear it with: {patched(seen, 0)}"
    return f"clear it with: {command(seen, 'partition', '0')}"


def patched(seen: Assessment, partition: int) -> str:
    """kubectl's command that gives a set another partition, for kinds that no verb of this program changes."""
    groups = Capability.GROUPS in seen.kind.can
    above, below = ("rolloutStrategy", "rollingUpdateConfiguration") if groups else ("updateStrategy", "rollingUpdate")
    patch = f'{{"spec":{{"{above}":{{"{below}":{{"partition":{partition}}}}}}}}}'
    name = f"{seen.kind.typed}/{seen.name}"
    return kubectl("patch", name, "--type", "merge", "-p", patch, namespace=seen.namespace)


def _after(told: str) -> str:
    return f": {told}" if told else ""


def _evidence(manager: Manager) -> str:
    return clean(f"{manager.evidence}: {manager.name}")
