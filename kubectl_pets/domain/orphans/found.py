"""What the verdict on a claim finds wrong, in the vocabulary that all verbs share."""

from kubectl_pets.domain.findings import Finding, Rule, Subject
from kubectl_pets.domain.orphans.findings import ClaimVerdict, Class, EvidenceKind


def findings(verdict: ClaimVerdict) -> tuple[Finding, ...]:
    """What is wrong with one claim; of one that is unsure nothing is said, because not everything was read."""
    subject = Subject(kind="PersistentVolumeClaim", namespace=verdict.namespace, name=verdict.name)
    found = []
    if verdict.candidate:
        since, size = verdict.unused_since, verdict.size
        found.append(Finding(rule=Rule.CLAIM_ORPHANED, subject=subject, detail=verdict.klass.value, number=size, since=since))
    kinds = {item.kind for item in verdict.evidence}
    if {EvidenceKind.TERMINATING, EvidenceKind.MOUNTED} <= kinds:  # the data goes at the pod's next restart
        found.append(Finding(rule=Rule.CLAIM_DYING, subject=subject))
    if verdict.klass is Class.LOST:
        found.append(Finding(rule=Rule.CLAIM_LOST, subject=subject))
    if verdict.klass is Class.AMBIGUOUS and EvidenceKind.SEVERAL_SETS in kinds:
        found.append(Finding(rule=Rule.CLAIM_NAME_AMBIGUOUS, subject=subject))
    stale = tuple(item.subject for item in verdict.evidence if item.kind is EvidenceKind.OWNER_STALE)
    if stale:
        found.append(Finding(rule=Rule.OWNER_STALE, subject=subject, names=stale))
    return tuple(found)
