"""Looks at the names of one StatefulSet: reads what they are made of, asks the DNS servers, and has it judged; once, or until all
of them resolve.

While it is watched, the API server's changes wake it, and once a second it asks again, because servers forget what they cached
without a word. Before everything is called right, all of it is read and asked once more.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from kubectl_pets.domain.dns.answers import ClientView
from kubectl_pets.domain.dns.clients import looks_through_cache, spellings
from kubectl_pets.domain.dns.grouped import parts_of
from kubectl_pets.domain.dns.names import Name, NameKind, positions_of
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.dns.reasons import Diagnosis, NameFinding, Reason
from kubectl_pets.domain.dns.zones import Zone, ZoneSource, cluster_zone
from kubectl_pets.domain.rollout.members import own_pods
from kubectl_pets.domain.sets.kinds import Capability, SetRef, kind_of
from kubectl_pets.domain.sets.slots import slots_of
from kubectl_pets.errors import NotFoundError, PetsError, UsageError
from kubectl_pets.flows.engine.choosing import at
from kubectl_pets.flows.engine.deadline import Deadline
from kubectl_pets.flows.engine.names import look_at_names, read_settings
from kubectl_pets.flows.engine.waiting import Unended, until
from kubectl_pets.pasting import kubectl
from kubectl_pets.ports.dns import DnsWhere, Resolver
from kubectl_pets.session import Session

#: Seconds between two rounds of questions.
_INTERVAL = 1.0


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for on the command line."""

    set: SetRef
    #: Names or ordinals as typed; empty: all.
    pods: tuple[str, ...] = ()
    where: DnsWhere = DnsWhere()
    #: Empty: found out.
    zone: str = ""
    #: "POD" or "NAMESPACE/POD" to look from.
    client: str = ""


class NamesFrame(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to show right now. ``after``: by name, how long it took to become right; None: not yet."""

    seen: Diagnosis
    after: dict[str, timedelta | None]
    now: datetime
    #: What keeps us from the API server at the moment, in words.
    trouble: str | None = None


def look(session: Session, aim: Aim) -> Diagnosis:
    """The diagnosis of the names from one look. Raises PetsError."""
    with session.cluster.resolver(aim.where) as resolver:
        return _Looker(session, aim, resolver).look(session.cluster.network(at(session, aim.set), aim.set.name, aim.set.kind))


def watch(session: Session, aim: Aim, deadline: Deadline, observe: Callable[[NamesFrame], None]) -> tuple[Diagnosis, bool]:
    """Look again and again until everything is right, nobody else may be asked, or time is over (then the second value is True).
    Failures that pass are waited out. Raises PetsError for what lasts."""
    cluster, namespace = session.cluster, at(session, aim.set)
    with cluster.resolver(aim.where) as resolver, cluster.watch_network(namespace, aim.set.name, aim.set.kind) as source:
        looker, stopwatch = _Looker(session, aim, resolver), _Stopwatch(session.now())
        frame: NamesFrame | None = None

        def troubled(failure: PetsError) -> None:
            if frame is not None:
                observe(msgspec.structs.replace(frame, trouble=failure.message))

        def look_again() -> Diagnosis | None:
            nonlocal frame
            seen = looker.look(source.latest())
            if seen.right:
                seen = looker.look(cluster.network(namespace, aim.set.name, aim.set.kind))
            now = session.now()
            frame = NamesFrame(seen=seen, after=stopwatch.taken(seen, now), now=now, trouble=source.trouble())
            observe(frame)
            return seen if seen.right or _is_hopeless(seen) else None

        found = until(look_again, deadline=deadline, every=_INTERVAL, wait=source.wait, troubled=troubled)
        if not isinstance(found, Unended):
            return found, False
        assert frame is not None  # it was late after a look
        return frame.seen, True


def _is_hopeless(seen: Diagnosis) -> bool:
    """Neither a missing right nor the name of a Service comes by waiting; what the servers that may be asked answer does."""
    left = len(seen.unasked) < len(seen.hearings) and not seen.right_where_asked
    return seen.unnamed or (bool(seen.unasked) and not left)


class _Stopwatch:
    """How long each name took, from the beginning of the watch, or from when it was last right, until it is right."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._waiting: dict[str, datetime] = {}
        self._after: dict[str, timedelta | None] = {}

    def taken(self, seen: Diagnosis, now: datetime) -> dict[str, timedelta | None]:
        known = self._after
        self._after = {}
        for line in seen.lines:
            name = line.name.name
            if not line.right:
                self._waiting.setdefault(name, now if name in known else self._began)
                self._after[name] = None
            elif name in self._waiting:
                self._after[name] = now - self._waiting.pop(name)
            else:
                self._after[name] = known.get(name, timedelta(0))
        return dict(self._after)


class _Looker:
    """Asks and has judged; what does not change meanwhile is read once."""

    def __init__(self, session: Session, aim: Aim, resolver: Resolver) -> None:
        self._session, self._aim, self._resolver = session, aim, resolver
        self._resolv_conf = self._read_resolv_conf()
        sure = cluster_zone(aim.zone, None, self._resolv_conf)
        known = sure.name if sure.source is not ZoneSource.DEFAULT else ""
        self._caches = self._read_caches()
        self._view: ClientView | None = None
        self._settings = read_settings(session.cluster, aim.where, known)

    def look(self, network: Network) -> Diagnosis:
        zone = cluster_zone(self._aim.zone, self._settings, self._resolv_conf)
        chosen = _chosen(network, self._aim.pods)
        seen = look_at_names(
            self._session.cluster, self._resolver, network, zone, self._settings, chosen=chosen, views=self._views(network)
        )
        return msgspec.structs.replace(seen, remarks=(*seen.remarks, *self._about_caches(zone)))

    def _read_caches(self) -> str:
        """Who stands between pods and the servers that are asked; whoever names the servers knows whom they ask."""
        where = self._aim.where
        return "" if where.server or where.selector else self._session.cluster.node_cache()

    def _about_caches(self, zone: Zone) -> tuple[NameFinding, ...]:
        if not self._caches:
            return ()
        if self._view is not None and looks_through_cache(self._view, zone):
            return (NameFinding(reason=Reason.NODE_CACHES_ELSEWHERE, subject=self._view.pod, detail=self._caches),)
        return (NameFinding(reason=Reason.NODE_CACHE_UNASKED, detail=self._caches),)

    def _views(self, network: Network) -> Callable[[Sequence[Name]], tuple[ClientView, ...]]:
        """What the pod that is looked from sees of the pods' names; nothing where there is none."""

        def seen(names: Sequence[Name]) -> tuple[ClientView, ...]:
            if not self._aim.client:
                return ()
            pods = [name for name in names if name.kind is NameKind.POD and name.name]
            self._view = self._from_client([spelling for name in pods for spelling in spellings(name, network.set.namespace)])
            return (self._view,)

        return seen

    def _read_resolv_conf(self) -> str | None:
        if not self._aim.client or self._aim.zone:
            return None
        return self._from_client(()).resolv_conf

    def _from_client(self, names: Sequence[str]) -> ClientView:
        namespace, _, pod = self._aim.client.rpartition("/")
        if namespace in ("", "pod", "pods", "po"):
            namespace = at(self._session, self._aim.set)
        try:
            return self._session.cluster.look_from(namespace, pod, names)
        except NotFoundError as error:
            hint = kubectl("get", "pods", namespace=namespace)
            raise NotFoundError(f"there is no pod {pod} in namespace {namespace} to look from (--from)", hint=hint) from error


def _chosen(network: Network, typed: Sequence[str]) -> tuple[str, ...]:
    """The names of the pods that were typed by name, as ``pod/NAME``, or by ordinal."""
    owner = network.set
    known = {position.name: position for part in parts_of(network) for position in positions_of(part)}
    chosen = []
    for word in typed:
        bare = word.rpartition("/")[2]
        name = f"{owner.name}-{int(bare)}" if bare.isascii() and bare.isdigit() and len(bare) < 10 else bare
        if name not in known:
            if Capability.GROUPS in kind_of(owner).can:
                raise UsageError(f"{owner.name} has no pod '{word}': it has {', '.join(list(known)[:3]) or 'no pods'}, ...")
            slots = slots_of(owner, own_pods(owner, network.pods))
            has = f"ordinals {slots.ordinal(0)} to {slots.ordinal(len(slots) - 1)}" if len(slots) else "no pods"
            raise UsageError(f"{owner.name} has no pod '{word}': it has {has}.")
        chosen.append(name)
    return tuple(dict.fromkeys(chosen))
