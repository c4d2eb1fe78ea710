"""PETS1xx: can the pods be found by name? The verdict is that of ``dns``, as far as it goes without asking a server."""

from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache

import msgspec

from kubectl_pets.domain.dns import found as dns
from kubectl_pets.domain.dns.diagnosing import diagnose
from kubectl_pets.domain.dns.names import expected, is_ready
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.dns.zones import cluster_zone
from kubectl_pets.domain.doctor.case import Case, Judgement, RuleCheck, RuleSkipped, check, once
from kubectl_pets.domain.doctor.estate import NamesHeard
from kubectl_pets.domain.findings import Finding, Rule
from kubectl_pets.domain.model import Pod
from kubectl_pets.domain.rollout import found as rollout

#: What is the same for every pod is said once, of the set.
_OF_THE_SET = frozenset(
    (
        Rule.SERVICE_MISSING,
        Rule.SERVICE_NOT_HEADLESS,
        Rule.SERVICE_SELECTOR_MISMATCH,
        Rule.SERVICE_UNNAMED,
        Rule.PEERS_DEADLOCK,
    )
)

#: An EndpointSlice follows its pods after a moment.
_LAG = timedelta(seconds=10)

#: Before this a set that is not Ready may just be starting.
_STARTING = timedelta(minutes=5)


def network_of(case: Case) -> Network:
    """What the names of its pods come from, as ``dns`` reads it."""
    owner = case.owner
    own = {pod.metadata.uid for pod in case.pods.values()}
    slices = case.ward.slices.get((owner.namespace, owner.spec.service_name), ())
    return Network(
        set=owner,
        pods=None if case.view.pods is None else tuple(pod for pod in case.view.pods if pod.metadata.uid in own),
        services=None if case.estate.services is None else tuple(case.ward.services.get(owner.namespace, ())),
        slices=None if case.estate.slices is None else tuple(slices),
    )


@lru_cache(maxsize=1)
def _findings(case: Case) -> tuple[Finding, ...]:
    """All that ``dns`` finds without a server; the one case that is being judged is kept."""
    owner, network = case.owner, network_of(case)
    heard = (case.estate.heard or {}).get((owner.namespace, owner.name), NamesHeard())
    wanted = expected(network, cluster_zone("", heard.settings, None), heard.settings)
    return dns.findings(diagnose(network, wanted, heard.hearings, heard.settings, (), case.now))


def _of(case: Case, rule: Rule) -> Iterator[Finding]:
    found = (each for each in _findings(case) if each.rule is rule)
    if rule in _OF_THE_SET:
        found = (msgspec.structs.replace(each, subject=case.subject) for each in found)
    yield from once(found)


def _from_dns(rule: Rule, *needs: str) -> RuleCheck:
    return check(rule, *needs)(lambda case: _of(case, rule))


@check(Rule.SERVICE_MISSING, "services")
def service_missing(case: Case) -> Judgement:
    """``spec.serviceName`` names no Service, or one that only stands for a name elsewhere (ExternalName), so no pod has a name
    (kubernetes/kubernetes#73808). An empty serviceName is legal and none of this."""
    return _of(case, Rule.SERVICE_MISSING)


@check(Rule.SERVICE_UNNAMED, "services")
def service_unnamed(case: Case) -> Judgement:
    """No serviceName, so no names per pod, although somebody made a headless Service over several of its pods. Sets that want no
    names (workers, a single pod) are left alone."""
    labels = case.owner.spec.template.metadata.labels
    headless = [
        each.name
        for each in case.ward.services.get(case.owner.namespace, ())
        if each.headless and each.spec.selector and all(labels.get(key) == value for key, value in each.spec.selector.items())
    ]
    if not case.owner.spec.service_name and case.owner.spec.replicas > 1 and headless:
        yield Finding(
            rule=Rule.SERVICE_UNNAMED, subject=case.subject, names=tuple(sorted(headless)), field="spec.serviceName"
        )


@check(Rule.SERVICE_NOT_HEADLESS, "services")
def service_not_headless(case: Case) -> Judgement:
    """The governing Service has an address of its own. CoreDNS answers for the pods all the same, which nothing promises: so it
    is a warning."""
    service = case.service
    if service is not None and service.spec.type != "ExternalName" and not service.headless:
        yield Finding(
            rule=Rule.SERVICE_NOT_HEADLESS,
            subject=case.subject,
            names=(service.name,),
            detail=service.spec.cluster_ip,
            field="spec.serviceName",
        )


@check(Rule.SERVICE_SELECTOR_MISMATCH, "services")
def service_selector_mismatch(case: Case) -> Judgement:
    """The governing Service selects other pods than the template makes. One without a selector has slices that are written by
    hand, and is left alone here."""
    service, labels = case.service, case.owner.spec.template.metadata.labels
    if service is None or service.spec.type == "ExternalName":
        return
    missed = [key for key, value in sorted(service.spec.selector.items()) if labels.get(key) != value]
    live = [pod.metadata.labels for pod in case.pods.values()]
    if missed and live and all(all(found.get(key) == service.spec.selector[key] for key in missed) for found in live):
        return  # something labels the pods after they are made (statefulset.kubernetes.io/pod-name, an operator)
    if missed:
        yield Finding(
            rule=Rule.SERVICE_SELECTOR_MISMATCH,
            subject=case.subject,
            names=(service.name,),
            detail=f"{missed[0]}={service.spec.selector[missed[0]]}",
            field="spec.template.metadata.labels",
        )
        return
    yield from _of(case, Rule.SERVICE_SELECTOR_MISMATCH)


@check(Rule.PEERS_DEADLOCK, "pods", "services")
def peers_deadlock(case: Case) -> Judgement:
    """No pod is Ready for five minutes, and the Service does not publish pods that are not: where members need each other's names
    to become Ready, none ever will (kubernetes/kubernetes#66234). A container that fails explains it first, and a single pod
    needs no peers."""
    pods = [pod for pod in case.pods.values() if not pod.terminating]
    if len(pods) < 2 or any(is_ready(pod) for pod in pods) or case.seen.blockers or case.seen.failing:
        return
    conditions = [pod.status.condition("Ready") for pod in pods]
    times = [each.last_transition_time for each in conditions if each is not None]
    if len(times) < len(pods) or any(case.young(time, _STARTING) for time in times):
        return
    yield from _of(case, Rule.PEERS_DEADLOCK)


@check(Rule.ENDPOINTS_LAG, "pods", "services", "slices")
def endpoints_lag(case: Case) -> Judgement:
    """A Ready pod is in no slice of its Service, or a slice holds another address. For ten seconds after a change that is
    usual."""
    changing = {pod.name for pod in case.pods.values() if _changes(case, pod)}
    found = list(_of(case, Rule.ENDPOINTS_LAG))
    of_pods = [each for each in found if each.subject.kind == "Pod" and each.subject.name not in changing]
    yield from of_pods
    if not of_pods and not changing:
        yield from found


def _changes(case: Case, pod: Pod) -> bool:
    """Whether slices may rightly be behind this pod still."""
    ready = pod.status.condition("Ready")
    return pod.terminating or (ready is not None and case.young(ready.last_transition_time, _LAG))


@check(Rule.NAME_TOO_LONG)
def name_too_long(case: Case) -> Judgement:
    """No pod can be made: the label with the revision's name takes 63 characters (kubernetes/kubernetes#64023), and so does a
    pod's hostname. Told from the real revision where there is one."""
    told = [each for each in rollout.findings(case.seen) if each.rule is Rule.NAME_TOO_LONG]
    if told:
        yield from told
        return
    owner = case.owner
    highest = owner.start + max(0, owner.spec.replicas - 1)
    revision = owner.status.update_revision or f"{owner.name}-0123456789"
    for name, where in ((f"{owner.name}-{highest}", "metadata.name"), (revision, "status.updateRevision")):
        if len(name) > 63:
            yield Finding(
                rule=Rule.NAME_TOO_LONG, subject=case.subject, names=(name,), number=len(name), limit=63, field=where
            )
            return


@check(Rule.NAMES_UNRESOLVED, "pods", "services", "heard")
def names_unresolved(case: Case) -> Judgement:
    """A DNS server answers otherwise than the API server has it, or not at all, by asking each of them (--deep). One that may not
    be asked, or gave no answer, is no all-clear."""
    found = list(_of(case, Rule.NAMES_UNRESOLVED))
    yield from found
    hearings = (case.estate.heard or {}).get((case.owner.namespace, case.owner.name), NamesHeard()).hearings
    if not found and not (hearings and all(each.answers for each in hearings)):
        yield RuleSkipped("heard")


CHECKS = (
    service_missing,
    service_unnamed,
    service_not_headless,
    service_selector_mismatch,
    peers_deadlock,
    _from_dns(Rule.POD_IDENTITY_STALE, "pods", "services"),
    name_too_long,
    names_unresolved,
    endpoints_lag,
)
