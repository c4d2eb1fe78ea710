"""What the names of a StatefulSet's pods are made of: Services and EndpointSlices, and one look at all of it.

Values only, reduced to the fields that a verdict on DNS needs, as in ``model``.
"""

import msgspec

from kubectl_pets.domain.model import Object, Pod, StatefulSet, Value

#: Label of an EndpointSlice with the name of the Service that it belongs to (discovery/v1 LabelServiceName).
SERVICE_LABEL = "kubernetes.io/service-name"
#: The controller, or whoever else, that keeps an EndpointSlice (discovery/v1 LabelManagedBy).
KEEPER_LABEL = "endpointslice.kubernetes.io/managed-by"
_OWN_KEEPERS = frozenset(("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"))

HEADLESS = "None"


class ServicePort(Value, frozen=True):
    #: May be empty where a Service has a single port; an SRV record takes a name.
    name: str = ""
    protocol: str = "TCP"
    port: int = 0
    target_port: int | str | None = None


class ServiceSpec(Value, frozen=True):
    #: "ClusterIP", "NodePort", "LoadBalancer" or "ExternalName".
    type: str = "ClusterIP"
    #: "None": headless. Empty: not assigned (yet), or ExternalName.
    cluster_ip: str = msgspec.field(name="clusterIP", default="")
    #: One a family; the first is ``cluster_ip``.
    cluster_ips: tuple[str, ...] = msgspec.field(name="clusterIPs", default=())
    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] = ()
    publish_not_ready_addresses: bool = False
    external_name: str = ""
    #: "IPv4", "IPv6", in the order of preference.
    ip_families: tuple[str, ...] = ()


class Service(Object, frozen=True):
    spec: ServiceSpec = ServiceSpec()

    @property
    def headless(self) -> bool:
        return self.spec.cluster_ip == HEADLESS and self.spec.type != "ExternalName"


class EndpointConditions(Value, frozen=True):
    #: None counts as ready (discovery/v1 EndpointConditions).
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class TargetRef(Value, frozen=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class Endpoint(Value, frozen=True):
    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    #: The pod's hostname; set only where the pod's subdomain is the Service's name.
    hostname: str = ""
    target_ref: TargetRef | None = None
    node_name: str = ""

    @property
    def ready(self) -> bool:
        return self.conditions.ready is not False


class EndpointPort(Value, frozen=True):
    name: str = ""
    protocol: str = "TCP"
    #: None: all ports.
    port: int | None = None


class EndpointSlice(Object, frozen=True):
    #: "IPv4", "IPv6" or "FQDN".
    address_type: str = ""
    #: Servers send null for none.
    endpoints: tuple[Endpoint, ...] | None = None
    ports: tuple[EndpointPort, ...] | None = None

    @property
    def service(self) -> str:
        return self.metadata.labels.get(SERVICE_LABEL, "")

    @property
    def kept_by(self) -> str:
        """Who keeps it, where that is none of the controllers that go by the pods or by Endpoints; empty: nobody says so."""
        keeper = self.metadata.labels.get(KEEPER_LABEL, "")
        return "" if keeper in _OWN_KEEPERS else keeper


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """One StatefulSet and all that its pods' names come from. ``None``: could not be read, which is not "there are none"."""

    set: StatefulSet
    #: What the set's selector matches, unfiltered.
    pods: tuple[Pod, ...] | None = ()
    #: All Services of the namespace.
    services: tuple[Service, ...] | None = ()
    #: All EndpointSlices of the namespace.
    slices: tuple[EndpointSlice, ...] | None = ()
