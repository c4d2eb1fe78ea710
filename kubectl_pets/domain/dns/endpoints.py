"""What the EndpointSlices of a Service say, joined over all slices and both address families, and which pod each address is of.

An endpoint is a pod's by the uid of its reference; one that was written by hand has none, and is a pod's by its address. A
reference or hostname that names the pod with another uid or address is of a pod that held the position before (discovery/v1).
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum, unique
from functools import lru_cache
from ipaddress import ip_address

import msgspec

from kubectl_pets.domain.dns.network import EndpointSlice, Network
from kubectl_pets.domain.model import Pod


@unique
class Family(StrEnum):
    IPV4 = "IPv4"
    IPV6 = "IPv6"


class EndpointEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One address in one slice."""

    slice: str
    address: str
    ready: bool
    service: str = ""
    #: As ``EndpointSlice.kept_by``.
    kept_by: str = ""
    hostname: str = ""
    #: The pod that it refers to; empty where it refers to none.
    pod: str = ""
    uid: str = ""
    #: (name, protocol, number)
    ports: tuple[tuple[str, str, int], ...] = ()

    @property
    def family(self) -> Family | None:
        return family_of(self.address)


@lru_cache(maxsize=4096)
def canonical(address: str) -> str:
    """The one way to write an address; what is none stays as it is."""
    try:
        return str(ip_address(address))
    except ValueError:
        return address


@lru_cache(maxsize=4096)
def family_of(address: str) -> Family | None:
    try:
        return Family.IPV6 if ip_address(address).version == 6 else Family.IPV4
    except ValueError:
        return None


def addresses_of(pod: Pod) -> tuple[str, ...]:
    """A pod's addresses, each once, in the order of its status."""
    found = [each.ip for each in pod.status.pod_ips] or [pod.status.pod_ip]
    return tuple(dict.fromkeys(canonical(address) for address in found if address))


def read_entries(network: Network, service: str | None = None) -> tuple[EndpointEntry, ...] | None:
    """All addresses of all slices of a Service (None: of every Service), by slice. None: could not be read."""
    if network.slices is None:
        return None
    chosen = (each for each in network.slices if each.service and (service is None or each.service == service))
    ordered = sorted(chosen, key=lambda each: each.metadata.name)
    return tuple(entry for each in ordered if each.address_type != "FQDN" for entry in _entries(each))


def _entries(found: EndpointSlice) -> Iterable[EndpointEntry]:
    ports = tuple((port.name, port.protocol, port.port) for port in found.ports or () if port.port is not None)
    for endpoint in found.endpoints or ():
        reference = endpoint.target_ref
        refers = reference is not None and reference.kind in ("Pod", "")
        for address in endpoint.addresses:
            yield EndpointEntry(
                slice=found.metadata.name,
                address=canonical(address),
                ready=endpoint.ready,
                service=found.service,
                kept_by=found.kept_by,
                hostname=endpoint.hostname,
                pod=reference.name if reference is not None and refers else "",
                uid=reference.uid if reference is not None and refers else "",
                ports=ports,
            )


def is_of(entry: EndpointEntry, pod: Pod) -> bool:
    if entry.uid:
        return entry.uid == pod.metadata.uid
    if entry.pod:
        return entry.pod == pod.name
    return entry.address in addresses_of(pod)


def is_of_predecessor(entry: EndpointEntry, name: str, pod: Pod | None) -> bool:
    """Whether an EndpointSlice's entry has the name of a position but is of an earlier pod: of another than the pod that is
    there now, or with an address that this one does not have."""
    claims = name in (entry.pod, entry.hostname)
    return claims and (pod is None or not is_of(entry, pod) or entry.address not in addresses_of(pod))


class Entries:
    """The addresses in a Service's slices, found by what they say of a pod. Iterable, in the slices' order."""

    def __init__(self, found: Sequence[EndpointEntry]) -> None:
        self._all = tuple(found)
        self._places: dict[tuple[str, str], list[int]] = {}
        for place, entry in enumerate(self._all):
            named = [("uid", entry.uid)] if entry.uid else [] if entry.pod else [("address", entry.address)]
            for key in {*named, ("name", entry.pod), ("name", entry.hostname)}:
                if key[1]:
                    self._places.setdefault(key, []).append(place)

    def __iter__(self) -> Iterator[EndpointEntry]:
        return iter(self._all)

    def all(self) -> tuple[EndpointEntry, ...]:
        return self._all

    def about(self, name: str, pod: Pod | None) -> tuple[EndpointEntry, ...]:
        """The entries of a pod, and of earlier pods that had its name."""
        keys = [("name", name)]
        if pod is not None:
            keys += [("uid", pod.metadata.uid), *(("address", address) for address in addresses_of(pod))]
        places = {place for key in keys for place in self._places.get(key, ())}
        return tuple(self._all[place] for place in sorted(places))
