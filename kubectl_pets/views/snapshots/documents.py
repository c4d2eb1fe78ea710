"""VolumeSnapshots of rollouts as JSON and YAML."""

from collections.abc import Sequence
from typing import Any

from kubectl_pets.domain.changes import TakeSnapshot


def takes(wanted: Sequence[TakeSnapshot]) -> dict[str, Any]:
    """What a plan would ask for, as a field of its document; none where it asks for nothing."""
    if not wanted:
        return {}
    return {"snapshots": [{"name": each.name, "claim": each.claim, "class": each.snapshot_class} for each in wanted]}
