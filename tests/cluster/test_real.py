"""The same rooms on the real control plane: what kube-apiserver and its controllers really send, refuse and do."""

import base64
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from kubectl_pets.cluster import Client, connect
from kubectl_pets.cluster.objects.lists import Reader
from kubectl_pets.domain.changes import DeletePod, Operation, PatchSet, annotating
from kubectl_pets.domain.model import SetView, StatefulSet
from kubectl_pets.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthorizedError,
    UnreachableError,
)
from kubectl_pets.session import ConnectionFlags
from tests import controlplane as planes
from tests.cluster.conftest import write
from tests.cluster.waiting import until
from tests.controlplane import ControlPlane
from tests.controlplane.recipes import parse_version

pytestmark = pytest.mark.real

_WEB = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 3
  serviceName: web
  podManagementPolicy: Parallel
  selector:
    matchLabels: {app: web}
    matchExpressions: [{key: tier, operator: In, values: [front, back]}]
  template:
    metadata: {labels: {app: web, tier: front}}
    spec: {containers: [{name: main, image: "registry.example/app:1"}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


@pytest.fixture
def own_surroundings() -> None:
    """Not here: every kubeconfig is given, and a control plane of one's own is started from the cache in the real home."""


@pytest.fixture
def admin(controlplane: ControlPlane) -> Iterator[Client]:
    with connect(ConnectionFlags(kubeconfig=str(controlplane.kubeconfig))) as client:
        yield client


@pytest.fixture
def web(controlplane: ControlPlane, namespace: str, admin: Client) -> StatefulSet:
    """A set whose three pods are ready."""
    controlplane.apply(_WEB, namespace)
    with admin.watch_set(namespace, "web") as source:
        found = until(source, settled).set
    assert found is not None
    return found


def settled(seen: SetView) -> bool:
    if seen.set is None or len(seen.pods or ()) != seen.set.spec.replicas:
        return False
    status, revisions = seen.set.status, {pod.revision for pod in seen.pods or ()}
    if (status.observed_generation, status.ready_replicas) != (seen.set.metadata.generation, seen.set.spec.replicas):
        return False
    return revisions == {status.update_revision} == {status.current_revision}


def images(seen: SetView) -> set[str | None]:
    return {pod.spec.containers[0].image for pod in seen.pods or ()}


def image(owner: StatefulSet, tag: str, generation: int | None = None) -> PatchSet:
    meta = owner.metadata
    operations = (
        Operation(op="test", path="/metadata/uid", value=meta.uid),
        Operation(op="test", path="/metadata/generation", value=meta.generation if generation is None else generation),
        Operation(op="replace", path="/spec/template/spec/containers/0/image", value=f"registry.example/app:{tag}"),
    )
    return PatchSet(namespace=meta.namespace, name=meta.name, operations=operations)


def flags(path: Path, **more: Any) -> ConnectionFlags:
    return ConnectionFlags(kubeconfig=str(path), **more)


# --- reading -----------------------------------------------------------------------------------------------------------------


def test_a_snapshot_of_a_real_set(admin: Client, web: StatefulSet, namespace: str, controlplane: ControlPlane) -> None:
    seen = admin.set_view(namespace, "web")
    assert settled(seen)
    assert seen.pods is not None and sorted(pod.name for pod in seen.pods) == ["web-0", "web-1", "web-2"]
    assert seen.revisions is not None and [each.name for each in seen.revisions] == [web.status.update_revision]
    assert seen.revisions[0].data.spec.template.spec.containers[0].image == "registry.example/app:1"
    assert seen.claims is not None and sorted(claim.name for claim in seen.claims) == ["data-web-0", "data-web-1", "data-web-2"]
    assert seen.server is not None and seen.server.git_version == controlplane.version
    assert abs(admin.now() - datetime.now(UTC)) < timedelta(seconds=2)


def test_an_inventory_of_the_real_cluster(admin: Client, web: StatefulSet, namespace: str) -> None:
    here, everywhere = admin.inventory(namespace, None), admin.inventory(None, None)
    assert [each.name for each in here.sets] == ["web"]
    assert (len(here.pods or ()), len(here.claims or ())) == (3, 3)
    assert (namespace, "web") in {(each.namespace, each.name) for each in everywhere.sets}
    assert admin.inventory(namespace, "no=such").sets == ()


def test_a_set_that_is_missing_and_what_was_meant(admin: Client, web: StatefulSet, namespace: str, controlplane: ControlPlane) -> None:
    with pytest.raises(NotFoundError) as caught:
        admin.set_view(namespace, "webb")
    assert caught.value.hint == "was web meant?"
    controlplane.kubectl("create", "deployment", "api", "--image=i", "--replicas=0", "-n", namespace)
    with pytest.raises(NotFoundError) as caught:
        admin.set_view(namespace, "api")
    assert caught.value.hint == "api is a Deployment; this is for StatefulSets"
    with pytest.raises(NotFoundError) as caught:
        admin.set_view("no-such-namespace", "web")
    assert caught.value.hint == "there is no namespace no-such-namespace; choose one with -n"


@pytest.mark.parametrize("streams", [True, False])
def test_real_lists_that_are_long(
    admin: Client, namespace: str, controlplane: ControlPlane, monkeypatch: pytest.MonkeyPatch, streams: bool
) -> None:
    """In one piece, packed by the server and cut while it arrives, or in pages."""
    note = f"annotations: {{note: {'x' * 20000}}}"
    lines = [f"{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: c{number}, {note}}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}}}" for number in range(30)]
    controlplane.kubectl("create", "-f", "-", "-n", namespace, input="\n---\n".join(lines))
    monkeypatch.setattr("kubectl_pets.cluster.objects.lists._CHUNK", 7)
    monkeypatch.setattr("kubectl_pets.cluster.objects.lists._BLOCK", 50_000)
    streams = streams and parse_version(controlplane.version) >= (1, 33, 0)
    monkeypatch.setattr("kubectl_pets.cluster.objects.lists.Reader._streams_lists", lambda reader: streams)
    ends: list[bool] = []
    whole = Reader._whole

    def spied(*words: Any) -> Iterator[Any]:
        ends.append(False)
        yield from whole(*words)
        ends[-1] = True

    monkeypatch.setattr("kubectl_pets.cluster.objects.lists.Reader._whole", spied)
    found = admin.inventory(namespace, None).claims
    assert found is not None and [claim.name for claim in found] == sorted(f"c{number}" for number in range(30))
    assert ends == ([True] if streams else []), "it fell back to pages"


# --- watching ----------------------------------------------------------------------------------------------------------------


def test_a_rollout_is_watched_from_end_to_end(admin: Client, web: StatefulSet, namespace: str) -> None:
    with admin.watch_set(namespace, "web") as source:
        before = source.latest()
        assert settled(before)
        admin.apply(image(web, "2"))
        after = source.latest()
        assert after.set is not None and after.set.metadata.generation == web.metadata.generation + 1
        # while this process had to wait for a processor the controllers may have come to the end: done is no lie then
        assert not settled(after) or images(after) == {"registry.example/app:2"}, "right after the patch it must not look done"
        done = until(source, settled)
        assert images(done) == {"registry.example/app:2"}
        assert settled(source.refresh())
        until(source, lambda seen: len(seen.revisions or ()) == 2)  # which are watched apart from the pods
        assert source.trouble() is None


def test_a_patch_never_looks_done_right_away(admin: Client, web: StatefulSet, namespace: str) -> None:
    with admin.watch_set(namespace, "web") as source:
        seen = source.latest()
        for number in range(2, 8):
            assert seen.set is not None
            admin.apply(image(seen.set, str(number)))
            generation = seen.set.metadata.generation + 1
            for _ in range(5):
                found = source.latest().set
                assert found is not None and found.metadata.generation >= generation
                if found.status.observed_generation >= generation:
                    assert found.status.update_revision != seen.set.status.update_revision
            seen = until(source, lambda now: settled(now) and now.set is not None and now.set.metadata.generation >= generation)


def test_a_set_deleted_and_made_anew_with_another_selector(
    admin: Client, web: StatefulSet, namespace: str, controlplane: ControlPlane
) -> None:
    with admin.watch_set(namespace, "web") as source:
        controlplane.kubectl("delete", "statefulset", "web", "-n", namespace, "--cascade=orphan")
        gone = until(source, lambda seen: seen.set is None)
        assert len(gone.pods or ()) == 3
        controlplane.kubectl("delete", "pods", "-l", "app=web", "-n", namespace)
        controlplane.apply(_WEB.replace("app: web", "app: other"), namespace)
        back = until(source, lambda seen: settled(seen) and seen.set is not None)
        assert back.set is not None and back.set.metadata.uid != web.metadata.uid
        assert {pod.metadata.labels["app"] for pod in back.pods or ()} == {"other"}


def test_a_restart_of_the_api_server_is_ridden_out() -> None:
    with planes.running() as plane, connect(flags(plane.kubeconfig)) as client:
        plane.apply(_WEB, "default")
        with client.watch_set("default", "web") as source:
            owner = until(source, settled).set
            assert owner is not None
            plane.stop_apiserver()
            until_trouble = time.monotonic() + 20
            while source.trouble() is None:
                source.latest()
                source.wait(1)
                assert time.monotonic() < until_trouble
            with pytest.raises(UnreachableError):
                source.refresh()
            with pytest.raises(UnreachableError):
                client.apply(image(owner, "2"))
            assert settled(source.latest()), "the last that was known"
            plane.start_apiserver()
            # News of both kinds; not the controllers' doing, which take their time to find back.
            plane.kubectl("annotate", "statefulset", "web", "after=restart")
            plane.kubectl("annotate", "pod", "web-1", "after=restart")
            until(source, lambda seen: seen.set is not None and "after" in seen.set.metadata.annotations)
            until(source, lambda seen: any("after" in pod.metadata.annotations for pod in seen.pods or ()))
            quiet = time.monotonic() + 20
            while source.trouble() is not None:
                source.latest()
                source.wait(1)
                assert time.monotonic() < quiet
            admin_view = source.refresh().set
            assert admin_view is not None and admin_view.metadata.generation == owner.metadata.generation


def test_many_pods_come_and_go_and_the_end_is_the_truth(admin: Client, web: StatefulSet, namespace: str, controlplane: ControlPlane) -> None:
    with admin.watch_set(namespace, "web") as source:
        crowd = threading.Thread(target=lambda: [controlplane.kubectl("scale", "statefulset", "web", f"--replicas={n}", "-n", namespace) for n in (20, 1, 15, 4)])
        crowd.start()
        newest: dict[str, int] = {}
        while crowd.is_alive():
            for pod in source.latest().pods or ():
                version = int(pod.metadata.resource_version)
                assert version >= newest.get(pod.metadata.uid, 0)
                newest[pod.metadata.uid] = version
            source.wait(0.1)
        crowd.join()
        last = until(source, lambda seen: settled(seen) and seen.set is not None and seen.set.spec.replicas == 4)
        fresh = admin.set_view(namespace, "web")
        assert {pod.name for pod in last.pods or ()} == {pod.name for pod in fresh.pods or ()}


def test_an_inventory_is_watched(admin: Client, web: StatefulSet, namespace: str, controlplane: ControlPlane) -> None:
    with admin.watch_inventory(namespace, None) as fleet:
        assert [each.name for each in fleet.latest().sets] == ["web"]
        controlplane.apply(_WEB.replace("name: web", "name: second").replace("app: web", "app: second"), namespace)
        deadline = time.monotonic() + 60
        while sorted(each.status.ready_replicas for each in fleet.latest().sets) != [3, 3] or len(fleet.latest().pods or ()) != 6:
            assert fleet.wait(deadline - time.monotonic())


# --- changing ----------------------------------------------------------------------------------------------------------------


def test_a_patch_whose_ground_is_gone_is_a_conflict(admin: Client, web: StatefulSet, namespace: str) -> None:
    with pytest.raises(ConflictError, match="changed since it was read"):
        admin.apply(image(web, "2", generation=web.metadata.generation + 1))
    found = admin.set_view(namespace, "web").set
    assert found is not None and found.metadata.generation == web.metadata.generation


def test_a_patch_that_makes_no_sense_is_invalid(admin: Client, web: StatefulSet) -> None:
    nowhere = Operation(op="replace", path="/spec/template/spec/containers/7/image", value="i")
    forbidden = Operation(op="replace", path="/spec/serviceName", value="other")
    for operation in (nowhere, forbidden):
        change = image(web, "2")
        with pytest.raises(InvalidError):
            admin.apply(PatchSet(namespace=change.namespace, name=change.name, operations=(*change.operations[:2], operation)))


def test_the_set_remembers_who_changed_it_and_a_dry_run_nobody(admin: Client, web: StatefulSet, namespace: str) -> None:
    admin.apply(image(web, "2"), dry_run=True)
    found = admin.set_view(namespace, "web").set
    assert found is not None and found.metadata.generation == web.metadata.generation
    admin.apply(image(web, "2"))
    found = admin.set_view(namespace, "web").set
    assert found is not None and "kubectl-pets" in {entry.manager for entry in found.metadata.managed_fields}


def test_a_pod_that_changed_since_is_not_deleted(admin: Client, web: StatefulSet, namespace: str) -> None:
    pods = admin.set_view(namespace, "web").pods
    assert pods is not None
    meta = pods[0].metadata
    for uid, version in ((meta.uid, "1"), ("00000000-0000-0000-0000-000000000000", meta.resource_version)):
        for evict in (False, True):
            with pytest.raises(ConflictError):
                admin.apply(DeletePod(namespace=namespace, name=meta.name, uid=uid, resource_version=version, evict=evict))
    change = DeletePod(namespace=namespace, name=meta.name, uid=meta.uid, resource_version=meta.resource_version)
    admin.apply(change, dry_run=True)
    assert {pod.metadata.uid for pod in admin.set_view(namespace, "web").pods or ()} >= {meta.uid}
    with admin.watch_set(namespace, "web") as source:
        admin.apply(change)
        until(source, lambda seen: settled(seen) and meta.uid not in {pod.metadata.uid for pod in seen.pods or ()})


def test_what_is_gone_is_not_found(admin: Client, web: StatefulSet, namespace: str) -> None:
    with pytest.raises(NotFoundError):
        admin.apply(DeletePod(namespace=namespace, name="web-9", uid="u", resource_version="1"))
    with pytest.raises(NotFoundError):
        admin.apply(PatchSet(namespace=namespace, name="none", operations=image(web, "2").operations))


# --- who may what ------------------------------------------------------------------------------------------------------------


_VIEWER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: viewer}
rules:
- {apiGroups: [apps], resources: [statefulsets], verbs: [get], resourceNames: [web]}
- {apiGroups: [""], resources: [pods], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: viewer}
subjects: [{kind: User, name: alice}]
"""


def test_missing_rights_are_named(admin: Client, namespace: str, controlplane: ControlPlane) -> None:
    needed = [("patch", "statefulsets.apps"), ("list", "pods"), ("create", "pods/portforward")]
    assert admin.missing_rights(namespace, needed) == ()
    with connect(flags(controlplane.kubeconfig_for("alice"))) as alice:
        assert alice.missing_rights(namespace, needed) == tuple(needed)
        controlplane.apply(_VIEWER, namespace)
        deadline = time.monotonic() + 20
        while ("list", "pods") in alice.missing_rights(namespace, needed):
            assert time.monotonic() < deadline
        assert alice.missing_rights(namespace, needed) == (("patch", "statefulsets.apps"), ("create", "pods/portforward"))


def test_somebody_with_few_rights_sees_what_they_may(web: StatefulSet, namespace: str, controlplane: ControlPlane) -> None:
    with connect(flags(controlplane.kubeconfig_for("alice"))) as alice:
        with pytest.raises(ForbiddenError, match='User "alice"') as caught:
            alice.set_view(namespace, "web")
        assert caught.value.hint is not None and f"kubectl auth can-i get statefulsets.apps/web -n {namespace}" in caught.value.hint
        controlplane.apply(_VIEWER, namespace)
        deadline = time.monotonic() + 20
        while alice.missing_rights(namespace, [("list", "pods")]):
            assert time.monotonic() < deadline
        seen = alice.set_view(namespace, "web")
        assert len(seen.pods or ()) == 3 and (seen.revisions, seen.claims) == (None, None)
        with alice.watch_set(namespace, "web") as source:
            controlplane.kubectl("scale", "statefulset", "web", "--replicas=4", "-n", namespace)
            until(source, lambda now: now.set is not None and now.set.spec.replicas == 4 and len(now.pods or ()) == 4)
            assert source.latest().claims is None


def test_the_command_that_a_hint_names_is_one_that_kubectl_knows(web: StatefulSet, namespace: str, controlplane: ControlPlane) -> None:
    with connect(flags(controlplane.kubeconfig_for("alice"))) as alice, pytest.raises(ForbiddenError) as caught:
        alice.set_view(namespace, "web")
    assert caught.value.hint is not None
    command = caught.value.hint.split("kubectl ", 1)[1].split()
    answer = controlplane.kubectl(*command, kubeconfig=controlplane.kubeconfig_for("alice"), check=False)
    assert answer.stdout.strip().startswith("no")


def test_a_client_certificate_is_accepted_from_files_and_from_data(web: StatefulSet, namespace: str, controlplane: ControlPlane, tmp_path: Path) -> None:
    path = controlplane.certificate_kubeconfig("bob")
    with connect(flags(path)) as bob, pytest.raises(ForbiddenError, match='User "bob"'):
        bob.set_view(namespace, "web")
    config = yaml.safe_load(path.read_text())
    user = config["users"][0]["user"]
    for field in ("client-certificate", "client-key"):
        if field in user:
            user[field + "-data"] = base64.b64encode((path.parent / user.pop(field)).read_bytes()).decode()
        else:
            (tmp_path / field).write_bytes(base64.b64decode(user.pop(field + "-data")))
            user[field] = field
    with connect(flags(write(tmp_path / "config", config))) as bob, pytest.raises(ForbiddenError, match='User "bob"'):
        bob.set_view(namespace, "web")


def test_an_expired_token_is_unauthorized(namespace: str, controlplane: ControlPlane) -> None:
    with connect(flags(controlplane.expired_kubeconfig)) as client, pytest.raises(UnauthorizedError) as caught:
        client.set_view(namespace, "web")
    assert "expired-0" not in str(caught.value) + str(caught.value.hint)


def test_impersonation_is_believed(web: StatefulSet, namespace: str, controlplane: ControlPlane) -> None:
    with connect(flags(controlplane.kubeconfig, as_user="alice", as_groups=("system:masters", "others"))) as client:
        assert client.set_view(namespace, "web").set is not None
    with connect(flags(controlplane.kubeconfig, as_user="alice", as_groups=("others",))) as client:
        with pytest.raises(ForbiddenError, match='User "alice"'):
            client.set_view(namespace, "web")


def test_a_json_body_is_understood_by_the_server_as_by_us(admin: Client, web: StatefulSet, namespace: str) -> None:
    """A label with all that JSON escapes, there and back."""
    value = 'a"b\\c\u00e4\u2028\n'
    operation = Operation(op="add", path="/metadata/annotations", value={"note": value})
    admin.apply(PatchSet(namespace=namespace, name="web", operations=(operation,)))
    found = admin.set_view(namespace, "web").set
    assert found is not None and found.metadata.annotations == {"note": value}
    assert msgspec.json.decode(msgspec.json.encode(found), type=StatefulSet) == found


#: All of ASCII that a string may have, what Go's encoder escapes besides (encoding/json, HTMLEscape), and what it does not.
_ODD = "".join(map(chr, range(1, 128))) + "\u0085\u2028\u2029\ufeff\ufffd\U0001f600 <a href='x'>&amp;</a> \\u003c \\"


def _note(owner: StatefulSet, **notes: str | None) -> PatchSet:
    return PatchSet(namespace=owner.namespace, name=owner.name, operations=annotating(owner.metadata, notes))


def _noted(admin: Client, owner: StatefulSet) -> StatefulSet:
    found = admin.set_view(owner.namespace, owner.name).set
    assert found is not None
    return found


def test_an_annotation_is_written_and_taken_off_as_long_as_it_is_as_it_was_read(admin: Client, web: StatefulSet) -> None:
    """The server compares the bytes of a value that a JSON patch tests with those of its own encoder (evanphx/json-patch)."""
    admin.apply(_note(web, **dict.fromkeys(web.metadata.annotations)))  # of kubectl apply
    before = _noted(admin, web)
    admin.apply(_note(before, a=_ODD))
    with pytest.raises(ConflictError):  # there were none
        admin.apply(_note(before, b="1"))
    noted = _noted(admin, web)
    assert noted.metadata.annotations == {"a": _ODD}
    admin.apply(_note(noted, b="1"))
    for other in (None, "2"):  # there was no b
        with pytest.raises(ConflictError):
            admin.apply(_note(noted, a=other, b="2"))
    both = _noted(admin, web)
    assert both.metadata.annotations == {"a": _ODD, "b": "1"}
    admin.apply(_note(both, a=_ODD + "!"))
    for other in (None, "3"):  # it is another one
        with pytest.raises(ConflictError):
            admin.apply(_note(both, a=other))
    assert _noted(admin, web).metadata.annotations == {"a": _ODD + "!", "b": "1"}
    admin.apply(_note(_noted(admin, web), a=None, b=None, c="4"))
    assert _noted(admin, web).metadata.annotations == {"c": "4"}
