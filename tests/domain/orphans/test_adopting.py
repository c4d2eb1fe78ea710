"""Which volume becomes which claim, and which volumes are not for the taking."""

from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.changes import CreateClaim, ReserveVolume
from kubectl_pets.domain.model import (
    LabelSelector,
    ObjectMeta,
    Ordinals,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpec,
    ResourceRequests,
)
from kubectl_pets.domain.orphans.adopting import (
    AdoptPlan,
    AdoptRefusedReason,
    ClaimMaker,
    ClaimMakerSpec,
    is_torn,
    plan_adoption,
    template_of,
)
from kubectl_pets.domain.orphans.inventory import ClaimRef, PersistentVolume
from kubectl_pets.domain.orphans.restoring import AwaitBound
from kubectl_pets.domain.orphans.storage import StorageObjection
from tests.domain.orphans.builders import NOBODY_ELSE, NOW, claim, volume
from tests.domain.orphans.test_restoring import with_ref

R = AdoptRefusedReason


def template(name: str = "data", size: str = "1Gi", **spec: Any) -> PersistentVolumeClaim:
    asked = {"access_modes": ("ReadWriteOnce",), "resources": ResourceRequests(requests={"storage": size}), **spec}
    return PersistentVolumeClaim(metadata=ObjectMeta(name=name, labels={"tier": "db"}), spec=PersistentVolumeClaimSpec(**asked))


def maker(*templates: PersistentVolumeClaim, start: int = 0) -> ClaimMaker:
    spec = ClaimMakerSpec(
        selector=LabelSelector(match_labels={"app": "web"}),
        ordinals=Ordinals(start=start) if start else None,
        volume_claim_templates=templates or (template(),),
    )
    return ClaimMaker(metadata=ObjectMeta(name="web", namespace="prod"), spec=spec)


def free(name: str, **meta: Any) -> PersistentVolume:
    """Released by a claim of another set in another namespace."""
    return volume(claim(f"data-{name}", namespace="old", volume_name=f"pv-{name}"), "Retain", phase="Released", **meta)


def planned(*volumes: PersistentVolume, of: ClaimMaker = maker(), claims: tuple[PersistentVolumeClaim, ...] = (), names: tuple[str, ...] = ()) -> AdoptPlan:
    use = msgspec.structs.replace(NOBODY_ELSE, volumes=volumes)
    found = template_of(of, "data")
    assert found is not None
    return plan_adoption(names or tuple(each.name for each in volumes), volumes, of, found, claims, use)


def test_the_lowest_ordinals_without_a_claim_in_the_order_of_the_names() -> None:
    found = planned(free("b"), free("a"), of=maker(start=2), claims=(claim("data-web-3"), claim("data-web-2", namespace="other")))
    assert [(one.volume.name, one.claim.name) for one in found.adoptions] == [("pv-b", "data-web-2"), ("pv-a", "data-web-4")]
    create, reserve, bound = found.adoptions[0].steps
    assert isinstance(create, CreateClaim) and isinstance(reserve, ReserveVolume) and isinstance(bound, AwaitBound)
    made = create.claim
    assert made.metadata.labels == {"tier": "db", "app": "web"} and made.spec.volume_name == "pv-b"
    assert made.spec.storage_class_name == "fast" and made.spec.resources.requests == {"storage": "1Gi"}
    assert (reserve.namespace, reserve.claim, reserve.resource_version) == ("prod", "data-web-2", "3")


def test_one_that_was_broken_off_is_gone_on_with() -> None:
    begun = claim("data-web-0", phase="Pending", volume_name="pv-a")
    (one,) = planned(free("a"), claims=(begun,)).adoptions
    assert one.claim.name == "data-web-0" and [type(step) for step in one.steps] == [ReserveVolume, AwaitBound]
    reserved = with_ref(free("a"), "", "Available")
    spec = msgspec.structs.replace(reserved.spec, claim_ref=ClaimRef(namespace="prod", name="data-web-0"))
    assert planned(msgspec.structs.replace(reserved, spec=spec), claims=(begun,)).adoptions


def test_what_a_run_that_was_killed_has_bound_already_is_passed_by() -> None:
    """Typed again, with the volumes in the same order, it goes on with those that are left."""
    done = claim("data-web-0", volume_name="pv-a")
    first = volume(done, "Retain")
    found = planned(first, free("b"), claims=(done,))
    assert found.already == (("pv-a", "data-web-0"),) and not found.refused
    assert [(one.volume.name, one.claim.name) for one in found.adoptions] == [("pv-b", "data-web-1")]
    # of another template, of another namespace, deleted, or named twice: that is none of ours
    others = (claim("log-web-0", volume_name="pv-a"), claim("data-web-0", namespace="old", volume_name="pv-a"), claim("data-web-0", volume_name="pv-a", deleted=True))
    for other in others:
        assert [one.reason for one in planned(volume(other, "Retain"), free("b"), claims=(other,)).refused] == [R.VOLUME_NOT_FREE]
    again = planned(first, free("b"), claims=(done,), names=("pv-a", "pv-b", "pv-a"))
    assert [one.reason for one in again.refused] == [R.TWICE] and not again.adoptions
    whole = planned(first, claims=(done,))
    assert whole.already == (("pv-a", "data-web-0"),) and not (whole.refused or whole.adoptions), "nothing is left to do"


def test_what_another_one_has_adopted_is_what_was_asked_for_if_it_is_in_the_same_order() -> None:
    done = (claim("data-web-0", volume_name="pv-a"), claim("data-web-1", volume_name="pv-b"))
    volumes = tuple(volume(each, "Retain") for each in done)
    assert [name for name, _ in planned(*volumes, claims=done).already] == ["pv-a", "pv-b"]
    turned = planned(*volumes, claims=done, names=("pv-b", "pv-a"))
    assert [one.reason for one in turned.refused] == [R.VOLUME_NOT_FREE] * 2 and not turned.already
    odd = claim("data-web-01", volume_name="pv-a")
    assert [one.reason for one in planned(volume(odd, "Retain"), claims=(odd,)).refused] == [R.VOLUME_NOT_FREE]


def test_volumes_and_claims_of_two_moments() -> None:
    """Somebody adopts the same between the two lists: the volume was free still, and its claim is bound already."""
    done = claim("data-web-0", volume_name="pv-a")
    assert is_torn(("pv-a",), (free("a"),), (done,)) and not is_torn(("pv-a",), (volume(done, "Retain"),), (done,))
    assert not is_torn(("pv-b",), (free("a"), free("b")), (done,)), "of a volume that nobody asked about"
    assert not is_torn(("pv-a",), (free("a"),), (claim("data-web-0", phase="Pending", volume_name="pv-a"),)), "it is on its way"


def _with(item: PersistentVolume, **spec: Any) -> PersistentVolume:
    return msgspec.structs.replace(item, spec=msgspec.structs.replace(item.spec, **spec))


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (free("a", deletion_timestamp=NOW), R.VOLUME_TERMINATING),
        (with_ref(free("a"), "u", "Bound"), R.VOLUME_NOT_FREE),
        (with_ref(free("a"), "u", "Failed"), R.VOLUME_NOT_FREE),
        (with_ref(free("a"), "", "Available"), R.VOLUME_NOT_FREE),  # reserved for a claim of another set
        (_with(free("a"), persistent_volume_reclaim_policy="Delete"), R.VOLUME_DESTROYED),
        (_with(free("a"), capacity={"storage": "1Mi"}), R.TOO_SMALL),
        (_with(free("a"), access_modes=("ReadOnlyMany",)), R.OTHER_MODES),
        (_with(free("a"), volume_mode="Block"), R.OTHER_MODES),
    ],
)
def test_what_is_not_for_the_taking(item: PersistentVolume, reason: AdoptRefusedReason) -> None:
    found = planned(free("b"), item)
    assert [one.reason for one in found.refused] == [reason] and not found.adoptions  # all or none


def test_twice_nobody_s_and_somebody_else_s() -> None:
    assert [one.reason for one in planned(free("a"), names=("pv-a", "pv-a")).refused] == [R.TWICE]
    assert [one.reason for one in planned(free("a"), names=("pv-z",)).refused] == [R.VOLUME_GONE]
    twin = msgspec.structs.replace(free("a"), metadata=ObjectMeta(name="twin", uid="t"))
    assert [one.reason for one in planned(free("a"), twin, names=("pv-a",)).refused] == [StorageObjection.SHARED]


def test_which_template() -> None:
    both = maker(template("data"), template("log"))
    assert template_of(both, "") is None and template_of(both, "log") == template("log") and template_of(both, "x") is None
    assert template_of(maker(), "") == template()
