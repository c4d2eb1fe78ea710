"""Why does a name not resolve? Puts together what the API server knows and what the DNS servers answer, name by name.

The first link that does not hold is the reason; the servers' own failings come last, because a server that denies what the API
server does not have is right. Nothing is called right that some server that was asked did not answer exactly.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property

import msgspec

from kubectl_pets.domain.dns.answers import ClientView, ServerAnswers
from kubectl_pets.domain.dns.clients import judge_client
from kubectl_pets.domain.dns.comparing import AnswerStanding, Heard, compare
from kubectl_pets.domain.dns.corefile import Settings
from kubectl_pets.domain.dns.endpoints import EndpointEntry, Entries, read_entries
from kubectl_pets.domain.dns.faults import fault, label, published_since
from kubectl_pets.domain.dns.links import Chain, failed, not_withdrawn, passed, skipped
from kubectl_pets.domain.dns.names import Expected, Name, NameKind, Position, is_left_over, published_records
from kubectl_pets.domain.dns.network import Network, ServicePort
from kubectl_pets.domain.dns.reasons import Check, Diagnosis, Link, LinkSkip, NameFinding, NameLine, NameVerdict, Reason, State
from kubectl_pets.domain.sets.kinds import kind_of
from kubectl_pets.domain.sets.slots import slots_of

_FAILING = (AnswerStanding.SILENT, AnswerStanding.SERVFAIL, AnswerStanding.REFUSED, AnswerStanding.TRUNCATED)
#: Links that are about the Service and not about one pod.
_COMMON = (Check.SERVICE_NAME, Check.SERVICE, Check.HEADLESS, Check.COREFILE)


def diagnose(
    network: Network,
    expected: Expected,
    hearings: Sequence[ServerAnswers],
    settings: Settings | None,
    views: Sequence[ClientView],
    now: datetime,
) -> Diagnosis:
    """The verdict on every name of ``expected`` (which may have been narrowed), in its order. ``settings``: the Corefile's; None:
    not read. ``views``: what pods see that were looked from."""
    doctor = _Doctor(network, expected, hearings, settings, views, now)
    return Diagnosis(
        namespace=network.set.namespace,
        kind=kind_of(network.set),
        set=network.set.name,
        service=network.set.spec.service_name,
        zone=expected.zone,
        lines=tuple(doctor.lines()),
        servers=tuple(hearing.server for hearing in hearings),
        hearings=tuple(hearings),
        views=tuple(views),
        remarks=(*_of_clients(settings, hearings), *_remarks(network, expected), *doctor.ports_not_found),
        missing_rights=_missing_rights(network, hearings),
        config_map=settings.config_map if settings is not None else "",
        resolved=any(hearing.answers for hearing in hearings),
    )


class _Doctor:
    def __init__(
        self,
        network: Network,
        expected: Expected,
        hearings: Sequence[ServerAnswers],
        settings: Settings | None,
        views: Sequence[ClientView],
        now: datetime,
    ) -> None:
        self.network, self.expected, self.settings, self.views, self.now = network, expected, settings, views, now
        found = read_entries(network, expected.service.name if expected.service is not None else "")
        self.entries = Entries(found) if found is not None else None
        domain = f"{network.set.spec.service_name}.{network.set.namespace}.svc.{expected.zone.name}"
        self.live = published_records(found, domain, settings) if found is not None else None
        self.positions = {position.name: position for position in expected.positions}
        self.heard = dict(zip(expected.names, compare(expected.names, hearings), strict=True))

    def lines(self) -> Iterator[NameLine]:
        pods = [self._pod(name) for name in self.expected.names if name.kind is NameKind.POD]
        yield from pods
        own: dict[str, list[NameLine]] = {}
        for line in pods:
            own.setdefault(line.name.pod, []).append(line)
        for name in self.expected.names:
            if name.kind is not NameKind.POD:
                yield self._shared(name, own.get(name.pod, ()) if name.pod else pods)

    # --- a pod's name --------------------------------------------------------------------------------------------------------

    def _pod(self, name: Name) -> NameLine:
        heard, chain = self.heard[name], self._chain(self.positions[name.pod])
        links = self._settled(chain.links(), heard)
        blocked = any(link.state is State.FAILED for link in links)
        links = (*links, self._servers(name, heard, blocked), self._client(name))
        verdict = _verdict(name, heard)
        if verdict is NameVerdict.RIGHT and links[-1].state is State.FAILED:
            verdict = NameVerdict.NOT_SEEN
        return NameLine(
            name=name,
            verdict=verdict,
            finding=None if verdict is NameVerdict.RIGHT else _first(links),
            heard=heard,
            links=links,
            entries=None if self.entries is None else chain.entries,
        )

    def _chain(self, position: Position) -> Chain:
        return Chain(self.network, self.expected, self.settings, position, self.entries)

    def _settled(self, links: tuple[Link, ...], heard: Sequence[Heard]) -> tuple[Link, ...]:
        """What only the servers can decide: whether they name pods behind a Service with an address of its own, and whether the
        Corefile that was read is theirs."""
        asked = _asked(heard)
        right = bool(asked) and all(each.standing is AnswerStanding.RIGHT for each in asked)
        return tuple(self._settle(link, links, bool(asked), right) for link in links)

    def _settle(self, link: Link, links: tuple[Link, ...], asked: bool, right: bool) -> Link:
        if link.check is Check.COREFILE and link.state is State.FAILED and right:
            return skipped(Check.COREFILE, LinkSkip.UNDECIDED)
        if link.check is Check.HEADLESS and link.skip is LinkSkip.UNDECIDED:
            if right:
                return passed(Check.HEADLESS, *link.remarks)
            if not asked or not any(each.state is State.FAILED for each in links):
                return failed(Check.HEADLESS, *link.remarks)
        return link

    def _servers(self, name: Name, heard: Sequence[Heard], blocked: bool) -> Link:
        asked = _asked(heard)
        if not asked:
            right = next((each.hearing.missing_right for each in heard if each.hearing.missing_right), None)
            return skipped(Check.SERVERS, LinkSkip.NOT_ASKED, right=right)
        if blocked and all(each.standing in (AnswerStanding.MISSING, AnswerStanding.ABSENT) for each in asked):
            return skipped(Check.SERVERS, LinkSkip.MOOT)
        findings = self._faults(name, heard)
        if findings:
            differ = {each.standing is AnswerStanding.RIGHT for each in asked if each.standing not in _FAILING}
            remarks = (NameFinding(reason=Reason.REPLICAS_DIFFER),) if len(differ) == 2 else ()
            return Link(check=Check.SERVERS, state=State.FAILED, findings=findings, remarks=remarks)
        if all(each.standing is AnswerStanding.RIGHT for each in asked):
            return passed(Check.SERVERS)
        return skipped(Check.SERVERS, LinkSkip.MOOT)

    def _faults(self, name: Name, heard: Sequence[Heard]) -> tuple[NameFinding, ...]:
        position = self.positions.get(name.pod)
        since = published_since(position.pod if position is not None else None, self.expected.service)
        found = (fault(each, self.settings, self.live, since, self.now) for each in heard)
        return tuple(each for each in (*found, _unserved(heard)) if each is not None)

    def _client(self, name: Name) -> Link:
        return judge_client(name, self.network.set.namespace, self.expected.zone, self.views)

    # --- the names that pods share -------------------------------------------------------------------------------------------

    def _shared(self, name: Name, pods: Sequence[NameLine]) -> NameLine:
        """``pods``: the lines of those that share it."""
        heard = self.heard[name]
        verdict = _verdict(name, heard)
        if verdict is NameVerdict.MISSING and not self.positions and not name.records and self.expected.service is not None:
            verdict = NameVerdict.ABSENT
        well = verdict in (NameVerdict.RIGHT, NameVerdict.ABSENT)
        return NameLine(
            name=name,
            verdict=verdict,
            finding=None if well else next(self._shared_findings(name, heard, pods), None),
            heard=heard,
            entries=self._entries_of(name),
        )

    def _shared_findings(self, name: Name, heard: Sequence[Heard], pods: Sequence[NameLine]) -> Iterator[NameFinding]:
        yield from self.common
        yield from (each for each in self.ports_not_found if each.detail == name.port)
        if not name.pod:
            yield from self.left_over
        for line in pods:
            yield from _findings([link for link in line.links if link.check is Check.SLICE])
        if not name.records:
            yield from (line.finding for line in pods if line.finding is not None)
        yield from self._faults(name, heard)

    @cached_property
    def ports_not_found(self) -> tuple[NameFinding, ...]:
        """Ports that are named in pods, and a pod that has none of that name: the controller of EndpointSlices leaves the port
        out (getEndpointPorts in k8s.io/endpointslice), so that SRV records lack the pod. That is no fault of a name: while a
        rollout brings the port, it is so of every pod of before."""
        service = self.expected.service
        ports = service.spec.ports if service is not None and service.spec.selector else ()
        found = ((port, self._lacking(port)) for port in ports if port.name and isinstance(port.target_port, str))
        return tuple(
            NameFinding(reason=Reason.PORT_NOT_IN_POD, subject=pod, detail=f"{port.name}/{port.protocol}")
            for port, pod in found
            if pod
        )

    def _lacking(self, port: ServicePort) -> str:
        """The first pod that has slices, of which none has the port; empty: none."""
        for position in self.expected.positions:
            if self.entries is None or position.pod is None:
                continue
            held = self.entries.about(position.name, position.pod)
            named = ((name, protocol) for entry in held for name, protocol, _ in entry.ports)
            if held and (port.name, port.protocol) not in named:
                return position.name
        return ""

    @cached_property
    def common(self) -> tuple[NameFinding, ...]:
        """The reasons why names fail that hold for every pod, whichever it is."""
        first = slots_of(self.network.set).slot(0)
        nobody = Position(ordinal=first.ordinal, name=first.name, pod=None)
        return tuple(_findings([link for link in self._chain(nobody).links() if link.check in _COMMON]))

    @cached_property
    def left_over(self) -> tuple[NameFinding, ...]:
        """What slices hold of pods of no position."""
        living = {pod.name for pod in self.network.pods or ()}
        return tuple(
            not_withdrawn(entry)
            for entry in self.entries or ()
            if entry.ready and self.network.pods is not None and is_left_over(entry, self.network.set.name, living)
        )

    def _entries_of(self, name: Name) -> tuple[EndpointEntry, ...] | None:
        if self.entries is None:
            return None
        return self.entries.about(name.pod, self.positions[name.pod].pod) if name.pod else self.entries.all()


def _unserved(heard: Sequence[Heard]) -> NameFinding | None:
    """Whether no pod gets the answers that we do: where no DNS pod that was asked is Ready, their Service has no endpoint to
    lead to. A readiness probe that fails does not keep CoreDNS from answering whoever forwards a port to it."""
    asked = [each.hearing.server for each in _asked(heard)]
    if not asked or not all(server.unready for server in asked):
        return None
    return NameFinding(reason=Reason.SERVERS_NOT_READY, subject=label(asked[0]))


def _asked(heard: Sequence[Heard]) -> tuple[Heard, ...]:
    return tuple(each for each in heard if each.standing is not AnswerStanding.NOT_ASKED)


def _verdict(name: Name, heard: Sequence[Heard]) -> NameVerdict:
    if not name.expectations:
        return NameVerdict.MISSING  # without a Service there is no name to ask for
    if name.records is None:
        return NameVerdict.UNKNOWN
    standings = {each.standing for each in _asked(heard)}
    if not standings:
        return NameVerdict.NOT_RESOLVED
    if AnswerStanding.WRONG in standings:
        return NameVerdict.WRONG
    if standings & {AnswerStanding.MISSING, AnswerStanding.ABSENT}:
        return NameVerdict.MISSING
    right = standings == {AnswerStanding.RIGHT} and _unserved(heard) is None
    return NameVerdict.RIGHT if right else NameVerdict.FAILING


def _findings(links: Sequence[Link]) -> Iterator[NameFinding]:
    for link in links:
        if link.state is State.FAILED:
            yield from link.findings


def _first(links: Sequence[Link]) -> NameFinding | None:
    return next(_findings(links), None)


def _of_clients(settings: Settings | None, hearings: Sequence[ServerAnswers]) -> Iterator[NameFinding]:
    """What the servers' answers do not tell of those that pods get."""
    if settings is not None and any(hearing.answers for hearing in hearings):
        for plugin, line in settings.by_client:
            yield NameFinding(reason=Reason.WHO_ASKS, subject=plugin, detail=line)


def _remarks(network: Network, expected: Expected) -> Iterator[NameFinding]:
    """What is no fault but should be known of the set's Services."""
    service = expected.service
    if service is not None:
        if service.spec.type != "ExternalName" and not service.headless:
            yield NameFinding(reason=Reason.NOT_HEADLESS, subject=service.name, detail=service.spec.cluster_ip)
        elif service.headless and not service.spec.selector:
            yield NameFinding(reason=Reason.HAND_WRITTEN, subject=service.name)
        for port in service.spec.ports:
            if not port.name:
                yield NameFinding(reason=Reason.PORT_UNNAMED, subject=service.name, detail=f"{port.port}/{port.protocol}")
    pod = next((position.pod for position in expected.positions if position.pod is not None), None)
    labels = (pod or network.set.spec.template).metadata.labels
    for other in sorted(network.services or (), key=lambda each: each.name):
        chosen = other.spec.selector and all(labels.get(key) == value for key, value in other.spec.selector.items())
        if chosen and other.headless and other.name != network.set.spec.service_name:
            yield NameFinding(reason=Reason.OTHER_SERVICE, subject=other.name)


def _missing_rights(network: Network, hearings: Sequence[ServerAnswers]) -> tuple[tuple[str, str], ...]:
    lists = (
        (network.pods, "pods"),
        (network.services, "services"),
        (network.slices, "endpointslices.discovery.k8s.io"),
    )
    unread = [("list", resource) for found, resource in lists if found is None]
    return tuple(dict.fromkeys((*unread, *(each.missing_right for each in hearings if each.missing_right))))


def narrowed(expected: Expected, pods: Sequence[str]) -> Expected:
    """The expectations for these pods' names and addresses only; with none given, all."""
    if not pods:
        return expected
    return msgspec.structs.replace(expected, names=tuple(name for name in expected.names if name.pod in pods))
