"""Whether one more pod may go down, and which pods have to pass the gates."""

from random import Random

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.model import LabelSelector, LabelSelectorRequirement, ObjectMeta
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.members import ClaimUse
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.safety.budgets import Budget, BudgetSpec, BudgetStatus
from kubectl_pets.domain.stepping.deciding import after, decide
from kubectl_pets.domain.stepping.guarding import (
    covered,
    disruption_check,
    new_pods,
    shared_budgets,
    takes_down,
    terminating_claims,
)
from kubectl_pets.domain.stepping.moves import one_at_a_time
from kubectl_pets.domain.stepping.patches import change_for
from kubectl_pets.domain.stepping.restarting import PODS_ANNOTATION
from kubectl_pets.domain.stepping.steps import (
    Act,
    Amount,
    BeforeRestart,
    Delete,
    Done,
    Evict,
    Goal,
    Mark,
    Note,
    Promote,
    Refused,
    RefusedReason,
    Restart,
    RestartPods,
    Run,
    RunMemory,
    SetPartition,
    Stage,
    Step,
    Wait,
    WaitReason,
)
from tests.domain.builders import NEW, NOW, OLD, pod, snapshot, statefulset, unready
from tests.domain.closed_loop import GOOD, SEEDS, new_image, worlds
from tests.domain.examples import cases
from tests.domain.test_getting_out_closed_loop import undo_to


def seen(*pods: object, partition: int = 3) -> Assessment:
    return assess(snapshot(statefulset(partition=partition), *pods), NOW)  # type: ignore[arg-type]


ALL_UP = seen(pod(0), pod(1), pod(2))
ONE_DOWN = seen(pod(0), pod(1), unready(2))
RELEASE = SetPartition(partition=1, before=3, releases=("web-2", "web-1"))


def budget(allowed: int, *, selects: bool = True, namespace: str = "", generation: int = 1, observed: int = 1) -> Budget:
    return Budget(
        metadata=ObjectMeta(name="guard", namespace=namespace or ALL_UP.namespace, generation=generation),
        spec=BudgetSpec(selector=LabelSelector(match_labels={} if selects else {"app": "other"})),
        status=BudgetStatus(observed_generation=observed, disruptions_allowed=allowed),
    )


@pytest.mark.parametrize(
    ("step", "pod_down"),
    [
        (RELEASE, "web-2"),
        (SetPartition(partition=3, before=1), None),
        (Delete(pod="web-1", revision=OLD, comes_back_at=NEW), "web-1"),
        (Evict(pod="web-1", revision=OLD, comes_back_at=NEW), "web-1"),
        (Stage(images=(), partition=3), None),
        (Mark(at="now", partition=3), None),
        (Mark(at="now", partition=None), ""),
        (Note(notes={}), None),
    ],
)
def test_which_steps_take_a_pod_down(step: Step, pod_down: str | None) -> None:
    assert takes_down(step, ALL_UP) == pod_down


def test_a_template_written_under_on_delete_takes_nothing_down() -> None:
    by_hand = assess(snapshot(statefulset(strategy="OnDelete"), pod(0), pod(1), pod(2)), NOW)
    assert takes_down(Mark(at="now", partition=None), by_hand) is None


@pytest.mark.parametrize(
    ("state", "minimum", "budgets", "answer"),
    [
        (ALL_UP, 0, (), None),
        (ALL_UP, 2, (), None),
        (ALL_UP, 3, (), Refused(reason=RefusedReason.MINIMUM, asked=3, limit=3)),
        (ONE_DOWN, 2, (), None),  # it is web-2 that goes, and that one is down already
        (ALL_UP, 0, (budget(1),), None),
        (ALL_UP, 0, (budget(0),), Refused(reason=RefusedReason.BUDGET, pods=("guard",))),
        (ALL_UP, 0, (budget(1, generation=2),), Refused(reason=RefusedReason.BUDGET, pods=("guard",))),
        (ALL_UP, 0, (budget(0, selects=False),), None),
        (ALL_UP, 0, (budget(0, namespace="elsewhere"),), None),
        (ALL_UP, 0, None, None),  # unread: the caller has warned
        (ALL_UP, 3, None, Refused(reason=RefusedReason.MINIMUM, asked=3, limit=3)),
    ],
)
def test_objections_to_a_release(
    state: Assessment, minimum: int, budgets: tuple[Budget, ...] | None, answer: Wait | Refused | None
) -> None:
    assert disruption_check(RELEASE, state, minimum, budgets) == answer


def test_while_pods_are_on_their_way_back_it_waits() -> None:
    other = Delete(pod="web-0", revision=OLD, comes_back_at=NEW)
    assert disruption_check(other, ONE_DOWN, 2, ()) == Wait(reason=WaitReason.HEADROOM)
    assert disruption_check(other, ONE_DOWN, 0, (budget(0),)) == Wait(reason=WaitReason.HEADROOM, pods=("guard",))


def test_budgets_that_matter() -> None:
    assert covered(ALL_UP, (budget(1),)) and not covered(ALL_UP, (budget(1, selects=False),))
    assert not covered(ALL_UP, ()) and not covered(ALL_UP, None)


def test_gates_are_for_new_pods() -> None:
    canary = seen(pod(0), pod(1), pod(2, NEW), partition=2)
    assert [member.name for member in new_pods(Promote(), canary)] == ["web-2"]
    assert new_pods(Promote(), seen(pod(0), pod(1), pod(2))) == ()
    uids = {member.name: member.uid[:8] for member in canary.members}
    noted = assess(
        snapshot(statefulset(annotations={PODS_ANNOTATION: f"2026-01-01T00:00:00Z web-0={uids['web-0']},web-1=gone"}), *map(pod, range(3))), NOW
    )
    goal = RestartPods(pods=("web-0", "web-1"))
    assert [member.name for member in new_pods(goal, noted)] == ["web-1"]
    chosen = BeforeRestart(at=NOW, uids=(("web-0", uids["web-0"]), ("web-1", "gone")))
    taken_off = replace(noted, notes={})
    assert [member.name for member in new_pods(goal, taken_off, chosen)] == ["web-1"], "web-0 is the one of before"


def test_a_release_is_cut_down_to_its_first_pod() -> None:
    state = seen(pod(0), pod(1), pod(2))
    assert one_at_a_time(Act(step=RELEASE), state) == Act(step=SetPartition(partition=2, before=3, releases=("web-2",)))
    assert one_at_a_time(Wait(reason=WaitReason.PODS), state) == Wait(reason=WaitReason.PODS)


@cases(400)
@given(data=st.data(), seed=SEEDS)
def test_the_minimum_is_kept_to_the_end(data: st.DataObject, seed: int) -> None:
    """Careful, and asked before every step: a healthy set never has fewer available pods than that, and still gets there."""
    random = Random(seed)
    world = data.draw(worlds(strategy="RollingUpdate"))
    world.edit(partition=0)
    world.come_to_rest()
    if data.draw(st.booleans()):
        world.edit(image=GOOD)
        world.come_to_rest()
    minimum = world.replicas - 1
    run = Run(step=data.draw(st.sampled_from((Amount(1), Amount(3), Amount(100, True)))))
    choices: tuple[Goal, ...] = (
        Run(images=new_image("app:3"), step=run.step),
        Run(images=new_image("app:3"), step=run.step, overlap=True),
        Restart(at=world.now.isoformat(), by=run),
        undo_to(world, "app:1", run),
        RestartPods(pods=tuple(world.pod_name(pod) for pod in world.pods.values()), batch=world.replicas),
    )
    goal = data.draw(st.sampled_from(choices))
    memory = RunMemory(careful=True)
    for _ in range(800):
        state = assess(world.snapshot(), world.now)
        decision, memory = decide(goal, state, world.now, memory)
        if isinstance(decision, Act):
            answer = disruption_check(decision.step, state, minimum, ())
            assert not isinstance(answer, Refused)
            if answer is None:
                world.apply(change_for(decision.step, world.owner, state))
                memory = after(decision, memory)
        elif isinstance(decision, Done):
            note(f"{decision}")
            assert world.truly_complete()
            return
        else:
            assert isinstance(decision, Wait), decision
        world.progress(random)
        up = sum(pod is not None and world.available(pod) for pod in world.positions())
        assert up >= minimum, f"{up} of {world.replicas} are up"
    raise AssertionError("no end")


def test_a_claim_that_is_being_deleted_keeps_its_pod_up() -> None:
    """It goes with the pod that holds it, whoever takes that down, and the next pod starts empty."""
    look = seen(pod(0), pod(1), pod(2))
    use = ClaimUse(name="data-web-1", phase="Bound", terminating=True)
    members = tuple(replace(each, claims=(use,)) if each.name == "web-1" else each for each in look.members)
    going = replace(look, members=members)
    assert terminating_claims(SetPartition(partition=2, before=3, releases=("web-2",)), going) == ()
    assert terminating_claims(RELEASE, going) == ("data-web-1",)
    for kind in (Delete, Evict):
        assert terminating_claims(kind(pod="web-1", revision=OLD, comes_back_at=NEW), going) == ("data-web-1",)
        assert terminating_claims(kind(pod="web-0", revision=OLD, comes_back_at=NEW), going) == ()
    assert terminating_claims(RELEASE, look) == ()
    assert terminating_claims(Mark(at="now", partition=None), going) == ("data-web-1",)  # the template reaches every pod


# --- budgets that share pods -------------------------------------------------------------------------------------------------

#: A label that every pod of a set has, and each another one (apps/v1 StatefulSetPodNameLabel).
POD_NAME = "statefulset.kubernetes.io/pod-name"


def of(name: str, *pods: int, operator: str = "In", allowed: int = 9, namespace: str = "") -> Budget:
    """A budget over these pods of web, or over all of the namespace; a status that allows much, for what it says may be of any time."""
    rule = LabelSelectorRequirement(key=POD_NAME, operator=operator, values=tuple(f"web-{each}" for each in pods))
    return Budget(
        metadata=ObjectMeta(name=name, namespace=namespace or ALL_UP.namespace, generation=1),
        spec=BudgetSpec(max_unavailable=1, selector=LabelSelector(match_expressions=(rule,) if pods else ())),
        status=BudgetStatus(observed_generation=1, disruptions_allowed=allowed),
    )


def labelled(state: Assessment) -> Assessment:
    members = tuple(replace(each, labels=((POD_NAME, each.name),)) for each in state.members)
    return replace(state, members=members)


NOWHERE = replace(of("nowhere"), spec=BudgetSpec(max_unavailable=1))


@pytest.mark.parametrize(
    ("step", "budgets", "names"),
    [
        pytest.param(RELEASE, (of("a"), of("b")), ("a", "b"), id="an empty selector takes all"),
        pytest.param(RELEASE, (of("b", 2), of("a")), ("a", "b"), id="over one of the released"),
        pytest.param(RELEASE, (of("a", 1, 0), of("b", 1)), ("a", "b"), id="over a later one of the released"),
        pytest.param(RELEASE, (of("a", 2), of("b", 1)), None, id="one over each"),
        pytest.param(RELEASE, (of("a", 2, 0), of("b", 0)), ("a", "b"), id="the pod's one shares another pod"),
        pytest.param(RELEASE, (of("a", 2, 1), of("b", 0), of("c", 0)), None, id="shared by others alone"),
        pytest.param(RELEASE, (of("a", 2, 1), of("b", 1), of("c", 0), of("d", 0)), ("a", "b"), id="those of the pods alone"),
        pytest.param(RELEASE, (of("a"), of("b", 1, 2, 0, operator="NotIn")), None, id="an expression that leaves all out"),
        pytest.param(RELEASE, (of("a"), NOWHERE), None, id="no selector selects nothing"),
        pytest.param(RELEASE, (of("a"), of("b", namespace="elsewhere")), None, id="of another namespace"),
        pytest.param(RELEASE, (of("a", allowed=0), of("b", allowed=0)), ("a", "b"), id="whatever they allow"),
        pytest.param(RELEASE, None, None, id="unread"),
        pytest.param(SetPartition(partition=3, before=1), (of("a"), of("b")), None, id="nothing goes"),
        pytest.param(Delete(pod="web-1", revision=OLD, comes_back_at=NEW), (of("a"), of("b")), ("a", "b"), id="delete"),
        pytest.param(Delete(pod="web-1", revision=OLD, comes_back_at=NEW), (of("a", 0), of("b", 0)), None, id="delete another one"),
        pytest.param(Evict(pod="web-1", revision=OLD, comes_back_at=NEW), (of("a"), of("b", 1)), ("a", "b"), id="evict"),
        pytest.param(Mark(at="now", partition=None), (of("a", 0), of("b", 0)), ("a", "b"), id="a mark reaches every pod"),
        pytest.param(Mark(at="now", partition=3), (of("a"), of("b")), None, id="a mark that holds"),
        pytest.param(Stage(images=(), partition=3), (of("a"), of("b")), None, id="stage"),
    ],
)
def test_budgets_that_share_pods_are_not_believed(step: Step, budgets: tuple[Budget, ...] | None, names: tuple[str, ...] | None) -> None:
    """The disruption controller counts anew for one of the budgets over a pod, whichever (getPdbForPod in disruption.go)."""
    refused = None if names is None else Refused(reason=RefusedReason.BUDGETS_SEVERAL, pods=names)
    assert shared_budgets((step,), labelled(ALL_UP), budgets) == disruption_check(step, labelled(ALL_UP), 0, budgets) == refused


def test_of_several_steps_any_counts() -> None:
    """So that a plan is refused for what comes late in it."""
    first, second = (Delete(pod=f"web-{each}", revision=OLD, comes_back_at=NEW) for each in (2, 1))
    budgets = (of("a", 1), of("b", 1))
    assert shared_budgets((first,), labelled(ALL_UP), budgets) is None
    assert shared_budgets((first, second), labelled(ALL_UP), budgets) == Refused(reason=RefusedReason.BUDGETS_SEVERAL, pods=("a", "b"))


def test_a_pod_that_is_not_ready_costs_no_budget_anything() -> None:
    """So it may be deleted, as where an undo takes away what is broken; evicted it is not, whatever it is (eviction.go)."""
    several = (of("a"), of("b"))
    state = labelled(ONE_DOWN)
    for step in (SetPartition(partition=2, before=3, releases=("web-2",)), Delete(pod="web-2", revision=OLD, comes_back_at=NEW)):
        assert disruption_check(step, state, 0, several) is None
    answer = disruption_check(Evict(pod="web-2", revision=OLD, comes_back_at=NEW), state, 0, several)
    assert answer == Refused(reason=RefusedReason.BUDGETS_SEVERAL, pods=("a", "b"))


def test_a_position_without_a_pod_is_under_no_budget() -> None:
    """It has no labels, which an empty selector matches, and so does one that only leaves some out."""
    state = labelled(seen(pod(0), pod(1)))
    step = SetPartition(partition=1, before=3, releases=("web-2", "web-1"))
    assert disruption_check(step, state, 0, (of("a", 0, 1), of("b", 2), of("c", 0, 1, operator="NotIn"))) is None


@cases(300)
@given(data=st.data(), seed=SEEDS)
def test_under_budgets_at_random(data: st.DataObject, seed: int) -> None:
    """Whatever they select and whatever their status says: no Ready pod goes down that is under a budget which shares any pod with
    another, and nothing else is refused for that."""
    random = Random(seed)
    world = data.draw(worlds(strategy="RollingUpdate"))
    world.edit(partition=0)
    world.come_to_rest()
    ordinals = st.lists(st.integers(0, world.replicas), max_size=3).map(tuple)
    operator = st.sampled_from(("In", "NotIn"))
    drawn = st.lists(st.tuples(ordinals, operator, st.integers(0, 3)), min_size=2, max_size=3)
    budgets = tuple(
        of(f"budget-{number}", *pods, operator=how, allowed=allowed) for number, (pods, how, allowed) in enumerate(data.draw(drawn))
    )
    run = Run(images=new_image("app:3"), step=data.draw(st.sampled_from((Amount(1), Amount(3)))))
    goals: tuple[Goal, ...] = (run, Restart(at=world.now.isoformat(), by=run), RestartPods(pods=("web-0", "web-1")))
    goal = data.draw(st.sampled_from(goals))
    memory = RunMemory(careful=True)
    for _ in range(200):
        state = labelled(assess(world.snapshot(), world.now))
        decision, memory = decide(goal, state, world.now, memory)
        if isinstance(decision, Act):
            answer = disruption_check(decision.step, state, 0, tuple(replace(each, metadata=replace(each.metadata, namespace=state.namespace)) for each in budgets))
            there = [member for member in state.members if member.uid]
            over = {member.name: {each.name for each in budgets if each.covers(dict(member.labels))} for member in there}
            unknown = {name for names in over.values() if len(names) > 1 for name in names}
            down = takes_down(decision.step, state)
            ready = any(member.name == down and member.ready_since is not None for member in there)
            told = isinstance(answer, Refused) and answer.reason is RefusedReason.BUDGETS_SEVERAL
            assert told is bool(down and ready and over[down] & unknown), f"{answer} {decision}"
            if isinstance(answer, Refused):
                return
            if answer is None:
                world.apply(change_for(decision.step, world.owner, state))
                memory = after(decision, memory)
        elif not isinstance(decision, Wait):
            return
        world.progress(random)
