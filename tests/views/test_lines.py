"""Watching without a terminal: a line a change, and no line for what does not matter."""

from datetime import timedelta
from itertools import pairwise

from kubectl_pets.domain.model import Pod, SetView
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.views.rollout.lines import changes
from tests.views import builders
from tests.views.builders import NEW, NOW, ago, pod, snapshot

LATER = NOW + timedelta(seconds=2)


def seen(*pods: Pod, **spec: int) -> Assessment:
    return assess(snapshot(pods, **spec), NOW)  # type: ignore[arg-type]


def test_the_first_line_says_where_it_stands() -> None:
    assert changes(None, builders.paused(), NOW) == ["2026-11-24T12:04:31Z default/web: paused at partition 2: 1/3 updated"]


def test_nothing_changed() -> None:
    assert changes(builders.rolling(), builders.rolling(), LATER) == []


def test_a_pod_goes_through_its_replacement() -> None:
    states = [
        seen(pod(0), pod(1), pod(2)),
        seen(pod(0), pod(1), pod(2, leaving=NOW)),
        seen(pod(0), pod(1)),
        seen(pod(0), pod(1), pod(2, NEW, phase="Pending", ready=False)),
        seen(pod(0), pod(1), pod(2, NEW, ready=False)),
        seen(pod(0), pod(1), pod(2, NEW)),
        seen(pod(0), pod(1), pod(2, NEW), partition=2),
    ]
    told = [changes(before, after, LATER) for before, after in pairwise(states)]
    assert told == [
        ["2026-11-24T12:04:33Z web-2 terminating"],
        ["2026-11-24T12:04:33Z web-2 missing"],
        ["2026-11-24T12:04:33Z web-2 creating"],
        ["2026-11-24T12:04:33Z web-2 not ready"],
        ["2026-11-24T12:04:33Z web-2 available at web-5d8f7b9c4 (1/3 updated)"],
        ["2026-11-24T12:04:33Z partition 0 -> 2", "2026-11-24T12:04:33Z phase: progressing -> paused at partition 2: 1/3 updated"],
    ]


def test_ready_says_when_it_will_be_available() -> None:
    before = assess(snapshot([pod(0, NEW, ready=False)], replicas=1, min_ready=30), NOW)
    after = assess(snapshot([pod(0, NEW, since=ago(seconds=18))], replicas=1, min_ready=30), NOW)
    assert changes(before, after, NOW) == ["2026-11-24T12:04:31Z web-0 ready, available in 12s"]


def test_failure_comes_with_its_reason_and_the_phase() -> None:
    before = seen(pod(0), pod(1), pod(2, NEW, ready=False), partition=2)
    assert changes(before, assess(snapshot([pod(0), pod(1), builders.pull_failure()], partition=2), NOW), LATER) == [
        '2026-11-24T12:04:33Z web-2 failing: ImagePullBackOff: Back-off pulling image "nginx:1.27"',
        '2026-11-24T12:04:33Z phase: progressing -> stuck: web-2 is in ImagePullBackOff: Back-off pulling image "nginx:1.27"',
    ]


def test_a_kubelet_that_wavers_makes_no_lines() -> None:
    before = seen(pod(0, NEW, ready=False, waiting=("ErrImagePull", "not found")), replicas=1)
    after = seen(pod(0, NEW, ready=False, waiting=("ImagePullBackOff", "Back-off")), replicas=1)
    assert changes(before, after, LATER) == []


def test_a_new_pod_in_the_same_state_is_told_by_its_uid() -> None:
    assert changes(seen(pod(0), replicas=1, partition=0), seen(pod(0, NEW), replicas=1), LATER)[0] == (
        "2026-11-24T12:04:33Z web-0 available at web-5d8f7b9c4 (1/1 updated)"
    )


def test_a_restart() -> None:
    assert changes(seen(pod(0), replicas=1), seen(pod(0, restarts=3), replicas=1), LATER) == ["2026-11-24T12:04:33Z web-0 restarted (3 restarts)"]


def test_scaling_down() -> None:
    before = seen(pod(0, NEW), pod(1, NEW), replicas=2)
    after = seen(pod(0, NEW), pod(1, NEW), replicas=1)
    assert changes(before, after, LATER) == [
        "2026-11-24T12:04:33Z replicas 2 -> 1",
        "2026-11-24T12:04:33Z phase: complete -> scaling: waiting for web-1 to be scaled down",
    ]
    assert changes(after, seen(pod(0, NEW), replicas=1), LATER) == [
        "2026-11-24T12:04:33Z web-1 gone",
        "2026-11-24T12:04:33Z phase: scaling -> complete",
    ]


def test_another_template() -> None:
    before = assess(snapshot([pod(0)], replicas=1, update="web-77f9c6d8b"), NOW)
    assert changes(before, assess(snapshot([pod(0)], replicas=1), NOW), LATER) == [
        "2026-11-24T12:04:33Z template changed: web-77f9c6d8b -> web-5d8f7b9c4",
        "2026-11-24T12:04:33Z phase: complete -> progressing: waiting for web-0 to be replaced",
    ]


def test_pods_that_cannot_be_read_have_not_gone() -> None:
    """And they do not come back either when the right is given."""
    known, unknown = builders.paused(), assess(snapshot(None, partition=2), NOW)
    assert changes(known, unknown, LATER) == [
        "2026-11-24T12:04:33Z phase: paused at partition 2 -> unknown: its pods could not be read, so nothing can be said of them"
    ]
    assert changes(unknown, known, LATER) == ["2026-11-24T12:04:33Z phase: unknown -> paused at partition 2: 1/3 updated"]


def test_gone_and_made_anew() -> None:
    gone = assess(SetView(set=None), NOW)
    assert changes(builders.paused(), gone, LATER) == ["2026-11-24T12:04:33Z the StatefulSet: gone"]
    assert changes(gone, builders.paused(), LATER) == ["2026-11-24T12:04:33Z default/web: paused at partition 2: 1/3 updated"]
