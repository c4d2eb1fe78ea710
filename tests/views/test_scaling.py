"""``kubectl pets scale``: whole plans, what is asked, every ending, and that nothing of the cluster's breaks a line."""

import json

import pytest
import yaml
from hypothesis import given, settings
from msgspec.structs import replace

from kubectl_pets.domain.model import Condition, Pod, StatefulSet
from kubectl_pets.domain.orphans.findings import Fate
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment, Blocker, Cause
from kubectl_pets.domain.scale.claim_effects import Coming, Leaving, Returning
from kubectl_pets.domain.scale.plan import plan
from kubectl_pets.domain.scale.progress import ScaleProgress
from kubectl_pets.domain.scale.replica_owners import OwnerKind, ReplicaOwner, Will
from kubectl_pets.domain.scale.types import Caution, ClaimEffect, ScaleRefused, ScaleRefusedReason, Scaling, Surroundings, Warning
from kubectl_pets.views.scale import documents as scaling_documents
from kubectl_pets.views.scale import plan as scaling
from kubectl_pets.views.scale import words as scaling_words
from tests.domain.builders import NEW, NOW, failing, pod, snapshot, statefulset
from tests.domain.orphans.builders import DAY, claim
from tests.domain.test_scaling import NOTHING, PODS, around, autoscaler, three, with_claims
from tests.views.screens import screen
from tests.views.test_hostile import HOSTILE
from tests.views.test_safety_hostile import _clean, _poisoned


def planned(replicas: int, owner: StatefulSet, *pods: Pod, near: Surroundings = NOTHING) -> tuple[Scaling, Assessment]:
    look = snapshot(owner, *pods)
    return plan(owner, look, near, replicas, NOW), assess(look, NOW)


def drawn(replicas: int, owner: StatefulSet, *pods: Pod, near: Surroundings = NOTHING) -> str:
    return scaling.draw(*planned(replicas, owner, *pods, near=near), NOW)


def test_up_with_old_data() -> None:
    unused = Condition(type="Unused", status="True", last_transition_time=NOW - 30 * DAY)
    near = around(claim("data-web-3", unused=unused), claim("data-web-4", deleted=True))
    assert drawn(5, three(claims=("data",)), *PODS, near=near) == screen(
        """
        prod/web: 3 -> 5 replicas, OrderedReady: one at a time, the lowest ordinal first, each available before the next
          1. create web-3 at new; claim data-web-3 (10Gi) comes back with its old data, unused for 30d, volume pv-uid-prod-data-web-3
          2. create web-4 at new; claim data-web-4 (10Gi) is on its way out: the pod waits for that and gets a new, empty one
          => 5 pods: web-0..web-4
        quorum: a majority of 3 is 2, 1 may fail now; then a majority of 5 is 3, 2 may fail
        warning: data-web-3 is left from an earlier time: the new pod will mount it as it is
        """
    )


def test_down_with_data_destroyed() -> None:
    near = around(claim("data-web-1"), claim("data-web-2"), policies=("Retain", "Delete"))
    assert drawn(1, with_claims(three(claims=("data",)), "Delete"), *PODS, near=near) == screen(
        """
        prod/web: 3 -> 1 replica, OrderedReady: one at a time, the highest ordinal first, each gone before the next
          1. remove web-2; claim data-web-2 (10Gi) is deleted, and volume pv-uid-prod-data-web-2 is DESTROYED with its data
          2. remove web-1; claim data-web-1 (10Gi) is deleted, volume pv-uid-prod-data-web-1 keeps the data
          => 1 pod: web-0
        quorum: a majority of 3 is 2, 1 may fail now; then a majority of 1 is 1, 0 may fail
        at stake: the retention policy deletes 2 claims (data-web-2, data-web-1), DESTROYS 1 volume with 10Gi (pv-uid-prod-data-web-2), leaves 1 volume with 10Gi (pv-uid-prod-data-web-1)
        warning: no majority of the 3 members stays, which would be 2: where members vote, take those that go out of their cluster first
        """
    )


def test_to_nothing() -> None:
    near = around(*(claim(f"data-web-{each}") for each in range(3)))
    assert drawn(0, three(claims=("data",), policy="Parallel"), *PODS, near=near) == screen(
        """
        prod/web: 3 -> 0 replicas, Parallel: all at once
          1. remove web-2; claim data-web-2 (10Gi) stays
          2. remove web-1; claim data-web-1 (10Gi) stays
          3. remove web-0; claim data-web-0 (10Gi) stays
          => no pod is left
        quorum: a majority of 3 is 2, 1 may fail now; then there is none
        at stake: no pod is left, the service stops
        warning: data-web-2..data-web-0 stay with their data, and come back when it is scaled up again
        """
    )


def test_many_pods_are_folded() -> None:
    shown = drawn(40, three(policy="Parallel"), *PODS, near=replace(NOTHING, autoscalers=(autoscaler(2, 50),)))
    assert shown.split("\n")[20:] == [
        " 20. create web-22 at new",
        "     and so on: web-23..web-39",
        "  => 40 pods: web-0..web-39",
        "quorum: a majority of 3 is 2, 1 may fail now; then a majority of 40 is 21, 19 may fail",
        "warning: 40 is even: where members vote it survives 19 failures, no more than 39 would",
        "warning: HorizontalPodAutoscaler hpa (2 to 50) sets the replicas, too, and may change 40 at any time",
    ]


def test_refused() -> None:
    found, seen = planned(4, three(), pod(0, NEW), failing(1, NEW), pod(2, NEW))
    assert scaling.draw(found, seen, NOW) == screen(
        """
        prod/web: 3 -> 4 replicas, OrderedReady: one at a time, the lowest ordinal first, each available before the next
          1. create web-3 at new
          => refused: web-1 is in CrashLoopBackOff, and OrderedReady makes and removes nothing above it until it is available.
        quorum: a majority of 3 is 2, 0 may fail now; then a majority of 4 is 3, 1 may fail
        """
    )
    assert found.refused is not None
    assert scaling.refused(found.refused, found, seen).startswith("refused: prod/web: web-1 is in CrashLoopBackOff")
    assert "rollout unstick web -n prod" in (scaling_words.instead(found.refused, seen) or "")


def test_nothing_to_do() -> None:
    assert drawn(3, three(), *PODS) == "prod/web: 3 replicas, as asked for\n  => nothing to do"


def test_lost_majority_is_told() -> None:
    assert "which 1 available miss now" in drawn(5, three(policy="Parallel"), pod(0, NEW), failing(1, NEW), failing(2, NEW))


@pytest.mark.parametrize(
    ("stake", "words"),
    [
        (ClaimEffect.CLAIMS, "deletes 1 claim (data-web-2), perhaps DESTROYS 1 volume with unknown size (pv)"),
        (ClaimEffect.UNKNOWN_CLAIMS, "could not be read"),
        (ClaimEffect.STOPS, "the service stops"),
        (ClaimEffect.MAJORITY, "no majority of 2"),
    ],
)
def test_questions_name_the_server_and_what_is_at_stake(stake: ClaimEffect, words: str) -> None:
    found, seen = planned(2, three(), *PODS)
    lost = Leaving(claim="data-web-2", pod="web-2", deleted=True, fate=Fate.UNKNOWN, size=None, volume="pv")
    found = replace(found, stakes=(stake,), leaves=(lost,))
    asked = scaling.question(found, seen, "kind (https://127.0.0.1)")
    assert asked.startswith("on kind (https://127.0.0.1) this scales prod/web from 3 to 2: ") and words in asked and asked.endswith("Go on?")
    assert words in scaling.changed_meanwhile(found, seen)


def test_endings_and_what_to_type_next() -> None:
    found, seen = planned(5, three(), *PODS)
    stuck = replace(seen, blockers=(Blocker(cause=Cause.CONTAINER, pod="web-3", reason="CrashLoopBackOff"),) * 2)
    assert scaling.ended(ScaleProgress.STUCK, found, stuck) == "stuck: prod/web: web-3 is in CrashLoopBackOff (and 1 more)"
    assert (scaling.hint(ScaleProgress.STUCK, found, stuck) or "").endswith("take it back with: kubectl pets scale web --replicas 3 -n prod")
    assert scaling.hint(ScaleProgress.STUCK, replace(found, before=5), stuck) == "kubectl pets status web -n prod shows where it stands"
    assert scaling.ended(ScaleProgress.RESCALED, found, seen) == "failed: prod/web: somebody else set replicas to 3, so scaling to 5 stops here"
    assert "timed out" in scaling.ended(ScaleProgress.GOING_ON, found, seen)
    assert (scaling.hint(ScaleProgress.GOING_ON, found, seen) or "").endswith("kubectl pets scale web --replicas 5 -n prod")
    assert scaling.ended(ScaleProgress.REACHED, replace(found, reached=True), seen) == "prod/web: nothing to do, 5 replicas available"
    assert {scaling.hint(end, found, seen) for end in (ScaleProgress.REACHED, ScaleProgress.DELETED, ScaleProgress.UNREADABLE)} == {None}
    assert "take it back" in scaling.after_interrupt(found, seen) and "take it back" not in scaling.after_interrupt(replace(found, before=5), seen)


def test_the_document() -> None:
    near = around(claim("data-web-2"))
    found, seen = planned(2, with_claims(three(claims=("data",)), "Delete"), *PODS, near=near)
    document = json.loads(scaling_documents.document(found, seen, "json"))
    assert document == yaml.safe_load(scaling_documents.document(found, seen, "yaml"))
    assert document["leavingClaims"] == [
        {
            "claim": "data-web-2", "pod": "web-2", "deleted": True, "fate": "destroyed", "size": 10 * 2**30,
            "volume": "pv-uid-prod-data-web-2", "controller": "", "going": False, "ephemeral": False, "wanted": [],
        }
    ]
    assert list(document) == [
        "apiVersion", "kind", "metadata", "replicas", "podManagementPolicy", "moves", "returningClaims", "leavingClaims", "quorum",
        "autoscalers", "warnings", "stakes", "refused", "reached",
    ]
    unread, seen = planned(2, three(claims=("data",)), *PODS, near=Surroundings())
    assert json.loads(scaling_documents.document(unread, seen, "json"))["leavingClaims"] is None


def everything() -> tuple[Scaling, Assessment]:
    """A plan with one of each, which no cluster brings together."""
    found, seen = planned(5, three(), *PODS)
    blocker = Blocker(cause=Cause.CONTAINER, pod="web-1", reason="CrashLoopBackOff", message="boom")
    replica_owners = tuple(ReplicaOwner(kind=kind, name="hpa", will=will, minimum=1, maximum=2, back_to=2) for will in Will for kind in OwnerKind)
    return replace(
        found,
        returns=tuple(
            Returning(claim="data-web-3", pod="web-3", coming=coming, size=None, volume="pv", unused_since=None, nowhere="zone In b")
            for coming in Coming
        ),
        leaves=tuple(
            Leaving(claim="data-web-4", pod="web-4", deleted=deleted, fate=fate, size=1, volume="pv", controller="Backup/x")
            for fate in Fate
            for deleted in (True, False)
        ),
        replica_owners=replica_owners,
        warnings=tuple(Warning(caution=caution, pods=("web-1",), number=1, revision="web-new", blockers=(blocker,)) for caution in Caution),
        stakes=tuple(ClaimEffect),
    ), replace(seen, blockers=(blocker,))


@settings(deadline=None)
@given(HOSTILE)
def test_whatever_the_cluster_holds(text: str) -> None:
    found, seen = everything()
    poisoned, marred = _poisoned(found, text), _poisoned(seen, text)
    _clean(scaling.draw(poisoned, marred, NOW), len(scaling.draw(_poisoned(found, "é"), _poisoned(seen, "é"), NOW).split("\n")))
    _clean(scaling.question(poisoned, marred, text), 1)
    for end in ScaleProgress:
        _clean(scaling.ended(end, poisoned, marred), 1)
        _clean(scaling.hint(end, poisoned, marred) or "-", 1)
    for why in ScaleRefusedReason:
        refused = ScaleRefused(reason=why, blockers=marred.blockers, replica_owner=poisoned.replica_owners[0])
        _clean(scaling.refused(refused, poisoned, marred), 1)
        _clean(scaling_words.instead(refused, marred) or "-", 1)


def test_replicas_of_one_claim_are_singular() -> None:
    near = around(claim("data-web-2"))
    shown = drawn(2, statefulset(replicas=3, current=NEW, claims=("data",)), *PODS, near=near)
    assert "warning: data-web-2 stays with its data, and comes back when it is scaled up again" in shown
