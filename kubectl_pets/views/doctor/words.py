"""What each rule says of what it found, and the command that mends it or shows more. One sentence a rule, with its numbers."""

from collections.abc import Callable
from datetime import datetime

from kubectl_pets import pasting
from kubectl_pets.cleaning import clean
from kubectl_pets.domain.doctor.estate import Unread, UnreadWhy
from kubectl_pets.domain.doctor.ignoring import Ignore, IgnoreBy
from kubectl_pets.domain.doctor.invalid import Fault
from kubectl_pets.domain.findings import RULES, Finding, Rule
from kubectl_pets.domain.sets.kinds import SetRef
from kubectl_pets.views.text.ages import age
from kubectl_pets.views.text.phrases import folded


def _name(found: Finding, index: int = 0) -> str:
    return clean(found.names[index]) if len(found.names) > index else "-"


def _all(found: Finding) -> str:
    return folded(found.names)


def _detail(found: Finding) -> str:
    return clean(found.detail)


def _with_detail(text: str, found: Finding) -> str:
    return f"{text}: {_detail(found)}" if found.detail else text


def _size(number: int | None) -> str:
    """Bytes as people write them, in the largest unit that is exact."""
    if number is None:
        return "?"
    for unit, shift in (("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)):
        if number and number % (1 << shift) == 0:
            return f"{number >> shift}{unit}"
    return str(number)


def _left(found: Finding) -> str:
    return f"{found.number} would be left, {found.limit} are needed"


#: What is wrong with the value of a field in a manifest.
_REFUSED: dict[str, Callable[[Finding], str]] = {
    Fault.OUT_OF_RANGE: lambda f: f"is {_detail(f)}, and has to be from 0 to 2147483647",
    Fault.NO_SHARE: lambda f: (
        f"is {_detail(f)}, and has to be a number from 1 on, or 1% to 100% (a server without the "
        "field, as 1.34 and 1.36 are by default, drops it)"
    ),
    Fault.NO_LABEL: lambda f: (
        f"is '{_detail(f)}', which no Service can be called: a-z, 0-9 and '-', at most 63 (servers before 1.34 may take it)"
    ),
    Fault.NO_SUCH_WORD: lambda f: f"is '{_detail(f)}', and there is only {' or '.join(map(clean, f.names[1:]))}",
    Fault.MISSING: lambda f: "is missing",
    Fault.NOT_ALLOWED: lambda f: f"is not allowed with {_name(f, 1)}" if f.names[1:] else "is not allowed in a set",
    Fault.SELECTOR_MISSES: lambda f: "are not what spec.selector selects",
    Fault.NO_VALUES: lambda f: f"are missing, which operator {_name(f, 1)} takes",
    Fault.VALUES: lambda f: f"are there, and operator {_name(f, 1)} takes none",
    Fault.NO_VOLUME: lambda f: f"is {_name(f, 1)}, and neither a volume nor a claim template is called so",
}


def _refused(found: Finding) -> str:
    say = _REFUSED.get(found.names[0]) if found.names else None
    return say(found) if say is not None else "is not as it has it"


_SAY: dict[Rule, Callable[[Finding], str]] = {
    Rule.SERVICE_MISSING: lambda f: _with_detail("the Service that serviceName names is not there, so no pod has a name", f),
    Rule.SERVICE_UNNAMED: lambda f: (
        "serviceName is empty, so pods have no names of their "
        f"own; the headless Service {_all(f)} selects them"
    ),
    Rule.SERVICE_NOT_HEADLESS: lambda f: (
        f"the Service {_name(f)} is not headless (clusterIP "
        f"{_detail(f) or 'unset'}): nothing promises names per pod"
    ),
    Rule.SERVICE_SELECTOR_MISMATCH: lambda f: _with_detail("the governing Service does not select the pods of this set", f),
    Rule.PEERS_DEADLOCK: lambda f: (
        "no pod is Ready and the Service publishes none that is not: "
        "members that wait for each other's names wait for ever"
    ),
    Rule.POD_IDENTITY_STALE: lambda f: _with_detail("its hostname or subdomain is not what the set would give it now", f),
    Rule.NAME_TOO_LONG: lambda f: f"{_name(f) if f.names else 'the name'} is {f.number} characters long"
    + (f", {f.limit} are the most" if f.limit else "") + ": no pod can be made",
    Rule.NAMES_UNRESOLVED: lambda f: _with_detail("a DNS server answers otherwise", f),
    Rule.ENDPOINTS_LAG: lambda f: _with_detail("the EndpointSlices do not hold this pod as it is", f),
    Rule.PARTITION_LEFT_OVER: lambda f: f"partition {f.number} is left over: it will silently hold back the next change",
    Rule.PARTITION_HOLDS_ALL: lambda f: f"a change is staged, and partition {f.number} of {f.limit} releases not one pod to it",
    Rule.ROLLOUT_STUCK: lambda f: f"stuck ({_name(f)})" + (f": {_detail(f)}" if f.detail else ""),
    Rule.FORCED_ROLLBACK_TRAP: lambda f: (
        f"it is broken at {_name(f)}, and the controller waits for it for ever, also when the template "
        f"is put right: only once it is deleted it comes back, at {_name(f, 1)}"
    ),
    Rule.CREATE_FAILED: lambda f: _with_detail("it cannot be created", f),
    Rule.ADOPTED_VOLUME_MISMATCH: lambda f: f"it lacks the volume of claim template {_detail(f)}, which only a new pod gets",
    Rule.EMPTY_REVISION: lambda f: f"revisions {_name(f)} and {_name(f, 1)} say the same: its pods are replaced for nothing",
    Rule.ONDELETE_DRIFT: lambda f: f"OnDelete, and nobody has deleted the outdated pods: {_all(f)}",
    Rule.MANY_REVISIONS: lambda f: f"pods of {f.number} revisions run at once: {_all(f)}",
    Rule.MAX_UNAVAILABLE_IDLE: lambda f: f"maxUnavailable {f.number} may have no effect with OrderedReady: pods go one by one",
    Rule.MAX_UNAVAILABLE_BREAKS_MAJORITY: lambda f: f"an update may take so many members at once that {_left(f)} for a majority",
    Rule.RECREATE_IS_OUTAGE: lambda f: "strategy Recreate deletes every pod before it makes new ones: each update is an outage",
    Rule.NO_WAY_BACK: lambda f: (
        f"no revision is left but {_all(f)}: nothing can be undone"
        if f.names
        else "revisionHistoryLimit is 0: nothing can be undone after an update"
    ),
    Rule.CONTROLLER_SILENT: lambda f: "the controller has not looked at the newest spec",
    Rule.CLASS_MISSING: lambda f: f"claim template {_name(f, 1)} names StorageClass {_name(f)}, which does not exist",
    Rule.DEFAULT_CLASS: lambda f: f"claim template {_name(f)} takes the default StorageClass, and there are {f.number}",
    Rule.CLAIM_PENDING: lambda f: _with_detail("a claim has no volume", f),
    Rule.CLAIM_LOST: lambda f: f"the claim has lost its volume {_name(f)}".removesuffix(" -"),
    Rule.CLAIM_MISSING: lambda f: f"the pod mounts claim {_all(f)}, which does not exist",
    Rule.CLAIM_DYING: lambda f: "the claim is being deleted and only its pod"
    + (f" {_all(f)}" if f.names else "") + " holds it: the data goes with the pod's next restart",
    Rule.SIZE_DRIFT: lambda f: (
        f"claims are of {_size(f.number)}, template {_detail(f)} asks "
        f"for {_size(f.limit)}, which new pods will get: {_all(f)}"
    ),
    Rule.CLASS_DRIFT: lambda f: f"claims are of class {_detail(f)} as in the template: {_all(f)}",
    Rule.ATTRIBUTES_DRIFT: lambda f: f"its VolumeAttributesClass is {_name(f, 1)}, the template asks for {_name(f)}",
    Rule.RESIZE_WAITS: lambda f: (
        f"a resize waits for {_name(f)} to start again" if f.detail == "needs-restart" else f"a resize waits ({_detail(f)})"
    ),
    Rule.RESIZE_INFEASIBLE: lambda f: f"the driver cannot resize it: {_detail(f)}",
    Rule.MODIFY_INFEASIBLE: lambda f: (
        f"it waits for VolumeAttributesClass {_name(f)}, which its driver does not know"
        if f.detail == "Pending"
        else f"the driver cannot give it the attributes of class {_name(f)}"
    ),
    Rule.NOT_EXPANDABLE: lambda f: f"StorageClass {_name(f)} of template {_name(f, 1)} does not allow expansion",
    Rule.SCALE_DESTROYS: lambda f: (
        "each scale-down destroys data: whenScaled is Delete and "
        f"so is the reclaim policy of {f.number} volumes: {_all(f)}"
    ),
    Rule.DELETE_DESTROYS: lambda f: (
        "deleting the set destroys its data: whenDeleted is Delete "
        f"and so is the reclaim policy of {f.number} volumes: {_all(f)}"
    ),
    Rule.OWNER_STALE: lambda f: f"its ownerReference means an object that is gone, though one of that name exists: {_all(f)}",
    Rule.ONE_COMMAND_AWAY: lambda f: (
        f"all of its {f.number} volumes are deleted with their claims, and no claim has a snapshot: {_all(f)}"
    ),
    Rule.VOLUME_FULL: lambda f: f"its file system is {f.number} % full",
    Rule.VOLUME_UNHEALTHY: lambda f: _with_detail(f"the driver says {_name(f)} of its volume", f),
    Rule.VOLUME_UNREACHABLE: lambda f: f"volume {_name(f)} can be mounted on no node that is there ({_detail(f)})",
    Rule.VOLUME_HELD_ELSEWHERE: lambda f: f"it waits for the volume of {_name(f)}, which node {_name(f, 1)} still holds",
    Rule.OLD_DATA_RETURNS: lambda f: "the next scale-up brings back the old data of this claim",
    Rule.CLAIM_NAME_AMBIGUOUS: lambda f: "two sets explain the name of this claim, so nobody knows whose it is",
    Rule.CLAIM_ORPHANED: lambda f: f"nobody will want this claim again ({_detail(f)}, {_size(f.number)})",
    Rule.QUORUM_LOST: lambda f: f"{f.number} available, {f.limit} are needed for a majority",
    Rule.NO_MARGIN: lambda f: f"{f.number} available and {f.limit} needed: no member may fail",
    Rule.NODE_SHARED: lambda f: f"without node {_name(f)}, {_left(f)}",
    Rule.ZONE_SHARED: lambda f: f"without zone {_name(f)}, {_left(f)}",
    Rule.BUDGET_MISSING: lambda f: f"no PodDisruptionBudget: evictions may take it down to {f.number}, {f.limit} are a majority",
    Rule.BUDGET_BLOCKS: lambda f: (
        f"budget {_name(f)} blocks every eviction, for its controller cannot work it out ({_detail(f)}): no node can be drained"
        if f.detail
        else f"budget {_name(f)} blocks every eviction, even while all pods are healthy: no node can be drained"
    ),
    Rule.BUDGET_TOO_LOOSE: lambda f: f"budget {_all(f)} allows too much: {_left(f)}",
    Rule.BUDGETS_SEVERAL: lambda f: f"several budgets over the same pods ({_all(f)}): evictions fail with an error",
    Rule.BUDGET_GUARDS_THE_DEAD: lambda f: (
        f"it is not Ready, and budget {_name(f)} holds "
        "evictions of it all the same: a drain waits"
    ),
    Rule.EVEN_VOTERS: lambda f: f"{f.number} members that vote outlive no more losses than {f.limit}",
    Rule.SINGLE: lambda f: "one replica behind a Service: each restart is an outage",
    Rule.NO_SPREAD: lambda f: "nothing in the template keeps its pods on different nodes",
    Rule.SPREAD_IMPOSSIBLE: lambda f: f"required anti-affinity: {f.number} replicas, {f.limit} nodes that fit",
    Rule.REPLICAS_CONTESTED: lambda f: (
        f"{_name(f)} sets the replicas, and the manifest of "
        f"{_name(f, 1)} states them: each apply puts them back"
    ),
    Rule.TWO_AUTOSCALERS: lambda f: f"{f.number} autoscalers set its replicas, each against the other: {_all(f)}",
    Rule.SELECTORS_OVERLAP: lambda f: f"another workload's selector matches its pods, or its own theirs: {_all(f)}",
    Rule.STRAY_PODS: lambda f: f"pods that its selector matches and that are not its own, or are out of range: {_all(f)}",
    Rule.LOST_POD: lambda f: f"held by node {_name(f)}, which does not answer ({_detail(f)})",
    Rule.TERMINATING_OVERDUE: lambda f: "its deletion is overdue",
    Rule.CRASH_HISTORY: lambda f: f"container {_name(f)} ended with exit code {f.number} ({_detail(f) or 'no reason'})",
    Rule.MEMBER_ON_LEAVING_NODE: lambda f: f"node {_name(f)} is about to go ({_detail(f)})",
    Rule.NO_READINESS_PROBE: lambda f: f"no readiness probe ({_all(f)}): available means no more than started",
    Rule.PROBES_EQUAL: lambda f: f"liveness and readiness of {_name(f)} are the same probe: what is busy is killed",
    Rule.GRACE_ZERO: lambda f: "terminationGracePeriodSeconds 0: two pods of one name may write the same data",
    Rule.IMAGE_FLOATS: lambda f: f"image {_detail(f)} of {_name(f)} is no fixed version",
    Rule.IMAGE_DRIFT: lambda f: f"{_detail(f)} is {f.number} different images in its pods: {_all(f)}",
    Rule.NO_REQUESTS: lambda f: f"container {_name(f)} requests no memory",
    Rule.ACCOUNT_MISSING: lambda f: f"ServiceAccount {_name(f)} does not exist: no pod can be made",
    Rule.REFERENCE_MISSING: lambda f: (
        f"{_name(f)} {_name(f, 1)} {f'has no key {_detail(f)}' if f.detail else 'does not exist'}: the next restart sticks"
    ),
    Rule.CONFIG_NEWER_THAN_PODS: lambda f: (
        f"{_name(f)} {_name(f, 1)} was written after {folded(f.names[2:])} had started, which read it only then"
    ),
    Rule.UPGRADE_FORBIDDEN: lambda f: (
        f"the manifest states claim template {_name(f)} otherwise ({_detail(f)}): it is refused"
        if f.detail
        else f"the manifest states another {_name(f)}, which cannot be changed: it is refused"
    ),
    Rule.QUOTA_TOO_TIGHT: lambda f: (
        f"quota {_name(f)} is overdrawn ({_name(f, 1)}: "
        f"{_detail(f)}): a pod that is deleted cannot be made again"
    ),
    Rule.OWNED_BY: lambda f: f"{_detail(f)} {_name(f)} puts back what is changed by hand",
    Rule.HELM_WILL_CONFLICT: lambda f: (
        f"{_name(f)} has changed {clean(f.field)} since Helm "
        "applied it: the next upgrade that does, too, fails"
    ),
    Rule.OURS_LEFT_OVER: lambda f: f"notes of a run that was broken off: {_all(f)}",
    Rule.MANIFEST_REFUSED: lambda f: f"the API server refuses it: {clean(f.field)} {_refused(f)}",
    Rule.SERVER_TRAP: lambda f: f"server {_detail(f)}: an update that breaks does not heal when the template is put right",
    Rule.UPGRADE_ROLLS_ALL: lambda f: f"server {_detail(f)}: an upgrade to 1.34.0 or 1.34.1 replaces all of its pods",
    Rule.IGNORE_EXPIRED: lambda f: f"the ignore of {' '.join(map(clean, f.names))} has run out ({_detail(f)})",
    Rule.IGNORE_UNMATCHED: lambda f: f"the ignore of {' '.join(map(clean, f.names))} answers to nothing any more ({_detail(f)})",
    Rule.IGNORE_MALFORMED: lambda f: f"an ignore cannot be understood: {_detail(f)}",
}


def sentence(found: Finding) -> str:
    """What is wrong, with what it rests on."""
    return _SAY[found.rule](found)


def since(found: Finding, now: datetime) -> str:
    """"for 3d", or nothing."""
    return f"for {age(found.since, now)}" if found.since is not None and found.since <= now else ""


def is_about_set(found: Finding) -> bool:
    """Whether it is about the set itself, and not one of its pods or claims."""
    return found.subject.kind == "StatefulSet"


def title(owner: SetRef) -> str:
    """What a section is about."""
    if owner.name:
        return f"{clean(owner.namespace)}/{clean(owner.name)}"
    return f"{clean(owner.namespace)}: claims without a set" if owner.namespace else "ignores"


def about(found: Finding, owner: SetRef) -> str:
    """The object, where it is not the set itself."""
    if is_about_set(found):
        return ""
    if found.subject.kind == "Ignore":
        return clean(found.subject.name)
    kind = {"PersistentVolumeClaim": "claim", "Pod": "pod"}.get(found.subject.kind, clean(found.subject.kind))
    return f"{kind} {clean(found.subject.name)}"


# --- what to type ------------------------------------------------------------------------------------------------------------

_Command = Callable[[Finding, SetRef], str]


def _describe(found: Finding, owner: SetRef) -> str:
    kind = owner.kind.kubectl if is_about_set(found) else found.subject.kind.lower()
    return pasting.kubectl("describe", kind, found.subject.name, namespace=found.subject.namespace)


def _edit(found: Finding, owner: SetRef) -> str:
    return pasting.kubectl("edit", owner.kind.kubectl, owner.name, namespace=owner.namespace)


def _as_it_is(found: Finding, owner: SetRef) -> str:
    return pasting.kubectl("get", owner.kind.kubectl, owner.name, "-o", "yaml", namespace=owner.namespace)


def _pets(verb: str, *more: str) -> _Command:
    return lambda found, owner: pasting.pets(verb, owner.typed, *more, namespace=owner.namespace)


def _get(resource: str, namespaced: bool = True) -> _Command:
    return lambda found, owner: pasting.kubectl("get", resource, namespace=owner.namespace if namespaced else "")


def _explain_claim(found: Finding, owner: SetRef) -> str:
    return pasting.pets("orphans explain", found.subject.name, namespace=found.subject.namespace)


def _force_retain(found: Finding, owner: SetRef) -> str:
    field = found.field.rpartition(".")[2] or "whenScaled"
    patch = '{"spec":{"persistentVolumeClaimRetentionPolicy":{"%s":"Retain"}}}' % field
    return pasting.kubectl("patch", owner.kind.kubectl, owner.name, "--type=merge", "-p", patch, namespace=owner.namespace)


def _keep_volume(found: Finding, owner: SetRef) -> str:
    """Shows the volumes, which are what has a reclaim policy."""
    return pasting.kubectl("get", "pvc", *found.names, "-o", "custom-columns=VOLUME:.spec.volumeName", namespace=owner.namespace)


def _restart_or_describe(found: Finding, owner: SetRef) -> str:
    if found.detail == "needs-restart" and found.names and found.names[0]:
        return pasting.pets("rollout restart", owner.typed, "--pod", found.names[0], namespace=owner.namespace)
    return _describe(found, owner)


_MEND: dict[Rule, _Command] = {
    Rule.SERVICE_MISSING: _pets("dns"),
    Rule.SERVICE_UNNAMED: _pets("dns"),
    Rule.SERVICE_NOT_HEADLESS: _pets("dns"),
    Rule.SERVICE_SELECTOR_MISMATCH: _pets("dns"),
    Rule.PEERS_DEADLOCK: _pets("dns"),
    Rule.POD_IDENTITY_STALE: lambda f, owner: pasting.pets(
        "rollout restart", owner.typed, "--pod", f.subject.name, namespace=owner.namespace
    ),
    Rule.NAMES_UNRESOLVED: _pets("dns"),
    Rule.ENDPOINTS_LAG: _pets("dns"),
    Rule.NAME_TOO_LONG: _describe,
    Rule.PARTITION_LEFT_OVER: _pets("partition", "0"),
    Rule.PARTITION_HOLDS_ALL: _pets("rollout step"),
    Rule.ROLLOUT_STUCK: _pets("status"),
    Rule.FORCED_ROLLBACK_TRAP: _pets("rollout unstick"),
    Rule.CREATE_FAILED: _pets("status"),
    Rule.ADOPTED_VOLUME_MISMATCH: _pets("rollout unstick"),
    Rule.EMPTY_REVISION: _pets("rollout diff"),
    Rule.ONDELETE_DRIFT: _pets("rollout step"),
    Rule.MANY_REVISIONS: _pets("status"),
    Rule.CONTROLLER_SILENT: _pets("status"),
    Rule.CLASS_MISSING: _get("storageclass", namespaced=False),
    Rule.DEFAULT_CLASS: _get("storageclass", namespaced=False),
    Rule.NOT_EXPANDABLE: _get("storageclass", namespaced=False),
    Rule.CLAIM_DYING: _explain_claim,
    Rule.OWNER_STALE: _explain_claim,
    Rule.CLAIM_NAME_AMBIGUOUS: _explain_claim,
    Rule.CLAIM_ORPHANED: _explain_claim,
    Rule.OLD_DATA_RETURNS: _explain_claim,
    Rule.ONE_COMMAND_AWAY: _keep_volume,
    Rule.RESIZE_WAITS: _restart_or_describe,
    Rule.SCALE_DESTROYS: _force_retain,
    Rule.DELETE_DESTROYS: _force_retain,
    Rule.QUORUM_LOST: _pets("quorum"),
    Rule.NO_MARGIN: _pets("quorum"),
    Rule.NODE_SHARED: _pets("quorum"),
    Rule.ZONE_SHARED: _pets("quorum"),
    Rule.BUDGET_MISSING: _pets("quorum"),
    Rule.BUDGET_BLOCKS: _pets("quorum"),
    Rule.BUDGET_TOO_LOOSE: _pets("quorum"),
    Rule.BUDGETS_SEVERAL: _pets("quorum"),
    Rule.BUDGET_GUARDS_THE_DEAD: _describe,
    Rule.SPREAD_IMPOSSIBLE: _get("nodes", namespaced=False),
    Rule.TWO_AUTOSCALERS: _get("hpa"),
    Rule.REPLICAS_CONTESTED: _get("hpa"),
    Rule.SELECTORS_OVERLAP: _get("statefulsets,deployments,daemonsets"),
    Rule.STRAY_PODS: _get("pods"),
    Rule.LOST_POD: _pets("lost"),
    Rule.TERMINATING_OVERDUE: _pets("lost"),
    Rule.CRASH_HISTORY: lambda f, owner: pasting.kubectl(
        "logs", f.subject.name, "-c", f.names[0] if f.names else "", "--previous", namespace=f.subject.namespace
    ),
    Rule.MEMBER_ON_LEAVING_NODE: _pets("quorum"),
    Rule.ACCOUNT_MISSING: lambda f, owner: pasting.kubectl(
        "create", "serviceaccount", f.names[0] if f.names else "", namespace=owner.namespace
    ),
    Rule.REFERENCE_MISSING: lambda f, owner: pasting.kubectl(
        "get", f.names[0].lower() if f.names else "configmap", namespace=owner.namespace
    ),
    Rule.QUOTA_TOO_TIGHT: _get("resourcequota"),
    Rule.CONFIG_NEWER_THAN_PODS: _pets("rollout restart"),
    Rule.IMAGE_DRIFT: _pets("rollout restart"),
    Rule.OURS_LEFT_OVER: _pets("status"),
    # It is the manifest that is wrong: what the set has goes into it, and a set that was refused may not be there at all.
    Rule.UPGRADE_FORBIDDEN: _as_it_is,
    Rule.MANIFEST_REFUSED: lambda f, owner: pasting.pets("doctor explain", RULES[f.rule].number),
}

#: About something in the set's own spec.
_IN_THE_SPEC = ("spec.", "metadata.annotations")


def mend(found: Finding, owner: SetRef) -> str:
    """The command that mends it, or shows what there is to decide; empty where there is none."""
    known = _MEND.get(found.rule)
    if known is not None and (owner.name or known in (_explain_claim, _describe)):
        return known(found, owner)
    if not owner.name or found.subject.kind == "Ignore":
        return ""
    return _edit(found, owner) if is_about_set(found) and found.field.startswith(_IN_THE_SPEC) else _describe(found, owner)


# --- what was not judged -----------------------------------------------------------------------------------------------------


#: What is not listed.
_VERBS = {"nodes/proxy": "get", "pods/portforward": "create"}


def unread(each: Unread | None) -> str:
    """Why a rule was skipped."""
    if each is None:
        return "could not be read"
    resource = clean(each.resource)
    match each.why:
        case UnreadWhy.FORBIDDEN:
            return f"{resource}: not allowed to {_VERBS.get(resource, 'list')}"
        case UnreadWhy.ABSENT:
            return f"{resource}: this server has no such API"
        case UnreadWhy.FAILED:
            return f"{resource}: could not be read"
        case UnreadWhy.NO_CLUSTER:
            return f"{resource}: not among manifests"
        case UnreadWhy.NOT_ASKED:
            return f"{resource}: read with --deep only"
        case UnreadWhy.NOT_TOLD:
            return f"{resource}: tells nothing of it"


def ignored(each: Ignore | None) -> str:
    """By whom, why, until when."""
    if each is None:
        return ""
    if each.by is IgnoreBy.BASELINE:
        return "known: it is in the baseline"
    where = f" ({clean(each.where)})" if each.where else ""
    until = f", until {each.until}" if each.until is not None else ""
    return f"ignored by {each.by.value}{where}: {clean(each.reason)}{until}"
