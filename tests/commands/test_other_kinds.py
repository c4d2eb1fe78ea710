"""StatefulSets of OpenKruise and PingCAP: they are read, and they count as live sets. On control planes of their own, because their
types would be seen by all tests. Nobody controls them here: what their controllers made is put there as it was recorded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import controlplane
from tests.commands.plugin import Plugin
from tests.commands.shell import Shell
from tests.commands.test_orphans import become, make, shrink
from tests.controlplane.objects import open_type
from tests.domain.sets import scenes

pytestmark = pytest.mark.real

SET = """
apiVersion: %(group)s/%(version)s
kind: StatefulSet
metadata: {name: web, annotations: %(annotations)s}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  %(more)s
  volumeClaimTemplates: [{metadata: {name: data}}]
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: "app:1"}]}}
"""
KRUISE = {"group": "apps.kruise.io", "version": "v1beta1", "annotations": "{}", "more": 'reserveOrdinals: [1, "5-6"]'}
PINGCAP = {"group": "apps.pingcap.com", "version": "v1", "annotations": "{delete-slots: '[1]'}", "more": ""}


def test_sets_of_other_groups_want_their_claims() -> None:
    """Two replicas around a hole at 1 are ordinals 0 and 2; the hole may be filled again, and 3 is beyond."""
    with controlplane.running() as plane:
        pets = Plugin(plane, "default")
        make(pets, replicas=4)
        shrink(pets, 1)
        pets.kubectl("delete", "statefulset", "web")
        gone = {f"data_web_{ordinal}": "set-gone" for ordinal in range(4)}
        become(pets, **gone)
        for kind in (KRUISE, PINGCAP):
            plane.apply(open_type(kind["group"], kind["version"], "StatefulSet"))
            pets.eventually(lambda: plane.kubectl("create", "-f", "-", input=SET % kind, check=False).returncode == 0, "served")
            become(pets, data_web_0="in-range", data_web_1="will-return", data_web_2="in-range", data_web_3="scaled-down")
            plane.kubectl("delete", f"statefulsets.{kind['group']}", "web")
            become(pets, **gone)


# --- reading them ------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def other() -> Iterator[Plugin]:
    """A set ``db`` of each of apps/v1 and OpenKruise, the latter with holes and four pods."""
    with controlplane.running() as plane:
        pets = Plugin(plane, "default")
        said = pets("status", "kruise/db", expect=1).stderr
        assert "does not know statefulsets.apps.kruise.io of v1beta1" in said and "--api-group=apps.kruise.io" in said
        assert "NAME" in pets("list").stdout or "No StatefulSets" in pets("list").stderr
        for kind in (KRUISE, PINGCAP):
            plane.apply(open_type(kind["group"], kind["version"], "StatefulSet"))
        pets.make("db", replicas=1, wait=False)
        pets.kubectl("delete", "statefulset", "db", "--cascade=orphan")
        pets.kubectl("delete", "pod", "-l", "app=db", "--wait=true")
        pets.make("web", replicas=1)
        play(pets, "reserved")
        pets("status", "kruise/db", "-w", "--timeout", "60s")  # its minReadySeconds are 4
        yield pets


def play(pets: Plugin, name: str) -> None:
    """Put a scene's set there with the status that its controller wrote, and its pods, whose nodes and states are real ones."""
    items = scenes.objects(name)
    owner = next(item for item in items if item["kind"] == "StatefulSet")
    for item in items:
        for key in ("uid", "creationTimestamp", "generation", "namespace"):
            item["metadata"].pop(key, None)
    owner["status"]["observedGeneration"] = 1
    made: dict[str, Any] = {}

    def create() -> bool:
        done = pets.plane.kubectl("create", "-f", "-", "-o", "json", "-n", pets.namespace, input=json.dumps(owner), check=False)
        made.update(json.loads(done.stdout) if done.returncode == 0 else {})
        return bool(made)

    pets.eventually(create, "the kind is served")
    for item in items:
        if item["kind"] not in ("Pod", "ControllerRevision"):
            continue
        item["metadata"]["ownerReferences"][0]["uid"] = made["metadata"]["uid"]
        item.pop("status", None)
        if item["kind"] == "Pod":
            item["spec"] = {"containers": item["spec"]["containers"], "hostname": item["spec"]["hostname"], "subdomain": "db"}
        pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(item))
    pods = [f"pod/{item['metadata']['name']}" for item in items if item["kind"] == "Pod"]
    pets.kubectl("wait", "--for=condition=Ready", *pods, "--timeout=120s")


@pytest.mark.parametrize("name", ["kruise/db", "asts/db", "statefulset.apps.kruise.io/db", "statefulsets.v1beta1.apps.kruise.io/db"])
def test_status_of_another_kind(other: Plugin, name: str) -> None:
    seen = other("status", name, "-w", "--timeout", "60s")
    assert "default/db" in seen.stdout
    shown = other("status", name, "-o", "wide").stdout
    assert "Advanced StatefulSet (OpenKruise)" in shown and "without ordinals 1, 5-6" in shown and "missing" not in shown
    document = json.loads(other("status", name, "-o", "json").stdout)
    assert document["set"] == {"apiVersion": "apps.kruise.io/v1beta1", "kind": "StatefulSet"}
    assert [pod["name"] for pod in document["status"]["pods"]] == ["db-0", "db-2", "db-3", "db-4"]
    assert other("status", name, "-o", "name").stdout == "statefulset.apps.kruise.io/db\n"


def test_list_tells_kinds(other: Plugin) -> None:
    rows = [line.split() for line in other("list").stdout.splitlines()]
    assert rows[0][:3] == ["NAME", "KIND", "PHASE"]
    assert [row[:2] for row in rows[1:]] == [["db", "StatefulSet.apps.kruise.io"], ["web", "StatefulSet"]]
    assert other("list", "-o", "name").stdout.splitlines() == ["statefulset.apps.kruise.io/db", "statefulset.apps/web"]


def test_a_plain_name_is_of_apps(other: Plugin) -> None:
    assert "was kruise/db meant, the Advanced StatefulSet (OpenKruise)?" in other("status", "db", expect=1).stderr
    assert "was web meant, the StatefulSet?" in other("status", "kruise/web", expect=1).stderr
    assert "was kruise/db meant?" in other("status", "kruise/dc", expect=1).stderr


def test_quorum_of_another_kind(other: Plugin) -> None:
    found = json.loads(other("quorum", "kruise/db", "-o", "json").stdout)
    assert (found["members"], found["available"], found["set"]["apiVersion"]) == (4, 4, "apps.kruise.io/v1beta1")
    assert "StatefulSet.apps.kruise.io" in other("quorum").stdout


def test_names_of_another_kind(other: Plugin) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "db"},
        "spec": {"clusterIP": "None", "selector": {"app": "db"}, "ports": [{"port": 80}]},
    }
    other.plane.kubectl("apply", "-f", "-", "-n", "default", input=json.dumps(service))
    found = json.loads(other("dns", "kruise/db", "-o", "json").stdout)
    assert found["set"]["apiVersion"] == "apps.kruise.io/v1beta1"
    assert [name["pod"] for name in found["names"] if name["kind"] == "pod"] == ["db-0", "db-2", "db-3", "db-4"]


def test_a_set_of_a_united_deployment_is_its_controllers_to_change(other: Plugin) -> None:
    """Its partition and replicas are put back; its owner is named in ``status`` and by every verb that is refused for it."""
    other.plane.apply(open_type("apps.kruise.io", "v1alpha1", "UnitedDeployment"))
    united = json.dumps({"apiVersion": "apps.kruise.io/v1alpha1", "kind": "UnitedDeployment", "metadata": {"name": "shop"}, "spec": {}})
    create = ("create", "-f", "-", "-n", other.namespace, "-o", "json")
    other.eventually(lambda: other.plane.kubectl(*create, input=united, check=False).returncode == 0, "the kind is served")
    other.make("shop-a", replicas=1)
    uid = other.kubectl("get", "uniteddeployment", "shop", "-o", "jsonpath={.metadata.uid}")
    keeper = {"apiVersion": "apps.kruise.io/v1alpha1", "kind": "UnitedDeployment", "name": "shop", "uid": uid, "controller": True}
    other.kubectl("patch", "statefulset", "shop-a", "--type=merge", "-p", json.dumps({"metadata": {"ownerReferences": [keeper]}}))
    assert "belongs to UnitedDeployment shop" in other("status", "shop-a").stdout
    before = other.get("statefulset", "shop-a")["metadata"]["resourceVersion"]
    for words in (
        ("partition", "shop-a", "1"),
        ("rollout", "run", "shop-a", "--image", "app:2", "-y"),
        ("rollout", "restart", "shop-a", "-y", "--dry-run"),
        ("scale", "shop-a", "--replicas", "2"),
        ("scale", "shop-a", "--replicas", "2", "--plan"),
    ):
        result = other(*words, expect=6)
        said = result.stdout + result.stderr
        assert "belongs to UnitedDeployment shop" in said and "groups" not in said, said
        assert "--plan" in words or "--dry-run" in words or "kubectl get uniteddeployments.apps.kruise.io shop" in said
    assert other.get("statefulset", "shop-a")["metadata"]["resourceVersion"] == before
    said = other("status", "shop", expect=1).stderr
    assert "shop is of kind UnitedDeployment" in said and "kubectl get uniteddeployments.apps.kruise.io shop" in said


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("kruise/", ["kruise/db"]), ("asts/d", ["asts/db"]), ("statefulset.apps.kruise.io/", ["statefulset.apps.kruise.io/db"]), ("lws/", [])],
)
def test_names_of_other_kinds_are_completed(other: Plugin, tmp_path: Path, typed: str, offered: list[str]) -> None:
    """A kind that the cluster does not know has none."""
    shell = Shell(tmp_path, other.plane.kubeconfig)
    for verb in (("status",), ("rollout", "undo"), ("scale",)):
        assert shell.complete(*verb, "-n", other.namespace, typed).candidates == offered


def test_only_a_kind_that_leaves_ordinals_out_has_one_removed(other: Plugin) -> None:
    refused = other("scale", "web", "--remove", "0", expect=6).stderr
    assert "leaves no ordinal out" in refused
    assert "hint: say --replicas, 1 fewer than kubectl pets status web -n" in refused, "what can be pasted as it stands"


def test_the_past_of_another_kind(other: Plugin) -> None:
    assert json.loads(other("rollout", "history", "kruise/db", "-o", "json").stdout)["kind"]
    assert "no pod" in other("lost", "kruise/db").stderr.lower()


def test_kinds_that_may_not_be_read_are_told(other: Plugin) -> None:
    other.kubectl("create", "role", "look", "--verb=get,list,watch", "--resource=statefulsets.apps,controllerrevisions.apps,pods")
    other.kubectl("create", "rolebinding", "look", "--role=look", "--user=alice")
    words = ("auth", "can-i", "list", "pods", "--as=alice", "-n", "default")
    other.eventually(lambda: other.plane.kubectl(*words, check=False).stdout.strip() == "yes", "the role counts")
    seen = other("list", "--as", "alice")
    assert "statefulsets.apps.kruise.io could not be read" in seen.stderr and "web" in seen.stdout
    document = json.loads(other("list", "--as", "alice", "-o", "json").stdout)
    assert document["kindsNotRead"] == ["statefulsets.apps.kruise.io", "statefulsets.apps.pingcap.com"]
    other("quorum", "--check", "--as", "alice", expect=7)


def test_a_pod_that_is_updated_in_place_is_not_available(other: Plugin) -> None:
    """The last of these tests, for it changes pods."""
    other.kubectl("label", "pod", "db-4", "lifecycle.apps.kruise.io/state=Updating", "--overwrite")
    assert "its lifecycle state is not Normal" in other("status", "kruise/db", expect=3).stdout
    other.kubectl("label", "pod", "db-4", "lifecycle.apps.kruise.io/state=Normal", "--overwrite")
    other("status", "kruise/db", expect=0)
    other.kubectl("delete", "pod", "db-2", "--wait=true")
    shown = other("status", "kruise/db", expect=3).stdout
    assert "db-2  · missing" in shown and "db-1" not in shown
