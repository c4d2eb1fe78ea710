"""Every command that a hint names is typed on the real control plane, and none is refused."""

import json
import shlex
from collections.abc import Callable

import pytest

from kubectl_pets import pasting
from tests.commands.plugin import Plugin, manifest
from tests.commands.test_before import made_again

pytestmark = pytest.mark.real

NEW, BROKEN = "app:2", "app:invalid"  # which is stuck at once


def canary(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "canary", "web", "--image", NEW, "--timeout", "60s")


def broken_canary(pets: Plugin) -> None:
    pets.make("web")
    pets("rollout", "canary", "web", "--image", BROKEN, "--timeout", "60s", expect=4)


def aborted(pets: Plugin) -> None:
    canary(pets)
    pets("rollout", "abort", "web", "-y", "--timeout", "60s")


def first_broken(pets: Plugin) -> None:
    pets.make("web", wait=False, image=BROKEN)
    pets("status", "web", "-w", "--timeout", "60s", expect=4)


def left_over(pets: Plugin) -> None:
    pets.make("web")
    pets("partition", "web", "2")


def by_hand(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    pets("rollout", "canary", "web", "--image", NEW, "-y", "--timeout", "60s")


def broken_by_hand(pets: Plugin) -> None:
    pets.make("web", strategy="{type: OnDelete}")
    pets("rollout", "canary", "web", "--image", BROKEN, "-y", "--timeout", "60s", expect=4)


def undone_by_kubectl(pets: Plugin) -> None:
    """The forced-rollback trap: the template is the old one again, and the broken pod stays."""
    broken_canary(pets)
    pets("partition", "web", "0")
    pets.kubectl("rollout", "undo", "statefulset/web")
    pets.eventually(lambda: pets.set()["status"]["observedGeneration"] == pets.set()["metadata"]["generation"], "seen")


def by_an_operator(pets: Plugin) -> None:
    """What controls a set of OnDelete deletes its pods itself (elastic/cloud-on-k8s#1442)."""
    pets.make("web", strategy="{type: OnDelete}")
    pets.kubectl("create", "configmap", "operator")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "operator", "uid": pets.get("configmap", "operator")["metadata"]["uid"], "controller": True}
    pets.kubectl("patch", "statefulset", "web", "-p", json.dumps({"metadata": {"ownerReferences": [owner]}}))
    pets.kubectl("set", "image", "statefulset/web", f"app={NEW}")
    pets.eventually(lambda: pets.set()["status"]["updateRevision"] != pets.set()["status"]["currentRevision"], "seen")


def test_who_replaces_pods_is_named_before_what_would_take_down_one_more(pets: Plugin) -> None:
    by_an_operator(pets)
    hint = pets("status", "web", expect=3).stderr.rpartition("hint: ")[2]
    assert hint.startswith("ConfigMap/operator may replace them itself: follow it with: kubectl pets status web -w"), hint
    told = pets("rollout", "step", "web", "-y", "--timeout", "60s").stderr
    assert "owned by ConfigMap/operator (operator): it may put this change back, or replace pods itself at the same time" in told
    pets.kubectl("label", "statefulset", "web", "rollout-group=ingester")
    pets.kubectl("patch", "statefulset", "web", "--type=json", "-p", '[{"op": "remove", "path": "/metadata/ownerReferences"}]')
    assert "hint: rollout-operator may replace them itself" in pets("status", "web", expect=3).stderr


def test_a_partition_that_an_operator_keeps_is_not_left_over(pets: Plugin) -> None:
    """As tidb-operator has it: at the number of replicas while nothing is rolled out, then lowered pod by pod (pkg/manager/member)."""
    pets.kubectl("create", "configmap", "operator")
    uid = pets.get("configmap", "operator")["metadata"]["uid"]
    owner = f"[{{apiVersion: v1, kind: ConfigMap, name: operator, uid: {uid}, controller: true}}]"
    made = manifest(strategy="{type: RollingUpdate, rollingUpdate: {partition: 3}}").replace("name: web,", f"name: web, ownerReferences: {owner},", 1)
    by = "--field-manager=tidb-controller-manager"
    pets.plane.kubectl("create", "-f", "-", by, "-n", pets.namespace, input=made)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    told = pets("status", "web")
    assert "left over" not in told.stdout.lower() + told.stderr and "LEFT OVER" not in pets("list").stdout.upper()
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": NEW}]}}}}
    pets.kubectl("patch", "statefulset", "web", by, "-p", json.dumps(image))
    pets.eventually(lambda: pets.set()["status"]["updateRevision"] != pets.set()["status"]["currentRevision"], "seen")
    assert "hint: ConfigMap/operator lowers the partition itself" in pets("status", "web", expect=3).stderr
    pets.kubectl("patch", "statefulset", "web", by, "-p", '{"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}')
    pets("status", "web", "-w", "--timeout", "60s")
    pets("partition", "web", "1", "-y")
    assert "partition 1 is left over" in pets("status", "web").stderr  # this one is ours


CHANGING = ("rollout", "partition", "scale")
LOOKING = ("history", "diff", "status")


@pytest.mark.parametrize(
    "scene", [canary, broken_canary, aborted, first_broken, left_over, by_hand, by_an_operator, broken_by_hand, undone_by_kubectl, made_again]
)
def test_what_a_hint_names_is_not_refused(pets: Plugin, monkeypatch: pytest.MonkeyPatch, scene: Callable[[Plugin], None]) -> None:
    spelt: list[str] = []
    really = pasting._spelt

    def noted(*parts: object) -> str:
        spelt.append(really(*parts))  # type: ignore[arg-type]
        return spelt[-1]

    monkeypatch.setattr(pasting, "_spelt", noted)
    scene(pets)
    spelt.clear()
    told = pets("status", "web", expect=None).stderr
    said = [line.removeprefix("hint: ") for line in told.splitlines() if line.startswith("hint: ")]
    commands = [command for command in dict.fromkeys(spelt) if any(command in line for line in said)]
    assert said and commands
    for command in commands:
        words = shlex.split(command)
        assert str(pets.plane.kubeconfig) in words and pets.namespace in words
        if words[1] != "pets":
            pets.plane.kubectl(*words[1:])
            continue
        look = words[2] not in CHANGING or words[3] in LOOKING
        typed = pets.typed(*words[2:], *(("--timeout", "1s") if "-w" in words else () if look else ("--dry-run",)))
        assert typed.code in (0, 3, 4, 5), f"{command}\n{typed.stdout}{typed.stderr}"
