"""Has a rollout come to what somebody waits for? Behind ``status``, ``wait``, ``--until`` and the exit codes of these."""

from enum import StrEnum, unique

from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase


@unique
class Until(StrEnum):
    COMPLETE = "complete"
    #: All that the partition releases is done, and that is at least one pod.
    CANARY = "canary"
    #: Every position is available, at whatever revision.
    READY = "ready"
    #: So many positions are available as the majority of ``spec.replicas``, at whatever revision.
    QUORUM = "quorum"


@unique
class Progress(StrEnum):
    REACHED = "reached"
    GOING_ON = "going-on"
    #: Nothing more happens, or is seen, unless somebody does something: paused, staged, OnDelete waiting for a deletion, or pods
    #: that may not be read.
    RESTING = "resting"
    STUCK = "stuck"
    GONE = "gone"


@unique
class KubectlEnd(StrEnum):
    """Where ``kubectl rollout status`` ends although the rollout is not complete (kubectl pkg/polymorphichelpers,
    StatefulSetStatusViewer)."""

    #: So many pods as the partition releases are updated and all are ready: 0, and it is called complete.
    PARTITIONED = "partitioned"
    #: Any strategy but RollingUpdate: an error.
    NOT_FOR_STRATEGY = "not-for-strategy"


def kubectl_end(seen: Assessment) -> KubectlEnd | None:
    """Whether kubectl would stop waiting here; None: it waits, or the rollout is complete."""
    if seen.strategy == "OnDelete":
        return KubectlEnd.NOT_FOR_STRATEGY
    done = seen.phase is Phase.PAUSED and seen.partition > 0 and seen.released_done and seen.all_available
    return KubectlEnd.PARTITIONED if done else None


#: Causes for which nothing is said of a set until somebody changes something.
_UNSAID = (Cause.PODS_UNREADABLE, Cause.SLOTS_UNREADABLE, Cause.CONTROLLER_STOPPED)


def progress(until: Until, seen: Assessment) -> Progress:
    """Whether what somebody waits for is reached, may still come, or will not."""
    if seen.phase is Phase.GONE:
        return Progress.GONE
    if _reached(until, seen):
        return Progress.REACHED
    if seen.phase in (Phase.STUCK, Phase.CLAIM_STALLED):
        return Progress.STUCK
    if any(blocker.cause in _UNSAID for blocker in seen.blockers) or seen.phase in (Phase.PAUSED, Phase.WAITING_FOR_DELETE):
        return Progress.RESTING
    return Progress.GOING_ON


def _reached(until: Until, seen: Assessment) -> bool:
    match until:
        case Until.COMPLETE:
            return seen.phase is Phase.COMPLETE
        case Until.CANARY:
            return seen.phase is Phase.COMPLETE or (seen.phase is Phase.PAUSED and not seen.staged and seen.released_done)
        case Until.READY:
            return _readable(seen) and seen.observed and seen.all_available
        case Until.QUORUM:
            from kubectl_pets.domain.safety.quorum import majority  # only here: it comes with all that endangers one

            return _readable(seen) and seen.observed and seen.available >= majority(len(seen.slots))


def _readable(seen: Assessment) -> bool:
    """Whether its pods are known, and are to stay."""
    unreadable = any(blocker.cause in (Cause.PODS_UNREADABLE, Cause.SLOTS_UNREADABLE) for blocker in seen.blockers)
    return seen.phase is not Phase.DELETING and not unreadable
