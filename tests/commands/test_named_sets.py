"""KubeBlocks' InstanceSets and Strimzi's StrimziPodSets on a real API server: looked at by name, and changed by no verb.

Nobody controls them here: their types are those of their repositories as far as they are read (apecloud/kubeblocks
config/crd/bases/workloads.kubeblocks.io_instancesets.yaml, strimzi/strimzi-kafka-operator 042-Crd-strimzipodset.yaml), and what
their controllers make of a set is put there as their sources say.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import controlplane
from tests.commands.plugin import Plugin
from tests.commands.shell import Shell
from tests.commands.test_least_rights import Holder
from tests.commands.test_orphans import become

pytestmark = pytest.mark.real

INSTANCE_SETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: instancesets.workloads.kubeblocks.io}
spec:
  group: workloads.kubeblocks.io
  scope: Namespaced
  names: {kind: InstanceSet, listKind: InstanceSetList, plural: instancesets, singular: instanceset, shortNames: [its]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              replicas: {type: integer, format: int32, minimum: 0, default: 1}
              minReadySeconds: {type: integer, format: int32, minimum: 0, default: 0}
              podManagementPolicy: {type: string}
              podUpdatePolicy: {type: string}
              paused: {type: boolean}
              offlineInstances: {type: array, items: {type: string}}
              selector: {type: object, x-kubernetes-preserve-unknown-fields: true}
              template: {type: object, x-kubernetes-preserve-unknown-fields: true}
              volumeClaimTemplates: {type: array, items: {type: object, x-kubernetes-preserve-unknown-fields: true}}
              instances:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  required: [name]
                  properties:
                    name: {type: string, maxLength: 54}
                    replicas: {type: integer, format: int32, minimum: 0, default: 1}
                    image: {type: string}
          status:
            type: object
            properties:
              observedGeneration: {type: integer, format: int64}
              replicas: {type: integer, format: int32}
              updateRevision: {type: string}
              updateRevisions: {type: object, additionalProperties: {type: string}}
"""

POD_SETS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: strimzipodsets.core.strimzi.io}
spec:
  group: core.strimzi.io
  scope: Namespaced
  names: {kind: StrimziPodSet, listKind: StrimziPodSetList, plural: strimzipodsets, singular: strimzipodset, shortNames: [sps]}
  versions:
  - name: %s
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [selector, pods]
            properties:
              selector: {type: object, properties: {matchLabels: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
              pods: {type: array, items: {type: object, x-kubernetes-preserve-unknown-fields: true}}
          status:
            type: object
            properties: {observedGeneration: {type: integer}, pods: {type: integer}, readyPods: {type: integer}, currentPods: {type: integer}}
"""

WANTED = {"db-0": "db-5f6c", "db-2": "db-5f6c", "db-big-0": "db-77aa"}

DB = """
apiVersion: workloads.kubeblocks.io/v1
kind: InstanceSet
metadata: {name: db}
spec:
  replicas: 3
  offlineInstances: [db-1]
  selector: {matchLabels: {app: db}}
  instances: [{name: big}]
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: app, image: "app:1"}]}}
"""


class Named(Plugin):
    """The plugin, one InstanceSet ``db`` of which an instance is offline, and one StrimziPodSet ``kafka``."""

    def make(self) -> None:  # type: ignore[override]
        for text in (INSTANCE_SETS, POD_SETS % "v1"):
            self.plane.apply(text)
        self._created(DB, "instancesets.workloads.kubeblocks.io", "db")
        for name in ("db-0", "db-1", "db-2", "db-big-0"):
            self._claim(f"data-{name}")
        owner = self.get("instancesets.workloads.kubeblocks.io", "db")
        for name, revision in WANTED.items():
            self.pod(owner, name, "db-headless", {"app": "db", "controller-revision-hash": revision}, {}, f"data-{name}")
        self.seen("instancesets.workloads.kubeblocks.io", "db", updateRevisions=WANTED, updateRevision="db-77aa")
        self._service("db-headless", "db")
        pods = [
            {"metadata": {"name": f"kafka-{index}", "annotations": {"strimzi.io/revision": f"r{index}"}}, "spec": {"subdomain": "brokers"}}
            for index in (4, 5)
        ]
        kafka = {
            "apiVersion": "core.strimzi.io/v1",
            "kind": "StrimziPodSet",
            "metadata": {"name": "kafka"},
            "spec": {"selector": {"matchLabels": {"app": "kafka"}}, "pods": pods},
        }
        self._created(json.dumps(kafka), "strimzipodsets.core.strimzi.io", "kafka")
        owner = self.get("strimzipodsets.core.strimzi.io", "kafka")
        for index in (4, 5):
            self.pod(owner, f"kafka-{index}", "brokers", {"app": "kafka"}, {"strimzi.io/revision": f"r{index}"})
        self.seen("strimzipodsets.core.strimzi.io", "kafka")
        self._service("brokers", "kafka")
        names = (*WANTED, "kafka-4", "kafka-5")
        self.kubectl("wait", "--for=condition=Ready", "--timeout=120s", *(f"pod/{name}" for name in names))

    def _claim(self, name: str) -> None:
        """As one of the StatefulSets that KubeBlocks made before it had InstanceSets."""
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
        meta = {"name": name, "labels": {"example.org/of": "db"}}  # KubeBlocks has labels for them that its selector does not
        item = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
        words = ("create", "--field-manager=kube-controller-manager", "-f", "-", "-n", self.namespace)
        self.plane.kubectl(*words, input=json.dumps(item))

    def pod(
        self, owner: Any, name: str, subdomain: str, labels: dict[str, str], annotations: dict[str, str], claim: str = ""
    ) -> None:
        keeper = {key: owner[key] for key in ("apiVersion", "kind")} | {key: owner["metadata"][key] for key in ("name", "uid")}
        meta = {"name": name, "labels": labels, "annotations": annotations, "ownerReferences": [{**keeper, "controller": True}]}
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
        containers = [{"name": "app", "image": "app:1"}]
        spec = {"hostname": name, "subdomain": subdomain, "terminationGracePeriodSeconds": 0, "containers": containers, "volumes": volumes}
        self._create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})

    def seen(self, resource: str, name: str, **status: Any) -> None:
        """As its controller says that it has."""
        generation = self.get(resource, name)["metadata"]["generation"]
        told = json.dumps({"status": {"observedGeneration": generation, **status}})
        self.kubectl("patch", resource, name, "--subresource=status", "--type=merge", "-p", told)

    def _service(self, name: str, app: str) -> None:
        spec = {"clusterIP": "None", "selector": {"app": app}, "ports": [{"port": 80}], "publishNotReadyAddresses": True}
        self._create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})

    def _create(self, item: dict[str, Any]) -> None:
        self.plane.kubectl("create", "-f", "-", "-n", self.namespace, input=json.dumps(item))

    def _created(self, text: str, resource: str, name: str) -> None:
        """Also where its type was made this moment."""
        create = ("create", "-f", "-", "-n", self.namespace)

        def there() -> bool:
            self.plane.kubectl(*create, input=text, check=False)
            return self.plane.kubectl("get", resource, name, "-n", self.namespace, check=False).returncode == 0

        self.eventually(there, f"{resource} are served")


@pytest.fixture(scope="module")
def pets() -> Iterator[Named]:
    with controlplane.running() as plane:
        found = Named(plane, "default")
        found.make()
        yield found


@pytest.mark.parametrize("name", ["its/db", "instanceset/db", "instancesets.workloads.kubeblocks.io/db"])
def test_every_instance_stands_by_its_name(pets: Named, name: str) -> None:
    document = json.loads(pets("status", name, "-o", "json", expect=None).stdout)
    assert document["set"] == {"apiVersion": "workloads.kubeblocks.io/v1", "kind": "InstanceSet"}
    assert [pod["name"] for pod in document["status"]["pods"]] == list(WANTED)
    pets("status", name, "-w", "--timeout", "120s")
    shown = pets("status", name, "-o", "wide").stdout
    assert "3 claims" in shown and "InstanceSet (KubeBlocks)" in shown and "db-big-0" in shown and "db-1" not in shown


def test_pods_of_a_strimzi_pod_set(pets: Named) -> None:
    """Of a release that serves no v1beta2 any more."""
    pets("status", "sps/kafka", "-w", "--timeout", "120s")
    document = json.loads(pets("status", "sps/kafka", "-o", "json").stdout)
    assert [pod["name"] for pod in document["status"]["pods"]] == ["kafka-4", "kafka-5"]
    assert "ordinals from 4" in pets("status", "strimzipodset/kafka", "-o", "wide").stdout


def test_a_line_for_each(pets: Named) -> None:
    rows = [line.split()[:3] for line in pets("list").stdout.splitlines()[1:]]
    assert sorted(rows) == [["db", "InstanceSet.workloads.kubeblocks.io", "complete"], ["kafka", "StrimziPodSet.core.strimzi.io", "complete"]]
    told = json.loads(pets("quorum", "its/db", "-o", "json").stdout)
    assert (told["members"], told["available"], told["set"]["kind"]) == (3, 3, "InstanceSet")
    assert "no pod" in pets("lost", "its/db").stderr.lower()
    pets("wait", "its/db", "sps/kafka", "--for", "complete", "--timeout", "60s")


def test_names_under_their_services(pets: Named) -> None:
    for name, pods in (("its/db", list(WANTED)), ("sps/kafka", ["kafka-4", "kafka-5"])):
        names = json.loads(pets("dns", name, "-o", "json", expect=None).stdout)["names"]
        service = "db-headless" if name == "its/db" else "brokers"
        found = {each["pod"]: each["name"] for each in names if each["kind"] == "pod"}
        assert found == {pod: f"{pod}.{service}.default.svc.cluster.local" for pod in pods}


CHANGING = (
    ("partition", "1"),
    *((("rollout", verb)) for verb in ("canary", "step", "promote", "pause", "resume", "abort", "undo", "unstick", "restart")),
    ("rollout", "run", "--image", "app:2"),
    ("rollout", "history"),
    ("rollout", "handover"),
    ("scale", "--replicas", "1"),
    ("lost", "--force-delete", "db-0"),
    ("resize", "2Gi"),
    ("recreate",),
    ("doctor",),
)


@pytest.mark.parametrize("words", CHANGING, ids=" ".join)
def test_no_verb_changes_them(pets: Named, words: tuple[str, ...]) -> None:
    """What to take in its place is said."""
    before = [pets.get(resource)["items"] for resource in ("instancesets", "strimzipodsets", "pods")]
    at = 2 if words[0] == "rollout" else 1
    for name, instead in (("its/db", "OpsRequest"), ("sps/kafka", "strimzi.io/manual-rolling-update")):
        said = pets(*words[:at], name, *words[at:], expect=6).stderr
        assert "Nothing was changed" in said and instead in said and f"kubectl pets status {name}" in said
    after = [pets.get(resource)["items"] for resource in ("instancesets", "strimzipodsets", "pods")]
    assert [[each["metadata"]["uid"] for each in items] for items in after] == [[each["metadata"]["uid"] for each in items] for items in before]
    assert [each["metadata"]["generation"] for items in after[:2] for each in items] == [each["metadata"]["generation"] for items in before[:2] for each in items]


def test_no_claim_of_theirs_is_a_candidate(pets: Named) -> None:
    """Of an instance that is offline the data is kept, and it may come back, be it that a StatefulSet made the claim once."""
    become(pets, data_db_0="in-use", data_db_1="ambiguous", data_db_2="in-use", data_db_big_0="in-use")


def test_what_may_have_been_meant(pets: Named) -> None:
    assert "was its/db meant, the InstanceSet (KubeBlocks)?" in pets("status", "db", expect=1).stderr
    assert "was sps/kafka meant, the StrimziPodSet?" in pets("status", "kafka", expect=1).stderr
    assert "was its/db meant?" in pets("status", "its/dc", expect=1).stderr


def test_the_role_is_what_it_takes(pets: Named) -> None:
    """Exactly what stands in ``deploy/rbac/named-sets.yaml`` is used, beside the one to look at StatefulSets."""
    without = Holder(pets, "heidi-without", "looking")
    told = json.loads(pets("list", "-o", "json", "--as", "heidi-without").stdout)
    assert told["kindsNotRead"] == ["instancesets.workloads.kubeblocks.io", "strimzipodsets.core.strimzi.io"]
    heidi = Holder(pets, "heidi", "looking", "named-sets")
    heidi("list")
    for name in ("its/db", "sps/kafka"):
        heidi("status", name)
        heidi("status", name, "-w", "--until", "ready", "--timeout", "60s")
    assert heidi.unused() - without.granted == set()


def test_their_names_are_completed(pets: Named, tmp_path: Path) -> None:
    shell = Shell(tmp_path, pets.plane.kubeconfig)
    for typed, whole in (("its/d", "its/db"), ("sps/", "sps/kafka")):  # which offers nothing where the server is too slow for it

        def offered(typed: str = typed, whole: str = whole) -> bool:
            return shell.complete("status", "-n", "default", typed).candidates == [whole]

        pets.eventually(offered, f"{typed} is completed")


def test_what_is_taken_away_is_told(pets: Named) -> None:
    """The last of these tests, for it changes what is there: an instance more goes offline, and one is at another revision."""
    pets.kubectl("patch", "instancesets", "db", "--type=merge", "-p", '{"spec": {"replicas": 2, "offlineInstances": ["db-1", "db-2"]}}')
    assert json.loads(pets("status", "its/db", "-o", "json", expect=3).stdout)["status"]["waitsFor"][0]["awaited"] == "observation"
    pets.seen("instancesets.workloads.kubeblocks.io", "db", updateRevisions={"db-0": "db-new", "db-2": None, "db-big-0": "db-77aa"})
    document = json.loads(pets("status", "its/db", "-o", "json", expect=3).stdout)
    assert [(pod["name"], pod["updated"]) for pod in document["status"]["pods"]] == [("db-0", False), ("db-big-0", True)]
    pets.kubectl("patch", "instancesets", "db", "--type=merge", "-p", '{"spec": {"paused": true}}')
    pets.seen("instancesets.workloads.kubeblocks.io", "db")
    assert "spec.paused keeps its controller from it" in pets("status", "its/db", expect=3).stdout
