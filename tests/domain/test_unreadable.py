"""An object that could not be decoded costs the verdict on its own set, and no other."""

import pytest

from kubectl_pets.domain.inventory import snapshots
from kubectl_pets.domain.model import Inventory, ObjectMeta, OwnerReference, Pod, StatefulSet
from kubectl_pets.domain.rollout.assessing import assess
from kubectl_pets.domain.rollout.verdict import Cause, Phase
from kubectl_pets.domain.stepping.deciding import decide
from kubectl_pets.domain.stepping.steps import Promote, Refused, RefusedReason, RunMemory
from kubectl_pets.domain.stepping.until import Progress, Until, progress
from kubectl_pets.views.rollout import words
from tests.domain.builders import NOW, OLD, UID, pod, snapshot, statefulset

SET = statefulset(replicas=2, update=OLD)


def undecoded(name: str, uid: str = UID) -> Pod:
    owners = (OwnerReference(kind="StatefulSet", name="any", uid=uid, controller=True),) if uid else ()
    meta = ObjectMeta(name=name, namespace=SET.namespace, uid="uid-odd", owner_references=owners)
    return Pod(metadata=meta, unreadable="Invalid RFC3339 encoded datetime")


@pytest.mark.parametrize("odd", [undecoded("web-1"), undecoded("odd"), undecoded("web-1", uid=""), undecoded("web-7", uid="")])
def test_a_pod_of_its_own_makes_it_unknown(odd: Pod) -> None:
    seen = assess(snapshot(SET, pod(0), pod(1), odd), NOW)
    assert seen.phase is Phase.UNKNOWN and [found.pod for found in seen.blockers] == [odd.name]
    assert words.blocker(seen.blockers[0]) == f"{odd.name} could not be decoded, so nothing can be said of it: Invalid RFC3339 encoded datetime"
    decision, _ = decide(Promote(), seen, NOW, RunMemory())
    assert isinstance(decision, Refused) and decision.reason is RefusedReason.PODS_UNREADABLE
    assert {progress(until, seen) for until in Until} == {Progress.RESTING}


@pytest.mark.parametrize("odd", [undecoded("web-1", uid="other"), undecoded("other-1", uid=""), undecoded("web-x", uid="")])
def test_anybody_elses_does_not(odd: Pod) -> None:
    assert assess(snapshot(SET, pod(0), pod(1), odd), NOW).phase is Phase.COMPLETE


def test_a_set_that_could_not_be_decoded_is_unknown() -> None:
    odd = StatefulSet(metadata=SET.metadata, unreadable="Expected `int`, got `str`")
    seen = assess(snapshot(odd), NOW)
    assert seen.phase is Phase.UNKNOWN and seen.blockers[0].cause is Cause.PODS_UNREADABLE
    assert words.blocker(seen.blockers[0]).startswith("the set could not be decoded")


def test_in_an_inventory_it_is_told_by_name_where_not_even_its_owner_is_known() -> None:
    other = StatefulSet(metadata=ObjectMeta(name="api", namespace=SET.namespace, uid="uid-api"), spec=SET.spec, status=SET.status)
    inventory = Inventory(sets=(SET, other), pods=(pod(0), pod(1), undecoded("api-0", uid="")))
    web, api = (assess(view, NOW) for view in snapshots(inventory))
    assert web.phase is Phase.COMPLETE and api.phase is Phase.UNKNOWN and api.blockers[0].pod == "api-0"
