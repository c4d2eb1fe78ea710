"""PETS805: what the API server refuses of a StatefulSet's manifest, and whoever reads it sees without a server.

The rules are those of apps/v1 (ValidateStatefulSetSpec in pkg/apis/apps/validation), as far as they are about the set and about
what its pods mount; of the rest of a pod template the server knows more. It is read as it is stated: null is unset, and what is
unset gets the default. ``revisionHistoryLimit`` is not among them: the server takes any. A maxUnavailable is refused only where
the field is known; which servers drop it is told with it.
"""

import re
from collections.abc import Iterator
from enum import StrEnum, unique
from itertools import chain
from typing import Any

from kubectl_pets.domain.doctor.case import Case, Judgement, check
from kubectl_pets.domain.findings import Finding, Rule
from kubectl_pets.domain.model import LabelSelectorRequirement
from kubectl_pets.domain.rollout.assessing import drops_max_unavailable
from kubectl_pets.domain.sets.kinds import APPS_SET

_PERCENT = re.compile("[0-9]+%")
_DNS_LABEL = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
#: The first server for which that is known: 1.30 takes any serviceName.
_SERVICE_NAMES_CHECKED = (1, 34, 0)
_INT32 = 2**31 - 1

#: By their path in the spec, the fields of which the API server takes these words only; empty means the default.
_WORDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("podManagementPolicy",): ("OrderedReady", "Parallel"),
    # Recreate (KEP-3541) is for servers that know it.
    ("updateStrategy", "type"): ("RollingUpdate", "OnDelete", "Recreate"),
    ("persistentVolumeClaimRetentionPolicy", "whenDeleted"): ("Retain", "Delete"),
    ("persistentVolumeClaimRetentionPolicy", "whenScaled"): ("Retain", "Delete"),
    ("template", "spec", "restartPolicy"): ("Always",),
}

_NOT_NEGATIVE = (
    ("replicas",), ("minReadySeconds",), ("ordinals", "start"), ("updateStrategy", "rollingUpdate", "partition"),
)  # fmt: skip

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


@unique
class Fault(StrEnum):
    """Why a value is refused; the first of a finding's names. The others are told with it."""

    OUT_OF_RANGE = "out-of-range"  #: ``detail``: the value
    #: maxUnavailable, neither a number from 1 on nor 1% to 100%; ``detail``: the value
    NO_SHARE = "no-share"
    NO_LABEL = "no-label"  #: not the name of a Service that can be; ``detail``: the value
    NO_SUCH_WORD = "no-such-word"  #: ``detail``: the value; names: what there is
    MISSING = "missing"
    NOT_ALLOWED = "not-allowed"  #: names: the field beside which it may not be; none: never
    SELECTOR_MISSES = "selector-misses"  #: the selector does not match the template's labels
    NO_VALUES = "no-values"  #: of a selector's expression; names: its operator
    VALUES = "values"  #: the same, where there are some and may be none
    NO_VOLUME = "no-volume"  #: names: the volume


#: The field, what is wrong with it, the value as it stands there, and what is told besides.
_Refusal = tuple[str, Fault, str, tuple[str, ...]]


@check(Rule.MANIFEST_REFUSED, "sets", told=lambda case: case.stated is not None)
def manifest_refused(case: Case) -> Judgement:
    """A value in the manifest that the API server does not take, so that nothing of it is applied: a chart renders it, and the
    pipeline fails at the cluster. Judged of manifests only, because a set in a cluster has been taken."""
    if case.stated is None or case.kind is not APPS_SET:
        return
    spec = _within(case.stated, "spec")
    refusals = [_of_numbers(spec), _of_words(spec)]
    if not drops_max_unavailable(case.estate.server):
        refusals.append(_of_share(spec))
    if not _is_patch(spec):
        refusals += [_of_service(case), _of_selector(case), _of_pods(spec), _of_claims(spec)]
    for field, fault, detail, names in chain.from_iterable(refusals):
        names = (fault.value, *names)
        yield Finding(rule=Rule.MANIFEST_REFUSED, subject=case.subject, names=names, detail=detail, field=f"spec.{field}")


def _is_patch(spec: dict[str, Any]) -> bool:
    """Whether it is a part only, as the overlays of kustomize keep them beside each other in a folder: the rest of the set, its
    selector and the labels of its pods among it, is in another file, and nobody applies this one alone."""
    return "selector" not in spec and not _at(spec, ("template", "metadata", "labels"))


def _of_numbers(spec: dict[str, Any]) -> Iterator[_Refusal]:
    for path in _NOT_NEGATIVE:
        value = _at(spec, path)
        if isinstance(value, int) and not 0 <= value <= _INT32:
            yield ".".join(path), Fault.OUT_OF_RANGE, str(value), ()


def _of_share(spec: dict[str, Any]) -> Iterator[_Refusal]:
    share = _at(spec, ("updateStrategy", "rollingUpdate", "maxUnavailable"))
    if share is not None and not _is_share(share):
        yield "updateStrategy.rollingUpdate.maxUnavailable", Fault.NO_SHARE, str(share), ()


def _is_share(value: Any) -> bool:
    """ValidatePositiveIntOrPercent, IsNotMoreThan100Percent, and not 0."""
    if isinstance(value, str):
        return _PERCENT.fullmatch(value) is not None and 1 <= int(value[:-1]) <= 100
    return isinstance(value, int) and 1 <= value <= _INT32


def _of_words(spec: dict[str, Any]) -> Iterator[_Refusal]:
    for path, known in _WORDS.items():
        value = _at(spec, path)
        if value and value not in known:
            yield ".".join(path), Fault.NO_SUCH_WORD, str(value), known
    strategy = _within(spec, "updateStrategy")
    if strategy.get("type") in ("OnDelete", "Recreate") and "rollingUpdate" in strategy:
        yield "updateStrategy.rollingUpdate", Fault.NOT_ALLOWED, "", (f"type: {strategy['type']}",)
    if _at(spec, ("template", "spec", "activeDeadlineSeconds")) is not None:
        yield "template.spec.activeDeadlineSeconds", Fault.NOT_ALLOWED, "", ()


def _of_service(case: Case) -> Iterator[_Refusal]:
    """ValidateDNS1123Label, of a new set only: one that has such a name keeps it (AllowInvalidServiceName on update)."""
    name, release = case.owner.spec.service_name, case.estate.server.release() if case.estate.server is not None else None
    taken = case.owner.metadata.uid or (release is not None and release < _SERVICE_NAMES_CHECKED)
    if name and not taken and _DNS_LABEL.fullmatch(name) is None:
        yield "serviceName", Fault.NO_LABEL, name, ()


def _of_selector(case: Case) -> Iterator[_Refusal]:
    """An empty selector is invalid for a set, and one that its own template does not match makes pods that are not its own."""
    selector = case.owner.spec.selector
    if not selector.match_labels and not selector.match_expressions:
        yield "selector", Fault.MISSING, "", ()
        return
    wrong = [
        (f"selector.matchExpressions[{index}].{fault[0]}", *fault[1:])
        for index, each in enumerate(selector.match_expressions)
        if (fault := _of_expression(each)) is not None
    ]
    yield from wrong
    if not wrong and not selector.matches(case.owner.spec.template.metadata.labels):
        yield "template.metadata.labels", Fault.SELECTOR_MISSES, "", ()


def _of_expression(each: LabelSelectorRequirement) -> _Refusal | None:
    if each.operator not in _OPERATORS:
        return "operator", Fault.NO_SUCH_WORD, each.operator, _OPERATORS
    takes_values = each.operator in ("In", "NotIn")
    if takes_values == bool(each.values):
        return None
    return "values", Fault.NO_VALUES if takes_values else Fault.VALUES, "", (each.operator,)


def _of_pods(spec: dict[str, Any]) -> Iterator[_Refusal]:
    """A pod has to have a container, and mounts what it has: its volumes, and one for each claim template."""
    pod = _within(_within(spec, "template"), "spec")
    if not _objects(pod, "containers"):
        yield "template.spec.containers", Fault.MISSING, "", ()
    known = {each.get("name") for each in _objects(pod, "volumes")}
    known |= {_within(each, "metadata").get("name") for each in _objects(spec, "volumeClaimTemplates")}
    for where in ("initContainers", "containers"):
        for number, container in enumerate(_objects(pod, where)):
            for index, mount in enumerate(_objects(container, "volumeMounts")):
                if mount.get("name") and mount["name"] not in known:
                    field = f"template.spec.{where}[{number}].volumeMounts[{index}].name"
                    yield field, Fault.NO_VOLUME, "", (str(mount["name"]),)


def _of_claims(spec: dict[str, Any]) -> Iterator[_Refusal]:
    """ValidatePersistentVolumeClaimSpec: how it is to be accessed, and how large it is to be."""
    for index, each in enumerate(_objects(spec, "volumeClaimTemplates")):
        claim = _within(each, "spec")
        if not claim.get("accessModes"):
            yield f"volumeClaimTemplates[{index}].spec.accessModes", Fault.MISSING, "", ()
        if not _at(claim, ("resources", "requests", "storage")):
            yield f"volumeClaimTemplates[{index}].spec.resources.requests.storage", Fault.MISSING, "", ()


def _at(value: dict[str, Any], path: tuple[str, ...]) -> Any:
    """What stands there; None: nothing does."""
    *outer, last = path
    for key in outer:
        value = _within(value, key)
    return value.get(last)


def _within(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _objects(value: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = value.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


CHECKS = (manifest_refused,)
