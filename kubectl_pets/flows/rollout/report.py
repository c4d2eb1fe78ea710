"""What happened in a rollout: everything that remembers it is read once, and told."""

from typing import Protocol

from kubectl_pets.domain.model import Event
from kubectl_pets.domain.rollout.containers import StuckAfter
from kubectl_pets.domain.rollout.history import entries, find, ran_last
from kubectl_pets.domain.rollout.report import RolloutReport, report
from kubectl_pets.errors import NotFoundError
from kubectl_pets.flows.engine.inquiry import LookPort, judged
from kubectl_pets.pasting import pets
from kubectl_pets.ports.sets import HistoryPort, OwnershipPort, SetPort


class ReportPort(LookPort, SetPort, HistoryPort, OwnershipPort, Protocol):
    """What it takes."""

    def events(self, namespace: str | None) -> tuple[Event, ...] | None:
        """All of a namespace. None: may not be read."""


def reported(cluster: ReportPort, namespace: str, name: str, revision: str) -> RolloutReport:
    """The rollout of a revision, by number or name; empty: of the wanted one. Raises NotFoundError where there is no such set or
    revision, and PetsError for what may not be read and is not optional."""
    history = cluster.history(namespace, name)
    found = entries(history)
    entry = find(found, revision) if revision else next((each for each in found if each.update), None) or ran_last(found)
    if entry is None:
        known = ", ".join(str(each.number) for each in found) or "none yet"
        hint = f"there are: {known}; {pets('rollout history', name, namespace=namespace)} lists them."
        raise NotFoundError(f"{name} has no revision {revision or 'yet'}", hint=hint)
    view = cluster.set_view(namespace, name)
    seen = judged(cluster, view, StuckAfter())
    older = [each for each in found if each.number < entry.number]
    owner, events = cluster.fields_owner(namespace, name), cluster.events(namespace)
    return report(seen, view.pods, entry, older, owner, events, cluster.now())
