"""``kubectl pets partition``, whole screens."""

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.revisions import Before
from kubectl_pets.views.rollout import partition as picture
from kubectl_pets.views.text.ink import bare, cells
from tests.views import builders
from tests.views.builders import NEW, NOW, OLD, pod, snapshot
from tests.views.screens import screen


def test_complete() -> None:
    assert picture.draw(builders.complete()) == screen(
        """
        default/web  complete

          POSITION   POD     RUNS                              STATE
          ━━━━━━━━━━ partition 0 ━━━━━━━━━━
          0          web-0   web-5d8f7b9c4 (current, update)   ✔ available
          1          web-1   web-5d8f7b9c4 (current, update)   ✔ available
          2          web-2   web-5d8f7b9c4 (current, update)   ✔ available

          positions 0..2 get web-5d8f7b9c4 (current, update), nginx:1.27
        """
    )


def test_left_over() -> None:
    assert picture.draw(builders.left_over()) == screen(
        """
        default/web  complete, but PARTITION 2 IS LEFT OVER

          POSITION   POD     RUNS                              STATE
          0          web-0   web-5d8f7b9c4 (current, update)   ✔ available
          1          web-1   web-5d8f7b9c4 (current, update)   ✔ available
          ━━━━━━━━━━ partition 2 ━━━━━━━━━━
          2          web-2   web-5d8f7b9c4 (current, update)   ✔ available

          positions 0..1 keep web-5d8f7b9c4 (current, update), nginx:1.27
          position 2 gets web-5d8f7b9c4 (current, update), nginx:1.27
          ! partition 2 is left over: the next change will reach only 1 of 3 pods
            clear it with: kubectl pets partition web 0 -n default
        """
    )


def test_staged() -> None:
    assert picture.draw(builders.staged()) == screen(
        """
        default/web  staged, nothing released

          POSITION   POD     RUNS                      STATE
          0          web-0   web-77f9c6d8b (current)   ✔ available
          1          web-1   web-77f9c6d8b (current)   ✔ available
          2          web-2   web-77f9c6d8b (current)   ✔ available
          ━━━━━━━━━━ partition 3 ━━━━━━━━━━

          positions 0..2 keep web-77f9c6d8b (current), nginx:1.26
          no position gets web-5d8f7b9c4 (update), nginx:1.27
        """
    )


def test_paused() -> None:
    assert picture.draw(builders.paused()) == screen(
        """
        default/web  paused at partition 2

          POSITION   POD     RUNS                      STATE
          0          web-0   web-77f9c6d8b (current)   ✔ available
          1          web-1   web-77f9c6d8b (current)   ✔ available
          ━━━━━━━━━━ partition 2 ━━━━━━━━━━
          2          web-2   web-5d8f7b9c4 (update)    ✔ available

          positions 0..1 keep web-77f9c6d8b (current), nginx:1.26
          position 2 gets web-5d8f7b9c4 (update), nginx:1.27
        """
    )


def test_stuck() -> None:
    assert picture.draw(builders.stuck()) == screen(
        """
        default/web  stuck

          POSITION   POD     RUNS                      STATE
          0          web-0   web-77f9c6d8b (current)   ✔ available
          1          web-1   web-77f9c6d8b (current)   ✔ available
          ━━━━━━━━━━ partition 2 ━━━━━━━━━━
          2          web-2   web-5d8f7b9c4 (update)    ✖ failing     ImagePullBackOff

          positions 0..1 keep web-77f9c6d8b (current), nginx:1.26
          position 2 gets web-5d8f7b9c4 (update), nginx:1.27
        """
    )


def test_rolling() -> None:
    assert picture.draw(builders.rolling()) == screen(
        """
        default/web  progressing

          POSITION   POD     RUNS                      STATE
          ━━━━━━━━━━ partition 0 ━━━━━━━━━━
          0          web-0   web-77f9c6d8b (current)   ✔ available     to be replaced
          1          web-1   web-77f9c6d8b (current)   ◌ terminating   on its way out
          2          web-2   web-5d8f7b9c4 (update)    ✔ available

          positions 0..2 get web-5d8f7b9c4 (update), nginx:1.27
        """
    )


def test_scaling() -> None:
    assert picture.draw(builders.scaling()) == screen(
        """
        default/web  scaling

          POSITION   POD     RUNS                              STATE
          ━━━━━━━━━━ partition 0 ━━━━━━━━━━
          0          web-5   web-5d8f7b9c4 (current, update)   ✔ available
          1          web-6   web-5d8f7b9c4 (current, update)   ✔ available
          2          web-7   -                                 · missing

          positions 0..2 (ordinals 5..7) get web-5d8f7b9c4 (current, update), nginx:1.27
          beyond the range, to be removed: web-8
        """
    )


def test_on_delete() -> None:
    assert picture.draw(builders.on_delete()) == screen(
        """
        default/web  waiting for outdated pods to be deleted

          POSITION   POD     RUNS                      STATE
          0          web-0   web-77f9c6d8b (current)   ✔ available   to be deleted by hand
          1          web-1   web-77f9c6d8b (current)   ✔ available   to be deleted by hand
          2          web-2   web-5d8f7b9c4 (update)    ✔ available

          strategy OnDelete has no partition: a pod that is deleted comes back at web-5d8f7b9c4 (update), nginx:1.27
        """
    )


def test_unreadable() -> None:
    assert picture.draw(builders.unreadable()) == screen(
        """
        default/web  unknown

          POSITION   POD     RUNS   STATE
          ━━━━━━━━━━ partition 0 ━━━━━━━━━━
          0          web-0   ?      ?
          1          web-1   ?      ?
          2          web-2   ?      ?

          its pods could not be read, so nothing can be said of them
          positions 0..2 get web-5d8f7b9c4 (update), nginx:1.27
        """
    )


def test_gone() -> None:
    assert picture.draw(builders.gone()) == screen(
        """
        the StatefulSet  gone
        """
    )


def test_large() -> None:
    assert picture.draw(builders.large()) == screen(
        """
        default/web  progressing

          POSITION   POD                RUNS                      STATE
          0..59      web-0..web-59      web-77f9c6d8b (current)   ✔ available
          60         web-60             -                         · missing
          61..99     web-61..web-99     web-77f9c6d8b (current)   ✔ available
          ━━━━━━━━━━ partition 100 ━━━━━━━━━━
          100..119   web-100..web-119   web-5d8f7b9c4 (update)    ✔ available

          positions 0..99 keep web-77f9c6d8b (current), nginx:1.26
          positions 100..119 get web-5d8f7b9c4 (update), nginx:1.27
        """
    )


def test_empty() -> None:
    assert picture.draw(builders.empty()) == screen(
        """
        default/web  complete

          no positions: 0 replicas
        """
    )


def test_ordinals_that_start_elsewhere() -> None:
    """The partition counts positions: 2 of them keep what they have, which are the ordinals 5 and 6."""
    pods = [pod(5), pod(6), pod(7, NEW)]
    seen = assess(snapshot(pods, start=5, partition=2), NOW)
    assert picture.draw(seen) == screen(
        """
        default/web  paused at partition 2

          POSITION   POD     RUNS                      STATE
          0          web-5   web-77f9c6d8b (current)   ✔ available
          1          web-6   web-77f9c6d8b (current)   ✔ available
          ━━━━━━━━━━ partition 2 ━━━━━━━━━━
          2          web-7   web-5d8f7b9c4 (update)    ✔ available

          positions 0..1 (ordinals 5..6) keep web-77f9c6d8b (current), nginx:1.26
          position 2 (ordinal 7) gets web-5d8f7b9c4 (update), nginx:1.27
        """
    )


def test_pods_ahead_of_a_raised_partition() -> None:
    """Raising the partition takes nothing back until the pods are deleted."""
    pods = [pod(0), pod(1, NEW), pod(2, NEW)]
    seen = assess(snapshot(pods, partition=7, resume=1), NOW)
    assert picture.draw(seen) == screen(
        """
        default/web  paused at partition 7

          POSITION   POD     RUNS                      STATE
          0          web-0   web-77f9c6d8b (current)   ✔ available
          1          web-1   web-5d8f7b9c4 (update)    ✔ available   ahead of the partition: goes back when it is deleted
          2          web-2   web-5d8f7b9c4 (update)    ✔ available   ahead of the partition: goes back when it is deleted
          ━━━━━━━━━━ partition 7, beyond the 3 replicas ━━━━━━━━━━

          positions 0..2 keep web-77f9c6d8b (current), nginx:1.26
          no position gets web-5d8f7b9c4 (update), nginx:1.27
          paused: resuming goes back to partition 1
        """
    )


def test_an_unknown_strategy() -> None:
    seen = assess(snapshot([pod(0)], replicas=1, strategy="Recreate"), NOW)
    assert picture.draw(seen) == screen(
        """
        default/web  unknown

          POSITION   POD     RUNS                      STATE
          0          web-0   web-77f9c6d8b (current)   ✔ available

          its update strategy Recreate is unknown to this version of kubectl-pets
          what a partition means to update strategy Recreate is not known here
        """
    )


def test_runs_are_folded_at_the_partition_and_at_differences_only() -> None:
    """As few lines as say it all: a run ends where the side, the revision, the state or the reason does."""
    pods = [pod(ordinal, NEW if ordinal in (40, 41) else OLD) for ordinal in range(100)]
    drawn = picture.draw(assess(snapshot(pods, replicas=100, partition=50), NOW))
    names = [line.split()[1] for line in drawn.split("\n") if "✔" in line]
    assert names == ["web-0..web-39", "web-40..web-41", "web-42..web-49", "web-50..web-99"]


def test_colour_is_only_added() -> None:
    assert bare(picture.draw(builders.stuck(), colour=True)) == picture.draw(builders.stuck())
    assert "\x1b[31m✖ failing\x1b[0m" in picture.draw(builders.stuck(), colour=True)


@pytest.mark.parametrize("width", [1, 20, 79])
@pytest.mark.parametrize("scene", builders.SCENES)
def test_never_wider_than_asked(scene: str, width: int) -> None:
    drawn = picture.draw(builders.SCENES[scene](), width=width)
    assert max(map(cells, drawn.split("\n"))) <= width


def test_a_partition_that_holds_nothing_for_good() -> None:
    """The set was made again over its pods: what is deleted comes back at the wanted revision, whatever the partition."""
    made_again = replace(builders.staged(), current_revision=builders.NEW, before=Before(held=builders.NEW, revision=builders.OLD))
    shown = picture.draw(made_again)
    assert "comes back at the update revision when it is deleted" in shown and "positions 0..2 keep what they run" in shown
    assert f"web-0..web-2 would come back at {builders.NEW}, whatever the partition" in shown
