"""Who still wants the claims of sets that are gone, on a control plane of its own with custom resources: their kinds, their
webhooks and an aggregated API that does not answer concern whole clusters."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests import controlplane
from tests.commands.plugin import Plugin, manifest
from tests.commands.test_orphans import become, classes, make, namespaced, shrink

pytestmark = pytest.mark.real

KINDS = (
    ("volsync.backube", "v1alpha1", "ReplicationSource", "replicationsources"),
    ("kubevirt.io", "v1", "VirtualMachine", "virtualmachines"),
    ("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"),
    ("keda.sh", "v1alpha1", "ScaledJob", "scaledjobs"),
    ("argoproj.io", "v1alpha1", "CronWorkflow", "cronworkflows"),
    ("autoscaling.alibabacloud.com", "v1beta1", "CronHorizontalPodAutoscaler", "cronhorizontalpodautoscalers"),
    ("monitoring.coreos.com", "v1", "Prometheus", "prometheuses"),
    ("elasticsearch.k8s.elastic.co", "v1", "Elasticsearch", "elasticsearches"),
    ("argoproj.io", "v1alpha1", "Application", "applications"),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization", "kustomizations"),
    ("fleet.cattle.io", "v1alpha1", "BundleDeployment", "bundledeployments"),
    ("leaderworkerset.x-k8s.io", "v1", "LeaderWorkerSet", "leaderworkersets"),
)


def definition(group: str, version: str, kind: str, plural: str, *, scope: str = "Namespaced") -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": scope,
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.fixture(scope="module")
def plane() -> Iterator[controlplane.ControlPlane]:
    with controlplane.running() as running:
        for kind in KINDS:
            running.kubectl("create", "-f", "-", input=json.dumps(definition(*kind)))
        running.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        yield running


@pytest.fixture
def pets(plane: controlplane.ControlPlane, request: pytest.FixtureRequest) -> Iterator[Plugin]:
    name = "wanted-" + "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower())[:40].strip("-")
    plane.create_namespace(name)
    yield Plugin(plane, name)
    plane.delete_namespace(name)


def create(pets: Plugin, kind: str, name: str, spec: Any, *, labels: dict[str, str] | None = None, api: str = "") -> None:
    """An object of a kind; custom ones are known by ``KINDS``."""
    version = api or next(f"{group}/{version}" for group, version, each, _ in KINDS if each == kind)
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": labels or {}}, "spec": spec}
    pets.plane.kubectl("create", "-n", pets.namespace, "-f", "-", input=json.dumps(body))


def left(pets: Plugin, *names: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None) -> None:
    """Claims as a StatefulSet's controller makes them, of sets that are gone."""
    for name in names:
        meta = {"name": name, "labels": labels or {"app": "web"}, "annotations": annotations or {}}
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
        body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
        words = ("create", "-n", pets.namespace, "--field-manager=kube-controller-manager", "-f", "-")
        pets.plane.kubectl(*words, input=json.dumps(body))


def hpa(pets: Plugin, kind: str, name: str, api: str, most: int) -> None:
    target = {"apiVersion": api, "kind": kind, "name": name}
    spec = {"minReplicas": 1, "maxReplicas": most, "scaleTargetRef": target}
    create(pets, "HorizontalPodAutoscaler", "hpa", spec, api="autoscaling/v2")


def test_whatever_names_a_claim(pets: Plugin) -> None:
    left(pets, *(f"data-web-{at}" for at in range(5)))
    create(pets, "ReplicationSource", "backup", {"sourcePVC": "data-web-0"})
    volume = {"name": "d", "persistentVolumeClaim": {"claimName": "data-web-1"}}
    create(pets, "VirtualMachine", "vm", {"runStrategy": "Halted", "template": {"spec": {"volumes": [volume]}}})
    create(pets, "ScaledJob", "reindex", {"jobTargetRef": {"template": {"claims": ["data-web-2"]}}})
    create(pets, "CronWorkflow", "nightly", {"workflowSpec": {"arguments": {"parameters": [{"value": "data-web-3"}]}}})
    assert classes(pets) == {f"data-web-{at}": "used-by-template" for at in range(4)} | {"data-web-4": "set-gone"}
    shown = pets("orphans", "explain", "data-web-0").stdout
    assert "ReplicationSource/backup has its name" in shown
    refused = pets("orphans", "delete", "data-web-1", "--fresh", "-y", expect=6)
    assert "VirtualMachine/vm" in refused.stderr
    assert [line.split()[0] for line in pets("orphans", "--no-headers").stdout.splitlines()] == ["data-web-4"]


def test_what_names_claims_from_no_namespace_or_all_of_a_set(pets: Plugin) -> None:
    """A ClusterWorkflowTemplate brings its volumes to whoever runs it, and a workflow fills in the ordinals of a loop."""
    kind = ("argoproj.io", "v1alpha1", "ClusterWorkflowTemplate", "clusterworkflowtemplates")
    pets.plane.kubectl("create", "-f", "-", input=json.dumps(definition(*kind, scope="Cluster")))
    pets.plane.kubectl("wait", "--for=condition=Established", "crd", "clusterworkflowtemplates.argoproj.io", "--timeout=60s")
    try:
        left(pets, "data-web-0", "data-web-1", "data-db-0", "data-db-10", "data-other-0")
        volume = {"name": "d", "persistentVolumeClaim": {"claimName": "data-web-0"}}
        body = {"apiVersion": "argoproj.io/v1alpha1", "kind": kind[2], "metadata": {"name": "nightly"}, "spec": {"volumes": [volume]}}
        pets.plane.kubectl("create", "-f", "-", input=json.dumps(body))
        loop = {"persistentVolumeClaim": {"claimName": "data-db-{{item}}"}}
        create(pets, "CronWorkflow", "copies", {"workflowSpec": {"volumes": [loop]}})
        used = dict.fromkeys(("data-web-0", "data-db-0", "data-db-10"), "used-by-template")
        assert classes(pets) == used | {"data-web-1": "set-gone", "data-other-0": "set-gone"}
        refused = pets("orphans", "delete", "data-web-0", "--fresh", "-y", expect=6)
        assert "ClusterWorkflowTemplate/nightly" in refused.stderr
        pets("orphans", "delete", "data-db-10", "--fresh", "-y", expect=6)
    finally:
        pets.plane.kubectl("delete", "crd", "clusterworkflowtemplates.argoproj.io")


def test_a_resource_that_names_it_between_the_plan_and_the_deletion(pets: Plugin, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from kubectl_pets.flows.orphans.records import RecordBook

    left(pets, "data-web-0")
    real = RecordBook.add

    def add(book: RecordBook, record: Any) -> None:
        create(pets, "ReplicationSource", "backup", {"sourcePVC": "data-web-0"})
        real(book, record)

    monkeypatch.setattr(RecordBook, "add", add)
    refused = pets("orphans", "delete", "data-web-0", "--fresh", "-y", "--record", str(tmp_path), expect=6)
    assert "refused" in refused.stderr and pets.get("pvc", "data-web-0")["metadata"].get("deletionTimestamp") is None


def test_an_autoscaler_of_another_kind(pets: Plugin) -> None:
    make(pets, replicas=3)
    target = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"}
    create(pets, "CronHorizontalPodAutoscaler", "nights", {"scaleTargetRef": target, "jobs": [{"name": "up", "targetSize": 3}]})
    shrink(pets, 1)
    become(pets, data_web_0="in-use", data_web_1="will-return", data_web_2="will-return")
    assert "CronHorizontalPodAutoscaler/nights may scale StatefulSet/web" in pets("orphans", "explain", "data-web-2").stdout


def test_sets_that_come_and_go_with_a_custom_resource(pets: Plugin) -> None:
    """Prometheus' shards: the operator deletes the set of a shard that is scaled away."""
    create(pets, "Prometheus", "k8s", {"shards": 1})
    labels = {"app.kubernetes.io/name": "prometheus", "operator.prometheus.io/name": "k8s"}
    left(pets, "db-prometheus-k8s-shard-1-0", labels=labels)
    left(pets, "data-other-0")
    assert classes(pets) == {"data-other-0": "set-gone", "db-prometheus-k8s-shard-1-0": "ambiguous"}  # its maker lives
    hpa(pets, "Prometheus", "k8s", "monitoring.coreos.com/v1", 3)
    assert classes(pets) == {"data-other-0": "set-gone", "db-prometheus-k8s-shard-1-0": "will-return"}
    pets.kubectl("delete", "hpa,prometheus", "--all")
    assert classes(pets)["db-prometheus-k8s-shard-1-0"] == "set-gone"


def test_an_owner_that_lives(pets: Plugin) -> None:
    create(pets, "Elasticsearch", "es", {"nodeSets": []})
    left(pets, "elasticsearch-data-es-es-default-1", labels={"elasticsearch.k8s.elastic.co/cluster-name": "es"})
    left(pets, "data-web-0", annotations={"argocd.argoproj.io/tracking-id": "web:/PersistentVolumeClaim:x/data-web-0"})
    left(pets, "data-web-1", annotations={"helm.sh/resource-policy": "keep"})
    left(pets, "data-web-2", labels={"app": "web", "velero.io/restore-name": "nightly"})
    found = classes(pets)
    assert found.pop("data-web-1") == "set-gone" and set(found.values()) == {"ambiguous"}
    assert "Elasticsearch/es lives" in pets("orphans", "explain", "elasticsearch-data-es-es-default-1").stdout
    assert "helm.sh/resource-policy: keep" in pets("orphans", "explain", "data-web-1").stdout.partition("For deletion")[0]
    assert "helm.sh/resource-policy: keep" in pets("orphans").stdout


@pytest.fixture
def deployers(pets: Plugin) -> Iterator[Plugin]:
    """A namespace that is not the claims'."""
    name = f"d-{pets.namespace[-8:].strip('-')}"  # short, or lines are broken
    pets.plane.create_namespace(name)
    yield Plugin(pets.plane, name)
    pets.plane.delete_namespace(name)


def test_sets_that_a_deployer_of_another_namespace_lists(pets: Plugin, deployers: Plugin) -> None:
    """As each of them writes its list (argo-cd ResourceStatus, fluxcd/pkg ResourceInventory, fleet BundleDeploymentResource)."""
    left(pets, *(f"data-{name}-0" for name in ("argo", "flux", "fleet", "free", "events-es-default")))
    space = pets.namespace
    row = {"group": "apps", "version": "v1", "kind": "StatefulSet", "namespace": space, "name": "argo", "status": "OutOfSync"}
    search = {"group": "elasticsearch.k8s.elastic.co", "kind": "Elasticsearch", "namespace": space, "name": "events"}
    elsewhere = {**row, "namespace": "default", "name": "free"}
    service = {"version": "v1", "kind": "Service", "namespace": space, "name": "free"}
    listed(deployers, "Application", "shop", {"resources": [elsewhere, service, row, search]})
    entries = [{"id": f"{space}_free__Service", "v": "v1"}, {"id": f"{space}_flux_apps_StatefulSet", "v": "v1"}]
    listed(deployers, "Kustomization", "apps", {"inventory": {"entries": entries}})
    bundled = {"apiVersion": "apps/v1", "kind": "StatefulSet", "namespace": space, "name": "fleet"}
    listed(deployers, "BundleDeployment", "fleet", {"resources": [bundled]})
    listed(deployers, "Kustomization", "empty", {"inventory": {"entries": None}})
    found = classes(pets)
    assert found.pop("data-free-0") == "set-gone", found
    assert set(found.values()) == {"ambiguous"} and len(found) == 4
    shown = pets("orphans", "explain", "data-argo-0").stdout
    assert f"Application/shop in namespace {deployers.namespace} has StatefulSet/argo on its list of what it applies" in shown
    assert f"Kustomization/apps in namespace {deployers.namespace}" in pets("orphans", "explain", "data-flux-0").stdout
    shown = pets("orphans", "explain", "data-events-es-default-0").stdout
    assert f"Application/shop in namespace {deployers.namespace} has Elasticsearch/events" in shown
    refused = pets("orphans", "delete", "data-argo-0", "--fresh", "-y", expect=6)
    assert "Application/shop" in refused.stderr and "deletionTimestamp" not in pets.get("pvc", "data-argo-0")["metadata"]
    assert classes(pets, "--ignore-kind", "*.argoproj.io")["data-argo-0"] == "set-gone"


IN_NO_NAMESPACE = (
    ("work.open-cluster-management.io", "v1", "AppliedManifestWork", "appliedmanifestworks"),
    ("core.oam.dev", "v1beta1", "ResourceTracker", "resourcetrackers"),
)


def test_sets_that_a_deployer_lists_in_no_namespace_or_in_its_spec(pets: Plugin, deployers: Plugin) -> None:
    """As each of them writes its list (AppliedManifestResourceMeta, KubeVela's ManagedResource, kpt's ObjMetadata)."""
    group = ("kpt.dev", "v1alpha1", "ResourceGroup", "resourcegroups")
    rows = [*((kind, "Cluster") for kind in IN_NO_NAMESPACE), (group, "Namespaced")]
    names = [f"{kind[3]}.{kind[0]}" for kind, _ in rows]
    for kind, scope in rows:
        pets.plane.kubectl("create", "-f", "-", input=json.dumps(definition(*kind, scope=scope)))
    pets.plane.kubectl("wait", "--for=condition=Established", "crd", *names, "--timeout=60s")
    try:
        left(pets, *(f"data-{name}-0" for name in ("ocm", "vela", "kpt", "free", "going", "events-es-default")))
        space = pets.namespace
        applied = [{"group": "apps", "version": "v1", "resource": "statefulsets", "namespace": space, "name": "ocm", "uid": "u"}]
        applied += [{"group": "elasticsearch.k8s.elastic.co", "resource": "elasticsearches", "namespace": space, "name": "events"}]
        applied += [{"group": "", "version": "v1", "resource": "services", "namespace": space, "name": "free"}]
        managed = {"apiVersion": "apps/v1", "kind": "StatefulSet", "namespace": space, "raw": {"spec": {"replicas": 3}}}
        tracked = [{**managed, "name": "vela"}, {**managed, "name": "going", "deleted": True}, {**managed, "name": "free", "cluster": "far"}]
        bodies = (
            (*IN_NO_NAMESPACE[0][:3], {"status": {"appliedResources": applied}}),
            (*IN_NO_NAMESPACE[1][:3], {"spec": {"managedResources": tracked}}),
            (*group[:3], {"spec": {"resources": [{"group": "apps", "kind": "StatefulSet", "namespace": space, "name": "kpt"}]}}),
        )
        for api, version, named, body in bodies:
            whole = {"apiVersion": f"{api}/{version}", "kind": named, "metadata": {"name": "shop"}, **body}
            pets.plane.kubectl("create", "-n", deployers.namespace, "-f", "-", input=json.dumps(whole))
        wanted = {f"data-{name}-0": "ambiguous" for name in ("ocm", "vela", "kpt", "events-es-default")}
        wanted |= {"data-free-0": "set-gone", "data-going-0": "set-gone"}
        assert classes(pets) == wanted
        assert "AppliedManifestWork/shop has StatefulSet/ocm on its list" in pets("orphans", "explain", "data-ocm-0").stdout
        shown = pets("orphans", "explain", "data-events-es-default-0").stdout
        assert "AppliedManifestWork/shop has Elasticsearch/events" in shown
        pets("orphans", "delete", "data-ocm-0", "data-vela-0", "data-kpt-0", "--fresh", "--destroy-data", "-y", expect=6)
    finally:
        pets.plane.kubectl("delete", "crd", *names)


def test_a_listed_set_whose_name_ends_as_that_of_a_live_one(pets: Plugin, deployers: Plugin) -> None:
    make(pets, "db", replicas=1)
    for name, labels in (("data-my-db-0", {"app": "my-db"}), ("data-our-db-0", {"app": "db"}), ("data-no-db-0", {"app": "no-db"})):
        left(pets, name, labels=labels)
    row = {"group": "apps", "version": "v1", "kind": "StatefulSet", "namespace": pets.namespace}
    listed(deployers, "Application", "shop", {"resources": [{**row, "name": "my-db"}, {**row, "name": "our-db"}]})
    wanted = {"data-db-0": "in-use", "data-my-db-0": "ambiguous", "data-our-db-0": "ambiguous", "data-no-db-0": "set-gone"}
    pets.eventually(lambda: classes(pets) == wanted, f"{wanted}")
    pets("orphans", "delete", "data-my-db-0", "data-our-db-0", "--fresh", "--destroy-data", "-y", expect=6)


def test_a_list_of_a_deployer_that_cannot_be_decoded(pets: Plugin, deployers: Plugin) -> None:
    left(pets, "data-web-0")
    listed(deployers, "Application", "odd", {"resources": "none"})
    assert classes(pets) == {"data-web-0": "unsure"}
    assert "--ignore-kind 'applications.argoproj.io'" in pets("orphans", "explain", "data-web-0").stdout
    deployers.kubectl("delete", "applications.argoproj.io", "--all")  # or all that is judged meanwhile is unsure


def test_a_list_of_a_deployer_that_may_be_read_in_the_claims_namespace_alone(pets: Plugin) -> None:
    """It says nothing of sets that live."""
    make(pets, replicas=2)
    shrink(pets, 1)
    left(pets, "data-gone-0")
    resources = ",".join(namespaced(pets))
    pets.kubectl("create", "role", "all", "--verb=get,list", f"--resource={resources}")
    pets.kubectl("create", "rolebinding", "all", "--role=all", "--user=karl")
    pets.plane.kubectl("create", "clusterrole", "volumes", "--verb=get,list", "--resource=persistentvolumes")
    pets.plane.kubectl("create", "clusterrolebinding", "volumes", "--clusterrole=volumes", "--user=karl")
    words = ("auth", "can-i", "list", "applications.argoproj.io", "--as=karl", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    karl = pets.plane.kubeconfig_for("karl")
    found = classes(pets, kubeconfig=karl)
    assert found.pop("data-gone-0") == "unsure" and found == {"data-web-0": "in-use", "data-web-1": "scaled-down"}
    shown = pets("orphans", "explain", "data-gone-0", kubeconfig=karl).stdout
    assert "--ignore-kind 'applications.argoproj.io'" in shown and "kubectl auth can-i list applications.argoproj.io -A" in shown
    kinds = [word for group in ("argoproj.io", "kustomize.toolkit.fluxcd.io", "fleet.cattle.io") for word in ("--ignore-kind", f"*.{group}")]
    assert classes(pets, *kinds, kubeconfig=karl)["data-gone-0"] == "set-gone"


def listed(deployers: Plugin, kind: str, name: str, status: dict[str, Any]) -> None:
    [(group, version)] = [(group, version) for group, version, of, _ in KINDS if of == kind]
    body = {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name}, "status": status}
    deployers.plane.kubectl("create", "-n", deployers.namespace, "-f", "-", input=json.dumps(body))


def test_a_set_that_is_away_to_be_made_again_while_it_was_at_zero(pets: Plugin) -> None:
    """``--cascade=orphan`` and create, as whoever changes a claim template does: its revisions have no owner meanwhile."""
    make(pets, replicas=2)
    shrink(pets, 0)
    pets.kubectl("delete", "statefulset", "web", "--cascade=orphan")
    become(pets, data_web_0="ambiguous", data_web_1="ambiguous")
    assert "is left of StatefulSet web" in pets("orphans", "explain", "data-web-0").stdout
    pets.plane.kubectl("create", "-n", pets.namespace, "-f", "-", input=manifest(claims=True, replicas=0))
    become(pets, data_web_0="will-return", data_web_1="will-return")


def test_what_is_left_beside_a_set_that_was_deleted_at_zero(pets: Plugin) -> None:
    """Its autoscaler waits for it; its Service and budget are told, and do not keep its claims for ever."""
    make(pets, replicas=1)
    shrink(pets, 0)
    pets.kubectl("create", "service", "clusterip", "web", "--clusterip=None")
    pets.kubectl("create", "poddisruptionbudget", "web", "--selector=app=web", "--min-available=1")
    hpa(pets, "StatefulSet", "web", "apps/v1", 3)
    pets.kubectl("delete", "statefulset", "web")
    become(pets, data_web_0="ambiguous")
    assert "HorizontalPodAutoscaler/hpa scales StatefulSet web, which is gone" in pets("orphans", "explain", "data-web-0").stdout
    pets.kubectl("delete", "hpa", "hpa")
    become(pets, data_web_0="set-gone")
    shown = pets("orphans", "explain", "data-web-0").stdout.partition("For deletion")[0]
    assert "Service/web is there still" in shown and "PodDisruptionBudget/web is there still" in shown
    assert "Service/web, PodDisruptionBudget/web" in pets("orphans").stdout


def test_one_pod_of_a_set_that_is_away_tells_for_its_siblings(pets: Plugin) -> None:
    make(pets, replicas=2)
    pets.kubectl("delete", "statefulset", "web", "--cascade=orphan")
    pets.kubectl("delete", "controllerrevisions", "--all")
    pets.kubectl("delete", "pod", "web-1")
    become(pets, data_web_0="in-use", data_web_1="ambiguous")


def test_groups_of_a_leader_worker_set(pets: Plugin) -> None:
    labels = {"leaderworkerset.sigs.k8s.io/name": "vllm"}
    template = {"size": 2, "volumeClaimTemplates": [{"metadata": {"name": "cache"}}]}
    create(pets, "LeaderWorkerSet", "vllm", {"replicas": 1, "leaderWorkerTemplate": template})
    left(pets, "cache-vllm-0-1", "cache-vllm-1-1", "cache-vllm-2-1", labels=labels)
    become(pets, cache_vllm_0_1="in-range", cache_vllm_1_1="scaled-down", cache_vllm_2_1="scaled-down")
    hpa(pets, "LeaderWorkerSet", "vllm", "leaderworkerset.x-k8s.io/v1", 2)
    become(pets, cache_vllm_0_1="in-range", cache_vllm_1_1="will-return", cache_vllm_2_1="scaled-down")
    pets.kubectl("patch", "leaderworkerset", "vllm", "--type=merge", "-p", '{"spec": {"replicas": 0}}')
    become(pets, cache_vllm_0_1="will-return", cache_vllm_1_1="will-return", cache_vllm_2_1="will-return")


def test_a_kind_that_may_not_be_read_and_one_that_is_known(pets: Plugin) -> None:
    left(pets, "data-web-0")
    resources = ",".join(namespaced(pets) - {"virtualmachines.kubevirt.io"})
    pets.plane.kubectl("create", "clusterrole", "most", "--verb=get,list", f"--resource={resources},persistentvolumes")
    pets.plane.kubectl("create", "clusterrolebinding", "most", "--clusterrole=most", "--user=judy")
    words = ("auth", "can-i", "list", "persistentvolumeclaims", "--as=judy", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    judy = pets.plane.kubeconfig_for("judy")
    shown = pets("orphans", "--check", expect=7, kubeconfig=judy)
    assert "unsure (set-gone?)" in shown.stdout and "not read: virtualmachines.kubevirt.io" in shown.stdout
    explained = pets("orphans", "explain", "data-web-0", kubeconfig=judy).stdout
    assert "kubectl auth can-i list virtualmachines.kubevirt.io" in explained
    assert "--ignore-kind 'virtualmachines.kubevirt.io'" in explained
    pets("orphans", "delete", "data-web-0", "--fresh", "-y", expect=6, kubeconfig=judy)
    known = ("--ignore-kind", "virtualmachines.kubevirt.io")
    assert "set-gone (fresh)" in pets("orphans", *known, kubeconfig=judy).stdout
    pets("orphans", "delete", "data-web-0", "--fresh", "--dry-run", *known, kubeconfig=judy)
    pets("orphans", "--ignore-kind", "pods", expect=2)
    pets("orphans", "--ignore-kind", "deployments.apps", expect=2)


def test_a_conversion_webhook_that_is_down(pets: Plugin) -> None:
    """A list of the kind ends with 500."""
    make(pets, replicas=2)
    shrink(pets, 1)
    create(pets, "ScaledObject", "other", {"scaleTargetRef": {"name": "x"}})
    hook = {"conversionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:9/convert"}}
    changed = definition(*KINDS[2])
    (version,) = changed["spec"]["versions"]
    changed["spec"]["versions"] = [version | {"name": "v1", "storage": False}, version]
    changed["spec"]["conversion"] = {"strategy": "Webhook", "webhook": hook}
    patch = ("patch", "crd", "scaledobjects.keda.sh", "--type=merge", "-p")
    pets.plane.kubectl(*patch, json.dumps({"spec": changed["spec"]}))
    listed = ("get", "scaledobjects.v1.keda.sh", "-n", pets.namespace)
    pets.eventually(lambda: "127.0.0.1:9" in pets.plane.kubectl(*listed, check=False).stderr, "the webhook is asked")
    try:
        shown = pets("orphans", "--check", expect=7).stdout
        assert "unsure (scaled-down?)" in shown and "not read: scaledobjects.keda.sh" in shown
        assert "scaled-down" in pets("orphans", "--ignore-kind", "scaledobjects.keda.sh").stdout.split()
        planned = pets("scale", "web", "--replicas", "2", "--plan")
        assert "scaledobjects.keda.sh" in planned.stdout and "create web-1" in planned.stdout
        pets("scale", "web", "--replicas", "2", "-y", "--timeout", "60s")
    finally:
        back = {"spec": {"versions": definition(*KINDS[2])["spec"]["versions"], "conversion": None}}
        pets.plane.kubectl(*patch, json.dumps(back))


def test_an_aggregated_api_whose_server_is_down(pets: Plugin) -> None:
    left(pets, "data-web-0")
    name = "v1.things.example.org"
    spec = {"group": "things.example.org", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100}
    spec |= {"insecureSkipTLSVerify": True, "service": {"namespace": "kube-system", "name": "nobody"}}
    body = {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": name}, "spec": spec}
    pets.plane.kubectl("create", "-f", "-", input=json.dumps(body))
    try:
        pets.plane.kubectl("wait", "--for=condition=Available=false", f"apiservice/{name}", "--timeout=30s")
        pets.eventually(lambda: classes(pets) == {"data-web-0": "unsure"}, "the group is stale")
        assert "not read: *.things.example.org" in pets("orphans").stdout
        assert "set-gone (fresh)" in pets("orphans", "--ignore-kind", "*.things.example.org").stdout
    finally:
        pets.plane.kubectl("delete", "apiservice", name)
