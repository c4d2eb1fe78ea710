"""Over random clusters no rule raises, and the claims that nobody will want again are those that ``orphans`` names, of a set or not."""

import msgspec

from kubectl_pets.domain.doctor.case import Ward
from kubectl_pets.domain.doctor.checkup import Asked, examine
from kubectl_pets.domain.doctor.estate import Estate, FullSet
from kubectl_pets.domain.findings import Rule
from kubectl_pets.domain.orphans.inventory import ClaimInventory
from kubectl_pets.domain.orphans.judging import judge
from tests.domain.examples import times
from tests.domain.orphans.builders import NOW
from tests.domain.orphans.world import World


def estate_of(inventory: ClaimInventory) -> Estate:
    listed = (*(inventory.sets or ()), *(inventory.kruise_sets or ()), *(inventory.pingcap_sets or ()))
    return Estate(
        sets=tuple(msgspec.convert(msgspec.to_builtins(each), FullSet) for each in listed),
        claims=inventory.claims,
        volumes=inventory.volumes,
        autoscalers=inventory.autoscalers,
        scaled_objects=inventory.scaled_objects,
        services=(),
        budgets=(),
        classes=(),
        nodes=(),
        deployments=(),
        inventory=inventory,
    )


def test_no_rule_raises_and_claims_are_those_of_orphans() -> None:
    found = 0
    for seed in range(times(600)):
        inventory = World.grown(f"doctor-{seed}").estate()
        seen = examine(Ward(estate_of(inventory), NOW), Asked())
        orphaned = {(each.subject.namespace, each.subject.name) for each in seen.found if each.rule is Rule.CLAIM_ORPHANED}
        candidates = {(each.namespace, each.name) for each in judge(inventory, NOW) if each.candidate}
        assert orphaned == candidates, seed
        found += len(candidates)
    assert found
