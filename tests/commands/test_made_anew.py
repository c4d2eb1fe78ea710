"""What was meant is deleted, and another one has its name, before a request of a run: nothing that was agreed to for the old one is said or
done of the new one."""

import http.client
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.middle import middle
from tests.commands.plugin import Plugin, manifest
from tests.commands.test_orphans import CLAIM, make, shrink, volume_of

pytestmark = pytest.mark.real


def ended(pets: Plugin, folder: Path, words: tuple[str, ...], wanted: str, path_part: str, does: Callable[[], None]) -> "subprocess.CompletedProcess[str]":
    """The plugin through a middle that has something done before its first request of that kind."""
    done: list[str] = []
    with middle(pets.plane, folder) as between:
        forward = between.gate.forward

        def first(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            if method == wanted and path_part in path and not done:
                done.append(path)
                does()
            return forward(method, path, headers, body)

        between.gate.forward = first  # type: ignore[method-assign]
        found = subprocess.run(pets.command(*words, kubeconfig=between.kubeconfig), capture_output=True, text=True, timeout=120)
    assert done, "there was no such request"
    return found


def anew(pets: Plugin, name: str) -> None:
    pets.kubectl("delete", "pvc", name, "--timeout=60s")
    pets.plane.apply(CLAIM % name, pets.namespace)


@pytest.mark.parametrize("verb", [("keep", "--why", "the March backup"), ("unkeep",)])
def test_a_claim_that_is_marked(pets: Plugin, tmp_path: Path, verb: tuple[str, ...]) -> None:
    """It was called kept, and what was to be kept was gone."""
    pets.plane.apply(CLAIM % "data", pets.namespace)
    found = ended(pets, tmp_path, ("orphans", verb[0], "data", *verb[1:]), "PATCH", "/persistentvolumeclaims/", lambda: anew(pets, "data"))
    assert found.returncode == 1 and "is another claim by now" in found.stderr and found.stdout == ""
    assert "kubectl-pets/keep" not in pets.get("pvc", "data")["metadata"].get("annotations", {})


def test_a_claim_that_is_being_deleted_cannot_be_kept(pets: Plugin) -> None:
    """A deletion is never taken back (metav1.ObjectMeta, deletionTimestamp): "is kept" was said of a claim that its pod still used."""
    pets.make("web", replicas=1, claims=True)
    pets.kubectl("delete", "pvc", "data-web-0", "--wait=false")
    refused = pets("orphans", "keep", "data-web-0", "--why", "the March backup", expect=6)
    assert "is being deleted already" in refused.stderr and f"kubectl pets orphans explain data-web-0 -n {pets.namespace}" in refused.stderr
    assert "patch pv" in pets("orphans", "explain", "data-web-0").stdout


@pytest.mark.parametrize(
    ("method", "path_part"),
    [("GET", "/pods"), ("PATCH", "/statefulsets/web")], ids=["between two reads", "before the change"],
)
def test_a_set_that_is_handed_over(pets: Plugin, tmp_path: Path, method: str, path_part: str) -> None:
    """"Handed over", with values that nobody has any more."""
    pets.make("web")
    pets("rollout", "run", "web", "--image", "app:2", "--timeout", "60s")

    def remade() -> None:
        pets.kubectl("delete", "statefulset", "web", "--cascade=orphan", "--timeout=60s")
        pets.plane.kubectl("create", "-n", pets.namespace, "-f", "-", input=manifest("web"))

    found = ended(pets, tmp_path, ("rollout", "handover", "web", "-y"), method, path_part, remade)
    assert found.returncode == 1 and "handed over" not in found.stderr
    assert "made another one of the same name" in found.stderr or "made anew while it was read" in found.stderr
    assert not any(key.startswith("kubectl-pets/") for key in pets.set()["metadata"].get("annotations", {}))


def test_a_claim_that_a_volume_was_adopted_for(pets: Plugin, tmp_path: Path) -> None:
    """"Adopted", while another claim of that name was there, with an empty volume."""
    make(pets, replicas=2)
    shrink(pets, 1)
    volume = volume_of(pets, "data-web-1")["metadata"]["name"]
    pets("orphans", "delete", "data-web-1", "-y", "--record", str(tmp_path))
    phase = ("get", "pv", volume, "-o", "jsonpath={.status.phase}")
    pets.eventually(lambda: pets.plane.kubectl(*phase).stdout == "Released", "released")
    done: list[str] = []
    with middle(pets.plane, tmp_path) as between:
        forward = between.gate.forward

        def once_bound(method: str, path: str, headers: dict[str, str], body: bytes) -> http.client.HTTPResponse:
            answer = forward(method, path, headers, body)
            if method == "GET" and path.endswith(f"/persistentvolumes/{volume}") and not done:
                data = answer.read()
                answer.read = lambda *_: data  # type: ignore[method-assign]
                if b'"phase":"Bound"' in data:  # the claim is replaced while this is on its way
                    anew(pets, "data-web-1")
                    done.append(path)
            return answer

        between.gate.forward = once_bound  # type: ignore[method-assign]
        words = pets.command("orphans", "adopt", volume, "--as", "web", "-y", kubeconfig=between.kubeconfig)
        found = subprocess.run(words, capture_output=True, text=True, timeout=180)
    assert done and found.returncode == 1 and found.stdout == "" and "was deleted meanwhile" in found.stderr, found
    live = json.loads(pets.plane.kubectl("get", "pv", volume, "-o", "json").stdout)
    assert live["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
