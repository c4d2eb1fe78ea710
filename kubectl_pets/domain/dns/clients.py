"""The client's end of the chain: what a pod's resolv.conf makes of a name, and what its resolver says.

The kubelet writes resolv.conf by the pod's dnsPolicy (pkg/kubelet/network/dns getPodDNSType): ``Default``, and host network
without ``ClusterFirstWithHostNet``, give it the node's, in which the cluster's names are unknown.
"""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from kubectl_pets.domain.dns.answers import ClientView
from kubectl_pets.domain.dns.endpoints import canonical, family_of
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
    remarks = tuple(finding for view in seen for finding in _remarks(view, name, zone))
    if failures:
        return Link(check=Check.CLIENT, state=State.FAILED, findings=failures, remarks=remarks)
    whole = all(view.resolv_conf is not None and name.name in view.getent for view in views)
    if not whole or name.records is None:
        return Link(check=Check.CLIENT, state=State.SKIPPED, skip=LinkSkip.UNDECIDED, remarks=remarks)
    return Link(check=Check.CLIENT, state=State.PASSED, remarks=remarks)


def _failures(view: ClientView, name: Name, namespace: str, zone: Zone) -> Iterator[NameFinding]:
    unsearched = _unsearched(view, zone)
    if unsearched is not None and not _sees(view, name.name, name):
        yield unsearched
    for spelling in spellings(name, namespace):
        found = view.getent.get(spelling)
        searched = spelling != name.name
        if found is None or (searched and (view.tool != "getent" or unsearched is not None)):
            continue  # that it finds nothing is the search list's doing, or the tool's
        if not _sees(view, spelling, name):
            detail = ", ".join(sorted({canonical(address) for address in found})) or "nothing"
            yield NameFinding(reason=Reason.CLIENT_SEES_OTHER, subject=view.pod, detail=f"{spelling}: {detail}")


def _unsearched(view: ClientView, zone: Zone) -> NameFinding | None:
    """The pod's search list does not have the Services' domain (dnsPolicy None or Default, for one)."""
    conf = read_resolv_conf(view.resolv_conf) if view.resolv_conf is not None else None
    if conf is None or f"svc.{zone.name}" in conf.search:
        return None
    return NameFinding(reason=Reason.CLIENT_NO_SEARCH, subject=view.pod, detail=" ".join(conf.search))


def _sees(view: ClientView, spelling: str, name: Name) -> bool:
    """Whether the pod sees the expected addresses: all of a family. Of two families one may be missing, since the C library
    leaves out those that the pod has no address of (AI_ADDRCONFIG)."""
    found, wanted = view.getent.get(spelling), name.records
    if found is None:
        return False
    if wanted is None:
        return True
    sees = {canonical(address) for address in found}
    families = {family_of(address) for address in sees}
    return sees == {address for address in wanted if family_of(address) in families} and (bool(sees) or not wanted)


def _remarks(view: ClientView, name: Name, zone: Zone) -> Iterator[NameFinding]:
    unsearched = _unsearched(view, zone)
    if unsearched is not None and _sees(view, name.name, name):
        yield unsearched
    conf = read_resolv_conf(view.resolv_conf or "")
    if view.resolv_conf is not None and conf.ndots < _LEAST_NDOTS:
        yield NameFinding(reason=Reason.CLIENT_NDOTS, subject=view.pod, detail=str(conf.ndots))
    for address in conf.nameservers:
        if _is_link_local(address):
            yield NameFinding(reason=Reason.NODE_CACHE, subject=view.pod, detail=address)


def looks_through_cache(view: ClientView, zone: Zone) -> bool:
    """Whether what the pod sees comes by way of NodeLocal DNSCache, where its node has one: it asks the cache's own address, or
    the cluster's DNS Service, whose address the cache takes over on its node."""
    if not view.getent or view.resolv_conf is None:
        return False
    servers = read_resolv_conf(view.resolv_conf).nameservers
    return any(map(_is_link_local, servers)) or not _unsearched(view, zone)


def _is_link_local(address: str) -> bool:
    """NodeLocal DNSCache listens on addresses like 169.254.20.10."""
    try:
        return ip_address(address).is_link_local
    except ValueError:
        return False
