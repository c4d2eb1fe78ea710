"""How a set's way back to the data of a revision is drawn and told: the plan, and each reason why it is refused."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.scale.replica_owners import OwnerKind, ReplicaOwner, Will
from kubectl_pets.domain.snapshots.restoring import ClassTraits, NoReturn, ReturnPlan, Unreturnable, plan
from kubectl_pets.pasting import connected, guarded_by
from kubectl_pets.views.snapshots import returning as view
from tests.domain.builders import NOW, OLD
from tests.domain.builders import snapshot as around
from tests.domain.data_return import ASKED, claim, ground, owner, snapshot
from tests.schemas import check

SEEN = assess(around(owner()), NOW)


def found(**changes: object) -> ReturnPlan:
    return plan(ground(**changes), OLD, 3)  # type: ignore[arg-type]


def test_the_plan_says_claim_by_claim_what_is_done_and_how_the_cuts_fit() -> None:
    shots = (snapshot(claim(0)), replace(snapshot(claim(1)), status=replace(snapshot(claim(1)).status, creation_time=ASKED + timedelta(seconds=2))))
    drawn = view.draw(found(snapshots=shots), SEEN, NOW).splitlines()
    assert "data back to revision 3 (web-old)" in drawn[0]
    assert drawn[1].startswith("  data-web-1: volume pv-uid-prod-data-web-1 is kept with the newer data, the claim made anew from VolumeSnapshot data-web-1-one (cut ")
    assert drawn[1].endswith("class fast, 1Gi") and drawn[2].startswith("  data-web-0: ")
    assert drawn[3] == "  cut within 2s of each other; each is crash-consistent, of its own volume"
    waits = view.draw(found(classes={"fast": ClassTraits("csi.example.org", True)}), SEEN, NOW)
    assert waits.count("filled when its pod comes") == 2


def test_names_from_the_cluster_are_harmless() -> None:
    odd = replace(found(), refused=(Unreturnable(reason=NoReturn.MOUNTED, claim="data-web-0", detail="\x1b[2J{0}"),))
    assert "\x1b" not in view.draw(odd, SEEN, NOW) + view.hint(odd, SEEN, {}) and "{0} mounts it" in view.draw(odd, SEEN, NOW)


@pytest.mark.parametrize("reason", NoReturn)
def test_every_reason_has_its_words_and_a_next_command(reason: NoReturn) -> None:
    one = Unreturnable(reason=reason, claim="data-web-0", detail="what")
    refused = replace(found(), refused=(one,))
    assert len(view.refusal(one, SEEN)) > 25 and "{" not in view.refusal(one, SEEN)
    assert "kubectl " in view.hint(refused, SEEN, {})
    check(json.loads(view.document(refused, SEEN, "json")))


def test_the_set_that_is_not_at_0_is_told_all_three_commands() -> None:
    refused = plan(ground(owner(replicas=3)), OLD, 3)
    assert view.hint(refused, SEEN, {}) == (
        "kubectl pets scale web --replicas 0 -n prod; then kubectl pets rollout undo web --with-data -n prod; "
        "then kubectl pets scale web --replicas 3 -n prod. Or while it runs, one pod after the other: "
        "kubectl pets rollout undo web --with-data --one-by-one -n prod"
    )


def test_a_claim_that_waits_for_its_pod_is_not_called_back() -> None:
    waiting = found(classes={"fast": ClassTraits("csi.example.org", True)})
    empty = replace(waiting, claims=(waiting.claims[0], replace(waiting.claims[1], volume=None)))
    for told in (view.reached, view.already):
        assert told(found(), SEEN).startswith("prod/web is back at the data of revision 3")
        assert told(empty, SEEN).startswith("prod/web has claims that are filled with the data of revision 3 when their pods come")


def test_what_is_to_be_pasted_means_what_was_typed() -> None:
    """Without the number it would take the data of another revision."""
    typed = {"--to-revision": "2", "--replicas": "3"}
    asked = "kubectl pets rollout undo web --with-data --to-revision 2 --replicas 3"
    assert f"; then {asked} -n prod; then " in view.hint(plan(ground(owner(replicas=3)), OLD, 3), SEEN, typed)
    for told in (view.not_confirmed(SEEN, typed), view.goes_on(SEEN, typed)):
        assert told.endswith(f"{asked} --confirm web -n prod")
    fewer = replace(found(), refused=(Unreturnable(reason=NoReturn.LACKS_SNAPSHOT, claim="data-web-2"),))
    assert "--with-data --to-revision 2 --replicas 2 -n prod leaves" in view.hint(fewer, SEEN, typed)
    running = view.hint(fewer, SEEN, {"--one-by-one": ""})
    assert "kubectl pets scale web --replicas 2 -n prod; then kubectl pets rollout undo web --with-data --one-by-one" in running
    none = replace(found(), refused=(Unreturnable(reason=NoReturn.NO_SNAPSHOTS, detail=OLD),))
    assert view.hint(none, SEEN, typed).endswith("without the data: kubectl pets rollout undo web --to-revision 2 -n prod")


def test_what_is_left_when_it_stops_is_said() -> None:
    gone = replace(ground(), claims=(claim(0),))
    assert "data-web-1: the claim is not there" in view.draw(plan(gone, OLD, 3), SEEN, NOW)
    assert view.stopped(found(), SEEN).startswith("0 of 2 claims")
    assert "kubectl pets scale web --replicas 2 -n prod" in view.afterwards(found(), SEEN, None)
    assert "kubectl pets orphans restore /tmp/one.json" in view.afterwards(found(), SEEN, Path("/tmp/one.json"))


@pytest.mark.parametrize(("least", "most", "to"), [(3, 9, 3), (0, 1, 1)])
def test_the_scale_that_is_named_is_not_one_that_is_refused(least: int, most: int, to: int) -> None:
    """An autoscaler does nothing at 0 replicas, and puts a number out of its bounds back at once (reconcileAutoscaler)."""
    owner = ReplicaOwner(kind=OwnerKind.AUTOSCALER, name="hpa", will=Will.PUTS_BACK, minimum=least, maximum=most, back_to=to)
    told = view.afterwards(found(), SEEN, None, [owner])
    assert told.startswith(f"HorizontalPodAutoscaler hpa ({least} to {most}) puts 2 back to {to}, so have it allow 2 with: ")
    assert "with: kubectl edit horizontalpodautoscaler hpa -n prod; then start it with: kubectl pets scale web --replicas 2 -n prod" in told
    within = replace(owner, will=Will.MAY_CHANGE, back_to=None)
    assert view.afterwards(found(), SEEN, None, [within]) == view.afterwards(found(), SEEN, None)


def test_what_goes_on_pod_by_pod_asks_no_less_before_a_pod_goes() -> None:
    """And at 0 replicas, where no pod goes, none of it may be typed."""
    running = {"--to-revision": "3", view.ONE_BY_ONE: ""}
    with connected():
        guarded_by(("--quorum", "--gate-exec", "pg_isready -q"))
        assert "undo web --with-data --to-revision 3 --one-by-one --quorum --gate-exec 'pg_isready -q' --confirm web" in view.goes_on(SEEN, running)
        down = replace(found(), refused=(Unreturnable(reason=NoReturn.POD_DOWN, detail="web-0"),))
        assert "--quorum" not in view.hint(down, SEEN, running) and "--with-data --to-revision 3" in view.hint(down, SEEN, running)
