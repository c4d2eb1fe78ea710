"""Names as they are typed: ``NAME``, ``KIND/NAME``, or ``NAMESPACE/NAME`` as this program prints claims and sets.

One parser for every verb, because the cost of a wrong guess is somebody else's object: a kind that is not the verb's is an error
and never thrown away, and a namespace that was typed is the one that is meant, whatever ``-n`` says.
"""

import re
from collections.abc import Iterable

import msgspec

from kubectl_pets.errors import UsageError

#: RFC 1123: what a namespace is called; and an object, in up to 253 characters.
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class Kind(msgspec.Struct, frozen=True):
    """A kind that names can be of. ``words``: how it may be typed; ``short``: as in examples."""

    words: frozenset[str]
    title: str
    short: str


def _kind(title: str, short: str, plural: str, *more: str) -> Kind:
    return Kind(frozenset({title.lower(), short, plural, *more}), title, short)


SET = _kind("StatefulSet", "sts", "statefulsets", "statefulset.apps", "statefulsets.apps", "statefulsets.v1.apps")
CLAIM = _kind("PersistentVolumeClaim", "pvc", "persistentvolumeclaims", "persistentvolumeclaims.v1.", "pvcs")
VOLUME = _kind("PersistentVolume", "pv", "persistentvolumes", "persistentvolumes.v1.", "pvs")
POD = _kind("Pod", "po", "pods", "pods.v1.")

#: Other words that are kinds and no namespaces, as kubectl knows them.
_OTHERS = (
    "all bindings cm configmap configmaps controllerrevision controllerrevisions cronjob cronjobs cj daemonset daemonsets ds "
    "deploy deployment deployments endpoints ep endpointslice endpointslices ev event events horizontalpodautoscaler "
    "horizontalpodautoscalers hpa ing ingress ingresses job jobs lease leases limitrange limitranges limits namespace namespaces "
    "ns networkpolicies networkpolicy netpol no node nodes pdb poddisruptionbudget poddisruptionbudgets podtemplate podtemplates "
    "quota rc replicationcontroller replicationcontrollers replicaset replicasets resourcequota resourcequotas role rolebinding "
    "rolebindings roles rs sa sc secret secrets service serviceaccount serviceaccounts services storageclass storageclasses svc "
    "volumeattachment volumeattachments volumesnapshot volumesnapshots vs "
    "instanceset instancesets podcliqueset podcliquesets strimzipodset strimzipodsets uniteddeployment uniteddeployments"
)
_KINDS = frozenset(_OTHERS.split()) | SET.words | CLAIM.words | VOLUME.words | POD.words


class TypedName(msgspec.Struct, frozen=True):
    """``namespace`` empty: none was typed. ``kind`` None: none was typed, either."""

    name: str
    namespace: str = ""
    kind: Kind | None = None


def parse(text: str, *kinds: Kind, namespaced: bool = True) -> TypedName:
    """``text`` as the name of an object of one of these ``kinds``. Raises UsageError for all else."""
    head, slash, name = text.partition("/")
    if not slash:
        return TypedName(_checked(head, text, kinds))
    kind = next((each for each in kinds if head.lower() in each.words), None)
    if kind is not None:
        return TypedName(_checked(name, text, (kind,)), kind=kind)
    wanted = kinds[0]
    if is_kind(head):
        hint = f"Give NAME or {wanted.short}/NAME; a namespace that is called so goes with -n {head}."
        raise UsageError(f"'{text}' is not a {_titles(kinds)}.", hint=hint)
    if not namespaced or not is_namespace(head):
        raise UsageError(f"'{text}' cannot be the name of a {_titles(kinds)}.", hint=f"Give NAME or {wanted.short}/NAME.")
    return TypedName(_checked(name, text, kinds), namespace=head)


def in_namespace(text: str) -> tuple[str, str]:
    """Namespace and rest of what has all three parts, as ``-A -o name`` prints it (``prod/statefulset.apps/web``); else an empty
    one and all of it."""
    namespace, _, rest = text.partition("/")
    return (namespace, rest) if "/" in rest and is_namespace(namespace) and not is_kind(namespace) else ("", text)


def is_kind(word: str) -> bool:
    """Whether kubectl takes the word for a kind."""
    return word.lower() in _KINDS


def is_namespace(text: str) -> bool:
    """Whether a namespace can be called so (a DNS label, RFC 1123)."""
    return _LABEL.fullmatch(text) is not None


def _checked(name: str, text: str, kinds: Iterable[Kind]) -> str:
    if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        raise UsageError(f"'{text}' cannot be the name of a {_titles(kinds)}: it is no DNS subdomain (RFC 1123).")
    return name


def _titles(kinds: Iterable[Kind]) -> str:
    return " or ".join(kind.title for kind in kinds)
