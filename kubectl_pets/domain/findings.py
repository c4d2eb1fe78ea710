"""What can be found wrong with a StatefulSet: one vocabulary for every verb that finds something.

A rule has a number that is never used again, a word, a severity and a source. ``quorum``, ``lost``, ``dns``, ``orphans`` and
``status`` say the same of the same thing because each of them hands over these values. What could not be read is no finding and
no all-clear: whoever judges says it apart.
"""

from datetime import datetime
from enum import StrEnum, unique

import msgspec


@unique
class Severity(StrEnum):
    #: Broken now, or data is lost at the next ordinary action.
    ERROR = "error"
    #: Breaks at the next rollout, drain, scale or upgrade.
    WARNING = "warning"
    #: Advice.
    NOTICE = "notice"


@unique
class Rule(StrEnum):
    """The rules, by the word that ignore lists and JSON use."""

    SERVICE_MISSING = "service-missing"
    SERVICE_UNNAMED = "service-unnamed"
    SERVICE_NOT_HEADLESS = "service-not-headless"
    SERVICE_SELECTOR_MISMATCH = "service-selector-mismatch"
    PEERS_DEADLOCK = "peers-deadlock"
    POD_IDENTITY_STALE = "pod-identity-stale"
    NAME_TOO_LONG = "name-too-long"
    NAMES_UNRESOLVED = "names-unresolved"
    ENDPOINTS_LAG = "endpoints-lag"
    PARTITION_LEFT_OVER = "partition-left-over"
    PARTITION_HOLDS_ALL = "partition-holds-all"
    ROLLOUT_STUCK = "rollout-stuck"
    FORCED_ROLLBACK_TRAP = "forced-rollback-trap"
    ONDELETE_DRIFT = "ondelete-drift"
    MANY_REVISIONS = "many-revisions"
    MAX_UNAVAILABLE_IDLE = "max-unavailable-idle"
    MAX_UNAVAILABLE_BREAKS_MAJORITY = "max-unavailable-breaks-majority"
    RECREATE_IS_OUTAGE = "recreate-is-outage"
    NO_WAY_BACK = "no-way-back"
    CONTROLLER_SILENT = "controller-silent"
    CREATE_FAILED = "create-failed"
    ADOPTED_VOLUME_MISMATCH = "adopted-volume-mismatch"
    EMPTY_REVISION = "empty-revision"
    CLASS_MISSING = "class-missing"
    DEFAULT_CLASS = "default-class"
    CLAIM_PENDING = "claim-pending"
    CLAIM_LOST = "claim-lost"
    CLAIM_MISSING = "claim-missing"
    CLAIM_DYING = "claim-dying"
    SIZE_DRIFT = "size-drift"
    CLASS_DRIFT = "class-drift"
    ATTRIBUTES_DRIFT = "attributes-drift"
    RESIZE_WAITS = "resize-waits"
    RESIZE_INFEASIBLE = "resize-infeasible"
    MODIFY_INFEASIBLE = "modify-infeasible"
    NOT_EXPANDABLE = "not-expandable"
    SCALE_DESTROYS = "scale-destroys"
    DELETE_DESTROYS = "delete-destroys"
    OWNER_STALE = "owner-stale"
    ONE_COMMAND_AWAY = "one-command-away"
    VOLUME_UNREACHABLE = "volume-unreachable"
    VOLUME_HELD_ELSEWHERE = "volume-held-elsewhere"
    OLD_DATA_RETURNS = "old-data-returns"
    CLAIM_NAME_AMBIGUOUS = "claim-name-ambiguous"
    VOLUME_FULL = "volume-full"
    VOLUME_UNHEALTHY = "volume-unhealthy"
    CLAIM_ORPHANED = "claim-orphaned"
    QUORUM_LOST = "quorum-lost"
    NO_MARGIN = "no-margin"
    NODE_SHARED = "node-shared"
    ZONE_SHARED = "zone-shared"
    BUDGET_MISSING = "budget-missing"
    BUDGET_BLOCKS = "budget-blocks"
    BUDGET_TOO_LOOSE = "budget-too-loose"
    BUDGETS_SEVERAL = "budgets-several"
    BUDGET_GUARDS_THE_DEAD = "budget-guards-the-dead"
    EVEN_VOTERS = "even-voters"
    SINGLE = "single"
    NO_SPREAD = "no-spread"
    SPREAD_IMPOSSIBLE = "spread-impossible"
    REPLICAS_CONTESTED = "replicas-contested"
    TWO_AUTOSCALERS = "two-autoscalers"
    SELECTORS_OVERLAP = "selectors-overlap"
    STRAY_PODS = "stray-pods"
    LOST_POD = "lost-pod"
    TERMINATING_OVERDUE = "terminating-overdue"
    CRASH_HISTORY = "crash-history"
    MEMBER_ON_LEAVING_NODE = "member-on-leaving-node"
    NO_READINESS_PROBE = "no-readiness-probe"
    PROBES_EQUAL = "probes-equal"
    GRACE_ZERO = "grace-zero"
    IMAGE_FLOATS = "image-floats"
    IMAGE_DRIFT = "image-drift"
    NO_REQUESTS = "no-requests"
    ACCOUNT_MISSING = "account-missing"
    REFERENCE_MISSING = "reference-missing"
    CONFIG_NEWER_THAN_PODS = "config-newer-than-pods"
    QUOTA_TOO_TIGHT = "quota-too-tight"
    OWNED_BY = "owned-by"
    HELM_WILL_CONFLICT = "helm-will-conflict"
    UPGRADE_FORBIDDEN = "upgrade-forbidden"
    OURS_LEFT_OVER = "ours-left-over"
    MANIFEST_REFUSED = "manifest-refused"
    SERVER_TRAP = "server-trap"
    UPGRADE_ROLLS_ALL = "upgrade-rolls-all"
    IGNORE_EXPIRED = "ignore-expired"
    IGNORE_UNMATCHED = "ignore-unmatched"
    IGNORE_MALFORMED = "ignore-malformed"


class RuleCard(msgspec.Struct, frozen=True):
    """What is known of a rule. ``number``: "PETS" and three digits; hundreds are areas: 1 names and network, 2 rollouts,
    3 storage, 4 availability, 5 scaling, 6 pods and nodes, 7 the template, 8 ownership, 9 the server and this program itself.
    ``source``: the issue, KEP or API type that it rests on. ``opt_in``: judged only where somebody asks for it by name."""

    number: str
    severity: Severity
    source: str
    opt_in: bool = False


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTICE

RULES: dict[Rule, RuleCard] = {
    Rule.SERVICE_MISSING: RuleCard("PETS101", _E, "kubernetes/kubernetes#73808"),
    Rule.SERVICE_UNNAMED: RuleCard("PETS102", _N, "apps/v1 StatefulSetSpec.serviceName"),
    Rule.SERVICE_NOT_HEADLESS: RuleCard("PETS103", _W, "StatefulSet limitations: a headless Service is required"),
    Rule.SERVICE_SELECTOR_MISMATCH: RuleCard("PETS104", _E, "core/v1 ServiceSpec.selector"),
    Rule.PEERS_DEADLOCK: RuleCard("PETS105", _W, "kubernetes/kubernetes#66234"),
    Rule.POD_IDENTITY_STALE: RuleCard("PETS106", _E, "kubernetes/kubernetes#74950"),
    Rule.NAME_TOO_LONG: RuleCard("PETS107", _E, "kubernetes/kubernetes#64023"),
    Rule.NAMES_UNRESOLVED: RuleCard("PETS108", _E, "kubernetes/dns specification 1.1.0", opt_in=True),
    Rule.ENDPOINTS_LAG: RuleCard("PETS109", _W, "discovery.k8s.io/v1 EndpointSlice"),
    Rule.PARTITION_LEFT_OVER: RuleCard("PETS201", _W, "apps/v1 RollingUpdateStatefulSetStrategy.partition"),
    Rule.PARTITION_HOLDS_ALL: RuleCard("PETS202", _W, "kubernetes/kubernetes#91674"),
    Rule.ROLLOUT_STUCK: RuleCard("PETS203", _E, "kubernetes/kubectl#738"),
    Rule.FORCED_ROLLBACK_TRAP: RuleCard("PETS204", _E, "kubernetes/kubernetes#67250"),
    Rule.ONDELETE_DRIFT: RuleCard("PETS205", _N, "kubernetes/kubernetes#64500"),
    Rule.MANY_REVISIONS: RuleCard("PETS206", _W, "apps/v1 ControllerRevision"),
    Rule.MAX_UNAVAILABLE_IDLE: RuleCard("PETS207", _N, "KEP-961"),
    Rule.MAX_UNAVAILABLE_BREAKS_MAJORITY: RuleCard("PETS208", _W, "KEP-961"),
    Rule.RECREATE_IS_OUTAGE: RuleCard("PETS209", _N, "KEP-3541"),
    Rule.NO_WAY_BACK: RuleCard("PETS210", _W, "apps/v1 StatefulSetSpec.revisionHistoryLimit"),
    Rule.CONTROLLER_SILENT: RuleCard("PETS212", _E, "apps/v1 StatefulSetStatus.observedGeneration"),
    Rule.CREATE_FAILED: RuleCard("PETS213", _E, "core/v1 Event FailedCreate"),
    Rule.ADOPTED_VOLUME_MISMATCH: RuleCard("PETS214", _E, "kubernetes/kubernetes#141876"),
    Rule.EMPTY_REVISION: RuleCard("PETS215", _N, "kubernetes/kubernetes#134773"),
    Rule.CLASS_MISSING: RuleCard("PETS301", _E, "storage.k8s.io/v1 StorageClass"),
    Rule.DEFAULT_CLASS: RuleCard("PETS302", _N, "storageclass.kubernetes.io/is-default-class"),
    Rule.CLAIM_PENDING: RuleCard("PETS303", _E, "core/v1 PersistentVolumeClaimStatus.phase"),
    Rule.CLAIM_LOST: RuleCard("PETS304", _E, "core/v1 PersistentVolumeClaimStatus.phase"),
    Rule.CLAIM_MISSING: RuleCard("PETS305", _E, "kubernetes/kubernetes#89910"),
    Rule.CLAIM_DYING: RuleCard("PETS306", _E, "kubernetes.io/pvc-protection, kubernetes/kubernetes#74374"),
    Rule.SIZE_DRIFT: RuleCard("PETS307", _W, "kubernetes/kubernetes#68737"),
    Rule.CLASS_DRIFT: RuleCard("PETS308", _W, "migtools/crane#795"),
    Rule.ATTRIBUTES_DRIFT: RuleCard("PETS309", _W, "KEP-3751"),
    Rule.RESIZE_WAITS: RuleCard("PETS310", _W, "core/v1 PersistentVolumeClaimConditionType"),
    Rule.RESIZE_INFEASIBLE: RuleCard("PETS311", _E, "KEP-1790"),
    Rule.MODIFY_INFEASIBLE: RuleCard("PETS312", _E, "KEP-3751"),
    Rule.NOT_EXPANDABLE: RuleCard("PETS313", _N, "KEP-1790"),
    Rule.SCALE_DESTROYS: RuleCard("PETS314", _W, "KEP-1847"),
    Rule.DELETE_DESTROYS: RuleCard("PETS315", _W, "KEP-1847"),
    Rule.OWNER_STALE: RuleCard("PETS316", _E, "KEP-1847"),
    Rule.ONE_COMMAND_AWAY: RuleCard("PETS317", _N, "core/v1 PersistentVolumeReclaimPolicy"),
    Rule.VOLUME_UNREACHABLE: RuleCard("PETS318", _E, "kubernetes/kubernetes#97386"),
    Rule.VOLUME_HELD_ELSEWHERE: RuleCard("PETS319", _E, "storage.k8s.io/v1 VolumeAttachment"),
    Rule.OLD_DATA_RETURNS: RuleCard("PETS320", _N, "kubernetes/kubernetes#51306"),
    Rule.CLAIM_NAME_AMBIGUOUS: RuleCard("PETS321", _E, "kubernetes/kubernetes#41153"),
    Rule.VOLUME_FULL: RuleCard("PETS322", _W, "kubelet stats/v1alpha1 VolumeStats", opt_in=True),
    Rule.VOLUME_UNHEALTHY: RuleCard("PETS323", _E, "KEP-1432"),
    Rule.CLAIM_ORPHANED: RuleCard("PETS324", _N, "KEP-1847"),
    Rule.QUORUM_LOST: RuleCard("PETS401", _E, "majority of spec.replicas"),
    Rule.NO_MARGIN: RuleCard("PETS402", _W, "majority of spec.replicas"),
    Rule.NODE_SHARED: RuleCard("PETS403", _W, "topology.kubernetes.io, pod anti-affinity"),
    Rule.ZONE_SHARED: RuleCard("PETS404", _W, "topology.kubernetes.io/zone"),
    Rule.BUDGET_MISSING: RuleCard("PETS405", _W, "policy/v1 PodDisruptionBudget"),
    Rule.BUDGET_BLOCKS: RuleCard("PETS406", _W, "policy/v1 PodDisruptionBudget"),
    Rule.BUDGET_TOO_LOOSE: RuleCard("PETS407", _W, "policy/v1 PodDisruptionBudget"),
    Rule.BUDGETS_SEVERAL: RuleCard("PETS408", _E, "kubernetes/kubernetes#75957"),
    Rule.BUDGET_GUARDS_THE_DEAD: RuleCard("PETS409", _N, "kubernetes/kubernetes#72320"),
    Rule.EVEN_VOTERS: RuleCard("PETS410", _N, "majority of spec.replicas", opt_in=True),
    Rule.SINGLE: RuleCard("PETS411", _N, "apps/v1 StatefulSetSpec.replicas", opt_in=True),
    Rule.NO_SPREAD: RuleCard("PETS412", _N, "core/v1 PodSpec.topologySpreadConstraints"),
    Rule.SPREAD_IMPOSSIBLE: RuleCard("PETS413", _W, "core/v1 PodAntiAffinity"),
    Rule.REPLICAS_CONTESTED: RuleCard("PETS501", _W, "autoscaling/v2 HorizontalPodAutoscaler"),
    Rule.TWO_AUTOSCALERS: RuleCard("PETS502", _E, "autoscaling/v2 HorizontalPodAutoscaler"),
    Rule.SELECTORS_OVERLAP: RuleCard("PETS503", _E, "kubernetes/kubernetes#36859"),
    Rule.STRAY_PODS: RuleCard("PETS504", _W, "kubernetes/kubernetes#55559"),
    Rule.LOST_POD: RuleCard("PETS601", _E, "kubernetes/kubernetes#54368"),
    Rule.TERMINATING_OVERDUE: RuleCard("PETS602", _W, "kubernetes/kubernetes#54368"),
    Rule.CRASH_HISTORY: RuleCard("PETS603", _W, "core/v1 ContainerStatus.lastState"),
    Rule.MEMBER_ON_LEAVING_NODE: RuleCard("PETS604", _N, "core/v1 NodeSpec.unschedulable"),
    Rule.NO_READINESS_PROBE: RuleCard("PETS701", _W, "core/v1 Container.readinessProbe"),
    Rule.PROBES_EQUAL: RuleCard("PETS702", _N, "core/v1 Container.livenessProbe"),
    Rule.GRACE_ZERO: RuleCard("PETS703", _E, "StatefulSet limitations: terminationGracePeriodSeconds 0 is unsafe"),
    Rule.IMAGE_FLOATS: RuleCard("PETS704", _W, "core/v1 Container.image"),
    Rule.IMAGE_DRIFT: RuleCard("PETS705", _W, "core/v1 ContainerStatus.imageID"),
    Rule.NO_REQUESTS: RuleCard("PETS706", _N, "core/v1 ResourceRequirements"),
    Rule.ACCOUNT_MISSING: RuleCard("PETS707", _E, "core/v1 PodSpec.serviceAccountName"),
    Rule.REFERENCE_MISSING: RuleCard("PETS708", _E, "core/v1 ConfigMapKeySelector, SecretKeySelector"),
    Rule.CONFIG_NEWER_THAN_PODS: RuleCard("PETS709", _N, "core/v1 EnvVarSource, VolumeMount.subPath"),
    Rule.QUOTA_TOO_TIGHT: RuleCard("PETS711", _W, "core/v1 ResourceQuota"),
    Rule.OWNED_BY: RuleCard("PETS801", _N, "metav1 OwnerReference, ManagedFieldsEntry", opt_in=True),
    Rule.HELM_WILL_CONFLICT: RuleCard("PETS802", _W, "helm/helm#31516"),
    Rule.UPGRADE_FORBIDDEN: RuleCard("PETS803", _W, "argoproj/argo-cd#8501"),
    Rule.OURS_LEFT_OVER: RuleCard("PETS804", _N, "kubectl-pets annotations"),
    Rule.MANIFEST_REFUSED: RuleCard("PETS805", _E, "apps/v1 ValidateStatefulSetSpec"),
    Rule.SERVER_TRAP: RuleCard("PETS901", _W, "kubernetes/kubernetes#137409"),
    Rule.UPGRADE_ROLLS_ALL: RuleCard("PETS902", _N, "kubernetes/kubernetes#134773", opt_in=True),
    Rule.IGNORE_EXPIRED: RuleCard("PETS991", _W, "kubectl-pets/ignore"),
    Rule.IGNORE_UNMATCHED: RuleCard("PETS992", _N, "kubectl-pets/ignore"),
    Rule.IGNORE_MALFORMED: RuleCard("PETS993", _W, "kubectl-pets/ignore"),
}


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The object that a finding is about."""

    kind: str
    namespace: str
    name: str


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is wrong, or will be. Names and details come from the cluster: untrusted text. Numbers are fields, never
    words in a detail."""

    rule: Rule
    subject: Subject
    #: Other objects that bring it about: nodes, zones, budgets, sets.
    names: tuple[str, ...] = ()
    number: int | None = None
    #: What ``number`` should at least, or at most, be.
    limit: int | None = None
    detail: str = ""
    since: datetime | None = None
    #: When it passes by itself at the latest.
    until: datetime | None = None
    #: The field of the set, or of ``subject``, that it is about: "spec.template.spec.containers[app].image".
    field: str = ""
    #: Where what the rule says is less bad here than as a rule.
    lighter: Severity | None = None

    @property
    def severity(self) -> Severity:
        return self.lighter or RULES[self.rule].severity
