"""Which claims does somebody mean? All are judged first and narrowed then: what a selector leaves out is still evidence."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Protocol

import msgspec

from kubectl_pets.domain.orphans.findings import ClaimVerdict, Class
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.errors import NotFoundError
from kubectl_pets.ports.claims import ClaimPort
from kubectl_pets.ports.server import ClockPort


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    #: None: all of them.
    namespace: str | None
    #: Of the one namespace; empty: whatever the rest of the selection says.
    names: tuple[str, ...] = ()
    #: A label selector; empty: any labels.
    labels: str = ""
    #: Empty: all of them.
    classes: frozenset[Class] = frozenset()
    #: Known to be unused for so long.
    older_than: timedelta | None = None

    #: Read all that the class of any claim depends on, and not of candidates only.
    every_class: bool = False


class SelectPort(ClaimPort, ClockPort, Protocol):
    """What it takes to judge claims."""


def select(cluster: SelectPort, selection: Selection, progress: Callable[[str], None]) -> tuple[ClaimVerdict, ...]:
    """The claims that are meant, judged: those named in the order in which they were, others by name and ordinal. ``progress`` is
    told what is being read. Raises NotFoundError where a name is nobody's."""
    verdicts = _judged(cluster, selection, progress)
    if selection.names:
        return tuple(find(verdicts, name, selection.namespace or "") for name in dict.fromkeys(map(bare, selection.names)))
    found = [
        verdict
        for verdict in verdicts
        if (not selection.classes or verdict.klass in selection.classes) and _is_old(verdict, selection, cluster)
    ]
    return tuple(sorted(found, key=lambda verdict: (verdict.namespace, verdict.stem or verdict.name, verdict.ordinal or 0)))


def find(verdicts: Iterable[ClaimVerdict], name: str, namespace: str) -> ClaimVerdict:
    """The one of that name, which may be spelt ``pvc/NAME``."""
    found = next((verdict for verdict in verdicts if verdict.name == bare(name)), None)
    if found is None:
        raise no_such(name, namespace)
    return found


def bare(name: str) -> str:
    """``pvc/data-web-0`` is ``data-web-0``."""
    return name.rpartition("/")[2]


def no_such(name: str, namespace: str) -> NotFoundError:
    return NotFoundError(
        f"no claim {bare(name)} in namespace {namespace}", hint="kubectl pets orphans --all lists every claim."
    )


def _judged(cluster: SelectPort, selection: Selection, progress: Callable[[str], None]) -> tuple[ClaimVerdict, ...]:
    estate = cluster.claim_inventory(selection.namespace, every_class=selection.every_class, progress=progress)
    verdicts = judge(estate, cluster.now())
    if selection.labels:
        selected = cluster.selected_claims(selection.namespace, selection.labels)
        verdicts = tuple(verdict for verdict in verdicts if (verdict.namespace, verdict.name) in selected)
    progress("")
    return verdicts


def _is_old(verdict: ClaimVerdict, selection: Selection, clock: ClockPort) -> bool:
    age, since = selection.older_than, verdict.unused_since
    return age is None or (since is not None and since + age <= clock.now())
