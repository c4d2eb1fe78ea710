"""One look at the names of a set's pods: what they are made of, what every DNS server answers, and what is to be said of it.

For the verb that shows names, and for rollouts that wait for them.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from kubectl_pets.cleaning import clean
from kubectl_pets.domain.dns.answers import ClientView
from kubectl_pets.domain.dns.corefile import Settings, read_corefile
from kubectl_pets.domain.dns.diagnosing import diagnose, narrowed
from kubectl_pets.domain.dns.grouped import joined, parts_of
from kubectl_pets.domain.dns.names import Name, expected, questions
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.dns.reasons import Diagnosis
from kubectl_pets.domain.dns.zones import Zone, cluster_zone
from kubectl_pets.domain.sets.kinds import APPS_SET, SetKind
from kubectl_pets.errors import PetsError
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.patience import PASSING
from kubectl_pets.flows.engine.waiting import Unended, until
from kubectl_pets.ports.dns import DnsPort, DnsWhere, Resolver
from kubectl_pets.ports.server import ClockPort
from kubectl_pets.views.dns import words

#: Seconds between two rounds of questions.
_INTERVAL = 1.0


class PodNamesPort(DnsPort, ClockPort, Protocol):
    """What a look at the names of pods asks of a cluster."""


def read_settings(port: DnsPort, where: DnsWhere, zone: str = "") -> Settings | None:
    """The Corefile's for the zone, where that is known already. None: not readable, or a server was named, of which nothing says
    that it has the cluster's Corefile."""
    found = None if where.server else port.corefile(where)
    settings = read_corefile(found.text, zone) if found is not None else None
    if found is None or settings is None:
        return None
    return msgspec.structs.replace(settings, config_map=f"{found.namespace}/{found.name}")


def look_at_names(
    port: ClockPort,
    resolver: Resolver,
    network: Network,
    zone: Zone,
    settings: Settings | None,
    *,
    chosen: tuple[str, ...] = (),
    views: Callable[[Sequence[Name]], tuple[ClientView, ...]] = lambda names: (),
) -> Diagnosis:
    """Ask every server for every name and have it judged. ``chosen``: names of pods, empty: all. ``views``: what pods that are
    looked from see of these names. Raises PetsError."""
    parts = [(part, narrowed(expected(part, zone, settings), chosen)) for part in parts_of(network)]
    names = tuple(name for _, wanted in parts for name in wanted.names)
    hearings = resolver.ask(questions(names))
    looked, now = views(names), port.now()
    return joined(network, tuple(diagnose(part, wanted, hearings, settings, looked, now) for part, wanted in parts))


def await_right_names(
    port: PodNamesPort, namespace: str, name: str, seconds: float, deadline: Deadline, kind: SetKind = APPS_SET
) -> str:
    """Wait until every name of the set is right at every server of the cluster's DNS, for so many seconds and not beyond the
    ``deadline``; empty then, else what is still wrong. A DNS server that could not be asked is not right, and a missing right is
    not waited for. While the API server is away nobody can be asked: that is ridden out. Raises PetsError once it lasts."""
    wrong = ""
    with port.resolver(DnsWhere()) as resolver:
        settings = read_settings(port, DnsWhere())
        zone = cluster_zone("", settings, None)

        def look() -> str | None:
            nonlocal wrong
            try:
                seen = look_at_names(port, resolver, port.network(namespace, name, kind), zone, settings)
            except PASSING:
                raise
            except PetsError as error:
                wrong = error.message
                return None
            wrong = _wrong(seen)
            return wrong if not wrong or any(hearing.missing_right for hearing in seen.hearings) else None

        found = until(look, within=seconds, deadline=deadline, every=_INTERVAL)
    return wrong if isinstance(found, Unended) else found


def _wrong(seen: Diagnosis) -> str:
    """The first thing that is not right; empty: all of it is."""
    for hearing in seen.hearings:
        if hearing.missing_right is not None:
            return f"{clean(hearing.server.name)} was not asked: {words.right(hearing.missing_right)} is missing"
        if hearing.trouble:
            return f"{clean(hearing.server.name)} could not be asked: {clean(hearing.trouble)}"
    line = next((line for line in seen.lines if not line.right), None)
    if line is not None:
        reason = words.finding(line.finding) if line.finding is not None else words.verdict(line.verdict)
        return f"{clean(line.name.name)}: {reason}"
    return "" if seen.right else "no DNS server answered anything"
