"""Which domain a cluster's names are in: as given, as the Corefile or a pod's resolv.conf has it, or the usual one."""

import re
from enum import StrEnum, unique

import msgspec

from kubectl_pets.domain.dns.corefile import USUAL_ZONE, Settings


@unique
class ZoneSource(StrEnum):
    GIVEN = "given"
    COREFILE = "corefile"
    RESOLV_CONF = "resolv.conf"
    DEFAULT = "default"


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    source: ZoneSource


class ResolvConf(msgspec.Struct, frozen=True, kw_only=True):
    """resolv.conf(5). ``ndots``: a name with fewer dots is tried with the search list first."""

    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1


def read_resolv_conf(text: str) -> ResolvConf:
    """The last ``search`` or ``domain`` counts, as does the last ``ndots``; more than 15 dots count as 15."""
    nameservers: list[str] = []
    search: tuple[str, ...] = ()
    ndots = 1
    for line in text.splitlines():
        words = re.split(r"[#;]", line)[0].split()
        match words[:1]:
            case ["nameserver"] if len(words) > 1:
                nameservers.append(words[1])
            case ["search" | "domain"]:
                search = tuple(word.rstrip(".").lower() for word in words[1:])
            case ["options"]:
                found = [word[6:] for word in words[1:] if re.fullmatch(r"ndots:[0-9]{1,9}", word)]
                ndots = min(int(found[-1]), 15) if found else ndots
    return ResolvConf(nameservers=tuple(nameservers), search=search, ndots=ndots)


def cluster_zone(given: str = "", settings: Settings | None = None, resolv_conf: str | None = None) -> Zone:
    """The cluster's DNS domain and what tells it: what was given, else a pod's resolv.conf, which says what pods really ask,
    else the Corefile."""
    if given:
        return Zone(name=given.strip(".").lower(), source=ZoneSource.GIVEN)
    searched = zone_of(read_resolv_conf(resolv_conf)) if resolv_conf is not None else None
    if searched is not None:
        return Zone(name=searched, source=ZoneSource.RESOLV_CONF)
    if settings is not None:
        return Zone(name=settings.zone, source=ZoneSource.COREFILE)
    return Zone(name=USUAL_ZONE, source=ZoneSource.DEFAULT)


def zone_of(conf: ResolvConf) -> str | None:
    """The kubelet writes ``NS.svc.ZONE svc.ZONE ZONE`` in front of the node's own list (pkg/kubelet/network/dns); a list that
    begins otherwise was written by somebody else, and names no cluster."""
    match conf.search[:3]:
        case (own, services, zone) if services == f"svc.{zone}" and zone and own.endswith(f".{services}"):
            return zone
    return None
