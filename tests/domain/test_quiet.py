"""What is kept of quiet members from one look at a set to the next: whatever has changed meanwhile, one thing at a time, the verdict and
until when it holds are those of somebody who looks for the first time."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.model import (
    Around,
    Event,
    NodeReadiness,
    ObjectMeta,
    ObjectReference,
    PersistentVolumeClaim,
    PersistentVolumeClaimStatus,
    SetView,
)
from kubectl_pets.domain.rollout import members
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.members import Quiet
from kubectl_pets.domain.rollout.moments import Moment
from kubectl_pets.domain.sets.kinds import KRUISE_SET
from tests.domain import builders
from tests.domain.builders import NEW, NOW, OLD

_CHOICES: dict[str, tuple[Any, ...]] = {
    "replicas": (3, 5, 2),
    "start": (0, 1),
    "partition": (None, 1, 3),
    "min_ready_seconds": (0, 20, 100),
    "update": (NEW, OLD),
    "images": (("app:2",), ("app:3",)),
    "claims": (("data",), ("data", "log"), ()),
    "generation": (2, 3),
    "max_unavailable": (None, 2),
}


class Walk:
    """A set of which one thing changes at each step, or the time goes on, or back."""

    def __init__(self, random: Random) -> None:
        self.random, self.now, self.kind = random, NOW, ""
        self.asked = {name: values[0] for name, values in _CHOICES.items()}
        self.pods = {ordinal: self.pod(ordinal) for ordinal in range(5)}
        self.bound = {f"{name}-web-{ordinal}": self.claim(f"{name}-web-{ordinal}") for name in ("data", "log") for ordinal in range(5)}
        self.owner = self.made()

    def made(self) -> Any:
        return replace(builders.statefulset(**self.asked), api_version=self.kind)

    def pod(self, ordinal: int) -> Any:
        since = self.now - timedelta(seconds=self.random.choice((5, 15, 90, 3000)))
        mounts = (f"data-web-{ordinal}",)
        made = builders.pod(ordinal, self.random.choice((OLD, NEW)), since=since, ready=self.random.random() < 0.9, mounts=mounts)
        if self.random.random() < 0.2:
            containers = tuple(replace(each, image=self.random.choice(("app:2", "app:odd"))) for each in made.spec.containers)
            made = replace(made, spec=replace(made.spec, containers=containers))
        return made

    def claim(self, name: str) -> PersistentVolumeClaim:
        phase = self.random.choice(("Bound", "Bound", "Pending"))
        return PersistentVolumeClaim(metadata=ObjectMeta(name=name, namespace="prod"), status=PersistentVolumeClaimStatus(phase=phase))

    def step(self) -> None:
        steps: tuple[Callable[[], None], ...] = (self.change_set, self.change_set, self.change_pod, self.change_claim, self.wait, self.wait)
        self.random.choice(steps)()

    def change_set(self) -> None:
        name = self.random.choice((*_CHOICES, "kind"))
        if name == "kind":
            self.kind = self.random.choice(("", f"{KRUISE_SET.group}/v1beta1"))
        else:
            self.asked[name] = self.random.choice(_CHOICES[name])
        self.owner = self.made()

    def change_pod(self) -> None:
        ordinal = self.random.randrange(5)
        if self.pods.pop(ordinal, None) is None or self.random.random() < 0.8:
            self.pods[ordinal] = self.pod(ordinal)

    def change_claim(self) -> None:
        name = self.random.choice(sorted(self.bound))
        self.bound[name] = self.claim(name)

    def wait(self) -> None:
        self.now += timedelta(seconds=self.random.choice((0.5, 3, 5, 5, 15, 60, -10)))

    def view(self) -> SetView:
        made = builders.snapshot(self.owner, *self.pods.values())
        return replace(made, pods=tuple(self.pods.values()), claims=tuple(self.bound.values()))

    def around(self) -> Around | None:
        """What may be known besides: nothing, since when a pod is missing, that its node is there or gone, what has befallen it."""
        name = f"web-{self.random.randrange(5)}"
        about = ObjectReference(kind="Pod", name=name, uid=f"pod-{name}")
        ended = Event(
            type="Warning", reason="BackOff", message="Back-off restarting failed container app", last_timestamp=self.now,
            first_timestamp=self.now - timedelta(seconds=60), involved_object=about, count=5,
        )
        node = NodeReadiness(name="node-1", ready=self.random.choice(("True", "", "Unknown")))
        return self.random.choice(
            (None, Around(), Around(missing_since={name: self.now}), Around(nodes=(node,)), Around(events=(ended,)), Around(events=None))
        )


@pytest.mark.parametrize("seed", range(60))
def test_a_look_that_remembers_is_as_the_first_one(seed: int) -> None:
    walk, quiet, patience = Walk(Random(seed)), Quiet(), StuckAfter()
    for number in range(60):
        view = walk.view()
        for around in (None, walk.around(), walk.around()):
            look, whole, kept = replace(view, around=around), Moment.of(walk.now), Moment.of(walk.now)
            expected, seen = assess(look, whole, patience), assess(look, kept, patience, quiet)
            assert (kept.until, seen) == (whole.until, expected), f"step {number}, {around}"
        assert assess(replace(view, around=Around()), walk.now) == assess(view, walk.now), f"step {number}: an empty answer tells nothing"
        walk.step()


def test_of_many_pods_the_one_that_changed_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """200 pods, one of which is written anew; the counters of the set change with it."""
    read: list[int] = []
    reading = getattr(members, "_Reading")
    original = reading.member

    def noted(self: Any, ordinal: int, *more: Any) -> Any:
        read.append(ordinal)
        return original(self, ordinal, *more)

    monkeypatch.setattr(reading, "member", noted)
    owner, quiet = builders.statefulset(replicas=200, update=OLD), Quiet()
    pods = {ordinal: builders.pod(ordinal) for ordinal in range(200)}
    assess(builders.snapshot(owner, *pods.values()), Moment.of(NOW), StuckAfter(), quiet)
    assert len(read) == 200
    read.clear()
    pods[7] = replace(pods[7], metadata=replace(pods[7].metadata, resource_version="99"))
    owner = replace(owner, status=replace(owner.status, ready_replicas=199), metadata=replace(owner.metadata, resource_version="98"))
    later = Moment.of(NOW + timedelta(seconds=1))
    assess(builders.snapshot(owner, *pods.values()), later, StuckAfter(), quiet)
    assert read == [7]
