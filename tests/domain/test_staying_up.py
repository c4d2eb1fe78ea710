"""A kubelet in miniature plays containers that start, end and are started anew; the verdict looks on, every second or so.

Modelled on what a kubelet 1.37.2 was seen to do: the first restart comes at once, the next after 10 s that double up to 300 s and a
resync of up to a minute; ``terminated`` shows for nearly all of a back-off, ``CrashLoopBackOff`` for the last moment of it; without a
readiness probe a container is Ready for as long as it runs.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.model import (
    Around,
    Condition,
    Container,
    ContainerState,
    ContainerStatus,
    Event,
    ObjectReference,
    Pod,
    Running,
    SetView,
    Terminated,
    Waiting,
)
from kubectl_pets.domain.rollout.asking import Questions, questions
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter, back_off
from kubectl_pets.domain.rollout.members import PodState
from kubectl_pets.domain.rollout.verdict import Assessment, Phase
from kubectl_pets.domain.sets.in_place import STATE_ANNOTATION
from tests.domain.builders import NEW, NOW, OLD, pod, snapshot, statefulset
from tests.domain.examples import cases

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Life:
    start: datetime
    end: datetime
    code: int


@dataclass(frozen=True)
class Story:
    """The lives of one container. ``blink``: seconds of CrashLoopBackOff before each restart; ``init``: it is a sidecar."""

    lives: tuple[Life, ...]
    blink: float
    init: bool

    @property
    def over(self) -> datetime:
        return self.lives[-1].end

    def status(self, now: datetime) -> ContainerStatus:
        begun = [life for life in self.lives if life.start <= now]
        life, before = begun[-1], begun[-2] if len(begun) > 1 else None
        number = len(begun) - 1
        last = ContainerState(terminated=_ended(before)) if before is not None else ContainerState()
        if now < life.end:
            state = ContainerState(running=Running(started_at=life.start))
        elif number + 1 < len(self.lives) and now >= self.lives[number + 1].start - self.blink * _SECOND:
            state, last = ContainerState(waiting=Waiting(reason="CrashLoopBackOff", message="back-off")), ContainerState(terminated=_ended(life))
        else:
            state = ContainerState(terminated=_ended(life))
        return ContainerStatus(name="app", ready=state.running is not None, restart_count=number, state=state, last_state=last)

    def pod(self, now: datetime) -> Pod:
        """As the API server shows it, with times in whole seconds."""
        status = self.status(now)
        up = status.state.running is not None
        made = pod(0, NEW, ready=up, since=_cut(status.state.running.started_at) if status.state.running else _cut(now), created=_cut(self.lives[0].start - _SECOND))
        scheduled = Condition(type="PodScheduled", status="True", last_transition_time=made.metadata.creation_timestamp)
        conditions = (*made.status.conditions, scheduled)
        if not self.init:
            return replace(made, status=replace(made.status, conditions=conditions, container_statuses=(status,)))
        well = ContainerStatus(name="main", ready=True, state=ContainerState(running=Running(started_at=self.lives[0].start)))
        statuses = replace(made.status, conditions=conditions, container_statuses=(well,), init_container_statuses=(status,))
        return replace(made, spec=replace(made.spec, init_containers=(Container(name="app", restart_policy="Always"),)), status=statuses)

    def view(self, now: datetime) -> SetView:
        return snapshot(statefulset(replicas=1, current=NEW), self.pod(now))


def _cut(time: datetime | None) -> datetime | None:
    return time.replace(microsecond=0) if time is not None else None


def _ended(life: Life) -> Terminated:
    return Terminated(
        exit_code=life.code, reason="Error" if life.code else "Completed", started_at=_cut(life.start), finished_at=_cut(life.end)
    )


@st.composite
def stories(draw: st.DrawFn, alike: bool = False) -> Story:
    """``alike``: each life is as long as the others, as that of a version that is broken."""
    seconds = st.floats(0, 60) if alike else st.one_of(st.floats(0, 5), st.floats(0, 100), st.floats(0, 900))
    length = draw(seconds)
    start, restarts, lives = NOW, 0, []
    for _ in range(draw(st.integers(2, 7))):
        end = start + (length if alike else draw(seconds)) * _SECOND
        lives.append(Life(start, end, draw(st.sampled_from((0, 1, 3, 137)))))
        restarts = 0 if end - start >= timedelta(minutes=10) else restarts + 1
        wait = timedelta(0) if restarts < 2 else back_off(restarts - 1)
        start = end + wait + draw(st.floats(0, 60 if restarts >= 2 else 1)) * _SECOND
    return Story(tuple(lives), draw(st.floats(0, 2)), draw(st.booleans()))


def looks(story: Story, patience: StuckAfter = StuckAfter()) -> Iterator[tuple[datetime, Assessment]]:
    """Now and then, and right before and after whatever happens."""
    times = {life.start for life in story.lives} | {life.end for life in story.lives}
    around = {time + step * _SECOND for time in times for step in (0, 1)}
    length = (story.over - NOW) / 15
    for time in sorted(around | {NOW + length * number for number in range(15)}):
        yield time, assess(story.view(time), time, patience)


def is_down(story: Story, now: datetime) -> bool:
    return story.status(now).state.running is None


@cases(80)
@given(story=stories())
def test_nothing_is_complete_while_a_container_is_in_its_back_off(story: Story) -> None:
    for now, seen in looks(story):
        event(seen.phase.value)
        if is_down(story, now):
            assert seen.phase in (Phase.FAILING, Phase.STUCK)


@cases(80)
@given(story=stories(alike=True))
def test_a_version_that_ends_again_and_again_is_complete_in_its_first_life_at_most(story: Story) -> None:
    first = story.lives[0].end
    for now, seen in looks(story):
        assert seen.phase is not Phase.COMPLETE or now < first


@cases(80)
@given(story=stories(alike=True), minutes=st.sampled_from((1, 2, 10)), restarts=st.sampled_from((1, 3, 5, None)))
def test_once_stuck_it_stays_stuck(story: Story, minutes: int, restarts: int | None) -> None:
    stuck = False
    for now, seen in looks(story, StuckAfter(time=timedelta(minutes=minutes), restarts=restarts)):
        assert not stuck or seen.phase is Phase.STUCK, (now - NOW, seen.failing)
        stuck = stuck or seen.phase is Phase.STUCK


@cases(80)
@given(story=stories())
def test_stuck_ends_where_a_container_has_outlived_its_back_off_and_nowhere_else(story: Story) -> None:
    stuck = False
    for now, seen in looks(story):
        if stuck and seen.phase is not Phase.STUCK:
            status = story.status(now)
            running, last = status.state.running, status.last_state.terminated
            lasted = running is not None and running.started_at is not None and now - running.started_at >= back_off(1)
            forgotten = any(life.end - life.start >= timedelta(minutes=9, seconds=59) for life in story.lives)
            assert lasted or forgotten, (now - NOW, last)
        stuck = seen.phase is Phase.STUCK


@cases(80)
@given(story=stories(), share=st.floats(0, 1), wait=st.floats(0, 2000))
def test_without_news_failing_becomes_stuck_and_never_the_other_way(story: Story, share: float, wait: float) -> None:
    now = NOW + (story.over - NOW) * share
    view = story.view(now)
    seen, later = assess(view, now), assess(view, now + wait * _SECOND)
    if is_down(story, now):
        assert later.phase is Phase.STUCK if seen.phase is Phase.STUCK else later.phase in (Phase.FAILING, Phase.STUCK)
        assert later.phase is Phase.STUCK or wait < 240
    elif seen.phase is Phase.FAILING:
        # It runs, so that it stays up is all that time alone can bring.
        assert seen.members[0].state is PodState.RECOVERING
        assert later.phase in (Phase.FAILING, Phase.COMPLETE)


@cases(80)
@given(story=stories(), share=st.floats(0, 1), other=st.floats(0, 0.999))
def test_when_time_changes_the_verdict_is_foretold(story: Story, share: float, other: float) -> None:
    now = NOW + (story.over - NOW) * share
    view = story.view(now)
    seen = assess(view, now)
    until = seen.recheck_at or now + timedelta(days=1)
    assert until > now
    after = assess(view, now + (until - now) * other)
    assert (after.phase, after.blockers, after.failing) == (seen.phase, seen.blockers, seen.failing)


@cases(40)
@given(story=stories())
def test_complete_says_for_how_long_the_youngest_pod_has_been_up(story: Story) -> None:
    for now, seen in looks(story):
        if seen.phase is Phase.COMPLETE:
            assert seen.youngest_up is not None
            assert now - max(life.start for life in story.lives if life.start <= now) <= seen.youngest_up < timedelta(minutes=16)


# --- updated in place ----------------------------------------------------------------------------------------------------------


def updated_in_place(story: Story, now: datetime, before: int) -> SetView:
    """As the story, of a pod of OpenKruise's that its update in place made what it is when the story begins; it had been restarted
    so often before, at other versions, and once by the update itself."""
    view = story.view(now)
    assert view.set is not None and view.pods is not None
    (made,) = view.pods
    ran = Life(NOW - timedelta(days=3), NOW - _SECOND, 0)
    (status,) = made.status.container_statuses
    last = status.last_state if status.last_state.terminated is not None else ContainerState(terminated=_ended(ran))
    status = replace(status, image_id="new", restart_count=status.restart_count + before + 1, last_state=last)
    state = {
        "revision": NEW, "updateTimestamp": NOW.isoformat(), "updateImages": True, "lastContainerStatuses": {"app": {"imageID": "old"}}
    }
    meta = replace(made.metadata, creation_timestamp=NOW - timedelta(days=9), annotations={STATE_ANNOTATION: json.dumps(state)})
    made = replace(made, metadata=meta, status=replace(made.status, container_statuses=(status,)))
    return replace(view, set=replace(view.set, api_version="apps.kruise.io/v1beta1"), pods=(made,))


@cases(80)
@given(story=stories(alike=True), before=st.integers(0, 30))
def test_after_an_update_in_place_a_loop_is_told_by_what_came_after_it(story: Story, before: int) -> None:
    """Each update in place restarts a container, and that many updates are no crash loop: patience begins with the update. What
    ends again and again is never complete after its first end, and once it is stuck it stays so."""
    story, stuck = Story(story.lives, story.blink, init=False), False
    first = story.lives[0].end
    times = sorted({life.start for life in story.lives} | {life.end for life in story.lives})
    for time in sorted({time + step * _SECOND for time in times for step in (0, 1, 5)}):
        seen = assess(updated_in_place(story, time, before), time)
        assert seen.phase is not Phase.COMPLETE or time < first
        assert not stuck or seen.phase is Phase.STUCK, time - NOW
        stuck = stuck or seen.phase is Phase.STUCK
        early = first - NOW < 10 * _SECOND and time < min(story.lives[1].end, NOW + 100 * _SECOND)
        assert not (early and stuck), "one end of a container is no loop, however often it was updated"


# --- what another pod of the revision tells ------------------------------------------------------------------------------------


def up(ordinal: int, age: float, revision: str = NEW) -> Pod:
    """In its first life, Ready for so many seconds."""
    since = NOW - age * _SECOND
    running = ContainerStatus(name="app", ready=True, state=ContainerState(running=Running(started_at=since)))
    made = pod(ordinal, revision, since=since, created=since - _SECOND)
    return replace(made, status=replace(made.status, container_statuses=(running,)))


def restarted(ordinal: int, *, lived: float, up_for: float, revision: str = NEW) -> Pod:
    """It ended once, so many seconds old, and has been up again since."""
    again = up(ordinal, up_for, revision)
    (status,) = again.status.container_statuses
    end = NOW - up_for * _SECOND
    last = ContainerState(terminated=Terminated(exit_code=1, reason="Error", started_at=end - lived * _SECOND, finished_at=end))
    return replace(again, status=replace(again.status, container_statuses=(replace(status, restart_count=1, last_state=last),)))


def judged(*pods: Pod) -> Assessment:
    return assess(snapshot(statefulset(replicas=len(pods), current=NEW), *pods), NOW)


def test_the_first_life_of_a_pod_is_no_proof_where_another_of_its_revision_has_ended() -> None:
    """web-2 came back and has outlived its end: that is proof for web-2. web-1 has yet to come to the age at which web-2 ended."""
    seen = judged(up(0, 500), up(1, 15), restarted(2, lived=40, up_for=100))
    assert [member.state for member in seen.members] == [PodState.AVAILABLE, PodState.RECOVERING, PodState.AVAILABLE]
    assert seen.phase is Phase.PROGRESSING and seen.ready == 3 and not seen.blockers and not seen.failing
    young = seen.members[1]
    assert young.warned_by == "web-2" and young.available_at == seen.recheck_at == NOW + 65 * _SECOND
    assert judged(up(0, 500), up(1, 81), restarted(2, lived=40, up_for=100)).phase is Phase.COMPLETE
    assert judged(up(0, 500), up(1, 15), up(2, 100)).phase is Phase.COMPLETE, "nothing tells; what cannot be known is not said"


def test_another_revision_warns_of_nothing_nor_does_what_is_long_past() -> None:
    for other in (
        restarted(2, lived=40, up_for=100, revision="web-other"),
        restarted(2, lived=40, up_for=601),  # the kubelet forgets it, too
        restarted(2, lived=700, up_for=500),  # it lived for so long that the next end may be as far away
    ):
        assert judged(up(0, 500), up(1, 15), other).members[1].state is PodState.AVAILABLE


def test_a_pod_that_never_came_up_warns_of_nothing() -> None:
    broken = restarted(2, lived=0, up_for=20)
    seen = judged(up(0, 500), up(1, 1), broken)
    assert seen.members[1].state is PodState.AVAILABLE


@cases(300)
@given(
    st.floats(1, 500), st.floats(0, 700), st.floats(0, 700), st.sampled_from(["OrderedReady", "Parallel"])
)
def test_a_warned_pod_is_done_once_and_for_all(lived: float, up_for: float, age: float, policy: str) -> None:
    """As time goes on it becomes proven, and nothing but an end takes that back."""
    set_ = statefulset(replicas=2, current=NEW, policy=policy)
    states = []
    for later in range(0, 1400, 35):
        view = snapshot(set_, up(0, age + later), restarted(1, lived=lived, up_for=up_for + later))
        states.append(assess(view, NOW).members[0].state)
    assert states == sorted(states, key=lambda state: state is PodState.AVAILABLE)
    assert states[-1] is PodState.AVAILABLE


def evicted(name: str, *, lived: float, ago: float) -> tuple[Event, ...]:
    """What is left of a pod that its node ended: events about a uid that no pod has any more."""
    about = ObjectReference(kind="Pod", name=name, uid="before")
    end = NOW - ago * _SECOND
    start = end - lived * _SECOND
    return (
        Event(type="Normal", reason="Started", involved_object=about, first_timestamp=start, last_timestamp=start),
        Event(type="Warning", reason="Evicted", message="disk", involved_object=about, first_timestamp=end, last_timestamp=end),
    )


def test_the_pod_after_an_evicted_one_has_to_outlive_it() -> None:
    """So do the others of its revision that are as young."""
    pods = (up(0, 500), up(1, 30), up(2, 60))
    around = Around(events=evicted("web-2", lived=120, ago=65), namesakes=(), nodes=())
    view = replace(snapshot(statefulset(current=NEW), *pods), around=around)
    seen = assess(view, NOW)
    assert [member.state for member in seen.members] == [PodState.AVAILABLE, PodState.RECOVERING, PodState.RECOVERING]
    assert seen.members[2].available_at == NOW + 180 * _SECOND and seen.members[1].warned_by == "web-2"
    later = replace(snapshot(statefulset(current=NEW), up(0, 800), up(1, 241), up(2, 241)), around=around)
    assert assess(later, NOW).phase is Phase.COMPLETE


def test_a_pod_that_was_made_alone_is_asked_about_for_as_long_as_it_may_have_to_outlive_another() -> None:
    def asked(*pods: Pod) -> Questions | None:
        return questions(judged(*pods))

    assert asked(up(0, 5000), up(1, 5000), up(2, 300)) == Questions(pods=("web-2",))
    assert asked(up(0, 5000), up(1, 5000), up(2, 700)) is None
    assert asked(up(0, 290), up(1, 288), up(2, 300)) is None, "made one after the other"
    canary = snapshot(statefulset(partition=2), up(0, 5000, OLD), up(1, 5000, OLD), up(2, 300))
    assert questions(assess(canary, NOW)) is None, "rolled out"


@cases(300)
@given(data=st.data())
def test_of_many_young_pods_those_are_asked_about_that_plain_rules_name(data: st.DataObject) -> None:
    """Each pod against each other one, as the rules say it; what is asked goes through them once."""
    ages = st.sampled_from((10, 20, 21, 24, 26, 59, 60, 61, 70, 300, 599, 600, 5000))
    pods = []
    for ordinal in range(data.draw(st.integers(1, 5))):
        ready = NOW - data.draw(ages) * _SECOND
        made = replace(pod(ordinal, data.draw(st.sampled_from((OLD, NEW, NEW)))), unreadable="")
        conditions = tuple(replace(each, last_transition_time=ready) if each.type == "Ready" else each for each in made.status.conditions)
        created = data.draw(st.sampled_from((None, ready - _SECOND, ready - 6 * _SECOND, ready - 40 * _SECOND)))
        pods.append(replace(made, metadata=replace(made.metadata, creation_timestamp=created), status=replace(made.status, conditions=conditions)))
    seen = assess(snapshot(statefulset(replicas=len(pods), partition=data.draw(st.sampled_from((0, 1)))), *pods), NOW)
    if not seen.observed or not seen.all_available or seen.phase is Phase.PROGRESSING:
        return
    asked = questions(seen)
    event("asked" if asked is not None else "not asked")
    assert (asked.pods if asked is not None else ()) == tuple(_plainly_young(seen)[:3])


def _plainly_young(seen: Assessment) -> list[str]:
    def alone(index: int) -> tuple[bool, bool]:
        member, others = seen.members[index], [each for other, each in enumerate(seen.members) if other != index]
        ready = [each.ready_since for each in others if each.ready_since is not None]
        created = member.created
        if created is None:
            return True, False
        for_itself = all(abs(created - time) > 5 * _SECOND for time in ready)
        last = len(ready) == len(others) and all(time < created for time in ready)
        return for_itself, for_itself and last and any(each.revision == member.revision for each in others)

    ages = [NOW - member.ready_since if member.ready_since is not None else timedelta.max for member in seen.members]
    names = [member.name for member in seen.members]
    young = [index for index, age in enumerate(ages) if age < 60 * _SECOND and alone(index)[0]]
    older = [index for index, age in enumerate(ages) if 60 * _SECOND <= age < 600 * _SECOND and alone(index)[1]]
    return [names[index] for index in young + older]
