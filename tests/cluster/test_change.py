"""Changes: what is sent, under which condition, and what a refusal means."""

import json
from typing import Any

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.domain.changes import DeletePod, Operation, PatchSet
from kubectl_pets.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PetsError,
    ServerError,
    UnauthorizedError,
    UnreachableError,
)
from tests.cluster.loopback import Answer, Loopback, drop, half, pod, stateful_set, status


@pytest.fixture(autouse=True)
def web(server: Loopback) -> None:
    stateful_set(server.world, "web")
    pod(server.world, "web-0")


def patch(*, uid: str = "uid-web", generation: int = 1, replicas: int = 5) -> PatchSet:
    operations = (
        Operation(op="test", path="/metadata/uid", value=uid),
        Operation(op="test", path="/metadata/generation", value=generation),
        Operation(op="replace", path="/spec/replicas", value=replicas),
    )
    return PatchSet(namespace="x", name="web", operations=operations)


def replicas(server: Loopback) -> int:
    found = server.world.get("statefulsets", "web")
    assert found is not None
    return int(found["spec"]["replicas"])


def test_a_patch_as_it_is_sent(server: Loopback, client: Client) -> None:
    client.apply(patch())
    (sent,) = server.seen
    assert (sent.method, sent.path) == ("PATCH", "/apis/apps/v1/namespaces/x/statefulsets/web")
    assert sent.query == {"fieldManager": "kubectl-pets"}
    assert sent.headers["Content-Type"] == "application/json-patch+json"
    assert json.loads(sent.body) == [
        {"op": "test", "path": "/metadata/uid", "value": "uid-web"},
        {"op": "test", "path": "/metadata/generation", "value": 1},
        {"op": "replace", "path": "/spec/replicas", "value": 5},
    ]
    assert replicas(server) == 5


def test_an_operation_without_a_value_has_none(server: Loopback, client: Client) -> None:
    found = server.world.get("statefulsets", "web")
    server.fault(Answer(200, json.dumps(found).encode()), method="PATCH")
    client.apply(PatchSet(namespace="x", name="web", operations=(Operation(op="remove", path="/metadata/annotations/a~1b"),)))
    assert json.loads(server.seen[0].body) == [{"op": "remove", "path": "/metadata/annotations/a~1b"}]


def test_a_dry_run_is_the_servers(server: Loopback, client: Client) -> None:
    client.apply(patch(), dry_run=True)
    client.apply(DeletePod(namespace="x", name="web-0", uid="uid-web-0", resource_version="102"), dry_run=True)
    assert server.seen[0].query["dryRun"] == "All"
    assert json.loads(server.seen[1].body)["dryRun"] == ["All"]
    assert replicas(server) == 3
    found = server.world.get("pods", "web-0")
    assert found is not None and "deletionTimestamp" not in found["metadata"]


@pytest.mark.parametrize("wrong", [{"uid": "uid-other"}, {"generation": 7}])
def test_a_test_that_fails_is_a_conflict(server: Loopback, client: Client, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConflictError, match="could not patch statefulsets.apps web in namespace x, it changed"):
        client.apply(patch(**wrong))
    assert replicas(server) == 3


def test_a_patch_that_makes_no_sense_is_invalid_and_not_a_conflict(server: Loopback, client: Client) -> None:
    server.fault(Answer(422, status(422, "StatefulSet.apps is invalid: spec.replicas")), method="PATCH")
    with pytest.raises(InvalidError, match="spec.replicas"):
        client.apply(patch())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/spec/template/metadata/labels/app", "web"),
        ("/metadata/uid", None),
        ("/metadata/annotations/a~1b", None),
        ("/spec/template/spec/0/x", 1),
        ("/metadata/labels/a~1b~0", "v"),
    ],
)
def test_the_ground_of_a_patch_is_looked_at_with_json_pointers(server: Loopback, client: Client, path: str, value: Any) -> None:
    found = server.world.get("statefulsets", "web")
    assert found is not None
    found["metadata"]["labels"]["a/b~"] = "v"
    server.fault(Answer(422), method="PATCH")
    holds = path not in ("/spec/template/spec/0/x", "/metadata/uid")
    with pytest.raises(InvalidError if holds else ConflictError):
        client.apply(PatchSet(namespace="x", name="web", operations=(Operation(op="test", path=path, value=value),)))
    sent = [each for each in server.seen if each.method == "PATCH"]
    assert [json.loads(each.body) for each in sent] == [[{"op": "test", "path": path, "value": value}]]


def test_when_the_ground_cannot_be_looked_at_the_servers_word_stands(server: Loopback, client: Client) -> None:
    server.fault(Answer(422, status(422, "rejected")), method="PATCH")
    server.fault(Answer(403))
    with pytest.raises(InvalidError, match="rejected"):
        client.apply(patch(generation=7))


def test_a_deletion_as_it_is_sent(server: Loopback, client: Client) -> None:
    client.apply(DeletePod(namespace="x", name="web-0", uid="uid-web-0", resource_version="102"))
    (sent,) = server.seen
    assert (sent.method, sent.path, sent.query) == ("DELETE", "/api/v1/namespaces/x/pods/web-0", {})
    assert sent.headers["Content-Type"] == "application/json"
    assert json.loads(sent.body) == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": "uid-web-0", "resourceVersion": "102"},
    }
    found = server.world.get("pods", "web-0")
    assert found is not None and "deletionTimestamp" in found["metadata"]


@pytest.mark.parametrize(("uid", "version"), [("uid-other", "102"), ("uid-web-0", "99")])
def test_another_pod_than_the_one_judged_is_not_deleted(server: Loopback, client: Client, uid: str, version: str) -> None:
    with pytest.raises(ConflictError, match="Precondition failed"):
        client.apply(DeletePod(namespace="x", name="web-0", uid=uid, resource_version=version))
    found = server.world.get("pods", "web-0")
    assert found is not None and "deletionTimestamp" not in found["metadata"]


def test_a_deletion_answered_with_a_status_is_done(server: Loopback, client: Client) -> None:
    server.fault(Answer(200, b'{"kind": "Status", "status": "Success"}'), method="DELETE")
    client.apply(DeletePod(namespace="x", name="web-0", uid="uid-web-0", resource_version="102"))


@pytest.mark.parametrize("body", [b"", b"{}", b'{"kind": "Status", "status": "Failure"}', b'{"kind": "Status"}', b"<html>", b"[]"])
@pytest.mark.parametrize("evict", [False, True])
def test_a_deletion_with_an_answer_that_is_none_is_told(server: Loopback, client: Client, body: bytes, evict: bool) -> None:
    server.fault(Answer(200, body), method="POST" if evict else "DELETE")
    with pytest.raises(ServerError, match="cannot be understood"):
        client.apply(DeletePod(namespace="x", name="web-0", uid="uid-web-0", resource_version="102", evict=evict))


def test_a_deletion_answered_with_another_pod_is_told(server: Loopback, client: Client) -> None:
    pod(server.world, "web-1")
    server.fault(Answer(200, json.dumps(server.world.get("pods", "web-1")).encode()), method="DELETE")
    with pytest.raises(ServerError, match="it is about x/web-1"):
        client.apply(DeletePod(namespace="x", name="web-0", uid="uid-web-0", resource_version="102"))


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"kind": "Status", "apiVersion": "v1", "status": "Success"}', b'{"kind": "StatefulSet", "apiVersion": "apps/v1"}'])
def test_a_patch_whose_answer_is_damaged_is_told(server: Loopback, client: Client, body: bytes) -> None:
    server.fault(Answer(200, body), method="PATCH")
    with pytest.raises(ServerError, match="cannot be understood"):
        client.apply(patch())


@pytest.mark.parametrize(
    ("code", "kind"), [(401, UnauthorizedError), (403, ForbiddenError), (404, NotFoundError), (409, ConflictError), (500, ServerError)]
)
def test_refusals(server: Loopback, client: Client, code: int, kind: type[PetsError]) -> None:
    for method, change in (("PATCH", patch()), ("DELETE", DeletePod(namespace="x", name="web-0", uid="u", resource_version="1"))):
        server.fault(Answer(code), method=method)
        with pytest.raises(kind):
            client.apply(change)


@pytest.mark.parametrize("trouble", [drop, half])
def test_a_change_whose_answer_is_lost_is_told_and_not_sent_again(server: Loopback, client: Client, trouble: Any) -> None:
    def carried_out(handler: Any) -> None:
        found = server.world.get("statefulsets", "web")
        assert found is not None
        found["spec"]["replicas"] = 5
        trouble(handler)

    server.fault(carried_out, method="PATCH")
    with pytest.raises(UnreachableError):
        client.apply(patch())
    assert len(server.requests(method="PATCH")) == 1


def test_a_change_is_sent_again_after_429(server: Loopback, client: Client) -> None:
    server.fault(Answer(429, headers=(("Retry-After", "0"),)), method="PATCH", times=3)
    client.apply(patch())
    assert len(server.seen) == 4 and replicas(server) == 5


# --- rights ------------------------------------------------------------------------------------------------------------------


def test_missing_rights_are_those_the_server_denies(server: Loopback, client: Client) -> None:
    server.allowed = lambda asked: asked["verb"] != "patch" and asked.get("subresource") != "portforward"
    needed = [("get", "pods"), ("patch", "statefulsets.apps"), ("create", "pods/portforward"), ("get", "pods")]
    assert client.missing_rights("x", needed) == (("patch", "statefulsets.apps"), ("create", "pods/portforward"))
    asked = sorted((json.loads(seen.body)["spec"]["resourceAttributes"] for seen in server.seen), key=str)
    assert asked == sorted(
        [
            {"namespace": "x", "verb": "get", "resource": "pods"},
            {"namespace": "x", "verb": "patch", "group": "apps", "resource": "statefulsets"},
            {"namespace": "x", "verb": "create", "resource": "pods", "subresource": "portforward"},
        ],
        key=str,
    )


@pytest.mark.parametrize("trouble", [Answer(403), Answer(404), Answer(500), Answer(201, b"<html>"), Answer(201, b"{}")])
def test_a_server_that_cannot_say_counts_as_allowing(server: Loopback, client: Client, trouble: Any) -> None:
    server.fault(trouble, method="POST", times=9)
    assert client.missing_rights("x", [("get", "pods")]) == ()


def test_a_verdict_without_a_word_is_no(server: Loopback, client: Client) -> None:
    server.fault(Answer(201, b'{"status": {}}'), method="POST")
    assert client.missing_rights("x", [("get", "pods")]) == (("get", "pods"),)


@pytest.mark.parametrize(("trouble", "kind"), [(Answer(401), UnauthorizedError), (drop, UnreachableError)])
def test_a_server_that_does_not_answer_does_not_allow(
    server: Loopback, client: Client, trouble: Any, kind: type[PetsError]
) -> None:
    server.fault(trouble, method="POST", times=9)
    with pytest.raises(kind):
        client.missing_rights("x", [("get", "pods")])


@pytest.mark.parametrize("trouble", [drop, half, Answer(500)])
def test_the_question_for_a_right_is_repeated(server: Loopback, client: Client, trouble: Any) -> None:
    """It is a POST, and changes nothing: a lost answer must not end a verb, nor a server in trouble hide a no."""
    server.allowed = lambda asked: False
    server.fault(trouble, method="POST", times=2)
    assert client.missing_rights("x", [("get", "pods")]) == (("get", "pods"),)
    assert len(server.seen) == 3


def test_no_rights_need_no_question(server: Loopback, client: Client) -> None:
    assert client.missing_rights("x", []) == ()
    assert server.seen == []
