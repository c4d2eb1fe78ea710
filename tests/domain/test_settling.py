"""A step is done once its pods have stayed up; what lacks a volume is replaced in order; a controller that does not look is told."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import (
    Around,
    ClaimVolume,
    ContainerState,
    ContainerStatus,
    Event,
    ManagedFieldsEntry,
    ObjectReference,
    Pod,
    Running,
    StatefulSet,
    Terminated,
    Volume,
)
from kubectl_pets.domain.rollout.asking import Questions, questions
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase
from kubectl_pets.domain.stepping import deciding
from kubectl_pets.domain.stepping.deciding import decide
from kubectl_pets.domain.stepping.planning import plan
from kubectl_pets.domain.stepping.restarting import PODS_ANNOTATION, RESTART_ANNOTATION
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Act,
    Amount,
    Canary,
    Decision,
    Delete,
    Done,
    DoneReason,
    Evict,
    Goal,
    Note,
    Plan,
    Promote,
    Refused,
    Restart,
    RestartPods,
    Run,
    RunMemory,
    SetPartition,
    Stage,
    StepOn,
    Stuck,
    Undo,
    Unstick,
    Wait,
    WaitReason,
)
from tests.domain.builders import NEW, NOW, OLD, UID, failing, pod, snapshot, statefulset, unready

SETTLE = timedelta(seconds=10)
JUST = NOW - timedelta(seconds=4)
RUNNING = RunMemory(uid=UID, strategy="RollingUpdate", partition=2, revision=NEW, target=0, changed=True)


def seen(owner: StatefulSet, *pods: Pod) -> Assessment:
    return assess(snapshot(owner, *pods), NOW)


def decided(goal: Goal, found: Assessment, memory: RunMemory = RunMemory()) -> Decision:
    return decide(goal, found, NOW, memory)[0]


@pytest.mark.parametrize("goal", [Canary(settle=SETTLE), StepOn(settle=SETTLE), Promote(settle=SETTLE), Run(settle=SETTLE)])
def test_a_step_is_not_over_before_its_pods_have_settled(goal: Goal) -> None:
    found = seen(statefulset(partition=2), pod(0), pod(1), pod(2, NEW, since=JUST))
    memory = replace(RUNNING, target=2 if isinstance(goal, Canary | StepOn) else 0)
    assert decided(goal, found, memory) == Wait(reason=WaitReason.SETTLE, until=JUST + SETTLE)
    after, _ = decide(goal, found, JUST + SETTLE, memory)
    assert isinstance(after, Done if isinstance(goal, Canary | StepOn) else Act)


@pytest.mark.parametrize("goal", [Promote(settle=SETTLE), Run(settle=SETTLE)])
def test_neither_is_the_last_one_when_the_controller_has_called_it_finished(goal: Goal) -> None:
    found = seen(statefulset(current=NEW), pod(0, NEW, since=JUST), pod(1, NEW), pod(2, NEW))
    assert found.phase is Phase.COMPLETE and found.youngest_up == timedelta(seconds=4)
    memory = replace(RUNNING, partition=0)
    assert decided(goal, found, memory) == Wait(reason=WaitReason.SETTLE, until=JUST + SETTLE)
    assert decide(goal, found, JUST + SETTLE, memory)[0] == Done(reason=DoneReason.COMPLETE)
    assert decided(goal, found) == Wait(reason=WaitReason.SETTLE, until=JUST + SETTLE), "killed and typed again"
    assert decide(goal, found, JUST + SETTLE, RunMemory())[0] == Done(reason=DoneReason.NOTHING_TO_DO)


@pytest.mark.parametrize("goal", [Canary(settle=SETTLE), StepOn(settle=SETTLE)])
def test_what_is_refused_is_refused_at_once(goal: Goal) -> None:
    found = seen(statefulset(current=NEW, partition=1), pod(0, NEW, since=JUST), pod(1, NEW), pod(2, NEW))
    assert isinstance(decided(goal, found), Refused)


def test_back_from_an_abort_is_what_stays_up() -> None:
    """The next pod that serves goes only then, and only then it is done."""
    held = statefulset(partition=3)
    found = seen(held, pod(0), pod(1, NEW), pod(2, since=JUST))
    young = Wait(reason=WaitReason.SETTLE, until=JUST + SETTLE)
    goal = Abort(settle=SETTLE)
    assert decided(goal, found) == young
    assert decide(goal, found, JUST + SETTLE, RunMemory())[0] == Act(step=Delete(pod="web-1", revision=NEW, comes_back_at=OLD))
    assert isinstance(decided(Abort(), found), Act)
    back = seen(held, pod(0), pod(1), pod(2, since=JUST))
    assert decided(goal, back) == young
    assert decide(goal, back, JUST + SETTLE, RunMemory())[0] == Done(reason=DoneReason.NOTHING_TO_DO)
    broken = seen(held, pod(0), failing(1, NEW), pod(2, since=JUST))
    assert isinstance(decided(goal, broken), Act), "what is broken already is not waited for"


def test_undone_unstuck_and_restarted_is_what_stays_up() -> None:
    back = seen(statefulset(current=NEW, annotations={RESTART_ANNOTATION: "x"}), pod(0, NEW, since=JUST), pod(1, NEW), pod(2, NEW))
    back = replace(back, restarted_at=NOW.isoformat(), notes={RESTART_ANNOTATION: NOW.isoformat()})
    goals: tuple[Goal, ...] = (
        Undo(revision=NEW, number=1, template={}, settle=SETTLE), Unstick(settle=SETTLE), Restart(at="", settle=SETTLE)
    )
    for goal in goals:
        memory = RunMemory(written=True, changed=True)
        assert decided(goal, back, memory) == Wait(reason=WaitReason.SETTLE, until=JUST + SETTLE), goal
        assert decided(goal, back) == decided(goal, back, memory), "killed and typed again"
        assert not isinstance(decide(goal, back, JUST + SETTLE, memory)[0], Wait)


def test_chosen_pods_settle_one_after_the_other() -> None:
    owner = statefulset(current=NEW, annotations={PODS_ANNOTATION: f"{NOW.isoformat()} web-2=old,web-1={'uid-web-1'[:8]}"})
    found = seen(owner, pod(0, NEW), pod(1, NEW), pod(2, NEW, since=JUST))
    noted = replace(found, notes={PODS_ANNOTATION: f"{NOW.isoformat()} web-2=old,web-1={found.members[1].uid[:8]}"})
    goal = RestartPods(pods=("web-2", "web-1"), settle=SETTLE)
    assert decided(goal, noted, RunMemory(written=True)) == Wait(reason=WaitReason.SETTLE, until=JUST + SETTLE)
    after = decide(goal, noted, JUST + SETTLE, RunMemory(written=True))[0]
    assert isinstance(after, Act) and isinstance(after.step, Evict) and after.step.pod == "web-1"


def test_a_chosen_pod_that_is_missing_has_to_come_before_it_counts_as_restarted() -> None:
    """What is made in its place is made anew: it is not taken down again."""
    goal, gone = RestartPods(pods=("web-1",)), seen(statefulset(current=NEW), pod(0, NEW), pod(2, NEW))
    begin, memory = decide(goal, gone, NOW, RunMemory())
    assert isinstance(begin, Act) and isinstance(begin.step, Note)
    noted = {PODS_ANNOTATION: begin.step.notes[PODS_ANNOTATION] or ""}
    memory = deciding.after(begin, memory)
    back = replace(seen(statefulset(current=NEW), pod(0, NEW), pod(1, NEW, created=NOW), pod(2, NEW)), notes=noted)
    for each in (memory, RunMemory()):  # and killed and typed again
        assert decide(goal, replace(gone, notes=noted), NOW, each)[0] == Wait(reason=WaitReason.PODS, pods=("web-1",))
        end, after = decide(goal, back, NOW, each)
        assert isinstance(end, Act) and isinstance(end.step, Note) and end.step.notes[PODS_ANNOTATION] is None
        assert decide(goal, replace(back, notes={}), NOW, deciding.after(end, after))[0] == Done(reason=DoneReason.RESTARTED)
    assert decided(RestartPods(pods=()), replace(back, notes={})) == Done(reason=DoneReason.NOTHING_TO_DO)


def test_a_chosen_pod_that_an_answer_lacked_and_that_is_older_than_the_restart_is_still_to_do() -> None:
    """It was called restarted, and had not been touched."""
    goal, owner = RestartPods(pods=("web-2", "web-1")), statefulset(current=NEW)
    begin, memory = decide(goal, seen(owner, pod(0, NEW), pod(2, NEW)), NOW, RunMemory())
    assert isinstance(begin, Act) and isinstance(begin.step, Note)
    memory = deciding.after(begin, memory)
    anew = pod(2, NEW, created=NOW)
    anew = replace(anew, metadata=replace(anew.metadata, uid="another"))
    decision = decide(goal, seen(owner, pod(0, NEW), pod(1, NEW), anew), NOW, memory)[0]
    assert isinstance(decision, Act) and isinstance(decision.step, Evict) and decision.step.pod == "web-1"


def test_a_young_pod_that_the_first_answer_lacked_was_seen_by_the_plan() -> None:
    """Another object's name stood in its place: of a pod that is hardly older than the restart its age tells nothing, and it was
    called restarted. The plan had seen it, and a uid never gets another name (apimachinery, ValidateObjectMetaAccessor: immutable)."""
    goal, owner = RestartPods(pods=("web-2", "web-1")), statefulset(current=NEW)
    young = [pod(0, NEW), pod(1, NEW, created=NOW), pod(2, NEW, created=NOW)]
    whole, torn = seen(owner, *young), seen(owner, young[0], young[2])
    begin, memory = decide(goal, torn, NOW, deciding.begins(goal, whole))
    assert isinstance(begin, Act) and isinstance(begin.step, Note)
    memory = deciding.after(begin, memory)
    anew = replace(young[2], metadata=replace(young[2].metadata, uid="another"))
    for each in (memory, RunMemory()):  # and killed and typed again
        noted = replace(seen(owner, *young[:2], anew), notes={PODS_ANNOTATION: begin.step.notes[PODS_ANNOTATION] or ""})
        decision = decide(goal, noted, NOW, each)[0]
        assert isinstance(decision, Act) and isinstance(decision.step, Evict) and decision.step.pod == "web-1"
    # What the plan lacked and has come since is made anew.
    begin = decide(goal, whole, NOW, deciding.begins(goal, torn))[0]
    assert isinstance(begin, Act) and isinstance(begin.step, Note) and (begin.step.notes[PODS_ANNOTATION] or "").endswith(",web-1=")


def test_a_note_that_is_taken_off_ends_no_restart_of_chosen_pods() -> None:
    """By admission, an operator, or an answer from before it: all pods were called restarted."""
    goal = RestartPods(pods=("web-2", "web-1"))
    bare = seen(statefulset(current=NEW), pod(0, NEW), pod(1, NEW), pod(2, NEW))
    begin, memory = decide(goal, bare, NOW, RunMemory())
    assert isinstance(begin, Act) and isinstance(begin.step, Note)
    memory, taken = deciding.after(begin, memory), []
    members = list(bare.members)
    for number in range(2):
        act, memory = decide(goal, replace(bare, members=tuple(members)), NOW, memory)
        assert isinstance(act, Act) and isinstance(act.step, Evict)
        taken.append(act.step.pod)
        memory = deciding.after(act, memory)
        members = [replace(each, uid=f"anew-{number}", created=NOW) if each.name == act.step.pod else each for each in members]
    assert taken == ["web-2", "web-1"]
    end, memory = decide(goal, replace(bare, members=tuple(members)), NOW, memory)
    assert isinstance(end, Act) and isinstance(end.step, Note) and end.step.notes[PODS_ANNOTATION] is None
    last = decide(goal, replace(bare, members=tuple(members)), NOW, deciding.after(end, memory))[0]
    assert last == Done(reason=DoneReason.RESTARTED), "also where the note of the end is not kept"


def test_a_plan_in_which_only_settling_is_left_says_so() -> None:
    found = seen(statefulset(current=NEW), pod(0, NEW, since=JUST), pod(1, NEW), pod(2, NEW))
    planned = plan(Run(settle=SETTLE), found, NOW)
    assert planned == Plan(
        entries=(Wait(reason=WaitReason.SETTLE, until=JUST + SETTLE),), ending=Done(reason=DoneReason.NOTHING_TO_DO)
    )
    assert plan(Run(), found, NOW).entries == ()


def test_min_ready_seconds_are_a_settling_time_of_their_own() -> None:
    found = seen(statefulset(partition=2, min_ready_seconds=3), pod(0), pod(1), pod(2, NEW, since=JUST))
    assert isinstance(decided(Run(settle=SETTLE), found, RUNNING), Act)


def test_without_settling_it_goes_on_at_once() -> None:
    found = seen(statefulset(partition=2), pod(0), pod(1), pod(2, NEW, since=JUST))
    assert isinstance(decided(Run(), found, RUNNING), Act)


def test_by_hand_it_settles_between_the_deletions() -> None:
    owner = statefulset(strategy="OnDelete")
    found = seen(owner, pod(0), pod(1), pod(2, NEW, since=JUST))
    memory = RunMemory(uid=UID, strategy="OnDelete", revision=NEW, pods=frozenset({"web-0", "web-1", "web-2"}), changed=True)
    assert decided(Promote(settle=SETTLE), found, memory) == Wait(reason=WaitReason.SETTLE, until=JUST + SETTLE)
    assert isinstance(decide(Promote(settle=SETTLE), found, JUST + SETTLE, memory)[0], Act)


def test_a_plan_does_not_tell_every_settling() -> None:
    found = seen(statefulset(partition=2), pod(0), pod(1), pod(2, NEW, since=JUST))
    planned = plan(Run(settle=SETTLE), found, NOW)
    assert planned.ending == Done(reason=DoneReason.COMPLETE)
    assert not any(isinstance(entry, Wait) and entry.reason is WaitReason.SETTLE for entry in planned.entries)
    assert [step.partition for step in planned.steps if isinstance(step, SetPartition)] == [1, 0]


# --- restarted a moment ago ----------------------------------------------------------------------------------------------------


def restarted(ordinal: int, revision: str, times: int = 1) -> Pod:
    made = pod(ordinal, revision, since=JUST)
    end = Terminated(exit_code=1, reason="Error", started_at=JUST - timedelta(seconds=3), finished_at=JUST - timedelta(seconds=1))
    status = ContainerStatus(
        name="app",
        ready=True,
        restart_count=times,
        state=ContainerState(running=Running(started_at=JUST)),
        last_state=ContainerState(terminated=end),
    )
    return replace(made, status=replace(made.status, container_statuses=(status,)))


def test_a_pod_that_restarted_a_moment_ago_ends_no_step() -> None:
    found = seen(statefulset(partition=2), pod(0), pod(1), restarted(2, NEW))
    assert found.members[2].state is PodState.RECOVERING and found.ready == 3 and found.available == 2
    assert isinstance(decided(StepOn(pods=Amount(1)), found, replace(RUNNING, target=2)), Wait)


def test_an_old_pod_that_restarted_hides_no_broken_new_one() -> None:
    """To the controller it is available, so the broken one is what holds everything up, and may be deleted."""
    found = seen(statefulset(partition=2), restarted(0, "web-old"), pod(1), failing(2, NEW))
    assert found.phase is Phase.STUCK and [blocker.pod for blocker in found.blockers] == ["web-2"]
    held = seen(statefulset(partition=3), restarted(0, "web-old"), pod(1), failing(2, NEW))
    decision = decided(Abort(), held)
    assert isinstance(decision, Act) and isinstance(decision.step, Delete) and decision.step.pod == "web-2"


def test_abort_deletes_no_pod_that_serves_again_before_the_broken_one() -> None:
    found = seen(statefulset(partition=3), pod(0), restarted(1, NEW), failing(2, NEW))
    decision = decided(Abort(), found)
    assert isinstance(decision, Act) and isinstance(decision.step, Delete) and decision.step.pod == "web-2"


# --- a volume that only a new pod can get ----------------------------------------------------------------------------------------


def mounted(ordinal: int, *templates: str, ready: bool = True) -> Pod:
    made = pod(ordinal, NEW, ready=ready)
    volumes = tuple(Volume(name=each, persistent_volume_claim=ClaimVolume(claim_name=f"{each}-web-{ordinal}")) for each in templates)
    return replace(made, spec=replace(made.spec, volumes=volumes))


BOTH = statefulset(current=NEW, claims=("data", "wal"))


def test_pods_without_a_volume_are_replaced_in_order_and_one_at_a_time() -> None:
    found = seen(BOTH, mounted(0, "data"), mounted(1, "data", "wal"), mounted(2, "data"))
    assert found.phase is Phase.STUCK and [(each.pod, each.message) for each in found.blockers] == [("web-0", "wal"), ("web-2", "wal")]
    assert decided(Unstick(), found) == Act(step=Delete(pod="web-0", revision=NEW, comes_back_at=NEW))
    begun = RunMemory(uid=UID, strategy="RollingUpdate", revision=NEW, changed=True)
    gone = seen(BOTH, mounted(1, "data", "wal"), mounted(2, "data"))
    assert isinstance(decided(Unstick(), gone, begun), Wait), "web-0 is not back yet"
    back = seen(BOTH, mounted(0, "data", "wal"), mounted(1, "data", "wal"), mounted(2, "data"))
    assert decided(Unstick(), back, begun) == Act(step=Delete(pod="web-2", revision=NEW, comes_back_at=NEW))
    done = seen(BOTH, *(mounted(ordinal, "data", "wal") for ordinal in range(3)))
    assert done.phase is Phase.COMPLETE and decided(Unstick(), done, begun) == Done(reason=DoneReason.UNSTUCK)


def test_a_restart_of_such_pods_is_not_stuck_on_those_whose_turn_comes() -> None:
    """Seen where Parallel pods were restarted after a claim template was added: stuck, by what the next restart would have mended."""
    owner = statefulset(current=NEW, claims=("data", "wal"), policy="Parallel")
    goal = RestartPods(pods=("web-0", "web-1", "web-2"))
    noted = {PODS_ANNOTATION: f"{NOW.isoformat(timespec='seconds')} web-0=pod-0,web-1=pod-1,web-2=pod-2"}
    owner = replace(owner, metadata=replace(owner.metadata, annotations={**owner.metadata.annotations, **noted}))
    begun = RunMemory(uid=UID, strategy="RollingUpdate", revision=NEW, written=True, changed=True)

    def fresh(ordinal: int, *, ready: bool = True) -> Pod:
        made = mounted(ordinal, "data", "wal", ready=ready)
        return replace(made, metadata=replace(made.metadata, uid=f"new-{ordinal}"))

    coming = seen(owner, fresh(0), fresh(1, ready=False), mounted(2, "data"))
    assert coming.phase is Phase.STUCK and {each.pod for each in coming.blockers} == {"web-2"}
    assert isinstance(decided(goal, coming, begun), Wait)
    there = seen(owner, fresh(0), fresh(1), mounted(2, "data"))
    assert decided(goal, there, begun) == Act(step=Evict(pod="web-2", revision=NEW, comes_back_at=NEW))


def test_the_plan_of_it_names_them_all() -> None:
    planned = plan(Unstick(), seen(BOTH, mounted(0, "data"), mounted(1, "data"), mounted(2, "data")), NOW)
    assert planned.deletes == ("web-0", "web-1", "web-2") and planned.ending == Done(reason=DoneReason.UNSTUCK)


def test_none_is_taken_down_while_another_pod_is() -> None:
    found = seen(BOTH, mounted(0, "data"), mounted(1, "data", "wal", ready=False), mounted(2, "data"))
    assert isinstance(decided(Unstick(), found), Wait)


def test_nothing_is_rolled_out_over_it() -> None:
    found = seen(BOTH, mounted(0, "data"), mounted(1, "data"), mounted(2, "data"))
    for goal in (Run(), Promote()):
        decision = decided(goal, found)
        assert isinstance(decision, Stuck) and decision.blockers[0].cause is Cause.VOLUME_MISSING


# --- a controller that does not look -----------------------------------------------------------------------------------------------


def test_a_controller_that_does_not_look_is_waited_for_and_then_told() -> None:
    owner = statefulset(generation=3, observed=2)

    def written(seconds: int) -> StatefulSet:
        entry = ManagedFieldsEntry(manager="kubectl", operation="Update", time=NOW - timedelta(seconds=seconds))
        return replace(owner, metadata=replace(owner.metadata, managed_fields=(entry,)))

    pods = (pod(0), pod(1), pod(2))
    assert decided(Promote(), seen(written(30), *pods)) == Wait(reason=WaitReason.OBSERVATION)
    late = decided(Promote(), seen(written(120), *pods))
    assert isinstance(late, Stuck) and [each.cause for each in late.blockers] == [Cause.NOT_OBSERVED]
    assert isinstance(decided(Promote(), seen(owner, *pods)), Wait), "nothing tells when it was written"


# --- what is asked besides ---------------------------------------------------------------------------------------------------------


def test_nothing_is_asked_where_all_is_well() -> None:
    assert questions(seen(statefulset(), pod(0, NEW), pod(1, NEW), pod(2, NEW))) is None
    assert questions(seen(statefulset(partition=3), pod(0), pod(1), pod(2))) is None


def test_what_is_asked_is_about_the_pods_that_the_controller_is_at() -> None:
    found = seen(statefulset(), pod(0), unready(1), pod(3, NEW))
    assert questions(found) == Questions(set_name="web", missing=("web-2",), pods=("web-2",), nodes=("node-1",))
    many = seen(statefulset(replicas=50, policy="Parallel"), *(pod(each) for each in range(40)))
    asked = questions(many)
    assert asked is not None and asked.missing == ("web-49", "web-48", "web-47")


def test_a_controller_that_has_something_to_do_is_asked_about() -> None:
    """It may be turned away when it updates a pod that is well."""
    assert questions(seen(statefulset(), pod(0), pod(1), pod(2))) == Questions(set_name="web")


def test_a_pod_that_has_just_come_up_alone_is_asked_about() -> None:
    alone = seen(statefulset(replicas=1, current=NEW), pod(0, NEW, since=JUST, created=JUST))
    assert questions(alone) == Questions(pods=("web-0",))
    rolled = seen(statefulset(replicas=2, current=NEW), pod(0, NEW, since=JUST, created=JUST - SETTLE), pod(1, NEW, since=JUST - SETTLE))
    assert questions(rolled) == Questions(pods=("web-1",)), "web-0 was made as web-1 became Ready; what made web-1 nobody knows"


def test_what_pods_of_a_name_did_before_it_ends_no_verb_that_has_made_one_anew() -> None:
    """web-2 was evicted again and again at the new version; the abort has just brought back one of the old version."""
    about = [ObjectReference(kind="Pod", name="web-2", uid=f"before-{number}") for number in range(4)]
    ends = tuple(
        Event(type="Warning", reason="Evicted", involved_object=each, first_timestamp=time, last_timestamp=time)
        for number, each in enumerate(about)
        for time in (NOW - timedelta(seconds=60 - 10 * number),)
    )
    around = Around(events=ends, namesakes=(), nodes=())

    def looked(last: Pod) -> Assessment:
        return assess(replace(snapshot(statefulset(partition=3), pod(0), pod(1), last), around=around), NOW)

    made = pod(2, OLD, ready=False, created=NOW - timedelta(seconds=2))
    memory = decide(Abort(), looked(made), NOW - timedelta(seconds=10), RunMemory())[1]
    assert looked(made).phase is Phase.STUCK
    assert isinstance(decide(Abort(), looked(made), NOW, memory)[0], Stuck), "nothing was done about it"
    memory = replace(memory, changed=True)
    assert decide(Abort(), looked(made), NOW, memory)[0] == Wait(reason=WaitReason.PODS, pods=("web-2",))
    ended = replace(made, status=replace(made.status, phase="Failed", reason="Evicted"))
    assert isinstance(decide(Abort(), looked(ended), NOW, memory)[0], Stuck), "it ends, too"


def test_nor_before_the_new_one_is_there() -> None:
    """The refused pod goes, and for a moment there is none: the abort called that stuck, right after its own deletion."""
    deleted = Event(
        type="Normal", reason="SuccessfulDelete", message="Delete Pod web-2 in StatefulSet web successful", count=11,
        involved_object=ObjectReference(kind="StatefulSet", name="web", uid=UID),
        first_timestamp=NOW - timedelta(seconds=15), last_timestamp=NOW,
    )
    around = Around(events=(deleted,), namesakes=(), nodes=())

    def looked(*last: Pod) -> Assessment:
        return assess(replace(snapshot(statefulset(partition=3), pod(0), pod(1), *last), around=around), NOW)

    broken = pod(2, NEW, ready=False, created=NOW - timedelta(seconds=1))
    act, memory = decide(Abort(), looked(broken), NOW, RunMemory())
    assert isinstance(act, Act) and isinstance(act.step, Delete), "it would come back at the old revision"
    memory = deciding.after(act, memory, at=NOW)
    leaving = replace(broken, metadata=replace(broken.metadata, deletion_timestamp=NOW + timedelta(seconds=30)))
    for now_there in ((leaving,), ()):
        assert looked(*now_there).phase is Phase.STUCK
        assert decide(Abort(), looked(*now_there), NOW, memory)[0] == Wait(reason=WaitReason.PODS, pods=("web-2",))
    assert isinstance(decide(Abort(), looked(), NOW + timedelta(minutes=3), memory)[0], Stuck), "patience ends"


def test_another_template_releases_no_pod_that_is_ready_and_only_waits_for_its_min_ready_seconds() -> None:
    """A broken first rollout is mended by releasing its pods, for they have no other revision; one that is Ready serves."""

    def staged(first: Pod) -> int | None:
        found = seen(statefulset(current=NEW, min_ready_seconds=30), first)
        decision = decided(Run(images=(Image(container="app", image="app:3"),)), found)
        assert isinstance(decision, Act) and isinstance(decision.step, Stage)
        return decision.step.partition

    assert staged(pod(0, NEW, ready=False)) == 0
    assert staged(pod(0, NEW, since=JUST)) == 3
