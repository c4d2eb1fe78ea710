"""The client's end of the chain: what a pod's resolv.conf makes of a name, and what its resolver says.

The kubelet writes resolv.conf by the pod's dnsPolicy (pkg/kubelet/network/dns getPodDNSType): ``Default``, and host network
without ``ClusterFirstWithHostNet``, give it the node's, in which the cluster's names are unknown.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from kubectl_pets.domain.dns.answers import ClientView
from kubectl_pets.domain.dns.endpoints import canonical
from kubectl_pets.domain.dns.names import Name
from kubectl_pets.domain.dns.reasons import Check, Link, LinkSkip, NameFinding, Reason, State
from kubectl_pets.domain.dns.zones import Zone, read_resolv_conf
from kubectl_pets.domain.model import Pod

#: ``web-0.nginx`` has one dot: with fewer ``ndots`` it is tried as it stands first, and by musl only so.
_LEAST_NDOTS = 2


def asks_its_node(pod: Pod) -> bool:
    policy = pod.spec.dns_policy or "ClusterFirst"
    return policy == "Default" or (pod.spec.host_network and policy == "ClusterFirst")


def spellings(name: Name, namespace: str) -> tuple[str, ...]:
    """A pod's name as it is to be looked up in a pod: in full, and so that the search list is needed."""
    pod, _, rest = name.name.partition(".")
    return name.name, f"{pod}.{rest.partition('.')[0]}.{namespace}"


def judge_client(name: Name, namespace: str, zone: Zone, views: Sequence[ClientView]) -> Link:
    """What each pod that was looked from makes of the name; skipped where none could be."""
    seen = [view for view in views if view.resolv_conf is not None or view.getent]
    if not seen:
        return Link(check=Check.CLIENT, state=State.SKIPPED, skip=LinkSkip.NOT_ASKED)
    failures = tuple(finding for view in seen for finding in _failures(view, name, namespace, zone))
    remarks = tuple(finding for view in seen for finding in _remarks(view))
    if failures:
        return Link(check=Check.CLIENT, state=State.FAILED, findings=failures, remarks=remarks)
    whole = all(view.resolv_conf is not None and name.name in view.getent for view in views)
    if not whole or name.records is None:
        return Link(check=Check.CLIENT, state=State.SKIPPED, skip=LinkSkip.UNDECIDED, remarks=remarks)
    return Link(check=Check.CLIENT, state=State.PASSED, remarks=remarks)


def _failures(view: ClientView, name: Name, namespace: str, zone: Zone) -> Iterator[NameFinding]:
    if view.resolv_conf is not None:
        conf = read_resolv_conf(view.resolv_conf)
        if f"svc.{zone.name}" not in conf.search:
            detail = " ".join(conf.search)
            yield NameFinding(reason=Reason.CLIENT_NO_SEARCH, subject=view.pod, detail=detail)
    for spelling in spellings(name, namespace):
        found = view.getent.get(spelling)
        if found is not None and name.records is not None:
            sees = tuple(sorted({canonical(address) for address in found}))
            if sees != tuple(sorted(name.records)):
                detail = ", ".join(sees) or "nothing"
                yield NameFinding(reason=Reason.CLIENT_SEES_OTHER, subject=view.pod, detail=f"{spelling}: {detail}")


def _remarks(view: ClientView) -> Iterator[NameFinding]:
    conf = read_resolv_conf(view.resolv_conf or "")
    if view.resolv_conf is not None and conf.ndots < _LEAST_NDOTS:
        yield NameFinding(reason=Reason.CLIENT_NDOTS, subject=view.pod, detail=str(conf.ndots))
    for address in conf.nameservers:
        if _is_link_local(address):
            yield NameFinding(reason=Reason.NODE_CACHE, subject=view.pod, detail=address)


def _is_link_local(address: str) -> bool:
    """NodeLocal DNSCache listens on addresses like 169.254.20.10."""
    try:
        return ip_address(address).is_link_local
    except ValueError:
        return False
