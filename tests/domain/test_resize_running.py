"""A resize carried out, against a simulated driver: one claim at a time, to the end or to the one that stands still, whoever goes on
with it."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from kubectl_pets.domain.claims.growth import REFUSED_PATIENCE, Growth, GrowthStage, Modification
from kubectl_pets.domain.model import PersistentVolumeClaim, ResourceRequests
from kubectl_pets.domain.resize.running import ClaimStanding, Do, Over, ResizeEnd, next_move, standing
from kubectl_pets.domain.resize.types import ResizePlan
from tests.domain.builders import NOW
from tests.domain.examples import cases
from tests.domain.resize import around, at_rest, claim, condition, planned

LONG_AGO = NOW - timedelta(minutes=5)


@pytest.mark.parametrize(
    ("stage", "modified", "expected"),
    [
        (GrowthStage.DONE, None, ClaimStanding.SETTLED),
        (GrowthStage.DONE, Modification.DONE, ClaimStanding.SETTLED),
        (GrowthStage.DONE, Modification.WORKING, ClaimStanding.AWAIT),
        (GrowthStage.DONE, Modification.PENDING, ClaimStanding.AWAIT),
        (GrowthStage.DONE, Modification.INFEASIBLE, ClaimStanding.STUCK),
        (GrowthStage.WORKING, Modification.DONE, ClaimStanding.AWAIT),
        (GrowthStage.RETRYING, None, ClaimStanding.AWAIT),
        (GrowthStage.NEEDS_POD, None, ClaimStanding.SETTLED),
        (GrowthStage.NEEDS_RESTART, None, ClaimStanding.STUCK),
        (GrowthStage.INFEASIBLE, None, ClaimStanding.STUCK),
    ],
)
def test_what_a_claim_needs(stage: GrowthStage, modified: Modification | None, expected: ClaimStanding) -> None:
    found = Growth(stage=stage, asks=2, has=1, since=LONG_AGO)
    assert standing(found, modified, changes=False, now=NOW, patience=REFUSED_PATIENCE) is expected
    assert standing(found, modified, changes=True, now=NOW, patience=REFUSED_PATIENCE) is ClaimStanding.ASK


def test_a_driver_that_refuses_what_is_in_use_gets_a_moment() -> None:
    found = Growth(stage=GrowthStage.NEEDS_RESTART, asks=2, has=1, since=NOW - timedelta(seconds=3), offline=True)
    assert standing(found, None, changes=False, now=NOW, patience=REFUSED_PATIENCE) is ClaimStanding.AWAIT


def test_what_failed_before_the_claim_was_changed_says_nothing_of_the_change() -> None:
    """Until the resizer has looked, the states are of the size that was asked for before."""
    failed = claim(0, "3Gi", "1Gi", granted="5Gi", state="ControllerResizeInfeasible", conditions=(condition("ControllerResizeError", "no"),))
    assert planned("3Gi", around(failed), at_rest(replicas=1)).claims[0].growth.stage is GrowthStage.WORKING


def test_another_set_of_the_name_or_what_speaks_against_it_by_now_ends_it() -> None:
    fine = planned("20Gi", around(claim(0)), at_rest(replicas=1))
    assert next_move(fine, "another", NOW, REFUSED_PATIENCE) == Over(ResizeEnd.REPLACED)
    refused = planned("20Gi", around(claim(0, storage_class="fixed")), at_rest(replicas=1))
    assert next_move(refused, refused.uid, NOW, REFUSED_PATIENCE) == Over(ResizeEnd.REFUSED)


class Driver:
    """Expands claims in steps of its own; claims in ``infeasible`` never."""

    def __init__(self, random: Random, claims: tuple[PersistentVolumeClaim, ...], infeasible: frozenset[str]) -> None:
        self.random, self.infeasible = random, infeasible
        self.claims = {each.name: each for each in claims}

    def ask(self, name: str, size: str) -> None:
        before = self.claims[name]
        self.claims[name] = replace(before, spec=replace(before.spec, resources=ResourceRequests(requests={"storage": size})))

    def turn(self) -> None:
        for name, each in self.claims.items():
            asks, has = each.spec.resources.requests["storage"], each.status.capacity["storage"]
            if asks == has or self.random.random() < 0.5:
                continue
            if name in self.infeasible:
                state, has = "ControllerResizeInfeasible", has
            elif each.status.allocated_resource_statuses:
                state, has = "", asks
            else:
                state = "ControllerResizeInProgress"
            status = replace(
                each.status, capacity={"storage": has}, allocated_resources={"storage": asks},
                allocated_resource_statuses={"storage": state} if state else {},
            )
            self.claims[name] = replace(each, status=status)

    @property
    def under_way(self) -> list[str]:
        return [name for name, each in self.claims.items() if each.spec.resources.requests["storage"] != each.status.capacity["storage"]]


@cases(400)
@given(seed=st.integers(0, 2**64))
def test_one_at_a_time_to_the_end_or_to_the_one_that_cannot_be_had(seed: int) -> None:
    random = Random(seed)
    number = random.randint(1, 5)
    claims = tuple(claim(each, random.choice(("10Gi", "10Gi", "20Gi"))) for each in range(number))
    infeasible = frozenset(each.name for each in claims if random.random() < 0.15 and each.spec.resources.requests["storage"] == "10Gi")
    driver = Driver(random, claims, infeasible)

    def look() -> ResizePlan:
        return planned("20Gi", around(*driver.claims.values()), at_rest(replicas=number))

    for _ in range(400):
        move = next_move(look(), "set-1", NOW, REFUSED_PATIENCE)
        if isinstance(move, Over):
            break
        assert isinstance(move, Do)
        if move.standing is ClaimStanding.ASK:
            assert not driver.under_way
            driver.ask(move.claim.claim, "20Gi")
        driver.turn()
    assert isinstance(move, Over)
    highest = max((each for each in infeasible), default=None)
    if highest is None:
        assert move.end is ResizeEnd.REACHED and look().done
    else:
        assert move.end is ResizeEnd.STUCK and move.claim is not None and move.claim.claim == highest
        below = [each for name, each in driver.claims.items() if name < highest]
        assert {each.spec.resources.requests["storage"] for each in below} == {
            claims[int(each.name[-1])].spec.resources.requests["storage"] for each in below
        }
