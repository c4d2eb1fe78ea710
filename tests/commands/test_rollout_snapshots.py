"""rollout run and restart with --snapshot on the real control plane: no pod goes before there is something to go back to."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests import controlplane
from tests.commands.plugin import Plugin
from tests.commands.snapshots import Storage, install
from tests.schemas import check

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"
RUN = ("rollout", "run", "web", "--image", NEW, "--snapshot")


@pytest.fixture
def pets(unwatched: Plugin) -> Plugin:
    return unwatched


@pytest.fixture
def storage(pets: Plugin) -> Storage:
    """Set ``web`` of three, each pod with a claim on a volume of the test's own CSI driver."""
    install(pets)
    made = Storage(pets)
    made.claim(*(f"data-web-{ordinal}" for ordinal in range(3)))
    pets.make("web", claims=True)
    return made


class Before:
    """The set as it was; what ``same`` holds it against."""

    def __init__(self, pets: Plugin) -> None:
        self._pets = pets
        self._was = self._now()

    def _now(self) -> Any:
        live = self._pets.set()
        return live["metadata"]["generation"], self._pets.uids(), self._pets.images()

    def same(self) -> bool:
        return bool(self._now() == self._was)


def names(storage: Storage) -> list[str]:
    return sorted(storage.snapshots())


def test_nothing_goes_before_all_are_ready_and_the_same_command_waits_on(pets: Plugin, storage: Storage) -> None:
    """First without a snapshot controller: they never get ready."""
    named = storage.snapshot_class("safe", default=True)
    before = Before(pets)
    late = pets(*RUN, "--timeout", "45s", "--patience", "2m", expect=5)
    assert before.same() and "no pod was touched" in late.stderr
    assert "0 of 3 VolumeSnapshots ready, waiting for data-web-2-" in late.stderr
    assert "type the same command again to wait on; kubectl describe volumesnapshot data-web-2-" in late.stderr
    asked = names(storage)
    assert len(asked) == 3 and before.same()
    in_vain = pets(*RUN, "--timeout", "2m", expect=4).stderr
    assert "stuck: data-web-2: no snapshot controller has written anything down of data-web-2-" in in_vain and "no pod was touched" in in_vain
    assert "kubectl describe volumesnapshot data-web-2-" in in_vain and names(storage) == asked and before.same()
    revision = pets.set()["status"]["currentRevision"]
    uids = {f"data-web-{number}": pets.get("pvc", f"data-web-{number}")["metadata"]["uid"] for number in range(3)}
    seen: list[bool] = []

    def take(name: str) -> None:
        seen.append(before.same())
        storage.finish(name)

    with storage.controller(take):
        done = pets(*RUN, "--timeout", "90s")
    assert "note: 3 VolumeSnapshots of an earlier run count, the oldest asked for" in done.stderr
    assert seen == [True] * 3 and names(storage) == asked and set(pets.images().values()) == {NEW}
    assert "3 VolumeSnapshots of before the rollout; kubectl pets snapshots web" in done.stderr
    for name, snapshot in storage.snapshots().items():
        notes, claim = snapshot["metadata"]["annotations"], snapshot["spec"]["source"]["persistentVolumeClaimName"]
        assert name == f"{claim}-{uids[claim][:8]}-{revision.rpartition('-')[2]}-1"
        assert snapshot["metadata"]["labels"] == {
            "app.kubernetes.io/managed-by": "kubectl-pets", "kubectl-pets/set-uid": pets.set()["metadata"]["uid"],
        }
        run = notes.pop("kubectl-pets/snapshot-run")
        assert notes == {
            "kubectl-pets/set": "web", "kubectl-pets/claim": claim, "kubectl-pets/claim-uid": uids[claim], "kubectl-pets/revision": revision,
            "kubectl-pets/ordinal": claim[-1], "kubectl-pets/generation": "1",
        }
        assert run and snapshot["spec"]["volumeSnapshotClassName"] == named


def test_ctrl_c_while_they_are_waited_for_leaves_the_set_alone(pets: Plugin, storage: Storage) -> None:
    storage.snapshot_class("safe", default=True)
    before = Before(pets)
    running = pets.start(*RUN)
    pets.eventually(lambda: len(names(storage)) == 3, "all are asked for")
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=120)
    assert running.returncode == 130 and before.same()
    assert "VolumeSnapshots ready, waiting for" in told and "no pod was touched" in told and "pausing" not in told


def test_what_has_no_snapshot_is_refused_beforehand(pets: Plugin, storage: Storage) -> None:
    before = Before(pets)

    def refused(*words: str, says: str) -> None:
        for dry in ((), ("--dry-run",)):
            told = pets("rollout", "run", "web", "--image", NEW, *words, *dry, expect=6).stderr
            assert says in told and "no pod was touched" in told, told
        assert before.same() and not storage.snapshots()

    refused("--snapshot", says="data-web-2: driver")
    refused("--snapshot=nowhere", says="there is no VolumeSnapshotClass nowhere")
    other = storage.snapshot_class("other", driver="other.example.org", default=True)
    refused(f"--snapshot={other}", says="is of another driver")
    deletes = storage.snapshot_class("deletes", "Delete")
    refused(f"--snapshot={deletes}", "--snapshot-each", says="has not the deletionPolicy Retain")
    pets.kubectl("patch", "pvc", "data-web-1", "-p", '{"metadata":{"finalizers":["kubernetes.io/pvc-protection","example.org/held"]}}')
    named = storage.snapshot_class("safe")
    pets.kubectl("delete", "pvc", "data-web-1", "--wait=false")
    try:
        refused(f"--snapshot={named}", says="data-web-1")
    finally:
        pets.kubectl("patch", "pvc", "data-web-1", "-p", '{"metadata":{"finalizers":["kubernetes.io/pvc-protection"]}}')


def test_a_rollout_of_somebody_else_s_goes_on_without_any(pets: Plugin, storage: Storage) -> None:
    """The controller takes its next pods down while snapshots are waited for. It was called complete, with none taken."""
    storage.snapshot_class("safe", default=True)
    pets.kubectl("set", "image", "statefulset/web", "app=app:never-ready")
    pets.eventually(lambda: pets.images().get("web-2") == "app:never-ready", "the first pod is another one")
    words = ("rollout", "run", "web", "--image", "app:never-ready", "--snapshot")
    for dry in ((), ("--dry-run",)):
        told = pets(*words, *dry, expect=6).stderr
        assert "data-web-1: its pod goes by itself" in told and "data-web-0: its pod goes by itself" in told
        assert "data-web-2" not in told and not storage.snapshots()
    hold = next(line for line in told.splitlines() if line.startswith("hint: "))
    assert "kubectl pets rollout pause web" in hold and "holds the pods" in hold
    pets("rollout", "pause", "web", "--timeout", "60s")
    late = pets(*words, "--timeout", "5s", expect=5).stderr  # it goes on, and waits for web-2
    assert "goes by itself" not in late and pets.images() == {"web-0": OLD, "web-1": OLD, "web-2": "app:never-ready"}


def test_volumes_of_no_driver_and_sets_without_claims(pets: Plugin) -> None:
    install(pets)
    pets.make("web", claims=True, replicas=1)
    told = pets(*RUN, expect=6).stderr
    assert "data-web-0: its volume" in told and "of no CSI driver" in told and pets.images() == {"web-0": OLD}
    pets.make("bare", replicas=1)
    told = pets("rollout", "restart", "bare", "--snapshot", expect=6).stderr
    assert "no pod has a claim that a claim template made" in told


def test_missing_rights_are_named_beforehand(pets: Plugin, storage: Storage) -> None:
    storage.snapshot_class("safe", default=True)
    before = Before(pets)
    user = "judy"
    rules = [
        {"apiGroups": ["apps"], "resources": ["statefulsets", "controllerrevisions"], "verbs": ["get", "list", "watch", "patch"]},
        {"apiGroups": [""], "resources": ["pods", "persistentvolumeclaims"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": ["list"]},
        {"apiGroups": ["snapshot.storage.k8s.io"], "resources": ["volumesnapshots"], "verbs": ["get", "list"]},
    ]
    api = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "rolls"}}
    binding = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "rolls"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    items = [{**api, "kind": "Role", "rules": rules}, {**api, "kind": "RoleBinding", **binding}]
    pets.plane.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}), pets.namespace)
    question = ("auth", "can-i", "list", "volumesnapshots.snapshot.storage.k8s.io", f"--as={user}", "-n", pets.namespace)
    pets.eventually(lambda: pets.plane.kubectl(*question, check=False).stdout.strip() == "yes", "the role counts")
    told = pets(*RUN, expect=6, kubeconfig=pets.plane.kubeconfig_for(user)).stderr
    for right in ("create volumesnapshots.snapshot.storage.k8s.io", "get volumesnapshotcontents", "list volumesnapshotclasses", "get persistentvolumes"):
        assert right in told
    assert before.same() and not storage.snapshots()


@contextmanager
def policy_against(pets: Plugin, rule: dict[str, Any], expression: str, message: str, rejects: Callable[[], str]) -> Iterator[None]:
    """What rejects changes in the test's namespace, by the API server's own admission (ValidatingAdmissionPolicy). ``rejects``: what is
    said of one."""
    name = f"not-today-{pets.namespace}"
    api = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    selector = {"matchLabels": {"kubernetes.io/metadata.name": pets.namespace}}
    items = [
        {**api, "kind": "ValidatingAdmissionPolicy", "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": expression, "message": message}],
        }},
        {**api, "kind": "ValidatingAdmissionPolicyBinding", "spec": {
            "policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": selector},
        }},
    ]
    pets.plane.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    try:
        pets.eventually(lambda: message in rejects(), "the policy counts")
        yield
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            pets.plane.kubectl("delete", kind, name)


def policy_against_snapshots(pets: Plugin) -> AbstractContextManager[None]:
    rule = {"apiGroups": ["snapshot.storage.k8s.io"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["volumesnapshots"]}
    trial = json.dumps({
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "trial"},
        "spec": {"source": {"persistentVolumeClaimName": "nobody-s"}},
    })
    words = ("create", "--dry-run=server", "-n", pets.namespace, "-f", "-")
    return policy_against(pets, rule, "false", "no snapshots today", lambda: pets.plane.kubectl(*words, input=trial, check=False).stderr)


def test_a_revision_that_takes_no_note_holds_no_rollout_up(pets: Plugin, storage: Storage) -> None:
    """What stands on it is for whoever looks at it; what counts stands on the snapshots."""
    storage.snapshot_class("safe", default=True)
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["controllerrevisions"]}
    noted = "!('kubectl-pets/snapshots' in object.metadata.?annotations.orValue({}))"
    revision = pets.set()["status"]["currentRevision"]
    words = ("annotate", "--dry-run=server", "controllerrevision", revision, "kubectl-pets/snapshots=x", "-n", pets.namespace)
    refused = policy_against(pets, rule, noted, "no notes today", lambda: pets.plane.kubectl(*words, check=False).stderr)
    with refused, storage.controller(storage.finish):
        done = pets(*RUN, "--timeout", "90s")
    assert set(pets.images().values()) == {NEW} and "3 VolumeSnapshots of before the rollout" in done.stderr
    assert "note: the revision does not say so" in done.stderr


def test_what_admission_rejects_is_found_before_anything_is_changed(pets: Plugin, storage: Storage) -> None:
    storage.snapshot_class("safe", default=True)
    before = Before(pets)
    with policy_against_snapshots(pets):
        told = pets(*RUN, expect=6).stderr
        assert "the API server does not take its VolumeSnapshot" in told and "no snapshots today" in told
        assert pets(*RUN, "--dry-run=server", expect=6) and before.same() and not storage.snapshots()


@pytest.mark.parametrize(
    ("fault", "says"),
    [({"policy": "Delete"}, "has not the deletionPolicy Retain"), ({"handle": "another"}, "is not of its volume")],
)
def test_one_that_would_not_last_or_is_of_something_else_is_none(
    pets: Plugin, storage: Storage, fault: dict[str, Any], says: str
) -> None:
    storage.snapshot_class("safe", default=True)
    before = Before(pets)
    with storage.controller(lambda name: storage.finish(name, **fault)):
        refused = pets(*RUN, "--timeout", "90s", expect=6)
    assert says in refused.stderr and "no pod was touched" in refused.stderr and before.same()


def test_somebody_deletes_one_while_it_is_waited_for(pets: Plugin, storage: Storage) -> None:
    """The next run takes another one and does not mind that the others are there."""
    storage.snapshot_class("safe", default=True)
    before = Before(pets)

    def act(name: str) -> None:
        if name.startswith("data-web-1"):
            pets.eventually(lambda: all(each.get("status", {}).get("readyToUse") for key, each in storage.snapshots().items() if key != name), "the others")
            pets.kubectl("delete", "volumesnapshot", name)
        else:
            storage.finish(name)

    running = pets.start(*RUN)
    pets.eventually(lambda: len(names(storage)) == 3, "all are asked for")
    for name in sorted(names(storage), key=lambda each: each.startswith("data-web-1")):
        act(name)
    _, told = running.communicate(timeout=120)
    assert running.returncode == 6 and "its snapshot was deleted meanwhile" in told and before.same()
    with storage.controller(storage.finish):
        pets(*RUN, "--timeout", "90s")
    assert len(names(storage)) == 3 and set(pets.images().values()) == {NEW}


def test_each_pod_s_are_taken_right_before_its_turn(pets: Plugin, storage: Storage) -> None:
    storage.snapshot_class("safe", default=True)
    seen: dict[str, dict[str, str]] = {}

    def take(name: str) -> None:
        seen[name[:10]] = pets.images()
        storage.finish(name)

    with storage.controller(take):
        pets("rollout", "run", "web", "--image", NEW, "--snapshot-each", "--timeout", "90s")
    assert seen == {
        "data-web-2": {"web-0": OLD, "web-1": OLD, "web-2": OLD},
        "data-web-1": {"web-0": OLD, "web-1": OLD, "web-2": NEW},
        "data-web-0": {"web-0": OLD, "web-1": NEW, "web-2": NEW},
    }
    assert len(names(storage)) == 3 and set(pets.images().values()) == {NEW}


def test_a_restart_takes_them_of_the_pods_that_go(pets: Plugin, storage: Storage) -> None:
    storage.snapshot_class("safe", default=True)
    before = pets.uids()
    with storage.controller(storage.finish):
        pets("rollout", "restart", "web", "--pod", "1", "-y", "--snapshot", "--timeout", "90s")
        assert [name[:10] for name in names(storage)] == ["data-web-1"]
        after = pets.uids()
        assert after["web-1"] != before["web-1"] and after["web-0"] == before["web-0"]
        pets("rollout", "restart", "web", "--snapshot", "--timeout", "90s")
    assert [name[:10] for name in names(storage)] == ["data-web-0", "data-web-1", "data-web-1", "data-web-2"]
    assert all(uid != after[pod] for pod, uid in pets.uids().items())


def test_older_generations_go_and_nobody_else_s(pets: Plugin, storage: Storage) -> None:
    named = storage.snapshot_class("safe", default=True)
    theirs = {
        "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "nightly"},
        "spec": {"source": {"persistentVolumeClaimName": "data-web-0"}, "volumeSnapshotClassName": named},
    }
    pets.plane.apply(json.dumps(theirs), pets.namespace)
    with storage.controller(storage.finish):
        for version in range(2, 5):
            done = pets("rollout", "run", "web", "--image", f"app:{version}", "--snapshot", "--keep-snapshots", "2", "--timeout", "90s")
    generations = {each["metadata"].get("annotations", {}).get("kubectl-pets/snapshot-run") for each in storage.snapshots().values()}
    assert len(generations - {None}) == 2 and len(names(storage)) == 7 and "nightly" in names(storage)
    assert "deleted 3 older VolumeSnapshots" in done.stderr and "their class keeps the contents" in done.stderr
    noted = [each["metadata"].get("annotations", {}).get("kubectl-pets/snapshots") for each in pets.get("controllerrevisions")["items"]]
    told = {name for text in noted if text for name in json.loads(text)["names"]}
    assert told == set(names(storage)) - {"nightly"}, "no revision names one that is gone"
    assert pets("rollout", "run", "web", "--image", "app:5", "--keep-snapshots", "2", expect=2).stderr


def test_the_plan_says_what_it_would_take(pets: Plugin, storage: Storage) -> None:
    named = storage.snapshot_class("safe", default=True)
    shown = pets(*RUN, "--dry-run=server").stdout
    assert shown.startswith("before a pod goes (3 VolumeSnapshots, all ready):\n     take VolumeSnapshot data-web-2-")
    assert f"(class {named})" in shown and not storage.snapshots()
    plan = json.loads(pets(*RUN, "--dry-run", "-o", "json").stdout)
    assert [each["claim"] for each in plan["snapshots"]] == ["data-web-2", "data-web-1", "data-web-0"]


def test_what_there_is_to_go_back_to(pets: Plugin, storage: Storage) -> None:
    """Of this set, of one of the same name before it, and of others."""
    assert "no VolumeSnapshots of the claims of web" in pets("snapshots", "web").stderr
    named = storage.snapshot_class("safe", default=True)
    revision = pets.set()["status"]["currentRevision"]
    with storage.controller(storage.finish):
        pets(*RUN, "--timeout", "90s")
    for name, claim in (("nightly", "data-web-0"), ("of-another", "data-websocket-0")):
        theirs = {
            "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": name},
            "spec": {"source": {"persistentVolumeClaimName": claim}, "volumeSnapshotClassName": named},
        }
        pets.plane.apply(json.dumps(theirs), pets.namespace)
    storage.report("nightly", error={"message": "quota \x1b[31mexceeded"})
    taken = [name for name in names(storage) if name.startswith("data-web-")]
    for second, name in enumerate(taken):
        storage.report(name, creationTime=f"2026-01-02T03:04:{second + 5:02}Z", restoreSize="1Gi")
    head, *rows = pets("snapshots", "web").stdout.splitlines()
    assert head.split() == ["NAME", "CLAIM", "POD", "REVISION", "AGE", "READY", "SIZE", "CLASS", "TAKEN-BY", "ERROR"]
    assert sorted(row.split()[0] for row in rows) == sorted([*taken, "nightly"])
    ours = next(row for row in rows if row.startswith("data-web-1")).split()
    assert ours[1:4] == ["data-web-1", "web-1", revision] and ours[5:] == ["true", "1Gi", named, "rollout", "-"]
    nightly = next(row for row in rows if row.startswith("nightly")).split()
    assert nightly[3] == "-" and nightly[5:] == ["false", "-", named, "others", "quota", "exceeded"]
    wide = pets("snapshots", "web", "-o", "wide", "--no-headers")
    assert "2026-01-02T03:04:05Z" in wide.stdout and "snapcontent-" in wide.stdout
    assert "3 snapshots cut within 2s of each other; each is crash-consistent, of its own volume" in wide.stderr
    document = json.loads(pets("snapshots", "web", "-o", "json").stdout)
    check(document)
    assert {each["taker"] for each in document["items"]} == {"rollout", "others"} and document["spreads"][0]["secondsApart"] == 2
    assert pets("snapshots", "web", "-o", "name").stdout.count("volumesnapshot.snapshot.storage.k8s.io/") == 4
    pets.kubectl("delete", "statefulset", "web", "--timeout=60s")
    gone = json.loads(pets("snapshots", "web", "-o", "json").stdout)["items"]
    assert [each["taker"] for each in gone] == ["earlier-set"] * 3 and {each["revision"] for each in gone} == {revision}
    assert "no StatefulSet nobody" in pets("snapshots", "nobody", expect=1).stderr


def test_a_cluster_without_such_things() -> None:
    with controlplane.running() as plane:
        plane.create_namespace("bare")
        pets = Plugin(plane, "bare")
        pets.make("web", claims=True, replicas=1)
        told = pets(*RUN, expect=6).stderr
        assert "this cluster has no VolumeSnapshots" in told and pets.images() == {"web-0": OLD}
