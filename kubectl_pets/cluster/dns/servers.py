"""Who answers DNS questions in this cluster, and what each of them says.

Every replica is asked by itself, through the API server's port-forward, because each has a cache and a view of the cluster of its
own. Nothing is made in the cluster and nothing listens on this machine. An address that somebody names is asked straight.
"""

import ipaddress
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import msgspec

from kubectl_pets.cluster.dns.messages import Queries
from kubectl_pets.cluster.dns.pipeline import Direct, ServerConnection, Stream, words
from kubectl_pets.cluster.dns.portforward import RIGHTS, Forward
from kubectl_pets.cluster.http.failures import clean
from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.http.transport import Transport
from kubectl_pets.cluster.objects.endpoints import SERVICES
from kubectl_pets.cluster.objects.kinds import ResourceKind
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.objects.rights import missing_rights
from kubectl_pets.domain.dns.answers import Question, Server, ServerAnswers
from kubectl_pets.domain.dns.corefile import CorefileText
from kubectl_pets.domain.model import Object, PodStatus, Value
from kubectl_pets.errors import ForbiddenError, NotFoundError, PetsError, UsageError

#: Where clusters keep their DNS: the label of CoreDNS and kube-dns everywhere, and that of OpenShift's operator.
_USUAL = (
    Scope(namespace="kube-system", labels="k8s-app=kube-dns"),
    Scope(namespace="openshift-dns", labels="dns.operator.openshift.io/daemonset-dns=default"),
    Scope(namespace="kube-system", labels="k8s-app=coredns"),  # CoreDNS' own helm chart
)

#: The Service that pods ask, whose selector and target port tell best who answers.
_SERVICE = ("kube-system", "kube-dns")

#: NodeLocal DNSCache. It listens on an address of the node's own, so that no port-forward reaches it.
_NODE_CACHE = Scope(namespace="kube-system", labels="k8s-app=node-local-dns")

#: The ConfigMaps that these usually have their Corefile from.
_USUAL_MAPS = {"kube-system": ("coredns",), "openshift-dns": ("dns-default",)}

_PORT = 53
#: Where DNS listens in pods, and what its TCP port is called there.
_PORTS = (_PORT, 5353, 1053)
_PORT_NAMES = ("dns-tcp", "tcp-53", "dns")

#: Servers that are asked at the same time; OpenShift has one on every node.
_AT_ONCE = 16


class Where(Protocol):
    """Whom to ask; ``session.DnsWhere`` is one."""

    @property
    def server(self) -> str: ...
    @property
    def selector(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def timeout(self) -> float: ...


class _ContainerPort(Value, frozen=True):
    name: str = ""
    container_port: int = 0
    protocol: str = "TCP"


class _Container(Value, frozen=True):
    ports: tuple[_ContainerPort, ...] = ()


class _ConfigMapVolume(Value, frozen=True):
    name: str = ""


class _Volume(Value, frozen=True):
    config_map: _ConfigMapVolume | None = None


class _DnsPodSpec(Value, frozen=True):
    node_name: str = ""
    containers: tuple[_Container, ...] = ()
    volumes: tuple[_Volume, ...] = ()


class DnsPod(Object, frozen=True):
    """A pod, reduced to what matters for asking it."""

    spec: _DnsPodSpec = _DnsPodSpec()
    status: PodStatus = PodStatus()

    def port(self, wanted: int | str = "") -> int:
        """``wanted``: its number, or its name in the pod, where that is known. Else by the usual names, and then numbers."""
        if isinstance(wanted, int):
            return wanted
        ports = [port for container in self.spec.containers for port in container.ports if port.protocol == "TCP"]
        named = {port.name: port.container_port for port in ports}
        numbers = {port.container_port for port in ports}
        known = [named[name] for name in (wanted, *_PORT_NAMES) if name and named.get(name)]
        return next(iter((*known, *(number for number in _PORTS if number in numbers))), _PORT)

    @property
    def ended(self) -> bool:
        """Evicted or completed: it is only a record any more."""
        return self.status.phase in ("Failed", "Succeeded")

    @property
    def condition(self) -> str:
        """What may explain that it does not answer."""
        if self.metadata.deletion_timestamp is not None:
            return "the pod is terminating"
        if self.status.phase != "Running":
            return f"the pod is {clean(self.status.phase, 30) or 'in no phase'}"
        return "" if self.ready else "the pod is not ready"

    @property
    def ready(self) -> bool:
        return any(each.type == "Ready" and each.status == "True" for each in self.status.conditions)


class _ConfigMap(Object, frozen=True):
    data: dict[str, str] = {}


_PODS = ResourceKind(DnsPod, "/api/v1", "pods", "Pod")
_MAPS = ResourceKind(_ConfigMap, "/api/v1", "configmaps", "ConfigMap")


class DnsServers:
    """The DNS servers of the cluster, asked over TCP (``ports.dns.Resolver``). One thread asks at a time; of many servers so
    many are asked at once, each with its own time."""

    def __init__(self, transport: Transport, reader: Reader, where: Where) -> None:
        self._transport, self._reader = transport, reader
        self._timeout = where.timeout
        self._address = _address(where.server) if where.server else None
        self._port, self._scopes = where.port, _scopes(where.selector)
        #: None: not looked up yet.
        self._place: DnsPlace | None = DnsPlace(self._scopes, where.port or "") if where.selector else None
        self._lines: dict[tuple[str, int], ServerConnection] = {}

    def __enter__(self) -> "DnsServers":
        return self

    def __exit__(self, *exc: object) -> None:
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def ask(self, questions: Sequence[Question]) -> tuple[ServerAnswers, ...]:
        queries = Queries(questions)
        if self._address is not None:
            host, port = self._address
            server = Server(name=f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
            return (self._hearing(server, self._line((host, port), partial(Direct, host, port)), queries),)
        try:
            place = self._found_place()
            pods = dns_pods(self._reader, place.scopes)
        except ForbiddenError as error:
            scope = self._scopes[0]
            server = Server(name=scope.labels, namespace=scope.namespace or "")
            now = self._transport.clock.now()
            return (ServerAnswers(server=server, asked_at=now, trouble=error.message, missing_right=("list", "pods")),)
        ports = [pod.port(place.port) for pod in pods]
        self._hang_up({(pod.metadata.uid, port) for pod, port in zip(pods, ports, strict=True)})
        left, hearings = [self._asking(pod, port, queries, place) for pod, port in zip(pods, ports, strict=True)], []
        while left:
            some, left = left[:_AT_ONCE], left[_AT_ONCE:]
            hearings += together(some)
        return tuple(hearings)

    def _found_place(self) -> "DnsPlace":
        if self._place is None:
            found = usual_place(self._reader)
            self._place = msgspec.structs.replace(found, port=self._port or found.port)
        return self._place

    def _asking(self, pod: DnsPod, port: int, queries: Queries, place: "DnsPlace") -> Callable[[], ServerAnswers]:
        unready = not (pod.ready or place.early)
        server = Server(name=pod.name, namespace=pod.namespace, node=pod.spec.node_name, unready=unready)
        if not pod.spec.node_name:
            return lambda: ServerAnswers(server=server, asked_at=self._transport.clock.now(), trouble="the pod is on no node yet")
        line = self._line((pod.metadata.uid, port), partial(self._forward, pod, port))
        return lambda: self._hearing(server, line, queries, pod)

    def _forward(self, pod: DnsPod, port: int, deadline: float) -> Stream:
        return Forward(self._transport, pod.namespace, pod.name, port, deadline)

    def _hearing(self, server: Server, line: ServerConnection, queries: Queries, pod: DnsPod | None = None) -> ServerAnswers:
        now = self._transport.clock.now()
        try:
            answers, trouble = line.ask(queries, self._timeout)
        except ForbiddenError as error:
            right = self._missing_right(server.namespace)
            return ServerAnswers(server=server, asked_at=now, trouble=error.message, missing_right=right)
        except (PetsError, OSError) as error:
            answers, trouble = (), words(error)
        if trouble and pod is not None and pod.condition:
            trouble = f"{trouble}; {pod.condition}"
        return ServerAnswers(server=server, asked_at=now, answers=answers, trouble=trouble)

    def _missing_right(self, namespace: str) -> tuple[str, str]:
        """What an API server that refused a port-forward wants; a role for single pods may look like enough."""
        try:
            missing = missing_rights(self._transport, namespace, RIGHTS)
        except PetsError:
            missing = ()
        return missing[0] if missing else RIGHTS[-1]

    def _line(self, key: tuple[str, int], open: Callable[[float], Stream]) -> ServerConnection:
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = ServerConnection(open)
        return line

    def _hang_up(self, wanted: set[tuple[str, int]]) -> None:
        for key in self._lines.keys() - wanted:
            self._lines.pop(key).close()


class DnsPlace(msgspec.Struct, frozen=True):
    """Where DNS pods are, by which labels, and on which port (a number, or a name in the pod; empty: found out). ``early``: their
    Service leads to those, too, that are not Ready."""

    scopes: tuple[Scope, ...]
    port: int | str = ""
    early: bool = False


def usual_place(reader: Reader) -> DnsPlace:
    """Where the cluster's DNS pods are: by the selector and target port of the Service kube-dns, where that may be read, else
    by the usual labels."""
    namespace, name = _SERVICE
    try:
        spec = reader.one(SERVICES, namespace, name).spec
    except (ForbiddenError, NotFoundError):
        return DnsPlace(_USUAL)
    if not spec.selector:
        return DnsPlace(_USUAL)
    labels = ",".join(f"{key}={value}" for key, value in sorted(spec.selector.items()))
    own = [port for port in spec.ports if port.protocol == "TCP" and port.port == _PORT]
    port = (own[0].target_port or own[0].port) if own else ""
    return DnsPlace((Scope(namespace=namespace, labels=labels), *_USUAL), port, spec.publish_not_ready_addresses)


def node_cache(reader: Reader) -> str:
    """NAMESPACE/LABELS of NodeLocal DNSCache, which pods ask before the cluster's DNS; empty: there is none that may be seen."""
    try:
        found = reader.listing(_PODS, _NODE_CACHE).items
    except ForbiddenError:
        return ""
    return f"{_NODE_CACHE.namespace}/{_NODE_CACHE.labels}" if found else ""


def dns_pods(reader: Reader, scopes: Sequence[Scope]) -> list[DnsPod]:
    """The DNS pods of the first place that has any, by name. Raises PetsError: ForbiddenError where none were found and not
    all places may be looked at."""
    denied: ForbiddenError | None = None
    for scope in scopes:
        try:
            found = [pod for pod in reader.listing(_PODS, scope).items if not pod.ended]
        except ForbiddenError as error:
            denied = denied or error
            continue
        if found:
            return sorted(found, key=lambda pod: pod.name)
    if denied is not None:
        raise denied
    return []


def corefile(reader: Reader, selector: str) -> CorefileText | None:
    """The Corefile of the DNS pods: from a ConfigMap that one of them mounts, or of the usual name."""
    try:
        pods = dns_pods(reader, _scopes(selector) if selector else usual_place(reader).scopes)
    except ForbiddenError:
        pods = []
    mounted = [(pod.namespace, volume.config_map.name) for pod in pods for volume in pod.spec.volumes if volume.config_map]
    usual = [] if selector else [(space, name) for space, names in _USUAL_MAPS.items() for name in names]
    for namespace, name in dict.fromkeys([*mounted, *usual]):
        try:
            found = reader.one(_MAPS, namespace, name).data.get("Corefile")
        except (ForbiddenError, NotFoundError):
            continue
        if found is not None:
            return CorefileText(namespace=namespace, name=name, text=found)
    return None


def _scopes(selector: str) -> tuple[Scope, ...]:
    if not selector:
        return _USUAL
    namespace, _, labels = selector.partition("/")
    if not namespace or not labels:
        raise UsageError(
            f"{clean(selector, 100)} names no DNS pods",
            hint="it looks like kube-system/k8s-app=kube-dns: a namespace, and labels",
        )
    return (Scope(namespace=namespace, labels=labels),)


def _address(text: str) -> tuple[str, int]:
    """Host and port of "ADDRESS[:PORT]"."""
    host, port = text, ""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if bracket and rest[:1] in (":", "") else "?"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        if ":" in host:
            ipaddress.IPv6Address(host)
        number = int(port or _PORT) if port.isascii() and (port.isdigit() or not port) else 0
    except ValueError:
        number = 0
    if not host or not 0 < number < 1 << 16:
        raise UsageError(f"{clean(text, 100)} is not a server", hint="it looks like 10.96.0.10, 10.96.0.10:53 or [fd00::a]:53")
    return host, number
