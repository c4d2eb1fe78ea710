"""``kubectl pets resize --plan``: whole plans, every word, and that nothing of the cluster's breaks a line."""

import json

import pytest
import yaml
from hypothesis import given, settings
from msgspec.structs import replace

from kubectl_pets.domain.claims.growth import Growth, GrowthStage, Modification
from kubectl_pets.domain.model import PersistentVolumeClaim
from kubectl_pets.domain.resize.running import Over, ResizeEnd
from kubectl_pets.domain.resize.types import ResizePlan, ResizeRefused, ResizeRefusedReason, ResizeSkip, ServerObjection, Skipped
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Assessment
from kubectl_pets.pasting import connected, guarded_by
from kubectl_pets.views.resize import documents, plan, words
from kubectl_pets.views.rollout import claims as claim_stages
from tests.domain.builders import NOW
from tests.domain.resize import GIB, around, at_rest, claim, condition, planned, quota
from tests.views.screens import screen
from tests.views.test_hostile import ENCODABLE, HOSTILE
from tests.views.test_safety_hostile import _clean, _poisoned

SEEN: Assessment = assess(at_rest(), NOW)


def drawn(found: ResizePlan) -> str:
    return plan.draw(found, SEEN, NOW)


def test_what_it_takes() -> None:
    claims = (claim(0, "20Gi"), claim(1), claim(2), claim(3))
    found = replace(planned("20Gi", around(*claims, quotas=(quota(hard="100Gi", used="50Gi"),))), objections=())
    assert drawn(found) == screen(
        """
        prod/web: claims of template data to 20Gi
          1. data-web-2: has 10Gi -> 20Gi; class fast (csi.example, can grow), volume pv-2 (Delete)
          2. data-web-1: has 10Gi -> 20Gi; class fast (csi.example, can grow), volume pv-1 (Delete)
          3. data-web-0: has 20Gi; class fast (csi.example, can grow), volume pv-0 (Delete)
          => 2 claims to change, one at a time, the highest ordinal first, each accepted by the API server (dry run)
        quota: team leaves 50Gi of requests.storage, this takes 20Gi
        restarts: none is known to be needed; whether a driver expands what is in use shows when it is asked
        template: data says 10Gi -> 20Gi, at last: the set is deleted alone and created again, its pods run on
        chart: volumeClaimTemplates[data].spec.resources.requests.storage: 20Gi
        left over: data-web-3 of earlier replicas, which stay as they are until they are in range
        """
    )


def test_standing_still_in_three_ways() -> None:
    def stuck(ordinal: int, state: str, *names: str, message: str) -> PersistentVolumeClaim:
        since = NOW.replace(hour=11)
        return claim(ordinal, "20Gi", "10Gi", state=state, conditions=tuple(condition(each, message, since) for each in names))

    claims = (
        stuck(0, "ControllerResizeInfeasible", "ControllerResizeError", message="no room"),
        stuck(1, "NodeResizePending", "FileSystemResizePending", message=""),
        stuck(2, "ControllerResizeInProgress", "ControllerResizeError", message="code = FailedPrecondition desc = in use"),
    )
    assert drawn(planned("20Gi", around(*claims))).splitlines()[1:6] == [
        "  1. data-web-2: has 10Gi, the driver expands nothing in use for 60m: it goes on when no pod uses the claim; class fast (csi.example, can grow), volume pv-2 (Delete)",
        "  2. data-web-1: has 10Gi, its volume has grown and the node waits for 60m: it goes on when web-1 is started again; class fast (csi.example, can grow), volume pv-1 (Delete)",
        "  3. data-web-0: has 10Gi, infeasible for 60m: no room; it can be asked for less, as long as that is more than 10Gi; class fast (csi.example, can grow), volume pv-0 (Delete)",
        "  => no claim to change; what is under way is not through",
        "restarts: web-2, web-1 now; of the others it shows when their volumes grow",
    ]


def test_refused_by_us_and_by_the_server() -> None:
    found = planned("20Gi", around(claim(0), claim(1, storage_class="fixed"), claim(2), storage_classes=()))
    assert "  => refused: StorageClass fast of data-web-2, data-web-0 is not there, and only what a class provisioned can grow." in drawn(found)
    found = replace(planned("20Gi", around(claim(0))), objections=(ServerObjection("data-web-0", "exceeded quota"),))
    assert "  => refused by the API server: data-web-0: exceeded quota" in drawn(found) and not found.stands
    assert "chart:" in drawn(found)


def test_many_claims_are_counted() -> None:
    found = planned("20Gi", around(*(claim(each) for each in range(30))), at_rest(replicas=30))
    lines = drawn(found).splitlines()
    assert lines[20].startswith(" 20. data-web-10:") and lines[21] == "     and so on: data-web-9..data-web-0"


@pytest.mark.parametrize("reason", ResizeRefusedReason)
@pytest.mark.parametrize("claims", [("data-web-1",), ("data-web-2", "data-web-1", "data-web-0")])
def test_every_reason_is_a_sentence(reason: ResizeRefusedReason, claims: tuple[str, ...]) -> None:
    asked = planned("20Gi", around(claim(0)), attributes_class="gold")
    told = words.refusal(ResizeRefused(reason=reason, subject="that", claims=claims, limit=GIB), asked)
    assert told.endswith(".") and "  " not in told


def test_an_operator_controls_the_set_or_claims_of_it() -> None:
    asked = planned("20Gi", around(claim(0)))
    set_itself, one = (ResizeRefused(reason=ResizeRefusedReason.OPERATOR, subject="Pg/main", claims=each) for each in ((), ("data-web-1",)))
    assert words.refusal(set_itself, asked).startswith("the set is controlled by Pg/main")
    assert words.refusal(one, asked).startswith("data-web-1 is controlled by Pg/main")


def test_every_word_is_there() -> None:
    for stage in GrowthStage:
        grown = Growth(stage=stage, asks=2 * GIB, has=GIB, message="why", since=NOW)
        assert claim_stages.stage(grown, "web-1", NOW).startswith("has 1Gi")
    assert len({words.skip(ResizeSkip(what, "team")) for what in Skipped}) == len(Skipped)
    assert len({words.modification(each, "gold") for each in Modification}) == len(Modification)


def test_for_programs() -> None:
    found = replace(planned("20Gi", around(claim(0, "30Gi", "10Gi"), volumes=None)), objections=(ServerObjection("data-web-0", "no"),))
    document = json.loads(documents.document(found, SEEN, "json"))
    assert document == yaml.safe_load(documents.document(found, SEEN, "yaml"))
    assert document["kind"] == "ResizePlan" and document["objections"] == [{"claim": "data-web-0", "message": "no"}]
    [one] = document["claims"]
    assert (one["asks"], one["has"], one["then"], one["changes"], one["reclaimPolicy"]) == (30 * GIB, 10 * GIB, 20 * GIB, True, None)


def everything() -> ResizePlan:
    """A plan with something of every kind in it."""
    claims = (claim(0, "20Gi", "10Gi", state="ControllerResizeInfeasible", conditions=(condition("ControllerResizeError", "m"),)), claim(3))
    return replace(
        planned("20Gi", around(*claims, quotas=(quota(hard="1Gi", used="1Gi"),)), template="data", attributes_class="gold"),
        unmade=("web-1",), objections=(ServerObjection("c", "m"),), skipped=(ResizeSkip(Skipped.SCOPED_QUOTA, "q"),),
        refused=tuple(ResizeRefused(reason=each, subject="s", claims=("c",)) for each in ResizeRefusedReason),
    )


@settings(max_examples=60)
@given(text=HOSTILE)
def test_nothing_of_the_cluster_s_breaks_a_line(text: str) -> None:
    _clean(drawn(_poisoned(everything(), text)), len(drawn(everything()).splitlines()))


@settings(max_examples=60)
@given(text=ENCODABLE)
def test_nothing_of_the_cluster_s_breaks_a_document(text: str) -> None:
    poisoned = documents.document(_poisoned(everything(), text), SEEN, "json")
    assert json.loads(poisoned)["claims"][0]["storageClass"] == f"fast{text}"
    assert all(character.isprintable() for character in poisoned.replace("\n", ""))


def test_what_is_typed_next_is_what_was_typed() -> None:
    """A flag less would make the set again after --keep-template, or leave the class as it is."""
    flags = {"attributes_class": "gold", "canary": 1, "keep_template": True, "operator_paused": True, "restart": True}
    found = planned("20Gi", around(claim(0), claim(1)), at_rest(replicas=2), **flags)
    words = f"kubectl pets resize web 20Gi --attributes-class gold {{}}--keep-template --restart --operator-paused -n {SEEN.namespace}"
    assert words.format("--canary 1 ") in (plan.hint(Over(ResizeEnd.TIMED_OUT), found, SEEN) or "")
    assert plan.hint(Over(ResizeEnd.REACHED), found, SEEN) == f"the others: {words.format('')}"
    with connected():
        guarded_by(("--quorum",))
        assert "--restart --operator-paused --quorum -n" in (plan.hint(Over(ResizeEnd.TIMED_OUT), found, SEEN) or "")
    some = planned("20Gi", around(claim(0), claim(1)), at_rest(replicas=2), template="data", ordinals=(2, 0))
    assert "resize web data=20Gi --pod 2 --pod 0 -n" in (plan.hint(Over(ResizeEnd.TIMED_OUT), some, SEEN) or "")
