"""Whether a rollout has come to what somebody waits for."""

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import Pod, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.stepping.until import KubectlEnd, Progress, Until, kubectl_end, progress
from tests.domain.builders import NEW, NOW, OLD, failing, pod, snapshot, statefulset, unready

_DONE, _ON, _REST, _STUCK = Progress.REACHED, Progress.GOING_ON, Progress.RESTING, Progress.STUCK
FRESH = (pod(0, NEW), pod(1, NEW), pod(2, NEW))
HALF = (pod(0), pod(1), pod(2, NEW))
STALE = (pod(0), pod(1), pod(2))


@pytest.mark.parametrize(
    ("owner", "pods", "complete", "canary", "ready"),
    [
        pytest.param(statefulset(), FRESH, _DONE, _DONE, _DONE, id="complete"),
        pytest.param(statefulset(partition=2), HALF, _REST, _DONE, _DONE, id="partition reached"),
        pytest.param(statefulset(partition=3), STALE, _REST, _REST, _DONE, id="only staged is no canary"),
        pytest.param(statefulset(partition=1), HALF, _ON, _ON, _DONE, id="progressing"),
        pytest.param(statefulset(), (pod(0), pod(1), unready(2, NEW)), _ON, _ON, _ON, id="not ready"),
        pytest.param(statefulset(), (pod(0), pod(1), failing(2, NEW)), _STUCK, _STUCK, _STUCK, id="stuck"),
        pytest.param(statefulset(strategy="OnDelete"), HALF, _REST, _REST, _DONE, id="waiting for delete"),
        pytest.param(statefulset(observed=1), FRESH, _ON, _ON, _ON, id="not observed"),
        pytest.param(statefulset(deleting=True), FRESH, _ON, _ON, _ON, id="deleting"),
        pytest.param(statefulset(), (), _ON, _ON, _ON, id="no pods"),
        pytest.param(statefulset(), (*FRESH, pod(3, NEW)), _ON, _ON, _ON, id="surplus"),
        pytest.param(statefulset(replicas=0), (), _DONE, _DONE, _DONE, id="none wanted"),
        pytest.param(statefulset(strategy="Recreate", current=OLD), HALF, _ON, _ON, _DONE, id="unknown strategy"),
        pytest.param(None, (), Progress.GONE, Progress.GONE, Progress.GONE, id="gone"),
    ],
)
def test_progress(owner: StatefulSet | None, pods: tuple[Pod, ...], complete: Progress, canary: Progress, ready: Progress) -> None:
    seen = assess(snapshot(owner, *pods), NOW)
    assert [progress(until, seen) for until in (Until.COMPLETE, Until.CANARY, Until.READY)] == [complete, canary, ready]


def test_pods_that_cannot_be_read_are_not_ready() -> None:
    """Not even where none are wanted: one may be left. Nor is there anything to wait for."""
    seen = assess(replace(snapshot(statefulset(replicas=0)), pods=None), NOW)
    assert [progress(until, seen) for until in Until] == [_REST] * 4


@pytest.mark.parametrize(
    ("owner", "pods", "quorum"),
    [
        pytest.param(statefulset(), FRESH, _DONE, id="all"),
        pytest.param(statefulset(), (pod(0), pod(1), failing(2, NEW)), _DONE, id="two of three, and the third is stuck"),
        pytest.param(statefulset(), (pod(0), unready(1), unready(2)), _ON, id="one of three"),
        pytest.param(statefulset(), (pod(0), failing(1, NEW), failing(2, NEW)), _STUCK, id="stuck without it"),
        pytest.param(statefulset(replicas=4), (pod(0), pod(1)), _ON, id="half is no majority"),
        pytest.param(statefulset(deleting=True), FRESH, _ON, id="deleting"),
        pytest.param(statefulset(observed=1), FRESH, _ON, id="not observed"),
        pytest.param(statefulset(strategy="OnDelete"), HALF, _DONE, id="revisions do not matter"),
        pytest.param(statefulset(replicas=0), (), _DONE, id="none wanted"),
    ],
)
def test_quorum(owner: StatefulSet, pods: tuple[Pod, ...], quorum: Progress) -> None:
    assert progress(Until.QUORUM, assess(snapshot(owner, *pods), NOW)) is quorum


@pytest.mark.parametrize(
    ("owner", "pods", "end"),
    [
        pytest.param(statefulset(), FRESH, None, id="complete"),
        pytest.param(statefulset(), HALF, None, id="under way"),
        pytest.param(statefulset(partition=2), HALF, KubectlEnd.PARTITIONED, id="all that is released"),
        pytest.param(statefulset(partition=3), STALE, KubectlEnd.PARTITIONED, id="nothing is released: kubectl calls it complete"),
        pytest.param(statefulset(partition=1), HALF, None, id="one is still to be replaced"),
        pytest.param(statefulset(partition=2), (pod(0), pod(1), unready(2, NEW)), None, id="not ready"),
        pytest.param(statefulset(strategy="OnDelete"), HALF, KubectlEnd.NOT_FOR_STRATEGY, id="OnDelete"),
        pytest.param(statefulset(strategy="OnDelete"), FRESH, KubectlEnd.NOT_FOR_STRATEGY, id="OnDelete, and complete"),
        pytest.param(None, (), None, id="gone"),
    ],
)
def test_where_kubectl_ends(owner: StatefulSet | None, pods: tuple[Pod, ...], end: KubectlEnd | None) -> None:
    assert kubectl_end(assess(snapshot(owner, *pods), NOW)) is end
