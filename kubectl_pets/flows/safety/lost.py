"""Forces out a pod on a node that does not answer, from the question to the last word.

It is judged before the question, after it, and again whenever something came between: somebody may take a long time to look at a
machine, and a node that comes back runs the pod.
"""

from typing import Protocol

from kubectl_pets.domain.model import SetView
from kubectl_pets.domain.safety.lost import Force, ForceRefused, force
from kubectl_pets.domain.safety.nodes import NodeState
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.errors import ExitCode
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.patience import PASSING, Patience
from kubectl_pets.flows.engine.report import report
from kubectl_pets.flows.engine.rights import require
from kubectl_pets.flows.engine.waiting import insist
from kubectl_pets.pasting import kubectl, pets
from kubectl_pets.ports.safety import NodePort
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.ports.sets import ChangePort, SetPort
from kubectl_pets.session import Session
from kubectl_pets.views.safety import words


class ForcePort(SetPort, NodePort, ChangePort, ClockPort, Protocol):
    """What it takes to force out a pod."""


def force_out(session: Session, ref: SetRef, pod: str) -> ExitCode:
    """Have the API server forget a lost pod of the set ``ref``, once somebody has typed the name of its node. Returns the exit
    code; raises PetsError."""
    cluster, terminal, namespace = session.cluster, session.terminal, session.namespace
    first = force(cluster.set_view(namespace, ref.name, ref.kind), pod, cluster.nodes(), cluster.now())
    if isinstance(first, ForceRefused):
        return _refuse(session, first)
    require(cluster, {namespace: [("delete", "pods", pod)]})
    if not terminal.types(words.force_question(pod, first.node, cluster.server_name()), first.node):
        return ExitCode.REFUSED
    forcing = _Forcing(cluster, namespace, ref, first)
    patience = Patience(Deadline(None))
    refused = insist(forcing.act, patience)
    if refused is not None:
        return _refuse(session, refused)
    if patience.read(forcing.is_there):
        hint = f"{kubectl('get', 'pod', pod, '-o', 'yaml', namespace=namespace)} shows metadata.finalizers"
        return report(terminal, ExitCode.STUCK, f"stuck: {pod} was forced out and is still there: a finalizer holds it", hint)
    terminal.print(f"{pod} was forced out; node {first.node} must stay off until it has been cleaned up")
    see = pets("status", ref.typed, "-w", namespace=namespace)
    if patience.read(forcing.answers):
        terminal.tell(words.came_back(pod, first.node))
        return report(terminal, ExitCode.FAILED, f"failed: node {first.node} answers", see)
    terminal.tell(f"hint: its volumes may stay attached to {first.node} for some minutes; {see}")
    return ExitCode.OK


class _Forcing:
    """The deletion of one lost pod, known by its uid, from the agreement on."""

    def __init__(self, cluster: ForcePort, namespace: str, ref: SetRef, agreed: Force) -> None:
        self._cluster, self._namespace, self._ref, self._agreed = cluster, namespace, ref, agreed
        self._sent = False

    def act(self) -> ForceRefused | None:
        """Judge it afresh and delete it. None: it is deleted, be it by an order whose answer was lost."""
        view = self._look()
        if self._sent and view.pods is not None and not self._holds(view):
            return None
        pod, uid = self._agreed.change.name, self._agreed.change.uid
        found = force(view, pod, self._cluster.nodes(), self._cluster.now(), uid)
        if isinstance(found, ForceRefused):
            return found
        try:
            self._cluster.apply(found.change)
        except PASSING:  # it may have been carried out; after a conflict it was not, and what ends the pod then is its kubelet
            self._sent = True
            raise
        return None

    def answers(self) -> bool:
        """Whether its node does, after all."""
        return self._cluster.node_state(self._agreed.node) is NodeState.ANSWERS

    def is_there(self) -> bool:
        return self._holds(self._look())

    def _look(self) -> SetView:
        return self._cluster.set_view(self._namespace, self._ref.name, self._ref.kind)

    def _holds(self, view: SetView) -> bool:
        return any(pod.metadata.uid == self._agreed.change.uid for pod in view.pods or ())


def _refuse(session: Session, found: ForceRefused) -> ExitCode:
    told = f"refused: {words.force_refused(found)}. Nothing was changed."
    return report(session.terminal, ExitCode.REFUSED, told, words.after_refusal(found, session.namespace))
