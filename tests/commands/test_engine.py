"""What every verb shares: waiting through outages, rights, and a pod that is forced out while the server comes and goes."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import cast

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import Change, DeletePod
from kubectl_pets.domain.model import Inventory, ObjectMeta, Pod, SetView
from kubectl_pets.domain.safety.nodes import Node, NodeState
from kubectl_pets.domain.sets.kinds import SetKind, SetRef
from kubectl_pets.domain.stepping.steps import Promote
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, PetsError, ServerError, ThrottledError, UnreachableError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.engine.patience import Patience
from kubectl_pets.flows.engine.rights import Right, require
from kubectl_pets.flows.engine.waiting import Unended, retried, until
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.flows.rollout.groups import carry_group
from kubectl_pets.flows.safety.lost import force_out
from kubectl_pets.ports.server import RightsPort
from kubectl_pets.session import Cluster, Session
from tests.domain.builders import NOW, pod, snapshot, statefulset
from tests.domain.test_lost import node
from tests.terminal import FakeTerminal

AWAY = UnreachableError("no route")


class Clock:
    """Time passes by waiting alone."""

    def __init__(self) -> None:
        self.time = 0.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def now(self) -> float:
        return self.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for name in ("deadline.monotonic", "waiting.monotonic"):
        monkeypatch.setattr(f"kubectl_pets.flows.engine.{name}", clock.now)
    monkeypatch.setattr("kubectl_pets.flows.engine.waiting.sleep", clock.sleep)
    return clock


def script(*said: str | PetsError | None, then: str | PetsError | None = None) -> Callable[[], str | None]:
    answers: Iterator[str | PetsError | None] = chain(said, repeat(then))

    def look() -> str | None:
        answer = next(answers)
        if isinstance(answer, PetsError):
            raise answer
        return answer

    return look


def test_it_is_looked_at_until_it_is_there(clock: Clock) -> None:
    assert until(script(None, None, "bound"), within=60) == "bound" and clock.time == 1.0
    assert until(script("bound"), within=0) == "bound"


def test_what_controllers_may_take_and_what_somebody_waits(clock: Clock) -> None:
    assert until(script(), within=60) is Unended.LATE and clock.time == 60.0
    assert until(script(), deadline=Deadline(5)) is Unended.LATE and clock.time == 65.0


def test_an_outage_is_ridden_out_and_controllers_get_as_long_again(clock: Clock) -> None:
    away = [AWAY, ServerError("starting"), ThrottledError("busy", retry_after=40)]
    heard: list[PetsError] = []
    assert until(script(*[None] * 100, *away, *[None] * 100, "bound"), within=60, troubled=heard.append) == "bound"
    assert heard == away and clock.time == 50 + 42 + 50
    # The one who waits has said for how long, whatever happens.
    clock.time = 0
    with pytest.raises(UnreachableError):
        until(script(None, then=AWAY), within=60, deadline=Deadline(30))
    assert clock.time == 30


def test_an_outage_without_end_is_told_in_the_end(clock: Clock) -> None:
    with pytest.raises(UnreachableError):
        until(script(None, then=AWAY))
    assert 300 <= clock.time < 302
    with pytest.raises(ForbiddenError):
        until(script(None, ForbiddenError("no more")))


def test_ctrl_c_ends_the_wait_at_once_also_in_an_outage(clock: Clock) -> None:
    for look in (script(), script(then=AWAY)):
        clock.time = 0
        assert until(look, held=lambda: clock.time >= 0.2) is Unended.STOPPED and clock.time < 0.3


def answered(look: Callable[[], str | None], *, there: PetsError | None = None, tries: int = 3, deadline: Deadline = Deadline(None)) -> str | None:
    return retried(look, lambda said: said == "yes", lambda failure: failure.message, script(then=there), tries=tries, deadline=deadline)


def test_somebody_is_asked_a_few_times(clock: Clock) -> None:
    assert answered(script("no", "no", "yes")) == "yes" and clock.time == 2
    assert answered(script("no", "yes"), tries=1) == "no" and clock.time == 2
    assert answered(script("no", "no", "still not", "yes")) == "still not" and clock.time == 4
    assert answered(script(then="no"), tries=100, deadline=Deadline(5)) == "no" and clock.time == 9
    assert answered(script("yes"), deadline=Deadline(0)) == "yes"  # once, however late


def test_whoever_cannot_be_asked_says_no_but_not_in_an_outage(clock: Clock) -> None:
    """A command in a pod that does not end looks like a server that does not answer; a read tells the two apart."""
    assert answered(script(then=AWAY)) == "no route" and clock.time == 2
    assert answered(script(then=AWAY), there=ForbiddenError("no right to look")) == "no route"
    assert answered(script(ForbiddenError("no exec"), "yes")) == "yes"
    with pytest.raises(ServerError):
        answered(script(AWAY, "yes"), there=ServerError("starting"))
    with pytest.raises(KeyboardInterrupt):
        retried(_interrupted, bool, str, script(), tries=3)


def _interrupted() -> str:
    raise KeyboardInterrupt


class Group:
    """Two sets that are well. ``away``: what befalls the looks at both of them."""

    namespace = "prod"

    def __init__(self, *away: PetsError | None) -> None:
        self.away = list(away)

    def inventory(self, namespace: str, selector: str, *, every_kind: bool) -> Inventory:
        failure = self.away.pop(0) if self.away else None
        if failure is not None:
            raise failure
        labels = [{"zone": zone} for zone in ("a", "b")]
        sets = tuple(replace(statefulset(replicas=0), metadata=ObjectMeta(name=f"web-{each['zone']}", namespace="prod", labels=each)) for each in labels)
        return Inventory(sets=sets, pods=(), revisions=(), claims=())

    def now(self) -> datetime:
        return NOW


def test_between_two_sets_of_a_group_an_outage_is_ridden_out(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def carry(session: Session, ref: SetRef, *rest: object, **more: object) -> ExitCode:
        begun.append(ref.name)
        return ExitCode.OK

    monkeypatch.setattr("kubectl_pets.flows.rollout.groups.carry", carry)
    monkeypatch.setattr("kubectl_pets.flows.engine.patience.sleep", clock.sleep)

    def carried(cluster: Group, timeout: float | None = None) -> ExitCode:
        session = Session(terminal=FakeTerminal(), connect=lambda flags: cast(Cluster, cluster))
        return carry_group(session, "app=web", "zone", lambda seen, careful: Promote(), RunOptions(timeout=timeout), Terms())

    assert carried(Group(None, None, AWAY, AWAY)) is ExitCode.OK and begun == ["web-a", "web-b"] and clock.time == 2
    with pytest.raises(UnreachableError):
        carried(Group(AWAY))  # it was never there
    with pytest.raises(UnreachableError):
        carried(Group(None, None, *[AWAY] * 1000), timeout=30.0)
    assert clock.time == 32


def test_a_server_that_says_when_to_come_back() -> None:
    paused: list[float] = []
    patience = Patience(Deadline(None), paused.append)
    busy = [ThrottledError("busy", retry_after=seconds) for seconds in (7, 0, 86_400)]
    assert patience.read(script(*busy, AWAY, "here")) == "here"
    assert paused[:2] + paused[3:] == [7, 1, 1] and 290 < paused[2] <= 300


class Rights:
    def __init__(self, *missing: tuple[str, Right]) -> None:
        self._missing = missing

    def missing_rights(self, namespace: str, needed: Sequence[Right]) -> tuple[Right, ...]:
        return tuple(right for right in needed if (namespace, right) in self._missing)


def test_all_rights_that_are_missing_are_told_with_a_way_to_check() -> None:
    needed = {"a": [("patch", "statefulsets.apps"), ("create", "pods/exec")], "": [("patch", "persistentvolumes")], "b": []}
    require(Rights(), needed)
    with pytest.raises(ForbiddenError) as failure:
        require(Rights(("a", ("create", "pods/exec")), ("", ("patch", "persistentvolumes"))), needed)
    told = "this needs rights that are missing in namespace a: create pods/exec; in the cluster: patch persistentvolumes."
    assert failure.value.message == f"{told} Nothing was changed."
    assert failure.value.hint == "kubectl auth can-i create pods --subresource=exec -n a"
    with pytest.raises(ForbiddenError) as failure:
        require(cast(RightsPort, Rights(("", ("patch", "persistentvolumes")))), needed)
    assert failure.value.hint == "kubectl auth can-i patch persistentvolumes"


LOST = pod(1, leaving=NOW - timedelta(minutes=3))


class Silent:
    """web-1 is held by a node that does not answer. What befalls a deletion is a list; ``carried``: it is carried out all the same."""

    namespace = "prod"

    def __init__(self, *applies: PetsError | None, carried: bool = False, back: bool = False) -> None:
        self.applies, self.carried, self.back = list(applies), carried, back
        self.pods: tuple[Pod, ...] = (pod(0), LOST)
        self.sent: list[Change] = []

    def now(self) -> datetime:
        return NOW

    def server_name(self) -> str:
        return "a server"

    def set_view(self, namespace: str, name: str, kind: SetKind) -> SetView:
        return snapshot(statefulset(replicas=2), *self.pods)

    def nodes(self) -> tuple[Node, ...]:
        return (node("True" if self.back and self.sent else "Unknown"),)

    def node_state(self, name: str) -> NodeState:
        return NodeState.ANSWERS if self.back and self.sent else NodeState.SILENT

    def missing_rights(self, namespace: str, needed: Sequence[Right]) -> tuple[()]:
        return ()

    def apply(self, change: Change, *, dry_run: bool = False) -> None:
        self.sent.append(change)
        failure = self.applies.pop(0) if self.applies else None
        if failure is None or self.carried:
            self.pods = (pod(0),)
        if failure is not None:
            raise failure


def forced(cluster: Silent, monkeypatch: pytest.MonkeyPatch) -> tuple[ExitCode, str, str]:
    monkeypatch.setattr("kubectl_pets.flows.engine.patience.sleep", lambda seconds: None)
    terminal = FakeTerminal(interactive=True, answers="node-1\n")
    code = force_out(Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)), SetRef(name="web"), "web-1")
    return code, terminal.stdout_text, terminal.stderr_text


@pytest.mark.parametrize(("failure", "carried", "sent"), [(None, False, 1), (AWAY, True, 1), (AWAY, False, 2), (ConflictError("changed"), False, 2)])
def test_a_pod_is_forced_out_once(failure: PetsError | None, carried: bool, sent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that was lost is looked up; a request that was lost, or overtaken, is judged again and sent again."""
    cluster = Silent(failure, carried=carried)
    code, out, _ = forced(cluster, monkeypatch)
    assert code is ExitCode.OK and "web-1 was forced out" in out
    assert len(cluster.sent) == sent and all(isinstance(each, DeletePod) and each.force for each in cluster.sent)


def test_a_pod_that_its_kubelet_ended_was_not_forced_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node is back in the very moment: the server refuses the deletion because the pod has changed, and then it is gone."""
    code, out, told = forced(Silent(ConflictError("changed"), carried=True), monkeypatch)
    assert code is ExitCode.REFUSED and not out and "no pod web-1" in told and "Nothing was changed" in told


def test_a_node_that_answers_right_after_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, told = forced(Silent(None, back=True), monkeypatch)
    assert code is ExitCode.FAILED and "web-1 was forced out" in out and "so it was not off" in told and "failed: node node-1 answers" in told


def test_it_is_judged_again_whenever_something_came_between(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Silent(AWAY, back=True)
    code, out, told = forced(cluster, monkeypatch)
    assert code is ExitCode.REFUSED and not out and "is Ready" in told and len(cluster.sent) == 1
