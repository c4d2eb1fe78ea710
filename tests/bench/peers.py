"""What do others find of what ``doctor`` finds? The same sets, on one real control plane and as the manifests that made them.

The peers are popeye, which scans the cluster, and kube-score, which reads the manifests; both are built from their Go modules. Each
scene says what is wrong with it, or that nothing is and what may be mistaken for it, and which of the peer's codes would say so. The
table of docs/doctor.md is what this prints: ``python -m tests.bench peers``.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.judges import Popeye
from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlane
from tests.controlplane.build import binaries
from tests.controlplane.recipes import KUBE_SCORE_VERSION, POPEYE_VERSION

HEADS = ("kubectl pets doctor", f"popeye {POPEYE_VERSION}", f"kube-score {KUBE_SCORE_VERSION}")
_DOCS = Path(__file__).parents[2] / "docs" / "doctor.md"

_SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
"""
_BUDGET = """
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: %s}
spec: {%s, selector: {matchLabels: {app: web}}}
"""
_CLASS = """
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: "%s"}
provisioner: kubernetes.io/host-path
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
"""
_HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %s}
spec: {minReplicas: 3, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: web}}
"""
_QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: tight}
spec: {hard: {pods: "2"}}
"""
_ONE = "[{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}%s}}]"
_TWO = _ONE[:-1] % "" + ", {metadata: {name: wal}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}]"


def _set(
    *, replicas: int = 3, name: str = "web", service: str = "web", extra: str = "", pod: str = "", container: str = "", image: str = "app:1", grace: int = 30,
    probe: str = "readinessProbe: {tcpSocket: {port: 80}}, livenessProbe: {tcpSocket: {port: 81}},", claims: str = "[]",
) -> str:  # fmt: skip
    return f"""
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: {name}}}
spec:
  serviceName: "{service}"
  replicas: {replicas}
  podManagementPolicy: Parallel
  selector: {{matchLabels: {{app: {name}}}}}
  {extra}
  volumeClaimTemplates: {claims}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: {grace}
      {pod}
      topologySpreadConstraints:
      - {{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {{matchLabels: {{app: {name}}}}}}}
      containers:
      - {{name: app, image: "{image}", {probe} {container} resources: {{requests: {{memory: 1Mi, cpu: 1m}}, limits: {{memory: 1Mi, cpu: 1m}}}}}}
"""


def _all(*documents: str) -> str:
    return "---".join(documents)


_GOOD_BUDGET = _BUDGET % ("web", "maxUnavailable: 1")
_WELL = (_SERVICE, _GOOD_BUDGET)


class Scene(NamedTuple):
    """``rules``: doctor's, any of which finds it; where nothing is wrong (``fine``), those that would be mistaken. ``popeye`` and
    ``kube_score``: theirs. ``then``: what happens after it is up; ``ready``: of so many pods that is."""

    title: str
    manifest: str
    rules: tuple[str, ...]
    popeye: tuple[str, ...] = ()
    kube_score: tuple[str, ...] = ()
    fine: bool = False
    then: Callable[[Plugin], None] | None = None
    ready: int = 3


def _told(pets: Plugin, rule: str) -> bool:
    return bool(_document(pets, "--only", rule)["findings"])


def _document(pets: Plugin, *words: str) -> Any:
    done = pets("doctor", *words, "-o", "json", expect=None)
    if not done.stdout:
        raise SystemExit(f"bench: doctor ended with {done.code}: {done.stderr}")
    return json.loads(done.stdout)


def _until(rule: str) -> Callable[[Plugin], None]:
    """The cluster has come so far that it can be found at all."""
    return lambda pets: pets.eventually(lambda: _told(pets, rule), f"{rule} is there to be found")


def _kubectl(*words: str, until: str = "") -> Callable[[Plugin], None]:
    def act(pets: Plugin) -> None:
        pets.kubectl(*words)
        if until:
            _until(until)(pets)

    return act


def _again_with_another_template(pets: Plugin) -> None:
    pets.kubectl("delete", "statefulset", "web", "--cascade=orphan")
    pets.plane.kubectl("create", "-f", "-", "-n", pets.namespace, input=_set(claims=_TWO))
    _until("PETS214")(pets)


def _change_under_budget(pets: Plugin) -> None:
    """One pod is away for good; the budget allows no eviction meanwhile."""
    pets.kubectl("patch", "statefulset", "web", "--type=merge", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"app:broken"}]}}}}')
    pets.eventually(lambda: pets.get("pdb", "web")["status"].get("disruptionsAllowed") == 0, "the budget counts")


def _scaled_to_none(pets: Plugin) -> None:
    pets.kubectl("scale", "statefulset", "web", "--replicas=0")
    pets.eventually(lambda: not pets.get("pods")["items"], "the pods are gone")


def _shrunk(pets: Plugin) -> None:
    """Nobody has a manifest with three replicas: the next apply of one would bring them, and their data, back."""
    pets.kubectl("annotate", "statefulset", "web", "kubectl.kubernetes.io/last-applied-configuration-")
    pets.kubectl("scale", "statefulset", "web", "--replicas=1")
    _until("PETS324")(pets)


_DELETE = "persistentVolumeClaimRetentionPolicy: {whenDeleted: Retain, whenScaled: Delete}"

SCENES = (
    Scene("serviceName names no Service", _all(_set(service="gone"), _GOOD_BUDGET), ("PETS101",), (), ("statefulset-has-servicename",)),
    Scene("the Service selects no pod", _all(_set(), _SERVICE.replace("{app: web}", "{app: other}"), _GOOD_BUDGET), ("PETS104",), ("POP-1100",), ("statefulset-has-servicename", "service-targets-pod")),
    Scene("the Service has an address of its own", _all(_set(), _SERVICE.replace("clusterIP: None, ", ""), _GOOD_BUDGET), ("PETS103",), (), ("statefulset-has-servicename",)),
    Scene("partition 2 left over", _all(_set(extra="updateStrategy: {rollingUpdate: {partition: 2}}"), *_WELL), ("PETS201",)),
    Scene("update stuck: the new image does not start", _all(_set(), *_WELL), ("PETS203", "PETS402"), ("POP-203", "POP-204", "POP-207", "POP-501"), then=_kubectl("set", "image", "statefulset/web", "app=app:broken", until="PETS402")),
    Scene("a quota refuses the third pod", _all(_QUOTA, _set(), *_WELL), ("PETS213",), ("POP-500", "POP-501"), then=_until("PETS213"), ready=2),
    Scene("adopted pods lack a claim template's volume", _all(_set(claims=_ONE % ""), *_WELL), ("PETS214",), then=_again_with_another_template),
    Scene("revisionHistoryLimit 0: no way back", _all(_set(extra="revisionHistoryLimit: 0"), *_WELL), ("PETS210",)),
    Scene("StorageClass missing", _all(_set(claims=_ONE % ", storageClassName: gone"), *_WELL), ("PETS301", "PETS303"), ("POP-1003",), then=_until("PETS301"), ready=0),
    Scene("a claim is being deleted under its pod", _all(_set(claims=_ONE % ""), *_WELL), ("PETS306",), ("POP-1002",), then=_kubectl("delete", "pvc", "data-web-0", "--wait=false", until="PETS306")),
    Scene("each scale-down destroys data", _all(_set(extra=_DELETE, claims=_ONE % ""), *_WELL), ("PETS314",)),
    Scene("claim left over by a scale-down", _all(_set(claims=_ONE % ""), *_WELL), ("PETS324",), ("POP-400",), then=_shrunk),
    Scene("no budget over three members", _all(_set(), _SERVICE), ("PETS405",), ("POP-206",), ("statefulset-has-poddisruptionbudget",)),
    Scene("a budget that blocks every drain", _all(_set(), _SERVICE, _BUDGET % ("web", "maxUnavailable: 0")), ("PETS406",), (), ("statefulset-has-poddisruptionbudget", "poddisruptionbudget-has-policy")),
    Scene("a budget that lets the majority go", _all(_set(), _SERVICE, _BUDGET % ("web", "maxUnavailable: 2")), ("PETS407",)),
    Scene("two budgets over the same pods", _all(_set(), *_WELL, _BUDGET % ("more", "minAvailable: 1")), ("PETS408",), ("POP-209",)),
    Scene("two autoscalers", _all(_set(), *_WELL, _HPA % "one", _HPA % "two"), ("PETS502",)),
    Scene("another set's selector matches the pods", _all(_set(), *_WELL, _set(name="other", replicas=0).replace("matchLabels: {app: other}", "matchLabels: {app: web}", 1).replace("labels: {app: other}", "labels: {app: web}", 1)), ("PETS503",)),
    Scene("no readiness probe", _all(_set(probe="livenessProbe: {tcpSocket: {port: 81}},"), *_WELL), ("PETS701",), ("POP-102", "POP-104", "POP-106"), ("pod-probes",)),
    Scene("liveness and readiness the same", _all(_set(probe="readinessProbe: {tcpSocket: {port: 80}}, livenessProbe: {tcpSocket: {port: 80}},"), *_WELL), ("PETS702",), (), ("pod-probes", "pod-probes-identical")),
    Scene("terminationGracePeriodSeconds 0", _all(_set(grace=0), *_WELL), ("PETS703",)),
    Scene("image tag latest", _all(_set(image="app:latest"), *_WELL), ("PETS704",), ("POP-101",), ("container-image-tag",)),
    Scene("no requests and no limits", _all(_set().replace("{memory: 1Mi, cpu: 1m}", "{}"), *_WELL), ("PETS706",), ("POP-106", "POP-107"), ("container-resources",)),
    Scene("ServiceAccount missing", _all(_set(pod="serviceAccountName: gone"), *_WELL), ("PETS707",), ("POP-507",), then=None, ready=0),
    Scene("ConfigMap missing", _all(_set(pod="volumes: [{name: c, configMap: {name: gone}}]"), *_WELL), ("PETS708",)),
    Scene("may run as root, and no NetworkPolicy", _all(_set(), *_WELL), (), ("POP-302", "POP-1204"), ("container-security-context-user-group-id", "pod-networkpolicy")),
    # --- nothing is wrong, and yet ---------------------------------------------------------------------------------------------
    Scene("well in every way", _all(_set(), *_WELL), ("PETS1", "PETS2", "PETS3", "PETS4", "PETS5", "PETS7"), ("POP-500", "POP-501", "POP-206"), ("statefulset-has-servicename", "statefulset-has-poddisruptionbudget", "pod-probes", "container-image-tag"), fine=True),
    Scene("workers without a serviceName, which is legal", _all(_set(service=""), _GOOD_BUDGET), ("PETS101", "PETS102"), (), ("statefulset-has-servicename",), fine=True),
    Scene("resting at 0 replicas, its claims kept", _all(_set(claims=_ONE % ""), *_WELL), ("PETS320", "PETS324", "PETS401"), ("POP-400",), (), fine=True, then=_scaled_to_none),
    Scene("a canary held by its partition", _all(_set(extra="updateStrategy: {rollingUpdate: {partition: 2}}"), *_WELL), ("PETS201", "PETS203"), ("POP-501",), (), fine=True, then=_kubectl("set", "image", "statefulset/web", "app=app:2")),
    Scene("a budget that allows nothing only while a pod is away", _all(_set(), *_WELL), ("PETS406",), ("POP-403", "POP-900"), ("statefulset-has-poddisruptionbudget",), fine=True, then=_change_under_budget),
    Scene("image latest, pinned by its digest", _all(_set(image="app:latest@sha256:" + "a" * 64), *_WELL), ("PETS704",), ("POP-101", "POP-100"), ("container-image-tag",), fine=True),
    Scene("an optional ConfigMap that is not there", _all(_set(pod="volumes: [{name: c, configMap: {name: gone, optional: true}}]"), *_WELL), ("PETS708",), (), (), fine=True),
    Scene("one replica, so no budget", _all(_set(replicas=1), _SERVICE), ("PETS405",), ("POP-206",), ("statefulset-has-poddisruptionbudget",), fine=True, ready=1),
)


def run(plane: ControlPlane) -> None:
    """Print the table."""
    spaces = [f"peer-{number:02}" for number in range(len(SCENES))]
    for space in spaces:
        plane.create_namespace(space)
    for space, scene in zip(spaces, SCENES, strict=True):
        pets = Plugin(plane, space)
        plane.apply(scene.manifest, space)
        pets.eventually(lambda pets=pets, scene=scene: _ready(pets) >= scene.ready, f"{scene.title}: {scene.ready} pods are Ready")  # type: ignore[misc]
        if scene.then is not None:
            scene.then(pets)
    with tempfile.TemporaryDirectory() as folder:
        peer = Popeye(plane, Path(folder))
        told = (_ours(plane), _popeyes(peer), _kube_scores(spaces))
    lines = table(told, spaces)
    print("\n".join(lines))
    if "\n".join(lines) not in _DOCS.read_text(encoding="utf-8"):
        raise SystemExit(f"bench: {_DOCS.name} has another table")


def table(told: Sequence[dict[str, set[str]]], spaces: Sequence[str]) -> list[str]:
    """The table in Markdown, as it is in the docs. ``told``: of each tool its codes by namespace."""
    lines = [f"| scene | {' | '.join(HEADS)} |", f"|---|{'---|' * len(HEADS)}"]
    for fine in (False, True):
        for space, scene in zip(spaces, SCENES, strict=True):
            if scene.fine is fine:
                asked = (scene.rules, scene.popeye, scene.kube_score)
                cells = [_cell(scene, wanted, found.get(space, set())) for wanted, found in zip(asked, told, strict=True)]
                lines.append(f"| {scene.title} | {' | '.join(cells)} |")
    return lines


def _ready(pets: Plugin) -> int:
    return int(pets.set()["status"].get("readyReplicas", 0))


def _cell(scene: Scene, wanted: tuple[str, ...], found: set[str]) -> str:
    met = sorted(code for code in found if any(code == each or (scene.fine and each.startswith("PETS") and code.startswith(each)) for each in wanted))
    if scene.fine:
        return f"**wrong**: {', '.join(met)}" if met else "-"
    return ", ".join(met) or "missed"


def _ours(plane: ControlPlane) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for each in _document(Plugin(plane, "default"), "-A")["findings"]:
        found.setdefault(each["subject"]["namespace"], set()).add(each["rule"])
    return found


def _popeyes(peer: Popeye) -> dict[str, set[str]]:
    """Its codes by namespace, of a warning at least."""
    done = subprocess.run(peer.command("json", section=""), env=peer.environ, capture_output=True, text=True, check=True)
    found: dict[str, set[str]] = {}
    for section in json.loads(done.stdout)["popeye"]["sections"]:
        for name, issues in (section.get("issues") or {}).items():
            codes = {each["message"].partition("]")[0].removeprefix("[") for each in issues if each["level"] >= 1}
            found.setdefault(name.partition("/")[0], set()).update(codes)
    return found


def _kube_scores(spaces: list[str]) -> dict[str, set[str]]:
    """Of the manifest of each scene the checks that fail, as a warning at least."""
    found: dict[str, set[str]] = {}
    binary = str(binaries(names=["kube-score"])["kube-score"])
    for space, scene in zip(spaces, SCENES, strict=True):
        done = subprocess.run([binary, "score", "-o", "json", "-"], input=scene.manifest, capture_output=True, text=True, check=False)
        for each in _objects(json.loads(done.stdout)):
            failed = {check["check"]["id"] for check in each["checks"] or () if not check["skipped"] and check["grade"] < _PASSED}
            found.setdefault(space, set()).update(failed)
    return found


#: scorecard.GradeAllOK
_PASSED = 10


def _objects(scored: Any) -> list[dict[str, Any]]:
    return list(scored or ())
