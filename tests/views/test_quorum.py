"""``kubectl pets quorum``, whole screens, and the shape that programs read."""

import json

from msgspec.structs import replace

from kubectl_pets.domain.findings import Finding, Rule, Subject
from kubectl_pets.domain.safety.quorum import Coverage, Place, Quorum
from kubectl_pets.views.safety import quorum
from kubectl_pets.views.safety import words as safety_words
from tests.views.screens import screen


def finding(rule: Rule, *names: str, number: int | None = None) -> Finding:
    subject = Subject(kind="StatefulSet", namespace="prod", name="web")
    return Finding(rule=rule, subject=subject, names=names, number=number, limit=None if number is None else 2)


def found(**changes: object) -> Quorum:
    """Three members, spread and guarded."""
    fine = Quorum(
        namespace="prod",
        name="web",
        members=3,
        available=3,
        majority=2,
        nodes=tuple(Place(name=f"node-{each}", pods=(f"web-{index}",), left=2) for index, each in enumerate("abc")),
        zones=tuple(Place(name=f"zone-{each}", pods=(f"web-{index}",), left=2) for index, each in enumerate("abc")),
        unzoned=(),
        budgets=(Coverage(name="web", min_available=None, max_unavailable=1, covers=3, allowed=1, at_best=1),),
        evictable=1,
        findings=(),
    )
    return replace(fine, **changes)


def crowded() -> Quorum:
    place = Place(name="node-a", pods=("web-0", "web-1", "web-2"), left=0)
    loose = Coverage(name="web", min_available="10%", max_unavailable=None, covers=2, allowed=0, at_best=2)
    return found(
        nodes=(place,),
        zones=(replace(place, name="zone-a"),),
        budgets=(loose, replace(loose, name="odd", min_available=None, covers=3, at_best=0)),
        evictable=2,
        findings=(
            finding(Rule.NODE_SHARED, "node-a", number=0),
            finding(Rule.BUDGETS_SEVERAL, "odd", "web"),
            finding(Rule.BUDGET_BLOCKS, "odd"),
            finding(Rule.BUDGET_TOO_LOOSE, "odd", "web", number=1),
        ),
    )


def unknown() -> Quorum:
    unread = ("pods", "nodes", "budgets")
    return found(name="dark", available=None, nodes=None, zones=None, budgets=None, evictable=None, not_read=unread)


def lost() -> Quorum:
    return found(
        name="db", available=1, nodes=(Place(name="node-a", pods=("db-0",), left=0),), zones=(), unzoned=("db-0",), budgets=(),
        findings=(finding(Rule.QUORUM_LOST, number=1), finding(Rule.BUDGET_MISSING, number=0)),
    )


def test_the_table_never_shows_unknown_as_fine() -> None:
    assert quorum.table([unknown(), found(), crowded(), lost()]) == screen(
        """
        NAME   MEMBERS   AVAILABLE   MAJORITY   MAY FAIL   NODE LOSS   ZONE LOSS   BUDGETS   FINDINGS
        dark   3         ?           2          ?          ?           ?           ?         not-read:pods,nodes,poddisruptionbudgets
        db     3         1           2          -1         loses       loses       -         quorum-lost; budget-missing
        web    3         3           2          1          survives    survives    web       -
        web    3         3           2          1          loses       loses       web,odd   node-shared:node-a; budgets-several:odd,web; budget-blocks:odd; budget-too-loose:odd,web
        """
    )
    assert quorum.table([]) == ""
    assert quorum.table([found()], headers=False, all_namespaces=True).startswith("prod   web   3")
    assert "the majority is lost: 1 of 3 available, 2 needed; no PodDisruptionBudget" in quorum.table([lost()], wide=True)


def test_one_set() -> None:
    assert quorum.draw(found()) == screen(
        """
        prod/web  3 members, 3 available, majority 2: 1 may fail now
        ├─ Budgets
        │  └─ web  maxUnavailable 1: 1 may be evicted now, 1 while all are healthy
        ├─ Nodes
        │  ├─ node-a  web-0
        │  ├─ node-b  web-1
        │  └─ node-c  web-2
        ├─ Zones
        │  ├─ zone-a  web-0
        │  ├─ zone-b  web-1
        │  └─ zone-c  web-2
        └─ Findings
           └─ none
        """
    )


def test_everything_wrong() -> None:
    assert quorum.draw(crowded()) == screen(
        """
        prod/web  3 members, 3 available, majority 2: 1 may fail now
        ├─ Budgets
        │  ├─ web  minAvailable 10%, over 2 of 3: 0 may be evicted now, 2 while all are healthy
        │  └─ odd  says nothing: 0 may be evicted now, 0 while all are healthy
        ├─ Nodes
        │  └─ node-a  web-0..web-2  0 left without it: no majority
        ├─ Zones
        │  └─ zone-a  web-0..web-2  0 left without it: no majority
        └─ Findings
           ├─ without node node-a, 0 of 3 would be left and 2 are needed
           ├─ several budgets over the same pods (odd, web): every eviction fails, nodes cannot be drained
           ├─ budget odd never allows an eviction: nodes cannot be drained
           └─ evictions may take more than the majority can spare, under odd, web: 1 of 3 would be left and 2 are needed
        """
    )


def test_nothing_could_be_read() -> None:
    assert quorum.draw(unknown()) == screen(
        """
        prod/dark  3 members, ? available, majority 2: how many may fail is unknown
        ├─ Budgets
        │  └─ unknown: they could not be read
        ├─ Nodes
        │  └─ unknown: pods could not be read
        ├─ Zones
        │  └─ unknown: pods could not be read
        └─ Findings
           └─ not read, so not judged: pods, nodes, poddisruptionbudgets
        """
    )


def test_many_nodes_are_counted() -> None:
    places = tuple(Place(name=f"node-{index}", pods=(f"web-{index}",), left=8) for index in range(9))
    drawn = quorum.draw(found(members=9, available=9, majority=5, nodes=places, zones=(), unzoned=("web-0",)))
    assert "and 3 more" in drawn and "node-5" in drawn and "node-6" not in drawn
    assert "unknown: the nodes carry no zone label" in drawn
    part = quorum.draw(found(unzoned=("web-2",)))
    assert "zone unknown  web-2" in part


def test_few_or_none_may_fail() -> None:
    assert safety_words.tolerance(found(available=2)) == "none may fail now"
    assert safety_words.tolerance(found(available=0)) == "2 short of a majority"
    assert safety_words.tolerance(found(members=0, available=0, majority=0)) == "no members are wanted"


def test_what_a_budget_that_shares_pods_allows_is_unknown() -> None:
    budget = replace((found().budgets or ())[0], allowed=None)
    assert "maxUnavailable 1: it shares pods with another budget, so how many may be evicted now is not known" in quorum.draw(found(budgets=(budget,)))
    assert json.loads(quorum.document(found(budgets=(budget,)), "json"))["budgets"][0]["allowedNow"] is None


def test_for_programs() -> None:
    document = json.loads(quorum.document(found(), "json"))
    assert document["kind"] == "Quorum" and document["tolerates"] == 1 and document["survivesNodeLoss"] is True
    assert document["nodes"][0] == {"name": "node-a", "pods": ["web-0"], "leftWithoutIt": 2}
    dark = json.loads(quorum.document(unknown(), "json"))
    assert {dark[key] for key in ("available", "tolerates", "survivesNodeLoss", "nodes", "zones", "budgets", "evictableAtOnce")} == {None}
    assert quorum.document(found(), "name") == "statefulset.apps/web"
    assert quorum.many([], "json") == '{\n  "apiVersion": "kubectl-pets/v1alpha1",\n  "kind": "QuorumList",\n  "items": []\n}'


def test_members_of_lower_ordinals_may_be_another_set_s() -> None:
    """KEP-3335: half of a set that is moved has its majority in two places, and "1 may fail" was told of the half alone."""
    half, whole = found(start=2), found()
    told = "ordinals from 2: members of lower ordinals, where another set has them (one that is being moved), are not counted"
    assert told in quorum.draw(half) and "not counted" not in quorum.draw(whole)
    assert told in quorum.table([half], wide=True) and "lower than 2 not counted" in quorum.table([half])
    assert "not counted" not in quorum.table([whole, found(start=2, members=0)], wide=True)
    assert json.loads(quorum.document(half, "json"))["ordinalsStart"] == 2
