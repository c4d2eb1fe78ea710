"""What objects of the cluster say, as somebody reads it who does not know this program: plain JSON, and the rules of the API alone."""

from __future__ import annotations

from typing import Any, NamedTuple

Obj = dict[str, Any]


class View(NamedTuple):
    """A set and its pods by name. ``at``: when it was seen, on the monotonic clock."""

    at: float
    set: Obj | None
    pods: dict[str, Obj]


def is_leaving(pod: Obj) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def is_available(pod: Obj) -> bool:
    """Ready and not on its way out; sets here have no minReadySeconds."""
    conditions = pod.get("status", {}).get("conditions", [])
    return not is_leaving(pod) and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def is_broken(pod: Obj) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses", [])
    return any("Image" in status.get("state", {}).get("waiting", {}).get("reason", "") for status in statuses)


def revision(pod: Obj) -> str:
    return str(pod["metadata"].get("labels", {}).get("controller-revision-hash", ""))


def image(holder: Obj) -> str:
    """Of a pod, or of a set's template."""
    spec = holder["spec"].get("template", holder)["spec"]
    return str(spec["containers"][0]["image"])


def uid(thing: Obj) -> str:
    return str(thing["metadata"]["uid"])


def version(thing: Obj) -> int:
    """Resource versions of one kind may be compared (KEP-5504)."""
    return int(thing["metadata"]["resourceVersion"])


def notes(thing: Obj) -> dict[str, str]:
    return dict(thing["metadata"].get("annotations") or {})


def partition(owner: Obj) -> int:
    return int((owner["spec"]["updateStrategy"].get("rollingUpdate") or {}).get("partition") or 0)


def positions(view: View) -> list[Obj | None]:
    """The pod at each position of the set, None where there is none."""
    assert view.set is not None
    name = view.set["metadata"]["name"]
    return [view.pods.get(f"{name}-{ordinal}") for ordinal in range(view.set["spec"]["replicas"])]


def available(view: View) -> int:
    """How many positions hold an available pod."""
    return 0 if view.set is None else sum(pod is not None and is_available(pod) for pod in positions(view))


def is_whole(view: View) -> bool:
    """Every position holds an available pod, and there is no other one."""
    return view.set is not None and available(view) == view.set["spec"]["replicas"] == len(view.pods)


def is_observed(view: View) -> bool:
    if view.set is None:
        return False
    status = view.set.get("status", {})
    return bool(status.get("updateRevision")) and status.get("observedGeneration", 0) >= view.set["metadata"]["generation"]


def home(view: View, ordinal: int) -> str:
    """The revision that a pod of this position is wanted at (kubernetes pkg/controller/statefulset, newVersionedStatefulSetPod)."""
    assert view.set is not None
    held = view.set["spec"]["updateStrategy"]["type"] == "RollingUpdate" and ordinal < partition(view.set)
    return str(view.set["status"]["currentRevision" if held else "updateRevision"])
