"""Custom resources: which kinds there are, and what is found in them, page by page; what answers badly is not read."""

import json
from time import process_time
from typing import Any

import pytest

from kubectl_pets.cluster.http.failures import refused
from kubectl_pets.cluster.http.transport import Request
from kubectl_pets.cluster.objects.discovery import CustomKinds, Discovery, ServedKind
from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.cluster.topics.claims import read_claim_inventory
from kubectl_pets.cluster.topics.custom import search
from kubectl_pets.cluster.topics.deployed import read_deployed
from kubectl_pets.domain.orphans.inventory import DISCOVERY, WORKLOADS, CustomScaler, CustomUse, ScaleTarget
from kubectl_pets.domain.orphans.judging import Searched, judge
from tests.domain.orphans.builders import NOW

Obj = dict[str, Any]
VM = ServedKind("kubevirt.io", "v1", "virtualmachines", "VirtualMachine")
MACHINES = "/apis/kubevirt.io/v1/namespaces/prod/virtualmachines"
WANTED = {"prod": Searched(frozenset(("data-web-0", "data-web-1")), {"data-web-0": frozenset(("web",)), "data-web-1": frozenset()})}


class Canned:
    """A transport that knows its answers: by path, one after the other; an int is an HTTP status."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, list[Any]] = {}
        self.seen: list[str] = []
        self.fields: list[str] = []
        self.limits: list[str] = []
        for path, answer in answers.items():
            self.says(path, answer)

    def says(self, path: str, *answers: Any) -> None:
        self.answers[path] = list(answers)

    def send(self, request: Request, exchange: object = None) -> bytes:
        self.seen.append(request.path)
        self.limits += [value for key, value in request.query if key == "limit"]
        self.fields += [value for key, value in request.query if key == "fieldSelector"]
        ready = self.answers.get(request.path, [404])
        answer = ready.pop(0) if len(ready) > 1 else ready[0]
        if isinstance(answer, int):
            raise refused(answer, b"{}", {}, request.attempt)
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()


def reader(canned: Canned) -> Reader:
    return Reader(canned)  # type: ignore[arg-type]


def listing(kind: ServedKind, *items: Obj, more: str = "") -> Obj:
    """A page of custom resources, in namespace "prod" where they do not say so."""
    whole = [{"metadata": {"name": "x", "namespace": "prod"} | item.pop("metadata", {}), **item} for item in items]
    version = f"{kind.group}/{kind.version}"
    return {"apiVersion": version, "kind": f"{kind.kind}List", "metadata": {"continue": more}, "items": whole}


def searched(canned: Canned, *kinds: ServedKind, unknown: tuple[str, ...] = (), **rest: Any) -> CustomUse:
    options: dict[str, Any] = {"ignored": frozenset[str](), "to_the_end": False} | rest
    return search(reader(canned), CustomKinds(kinds, frozenset(unknown)), WANTED, **options)["prod"]


# --- which kinds -------------------------------------------------------------------------------------------------------------


def group(name: str, *versions: Obj) -> Obj:
    return {"metadata": {"name": name}, "versions": list(versions)}


def version(name: str, *resources: Obj, fresh: bool = True) -> Obj:
    return {"version": name, "freshness": "Current" if fresh else "Stale", "resources": list(resources)}


def resource(plural: str, kind: str, *, verbs: tuple[str, ...] = ("get", "list"), scope: str = "Namespaced") -> Obj:
    return {"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": list(verbs)}


def test_all_kinds_come_with_one_request() -> None:
    canned = Canned()
    canned.says(
        "/apis",
        {
            "kind": "APIGroupDiscoveryList",
            "items": [
                group("apps", version("v1", resource("deployments", "Deployment"))),
                group(
                    "kubevirt.io",
                    version("v1", resource("virtualmachines", "VirtualMachine"), resource("kubevirts", "KubeVirt", scope="Cluster")),
                    version("v1alpha3", resource("virtualmachines", "VirtualMachine"), resource("old", "Old")),
                ),
                group("upload.example.org", version("v1", resource("tokens", "Token", verbs=("create",)))),
                group("apps.kruise.io", version("v1beta1", fresh=False)),
            ],
        },
    )
    found = Discovery(reader(canned)).custom_kinds()
    machines = (VM, ServedKind("kubevirt.io", "v1alpha3", "old", "Old"))
    whole = (ServedKind("kubevirt.io", "v1", "kubevirts", "KubeVirt"),)
    assert found == CustomKinds(machines, frozenset(("apps.kruise.io",)), whole)
    assert canned.seen == ["/apis"]
    assert found.named("kubevirt.io", "virtualmachines") == VM and found.named("kubevirt.io", "x") is None


def test_an_older_server_is_asked_for_each_version() -> None:
    canned = Canned()
    both = [{"version": "v1"}, {"version": "v1alpha3"}]
    groups = [
        {"name": "apps", "versions": [{"version": "v1"}]},
        {"name": "kubevirt.io", "versions": both, "preferredVersion": {"version": "v1"}},
        {"name": "apps.kruise.io", "versions": [{"version": "v1beta1"}], "preferredVersion": {"version": "v1beta1"}},
    ]
    canned.says("/apis", {"kind": "APIGroupList", "groups": groups})
    kinds = [
        {"name": "virtualmachines", "kind": "VirtualMachine", "namespaced": True, "verbs": ["list"]},
        {"name": "virtualmachines/status", "kind": "VirtualMachine", "namespaced": True, "verbs": ["get"]},
        {"name": "kubevirts", "kind": "KubeVirt", "namespaced": False, "verbs": ["list"]},
    ]
    canned.says("/apis/kubevirt.io/v1", {"kind": "APIResourceList", "resources": kinds})
    canned.says("/apis/kubevirt.io/v1alpha3", {"kind": "APIResourceList", "resources": kinds})
    canned.says("/apis/apps.kruise.io/v1beta1", 503)
    whole = (ServedKind("kubevirt.io", "v1", "kubevirts", "KubeVirt"),)
    assert Discovery(reader(canned)).custom_kinds() == CustomKinds((VM,), frozenset(("apps.kruise.io",)), whole)


def test_what_was_told_is_not_asked_again_but_by_who_wants_it_fresh() -> None:
    canned = Canned()
    groups = [
        {"name": name, "versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}}
        for name in ("keda.sh", "kubevirt.io", "apps.kruise.io")
    ]
    canned.says("/apis", {"kind": "APIGroupList", "groups": groups})
    kinds = [{"name": "scaledobjects", "kind": "ScaledObject", "namespaced": True, "verbs": ["list"]}]
    canned.says("/apis/keda.sh/v1", {"kind": "APIResourceList", "resources": kinds})
    canned.says("/apis/kubevirt.io/v1", 503, {"kind": "APIResourceList", "resources": []})
    canned.says("/apis/apps.kruise.io/v1", {"kind": "APIResourceList", "resources": []})
    discovery = Discovery(reader(canned))
    one = discovery.custom_kinds(group="keda.sh")
    assert one is not None and one.named("keda.sh", "scaledobjects") is not None and not one.unknown
    assert canned.seen == ["/apis", "/apis/keda.sh/v1"]
    assert discovery.set_kinds() == ()
    first, second = discovery.custom_kinds(), discovery.custom_kinds()
    assert first is not None and first.unknown == {"kubevirt.io"} and second is not None and not second.unknown
    assert sorted(canned.seen) == ["/apis", "/apis/apps.kruise.io/v1", "/apis/keda.sh/v1", *2 * ["/apis/kubevirt.io/v1"]]
    canned.says("/apis", {"kind": "APIGroupDiscoveryList", "items": [group("kubevirt.io", version("v1", resource("virtualmachines", "VirtualMachine")))]})
    assert discovery.custom_kinds() == second
    assert discovery.custom_kinds(fresh=True) == CustomKinds((VM,), frozenset())


def test_a_deletion_is_judged_by_the_kinds_that_there_are_then() -> None:
    canned = _cluster()
    one = reader(canned)
    assert judge(read_claim_inventory(one, "prod", lambda: NOW, every_class=False), NOW)[0].klass.value == "set-gone"
    groups = [group("kubevirt.io", version("v1", resource("virtualmachines", "VirtualMachine")))]
    canned.says("/apis", {"kind": "APIGroupDiscoveryList", "items": groups})
    canned.says(MACHINES, listing(VM, {"spec": "data-web-0"}))
    assert judge(read_claim_inventory(one, "prod", lambda: NOW, every_class=False), NOW)[0].klass.value == "used-by-template"


@pytest.mark.parametrize("answer", [403, 404, 500, {}, {"kind": "APIGroupList"}, {"kind": "Status", "items": []}, b"<html>"])
def test_an_answer_that_is_none_is_no_server_without_kinds(answer: Any) -> None:
    canned = Canned()
    canned.says("/apis", answer)
    assert Discovery(reader(canned)).custom_kinds() is None
    assert search(reader(canned), None, WANTED, ignored=frozenset(), to_the_end=True)["prod"].not_read == (DISCOVERY,)


# --- what is found -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [
        {"a": {"b": [1, {"claimName": "data-web-0"}]}},
        {"pvc": "prod/data-web-0"},
        {"claims": {"data-web-0": True}},
        {"storageUri": "pvc://data-web-0/models/v1"},  # kserve InferenceService, kubeflow
        {"values": "persistence:\n  existingClaim: data-web-0\n"},  # Helm values of an Argo CD Application
        {"list": "a\ndata-web-0\nb"},
        {"args": ["--claim=data-web-0", "x"]},
        {"mounts": "data-web-0:/var/lib/data"},  # Tekton, GitLab runners, Spark
        {"claims": "data-x-0,data-web-0"},
        {"patch": '{"claim":"data-web-0"}'},
        {"ref": "PersistentVolumeClaim/data-web-0"},
        {"ref": "pvc/data-web-0"},
        {"text": "the claim data-web-0 is kept"},
    ],
)
def test_a_claim_s_name_is_found_wherever_it_stands(spec: Obj) -> None:
    canned = Canned()
    canned.says(MACHINES, listing(VM, {"metadata": {"name": "vm"}, "spec": spec}, {"metadata": {"name": "other"}}))
    assert searched(canned, VM).named == {"data-web-0": "VirtualMachine/vm"}


@pytest.mark.parametrize("text", ["data-web-00", "xdata-web-0", "test/data-web-0", "DATA-WEB-0", "x-data-web-0", "data-web-0.svc", "/backups/data-web-0", "old_data-web-0", "s3://b/data-web-0/x", "data-web-0_old"])
def test_a_string_that_is_not_the_name_is_not_it(text: str) -> None:
    canned = Canned()
    canned.says(MACHINES, listing(VM, {"spec": {"claimName": text}}))
    assert searched(canned, VM) == CustomUse(searched=frozenset(("data-web-0", "data-web-1")))


@pytest.mark.parametrize(
    "text",
    ["data-web-{{item}}", "data-web-{{inputs.parameters.at}}", "data-web-$(params.at)", "data-web-${AT}", "data-web-*", "data-web-[0-9]", "prod/data-web-%d", "data-web-"],
)
def test_a_name_whose_ordinal_is_to_be_filled_in(text: str) -> None:
    canned = Canned()
    canned.says(MACHINES, listing(VM, {"metadata": {"name": "vm"}, "spec": {"claimName": text}}))
    assert searched(canned, VM).named == {name: "VirtualMachine/vm" for name in ("data-web-0", "data-web-1")}


@pytest.mark.parametrize("text", ["data-web-x{{item}}", "my-data-web-{{item}}", "data-web.{{item}}", "data-{{set}}-x", "test/data-web-{{item}}"])
def test_another_name_that_is_to_be_filled_in(text: str) -> None:
    canned = Canned()
    canned.says(MACHINES, listing(VM, {"spec": {"claimName": text}}))
    assert searched(canned, VM).named == {}


TEMPLATES = ServedKind("argoproj.io", "v1alpha1", "clusterworkflowtemplates", "ClusterWorkflowTemplate")


def clusterwide(canned: Canned, *spaces: str, **rest: Any) -> dict[str, CustomUse]:
    wanted = {space: Searched(frozenset(("data-web-0",)), {"data-web-0": frozenset(("web",))}) for space in spaces}
    options: dict[str, Any] = {"ignored": frozenset[str](), "to_the_end": False} | rest
    return search(reader(canned), CustomKinds((), frozenset(), (TEMPLATES,)), wanted, **options)


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ({"volumes": [{"persistentVolumeClaim": {"claimName": "data-web-0"}}]}, ["prod", "test"]),
        ({"volumes": [{"persistentVolumeClaim": {"claimName": "data-web-{{item}}"}}]}, ["prod", "test"]),
        ({"claim": "test/data-web-0"}, ["test"]),
        ({"forProvider": {"namespace": "prod", "values": {"existingClaim": "data-web-0"}}}, ["prod"]),  # a Release of Crossplane's
        ({"pvc": {"claim": "data-web-0"}, "targetNamespaces": ["test", "x"]}, ["test"]),
        ({"pvc": {"claim": "data-web-0", "namespace": "elsewhere"}}, []),
        ({"pvc": {"claim": "data-web-00"}}, []),
    ],
)
def test_what_is_in_no_namespace_names_claims_too(spec: Obj, meant: list[str]) -> None:
    canned = Canned()
    listed = listing(TEMPLATES, {"metadata": {"name": "t"}, "spec": spec})
    del listed["items"][0]["metadata"]["namespace"]
    canned.says("/apis/argoproj.io/v1alpha1/clusterworkflowtemplates", listed)
    found = clusterwide(canned, "prod", "test")
    named = {"data-web-0": "ClusterWorkflowTemplate/t"}
    assert {space: use.named for space, use in found.items()} == {space: named if space in meant else {} for space in ("prod", "test")}
    assert all(not use.living and not use.not_read for use in found.values())


def test_contents_of_snapshots_are_not_searched() -> None:
    canned = Canned()
    contents = ServedKind("snapshot.storage.k8s.io", "v1", "volumesnapshotcontents", "VolumeSnapshotContent")
    wanted = {"prod": Searched(frozenset(("data-web-0",)), {})}
    search(reader(canned), CustomKinds((), frozenset(), (contents,)), wanted, ignored=frozenset(), to_the_end=True)
    assert canned.seen == []


def test_what_is_in_no_namespace_and_cannot_be_read() -> None:
    canned = Canned()
    for answer, not_read in ((403, ()), (500, ("clusterworkflowtemplates.argoproj.io",)), ({}, ("clusterworkflowtemplates.argoproj.io",))):
        canned.says("/apis/argoproj.io/v1alpha1/clusterworkflowtemplates", answer)
        assert clusterwide(canned, "prod")["prod"].not_read == not_read
    known = frozenset(("clusterworkflowtemplates.argoproj.io",))
    assert clusterwide(canned, "prod", ignored=known)["prod"].not_read == ()


def test_names_are_found_whatever_they_begin_with() -> None:
    """Pages are looked through for the beginnings of names first, where these are few."""
    few = ("data-web-0", "data", "x1-db-2")
    many = tuple(f"t{number}-web-0" for number in range(40))
    for names in (few, few + many):
        wanted = {"prod": Searched(frozenset(names), {})}
        for name in names:
            for text in (name, f"prod/{name}"):
                canned = Canned()
                canned.says(MACHINES, listing(VM, {"spec": {"volume": text}}))
                found = search(reader(canned), CustomKinds((VM,), frozenset()), wanted, ignored=frozenset(), to_the_end=False)
                assert found["prod"].named == {name: "VirtualMachine/x"}
        canned = Canned()
        canned.says(MACHINES, listing(VM, {"spec": ["data-web-00", "mydata", "other/data", "x1"]}))
        found = search(reader(canned), CustomKinds((VM,), frozenset()), wanted, ignored=frozenset(), to_the_end=False)
        assert found["prod"].named == {}


def test_an_object_that_lists_every_claim_is_gone_through_once() -> None:
    names = tuple(f"data-web-{number}" for number in range(20_000))
    canned = Canned()
    canned.says(MACHINES, listing(VM, {"spec": {"protected": [{"name": name} for name in names]}}))
    wanted = {"prod": Searched(frozenset(names), {})}
    began = process_time()
    found = search(reader(canned), CustomKinds((VM,), frozenset()), wanted, ignored=frozenset(), to_the_end=False)
    assert len(found["prod"].named) == 20_000 and process_time() - began < 60  # once for each claim takes minutes


def test_a_server_that_escapes_more_than_it_has_to() -> None:
    canned = Canned()
    body = json.dumps(listing(VM, {"metadata": {"name": "vm"}, "spec": {"claimName": "data-web-0"}}))
    canned.says(MACHINES, body.replace("data-web-0", "data\\u002Dweb-0").encode())
    assert searched(canned, VM).named == {"data-web-0": "VirtualMachine/vm"}


def test_pages_are_gone_through_one_by_one_and_again_where_the_server_forgot_them() -> None:
    canned = Canned()
    first = listing(VM, {"metadata": {"name": "one"}, "spec": "data-web-0"}, more="token")
    canned.says(MACHINES, first, 410, listing(VM, {"metadata": {"name": "two"}, "spec": "data-web-1"}))
    assert searched(canned, VM).named == {"data-web-1": "VirtualMachine/two"}
    canned.says(MACHINES, first, listing(VM, {"metadata": {"name": "two"}, "spec": "data-web-1"}))
    assert searched(canned, VM).named == {"data-web-0": "VirtualMachine/one", "data-web-1": "VirtualMachine/two"}


@pytest.mark.parametrize(
    "answer",
    [
        403,
        404,
        500,
        503,
        {},
        b"<html>",
        {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineList", "metadata": {}},
        {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": []},
        {"apiVersion": "kubevirt.io/v1", "kind": "VirtualMachineList", "items": [{"metadata": {"name": "x", "namespace": "other"}}]},
        json.dumps(listing(VM, {"spec": {"scaleTargetRef": "x"}})).encode().replace(b'"x"}}', b"[" * 3000 + b"]" * 3000 + b"}}"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_and_ends_nothing(answer: Any) -> None:
    canned = Canned()
    canned.says(MACHINES, answer)
    assert searched(canned, VM).not_read == ("virtualmachines.kubevirt.io",)


def test_pages_are_as_long_as_the_objects_are_small() -> None:
    """Custom resources may have a megabyte each, and a page is held as a whole: twice that of what is decoded of it."""
    canned = Canned()
    large = [{"metadata": {"name": f"a{at:02}"}, "spec": {"text": "t" * 100_000}} for at in range(50)]
    small = [{"metadata": {"name": f"b{at:02}"}} for at in range(50)]
    canned.says(MACHINES, listing(VM, *large, more="a"), listing(VM, *small, more="b"), listing(VM))
    assert searched(canned, VM).not_read == ()
    assert canned.limits == ["50", "20", "500"]
    listed = ServedKind("argoproj.io", "v1alpha1", "applications", "Application")
    canned = Canned()
    canned.says("/apis/argoproj.io/v1alpha1/applications", listing(listed))
    wanted = {"prod": Searched(frozenset(("data-web-0",)), {}, away=frozenset(("web",)))}
    read_deployed(reader(canned), CustomKinds((listed,), frozenset()), wanted, ignored=frozenset())
    assert canned.limits == ["50"]


def test_an_empty_list_is_one_that_was_read() -> None:
    canned = Canned()
    empty: list[Obj] = []
    for items in (empty, None):
        canned.says(MACHINES, listing(VM) | {"items": items})
        assert searched(canned, VM).not_read == ()


def test_kinds_are_read_until_every_claim_is_found() -> None:
    canned = Canned()
    many = [ServedKind("example.org", "v1", f"kind{at}s", f"Kind{at}") for at in range(30)]
    for kind in many:
        items = [{"spec": ["data-web-0", "data-web-1"]}] if kind.kind == "Kind3" else []
        canned.says(f"/apis/example.org/v1/namespaces/prod/{kind.plural}", listing(kind, *items))
    assert set(searched(canned, *many).named) == {"data-web-0", "data-web-1"}
    assert len(canned.seen) == 8  # the rest were not asked for
    searched(canned, *many, to_the_end=True)
    assert len(canned.seen) == 38


def test_many_namespaces_are_read_in_one_list_each_kind() -> None:
    canned = Canned()
    wanted = {f"ns-{at}": Searched(frozenset(("data-web-0",)), {"data-web-0": frozenset()}) for at in range(5)}
    items = [{"metadata": {"name": f"vm-{at}", "namespace": f"ns-{at}"}, "spec": "data-web-0"} for at in (1, 9)]
    canned.says("/apis/kubevirt.io/v1/virtualmachines", listing(VM, *items))
    found = search(reader(canned), CustomKinds((VM,), frozenset()), wanted, ignored=frozenset(), to_the_end=False)
    assert {space: use.named for space, use in found.items() if use.named} == {"ns-1": {"data-web-0": "VirtualMachine/vm-1"}}
    assert len(canned.seen) == 1


def test_autoscalers_and_makers() -> None:
    canned = Canned()
    scaler = {"metadata": {"name": "web"}, "spec": {"any": [{"scaleTargetRef": {"kind": "StatefulSet", "name": "web", "x": 1}}]}}
    canned.says(MACHINES, listing(VM, scaler, {"metadata": {"name": "web"}}, {"metadata": {"name": "db"}}))
    use = searched(canned, VM)
    assert use.scalers == (CustomScaler("VirtualMachine/web", ScaleTarget(kind="StatefulSet", name="web")),)
    assert use.living == {"web": "VirtualMachine/web"}
    monitor = ServedKind("monitoring.coreos.com", "v1", "servicemonitors", "ServiceMonitor")
    canned.says("/apis/monitoring.coreos.com/v1/namespaces/prod/servicemonitors", listing(monitor, {"metadata": {"name": "web"}}))
    assert searched(canned, monitor).living == {}  # it watches what others make


@pytest.mark.parametrize(
    ("group", "name", "spec", "counts"),
    [
        ("datadoghq.com", "DatadogPodAutoscaler", {"targetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"}}, True),
        ("k8s.restdev.com", "ScheduledScaler", {"target": {"kind": "StatefulSet", "name": "web"}, "steps": []}, True),
        ("example.org", "ScalingPolicy", {"of": [{"workloadRef": {"kind": "statefulset", "name": "web"}}]}, True),
        ("example.org", "ScalingPolicy", {"targetRef": {"kind": "Service", "name": "web"}}, False),
        ("autoscaling.k8s.io", "VerticalPodAutoscaler", {"targetRef": {"kind": "StatefulSet", "name": "web"}}, False),  # gives pods more, not more pods
        ("gateway.networking.k8s.io", "BackendPolicy", {"targetRef": {"kind": "StatefulSet", "name": "web"}}, False),
    ],
)
def test_what_is_called_a_scaler_scales_what_it_points_to(group: str, name: str, spec: Obj, counts: bool) -> None:
    kind = ServedKind(group, "v1", f"{name.lower()}s", name)
    canned = Canned()
    canned.says(f"/apis/{group}/v1/namespaces/prod/{kind.plural}", listing(kind, {"metadata": {"name": "s"}, "spec": spec}))
    found = searched(canned, kind).scalers
    assert [(each.subject, each.target.name) for each in found] == ([(f"{name}/s", "web")] if counts else [])


def test_reports_are_not_read_and_not_missed() -> None:
    canned = Canned()
    report = ServedKind("wgpolicyk8s.io", "v1alpha2", "policyreports", "PolicyReport")
    assert searched(canned, report, unknown=("metrics.k8s.io",)).not_read == ()
    assert canned.seen == []


def test_what_somebody_knows_is_left_out() -> None:
    canned = Canned()
    canned.says(MACHINES, 403)
    assert searched(canned, VM, unknown=("example.org",)).not_read == ("*.example.org", "virtualmachines.kubevirt.io")
    for word in ("virtualmachines.kubevirt.io", "*.kubevirt.io"):
        assert searched(canned, VM, unknown=("example.org",), ignored=frozenset((word, "*.example.org"))).not_read == ()


@pytest.mark.parametrize(("status", "used"), [({"readyToUse": True}, False), ({"readyToUse": False}, True), (None, True)])
def test_a_snapshot_needs_its_claim_until_it_is_ready(status: Obj | None, used: bool) -> None:
    kind = ServedKind("snapshot.storage.k8s.io", "v1", "volumesnapshots", "VolumeSnapshot")
    spec = {"source": {"persistentVolumeClaimName": "data-web-0"}}
    canned = Canned()
    canned.says(f"/apis/{kind.group}/v1/namespaces/prod/volumesnapshots", listing(kind, {"spec": spec, "status": status}))
    assert bool(searched(canned, kind).named) is used
    ours = {"metadata": {"name": "x", "namespace": "prod", "labels": {"app.kubernetes.io/managed-by": "kubectl-pets"}}}
    canned.says(f"/apis/{kind.group}/v1/namespaces/prod/volumesnapshots", listing(kind, ours | {"spec": spec, "status": status}))
    assert not searched(canned, kind).named  # whoever deletes the claim waits for it
    owner = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": "data-web-0", "uid": "u"}
    owned = {"metadata": {"name": "x", "namespace": "prod", "ownerReferences": [owner]}}
    canned.says(f"/apis/{kind.group}/v1/namespaces/prod/volumesnapshots", listing(kind, owned | {"spec": spec, "status": status}))
    assert searched(canned, kind).named == {"data-web-0": "VolumeSnapshot/x"}  # the garbage collector takes it along


# --- the whole ---------------------------------------------------------------------------------------------------------------

CLAIM: Obj = {
    "metadata": {
        "name": "data-web-0",
        "namespace": "prod",
        "uid": "u",
        "labels": {"app": "web"},
        "managedFields": [{"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {"f:accessModes": {}}}}],
    },
    "spec": {"accessModes": ["ReadWriteOnce"]},
    "status": {"phase": "Pending"},
}


def _cluster(*groups: Obj) -> Canned:
    canned = Canned()
    canned.says("/apis", {"kind": "APIGroupDiscoveryList", "items": list(groups)})
    lists: list[tuple[str, str, str, list[Obj]]] = [
        ("/api/v1", "persistentvolumeclaims", "PersistentVolumeClaim", [CLAIM]),
        ("/apis/apps/v1", "statefulsets", "StatefulSet", []),
        ("/apis/autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", []),
        *((row.base, row.plural, row.kind, []) for row in WORKLOADS),
    ]
    for base, plural, kind, items in lists:
        version = base.removeprefix("/apis/").removeprefix("/api/")
        body = {"apiVersion": version, "kind": f"{kind}List", "metadata": {}, "items": items}
        canned.says(f"{base}/namespaces/prod/{plural}", body)
    return canned


def _class(canned: Canned) -> tuple[str, tuple[str, ...]]:
    inventory = read_claim_inventory(reader(canned), "prod", lambda: NOW, every_class=False)
    (verdict,) = judge(inventory, NOW)
    return verdict.klass.value, verdict.not_read


def test_when_events_told_last_of_pods_and_sets_that_are_gone() -> None:
    """Asked of claims of which the server does not say since when they are unused; what may not be read tells nothing."""
    canned = _cluster()
    assert read_claim_inventory(reader(canned), "prod", lambda: NOW, every_class=False).told == {"prod": {}}  # 404
    told = [("Pod", "web-0", "08"), ("Pod", "web-0", "05"), ("Pod", "web-1", "09"), ("StatefulSet", "web", "07"), ("Job", "web", "09")]
    events = [
        {
            "metadata": {"name": f"e{at}", "namespace": "prod"},
            "involvedObject": {"kind": kind, "name": name},
            "lastTimestamp": f"2026-03-01T{hour}:00:00Z",
        }
        for at, (kind, name, hour) in enumerate(told)
    ]
    canned.says("/api/v1/namespaces/prod/events", {"apiVersion": "v1", "kind": "EventList", "metadata": {}, "items": events})
    found = read_claim_inventory(reader(canned), "prod", lambda: NOW, every_class=False).told["prod"]
    assert {name: time.hour for name, time in found.items()} == {"web-0": 8, "web": 7}
    canned.says("/api/v1/namespaces/prod/events", 403)
    assert read_claim_inventory(reader(canned), "prod", lambda: NOW, every_class=False).told == {"prod": {}}


def test_of_many_that_are_gone_only_the_ends_of_containers_are_read() -> None:
    """A cluster has very many events, and each that tells of these is one of a kubelet (reason Killing)."""
    canned = _cluster()
    assert read_claim_inventory(reader(canned), "prod", lambda: NOW, every_class=False).told == {"prod": {}}
    assert set(canned.fields) == {"involvedObject.name=web", "involvedObject.name=web-0"}
    claims = [{**CLAIM, "metadata": {**CLAIM["metadata"], "name": f"data-web-{at}", "uid": f"u{at}"}} for at in range(9)]
    canned.says("/api/v1/namespaces/prod/persistentvolumeclaims", {"apiVersion": "v1", "kind": "PersistentVolumeClaimList", "metadata": {}, "items": claims})
    canned.fields.clear()
    read_claim_inventory(reader(canned), "prod", lambda: NOW, every_class=False)
    assert set(canned.fields) == {"reason=Killing"}


def test_what_a_whole_look_asks_for() -> None:
    """One request for discovery; secrets and config maps never; custom kinds last, and only for candidates."""
    machines = group("kubevirt.io", version("v1", resource("virtualmachines", "VirtualMachine")))
    canned = _cluster(machines)
    canned.says(MACHINES, listing(VM))
    assert _class(canned) == ("set-gone", ())
    assert [path for path in canned.seen if "/events" in path] == 2 * ["/api/v1/namespaces/prod/events"]  # its set, and its pod
    canned.seen[:] = [path for path in canned.seen if "/events" not in path]
    beside = {"/api/v1/namespaces/prod/services", "/apis/policy/v1/namespaces/prod/poddisruptionbudgets"}
    assert canned.seen.count("/apis") == 1 and canned.seen[-3] == MACHINES and len(canned.seen) == 7 + len(WORKLOADS)
    assert set(canned.seen[-2:]) == beside  # not there in this cluster, and nothing is unsure for it
    assert not any("secrets" in path or "configmaps" in path for path in canned.seen)
    item = {"metadata": {"name": "s", "namespace": "prod"}, "spec": {"selector": {"app": "web"}}}
    canned.says("/api/v1/namespaces/prod/services", {"apiVersion": "v1", "kind": "ServiceList", "metadata": {}, "items": [item]})
    (verdict,) = judge(read_claim_inventory(reader(canned), "prod", lambda: NOW, every_class=False), NOW)
    assert [each.subject for each in verdict.evidence if each.kind.value == "companion"] == ["Service/s"]
    canned.says(MACHINES, listing(VM, {"spec": "data-web-0"}))
    assert _class(canned) == ("used-by-template", ())
    mounted: Obj = {"metadata": {"name": "p", "namespace": "prod"}}
    mounted["spec"] = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data-web-0"}}]}
    pods = {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": [mounted]}
    canned.says("/api/v1/namespaces/prod/pods", pods)
    canned.seen.clear()
    assert _class(canned) == ("in-use", ()) and MACHINES not in canned.seen


@pytest.mark.parametrize("code", [403, 500, 503])
def test_a_list_that_fails_makes_unsure_wherever_it_is(code: int) -> None:
    keda = group("keda.sh", version("v1alpha1", resource("scaledobjects", "ScaledObject")))
    lws = group("leaderworkerset.x-k8s.io", version("v1", resource("leaderworkersets", "LeaderWorkerSet")))
    canned = _cluster(keda, lws, group("apps.kruise.io", version("v1beta1", fresh=False)))
    canned.says("/apis/keda.sh/v1alpha1/namespaces/prod/scaledobjects", code)
    canned.says("/apis/leaderworkerset.x-k8s.io/v1/namespaces/prod/leaderworkersets", code)
    canned.says("/apis/batch/v1/namespaces/prod/cronjobs", code)
    unread = ("statefulsets.apps.kruise.io", "scaledobjects.keda.sh", "leaderworkersets.leaderworkerset.x-k8s.io", "cronjobs")
    assert _class(canned) == ("unsure", (*unread, "*.apps.kruise.io"))


def test_a_list_of_sets_or_autoscalers_is_left_out_only_where_it_cannot_be_read() -> None:
    keda = group("keda.sh", version("v1alpha1", resource("scaledobjects", "ScaledObject")))
    path = "/apis/keda.sh/v1alpha1/namespaces/prod/scaledobjects"
    canned = _cluster(keda)
    item = {"metadata": {"name": "x", "namespace": "prod"}}
    readable = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObjectList", "metadata": {}, "items": [item]}
    for answer, seen in ((500, 0), (readable, 1)):
        canned.says(path, answer)
        known = frozenset(("scaledobjects.keda.sh",))
        found = read_claim_inventory(reader(canned), "prod", lambda: NOW, every_class=False, ignored_kinds=known)
        assert found.scaled_objects is not None and len(found.scaled_objects) == seen


def test_without_discovery_nothing_is_certain() -> None:
    canned = _cluster()
    canned.says("/apis", 403)
    klass, not_read = _class(canned)
    assert klass == "unsure" and not_read[-1] == DISCOVERY and "scaledobjects.keda.sh" in not_read
