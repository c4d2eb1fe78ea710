"""What an assessment of a rollout finds wrong, in the vocabulary that all verbs share."""

from kubectl_pets.domain.findings import Finding, Rule, Subject
from kubectl_pets.domain.rollout.verdict import Assessment, Awaited, Blocker, Cause, Phase

#: So many revisions live while one rollout is under way; with more, one was begun before another had ended.
_USUAL_REVISIONS = 2


def findings(seen: Assessment) -> tuple[Finding, ...]:
    """The findings about a set and its pods: what blocks it, a partition that was left over, too many revisions. None of a set
    that is gone or could not be read."""
    if seen.phase in (Phase.GONE, Phase.UNKNOWN):
        return ()
    owner = Subject(kind="StatefulSet", namespace=seen.namespace, name=seen.name)
    known = [each for each in seen.blockers if each.cause is not Cause.NOT_OBSERVED]  # that has a rule of its own
    found = [blocked(seen, each) for each in known]
    if seen.partition_left_over:
        found.append(Finding(rule=Rule.PARTITION_LEFT_OVER, subject=owner, number=seen.partition, limit=0))
    living = [group.name for group in seen.revisions if group.pods]
    if len(living) > _USUAL_REVISIONS:
        limit = _USUAL_REVISIONS
        found.append(Finding(rule=Rule.MANY_REVISIONS, subject=owner, names=tuple(living), number=len(living), limit=limit))
    if any(wait.awaited is Awaited.OBSERVATION for wait in seen.waits_for):
        found.append(Finding(rule=Rule.CONTROLLER_SILENT, subject=owner))
    return tuple(found)


def blocked(seen: Assessment, found: Blocker) -> Finding:
    """One thing that blocks, or would without patience, under the rule that it belongs to."""
    owner = Subject(kind="StatefulSet", namespace=seen.namespace, name=seen.name)
    subject = Subject(kind="Pod", namespace=seen.namespace, name=found.pod) if found.pod else owner
    match found.cause:
        case Cause.SET_NAME_TOO_LONG:
            return Finding(rule=Rule.NAME_TOO_LONG, subject=owner, number=len(seen.name))
        case Cause.TERMINATION_OVERDUE:
            return Finding(rule=Rule.TERMINATING_OVERDUE, subject=subject)
        case Cause.CLAIM_UNBOUND:
            return Finding(rule=Rule.CLAIM_PENDING, subject=subject, detail=found.reason)
        case Cause.CREATION_REFUSED:
            return Finding(rule=Rule.CREATE_FAILED, subject=subject, detail=found.message or found.reason, since=found.since)
        case Cause.VOLUME_MISSING:
            return Finding(rule=Rule.ADOPTED_VOLUME_MISMATCH, subject=subject, detail=found.message)
        case _:
            names = (found.cause.value,)
            return Finding(rule=Rule.ROLLOUT_STUCK, subject=subject, names=names, detail=found.reason, since=found.since)
