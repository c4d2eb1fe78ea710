"""The random clusters of ``tests/domain/orphans/world.py``, grown by all that ``doctor`` reads besides: whatever the API may hold, at
the ends of time, too, and lists that may not be read.

Objects are written as JSON and decoded as an answer is, so that no Struct is made here that no server could send.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from kubectl_pets.domain.dns.answers import Answer, Outcome, Question, RecordType, Server, ServerAnswers
from kubectl_pets.domain.dns.corefile import read_corefile
from kubectl_pets.domain.dns.network import EndpointSlice, Service
from kubectl_pets.domain.doctor.estate import (
    Content,
    Estate,
    FullNode,
    FullSet,
    Guard,
    NamesHeard,
    Selecting,
    Unread,
    UnreadWhy,
    VolumeUse,
)
from kubectl_pets.domain.findings import RULES
from kubectl_pets.domain.model import ControllerRevision, Event, Object, PersistentVolumeClaim, Pod, ServerVersion
from kubectl_pets.domain.orphans.inventory import ClaimInventory
from kubectl_pets.domain.orphans.snapshots import VolumeSnapshot
from kubectl_pets.domain.resize.types import ResourceQuota, StorageClass
from kubectl_pets.domain.rollout.containers import FAILING_REASONS, HOPELESS_REASONS
from kubectl_pets.domain.safety.nodes import VolumeAttachment
from tests.domain.orphans.builders import NOW
from tests.domain.orphans.world import WORDS, World

_COREFILE = ".:53 { kubernetes cluster.local in-addr.arpa { pods insecure } }"
_SIZES = ("", "0", "1Gi", "10Gi", "10240Mi", "1e3", "-1", "odd", 7, None, "9" * 40 + "Ei")
_SHARES = (None, 0, 1, 2, 99, "0%", "33%", "50%", "100%", "x%", "%", "-5%", "9" * 30 + "%", "")
_CLASSES = (None, "", "fast", "slow", "gone")
_PROBES: tuple[Any, ...] = (None, {}, {"httpGet": {"port": 80}}, {"tcpSocket": {"port": "p"}})
_IMAGES = ("", "app", "app:1", "reg:5000/etcd", "kafka@sha256:aa", "a:latest", ":", "@", "redis:7")
_CONDITIONS = (
    "Ready", "PodScheduled", "Resizing", "FileSystemResizePending", "ModifyingVolume", "ControllerResizeError", "Unused", "FailedCreatePod", "DiskPressure", "",
)
_CLAIM_STATES = ("", "ControllerResizeInfeasible", "NodeResizePending", "NodeResizeFailed", "ControllerResizeInProgress")
_VERSIONS = ("v1.33.1", "v1.34.1", "v1.35.2", "v1.37.2", "v1.38.0-alpha.1", "odd", "")

#: Fields of an estate that may be unread, and what an item of each is decoded into.
_LISTS: dict[str, Any] = {
    "pods": Pod, "revisions": ControllerRevision, "services": Service, "slices": EndpointSlice, "budgets": Guard, "nodes": FullNode,
    "classes": StorageClass, "attachments": VolumeAttachment, "quotas": ResourceQuota, "deployments": Selecting, "daemon_sets": Selecting,
    "accounts": Object,
    "config_maps": Content, "secrets": Content, "snapshots": VolumeSnapshot, "events": Event,
}  # fmt: skip


class Growing:
    """One cluster around the claims and sets of a ``World``."""

    def __init__(self, seed: object) -> None:
        self.inventory = World.grown(seed).estate()
        self.random = Random(f"doctor {seed}")

    def pick(self, options: Sequence[Any]) -> Any:
        return self.random.choice(options)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def estate(self) -> Estate:
        kinds = ("sets", "kruise_sets", "pingcap_sets")
        by_kind = {kind: tuple(self._set(each) for each in getattr(self.inventory, kind) or ()) for kind in kinds}
        sets = tuple(each for listed in by_kind.values() for each in listed)
        claims = None if self.chance(0.05) else tuple(self._claim(each) for each in self.inventory.claims)
        inventory = None if claims is None else msgspec.structs.replace(self.inventory, claims=claims, **by_kind)
        found: dict[str, Any] = {}
        for name, kind in _LISTS.items():
            made: Callable[[], list[dict[str, Any]]] = getattr(self, f"_{name}", lambda: [])
            self.sets = sets
            found[name] = None if self.chance(0.06) else tuple(self._decoded(each, kind) for each in made())
        unread = {name: Unread(name, self.pick(tuple(UnreadWhy))) for name, value in found.items() if value is None}
        volumes: Any = self.inventory.volumes
        return Estate(
            namespace=None,
            sets=sets,
            claims=claims,
            inventory=inventory,
            volumes=None if self.chance(0.06) else volumes,
            autoscalers=self.inventory.autoscalers,
            scaled_objects=self.inventory.scaled_objects,
            server=self.pick((None, *(ServerVersion(git_version=version) for version in _VERSIONS))),
            templates=self.pick((None, {}, self._templates())),
            heard=self.pick((None, {}, self._heard())),
            usage=self.pick((None, {}, self._usage())),
            unread=unread,
            **found,
        )

    # --- what every object has -----------------------------------------------------------------------------------------------

    def _decoded(self, item: dict[str, Any], kind: Any) -> Any:
        """As the client does it: nulls are dropped, and what does not fit is unreadable."""
        kept = _without_nulls(item)
        try:
            return msgspec.json.decode(msgspec.json.encode(kept), type=kind)
        except msgspec.MsgspecError:
            meta = {key: value for key, value in kept.get("metadata", {}).items() if key in ("name", "namespace")}
            return msgspec.convert({"metadata": meta, "kubectl-pets/unreadable": "it does not fit"}, kind)

    def time(self) -> str | None:
        ends = (datetime.min, datetime.max, datetime(1970, 1, 1))
        near = [NOW - timedelta(seconds=each) for each in (-60, 0, 9, 70, 700, 4000, 90_000, 10**6)]
        moment = self.pick(ends).replace(tzinfo=UTC) if self.chance(0.06) else self.pick(near)
        return None if self.chance(0.1) else moment.isoformat()

    def named(self, namespace: str, name: str = "", **more: Any) -> dict[str, Any]:
        return {"metadata": {"name": name or self.pick(WORDS), "namespace": namespace, "uid": self.pick(WORDS), "creationTimestamp": self.time(), **more}}

    def several(self, make: Callable[[], Any], most: int = 2) -> list[Any]:
        return [make() for _ in range(self.random.randint(0, most))]

    def spaces(self) -> str:
        return str(self.pick(("prod", "prod", "test", "")))

    def condition(self) -> dict[str, Any]:
        return {
            "type": self.pick(_CONDITIONS),
            "status": self.pick(("True", "True", "False", "Unknown", "")),
            "reason": self.pick(("", "Unschedulable", "Odd")),
            "message": self.pick(("", "rpc error: code = FailedPrecondition desc = in use", "0/3 nodes are available")),
            "lastTransitionTime": self.time(),
        }

    # --- sets and claims -----------------------------------------------------------------------------------------------------

    def _set(self, owner: Any) -> FullSet:
        item = msgspec.to_builtins(owner)
        meta, spec = item.setdefault("metadata", {}), item.setdefault("spec", {})
        meta["uid"] = f"{meta.get('namespace')}/{meta.get('name')}/{self.random.random()}"  # no two objects have one
        meta["generation"] = self.pick((1, 1, 1, 0, 2))
        meta["creationTimestamp"] = self.time()
        meta["deletionTimestamp"] = self.time() if self.chance(0.04) else None
        meta["annotations"] = {**meta.get("annotations", {}), **self._annotations()}
        meta["managedFields"] = self.several(self._written)
        spec["serviceName"] = self.pick(("", meta["name"], meta["name"], *WORDS))
        spec["podManagementPolicy"] = self.pick(("OrderedReady", "Parallel", ""))
        rolling = {"partition": self.pick((None, 0, 1, 9)), "maxUnavailable": self.pick(_SHARES), "paused": self.chance(0.1)}
        kind = self.pick(("RollingUpdate", "RollingUpdate", "OnDelete", "Recreate", ""))
        spec["updateStrategy"] = {"type": kind, "rollingUpdate": self.pick((None, rolling))}
        spec["revisionHistoryLimit"] = self.pick((None, 0, 10, -1))
        policy = {"whenDeleted": self.pick(("Retain", "Delete")), "whenScaled": self.pick(("Retain", "Delete", "Odd"))}
        spec["persistentVolumeClaimRetentionPolicy"] = self.pick((None, policy))
        for template in spec.get("volumeClaimTemplates", ()):
            template["spec"] = self._claim_spec()
        labels = {**spec.get("selector", {}).get("matchLabels", {}), "app.kubernetes.io/name": self.pick(("etcd", "kafka", "x"))}
        volumes = [*spec.get("template", {}).get("spec", {}).get("volumes", ()), *self.several(self._volume)]
        spec["template"] = {"metadata": {"labels": labels}, "spec": {**self._pod_spec(), "volumes": volumes}}
        item["status"] = {
            "observedGeneration": self.pick((1, 1, 1, 0, 2)),
            "currentRevision": self.pick(("r-1", "r-1", "r-2", "")),
            "updateRevision": self.pick(("r-1", "r-2", "r-2", "r-2", "", "r" * 70)) if self.chance(0.5) else "r-1",
            "conditions": self.several(self.condition),
        }
        found = self._decoded(item, FullSet)
        assert isinstance(found, FullSet)
        return found

    def _annotations(self) -> dict[str, str]:
        number = self.pick(tuple(RULES.values())).number
        notes = {
            "kubectl-pets/ignore": self.pick((f"{number}: x", f"{number}: x, 2020-01-01", "PETS*: a; b", ":", ";", "\0", "PETS1")),
            "kubectl-pets/members": self.pick(("voting", "data", "cache", "odd", "")),
            "kubectl-pets/resume-partition": self.pick(("0", "-1", "x", "9" * 5000)),
            "kubectl.kubernetes.io/last-applied-configuration": self.pick(
                ("", "{", "[]", "{}", '{"spec":null}', json.dumps({"spec": {"replicas": 3, "volumeClaimTemplates": [{"metadata": {"name": self.pick(WORDS)}, "spec": self._claim_spec()}]}}))
            ),
        }
        return {key: value for key, value in notes.items() if self.chance(0.25)}

    def _written(self) -> dict[str, Any]:
        owned = {"f:spec": self.pick(({}, {"f:replicas": {}}, {"f:template": {"f:spec": {}}}, {"f:updateStrategy": {"f:rollingUpdate": {"f:partition": {}}}}))}
        return {
            "manager": self.pick(("helm", "kubectl", "kubectl-pets", "argocd-controller", "")),
            "operation": self.pick(("Apply", "Update", "")),
            "time": self.time(),
            "fieldsV1": self.pick((None, {}, owned)),
        }

    def _claim_spec(self) -> dict[str, Any]:
        return {
            "storageClassName": self.pick(_CLASSES),
            "volumeAttributesClassName": self.pick((None, "", "gold")),
            "accessModes": self.pick(([], ["ReadWriteOnce"], ["ReadWriteOncePod"], ["ReadWriteMany", "ReadWriteOnce"])),
            "volumeMode": self.pick((None, "Block", "Filesystem")),
            "resources": {"requests": {"storage": self.pick(_SIZES)}},
        }

    def _claim(self, claim: PersistentVolumeClaim) -> PersistentVolumeClaim:
        """As the world has it, in all that decides whether it is wanted; the rest is odd."""
        if claim.unreadable:
            return claim
        item = msgspec.to_builtins(claim)
        item["metadata"].setdefault("creationTimestamp", None)
        spec, status = item.setdefault("spec", {}), item.setdefault("status", {})
        spec.update({key: value for key, value in self._claim_spec().items() if key != "accessModes"})
        status.update(
            {
                "capacity": {"storage": self.pick(_SIZES)},
                "allocatedResources": self.pick((None, {"storage": self.pick(_SIZES)})),
                "allocatedResourceStatuses": self.pick((None, {"storage": self.pick(_CLAIM_STATES)})),
                "currentVolumeAttributesClassName": self.pick((None, "gold")),
                "modifyVolumeStatus": self.pick((None, {}, {"status": self.pick(("Pending", "Infeasible", "InProgress", "Odd"))})),
                "healthStatus": self.pick((None, {}, {"healthConditions": [{"status": self.pick(("DataLoss", "Degraded", "")), "lastTransitionTime": self.time()}]})),
            }
        )
        return self._decoded(item, PersistentVolumeClaim)  # type: ignore[no-any-return]

    # --- pods ----------------------------------------------------------------------------------------------------------------

    def _container(self) -> dict[str, Any]:
        source = {"name": self.pick(("settings", "password", "gone", "")), "optional": self.pick((None, True, False))}
        value_from: Any = self.pick((None, {}, {"configMapKeyRef": source}, {"secretKeyRef": source}))
        return {
            "name": self.pick(("app", "side", "")),
            "image": self.pick(_IMAGES),
            "restartPolicy": self.pick((None, "Always")),
            "readinessProbe": self.pick(_PROBES),
            "livenessProbe": self.pick(_PROBES),
            "env": self.pick(([], [{"name": "A", "value": "secret", "valueFrom": value_from}])),
            "envFrom": self.pick(([], [{"configMapRef": source}], [{"secretRef": source}])),
            "resources": self.pick((None, {}, {"requests": {"memory": self.pick(_SIZES)}}, {"limits": {"cpu": "1"}})),
            "volumeMounts": self.several(lambda: {"name": self.pick(WORDS), "subPath": self.pick((None, "a"))}),
        }

    def _volume(self) -> dict[str, Any]:
        source = {"name": "settings", "secretName": "password", "optional": self.pick((None, True))}
        projected = {"sources": [{"configMap": source}, {"secret": source}, {}]}
        one: Any = self.pick(({"configMap": source}, {"secret": source}, {"projected": projected}, {"persistentVolumeClaim": {"claimName": "x"}}, {}))
        return {"name": self.pick(WORDS), **one}

    def _pod_spec(self) -> dict[str, Any]:
        term = {"topologyKey": self.pick(("kubernetes.io/hostname", "")), "labelSelector": self.pick((None, {}, {"matchLabels": {"app": "web"}}))}
        anti = {"requiredDuringSchedulingIgnoredDuringExecution": self.pick(([], [term])), "preferredDuringSchedulingIgnoredDuringExecution": self.pick(([], [{}]))}
        return {
            "containers": self.several(self._container, 2) or [self._container()],
            "initContainers": self.several(self._container, 1),
            "serviceAccountName": self.pick((None, "", "app", "gone")),
            "terminationGracePeriodSeconds": self.pick((None, 0, 30, -1)),
            "affinity": self.pick((None, {}, {"podAntiAffinity": anti})),
            "topologySpreadConstraints": self.pick(([], [{}])),
            "nodeSelector": self.pick((None, {}, {"disk": "ssd"})),
            "hostNetwork": self.chance(0.1),
            "subdomain": self.pick(("", *WORDS)),
            "hostname": self.pick(("", "web-0")),
        }

    def _state(self) -> dict[str, Any]:
        reason = self.pick((*sorted(FAILING_REASONS | HOPELESS_REASONS), "ContainerCreating", ""))
        ended = {"exitCode": self.pick((0, 1, 137)), "reason": "Error", "startedAt": self.time(), "finishedAt": self.time()}
        states: tuple[dict[str, Any], ...] = ({}, {"running": {"startedAt": self.time()}}, {"waiting": {"reason": reason}}, {"terminated": ended})
        return dict(self.pick(states))

    def _container_status(self) -> dict[str, Any]:
        return {
            "name": self.pick(("app", "side")),
            "image": self.pick(_IMAGES),
            "imageID": self.pick(("", "r@sha256:aa", "r@sha256:bb", "odd")),
            "ready": self.chance(0.5),
            "restartCount": self.pick((0, 1, 99)),
            "state": self._state(),
            "lastState": self._state(),
        }

    def _pods(self) -> list[dict[str, Any]]:
        found = []
        for owner in self.sets:
            for ordinal in range(owner.start, owner.start + min(owner.spec.replicas, 5) + self.pick((0, 0, 1))):
                if self.chance(0.8):
                    found.append(self._pod(owner, ordinal))
        return found

    def _pod(self, owner: FullSet, ordinal: int) -> dict[str, Any]:
        name = self.pick((f"{owner.name}-{ordinal}",) * 9 + (f"{owner.name}-0{ordinal}", "x"))
        controller = {"kind": "StatefulSet", "name": owner.name, "uid": owner.metadata.uid, "controller": self.chance(0.95)}
        mounts = [
            {"name": template.name, "persistentVolumeClaim": {"claimName": f"{template.name}-{owner.name}-{ordinal}"}}
            for template in owner.spec.volume_claim_templates
            if self.chance(0.9)
        ]
        labels = {**owner.spec.selector.match_labels, "controller-revision-hash": self.pick(("r-1", "r-1", "r-2", "r-2", "r-3", "")), "x": "y"}
        item = self.named(owner.namespace, name, labels=labels, ownerReferences=self.pick(([controller],) * 9 + ([],)))
        item["metadata"]["uid"] = f"{owner.namespace}/{name}"
        item["metadata"]["deletionTimestamp"] = self.time() if self.chance(0.1) else None
        item["metadata"]["finalizers"] = self.pick(([], [], ["example.org/wait"]))
        item["spec"] = {**self._pod_spec(), "nodeName": self.pick(("", "node-0", "node-1", "gone")), "volumes": mounts}
        item["status"] = self._well(ordinal) if self.chance(0.6) else {
            "phase": self.pick(("Running", "Running", "Pending", "Failed", "Succeeded", "Unknown", "")),
            "reason": self.pick(("", "Evicted")),
            "podIP": self.pick(("", "10.0.0.1", "odd", "fd00::1")),
            "conditions": self.several(self.condition, 3),
            "containerStatuses": self.several(self._container_status),
            "initContainerStatuses": self.several(self._container_status, 1),
        }
        return item

    def _well(self, ordinal: int) -> dict[str, Any]:
        """Mostly."""
        ready = {"type": "Ready", "status": self.pick(("True",) * 9 + ("False",)), "lastTransitionTime": self.time()}
        container = {"name": "app", "image": "app:1", "imageID": self.pick(("r@sha256:aa",) * 5 + ("r@sha256:bb",)), "ready": True, "state": {"running": {"startedAt": self.time()}}}
        return {"phase": "Running", "podIP": f"10.0.0.{ordinal + 1}", "conditions": [ready], "containerStatuses": [container]}

    def _revisions(self) -> list[dict[str, Any]]:
        def one(owner: FullSet, name: str) -> dict[str, Any]:
            controller = {"kind": "StatefulSet", "name": owner.name, "uid": owner.metadata.uid, "controller": True}
            item = self.named(owner.namespace, name, ownerReferences=[controller], labels=owner.spec.selector.match_labels)
            return {**item, "revision": self.pick((0, 1, 2, 2**62)), "data": self.pick((None, {}, {"spec": {"template": {"spec": self._pod_spec()}}}))}

        return [one(owner, name) for owner in self.sets for name in ("r-1", "r-2") if self.chance(0.6)]

    # --- what is around ------------------------------------------------------------------------------------------------------

    def _services(self) -> list[dict[str, Any]]:
        def one() -> dict[str, Any]:
            spec = {
                "clusterIP": self.pick(("None", "", "10.1.1.1")),
                "type": self.pick(("ClusterIP", "ExternalName", "")),
                "selector": self.pick((None, {}, {"app": "x"}, *(each.spec.selector.match_labels for each in self.sets))),
                "ipFamilies": self.pick(([], ["IPv4"], ["IPv6", "IPv4"], ["odd"])),
                "publishNotReadyAddresses": self.chance(0.3),
            }
            owner = self.pick((None, *self.sets))
            named = self.named(owner.namespace, owner.spec.service_name) if owner is not None else self.named(self.spaces())
            return {**named, "spec": spec}

        return self.several(one, 4)

    def _slices(self) -> list[dict[str, Any]]:
        def endpoint() -> dict[str, Any]:
            target = {"kind": "Pod", "namespace": "prod", "name": f"{self.pick(WORDS)}-0", "uid": "prod/x"}
            return {
                "addresses": self.pick(([], ["10.0.0.1"], ["odd"])),
                "conditions": self.pick(({}, {"ready": self.chance(0.5)})),
                "hostname": self.pick((None, "web-0")),
                "targetRef": self.pick((None, target)),
            }

        def one() -> dict[str, Any]:
            item = self.named(self.spaces(), labels=self.pick(({}, {"kubernetes.io/service-name": self.pick(WORDS)})))
            return {**item, "addressType": self.pick(("IPv4", "IPv6", "FQDN")), "endpoints": self.pick((None, [])) or self.several(endpoint)}

        return self.several(one, 3)

    def _budgets(self) -> list[dict[str, Any]]:
        def one() -> dict[str, Any]:
            spec = {
                "maxUnavailable": self.pick(_SHARES),
                "minAvailable": self.pick((None, None, 1, "100%")),
                "selector": self.pick((*({"matchLabels": each.spec.selector.match_labels} for each in self.sets), None, {}, {"matchExpressions": [{"key": "app", "operator": self.pick(("In", "Exists", "Odd")), "values": ["web"]}]})),
                "unhealthyPodEvictionPolicy": self.pick((None, "AlwaysAllow", "IfHealthyBudget")),
            }
            status = {"observedGeneration": self.pick((0, 1)), "currentHealthy": self.pick((0, 3, -1)), "desiredHealthy": 2, "disruptionsAllowed": self.pick((0, 1))}
            return {**self.named(self.spaces(), generation=1), "spec": spec, "status": status}

        return self.several(one, 3)

    def _nodes(self) -> list[dict[str, Any]]:
        def one(name: str) -> dict[str, Any]:
            labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": self.pick(("a", "b", ""))}
            taint = {"key": self.pick(("node.kubernetes.io/unreachable", "karpenter.sh/disrupted", "node.kubernetes.io/out-of-service")), "effect": "NoExecute", "timeAdded": self.time()}
            spec = {"unschedulable": self.chance(0.2), "taints": self.pick(([], [taint]))}
            status = {"conditions": self.several(self.condition), "nodeInfo": self.pick((None, {"architecture": self.pick(("amd64", "arm64"))}))}
            return {**self.named("", name, labels=self.pick(({}, labels))), "spec": spec, "status": status}

        return [one(name) for name in ("node-0", "node-1") if self.chance(0.8)]

    def _classes(self) -> list[dict[str, Any]]:
        def one(name: str) -> dict[str, Any]:
            notes = self.pick(({}, {"storageclass.kubernetes.io/is-default-class": "true"}))
            more = {"provisioner": self.pick(("csi", "kubernetes.io/no-provisioner", "")), "allowVolumeExpansion": self.pick((None, True))}
            return {**self.named("", name, annotations=notes), **more, "volumeBindingMode": self.pick((None, "WaitForFirstConsumer"))}

        return [one(name) for name in ("fast", "slow") if self.chance(0.7)]

    def _attachments(self) -> list[dict[str, Any]]:
        names = [None, "", *(self.inventory.volumes or {})]

        def one() -> dict[str, Any]:
            spec = {"nodeName": self.pick(("node-0", "gone")), "source": {"persistentVolumeName": self.pick(names)}}
            return {**self.named(""), "spec": spec, "status": self.pick((None, {"attached": self.chance(0.7)}))}

        return self.several(one, 3)

    def _quotas(self) -> list[dict[str, Any]]:
        def one() -> dict[str, Any]:
            both = {key: self.pick(_SIZES) for key in ("pods", "requests.cpu", "requests.storage")}
            spec = {"scopes": self.pick((None, ["BestEffort"])), "scopeSelector": self.pick((None, {}))}
            return {**self.named(self.spaces()), "spec": spec, "status": self.pick((None, {"hard": both, "used": {"pods": self.pick(_SIZES)}}))}

        return self.several(one)

    def _deployments(self) -> list[dict[str, Any]]:
        return self.several(lambda: {**self.named(self.spaces()), "spec": {"selector": self.pick((None, {}, {"matchLabels": {"app": "web"}}))}})

    def _daemon_sets(self) -> list[dict[str, Any]]:
        return self._deployments()

    def _accounts(self) -> list[dict[str, Any]]:
        return self.several(lambda: self.named(self.spaces(), "app"), 1)

    def _contents(self, name: str) -> list[dict[str, Any]]:
        def one() -> dict[str, Any]:
            entry = {"manager": "m", "operation": "Update", "time": self.time(), "fieldsV1": self.pick((None, {}, {"f:data": {}}, {"f:binaryData": {}}))}
            return self.named(self.spaces(), name, managedFields=[entry])

        return self.several(one)

    def _config_maps(self) -> list[dict[str, Any]]:
        return self._contents("settings")

    def _secrets(self) -> list[dict[str, Any]]:
        return self._contents("password")

    def _snapshots(self) -> list[dict[str, Any]]:
        names = [None, "", *(claim.name for claim in self.inventory.claims)]

        def one() -> dict[str, Any]:
            spec = {"source": {"persistentVolumeClaimName": self.pick(names)}}
            return {**self.named(self.spaces()), "spec": spec, "status": self.pick((None, {"readyToUse": self.chance(0.5)}))}

        return self.several(one)

    def _events(self) -> list[dict[str, Any]]:
        def one(owner: FullSet) -> dict[str, Any]:
            reason = self.pick(("FailedCreate", "FailedUpdate", "FailedDelete", "FailedMount", "BackOff", ""))
            message = self.pick((f"create Pod {owner.name}-0 in StatefulSet {owner.name} failed error: quota", "", "create Claim"))
            about = {"kind": "StatefulSet", "name": self.pick((owner.name, f"{owner.name}-0")), "uid": owner.metadata.uid}
            times = {"firstTimestamp": self.time(), "lastTimestamp": self.time(), "eventTime": self.time()}
            return {**self.named(owner.namespace), "type": "Warning", "reason": reason, "message": message, "involvedObject": about, **times}

        return [one(owner) for owner in self.sets for _ in range(self.pick((0, 0, 1, 2)))]

    def _templates(self) -> dict[tuple[str, str], dict[str, Any]]:
        odd: tuple[dict[str, Any], ...] = ({}, {"spec": {"containers": None}}, {"metadata": {"creationTimestamp": None}}, {"spec": [1, {"a": None}]})
        return {(space, name): self.pick(odd) for space in ("prod", "test") for name in ("r-1", "r-2") if self.chance(0.7)}

    def _heard(self) -> dict[tuple[str, str], NamesHeard]:
        found = {}
        for owner in self.sets:
            names = [f"{owner.name}-0.{owner.spec.service_name}.{owner.namespace}.svc.cluster.local", "1.0.0.10.in-addr.arpa"]
            answers = tuple(
                Answer(question=Question(name, kind), outcome=self.pick(tuple(Outcome)), records=self.pick(((), ("10.0.0.1",), ("odd",))), ttl=self.pick((None, 0, 30, 2**31)))
                for name in names
                for kind in RecordType
                if self.chance(0.7)
            )
            trouble = self.pick(("", "", "refused"))
            right = self.pick((None, None, ("create", "pods/portforward")))
            told = ServerAnswers(server=Server(name="coredns-a"), asked_at=NOW, answers=answers, trouble=trouble, missing_right=right)
            found[owner.namespace, owner.name] = NamesHeard(hearings=self.pick(((), (told,), (told, told))), settings=self.pick((None, read_corefile(_COREFILE, ""))))
        return found

    def _usage(self) -> dict[tuple[str, str], VolumeUse]:
        sizes = (0, 1, 85, 100, -1, 2**63)
        return {(claim.namespace, claim.name): VolumeUse(used=self.pick(sizes), capacity=self.pick(sizes)) for claim in self.inventory.claims if self.chance(0.8)}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value if inner is not None] if isinstance(value, list) else value


def inventory_of(estate: Estate) -> ClaimInventory:
    assert estate.inventory is not None
    return estate.inventory
