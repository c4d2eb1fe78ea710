"""Which claims does somebody mean? All are judged first and narrowed then: what a selector leaves out is still evidence."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Protocol

import msgspec

from kubectl_pets.cli.names import TypedName
from kubectl_pets.domain.orphans.findings import CANDIDATES, ClaimVerdict, Class
from kubectl_pets.domain.orphans.inventory import LISTS, ClaimInventory
from kubectl_pets.domain.orphans.judging import judge
from kubectl_pets.errors import NotFoundError
from kubectl_pets.pasting import pets
from kubectl_pets.ports.claims import ClaimPort
from kubectl_pets.ports.server import ClockPort


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    #: None: all of them.
    namespace: str | None
    #: Each of the one namespace, where it does not name another; empty: whatever the rest of the selection says.
    names: tuple[TypedName, ...] = ()
    #: A label selector; empty: any labels.
    labels: str = ""
    #: Empty: all of them.
    classes: frozenset[Class] = frozenset()
    #: Known to be unused for so long.
    older_than: timedelta | None = None

    #: Of the unsure ones those that are no candidates even if all were read need not be told; but while a list of sets could not
    #: be read they are, for then nothing is certain.
    may_go: bool = False
    #: Read all that the class of any claim depends on, and not of candidates only.
    every_class: bool = False
    #: Custom resources that are left out, as somebody said: "reports.example.org" or "*.example.org".
    ignored_kinds: frozenset[str] = frozenset()


class SelectPort(ClaimPort, ClockPort, Protocol):
    """What it takes to judge claims."""


class Selected(msgspec.Struct, frozen=True):
    """The claims that are meant, judged; and those that were named but that the rest of the selection leaves out. ``unsure``:
    where none were named, those that might be meant if everything had been read."""

    chosen: tuple[ClaimVerdict, ...]
    left_out: tuple[ClaimVerdict, ...] = ()
    unsure: tuple[ClaimVerdict, ...] = ()


def select(cluster: SelectPort, selection: Selection, progress: Callable[[str], None]) -> Selected:
    """Claims that were named come in the order in which they were, others by name and ordinal. ``progress`` is told what is being
    read. Raises NotFoundError where a name is nobody's."""
    namespaces = dict.fromkeys(name.namespace or selection.namespace for name in selection.names) or {selection.namespace: None}
    judged = {namespace: _judged(cluster, namespace, selection, progress) for namespace in namespaces}
    progress("")
    chosen: list[ClaimVerdict] = []
    left_out: list[ClaimVerdict] = []
    for verdict in _in_question(judged, selection):
        labelled = judged[verdict.namespace if verdict.namespace in judged else selection.namespace][1]
        classed = not selection.classes or verdict.klass in selection.classes
        fits = classed and _is_old(verdict, selection, cluster) and _has_labels(verdict, labelled)
        (chosen if fits else left_out).append(verdict)
    if selection.names:
        return Selected(tuple(chosen), tuple(left_out))
    return Selected(tuple(chosen), unsure=tuple(each for each in left_out if _might_be_meant(each, selection)))


def _might_be_meant(verdict: ClaimVerdict, selection: Selection) -> bool:
    return not verdict.candidate and verdict.may_go and verdict.would_be in selection.classes


def _in_question(judged: "dict[str | None, _Judged]", selection: Selection) -> list[ClaimVerdict]:
    """The claims that were named, in that order; without names all, by name and ordinal."""
    if selection.names:
        places = dict.fromkeys((name.namespace or selection.namespace or "", name.name) for name in selection.names)
        return [_find(judged[namespace][0], name, namespace) for namespace, name in places]
    (verdicts, _), = judged.values()
    return sorted(verdicts, key=lambda verdict: (verdict.namespace, verdict.stem or verdict.name, verdict.ordinal or 0))


def no_such(name: str, namespace: str) -> NotFoundError:
    every = pets("orphans", "--all", namespace=namespace)
    return NotFoundError(f"no claim {name} in namespace {namespace}", hint=f"{every} lists every claim.")


_Judged = tuple[tuple[ClaimVerdict, ...], frozenset[tuple[str, str]] | None]


def _find(verdicts: Iterable[ClaimVerdict], name: str, namespace: str) -> ClaimVerdict:
    found = next((verdict for verdict in verdicts if (verdict.namespace, verdict.name) == (namespace, name)), None)
    if found is None:
        raise no_such(name, namespace)
    return found


def _judged(cluster: SelectPort, namespace: str | None, selection: Selection, progress: Callable[[str], None]) -> _Judged:
    """The verdicts of a namespace, and which of its claims have the labels that were asked for; None: no labels were."""
    estate = cluster.claim_inventory(
        namespace,
        every_class=selection.every_class,
        ignored_kinds=selection.ignored_kinds,
        only=frozenset(name.name for name in selection.names) or None,
        progress=progress,
    )
    selected = cluster.selected_claims(namespace, selection.labels) if selection.labels else None
    return judge(estate, cluster.now(), among=_in_reach(estate, selection)), selected


def _in_reach(estate: ClaimInventory, selection: Selection) -> frozenset[tuple[str, str]] | None:
    """The claims that may be chosen, by namespace and name, where the others need not be judged; None: all."""
    if selection.names or not selection.classes:
        return None
    blind = any(getattr(estate, row.field) is None for row in LISTS)
    only_candidates = selection.classes <= CANDIDATES or (selection.may_go and not blind)
    return estate.asked_about if only_candidates else None


def _has_labels(verdict: ClaimVerdict, selected: frozenset[tuple[str, str]] | None) -> bool:
    return selected is None or (verdict.namespace, verdict.name) in selected


def _is_old(verdict: ClaimVerdict, selection: Selection, clock: ClockPort) -> bool:
    age, since = selection.older_than, verdict.unused_since
    return age is None or (since is not None and clock.now() - since >= age)
