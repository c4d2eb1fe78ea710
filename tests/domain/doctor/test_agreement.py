"""``doctor`` and the verbs that look at one thing never contradict each other, over anything that a cluster may hold."""

from collections import Counter

import msgspec
from hypothesis import given

from kubectl_pets.domain.dns import found as dns
from kubectl_pets.domain.dns.diagnosing import diagnose
from kubectl_pets.domain.dns.names import expected
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.dns.zones import cluster_zone
from kubectl_pets.domain.doctor.case import Ward
from kubectl_pets.domain.doctor.checkup import Asked, Standing, examine
from kubectl_pets.domain.doctor.estate import Estate, FullNode, FullSet, Guard, NamesHeard
from kubectl_pets.domain.findings import Finding, Rule
from kubectl_pets.domain.model import Object, SetView
from kubectl_pets.domain.orphans import found as orphans
from kubectl_pets.domain.orphans.inventory import ClaimInventory
from kubectl_pets.domain.orphans.judging import judge as judge_claims
from kubectl_pets.domain.rollout import found as rollout
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.safety import lost, risks
from tests.domain.builders import NOW, snapshots
from tests.domain.doctor.wards import budget, node
from tests.domain.doctor.world import Growing
from tests.domain.examples import cases, times
from tests.domain.orphans.builders import NOW as WORLD_NOW

#: Put off by ``doctor``, because it is usual for a moment.
PUT_OFF = {Rule.CONTROLLER_SILENT}

NODES = tuple(msgspec.convert(node(each), FullNode) for each in (0, 1))
BUDGETS = (msgspec.convert(budget(), Guard), msgspec.convert(budget("other", spec={"maxUnavailable": None, "minAvailable": "100%"}), Guard))


def widened(item: Object, kind: type) -> Object:
    """The same as the doctor reads it."""
    spelt = msgspec.to_builtins(item)
    return msgspec.convert(spelt, kind)


def estate_of(view: SetView) -> Estate | None:
    owner = view.set
    if owner is None or owner.unreadable:
        return None
    whole = widened(owner, FullSet)
    assert isinstance(whole, FullSet)
    mine = tuple(each for each in view.pods or () if (c := each.metadata.controller()) is not None and c.uid == owner.metadata.uid)
    pods = None if view.pods is None else mine
    revisions = None if view.revisions is None else tuple(
        each for each in view.revisions if (c := each.metadata.controller()) is not None and c.uid == owner.metadata.uid
    )
    claims = view.claims
    inventory = None if claims is None else ClaimInventory(claims=claims, sets=(whole,))
    return Estate(
        namespace=owner.namespace,
        sets=(whole,),
        pods=pods,
        revisions=revisions,
        claims=claims,
        nodes=NODES,
        budgets=BUDGETS,
        services=(),
        events=(),
        inventory=inventory,
        server=view.server,
    )


def told(found: tuple[Finding, ...]) -> set[tuple[str, str, str]]:
    return {(each.rule.value, each.subject.kind, each.subject.name) for each in found}


@cases(400)
@given(snapshots())
def test_what_the_verbs_find_the_doctor_finds_and_nothing_else(view: SetView) -> None:
    estate = estate_of(view)
    if estate is None:
        return
    ward = Ward(estate, NOW)
    seen = examine(ward, Asked())
    skipped = {each.rule for each in seen.standing(Standing.SKIP)}
    (case,) = ward.cases()
    verdict = assess(case.view, NOW)
    theirs = (
        *rollout.findings(verdict),
        *risks.judge(case.view, verdict, BUDGETS, NODES).findings,
        *(each for pod in lost.judge((case.view,), NODES, None, NOW) for each in pod.findings),
    )
    expected = tuple(each for each in theirs if each.rule not in skipped | PUT_OFF)
    rules_of_verbs = {
        *(each.rule for each in theirs),
        Rule.PARTITION_LEFT_OVER,
        Rule.ROLLOUT_STUCK,
        Rule.MANY_REVISIONS,
        Rule.LOST_POD,
        Rule.TERMINATING_OVERDUE,
        Rule.QUORUM_LOST,
        Rule.NO_MARGIN,
        Rule.NODE_SHARED,
        Rule.BUDGET_BLOCKS,
        Rule.BUDGET_TOO_LOOSE,
    } - PUT_OFF
    ours = tuple(each for each in seen.found if each.rule in rules_of_verbs and each.rule is not Rule.CLAIM_PENDING)
    assert told(expected) - told(seen.found) == set()
    assert told(ours) - told(expected) <= {each for each in told(ours) if each[0] == Rule.NAME_TOO_LONG.value}


@cases(200)
@given(snapshots())
def test_claims_are_what_orphans_says(view: SetView) -> None:
    estate = estate_of(view)
    if estate is None or estate.inventory is None:
        return
    seen = examine(Ward(estate, NOW), Asked(only=("PETS316", "PETS321", "PETS324")))
    theirs = {each for verdict in judge_claims(estate.inventory, NOW) for each in told(orphans.findings(verdict))}
    wanted = {Rule.OWNER_STALE.value, Rule.CLAIM_NAME_AMBIGUOUS.value, Rule.CLAIM_ORPHANED.value}
    assert told(seen.found) == {each for each in theirs if each[0] in wanted}


#: What ``dns`` and ``doctor`` tell of the same sets, and what ``doctor`` tells more narrowly: docs/doctor.md says how.
SAME = {Rule.SERVICE_MISSING, Rule.POD_IDENTITY_STALE, Rule.NAMES_UNRESOLVED}
NARROWER = {Rule.ENDPOINTS_LAG, Rule.PEERS_DEADLOCK}


def of_dns(estate: Estate, owner: FullSet) -> set[Rule]:
    """What ``dns`` tells of a set, from what it reads itself: pods by their labels."""
    heard = (estate.heard or {}).get((owner.namespace, owner.name), NamesHeard())
    network = Network(
        set=owner,
        pods=tuple(pod for pod in estate.pods or () if pod.namespace == owner.namespace and owner.spec.selector.matches(pod.metadata.labels)),
        services=tuple(each for each in estate.services or () if each.namespace == owner.namespace and not each.unreadable),
        slices=tuple(each for each in estate.slices or () if each.namespace == owner.namespace and not each.unreadable),
    )
    wanted = expected(network, cluster_zone("", heard.settings, None), heard.settings)
    return {each.rule for each in dns.findings(diagnose(network, wanted, heard.hearings, heard.settings, (), WORLD_NOW))}


def test_names_are_what_dns_says() -> None:
    both = 0
    for seed in range(times(300)):
        estate = Growing(f"names-{seed}").estate()
        if estate.pods is None or estate.services is None or estate.slices is None:
            continue
        seen = examine(Ward(estate, WORLD_NOW), Asked(only=("PETS1*",), deep=True))
        places = Counter((each.namespace, each.name) for each in estate.sets)
        for owner in estate.sets:
            mine = [each for each in seen.outcomes if (each.owner.namespace, each.owner.name) == (owner.namespace, owner.name)]
            skipped = {each.rule for each in mine if each.standing is Standing.SKIP}
            if owner.unreadable or places[owner.namespace, owner.name] > 1 or skipped - {Rule.NAMES_UNRESOLVED}:
                continue
            ours, theirs = {each.rule for each in mine if each.finding is not None}, of_dns(estate, owner)
            assert ours & (SAME - skipped) == theirs & (SAME - skipped), (seed, owner.name)
            assert not (theirs & skipped), (seed, owner.name)
            assert ours & NARROWER <= theirs, (seed, owner.name)
            both += len(ours & theirs)
    assert both or times(300) < 300
