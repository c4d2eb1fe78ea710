"""What do others call unused? The scenes in which StatefulSets leave claims behind, or only seem to, on a whole control plane.

The peers are popeye, built from its Go module, and kor's rule, which is a few lines (yonahd/kor, pkg/kor/pvc.go): a claim is unused
if no pod in its namespace names it in a persistentVolumeClaim volume. What is right is written beside each scene.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from tests.bench.measure import as_installed, cost, spread
from tests.commands.plugin import Plugin, manifest
from tests.commands.test_orphans import CLAIM, become, make, shrink
from tests.controlplane import ControlPlane
from tests.controlplane.build import binaries
from tests.controlplane.recipes import POPEYE_VERSION

_ROUNDS = 5
_HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 1, maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}}
"""
_POD = "containers: [{name: c, image: 'app:1'}], volumes: [{name: v, persistentVolumeClaim: {claimName: data-job-0}}]"
_CRON = f"""
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly}}
spec: {{schedule: "0 3 1 1 *", jobTemplate: {{spec: {{template: {{spec: {{restartPolicy: Never, {_POD}}}}}}}}}}}
"""
_JOB = f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: once}}
spec: {{suspend: true, template: {{spec: {{restartPolicy: Never, {_POD}}}}}}}
"""
_DEPLOYMENT = f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: idle}}
spec:
  replicas: 0
  selector: {{matchLabels: {{app: idle}}}}
  template: {{metadata: {{labels: {{app: idle}}}}, spec: {{{_POD}}}}}
"""
_EPHEMERAL = """
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  containers: [{name: c, image: "app:1"}]
  volumes:
  - name: scratch
    ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}}
"""


class Truth(StrEnum):
    USED = "in use"
    WANTED = "will be wanted"
    UNKNOWN = "nobody can say"
    UNUSED = "unused"


class Scene(NamedTuple):
    title: str
    make: Callable[[Plugin], None]
    claim: str
    truth: Truth


def _scaled(replicas: int, **changes: str) -> Callable[[Plugin], None]:
    def act(pets: Plugin) -> None:
        make(pets, replicas=2, **changes)
        shrink(pets, replicas)

    return act


def _autoscaled(pets: Plugin) -> None:
    _scaled(1)(pets)
    pets.plane.apply(_HPA, pets.namespace)


def _deleted(cascade: str) -> Callable[[Plugin], None]:
    def act(pets: Plugin) -> None:
        make(pets, replicas=2)
        pets.kubectl("delete", "statefulset", "web", f"--cascade={cascade}")
        if cascade != "orphan":
            become(pets, data_web_0="set-gone", data_web_1="set-gone")  # the server says a while later that nothing uses them

    return act


def _named_by(*texts: str) -> Callable[[Plugin], None]:
    def act(pets: Plugin) -> None:
        pets.plane.apply(CLAIM % "data-job-0", pets.namespace)
        for text in texts:
            pets.plane.apply(text, pets.namespace)

    return act


def _colliding(pets: Plugin) -> None:
    """The claim is of set ``petset`` with template ``alpha-beta``, which rests, and would be of the other set's name, too."""
    text = manifest("petset", replicas=1, claims=True).replace("name: data", "name: alpha-beta")
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=text)
    pets("status", "petset", "-w", "--until", "ready", "--timeout", "60s")
    shrink(pets, 0, "petset")
    other = manifest("beta-petset", replicas=1, claims=True).replace("name: data", "name: other")
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=other)


def _ephemeral(pets: Plugin) -> None:
    pets.plane.apply(_EPHEMERAL, pets.namespace)
    pets.kubectl("wait", "--for=jsonpath={.status.phase}=Bound", "pvc/reader-scratch", "--timeout=60s")


_OWNED = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}"

SCENES = (
    Scene("set of 2, scaled down to 1", _scaled(1), "data-web-1", Truth.UNUSED),
    Scene("set deleted", _deleted("background"), "data-web-1", Truth.UNUSED),
    Scene("set runs", _scaled(2), "data-web-1", Truth.USED),
    Scene("set deleted with --cascade=orphan, its pods run on", _deleted("orphan"), "data-web-1", Truth.USED),
    Scene("generic ephemeral volume of a running pod", _ephemeral, "reader-scratch", Truth.USED),
    Scene("set at 0 replicas", _scaled(0), "data-web-1", Truth.WANTED),
    Scene("scaled down to 1, its HPA allows 3", _autoscaled, "data-web-1", Truth.WANTED),
    Scene("CronJob between two runs", _named_by(_CRON), "data-job-0", Truth.WANTED),
    Scene("suspended Job", _named_by(_JOB), "data-job-0", Truth.WANTED),
    Scene("Deployment at 0 replicas", _named_by(_DEPLOYMENT), "data-job-0", Truth.WANTED),
    Scene("scaled down, whenDeleted: Delete (its set owns it)", _scaled(1, extra=_OWNED), "data-web-1", Truth.WANTED),
    Scene("two sets whose names collide, one at 0", _colliding, "alpha-beta-petset-0", Truth.WANTED),
    Scene("made by hand under a set's name", _named_by(), "data-job-0", Truth.UNKNOWN),
)


def run(plane: ControlPlane) -> None:
    """Print the table, and how long each took over the whole cluster."""
    spaces = [f"scene-{number:02}" for number in range(len(SCENES))]
    for space, scene in zip(spaces, SCENES, strict=True):
        plane.create_namespace(space)
        scene.make(Plugin(plane, space))
    with tempfile.TemporaryDirectory() as folder:
        peer = Popeye(plane, Path(folder))
        told = {"kubectl pets": _ours(plane), f"popeye {POPEYE_VERSION}": peer.unused(), "no pod mounts it (kor)": _kors(plane)}
        print("what each calls unused")
        print(f"| scene | the claim is | {' | '.join(told)} |")
        print(f"|---|---|{'---|' * len(told)}")
        for space, scene in zip(spaces, SCENES, strict=True):
            cells = [_cell(scene.truth, (space, scene.claim) in unused) for unused in told.values()]
            print(f"| {scene.title} | {scene.truth} | {' | '.join(cells)} |")
        environ = as_installed(plane.environment(), Path(folder) / "bytecode")
        cost(["kubectl-pets", "orphans", "-A"], environ)  # only compiles
        ours, theirs = [], []
        for _ in range(_ROUNDS):
            theirs.append(cost(peer.command("score"), peer.environ))
            ours.append(cost(["kubectl-pets", "orphans", "-A"], environ))
    print(f"  kubectl pets orphans -A  {spread([each.seconds for each in ours])} s, {max(each.megabytes for each in ours):.0f} MB")
    print(f"  popeye -A -s pvc         {spread([each.seconds for each in theirs])} s, {max(each.megabytes for each in theirs):.0f} MB")


def _cell(truth: Truth, unused: bool) -> str:
    if unused:
        return "unused" if truth is Truth.UNUSED else "**unused: wrong**"
    return "missed" if truth is Truth.UNUSED else "-"


def _ours(plane: ControlPlane) -> set[tuple[str, str]]:
    found = json.loads(Plugin(plane, "default")("orphans", "-A", "-o", "json").stdout)
    return {
        (item["metadata"]["namespace"], item["metadata"]["name"]) for item in found["items"] if item["class"] in _CANDIDATES
    }


_CANDIDATES = ("scaled-down", "template-gone", "set-gone")


def _kors(plane: ControlPlane) -> set[tuple[str, str]]:
    pods = json.loads(plane.kubectl("get", "pods", "-A", "-o", "json").stdout)["items"]
    claims = json.loads(plane.kubectl("get", "pvc", "-A", "-o", "json").stdout)["items"]
    used = {
        (pod["metadata"]["namespace"], volume["persistentVolumeClaim"]["claimName"])
        for pod in pods
        for volume in pod["spec"].get("volumes", [])
        if "persistentVolumeClaim" in volume
    }
    return {(claim["metadata"]["namespace"], claim["metadata"]["name"]) for claim in claims} - used


class Popeye:
    """Its scan of claims, or of all that it looks at, in a home of its own: it writes reports and a log."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.environ = {**os.environ, "HOME": str(folder), "KUBECONFIG": str(plane.kubeconfig), "TMPDIR": str(folder)}
        self._binary = str(binaries(names=["popeye"])["popeye"])
        self._log = str(folder / "popeye.log")

    def command(self, output: str, section: str = "pvc") -> list[str]:
        """``section`` empty: everything."""
        sections = ["-s", section] if section else []
        return [self._binary, "-A", *sections, "-o", output, "--force-exit-zero", "--logs", self._log]

    def unused(self) -> set[tuple[str, str]]:
        """The claims that it warns of with POP-400 (unused)."""
        done = subprocess.run(self.command("json"), env=self.environ, capture_output=True, text=True, check=True)
        found = set()
        for section in json.loads(done.stdout)["popeye"]["sections"]:
            for name, issues in (section.get("issues") or {}).items():
                if any("POP-400" in issue["message"] for issue in issues):
                    namespace, _, claim = name.partition("/")
                    found.add((namespace, claim))
        return found
