"""Which names a StatefulSet's pods should have in DNS, and with which addresses: what to ask, and the right answers.

The rules are those of the DNS specification for Services (kubernetes/dns docs/specification.md), of the EndpointSlice controller
(k8s.io/endpointslice utils.go) and of CoreDNS (plugin/kubernetes). What is expected comes from pods and Services, never from what
the EndpointSlices happen to hold: they are part of what is examined. They are the source only of endpoints of others.
"""

from collections.abc import Container, Iterable, Iterator
from enum import StrEnum, unique
from ipaddress import ip_address

import msgspec

from kubectl_pets.domain.dns.answers import Question, RecordType
from kubectl_pets.domain.dns.corefile import Settings, serves_reverse
from kubectl_pets.domain.dns.endpoints import EndpointEntry, Family, addresses_of, canonical, family_of, read_entries
from kubectl_pets.domain.dns.network import Network, Service, ServicePort
from kubectl_pets.domain.dns.zones import Zone
from kubectl_pets.domain.model import Pod, ordinal_of
from kubectl_pets.domain.rollout.members import own_pods
from kubectl_pets.domain.sets.slots import Slots, slots_of

TYPES = {Family.IPV4: RecordType.A, Family.IPV6: RecordType.AAAA}

#: RFC 1035: a label's most characters. The API server refuses pods with a longer hostname (ValidateDNS1123Label).
LONGEST_LABEL = 63


@unique
class NameKind(StrEnum):
    POD = "pod"
    SERVICE = "service"
    #: SRV of a named port.
    PORT = "port"
    #: PTR of a pod's address.
    REVERSE = "reverse"


class Expectation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The right answer to a question. ``records``: sorted, exactly these (of SRV "PORT TARGET"); None: it cannot be said."""

    question: Question
    records: tuple[str, ...] | None
    #: The name is there: no record of this type is NODATA then, and NXDOMAIN is wrong.
    exists: bool
    #: What may come besides; None: anything (a node's address has the names of all pods on it).
    besides: tuple[str, ...] | None = ()


class Name(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    kind: NameKind
    #: Fully qualified, in lower case, without the dot at the end.
    name: str
    expectations: tuple[Expectation, ...]
    #: The pod, for POD and REVERSE.
    pod: str = ""
    ordinal: int | None = None
    #: "NAME/PROTOCOL", for PORT.
    port: str = ""

    @property
    def records(self) -> tuple[str, ...] | None:
        """All that is expected, over all types; None: it cannot be said."""
        if any(each.records is None for each in self.expectations):
            return None
        return tuple(record for each in self.expectations for record in each.records or ())


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """One position of the set. ``pod``: None where there is none, or pods could not be read."""

    ordinal: int
    name: str
    pod: Pod | None


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    zone: Zone
    #: In the order of the ordinals.
    positions: tuple[Position, ...]
    #: The governing Service; None: there is none, or Services could not be read.
    service: Service | None
    names: tuple[Name, ...]


def positions_of(network: Network) -> tuple[Position, ...]:
    """The set's positions; pods outside its range are on their way out and have no claim to a name."""
    found = own_pods(network.set, network.pods)
    slots = slots_of(network.set, found)
    return tuple(
        Position(ordinal=ordinal, name=slots.name(ordinal), pod=found.get(ordinal))
        for ordinal in sorted({*(ordinal for ordinal in found if ordinal in slots), *_to_ask(slots, found)})
    )


def _to_ask(slots: Slots, held: Iterable[int]) -> Iterator[int]:
    """The positions without a pod whose names are asked for: all of a few in a row, else the first and the last, because
    nobody asks for a million names that are not there."""
    for gap in slots.gaps(held):
        yield gap.first
        yield gap.last


def governing(network: Network) -> Service | None:
    name = network.set.spec.service_name
    return next((each for each in network.services or () if name and each.name == name), None)


def families_of(service: Service) -> tuple[Family, ...]:
    """The IP families of a Service; empty ``ipFamilies`` means both (getAddressTypesForService)."""
    return tuple(family for family in Family if family in service.spec.ip_families or not service.spec.ip_families)


def is_ready(pod: Pod) -> bool:
    ready = pod.status.condition("Ready")
    return ready is not None and ready.status == "True"


def is_over(pod: Pod) -> bool:
    """Such a pod is no endpoint, whatever the Service says (ShouldPodBeInEndpoints)."""
    return pod.status.phase in ("Succeeded", "Failed")


def published(pod: Pod, service: Service) -> tuple[str, ...]:
    """The pod's addresses that the Service should have as ready endpoints now."""
    spec = service.spec
    ready = spec.publish_not_ready_addresses or (is_ready(pod) and not pod.terminating)
    labels = pod.metadata.labels
    if not spec.selector or is_over(pod) or not ready or any(labels.get(key) != value for key, value in spec.selector.items()):
        return ()
    return tuple(address for address in addresses_of(pod) if family_of(address) in families_of(service))


def label_of(pod: Pod, service: Service, address: str, settings: Settings | None) -> str:
    """What CoreDNS calls the endpoint: its hostname, with ``endpoint_pod_names`` the pod's name, else its address with dashes."""
    if pod.spec.hostname and pod.spec.subdomain == service.name:
        return pod.spec.hostname
    if settings is not None and settings.endpoint_pod_names and len(pod.name) <= LONGEST_LABEL:
        return pod.name
    return dashed(address)


def entry_label(entry: EndpointEntry, settings: Settings | None) -> str:
    """As ``label_of``, for an address in an EndpointSlice."""
    if entry.hostname:
        return entry.hostname
    named = settings is not None and settings.endpoint_pod_names and 0 < len(entry.pod) <= LONGEST_LABEL
    return entry.pod if named else dashed(entry.address)


def is_left_over(entry: EndpointEntry, owner: str, living: Container[str]) -> bool:
    """Whether an entry is of an earlier pod of the set ``owner``, be its ordinal still one of the set's or not. Of a set that is
    spread over clusters (KEP-3335) another controller may keep the slices of the ordinals that are elsewhere."""
    if entry.kept_by:
        return False
    claimed = entry.pod or entry.hostname
    return ordinal_of(claimed, owner) is not None and claimed not in living


def published_records(entries: Iterable[EndpointEntry], domain: str, settings: Settings | None) -> frozenset[str]:
    """All that CoreDNS makes of a Service's slices, of every record type: addresses, "PORT TARGET" of SRV, and names of PTR.
    ``domain``: the Service's."""
    found: set[str] = set()
    for entry in entries:
        if entry.ready:
            name = f"{entry_label(entry, settings)}.{domain}".lower()
            found |= {entry.address, name, *(f"{number} {name}" for _, _, number in entry.ports)}
    return frozenset(found)


def dashed(address: str) -> str:
    return address.replace(".", "-").replace(":", "-")


def expected(network: Network, zone: Zone, settings: Settings | None = None) -> Expected:
    """All names of the set: its pods', its Service's, those of the Service's named ports, and the pods' addresses'."""
    writer = _Writer(network, zone, settings)
    return Expected(zone=zone, positions=writer.positions, service=writer.service, names=tuple(writer.names()))


def questions(names: Iterable[Name]) -> tuple[Question, ...]:
    """The DNS questions to ask for these names, each once."""
    return tuple(dict.fromkeys(each.question for name in names for each in name.expectations))


class _Writer:
    """Writes the expectations of one network. ``self.endpoints``: (label, address) of what the Service should publish."""

    def __init__(self, network: Network, zone: Zone, settings: Settings | None) -> None:
        self.network, self.settings, self.zone = network, settings, zone
        self.service = governing(network)
        self.positions = positions_of(network)
        self.domain = f"{network.set.spec.service_name}.{network.set.namespace}.svc.{zone.name}".lower()
        self.root = f"{network.set.namespace}.svc.{zone.name}".lower()
        self.known = network.pods is not None and network.services is not None
        self.by_name = {position.name: position for position in self.positions}
        self.own_names = self.by_name.keys()
        self.own_addresses = {each for position in self.positions if position.pod for each in addresses_of(position.pod)}
        self.living = {pod.name for pod in network.pods or ()}
        self.entries = read_entries(network, self.service.name) if self.service is not None else ()
        self.endpoints = tuple(self._endpoints()) if self.known and self.service is not None else ()
        #: (label, ordinal) to the addresses that this position's own pod gives to the label.
        self.own: dict[tuple[str, int], list[str]] = {}
        for label, address, source in self.endpoints:
            ordinal = source.ordinal if isinstance(source, Position) else self._ordinal_of(source)
            if ordinal is not None:
                self.own.setdefault((label, ordinal), []).append(address)

    def names(self) -> Iterator[Name]:
        yield from map(self._pod, self.positions)
        if not self.network.set.spec.service_name:
            return
        yield Name(kind=NameKind.SERVICE, name=self.domain, expectations=self._addresses(self.domain, self._of_service()))
        for port in self.service.spec.ports if self.service is not None else ():
            if port.name:
                yield self._port(port)
        yield from self._reverse()

    # --- what the Service publishes ------------------------------------------------------------------------------------------

    def _endpoints(self) -> Iterator[tuple[str, str, Position | EndpointEntry]]:
        """The set's own from its pods, those of others (and all of a Service without selector) from the slices."""
        service = self.service
        if service is None or service.spec.type == "ExternalName":
            return
        for position in self.positions:
            if position.pod is not None:
                for address in published(position.pod, service):
                    yield label_of(position.pod, service, address, self.settings).lower(), address, position
        for entry in self.entries or ():
            if entry.ready and not (service.spec.selector and self._is_ours(entry)):
                yield self._label(entry).lower(), entry.address, entry

    def _is_ours(self, entry: EndpointEntry) -> bool:
        """Of a position, be it of a pod that held it before, or a leftover of a position that there is no more."""
        if entry.kept_by:
            return False
        if (entry.pod or entry.hostname) in self.own_names or is_left_over(entry, self.network.set.name, self.living):
            return True
        return not entry.pod and entry.address in self.own_addresses

    def _ordinal_of(self, entry: EndpointEntry) -> int | None:
        """Whose address somebody wrote into a slice, where the Service has no selector."""
        position = self.by_name.get(entry.hostname)
        if position is None or position.pod is None or self.service is None or self.service.spec.selector:
            return None
        return position.ordinal if entry.address in addresses_of(position.pod) else None

    def _label(self, entry: EndpointEntry) -> str:
        return entry_label(entry, self.settings)

    # --- expectations --------------------------------------------------------------------------------------------------------

    def _pod(self, position: Position) -> Name:
        own = tuple(self.own.get((position.name.lower(), position.ordinal), ()))
        name = f"{position.name}.{self.domain}".lower() if self.network.set.spec.service_name else ""
        return Name(
            kind=NameKind.POD,
            name=name,
            pod=position.name,
            ordinal=position.ordinal,
            expectations=self._addresses(name, own if self.known else None) if name else (),
        )

    def _of_service(self) -> tuple[str, ...] | None:
        service = self.service
        if not self.known or (service is not None and service.spec.type == "ExternalName"):
            return None
        if service is None or service.headless:
            unread = self.entries is None  # then other pods' addresses may be missing here
            return None if unread else tuple(address for _, address, _ in self.endpoints)
        return tuple(map(canonical, service.spec.cluster_ips or (service.spec.cluster_ip,)))

    def _addresses(self, name: str, addresses: tuple[str, ...] | None) -> tuple[Expectation, ...]:
        return tuple(
            Expectation(
                question=Question(name, kind),
                records=None if addresses is None else tuple(sorted({one for one in addresses if family_of(one) is family})),
                exists=bool(addresses),
            )
            for family, kind in TYPES.items()
        )

    def _port(self, port: ServicePort) -> Name:
        name = f"_{port.name}._{port.protocol}.{self.domain}".lower()
        records = self._services_at(port)
        wanted = Expectation(question=Question(name, RecordType.SRV), records=records, exists=bool(records))
        return Name(kind=NameKind.PORT, name=name, expectations=(wanted,), port=f"{port.name}/{port.protocol}")

    def _services_at(self, port: ServicePort) -> tuple[str, ...] | None:
        service = self.service
        if service is None or not self.known or self.entries is None or service.spec.type == "ExternalName":
            return None
        if not service.headless:
            return (f"{port.port} {self.domain}",)
        found = {
            f"{number} {label}.{self.domain}"
            for label, address, source in self.endpoints
            for number in self._numbers(port, address, source)
        }
        return tuple(sorted(found))

    def _numbers(self, port: ServicePort, address: str, source: Position | EndpointEntry) -> Iterator[int]:
        """A port that is named in the pod has the number that the slices know."""
        if isinstance(source, Position) and isinstance(port.target_port or port.port, int):
            yield int(port.target_port or port.port)
            return
        for entry in self.entries or () if isinstance(source, Position) else (source,):
            if entry.address == address:
                yield from (number for name, protocol, number in entry.ports if (name, protocol) == (port.name, port.protocol))

    def _in_primary(self, name: str) -> str:
        """The name as PTR tells it, whichever of the plugin's zones was asked in."""
        zone = self.zone.name if self.settings is None else self.settings.primary or self.settings.zone
        return f"{name.removesuffix(self.zone.name.lower())}{zone}"

    def _reverse(self) -> Iterator[Name]:
        others = self._names_by_address()
        for label, address, source in self.endpoints:
            if not isinstance(source, Position) or source.pod is None:
                continue
            name = ip_address(address).reverse_pointer
            if self.settings is not None and not serves_reverse(self.settings, name):
                continue
            wanted = Expectation(
                question=Question(name, RecordType.PTR),
                records=(self._in_primary(f"{label}.{self.domain}"),),
                exists=True,
                besides=None if others is None or source.pod.spec.host_network else tuple(sorted(others.get(address, ()))),
            )
            yield Name(kind=NameKind.REVERSE, name=name, expectations=(wanted,), pod=source.name, ordinal=source.ordinal)

    def _names_by_address(self) -> dict[str, set[str]] | None:
        """By address, what the Services of the namespace call it."""
        every = read_entries(self.network)
        if every is None:
            return None
        found: dict[str, set[str]] = {}
        for entry in every:
            if entry.ready:
                found.setdefault(entry.address, set()).add(
                    self._in_primary(f"{self._label(entry)}.{entry.service}.{self.root}".lower())
                )
        return found
