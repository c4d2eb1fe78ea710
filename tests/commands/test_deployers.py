"""Beside those who deploy: real Helm, and kubectl apply on the server's side. What we say of their next deploy is what it does."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.commands.plugin import Plugin, manifest
from tests.controlplane import Storage
from tests.controlplane.build import binaries

pytestmark = pytest.mark.real

CONFLICT = 'with "kubectl-pets"'


class Helm:
    """A chart of one set, installed and upgraded in the test's namespace."""

    def __init__(self, pets: Plugin, folder: Path) -> None:
        self._binary = binaries(names=["helm"])["helm"]
        self._pets, self._home = pets, folder
        self.chart = folder / "web"
        (self.chart / "templates").mkdir(parents=True)
        (self.chart / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 0.1.0\n", encoding="utf-8")
        (self.chart / "values.yaml").write_text("image: app:1\nreplicas: 3\npartition: null\n", encoding="utf-8")
        text = manifest("web", image="IMAGE", replicas=3, strategy="STRATEGY").replace("IMAGE", "{{ .Values.image }}")
        text = text.replace("replicas: 3", "replicas: {{ .Values.replicas }}").replace(
            "STRATEGY", "{type: RollingUpdate{{ with .Values.partition }}, rollingUpdate: {partition: {{ . }}}{{ end }}}"
        )
        (self.chart / "templates" / "set.yaml").write_text(text, encoding="utf-8")

    def with_claims(self, storage_class: str) -> None:
        """The chart states the size of a claim, as ``size``."""
        spec = f"{{accessModes: [ReadWriteOnce], storageClassName: {storage_class}, resources: {{requests: {{storage: {{{{ .Values.size }}}}}}}}}}"
        path = self.chart / "templates" / "set.yaml"
        text = path.read_text(encoding="utf-8").replace("volumeClaimTemplates: []", f"volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {spec}}}]")
        path.write_text(text, encoding="utf-8")

    def __call__(self, verb: str, *words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        place = ("--kubeconfig", str(self._pets.plane.kubeconfig), "-n", self._pets.namespace)
        environment = {**os.environ, **{f"HELM_{each}_HOME": str(self._home / each.lower()) for each in ("CACHE", "CONFIG", "DATA")}}
        command = [str(self._binary), verb, "web", str(self.chart), *words, *place]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
        assert not check or done.returncode == 0, done.stderr
        return done

    def install(self, *words: str) -> None:
        self("install", *words)
        self._pets.kubectl("wait", "statefulset/web", "--for=jsonpath={.status.availableReplicas}=3", "--timeout=120s")


@pytest.fixture
def helm(pets: Plugin, tmp_path: Path) -> Helm:
    return Helm(pets, tmp_path)


def owners(pets: Plugin) -> dict[str, Any]:
    entries = pets.plane.kubectl("get", "sts", "web", "-n", pets.namespace, "-o", "json", "--show-managed-fields")
    return {
        entry["manager"]: entry["fieldsV1"] for entry in json.loads(entries.stdout)["metadata"]["managedFields"] if not entry.get("subresource")
    }


def test_helm_fails_on_what_we_wrote_until_it_is_handed_over(pets: Plugin, helm: Helm) -> None:
    helm.install()
    ran = pets("rollout", "run", "web", "--image", "app:2")
    assert f"warning: helm applies the image (app:1): its next deploy of another value fails with a conflict {CONFLICT}" in ran.stderr
    failed = helm("upgrade", "--set", "image=app:3", check=False)
    assert failed.returncode != 0 and CONFLICT in failed.stderr
    again = pets("rollout", "run", "web", "--image", "app:4", "--dry-run=server").stderr
    assert "installed by Helm" not in again  # a dry run changes nothing, so it warns of nobody
    before = pets.set(), pets.uids()
    planned = pets("rollout", "handover", "web", "--dry-run=server")
    assert "write these values into what deploys the set first" in planned.stderr
    held = dict(line.split() for line in planned.stdout.splitlines()[1:])
    assert held["template.spec.containers[name=app].image"] == "app:2" and held["updateStrategy.rollingUpdate.partition"] == "0"
    refused = pets("rollout", "handover", "web", expect=6)
    assert "app:2" in refused.stderr and owners(pets)["kubectl-pets"]["f:spec"]
    assert "handed over" in pets("rollout", "handover", "web", "-y").stderr
    after = pets.set()
    assert "f:spec" not in owners(pets).get("kubectl-pets", {})
    assert after["metadata"]["generation"] == before[0]["metadata"]["generation"] and after["spec"] == before[0]["spec"]
    assert "nothing of its spec" in pets("rollout", "handover", "web").stderr
    helm("upgrade", "--set", "image=app:2")  # what runs: nothing restarts
    pets("status", "web")
    assert pets.uids() == before[1]
    helm("upgrade", "--set", "image=app:3")
    pets("status", "web", "-w", "--timeout", "60s")
    assert set(pets.images().values()) == {"app:3"}


def test_a_restart_is_no_conflict_with_helm(pets: Plugin, helm: Helm) -> None:
    """The time that it writes into the template is in no chart; an image is."""
    helm.install()
    pets.kubectl("rollout", "restart", "statefulset/web")
    pets("rollout", "restart", "web", "--settle", "0", "-y")
    assert "PETS802" not in pets("doctor", "web", "--only", "PETS802").stdout
    helm("upgrade", "--set", "image=app:2")
    pets("rollout", "run", "web", "--image", "app:3", "--settle", "0")
    assert "kubectl-pets has changed spec.template since Helm" in pets("doctor", "web", "--only", "PETS802").stdout
    assert CONFLICT in helm("upgrade", "--set", "image=app:4", check=False).stderr


def test_written_under_another_name(pets: Plugin, helm: Helm) -> None:
    """Who owns what afterwards, whom Helm's conflict is with, and whose it is to give back."""
    helm.install()
    ran = pets("rollout", "run", "web", "--image", "app:2", "--field-manager", "nightly release")
    assert 'fails with a conflict with "nightly release", until it is given back with: ' in ran.stderr
    assert "kubectl pets rollout handover web --field-manager 'nightly release' -n" in ran.stderr
    assert owners(pets)["nightly release"]["f:spec"] and "kubectl-pets" not in owners(pets)
    assert 'conflict with "nightly release"' in helm("upgrade", "--set", "image=app:3", check=False).stderr
    handed = pets("rollout", "handover", "web", "-y", "--field-manager=nightly release").stderr
    assert "written by nightly release" in handed and "no conflict with nightly release" in handed
    assert "f:spec" not in owners(pets).get("nightly release", {})
    assert "nothing of its spec is owned by kubectl-pets" in pets("rollout", "handover", "web", "-y").stderr
    helm("upgrade", "--set", "image=app:2")


def test_the_other_name_need_not_be_typed_again(pets: Plugin, helm: Helm) -> None:
    """It is noted on the set: later verbs without the flag warn of nobody by that name, and a handover gives back all of ours."""
    helm.install()
    pets("rollout", "run", "web", "--image", "app:2", "--field-manager", "nightly release")
    assert pets.set()["metadata"]["annotations"]["kubectl-pets/field-managers"] == '["nightly release"]'
    staged = pets("rollout", "canary", "web", "--image", "app:3", expect=None)
    assert "nightly release" not in staged.stderr and "helm applies the image" in staged.stderr
    assert "nightly release" not in pets("scale", "web", "--replicas", "4", "--field-manager", "weekly").stderr
    assert json.loads(pets.set()["metadata"]["annotations"]["kubectl-pets/field-managers"]) == ["nightly release", "weekly"]
    pets("rollout", "promote", "web")
    handed = pets("rollout", "handover", "web", "-y").stderr
    assert "written by kubectl-pets, nightly release, weekly" in handed and "replicas" in handed
    assert not any("f:spec" in owners(pets).get(name, {}) for name in ("kubectl-pets", "nightly release", "weekly"))
    assert "kubectl-pets/field-managers" not in pets.set()["metadata"]["annotations"]
    helm("upgrade", "--set", "image=app:4", "--set", "replicas=2")
    pets("status", "web", "-w", "--timeout", "60s")
    assert set(pets.images().values()) == {"app:4"}


def test_an_undo_without_the_name_gives_back_what_was_written_under_it(pets: Plugin, helm: Helm) -> None:
    helm.install()
    (made,) = [each["metadata"]["creationTimestamp"] for each in pets.get("controllerrevisions")["items"]]
    # Of two revisions of one second nobody could say which was first.
    pets.eventually(lambda: datetime.now(UTC) > datetime.fromisoformat(made) + timedelta(seconds=2), "the next second")
    pets("rollout", "run", "web", "--image", "app:2", "--field-manager", "nightly")
    undone = pets("rollout", "undo", "web", "-y", "--timeout", "90s").stderr
    assert "given back to helm, whose own template this is" in undone
    assert "f:spec" not in owners(pets).get("nightly", {}) and "f:spec" not in owners(pets).get("kubectl-pets", {})
    helm("upgrade", "--set", "image=app:3")


def test_after_an_undo_to_the_chart_s_own_template_helm_goes_on(pets: Plugin, helm: Helm) -> None:
    helm.install()
    (made,) = [each["metadata"]["creationTimestamp"] for each in pets.get("controllerrevisions")["items"]]
    # Of two revisions of one second nobody could say which was first.
    pets.eventually(lambda: datetime.now(UTC) > datetime.fromisoformat(made) + timedelta(seconds=2), "the next second")
    pets("rollout", "run", "web", "--image", "app:2")
    undone = pets("rollout", "undo", "web", "-y", "--timeout", "90s")
    assert set(pets.images().values()) == {"app:1"} and "given back to helm, whose own template this is" in undone.stderr
    assert "f:spec" not in owners(pets).get("kubectl-pets", {})
    helm("upgrade", "--set", "image=app:3")
    pets("status", "web", "-w", "--timeout", "60s")
    assert set(pets.images().values()) == {"app:3"}


def test_after_an_undo_to_another_template_the_fields_stay_ours(pets: Plugin, helm: Helm) -> None:
    """Helm's next deploy would silently put its own back."""
    helm.install()
    for image in ("app:2", "app:4"):
        pets("rollout", "run", "web", "--image", image)
    undone = pets("rollout", "undo", "web", "-y", "--timeout", "90s")
    assert set(pets.images().values()) == {"app:2"} and "given back to helm" not in undone.stderr
    assert owners(pets)["kubectl-pets"]["f:spec"] and CONFLICT in helm("upgrade", "--set", "image=app:3", check=False).stderr


def test_helm_on_the_clients_side_puts_back(pets: Plugin, helm: Helm) -> None:
    helm.install("--server-side=false")
    ran = pets("rollout", "run", "web", "--image", "app:2")
    assert "warning: helm states the image (app:1): its next deploy puts that back" in ran.stderr
    helm("upgrade", "--server-side=false", "--set", "replicas=2")
    pets("status", "web", "-w", "--timeout", "60s")
    assert set(pets.images().values()) == {"app:1"}


def test_replicas_of_a_chart(pets: Plugin, helm: Helm) -> None:
    helm.install()
    scaled = pets("scale", "web", "--replicas", "4")
    assert f"warning: helm applies the replicas (3): its next deploy of another value fails with a conflict {CONFLICT}" in scaled.stderr
    assert CONFLICT in helm("upgrade", "--set", "replicas=5", check=False).stderr
    assert "replicas  4" in pets("rollout", "handover", "web", "-y").stderr
    note = pets.set()["metadata"]["annotations"]["kubectl-pets/scaled-at"]
    helm("upgrade", "--set", "replicas=5")
    pets("status", "web", "-w", "--timeout", "60s")
    assert pets.set()["spec"]["replicas"] == 5 and pets.set()["metadata"]["annotations"]["kubectl-pets/scaled-at"] == note


def test_a_partition_of_ours_that_holds_pods_is_not_handed_over(pets: Plugin) -> None:
    text = manifest("web", strategy="{type: RollingUpdate, rollingUpdate: {partition: 0}}")
    apply = ("apply", "--server-side", "--field-manager=deploy.sh", "-n", pets.namespace, "-f", "-")
    pets.plane.kubectl(*apply, input=text)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    staged = pets("rollout", "canary", "web", "--image", "app:2")
    assert "deploy.sh applies the partition (0)" in staged.stderr and "deploy.sh applies the image (app:1)" in staged.stderr
    version = pets.set()["metadata"]["resourceVersion"]
    refused = pets("rollout", "handover", "web", "-y", expect=6).stderr
    assert "holds pods back" in refused and "rollout abort web" in refused and "partition web 0" not in refused
    assert pets.set()["metadata"]["resourceVersion"] == version
    assert CONFLICT in pets.plane.kubectl(*apply, input=text, check=False).stderr
    pets("rollout", "promote", "web")
    pets("rollout", "handover", "web", "-y")
    pets.plane.kubectl(*apply, input=text.replace("app:1", "app:2"))
    assert pets("status", "web").code == 0


def test_only_who_applies_what_is_written_is_in_conflict(pets: Plugin) -> None:
    """Two deployers of one set, each of its own container, as an injector and a chart are."""
    chart = manifest("web", strategy="{type: RollingUpdate}")
    mesh = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec: {template: {spec: {initContainers: [{name: proxy, image: "proxy:1", restartPolicy: Always}]}}}
"""

    def apply(text: str, who: str) -> str:
        words = ("apply", "--server-side", f"--field-manager={who}", "-n", pets.namespace, "-f", "-")
        return pets.plane.kubectl(*words, input=text, check=False).stderr

    assert apply(chart, "chart") + apply(mesh, "mesh") == ""
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    told = pets("rollout", "run", "web", "--image", "proxy=proxy:2", "--settle", "0").stderr
    assert "warning: mesh applies the image (proxy:1): its next deploy of another value fails" in told and "chart applies" not in told
    assert CONFLICT in apply(mesh.replace("proxy:1", "proxy:3"), "mesh")
    assert apply(chart.replace("app:1", "app:2"), "chart") == ""
    pets("status", "web", "-w", "--timeout", "60s")
    again = pets("rollout", "run", "web", "--image", "app=app:3", "--settle", "0").stderr
    assert "chart applies the image (app:2)" in again and "mesh applies" not in again


def test_a_partition_that_the_next_deploy_puts_back(pets: Plugin) -> None:
    """It lets go what a higher one of ours holds, and holds back what ours has let go."""
    text = manifest("web", strategy="{type: RollingUpdate, rollingUpdate: {partition: 1}}")
    apply = ("apply", "-n", pets.namespace, "-f", "-")
    pets.plane.kubectl(*apply, input=text)
    pets("status", "web", "-w", "--until", "ready", "--timeout", "60s")
    staged = pets("rollout", "canary", "web", "--image", "app:2", "--settle", "0").stderr
    assert "kubectl apply states the partition (1): a deploy before this is done puts it back and lets go what it holds" in staged
    promoted = pets("rollout", "promote", "web", "--settle", "0").stderr
    assert "kubectl apply states the partition (1): its next deploy puts that back, and holds back pods with it" in promoted
    pets.plane.kubectl(*apply, input=text.replace("app:1", "app:3"))
    pets("status", "web", "-w", "--timeout", "60s", expect=3)
    assert pets.images() == {"web-0": "app:2", "web-1": "app:3", "web-2": "app:3"}


def test_a_chart_with_larger_volumes(pets: Plugin, helm: Helm, storage: Storage) -> None:
    """Before the resize the new size is what Helm fails on, after it the old one; the new one then changes nothing."""
    helm.with_claims(storage.storage_class())
    helm.install("--set", "size=1Gi")
    failed = helm("upgrade", "--set", "size=2Gi", check=False)
    assert failed.returncode != 0 and "volumeClaimTemplates" in failed.stderr
    pods, fields = pets.uids(), owners(pets)
    told = pets("resize", "web", "2Gi", "-y", "--timeout", "120s").stderr
    assert "for the manifest: chart: volumeClaimTemplates[data].spec.resources.requests.storage: 2Gi" in told
    assert pets.uids() == pods and owners(pets) == fields
    made = pets.set()
    helm("upgrade", "--set", "size=2Gi")
    after = pets.set()
    assert (after["metadata"]["uid"], after["metadata"]["generation"]) == (made["metadata"]["uid"], made["metadata"]["generation"])
    assert pets("status", "web").code == 0 and pets.uids() == pods
    failed = helm("upgrade", "--set", "size=1Gi", check=False)
    assert failed.returncode != 0 and "volumeClaimTemplates" in failed.stderr and CONFLICT not in failed.stderr
    helm("upgrade", "--set", "size=2Gi", "--set", "image=app:2")  # nothing of the set is ours
    pets("status", "web", "-w", "--timeout", "60s")
    assert set(pets.images().values()) == {"app:2"}
    assert "template: data says 2Gi already" in pets("resize", "web", "2Gi", "--plan").stdout


def test_the_deployer_creates_it_itself(pets: Plugin, helm: Helm, storage: Storage) -> None:
    """As Argo CD does by itself; here Helm is typed once the set is gone."""
    helm.with_claims(storage.storage_class())
    helm.install("--set", "size=1Gi")
    pods = pets.uids()
    running = pets.start("resize", "web", "2Gi", "-y", "--hand-over", "--timeout", "120s")
    pets.eventually(lambda: pets.kubectl("get", "sts", "-o", "name") == "" or running.poll() is not None, "the set is gone")
    helm("upgrade", "--set", "size=2Gi")
    _, told = running.communicate(timeout=180)
    assert running.returncode == 0, told
    assert pets.uids() == pods and "kubectl-pets" not in owners(pets)
    assert "kubectl-pets-recreate" not in pets.kubectl("get", "configmaps", "-o", "name")
    assert not any("kubectl-pets/recreating" in each["metadata"].get("annotations", {}) for each in pets.get("pvc")["items"])
