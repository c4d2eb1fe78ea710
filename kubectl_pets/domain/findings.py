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
    """By its word, which ignores and JSON use."""

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
    ROLLOUT_STUCK = "rollout-stuck"
    MANY_REVISIONS = "many-revisions"
    CONTROLLER_SILENT = "controller-silent"
    CLAIM_PENDING = "claim-pending"
    CLAIM_LOST = "claim-lost"
    CLAIM_DYING = "claim-dying"
    OWNER_STALE = "owner-stale"
    CLAIM_NAME_AMBIGUOUS = "claim-name-ambiguous"
    CLAIM_ORPHANED = "claim-orphaned"
    QUORUM_LOST = "quorum-lost"
    NO_MARGIN = "no-margin"
    NODE_SHARED = "node-shared"
    ZONE_SHARED = "zone-shared"
    BUDGET_MISSING = "budget-missing"
    BUDGET_BLOCKS = "budget-blocks"
    BUDGET_TOO_LOOSE = "budget-too-loose"
    BUDGETS_SEVERAL = "budgets-several"
    LOST_POD = "lost-pod"
    TERMINATING_OVERDUE = "terminating-overdue"


class RuleCard(msgspec.Struct, frozen=True):
    """What is known of a rule. ``number``: "PETS" and three digits; hundreds are areas: 1 names and network, 2 rollouts,
    3 storage, 4 availability, 5 scaling, 6 pods and nodes. ``source``: the issue, KEP or API type that it rests on."""

    number: str
    severity: Severity
    source: str


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTICE

RULES: dict[Rule, RuleCard] = {
    Rule.SERVICE_MISSING: RuleCard("PETS101", _E, "kubernetes/kubernetes#73808"),
    Rule.SERVICE_UNNAMED: RuleCard("PETS102", _N, "apps/v1 StatefulSetSpec.serviceName"),
    Rule.SERVICE_NOT_HEADLESS: RuleCard("PETS103", _W, "StatefulSet limitations: a headless Service is required"),
    Rule.SERVICE_SELECTOR_MISMATCH: RuleCard("PETS104", _E, "core/v1 ServiceSpec.selector"),
    Rule.PEERS_DEADLOCK: RuleCard("PETS105", _W, "kubernetes/kubernetes#66234"),
    Rule.POD_IDENTITY_STALE: RuleCard("PETS106", _E, "kubernetes/kubernetes#74950"),
    Rule.NAME_TOO_LONG: RuleCard("PETS107", _E, "kubernetes/kubernetes#64023"),
    Rule.NAMES_UNRESOLVED: RuleCard("PETS108", _E, "kubernetes/dns specification 1.1.0"),
    Rule.ENDPOINTS_LAG: RuleCard("PETS109", _W, "discovery.k8s.io/v1 EndpointSlice"),
    Rule.PARTITION_LEFT_OVER: RuleCard("PETS201", _W, "apps/v1 RollingUpdateStatefulSetStrategy.partition"),
    Rule.ROLLOUT_STUCK: RuleCard("PETS203", _E, "kubernetes/kubernetes#67250"),
    Rule.MANY_REVISIONS: RuleCard("PETS206", _W, "apps/v1 ControllerRevision"),
    Rule.CONTROLLER_SILENT: RuleCard("PETS212", _E, "apps/v1 StatefulSetStatus.observedGeneration"),
    Rule.CLAIM_PENDING: RuleCard("PETS303", _E, "core/v1 PersistentVolumeClaimStatus.phase"),
    Rule.CLAIM_LOST: RuleCard("PETS304", _E, "core/v1 PersistentVolumeClaimStatus.phase"),
    Rule.CLAIM_DYING: RuleCard("PETS306", _E, "kubernetes.io/pvc-protection, kubernetes/kubernetes#74374"),
    Rule.OWNER_STALE: RuleCard("PETS316", _E, "KEP-1847"),
    Rule.CLAIM_NAME_AMBIGUOUS: RuleCard("PETS321", _E, "kubernetes/kubernetes#41153"),
    Rule.CLAIM_ORPHANED: RuleCard("PETS324", _N, "KEP-1847"),
    Rule.QUORUM_LOST: RuleCard("PETS401", _E, "majority of spec.replicas"),
    Rule.NO_MARGIN: RuleCard("PETS402", _W, "majority of spec.replicas"),
    Rule.NODE_SHARED: RuleCard("PETS403", _W, "topology.kubernetes.io, pod anti-affinity"),
    Rule.ZONE_SHARED: RuleCard("PETS404", _W, "topology.kubernetes.io/zone"),
    Rule.BUDGET_MISSING: RuleCard("PETS405", _W, "policy/v1 PodDisruptionBudget"),
    Rule.BUDGET_BLOCKS: RuleCard("PETS406", _W, "policy/v1 PodDisruptionBudget"),
    Rule.BUDGET_TOO_LOOSE: RuleCard("PETS407", _W, "policy/v1 PodDisruptionBudget"),
    Rule.BUDGETS_SEVERAL: RuleCard("PETS408", _E, "kubernetes/kubernetes#75957"),
    Rule.LOST_POD: RuleCard("PETS601", _E, "kubernetes/kubernetes#54368"),
    Rule.TERMINATING_OVERDUE: RuleCard("PETS602", _W, "kubernetes/kubernetes#54368"),
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

    @property
    def severity(self) -> Severity:
        return RULES[self.rule].severity
