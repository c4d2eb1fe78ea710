"""Which claims of a set are being resized, from what a cluster may show; and who is told so."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.claims.growth import NODE_PATIENCE, RESIZING, GrowthStage
from kubectl_pets.domain.model import PersistentVolumeClaim, SetView
from kubectl_pets.domain.orphans.doubts import about
from kubectl_pets.domain.orphans.findings import EvidenceKind
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.ranking import is_problem
from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.domain.scale.plan import plan
from kubectl_pets.domain.scale.types import Caution, Surroundings
from kubectl_pets.domain.stepping.until import Progress, Until, progress
from tests.domain.builders import NOW
from tests.domain.resize import at_rest, claim, condition

STALLED = claim(1, "20Gi", "10Gi", state="NodeResizePending", conditions=(condition("FileSystemResizePending", since=NOW - NODE_PATIENCE),))
REFUSED = claim(2, "20Gi", "10Gi", state="ControllerResizeInfeasible", conditions=(condition("ControllerResizeError", "no room"),))
WORKING = claim(0, "20Gi", "10Gi", conditions=(condition("Resizing"),))


@dataclass
class On:
    """A set of three, each pod of which has its claim on a node."""

    claims: tuple[PersistentVolumeClaim, ...]
    used: bool = True

    @property
    def view(self) -> SetView:
        found = at_rest()
        pods = tuple(each if self.used else replace(each, spec=replace(each.spec, node_name="")) for each in found.pods or ())
        return replace(found, pods=pods, claims=self.claims)

    @property
    def stages(self) -> dict[str, GrowthStage]:
        return {each.claim: each.growth.stage for each in assess(self.view, NOW).growing}


def test_the_stalls_are_told_apart_in_ordinal_order() -> None:
    found = On((REFUSED, STALLED, WORKING))
    assert list(found.stages.items()) == [
        ("data-web-0", GrowthStage.WORKING),
        ("data-web-1", GrowthStage.NEEDS_RESTART),
        ("data-web-2", GrowthStage.INFEASIBLE),
    ]
    seen = assess(found.view, NOW)
    assert [each.pod for each in seen.growing] == ["web-0", "web-1", "web-2"] and seen.claims == 3
    assert seen.phase is Phase.CLAIM_STALLED and seen.rolled_out and is_problem(seen)
    assert progress(Until.COMPLETE, seen) is Progress.STUCK and progress(Until.READY, seen) is Progress.REACHED
    assert assess(On((WORKING,)).view, NOW).phase is Phase.COMPLETE  # it goes on by itself
    assert [each.growth.stalled for each in seen.growing] == [False, True, True]


def test_what_a_node_has_to_do_waits_for_a_pod_and_what_is_not_known_is_taken_for_in_use() -> None:
    assert On((STALLED,), used=False).stages == {"data-web-1": GrowthStage.NEEDS_POD}
    unread = replace(On((STALLED,)).view, pods=None)
    assert [each.growth.stage for each in assess(unread, NOW).growing] == [GrowthStage.NEEDS_RESTART]


@pytest.mark.parametrize(
    "quiet",
    [
        claim(0),
        claim(0, "10Gi", "10.0Gi"),
        claim(0, "10Gi", "12Gi"),
        claim(0, conditions=(condition("Unused"),)),
        claim(0, conditions=(replace(condition("Resizing"), status="False"),)),
        replace(claim(0), status=replace(claim(0).status, capacity={}, phase="Pending")),
        claim(0, "a lot", "10Gi"),
        replace(STALLED, metadata=replace(STALLED.metadata, name="data-db-1")),
    ],
)
def test_what_does_not_grow(quiet: PersistentVolumeClaim) -> None:
    assert On((quiet,)).stages == {}


def test_time_alone_turns_a_node_that_works_into_one_that_waits() -> None:
    since = NOW - timedelta(seconds=5)
    pending = claim(1, "20Gi", "10Gi", state="NodeResizePending", conditions=(condition("FileSystemResizePending", since=since),))
    seen = assess(On((pending,)).view, NOW)
    assert seen.growing[0].growth.stage is GrowthStage.WORKING and seen.recheck_at == since + NODE_PATIENCE
    assert assess(On((pending,)).view, since + NODE_PATIENCE).growing[0].growth.stage is GrowthStage.NEEDS_RESTART


def test_scaling_down_names_the_claims_that_leave_and_grow() -> None:
    view = On((STALLED, REFUSED, WORKING)).view
    assert view.set is not None
    around = Surroundings(claims=view.claims, volumes={}, autoscalers=(), scaled_objects=())
    (told,) = [each for each in plan(view.set, view, around, 1, NOW).warnings if each.caution is Caution.RESIZING]
    assert [each.claim for each in told.growing] == ["data-web-2", "data-web-1"] and told.pods == ("web-2", "web-1")
    for replicas in (3, 4):
        assert not any(each.caution is Caution.RESIZING for each in plan(view.set, view, around, replicas, NOW).warnings)


_STATES = st.sampled_from(
    ["", "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizePending", "NodeResizeInProgress", "NodeResizeInfeasible", "New"]
)
_TYPES = st.lists(st.sampled_from([*sorted(RESIZING), "Unused"]), unique=True)


@given(state=_STATES, types=_TYPES, asks=st.sampled_from(["10Gi", "20Gi", "x"]), has=st.sampled_from(["10Gi", "20Gi", "x"]), granted=st.sampled_from(["", "20Gi"]))
def test_what_grows_is_never_a_candidate(state: str, types: list[str], asks: str, has: str, granted: str) -> None:
    """Whatever ``status`` calls being resized leaves ``orphans`` a doubt."""
    more: dict[str, Any] = {"state": state, "granted": granted, "conditions": tuple(condition(each) for each in types)}
    one = claim(1, asks, has, **more)
    if On((one,)).stages:
        assert any(each.kind is EvidenceKind.RESIZING for each in about(one))
