"""Snapshots and inventories: what is asked, in which order, and what becomes of what may not be read or is not there."""

import json
from typing import Any

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.cluster.objects.kinds import CLAIMS, SETS, selector_text
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.domain.model import LabelSelector, LabelSelectorRequirement
from kubectl_pets.domain.sets.kinds import ALL_KINDS, APPS_SET
from kubectl_pets.errors import ExpiredError, ForbiddenError, NotFoundError, PetsError, ServerError, UnauthorizedError, UsageError
from tests.cluster.conftest import Connector
from tests.cluster.loopback import Answer, Loopback, drop, list_of, pod, stateful_set, status


@pytest.fixture(autouse=True)
def web(server: Loopback) -> None:
    stateful_set(server.world, "web")
    for ordinal in range(3):
        pod(server.world, f"web-{ordinal}")
    pod(server.world, "other-0", app="other")
    server.world.put("controllerrevisions", "web-1", labels={"app": "web"}, revision=1)
    server.world.put("persistentvolumeclaims", "data-web-0", labels={"app": "web"})


def test_a_snapshot_holds_what_the_selector_matches(client: Client) -> None:
    seen = client.set_view("x", "web")
    assert seen.set is not None and seen.set.name == "web"
    assert seen.pods is not None and [each.name for each in seen.pods] == ["web-0", "web-1", "web-2"]
    assert seen.revisions is not None and [each.name for each in seen.revisions] == ["web-1"]
    assert seen.claims is not None and [each.name for each in seen.claims] == ["data-web-0"]
    assert seen.server is not None and seen.server.release() == (1, 37, 2)


def test_the_set_is_read_first_and_nothing_from_a_cache(server: Loopback, client: Client) -> None:
    client.set_view("x", "web")
    assert server.seen[0].path.endswith("/statefulsets/web")
    assert len(server.seen) == 5
    assert all("resourceVersion" not in seen.query for seen in server.seen)


def test_other_kinds_cost_one_request_and_only_who_asks_for_them(server: Loopback, client: Client) -> None:
    client.set_view("x", "web")
    client.inventory("x", None)
    assert server.requests("/apis") == []
    before = len(server.seen)
    assert client.inventory("x", None, every_kind=True).kinds_not_read == ()
    assert len(server.seen) - before == 5  # sets, pods, revisions, claims, and which kinds there are
    assert len(server.requests("/apis")) == 1
    with client.watch_inventory("x", None, every_kind=True) as source:
        assert source.latest().kinds_not_read == ()
    with client.watch_set("x", "web"):
        assert len(server.requests("/apis")) == 1  # the same run


@pytest.mark.parametrize("code", [403, 404])
def test_kinds_that_the_server_does_not_tell_are_not_none(server: Loopback, client: Client, code: int) -> None:
    server.fault(Answer(code), path="/apis", times=3)
    unknown = tuple(kind.resource for kind in ALL_KINDS if kind is not APPS_SET)
    assert unknown[:2] == ("statefulsets.apps.kruise.io", "statefulsets.apps.pingcap.com")
    assert client.inventory("x", None, every_kind=True).kinds_not_read == unknown[:2]
    assert client.inventory("x", None, every_kind=True, groups=True).kinds_not_read == unknown
    with client.watch_inventory("x", None, every_kind=True) as source:
        assert source.latest().kinds_not_read == unknown


def _with_kruise(server: Loopback, times: int) -> str:
    """Advertise the group of OpenKruise; returns where its sets are listed."""
    versions = ("apps/v1", "apps.kruise.io/v1beta1")
    groups = [{"name": each.partition("/")[0], "versions": [{"groupVersion": each, "version": each.partition("/")[2]}]} for each in versions]
    told = json.dumps({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
    server.fault(Answer(200, told.encode()), path="/apis", times=times)
    return "/apis/apps.kruise.io/v1beta1/namespaces/x/statefulsets"


def test_a_kind_whose_webhook_does_not_answer_costs_itself_alone(server: Loopback, client: Client) -> None:
    """conversion webhook for apps.kruise.io/v1alpha1 failed: every list of the kind is a 500 then."""
    path = _with_kruise(server, 1)
    server.fault(Answer(500, status(500, "conversion webhook failed", "InternalError")), path=path, times=1000)
    seen = client.inventory("x", None, every_kind=True)
    assert [each.name for each in seen.sets] == ["web"] and seen.kinds_not_read == ("statefulsets.apps.kruise.io",)
    with client.watch_inventory("x", None, every_kind=True) as source:
        latest = source.latest()
        assert [each.name for each in latest.sets] == ["web"] and latest.kinds_not_read == ("statefulsets.apps.kruise.io",)


def test_a_group_that_is_there_for_other_kinds_has_no_sets(server: Loopback, client: Client) -> None:
    path = _with_kruise(server, 1)
    server.fault(Answer(404), path=path, times=1000)
    assert client.inventory("x", None, every_kind=True).kinds_not_read == ()
    with client.watch_inventory("x", None, every_kind=True) as source:
        latest = source.latest()
        assert [each.name for each in latest.sets] == ["web"] and latest.kinds_not_read == ()


def test_an_answer_that_lists_no_groups_is_not_none_either(server: Loopback, client: Client) -> None:
    server.fault(Answer(200, b"{}"), path="/apis")
    with pytest.raises(ServerError, match="an APIGroupList was asked for"):
        client.inventory("x", None, every_kind=True)


def test_the_version_is_asked_once(server: Loopback, client: Client) -> None:
    client.set_view("x", "web")
    client.set_view("x", "web")
    assert len(server.requests("/version")) == 1


@pytest.mark.parametrize(("trouble", "asked"), [(Answer(403), 1), (Answer(404), 1), (Answer(200, b"<html>"), 1), (Answer(501), 4)])
def test_a_version_that_is_not_told_does_no_harm(server: Loopback, client: Client, trouble: Any, asked: int) -> None:
    server.fault(trouble, path="/version", times=3)
    assert client.set_view("x", "web").server is None
    client.set_view("x", "web")
    assert len(server.requests("/version")) == asked, "what may pass is asked again, what will not is not"


@pytest.mark.parametrize(("plural", "field"), [("pods", "pods"), ("controllerrevisions", "revisions"), ("persistentvolumeclaims", "claims")])
def test_what_may_not_be_read_is_none_and_not_empty(server: Loopback, client: Client, plural: str, field: str) -> None:
    server.fault(Answer(403), path=f"/{plural}", times=2)
    seen = client.set_view("x", "web")
    assert getattr(seen, field) is None
    assert all(getattr(seen, other) for other in {"pods", "revisions", "claims"} - {field})
    assert getattr(client.inventory("x", None), field) is None


def test_nothing_there_is_empty_and_not_none(server: Loopback, client: Client) -> None:
    stateful_set(server.world, "lonely")
    seen = client.set_view("x", "lonely")
    assert (seen.pods, seen.revisions, seen.claims) == ((), (), ())


@pytest.mark.parametrize(
    ("trouble", "kind"), [(Answer(401), UnauthorizedError), (Answer(403), ForbiddenError), (Answer(500), ServerError), (drop, PetsError)]
)
def test_any_other_failure_is_told(server: Loopback, client: Client, trouble: Any, kind: type[PetsError]) -> None:
    server.fault(trouble, path="/statefulsets/web", times=9)
    with pytest.raises(kind):
        client.set_view("x", "web")
    server.mend()
    if kind is not ForbiddenError:
        server.fault(trouble, path="/pods", times=9)
        with pytest.raises(kind):
            client.set_view("x", "web")


# --- selectors ---------------------------------------------------------------------------------------------------------------


def test_a_selector_in_the_words_of_the_api() -> None:
    selector = LabelSelector(
        match_labels={"b": "2", "a": "1"},
        match_expressions=(
            LabelSelectorRequirement(key="tier", operator="In", values=("web", "api")),
            LabelSelectorRequirement(key="env", operator="NotIn", values=("dev",)),
            LabelSelectorRequirement(key="x/y", operator="Exists"),
            LabelSelectorRequirement(key="z", operator="DoesNotExist"),
        ),
    )
    assert selector_text(selector) == "a=1,b=2,tier in (api,web),env notin (dev),x/y,!z"


def test_selectors_are_sent_whole_but_claims_know_labels_only(server: Loopback, client: Client) -> None:
    found = server.world.get("statefulsets", "web")
    assert found is not None
    found["spec"]["selector"]["matchExpressions"] = [{"key": "a/b", "operator": "In", "values": ["c"]}]
    client.set_view("x", "web")
    assert server.requests("/pods")[0].query["labelSelector"] == "app=web,a/b in (c)"
    assert server.requests("/controllerrevisions")[0].query["labelSelector"] == "app=web,a/b in (c)"
    assert server.requests("/persistentvolumeclaims")[0].query["labelSelector"] == "app=web"


def test_names_cannot_lead_elsewhere(server: Loopback, client: Client) -> None:
    for namespace, name in (("x", "../../secrets/a?b"), ("..", "web"), (".", "web"), ("x", ".."), ("a/b", "web"), ("x?y", "web"), ("X", "web"), ("", "web")):
        with pytest.raises(UsageError, match="cannot be the name of a"):
            client.set_view(namespace, name)
    assert server.seen == []


# --- what is not there -------------------------------------------------------------------------------------------------------


def hint(client: Client, name: str, namespace: str = "x") -> str:
    with pytest.raises(NotFoundError, match=f"no StatefulSet {name} in namespace {namespace}") as caught:
        client.set_view(namespace, name)
    return caught.value.hint or ""


@pytest.fixture
def space(server: Loopback) -> None:
    server.world.put("namespaces", "x", "")


def test_a_name_that_is_nearly_right(client: Client, space: None) -> None:
    assert hint(client, "wep") == "was web meant?"


def test_a_name_that_is_not_near(server: Loopback, client: Client, space: None) -> None:
    assert hint(client, "qqq") == "there are: web"
    for number in range(7):
        stateful_set(server.world, f"s{number}")
    assert hint(client, "qqq") == "there are: s0, s1, s2, s3, s4, …"


@pytest.mark.parametrize(("plural", "kind"), [("deployments", "Deployment"), ("daemonsets", "DaemonSet")])
def test_a_name_of_something_else(server: Loopback, client: Client, space: None, plural: str, kind: str) -> None:
    server.world.put(plural, "api")
    assert hint(client, "api") == f"api is a {kind}; this is for StatefulSets"


def test_a_namespace_that_is_not_there(client: Client) -> None:
    assert hint(client, "web", "y") == "there is no namespace y; choose one with -n"


def test_no_hint_where_nothing_may_be_listed(server: Loopback, client: Client) -> None:
    for path in ("/statefulsets", "/deployments/wep", "/daemonsets/wep", "/namespaces/x"):
        server.fault(Answer(403), path=path)
    assert hint(client, "wep") == "is it in another namespace? kubectl get statefulsets -A"
    assert server.pending() == 0


# --- lists -------------------------------------------------------------------------------------------------------------------


def test_an_inventory_holds_everything_of_its_namespace(server: Loopback, client: Client) -> None:
    stateful_set(server.world, "db", labels={"app": "db"})
    server.world.put("statefulsets", "far", "y", spec={"replicas": 1})
    server.world.put("pods", "far-0", "y")
    here, everywhere = client.inventory("x", None), client.inventory(None, None)
    assert [each.name for each in here.sets] == ["db", "web"]
    assert here.pods is not None and [each.name for each in here.pods] == ["other-0", "web-0", "web-1", "web-2"]
    assert [each.name for each in everywhere.sets] == ["db", "web", "far"]
    assert everywhere.pods is not None and "far-0" in [each.name for each in everywhere.pods]
    narrowed = client.inventory("x", "app=db")
    assert [each.name for each in narrowed.sets] == ["db"]
    assert narrowed.pods == here.pods, "the selector is on the sets"


def test_sets_that_may_not_be_listed_are_an_error(server: Loopback, client: Client) -> None:
    server.fault(Answer(403), path="/statefulsets")
    with pytest.raises(ForbiddenError, match="list statefulsets.apps in all namespaces"):
        client.inventory(None, None)


def long(server: Loopback) -> None:
    for number in range(1200):
        server.world.put("persistentvolumeclaims", f"c{number:05}", note="x" * 2000)


@pytest.mark.parametrize("broken", [False, True])
def test_long_lists_come_in_one_piece_from_servers_that_stream_them(server: Loopback, client: Client, broken: bool) -> None:
    """One that is cut on its way is asked for page by page, and nothing counts twice."""
    long(server)

    def cut_off(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000000")
        handler.end_headers()
        items = [found for _, found in sorted(server.world.objects["persistentvolumeclaims"].items())]
        body = json.dumps(list_of("persistentvolumeclaims", *items, resourceVersion="7"), separators=(",", ":")).encode()
        handler.wfile.write(body[: len(body) * 9 // 10])
        handler.close_connection = True

    if broken:
        items = [found for _, found in sorted(server.world.objects["persistentvolumeclaims"].items())]
        first = list_of("persistentvolumeclaims", *items[:500], **{"continue": "500"})
        server.fault(Answer(200, json.dumps(first, separators=(",", ":")).encode()), path="/persistentvolumeclaims")
        server.fault(cut_off, path="/persistentvolumeclaims")
    found = client.inventory("x", None).claims
    assert found is not None and len(found) == 1201 and len({claim.name for claim in found}) == 1201
    asked = [seen.query for seen in server.requests("/persistentvolumeclaims")]
    assert [(each.get("limit"), each.get("continue")) for each in asked] == [("500", None), (None, None), *([("500", "500"), ("500", "1000")] if broken else [])], asked


@pytest.mark.parametrize(("namespace", "release", "fault"), [(None, "v1.37.2", 0), (None, "v1.37.2", 429), (None, "v1.37.2", 500), ("x", "v1.37.2", 0), (None, "v1.32.9", 0)])
def test_where_one_list_was_long_no_page_is_asked_for_first_of_others(
    server: Loopback, client: Client, monkeypatch: pytest.MonkeyPatch, namespace: str | None, release: str, fault: int
) -> None:
    """Only of all that there is of a kind of the server's own, and page by page where that cannot be had."""
    monkeypatch.setattr("kubectl_pets.cluster.objects.lists._CHUNK", 7)
    server.release = release
    for number in range(20):
        server.world.put("statefulsets", f"s{number:02}")
        server.world.put("persistentvolumeclaims", f"c{number:02}")
    if fault:
        server.fault(Answer(fault, headers=(("Retry-After", "0"),)), path="/persistentvolumeclaims")
    found = client.inventory(namespace, None)
    assert found.claims is not None and sorted(claim.name for claim in found.claims if claim.name != "data-web-0") == [f"c{number:02}" for number in range(20)]
    claims = [(seen.query.get("limit"), seen.query.get("continue")) for seen in server.requests("/persistentvolumeclaims")]
    pages = [("7", None), ("7", "7"), ("7", "14")]
    if namespace is None and release == "v1.37.2":
        assert claims == [(None, None), *(pages if fault else [])]
    else:
        assert claims[0] == ("7", None) and (claims == pages) is (release == "v1.32.9")


@pytest.mark.parametrize("release", ["v1.32.9", "v1.29.3-gke.1", "private"])
def test_long_lists_come_in_pages_from_servers_that_do_not(server: Loopback, client: Client, release: str) -> None:
    server.release = release
    long(server)
    found = client.inventory("x", None).claims
    assert found is not None and len(found) == 1201 and len({claim.name for claim in found}) == 1201
    pages = server.requests("/persistentvolumeclaims")
    assert [page.query.get("continue") for page in pages] == [None, "500", "1000"]
    assert {page.query["limit"] for page in pages} == {"500"}


def test_a_list_that_expires_half_way_is_read_anew_in_one_piece(server: Loopback, client: Client) -> None:
    server.release = "v1.32.0"
    for number in range(1200):
        server.world.put("persistentvolumeclaims", f"c{number:05}")
    gone = Answer(410, status(410, "The provided continue parameter is too old", "Expired"))

    def expire(handler: Any) -> None:
        server.world.delete("persistentvolumeclaims", "c00000")
        handler.answer(gone)

    server.fault(Answer(200, json.dumps(list_of("persistentvolumeclaims", {"metadata": {"name": "x", "namespace": "x"}}, **{"continue": "500"})).encode()), path="/persistentvolumeclaims")
    server.fault(expire, path="/persistentvolumeclaims")
    found = client.inventory("x", None).claims
    assert found is not None and len(found) == 1200 and "x" not in {claim.name for claim in found}
    last = server.requests("/persistentvolumeclaims")[-1].query
    assert "limit" not in last and "continue" not in last


def test_a_list_that_is_gone_at_once_is_an_error(server: Loopback, client: Client) -> None:
    server.fault(Answer(410), path="/pods")
    with pytest.raises(ExpiredError):
        client.set_view("x", "web")


@pytest.mark.parametrize("items", ["null", "[]"])
def test_an_empty_list_may_be_null(server: Loopback, client: Client, items: str) -> None:
    server.fault(Answer(200, b'{"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": %s}' % items.encode()), path="/pods")
    assert client.set_view("x", "web").pods == ()


def test_nulls_where_the_api_has_none_do_no_harm(server: Loopback, client: Client) -> None:
    odd = {"metadata": {"name": "web-0", "namespace": "x", "labels": None, "ownerReferences": None}, "spec": {"containers": None}, "status": {"conditions": None}}
    server.fault(Answer(200, json.dumps(list_of("pods", odd)).encode()), path="/pods")
    pods = client.set_view("x", "web").pods
    assert pods is not None and pods[0].name == "web-0" and pods[0].spec.containers == ()


def test_a_revision_of_somebody_elses_making_does_not_spoil_the_list(server: Loopback, client: Client) -> None:
    odd = {"metadata": {"name": "odd", "namespace": "x"}, "revision": 1, "data": ["anything"]}
    good = {"metadata": {"name": "good", "namespace": "x"}, "revision": 2, "data": {"spec": {"template": {"$patch": "replace", "spec": {"containers": [{"name": "c"}]}}}}}
    server.fault(Answer(200, json.dumps(list_of("controllerrevisions", odd, good)).encode()), path="/controllerrevisions")
    revisions = client.set_view("x", "web").revisions
    assert revisions is not None and [each.name for each in revisions] == ["good"]


def test_a_pod_that_cannot_be_understood_is_an_error_that_says_where(server: Loopback, client: Client) -> None:
    server.fault(Answer(200, json.dumps(list_of("pods", {"metadata": {"name": 7}})).encode()), path="/pods")
    with pytest.raises(ServerError, match=r"answer to list pods in namespace x cannot be understood: .*name"):
        client.set_view("x", "web")


def test_any_kind_can_be_paged_through(server: Loopback, client: Client) -> None:
    reader: Reader = client._reader
    pages = list(reader.pages(CLAIMS, Scope(namespace=None)))
    assert [(len(page.objects), first) for page, first in pages] == [(1, True)]
    assert reader.one(SETS, "x", "web").name == "web"


def test_a_real_servers_objects_are_understood(server: Loopback, connecting: Connector) -> None:
    """Cut down from kubectl get -o json; with the fields that have tripped other decoders."""
    body = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "x", "uid": "u", "resourceVersion": "9", "generation": 2, "managedFields": [
            {"apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}, "manager": "m", "operation": "Update", "time": "2026-01-01T00:00:00Z"},
        ], "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "podManagementPolicy": "OrderedReady", "replicas": 2, "revisionHistoryLimit": 10, "serviceName": "web",
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"creationTimestamp": None, "labels": {"app": "web"}}, "spec": {"containers": [
                {"name": "c", "image": "i", "resources": {}, "ports": [{"containerPort": 80}], "terminationMessagePath": "/dev/x"}], "dnsPolicy": "ClusterFirst"}},
            "updateStrategy": {"rollingUpdate": {"partition": 0, "maxUnavailable": "25%"}, "type": "RollingUpdate"},
            "volumeClaimTemplates": [{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"creationTimestamp": None, "name": "data"}, "spec": {}, "status": {"phase": "Pending"}}],
        },
        "status": {"availableReplicas": 0, "collisionCount": 0, "observedGeneration": 2, "replicas": 0},
    }
    server.fault(Answer(200, json.dumps(body).encode()))
    found = connecting(server.url).set_view("x", "web").set
    assert found is not None
    assert found.spec.update_strategy.rolling_update is not None
    assert found.spec.update_strategy.rolling_update.max_unavailable == "25%"
    assert found.spec.volume_claim_templates[0].name == "data"
