"""The links of the chain that the API server knows: from the pod over the Service and the EndpointSlice to the Corefile.

Each is a question with its own rule, asked in the order in which a name comes about; what depends on an earlier answer that is
not there is moot, and what could not be read is skipped. The rules: pkg/controller/statefulset (initIdentity),
k8s.io/endpointslice (podToEndpoint, ShouldPodBeInEndpoints, ShouldSetHostname), CoreDNS plugin/kubernetes (findServices).
"""

import re
from difflib import get_close_matches
from functools import cached_property

from kubectl_pets.domain.dns.clients import asks_its_node
from kubectl_pets.domain.dns.corefile import Settings, selects
from kubectl_pets.domain.dns.endpoints import EndpointEntry, Entries, addresses_of, family_of, is_of_predecessor
from kubectl_pets.domain.dns.names import LONGEST_LABEL, Expected, Position, families_of, is_over, is_ready, published
from kubectl_pets.domain.dns.network import Network, Service
from kubectl_pets.domain.dns.reasons import Check, Link, LinkSkip, NameFinding, Reason, State
from kubectl_pets.domain.model import Pod

_LABEL = re.compile(rf"(?=.{{1,{LONGEST_LABEL}}}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def passed(check: Check, *remarks: NameFinding) -> Link:
    return Link(check=check, state=State.PASSED, remarks=remarks)


def failed(check: Check, *findings: NameFinding) -> Link:
    return Link(check=check, state=State.FAILED, findings=findings)


def skipped(check: Check, skip: LinkSkip, *remarks: NameFinding, right: tuple[str, str] | None = None) -> Link:
    return Link(check=check, state=State.SKIPPED, skip=skip, right=right, remarks=remarks)


def not_withdrawn(entry: EndpointEntry) -> NameFinding:
    """Of an address that is no pod's of this name. The controller of EndpointSlices writes the pod beside each address
    (podToEndpoint in k8s.io/endpointslice) and takes it out again; what names no pod was written by somebody else, in a slice or
    in Endpoints that are mirrored, and stays until they take it out. A slice that another controller keeps holds what that one
    knows, such as the pods of this name in another cluster (cilium/cilium#31814)."""
    if entry.kept_by:
        return NameFinding(reason=Reason.SLICE_OF_OTHERS, subject=entry.kept_by, detail=entry.address)
    of_a_pod = entry.pod or entry.uid
    return NameFinding(
        reason=Reason.SLICE_OLD if of_a_pod else Reason.SLICE_BY_HAND, subject=entry.slice, detail=entry.address
    )


class Chain:
    """The links of the chain from one position of the set to its name, each passed, failed or not checked."""

    def __init__(
        self, network: Network, expected: Expected, settings: Settings | None, position: Position, entries: Entries | None
    ) -> None:
        self.network, self.expected, self.settings = network, expected, settings
        self.position, self.pod, self.service = position, position.pod, expected.service
        #: Of the Service; None: could not be read.
        self.all_entries = entries

    def links(self) -> tuple[Link, ...]:
        """The links in order, from the pod to the Corefile."""
        return (
            self._of_pod(),
            self._of_service_name(),
            self._of_service(),
            self._headless(),
            self._selector(),
            self._identity(),
            self._ready(),
            self._family(),
            self._slice(),
            self._corefile(),
        )

    @cached_property
    def entries(self) -> tuple[EndpointEntry, ...]:
        """What the slices hold of the pod, and of a pod that had its name before."""
        return self.all_entries.about(self.position.name, self.pod) if self.all_entries is not None else ()

    # --- the pod -------------------------------------------------------------------------------------------------------------

    def _of_pod(self) -> Link:
        if self.network.pods is None:
            return skipped(Check.POD, LinkSkip.UNREADABLE, right=("list", "pods"))
        pod = self.pod
        if pod is None:
            return failed(Check.POD, self._absent())
        remarks = [NameFinding(reason=Reason.HOST_NETWORK, subject=pod.name)] if pod.spec.host_network else []
        if asks_its_node(pod):
            remarks.append(NameFinding(reason=Reason.NODE_DNS, subject=pod.name, detail=pod.spec.dns_policy))
        if is_over(pod):
            return failed(Check.POD, NameFinding(reason=Reason.POD_OVER, subject=pod.name, detail=pod.status.phase))
        if not addresses_of(pod):
            return failed(Check.POD, NameFinding(reason=Reason.POD_WITHOUT_ADDRESS, subject=pod.name, detail=pod.status.phase))
        if pod.terminating and not (self.service is not None and self.service.spec.publish_not_ready_addresses):
            return failed(Check.POD, NameFinding(reason=Reason.POD_TERMINATING, subject=pod.name))
        return passed(Check.POD, *remarks)

    def _absent(self) -> NameFinding:
        """Why the pod is not there. Names that are no DNS label make the API server refuse the pod (core validation of
        hostname and subdomain)."""
        for name in (self.position.name, self.network.set.spec.service_name):
            if name and not _LABEL.fullmatch(name):
                return NameFinding(reason=Reason.NAME_NO_LABEL, subject=name)
        status = self.network.set.status
        for revision in (status.update_revision, status.current_revision):
            if len(revision) > LONGEST_LABEL:  # it is the value of controller-revision-hash (kubernetes/kubernetes#64023)
                return NameFinding(reason=Reason.LABEL_TOO_LONG, subject=revision)
        return NameFinding(reason=Reason.POD_ABSENT, subject=self.position.name)

    # --- the Service ---------------------------------------------------------------------------------------------------------

    def _of_service_name(self) -> Link:
        if self.network.set.spec.service_name:
            return passed(Check.SERVICE_NAME)
        return failed(Check.SERVICE_NAME, NameFinding(reason=Reason.SERVICE_NAME_EMPTY))

    def _of_service(self) -> Link:
        name = self.network.set.spec.service_name
        if not name:
            return skipped(Check.SERVICE, LinkSkip.MOOT)
        if self.network.services is None:
            return skipped(Check.SERVICE, LinkSkip.UNREADABLE, right=("list", "services"))
        if self.service is None:
            return failed(Check.SERVICE, NameFinding(reason=Reason.SERVICE_MISSING, subject=name, detail=self._near(name)))
        return passed(Check.SERVICE)

    def _near(self, name: str) -> str:
        """A Service that may be meant: the one that selects the pods, else one with a name like that."""
        services = self.network.services or ()
        labels = self.network.set.spec.template.metadata.labels
        selecting = [each.name for each in services if each.headless and each.spec.selector and _miss(each, labels) is None]
        return next(iter(selecting or get_close_matches(name, [each.name for each in services], n=1)), "")

    def _headless(self) -> Link:
        """CoreDNS also answers for the pods of a Service with an address of its own; others need not, and nothing promises it.
        So this is left undecided here, and decided by what the servers answer."""
        service = self.service
        if service is None:
            return skipped(Check.HEADLESS, LinkSkip.MOOT)
        if service.spec.type == "ExternalName":
            detail = service.spec.external_name
            return failed(Check.HEADLESS, NameFinding(reason=Reason.EXTERNAL_NAME, subject=service.name, detail=detail))
        if not service.headless:
            detail = service.spec.cluster_ip
            return skipped(
                Check.HEADLESS, LinkSkip.UNDECIDED, NameFinding(reason=Reason.NOT_HEADLESS, subject=service.name, detail=detail)
            )
        return passed(Check.HEADLESS)

    def _selector(self) -> Link:
        service, pod = self.service, self.pod
        if service is None or pod is None or service.spec.type == "ExternalName":
            return skipped(Check.SELECTOR, LinkSkip.MOOT)
        if not service.spec.selector:
            if self.all_entries is None:
                return skipped(Check.SELECTOR, LinkSkip.UNREADABLE, right=("list", "endpointslices.discovery.k8s.io"))
            if any(entry.address in addresses_of(pod) for entry in self.entries):
                return passed(Check.SELECTOR, NameFinding(reason=Reason.HAND_WRITTEN, subject=service.name))
            return failed(Check.SELECTOR, NameFinding(reason=Reason.NO_SELECTOR, subject=service.name))
        key = _miss(service, pod.metadata.labels)
        if key is None:
            return passed(Check.SELECTOR)
        wanted, has = f"{key}={service.spec.selector[key]}", pod.metadata.labels.get(key)
        detail = f"{key}={has}" if has is not None else ""
        return failed(Check.SELECTOR, NameFinding(reason=Reason.SELECTOR_DIFFERS, subject=wanted, detail=detail))

    def _identity(self) -> Link:
        service, pod = self.service, self.pod
        if service is None or pod is None or not service.spec.selector:
            return skipped(Check.IDENTITY, LinkSkip.MOOT)
        differs = self._other_identity(pod, service)
        if differs is None:
            return passed(Check.IDENTITY)
        by_pod_name = self.settings is not None and self.settings.endpoint_pod_names and len(pod.name) <= LONGEST_LABEL
        if by_pod_name and differs.reason is Reason.SUBDOMAIN_DIFFERS:
            return passed(Check.IDENTITY, NameFinding(reason=Reason.POD_NAMES, subject=pod.name))
        return failed(Check.IDENTITY, differs)

    def _other_identity(self, pod: Pod, service: Service) -> NameFinding | None:
        if pod.spec.subdomain != service.name or not pod.spec.hostname:
            return NameFinding(reason=Reason.SUBDOMAIN_DIFFERS, subject=service.name, detail=pod.spec.subdomain)
        if pod.spec.hostname != pod.name:
            return NameFinding(reason=Reason.HOSTNAME_DIFFERS, subject=pod.name, detail=pod.spec.hostname)
        return None

    # --- the endpoint --------------------------------------------------------------------------------------------------------

    def _ready(self) -> Link:
        service, pod = self.service, self.pod
        if service is None or pod is None or not service.spec.selector:
            return skipped(Check.READY, LinkSkip.MOOT)
        if is_ready(pod) or service.spec.publish_not_ready_addresses:
            return passed(Check.READY)
        condition = pod.status.condition("Ready")
        none = not any(each.pod is not None and is_ready(each.pod) for each in self.expected.positions)
        reason = Reason.NOT_READY_DEADLOCK if none and len(self.expected.positions) > 1 else Reason.NOT_READY
        return failed(Check.READY, NameFinding(reason=reason, subject=pod.name, detail=condition.message if condition else ""))

    def _family(self) -> Link:
        service, pod = self.service, self.pod
        addresses = addresses_of(pod) if pod is not None else ()
        if service is None or not addresses or not service.spec.selector:
            return skipped(Check.FAMILY, LinkSkip.MOOT)
        families = families_of(service)
        if any(family_of(address) in families for address in addresses):
            return passed(Check.FAMILY)
        found = NameFinding(reason=Reason.FAMILY_NOT_SERVED, subject=", ".join(families), detail=", ".join(addresses))
        return failed(Check.FAMILY, found)

    def _slice(self) -> Link:
        if self.service is None or self.service.spec.type == "ExternalName":
            return skipped(Check.SLICE, LinkSkip.MOOT)
        if self.all_entries is None:
            return skipped(Check.SLICE, LinkSkip.UNREADABLE, right=("list", "endpointslices.discovery.k8s.io"))
        findings = (*self._old(), *self._lacking())
        if findings:
            return failed(Check.SLICE, *findings)
        if not self._due():
            return skipped(Check.SLICE, LinkSkip.MOOT)
        return passed(Check.SLICE)

    def _due(self) -> tuple[str, ...]:
        """The addresses that the slices should hold as ready now."""
        if self.pod is None or self.service is None:
            return ()
        if self.service.spec.selector:
            return published(self.pod, self.service)
        return tuple(address for address in addresses_of(self.pod) if any(entry.address == address for entry in self.entries))

    def _old(self) -> tuple[NameFinding, ...]:
        if self.network.pods is None:
            return ()
        return tuple(
            self._claimed(entry)
            for entry in self.entries
            if entry.ready and is_of_predecessor(entry, self.position.name, self.pod)
        )

    def _claimed(self, entry: EndpointEntry) -> NameFinding:
        if entry.kept_by or entry.pod in ("", self.position.name):
            return not_withdrawn(entry)
        return NameFinding(reason=Reason.NAME_SHARED, subject=entry.pod, detail=entry.address)

    def _lacking(self) -> tuple[NameFinding, ...]:
        found: list[NameFinding] = []
        for address in self._due():
            there = [entry for entry in self.entries if entry.address == address]
            if not there:
                found.append(NameFinding(reason=Reason.SLICE_LACKS, subject=self.position.name, detail=address))
            elif not any(entry.ready for entry in there):
                found.append(NameFinding(reason=Reason.SLICE_NOT_READY, subject=there[0].slice, detail=address))
            elif self._needs_hostname() and not any(entry.hostname == self.position.name for entry in there):
                found.append(NameFinding(reason=Reason.SLICE_NO_HOSTNAME, subject=there[0].slice, detail=address))
        return tuple(found)

    def _needs_hostname(self) -> bool:
        """Whether an endpoint without a hostname gives the pod no name, so that the missing hostname is the reason. Of a pod
        of another subdomain it would have been said already."""
        pod, service = self.pod, self.service
        if pod is None or service is None or (self.settings is not None and self.settings.endpoint_pod_names):
            return False
        return not service.spec.selector or self._other_identity(pod, service) is None

    # --- the Corefile --------------------------------------------------------------------------------------------------------

    def _corefile(self) -> Link:
        settings, service = self.settings, self.service
        if settings is None:
            return skipped(Check.COREFILE, LinkSkip.UNREADABLE, right=("get", "configmaps"))
        hidden = self._hidden(settings)
        if hidden is not None:
            return failed(Check.COREFILE, hidden)
        shown = selects(settings.labels, service.metadata.labels) if service is not None else not settings.labels
        if settings.labels and shown is False:
            return failed(Check.COREFILE, NameFinding(reason=Reason.HIDDEN_LABELS, detail=settings.labels))
        if shown is None or settings.namespace_labels:
            return skipped(Check.COREFILE, LinkSkip.UNDECIDED)
        return passed(Check.COREFILE)

    def _hidden(self, settings: Settings) -> NameFinding | None:
        zone, namespace = self.expected.zone.name, self.network.set.namespace
        if zone not in settings.zones:
            return NameFinding(reason=Reason.OTHER_ZONE, subject=zone, detail=settings.zone)
        name = f"{self.position.name}.{self.network.set.spec.service_name}.{namespace}.svc.{zone}"
        elsewhere = settings.elsewhere_for(name)
        if elsewhere:
            return NameFinding(reason=Reason.HIDDEN_ELSEWHERE, detail=elsewhere)
        if settings.namespaces and namespace not in settings.namespaces:
            return NameFinding(reason=Reason.HIDDEN_NAMESPACE, subject=namespace, detail=", ".join(settings.namespaces))
        return NameFinding(reason=Reason.HIDDEN_ENDPOINTS) if settings.no_endpoints else None


def _miss(service: Service, labels: dict[str, str]) -> str | None:
    """The first label that the selector asks for and that is not so."""
    return next((key for key, value in sorted(service.spec.selector.items()) if labels.get(key) != value), None)
