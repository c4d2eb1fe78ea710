"""Advanced StatefulSets of PingCAP: every verb, to its end. Their controller is played by its source (``tests/controlplane/played.py``),
on a control plane of its own; the API server, the pods' kubelets and the garbage collector are real or as everywhere in these tests."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests import controlplane
from tests.commands.plugin import Plugin
from tests.commands.test_orphans import become
from tests.controlplane import ControlPlane
from tests.controlplane.played import TYPE, PlayedController

pytestmark = pytest.mark.real

KIND = "statefulsets.apps.pingcap.com"

PAUSED = "paused-reconcile"


def manifest(*, replicas: int = 4, strategy: str = "", slots: str = "", extra: str = "") -> str:
    annotations = f"delete-slots: '{slots}'" if slots else ""
    return f"""
apiVersion: apps.pingcap.com/v1
kind: StatefulSet
metadata: {{name: db, annotations: {{{annotations}}}}}
spec:
  replicas: {replicas}
  serviceName: db
  selector: {{matchLabels: {{app: db}}}}
  {strategy}
  {extra}
  volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}}}]
  template:
    metadata: {{labels: {{app: db}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{{name: app, image: "app:1"}}]
"""


class Pingcap(Plugin):
    """The plugin, and one Advanced StatefulSet ``db``."""

    patience = "30s"

    def make_db(self, **how: Any) -> None:
        self.plane.apply(manifest(**how), self.namespace)
        self("status", "pingcap/db", "-w", "--timeout", "120s")

    @property
    def db(self) -> Any:
        return self.get(KIND, "db")

    def written(self) -> Any:
        """The partition as the spec has it: an ordinal."""
        return self.db["spec"]["updateStrategy"]["rollingUpdate"]["partition"]

    def tags(self) -> dict[int, str]:
        """The image's tag by ordinal."""
        return {int(pod.rpartition("-")[2]): image.rpartition(":")[2] for pod, image in self.images("db").items()}

    def image(self, tag: str) -> None:
        """Somebody else's edit of the template."""
        template = {"spec": {"containers": [{"name": "app", "image": f"app:{tag}"}]}}
        self.kubectl("patch", KIND, "db", "--type=merge", "-p", json.dumps({"spec": {"template": template}}))

    def lose(self, pod: str) -> None:
        """Have a pod deleted, and wait until it is made anew and ready."""
        before = self.uids("db")[pod]
        self.kubectl("delete", "pod", pod, "--wait=false")
        self.eventually(lambda: self.uids("db").get(pod, before) != before, f"{pod} is made anew")
        self.kubectl("wait", "--for=condition=Ready", "--timeout=120s", "pod", pod)


@pytest.fixture(scope="module")
def played() -> Iterator[ControlPlane]:
    """A control plane with the played controller."""
    with controlplane.running() as plane:
        plane.apply(TYPE)
        with PlayedController(plane.api()):
            yield plane


@pytest.fixture
def pets(played: ControlPlane) -> Iterator[Pingcap]:
    name = f"test-{secrets.token_hex(4)}"
    played.create_namespace(name)
    found = Pingcap(played, name)
    found.eventually(lambda: played.kubectl("get", KIND, check=False).returncode == 0, "the kind is served")
    yield found
    played.delete_namespace(name)


def test_canary_step_pause_and_promote_around_a_hole(pets: Pingcap) -> None:
    """Its partition is an ordinal, so around a hole it is another number than that of the pods that are held back."""
    pets.make_db(slots="[1]")
    assert sorted(pets.tags()) == [0, 2, 3, 4]
    plan = pets("rollout", "canary", "pingcap/db", "--image", "app:2", "--dry-run").stdout
    assert "db-4" in plan and set(pets.tags().values()) == {"1"}
    told = pets("rollout", "canary", "pingcap/db", "--image", "app:2").stderr
    assert "canary reached, 1/4" in told and pets.tags() == {0: "1", 2: "1", 3: "1", 4: "2"} and pets.written() == 4
    pets("rollout", "step", "statefulset.apps.pingcap.com/db")
    assert pets.tags() == {0: "1", 2: "1", 3: "2", 4: "2"} and pets.written() == 3
    pets("rollout", "pause", "pingcap/db")
    pets.lose("db-2")
    assert pets.tags() == {0: "1", 2: "1", 3: "2", 4: "2"}
    assert json.loads(pets("status", "pingcap/db", "-o", "json", expect=3).stdout)["spec"]["partition"] == 2
    pets("partition", "pingcap/db", "1")
    pets("status", "pingcap/db", "-w", "--until", "canary", "--timeout", "120s")
    assert pets.tags() == {0: "1", 2: "2", 3: "2", 4: "2"} and pets.written() == 2
    pets("rollout", "promote", "pingcap/db")
    assert set(pets.tags().values()) == {"2"} and pets.written() == 0
    pets("status", "pingcap/db", expect=0)


def test_abort_undo_and_history(pets: Pingcap) -> None:
    pets.make_db(replicas=3)
    pets("rollout", "canary", "pingcap/db", "--pods", "2", "--image", "app:2")
    old, new = pets.db["status"]["currentRevision"], pets.db["status"]["updateRevision"]
    told = pets("rollout", "abort", "pingcap/db", "-y")
    assert "every pod is back at" in told.stderr and set(pets.tags().values()) == {"1"} and pets.written() == 3
    history = json.loads(pets("rollout", "history", "pingcap/db", "-o", "json").stdout)
    assert [each["name"] for each in history["revisions"]] == [old, new]
    assert "app:2" in pets("rollout", "diff", "pingcap/db", expect=1).stdout
    pets("rollout", "undo", "pingcap/db", "-y")
    assert pets.db["status"]["updateRevision"] == old
    pets("rollout", "run", "pingcap/db", "--image", "app:3", "--ignore-budgets")
    assert set(pets.tags().values()) == {"3"}


def test_a_broken_pod_is_freed_once_the_template_is_put_back(pets: Pingcap) -> None:
    """kubernetes/kubernetes#67250, which this controller has, too."""
    pets.make_db(replicas=3)
    said = pets("rollout", "run", "pingcap/db", "--image", "app:broken", "--timeout", "120s", "--on-stuck", "pause", expect=4)
    assert "db-2" in said.stderr and pets.tags() == {0: "1", 1: "1", 2: "broken"}
    pets("rollout", "undo", "pingcap/db", "-y", "--timeout", "120s")
    assert set(pets.tags().values()) == {"1"}


CHANGING = (
    ("partition", "pingcap/db", "1"),
    ("rollout", "run", "pingcap/db", "--image", "app:9"),
    ("rollout", "canary", "pingcap/db", "--image", "app:9"),
    ("rollout", "step", "pingcap/db"),
    ("rollout", "promote", "pingcap/db"),
    ("rollout", "pause", "pingcap/db"),
    ("rollout", "abort", "pingcap/db", "-y"),
    ("rollout", "undo", "pingcap/db", "-y"),
    ("rollout", "unstick", "pingcap/db", "-y"),
    ("rollout", "restart", "pingcap/db", "-y"),
    ("rollout", "restart", "pingcap/db", "--pod", "0", "-y"),
)


def test_while_its_controller_is_stopped_nothing_is_done_and_nothing_said(pets: Pingcap) -> None:
    pets.make_db(replicas=2)
    pets("rollout", "run", "pingcap/db", "--image", "app:2")
    pets.kubectl("annotate", KIND, "db", f"{PAUSED}=true")
    pets.image("3")
    shown = pets("status", "pingcap/db", expect=3)
    assert "unknown" in shown.stdout and PAUSED in shown.stdout and "rollout resume pingcap/db" in shown.stderr
    before = pets.db["spec"], pets.db["metadata"]["annotations"], pets.uids("db")
    for words in CHANGING:
        said = pets(*words, expect=6).stderr
        assert PAUSED in said and "rollout resume pingcap/db" in said, words
    for wish in (("--replicas", "1"), ("--replicas", "2"), ("--remove", "0")):
        said = pets("scale", "pingcap/db", *wish, "-y", expect=6).stderr
        assert PAUSED in said and "rollout resume pingcap/db" in said, wish
    assert (pets.db["spec"], pets.db["metadata"]["annotations"], pets.uids("db")) == before
    assert "let updates go on" in pets("rollout", "resume", "pingcap/db", "--dry-run").stdout
    pets("rollout", "resume", "pingcap/db")
    assert PAUSED not in pets.db["metadata"].get("annotations", {})
    pets("status", "pingcap/db", "-w", "--timeout", "120s")
    assert set(pets.tags().values()) == {"3"}


def test_restart_makes_every_pod_anew(pets: Pingcap) -> None:
    pets.make_db(replicas=2, extra="podManagementPolicy: Parallel")
    before = pets.uids("db")
    pets("rollout", "restart", "pingcap/db", "-y")
    after = pets.uids("db")
    assert set(before) == set(after) and all(before[pod] != after[pod] for pod in before)
    pets("rollout", "restart", "pingcap/db", "--pod", "0", "-y")
    assert {pod for pod, uid in pets.uids("db").items() if uid != after[pod]} == {"db-0"}


def test_scale_and_remove_an_ordinal(pets: Pingcap) -> None:
    pets.make_db(replicas=3)
    plan = pets("scale", "pingcap/db", "--remove", "1", "--plan").stdout
    assert "without ordinal 1 from now on" in plan and "remove db-1" in plan and "claim data-db-1" in plan
    pets("scale", "pingcap/db", "--remove", "1")
    assert sorted(pets.tags()) == [0, 2] and pets.db["metadata"]["annotations"]["delete-slots"] == "[1]"
    assert pets.db["spec"]["replicas"] == 2
    assert "nothing to do" in pets("scale", "pingcap/db", "--remove", "1").stderr
    pets("scale", "pingcap/db", "--replicas", "3")
    assert sorted(pets.tags()) == [0, 2, 3]
    pets("scale", "pingcap/db", "--remove", "0")
    assert sorted(pets.tags()) == [2, 3] and pets.db["metadata"]["annotations"]["delete-slots"] == "[0,1]"
    become(pets, data_db_0="will-return", data_db_1="will-return", data_db_2="in-use", data_db_3="in-use")


def test_slots_that_cannot_be_read_are_no_ground_for_a_change(pets: Pingcap) -> None:
    """The controller takes them for none, which nobody may have meant."""
    pets.plane.apply(manifest(replicas=2, slots="1, 2"), pets.namespace)
    pets.eventually(lambda: len(pets.tags()) == 2, "it has its pods")
    for words in (("rollout", "run", "pingcap/db", "--image", "app:2"), ("scale", "pingcap/db", "--replicas", "3")):
        assert "leaves out cannot be read" in pets(*words, expect=6).stderr
    assert set(pets.tags().values()) == {"1"}


def test_what_is_not_for_this_kind_says_so(pets: Pingcap) -> None:
    pets.make_db(replicas=1)
    for words in (("resize", "pingcap/db", "2Gi"), ("rollout", "handover", "pingcap/db")):
        assert "is for StatefulSets of apps/v1" in pets(*words, expect=6).stderr
    assert json.loads(pets("quorum", "pingcap/db", "-o", "json").stdout)["members"] == 1
    pets("lost", "pingcap/db")
    pets("doctor", "pingcap/db", expect=None)


@pytest.fixture
def node(pets: Pingcap) -> Iterator[str]:
    """A node that takes pods of this test's namespace alone."""
    name = f"lost-{pets.namespace}"
    pets.plane.add_node(name, {"only": pets.namespace}, reserved=True)
    yield name
    pets.plane.kubectl("delete", "node", name, check=False)


def test_a_lost_pod_is_forced_out_and_made_anew(pets: Pingcap, node: str) -> None:
    """Also while its controller is stopped, which makes the pod anew once it goes on."""
    place = f"nodeSelector: {{only: {pets.namespace}}}\n      tolerations: [{{operator: Exists, effect: NoSchedule}}]\n      containers:"
    pets.plane.apply(manifest(replicas=1).replace("containers:", place), pets.namespace)
    pets("status", "pingcap/db", "-w", "--timeout", "120s")
    uid = pets.uids("db")["db-0"]
    pets.plane.silence_node(node)
    pets.kubectl("delete", "pod", "db-0", "--wait=false", "--grace-period=1")

    def held() -> str:
        items = json.loads(pets("lost", "pingcap/db", "-o", "json").stdout)["items"]
        return str(items[0]["held"]) if items else ""

    pets.eventually(lambda: held() == "lost", "its node does not answer")
    pets.kubectl("annotate", KIND, "db", f"{PAUSED}=true")
    force = ("lost", "pingcap/db", "--force-delete", "db-0")
    assert node in pets(*force, expect=6).stderr and pets.uids("db") == {"db-0": uid}
    assert "nothing was changed" in pets(*force, interactive=True, answers="yes\n", expect=6).stderr
    assert "db-0 was forced out" in pets(*force, interactive=True, answers=f"{node}\n").stdout
    assert pets.uids("db") == {} and pets.get("pvc", "data-db-0")["status"]["phase"] == "Bound"
    pets.plane.wake_node(node)
    pets("rollout", "resume", "pingcap/db")
    pets("status", "pingcap/db", "-w", "--until", "ready", "--timeout", "120s", "--patience", "100s")
    assert pets.uids("db")["db-0"] != uid
    assert "no pod" in pets("lost", "pingcap/db", "--check").stderr
