"""A HorizontalPodAutoscaler beside verbs that change claims: it scales between any two of their requests.

The object is there as the API server has it; what its controller would do, for which there are no metrics here, is a change of the scale
subresource (autoscaling/v2, HorizontalPodAutoscalerSpec.scaleTargetRef), as kubectl scale sends it.
"""

import http.client
import json
import subprocess
from pathlib import Path

import pytest

from tests.commands.middle import middle
from tests.commands.plugin import Plugin, Result
from tests.commands.test_made_anew import ended
from tests.commands.test_orphans import become
from tests.commands.test_orphans import make as made
from tests.commands.test_orphans import shrink, volume_of
from tests.commands.test_resize import make, sizes, template_size
from tests.commands.test_swept_anew import Scene, sweep
from tests.controlplane import Storage

pytestmark = pytest.mark.real

HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}
  minReplicas: 2
  maxReplicas: 9
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
"""


def clear(pets: Plugin) -> None:
    pets.kubectl("delete", "statefulset,pod,pvc", "--all", "--timeout=60s")


def test_a_resize_of_a_set_that_gets_more_pods_meanwhile(pets: Plugin, tmp_path: Path, storage: Storage) -> None:
    """The new pod's claim is made from the template that there is."""
    kind, words = storage.storage_class(), ("resize", "web", "2Gi", "-y", "--timeout", "60s")
    pets.plane.apply(HPA, pets.namespace)

    def wrong(pets: Plugin, ended: Result) -> str:
        if len(pets.uids()) == 4 or pets.set()["spec"]["replicas"] == 4:
            pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
        if ended.code == 0 and set(sizes(pets).values()) != {("2Gi", "2Gi")}:
            return f"called done at {sizes(pets)}"
        again = pets(*words, expect=None) if ended.code != 0 else ended
        return "" if again.code == 0 and set(sizes(pets).values()) == {("2Gi", "2Gi")} else f"typed again: {again}, {sizes(pets)}"

    scene = Scene(lambda pets: make(pets, kind), lambda pets: words, wrong)
    more = ("scale", "statefulset", "web", "--replicas=4")
    sweep(pets, tmp_path, scene, "resize", lambda moment: pets.kubectl(*more, check=False), lambda: clear(pets))


def test_a_pod_that_comes_between_the_last_claim_and_the_new_template(pets: Plugin, tmp_path: Path, storage: Storage) -> None:
    """"4 claims at 2Gi, and the template" was said while one of them had the size of before."""
    make(pets, storage.storage_class())
    pets.plane.apply(HPA, pets.namespace)
    before = pets.uids()

    def scaled() -> None:
        pets.kubectl("scale", "statefulset", "web", "--replicas=4")
        pets.eventually(lambda: sizes(pets).get("data-web-3") == ("1Gi", "1Gi"), "it has a claim")

    words = ("resize", "web", "2Gi", "-y", "--timeout", "90s")
    found = ended(pets, tmp_path, words, "POST", "/configmaps?fieldManager", scaled)
    assert found.returncode == 0 and "4 claims at 2Gi" in found.stderr, found
    assert len(sizes(pets)) == 4 and set(sizes(pets).values()) == {("2Gi", "2Gi")}
    assert pets.set()["spec"]["replicas"] == 4 and before.items() <= pets.uids().items()


def test_a_set_that_is_made_anew_with_the_template_of_before_once_the_new_one_was_there(
    pets: Plugin, tmp_path: Path, storage: Storage
) -> None:
    """As a deployer does whose chart says the size of before."""
    make(pets, storage.storage_class())
    before = pets.set()
    del before["status"], before["metadata"]["uid"], before["metadata"]["resourceVersion"]

    def anew() -> None:
        pets.kubectl("delete", "statefulset", "web", "--cascade=orphan")
        pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=json.dumps(before))

    over: list[str] = []
    with middle(pets.plane, tmp_path) as between:
        forward = between.gate.forward

        def last(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            if (method, "/configmaps/" in path) == ("DELETE", True) or (over and "/statefulsets/web" in path):
                over.append(path)
                if len(over) == 4:  # what was intended is forgotten, the set read twice more by who made it, and then by us
                    anew()
            return forward(method, path, headers, body)

        between.gate.forward = last  # type: ignore[method-assign]
        words = pets.command("resize", "web", "2Gi", "-y", "--timeout", "60s", kubeconfig=between.kubeconfig)
        found = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert len(over) >= 4 and template_size(pets) == "1Gi" and set(sizes(pets).values()) == {("2Gi", "2Gi")}
    assert found.returncode == 1 and "made another one of the same name" in found.stderr, found


def test_a_claim_that_an_autoscaler_wants_again_while_it_is_deleted(pets: Plugin, tmp_path: Path) -> None:
    """Its volume stays, whoever was first; and what is called deleted is gone, or is on its way out while its pod holds it."""
    left: list[str] = []

    def begin(pets: Plugin) -> None:
        made(pets, replicas=2)
        shrink(pets, 1)
        become(pets, data_web_0="in-use", data_web_1="scaled-down")
        left[:] = [volume_of(pets, "data-web-1")["metadata"]["name"], pets.get("pvc", "data-web-1")["metadata"]["uid"]]

    def wrong(pets: Plugin, ended: Result) -> str:
        volume = json.loads(pets.plane.kubectl("get", "pv", left[0], "-o", "json").stdout)
        claims = {each["metadata"]["uid"]: each["metadata"] for each in pets.get("pvc")["items"]}
        there = left[1] in claims and "deletionTimestamp" not in claims[left[1]]
        kept = volume["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
        if ended.code == 0 and (there or not kept):
            return f"called deleted: claim {'there' if there else 'gone'}, {volume['spec']['persistentVolumeReclaimPolicy']}"
        return "" if there or kept else "its volume goes with it"

    words = ("orphans", "delete", "data-web-1", "-y", "--record", str(tmp_path / "records"))
    scene = Scene(begin, lambda pets: words, wrong)

    def does(moment: int) -> None:
        pets.plane.apply(HPA, pets.namespace)
        pets.kubectl("scale", "statefulset", "web", "--replicas=2")

    def bare() -> None:
        pets.kubectl("delete", "hpa", "--all")
        clear(pets)

    sweep(pets, tmp_path, scene, "orphans delete", does, bare)
