"""Claims that came back, and claims that only look like a set's, on the real control plane."""

import json
import os
import pty
from pathlib import Path
from typing import Any

import pytest

from tests.commands.plugin import Plugin
from tests.commands.test_orphans import become, classes, make, shrink, volume_of
from tests.views.emulator import Emulator

pytestmark = pytest.mark.real

EPHEMERAL = """
apiVersion: v1
kind: Pod
metadata: {name: data-web, annotations: {kubectl-pets.test/complete-after: "1s"}}
spec:
  restartPolicy: %s
  terminationGracePeriodSeconds: 0
  containers: [{name: app, image: "app:1"}]
  volumes:
  - name: "3"
    ephemeral:
      volumeClaimTemplate:
        metadata: {labels: {app: web}}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
"""


def _noted(pets: Plugin, claim: str) -> Any:
    return pets.get("pvc", claim)["metadata"].get("annotations", {}).get("kubectl-pets/created-by")


def test_a_claim_that_came_back_is_judged_as_before_and_may_go_again(pets: Plugin, tmp_path: Path) -> None:
    make(pets, replicas=2)
    shrink(pets, 1)
    become(pets, data_web_0="in-use", data_web_1="scaled-down")
    volume = volume_of(pets, "data-web-1")["metadata"]["name"]
    for turn in ("first", "second"):
        if turn == "second":  # somebody wanted it a moment ago
            assert "brought it back" in pets("orphans", "delete", "data-web-1", "-y", expect=6).stderr
        pets("orphans", "delete", "data-web-1", "--fresh", "-y", "--record", str(tmp_path / turn))
        become(pets, data_web_0="in-use")
        (record,) = (tmp_path / turn).glob("*.json")
        pets("orphans", "restore", str(record) if turn == "first" else volume)
        assert _noted(pets, "data-web-1") == "kube-controller-manager"
        become(pets, data_web_0="in-use", data_web_1="scaled-down")
        assert volume_of(pets, "data-web-1")["metadata"]["name"] == volume
    pets.kubectl("delete", "statefulset", "web")
    become(pets, data_web_0="set-gone", data_web_1="set-gone")


def test_a_copy_of_a_claim_that_came_back_is_nobody_s(pets: Plugin, tmp_path: Path) -> None:
    """The note on it is believed only where this program made the claim."""
    make(pets, replicas=2)
    shrink(pets, 1)
    pets("orphans", "delete", "data-web-1", "-y", "--record", str(tmp_path))
    become(pets, data_web_0="in-use")
    pets("orphans", "restore", *map(str, tmp_path.glob("*.json")))
    copied = pets.get("pvc", "data-web-1")
    noted = {key: value for key, value in copied["metadata"]["annotations"].items() if key.startswith("kubectl-pets/")}
    copied["metadata"] = {"name": "data-web-7", "labels": {"app": "web"}, "annotations": noted}
    del copied["spec"]["volumeName"], copied["status"]
    pets.plane.apply(json.dumps(copied), pets.namespace)
    assert _noted(pets, "data-web-7") == "kube-controller-manager"
    assert classes(pets)["data-web-7"] == "ambiguous"


def test_a_claim_restored_from_a_volume_that_remembers_nothing_stays_ambiguous(pets: Plugin) -> None:
    make(pets, replicas=2)
    shrink(pets, 1)
    volume = volume_of(pets, "data-web-1")["metadata"]["name"]
    pets.plane.kubectl("patch", "pv", volume, "-p", '{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}')
    pets.kubectl("delete", "pvc", "data-web-1")
    pets("orphans", "restore", volume)
    assert _noted(pets, "data-web-1") is None and classes(pets)["data-web-1"] == "ambiguous"


@pytest.mark.parametrize("restarts", ["Always", "Never"])
def test_a_generic_ephemeral_volume_with_the_name_of_a_set_s_claim(pets: Plugin, restarts: str) -> None:
    """Pod ``data-web`` with volume ``3`` has claim ``data-web-3``, of the hand that makes the sets' claims. It lives and dies with
    its pod, be that running or completed."""
    make(pets, replicas=1)
    pets.plane.apply(EPHEMERAL % restarts, pets.namespace)
    pets.kubectl("wait", "--for=jsonpath={.status.phase}=Bound", "pvc/data-web-3", "--timeout=60s")
    phase = "Running" if restarts == "Always" else "Succeeded"
    pets.kubectl("wait", f"--for=jsonpath={{.status.phase}}={phase}", "pod/data-web", "--timeout=60s")
    assert classes(pets) == {"data-web-0": "in-use", "data-web-3": "in-use"}  # one that has ended counts as well
    assert "Pod/data-web owns it" in pets("orphans", "explain", "data-web-3").stdout
    pets("orphans", "delete", "data-web-3", "-y", expect=6)
    pets.kubectl("delete", "pod", "data-web")
    pets.kubectl("wait", "--for=delete", "pvc/data-web-3", "--timeout=60s")


def test_on_a_terminal_there_is_a_bar(pets: Plugin, tmp_path: Path) -> None:
    make(pets, replicas=4)
    shrink(pets, 1)
    words = pets.command("orphans", "delete", "-l", "app=web", "-y", "--record", str(tmp_path))
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", COLUMNS="100")
        os.execv(words[0], words)
    written = b""
    while True:
        try:
            written += os.read(terminal, 1 << 16)
        except OSError:  # as Linux says that nobody has the other end any more
            break
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    text = written.decode()
    assert os.waitstatus_to_exitcode(status) == 0, text
    assert "░░░░░░░░  0/3  0 of 3Mi" in text and "  2/3  2Mi of 3Mi" in text
    screen = Emulator(200, 30)
    screen.feed(text)
    assert "/3  " not in screen.text  # the bar is gone, and what stays says it all
    place = pets.namespace
    assert f"deleted 3 claims: {place}/data-web-1, {place}/data-web-2, {place}/data-web-3" in " ".join(screen.text.split())
