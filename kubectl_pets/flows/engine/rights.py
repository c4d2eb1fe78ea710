"""Rights are asked for early, so that a verb does not stop half-way for one that is missing."""

from collections.abc import Mapping, Sequence

from kubectl_pets import pasting
from kubectl_pets.errors import ExitCode, ForbiddenError
from kubectl_pets.ports.server import RightsPort

#: Verb and resource: ("create", "pods/eviction"); and, where it is about these alone, the names of objects, for a role may be for
#: these only (RBAC resourceNames): ("patch", "statefulsets.apps", "web").
Right = tuple[str, ...]


def require(
    cluster: RightsPort, needed: Mapping[str, Sequence[Right]], *, code: ExitCode = ExitCode.FAILED
) -> None:
    """Ask whether the user has these rights, by namespace ("": in the whole cluster). Raises ForbiddenError with that exit code,
    which names all that are missing and how to check the first. An API server that cannot say counts as allowed."""
    lacking = {namespace: cluster.missing_rights(namespace, rights) for namespace, rights in needed.items() if rights}
    lacking = {namespace: missing for namespace, missing in lacking.items() if missing}
    if not lacking:
        return
    lacks = "; ".join(f"{_where(space)}: {', '.join(map(told, missing))}" for space, missing in lacking.items())
    namespace, missing = next(iter(lacking.items()))
    hint = _check(namespace, missing[0])
    error = ForbiddenError(f"this needs rights that are missing {lacks}. Nothing was changed.", hint=hint)
    error.exit_code = code
    raise error


def told(right: Right) -> str:
    """In words, without the objects that it is about."""
    return " ".join(right[:2])


def _where(namespace: str) -> str:
    return f"in namespace {namespace}" if namespace else "in the cluster"


def _check(namespace: str, right: Right) -> str:
    verb, resource, *names = right
    kind, _, subresource = resource.partition("/")
    narrowed = (f"--subresource={subresource}",) if subresource else ()
    what = f"{kind}/{names[0]}" if len(names) == 1 else kind
    return pasting.kubectl("auth", "can-i", verb, what, *narrowed, namespace=namespace)
