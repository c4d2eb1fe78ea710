"""Nothing counts that is not what was asked for: a good status with another body is no answer, and never an empty list."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.cluster.http import transport
from kubectl_pets.cluster.objects import lists
from kubectl_pets.cluster.objects.kinds import pruned
from kubectl_pets.domain.model import Pod, StatefulSet
from kubectl_pets.errors import PetsError, ServerError, UnreadableError, UsageError
from tests.cluster.loopback import Answer, Loopback, list_of, pod, stateful_set


@pytest.fixture(autouse=True)
def web(server: Loopback) -> None:
    stateful_set(server.world, "web")
    pod(server.world, "web-0")
    server.world.put("persistentvolumeclaims", "data-web-0", labels={"app": "web"})


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


#: What gateways, proxies and other APIs say with status 200.
ODD = {
    "nothing": b"",
    "an empty object": b"{}",
    "a session that expired": b'{"error": "upstream session expired"}',
    "a status": body({"kind": "Status", "apiVersion": "v1", "status": "Success"}),
    "a failure": body({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 403}),
    "a list of no kind": body({"metadata": {}, "items": []}),
    "a list of any kind": body({"kind": "List", "apiVersion": "v1", "items": []}),
    "a table": body({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": []}),
    "null": b"null",
    "an array": b"[]",
    "a page": b"<html>please log in</html>",
    "a text": b'"ok"',
    "half": b'{"kind": "PodList", "apiVersion": "v1", "items": [',
    "no UTF-8": b'{"kind": "\xff"}',
    "nested": b"[" * 50_000,
}

READS: dict[str, tuple[str, Callable[[Client], object]]] = {
    "the set": ("/statefulsets/web", lambda client: client.set_view("x", "web")),
    "the sets": ("/statefulsets", lambda client: client.inventory("x", None)),
    "its pods": ("/pods", lambda client: client.set_view("x", "web")),
    "its revisions": ("/controllerrevisions", lambda client: client.set_view("x", "web")),
    "its claims": ("/persistentvolumeclaims", lambda client: client.set_view("x", "web")),
    "all pods": ("/pods", lambda client: client.inventory(None, None)),
    "budgets": ("/poddisruptionbudgets", lambda client: client.budgets("x")),
    "nodes": ("/nodes", lambda client: client.nodes()),
    "a watch's first list": ("/pods", lambda client: client.watch_set("x", "web")),
    "names": ("/statefulsets", lambda client: client.names("statefulsets", "x")),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize(("path", "read"), READS.values(), ids=READS)
def test_an_answer_that_is_none_is_an_error(server: Loopback, client: Client, path: str, read: Callable[[Client], object], odd: bytes) -> None:
    server.fault(Answer(200, odd), path=path, times=5)
    with pytest.raises(ServerError, match="cannot be understood"):
        read(client)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "PodList", "apiVersion": "v1", "metadata": {}},
        {"kind": "PodList", "apiVersion": "v2", "items": []},
        {"kind": "ServiceList", "apiVersion": "v1", "items": []},
        {"kind": "PodList", "apiVersion": "v1", "items": {}},
        list_of("pods", {}),
        list_of("pods", {"metadata": {"namespace": "x"}}),
        list_of("pods", {"metadata": {"name": "web-0", "namespace": "y"}}),
    ],
    ids=lambda wrong: json.dumps(wrong)[:60],
)
def test_a_list_is_of_its_kind_with_items_of_the_namespace(server: Loopback, client: Client, wrong: Any) -> None:
    server.fault(Answer(200, body(wrong)), path="/namespaces/x/pods")
    with pytest.raises(ServerError, match="cannot be understood"):
        client.set_view("x", "web")


@pytest.mark.parametrize("change", [{"kind": "Pod"}, {"apiVersion": "v1"}, {"metadata": {"name": "other", "namespace": "x"}}, {"metadata": {"name": "web", "namespace": "y"}}])
def test_an_object_is_the_one_that_was_asked_for(server: Loopback, client: Client, change: Any) -> None:
    found = server.world.get("statefulsets", "web")
    assert found is not None
    server.fault(Answer(200, body(found | change)), path="/statefulsets/web")
    with pytest.raises(ServerError, match="cannot be understood"):
        client.set_view("x", "web")


def test_a_list_that_goes_on_where_it_was_ends(server: Loopback, client: Client) -> None:
    server.fault(Answer(200, body(list_of("pods", **{"continue": "more"}))), path="/pods", times=1000)
    with pytest.raises(ServerError, match="the list does not end"):
        client.set_view("x", "web")
    assert len(server.requests("/pods")) == 2


@pytest.mark.parametrize("pods", [(), ("web-0",)], ids=["empty", "the same"])
def test_pages_that_lead_nowhere_end(server: Loopback, client: Client, pods: tuple[str, ...]) -> None:
    """Each with a continue of its own."""
    found = [server.world.get("pods", name) for name in pods]

    def go_on(handler: Any) -> None:
        page = list_of("pods", *found, **{"continue": str(len(server.requests("/pods")))})
        handler.answer(Answer(200, body(page)))

    server.fault(go_on, path="/pods", times=1000)
    with pytest.raises(ServerError, match="the list does not end"):
        client.set_view("x", "web")
    assert len(server.requests("/pods")) < 200


@pytest.mark.parametrize("bound", ["_MOST_PAGES", "_MOST_OBJECTS", "_MOST_BYTES"])
def test_pages_that_are_always_new_end(server: Loopback, client: Client, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    monkeypatch.setattr(lists, bound, 20 if bound != "_MOST_BYTES" else 10_000)
    found = server.world.get("pods", "web-0")
    assert found is not None

    def go_on(handler: Any) -> None:
        number = len(server.requests("/pods"))
        pod = found | {"metadata": {**found["metadata"], "name": f"other-{number:05}"}}
        handler.answer(Answer(200, body(list_of("pods", pod, **{"continue": str(number)}))))

    server.fault(go_on, path="/pods", times=1000)
    with pytest.raises(ServerError, match="longer than any that a cluster can hold"):
        client.set_view("x", "web")
    assert 1 < len(server.requests("/pods")) < 100


def test_what_unpacks_to_more_than_any_answer_is_none(server: Loopback, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_LONGEST", 1 << 20)
    server.fault(Answer(200, gzip.compress(b" " * (1 << 24)), (("Content-Encoding", "gzip"),)), path="/statefulsets/web", times=9)
    with pytest.raises(ServerError, match="longer than any answer"):
        client.set_view("x", "web")
    assert len(server.requests("/statefulsets/web")) == 1


def test_what_can_be_no_name_is_told_without_what_a_terminal_obeys(client: Client) -> None:
    with pytest.raises(UsageError, match="^'evil' cannot be the name of a namespace"):
        client.set_view("e\x1b[31mv\u202ei\u200bl\r", "web")


# --- one object that cannot be read costs itself -----------------------------------------------------------------------------

YEAR_0: Any = {"metadata": {"name": "web-1", "namespace": "x", "labels": {"app": "web"}, "creationTimestamp": "0000-01-01T00:00:00Z"}}
ODD_PODS = {
    "year 0": YEAR_0,
    "a number out of range": {"metadata": {"name": "web-1", "namespace": "x"}, "status": {"containerStatuses": [{"restartCount": 1e300}]}},
    "another type": {"metadata": {"name": "web-1", "namespace": "x"}, "spec": {"containers": "none"}},
}


@pytest.mark.parametrize("odd", ODD_PODS.values(), ids=ODD_PODS)
def test_an_object_that_cannot_be_read_is_named_and_the_others_are_there(server: Loopback, client: Client, odd: Any) -> None:
    good = server.world.get("pods", "web-0")
    server.fault(Answer(200, body(list_of("pods", good, odd))), path="/pods", times=2)
    for pods in (client.set_view("x", "web").pods, client.inventory("x", None).pods):
        assert pods is not None and [(each.name, bool(each.unreadable)) for each in pods] == [("web-0", False), ("web-1", True)]


def test_of_an_object_that_cannot_be_read_labels_and_owners_are_kept(server: Loopback, client: Client) -> None:
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "uid-web", "controller": True}
    odd = {"metadata": {**YEAR_0["metadata"], "ownerReferences": [owner]}}
    server.fault(Answer(200, body(list_of("pods", odd))), path="/pods")
    (found,) = client.set_view("x", "web").pods or ()
    controller = found.metadata.controller()
    assert found.metadata.labels == {"app": "web"} and controller is not None and controller.uid == "uid-web"


def test_what_is_nested_too_deep_for_a_decoder_is_left_out(server: Loopback, client: Client) -> None:
    """The API server takes managedFields of 10,000 levels; everybody with edit in one namespace may write them."""
    deep = "{\"f:a\":" * 9_000 + "1" + "}" * 9_000
    good = body(server.world.get("pods", "web-0")).decode()
    hostile = good.replace('"web-0"', '"web-1"').replace('"metadata": {', f'"metadata": {{"managedFields": [{{"manager": "x]}}\\"", "fieldsV1": {deep}}}], ', 1)
    pods = f'{{"kind": "PodList", "apiVersion": "v1", "metadata": {{}}, "items": [{hostile}, {good}]}}'
    server.fault(Answer(200, pods.encode()), path="/pods")
    found = client.set_view("x", "web").pods or ()
    assert [(each.name, each.metadata.labels, each.unreadable) for each in found] == [("web-1", {"app": "web"}, ""), ("web-0", {"app": "web"}, "")]


def test_pruning_keeps_what_is_not_deep() -> None:
    text = body({"a": ["{[", "\\\"", {"b": [1, None, {}]}], "c": "}"})
    assert pruned(text) == text
    deep = b'{"a":' * 150 + b"1" + b"}" * 150
    assert json.loads(pruned(b'[%s,{"x":1},%s]' % (deep, deep)))[1] == {"x": 1}
    assert pruned(b"[" * 500) == b"[" * 500


def test_where_one_that_cannot_be_read_is_not_told_apart_it_is_an_error_that_names_it(server: Loopback, client: Client) -> None:
    odd = {"metadata": {"name": "data-web-7", "namespace": "x", "deletionTimestamp": "0000-01-01T00:00:00Z"}}
    server.fault(Answer(200, body(list_of("persistentvolumeclaims", odd))), path="/persistentvolumeclaims")
    with pytest.raises(UnreadableError, match="PersistentVolumeClaim data-web-7 in namespace x cannot be read: ") as caught:
        client.claims("x")
    assert caught.value.hint == "kubectl get persistentvolumeclaims data-web-7 -o yaml -n x"


def test_nothing_of_our_own_can_be_said_on_the_wire(server: Loopback, client: Client) -> None:
    """No field of the API is called as ours is; an object that has it is no worse off than one that cannot be read."""
    assert "unreadable" not in json.dumps({**(server.world.get("pods", "web-0") or {})})
    assert StatefulSet().unreadable == Pod().unreadable == ""


# --- watches -----------------------------------------------------------------------------------------------------------------

EVENTS = {
    "another kind": {"type": "MODIFIED", "object": {"kind": "Service", "apiVersion": "v1", "metadata": {"name": "web-0", "namespace": "x"}}},
    "another namespace": {"type": "MODIFIED", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0", "namespace": "y"}}},
    "no kind": {"type": "DELETED", "object": {"metadata": {"name": "web-0", "namespace": "x"}}},
    "no name": {"type": "ADDED", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "x"}}},
    "another type": {"type": "MUTATED", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web-0", "namespace": "x"}}},
    "a status": {"type": "DELETED", "object": {"kind": "Status", "apiVersion": "v1"}},
    "a bookmark of another kind": {"type": "BOOKMARK", "object": {"kind": "Service", "metadata": {"resourceVersion": "999999"}}},
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_that_is_none_changes_nothing_and_is_told(server: Loopback, client: Client, event: Any) -> None:
    def lie(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.chunk(event)
        server.ended.wait(0.2)
        handler.cut()

    with client.watch_set("x", "web") as source:
        server.await_requests(1, "/pods", watch=True)
        server.fault(lie, path="/pods", watch=True)
        server.cut_watches()
        server.await_requests(2, "/pods", watch=False)  # nothing of the watch is believed any more
        seen = source.refresh()
        assert seen.pods is not None and [each.name for each in seen.pods] == ["web-0"]


def test_errors_of_reading_are_ours(server: Loopback, client: Client) -> None:
    for odd in ODD.values():
        server.fault(Answer(200, odd), path="/version")
        with pytest.raises(PetsError):
            server.fault(Answer(200, odd), path="/statefulsets/web")
            client.set_view("x", "web")
        server.mend()
