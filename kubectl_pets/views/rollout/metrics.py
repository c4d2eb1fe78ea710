"""``list -o openmetrics``: what a scrape would show, for the textfile collector of Prometheus' node exporter.

OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/), and of that only what the older format has too, for
that is what the collector reads: gauges, and a comment at the end. What is not known has no sample: a number that stands in for
it would be taken for one that was counted.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from kubectl_pets.domain.rollout.causes import alike
from kubectl_pets.domain.rollout.ranking import in_order, is_problem
from kubectl_pets.domain.rollout.verdict import Assessment, Cause, Phase

_PREFIX = "kubectl_pets_"

#: Name, what it says.
_GAUGES = (
    ("replicas", "Pods that the set is to have."),
    ("ready", "Pods that are Ready."),
    ("available", "Pods that are available."),
    ("updated", "Pods of the wanted revision."),
    ("partition", "The partition of its update strategy."),
    ("partition_left_over", "1: a partition is left over and holds back the next change."),
    ("problem", "1: somebody has to look at it: stuck, failing, unknown, or with a partition left over."),
)


def draw(seen: Iterable[Assessment], now: datetime, *, not_read: Sequence[str] = ()) -> str:
    """All samples, sorted by name. ``not_read``: resources of which there may be more sets."""
    ordered = in_order(seen)
    lines = [*_phases(ordered), *_blocked(ordered)]
    for name, about in _GAUGES:
        lines += _head(name, "gauge", about)
        lines += [_sample(name, one, value) for one in ordered if (value := _value(name, one)) is not None]
    lines += _head("not_read", "gauge", "1: sets of this resource could not be read, so there may be more of them.")
    lines += [f'{_PREFIX}not_read{{resource="{_escaped(resource)}"}} 1' for resource in not_read]
    lines += _head("looked_timestamp_seconds", "gauge", "When all this was so, by the API server's clock.")
    lines.append(f"{_PREFIX}looked_timestamp_seconds {now.timestamp():.3f}")
    return "\n".join([*lines, "# EOF"])


def _phases(ordered: Sequence[Assessment]) -> Iterator[str]:
    """Every phase of every set, so that one that has passed is 0 and does not linger."""
    yield from _head("phase", "gauge", "Where the rollout stands; one phase is 1.")
    for one in ordered:
        for phase in Phase:
            yield _sample("phase", one, int(one.phase is phase), phase=phase.value)


def _blocked(ordered: Sequence[Assessment]) -> Iterator[str]:
    yield from _head("blocked_pods", "gauge", "Pods that are stuck or failing, by cause; 1 where it is the set itself.")
    for one in ordered:
        numbers: dict[str, int] = {}
        for same in alike((*one.blockers, *one.failing)):
            numbers[same.id] = numbers.get(same.id, 0) + max(1, len(same.pods))
        yield from (_sample("blocked_pods", one, number, cause=cause) for cause, number in sorted(numbers.items()))


def _value(name: str, one: Assessment) -> int | None:
    known = not any(found.cause is Cause.PODS_UNREADABLE for found in one.blockers)
    values = {
        "replicas": one.replicas,
        "ready": one.ready if known else None,
        "available": one.available if known else None,
        "updated": one.updated if known else None,
        "partition": one.partition,
        "partition_left_over": int(one.partition_left_over),
        "problem": int(is_problem(one)),
    }
    return values[name]


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {_PREFIX}{name} {about}"
    yield f"# TYPE {_PREFIX}{name} {kind}"


def _sample(name: str, one: Assessment, value: int, *, phase: str = "", cause: str = "") -> str:
    labels = {"namespace": one.namespace, "statefulset": one.name, "group": one.kind.group.value}
    labels |= {"phase": phase} if phase else {}
    labels |= {"cause": cause} if cause else {}
    return f"{_PREFIX}{name}{{{','.join(f'{key}={_quoted(text)}' for key, text in labels.items())}}} {value}"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """As both formats have it; names of sets never need it, but they come from outside."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
