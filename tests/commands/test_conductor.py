"""The conductor's loop under faults that a real cluster does not produce on demand: outages, lost answers, conflicts, deadlines."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from msgspec.structs import replace

from kubectl_pets.cluster.pods.execute import ExecResult
from kubectl_pets.domain.changes import Change, DeletePod, PatchSet
from kubectl_pets.domain.model import Around, LabelSelector, ObjectMeta, SetView, StatefulSet
from kubectl_pets.domain.rollout.asking import Questions
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.safety.budgets import Budget, BudgetSpec, BudgetStatus
from kubectl_pets.domain.safety.nodes import NodeState
from kubectl_pets.domain.sets.kinds import SetKind, SetRef
from kubectl_pets.domain.stepping.steps import (  # fmt: skip
    Abort,
    Done,
    DoneReason,
    Goal,
    Overtaken,
    OvertakenReason,
    Promote,
    Refused,
    RefusedReason,
    SetPartition,
    Undo,
    Unstick,
    Wait,
)
from kubectl_pets.domain.stepping.until import Progress, Until
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, PetsError, ServerError, UnreachableError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.looking import Frame
from kubectl_pets.flows.engine.loop import TimedOut
from kubectl_pets.flows.rollout.attended import is_away
from kubectl_pets.flows.rollout.checks import Checks, Terms
from kubectl_pets.flows.rollout.conductor import Conclusion, Unagreed, conduct
from kubectl_pets.flows.rollout.follow import follow
from kubectl_pets.flows.rollout.gates import ExecGate
from kubectl_pets.ports.sets import SetViewSource
from kubectl_pets.session import Cluster, Session
from tests.domain.builders import NEW, NOW, OLD, pod, snapshot, statefulset
from tests.domain.test_before import EARLY, LATE

STAGED = snapshot(statefulset(partition=3), pod(0), pod(1), pod(2))
CANARY = snapshot(statefulset(partition=2), pod(0), pod(1), pod(2, NEW))
COMPLETE = snapshot(statefulset(partition=0, current=NEW), pod(0, NEW), pod(1, NEW), pod(2, NEW))
ABORTED = snapshot(statefulset(partition=3), pod(0), pod(1), pod(2))
HELD = snapshot(statefulset(partition=3), pod(0), pod(1), pod(2, NEW))


class Scripted:
    """A cluster and its watches. What happens is a list of snapshots, each shown until a change or a wait brings the next."""

    def __init__(self, *scenes: SetView, reads: Sequence[PetsError | None] = (), applies: Sequence[PetsError | None] = ()) -> None:
        self.scenes, self.reads, self.applies = list(scenes), list(reads), list(applies)
        self.changes: list[Change] = []
        self.fresh_reads = 0
        #: It was opened just now.
        self.begins = False
        #: What it looks like once revisions are read; None: as the watches say.
        self.revised: SetView | None = None

    def now(self) -> datetime:
        return NOW

    def around(self, asked: Sequence[tuple[str, Questions]]) -> tuple[Around, ...]:
        return (Around(),) * len(asked)

    def latest(self) -> SetView:
        return self.scenes[0]

    def refresh(self) -> SetView:
        self.fresh_reads += 1
        failure = self.reads.pop(0) if self.reads else None
        if failure is not None:
            raise failure
        return self.scenes[0]

    def just_read(self) -> bool:
        begins, self.begins = self.begins, False
        return begins

    def with_revisions(self) -> SetView:
        if self.revised is not None:
            self.scenes[0] = self.revised
        return self.scenes[0]

    def wait(self, timeout: float | None) -> bool:
        return self._on()

    def trouble(self) -> str | None:
        return None

    def apply(self, change: Change, *, dry_run: bool = False) -> None:
        failure = self.applies.pop(0) if self.applies else None
        if failure is not None:
            raise failure
        self.changes.append(change)
        self._on()

    def _on(self) -> bool:
        if len(self.scenes) > 1:
            del self.scenes[0]
            return True
        return False


def drive(
    script: Scripted, goal: Goal, *, seconds: float | None = 5, may_delete: bool = True, see: Callable[[Frame], None] = lambda frame: None
) -> Conclusion:
    return conduct(
        cast(Cluster, script), cast(SetViewSource, script), goal, observe=see, deadline=Deadline(seconds), may_delete=may_delete
    )


def ended(conclusion: Conclusion) -> tuple[Any, ExitCode]:
    return conclusion.ending, conclusion.exit_code


def test_it_reads_again_before_it_acts_and_before_it_ends() -> None:
    script = Scripted(CANARY, COMPLETE)
    assert ended(drive(script, Promote())) == (Done(reason=DoneReason.COMPLETE), ExitCode.OK)
    assert len(script.changes) == 1 and isinstance(script.changes[0], PatchSet)
    assert script.fresh_reads == 2


def test_an_outage_is_ridden_out() -> None:
    seen: list[Frame] = []
    script = Scripted(CANARY, CANARY, COMPLETE, reads=[UnreachableError("no route"), None])
    assert drive(script, Promote(), see=seen.append).exit_code is ExitCode.OK
    assert [frame.trouble for frame in seen if frame.trouble] == ["no route"]


LEAVING = pod(2, NEW, leaving=NOW - timedelta(seconds=90))
OVERDUE = snapshot(statefulset(partition=2), pod(0), pod(1), LEAVING)
BROKEN = snapshot(statefulset(partition=2), pod(0), pod(1), pod(2, NEW, ready=False, waiting="ErrImagePull"))


def test_what_only_time_says_is_no_verdict_right_after_an_outage() -> None:
    """While the server was away, no kubelet could tell that the pod had ended."""
    away: list[PetsError | None] = [UnreachableError("away")]
    assert drive(Scripted(OVERDUE), Promote()).exit_code is ExitCode.STUCK
    assert drive(Scripted(OVERDUE, OVERDUE, OVERDUE, CANARY, COMPLETE, reads=[*away]), Promote()).exit_code is ExitCode.OK
    assert drive(Scripted(BROKEN, BROKEN, BROKEN, COMPLETE, reads=[*away]), Promote()).exit_code is ExitCode.STUCK
    script = Scripted(OVERDUE, OVERDUE, OVERDUE, COMPLETE, reads=[*away])
    follow_to(script, Until.COMPLETE, Progress.REACHED)
    follow_to(Scripted(OVERDUE, COMPLETE), Until.COMPLETE, Progress.STUCK)


def follow_to(script: Scripted, until: Until, end: Progress) -> None:
    reached, _ = follow(
        cast(Cluster, script), cast(SetViewSource, script), until, stay=True, observe=lambda frame: None, deadline=Deadline(5)
    )
    assert reached is end


class Gated(Scripted):
    """As Scripted, with pods that run commands; ``runs``: what becomes of each."""

    def __init__(self, *scenes: SetView, runs: Sequence[PetsError | int], reads: Sequence[PetsError | None] = ()) -> None:
        super().__init__(*scenes, reads=reads)
        self.runs, self.ran = list(runs), list[str]()
        self.away: PetsError | None = None

    def run_in(self, namespace: str, pod: str, command: Sequence[str], timeout: float) -> ExecResult:
        self.ran.append(pod)
        outcome = self.runs.pop(0)
        self.away = outcome if isinstance(outcome, PetsError) else None
        if isinstance(outcome, PetsError):
            raise outcome
        return ExecResult(exit_code=outcome)

    def stateful_set(self, namespace: str, name: str, kind: SetKind) -> StatefulSet:
        if self.away is not None:
            raise self.away
        return statefulset()


def gated(script: Gated, *, seconds: float | None = 5) -> Conclusion:
    terms = Terms(ignore_budgets=True, gates=(ExecGate(command="true"),), gate_retries=0)
    return conduct(
        cast(Cluster, script),
        cast(SetViewSource, script),
        Promote(),
        observe=lambda frame: None,
        deadline=Deadline(seconds),
        may_delete=True,
        checks=Checks(cast(Cluster, script), terms, "default"),
    )


def test_an_outage_is_no_gate_that_says_no() -> None:
    """The server goes away while web-1 is asked: once it is back everything is read again, and who has passed is not asked twice."""
    away = UnreachableError("no route")
    script = Gated(COMPLETE, runs=[0, away, 0, 0], reads=[None, away, None])
    assert gated(script).exit_code is ExitCode.OK
    assert script.ran == [script.ran[0], script.ran[1], script.ran[1], script.ran[3]] and len(set(script.ran)) == 3
    assert gated(Gated(COMPLETE, runs=[0, 1])).exit_code is ExitCode.STUCK


class Budgeted(Scripted):
    """A namespace with these budgets over all of its pods."""

    def __init__(self, *budgets: str) -> None:
        super().__init__(STAGED)
        self.named = budgets

    def budgets(self, namespace: str) -> tuple[Budget, ...]:
        spec = BudgetSpec(max_unavailable=1, selector=LabelSelector())
        meta = [ObjectMeta(name=name, namespace=namespace) for name in self.named]
        return tuple(Budget(metadata=each, spec=spec, status=BudgetStatus(disruptions_allowed=1)) for each in meta)

    def node_state(self, name: str) -> NodeState:
        return NodeState.ANSWERS


def test_a_budget_that_is_renamed_is_waited_out() -> None:
    """A deployer makes what is new before it deletes what is left over (Helm, ``kubectl apply --prune``), so for a moment there are
    two over each pod. Two that stay are a no."""
    script, seen = Budgeted("old", "new"), assess(STAGED, NOW)
    checks = Checks(cast(Cluster, script), Terms(), seen.namespace)
    step = SetPartition(partition=2, before=3, releases=("web-2",))

    def asked(seconds: int) -> Any:
        return checks.before(step, seen, NOW + timedelta(seconds=seconds), Deadline(5))

    waits = asked(0)
    assert isinstance(waits, Wait) and waits.pods == ("new", "old") and waits.until is not None
    script.named = ("new",)
    assert asked(10) is None
    script.named = ("new", "old")
    assert isinstance(asked(20), Wait) and isinstance(asked(34), Wait)
    assert asked(36) == Refused(reason=RefusedReason.BUDGETS_SEVERAL, pods=("new", "old"))


def test_an_outage_is_waited_out_once_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pod that stays is called stuck in the end, also where the watches never get well again."""
    clock = iter(range(0, 100_000, 7))
    monkeypatch.setattr("kubectl_pets.flows.engine.outages.monotonic", lambda: float(next(clock)))
    script = Scripted(OVERDUE, reads=[UnreachableError("away")])
    assert drive(script, Promote()).exit_code is ExitCode.STUCK
    troubled = Scripted(OVERDUE)
    monkeypatch.setattr(troubled, "trouble", lambda: "the watch is cut again and again")
    assert drive(troubled, Promote()).exit_code is ExitCode.STUCK


def test_a_lost_answer_is_looked_up_and_not_sent_again() -> None:
    """The patch was carried out, its answer was cut off: the cluster says so, and there is no second one."""
    script = Scripted(CANARY, COMPLETE, applies=[UnreachableError("cut off")])
    conclusion = drive(script, Promote())
    assert conclusion.exit_code is ExitCode.OK and script.changes == []


def test_a_change_that_never_gets_through_is_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads succeed all the while: an admission webhook is down (500 for every patch)."""
    clock = iter(range(0, 100_000, 20))
    monkeypatch.setattr("kubectl_pets.flows.engine.deadline.monotonic", lambda: float(next(clock)))
    script = Scripted(CANARY, applies=[ServerError("failed calling webhook")] * 1000)
    with pytest.raises(ServerError):
        drive(script, Promote(), seconds=None)
    assert 2 <= 1000 - len(script.applies) <= 16 and script.changes == []


def test_a_conflict_means_read_again() -> None:
    script = Scripted(CANARY, COMPLETE, applies=[ConflictError("changed")])
    assert drive(script, Promote()).exit_code is ExitCode.OK
    assert len(script.changes) == 1


def test_what_does_not_pass_ends_it() -> None:
    with pytest.raises(ForbiddenError):
        drive(Scripted(CANARY, applies=[ForbiddenError("no")]), Promote())
    with pytest.raises(UnreachableError):
        drive(Scripted(CANARY, reads=[UnreachableError("gone")] * 3), Promote(), seconds=0)


def test_a_deadline_ends_it_unchanged() -> None:
    script = Scripted(CANARY)
    assert ended(drive(script, Promote(), seconds=0)) == (TimedOut(), ExitCode.TIMED_OUT)
    assert script.changes == []


def test_nothing_is_deleted_that_nobody_agreed_to() -> None:
    script = Scripted(HELD, ABORTED)
    assert ended(drive(script, Abort(), may_delete=False)) == (Unagreed("web-2"), ExitCode.REFUSED)
    assert script.changes == []
    assert drive(script, Abort()).exit_code is ExitCode.OK
    assert [change.name for change in script.changes if isinstance(change, DeletePod)] == ["web-2"]


def test_what_was_changed_before_somebody_was_asked_was_not_nothing() -> None:
    """Seen on a real server: an undo that had put the template back and was asked about a pod said "nothing to do" in the end."""
    half = Conclusion(ending=Unagreed("web-2"), seen=assess(HELD, NOW), changed=True, partition=3)
    for goal, reason in ((Undo(revision="web-1", number=1, template={}), DoneReason.UNDONE), (Unstick(), DoneReason.UNSTUCK), (Abort(), DoneReason.ABORTED)):
        rest = Conclusion(ending=Done(reason=DoneReason.NOTHING_TO_DO), seen=assess(ABORTED, NOW), changed=False)
        assert ended(half.and_then(goal, rest)) == (Done(reason=reason), ExitCode.OK) and half.and_then(goal, rest).partition == 3
        untouched = replace(half, changed=False)
        assert untouched.and_then(goal, rest) is rest
    refused = Conclusion(ending=Refused(reason=RefusedReason.COMPLETE), seen=assess(HELD, NOW), changed=False)
    assert ended(half.and_then(Abort(), refused)) == (refused.ending, ExitCode.FAILED), "6 says that nothing was changed"


def test_an_abort_reads_the_revision_again_that_it_rests_on() -> None:
    """Somebody has deleted it, and the watch was cut without a word: the pod would come back at the wanted version."""
    held = snapshot(statefulset(partition=3), pod(0), pod(1), pod(2, NEW), revisions=(EARLY, LATE))
    script = Scripted(held)
    script.revised = replace(held, revisions=(LATE,))
    found = drive(script, Abort())
    assert found.ending == Overtaken(reason=OvertakenReason.REVISION_GONE) and not found.changed
    assert script.changes == []


def test_a_set_that_is_gone_ends_it() -> None:
    script = Scripted(CANARY, snapshot(None))
    assert ended(drive(script, Promote())) == (Overtaken(reason=OvertakenReason.DELETED), ExitCode.FAILED)


@pytest.mark.parametrize(
    ("scenes", "until", "stay", "end"),
    [
        ((STAGED,), Until.COMPLETE, False, Progress.RESTING),
        ((STAGED, CANARY), Until.CANARY, True, Progress.REACHED),
        ((CANARY, COMPLETE), Until.COMPLETE, True, Progress.REACHED),
        ((snapshot(statefulset(), pod(0), pod(1), pod(2, NEW, ready=False, waiting="ErrImagePull")),), Until.COMPLETE, False, Progress.STUCK),
        ((snapshot(None),), Until.READY, False, Progress.GONE),
        ((snapshot(statefulset(), pod(0, OLD), pod(1), pod(2, NEW, ready=False)),), Until.COMPLETE, False, TimedOut()),
    ],
)
def test_following(scenes: tuple[SetView, ...], until: Until, stay: bool, end: Progress | TimedOut) -> None:
    script = Scripted(*scenes)
    deadline = Deadline(0 if isinstance(end, TimedOut) else 5)
    reached, _ = follow(
        cast(Cluster, script), cast(SetViewSource, script), until, stay=stay, observe=lambda frame: None, deadline=deadline
    )
    assert reached == end
    assert script.fresh_reads == (0 if isinstance(end, TimedOut) else 1)
    assert script.changes == []


GAP = snapshot(None, pod(0), pod(1), pod(2))


class Ticking(Scripted):
    """A second goes by with each wait."""

    waits = 0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.waits)

    def wait(self, timeout: float | None) -> bool:
        self.waits += 1
        return super().wait(timeout)


def followed(script: Scripted, away: Callable[[], bool]) -> Progress | TimedOut:
    reached, _ = follow(
        cast(Cluster, script), cast(SetViewSource, script), Until.COMPLETE,
        stay=True, observe=lambda frame: None, deadline=Deadline(60), away=away,
    )
    return reached


def test_a_set_that_is_away_to_be_made_again_is_followed_when_it_is_back() -> None:
    assert followed(Ticking(STAGED, GAP, GAP, GAP, COMPLETE), lambda: True) is Progress.REACHED
    assert followed(Ticking(STAGED, GAP, GAP, COMPLETE), lambda: False) is Progress.GONE
    answers = iter([True, True, False, False])
    assert followed(Ticking(STAGED, GAP), lambda: next(answers)) is Progress.GONE, "somebody gave up the recreation"


@pytest.mark.parametrize("unsaid", [True, False])
def test_nobody_says_that_a_set_is_not_made_again_while_the_server_is_away(unsaid: bool) -> None:
    class Failing:
        def __init__(self, error: PetsError) -> None:
            self.cluster, self.namespace, self.error = self, "prod", error

        def recreation(self, namespace: str, name: str) -> None:
            raise self.error

    def told(error: PetsError) -> bool:
        return is_away(cast(Session, Failing(error)), SetRef(name="web"), unsaid=unsaid)

    assert told(UnreachableError("no route")) is unsaid and told(ServerError("etcd")) is unsaid
    assert told(ForbiddenError("configmaps")) is False


def test_a_set_that_stays_away_is_not_waited_for_without_end() -> None:
    script = Ticking(STAGED, GAP)
    assert followed(script, lambda: True) is Progress.GONE and 60 <= script.waits <= 62
    back = Ticking(STAGED, *[GAP] * 50, STAGED, *[GAP] * 50, COMPLETE)
    assert followed(back, lambda: True) is Progress.REACHED, "each gap has a time of its own"


def test_what_was_read_to_begin_with_is_not_read_again_for_the_first_step() -> None:
    """But it is for the end."""
    script = Scripted(CANARY, COMPLETE)
    script.begins = True
    assert ended(drive(script, Promote())) == (Done(reason=DoneReason.COMPLETE), ExitCode.OK)
    assert len(script.changes) == 1 and script.fresh_reads == 1


def test_what_was_read_to_begin_with_is_read_again_after_a_failure_that_was_waited_out() -> None:
    class Stammering(Scripted):
        failed = False

        def latest(self) -> SetView:
            if not self.failed:
                self.failed = True
                raise UnreachableError("no route")
            return super().latest()

    script = Stammering(CANARY, CANARY, COMPLETE)
    script.begins = True
    assert ended(drive(script, Promote())) == (Done(reason=DoneReason.COMPLETE), ExitCode.OK)
    assert script.fresh_reads == 2
