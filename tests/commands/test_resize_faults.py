"""A resize under faults that a real cluster does not produce on demand: an answer that is lost, a conflict, a server that is away, at
every request that there is."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.changes import DryRun, ResizeClaim
from kubectl_pets.domain.model import PersistentVolumeClaim, ResourceRequests, SetView, StatefulSet
from kubectl_pets.domain.resize.types import ResizeSurroundings
from kubectl_pets.errors import ConflictError, ExitCode, ForbiddenError, NotFoundError, PetsError, UnreachableError
from kubectl_pets.flows.engine.options import RunOptions
from kubectl_pets.flows.resize.carry import resize
from kubectl_pets.flows.rollout.checks import Terms
from kubectl_pets.session import Cluster, Session
from tests.commands.test_engine import Clock, clock
from tests.domain.builders import NOW
from tests.domain.resize import around, at_rest, claim, request
from tests.terminal import FakeTerminal

__all__ = ["clock"]

LOST, FASTER = UnreachableError("no answer"), ConflictError("it changed since it was read")
YES = RunOptions(yes=True)
#: Claims alone: what comes after them is test_recreate_faults'.
WANTED = request("20Gi", keep_template=True)


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr("kubectl_pets.flows.engine.patience.sleep", clock.sleep)


class Faulty:
    """Three claims, and a driver that expands one when it is looked at. ``fails``: the numbers of the requests that come to nothing
    with ``error``; ``carried``: they are carried out all the same."""

    namespace = "prod"

    def __init__(self, fails: Callable[[int], bool] = lambda number: False, error: PetsError = LOST, *, carried: bool = False) -> None:
        self._claims = {each.name: each for each in (claim(0), claim(1), claim(2))}
        self._fails, self._error, self._carried = fails, error, carried
        self.requests = 0
        self.changes: list[ResizeClaim] = []

    def now(self) -> datetime:
        return NOW

    def server_name(self) -> str:
        return "test"

    def recreation(self, namespace: str, name: str) -> None:
        return None

    def missing_rights(self, namespace: str, needed: Any) -> tuple[()]:
        return ()

    def _asked(self, do: Callable[[], Any]) -> Any:
        number, self.requests = self.requests, self.requests + 1
        if not self._fails(number):
            return do()
        if self._carried:
            do()
        raise self._error

    def set_view(self, namespace: str, name: str) -> SetView:
        return cast(SetView, self._asked(at_rest))

    def resize_surroundings(self, owner: StatefulSet, attributes_class: str = "") -> ResizeSurroundings:
        return cast(ResizeSurroundings, self._asked(lambda: around(*self._claims.values())))

    def claim_events(self, namespace: str, name: str) -> None:
        return None

    def claim(self, namespace: str, name: str) -> PersistentVolumeClaim:
        def expand() -> PersistentVolumeClaim:
            each = self._claims[name]
            grown = replace(each.status, capacity={"storage": each.spec.resources.requests["storage"]})
            return self._claims.setdefault(name, each) if self._put(replace(each, status=grown)) else each

        return cast(PersistentVolumeClaim, self._asked(expand))

    def apply(self, change: ResizeClaim, *, dry_run: bool = False) -> None:
        def carry_out() -> None:
            each = self._claims[change.name]
            if each.metadata.resource_version != change.resource_version or each.metadata.uid != change.uid:
                raise ConflictError("it changed since it was read")
            if not dry_run:
                self.changes.append(change)
                self._put(replace(each, spec=replace(each.spec, resources=ResourceRequests(requests={"storage": change.size}))))

        self._asked(carry_out)

    def _put(self, each: PersistentVolumeClaim) -> bool:
        version = str(int(each.metadata.resource_version) + 1)
        self._claims[each.name] = replace(each, metadata=replace(each.metadata, resource_version=version))
        return True

    @property
    def sizes(self) -> set[tuple[str, str]]:
        return {(each.spec.resources.requests["storage"], each.status.capacity["storage"]) for each in self._claims.values()}


def run(cluster: Faulty, options: RunOptions = YES) -> tuple[ExitCode, str]:
    terminal = FakeTerminal()
    code = resize(Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)), "web", WANTED, options, Terms())
    return code, terminal.stdout_text + terminal.stderr_text


def asked(cluster: Faulty) -> list[str]:
    return [each.name for each in cluster.changes]


#: Looks and dry runs before the first change.
_BEFORE = 5
_WHOLE = Faulty()
assert run(_WHOLE)[0] is ExitCode.OK


@pytest.mark.parametrize("error", [FASTER, NotFoundError("it is gone")])
@pytest.mark.parametrize("number", range(2, _BEFORE))
def test_a_claim_that_changes_before_its_dry_run_is_looked_at_again(number: int, error: PetsError) -> None:
    """Somebody else is at the same work, or the resizer writes the status of an expansion that is under way."""
    cluster = Faulty(lambda each: each == number, error)
    code, told = run(cluster, RunOptions(dry_run=DryRun.CLIENT))
    assert code is ExitCode.OK and "each accepted by the API server (dry run)" in told and "skipped" not in told
    assert cluster.requests == number + 1 + _BEFORE and not cluster.changes
    assert run(cluster)[0] is ExitCode.OK and cluster.sizes == {("20Gi", "20Gi")}


def test_claims_that_change_each_time_are_not_said_to_be_accepted() -> None:
    cluster = Faulty(lambda each: each % 3 == 2, FASTER)
    code, told = run(cluster, RunOptions(dry_run=DryRun.CLIENT))
    assert code is ExitCode.OK and "(dry run)" not in told
    assert "skipped: claims changed each time that the API server was asked" in told


@pytest.mark.parametrize("number", range(_BEFORE))
def test_a_server_that_is_away_before_anything_was_agreed_to_is_no_refusal(number: int) -> None:
    cluster = Faulty(lambda each: each == number)
    with pytest.raises(UnreachableError):
        run(cluster)
    assert not cluster.changes


@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize("number", range(_BEFORE, _WHOLE.requests))
def test_an_answer_that_is_lost_anywhere_changes_nothing_about_the_end(number: int, carried: bool) -> None:
    cluster = Faulty(lambda each: each == number, carried=carried)
    assert run(cluster)[0] is ExitCode.OK
    assert asked(cluster) == ["data-web-2", "data-web-1", "data-web-0"] and cluster.sizes == {("20Gi", "20Gi")}


def test_somebody_who_was_faster_is_read_anew() -> None:
    cluster = Faulty(lambda each: each == _BEFORE + 2, FASTER)
    assert run(cluster)[0] is ExitCode.OK and cluster.sizes == {("20Gi", "20Gi")}


def test_a_right_that_is_taken_away_half_way_ends_it_and_says_what_is_done() -> None:
    begun: list[int] = []
    cluster = Faulty(lambda each: bool(begun) and each >= begun[0], ForbiddenError("not any more"))
    first = cluster.apply

    def apply(change: ResizeClaim, *, dry_run: bool = False) -> None:
        first(change, dry_run=dry_run)
        if not dry_run:
            begun.append(cluster.requests)

    cluster.apply = apply  # type: ignore[method-assign]
    terminal = FakeTerminal()
    with pytest.raises(ForbiddenError):
        resize(Session(terminal=terminal, connect=lambda flags: cast(Cluster, cluster)), "web", WANTED, YES, Terms())
    assert "stopped: prod/web: 0 of 3 claims done, not data-web-2..data-web-0." in terminal.stderr_text
    assert asked(cluster) == ["data-web-2"]


def test_a_server_that_stays_away_is_given_up_on(clock: Clock) -> None:
    cluster = Faulty(lambda each: each >= _BEFORE + 1)
    with pytest.raises(UnreachableError):
        run(cluster)
    assert clock.time >= 300


def test_typed_again_it_goes_on_and_once_done_changes_nothing() -> None:
    cluster = Faulty()
    assert run(cluster)[0] is ExitCode.OK
    code, told = run(cluster)
    assert code is ExitCode.OK and len(cluster.changes) == 3 and "3 claims at 20Gi" in told


def test_nobody_agreed() -> None:
    cluster = Faulty()
    code, told = run(cluster, RunOptions())
    assert code is ExitCode.REFUSED and not cluster.changes and "a volume never gets smaller again" in told
    assert run(cluster, RunOptions(dry_run=DryRun.CLIENT))[0] is ExitCode.OK and not cluster.changes
