"""Who still wants a claim whose set is gone, or seems to be: custom resources, who makes sets, sets that are away, backups."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from kubectl_pets.domain.model import (
    ClaimTemplate,
    Condition,
    LabelSelector,
    ManagedFieldsEntry,
    ObjectMeta,
    OwnerReference,
    PersistentVolumeClaim,
)
from kubectl_pets.domain.orphans.deletion import DeletionOptions, DeletionRefused, DeletionRefusedReason, deletion
from kubectl_pets.domain.orphans.findings import Class, Evidence, EvidenceKind
from kubectl_pets.domain.orphans.inventory import (
    DISCOVERY,
    BudgetBeside,
    BudgetSelector,
    Companion,
    CustomScaler,
    CustomUse,
    Deployed,
    GroupRollingUpdate,
    GroupRolloutStrategy,
    LeaderWorkerSet,
    LeaderWorkerSetSpec,
    LeaderWorkerTemplate,
    Mounts,
    Named,
    PodLabels,
    PodUse,
    ScaleTarget,
    ServiceBeside,
    ServiceSelector,
    Template,
    ignorable,
)
from kubectl_pets.domain.orphans.judging import doubtful, judge
from kubectl_pets.domain.orphans.origins import parts_of_sets
from kubectl_pets.domain.sets.away import RECREATING_ANNOTATION
from tests.domain.orphans.builders import (
    CONTROLLER,
    DAY,
    NOBODY_ELSE,
    NOW,
    autoscaler,
    claim,
    cloning,
    custom,
    ephemeral,
    estate,
    managed,
    mounts,
    one,
    owner,
    pod,
    revision,
    stateful_set,
    users,
)

E = EvidenceKind
LABEL = "leaderworkerset.sigs.k8s.io/name"
GONE = claim("data-web-7")


def found(of: PersistentVolumeClaim, kind: EvidenceKind, **rest: object) -> Evidence:
    """The one piece of evidence of that kind."""
    (item,) = (item for item in one(estate(of, **rest)).evidence if item.kind is kind)
    return item


# --- custom resources --------------------------------------------------------------------------------------------------------


def test_what_a_custom_resource_names_is_used() -> None:
    verdict = one(estate(GONE, custom=custom(GONE, named={"data-web-7": "VirtualMachine/vm"})))
    assert verdict.klass is Class.USED_BY_TEMPLATE
    assert Evidence(E.NAMED_BY_RESOURCE, "VirtualMachine/vm") in verdict.evidence


def test_a_kind_that_may_not_be_read_is_named() -> None:
    verdict = one(estate(GONE, custom=custom(GONE, not_read=("virtualmachines.kubevirt.io",))))
    assert (verdict.klass, verdict.would_be, verdict.not_read) == (Class.UNSURE, Class.SET_GONE, ("virtualmachines.kubevirt.io",))
    assert E.NOT_NAMED not in {item.kind for item in verdict.evidence}


@pytest.mark.parametrize("use", [{}, {"prod": CustomUse()}, {"test": CustomUse(searched=frozenset(("data-web-7",)))}])
def test_a_claim_that_was_not_searched_for_is_no_candidate(use: dict[str, CustomUse]) -> None:
    assert one(estate(GONE, custom=use)).not_read == (DISCOVERY,)


def test_candidates_are_searched_for_and_nothing_else() -> None:
    web = stateful_set("web", 3)
    claims = [claim("data-web-1"), claim("data-web-7", labels={"app": "web", "tier": "db"}), claim("uploads")]
    seen = estate(*claims, sets=(web,), custom={})
    searched = doubtful(seen, NOW)["prod"]
    assert searched.names == {"data-web-7"} and searched.makers == {"data-web-7": {"web", "db"}}
    assert doubtful(seen, NOW, every_class=True)["prod"].names == {"data-web-7", "uploads"}
    assert doubtful(seen, NOW, only=frozenset(("uploads",))) == {}
    assert doubtful(msgspec.structs.replace(seen, users={}), NOW) == {}


def test_what_may_be_left_out_on_somebody_s_word() -> None:
    """Nothing that is built in."""
    custom_kinds = ("virtualmachines.kubevirt.io", "*.kubevirt.io", "statefulsets.apps.kruise.io")
    built_in = ("pods", "persistentvolumes", "statefulsets", "statefulsets.apps", "*.batch", DISCOVERY, "", ".")
    assert ignorable((*custom_kinds, *built_in)) == custom_kinds


# --- autoscalers of anything -------------------------------------------------------------------------------------------------


def test_a_custom_autoscaler_of_a_set_may_bring_any_ordinal_back() -> None:
    scaler = CustomScaler("CronHorizontalPodAutoscaler/nights", ScaleTarget(kind="StatefulSet", name="web"))
    seen = {"sets": (stateful_set("web", 1),), "custom": custom(GONE, scalers=(scaler,))}
    assert one(estate(GONE, **seen)).klass is Class.WILL_RETURN
    assert found(GONE, E.AUTOSCALER, **seen) == Evidence(E.AUTOSCALER, "StatefulSet/web", scaler.subject)
    other = msgspec.structs.replace(scaler, target=ScaleTarget(kind="StatefulSet", name="db"))
    assert one(estate(GONE, sets=seen["sets"], custom=custom(GONE, scalers=(other,)))).klass is Class.SCALED_DOWN


SHARD = claim("db-prometheus-k8s-shard-1-0", labels={"app": "prometheus"})


@pytest.mark.parametrize("labels", [{"app": "prometheus"}, {"operator.prometheus.io/name": "k8s"}])
def test_sets_that_come_and_go_with_a_custom_resource_come_back_with_its_autoscaler(labels: dict[str, str]) -> None:
    name = "db-prometheus-k8s-shard-1-0" if "app" in labels else "db-x-0"
    shard = claim(name, labels=labels)
    verdict = one(estate(shard, autoscalers=(autoscaler("k8s", 3, kind="Prometheus"),)))
    assert verdict.klass is Class.WILL_RETURN
    assert Evidence(E.MAKER_AUTOSCALED, "Prometheus/k8s", "HorizontalPodAutoscaler/hpa") in verdict.evidence


def test_an_autoscaler_of_something_else_brings_nothing_back() -> None:
    for scaler in (autoscaler("k8", 3, kind="Prometheus"), autoscaler("k8s", 3, kind="Deployment"), autoscaler("s", 3, kind="X")):
        assert one(estate(SHARD, autoscalers=(scaler,))).klass is Class.SET_GONE
    custom_scaler = CustomScaler("WatermarkPodAutoscaler/w", ScaleTarget(kind="Prometheus", name="k8s"))
    assert one(estate(SHARD, custom=custom(SHARD, scalers=(custom_scaler,)))).klass is Class.WILL_RETURN


# --- who would make the set again --------------------------------------------------------------------------------------------


def test_a_custom_resource_that_a_label_names_may_make_the_set_again() -> None:
    mine = claim("data-es-default-2", labels={"elasticsearch.k8s.elastic.co/cluster-name": "es"})
    living = custom(mine, living={"es": "Elasticsearch/es"})
    assert one(estate(mine, custom=living)).klass is Class.AMBIGUOUS
    assert found(mine, E.OWNER_LIVES, custom=living).detail == "label elasticsearch.k8s.elastic.co/cluster-name=es"
    assert one(estate(mine)).klass is Class.SET_GONE


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("data-volume-example-mongodb-0", "example-mongodb"),  # mongodb-kubernetes-operator: its claims say app=example-mongodb-svc
        ("data-volume-example-mongodb-arb-0", "example-mongodb"),
        ("data-chi-prod-main-0-0-0", "prod"),
        ("data-db.main-0", "db.main"),
    ],
)
def test_a_custom_resource_that_the_claim_s_set_is_called_after_may_make_it_again(name: str, maker: str) -> None:
    mine = claim(name, labels={"app": "x-svc"})
    (searched_for,) = doubtful(estate(mine, custom={}), NOW)["prod"].makers.values()
    assert maker in searched_for
    living = custom(mine, living={maker: f"MongoDBCommunity/{maker}"})
    assert one(estate(mine, custom=living)).klass is Class.AMBIGUOUS
    assert found(mine, E.OWNER_LIVES, custom=living) == Evidence(E.OWNER_LIVES, f"MongoDBCommunity/{maker}", "its name")
    for other in ("data", "mongo", "examp", "svc"):
        assert one(estate(mine, custom=custom(mine, living={other: f"X/{other}"}))).klass is Class.SET_GONE


def test_a_name_of_a_hundred_words_costs_what_one_of_sixteen_does() -> None:
    assert len(parts_of_sets("-".join("a" * 120))) == 16 and "b-c" in parts_of_sets("a-b-c") and parts_of_sets("a") == frozenset()


def test_who_makes_one_set_may_make_another_of_its_name_again() -> None:
    """An operator's set of another shard lives; the claim's own is gone, and no label tells whose it was."""
    live = {"sets": (stateful_set("prometheus-k8s", 1, owners=(owner("Prometheus", "k8s"),)),)}
    assert one(estate(SHARD, **live)).klass is Class.AMBIGUOUS
    assert found(SHARD, E.OWNER_LIVES, **live) == Evidence(E.OWNER_LIVES, "Prometheus/k8s", "its name")
    assert one(estate(claim("data-web-7"), **live)).klass is Class.SET_GONE
    group = {"sets": (stateful_set("vllm-0", 1, owners=(owner("Pod", "k8s"),)),)}
    assert one(estate(SHARD, **group)).klass is Class.SET_GONE


def test_a_live_set_s_own_controller_is_no_doubt() -> None:
    mine = claim("logs-web-0")
    web = stateful_set("web", 1, owners=(owner("Web", "web"),))
    assert one(estate(mine, sets=(web,), custom=custom(mine, living={"web": "Web/web"}))).klass is Class.TEMPLATE_GONE
    assert one(estate(mine, sets=(web,), custom=custom(mine, living={"web": "Other/web"}))).klass is Class.AMBIGUOUS


def test_who_owns_another_claim_of_the_set_may_want_this_one() -> None:
    other = claim("data-web-6", owners=(OwnerReference(kind="Elasticsearch", name="es", uid="e"),), labels={"any": "thing"})
    verdict = judge(estate(GONE, other), NOW)[0]
    assert verdict.klass is Class.AMBIGUOUS and Evidence(E.SIBLING_OWNED, "Elasticsearch/es") in verdict.evidence


def test_a_claim_of_another_template_is_a_sibling_where_its_labels_are_the_same() -> None:
    other = claim("logs-web-1", owners=(OwnerReference(kind="Elasticsearch", name="es", uid="e"),))
    verdict = judge(estate(GONE, other), NOW)[0]
    assert verdict.klass is Class.AMBIGUOUS and Evidence(E.SIBLING_OWNED, "Elasticsearch/es") in verdict.evidence
    for name, labels in (("logs-web-1", {"any": "thing"}), ("logs-db-1", {"app": "web"})):
        stranger = claim(name, owners=other.metadata.owner_references, labels=labels)
        assert judge(estate(GONE, stranger), NOW)[0].klass is Class.SET_GONE


def _left(name: str, *owners: OwnerReference) -> PodUse:
    return PodUse(metadata=Named(name=name, namespace="prod", labels=PodLabels(pod_name=name), owner_references=owners))


def test_a_pod_of_the_set_that_mounts_its_claim_waits_for_the_set() -> None:
    """Whoever owns it: a set of another name, or nobody."""
    running = users(pods=(pod("web-0", *mounts("data-web-0")),))
    verdict = judge(estate(GONE, claim("data-web-0"), users=running), NOW)[0]
    assert verdict.klass is Class.AMBIGUOUS and Evidence(E.SET_RETURNING, "Pod/web-0", "web") in verdict.evidence
    reader = users(pods=(pod("reader-0", *mounts("data-web-0")),))
    assert judge(estate(GONE, claim("data-web-0"), users=reader), NOW)[0].klass is Class.SET_GONE


def test_an_ownerless_pod_or_revision_is_left_of_a_set_that_comes_back() -> None:
    assert found(GONE, E.SET_RETURNING, users=users(pods=(_left("web-0"),))).subject == "Pod/web-0"
    assert one(estate(GONE, users=users(pods=(_left("web-0", owner("StatefulSet", "web")),)))).klass is Class.SET_GONE
    assert one(estate(GONE, users=users(pods=(_left("db-0"),)))).klass is Class.SET_GONE
    kept = revision("web-7d9f5c")
    assert found(GONE, E.SET_RETURNING, users=users(controllerrevisions=(kept,))).subject == "ControllerRevision/web-7d9f5c"
    owned = msgspec.structs.replace(kept, metadata=Named(name="web-7d9f5c", owner_references=(owner("DaemonSet", "web"),)))
    assert one(estate(GONE, users=users(controllerrevisions=(owned,)))).klass is Class.SET_GONE


def test_a_set_that_comes_back_may_be_another_than_the_one_that_lives() -> None:
    """Set "web" lives and lost template "data-a"; set "a-web" with template "data" is away."""
    mine = claim("data-a-web-0")
    web = stateful_set("web", 1, "other")
    assert one(estate(mine, sets=(web,))).klass is Class.TEMPLATE_GONE
    assert one(estate(mine, sets=(web,), users=users(controllerrevisions=(revision("a-web-7d9f"),)))).klass is Class.AMBIGUOUS


@pytest.mark.parametrize(
    ("key", "who"),
    [
        ("argocd.argoproj.io/tracking-id", "Argo CD"),
        ("meta.helm.sh/release-name", "Helm"),
        ("kustomize.toolkit.fluxcd.io/name", "Flux"),
        ("objectset.rio.cattle.io/id", "k3s or Rancher"),
        ("kubectl.kubernetes.io/last-applied-configuration", "kubectl apply"),
    ],
)
def test_who_applied_the_claim_itself_would_again(key: str, who: str) -> None:
    annotated, labelled = claim("data-web-7", annotations={key: "x"}), claim("data-web-7", labels={"app": "web", key: "x"})
    for mine in (annotated, labelled):
        assert one(estate(mine)).klass is Class.AMBIGUOUS
        assert found(mine, E.TRACKED) == Evidence(E.TRACKED, who, key)
        assert one(estate(mine, sets=(stateful_set("web", 3),))).klass is Class.AMBIGUOUS


def test_our_own_recreation_marks_its_claims() -> None:
    assert one(estate(claim("data-web-7", annotations={RECREATING_ANNOTATION: "web"}))).klass is Class.AMBIGUOUS


@pytest.mark.parametrize(
    ("key", "value", "counts"),
    [
        ("helm.sh/resource-policy", "keep", True),
        ("argocd.argoproj.io/sync-options", "Validate=true, Prune=false", True),
        ("argocd.argoproj.io/sync-options", "Delete=false", True),
        ("argocd.argoproj.io/sync-options", "Prune=true", False),
        ("kustomize.toolkit.fluxcd.io/prune", "disabled", True),
        ("helm.sh/resource-policy", "keepsake", False),
    ],
)
def test_a_wish_that_deployers_keep_it_speaks_against_deletion(key: str, value: str, counts: bool) -> None:
    verdict = one(estate(claim("data-web-7", annotations={key: value})))
    wish = Evidence(E.KEEP_POLICY, detail=f"{key}: {value}")
    assert (wish in verdict.evidence) is counts and not wish.speaks_for_deletion
    assert verdict.klass is Class.SET_GONE


# --- what it may be besides --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "subject", "volume"),
    [
        ("web-0-cache-1", "Pod/web-0", "cache-1"),
        ("my-web-12-scratch-v-0", "Pod/my-web-12", "scratch-v-0"),
        ("tool-6d4b9c7f5-x7k2p-cache-0", "Pod/tool-6d4b9c7f5-x7k2p", "cache-0"),
        ("agent-x7k2p-cache-0", "Pod/agent-x7k2p", "cache-0"),
        ("data-web-0", "", ""),
        ("data-web-1-0", "", ""),  # set web-1
        ("db-prometheus-k8s-shard-1-0", "", ""),
        ("default-chi-x-c-0-1-0", "", ""),
        ("data-pgsql-main-0", "", ""),  # five consonants, and no hash before them
        ("data-kafka-broker-0", "", ""),
    ],
)
def test_a_name_that_may_be_of_an_ephemeral_volume_whose_owner_was_taken_off(name: str, subject: str, volume: str) -> None:
    verdict = one(estate(claim(name)))
    maybe = [item for item in verdict.evidence if item.kind is E.POSSIBLY_EPHEMERAL]
    assert maybe == ([Evidence(E.POSSIBLY_EPHEMERAL, subject, volume)] if subject else [])
    assert verdict.klass is (Class.AMBIGUOUS if subject else Class.SET_GONE)


def test_the_name_of_an_ephemeral_volume_s_claim_is_a_live_set_s_all_the_same() -> None:
    assert one(estate(claim("web-0-cache-3"), sets=(stateful_set("0-cache", 2, "web"),))).klass is Class.SCALED_DOWN


@pytest.mark.parametrize("kind", ["Resizing", "FileSystemResizePending", "ControllerResizeError", "ModifyingVolume"])
def test_a_claim_that_is_being_resized_is_somebody_s_business(kind: str) -> None:
    resizing = claim("data-web-7", unused=Condition(type=kind, status="True"))
    assert one(estate(resizing)).klass is Class.AMBIGUOUS
    assert found(resizing, E.RESIZING).detail == kind
    assert one(estate(claim("data-web-7", unused=Condition(type=kind, status="False")))).klass is Class.SET_GONE


def test_a_claim_that_asks_for_more_than_it_has_is_being_resized() -> None:
    mine = msgspec.convert({"requests": {"storage": "20Gi"}}, type(GONE.spec.resources))
    assert one(estate(claim("data-web-7", resources=mine))).klass is Class.AMBIGUOUS
    less = msgspec.convert({"requests": {"storage": "9Gi"}}, type(GONE.spec.resources))
    assert one(estate(claim("data-web-7", resources=less))).klass is Class.SET_GONE


@pytest.mark.parametrize("state", ["ControllerResizeInProgress", "NodeResizePending", "NodeResizeInfeasible"])
def test_the_state_of_an_expansion_is_enough(state: str) -> None:
    """The kubelet takes conditions back before the state, and sizes may be equal by then."""
    resizing = claim("data-web-7")
    status = msgspec.structs.replace(resizing.status, allocated_resource_statuses={"storage": state})
    resizing = msgspec.structs.replace(resizing, status=status)
    assert one(estate(resizing)).klass is Class.AMBIGUOUS and found(resizing, E.RESIZING).detail == state


@pytest.mark.parametrize("label", ["velero.io/restore-name", "velero.io/backup-name"])
def test_what_velero_restored_was_not_made_by_a_controller(label: str) -> None:
    verdict = one(estate(claim("data-web-7", labels={"app": "web", label: "nightly"})))
    assert verdict.klass is Class.AMBIGUOUS and Evidence(E.RESTORED, f"Velero ({label})") in verdict.evidence


@pytest.mark.parametrize(("before", "klass"), [(timedelta(minutes=2), Class.AMBIGUOUS), (timedelta(seconds=30), Class.SET_GONE)])
def test_fields_older_than_the_claim_are_another_claim_s(before: timedelta, klass: Class) -> None:
    """Velero copies managedFields; the server takes up to a minute from them to the object (admission)."""
    made = NOW - 90 * DAY
    times = tuple(msgspec.structs.replace(entry, time=made - before) for entry in managed(CONTROLLER))
    copied: tuple[ManagedFieldsEntry, ...] = times
    mine = msgspec.structs.replace(GONE, metadata=msgspec.structs.replace(GONE.metadata, managed_fields=copied))
    assert one(estate(mine)).klass is klass


def test_a_set_that_is_gone_and_that_a_deployer_lists() -> None:
    """Argo CD with self-healing off, Flux suspended: the set comes back with the next sync. So does what makes it."""
    who = "Application/shop in namespace argocd"

    def listed(*what: str, space: str = "prod") -> Deployed:
        return Deployed(listed={space: dict.fromkeys(what, who)})

    assert found(GONE, E.LISTED, deployed=listed("StatefulSet/web")) == Evidence(E.LISTED, who, "StatefulSet/web")
    assert one(estate(GONE, deployed=listed("StatefulSet/web"))).klass is Class.AMBIGUOUS
    for other in (listed("StatefulSet/db"), listed("StatefulSet/web", space="test"), listed("Kafka/events")):
        assert one(estate(GONE, deployed=other)).klass is Class.SET_GONE
    mine = claim("data-events-kafka-0")
    assert found(mine, E.LISTED, deployed=listed("Kafka/events")).detail == "Kafka/events"
    assert one(estate(mine, deployed=listed("StatefulSet/events"))).klass is Class.SET_GONE  # no set of that very name
    down = claim("data-web-4")
    assert one(estate(down, sets=(stateful_set("web", 1),), deployed=listed("StatefulSet/web"))).klass is Class.SCALED_DOWN


def test_lists_of_deployers_that_could_not_be_read() -> None:
    """They say nothing of the claims of sets that live."""
    assert one(estate(GONE, deployed=None)).klass is Class.UNSURE
    unread = Deployed(not_read=("applications.argoproj.io",))
    verdict = one(estate(GONE, deployed=unread))
    assert (verdict.klass, verdict.would_be, verdict.not_read) == (Class.UNSURE, Class.SET_GONE, ("applications.argoproj.io",))
    assert one(estate(claim("data-web-4"), sets=(stateful_set("web", 1),), deployed=unread)).klass is Class.SCALED_DOWN


def test_an_autoscaler_of_a_set_that_is_gone_waits_for_it() -> None:
    """Whoever deletes a set to make it again leaves its autoscaler; while the set was at 0 nothing else may tell."""
    waiting = autoscaler("web", 3)
    assert one(estate(GONE, autoscalers=(waiting,))).klass is Class.AMBIGUOUS
    expected = Evidence(E.AUTOSCALER_WAITS, "HorizontalPodAutoscaler/hpa", "web")
    assert found(GONE, E.AUTOSCALER_WAITS, autoscalers=(waiting,)) == expected
    custom_scaler = CustomScaler("CronHorizontalPodAutoscaler/nights", ScaleTarget(kind="StatefulSet", name="web"))
    assert found(GONE, E.AUTOSCALER_WAITS, custom=custom(GONE, scalers=(custom_scaler,))).subject == custom_scaler.subject
    for other in (autoscaler("db", 3), autoscaler("web", 3, kind="Deployment")):
        assert one(estate(GONE, autoscalers=(other,))).klass is Class.SET_GONE
    longer = claim("data-a-web-0")  # of "web", which lost template "data-a", or of "a-web", which is away
    web = stateful_set("web", 1, "other")
    assert one(estate(longer, sets=(web,), autoscalers=(autoscaler("a-web", 2),))).klass is Class.AMBIGUOUS
    assert one(estate(longer, sets=(web,), autoscalers=(autoscaler("web", 2),))).klass is Class.TEMPLATE_GONE


def test_what_stands_beside_a_set_that_is_gone_is_told_and_decides_nothing() -> None:
    """Who deletes a set to make it again leaves its Service and budget; who forgets them does, too."""

    def service(name: str, **selector: str) -> ServiceBeside:
        return ServiceBeside(metadata=ObjectMeta(name=name), spec=ServiceSelector(selector=selector))

    def budget(name: str, selector: LabelSelector | None) -> BudgetBeside:
        return BudgetBeside(metadata=ObjectMeta(name=name), spec=BudgetSelector(selector=selector))

    beside: tuple[ServiceBeside | BudgetBeside, ...] = (
        service("any", app="web"),
        service("web", app="web", role="leader"),  # pods may have more labels than their claims: by its name
        service("other", app="db"),
        service("web-external"),
        budget("pdb", LabelSelector(match_labels={"app": "web"})),
        budget("all", LabelSelector()),
        budget("none", None),
    )
    companions = tuple(each for each in map(Companion.of, beside) if each is not None)
    verdict = one(estate(GONE, companions={"prod": companions}))
    told = [item for item in verdict.evidence if item.kind is E.COMPANION]
    assert [item.subject for item in told] == ["Service/any", "Service/web", "PodDisruptionBudget/pdb"]
    assert verdict.klass is Class.SET_GONE and not any(item.speaks_for_deletion for item in told)
    live = one(estate(GONE, sets=(stateful_set("web", 1),), companions={"prod": companions}))
    assert live.klass is Class.SCALED_DOWN and not any(item.kind is E.COMPANION for item in live.evidence)


# --- the gap -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ago", "fresh"), [(timedelta(minutes=59), True), (timedelta(minutes=61), False)])
def test_a_set_that_went_less_than_an_hour_ago_takes_a_word_more(ago: timedelta, fresh: bool) -> None:
    left = claim("data-web-7", unused=Condition(type="Unused", status="True", last_transition_time=NOW - ago))
    young = msgspec.structs.replace(GONE, metadata=msgspec.structs.replace(GONE.metadata, creation_timestamp=NOW - ago))
    for mine in (left, young):
        verdict = one(estate(mine))
        assert (verdict.klass, verdict.fresh) == (Class.SET_GONE, fresh)
        made = deletion(verdict, DeletionOptions(), NOW)
        assert isinstance(made, DeletionRefused) is fresh
        if isinstance(made, DeletionRefused):
            assert made.reason is DeletionRefusedReason.FRESH
        assert not isinstance(deletion(verdict, DeletionOptions(fresh=True), NOW), DeletionRefused)


@pytest.mark.parametrize("when", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_times_that_no_clock_has_are_compared_as_well(when: datetime) -> None:
    """Whoever copies objects writes any; what is later than now is less than an hour old."""
    odd = claim("data-web-7", unused=Condition(type="Unused", status="True", last_transition_time=when))
    odd = msgspec.structs.replace(odd, metadata=msgspec.structs.replace(odd.metadata, creation_timestamp=when))
    copied = tuple(msgspec.structs.replace(each, time=when) for each in GONE.metadata.managed_fields)
    restored = msgspec.structs.replace(GONE, metadata=msgspec.structs.replace(GONE.metadata, managed_fields=copied))
    late = when > NOW
    assert one(estate(GONE, told={"prod": {"web-7": when}})).fresh is late
    assert one(estate(claim("logs-web-0"), sets=(stateful_set("web", 3, made=when),))).fresh is late
    assert one(estate(odd)).fresh is late
    assert (one(estate(restored)).klass is Class.SET_GONE) is late, "managed fields from before the claim are copied ones"


@pytest.mark.parametrize("told", ["web-7", "web"])
@pytest.mark.parametrize(("ago", "fresh"), [(timedelta(minutes=59), True), (timedelta(minutes=61), False)])
def test_where_the_server_says_nothing_of_unused_claims_events_tell_of_a_set_that_has_just_gone(
    ago: timedelta, fresh: bool, told: str
) -> None:
    """Servers before 1.37 (KEP-5541): a set that a deployer deletes to make it again left claims that nothing told from old ones."""
    verdict = one(estate(GONE, told={"prod": {told: NOW - ago}, "test": {told: NOW}}))
    assert (verdict.klass, verdict.fresh) == (Class.SET_GONE, fresh)
    assert isinstance(deletion(verdict, DeletionOptions(), NOW), DeletionRefused) is fresh
    others = one(estate(GONE, told={"prod": {"web-8": NOW, "data-web-7": NOW, "eb-7": NOW}}))
    assert (others.klass, others.fresh) == (Class.SET_GONE, False)


def test_what_a_live_set_left_behind_a_moment_ago_is_not_called_fresh() -> None:
    left = claim("data-web-7", unused=Condition(type="Unused", status="True", last_transition_time=NOW - timedelta(minutes=1)))
    verdict = one(estate(left, sets=(stateful_set("web", 3),)))
    assert (verdict.klass, verdict.fresh) == (Class.SCALED_DOWN, False)


@pytest.mark.parametrize(("ago", "fresh"), [(timedelta(minutes=59), True), (timedelta(minutes=61), False)])
def test_a_set_that_was_made_again_less_than_an_hour_ago_takes_a_word_more(ago: timedelta, fresh: bool) -> None:
    """From a manifest that may be the wrong one: what the one before had of templates and replicas nobody knows."""
    lost, beyond = claim("logs-web-0"), claim("data-web-7")
    others = claim("data-web-7", labels={"app": "before"})  # a set that is made again may get another selector
    for mine, klass in ((lost, Class.TEMPLATE_GONE), (beyond, Class.SCALED_DOWN)):
        verdict = one(estate(mine, sets=(stateful_set("web", 3, made=NOW - ago),)))
        assert (verdict.klass, verdict.fresh) == (klass, fresh)
        assert [item.subject for item in verdict.evidence if item.lately] == ["StatefulSet/web"] * fresh
        assert isinstance(deletion(verdict, DeletionOptions(destroy_data=True, use=NOBODY_ELSE), NOW), DeletionRefused) is fresh
        fresh_too = DeletionOptions(destroy_data=True, use=NOBODY_ELSE, fresh=True)
        assert not isinstance(deletion(verdict, fresh_too, NOW), DeletionRefused)
    gone = one(estate(others, sets=(stateful_set("web", 3, "logs", made=NOW - ago),)))
    assert (gone.klass, gone.fresh) == (Class.SET_GONE, fresh)
    groups_again = msgspec.structs.replace(groups(), metadata=ObjectMeta(name="vllm", namespace="prod", creation_timestamp=NOW - ago))
    mine = claim("cache-vllm-3-1", labels={LABEL: "vllm"})
    verdict = one(estate(mine, leader_worker_sets=(groups_again,)))
    assert (verdict.klass, verdict.fresh) == (Class.SCALED_DOWN, fresh)


def test_a_live_set_whose_name_ends_a_claim_s_is_no_reason_to_look_for_no_other() -> None:
    """``data-my-db-0`` beside ``db``: of another set's labels it is set-gone, of the same ones (a chart's) template-gone; and either
    way ``my-db`` may be on a deployer's list, or have been there a moment ago."""
    mine = claim("data-my-db-0")
    for labels, klass in (({"app": "db"}, Class.SET_GONE), ({"app": "web"}, Class.TEMPLATE_GONE)):
        db = stateful_set("db", 1, labels=labels)
        assert one(estate(mine, sets=(db,))).klass is klass
        (asked,) = doubtful(estate(mine, sets=(db,), custom={}), NOW).values()
        assert asked.away == {"my-db"} and asked.gone == {"my-db", "my-db-0"}
        listed = Deployed(listed={"prod": {"StatefulSet/my-db": "Application/shop in namespace argocd"}})
        assert one(estate(mine, sets=(db,), deployed=listed)).klass is Class.AMBIGUOUS
        blind = one(estate(mine, sets=(db,), deployed=Deployed(not_read=("applications.argoproj.io",))))
        assert (blind.klass, blind.would_be) == (Class.UNSURE, klass)
        lately = one(estate(mine, sets=(db,), told={"prod": {"my-db-0": NOW - timedelta(minutes=9)}}))
        assert (lately.klass, lately.fresh) == (klass, True)
    of_db = claim("logs-db-0", labels={"app": "db"})
    db = stateful_set("db", 1, labels={"app": "db"})
    blind = one(estate(of_db, sets=(db,), deployed=Deployed(not_read=("applications.argoproj.io",))))
    assert blind.klass is Class.TEMPLATE_GONE  # of no other set


@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=1)])
def test_what_a_young_set_has_made_itself_is_not_called_fresh(later: timedelta) -> None:
    """Its claims are not older than it."""
    made = NOW - timedelta(minutes=9)
    mine = claim("data-web-7")
    mine = msgspec.structs.replace(mine, metadata=msgspec.structs.replace(mine.metadata, creation_timestamp=made + later))
    verdict = one(estate(mine, sets=(stateful_set("web", 3, made=made),)))
    assert (verdict.klass, verdict.fresh) == (Class.SCALED_DOWN, False)


@pytest.mark.parametrize(("ago", "fresh"), [(timedelta(minutes=59), True), (timedelta(minutes=61), False)])
def test_a_claim_without_its_template_that_a_pod_has_just_left_takes_a_word_more(ago: timedelta, fresh: bool) -> None:
    """A set that was made again with ``--cascade=orphan`` long ago has pods of before until each is replaced."""
    left = claim("logs-web-0", unused=Condition(type="Unused", status="True", last_transition_time=NOW - ago))
    old = claim("logs-web-0")
    back = pod("web-0", *mounts("data-web-0"), made=NOW - ago)  # servers before 1.37 do not say: its pod came back
    for mine, used in ((left, {}), (old, {"pods": (back,)})):
        verdict = one(estate(mine, sets=(stateful_set("web", 3),), users=users(**used)))
        assert (verdict.klass, verdict.fresh) == (Class.TEMPLATE_GONE, fresh)


@pytest.mark.parametrize(("ago", "fresh"), [(timedelta(minutes=59), True), (timedelta(minutes=61), False)])
def test_a_claim_that_was_just_brought_back_takes_a_word_more(ago: timedelta, fresh: bool) -> None:
    """Whoever has it restored is about to use it, and a job that tidies up would delete it again."""
    mine = claim("data-web-7", made_by=("kubectl-pets",), annotations={"kubectl-pets/created-by": "kube-controller-manager"})
    mine = msgspec.structs.replace(mine, metadata=msgspec.structs.replace(mine.metadata, creation_timestamp=NOW - ago))
    for sets in ((stateful_set("web", 3),), (stateful_set("web", 3, "logs"),), ()):
        verdict = one(estate(mine, sets=sets))
        assert verdict.candidate and verdict.fresh is fresh


# --- LeaderWorkerSets --------------------------------------------------------------------------------------------------------


def groups(replicas: int = 2, *, size: int = 3, surge: int | str = 0, template: str = "cache") -> LeaderWorkerSet:
    templates = (ClaimTemplate(metadata=ObjectMeta(name=template)),)
    return LeaderWorkerSet(
        metadata=ObjectMeta(name="vllm", namespace="prod"),
        spec=LeaderWorkerSetSpec(
            replicas=replicas,
            leader_worker_template=LeaderWorkerTemplate(size=size, volume_claim_templates=templates),
            rollout_strategy=GroupRolloutStrategy(rolling_update_configuration=GroupRollingUpdate(max_surge=surge)),
        ),
    )


def of(name: str, live: LeaderWorkerSet, **rest: object) -> Class:
    mine = claim(name, labels={LABEL: "vllm"})
    return one(estate(mine, leader_worker_sets=(live,), **rest)).klass


def test_workers_of_a_group_that_is_being_made_again_are_in_range() -> None:
    """Seen with the real controller: startupPolicy LeaderReady leaves a group without its worker set for minutes."""
    assert [of(f"cache-vllm-1-{worker}", groups()) for worker in (1, 2, 3)] == [Class.IN_RANGE] * 2 + [Class.SCALED_DOWN]
    assert of("cache-vllm-1", groups()) is Class.IN_RANGE  # the leader's, should the leader set be away


def test_all_claims_of_a_leader_worker_set_at_zero_will_return() -> None:
    assert {of(name, groups(0)) for name in ("cache-vllm-0", "cache-vllm-5", "cache-vllm-5-1", "cache-vllm-5-9")} == {Class.WILL_RETURN}


def test_what_a_surge_left_will_be_taken_by_the_next_one() -> None:
    assert [of(f"cache-vllm-{at}-1", groups(2, surge=1)) for at in (1, 2, 3)] == [Class.IN_RANGE, Class.WILL_RETURN, Class.SCALED_DOWN]
    assert [of(f"cache-vllm-{at}-1", groups(5, surge="25%")) for at in (6, 7)] == [Class.WILL_RETURN, Class.SCALED_DOWN]
    assert of("cache-vllm-3-1", groups(2, surge="no share")) is Class.WILL_RETURN


@pytest.mark.parametrize(
    "made",
    [
        LeaderWorkerTemplate(volume_claim_templates=(cloning("data-web-7"),)),
        LeaderWorkerTemplate(worker_template=Template(spec=Mounts(volumes=mounts("data-web-7")))),
        LeaderWorkerTemplate(leader_template=Template(spec=Mounts(volumes=ephemeral("scratch", source="data-web-7")))),
    ],
)
def test_what_the_templates_of_groups_name_is_used_though_no_group_is_there(made: LeaderWorkerTemplate) -> None:
    live = msgspec.structs.replace(groups(), spec=LeaderWorkerSetSpec(replicas=0, leader_worker_template=made))
    verdict = one(estate(claim("data-web-7"), leader_worker_sets=(live,)))
    assert verdict.klass is Class.USED_BY_TEMPLATE
    assert Evidence(E.NAMED_BY_TEMPLATE, "LeaderWorkerSet/vllm") in verdict.evidence


def test_an_autoscaler_of_a_leader_worker_set_brings_groups_back() -> None:
    hpa = (autoscaler("vllm", 4, kind="LeaderWorkerSet"),)
    assert [of(f"cache-vllm-{at}-1", groups(), autoscalers=hpa) for at in (3, 4)] == [Class.WILL_RETURN, Class.SCALED_DOWN]
    assert of("cache-vllm-4-1", groups(surge=1), autoscalers=hpa) is Class.WILL_RETURN  # a surge over the maximum
    other = (autoscaler("llm", 9, kind="LeaderWorkerSet"),)
    assert of("cache-vllm-3-1", groups(), autoscalers=other) is Class.SCALED_DOWN


def test_what_is_beyond_all_groups_was_scaled_down() -> None:
    mine = claim("cache-vllm-3-1", labels={LABEL: "vllm"})
    verdict = one(estate(mine, leader_worker_sets=(groups(),)))
    assert (verdict.klass, verdict.set, verdict.template, verdict.ordinal) == (Class.SCALED_DOWN, "vllm", "cache", 1)
    assert found(mine, E.BEYOND_RANGE, leader_worker_sets=(groups(),)) == Evidence(
        E.BEYOND_RANGE, "LeaderWorkerSet/vllm", start=0, replicas=2
    )


def test_any_doubt_that_it_is_of_this_one_makes_it_ambiguous() -> None:
    live = {"leader_worker_sets": (groups(),)}
    assert one(estate(claim("cache-vllm-3-1"), **live)).klass is Class.AMBIGUOUS  # without the label
    assert of("other-vllm-3-1", groups()) is Class.AMBIGUOUS  # of no template
    assert one(estate(claim("cache-x-3-1", labels={LABEL: "vllm"}), **live)).klass is Class.AMBIGUOUS  # the label alone
    assert of("cache-vllm-3-1", groups(), sets=(stateful_set("3", 1, labels={LABEL: "vllm"}),)) is Class.AMBIGUOUS
    assert one(estate(claim("cache-llm-3-1", labels={LABEL: "llm"}), **live)).klass is Class.SET_GONE


def test_leader_worker_sets_that_may_not_be_read_leave_no_candidate() -> None:
    verdict = one(estate(claim("cache-vllm-3-1"), leader_worker_sets=None))
    assert (verdict.klass, verdict.not_read) == (Class.UNSURE, ("leaderworkersets.leaderworkerset.x-k8s.io",))
