"""Snapshots on the control plane: the CRDs of kubernetes-csi/external-snapshotter (v1, in short form), claims on volumes of a CSI
driver, and the test in the part of the snapshot controller.

The schemas keep what the API server checks: fields, types, enums, what is required, and status as a subresource.
"""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, Iterator

from tests.commands.plugin import Plugin
from tests.controlplane import ControlPlaneError

_TYPE = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: %(plural)s.snapshot.storage.k8s.io
  annotations: {api-approved.kubernetes.io: "https://github.com/kubernetes-csi/external-snapshotter/pull/814"}
spec:
  group: snapshot.storage.k8s.io
  scope: %(scope)s
  names: {kind: %(kind)s, listKind: %(kind)sList, plural: %(plural)s, singular: %(singular)s, shortNames: [%(short)s]}
  versions:
  - {name: v1, served: true, storage: true, subresources: {%(subresources)s}, schema: {openAPIV3Schema: {%(schema)s}}}
"""
_TEXT = "{type: string}"
_CLASS = f"""
type: object, required: [deletionPolicy, driver], properties: {{
  apiVersion: {_TEXT}, kind: {_TEXT}, metadata: {{type: object}}, driver: {_TEXT},
  deletionPolicy: {{type: string, enum: [Delete, Retain]}},
  parameters: {{type: object, additionalProperties: {_TEXT}}}}}
"""
_ERROR = f"error: {{type: object, properties: {{message: {_TEXT}, time: {{type: string, format: date-time}}}}}}"
_SNAPSHOT = f"""
type: object, required: [spec], properties: {{
  apiVersion: {_TEXT}, kind: {_TEXT}, metadata: {{type: object}},
  spec: {{type: object, required: [source], properties: {{
    source: {{
      type: object, properties: {{persistentVolumeClaimName: {_TEXT}, volumeSnapshotContentName: {_TEXT}}},
      oneOf: [{{required: [persistentVolumeClaimName]}}, {{required: [volumeSnapshotContentName]}}]}},
    volumeSnapshotClassName: {_TEXT}}}}},
  status: {{type: object, properties: {{
    boundVolumeSnapshotContentName: {_TEXT}, creationTime: {{type: string, format: date-time}}, readyToUse: {{type: boolean}},
    restoreSize: {{x-kubernetes-int-or-string: true}}, {_ERROR}}}}}}}
"""
_CONTENT = f"""
type: object, required: [spec], properties: {{
  apiVersion: {_TEXT}, kind: {_TEXT}, metadata: {{type: object}},
  spec: {{type: object, required: [deletionPolicy, driver, source, volumeSnapshotRef], properties: {{
    deletionPolicy: {{type: string, enum: [Delete, Retain]}}, driver: {_TEXT}, volumeSnapshotClassName: {_TEXT},
    source: {{type: object, properties: {{snapshotHandle: {_TEXT}, volumeHandle: {_TEXT}}}}},
    sourceVolumeMode: {_TEXT},
    volumeSnapshotRef: {{type: object, x-kubernetes-map-type: atomic, properties: {{
      apiVersion: {_TEXT}, kind: {_TEXT}, name: {_TEXT}, namespace: {_TEXT}, uid: {_TEXT}, resourceVersion: {_TEXT}}}}}}}}},
  status: {{type: object, properties: {{
    creationTime: {{type: integer, format: int64}}, readyToUse: {{type: boolean}}, snapshotHandle: {_TEXT},
    restoreSize: {{type: integer, format: int64, minimum: 0}}, {_ERROR}}}}}}}
"""
_TYPES = (
    ("VolumeSnapshotClass", "volumesnapshotclasses", "vsclass", "Cluster", "", _CLASS),
    ("VolumeSnapshot", "volumesnapshots", "vs", "Namespaced", "status: {}", _SNAPSHOT),
    ("VolumeSnapshotContent", "volumesnapshotcontents", "vsc", "Cluster", "status: {}", _CONTENT),
)

_CLAIM = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: %(volume)s}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: %(policy)s
  storageClassName: of-the-test
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: %(namespace)s, name: %(name)s}
  csi: {driver: %(driver)s, volumeHandle: handle-%(volume)s}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: %(name)s, namespace: %(namespace)s, labels: {app: db}}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
  storageClassName: of-the-test
"""


def install(pets: Plugin) -> None:
    """The types, if they are not there; served when this returns. All tests see them."""
    for kind, plural, short, scope, subresources, schema in _TYPES:
        values = {"kind": kind, "plural": plural, "short": short, "scope": scope, "subresources": subresources}
        text = _TYPE % {**values, "singular": kind.lower(), "schema": " ".join(schema.split())}
        apply = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        pets.eventually(lambda: pets.plane.kubectl(*apply, input=text, check=False).returncode == 0, f"{kind} is accepted")
    for _, plural, *_ in _TYPES:
        name = f"crd/{plural}.snapshot.storage.k8s.io"
        pets.plane.kubectl("wait", "--for=condition=Established", name, "--timeout=60s")
        resource = f"{plural}.snapshot.storage.k8s.io"
        pets.eventually(lambda: pets.plane.kubectl("get", resource, "-A", check=False).returncode == 0, f"{plural} are served")


class Storage:
    """A CSI driver of one test's own, with its claims, its classes, and its snapshot controller."""

    def __init__(self, pets: Plugin) -> None:
        self.pets = pets
        self.driver = f"{pets.namespace}.csi.example.org"

    def claim(self, *names: str, policy: str = "Delete") -> None:
        """Claims of a set that is gone, as its controller made them, bound to volumes of the driver."""
        place = {"namespace": self.pets.namespace, "driver": self.driver, "policy": policy}
        text = "---".join(_CLAIM % {**place, "volume": self.volume(name), "name": name} for name in names)
        self.pets.plane.kubectl("create", "-f", "-", "--field-manager=kube-controller-manager", input=text)
        claims = [f"pvc/{name}" for name in names]
        self.pets.kubectl("wait", "--for=jsonpath={.status.phase}=Bound", *claims, "--timeout=60s")

    def volume(self, claim: str) -> str:
        return f"{self.pets.namespace}-{claim}"

    def live_volume(self, claim: str) -> Any:
        return json.loads(self.pets.plane.kubectl("get", "pv", self.volume(claim), "-o", "json").stdout)

    def untouched(self, claim: str) -> bool:
        """The claim is there, bound, and not on its way out; its volume is as it was made."""
        live, volume = self.pets.get("pvc", claim), self.live_volume(claim)
        notes = [key for key in volume["metadata"].get("annotations", {}) if key.startswith("kubectl-pets/")]
        return (
            "deletionTimestamp" not in live["metadata"]
            and live["status"]["phase"] == "Bound"
            and live["spec"]["volumeName"] == volume["metadata"]["name"]
            and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
            and not notes
        )

    def snapshot_class(self, name: str, policy: str = "Retain", *, default: bool = False, driver: str = "") -> str:
        name = f"{self.pets.namespace}-{name}"
        document = {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshotClass",
            "metadata": {
                "name": name,
                "annotations": {"snapshot.storage.kubernetes.io/is-default-class": "true"} if default else {},
            },
            "driver": driver or self.driver,
            "deletionPolicy": policy,
        }
        self.pets.plane.apply(json.dumps(document))
        return name

    def snapshots(self) -> dict[str, Any]:
        return {item["metadata"]["name"]: item for item in self.pets.get("volumesnapshots")["items"]}

    def report(self, name: str, **status: Any) -> None:
        """The controller writes a snapshot's status."""
        self.pets.kubectl(
            "patch", "volumesnapshot", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status})
        )

    def finish(self, name: str, *, policy: str = "Retain", handle: str = "") -> None:
        """The controller has taken it: there is a content, and the snapshot is ready to use."""
        snapshot = self.snapshots()[name]
        content = f"snapcontent-{snapshot['metadata']['uid']}"
        claim = snapshot["spec"]["source"]["persistentVolumeClaimName"]
        document = {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshotContent",
            "metadata": {"name": content},
            "spec": {
                "deletionPolicy": policy,
                "driver": self.driver,
                "source": {"volumeHandle": handle or f"handle-{self.volume(claim)}"},
                "volumeSnapshotClassName": snapshot["spec"]["volumeSnapshotClassName"],
                "volumeSnapshotRef": {
                    "name": name,
                    "namespace": self.pets.namespace,
                    "uid": snapshot["metadata"]["uid"],
                },
            },
        }
        self.pets.plane.apply(json.dumps(document))
        self.report(name, boundVolumeSnapshotContentName=content, readyToUse=True, error=None)

    @contextmanager
    def controller(self, acts: Callable[[str], None]) -> Iterator[None]:
        """The controller in a thread: ``acts`` on each snapshot as it comes, again after the API server did not take it. What
        it could not do to the end is the cause of whatever the test then saw, and is raised in its place."""
        over = threading.Event()
        failures: list[BaseException] = []

        def run() -> None:
            done: set[str] = set()
            while not over.wait(0.05):
                try:
                    for name in set(self.snapshots()) - done:
                        acts(name)
                        done.add(name)
                        failures.clear()
                except ControlPlaneError as failure:
                    failures[:] = [failure]
                except BaseException as failure:
                    failures[:] = [failure]
                    return

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        except BaseException as failure:
            failures.append(failure)
        over.set()
        thread.join(60)
        if failures:
            raise failures[0]
