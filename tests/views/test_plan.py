"""``--dry-run``, whole screens of plans made by the real ``plan``."""

from datetime import timedelta

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.revisions import Image
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.domain.stepping.planning import plan as plan_of
from kubectl_pets.domain.stepping.steps import (
    Abort,
    Amount,
    Canary,
    Done,
    DoneReason,
    Goal,
    Overtaken,
    OvertakenReason,
    Partition,
    Pause,
    Plan,
    Promote,
    Resume,
    Run,
    StepOn,
    Wait,
    WaitReason,
)
from kubectl_pets.views.rollout import plan
from tests.views import builders
from tests.views.builders import NEW, NOW, pod, snapshot
from tests.views.screens import screen

NEWEST = (Image(container="app", image="nginx:1.28"),)


def drawn(goal: Goal, seen: Assessment) -> str:
    return plan.draw(plan_of(goal, seen, NOW), seen, NOW)


def test_run() -> None:
    goal = Run(images=NEWEST, canary=Amount(1), step=Amount(2), soak=timedelta(seconds=30))
    assert drawn(goal, builders.complete()) == screen(
        """
        default/web: complete
          1. set image app=nginx:1.28 and hold every pod (partition 3)
          2. release web-2 (partition 3 -> 2) and wait until it is available
          3. pause for 30s
          4. release web-1, web-0 (partition 2 -> 0) and wait until they are available
          => complete: every pod at the update revision
        """
    )


def test_run_on_delete() -> None:
    assert drawn(Run(images=NEWEST, soak=timedelta(minutes=10)), builders.on_delete()) == screen(
        """
        default/web: waiting for outdated pods to be deleted
          1. set image app=nginx:1.28 (OnDelete: no pod changes until it is deleted)
          2. delete web-2; it comes back at the new revision; wait until it is available
          3. pause for 10m
          4. delete web-1; it comes back at the new revision; wait until it is available
          5. pause for 10m
          6. delete web-0; it comes back at the new revision; wait until it is available
          => complete: every pod at the update revision
        """
    )


def test_run_soaks_from_when_the_last_pod_became_available() -> None:
    """web-2 has been available for three of the ten minutes already."""
    assert drawn(Run(soak=timedelta(minutes=10)), builders.paused()) == screen(
        """
        default/web: paused at partition 2
          1. pause for 7m1s
          2. release web-1 (partition 2 -> 1) and wait until it is available
          3. pause for 10m
          4. release web-0 (partition 1 -> 0) and wait until it is available
          => complete: every pod at the update revision
        """
    )


def test_canary() -> None:
    assert drawn(Canary(images=NEWEST, pods=Amount(50, percent=True)), builders.complete()) == screen(
        """
        default/web: complete
          1. set image app=nginx:1.28 and hold every pod (partition 3)
          2. release web-2, web-1 (partition 3 -> 1) and wait until they are available
          => canary reached: 2 pods replaced, the rest as they are
        """
    )


def test_canary_on_delete() -> None:
    assert drawn(Canary(images=NEWEST), builders.on_delete()) == screen(
        """
        default/web: waiting for outdated pods to be deleted
          1. set image app=nginx:1.28 (OnDelete: no pod changes until it is deleted)
          2. delete web-2; it comes back at the new revision; wait until it is available
          => canary reached: 1 pod replaced, the rest as they are
        """
    )


def test_step() -> None:
    assert drawn(StepOn(), builders.staged()) == screen(
        """
        default/web: staged, nothing released
          1. release web-2 (partition 3 -> 2) and wait until it is available
          => step done: the rest stays as it is
        """
    )


def test_promote() -> None:
    assert drawn(Promote(), builders.staged()) == screen(
        """
        default/web: staged, nothing released
          1. release web-2..web-0 (partition 3 -> 0) and wait until they are available
          => complete: every pod at the update revision
        """
    )


def test_waits_between_the_steps() -> None:
    waits = (
        Wait(reason=WaitReason.PODS, pods=("web-1",)),
        Wait(reason=WaitReason.PODS, pods=("web-1", "web-0")),
        Wait(reason=WaitReason.SOAK),
    )
    ending = Done(reason=DoneReason.NOTHING_TO_DO)
    assert plan.draw(Plan(entries=waits, ending=ending), builders.rolling(), NOW) == screen(
        """
        default/web: progressing
          1. wait until web-1 is available
          2. wait until web-1, web-0 are available
          3. pause before the next step
          => nothing left to do
        """
    )


def test_pause() -> None:
    assert drawn(Pause(), builders.rolling()) == screen(
        """
        default/web: progressing
          1. set the partition 0 -> 1: no further pod is replaced
          => paused at partition 1
        """
    )


def test_resume() -> None:
    seen = assess(snapshot([pod(0), pod(1), pod(2, NEW)], partition=2, resume=0), NOW)
    assert drawn(Resume(), seen) == screen(
        """
        default/web: paused at partition 2
          1. release web-1, web-0 (partition 2 -> 0)
          => resumed at partition 0, nothing is waited for
        """
    )


def test_abort() -> None:
    assert drawn(Abort(), builders.paused()) == screen(
        """
        default/web: paused at partition 2
          1. set the partition 2 -> 3: no further pod is replaced
          2. delete web-2; it comes back at web-77f9c6d8b; wait until it is available
          => aborted: every pod at web-77f9c6d8b; the template keeps the new version, held back by partition 3
        """
    )


def test_partition() -> None:
    assert drawn(Partition(partition=1), builders.staged()) == screen(
        """
        default/web: staged, nothing released
          1. release web-2, web-1 (partition 3 -> 1)
          => partition 1, nothing is waited for
        """
    )


def test_partition_left_over() -> None:
    assert drawn(Partition(partition=0), builders.left_over()) == screen(
        """
        default/web: complete, but PARTITION 2 IS LEFT OVER
          1. set the partition 2 -> 0: no pod is replaced by this
          => partition 0, nothing is waited for
        """
    )


def test_nothing_to_do() -> None:
    assert drawn(StepOn(), builders.complete()) == screen(
        """
        default/web: complete
          => default/web: nothing to do, complete
        """
    )


def test_refused() -> None:
    assert drawn(Canary(images=NEWEST), builders.paused()) == screen(
        """
        default/web: paused at partition 2
          => refused: another rollout of default/web is under way (1/3 at web-5d8f7b9c4); a new change on top of it would leave pods at three revisions.
        """
    )


def test_stuck() -> None:
    assert drawn(StepOn(), builders.stuck()) == screen(
        """
        default/web: stuck
          => stuck: default/web: web-2 is in ImagePullBackOff: Back-off pulling image "nginx:1.27"
        """
    )


def test_not_yet_observed() -> None:
    seen = assess(snapshot([pod(0)], replicas=1, partition=1, generation=5), NOW)
    assert drawn(Partition(partition=0), seen) == screen(
        """
        default/web: progressing
          1. wait until the controller has seen the newest spec
          2. release web-0 (partition 1 -> 0)
          => partition 0, nothing is waited for
        """
    )


def test_overtaken() -> None:
    gone = Plan(entries=(), ending=Overtaken(reason=OvertakenReason.REPLACED))
    assert plan.draw(gone, builders.complete(), NOW) == screen(
        """
        default/web: complete
          => over: default/web: somebody deleted it and made another one of the same name; this rollout was of the old one
        """
    )
