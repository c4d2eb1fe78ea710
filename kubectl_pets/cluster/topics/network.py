"""A set and what its pods' names come from: read once, or kept up to date by watches.

Services and EndpointSlices are read from the whole namespace: which of them have to do with the set is the domain's to say.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from kubectl_pets.cluster.http.together import together
from kubectl_pets.cluster.objects.endpoints import SERVICES, SLICES
from kubectl_pets.cluster.objects.kinds import PODS, selector_text, sets_of
from kubectl_pets.cluster.objects.lists import Reader, Scope
from kubectl_pets.cluster.objects.watches import Follower
from kubectl_pets.cluster.topics.sets import items, missing
from kubectl_pets.cluster.topics.watched_sets import OneSet
from kubectl_pets.domain.dns.network import Network
from kubectl_pets.domain.model import LabelSelector, Pod, SetView, StatefulSet
from kubectl_pets.domain.sets.grouping import selector_of
from kubectl_pets.domain.sets.kinds import APPS_SET, SetKind
from kubectl_pets.domain.sets.named import named
from kubectl_pets.errors import NotFoundError


def network(reader: Reader, namespace: str, name: str, kind: SetKind = APPS_SET) -> Network:
    """Raises NotFoundError that says what there is instead of such a set."""
    try:
        found = reader.one(sets_of(kind), namespace, name)
    except NotFoundError:
        raise missing(reader, namespace, name, kind) from None
    own = Scope(namespace=namespace, labels=selector_text(selector_of(found)))
    everything = Scope(namespace=namespace)
    # The slices last: one that is older than the pods would look as if it lagged behind them.
    pods, services = together([items(reader, PODS, own), items(reader, SERVICES, everything)])
    return _told(Network(set=found, pods=pods, services=services, slices=items(reader, SLICES, everything)()))


def _told(found: Network) -> Network:
    """With the set and its pods as ``named`` has them."""
    view = named(SetView(set=found.set, pods=found.pods))
    return found if view.set is found.set or view.set is None else replace(found, set=view.set, pods=view.pods)


class WatchedNetwork(OneSet[Network]):
    """As ``ports.dns.NetworkSource``. Raises NotFoundError where there is no such set to begin with."""

    _pods: Follower[Pod]

    def _prime_rest(self) -> None:
        everything = Scope(namespace=self._namespace)
        self._services = self._follower(SERVICES, everything)
        self._slices = self._follower(SLICES, everything)
        together([each.prime for each in (self._pods, self._services, self._slices)])

    def latest(self) -> Network:
        with self._board.condition:
            if self._board.failure is None and self._set() is None:
                self._seen = self._board.changes
                raise NotFoundError(f"StatefulSet {self._name} was deleted")
        return super().latest()

    def learn(self, item: StatefulSet | Pod) -> None:
        """Nothing is changed while names are looked at."""

    def _select(self, selector: LabelSelector) -> None:
        self._pods = self._follower(PODS, Scope(namespace=self._namespace, labels=selector_text(selector)))

    def _selected(self) -> Iterable[Follower[Pod]]:
        return (self._pods,)

    def _composed(self) -> Network | None:
        found, pods, services, slices = self._set(), self._pods.store, self._services.store, self._slices.store
        if found is None or not (pods.synced and services.synced and slices.synced):
            return None
        return _told(Network(set=found, pods=pods.items, services=services.items, slices=slices.items))
