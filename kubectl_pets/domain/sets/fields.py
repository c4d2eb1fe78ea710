"""What one kind of set keeps where others keep it elsewhere, or do not have at all.

OpenKruise: ``pkg apis/apps/v1beta1 StatefulSet``; PingCAP: ``client/apis/apps/v1``.
"""

from kubectl_pets.domain.model import StatefulSet
from kubectl_pets.domain.sets.kinds import INSTANCE_SET, Capability, kind_of

#: On PingCAP's: its controller leaves the set alone, and does not write its status either.
PAUSED_RECONCILE_ANNOTATION = "paused-reconcile"


def min_ready_seconds(owner: StatefulSet) -> int:
    """How long a pod has to be Ready to count as available: ``spec.minReadySeconds``, or of OpenKruise
    ``spec.updateStrategy.rollingUpdate.minReadySeconds``."""
    rolling = owner.spec.update_strategy.rolling_update
    if Capability.PAUSE not in kind_of(owner).can:
        return owner.spec.min_ready_seconds
    return rolling.min_ready_seconds if rolling is not None else 0


def surges(owner: StatefulSet) -> bool:
    """Whether members beyond the replicas come and go during a rollout (LeaderWorkerSet ``maxSurge``)."""
    rolling = owner.spec.update_strategy.rolling_update
    return rolling is not None and rolling.max_surge not in (None, 0, "0", "0%")


def updates_stopped(owner: StatefulSet) -> bool:
    """``spec.updateStrategy.rollingUpdate.paused``: no pod is updated; pods that are missing are made all the same."""
    rolling = owner.spec.update_strategy.rolling_update
    return Capability.PAUSE in kind_of(owner).can and rolling is not None and rolling.paused


def stopped_by(owner: StatefulSet) -> str:
    """The annotation or the field (``spec.paused`` of KubeBlocks) that tells its controller to leave it alone altogether; empty
    where none does."""
    if kind_of(owner) is INSTANCE_SET and owner.spec.paused:
        return "spec.paused"
    if Capability.STANDSTILL in kind_of(owner).can and owner.metadata.annotations.get(PAUSED_RECONCILE_ANNOTATION) == "true":
        return PAUSED_RECONCILE_ANNOTATION
    return ""


def stands_still(owner: StatefulSet) -> bool:
    """Whether its controller was told to leave it alone altogether."""
    return bool(stopped_by(owner))
