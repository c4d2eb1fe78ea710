"""``kubectl pets status``, whole screens."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import Around, NodeReadiness
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.views.rollout import tree
from kubectl_pets.views.text.ink import bare, cells
from tests.views import builders
from tests.views.builders import NEW, NOW, pod, snapshot
from tests.views.screens import screen


def test_complete() -> None:
    assert tree.draw(builders.complete(), NOW) == screen(
        """
        default/web  complete
        │  RollingUpdate, partition 0, OrderedReady, age 40d
        │  3/3 ready, 3/3 updated, 3 claims, the youngest pod up for 2d
        ├─ Revisions
        │  └─ web-5d8f7b9c4  (update) (current)  3 pods  revision 2  nginx:1.27
        └─ Pods      STATE        REVISION   NODE    AGE   RESTARTS  CLAIMS
           ├─ web-0  ✔ available  5d8f7b9c4  node-a  3d4h  0         data-web-0: Bound
           ├─ web-1  ✔ available  5d8f7b9c4  node-b  3d4h  0         data-web-1: Bound
           └─ web-2  ✔ available  5d8f7b9c4  node-c  3d4h  0         data-web-2: Bound
        """
    )


def test_left_over() -> None:
    assert tree.draw(builders.left_over(), NOW) == screen(
        """
        default/web  complete, but PARTITION 2 IS LEFT OVER
        │  RollingUpdate, partition 2 of 3, OrderedReady, age 40d
        │  3/3 ready, 3/3 updated, 3 claims, the youngest pod up for 2d
        │  ! partition 2 is left over: the next change will reach only 1 of 3 pods
        │    clear it with: kubectl pets partition web 0 -n default
        ├─ Revisions
        │  └─ web-5d8f7b9c4  (update) (current)  3 pods  revision 2  nginx:1.27
        └─ Pods      STATE        REVISION   NODE    AGE   RESTARTS  CLAIMS
           ├─ web-0  ✔ available  5d8f7b9c4  node-a  3d4h  0         data-web-0: Bound
           ├─ web-1  ✔ available  5d8f7b9c4  node-b  3d4h  0         data-web-1: Bound
           ├─ ┄┄ partition 2: from here on the update revision ┄┄
           └─ web-2  ✔ available  5d8f7b9c4  node-c  3d4h  0         data-web-2: Bound
        """
    )


def test_staged() -> None:
    assert tree.draw(builders.staged(), NOW) == screen(
        """
        default/web  staged, nothing released
        │  RollingUpdate, partition 3 of 3, OrderedReady, age 40d
        │  3/3 ready, 0/3 updated, 3 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   0 pods  revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  3 pods  revision 1  nginx:1.26
        ├─ Pods      STATE        REVISION   NODE    AGE   RESTARTS  CLAIMS
        │  ├─ web-0  ✔ available  77f9c6d8b  node-a  3d4h  0         data-web-0: Bound
        │  ├─ web-1  ✔ available  77f9c6d8b  node-b  3d4h  0         data-web-1: Bound
        │  ├─ web-2  ✔ available  77f9c6d8b  node-c  3d4h  0         data-web-2: Bound
        │  └─ ┄┄ partition 3: nothing is released ┄┄
        └─ Waits for   the partition to release web-2..web-0
        """
    )


def test_paused() -> None:
    assert tree.draw(builders.paused(), NOW) == screen(
        """
        default/web  paused at partition 2
        │  RollingUpdate, partition 2 of 3, OrderedReady, age 40d
        │  3/3 ready, 1/3 updated, 3 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   1 pod   revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  2 pods  revision 1  nginx:1.26
        ├─ Pods      STATE        REVISION   NODE    AGE   RESTARTS  CLAIMS
        │  ├─ web-0  ✔ available  77f9c6d8b  node-a  3d4h  0         data-web-0: Bound
        │  ├─ web-1  ✔ available  77f9c6d8b  node-b  3d4h  0         data-web-1: Bound
        │  ├─ ┄┄ partition 2: from here on the update revision ┄┄
        │  └─ web-2  ✔ available  5d8f7b9c4  node-c  4m    0         data-web-2: Bound
        └─ Waits for   the partition to release web-1, web-0
        """
    )


def test_stuck() -> None:
    assert tree.draw(builders.stuck(), NOW) == screen(
        """
        default/web  stuck
        │  RollingUpdate, partition 2 of 3, OrderedReady, age 40d
        │  2/3 ready, 1/3 updated, 3 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   1 pod   revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  2 pods  revision 1  nginx:1.26
        ├─ Pods      STATE        REVISION   NODE    AGE   RESTARTS  CLAIMS
        │  ├─ web-0  ✔ available  77f9c6d8b  node-a  3d4h  0         data-web-0: Bound
        │  ├─ web-1  ✔ available  77f9c6d8b  node-b  3d4h  2         data-web-1: Bound
        │  ├─ ┄┄ partition 2: from here on the update revision ┄┄
        │  └─ web-2  ✖ failing    5d8f7b9c4  node-c  3m    0         data-web-2: Bound
        │            ImagePullBackOff: Back-off pulling image "nginx:1.27"
        ├─ Waits for   web-2 to start
        └─ Blocked by  [image:pull] web-2 is in ImagePullBackOff: Back-off pulling image "nginx:1.27"
        """
    )


def test_rolling() -> None:
    assert tree.draw(builders.rolling(), NOW) == screen(
        """
        default/web  progressing
        │  RollingUpdate, partition 0, OrderedReady, maxUnavailable 1, minReadySeconds 30, age 40d
        │  2/3 ready, 2/3 available, 1/3 updated, 3 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   1 pod   revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  2 pods  revision 1  nginx:1.26
        ├─ Pods      STATE          REVISION   NODE    AGE   RESTARTS  CLAIMS
        │  ├─ web-0  ✔ available    77f9c6d8b  node-a  3d4h  0         data-web-0: Bound
        │  ├─ web-1  ◌ terminating  77f9c6d8b  node-b  3d4h  0         data-web-1: Bound
        │  └─ web-2  ✔ available    5d8f7b9c4  node-c  60s   0         data-web-2: Bound
        └─ Waits for   web-1 to terminate
        """
    )


def test_scaling() -> None:
    assert tree.draw(builders.scaling(), NOW) == screen(
        """
        default/web  scaling
        │  RollingUpdate, partition 0, OrderedReady, ordinals from 5, age 40d
        │  2/3 ready, 2/3 updated, 1 to be removed
        ├─ Revisions
        │  └─ web-5d8f7b9c4  (update) (current)  3 pods  revision 2  nginx:1.27
        ├─ Pods      STATE        REVISION   NODE    AGE   RESTARTS  CLAIMS
        │  ├─ web-5  ✔ available  5d8f7b9c4  node-c  3d4h  0         data-web-5: ?
        │  ├─ web-6  ✔ available  5d8f7b9c4  node-a  3d4h  0         data-web-6: ?
        │  ├─ web-7  · missing    -          -       -     -         -
        │  └─ web-8  ✔ available  5d8f7b9c4  node-c  3d4h  0         data-web-8: ?
        │            beyond the range, to be removed
        ├─ Waits for   web-7 to be created
        └─ Waits for   web-8 to be scaled down
        """
    )


def test_on_delete() -> None:
    assert tree.draw(builders.on_delete(), NOW) == screen(
        """
        default/web  waiting for outdated pods to be deleted
        │  OnDelete, OrderedReady, age 40d
        │  3/3 ready, 1/3 updated, 3 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   1 pod   revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  2 pods  revision 1  nginx:1.26
        ├─ Pods      STATE        REVISION   NODE    AGE   RESTARTS  CLAIMS
        │  ├─ web-0  ✔ available  77f9c6d8b  node-a  3d4h  0         data-web-0: Bound
        │  ├─ web-1  ✔ available  77f9c6d8b  node-b  3d4h  0         data-web-1: Bound
        │  └─ web-2  ✔ available  5d8f7b9c4  node-c  3d4h  0         data-web-2: Bound
        └─ Waits for   somebody to delete web-1, web-0
        """
    )


def test_unreadable() -> None:
    assert tree.draw(builders.unreadable(), NOW) == screen(
        """
        default/web  unknown
        │  RollingUpdate, partition 0, OrderedReady, age 40d
        │  3 replicas, pods unknown
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   ? pods  revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  ? pods  revision 1  nginx:1.26
        ├─ Pods
        │  └─ could not be read
        └─ Blocked by  [unreadable:pods] its pods could not be read, so nothing can be said of them
        """
    )


def test_gone() -> None:
    assert tree.draw(builders.gone(), NOW) == screen(
        """
        the StatefulSet  gone
        """
    )


def test_empty() -> None:
    assert tree.draw(builders.empty(), NOW) == screen(
        """
        default/web  complete
        │  RollingUpdate, partition 0, OrderedReady, age 40d
        │  0/0 ready, 0/0 updated, 0 claims
        ├─ Revisions
        │  └─ web-5d8f7b9c4  (update) (current)  0 pods  revision 2  nginx:1.27
        └─ Pods
           └─ none
        """
    )


def test_every_kind_of_trouble() -> None:
    assert tree.draw(builders.trouble(), NOW) == screen(
        """
        default/web  scaling
        │  RollingUpdate, partition 1 of 6, Parallel, resumes at partition 0, maxUnavailable 50%, minReadySeconds 30, ordinals from 5, age 40d
        │  1/6 ready, 0/6 available, 3/6 updated, 1 to be removed, 5 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   4 pods  revision 2  app=nginx:1.27, proxy=envoy:1.31
        │  ├─ web-77f9c6d8b  (current)  1 pod   revision 1  app=nginx:1.26, proxy=envoy:1.31
        │  └─ web-6b5f4d3c2             1 pod   revision ?  -
        ├─ Pods       STATE                REVISION   NODE       AGE   RESTARTS  CLAIMS
        │  ├─ web-3   ✔ available          5d8f7b9c4  node-a     3d4h  0         data-web-3: missing
        │  │          beyond the range, to be removed
        │  ├─ web-5   ✖ stuck terminating  77f9c6d8b  node-lost  3d4h  0         data-web-5: Bound
        │  ├─ ┄┄ partition 1: from here on the update revision ┄┄
        │  ├─ web-6   ✖ unschedulable      5d8f7b9c4  -          3d4h  0         data-web-6: Bound
        │  │          Unschedulable: 0/3 nodes are available: 3 Insufficient memory.
        │  ├─ web-7   ✖ ended              6b5f4d3c2  node-b     3d4h  0         data-web-7: Bound
        │  │          Failed
        │  ├─ web-8   ◌ not ready          5d8f7b9c4  node-c     3d4h  4         data-web-8: Bound
        │  ├─ web-9   ◌ ready              5d8f7b9c4  node-a     3d4h  0         data-web-9: Pending
        │  │          available in 12s
        │  └─ web-10  · missing            -          -          -     -         -
        ├─ Waits for   web-10 to be created
        ├─ Waits for   web-9 to stay ready for minReadySeconds
        ├─ Waits for   web-8 to become ready
        ├─ Waits for   web-7 to be replaced
        ├─ Waits for   web-6 to be scheduled
        ├─ Waits for   web-5 to terminate
        ├─ Waits for   web-3 to be scaled down
        ├─ Blocked by  [terminating:overdue] web-5 is still terminating long after its grace period; its node may not answer
        └─ Blocked by  [schedule:resources] web-6 cannot be scheduled: 0/3 nodes are available: 3 Insufficient memory.
        """
    )


def test_wide_shows_whole_revisions_and_since_when() -> None:
    assert tree.draw(builders.rolling(), NOW, width=20, wide=True) == screen(
        """
        default/web  progressing
        │  RollingUpdate, partition 0, OrderedReady, maxUnavailable 1, minReadySeconds 30, age 40d
        │  2/3 ready, 2/3 available, 1/3 updated, 3 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   1 pod   revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  2 pods  revision 1  nginx:1.26
        ├─ Pods      STATE          REVISION       NODE    AGE   RESTARTS  CLAIMS             AVAILABLE
        │  ├─ web-0  ✔ available    web-77f9c6d8b  node-a  3d4h  0         data-web-0: Bound  for 47h
        │  ├─ web-1  ◌ terminating  web-77f9c6d8b  node-b  3d4h  0         data-web-1: Bound  for 47h
        │  └─ web-2  ✔ available    web-5d8f7b9c4  node-c  60s   0         data-web-2: Bound  for 10s
        └─ Waits for   web-1 to terminate
        """
    )


def test_being_deleted() -> None:
    seen = assess(snapshot([pod(0, leaving=NOW + timedelta(seconds=5))], replicas=1, deleting=NOW), NOW)
    assert tree.draw(seen, NOW) == screen(
        """
        default/web  being deleted
        │  RollingUpdate, partition 0, OrderedReady, age 40d
        │  0/1 ready, 0/1 updated, 0 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   0 pods  revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  1 pod   revision 1  nginx:1.26
        └─ Pods      STATE          REVISION   NODE    AGE   RESTARTS  CLAIMS
           └─ web-0  ◌ terminating  77f9c6d8b  node-a  3d4h  0         data-web-0: missing
        """
    )


def test_not_yet_observed() -> None:
    seen = assess(snapshot([pod(0)], replicas=1, generation=5, observed=4), NOW)
    assert tree.draw(seen, NOW) == screen(
        """
        default/web  progressing
        │  RollingUpdate, partition 0, OrderedReady, age 40d
        │  1/1 ready, 0/1 updated, 0 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   0 pods  revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  1 pod   revision 1  nginx:1.26
        ├─ Pods      STATE        REVISION   NODE    AGE   RESTARTS  CLAIMS
        │  └─ web-0  ✔ available  77f9c6d8b  node-a  3d4h  0         data-web-0: missing
        └─ Waits for   the controller to see the newest spec
        """
    )


def test_cut_to_the_width() -> None:
    assert tree.draw(builders.stuck(), NOW, width=60) == screen(
        """
        default/web  stuck
        │  RollingUpdate, partition 2 of 3, OrderedReady, age 40d
        │  2/3 ready, 1/3 updated, 3 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   1 pod   nginx:1.27
        │  └─ web-77f9c6d8b  (current)  2 pods  nginx:1.26
        ├─ Pods      STATE        REVISION   NODE    AGE   RESTARTS
        │  ├─ web-0  ✔ available  77f9c6d8b  node-a  3d4h  0
        │  ├─ web-1  ✔ available  77f9c6d8b  node-b  3d4h  2
        │  ├─ ┄┄ partition 2: from here on the update revision ┄┄
        │  └─ web-2  ✖ failing    5d8f7b9c4  node-c  3m    0
        │            ImagePullBackOff: Back-off pulling image "ngin…
        ├─ Waits for   web-2 to start
        └─ Blocked by  [image:pull] web-2 is in ImagePullBackOff:
                       Back-off pulling image "nginx:1.27"
        """
    )


def test_folded_to_the_height_around_what_matters() -> None:
    assert tree.draw(builders.large(), NOW, height=20) == screen(
        """
        default/web  progressing
        │  RollingUpdate, partition 100 of 120, OrderedReady, age 40d
        │  119/120 ready, 20/120 updated
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   20 pods  revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  99 pods  revision 1  nginx:1.26
        ├─ Pods        STATE        REVISION   NODE    AGE   RESTARTS  CLAIMS
        │  ├─ web-0    ✔ available  77f9c6d8b  node-a  3d4h  0         data-web-0: ?
        │  ├─ web-1    ✔ available  77f9c6d8b  node-b  3d4h  0         data-web-1: ?
        │  ├─ web-2    ✔ available  77f9c6d8b  node-c  3d4h  0         data-web-2: ?
        │  ├─ web-3    ✔ available  77f9c6d8b  node-a  3d4h  0         data-web-3: ?
        │  ├─ web-4    ✔ available  77f9c6d8b  node-b  3d4h  0         data-web-4: ?
        │  ├─ web-5    ✔ available  77f9c6d8b  node-c  3d4h  0         data-web-5: ?
        │  ├─ web-6    ✔ available  77f9c6d8b  node-a  3d4h  0         data-web-6: ?
        │  ├─ ⋯ web-7..web-59: 53 pods, 53 available
        │  ├─ web-60   · missing    -          -       -     -         -
        │  ├─ ⋯ web-61..web-99: 39 pods, 39 available
        │  ├─ ┄┄ partition 100: from here on the update revision ┄┄
        │  └─ ⋯ web-100..web-119: 20 pods, 20 available
        └─ Waits for   web-60 to be created
        """
    )


def test_equal_blockers_are_one_line_with_a_count() -> None:
    pods = [pod(ordinal, NEW, ready=False, waiting=("CrashLoopBackOff", "")) for ordinal in range(8)]
    seen = assess(snapshot(pods, replicas=8, policy="Parallel"), NOW)
    assert tree.draw(seen, NOW, height=18) == screen(
        """
        default/web  stuck
        │  RollingUpdate, partition 0, Parallel, age 40d
        │  0/8 ready, 8/8 updated, 0 claims
        ├─ Revisions
        │  ├─ web-5d8f7b9c4  (update)   8 pods  revision 2  nginx:1.27
        │  └─ web-77f9c6d8b  (current)  0 pods  revision 1  nginx:1.26
        ├─ Pods      STATE      REVISION   NODE    AGE   RESTARTS  CLAIMS
        │  ├─ web-0  ✖ failing  5d8f7b9c4  node-a  3d4h  0         data-web-0: missing
        │  │         CrashLoopBackOff
        │  ├─ web-1  ✖ failing  5d8f7b9c4  node-b  3d4h  0         data-web-1: missing
        │  │         CrashLoopBackOff
        │  ├─ web-2  ✖ failing  5d8f7b9c4  node-c  3d4h  0         data-web-2: missing
        │  │         CrashLoopBackOff
        │  ├─ web-3  ✖ failing  5d8f7b9c4  node-a  3d4h  0         data-web-3: missing
        │  │         CrashLoopBackOff
        │  └─ ⋯ web-4..web-7: 4 pods, 0 available
        ├─ Waits for   web-7..web-0 to start
        └─ Blocked by  [crash:exit] 8 pods (web-0..web-7): web-0 is in CrashLoopBackOff
        """
    )


def test_many_ways_to_be_blocked_are_counted() -> None:
    pods = [pod(ordinal, NEW, ready=False, waiting=("CrashLoopBackOff", f"way {ordinal}")) for ordinal in range(8)]
    drawn = tree.draw(assess(snapshot(pods, replicas=8, policy="Parallel"), NOW), NOW).splitlines()
    assert len([line for line in drawn if "Blocked by" in line]) == 5 and drawn[-1] == "└─             and 3 more"


def test_colour_is_only_added() -> None:
    coloured = tree.draw(builders.stuck(), NOW, width=60, colour=True)
    assert bare(coloured) == tree.draw(builders.stuck(), NOW, width=60)
    assert "\x1b[31m✖ failing\x1b[0m" in coloured


@pytest.mark.parametrize("width", [1, 5, 20, 79, 200])
@pytest.mark.parametrize("scene", builders.SCENES)
def test_never_wider_than_asked(scene: str, width: int) -> None:
    drawn = tree.draw(builders.SCENES[scene](), NOW, width=width)
    assert max(map(cells, drawn.split("\n"))) <= width


@pytest.mark.parametrize("height", [2, 5, 9, 14, 30, 60, 150])
@pytest.mark.parametrize("scene", builders.SCENES)
def test_never_higher_than_asked_and_no_lower_than_need_be(scene: str, height: int) -> None:
    seen = builders.SCENES[scene]()
    whole = tree.draw(seen, NOW).split("\n")
    drawn = tree.draw(seen, NOW, height=height).split("\n")
    assert len(drawn) <= height
    assert drawn == whole if len(whole) <= height else len(drawn) >= height - 1


def test_what_just_fits_is_not_folded() -> None:
    whole = tree.draw(builders.trouble(), NOW)
    assert tree.draw(builders.trouble(), NOW, height=whole.count("\n") + 1) == whole
    assert "⋯" in tree.draw(builders.trouble(), NOW, height=whole.count("\n"))


def test_what_blocks_is_the_last_to_be_cut() -> None:
    blocked = '└─ Blocked by  [image:pull] web-2 is in ImagePullBackOff: Back-off pulling image "nginx:1.27"'
    assert tree.draw(builders.stuck(), NOW, height=4).splitlines() == [
        "default/web  stuck",
        "│  RollingUpdate, partition 2 of 3, OrderedReady, age 40d",
        blocked,
        "… the window is too low for the rest",
    ]
    assert tree.draw(builders.stuck(), NOW, height=2).splitlines() == ["default/web  stuck", blocked]


@pytest.mark.parametrize("height", range(2, 16))
def test_what_blocks_is_seen_at_every_height(height: int) -> None:
    assert "[image:pull] web-2 is in ImagePullBackOff" in tree.draw(builders.stuck(), NOW, height=height)


def test_what_is_failing_counts_down_and_a_silent_node_and_missing_rights_are_named() -> None:
    node = NodeReadiness(name="node-c", ready="Unknown", since=builders.NOW - timedelta(seconds=45))
    broken = builders.pod(2, builders.NEW, ready=False, waiting=("ErrImagePull", "not found"), created=builders.ago(seconds=30))
    view = replace(builders.snapshot([builders.pod(0), builders.pod(1), broken]), around=Around(events=None, nodes=(node,)))
    lines = tree.draw(assess(view, builders.NOW), builders.NOW).splitlines()
    assert lines[0] == "default/web  failing"
    assert [line for line in lines if line[:2] in ("├─", "└─")][-4:] == [
        "├─ Waits for   web-2 to start",
        "├─ Failing     [image:not-found] stuck in 90s: web-2 is in ErrImagePull: not found",
        "├─ Silent      node node-c does not answer, for 45s; see its pods with: kubectl pets lost web -n default",
        "└─ Not read    no right to list events, so why a pod is missing or does not start may stay unknown",
    ]
