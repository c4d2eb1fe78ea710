"""Manifests laid over what a cluster has: as an apply leaves it, and nothing that could not be read is known afterwards."""

from typing import Any

import pytest

from kubectl_pets.domain.doctor.case import Ward
from kubectl_pets.domain.doctor.checkup import Asked, Standing, examine, worse
from kubectl_pets.domain.doctor.estate import Estate
from kubectl_pets.domain.doctor.manifests import Manifest, applied, decoded, refused, unsettled
from kubectl_pets.domain.findings import Rule
from tests.domain.doctor.wards import NOW, SET, budget, estate, merged, pod


def manifest(item: dict[str, Any], kind: str = "StatefulSet", api: str = "apps/v1") -> Manifest:
    found = decoded({"apiVersion": api, "kind": kind, **item}, "prod")
    assert found is not None
    return found


def stated(**spec: Any) -> Manifest:
    return manifest(merged({"metadata": {"name": "web", "namespace": "prod"}, "spec": SET["spec"]}, {"spec": spec}))


def told(given: Estate, *found: Manifest, **asked: Any) -> list[Rule]:
    places = frozenset((each.item.namespace, each.item.name) for each in found if each.field == "sets")
    before = examine(Ward(given, NOW), Asked(**asked))
    then = applied(given, found)
    after = examine(Ward(then, NOW), Asked(unsettled=unsettled(given, then), **asked))
    return [each.rule for each in worse(before, after, places, refused(given, found)).found]


def test_the_same_again_makes_nothing_worse() -> None:
    assert told(estate(), stated(), manifest(budget(), "PodDisruptionBudget", "policy/v1")) == []


def test_replicas_that_are_not_stated_and_what_controllers_tell_stay() -> None:
    given = estate({"spec": {"replicas": 3}})
    (owner,) = applied(given, [stated(replicas=None)]).sets
    assert (owner.spec.replicas, owner.status.update_revision, owner.metadata.uid) == (3, "web-1", "set-1")
    (scaled,) = applied(given, [stated(replicas=5)]).sets
    assert scaled.spec.replicas == 5


def test_labels_and_annotations_are_added() -> None:
    given = estate({"metadata": {"annotations": {"kept": "yes"}}})
    (owner,) = applied(given, [manifest({"metadata": {"name": "web", "annotations": {"kubectl-pets/members": "data"}}})]).sets
    assert owner.metadata.annotations == {"kept": "yes", "kubectl-pets/members": "data"} and owner.spec.service_name == "web"


def test_what_is_found_already_is_not_made_worse_and_what_is_heavier_is() -> None:
    bad = {"spec": {"revisionHistoryLimit": 0}}
    assert told(estate(bad), stated(revisionHistoryLimit=0)) == []
    assert told(estate(bad), stated(revisionHistoryLimit=0, replicas=1, updateStrategy={"type": "Recreate"})) == []
    assert Rule.NO_WAY_BACK in told(estate(), stated(revisionHistoryLimit=0))


def test_a_list_that_could_not_be_read_is_not_known_by_what_is_added() -> None:
    given = estate(budgets=None)
    after = applied(given, [manifest(budget(), "PodDisruptionBudget", "policy/v1")])
    assert after.budgets is None
    assert {each.rule for each in examine(Ward(after, NOW), Asked()).standing(Standing.SKIP)} >= {Rule.BUDGET_MISSING}


def test_another_kind_of_set_of_the_same_name_is_another() -> None:
    item = {"metadata": {"name": "web"}, "spec": {"replicas": 1, "template": {"metadata": {"labels": {"app": "other"}}}}}
    other = manifest(item, api="apps.kruise.io/v1beta1")
    assert len(applied(estate(), [other]).sets) == 2 and refused(estate(), [other]) == ()


def test_what_cannot_be_changed() -> None:
    assert refused(estate(), [stated()]) == ()
    changes: dict[str, Any] = {"serviceName": "x", "podManagementPolicy": "Parallel", "volumeClaimTemplates": [], "selector": {"matchLabels": {"app": "x"}}}
    found = [(each.names[0], each.field) for each in refused(estate(), [stated(**changes)])]
    assert sorted(found) == [
        ("data", "spec.volumeClaimTemplates[data]"),
        ("podManagementPolicy", "spec.podManagementPolicy"),
        ("selector", "spec.selector"),
        ("serviceName", "spec.serviceName"),
    ]


@pytest.mark.parametrize("replicas", [1, 5])
def test_another_number_of_replicas_is_no_outage(replicas: int) -> None:
    assert told(estate(), stated(replicas=replicas)) == []


def test_of_a_set_that_is_not_there_nothing_is_said_that_takes_pods() -> None:
    fresh = merged(SET, {"metadata": {"name": "db", "uid": None, "generation": None}, "status": None, "spec": {"selector": {"matchLabels": {"app": "db"}}}})
    fresh = merged(fresh, {"spec": {"serviceName": "", "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"terminationGracePeriodSeconds": 0}}}})
    assert set(told(estate(), manifest(fresh))) == {Rule.GRACE_ZERO, Rule.BUDGET_MISSING}
    assert Rule.QUORUM_LOST in {each.rule for each in examine(Ward(estate(pods=[pod(0)]), NOW), Asked()).found}  # of one that is there
