"""Networks for tests: a set ``web`` in ``prod`` with a headless Service ``nginx``, as the controllers would make all of it, and what
can go wrong with it."""

from datetime import UTC, datetime, timedelta
from itertools import islice

from kubectl_pets.domain.dns.network import (
    HEADLESS,
    KEEPER_LABEL,
    SERVICE_LABEL,
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
    Network,
    Service,
    ServicePort,
    ServiceSpec,
    TargetRef,
)
from kubectl_pets.domain.model import (
    Condition,
    LabelSelector,
    ObjectMeta,
    Ordinals,
    OwnerReference,
    Pod,
    PodIP,
    PodSpec,
    PodStatus,
    PodTemplate,
    StatefulSet,
    StatefulSetSpec,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
LABELS = {"app": "web"}
COREFILE = """
.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    forward . /etc/resolv.conf
    cache 30
}
"""


def statefulset(*, replicas: int = 3, start: int = 0, service: str = "nginx", name: str = "web", labels: dict[str, str] = LABELS) -> StatefulSet:
    return StatefulSet(
        metadata=ObjectMeta(name=name, namespace="prod", uid="set-1"),
        spec=StatefulSetSpec(
            replicas=replicas,
            ordinals=Ordinals(start=start) if start else None,
            selector=LabelSelector(match_labels=labels),
            service_name=service,
            template=PodTemplate(metadata=ObjectMeta(labels=labels)),
        ),
    )


def pod(
    ordinal: int,
    *addresses: str,
    ready: bool = True,
    since: datetime = LONG_AGO,
    message: str = "containers with unready status: [app]",
    labels: dict[str, str] = LABELS,
    service: str = "nginx",
    hostname: str | None = None,
    phase: str = "Running",
    leaving: bool = False,
    uid: str = "",
    host_network: bool = False,
    dns_policy: str = "ClusterFirst",
    name: str = "web",
) -> Pod:
    """As the controller and the kubelet would make it. Without addresses: 10.0.0.ORDINAL, from 10 on."""
    own = f"{name}-{ordinal}"
    found = addresses or (f"10.0.0.{10 + ordinal}",)
    ips = tuple(address for address in found if address)
    return Pod(
        metadata=ObjectMeta(
            name=own,
            namespace="prod",
            uid=uid or f"uid-{own}",
            labels=labels,
            creation_timestamp=LONG_AGO,
            deletion_timestamp=NOW if leaving else None,
            owner_references=(OwnerReference(kind="StatefulSet", name=name, uid="set-1", controller=True),),
        ),
        spec=PodSpec(
            hostname=own if hostname is None else hostname,
            subdomain=service,
            host_network=host_network,
            dns_policy=dns_policy,
            node_name="node-1",
        ),
        status=PodStatus(
            phase=phase,
            pod_ip=ips[0] if ips else "",
            pod_ips=tuple(PodIP(ip=address) for address in ips),
            conditions=(
                Condition(type="Ready", status="True" if ready else "False", message="" if ready else message, last_transition_time=since),
            ),
        ),
    )


def service(
    name: str = "nginx",
    *,
    cluster_ip: str = HEADLESS,
    kind: str = "ClusterIP",
    selector: dict[str, str] = LABELS,
    ports: tuple[ServicePort, ...] = (ServicePort(name="http", port=80, target_port=8080),),
    unready_too: bool = False,
    external: str = "",
    families: tuple[str, ...] = ("IPv4",),
    labels: dict[str, str] | None = None,
) -> Service:
    return Service(
        metadata=ObjectMeta(name=name, namespace="prod", labels=labels or {}),
        spec=ServiceSpec(
            type=kind,
            cluster_ip=cluster_ip,
            cluster_ips=(cluster_ip,) if cluster_ip else (),
            selector=selector,
            ports=ports,
            publish_not_ready_addresses=unready_too,
            external_name=external,
            ip_families=families,
        ),
    )


#: As cluster mesh of Cilium calls itself (operator/pkg/clustermesh/endpointslicesync).
MESH = "endpointslice-mesh-controller.cilium.io"


def endpoint_slice(
    name: str, family: str, *endpoints: Endpoint, service: str = "nginx", ports: tuple[EndpointPort, ...] = (), keeper: str = ""
) -> EndpointSlice:
    labels = {SERVICE_LABEL: service} | ({KEEPER_LABEL: keeper} if keeper else {})
    meta = ObjectMeta(name=name, namespace="prod", labels=labels)
    return EndpointSlice(metadata=meta, address_type=family, endpoints=endpoints, ports=ports)


def from_afar(address: str, hostname: str, *, refers: bool = True, ports: tuple[EndpointPort, ...] = ()) -> EndpointSlice:
    """A slice with a pod of another cluster, as that controller writes it: its reference is of a pod that there is nowhere."""
    target = TargetRef(kind="Pod", namespace="prod", name=f"fake-pod-{address}") if refers else None
    family = "IPv6" if ":" in address else "IPv4"
    return endpoint_slice(f"nginx-west-{hostname}", family, Endpoint(addresses=(address,), hostname=hostname, target_ref=target), keeper=MESH, ports=ports)


def endpoint(found: Pod, address: str, wanted: Service) -> Endpoint:
    """podToEndpoint of the EndpointSlice controller."""
    status = found.status.condition("Ready")
    serving = status is not None and status.status == "True"
    return Endpoint(
        addresses=(address,),
        conditions=EndpointConditions(
            ready=wanted.spec.publish_not_ready_addresses or (serving and not found.terminating),
            serving=serving,
            terminating=found.terminating,
        ),
        hostname=found.spec.hostname if found.spec.subdomain == wanted.name else "",
        target_ref=TargetRef(kind="Pod", namespace="prod", name=found.name, uid=found.metadata.uid),
    )


def slices_of(wanted: Service, pods: tuple[Pod, ...], size: int = 100) -> tuple[EndpointSlice, ...]:
    """The slices that the controller makes, each of at most ``size`` endpoints."""
    if not wanted.spec.selector or wanted.spec.type == "ExternalName":
        return ()
    families = wanted.spec.ip_families or ("IPv4", "IPv6")
    ports = tuple(
        EndpointPort(name=port.name, protocol=port.protocol, port=port.target_port if isinstance(port.target_port, int) else port.port)
        for port in wanted.spec.ports
    )
    made: list[EndpointSlice] = []
    for family in families:
        found = [
            endpoint(each, address.ip, wanted)
            for each in pods
            if each.status.phase not in ("Succeeded", "Failed")
            and all(each.metadata.labels.get(key) == value for key, value in wanted.spec.selector.items())
            for address in each.status.pod_ips
            if (":" in address.ip) == (family == "IPv6")
        ]
        for start in range(0, max(len(found), 1), size):
            name = f"{wanted.name}-{family.lower()}-{start // size}"
            made.append(endpoint_slice(name, family, *islice(found, start, start + size), service=wanted.name, ports=ports))
    return tuple(made)


def network(
    *pods: Pod,
    owner: StatefulSet | None = None,
    services: tuple[Service, ...] | None = None,
    slices: tuple[EndpointSlice, ...] | None = None,
    size: int = 100,
) -> Network:
    """All of it, with the slices that follow from it unless others are given."""
    its = services if services is not None else (service(),)
    made = tuple(each for one in its for each in slices_of(one, pods, size))
    return Network(set=owner or statefulset(replicas=len(pods)), pods=pods, services=its, slices=made if slices is None else slices)
