"""From which nodes can a volume be reached? By its node affinity (core/v1 VolumeNodeAffinity), as local ones have it."""

from collections.abc import Mapping

from kubectl_pets.domain.orphans.inventory import PersistentVolume


def unreachable(volume: PersistentVolume, nodes: Mapping[str, Mapping[str, str]]) -> str | None:
    """What the volume asks of a node where none of those that there are fits (kubernetes/kubernetes#97386); None: one does, or
    nothing is asked that is understood here. ``nodes``: the labels of all, by name; cordoned ones count as there, for that is
    somebody's doing, and passes."""
    terms = _terms(volume)
    fits = any(_fits(term, labels, name) for term in terms for name, labels in nodes.items())
    return None if not terms or fits else _told(terms[0])


_Term = list[tuple[str, str, tuple[str, ...], bool]]


def _terms(volume: PersistentVolume) -> list[_Term]:
    """(key, operator, values, of a field) of each term of ``spec.nodeAffinity.required``; empty where it has another shape."""
    required = (volume.spec.node_affinity or {}).get("required")
    found: list[_Term] = []
    for term in (required.get("nodeSelectorTerms") or ()) if isinstance(required, dict) else ():
        if not isinstance(term, dict):
            return []
        wanted: _Term = []
        for kind in ("matchExpressions", "matchFields"):
            for each in term.get(kind) or ():
                if not isinstance(each, dict):
                    return []
                values = tuple(str(value) for value in each.get("values") or ())
                wanted.append((str(each.get("key")), str(each.get("operator")), values, kind == "matchFields"))
        found.append(wanted)
    return found


def _fits(term: _Term, labels: Mapping[str, str], name: str) -> bool:
    """core/v1 NodeSelectorTerm; an empty one matches nothing, and an operator that is not known counts as fitting."""
    return bool(term) and all(
        _holds(name if field else labels.get(key), operator, values) for key, operator, values, field in term
    )


def _holds(value: str | None, operator: str, values: tuple[str, ...]) -> bool:
    match operator:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return True


def _told(term: _Term) -> str:
    return ", ".join(f"{key} {operator} {'|'.join(values)}".rstrip() for key, operator, values, _ in term)
