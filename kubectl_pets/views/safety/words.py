"""The words for what endangers a quorum and for pods that are lost: one phrase for each value, wherever it is shown.

All matches are exhaustive: a new value without words does not pass mypy.
"""

from typing import assert_never

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.findings import Finding, Rule
from kubectl_pets.domain.safety.lost import Choice, ForceRefused, ForceRefusedReason, Held, LostPod
from kubectl_pets.domain.safety.nodes import NodeState
from kubectl_pets.domain.safety.quorum import Coverage, Quorum
from kubectl_pets.views.rollout import words as rollout_words
from kubectl_pets.views.text import phrases


def tolerance(found: Quorum) -> str:
    """How many may fail now, as a clause."""
    spare = found.tolerates
    if spare is None:
        return "how many may fail is unknown"
    if not found.members:
        return "no members are wanted"
    if spare < 0:
        return f"{-spare} short of a majority"
    return f"{spare or 'none'} may fail now"


def elsewhere(found: Quorum) -> str:
    """That it may not be all of them; empty where its ordinals begin at 0."""
    counted = "members of lower ordinals, where another set has them (one that is being moved), are not counted"
    return f"ordinals from {found.start}: {counted}" if found.start and found.members else ""


def finding(item: Finding, found: Quorum) -> str:
    """What endangers it, as a sentence without its full stop."""
    names = ", ".join(map(clean, item.names))
    match item.rule:
        case Rule.QUORUM_LOST:
            return f"the majority is lost: {item.number} of {found.members} available, {found.majority} needed"
        case Rule.NO_MARGIN:
            return f"just the majority is available ({item.number} of {found.members}): the next failure costs it"
        case Rule.NODE_SHARED:
            return f"without node {names}, {_left(item, found)}"
        case Rule.ZONE_SHARED:
            return f"without zone {names}, {_left(item, found)}"
        case Rule.BUDGET_TOO_LOOSE:
            return f"evictions may take more than the majority can spare, under {names}: {_left(item, found)}"
        case Rule.BUDGET_MISSING:
            return f"no PodDisruptionBudget keeps evictions from taking the majority: {_left(item, found)}"
        case Rule.BUDGET_BLOCKS if item.detail:
            why = f"its controller cannot work it out ({clean(item.detail)})"
            return f"budget {names} allows no eviction, for {why}: nodes cannot be drained"
        case Rule.BUDGET_BLOCKS:
            return f"budget {names} never allows an eviction: nodes cannot be drained"
        case Rule.BUDGETS_SEVERAL:
            return f"several budgets over the same pods ({names}): every eviction fails, nodes cannot be drained"
        case _:
            raise AssertionError(item.rule)  # of another area: quorum finds none of them


def short(item: Finding) -> str:
    """The same sentence shortened for a table's cell."""
    counted = item.rule in (Rule.QUORUM_LOST, Rule.NO_MARGIN, Rule.BUDGET_MISSING)
    return item.rule.value if counted else f"{item.rule.value}:{','.join(map(clean, item.names))}"


def not_read(found: Quorum) -> str:
    """What nothing could be said of, as a sentence without its full stop; empty where everything was read."""
    return f"not read, so not judged: {', '.join(map(resource, found.not_read))}" if found.not_read else ""


def elsewhere_short(found: Quorum) -> str:
    return f"lower than {found.start} not counted" if elsewhere(found) else ""


def not_read_short(found: Quorum) -> str:
    """The same, shortened for a table's cell."""
    return f"not-read:{','.join(map(resource, found.not_read))}" if found.not_read else ""


def _left(item: Finding, found: Quorum) -> str:
    return f"{item.number} of {found.members} would be left and {found.majority} are needed"


def resource(unread: str) -> str:
    """What could not be read, as kubectl calls it."""
    return {"budgets": "poddisruptionbudgets"}.get(unread) or clean(unread)


def budget(item: Coverage, members: int) -> str:
    """What a budget says and does, as a clause behind its name."""
    if item.max_unavailable is not None:
        rule = f"maxUnavailable {clean(str(item.max_unavailable))}"
    else:
        rule = f"minAvailable {clean(str(item.min_available))}" if item.min_available is not None else "says nothing"
    over = "" if item.covers == members else f", over {item.covers} of {members}"
    later = "none before its controller can work it out" if item.failure else f"{item.at_best} while all are healthy"
    if item.allowed is None:
        return f"{rule}{over}: it shares pods with another budget, so how many may be evicted now is not known"
    return f"{rule}{over}: {item.allowed} may be evicted now, {later}"


# --- lost pods ---------------------------------------------------------------------------------------------------------------


def node_state(state: NodeState) -> str:
    match state:
        case NodeState.ANSWERS:
            return "answers"
        case NodeState.NOT_READY:
            return "not ready, but its kubelet reports"
        case NodeState.SILENT:
            return "does not answer"
        case NodeState.GONE:
            return "has no Node object"
        case NodeState.UNKNOWN:
            return "could not be read"
        case _:
            assert_never(state)


def held(lost: LostPod) -> str:
    """How the pod stands, without its times."""
    match lost.held:
        case Held.LOST:
            return "lost" if lost.deadline is not None else f"lost, phase {clean(lost.phase)}"
        case Held.WAITING:
            return "within its grace period" if lost.deadline is not None else "not marked for deletion yet"
        case Held.UNSURE:
            return "unsure whether lost"
        case _:
            assert_never(lost.held)


def choice(item: Choice, node: str) -> str:
    """What can be done, and when it is right."""
    name = clean(node)
    match item:
        case Choice.RETURN:
            return f"bring {name} back: its kubelet then ends the pods itself, and nothing is at risk"
        case Choice.AWAIT_COLLECTION:
            return "wait: the pod garbage collector removes the pods within a minute or two, if kube-controller-manager runs"
        case Choice.DELETE_NODE:
            return f"only if {name} is off for good: delete its Node object; volumes follow after some minutes"
        case Choice.OUT_OF_SERVICE:
            return f"only if {name} is off: taint it as out of service, which frees its volumes; untaint it once it is back"
        case Choice.FORCE_DELETE:
            return (
                f"only if {name} is off and nothing above will do: force the pod out. "
                "While it still runs there, two pods of one name write the same data"
            )
        case Choice.READ_NODES:
            return "get the right to read nodes first: nothing can be said before"
        case _:
            assert_never(item)


def commands(item: Choice, lost: LostPod) -> tuple[str, ...]:
    """The exact commands to type, in order."""
    match item:
        case Choice.RETURN:
            return (pasting.kubectl("wait", "--for=condition=Ready", f"node/{lost.node}", "--timeout=10m"),)
        case Choice.AWAIT_COLLECTION:
            return (pasting.kubectl("wait", "--for=delete", f"pod/{lost.name}", "-n", lost.namespace, "--timeout=5m"),)
        case Choice.DELETE_NODE:
            return (pasting.kubectl("delete", "node", lost.node),)
        case Choice.OUT_OF_SERVICE:
            taint = "node.kubernetes.io/out-of-service"
            marks = (f"{taint}=nodeshutdown:NoExecute", f"{taint}-")
            return tuple(pasting.kubectl("taint", "nodes", lost.node, mark) for mark in marks)
        case Choice.FORCE_DELETE:
            name = lost.kind.command_line(lost.set)
            return (pasting.pets("lost", name, "--force-delete", lost.name, namespace=lost.namespace),)
        case Choice.READ_NODES:
            return (pasting.kubectl("auth", "can-i", "list", "nodes"),)
        case _:
            assert_never(item)


def force_refused(found: ForceRefused) -> str:
    pod, node = clean(found.pod), clean(found.node)
    match found.reason:
        case ForceRefusedReason.LEADER_WORKER_SET:
            return f"the set {rollout_words.belongs_to(found.group)}"
        case ForceRefusedReason.NO_SUCH_POD:
            return f"the set has no pod {pod}"
        case ForceRefusedReason.PODS_UNREAD:
            return "pods could not be read, so nothing can be said of them"
        case ForceRefusedReason.NODES_UNREAD:
            return f"nodes could not be read, so whether {node} answers is unknown"
        case ForceRefusedReason.NO_NODE:
            return f"{pod} was never given to a node; deleting it takes no force"
        case ForceRefusedReason.NODE_ANSWERS:
            return f"{pod} is not lost: its node {node} is Ready, and its kubelet ends the pod"
        case ForceRefusedReason.NODE_SPEAKS:
            return f"{pod} is not lost: the kubelet of {node} reports (Ready is False), so the machine is on"
        case ForceRefusedReason.NOT_TERMINATING:
            return f"{pod} is not being deleted; its node {node} does not answer, so it may still run there"
        case ForceRefusedReason.NOT_OVERDUE:
            return f"the grace period of {pod} is not over yet"
        case ForceRefusedReason.REPLACED:
            return f"there is another pod {pod} by now"
        case ForceRefusedReason.CLAIM_TERMINATING:
            going = "is being deleted" if len(found.claims) == 1 else "are being deleted"
            return f"claim {phrases.folded(found.claims)} of {pod} {going}, and once the pod goes it is gone with its data"
        case _:
            assert_never(found.reason)


def force_question(pod: str, node: str, server: str) -> str:
    """What somebody has to know before typing the node's name."""
    return (
        f"Forcing {clean(pod)} out on {clean(server)} makes the API server forget it, stopped or not.\n"
        f"If node {clean(node)} still runs it, two pods of that name will write the same data and corrupt it.\n"
        f"Type the node's name to confirm that the machine is switched off:"
    )


def came_back(pod: str, node: str) -> str:
    """What somebody has to know whose node answers right after its pod was forgotten."""
    return (
        f"warning: node {clean(node)} answers, so it was not off: until its kubelet has ended what it runs of {clean(pod)}, "
        f"the pod that replaces it may write the same data. Look whether the data is whole."
    )


def after_refusal(found: ForceRefused, namespace: str = "") -> str:
    """What to look at next. ``namespace``: the set's; empty: that of the context."""
    lost = pasting.pets("lost", namespace=namespace)
    match found.reason:
        case ForceRefusedReason.LEADER_WORKER_SET:
            return rollout_words.see_group(found.group, namespace)
        case ForceRefusedReason.NODES_UNREAD:
            return pasting.kubectl("auth", "can-i", "list", "nodes")
        case ForceRefusedReason.PODS_UNREAD:
            return pasting.kubectl("auth", "can-i", "list", "pods", namespace=namespace)
        case ForceRefusedReason.NODE_ANSWERS | ForceRefusedReason.NODE_SPEAKS:
            return pasting.kubectl("describe", "node", found.node)
        case ForceRefusedReason.NOT_TERMINATING:
            return f"{lost} shows what is safer; the pod is marked for deletion some minutes after its node fell silent"
        case ForceRefusedReason.NO_NODE | ForceRefusedReason.NOT_OVERDUE:
            return pasting.kubectl("describe", "pod", found.pod, namespace=namespace)
        case ForceRefusedReason.NO_SUCH_POD | ForceRefusedReason.REPLACED:
            return f"{lost} lists the pods that are lost"
        case ForceRefusedReason.CLAIM_TERMINATING:
            look = pasting.kubectl("get", "pvc", *found.claims[:1], namespace=namespace)
            return f"set its volume to Retain before the pod goes, or the data is lost; {look} names the volume"
        case _:
            assert_never(found.reason)
