"""The ways to break, all at the same time on a real kubelet for some three minutes: what is said of each, moment by moment.

One recording serves all tests. It is judged as a watching verb would judge it, every second and at every event; at its end the
program itself looks at each set once.
"""

import json
import secrets
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from kubectl_pets.domain.rollout.verdict import Blocker, Phase
from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane
from tests.domain.recording import Look, Recording, judged, phases
from tests.node.recorder import broken
from tests.node.ways import WAYS, Ends, Way

pytestmark = [pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(600)]


class Found:
    """The recording, and the plugin pointed at the namespace in which the pods still are."""

    def __init__(self, recording: Recording, pets: Plugin) -> None:
        self.pets = pets
        self._recording = recording

    @cache
    def looks(self, name: str) -> tuple[Look, ...]:
        return judged(self._recording, name)


@pytest.fixture(scope="module")
def found(controlplane: ControlPlane) -> Iterator[Found]:
    namespace = f"ways-{secrets.token_hex(4)}"
    yield Found(broken(controlplane, namespace, "ways"), Plugin(controlplane, namespace))
    controlplane.delete_namespace(namespace)


def _told(blocker: Blocker) -> str:
    """All words of the cause."""
    return f"{blocker.reason} {blocker.message} {blocker.end} {blocker.exit_code} {blocker.signal}"


each_way = pytest.mark.parametrize("way", WAYS, ids=[way.name for way in WAYS])


@each_way
def test_nothing_is_called_complete_that_comes_down_again(found: Found, way: Way) -> None:
    # Before it has ended once, nothing tells a crash loop, or a pod that will be evicted, from a good start.
    first = {Ends.PROGRESSING: 0, Ends.STUCK: 1, Ends.COMPLETE: 3}[way.ends]
    assert not [look.at for look in found.looks(way.name) if look.seen.phase is Phase.COMPLETE and look.restarts >= first]


@each_way
def test_the_verdict_does_not_flap(found: Found, way: Way) -> None:
    """Each phase comes once: a start, trouble that may pass, no patience any more."""
    said = phases(found.looks(way.name))
    order = [phase for phase, _ in said]
    if way.ends is Ends.STUCK:
        assert order.count(Phase.STUCK) == 1 and order[-1] is Phase.STUCK and order.count(Phase.FAILING) <= 1, said
    else:
        assert Phase.STUCK not in order, said


@each_way
def test_it_ends_as_it_should_and_the_cause_is_named(found: Found, way: Way) -> None:
    seen = found.looks(way.name)[-1].seen
    assert seen.phase is Phase(way.ends.value), seen.failing
    if way.ends is Ends.STUCK:
        [blocker] = seen.blockers
        assert blocker.pod == f"{way.name}-0"
        assert all(cause in _told(blocker) for cause in way.causes), _told(blocker)
    else:
        assert not seen.blockers


@each_way
def test_the_program_says_the_same_when_it_looks_once(found: Found, way: Way) -> None:
    """From the pod's own memory, and from events where it has none."""
    code = {Ends.COMPLETE: 0, Ends.STUCK: 4, Ends.PROGRESSING: 3}[way.ends]
    # With the patience that it has by itself.
    result = found.pets.typed("status", way.name, "-o", "json", *found.pets.place())
    assert result.code == code, result
    said: Any = json.loads(result.stdout)
    assert said["status"]["phase"] == way.ends.value
    if way.ends is Ends.STUCK:
        [blocker] = said["status"]["blockers"]
        assert all(cause in json.dumps(blocker, ensure_ascii=False).replace('\\"', '"') for cause in way.causes), blocker
