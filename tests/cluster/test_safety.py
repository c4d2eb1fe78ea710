"""Budgets, nodes, attachments, a set's past: what is asked, and that what may not be read is None; a pod forced out as it is sent."""

import json
from collections.abc import Callable

import pytest

from kubectl_pets.cluster import Client
from kubectl_pets.domain.changes import DeletePod
from kubectl_pets.domain.snapshots.groups import GroupSnapshots
from kubectl_pets.errors import ConflictError, ForbiddenError, NotFoundError, ServerError
from tests.cluster.loopback import Answer, Loopback, pod, stateful_set

LISTS: dict[str, Callable[[Client], object]] = {
    "/apis/policy/v1/namespaces/x/poddisruptionbudgets": lambda client: client.budgets("x"),
    "/apis/policy/v1/poddisruptionbudgets": lambda client: client.budgets(None),
    "/api/v1/nodes": lambda client: client.nodes(),
    "/apis/storage.k8s.io/v1/volumeattachments": lambda client: client.attachments(),
}


@pytest.mark.parametrize("path", LISTS)
def test_what_may_not_be_read_is_none_and_trouble_is_neither(server: Loopback, client: Client, path: str) -> None:
    assert LISTS[path](client) == ()
    assert server.seen[-1].path == path and "resourceVersion" not in server.seen[-1].query
    server.fault(Answer(403), path=path)
    assert LISTS[path](client) is None
    server.fault(Answer(500), path=path, times=9)
    with pytest.raises(ServerError):
        LISTS[path](client)


def test_nulls_are_taken_for_nothing(server: Loopback, client: Client) -> None:
    server.world.put("nodes", "a", "", spec={"taints": None}, status={"conditions": None})
    found = client.nodes()
    assert found is not None and found[0].name == "a" and found[0].spec.taints == ()


def test_a_past_is_read_set_first_and_whole(server: Loopback, client: Client) -> None:
    stateful_set(server.world, "web")
    pod(server.world, "web-0")
    held = {"spec": {"template": {"spec": {"unheardOf": [1]}}}}
    server.world.put("controllerrevisions", "web-1", labels={"app": "web"}, revision=1, data=held)
    server.world.put("controllerrevisions", "odd", labels={"app": "web"}, revision=2, data=[1])
    found = client.history("x", "web")
    assert server.seen[0].path.endswith("/statefulsets/web") and len(server.seen) == 3
    assert found.set.spec.template == {"metadata": {"labels": {"app": "web"}}}
    assert [(each.name, each.data) for each in found.revisions] == [("web-1", held)]
    assert found.pods is not None and [each.name for each in found.pods] == ["web-0"]


def test_a_past_without_rights(server: Loopback, client: Client) -> None:
    stateful_set(server.world, "web")
    server.fault(Answer(403), path="/api/v1/namespaces/x/pods")
    assert client.history("x", "web").pods is None
    server.fault(Answer(403), path="/apis/apps/v1/namespaces/x/controllerrevisions")
    with pytest.raises(ForbiddenError):
        client.history("x", "web")
    with pytest.raises(NotFoundError, match="no StatefulSet nobody"):
        client.history("x", "nobody")


def test_a_pod_is_forced_out_on_its_condition(server: Loopback, client: Client) -> None:
    version = pod(server.world, "web-0")["metadata"]["resourceVersion"]
    change = DeletePod(namespace="x", name="web-0", uid="uid-web-0", resource_version=version, force=True)
    with pytest.raises(ConflictError):
        client.apply(DeletePod(namespace="x", name="web-0", uid="uid-web-0", resource_version="1", force=True))
    client.apply(change)
    assert json.loads(server.seen[-1].body) == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": "uid-web-0", "resourceVersion": version},
        "gracePeriodSeconds": 0,
    }
    pod(server.world, "web-1")
    client.apply(DeletePod(namespace="x", name="web-1", uid="uid-web-1", resource_version=str(server.world.version)))
    assert "gracePeriodSeconds" not in json.loads(server.seen[-1].body)


def test_group_snapshots_are_read_in_the_version_that_is_there(server: Loopback, client: Client) -> None:
    """v1 came with external-snapshotter 8.6; that there are none is certain only where every version is unknown."""
    base = "/apis/groupsnapshot.storage.k8s.io"
    for version in ("v1", "v1beta2", "v1beta1"):
        for plural in ("volumegroupsnapshotclasses", "namespaces/x/volumegroupsnapshots"):
            server.fault(Answer(404), path=f"{base}/{version}/{plural}", times=2)
    assert not client.group_snapshot_offer().installed and client.group_snapshots("x") == GroupSnapshots()
    server.mend()
    server.fault(Answer(404), path=f"{base}/v1/volumegroupsnapshotclasses")
    server.fault(Answer(403), path=f"{base}/v1beta2/volumegroupsnapshotclasses")
    offer = client.group_snapshot_offer()
    assert offer.installed and offer.classes is None
    server.fault(Answer(403), path=f"{base}/v1/namespaces/x/volumegroupsnapshots")
    assert client.group_snapshots("x") is None
