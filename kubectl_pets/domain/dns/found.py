"""What a diagnosis of names finds wrong, in the vocabulary that all verbs share."""

from typing import assert_never

from kubectl_pets.domain.dns.reasons import Diagnosis, NameFinding, Reason
from kubectl_pets.domain.findings import Finding, Rule, Subject


def findings(seen: Diagnosis) -> tuple[Finding, ...]:
    """One finding for each name that is not right, where there is something that somebody has to mend."""
    found = (_finding(seen, line.name.pod, line.finding) for line in seen.lines if line.finding is not None and not line.right)
    return tuple(dict.fromkeys(each for each in found if each is not None))


def _finding(seen: Diagnosis, pod: str, found: NameFinding) -> Finding | None:
    rule = rule_of(found.reason)
    if rule is None:
        return None
    kind, name = ("Pod", pod) if pod else ("StatefulSet", seen.set)
    subject = Subject(kind=kind, namespace=seen.namespace, name=name)
    names = tuple(each for each in (found.reason.value, found.server) if each)
    return Finding(rule=rule, subject=subject, names=names, detail=found.subject, until=found.until)


def rule_of(reason: Reason) -> Rule | None:
    """The rule that a reason belongs to; None: it is no fault, or one that the rollout tells (a pod that is not there)."""
    match reason:
        case Reason.SERVICE_MISSING | Reason.EXTERNAL_NAME:
            return Rule.SERVICE_MISSING
        case Reason.SERVICE_NAME_EMPTY:
            return Rule.SERVICE_UNNAMED
        case Reason.NOT_HEADLESS:
            return Rule.SERVICE_NOT_HEADLESS
        case Reason.SELECTOR_DIFFERS | Reason.NO_SELECTOR:
            return Rule.SERVICE_SELECTOR_MISMATCH
        case Reason.NOT_READY_DEADLOCK:
            return Rule.PEERS_DEADLOCK
        case Reason.SUBDOMAIN_DIFFERS | Reason.HOSTNAME_DIFFERS:
            return Rule.POD_IDENTITY_STALE
        case Reason.NAME_NO_LABEL | Reason.LABEL_TOO_LONG:
            return Rule.NAME_TOO_LONG
        case Reason.SLICE_LACKS | Reason.SLICE_OLD | Reason.SLICE_BY_HAND | Reason.SLICE_NOT_READY | Reason.SLICE_NO_HOSTNAME:
            return Rule.ENDPOINTS_LAG
        case (
            Reason.FAMILY_NOT_SERVED
            | Reason.HIDDEN_NAMESPACE
            | Reason.HIDDEN_LABELS
            | Reason.HIDDEN_ENDPOINTS
            | Reason.HIDDEN_ELSEWHERE
            | Reason.OTHER_ZONE
            | Reason.SERVER_SILENT
            | Reason.SERVERS_NOT_READY
            | Reason.SERVER_FAILING
            | Reason.NEGATIVE_CACHE
            | Reason.STALE_ANSWER
            | Reason.SERVER_BEHIND
            | Reason.WRONG_ANSWER
            | Reason.OTHER_OWNER
            | Reason.TRUNCATED
            | Reason.OVERRIDDEN
            | Reason.NAME_SHARED
            | Reason.SLICE_OF_OTHERS
            | Reason.REPLICAS_DIFFER
            | Reason.CLIENT_NO_SEARCH
            | Reason.CLIENT_SEES_OTHER
        ):
            return Rule.NAMES_UNRESOLVED
        case (
            Reason.POD_ABSENT
            | Reason.POD_OVER
            | Reason.POD_TERMINATING
            | Reason.POD_WITHOUT_ADDRESS
            | Reason.NOT_READY
            | Reason.OTHER_SERVICE
            | Reason.HOST_NETWORK
            | Reason.WHO_ASKS
            | Reason.HAND_WRITTEN
            | Reason.PORT_UNNAMED
            | Reason.PORT_NOT_IN_POD
            | Reason.POD_NAMES
            | Reason.NODE_DNS
            | Reason.CLIENT_NDOTS
            | Reason.NODE_CACHE
            | Reason.NODE_CACHE_UNASKED
            | Reason.NODE_CACHES_ELSEWHERE
        ):
            return None
        case _:
            assert_never(reason)
