"""What was before: verbs that go back, where ``status.currentRevision`` does not tell what ran before, on the real control plane."""

import json
from typing import Any

import pytest

from tests.commands.plugin import Plugin, manifest

pytestmark = pytest.mark.real

OLD, NEW = "app:1", "app:2"
HELD = "{type: RollingUpdate, rollingUpdate: {partition: 3}}"


def made_again(pets: Plugin) -> None:
    """Deleted with its pods left, and made again with another template: the current revision is the wanted one."""
    pets.make("web")
    pets.kubectl("delete", "statefulset", "web", "--cascade=orphan")
    pets.plane.apply(manifest("web", image=NEW, strategy=HELD), pets.namespace)
    pets.eventually(lambda: pets.set()["status"].get("observedGeneration", 0) > 0, "the controller sees the new set")
    pets.eventually(lambda: all("ownerReferences" in revision["metadata"] for revision in revisions(pets)), "revisions adopted")
    pets.eventually(lambda: pets.set()["status"].get("replicas") == 3, "its pods adopted")


def revisions(pets: Plugin) -> list[Any]:
    found: list[Any] = pets.get("controllerrevisions")["items"]
    return found


def test_a_set_made_again_over_its_pods(pets: Plugin) -> None:
    """open-telemetry/opentelemetry-operator#5329: abort deleted the healthy pods of the running version and brought the new one."""
    made_again(pets)
    status, before = pets.set()["status"], pets.uids()
    assert status["currentRevision"] == status["updateRevision"]
    assert "undo" in pets("rollout", "abort", "web", "-y", "--timeout", "40s", expect=6).stderr
    pets("rollout", "abort", "web", "--dry-run", expect=6)
    assert pets.uids() == before and pets.partition() == 3
    shown = pets("rollout", "undo", "web", "-y", "--timeout", "40s").stderr
    assert "undone, 3 pods" in shown
    assert pets.uids() == before and set(pets.images().values()) == {OLD}
    assert pets.set()["spec"]["template"]["spec"]["containers"][0]["image"] == OLD


def test_a_revision_that_somebody_tidied_up(pets: Plugin) -> None:
    """kubernetes/kubernetes#85690: what the other pods run is gone, and a pod that is deleted comes back at the new version."""
    pets.make("web")
    old = pets.set()["status"]["currentRevision"]
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "30s")
    before = pets.uids()
    pets.kubectl("delete", "controllerrevision", old)
    for _ in range(2):  # before the controller has looked again, and after
        pets("rollout", "abort", "web", "-y", "--timeout", "40s", expect=6)
        refused = pets("rollout", "undo", "web", "-y", "--timeout", "40s", expect=6).stderr
        assert "web-0, web-1" in refused and "ControllerRevision is gone" in refused
        assert pets.uids() == before
        pets.kubectl("annotate", "statefulset", "web", "touched=yes", "--overwrite")
        pets.eventually(lambda: pets.set()["status"]["currentRevision"] != old, "the controller has noticed it")


def test_a_template_written_twice_is_no_earlier_one(pets: Plugin) -> None:
    """kubernetes/kubernetes#134773: 1.33 spelt out a null that 1.34 leaves out."""
    pets.make("web")
    own = revisions(pets)[0]
    meta = own["metadata"]
    own["metadata"] = {key: meta[key] for key in ("labels", "ownerReferences", "namespace")} | {"name": "web-old33"}
    own["revision"] = 0
    own["data"]["spec"]["template"]["metadata"]["creationTimestamp"] = None
    pets.plane.apply(json.dumps(own), pets.namespace)
    generation = pets.set()["metadata"]["generation"]
    refused = pets("rollout", "undo", "web", "-y", expect=6).stderr
    assert "no earlier revision" in refused and pets.set()["metadata"]["generation"] == generation
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    pets("rollout", "undo", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {OLD}


def test_by_hand_one_revision_back(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    for image in (NEW, "app:3"):
        pets("rollout", "run", "web", "--image", image, "-y", "--timeout", "60s")
    assert "revision 2" in pets("rollout", "undo", "web", "--dry-run").stdout
    pets("rollout", "undo", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {NEW}


def test_what_a_partition_keeps_is_not_undone(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "run", "web", "--image", NEW, "--timeout", "60s")
    pets("partition", "web", "2")
    shown = pets("rollout", "undo", "web", "-y", "--timeout", "60s", expect=3).stderr
    assert "undone" not in shown and "web-0, web-1" in shown
    assert pets.images() == {"web-0": NEW, "web-1": NEW, "web-2": OLD}


def test_revisions_that_another_set_has_left_behind(pets: Plugin) -> None:
    """Two sets of one chart, with the same labels: one is deleted with ``--cascade=orphan``, and the other adopts its ControllerRevisions
    (kubernetes pkg/controller/statefulset adoptOrphanRevisions). ``undo`` put the program of the one on the volumes of the other."""
    pets.make("web")
    pets.plane.apply(manifest("db", image="db:1").replace("app: db", "app: web"), pets.namespace)
    pets("status", "db", "-w", "--timeout", "60s")
    pets.kubectl("set", "image", "statefulset/db", "app=db:2")
    pets("status", "db", "-w", "--timeout", "60s")
    pets.kubectl("delete", "statefulset", "db", "--cascade=orphan")
    pets.kubectl("delete", "pods", "db-0", "db-1", "db-2")
    pets.kubectl("annotate", "statefulset", "web", "touched=true")

    def adopted() -> bool:
        revisions = pets.get("controllerrevisions")["items"]
        owners = [owner["name"] for each in revisions for owner in each["metadata"].get("ownerReferences", [])]
        return owners == ["web"] * 3

    pets.eventually(adopted, "the revisions are adopted")
    shown = pets("rollout", "undo", "web", "-y", expect=6).stderr
    assert "were made for another set" in shown and "rollout history web" in shown
    assert pets("rollout", "history", "web").stdout.count("adopted") == 2
    pets("rollout", "run", "web", "--image", "app:2", "--timeout", "60s")
    assert "rollout undo" in pets("rollout", "abort", "web", "-y", expect=6).stderr
    pets("rollout", "undo", "web", "-y", "--timeout", "60s")
    assert set(pets.images().values()) == {"app:1"}
