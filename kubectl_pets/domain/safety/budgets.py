"""What does a PodDisruptionBudget allow? Reads policy/v1 as the disruption controller and the eviction API do.

Sources: kubernetes pkg/controller/disruption/disruption.go (getExpectedPodCount, countHealthyPods, updatePdbStatus) and
pkg/registry/core/pod/storage/eviction.go. A budget counts pods that are Ready, not pods that are available: minReadySeconds mean
nothing to it. It holds evictions only; a rollout's deletions pass it by (kubernetes/kubernetes#91808).
"""

from collections.abc import Iterable, Mapping, Sequence

from kubectl_pets.domain.model import Condition, LabelSelector, Object, Value

#: The condition of a budget that tells whether it allows a disruption, and the reason with which its controller says that it
#: cannot work that out: then it allows none (policy/v1 DisruptionAllowedCondition, SyncFailedReason; failSafe in disruption.go).
_ALLOWED, _FAILED = "DisruptionAllowed", "SyncFailed"


class BudgetSpec(Value, frozen=True):
    #: A number of pods, or a share of the replicas like "50%"; at most one of the two is set.
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    #: policy/v1: None selects no pod, an empty one every pod of the namespace.
    selector: LabelSelector | None = None


class BudgetStatus(Value, frozen=True):
    observed_generation: int = 0
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    conditions: tuple[Condition, ...] = ()


class Budget(Object, frozen=True):
    """A PodDisruptionBudget."""

    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Whether a pod with these labels, in the budget's own namespace, is under it."""
        return self.spec.selector is not None and self.spec.selector.matches(labels)

    @property
    def observed(self) -> bool:
        """The disruption controller has seen the newest spec, so the status means something."""
        return self.status.observed_generation >= self.metadata.generation

    @property
    def allowed(self) -> int:
        """How many pods may be evicted right now; none while the controller has not seen the newest spec (the API says 429)."""
        return max(0, self.status.disruptions_allowed) if self.observed else 0

    @property
    def failure(self) -> str:
        """Why its controller cannot work it out; empty where it can. It wants the scale of whatever controls each pod that the
        budget selects, so one pod of a Job among them, running or long done, is enough for the budget to allow nothing at all.
        The counts in its status are those of before."""
        told = next((each for each in self.status.conditions if each.type == _ALLOWED), None)
        failed = told is not None and told.status == "False" and told.reason == _FAILED
        return (told.message or told.reason) if told is not None and failed else ""


def desired_healthy(spec: BudgetSpec, expected: int) -> int | None:
    """How many of ``expected`` pods the budget wants healthy. Shares round up, of minAvailable and of maxUnavailable alike.

    None: it makes no sense or says nothing, and then the controller allows no eviction at all.
    """
    if spec.max_unavailable is not None:
        unavailable = _scaled(spec.max_unavailable, expected)
        return None if unavailable is None else max(0, expected - unavailable)
    return None if spec.min_available is None else _scaled(spec.min_available, expected)


def _scaled(value: int | str, expected: int) -> int | None:
    """intstr.GetScaledValueFromIntOrPercent, rounding up."""
    if isinstance(value, int):
        return value
    share = value.removesuffix("%")
    if share == value or not (share.isascii() and share.isdigit() and len(share) < 10):
        return None
    return -(-expected * int(share) // 100)


def evictable_at_best(budget: Budget, covered: int, missing: int) -> int:
    """How many pods may be evicted at once while all of them are healthy. 0: it blocks every eviction, now and for ever; or for
    as long as its controller cannot work it out.

    ``covered``: how many positions of the set are under it, ``missing``: how many of these hold no pod. Where the budget counts
    more than these (another set's pods, too), that comes from its status.
    """
    if budget.failure:
        return 0
    expected = covered
    if budget.observed and budget.status.expected_pods:
        counts_pods = isinstance(budget.spec.min_available, int)  # else it counts replicas, whether there is a pod or not
        expected = max(covered, budget.status.expected_pods + (missing if counts_pods else 0))
    desired = desired_healthy(budget.spec, expected)
    return 0 if desired is None else max(0, expected - desired)


def shared(budgets: Sequence[Budget], pods: Iterable[Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """The budgets that share one of the ``pods`` (labels) with another, by name: each with those that it shares any with, itself
    among them. All are of one namespace.

    The status of such a budget means nothing: for each event of a pod the disruption controller counts anew for just one of
    the budgets over it, any of them (getPdbForPod in disruption.go; a pod's event MultiplePodDisruptionBudgets says so). Where
    nothing else happens the others stay as they were, too strict or too loose. The eviction API refuses such a pod with 500,
    whatever they allow (eviction.go; kubernetes/kubernetes#75957).
    """
    found: dict[str, set[str]] = {}
    for labels in pods:
        over = [budget.name for budget in budgets if budget.covers(labels)]
        for name in over if len(over) > 1 else ():
            found.setdefault(name, set()).update(over)
    return {name: tuple(sorted(names)) for name, names in found.items()}
