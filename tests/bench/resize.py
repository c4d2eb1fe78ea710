"""The volumes of a set grow, and its template with them: one `resize` beside what a runbook has somebody type with kubectl.

Prints the tables of docs/resizing.md. The seconds by hand are those of kubectl alone, typed by a script that never stops to think.
"""

import json
import re
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

import yaml
from tabulate import tabulate

from tests.commands.plugin import Plugin, manifest
from tests.controlplane import ControlPlane, Storage

_SETS = 10
_COLUMNS = (
    "", "typed", "seconds, median", "worst", "without a set, median", "worst", "pods started again", "ControllerRevisions", "owners of fields",
)
_SERVERS_OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")


@dataclass
class _Way:
    """One way of doing it, and what came of it for each set."""

    title: str
    typed: str = ""
    seconds: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    restarts: int = 0
    before: set[int] = field(default_factory=set)
    kept: set[int] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)

    def row(self) -> tuple[str, ...]:
        figures = [f"{found(values):.2f}" for values in (self.seconds, self.gaps) for found in (statistics.median, max)]
        shown = [", ".join(map(str, sorted(numbers))) for numbers in (self.before, self.kept)]
        return (self.title, self.typed, *figures, str(self.restarts), f"{shown[0]} before, {shown[1]} of them after", ", ".join(sorted(self.owners)))


@dataclass(frozen=True)
class _Stand:
    """What must not change: pods by name, revisions by uid, who owns which field."""

    pods: dict[str, str]
    revisions: frozenset[tuple[str, int]]
    owners: tuple[str, ...]

    @classmethod
    def of(cls, pets: Plugin) -> "_Stand":
        entries = json.loads(pets.kubectl("get", "sts", "web", "-o", "json", "--show-managed-fields"))["metadata"]["managedFields"]
        owners = sorted(f"{each['manager']} {json.dumps(each['fieldsV1'], sort_keys=True)}" for each in entries if not each.get("subresource"))
        history = frozenset((each["metadata"]["uid"], each["revision"]) for each in pets.get("controllerrevisions")["items"])
        return cls(pets.uids(), history, tuple(owners))


def run(plane: ControlPlane) -> None:
    storage = plane.standard_storage()
    ways = [_Way("`resize`"), _Way("kubectl, typed by a script")]
    for number in range(_SETS):
        for way, grow in zip(ways, (_by_resize, _by_hand), strict=True):
            pets = Plugin(plane, f"grown-{number}-{ways.index(way)}")
            plane.create_namespace(pets.namespace)
            _make(pets, storage)
            before, began = _Stand.of(pets), time.monotonic()
            grow(pets, way)
            way.seconds.append(time.monotonic() - began)
            _judge(pets, way, before)
            plane.delete_namespace(pets.namespace)
    print(tabulate([way.row() for way in ways], _COLUMNS, tablefmt="github", disable_numparse=True))


def _make(pets: Plugin, storage: Storage) -> None:
    """Three pods with a volume each, at their second revision."""
    made = yaml.safe_load(manifest("web", policy="Parallel", claims=True))
    made["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = storage.storage_class()
    pets.plane.apply(json.dumps(made), pets.namespace)
    pets.kubectl("wait", "statefulset/web", "--for=jsonpath={.status.availableReplicas}=3", "--timeout=120s")
    pets("rollout", "run", "web", "--image", "app:2", "--timeout", "120s", "-y")


def _by_resize(pets: Plugin, way: _Way) -> None:
    done = subprocess.run(pets.command("resize", "web", "2Mi", "-y"), capture_output=True, text=True, check=True)
    gap = re.search(r"without a StatefulSet for ([0-9.]+) s", done.stderr)
    assert gap is not None, done.stderr
    way.gaps.append(float(gap[1]))
    way.typed = "1 command"


def _by_hand(pets: Plugin, way: _Way) -> None:
    """As runbooks have it (prometheus-operator's storage.md is one): the claims, the set without its pods, the set once more."""
    commands = 0

    def kubectl(*words: str, text: str | None = None) -> str:
        nonlocal commands
        commands += 1
        return pets.plane.kubectl(*words, "-n", pets.namespace, input=text).stdout

    body: dict[str, Any] = json.loads(kubectl("get", "sts", "web", "-o", "json"))
    for ordinal in (2, 1, 0):
        kubectl("patch", "pvc", f"data-web-{ordinal}", "-p", '{"spec": {"resources": {"requests": {"storage": "2Mi"}}}}')
        kubectl("wait", "pvc", f"data-web-{ordinal}", "--for=jsonpath={.status.capacity.storage}=2Mi", "--timeout=60s")
    # The edit.
    body.pop("status")
    for key in _SERVERS_OWN:
        body["metadata"].pop(key, None)
    body["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "2Mi"
    began = time.monotonic()
    kubectl("delete", "sts", "web", "--cascade=orphan")
    kubectl("create", "-f", "-", text=json.dumps(body))
    way.gaps.append(time.monotonic() - began)
    way.typed = f"{commands} commands and an edit"


def _judge(pets: Plugin, way: _Way, before: _Stand) -> None:
    pets.kubectl("wait", "statefulset/web", "--for=jsonpath={.status.availableReplicas}=3", "--timeout=120s")
    sizes = {each["status"]["capacity"]["storage"] for each in pets.get("pvc")["items"]}
    assert sizes == {"2Mi"}, sizes
    after = _Stand.of(pets)
    way.restarts += sum(after.pods.get(name) != uid for name, uid in before.pods.items())
    way.before.add(len(before.revisions))
    way.kept.add(len(before.revisions & after.revisions))
    way.owners.add("the same" if after.owners == before.owners else "kubectl alone" if len(after.owners) == 1 else "others")
