"""Plans about claims and volumes, and the questions before them."""

import pytest
from msgspec.structs import replace

from kubectl_pets.domain.orphans.deletion import Deletion, DeletionOptions, DeletionPlan, plan
from kubectl_pets.domain.orphans.findings import Fate
from kubectl_pets.domain.orphans.inventory import PersistentVolume, PersistentVolumeSpec
from kubectl_pets.domain.orphans.restoring import RestorePlan, RestorePolicy, plan_restore, record_of
from kubectl_pets.views.orphans import plan as claim_plans
from tests.domain.orphans.builders import NOBODY_ELSE, NOW, volume
from tests.views import claim_scenes as scenes
from tests.views.claim_scenes import SCENES, left_behind
from tests.views.screens import screen

SERVER = "https://10.0.0.1:6443"
ALL = [scene() for scene in SCENES.values()]


def retained(ordinal: int, size: str = "10Gi") -> PersistentVolume:
    """The volume, as a deletion by this program leaves it."""
    (verdict,) = left_behind(ordinal, size=size)
    (found,) = plan([verdict], DeletionOptions(), NOW).deletions
    annotations = getattr(found.steps[0], "annotations")
    return volume(verdict.claim, "Retain", phase="Released", annotations=annotations)


# --- deletion ----------------------------------------------------------------------------------------------------------------


def test_by_default_the_data_stays() -> None:
    planned = plan([*ALL, *left_behind(20, 21, 22)], DeletionOptions(), NOW)
    assert claim_plans.draw(planned) == screen(
        """
          1. prod/data-web-10  scaled-down, 1.5Gi
             - set volume pv-10 to Retain (it was Delete)
             - delete claim prod/data-web-10
             => volume pv-10 keeps the data
          2. prod/logs-web-1  template-gone, 10Gi
             - delete claim prod/logs-web-1
             => volume pv-logs-1 keeps the data
          3. prod/data-old-db-0  set-gone, 10Gi
             - set volume pv-old to Retain (it was Delete)
             - delete claim prod/data-old-db-0
             => volume pv-old keeps the data
          4. prod/data-web-11  scaled-down, size unknown
             - delete claim prod/data-web-11
             => there is no data
          5. prod/data-web-20  scaled-down, 10Gi
             - set volume pv-20 to Retain (it was Delete)
             - delete claim prod/data-web-20
             => volume pv-20 keeps the data
          6. prod/data-web-21  scaled-down, 10Gi
             - set volume pv-21 to Retain (it was Delete)
             - delete claim prod/data-web-21
             => volume pv-21 keeps the data
          7. prod/data-web-22  scaled-down, 10Gi
             - set volume pv-22 to Retain (it was Delete)
             - delete claim prod/data-web-22
             => volume pv-22 keeps the data
        left alone:
          - not a candidate, in-use: prod/data-web-0
          - not a candidate, in-range: prod/data-web-1
          - not a candidate, will-return: prod/data-web-2
          - not a candidate, used-by-template: prod/data-web-3
          - not a candidate, owned: prod/data-web-4
          - not a candidate, terminating: prod/data-web-5
          - not a candidate, kept: prod/data-web-6
          - not a candidate, lost: prod/data-web-7
          - not a candidate, ambiguous: prod/data-web-8, prod/data-web-web-5 (2)
          - not a candidate, unsure (scaled-down?): prod/data-web-9
          - its volume is being deleted and goes with it, so its data would not be kept: prod/data-web-13
          - what would become of its data cannot be said: prod/data-web-12
          => deletes 7 claims with at least 51.5Gi and destroys no volume
        """
    )
    assert claim_plans.agreed(planned, DeletionOptions(), SERVER) == (
        "on https://10.0.0.1:6443 in namespace prod this deletes 7 claims (prod/data-web-10, prod/logs-web-1, prod/data-old-db-0 "
        "and 4 more) with at least 51.5Gi and destroys no volume."
    )


def test_what_is_destroyed_is_in_capitals() -> None:
    options = DeletionOptions(use=NOBODY_ELSE, destroy_data=True, limit=2, keep=1)
    planned = plan([*left_behind(20, 21, 22, 23, 24, 25), scenes.template_gone()], options, NOW)
    assert claim_plans.draw(planned) == screen(
        """
          1. prod/data-web-20  scaled-down, 10Gi
             - delete claim prod/data-web-20
             => volume pv-20 is DESTROYED with its data
          2. prod/data-web-21  scaled-down, 10Gi
             - delete claim prod/data-web-21
             => volume pv-21 is DESTROYED with its data
        left alone:
          - over the --limit of this run: prod/data-web-22..prod/data-web-24 (3)
          - among the newest ordinals that --keep holds back: prod/data-web-25, prod/logs-web-1 (2)
          => deletes 2 claims with 20Gi and DESTROYS 2 volumes with 20Gi for good
        """
    )
    assert claim_plans.agreed(planned, options, SERVER) == (
        "on https://10.0.0.1:6443 in namespace prod this deletes 2 claims (prod/data-web-20, prod/data-web-21) with 20Gi "
        "and DESTROYS 2 volumes with 20Gi for good."
    )


def test_snapshots_come_first() -> None:
    options = scenes.SNAPSHOT
    in_tree = replace(volume(left_behind(21)[0].claim), spec=PersistentVolumeSpec(persistent_volume_reclaim_policy="Delete"))
    other = replace(left_behind(21)[0], volume=in_tree)
    planned = plan([*left_behind(20, uid="0123456789"), scenes.no_data(), other], options, NOW)
    assert claim_plans.draw(planned) == screen(
        """
          1. prod/data-web-20  scaled-down, 10Gi
             - take VolumeSnapshot data-web-20-01234567 (class nightly) and wait until it is ready to use
             - set volume pv-20 to Retain (it was Delete)
             - delete claim prod/data-web-20
             => volume pv-20 keeps the data
        left alone:
          - it has no volume to take a snapshot of: prod/data-web-11
          - its volume pv-21 is of no CSI driver, and snapshots are taken of those only: prod/data-web-21
          => deletes 1 claim with 10Gi and destroys no volume
        """
    )
    assert claim_plans.agreed(planned, options, SERVER) == (
        "on https://10.0.0.1:6443 in namespace prod this deletes, after a snapshot of each, 1 claim (prod/data-web-20) with 10Gi and destroys no volume."
    )
    assert claim_plans.waiting("s-1", "") == "waiting for VolumeSnapshot s-1"
    assert claim_plans.waiting("s-1", "no space") == "waiting for VolumeSnapshot s-1: no space"


def test_what_was_done_and_what_was_not_is_said_by_name() -> None:
    done = plan(left_behind(20, 21), DeletionOptions(), NOW).deletions
    first, second = left_behind(22, 23)
    assert claim_plans.ended(done, (first, second), None, interrupted=True).splitlines() == [
        "interrupted: deleted 2 claims: prod/data-web-20, prod/data-web-21",
        "not touched: 2 claims: prod/data-web-22, prod/data-web-23",
    ]
    assert claim_plans.ended((), (second,), first, interrupted=False).splitlines() == [
        "no claim was deleted",
        "begun, and maybe deleted: prod/data-web-22; run it again, and it goes on there",
        "not touched: 1 claim: prod/data-web-23",
    ]


def test_nothing_to_delete() -> None:
    assert claim_plans.draw(plan([], DeletionOptions(), NOW)) == "nothing would be deleted"
    assert claim_plans.draw(plan([scenes.kept()], DeletionOptions(), NOW)) == screen(
        """
        nothing would be deleted
        left alone:
          - not a candidate, kept: prod/data-web-6
        """
    )


@pytest.mark.parametrize("fate", list(Fate))
def test_every_fate_has_words(fate: Fate) -> None:
    planned = DeletionPlan(deletions=(Deletion(verdict=scenes.scaled_down(), steps=(), fate=fate),), refused=())
    assert "     => " in claim_plans.draw(planned)


# --- restoring and purging ---------------------------------------------------------------------------------------------------


def test_a_claim_comes_back() -> None:
    kept = retained(20)
    planned = plan_restore(record_of(kept), kept, (), NOW)
    assert isinstance(planned, RestorePlan)
    assert claim_plans.restore(planned).splitlines() == [
        "  1. make claim prod/data-web-20 for volume pv-20",
        "  2. clear the old claim's uid from volume pv-20",
        "  3. wait until prod/data-web-20 is bound to volume pv-20",
        "  4. set the reclaim policy of volume pv-20 back to Delete",
        "  => prod/data-web-20 will be back on volume pv-20",
    ]


def test_only_the_policy_is_left() -> None:
    planned = RestorePlan(steps=(RestorePolicy(volume="pv-20", uid="u", policy="Delete"),))
    assert claim_plans.restore(planned) == "  1. set the reclaim policy of volume pv-20 back to Delete"
