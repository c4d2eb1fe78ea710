"""What is asked of the cluster right before a pod goes down, and before a step counts as done.

The rules are the domain's (``guarding``); here they get what they rest on: budgets, the pod's node, whether the pod leads, and
what the gates say. All of it is read afresh, for a plan that was safe may not be any more.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from kubectl_pets.domain.changes import Change
from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.rollout.asking import Questions
from kubectl_pets.domain.rollout.members import Member
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.safety.budgets import Budget
from kubectl_pets.domain.safety.nodes import NodeState
from kubectl_pets.domain.safety.quorum import majority
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.domain.stepping.deciding import not_held
from kubectl_pets.domain.stepping.groups import unwell
from kubectl_pets.domain.stepping.guarding import (
    covered,
    disruption_check,
    new_pods,
    shared_budgets,
    takes_down,
    terminating_claims,
)
from kubectl_pets.domain.stepping.patches import answer_of
from kubectl_pets.domain.stepping.steps import (
    Act,
    Amount,
    BeforeRestart,
    Decision,
    Delete,
    Done,
    DoneReason,
    Evict,
    GateFailed,
    Goal,
    Refused,
    RefusedReason,
    SetPartition,
    Step,
    Wait,
    WaitReason,
)
from kubectl_pets.errors import PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.rollout.gates import ExecGate, Gate, Gates, HttpGate, ask_leader
from kubectl_pets.flows.rollout.snapshot_types import SnapshotTerms
from kubectl_pets.ports.dns import DnsPort
from kubectl_pets.ports.pods import PodPort
from kubectl_pets.ports.safety import BudgetPort, NodePort
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import AroundPort, ChangePort, SetPort

#: A budget's status follows its pods after a moment, and one that is renamed is there twice for a moment, for deployers make what
#: is new before they delete what is left over; only after this long with every pod up is a no a no.
_LAG = timedelta(seconds=15)

#: The refusals that this goes for.
_MAY_PASS = (RefusedReason.BUDGET, RefusedReason.BUDGETS_SEVERAL)

#: Budgets are not watched: looked at again after this long, at first and at most.
_SOON, _LATER = timedelta(seconds=0.1), timedelta(seconds=2)

#: Nodes of pods that are available: so many are asked for, or none at all; the answer holds for so long.
_MOST_NODES, _NODES_LAST = 16, timedelta(seconds=2)

_ACHIEVED = frozenset(
    {
        DoneReason.COMPLETE,
        DoneReason.CANARY_REACHED,
        DoneReason.STEP_REACHED,
        DoneReason.UNDONE,
        DoneReason.HELD_BACK,
        DoneReason.RESTARTED,
        DoneReason.NOTHING_TO_DO,
    }
)


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What has to hold, as said on the command line. Times in seconds."""

    min_available: Amount | None = None
    quorum: bool = False
    ignore_budgets: bool = False
    gates: tuple[Gate, ...] = ()
    #: Every name of the set is right at every DNS server before a pod goes down, and at the end.
    gate_dns: bool = False
    gate_timeout: float = 30.0
    gate_retries: int = 3
    #: A command that exits with 0 in the pod that leads; restart leaves that one alone.
    leader_command: str = ""
    #: VolumeSnapshots before a pod goes; None: none.
    snapshots: SnapshotTerms | None = None
    #: A label selector: while a pod goes down, every other set that it selects has all of its pods available.
    group: str = ""

    @property
    def stepwise(self) -> bool:
        """Whether something is asked between the pods, so that they are released one after the other."""
        return bool(self.gates) or self.gate_dns

    @property
    def rights(self) -> tuple[tuple[str, str], ...]:
        """What the gates and the question for the leader need (verb, resource)."""
        needed = []
        if self.leader_command or any(isinstance(gate, ExecGate) for gate in self.gates):
            # A stream is opened by a GET, and newer servers want create of whoever opens one besides.
            needed += [("get", "pods/exec"), ("create", "pods/exec")]
        if any(isinstance(gate, HttpGate) for gate in self.gates):
            needed.append(("get", "pods/proxy"))
        return tuple(needed)

    def minimum(self, replicas: int) -> int:
        """Pods that must stay available; 0: no such rule."""
        asked = self.min_available.of(replicas) if self.min_available else 0
        return max(asked, majority(replicas) if self.quorum else 0)


class LeaderSkip(msgspec.Struct, frozen=True, tag="skip"):
    """An outcome of a check: the pod leads, so it is left alone."""

    pod: str


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be asked before a decision may be carried out."""

    #: These have to pass the gates.
    pods: tuple[Member, ...] = ()
    #: The names of all pods have to be right.
    names: bool = False


class Trials:
    """What the server makes of changes of a set (dry run, of which nothing is kept). The same one is tried once: it names uid and
    generation, and whoever comes in between is found by the change itself."""

    def __init__(self, cluster: ChangePort) -> None:
        self._cluster = cluster
        self._answers: list[tuple[Change, StatefulSet | None]] = []

    def made_of(self, change: Change) -> StatefulSet | None:
        """The set as it would be. Raises PetsError."""
        for before, answer in self._answers:
            if before == change:
                return answer
        answer = self._cluster.apply(change, dry_run=True)
        self._answers.append((change, answer))
        return answer

    def not_held(self, change: Change, asked: int) -> Refused | None:
        """Why a change that is to hold so many positions back is not made. Where the server cannot say, the change itself will
        tell what is wrong."""
        try:
            answer = self.made_of(change)
        except PetsError:
            return None
        return not_held(asked, answer_of(answer)) if answer is not None else None


class ChecksPort(SetPort, AroundPort, BudgetPort, NodePort, PodPort, DnsPort, ClockPort, Protocol):
    """What the checks ask of a cluster."""


class Checks:
    """The checks of one run of a verb."""

    def __init__(self, cluster: ChecksPort, terms: Terms, namespace: str) -> None:
        self._cluster, self.terms = cluster, terms
        self._gates = Gates(cluster, terms.gates, timeout=terms.gate_timeout, retries=terms.gate_retries)
        self._budgets: tuple[Budget, ...] | None = () if terms.ignore_budgets else cluster.budgets(namespace)
        #: Nothing is asked of budgets again in a namespace that had none.
        self._none = self._budgets == ()
        self._since: datetime | None = None
        self._pause = _SOON
        #: The nodes of available pods that were asked for, those of them that are not there, and until when that holds.
        self._asked_nodes: frozenset[str] = frozenset()
        self._gone_nodes: frozenset[str] = frozenset()
        self._nodes_until: datetime | None = None
        #: The pods whose names were found right.
        self._named: frozenset[str] | None = None

    @property
    def budgets_unread(self) -> bool:
        return self._budgets is None

    def careful(self, seen: Assessment) -> bool:
        """Whether what holds for one pod has to be asked again for the next."""
        return self.terms.gate_dns or self.terms.minimum(seen.replicas) > 0 or covered(seen, self._budgets)

    def foresee(self, step: Step, seen: Assessment) -> Refused | None:
        """What would refuse the step right away; for plans."""
        claims = terminating_claims(step, seen)
        if claims:
            return Refused(reason=RefusedReason.CLAIM_TERMINATING, pods=claims)
        found = disruption_check(step, seen, self.terms.minimum(seen.replicas), self._budgets)
        return found if isinstance(found, Refused) else None

    def shared(self, steps: Iterable[Step], seen: Assessment) -> Refused | None:
        """What would refuse one of these steps when its turn comes, whatever happens before; for plans."""
        return shared_budgets(steps, seen, self._budgets)

    def before(
        self, step: Step, seen: Assessment, now: datetime, deadline: Deadline
    ) -> Wait | Refused | GateFailed | LeaderSkip | None:
        """What keeps the step from being carried out now."""
        pod = takes_down(step, seen)
        if pod is None:
            return None
        claims = terminating_claims(step, seen)
        if claims:
            return Refused(reason=RefusedReason.CLAIM_TERMINATING, pods=claims)
        if isinstance(step, Delete | Evict):
            member = next(member for member in seen.members if member.name == pod)
            if member.node and self._is_lost(member.node):
                return Refused(reason=RefusedReason.NODE_LOST, pods=(pod,))
            led = self._leads(seen, pod, deadline) if self.terms.leader_command else None
            if led is not None:
                return led
        others = self._others(step, seen, now)
        if others is not None:
            return self._later(others, now)
        if not self._none:
            self._budgets = self._cluster.budgets(seen.namespace)
        found = disruption_check(step, seen, self.terms.minimum(seen.replicas), self._budgets)
        if found is None:
            self._since, self._pause = None, _SOON
            return None
        if isinstance(found, Refused) and found.reason in _MAY_PASS:
            self._since = self._since or now
            if now - self._since >= _LAG:
                return found
            found = Wait(reason=WaitReason.HEADROOM, pods=found.pods)
        return self._later(found, now) if isinstance(found, Wait) else found

    def _others(self, step: Step, seen: Assessment, now: datetime) -> Wait | None:
        """The wait for what has to be well besides the pod that goes down: the sets of its group, and pods that say they are."""
        if self.terms.group:
            group = self._cluster.inventory(seen.namespace, self.terms.group, every_kind=True)
            others = unwell(group, SetRef(kind=seen.kind, name=seen.name), now)
            if others:
                return Wait(reason=WaitReason.OTHERS, pods=tuple(other.name for other in others))
        gone = self._on_nodes_gone(step, seen, now)
        return Wait(reason=WaitReason.PODS, pods=gone) if gone else None

    def _later(self, wait: Wait, now: datetime) -> Wait:
        self._pause = min(2 * self._pause, _LATER)
        return msgspec.structs.replace(wait, until=now + self._pause)

    def due(self, goal: Goal, decision: Decision, seen: Assessment, chosen: BeforeRestart | None = None) -> Due | None:
        """What has to be asked before the decision, which would go on from the pods that there are; None: nothing. ``chosen``:
        the pods of a restart, as the run holds on to them."""
        match decision:
            case Act(step=SetPartition(releases=releases)) if releases:
                serves = True
            case Act(step=Delete(pod=pod) | Evict(pod=pod)):
                serves = any(member.name == pod and member.available for member in seen.members)
            case Done(reason=reason) if reason in _ACHIEVED:
                serves = True
            case Act(ends=Done()):  # also of what an earlier run brought there, and ended before it was asked
                serves = True
            case _:
                return None
        pods = tuple(pod for pod in new_pods(goal, seen, chosen) if pod.available and not self._gates.has_passed(pod))
        # Of a pod that is broken already no name is right, and deleting it is what helps.
        names = self.terms.gate_dns and serves and self._named != _uids(seen)
        return Due(pods=pods, names=names) if pods or names else None

    def ask(self, seen: Assessment, due: Due, deadline: Deadline) -> GateFailed | None:
        """Put the pods to the gates, then the names to the DNS servers; the first no. Nothing is asked again after the
        ``deadline``. Raises PetsError while the API server is away."""
        failed = self._gates.ask(seen, due.pods, deadline)
        if failed is not None or not due.names:
            return failed
        from kubectl_pets.flows.engine.names import await_right_names  # all that DNS takes, for those who ask for it

        seconds = self.terms.gate_timeout * (1 + self.terms.gate_retries)
        wrong = await_right_names(self._cluster, seen.namespace, seen.name, seconds, deadline, seen.kind)
        if wrong:
            pod = due.pods[0].name if due.pods else seen.name
            return GateFailed(pod=pod, gate="--gate-dns", detail=wrong)
        self._named = _uids(seen)
        return None

    def _on_nodes_gone(self, step: Step, seen: Assessment, now: datetime) -> tuple[str, ...]:
        """The pods that say to be available although their Node object is gone (``asking.nodes_of``), where a step rests on them
        and others are down: of a set of which nothing is down whoever looks at it asks for its nodes."""
        if not isinstance(step, SetPartition) or not isinstance(step.overlap, int) or seen.all_available:
            return ()
        up = {member.node for member in seen.members if member.available} - {""}
        if not 0 < len(up) <= _MOST_NODES:
            return ()
        if self._nodes_until is None or now >= self._nodes_until or not up <= self._asked_nodes:
            around = self._cluster.around([(seen.namespace, Questions(nodes=tuple(sorted(up))))])[0]
            self._gone_nodes = frozenset(node.name for node in around.nodes or () if not node.ready)
            self._asked_nodes, self._nodes_until = frozenset(up), now + _NODES_LAST
        return tuple(member.name for member in seen.members if member.available and member.node in self._gone_nodes)

    def _is_lost(self, name: str) -> bool:
        return self._cluster.node_state(name) in (NodeState.SILENT, NodeState.GONE)

    def _leads(self, seen: Assessment, pod: str, deadline: Deadline) -> LeaderSkip | GateFailed | None:
        """Whether the pod leads; None: it does not. A command that could not be run has said nothing of that, and is asked again
        as a gate is; then the rollout does not go on."""
        terms = self.terms
        led = ask_leader(
            self._cluster,
            seen,
            pod,
            terms.leader_command,
            timeout=terms.gate_timeout,
            retries=terms.gate_retries,
            deadline=deadline,
        )
        if isinstance(led, str):
            return GateFailed(pod=pod, gate=f"--skip-leader exec:{self.terms.leader_command!r}", detail=led)
        return LeaderSkip(pod) if led else None


def _uids(seen: Assessment) -> frozenset[str]:
    return frozenset(member.uid for member in seen.members)
