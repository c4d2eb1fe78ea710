"""Over random clusters no rule raises, nothing that was found cannot be told, and the claims that nobody will want again are those that
``orphans`` names, of a set or not."""

from collections import Counter

from kubectl_pets.domain.doctor.case import Ward
from kubectl_pets.domain.doctor.checkup import CHECKS, Asked, Standing, examine
from kubectl_pets.domain.findings import Rule
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.domain.rollout.verdict import Phase
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.views.doctor import words
from tests.domain.doctor.world import Growing, inventory_of
from tests.domain.examples import times
from tests.domain.orphans.builders import NOW

#: Claims of LeaderWorkerSets, whose sets could not be decoded, or were not there.
ONCE_WRONG = (1155, 1266, 1392)

EVERYTHING = Asked(only=("PETS*",), deep=True)


def test_no_rule_raises_and_claims_are_those_of_orphans() -> None:
    """``HYPOTHESIS_TIMES=250`` looks at 100,000 of them."""
    met: Counter[tuple[Rule, str]] = Counter()
    candidates = 0
    for seed in (*range(times(400)), *ONCE_WRONG):
        estate = Growing(f"doctor-{seed}").estate()
        seen = examine(Ward(estate, NOW), EVERYTHING)
        met.update((each.rule, each.standing.value) for each in seen.outcomes)
        told = [each.finding for each in seen.outcomes if each.finding is not None]  # also what somebody lives with
        for each in told:
            assert words.sentence(each) and words.mend(each, SetRef(namespace="prod", name="web")) is not None
        for case in Ward(estate, NOW).cases():
            heard = {each.rule for each in seen.outcomes if each.owner == case.ref and each.standing is not Standing.OK}
            if case.seen.phase is Phase.CLAIM_STALLED:  # as status and list have it
                assert heard & {Rule.RESIZE_WAITS, Rule.RESIZE_INFEASIBLE}, (seed, case.owner.name)
        if estate.claims is None:
            continue
        orphaned = {(each.subject.namespace, each.subject.name) for each in told if each.rule is Rule.CLAIM_ORPHANED}
        theirs = {(each.namespace, each.name) for each in judge(inventory_of(estate), NOW) if each.candidate}
        assert orphaned == theirs, seed
        candidates += len(theirs)
    if times(400) >= 400:
        judged = {each.rule for each in CHECKS}
        assert candidates and len({rule for rule, standing in met if standing == "found"} & judged) > 60
        assert {rule for rule, _ in met} >= judged  # each was judged somewhere
