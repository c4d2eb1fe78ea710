"""PingCAP's controller of Advanced StatefulSets, played: there is no release of it that could be run.

What it does is what its source says (github.com/pingcap/advanced-statefulset, pkg/controller/statefulset: sync, updateStatefulSet,
newVersionedStatefulSetPod, getStatefulSetRevisions, completeRollingUpdate; client/apis/apps/v1/helper): that of Kubernetes 1.17,
with slots that are left out, a partition that is an ordinal, and an annotation with which it does nothing at all. Retention of
claims, history limits and events are left out.
"""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import suppress
from typing import Any

from tests.controlplane.api import Api, ApiError

GROUP = "apps.pingcap.com"

#: As its own manifests/crd.v1.yaml has it: status and scale are subresources, and nothing is filled in but the replicas.
TYPE = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: statefulsets.apps.pingcap.com}
spec:
  group: apps.pingcap.com
  scope: Namespaced
  names: {kind: StatefulSet, listKind: StatefulSetList, plural: statefulsets, singular: statefulset, shortNames: [asts]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.labelSelector}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {replicas: {type: integer, default: 1}}}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""

Obj = dict[str, Any]


class PlayedController:
    """Controls every set of the kind, as a thread of its own between ``with``."""

    def __init__(self, api: Api) -> None:
        self._api, self._over = api, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> PlayedController:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.1):
            with suppress(ApiError, OSError):
                for item in self._api.get(f"/apis/{GROUP}/v1/statefulsets")["items"]:
                    with suppress(ApiError):  # somebody was faster: it is looked at again
                        self._sync(item)

    def _sync(self, owner: Obj) -> None:
        meta = owner["metadata"]
        if meta.get("annotations", {}).get("paused-reconcile") == "true" or "deletionTimestamp" in meta:
            return
        pods = {_ordinal(pod): pod for pod in self._own(owner, "api/v1", "pods")}
        revisions = sorted(self._own(owner, "apis/apps/v1", "controllerrevisions"), key=lambda each: each["revision"])
        update = self._update_revision(owner, revisions)
        current = next((each for each in revisions if each["metadata"]["name"] == owner.get("status", {}).get("currentRevision")), update)
        self._move(owner, pods, current, update)
        self._tell(owner, pods, current["metadata"]["name"], update["metadata"]["name"])

    def _own(self, owner: Obj, api: str, plural: str) -> list[Obj]:
        labels = ",".join(f"{key}%3D{value}" for key, value in owner["spec"]["selector"]["matchLabels"].items())
        found = self._api.get(f"/{api}/namespaces/{owner['metadata']['namespace']}/{plural}?labelSelector={labels}")["items"]
        return [each for each in found if any(ref["uid"] == owner["metadata"]["uid"] for ref in each["metadata"].get("ownerReferences", []))]

    def _update_revision(self, owner: Obj, revisions: list[Obj]) -> Obj:
        """The one of the template: the newest, an older one under a new number, or a new one."""
        data = {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}
        number = revisions[-1]["revision"] + 1 if revisions else 1
        equal = [each for each in revisions if each["data"] == data]
        where = f"/apis/apps/v1/namespaces/{owner['metadata']['namespace']}/controllerrevisions"
        if equal and equal[-1] is not revisions[-1]:
            found: Obj = self._api.merge(f"{where}/{equal[-1]['metadata']['name']}", {"revision": number})
            return found
        if equal:
            return equal[-1]
        name = f"{owner['metadata']['name']}-{hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:9]}"
        meta = {"name": name, "labels": owner["spec"]["template"]["metadata"]["labels"], "ownerReferences": [_reference(owner)]}
        found = self._api.post(where, {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": meta, "data": data, "revision": number})
        revisions.append(found)
        return found

    def _move(self, owner: Obj, pods: dict[int, Obj], current: Obj, update: Obj) -> None:
        """One sync: makes and deletes what may be made and deleted now, and puts it into ``pods``. Each of the three returns whether
        the next one may go on."""
        in_order = owner["spec"].get("podManagementPolicy", "OrderedReady") != "Parallel"
        if self._fill(owner, pods, current, update, in_order) and self._shrink(owner, pods, in_order):
            self._replace(owner, pods, update)

    def _fill(self, owner: Obj, pods: dict[int, Obj], current: Obj, update: Obj, in_order: bool) -> bool:
        for ordinal in _slots(owner):
            if ordinal in pods and pods[ordinal]["status"].get("phase") in ("Failed", "Succeeded"):
                self._delete(pods.pop(ordinal))
            if ordinal not in pods:
                pods[ordinal] = self._create(owner, ordinal, current if ordinal < _partition(owner) else update)
            elif _healthy(pods[ordinal]):
                continue
            if in_order:
                return False
        return True

    def _shrink(self, owner: Obj, pods: dict[int, Obj], in_order: bool) -> bool:
        unhealthy = [ordinal for ordinal in sorted(pods) if not _healthy(pods[ordinal])]
        for ordinal in sorted(set(pods) - set(_slots(owner)), reverse=True):
            pod = pods[ordinal]
            if "deletionTimestamp" not in pod["metadata"] and (not in_order or _ready(pod) or ordinal == unhealthy[0]):
                self._delete(pod)
            if in_order:
                return False
        return True

    def _replace(self, owner: Obj, pods: dict[int, Obj], update: Obj) -> None:
        if owner["spec"].get("updateStrategy", {}).get("type", "RollingUpdate") == "OnDelete":
            return
        for ordinal in reversed([each for each in _slots(owner) if each >= _partition(owner)]):
            pod = pods[ordinal]
            if _revision(pod) != update["metadata"]["name"] and "deletionTimestamp" not in pod["metadata"]:
                self._delete(pod)
                return
            if not _healthy(pod):
                return

    def _create(self, owner: Obj, ordinal: int, revision: Obj) -> Obj:
        template, meta = revision["data"]["spec"]["template"], owner["metadata"]
        name, volumes = f"{meta['name']}-{ordinal}", []
        for each in owner["spec"].get("volumeClaimTemplates", []):
            claim = f"{each['metadata']['name']}-{name}"
            volumes.append({"name": each["metadata"]["name"], "persistentVolumeClaim": {"claimName": claim}})
            made = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim}, "spec": each["spec"]}
            try:
                self._api.post(f"/api/v1/namespaces/{meta['namespace']}/persistentvolumeclaims", made)
            except ApiError as error:
                if error.status != 409:
                    raise
        spec = {**template["spec"], "hostname": name, "subdomain": owner["spec"].get("serviceName", ""), "volumes": volumes}
        labels = {
            **template["metadata"]["labels"],
            "controller-revision-hash": revision["metadata"]["name"],
            "statefulset.kubernetes.io/pod-name": name,
        }
        pod = {"name": name, "labels": labels, "ownerReferences": [_reference(owner)]}
        made_pod: Obj = self._api.post(
            f"/api/v1/namespaces/{meta['namespace']}/pods", {"apiVersion": "v1", "kind": "Pod", "metadata": pod, "spec": spec}
        )
        return made_pod

    def _delete(self, pod: Obj) -> None:
        self._api.delete(f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}")
        pod["metadata"].setdefault("deletionTimestamp", "now")

    def _tell(self, owner: Obj, pods: dict[int, Obj], current: str, update: str) -> None:
        """Its status, as 1.17 has it; nothing of availability."""
        ready = sum(_ready(pod) for pod in pods.values())
        there = [pod for pod in pods.values() if "deletionTimestamp" not in pod["metadata"]]
        updated = sum(_revision(pod) == update for pod in there)
        rolling = owner["spec"].get("updateStrategy", {}).get("type", "RollingUpdate") == "RollingUpdate"
        if rolling and updated == len(pods) == ready:
            current = update
        status = {
            "observedGeneration": owner["metadata"]["generation"],
            "replicas": len(pods),
            "readyReplicas": ready,
            "currentReplicas": sum(_revision(pod) == current for pod in there),
            "updatedReplicas": updated,
            "currentRevision": current,
            "updateRevision": update,
            "collisionCount": 0,
        }
        if status != owner.get("status"):
            meta = owner["metadata"]
            self._api.merge(f"/apis/{GROUP}/v1/namespaces/{meta['namespace']}/statefulsets/{meta['name']}/status", {"status": status})


def _slots(owner: Obj) -> list[int]:
    """GetPodOrdinals: so many, from 0 up, without those that are left out; an annotation that is no list leaves out none."""
    try:
        left_out = set(json.loads(owner["metadata"].get("annotations", {}).get("delete-slots", "[]")))
    except (ValueError, TypeError):
        left_out = set()
    end: int = owner["spec"]["replicas"]
    for slot in sorted(left_out):
        end += slot < end
    return [ordinal for ordinal in range(end) if ordinal not in left_out]


def _partition(owner: Obj) -> int:
    found: int = (owner["spec"].get("updateStrategy", {}).get("rollingUpdate") or {}).get("partition", 0)
    return found


def _ordinal(pod: Obj) -> int:
    return int(pod["metadata"]["name"].rpartition("-")[2])


def _revision(pod: Obj) -> str:
    found: str = pod["metadata"]["labels"]["controller-revision-hash"]
    return found


def _ready(pod: Obj) -> bool:
    conditions = pod["status"].get("conditions", [])
    return pod["status"].get("phase") == "Running" and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _healthy(pod: Obj) -> bool:
    return _ready(pod) and "deletionTimestamp" not in pod["metadata"]


def _reference(owner: Obj) -> Obj:
    meta = owner["metadata"]
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "StatefulSet",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
