"""One scene for each class, and for each reason to be in it; then the order of caution."""

from typing import Any

import msgspec
import pytest

from kubectl_pets.domain.model import ClaimTemplate, Condition, DataSource, ManagedFieldsEntry
from kubectl_pets.domain.orphans.findings import CANDIDATES, ClaimVerdict, Class, Evidence, EvidenceKind, Fate
from kubectl_pets.domain.orphans.inventory import volumes_by_name
from kubectl_pets.domain.orphans.judging import KEEP_ANNOTATION, judge
from tests.domain.orphans.builders import (
    CONTROLLER,
    DAY,
    NOBODY,
    NOW,
    autoscaler,
    claim,
    cloning,
    cron_job,
    ephemeral,
    estate,
    mounts,
    one,
    owner,
    pod,
    revision,
    scaled_object,
    stateful_set,
    users,
    volume,
    workload,
)

E = EvidenceKind
STATUS = ManagedFieldsEntry(manager=CONTROLLER, operation="Update", subresource="status", time=NOW - DAY)


def kinds(verdict: ClaimVerdict) -> set[EvidenceKind]:
    return {item.kind for item in verdict.evidence}


def why(verdict: ClaimVerdict, kind: EvidenceKind) -> Evidence:
    return next(item for item in verdict.evidence if item.kind is kind)


# --- in use, in range --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", ["Running", "Pending", "Succeeded", "Failed", "Unknown"])
def test_what_a_pod_mounts_is_in_use_in_whatever_phase_it_is(phase: str) -> None:
    verdict = one(estate(claim("data-web-7"), users=users(pods=(pod("anything", *mounts("data-web-7"), phase=phase),))))
    assert verdict.klass is Class.IN_USE
    assert why(verdict, E.MOUNTED) == Evidence(E.MOUNTED, "Pod/anything", phase)


def test_a_pod_uses_the_claim_of_its_ephemeral_volume() -> None:
    """KEP-1698: it is called ``<pod>-<volume>``."""
    verdict = one(estate(claim("web-7f-scratch-0"), users=users(pods=(pod("web-7f", *ephemeral("scratch-0")),))))
    assert verdict.klass is Class.IN_USE


def test_pods_of_another_namespace_use_other_claims() -> None:
    other = claim("data-web-7", namespace="test")
    mine = claim("data-web-7")
    seen = estate(mine, other, users={"test": NOBODY} | users(pods=(pod("web-7", *mounts("data-web-7")),)))
    assert [item.klass for item in judge(seen, NOW)] == [Class.IN_USE, Class.SET_GONE]


def test_the_server_may_know_of_a_use_that_is_not_seen() -> None:
    """KEP-5541: the condition Unused, where the server keeps it."""
    used = Condition(type="Unused", status="False", last_transition_time=NOW - DAY)
    verdict = one(estate(claim("data-web-7", unused=used)))
    assert verdict.klass is Class.IN_USE and E.SERVER_SAYS_USED in kinds(verdict)


@pytest.mark.parametrize("api", ["sets", "kruise_sets", "pingcap_sets"])
def test_claims_in_range_of_a_live_set_need_no_pods(api: str) -> None:
    verdict = one(estate(claim("data-web-2"), users={}, volumes=None, **{api: (stateful_set("web", 3),)}))
    assert verdict.klass is Class.IN_RANGE
    assert (verdict.set, verdict.template, verdict.ordinal) == ("web", "data", 2)


def test_a_set_that_is_being_deleted_is_still_alive() -> None:
    assert one(estate(claim("data-web-2"), sets=(stateful_set("web", 3, deleted=True),))).klass is Class.IN_RANGE


def test_whoever_made_the_claim_the_set_in_whose_range_it_is_adopts_it() -> None:
    verdict = one(estate(claim("data-web-2", labels={}, made_by=("helm",)), sets=(stateful_set("web", 3),)))
    assert verdict.klass is Class.IN_RANGE


# --- will return -------------------------------------------------------------------------------------------------------------


def test_what_an_autoscaler_may_scale_to_will_return() -> None:
    seen = [
        one(estate(claim(f"data-web-{at}"), sets=(stateful_set("web", 2),), autoscalers=(autoscaler("web", 5),))).klass
        for at in range(6)
    ]
    assert seen == [Class.IN_RANGE] * 2 + [Class.WILL_RETURN] * 3 + [Class.SCALED_DOWN]


def test_an_autoscaler_counts_from_the_first_ordinal() -> None:
    web = stateful_set("web", 2, start=10)
    seen = [
        one(estate(claim(f"data-web-{at}"), sets=(web,), autoscalers=(autoscaler("web", 5),))).klass for at in (11, 14, 15)
    ]
    assert seen == [Class.IN_RANGE, Class.WILL_RETURN, Class.SCALED_DOWN]


def test_what_keda_may_scale_to_will_return() -> None:
    """The default of maxReplicaCount is 100."""
    web = (stateful_set("web", 2),)
    assert one(estate(claim("data-web-99"), sets=web, scaled_objects=(scaled_object("web"),))).klass is Class.WILL_RETURN
    assert one(estate(claim("data-web-100"), sets=web, scaled_objects=(scaled_object("web"),))).klass is Class.SCALED_DOWN
    paused = scaled_object("web", 3, annotations={"autoscaling.keda.sh/paused-replicas": "6"})
    assert one(estate(claim("data-web-5"), sets=web, scaled_objects=(paused,))).klass is Class.WILL_RETURN


def test_a_scaled_object_without_a_kind_scales_a_deployment() -> None:
    scaled = scaled_object("web", kind="")
    assert one(estate(claim("data-web-9"), sets=(stateful_set("web", 2),), scaled_objects=(scaled,))).klass is Class.SCALED_DOWN


def test_an_autoscaler_of_the_custom_resource_above_the_set_may_bring_any_ordinal_back() -> None:
    web = stateful_set("web", 2, owners=(owner("Elasticsearch", "logs"),))
    scaler = autoscaler("logs", 3, kind="Elasticsearch")
    assert one(estate(claim("data-web-9"), sets=(web,), autoscalers=(scaler,))).klass is Class.WILL_RETURN
    assert one(estate(claim("data-web-9"), sets=(stateful_set("web", 2),), autoscalers=(scaler,))).klass is Class.SCALED_DOWN


@pytest.mark.parametrize("ordinal", [0, 3, 41])
def test_whatever_a_set_at_rest_ever_had_will_return(ordinal: int) -> None:
    verdict = one(estate(claim(f"data-web-{ordinal}"), sets=(stateful_set("web", 0),)))
    assert verdict.klass is Class.WILL_RETURN and E.SET_AT_ZERO in kinds(verdict)


def test_a_set_at_rest_keeps_the_claims_of_templates_that_it_lost() -> None:
    assert one(estate(claim("cache-web-0"), sets=(stateful_set("web", 0),))).klass is Class.WILL_RETURN
    other = claim("cache-web-0", labels={"app": "another"})
    assert one(estate(other, sets=(stateful_set("web", 0),))).klass is Class.SET_GONE


def test_the_hole_of_an_openkruise_set_will_return_and_its_range_goes_on_beyond() -> None:
    web = stateful_set("web", 3, reserve=(1, "3-5"))
    seen = [one(estate(claim(f"data-web-{at}"), kruise_sets=(web,))).klass for at in range(8)]
    back, live = Class.WILL_RETURN, Class.IN_RANGE
    assert seen == [live, back, live, back, back, back, live, Class.SCALED_DOWN]


def test_the_deleted_slot_of_a_pingcap_set_will_return() -> None:
    tikv = stateful_set("web", 3, annotations={"delete-slots": "[0, 2]"})
    seen = [one(estate(claim(f"data-web-{at}"), pingcap_sets=(tikv,))).klass for at in range(6)]
    back, live = Class.WILL_RETURN, Class.IN_RANGE
    assert seen == [back, live, back, live, live, Class.SCALED_DOWN]


@pytest.mark.parametrize("holes", [("five",), ("3-1",), ("-1",), ("",)])
def test_holes_that_make_no_sense_may_be_anywhere(holes: tuple[str, ...]) -> None:
    verdict = one(estate(claim("data-web-9"), kruise_sets=(stateful_set("web", 2, reserve=holes),)))
    assert verdict.klass is Class.WILL_RETURN and E.RESERVATION_UNREADABLE in kinds(verdict)
    slots = stateful_set("web", 2, annotations={"delete-slots": "1,2"})
    assert one(estate(claim("data-web-9"), pingcap_sets=(slots,))).klass is Class.WILL_RETURN


def test_an_older_controller_may_not_know_the_first_ordinal() -> None:
    """ordinals.start came to the custom sets later: there both ranges count."""
    web = stateful_set("web", 2, start=5)
    assert one(estate(claim("data-web-1"), pingcap_sets=(web,))).klass is Class.IN_RANGE
    assert one(estate(claim("data-web-6"), pingcap_sets=(web,))).klass is Class.IN_RANGE


def test_below_the_first_ordinal_the_data_may_live_on_elsewhere() -> None:
    """KEP-3335: a set is moved to another cluster ordinal by ordinal, its volumes with it."""
    verdict = one(estate(claim("data-web-1"), sets=(stateful_set("web", 3, start=2),)))
    assert verdict.klass is Class.WILL_RETURN and E.BELOW_START in kinds(verdict)


@pytest.mark.parametrize(
    "annotations",
    [
        {"downscaler/original-replicas": "3"},
        {"kubectl.kubernetes.io/last-applied-configuration": '{"kind": "StatefulSet", "spec": {"replicas": 3}}'},
    ],
)
def test_a_size_that_the_set_remembers_will_return(annotations: dict[str, str]) -> None:
    web = stateful_set("web", 1, annotations=annotations)
    seen = [one(estate(claim(f"data-web-{at}"), sets=(web,))).klass for at in (0, 2, 3)]
    assert seen == [Class.IN_RANGE, Class.WILL_RETURN, Class.SCALED_DOWN]


@pytest.mark.parametrize("applied", ["", "{", "[]", '{"spec": null}', '{"spec": {"replicas": "3"}}', "[" * 100_000])
def test_a_manifest_that_cannot_be_read_remembers_nothing(applied: str) -> None:
    web = stateful_set("web", 1, annotations={"kubectl.kubernetes.io/last-applied-configuration": applied})
    assert one(estate(claim("data-web-2"), sets=(web,))).klass is Class.SCALED_DOWN


# --- used by a template ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("deployments", "Deployment/tool"),
        ("replicasets", "ReplicaSet/tool"),
        ("replicationcontrollers", "ReplicationController/tool"),
        ("daemonsets", "DaemonSet/tool"),
        ("jobs", "Job/tool"),
    ],
)
def test_what_a_template_names_is_used_by_it_pods_or_not(kind: str, subject: str) -> None:
    verdict = one(estate(claim("data-web-7"), users=users(**{kind: (workload("tool", *mounts("data-web-7")),)})))
    assert verdict.klass is Class.USED_BY_TEMPLATE
    assert why(verdict, E.NAMED_BY_TEMPLATE).subject == subject


def test_a_cron_job_between_two_runs_uses_its_claims() -> None:
    verdict = one(estate(claim("data-web-7"), users=users(cronjobs=(cron_job("backup", *mounts("data-web-7")),))))
    assert why(verdict, E.NAMED_BY_TEMPLATE).subject == "CronJob/backup"


def test_a_revision_to_go_back_to_uses_its_claims() -> None:
    verdict = one(estate(claim("data-web-7"), users=users(controllerrevisions=(revision("db-5c9", *mounts("data-web-7")),))))
    assert verdict.klass is Class.USED_BY_TEMPLATE


def test_the_template_of_a_live_set_may_name_a_claim_outright() -> None:
    db = stateful_set("db", 0, labels={"app": "db"}, volumes=mounts("data-web-7"))
    assert one(estate(claim("data-web-7"), sets=(db,))).klass is Class.USED_BY_TEMPLATE


def test_pods_to_come_will_have_ephemeral_volumes() -> None:
    tool = workload("web", *ephemeral("v-1"))
    verdict = one(estate(claim("web-6d4b-x7k2p-v-1"), users=users(deployments=(tool,))))
    assert verdict.klass is Class.USED_BY_TEMPLATE and E.EPHEMERAL_OF in kinds(verdict)
    verdict = one(estate(claim("webs-6d4b-x7k2p-v-1"), users=users(deployments=(tool,))))
    assert verdict.klass is Class.AMBIGUOUS and E.EPHEMERAL_OF not in kinds(verdict)
    assert why(verdict, E.POSSIBLY_EPHEMERAL) == Evidence(E.POSSIBLY_EPHEMERAL, "Pod/webs-6d4b-x7k2p", "v-1")


def test_long_names_are_cut_before_a_pod_is_called_after_them() -> None:
    name = "l" * 70
    tool = workload(name, *ephemeral("v-1"))
    verdict = one(estate(claim(f"{name[:58]}x7k2p-v-1"), users=users(replicasets=(tool,))))
    assert verdict.klass is Class.USED_BY_TEMPLATE


def test_a_claim_that_another_one_is_being_cloned_from_is_used() -> None:
    clone = claim("copy", phase="Pending", data_source=DataSource(kind="PersistentVolumeClaim", name="data-web-7"))
    far = claim("copy", namespace="far", phase="Pending", data_source_ref=DataSource(kind="PersistentVolumeClaim", name="data-web-7", namespace="prod"))
    elsewhere = claim("copy", namespace="far", phase="Pending", data_source=DataSource(kind="PersistentVolumeClaim", name="data-web-7"))
    assert [judge(estate(claim("data-web-7"), each), NOW)[0].klass for each in (far, elsewhere)] == [Class.USED_BY_TEMPLATE, Class.SET_GONE]  # KEP-3294
    verdict = judge(estate(claim("data-web-7"), clone), NOW)[0]
    assert verdict.klass is Class.USED_BY_TEMPLATE and E.CLONE_SOURCE in kinds(verdict)


def test_a_claim_that_each_new_volume_is_cloned_from_is_used() -> None:
    maker = stateful_set("db", 0, labels={"app": "db"}, cloned="data-web-7")
    verdict = one(estate(claim("data-web-7"), sets=(maker,)))
    assert (verdict.klass, why(verdict, E.NAMED_BY_TEMPLATE).subject) == (Class.USED_BY_TEMPLATE, "StatefulSet/db")
    tool = workload("tool", *ephemeral("scratch", source="data-web-7"))
    for kind, item in (("deployments", tool), ("cronjobs", cron_job("tool", *ephemeral("scratch", source="data-web-7")))):
        assert one(estate(claim("data-web-7"), users=users(**{kind: (item,)}))).klass is Class.USED_BY_TEMPLATE
    assert one(estate(claim("data-web-7"), kruise_sets=(maker,))).klass is Class.USED_BY_TEMPLATE


@pytest.mark.parametrize(
    ("template", "klass"),
    [
        (cloning("data-web-7", namespace="prod"), Class.USED_BY_TEMPLATE),
        (cloning("data-web-7", namespace="far"), Class.SET_GONE),  # KEP-3294: a claim of that name in another namespace
        (cloning("data-web-7", kind="VolumeSnapshot"), Class.SET_GONE),
        (cloning("data-web-8"), Class.SET_GONE),
    ],
)
def test_only_a_clone_of_this_claim_counts(template: ClaimTemplate, klass: Class) -> None:
    maker = stateful_set("db", 0, labels={"app": "db"})
    spec = msgspec.structs.replace(maker.spec, volume_claim_templates=(template,))
    assert one(estate(claim("data-web-7"), sets=(msgspec.structs.replace(maker, spec=spec),))).klass is klass


# --- owned, terminating, kept, lost ------------------------------------------------------------------------------------------


def test_what_a_set_owns_goes_with_it() -> None:
    """persistentVolumeClaimRetentionPolicy: whenDeleted (owner = set), whenScaled (owner = pod)."""
    web = stateful_set("web", 1)
    by_set = owner("StatefulSet", "web", web.metadata.uid, api_version="apps/v1")
    by_pod = owner("Pod", "web-7", api_version="v1")
    for item in (by_set, by_pod):
        verdict = one(estate(claim("data-web-7", owners=(item,)), sets=(web,)))
        assert verdict.klass is Class.OWNED and E.OWNED_FOR_RETENTION in kinds(verdict)


def test_the_right_name_with_a_wrong_uid_is_another_set() -> None:
    stale = owner("StatefulSet", "web", "uid-from-before", api_version="apps/v1")
    verdict = one(estate(claim("data-web-7", owners=(stale,)), sets=(stateful_set("web", 1),)))
    assert verdict.klass is Class.OWNED and E.OWNER_STALE in kinds(verdict)


def test_somebody_elses_claims_are_theirs() -> None:
    verdict = one(estate(claim("data-web-7", owners=(owner("Elasticsearch", "logs"),))))
    assert verdict.klass is Class.OWNED
    assert why(verdict, E.OWNED_BY) == Evidence(E.OWNED_BY, "Elasticsearch/logs", "example.org/v1")


def test_what_is_going_already_is_no_candidate() -> None:
    assert one(estate(claim("data-web-7", deleted=True))).klass is Class.TERMINATING


def test_what_somebody_keeps_is_kept() -> None:
    verdict = one(estate(claim("data-web-7", annotations={KEEP_ANNOTATION: "ann: audit"})))
    assert verdict.klass is Class.KEPT and why(verdict, E.KEPT).detail == "ann: audit"
    assert one(estate(claim("data-web-7", annotations={KEEP_ANNOTATION: ""}))).klass is Class.KEPT


def test_a_claim_without_its_volume_is_lost() -> None:
    item = claim("data-web-7")
    assert one(estate(claim("data-web-7", phase="Lost"))).klass is Class.LOST
    assert one(estate(item, volumes=volumes_by_name((item,), ()))).klass is Class.LOST


def test_a_volume_that_another_claim_holds_is_not_this_ones() -> None:
    item, again = claim("data-web-7"), claim("data-web-7", uid="made-anew")
    verdict = one(estate(item, volumes={item.spec.volume_name: volume(again, name=item.spec.volume_name)}))
    assert verdict.klass is Class.LOST and E.VOLUME_OF_ANOTHER in kinds(verdict)


# --- candidates --------------------------------------------------------------------------------------------------------------


def test_beyond_every_range_of_its_set_a_claim_is_scaled_down() -> None:
    edited = ManagedFieldsEntry(manager="kubectl-edit", operation="Update", time=NOW - 40 * DAY)
    web = stateful_set("web", 3, managed_fields=(edited, STATUS))
    claims = [claim(f"data-web-{at}") for at in (4, 3, 0)]
    verdict = judge(estate(*claims, sets=(web,)), NOW)[0]
    assert verdict.klass is Class.SCALED_DOWN
    assert (verdict.set, verdict.template, verdict.stem, verdict.ordinal) == ("web", "data", "data-web", 4)
    assert verdict.size == 10 * 2**30 and verdict.fate is Fate.DESTROYED and verdict.reclaim_policy == "Delete"
    assert verdict.unused_since == NOW - 40 * DAY
    assert why(verdict, E.BEYOND_RANGE) == Evidence(E.BEYOND_RANGE, "StatefulSet/web", start=0, replicas=3)
    assert why(verdict, E.SIBLINGS) == Evidence(E.SIBLINGS, count=2, ordinals=(0, 3))
    assert kinds(verdict) == {
        E.NOT_MOUNTED,
        E.NOT_NAMED,
        E.BEYOND_RANGE,
        E.VOLUME_AGREES,
        E.CREATED_BY_SET_CONTROLLER,
        E.SIBLINGS,
        E.LABELS_MATCH,
    }
    assert all(item.speaks_for_deletion for item in verdict.evidence)


def test_when_a_set_was_scaled_is_known_only_as_far_as_it_was_written_down() -> None:
    """The scale subresource leaves an entry without a time, or with the time of an earlier one (managedfields.ScaleHandler)."""
    made = ManagedFieldsEntry(manager="kubectl-create", operation="Update", time=NOW - 90 * DAY)
    scaled = ManagedFieldsEntry(manager="kubectl", operation="Update", subresource="scale")
    early = msgspec.structs.replace(scaled, time=NOW - 80 * DAY)
    cases = [((made,), 90), ((made, STATUS), 90), ((made, scaled, STATUS), 1), ((made, early, STATUS), 1), ((made, scaled), None), ((), None)]
    for entries, days in cases:
        web = stateful_set("web", 3, managed_fields=entries)
        since = one(estate(claim("data-web-4"), sets=(web,))).unused_since
        assert since == (None if days is None else NOW - days * DAY), entries


def test_a_template_that_the_live_set_lost_is_gone() -> None:
    users_now = users(pods=(pod("web-0", *mounts("data-web-0"), made=NOW - 9 * DAY),))
    verdict = one(estate(claim("cache-web-0"), sets=(stateful_set("web", 3),), users=users_now))
    assert verdict.klass is Class.TEMPLATE_GONE
    assert (verdict.set, verdict.template, verdict.ordinal) == ("web", "cache", 0)
    assert verdict.unused_since == NOW - 9 * DAY  # its pod came back without it


def test_a_set_that_is_gone_leaves_evidence() -> None:
    verdict = judge(estate(*(claim(f"data-my-web-{at}") for at in range(3))), NOW)[1]
    assert verdict.klass is Class.SET_GONE
    assert (verdict.set, verdict.template, verdict.stem, verdict.ordinal) == ("", "", "data-my-web", 1)
    assert verdict.unused_since is None
    splits = {(item.detail, item.subject) for item in verdict.evidence if item.kind is E.NO_SUCH_SET}
    assert splits == {("data", "my-web"), ("data-my", "web")}  # unknowable
    assert why(verdict, E.SIBLINGS).ordinals == (0, 2)


def test_the_server_may_say_since_when_a_claim_is_unused() -> None:
    unused = Condition(type="Unused", status="True", last_transition_time=NOW - 5 * DAY)
    verdict = one(estate(claim("data-web-7", unused=unused)))
    assert verdict.unused_since == NOW - 5 * DAY and E.SERVER_SAYS_UNUSED in kinds(verdict)
    ahead = Condition(type="Unused", status="True", last_transition_time=NOW + DAY)
    assert one(estate(claim("data-web-7", unused=ahead))).unused_since == NOW


# --- what becomes of the data ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "fate"),
    [("Delete", Fate.DESTROYED), ("Recycle", Fate.DESTROYED), ("Retain", Fate.RETAINED), ("Archive", Fate.UNKNOWN)],
)
def test_the_volumes_own_policy_decides_what_becomes_of_the_data(policy: str, fate: Fate) -> None:
    item = claim("data-web-7", storage_class_name="some-class-with-the-other-policy")
    assert one(estate(item, volumes={item.spec.volume_name: volume(item, policy)})).fate is fate


def test_a_claim_that_never_had_a_volume_has_no_data() -> None:
    item = claim("data-web-7", phase="Pending")
    verdict = one(estate(item, volumes=None))
    assert verdict.klass is Class.SET_GONE and verdict.fate is Fate.NO_DATA and verdict.size is None


# --- the order of caution ----------------------------------------------------------------------------------------------------


def test_whatever_is_more_cautious_wins() -> None:
    """Everything at once, then the first reason taken away, and the next."""
    web, rest = stateful_set("web", 3), stateful_set("web", 1)
    scaler = (autoscaler("web", 9),)
    cron = {"cronjobs": (cron_job("backup", *mounts("data-web-2")),)}
    pods = {"pods": (pod("web-2", *mounts("data-web-2")),)}
    full: dict[str, Any] = {"owners": (owner("Backup", "b"),), "deleted": True, "annotations": {KEEP_ANNOTATION: "x"}, "phase": "Lost"}
    unowned = full | {"owners": ()}
    staying = unowned | {"deleted": False}
    unkept = staying | {"annotations": {}}
    found = unkept | {"phase": "Bound"}
    scenes: list[tuple[Any, tuple[Any, ...], dict[str, Any], dict[str, Any]]] = [
        (web, scaler, pods | cron, full),
        (web, scaler, cron, full),
        (rest, scaler, cron, full),
        (rest, (), cron, full),
        (rest, (), {}, full),
        (rest, (), {}, unowned),
        (rest, (), {}, staying),
        (rest, (), {}, unkept),
        (rest, (), {}, found | {"made_by": ("helm",)}),
        (rest, (), {}, found),
    ]
    seen = [
        one(estate(claim("data-web-2", **more), sets=(item,), autoscalers=scalers, users=users(**used))).klass
        for item, scalers, used, more in scenes
    ]
    order = [klass for klass in Class if klass not in (Class.UNSURE, *CANDIDATES)]
    assert seen == [*order, Class.SCALED_DOWN]


def test_evidence_is_complete_even_where_the_first_reason_decides() -> None:
    item = claim("data-web-2", owners=(owner("Backup", "b"),), annotations={KEEP_ANNOTATION: "x"})
    verdict = one(estate(item, sets=(stateful_set("web", 3),)))
    assert verdict.klass is Class.IN_RANGE
    assert {E.LIVE_RANGE, E.OWNED_BY, E.KEPT, E.NOT_MOUNTED} <= kinds(verdict)
    assert [item.kind for item in verdict.evidence if not item.speaks_for_deletion] == [E.LIVE_RANGE, E.OWNED_BY, E.KEPT]


# --- unsure ------------------------------------------------------------------------------------------------------------------


def test_what_was_not_read_is_named() -> None:
    verdict = one(estate(claim("data-web-7"), autoscalers=None, users=users(cronjobs=None), volumes=None))
    assert verdict.klass is Class.UNSURE and verdict.would_be is Class.SET_GONE
    assert verdict.not_read == ("horizontalpodautoscalers", "cronjobs", "persistentvolumes")
    assert verdict.fate is Fate.UNKNOWN


def test_nothing_read_at_all() -> None:
    verdict = one(estate(claim("data-web-7"), sets=None, kruise_sets=None, pingcap_sets=None, users={}))
    assert verdict.klass is Class.UNSURE
    # A claim that no set could have made may be in use all the same, but the sets do not matter to it.
    loose = one(estate(claim("uploads"), sets=None, users=users(pods=None)))
    assert loose.klass is Class.UNSURE and loose.would_be is Class.AMBIGUOUS and loose.not_read == ("pods",)
