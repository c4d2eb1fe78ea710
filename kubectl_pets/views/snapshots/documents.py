"""VolumeSnapshots of rollouts as JSON and YAML."""

from collections.abc import Sequence
from typing import Any

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.changes import TakeGroupSnapshot, TakeSnapshot
from kubectl_pets.domain.snapshots.listing import Kept, spreads
from kubectl_pets.views.rollout.documents import API_VERSION, LONGEST_NAME, camel, dump


def takes(wanted: Sequence[TakeSnapshot | TakeGroupSnapshot]) -> dict[str, Any]:
    """What a plan would ask for, as a field of its document; none where it asks for nothing."""
    if not wanted:
        return {}
    found: dict[str, Any] = {}
    for each in wanted:
        told = {"name": each.name, "class": each.snapshot_class}
        if isinstance(each, TakeGroupSnapshot):
            found["groupSnapshot"] = {**told, "claims": list(each.claims)}
        else:
            found.setdefault("snapshots", []).append({**told, "claim": each.claim})
    return found


def many(found: Sequence[Kept], output: str) -> str:
    """For programs: ``json``, ``yaml``, or ``name``, one a line."""
    if output == "name":
        return "\n".join(f"volumesnapshot.snapshot.storage.k8s.io/{clean(each.name, LONGEST_NAME)}" for each in found)
    maybe = [{"revision": each.revision or None, "run": each.run or None, "group": each.group or None} for each in found]
    kept = [{**camel(each), **said} for each, said in zip(found, maybe, strict=True)]
    for item in kept:
        item["class"] = item.pop("snapshotClass")
    apart = [
        {
            "run": each.run,
            "group": each.group or None,
            "snapshots": each.snapshots,
            "secondsApart": each.apart.total_seconds(),
            "notCut": each.missing,
        }
        for each in spreads(found)
    ]
    document = {"apiVersion": API_VERSION, "kind": "SetSnapshotList", "items": kept, "spreads": apart}
    return dump(document, output)
