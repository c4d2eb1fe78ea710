"""Scaling under faults that a real cluster does not produce on demand: lost answers, outages, conflicts, a set that changes."""

from collections.abc import Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Iterator, cast

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import PatchSet
from kubectl_pets.domain.model import SetView, StatefulSet
from kubectl_pets.domain.scale.types import Surroundings, Wish
from kubectl_pets.domain.sets.kinds import SetKind, SetRef
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, PetsError, UnreachableError
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.scale.carry import scale_to
from kubectl_pets.session import Cluster, Session
from tests.commands.test_conductor import Scripted
from tests.domain.builders import NEW, NOW, failing, pod, snapshot, statefulset
from tests.terminal import FakeTerminal

LOST = UnreachableError("no answer")
FASTER = ConflictError("it changed since it was read")


def look(replicas: int, pods: int, **changes: Any) -> SetView:
    return snapshot(statefulset(replicas=replicas, current=NEW, **changes), *(pod(each, NEW) for each in range(pods)))


THREE, ASKED, FIVE = look(3, 3), look(5, 3), look(5, 5)


class Script(Scripted):
    """With what scaling asks besides. A change brings the next scene, also one whose answer is lost with ``carried``."""

    def __init__(self, *scenes: SetView, carried: bool = False, **kw: Any) -> None:
        super().__init__(*scenes, **kw)
        self.carried = carried

    @contextmanager
    def watch_set(self, namespace: str, name: str, kind: SetKind) -> Iterator["Script"]:
        yield self

    def surroundings(self, owner: StatefulSet) -> Surroundings:
        return Surroundings(claims=(), volumes={}, autoscalers=(), scaled_objects=())

    def missing_rights(self, namespace: str, needed: Sequence[tuple[str, str]]) -> tuple[()]:
        return ()

    def server_name(self) -> str:
        return "a server"

    @property
    def namespace(self) -> str:
        return "prod"

    def apply(self, change: Any, *, dry_run: bool = False) -> None:
        if self.carried and self.applies:
            failure = self.applies.pop(0)
            self._on()
            assert failure is not None
            raise failure
        super().apply(change, dry_run=dry_run)


def scale(script: Script, replicas: int = 5, settle: int = 0, **options: Any) -> tuple[int, str]:
    terminal = FakeTerminal()
    session = Session(terminal=terminal, connect=lambda flags: cast(Cluster, script))
    options = {"timeout": 5.0} | options
    code = scale_to(session, SetRef(name="web"), Wish(replicas=replicas), RunOptions(**options), timedelta(seconds=settle))
    return code, terminal.stderr_text


def test_it_changes_the_number_once_and_waits() -> None:
    script = Script(THREE, ASKED, look(5, 4), FIVE)
    code, told = scale(script)
    assert code is ExitCode.OK and "scaled, 5 pods: web-0..web-4" in told
    (change,) = script.changes
    assert isinstance(change, PatchSet) and change.operations[-1].value == 5


def test_pods_that_end_a_moment_after_they_were_ready_are_no_end() -> None:
    young = snapshot(FIVE.set, *(pod(each, NEW) for each in range(4)), pod(4, NEW, since=NOW - timedelta(seconds=3)))
    broken = snapshot(FIVE.set, *(pod(each, NEW) for each in range(4)), failing(4, NEW))
    code, told = scale(Script(THREE, young, broken), settle=10)
    assert code is ExitCode.STUCK and "web-4" in told
    code, told = scale(Script(THREE, young), settle=10, timeout=0.2)
    assert code is ExitCode.TIMED_OUT and "scaled" not in told
    code, told = scale(Script(young), settle=10, timeout=0.2)  # somebody began it and was killed
    assert code is ExitCode.TIMED_OUT and "nothing to do" not in told
    assert scale(Script(THREE, young))[0] is ExitCode.OK and scale(Script(young))[0] is ExitCode.OK
    assert scale(Script(young, look(3, 3)), replicas=3, settle=10)[0] is ExitCode.OK  # what is removed need not stay up


def test_an_answer_that_was_lost() -> None:
    """It was carried out all the same: that is seen, and nothing is sent again."""
    script = Script(THREE, ASKED, FIVE, applies=[LOST], carried=True)
    assert scale(script)[0] is ExitCode.OK and script.changes == []


def test_a_request_that_was_lost_is_sent_again() -> None:
    script = Script(THREE, THREE, ASKED, FIVE, applies=[LOST])
    assert scale(script)[0] is ExitCode.OK and len(script.changes) == 1


def test_somebody_was_faster() -> None:
    """With something else, so it is planned again from what is there now; or with the number, and it stops."""
    script = Script(THREE, look(3, 3, generation=3, observed=3), ASKED, FIVE, applies=[FASTER], carried=True)
    assert scale(script)[0] is ExitCode.OK and script.changes[0].operations[1].value == 3  # type: ignore[union-attr]
    script = Script(THREE, look(4, 3), applies=[FASTER], carried=True)
    code, told = scale(script)
    assert code is ExitCode.FAILED and "somebody else set replicas to 4" in told and script.changes == []


@pytest.mark.parametrize(
    ("next_look", "expected", "word"),
    [
        (snapshot(None), ExitCode.FAILED, "deleted"),
        (replace(THREE, set=replace(THREE.set, metadata=replace(THREE.set.metadata, uid="new"))), ExitCode.FAILED, "made another"),  # type: ignore[type-var,union-attr]
        (snapshot(THREE.set, pod(0, NEW), failing(1, NEW), pod(2, NEW)), ExitCode.REFUSED, "nothing above it"),
    ],
)
def test_what_is_found_right_before_the_change(next_look: SetView, expected: ExitCode, word: str) -> None:
    script = Script(THREE, next_look, applies=[FASTER], carried=True)
    code, told = scale(script)
    assert code is expected and word in told and script.changes == []


@pytest.mark.parametrize(
    ("last", "expected", "word"),
    [
        (snapshot(None), ExitCode.FAILED, "deleted"),
        (look(2, 2), ExitCode.FAILED, "somebody else set replicas to 2"),
        (replace(FIVE, pods=None), ExitCode.FAILED, "may not be read"),
        (snapshot(FIVE.set, *(THREE.pods or ()), failing(3, NEW)), ExitCode.STUCK, "--replicas 3"),
        (look(5, 4), ExitCode.TIMED_OUT, "wait on with"),
    ],
)
def test_how_it_ends(last: SetView, expected: ExitCode, word: str) -> None:
    code, told = scale(Script(THREE, ASKED, last), timeout=0.3)
    assert code is expected and word in told


def test_no_ending_rests_on_what_the_watches_brought() -> None:
    """They say that it is done; the server, asked again, does not."""

    class Stale(Script):
        def latest(self) -> SetView:
            return FIVE if self.changes else THREE

    code, _ = scale(Stale(THREE, look(5, 4)), timeout=0.3)
    assert code is ExitCode.TIMED_OUT


def test_outages_are_ridden_out_and_errors_that_last_are_not() -> None:
    assert scale(Script(THREE, ASKED, FIVE, reads=[None, None, LOST, LOST]))[0] is ExitCode.OK
    failure: PetsError = ForbiddenError("no more")
    with pytest.raises(ForbiddenError):
        scale(Script(THREE, ASKED, FIVE, reads=[None, None, failure]))
    with pytest.raises(UnreachableError):
        scale(Script(THREE, ASKED, FIVE, reads=[None, None, *[LOST] * 100]), timeout=1e-9)


LEAVING = snapshot(look(3, 3).set, *(pod(each, NEW) for each in range(3)), pod(3, NEW, leaving=NOW - timedelta(seconds=90)))
OVERDUE = snapshot(THREE.set, pod(0, NEW), pod(1, NEW, leaving=NOW - timedelta(seconds=90)), pod(2, NEW))


def test_what_only_time_says_is_no_verdict_right_after_an_outage() -> None:
    """While the server was away, no kubelet could tell that the pod had ended: the same facts are waited on as by status -w."""
    code, told = scale(Script(look(4, 4), LEAVING), replicas=3)
    assert code is ExitCode.STUCK and "web-3" in told
    assert scale(Script(look(4, 4), LEAVING, LEAVING, LEAVING, THREE, reads=[None, None, LOST]), replicas=3)[0] is ExitCode.OK
    broken = snapshot(ASKED.set, *(THREE.pods or ()), failing(3, NEW))
    assert scale(Script(THREE, broken, broken, broken, FIVE, reads=[None, None, LOST]))[0] is ExitCode.STUCK


def test_a_refusal_that_only_time_gives_is_waited_on_right_after_an_outage() -> None:
    assert scale(Script(THREE, OVERDUE, applies=[FASTER], carried=True))[0] is ExitCode.REFUSED
    script = Script(THREE, OVERDUE, OVERDUE, THREE, ASKED, FIVE, reads=[None, LOST])
    code, told = scale(script)
    assert code is ExitCode.OK and len(script.changes) == 1, told


def test_nobody_there_to_ask() -> None:
    script = Script(THREE)
    code, told = scale(script, replicas=0)
    assert code is ExitCode.REFUSED and "add -y" in told and script.changes == []
